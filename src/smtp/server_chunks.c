/* BDAT: content in chunks of a stated size, with no end to look for in it and no dots to take off
 * (RFC 3030). Where a chunk cannot be taken its octets are read all the same and thrown away,
 * because only behind them do commands begin again; then it is refused. */
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "smtp/server_private.h"

#include <string.h>

static const ServerRefusal before_tls = {530, "5.7.0", "Must issue a STARTTLS command first"};
static const ServerRefusal no_transaction = {503, "5.5.1", "BDAT needs MAIL and RCPT first"};
static const ServerRefusal mixed = {503, "5.5.1", "DATA and BDAT do not mix"};
static const ServerRefusal failed_before = {503, "5.5.1", "A chunk failed, RSET must come first"};
static const ServerRefusal too_large = {552, "5.3.4", "Message too large"};

/* Why n more octets cannot be taken; NULL: they can. */
static const ServerRefusal *refusal_of(const SmtpServer *server, guint64 n)
{
    guint64 n_taken = server->chunks == NULL ? 0 : server->chunks->len;
    if (!server->tls_is_up)
        return &before_tls;
    if (server->sender == NULL)
        return &no_transaction;
    switch (server->content_way) {
    case SERVER_CONTENT_FAILED:
        return &failed_before;
    case SERVER_CONTENT_DATA:
        return &mixed;
    case SERVER_CONTENT_UNBEGUN:
    case SERVER_CONTENT_CHUNKS:
        break;
    }
    if (server->recipients->len == 0)
        return &no_transaction;
    return n > server->config.size_max - n_taken ? &too_large : NULL;
}

/* "1*DIGIT" or "1*DIGIT SP LAST". */
static gboolean read_arguments(const char *arguments, guint64 *n, gboolean *is_last)
{
    gsize n_digits = strcspn(arguments, " ");
    g_autofree char *digits = g_strndup(arguments, n_digits);
    *is_last = arguments[n_digits] != '\0';
    return g_ascii_string_to_unsigned(digits, 10, 0, G_MAXUINT64, n, NULL) &&
           (!*is_last || text_equal_nocase(arguments + n_digits + 1, "LAST"));
}

/* A message is not taken in part: what was refused once stays refused until RSET, unless the
 * refused chunk was the message's last one and nothing is left to come. */
static void refuse_chunk(SmtpServer *server)
{
    const ServerRefusal *refusal = server->chunk.refusal;
    gboolean was_first_failure = refusal == &too_large;
    g_clear_pointer(&server->chunks, g_byte_array_unref);
    if (was_first_failure && server->chunk.is_last)
        server_forget_transaction(server);
    else if (server->sender != NULL)
        server->content_way = SERVER_CONTENT_FAILED;

    /* Octets are their own price. */
    if (was_first_failure || (server_wrote_ahead(server) && !server->chunk.is_tiny))
        server_reply(server, refusal->code, refusal->enhanced, refusal->text);
    else
        server_refuse_order(server, refusal);
}

/* All octets of the chunk are here. */
static void end_chunk(SmtpServer *server)
{
    if (server->chunk.refusal == NULL && server->chunk.is_last) {
        GByteArray *chunks = g_steal_pointer(&server->chunks);
        gsize n = chunks->len;
        GBytes *content = secret_bytes_take(g_byte_array_free(chunks, FALSE), n);
        server_judge_content(server, content, smtp_body_is_sendable(content), FALSE);
        return;
    }
    server_enter(server, SERVER_WAIT_COMMAND);
    if (server->chunk.refusal != NULL)
        refuse_chunk(server);
    else if (!server->chunk.is_tiny || server_allow_idle(server))
        server_reply(server, 250, "2.0.0", "Chunk taken");
}

static void begin_chunk(SmtpServer *server, guint64 n, gboolean is_last)
{
    const ServerRefusal *refusal = refusal_of(server, n);
    server->chunk.n_left = n;
    server->chunk.is_last = is_last;
    server->chunk.is_tiny = n < LIMIT_SERVER_TINY_CHUNK_OCTETS;
    server->chunk.refusal = refusal;
    server->n_block_octets = 0;
    if (refusal == NULL) {
        server->content_way = SERVER_CONTENT_CHUNKS;
        if (server->chunks == NULL)
            server->chunks = g_byte_array_sized_new((guint)MIN(n, LIMIT_SEND_CHUNK_BYTES));
    }
    if (n == 0)
        end_chunk(server);
    else
        server_enter(server, SERVER_WAIT_CHUNK);
}

void server_chunk_command(SmtpServer *server, const char *arguments)
{
    guint64 n = 0;
    gboolean is_last = FALSE;
    if (!server->config.chunking)
        server_refuse(server, 500, "5.5.1", "Command not known");
    else if (!read_arguments(arguments, &n, &is_last))
        server_refuse(server, 501, "5.5.4", "Cannot read the size of the chunk");
    else {
        begin_chunk(server, n, is_last);
        return;
    }
    server_close(server); /* or the octets that follow would be read as commands */
}

gsize server_chunk_read(SmtpServer *server, const guint8 *data, gsize n)
{
    gsize used = (gsize)MIN(server->chunk.n_left, n);
    server->chunk.n_left -= used;
    if (server->chunk.refusal == NULL)
        g_byte_array_append(server->chunks, data, (guint)used);
    if (server->chunk.n_left == 0)
        end_chunk(server);
    else if (server->is_logged_in) /* nobody else may keep us longer by sending on */
        server_count_block(server, used);
    return used;
}
