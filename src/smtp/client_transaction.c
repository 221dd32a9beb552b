/* One mail after the other: MAIL, RCPT, DATA, the body, the final dot, and the RSET that clears the
 * table after anything but success (RFC 5321 3.3 and 4.1.4, RFC 2920 3.1, RFC 1870, 6152, 6531). */
#include "base/limits.h"
#include "smtp/client_private.h"
#include "smtp/command.h"

/* --- Outcomes --------------------------------------------------------------------------------- */

static guint n_states(const Transaction *transaction)
{
    return MAX(transaction->n_recipients, 1); /* a probe without recipients has one outcome too */
}

static gboolean has_undecided(const Transaction *transaction)
{
    for (guint i = 0; i < n_states(transaction); i++) {
        if (transaction->states[i] != RECIPIENT_DECIDED)
            return TRUE;
    }
    return FALSE;
}

/* The one place where an outcome comes into being; each recipient has exactly one. */
static void decide(SmtpClient *client, guint recipient, SmtpOutcomeKind kind, SmtpPhase phase,
    SmtpFault fault, const SmtpReply *reply)
{
    Transaction *transaction = client->transaction;
    g_assert(transaction->states[recipient] != RECIPIENT_DECIDED);
    transaction->states[recipient] = RECIPIENT_DECIDED;
    SmtpOutcome outcome = {.token = transaction->token,
        .recipient = recipient,
        .kind = kind,
        .phase = phase,
        .reply = reply,
        .fault = fault};
    g_array_append_val(client->outcomes, outcome);
}

static void decide_all(SmtpClient *client, SmtpOutcomeKind kind, SmtpPhase phase, SmtpFault fault,
    const SmtpReply *reply)
{
    for (guint i = 0; i < n_states(client->transaction); i++) {
        if (client->transaction->states[i] != RECIPIENT_DECIDED)
            decide(client, i, kind, phase, fault, reply);
    }
}

/* What a reply means for a recipient. FALSE: it fits no command (1yz, 3yz). */
static gboolean outcome_of(const SmtpReply *reply, SmtpOutcomeKind *kind)
{
    switch (reply->code / 100) {
    case 2:
        *kind = SMTP_OUTCOME_ACCEPTED;
        return TRUE;
    case 4:
        *kind = SMTP_OUTCOME_DEFERRED;
        return TRUE;
    case 5:
        *kind = SMTP_OUTCOME_REJECTED;
        return TRUE;
    default:
        return FALSE;
    }
}

void transaction_abandon(SmtpClient *client, SmtpFault fault, const SmtpReply *reply)
{
    if (client->transaction == NULL)
        return;
    SmtpOutcomeKind kind =
        client->transaction->dot_has_left ? SMTP_OUTCOME_UNCERTAIN : SMTP_OUTCOME_DEFERRED;
    if (fault == SMTP_FAULT_REPLY)
        outcome_of(reply, &kind);
    decide_all(client, kind, client_phase(client), fault, reply);
}

/* --- Begin and end ---------------------------------------------------------------------------- */

static Transaction *transaction_new(const SmtpMail *mail)
{
    Transaction *transaction = g_new0(Transaction, 1);
    transaction->token = mail->token;
    transaction->sender = g_strdup(mail->sender);
    transaction->recipients = g_strdupv((char **)mail->recipients);
    transaction->n_recipients =
        mail->recipients == NULL ? 0 : g_strv_length(transaction->recipients);
    transaction->content = mail->content == NULL ? NULL : g_bytes_ref(mail->content);
    transaction->eightbitmime = mail->needs_eightbitmime;
    transaction->smtputf8 = mail->needs_smtputf8;
    g_assert(transaction->n_recipients <= LIMIT_RECIPIENTS_PER_TRANSACTION);
    g_assert(transaction->n_recipients > 0 || transaction->content == NULL);
    transaction->states = g_new0(RecipientState, n_states(transaction));
    smtp_body_encoder_init(&transaction->body, transaction->content);
    return transaction;
}

void transaction_free(Transaction *transaction)
{
    if (transaction == NULL)
        return;
    g_free(transaction->sender);
    g_strfreev(transaction->recipients);
    g_free(transaction->states);
    g_clear_pointer(&transaction->content, g_bytes_unref);
    g_free(transaction);
}

static void finish(SmtpClient *client)
{
    client->effects.probe_done = client->transaction->content == NULL;
    g_clear_pointer(&client->transaction, transaction_free);
}

