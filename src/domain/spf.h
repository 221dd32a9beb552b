/* SPF as a receiver evaluates it (RFC 7208): may this address send mail of this domain? And the
 * survey of a record: everything it refers to, what is wrong with it, and whether it contains a
 * given provider. Pure over DnsAnswers: while questions are open the result is not final. */
#pragma once

#include "base/dns.h"
#include "domain/spf_record.h"

typedef enum {
    SPF_RESULT_OPEN = 1, /* answers are missing */
    SPF_NONE,
    SPF_NEUTRAL,
    SPF_PASS,
    SPF_FAIL,
    SPF_SOFTFAIL,
    SPF_TEMPERROR,
    SPF_PERMERROR,
} SpfResult;
const char *spf_result_name(SpfResult result); /* "pass"; "open" */

typedef struct {
    DomainIp ip;
    const char *sender; /* "local@domain"; NULL: postmaster at the domain (RFC 7208 4.3) */
    const char *helo;   /* NULL: not known; a record that asks for it gives SPF_TEMPERROR */
} SpfClient;

/* check_host of RFC 7208 4: at most LIMIT_SPF_LOOKUPS terms that ask DNS, LIMIT_SPF_VOIDS of them
 * with nothing found. A record that is too long to be judged gives SPF_TEMPERROR. Explanations
 * (exp) are checked for syntax and not fetched. */
SpfResult spf_check(const SpfClient *client, const char *domain, DnsAnswers *answers);

/* --- The record of a domain ------------------------------------------------------------------ */

typedef enum {
    SPF_FIND_OPEN = 1,
    SPF_FIND_ONE,
    SPF_FIND_NONE,
    SPF_FIND_MANY,
    SPF_FIND_FAILED, /* DNS did not answer */
} SpfFind;

/* *texts: all that are meant as one (lent, as long as the answers); may be NULL. The caller unrefs.
 */
SpfFind spf_find(const char *domain, DnsAnswers *answers, GPtrArray **texts);

/* --- Survey ---------------------------------------------------------------------------------- */

typedef enum {
    /* permerror (RFC 7208 4.6, 5.2, 4.6.4): the record counts for nothing */
    SPF_FLAW_SYNTAX = 1,     /* term */
    SPF_FLAW_TARGET_NONE,    /* an include or redirect leads to a name without SPF record */
    SPF_FLAW_TARGET_MANY,    /* … with several */
    SPF_FLAW_LOOP,           /* … to itself */
    SPF_FLAW_TOO_MANY_HOSTS, /* more than ten MX hosts */
    /* merely worth knowing */
    SPF_FLAW_VOID,      /* a term whose name does not exist; three of them are permerror */
    SPF_FLAW_MACRO,     /* depends on the single mail: not judged */
    SPF_FLAW_PTR,       /* "do not use" (RFC 7208 5.5) */
    SPF_FLAW_TOO_LONG,  /* the record itself (no term): not judged */
    SPF_FLAW_UNREACHED, /* stands behind "all", or is a redirect beside it */
} SpfFlawKind;

typedef struct {
    SpfFlawKind kind;
    char *term;   /* as written; NULL: the whole record */
    char *domain; /* in whose record */
} SpfFlaw;

typedef struct {
    guint n_lookups;  /* when no term matches: the most a receiver needs */
    guint n_voids;    /* of them, with nothing found */
    GPtrArray *flaws; /* of SpfFlaw */
    char all;         /* the qualifier of "all" that ends it, redirect followed; 0: none */
    gboolean contains_provider;  /* the wanted include or redirect is reached with "+" */
    gboolean has_too_long;       /* some records were not judged */
    gboolean has_macros;         /* some terms could not be judged */
    gboolean is_open, is_failed; /* answers are missing; DNS did not answer */
    gboolean is_permerror;       /* by a flaw of the first kind or a limit */
} SpfSurvey;

/* Reads `text` as the record of `domain` and all it refers to. wanted: the host behind a provider's
 * "include:" or "redirect=", or NULL. Looks at no more than LIMIT_SPF_SURVEY terms. */
SpfSurvey *spf_survey(
    const char *text, const char *domain, const char *wanted, DnsAnswers *answers);
void spf_survey_free(SpfSurvey *survey);

/* The first address of each network, at most `most`, that the record of `domain` lists by ip4 and
 * ip6, includes followed: samples of DomainIp from where a provider sends. The caller unrefs. */
GArray *spf_samples(const char *domain, guint most, DnsAnswers *answers);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SpfSurvey, spf_survey_free)
