/* The domain check: what SPF, DKIM and DMARC say about mail that a provider sends for a domain, and
 * the one record that would mend each. Pure: it judges by the answers it is given and leaves open
 * questions in them; the API has those answered (net/dns.h) and lets it judge again until none is
 * left. It speaks in codes; the sentences are the API's (api/words/domain_text.h). */
#pragma once

#include "base/dns.h"
#include "domain/dkim.h"
#include "domain/say.h"

typedef enum {
    DOMAIN_GOOD = 1,
    DOMAIN_WARNING,
    DOMAIN_MISSING,
    DOMAIN_WRONG,
    DOMAIN_UNKNOWN, /* cannot be told: no answers, or nothing known about the provider */
} DomainVerdict;
const char *domain_verdict_name(DomainVerdict verdict); /* "good" */

typedef struct {
    const char *type; /* "TXT", "CNAME"; static */
    char *name;       /* in full: "_dmarc.example.de" */
    char *value;
    DomainNote *note;
} DomainProposal;

typedef struct {
    DomainVerdict verdict;
    char *record; /* as found, or NULL; several are joined by line feeds */
    DomainNote *text;
    GPtrArray *details;       /* of DomainNote */
    DomainProposal *proposal; /* or NULL */
} DomainPart;

typedef struct {
    char *selector;
    DkimKeyState state;
    DomainNote *detail;
} DomainSelector;

typedef struct {
    DomainPart spf, dkim, dmarc;
    GPtrArray *selectors;  /* of DomainSelector */
    const char *policy;    /* that counts for this domain: "reject"; NULL: none found; static */
    char *dmarc_at;        /* "_dmarc.example.de", or NULL */
    const char *alignment; /* "relaxed", "strict", "strict_spf", "strict_dkim"; NULL; static */
} DomainCheck;

/* A record of a provider's instructions. Parts in <angle brackets> are different for each customer;
 * <domain> and <domain-with-dashes> are filled in. */
typedef struct {
    const char *name, *type, *value;
} DomainRecord;

typedef struct {
    const char *domain;   /* a plain name, A-labels, lower case */
    const char *provider; /* the name of the one that sends, or NULL: not known */
    const char *owner;    /* whose own domain this is ("GMX" for gmx.de), or NULL: a customer's */
    gboolean is_own;      /* the owner is the one that sends */
    const char *spf_mechanism;    /* "include:…" or "redirect=…", or NULL: not known */
    gboolean is_spf_needed;       /* FALSE: mail leaves with the provider's own envelope sender */
    const char *const *selectors; /* NULL-terminated or NULL; those with "<" are skipped */
    const char *const *learned_selectors; /* from received mail; NULL-terminated or NULL */
    const char *made_up_selector; /* drawn at random, so that nobody can have a key under it: an
                                     answer is a wildcard's (RFC 4592); NULL: that is not tried */
    const char *const *learned_addresses; /* the same */
    const DomainRecord *dkim_records;
    guint n_dkim_records;
} DomainQuestion;

/* The caller frees. While answers->n_open is not 0 the parts concerned are DOMAIN_UNKNOWN. */
DomainCheck *domain_check(const DomainQuestion *question, DnsAnswers *answers);
void domain_check_free(DomainCheck *check);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomainCheck, domain_check_free)