/* The first address that needs SMTPUTF8, for people to find it. */
static const char *first_international(const Transaction *transaction)
{
    if (!g_str_is_ascii(transaction->sender))
        return transaction->sender;
    for (guint i = 0; i < transaction->n_recipients; i++) {
        if (!g_str_is_ascii(transaction->recipients[i]))
            return transaction->recipients[i];
    }
    return "an address in the header";
}

/* Why this server cannot be given this mail, as the reply it would have had to give; NULL if it
 * can. */
static SmtpReply *objection(const SmtpClient *client, const Transaction *transaction)
{
    const SmtpCapabilities *can = &client->capabilities;
    if (transaction->smtputf8 && !can->smtputf8) {
        g_autofree char *text =
            g_strdup_printf("The server cannot take international addresses (SMTPUTF8): %s",
                first_international(transaction));
        return smtp_reply_new(553, "5.6.7", text);
    }
    if (transaction->sender[0] != '\0' &&
        !smtp_command_can_hold_address(transaction->sender, transaction->smtputf8))
        return smtp_reply_new(553, "5.1.7", "The sender address cannot be written in SMTP");
    if (transaction->content == NULL)
        return NULL;
    if (transaction->eightbitmime && !can->eightbitmime)
        return smtp_reply_new(554, "5.6.3", "The server cannot take 8-bit content (8BITMIME)");
    gsize n = g_bytes_get_size(transaction->content);
    if (can->size_known && can->size_max > 0 && n > can->size_max) {
        g_autofree char *text = g_strdup_printf("The message has %" G_GSIZE_FORMAT
                                                " bytes, the server takes %" G_GUINT64_FORMAT,
            n, can->size_max);
        return smtp_reply_new(552, "5.3.4", text);
    }
    if (!smtp_body_is_sendable(transaction->content))
        return smtp_reply_new(554, "5.6.0", "The message holds a NUL, a bare CR or a bare LF");
    return NULL;
}

/* Keeps a reply of our own as long as the server's. */
static const SmtpReply *keep(SmtpClient *client, SmtpReply *reply)
{
    g_ptr_array_add(client->replies, reply);
    return reply;
}

static void refuse_unwritable_recipients(SmtpClient *client)
{
    const Transaction *transaction = client->transaction;
    for (guint i = 0; i < transaction->n_recipients; i++) {
        if (smtp_command_can_hold_address(transaction->recipients[i], transaction->smtputf8))
            continue;
        SmtpReply *reply =
            smtp_reply_new(553, "5.1.3", "The recipient address cannot be written in SMTP");
        decide(client, i, SMTP_OUTCOME_REJECTED, SMTP_PHASE_RCPT, SMTP_FAULT_NONE,
            keep(client, reply));
    }
}

void transaction_begin(SmtpClient *client, const SmtpMail *mail)
{
    client->transaction = transaction_new(mail);
    SmtpReply *no = objection(client, client->transaction);
    if (no != NULL)
        decide_all(
            client, SMTP_OUTCOME_REJECTED, SMTP_PHASE_MAIL, SMTP_FAULT_NONE, keep(client, no));
    else
        refuse_unwritable_recipients(client);
    if (has_undecided(client->transaction))
        client_enter(client, WAIT_ENVELOPE);
    else
        finish(client); /* still ready: the server has not heard of it */
}

/* --- MAIL, RCPT, DATA ------------------------------------------------------------------------- */

static void expect(SmtpClient *client, SmtpPhase phase, guint recipient)
{
    Expected *expected = g_new(Expected, 1);
    *expected = (Expected){phase, client->transaction, recipient};
    g_queue_push_tail(&client->expected, expected);
}

static void write_mail(SmtpClient *client)
{
    Transaction *transaction = client->transaction;
    gboolean with_size = transaction->content != NULL && client->capabilities.size_known;
    SmtpMailParameters parameters = {
        .with_size = with_size,
        .size = with_size ? g_bytes_get_size(transaction->content) : 0,
        .eightbitmime = transaction->content != NULL && transaction->eightbitmime,
        .smtputf8 = transaction->smtputf8,
    };
    gboolean written = smtp_command_mail(client->send, transaction->sender, &parameters);
    g_assert(written); /* transaction_begin has asked */
    transaction->mail_written = TRUE;
    expect(client, SMTP_PHASE_MAIL, 0);
}

static void write_rcpt(SmtpClient *client, guint recipient)
{
    Transaction *transaction = client->transaction;
    gboolean written =
        smtp_command_rcpt(client->send, transaction->recipients[recipient], transaction->smtputf8);
    g_assert(written); /* transaction_begin has asked */
    expect(client, SMTP_PHASE_RCPT, recipient);
}

