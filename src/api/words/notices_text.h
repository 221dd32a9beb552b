/* The words of notices that their templates leave open, in both languages. Pure. */
#pragma once

#include "api/words/language.h"

/* Why mail did not go out, if no diagnosis says it. Static. */
const char *notices_text_reason(Language language);

/* "in 24 hours" */
const char *notices_text_period(gboolean is_hourly, Language language);

/* What ends, and what to do then. */
typedef struct {
    char *what;                /* "The API token “Shop”"; the caller frees */
    const char *advice, *page; /* page: behind the public URL; static */
} NoticesDate;

/* kind: "token", "certificate"; name: the token's, or the server's. */
NoticesDate notices_text_date(const char *kind, const char *name, Language language);
