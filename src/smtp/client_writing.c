/* What is written next, and how far ahead of the server's replies (RFC 2920 3.1, RFC 3030 2).
 *
 *     one by one   MAIL · RCPT · DATA · body .                        each waits for its reply
 *     groups       MAIL RCPT DATA · body .                            2 round trips a mail
 *     overlap      body 1 . MAIL RCPT DATA · body 2 . MAIL RCPT …     1 round trip a mail
 *     window       RSET MAIL RCPT BDAT 1 RSET MAIL RCPT BDAT 2 …      1 round trip a window
 *
 * A group's last command is DATA, BDAT or RSET; EHLO, STARTTLS, AUTH and QUIT never stand in one.
 */
#include "base/limits.h"
#include "smtp/client_private.h"
#include "smtp/command.h"

enum {
    END_OCTETS = 5,     /* CRLF "." CRLF */
    OVERLAP_MAILS = 16, /* one unanswered, one whose envelope is out, and those to follow */
    TRIAL_FACTOR = 10,
};

/* Beside a full window, so that the next mails are marked when the first replies come. */
#define MARKED_AHEAD(window) (((window) + 3) / 4)

/* --- Pace ------------------------------------------------------------------------------------- */

static guint window(const SmtpClient *client)
{
    return client->config.window == 0 ? LIMIT_WINDOW_DEFAULT : client->config.window;
}

void writing_choose_pace(SmtpClient *client)
{
    const SmtpCapabilities *can = &client->capabilities;
    SmtpPace offered = !can->pipelining      ? SMTP_PACE_STEPWISE
                       : window(client) == 1 ? SMTP_PACE_GROUPS
                       : can->chunking       ? SMTP_PACE_WINDOW
                                             : SMTP_PACE_OVERLAP;
    SmtpPace allowed = client->config.pace == 0 ? SMTP_PACE_WINDOW : client->config.pace;
    client->pace = MIN(offered, allowed);
    client->is_proven = client->config.is_proven;
}

static guint mails_allowed(const SmtpClient *client)
{
    switch (client->pace) {
    case SMTP_PACE_STEPWISE:
    case SMTP_PACE_GROUPS:
        return 1;
    case SMTP_PACE_OVERLAP:
        return MIN(OVERLAP_MAILS, window(client));
    case SMTP_PACE_WINDOW:
        return window(client) + MARKED_AHEAD(window(client));
    }
    g_assert_not_reached();
}

guint writing_room(const SmtpClient *client)
{
    if ((client->state != READY && client->state != SERVING) || client->is_out_of_step ||
        client->n_spoilt >= LIMIT_SPOILT_MAILS_PER_SESSION)
        return 0;
    const Transaction *first = g_queue_peek_head((GQueue *)&client->mails);
    if (first != NULL && first->content == NULL)
        return 0; /* a probe goes alone */
    guint allowed = mails_allowed(client);
    return client->mails.length < allowed ? allowed - client->mails.length : 0;
}

/* --- Deadlines -------------------------------------------------------------------------------- */

static gint64 patience(const SmtpClient *client, const Expected *expected)
{
    const SmtpDeadlines *deadlines = &client->config.deadlines;
    if (client->trial != NULL && expected->transaction == client->trial)
        return MAX(client_or_limit(deadlines->trial_ms, LIMIT_TRIAL_MS),
            TRIAL_FACTOR * client->slowest_ms);
    switch (expected->kind) {
    case EXPECT_RSET:
    case EXPECT_MAIL:
    case EXPECT_RCPT:
        return client_or_limit(deadlines->command_ms, LIMIT_COMMAND_MS);
    case EXPECT_DATA:
        return client_or_limit(deadlines->data_go_ms, LIMIT_DATA_GO_MS);
    case EXPECT_FINAL:
        return client_or_limit(deadlines->final_reply_ms, LIMIT_FINAL_REPLY_MS);
    }
    g_assert_not_reached();
}

/* A chunk is asked about with its first octet, but its reply is not due before its last. */
gboolean writing_is_reply_due(const SmtpClient *client)
{
    const Expected *first = g_queue_peek_head((GQueue *)&client->expected);
    return first != NULL &&
           (first->kind != EXPECT_FINAL || first->transaction->stage == STAGE_FINAL);
}

void writing_time_reply(SmtpClient *client)
{
    client->due_since = client->now;
    client->reply_deadline =
        writing_is_reply_due(client)
            ? client->now + patience(client, g_queue_peek_head(&client->expected))
            : 0;
}

/* --- Commands --------------------------------------------------------------------------------- */

static void expect(SmtpClient *client, Transaction *transaction, ExpectedKind kind, guint recipient)
{
    Expected *expected = g_new(Expected, 1);
    *expected = (Expected){kind, transaction, recipient};
    g_queue_push_tail(&client->expected, expected);
    transaction->n_unanswered++;
    if (client->expected.length == 1)
        writing_time_reply(client);
}

