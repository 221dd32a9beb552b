/* SMTP replies (RFC 5321 4.2, enhanced codes RFC 2034 and 3463) and the reader that finds them in a
 * byte stream, in any split. Strict: a line that is not a reply, a bare LF, a NUL, differing codes
 * in one reply or more than the limits end the session; garbage is never skipped. */
#pragma once

#include <glib.h>

typedef struct {
    int code;          /* 200 to 599 */
    char enhanced[12]; /* "5.7.8"; "" if none, or if its class differs from the code's */
    char *text; /* all lines joined by '\n', without codes; raw peer bytes made valid UTF-8 */
} SmtpReply;

SmtpReply *smtp_reply_new(int code, const char *enhanced, const char *text);
SmtpReply *smtp_reply_copy(const SmtpReply *reply);
void smtp_reply_free(SmtpReply *reply);

/* "535 5.7.8 Error: authentication failed" on one line, printable, at most 200 characters. The
 * caller frees. */
char *smtp_reply_summary(const SmtpReply *reply);

typedef struct smtp_reply_reader SmtpReplyReader;

SmtpReplyReader *smtp_reply_reader_new(void);
void smtp_reply_reader_free(SmtpReplyReader *reader);

/* Lines may be this long from now on (LIMIT_SASL_LINE_OCTETS during AUTH). */
void smtp_reply_reader_set_line_limit(SmtpReplyReader *reader, gsize octets);

typedef enum {
    SMTP_READ_MORE = 0,  /* all bytes consumed, no complete reply yet */
    SMTP_READ_REPLY,     /* *reply is set (the caller frees); *used bytes were consumed */
    SMTP_READ_MALFORMED, /* the stream is broken; the reader may only be freed */
} SmtpReadResult;

/* Consumes from the front of data up to the end of one reply. */
SmtpReadResult smtp_reply_reader_feed(
    SmtpReplyReader *reader, const guint8 *data, gsize n, gsize *used, SmtpReply **reply);

/* TRUE if bytes of an unfinished reply are held. */
gboolean smtp_reply_reader_is_inside(const SmtpReplyReader *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmtpReply, smtp_reply_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmtpReplyReader, smtp_reply_reader_free)
