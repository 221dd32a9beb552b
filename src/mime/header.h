/* The only writer of header fields. Everything that becomes a header of a message or of a part goes
 * through here: folding (RFC 5322 2.2.3), encoded words (RFC 2047), parameters (RFC 2231).
 *
 * Lines are kept within 76 octets wherever a fold is possible: RFC 2047 2 asks for it in lines with
 * encoded words and RFC 5322 2.1.1 prefers 78 for all. No line passes LIMIT_LINE_OCTETS. Values
 * come in checked (mime_draft_check); a CR, LF or NUL that arrives here is our own bug and aborts.
 */
#pragma once

#include <glib.h>

/* Text as people read it (Subject): UTF-8, written so that a reader gets back exactly these
 * characters, spaces at the ends and "=?" included. */
void mime_header_append_text(GString *out, const char *name, const char *utf8);

/* A value with a syntax of its own (Message-ID, List-Unsubscribe): ASCII, written as it is, folded
 * at its spaces only; spaces at the ends are dropped. FALSE, with nothing written, if a line would
 * pass LIMIT_LINE_OCTETS. */
gboolean mime_header_append_verbatim(GString *out, const char *name, const char *ascii);

/* Mailboxes (array of MimeAddress) separated by commas. A non-ASCII local part is written as raw
 * UTF-8 (RFC 6532 3.2): the message then needs SMTPUTF8. */
void mime_header_append_mailboxes(GString *out, const char *name, const GPtrArray *mailboxes);

/* name is a token; value is UTF-8. NULL value: the parameter is left out. */
typedef struct {
    const char *name, *value;
} MimeParameter;

/* "value; p1=token; p2=\"quoted\"; p3*=utf-8''percent%20encoded", long ones in numbered pieces
 * (RFC 2231 3, 4). value is an ASCII token pair such as "text/plain" or "attachment", which may
 * carry parameters of its own. */
void mime_header_append_parameters(GString *out, const char *name, const char *value,
    const MimeParameter *parameters, gsize n_parameters);