static void write_rset(SmtpClient *client, Transaction *transaction)
{
    smtp_command_word(client->send, SMTP_WORD_RSET);
    transaction->reset_due = FALSE;
    client->is_dirty = FALSE;
    expect(client, transaction, EXPECT_RSET, 0);
}

static void write_mail(SmtpClient *client, Transaction *transaction)
{
    const SmtpCapabilities *can = &client->capabilities;
    gboolean has_content = transaction->content != NULL;
    const SmtpMailParameters parameters = {
        .with_size = has_content && can->size_known,
        .size = has_content ? g_bytes_get_size(transaction->content) : 0,
        .eightbitmime = has_content && transaction->eightbitmime,
        .smtputf8 = transaction->smtputf8,
        .return_headers = can->dsn && transaction->return_headers,
        .envelope_id = can->dsn ? transaction->envelope_id : NULL,
    };
    gboolean written = smtp_command_mail(client->send, transaction->sender, &parameters);
    g_assert(written); /* mails_take has asked */
    transaction->mail_written = TRUE;
    expect(client, transaction, EXPECT_MAIL, 0);
}

static void write_rcpt(SmtpClient *client, Transaction *transaction, guint recipient)
{
    gboolean written = smtp_command_rcpt(client->send, transaction->recipients[recipient],
        transaction->smtputf8, client->capabilities.dsn ? transaction->notify : 0);
    g_assert(written); /* mails_take has asked */
    expect(client, transaction, EXPECT_RCPT, recipient);
}

static gboolean write_next_rcpt(SmtpClient *client, Transaction *transaction)
{
    while (transaction->next_recipient < transaction->n_recipients) {
        guint recipient = transaction->next_recipient++;
        if (transaction->states[recipient] != RECIPIENT_DECIDED) {
            write_rcpt(client, transaction, recipient);
            return TRUE;
        }
    }
    return FALSE;
}

/* The next command of the envelope; FALSE if there is none. */
static gboolean write_command(SmtpClient *client, Transaction *transaction)
{
    if (transaction->reset_due) {
        write_rset(client, transaction);
        return TRUE;
    }
    if (!transaction->mail_written) {
        write_mail(client, transaction);
        return TRUE;
    }
    if (write_next_rcpt(client, transaction))
        return TRUE;
    if (transaction->content == NULL || transaction->is_chunked || transaction->data_written)
        return FALSE;
    smtp_command_word(client->send, SMTP_WORD_DATA);
    transaction->data_written = TRUE;
    expect(client, transaction, EXPECT_DATA, 0);
    return TRUE;
}

/* --- Stages of the mail that is being written ------------------------------------------------- */

/* Where one mail was not taken, those on their way may not be either, and a server that loses
 * patience takes the replies to the others with it. */
static guint patience_left(const SmtpClient *client)
{
    if (client->n_spoilt == 0)
        return G_MAXUINT;
    return LIMIT_SPOILT_MAILS_ASSUMED - MIN(client->n_spoilt, LIMIT_SPOILT_MAILS_ASSUMED);
}

/* Whether the server follows at all is seen behind one mail, not behind many. */
static gboolean may_begin(const SmtpClient *client)
{
    guint most = client->is_proven ? window(client) : 2;
    return !client->is_out_of_step && client->n_final < MIN(most, patience_left(client));
}

static gboolean begin(SmtpClient *client, Transaction *transaction)
{
    if (!may_begin(client))
        return FALSE;
    if (mails_give_up_late(client, transaction))
        return TRUE; /* on to the next */
    transaction_ask_mark(client, transaction);
    if (transaction->is_chunked && !transaction->is_marked)
        return FALSE; /* it leaves in one piece */
    transaction_enter(transaction, STAGE_ENVELOPE);
    transaction->reset_due = transaction->is_chunked || client->is_dirty;
    transaction->is_ahead = client->n_final > 0;
    client->has_been_ahead = client->has_been_ahead || transaction->is_ahead;
    if (transaction->is_ahead && !client->is_proven)
        client->trial = transaction;
    return TRUE;
}

/* A chunk needs no leave from the server, so a reply too many in front of it would not be noticed:
 * until the server has proved itself, its envelope is answered first, and an extra reply meets
 * nothing expected. */
static gboolean write_chunk_header(SmtpClient *client, Transaction *transaction)
{
    if (!client->is_proven && transaction->n_unanswered > 0)
        return FALSE;
    if (!transaction_is_wanted(transaction) || mails_give_up_late(client, transaction))
        return FALSE; /* nothing of its content has left */
    transaction_enter(transaction, STAGE_CONTENT);
    smtp_command_bdat(client->send, g_bytes_get_size(transaction->content), TRUE);
    expect(client, transaction, EXPECT_FINAL, 0);
    return TRUE;
}

