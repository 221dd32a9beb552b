/* Content transfer encodings (RFC 2045 6). Output lines end in CRLF and hold at most 76 octets. */
#pragma once

#include <glib.h>

/* The text with every line end (CRLF, CR, LF) as CRLF, and one behind the last line. Empty stays
 * empty. */
GString *mime_text_canonical(const char *text);

/* Appends text, whose lines end in CRLF, as quoted-printable. A dot and "From " at the start of a
 * line are encoded, so that no server on the way touches them (RFC 2049 3). FALSE, with nothing
 * appended, if the result would be longer than `limit` octets. */
gboolean mime_quoted_printable_append(GString *out, const char *text, gsize n, gsize limit);

/* Octets of n bytes as base64 with its line ends; 0 for 0. */
gsize mime_base64_octets(gsize n);
void mime_base64_append(GString *out, const guint8 *bytes, gsize n);
