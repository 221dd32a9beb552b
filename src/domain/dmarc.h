/* DMARC (RFC 9989): the policy that counts for a domain, the organisational domain by the tree walk
 * that replaced the public suffix list, and alignment. Pure over DnsAnswers. */
#pragma once

#include "base/dns.h"

typedef enum {
    DMARC_POLICY_NONE = 1,
    DMARC_POLICY_QUARANTINE,
    DMARC_POLICY_REJECT,
} DmarcPolicy;
const char *dmarc_policy_name(DmarcPolicy policy); /* "none" */

/* Tags that a person may have to know about. */
typedef enum {
    DMARC_NOTE_TESTING = 1 << 0,       /* t=y: one step milder than it says (RFC 9989 4.7) */
    DMARC_NOTE_PCT = 1 << 1,           /* pct is history and ignored since RFC 9989 */
    DMARC_NOTE_NO_REPORTS = 1 << 2,    /* no rua */
    DMARC_NOTE_NO_POLICY = 1 << 3,     /* p missing or not known: counts as none */
    DMARC_NOTE_STRICT_DKIM = 1 << 4,   /* adkim=s */
    DMARC_NOTE_STRICT_SPF = 1 << 5,    /* aspf=s */
    DMARC_NOTE_FOREIGN_REPORT = 1 << 6 /* rua is no mailto: address */
} DmarcNote;

typedef struct {
    DmarcPolicy policy;      /* p */
    DmarcPolicy subdomain;   /* sp; p without one */
    DmarcPolicy nonexistent; /* np; sp, else p */
    char psd;                /* 'y', 'n', 'u' */
    guint notes;             /* DmarcNote */
} DmarcRecord;

/* FALSE: not a DMARC record ("v=DMARC1" must be the first tag, RFC 9989 4.7) or none that can be
 * read. */
gboolean dmarc_record_read(const char *text, DmarcRecord *record);

/* The domains beyond the organisational one to which its reports shall go ("rua=mailto:…@there",
 * RFC 9990 4), at most LIMIT_DMARC_REPORT_DOMAINS, NULL-terminated, each once, lower case. The
 * caller frees. */
char **dmarc_report_domains(const char *text, const char *organisation);

/* TRUE if a TXT record looks as if somebody meant one (any case, spaces). */
gboolean dmarc_record_is_meant(const char *text);

typedef enum {
    DMARC_OPEN = 1,
    DMARC_FOUND,
    DMARC_MISSING,
    DMARC_SEVERAL, /* several at one name: none of them counts (RFC 9989 4.10) */
    DMARC_BROKEN,  /* meant as one at the domain itself, but not readable */
    DMARC_FAILED,  /* DNS did not answer */
} DmarcState;

typedef struct {
    DmarcState state;
    DmarcRecord record;
    char *text;          /* the record as it stands; of DMARC_BROKEN as well; or NULL */
    char *at;            /* "_dmarc.example.de", where it stands; or NULL */
    char *organisation;  /* the organisational domain; the domain itself until it is known */
    DmarcPolicy applied; /* to mail from this very domain */
} DmarcFinding;

/* domain: a plain name, lower case. */
DmarcFinding *dmarc_find(const char *domain, DnsAnswers *answers);
void dmarc_finding_free(DmarcFinding *finding);

/* Is a domain that passed (d= of a signature, the envelope sender's) aligned with that of From?
 * (RFC 9989 4.4). Where no record tells the organisational domains (or answers are missing): if one
 * is the other or lies below it. */
gboolean dmarc_is_aligned(
    const char *from_domain, const char *passed_domain, gboolean is_strict, DnsAnswers *answers);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmarcFinding, dmarc_finding_free)
