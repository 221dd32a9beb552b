/* The conversation as it may be shown: commands as sent, credentials and bodies as labels, the
 * server's words made printable. */
#include "base/limits.h"
#include "base/text.h"
#include "smtp/client_private.h"

#include <string.h>

void transcript_line_clear(gpointer line)
{
    g_free(((SmtpLine *)line)->text);
}

static void add_line(SmtpClient *client, gboolean from_client, const char *text, gsize n)
{
    if (!client->config.wants_lines)
        return;
    SmtpLine line = {from_client, text_printable(text, n, LIMIT_PEER_TEXT_CHARACTERS)};
    g_array_append_val(client->lines, line);
}

void transcript_sent(SmtpClient *client, guint from)
{
    g_assert(!client->effects.send_is_secret);
    if (!client->config.wants_lines)
        return;
    const char *at = (const char *)client->send->data + from;
    gsize n = client->send->len - from;
    while (n > 0) {
        const char *lf = memchr(at, '\n', n);
        gsize n_line = lf == NULL ? n : (gsize)(lf - at) + 1;
        add_line(client, TRUE, at, lf == NULL ? n_line : n_line - 2);
        at += n_line;
        n -= n_line;
    }
}

void transcript_label(SmtpClient *client, const char *label)
{
    add_line(client, TRUE, label, strlen(label));
}

void transcript_reply(SmtpClient *client, const SmtpReply *reply)
{
    if (reply->code == 334) { /* a challenge may repeat what it was told */
        add_line(client, FALSE, "334 [challenge]", strlen("334 [challenge]"));
        return;
    }
    if (!client->config.wants_lines)
        return;
    g_auto(GStrv) texts = g_strsplit(reply->text, "\n", -1);
    guint n = g_strv_length(texts);
    for (guint i = 0; i < MAX(n, 1); i++) {
        const char *text = n == 0 ? "" : texts[i];
        g_autofree char *line = g_strdup_printf("%d%c%s%s%s", reply->code, i + 1 < n ? '-' : ' ',
            reply->enhanced, reply->enhanced[0] == '\0' ? "" : " ", text);
        add_line(client, FALSE, line, strlen(line));
    }
}
