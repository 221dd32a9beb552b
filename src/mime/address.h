/* Mail addresses (RFC 5321 4.1.2, RFC 5322 3.4, RFC 6531) read strictly: dot-string or
 * quoted-string, '@', domain. No comments, groups, routes, or anything two parsers could read in
 * two ways. Domains are kept as the A-label form for the wire (IDNA 2008, libidn2) beside the text
 * that was typed. Pure. */
#pragma once

#include <glib.h>

typedef struct {
    char *name;              /* display name as UTF-8, or NULL */
    char *local_part;        /* as on the wire, quotes included if it needs them */
    char *domain;            /* A-labels, lower case, or an address literal in brackets */
    char *addr_spec;         /* local_part@domain: what goes into MAIL FROM and RCPT TO */
    gboolean needs_smtputf8; /* the local part is not ASCII (RFC 6531) */
} MimeAddress;

/* "anna@example.de". ABS_ERROR_INPUT names what is wrong, with its position (characters from 1). A
 * quoted local part that needs no quotes loses them, so that one mailbox has one spelling. */
MimeAddress *mime_address_parse(const char *addr_spec, GError **error);

/* "Anna Müller <anna@example.de>", "\"Müller, Anna\" <anna@example.de>" or a bare address: what
 * Resend takes. */
MimeAddress *mime_mailbox_parse(const char *mailbox, GError **error);

/* The way back: "Anna Müller <anna@example.de>" in UTF-8, the name in quotes if it needs them. What
 * mime_mailbox_parse reads as the same mailbox. For people and JSON; headers have their own writer.
 * The caller frees. */
char *mime_mailbox_format(const MimeAddress *address);

/* name: UTF-8 without control characters, at most LIMIT_DISPLAY_NAME_CHARACTERS; NULL or blank:
 * none. */
MimeAddress *mime_address_new(const char *name, const char *addr_spec, GError **error);
MimeAddress *mime_address_copy(const MimeAddress *address);
void mime_address_free(MimeAddress *address);

/* Same mailbox: local part to the letter, domain without regard to case. */
gboolean mime_address_equal(const MimeAddress *a, const MimeAddress *b);

/* Host name as typed ("mail.müller.de", "MAIL.Example.DE.") to its A-label form for DNS, SNI and
 * certificate check; strict LDH, at most LIMIT_HOST_OCTETS, no port, no scheme, never empty. IP
 * literals ("192.0.2.1", "[2001:db8::1]", "2001:db8::1") come back in canonical text without
 * brackets. NULL and ABS_ERROR_INPUT if not. */
char *mime_host_parse(const char *host, GError **error);

/* What may stand behind the '@' or EHLO (RFC 5321 4.1.2, 4.1.3): a name as above but without the
 * final dot, or an address literal in brackets ("[192.0.2.1]", "[IPv6:2001:db8::1]"), which stays
 * in them. */
char *mime_domain_parse(const char *domain, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MimeAddress, mime_address_free)
