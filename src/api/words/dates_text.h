/* The words about dates to mind, in both languages. Pure. */
#pragma once

#include "api/words/language.h"
#include "store/dates.h"

/* What the date means, and what to do: the sentence beside it on the page. Static, or the
 * provider's own. */
const char *dates_text(const DateAhead *date, Language language);

/* FALSE: no mail is written about it, since nothing ends. */
gboolean dates_text_is_told(const DateAhead *date);

/* For a mail about one that is told: what ends, and what to do then. */
typedef struct {
    char *what;                /* "The API token “Shop”"; the caller frees */
    const char *advice, *page; /* page: behind the public URL; static */
    gboolean is_day;           /* the hour of its end says nothing */
} DatesNotice;
DatesNotice dates_text_notice(const DateAhead *date, Language language);
