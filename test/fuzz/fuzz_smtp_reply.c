/* Replies are read the same whole and byte by byte, and what comes out is fit for use. */
#include "base/limits.h"
#include "smtp/reply.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Everything read, as one text; ends with "!" where the stream was refused. */
static char *read_all(const uint8_t *data, size_t n, size_t piece)
{
    g_autoptr(SmtpReplyReader) reader = smtp_reply_reader_new();
    GString *out = g_string_new(NULL);
    for (size_t at = 0; at < n;) {
        size_t n_piece = MIN(piece, n - at);
        gsize used = 0;
        g_autoptr(SmtpReply) reply = NULL;
        SmtpReadResult result = smtp_reply_reader_feed(reader, data + at, n_piece, &used, &reply);
        if (result == SMTP_READ_MALFORMED)
            return g_string_free(g_string_append_c(out, '!'), FALSE);
        g_assert(used > 0 && used <= n_piece);
        g_assert((result == SMTP_READ_REPLY) == (reply != NULL));
        at += used;
        if (reply == NULL)
            continue;
        g_assert(reply->code >= 200 && reply->code <= 599);
        g_assert(g_utf8_validate(reply->text, -1, NULL) && strchr(reply->text, '\r') == NULL);
        g_assert(reply->enhanced[0] == '\0' || reply->enhanced[0] == '0' + reply->code / 100);
        g_autofree char *summary = smtp_reply_summary(reply);
        g_assert(strpbrk(summary, "\r\n\x1b") == NULL);
        g_assert(g_utf8_strlen(summary, -1) <= LIMIT_PEER_TEXT_CHARACTERS + 1);
        g_string_append_printf(out, "%d|%s|%s\n", reply->code, reply->enhanced, reply->text);
    }
    return g_string_free(out, FALSE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    g_autofree char *whole = read_all(data + 1, size - 1, size);
    g_autofree char *split = read_all(data + 1, size - 1, 1 + (size_t)data[0] % 7);
    g_assert(strcmp(whole, split) == 0);
    return 0;
}
