/* What outbox/explain.h has found out, said in one or two sentences a person understands. Never a
 * secret, and no subject. */
#pragma once

#include "api/words/language.h"
#include "outbox/explain.h"

typedef struct {
    const char *address; /* of the recipient it is about, if the email has several; else NULL */
    const char *meaning; /* of the last diagnosis, in that language; NULL: none */
    const char *sender;  /* the mail's, and */
    const char *allowed; /* the settings': for EXPLAIN_DEFERRED_SENDER, else NULL */
    WallMs own_at;       /* the mail's own time: scheduled or due; 0: none */
    GTimeZone *zone;     /* whose clock the times are told by; NULL: UTC, and it says so */
} ExplanationWords;

/* The caller frees. */
char *explanation_sentence(
    const Explanation *explanation, const ExplanationWords *words, Language language);

/* What a person could do. fix: what the diagnosis says, for EXPLAIN_CHANGE_FIX_CAUSE; NULL: none.
 * Lent until fix is freed. */
const char *explanation_change(ExplainChange change, const char *fix, Language language);

/* "24. Dezember 2026 um 18:05 Uhr (UTC)", "24 December 2026 at 18:05 (UTC)"; with a zone the time
 * there and nothing behind it. The caller frees. */
char *explanation_time(WallMs at, GTimeZone *zone, Language language);
