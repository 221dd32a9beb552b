/* The one writer of command lines (RFC 5321 4.1.1): whatever this client sends before and between
 * bodies passes through here. It refuses every byte below 0x20 and 0x7f, every '<', '>' and space
 * in an address outside a quoted string, and what is longer than the standard allows; nothing is
 * stripped or escaped. On refusal nothing is appended.
 *
 * Lines that carry a credential are written in place, after the room for them has been made, so
 * that no stale copy is left behind in freed memory. */
#pragma once

#include <glib.h>

/* Commands without an argument. */
typedef enum {
    SMTP_WORD_STARTTLS = 1,
    SMTP_WORD_DATA,
    SMTP_WORD_RSET,
    SMTP_WORD_QUIT,
    SMTP_WORD_CANCEL, /* "*": gives up an AUTH exchange (RFC 4954 4) */
} SmtpWord;

void smtp_command_word(GByteArray *out, SmtpWord word);

/* name: FQDN or address literal, no spaces (RFC 5321 4.1.4). */
gboolean smtp_command_ehlo(GByteArray *out, const char *name);

/* Parameters of MAIL; each is the caller's promise that the server offers it. */
typedef struct {
    gboolean with_size;
    guint64 size; /* octets of the message (RFC 1870 6) */
    gboolean eightbitmime, smtputf8;
    gboolean return_headers; /* RET=HDRS (RFC 3461 4.3) */
    const char *envelope_id; /* ENVID, written as xtext (RFC 3461 4.4); NULL: none */
} SmtpMailParameters;

/* sender "" is the null reverse-path. Addresses hold non-ASCII characters only with smtputf8. */
gboolean smtp_command_mail(
    GByteArray *out, const char *sender, const SmtpMailParameters *parameters);

/* notify: SMTP_NOTIFY_* bits of smtp/client.h, 0: no NOTIFY (RFC 3461 4.1). */
gboolean smtp_command_rcpt(GByteArray *out, const char *recipient, gboolean smtputf8, guint notify);

/* One chunk of n octets, the last of its mail or not; the octets follow as they are (RFC 3030 2).
 */
void smtp_command_bdat(GByteArray *out, gsize n, gboolean is_last);

/* The question the two above ask: can this address be written between '<' and '>'? */
gboolean smtp_command_can_hold_address(const char *address, gboolean smtputf8);

/* prefix and then text as it is, at most LIMIT_SASL_LINE_OCTETS: AUTH lines and responses. */
gboolean smtp_command_sasl(GByteArray *out, const char *prefix, const char *text, gsize n);

/* prefix and then the parts one behind the other as one base64 text. */
typedef struct {
    const char *data;
    gsize n;
} SmtpSecretPart;
gboolean smtp_command_sasl_base64(
    GByteArray *out, const char *prefix, const SmtpSecretPart *parts, gsize n_parts);
