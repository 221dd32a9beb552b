/* Why a webhook was not told something, in one sentence. */
#pragma once

#include "api/words/language.h"

/* failure: as store/webhooks.h keeps it ("no_answer", "status 503"); NULL gives NULL. The caller
 * frees. */
char *webhook_failure_text(const char *failure, Language language);
