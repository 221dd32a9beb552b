/* The body of a mail between DATA's 354 and the final dot (RFC 5321 4.1.1.4 and 4.5.2): dots at
 * line starts are doubled on the way out and taken off on the way in. Both sides work in any split
 * and know one line end only, CRLF. */
#pragma once

#include <glib.h>

/* TRUE if content holds no NUL, no bare CR and no bare LF (RFC 5321 2.3.8): only such content may
 * be given to the encoder, which then writes none either. */
gboolean smtp_body_is_sendable(GBytes *content);

/* Reads from content as it goes: the message is never copied whole. */
typedef struct {
    GBytes *content; /* borrowed; NULL is the empty message */
    gsize at;        /* next octet to be written */
    gboolean is_at_line_start;
} SmtpBodyEncoder;

void smtp_body_encoder_init(SmtpBodyEncoder *encoder, GBytes *content);

/* Appends at most max octets (at least 2). */
void smtp_body_encoder_write(SmtpBodyEncoder *encoder, GByteArray *out, gsize max);
gboolean smtp_body_encoder_is_done(const SmtpBodyEncoder *encoder);

/* Once done: ".\r\n", with a CRLF in front if the content did not end with one. */
void smtp_body_encoder_write_end(const SmtpBodyEncoder *encoder, GByteArray *out);

/* The other side. Ends only at CRLF "." CRLF (or "." CRLF at the very beginning); remembers a bare
 * CR or LF and an excess over size_max instead of stopping, because only the end says where
 * commands begin again. */
typedef struct smtp_body_decoder SmtpBodyDecoder;

SmtpBodyDecoder *smtp_body_decoder_new(gsize size_max);
void smtp_body_decoder_free(SmtpBodyDecoder *decoder);

/* Consumes *used octets; TRUE when the end has been found. */
gboolean smtp_body_decoder_feed(SmtpBodyDecoder *decoder, const guint8 *data, gsize n, gsize *used);
gboolean smtp_body_decoder_is_unclean(const SmtpBodyDecoder *decoder);
gboolean smtp_body_decoder_is_too_large(const SmtpBodyDecoder *decoder);

/* The content, dots taken off; the decoder is empty afterwards. The caller owns it. */
GBytes *smtp_body_decoder_take(SmtpBodyDecoder *decoder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmtpBodyDecoder, smtp_body_decoder_free)
