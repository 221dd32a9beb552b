/* The words of notices that their templates leave open, in both languages. Pure. */
#pragma once

#include "api/words/language.h"

/* Why mail did not go out, if no diagnosis says it. Static. */
const char *notices_text_reason(Language language);

/* "in 24 hours" */
const char *notices_text_period(gboolean is_hourly, Language language);