static gboolean write_envelope(SmtpClient *client, Transaction *transaction)
{
    if (client->pace == SMTP_PACE_STEPWISE && client->expected.length > 0)
        return FALSE;
    guint from = client->send->len;
    gboolean written = write_command(client, transaction) ||
                       (transaction->is_chunked && write_chunk_header(client, transaction));
    if (written)
        transcript_sent(client, from);
    return written;
}

/* Its end is in `send`: whatever happens now, the server may have the mail. */
static void end_has_left(SmtpClient *client, Transaction *transaction)
{
    transaction_enter(transaction, STAGE_FINAL);
    client->n_final++;
    client->writer = client->writer->next;
    const Expected *first = g_queue_peek_head(&client->expected);
    if (first != NULL && first->transaction == transaction && first->kind == EXPECT_FINAL)
        writing_time_reply(client);
}

static void say_content(SmtpClient *client, Transaction *transaction)
{
    if (!client->config.wants_lines || transaction->content_is_said)
        return;
    transaction->content_is_said = TRUE;
    g_autofree char *label = g_strdup_printf(
        "[message, %" G_GSIZE_FORMAT " bytes]", g_bytes_get_size(transaction->content));
    transcript_label(client, label);
}

static gsize room_in_send(const SmtpClient *client)
{
    gsize out = client->n_unsent + client->send->len;
    return out < LIMIT_SEND_CHUNK_BYTES ? LIMIT_SEND_CHUNK_BYTES - out : 0;
}

static gboolean write_chunk(SmtpClient *client, Transaction *transaction)
{
    gsize n;
    const guint8 *data = g_bytes_get_data(transaction->content, &n);
    say_content(client, transaction);
    gsize piece = MIN(n - transaction->chunk_at, room_in_send(client));
    gboolean is_last = transaction->chunk_at + piece == n;
    if (is_last && client->n_final > 0 && transaction_is_late(client, transaction))
        return FALSE; /* it costs the session: first the replies to the mails in front of it */
    if (is_last && mails_give_up_late(client, transaction))
        return FALSE;
    if (piece > 0)
        g_byte_array_append(client->send, data + transaction->chunk_at, (guint)piece);
    transaction->chunk_at += piece;
    if (!is_last)
        return FALSE; /* until SENT */
    end_has_left(client, transaction);
    return TRUE;
}

/* Nobody is left to send it to, and yet the server waits for content: a lone dot (RFC 2920 3.1). */
static void write_lone_dot(SmtpClient *client, Transaction *transaction)
{
    SmtpBodyEncoder nothing;
    smtp_body_encoder_init(&nothing, NULL);
    smtp_body_encoder_write_end(&nothing, client->send);
    transcript_label(client, ".");
    expect(client, transaction, EXPECT_FINAL, 0);
    end_has_left(client, transaction);
}

static gboolean write_body(SmtpClient *client, Transaction *transaction)
{
    if (!transaction_is_wanted(transaction)) {
        write_lone_dot(client, transaction);
        return TRUE;
    }
    say_content(client, transaction);
    gsize room = room_in_send(client);
    if (room > 2 * END_OCTETS)
        smtp_body_encoder_write(&transaction->body, client->send, room - END_OCTETS);
    if (!smtp_body_encoder_is_done(&transaction->body) || !transaction->is_marked)
        return FALSE; /* until SENT, or until MARKED */
    if (mails_give_up_late(client, transaction))
        return FALSE;
    smtp_body_encoder_write_end(&transaction->body, client->send);
    transcript_label(client, ".");
    expect(client, transaction, EXPECT_FINAL, 0);
    end_has_left(client, transaction);
    return TRUE;
}

/* --- The turn --------------------------------------------------------------------------------- */

static gboolean write_next(SmtpClient *client)
{
    if (client->writer == NULL || room_in_send(client) == 0)
        return FALSE;
    Transaction *transaction = client->writer->data;
    switch ((Stage)transaction->stage) {
    case STAGE_HELD:
        return begin(client, transaction);
    case STAGE_ENVELOPE:
        return write_envelope(client, transaction);
    case STAGE_CONTENT:
        return transaction->is_chunked ? write_chunk(client, transaction)
                                       : write_body(client, transaction);
    case STAGE_FINAL:
    case STAGE_OVER:
        break;
    }
    g_assert_not_reached();
}

void writing_speak(SmtpClient *client)
{
    /* Half a reply that was not due has begun to arrive: what we said now would be taken for its
     * question. */
    if (smtp_reply_reader_is_inside(client->reader) && !writing_is_reply_due(client))
        return;
    while (write_next(client))
        continue;
}
