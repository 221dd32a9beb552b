/* The headers of a mail that has arrived: what its receiver found out about SPF, DKIM and DMARC,
 * from where it came, and what that teaches about the sender's domain. The receiver's word is taken
 * from the topmost Authentication-Results (RFC 8601), Received-SPF (RFC 7208 9.1) and Received; ARC
 * is ignored. Whoever pastes headers may make them up: what they say is shown and remembered as a
 * hint, and never decides anything. Pure over DnsAnswers, which only alignment needs (RFC 9989). */
#pragma once

#include "base/dns.h"
#include "domain/say.h"

typedef enum {
    HEADER_FOLDER_UNKNOWN = 0,
    HEADER_FOLDER_INBOX,
    HEADER_FOLDER_JUNK,
} HeaderFolder;
const char *header_folder_name(HeaderFolder folder); /* "inbox" */

typedef struct {
    char *domain, *selector; /* selector may be NULL */
    char *result;            /* "pass", "fail" …; "unknown" where the receiver noted none */
    gboolean is_aligned;     /* with the domain of From */
} HeaderSignature;

typedef struct {
    char *from_domain; /* NULL: no readable From */
    char *received_by; /* who noted the results, or who received it; NULL: nobody named */
    char *sent_from;   /* the public address the receiver took it from, or NULL */
    gint64 delay_s;    /* from the first Received to the last; -1: not known */
    HeaderFolder folder;
    char *spf_result; /* "pass", "fail", "softfail", "neutral", "none", "temperror", "permerror",
                         "unknown" */
    char *spf_domain; /* the one that was checked, or NULL */
    gboolean is_spf_aligned;
    GPtrArray *signatures; /* of HeaderSignature */
    char *dmarc_result;    /* "pass", "fail", "none" …; "unknown" */
    DomainNote *text, *spf_text, *dmarc_text;
    GPtrArray *learned_selectors, *learned_addresses; /* of char *; of from_domain */
} HeaderCheck;

/* NULL: this is not the header of a mail (neither From nor Received nor results). The caller frees.
 */
HeaderCheck *header_check(const char *text, DnsAnswers *answers);
void header_check_free(HeaderCheck *check);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HeaderCheck, header_check_free)