/* Writes the next command of the envelope; FALSE if there is none. */
static gboolean write_next(SmtpClient *client)
{
    Transaction *transaction = client->transaction;
    if (!transaction->mail_written) {
        write_mail(client);
        return TRUE;
    }
    while (transaction->next_recipient < transaction->n_recipients) {
        guint recipient = transaction->next_recipient++;
        if (transaction->states[recipient] != RECIPIENT_DECIDED) {
            write_rcpt(client, recipient);
            return TRUE;
        }
    }
    if (transaction->content == NULL || transaction->data_written)
        return FALSE;
    smtp_command_word(client->send, SMTP_WORD_DATA);
    transaction->data_written = TRUE;
    expect(client, SMTP_PHASE_DATA, 0);
    return TRUE;
}

/* The reply that is due next has its own deadline from now on. */
static void time_next_reply(SmtpClient *client)
{
    const Expected *next = g_queue_peek_head(&client->expected);
    const SmtpDeadlines *deadlines = &client->config.deadlines;
    if (next->phase == SMTP_PHASE_DATA)
        client_set_deadline(client, deadlines->data_go_ms, LIMIT_DATA_GO_MS);
    else
        client_set_deadline(client, deadlines->command_ms, LIMIT_COMMAND_MS);
}

/* All commands in one write if the server can tell them apart (RFC 2920), else one. */
void transaction_speak_envelope(SmtpClient *client)
{
    while (write_next(client) && client->capabilities.pipelining)
        continue;
    transcript_sent(client, 0);
    time_next_reply(client);
}

static void on_mail_reply(SmtpClient *client, const SmtpReply *reply)
{
    Transaction *transaction = client->transaction;
    gboolean is_probe = transaction->content == NULL;
    SmtpOutcomeKind kind;
    if (!outcome_of(reply, &kind)) {
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
        return;
    }
    if (is_probe && kind == SMTP_OUTCOME_ACCEPTED)
        client_pass(client, SMTP_PHASE_MAIL, reply);
    if (kind != SMTP_OUTCOME_ACCEPTED || transaction->n_recipients == 0)
        decide_all(client, kind, SMTP_PHASE_MAIL, SMTP_FAULT_NONE, reply);
}

static void on_rcpt_reply(SmtpClient *client, const SmtpReply *reply, guint recipient)
{
    Transaction *transaction = client->transaction;
    gboolean is_probe = transaction->content == NULL;
    SmtpOutcomeKind kind;
    if (!outcome_of(reply, &kind)) {
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
        return;
    }
    if (transaction->states[recipient] == RECIPIENT_DECIDED)
        return; /* MAIL was refused: what is said about its recipients means nothing */
    if (reply->code == 552)
        kind = SMTP_OUTCOME_DEFERRED; /* too many recipients (RFC 5321 4.5.3.1.10) */
    if (is_probe && kind == SMTP_OUTCOME_ACCEPTED)
        client_pass(client, SMTP_PHASE_RCPT, reply);
    if (is_probe || kind != SMTP_OUTCOME_ACCEPTED)
        decide(client, recipient, kind, SMTP_PHASE_RCPT, SMTP_FAULT_NONE, reply);
    else
        transaction->states[recipient] = RECIPIENT_TAKEN;
}

static void on_data_reply(SmtpClient *client, const SmtpReply *reply)
{
    SmtpOutcomeKind kind;
    if (reply->code == 354)
        client->transaction->data_go = TRUE;
    else if (outcome_of(reply, &kind) && kind != SMTP_OUTCOME_ACCEPTED)
        decide_all(client, kind, SMTP_PHASE_DATA, SMTP_FAULT_NONE, reply);
    else
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
}

/* All commands sent so far are answered: on with the mail, or out of it. */
static void on_envelope_answered(SmtpClient *client)
{
    Transaction *transaction = client->transaction;
    gboolean wanted = has_undecided(transaction);
    if (transaction->data_go) /* nobody left to send it to: a lone dot (RFC 2920 3.1) */
        client_enter(client, wanted ? WAIT_BODY_SENT : WAIT_FINAL);
    else
        client_enter(client, wanted ? WAIT_ENVELOPE : WAIT_RSET);
}

