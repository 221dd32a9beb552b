/* What the domain check and the header check have to say, as codes; the sentences are the API's
 * (api/words/domain_text.h). */
#pragma once

#include <glib.h>

/* What is to be said. In brackets what a, b and n of the note are. */
typedef enum {
    SAY_NO_ANSWER = 1, /* DNS did not answer */
    SAY_MANAGED,       /* the domain is the provider's own [its name] */
    SAY_MANAGED_OTHER, /* the domain is another provider's own [its name, the sending one or NULL]
                        */

    SAY_SPF_GOOD,            /* the provider is listed [name] */
    SAY_SPF_GOOD_ADDRESSES,  /* its addresses are [name or NULL] */
    SAY_SPF_SOUND,           /* nothing wrong, but the provider is not known */
    SAY_SPF_NOT_NEEDED,      /* mail leaves with the provider's own envelope sender [name] */
    SAY_SPF_MISSING,         /* no record */
    SAY_SPF_SEVERAL,         /* [n records] */
    SAY_SPF_SYNTAX,          /* [term, in whose record] */
    SAY_SPF_TARGET_NONE,     /* [term, in whose record] */
    SAY_SPF_TARGET_MANY,     /* [term, in whose record] */
    SAY_SPF_LOOP,            /* [term, in whose record] */
    SAY_SPF_HOSTS,           /* [term, in whose record] */
    SAY_SPF_LOOKUPS,         /* too many [n] */
    SAY_SPF_VOIDS,           /* too many [n] */
    SAY_SPF_PROVIDER_ABSENT, /* [name] */
    SAY_SPF_ADDRESS_ABSENT,  /* an address mail came from is not allowed [address] */
    SAY_SPF_ALLOWS_ALL,      /* "+all" */
    SAY_SPF_UNCERTAIN,       /* depends on macros */
    SAY_SPF_TOO_LONG,        /* a record was not judged [NULL, whose] */
    /* details */
    SAY_SPF_COST,       /* [n lookups of 10] */
    SAY_SPF_VOID,       /* [term, in whose record] */
    SAY_SPF_MACRO,      /* [term, in whose record] */
    SAY_SPF_PTR,        /* [term, in whose record] */
    SAY_SPF_UNREACHED,  /* [term, in whose record] */
    SAY_SPF_LONG,       /* too long for a small answer of the DNS [n octets] */
    SAY_SPF_SPLIT,      /* the proposal needs more than one string [n octets] */
    SAY_SPF_NO_ALL,     /* nothing ends the record */
    SAY_SPF_ADDRESS,    /* an address mail came from is allowed [address] */
    SAY_SPF_UNRESOLVED, /* the provider's record was not found: not proposed [mechanism] */
    SAY_SPF_TOO_FULL,   /* with the provider it would be beyond a limit [mechanism] */
    SAY_SPF_NEW,        /* notes of proposals */
    SAY_SPF_REPLACE,
    SAY_SPF_MERGE, /* [n records] */

    SAY_DKIM_GOOD,        /* [selectors that have a key] */
    SAY_DKIM_PARTLY,      /* some are wrong */
    SAY_DKIM_MISSING,     /* [the provider or NULL] */
    SAY_DKIM_WRONG,       /* there are keys, but none that counts */
    SAY_DKIM_NO_KEYS,     /* nothing at all below _domainkey (RFC 8020) */
    SAY_DKIM_NO_SELECTOR, /* none is known */
    SAY_DKIM_WILDCARD,    /* only what every name has was found */
    SAY_DKIM_COPY,        /* the record is made by the provider [name] */
    SAY_DKIM_ALIAS,       /* note of a proposal [name of the provider] */
    SAY_KEY_FOUND,        /* [n bits] */
    SAY_KEY_SHORT,        /* [n bits] */
    SAY_KEY_ED25519,
    SAY_KEY_TESTING,
    SAY_KEY_MISSING,
    SAY_KEY_DANGLING, /* the CNAME leads nowhere [target] */
    SAY_KEY_REVOKED,
    SAY_KEY_SYNTAX,
    SAY_KEY_VERSION,
    SAY_KEY_ALGORITHM,
    SAY_KEY_UNREADABLE,
    SAY_KEY_WEAK, /* [n bits] */
    SAY_KEY_HASH,
    SAY_KEY_SERVICE,
    SAY_KEY_SEVERAL,
    SAY_KEY_WILDCARD, /* what stands there stands under any other name too */

    SAY_DMARC_ENFORCED, /* [policy] */
    SAY_DMARC_WATCHES,  /* p=none */
    SAY_DMARC_HARMFUL,  /* [policy] enforced, and neither SPF nor DKIM holds */
    SAY_DMARC_MISSING,
    SAY_DMARC_SEVERAL,   /* [at] */
    SAY_DMARC_BROKEN,    /* [at] */
    SAY_DMARC_INHERITED, /* [at] */
    SAY_DMARC_TESTING,
    SAY_DMARC_PCT,
    SAY_DMARC_NO_REPORTS,
    SAY_DMARC_FOREIGN_REPORT,
    SAY_DMARC_REPORT_REFUSED, /* who shall get the reports has not agreed [domain, record] */
    SAY_DMARC_NO_POLICY,
    SAY_DMARC_STRICT_DKIM,
    SAY_DMARC_STRICT_SPF,
    SAY_DMARC_NEW, /* notes of proposals */
    SAY_DMARC_REPAIR,

    /* of the header check */
    SAY_HEADER_GOOD,       /* [domain of From] */
    SAY_HEADER_JUNK,       /* sound, and yet sorted out [domain of From] */
    SAY_HEADER_OTHER,      /* what passed belongs to another domain [of From, that one] */
    SAY_HEADER_BAD,        /* nothing passed [domain of From] */
    SAY_HEADER_NO_RESULTS, /* the receiver noted nothing */
    SAY_SEEN_SPF_PASS,
    SAY_SEEN_SPF_OTHER, /* passed for a domain that is not aligned [it] */
    SAY_SEEN_SPF_FAIL,  /* [address or NULL] */
    SAY_SEEN_SPF_NEUTRAL,
    SAY_SEEN_SPF_NONE,
    SAY_SEEN_SPF_TEMPERROR,
    SAY_SEEN_SPF_PERMERROR,
    SAY_SEEN_SPF_UNKNOWN,
    SAY_SEEN_DMARC_PASS,
    SAY_SEEN_DMARC_FAIL,
    SAY_SEEN_DMARC_NONE,
    SAY_SEEN_DMARC_UNKNOWN,
    SAY_COUNT,
} DomainSay;

typedef struct {
    DomainSay code;
    char *a, *b; /* may be NULL */
    guint n;
} DomainNote;

/* strdups a and b. */
DomainNote *domain_note_new(DomainSay code, const char *a, const char *b, guint n);
void domain_note_free(DomainNote *note);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomainNote, domain_note_free)
