/* DKIM keys in DNS (RFC 6376 3.6, RFC 8301, RFC 8463): is there one under this selector, and may it
 * be used? Pure over DnsAnswers. */
#pragma once

#include "base/dns.h"

typedef enum {
    DKIM_KEY_OPEN = 1, /* answers are missing */
    DKIM_KEY_FOUND,
    DKIM_KEY_MISSING,
    DKIM_KEY_REVOKED, /* "p=" is empty (RFC 6376 3.6.1) */
    DKIM_KEY_BROKEN,
    DKIM_KEY_UNKNOWN, /* DNS did not answer */
} DkimKeyState;
const char *dkim_key_state_name(DkimKeyState state); /* "found"; "unknown" for open as well */

/* What is to be said about a key beside its state. */
typedef enum {
    DKIM_FAULT_NONE = 0,
    DKIM_FAULT_SYNTAX,    /* no tag list, or no "p=" */
    DKIM_FAULT_VERSION,   /* "v=" is not DKIM1, or is not the first tag */
    DKIM_FAULT_ALGORITHM, /* "k=" neither rsa nor ed25519 */
    DKIM_FAULT_KEY,       /* the key cannot be read */
    DKIM_FAULT_WEAK,      /* RSA below LIMIT_DKIM_WEAK_BITS */
    DKIM_FAULT_HASH,      /* "h=" leaves out sha256 */
    DKIM_FAULT_SERVICE,   /* "s=" leaves out email */
    DKIM_FAULT_SEVERAL,   /* several records under one selector */
} DkimFault;

typedef struct {
    DkimKeyState state;
    DkimFault fault; /* with DKIM_KEY_BROKEN */
    char *record;    /* the TXT record, or NULL */
    char *alias;     /* where a CNAME leads, or NULL */
    guint bits;      /* of an RSA modulus; 256 for Ed25519; 0: not known */
    gboolean is_ed25519;
    gboolean is_testing; /* "t=y": verifiers may ignore it (RFC 6376 3.6.1) */
} DkimKey;

/* Looks at selector._domainkey.domain. The caller frees. */
DkimKey *dkim_key_look_up(const char *selector, const char *domain, DnsAnswers *answers);

/* Reads one TXT record. The caller frees. */
DkimKey *dkim_key_read(const char *record);
void dkim_key_free(DkimKey *key);

/* TRUE: sub-domains and the selector as RFC 6376 3.1 wants them, fit to be asked for. */
gboolean dkim_selector_is_sound(const char *selector);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DkimKey, dkim_key_free)