void transaction_on_envelope(SmtpClient *client, const SmtpReply *reply)
{
    const Expected *expected = g_queue_peek_head(&client->expected);
    if (expected->phase == SMTP_PHASE_MAIL)
        on_mail_reply(client, reply);
    else if (expected->phase == SMTP_PHASE_RCPT)
        on_rcpt_reply(client, reply, expected->recipient);
    else
        on_data_reply(client, reply);
    if (client->state == CLOSED)
        return;
    g_free(g_queue_pop_head(&client->expected));
    if (g_queue_is_empty(&client->expected))
        on_envelope_answered(client);
    else
        time_next_reply(client);
}

/* --- Body and final dot ----------------------------------------------------------------------- */

enum { END_OCTETS = 5 }; /* CRLF "." CRLF */

void transaction_speak_body(SmtpClient *client)
{
    Transaction *transaction = client->transaction;
    if (transaction->body.at == 0) {
        g_autofree char *label = g_strdup_printf(
            "[message, %" G_GSIZE_FORMAT " bytes]", g_bytes_get_size(transaction->content));
        transcript_label(client, label);
    }
    smtp_body_encoder_write(&transaction->body, client->send, LIMIT_SEND_CHUNK_BYTES - END_OCTETS);
    client_set_deadline(client, client->config.deadlines.data_block_ms, LIMIT_DATA_BLOCK_MS);
    if (smtp_body_encoder_is_done(&transaction->body)) {
        if (transaction->is_marked)
            client_enter(client, WAIT_FINAL); /* the dot leaves in the same write */
        else if (client->send->len == 0)
            client_enter(client, WAIT_MARKED); /* empty message: no SENT will come */
    }
}

void transaction_on_sent(SmtpClient *client)
{
    if (client->state != WAIT_BODY_SENT)
        return; /* commands need no answer to SENT */
    Transaction *transaction = client->transaction;
    if (!smtp_body_encoder_is_done(&transaction->body))
        client_enter(client, WAIT_BODY_SENT);
    else
        client_enter(client, transaction->is_marked ? WAIT_FINAL : WAIT_MARKED);
}

void transaction_on_marked(SmtpClient *client, guint64 token)
{
    /* The store may come too late for a mail the server has refused meanwhile. */
    if (client->transaction == NULL || client->transaction->token != token)
        return;
    client->transaction->is_marked = TRUE;
    if (client->state == WAIT_MARKED)
        client_enter(client, WAIT_FINAL);
}

void transaction_speak_marked(SmtpClient *client)
{
    client->deadline = 0; /* the store's time, not the server's */
}

/* A reply before the dot has left: the server gives up on the mail (S33). What follows on this
 * connection would be read as the rest of the body, so it ends here. */
void transaction_on_early(SmtpClient *client, const SmtpReply *reply)
{
    if (reply->code >= 400)
        client_fail(client, SMTP_FAULT_REPLY, reply);
    else
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
}

void transaction_speak_final(SmtpClient *client)
{
    Transaction *transaction = client->transaction;
    if (has_undecided(transaction)) {
        g_assert(transaction->is_marked);
        smtp_body_encoder_write_end(&transaction->body, client->send);
    } else {
        SmtpBodyEncoder nothing;
        smtp_body_encoder_init(&nothing, NULL);
        smtp_body_encoder_write_end(&nothing, client->send);
    }
    transaction->dot_has_left = TRUE;
    transcript_label(client, ".");
    client_set_deadline(client, client->config.deadlines.final_reply_ms, LIMIT_FINAL_REPLY_MS);
}

void transaction_on_final(SmtpClient *client, const SmtpReply *reply)
{
    SmtpOutcomeKind kind;
    if (!client->transaction->dot_has_left) {
        transaction_on_early(client, reply);
    } else if (!outcome_of(reply, &kind)) {
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
    } else if (kind == SMTP_OUTCOME_ACCEPTED && has_undecided(client->transaction)) {
        decide_all(client, kind, SMTP_PHASE_AFTER_DATA, SMTP_FAULT_NONE, reply);
        finish(client);
        client_enter(client, READY);
    } else {
        decide_all(client, kind, SMTP_PHASE_AFTER_DATA, SMTP_FAULT_NONE, reply);
        client_enter(client, WAIT_RSET);
    }
}

/* --- RSET ------------------------------------------------------------------------------------- */

void transaction_speak_rset(SmtpClient *client)
{
    smtp_command_word(client->send, SMTP_WORD_RSET);
    transcript_sent(client, 0);
    client_set_deadline(client, client->config.deadlines.command_ms, LIMIT_COMMAND_MS);
}

void transaction_on_rset(SmtpClient *client, const SmtpReply *reply)
{
    finish(client);
    if (reply->code / 100 == 2)
        client_enter(client, READY);
    else
        client_refused(client, reply);
}
