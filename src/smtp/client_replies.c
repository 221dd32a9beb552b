/* What each reply means for its mail: the replies come in the order of the commands (RFC 5321 4.2,
 * RFC 2920 3.1), so the first of `expected` is the one that is answered. */
#include "base/limits.h"
#include "smtp/client_private.h"

/* --- Out of step ------------------------------------------------------------------------------ */

/* The server does not know the command, or not at this point, though it was in order: it has lost
 * count, or cannot do what it offers. That says nothing about the mail. */
static gboolean is_complaint(const SmtpReply *reply)
{
    if (reply->code == 500 || reply->code == 502 || reply->code == 503)
        return TRUE;
    return reply->code == 554 && g_str_has_prefix(reply->enhanced, "5.5.");
}

/* The replies that are under way still tell the fate of their mails; then we leave, and use one
 * command at a time from then on. */
static void lose_step(SmtpClient *client, Transaction *transaction, SmtpPhase phase)
{
    client->is_out_of_step = TRUE;
    transaction_decide_all(
        client, transaction, SMTP_OUTCOME_DEFERRED, phase, SMTP_FAULT_OUT_OF_STEP, NULL);
}

static gboolean writes_groups(const SmtpClient *client)
{
    return client->pace > SMTP_PACE_STEPWISE;
}

/* --- Envelope --------------------------------------------------------------------------------- */

static void on_rset(SmtpClient *client, Transaction *transaction, const SmtpReply *reply)
{
    /* What the probe asked has been answered, whatever becomes of the session. */
    client->effects.probe_done =
        transaction->content == NULL && !transaction_is_wanted(transaction);
    if (reply->code / 100 == 2)
        return;
    if (reply->code < 400)
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
    else if (client->expected.length == 1)
        client_give_up(client, SMTP_FAULT_REPLY, reply);
    else /* nobody refuses RSET: rather this answers something else, and so may those behind it */
        client_fail(client, SMTP_FAULT_OUT_OF_STEP, NULL);
}

static void on_mail(SmtpClient *client, Transaction *transaction, const SmtpReply *reply)
{
    gboolean is_probe = transaction->content == NULL;
    SmtpOutcomeKind kind;
    if (!transaction_outcome_of(reply, &kind)) {
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
        return;
    }
    gboolean is_refused_trial = client->trial == transaction && reply->code == 554 &&
                                reply->enhanced[0] == '\0'; /* as Exim refuses early input */
    if (transaction->is_ahead && (is_complaint(reply) || is_refused_trial)) {
        lose_step(client, transaction, SMTP_PHASE_MAIL);
        return;
    }
    if (is_probe && kind == SMTP_OUTCOME_ACCEPTED)
        client_pass(client, SMTP_PHASE_MAIL, reply);
    if (kind != SMTP_OUTCOME_ACCEPTED || transaction->n_recipients == 0)
        transaction_decide_all(client, transaction, kind, SMTP_PHASE_MAIL, SMTP_FAULT_NONE, reply);
}

static void on_rcpt(
    SmtpClient *client, Transaction *transaction, guint recipient, const SmtpReply *reply)
{
    gboolean is_probe = transaction->content == NULL;
    SmtpOutcomeKind kind;
    if (!transaction_outcome_of(reply, &kind)) {
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
        return;
    }
    transaction->is_taken = transaction->is_taken || kind == SMTP_OUTCOME_ACCEPTED;
    if (transaction->states[recipient] == RECIPIENT_DECIDED)
        return; /* MAIL was refused: what is said about its recipients means nothing */
    if (is_complaint(reply) && writes_groups(client) && !is_probe) {
        /* The others may stand, and with BDAT the end has left: its reply decides about them. */
        client->is_out_of_step = TRUE;
        transaction_decide(client, transaction, recipient, SMTP_OUTCOME_DEFERRED, SMTP_PHASE_RCPT,
            SMTP_FAULT_OUT_OF_STEP, NULL);
        return;
    }
    if (reply->code == 552)
        kind = SMTP_OUTCOME_DEFERRED; /* too many recipients (RFC 5321 4.5.3.1.10) */
    if (is_probe && kind == SMTP_OUTCOME_ACCEPTED)
        client_pass(client, SMTP_PHASE_RCPT, reply);
    if (is_probe || kind != SMTP_OUTCOME_ACCEPTED)
        transaction_decide(
            client, transaction, recipient, kind, SMTP_PHASE_RCPT, SMTP_FAULT_NONE, reply);
    else
        transaction->states[recipient] = RECIPIENT_TAKEN;
}

static void on_data(SmtpClient *client, Transaction *transaction, const SmtpReply *reply)
{
    SmtpOutcomeKind kind;
    if (reply->code == 354)
        transaction->data_go = TRUE;
    else if (!transaction_outcome_of(reply, &kind) || kind == SMTP_OUTCOME_ACCEPTED)
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
    else if (is_complaint(reply) && writes_groups(client) && transaction_is_wanted(transaction))
        lose_step(client, transaction, SMTP_PHASE_DATA);
    else
        transaction_decide_all(client, transaction, kind, SMTP_PHASE_DATA, SMTP_FAULT_NONE, reply);
}

/* A mail was not taken: RSET must lead the next one. After too many of them what has not been begun
 * goes by another session. */
static void spoil(SmtpClient *client)
{
    client->is_dirty = TRUE;
    if (++client->n_spoilt >= LIMIT_SPOILT_MAILS_PER_SESSION)
        mails_hand_back(client);
}

/* --- Content and end -------------------------------------------------------------------------- */

/* A reply before the end has left: the server gives up on the mail (S33). What follows on this
 * connection would be read as the rest of the content, so it ends here. */
static void on_early(SmtpClient *client, Transaction *transaction, const SmtpReply *reply)
{
    SmtpOutcomeKind kind;
    if (reply->code < 400 || !transaction_outcome_of(reply, &kind)) {
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
        return;
    }
    transaction_decide_all(client, transaction, kind, SMTP_PHASE_DATA, SMTP_FAULT_REPLY, reply);
    client_fail(client, SMTP_FAULT_REPLY, reply);
}

static void on_final(SmtpClient *client, Transaction *transaction, const SmtpReply *reply)
{
    SmtpOutcomeKind kind;
    if (transaction->stage != STAGE_FINAL) {
        on_early(client, transaction, reply);
        return;
    }
    if (!transaction_outcome_of(reply, &kind)) {
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
        return;
    }
    gboolean is_wanted = transaction_is_wanted(transaction);
    if (kind == SMTP_OUTCOME_ACCEPTED && is_wanted)
        client->is_dirty = FALSE;
    else
        spoil(client);
    if (is_complaint(reply) && transaction->is_chunked && is_wanted)
        lose_step(client, transaction, SMTP_PHASE_AFTER_DATA);
    else
        transaction_decide_all(
            client, transaction, kind, SMTP_PHASE_AFTER_DATA, SMTP_FAULT_NONE, reply);
}

/* Nothing was asked. */
static void on_uninvited(SmtpClient *client, const SmtpReply *reply)
{
    Transaction *writer = client->writer == NULL ? NULL : client->writer->data;
    if (writer != NULL && writer->stage == STAGE_CONTENT)
        on_early(client, writer, reply);
    else
        client_fail(client, SMTP_FAULT_UNEXPECTED_REPLY, NULL);
}

/* --- One reply after the other ---------------------------------------------------------------- */

static void match(SmtpClient *client, const Expected *expected, const SmtpReply *reply)
{
    switch (expected->kind) {
    case EXPECT_RSET:
        on_rset(client, expected->transaction, reply);
        break;
    case EXPECT_MAIL:
        on_mail(client, expected->transaction, reply);
        break;
    case EXPECT_RCPT:
        on_rcpt(client, expected->transaction, expected->recipient, reply);
        break;
    case EXPECT_DATA:
        on_data(client, expected->transaction, reply);
        break;
    case EXPECT_FINAL:
        on_final(client, expected->transaction, reply);
        break;
    }
}

static gboolean envelope_is_written(const Transaction *transaction)
{
    return transaction->mail_written && !transaction->reset_due &&
           transaction->next_recipient == transaction->n_recipients &&
           (transaction->content == NULL || transaction->is_chunked || transaction->data_written);
}

static void on_trial_passed(SmtpClient *client)
{
    client->trial = NULL;
    if (client->is_out_of_step)
        return;
    client->is_proven = TRUE;
    client->effects.proved = TRUE;
}

/* All commands of the envelope that were sent are answered: on with the mail, or out of it. */
static void on_envelope_answered(SmtpClient *client, Transaction *transaction)
{
    gboolean is_wanted = transaction_is_wanted(transaction);
    if (client->trial == transaction && envelope_is_written(transaction))
        on_trial_passed(client);
    if (transaction->data_go && !is_wanted && transaction->is_taken) {
        /* A lone dot would deliver it, empty. */
        client_fail(client,
            transaction->is_withdrawn ? SMTP_FAULT_WITHDRAWN : SMTP_FAULT_UNEXPECTED_REPLY, NULL);
    } else if (transaction->data_go) {
        transaction_enter(transaction, STAGE_CONTENT);
    } else if (transaction->content == NULL && !is_wanted && client->effects.probe_done) {
        mails_drop(client, transaction);
    } else if (transaction->content == NULL && !is_wanted) {
        transaction->next_recipient = transaction->n_recipients;
        transaction->reset_due = TRUE;
    } else if (!is_wanted) {
        spoil(client);
        mails_drop(client, transaction);
    }
}

void replies_on_reply(SmtpClient *client, const SmtpReply *reply)
{
    const Expected *expected = g_queue_peek_head(&client->expected);
    if (expected == NULL) {
        on_uninvited(client, reply);
        return;
    }
    client->slowest_ms = MAX(client->slowest_ms, client->now - client->due_since);
    match(client, expected, reply);
    if (client->state != SERVING)
        return;
    Transaction *transaction = expected->transaction;
    g_free(g_queue_pop_head(&client->expected));
    writing_time_reply(client);
    if (--transaction->n_unanswered > 0)
        return;
    if (transaction->stage == STAGE_FINAL)
        mails_drop(client, transaction);
    else
        on_envelope_answered(client, transaction);
}

void replies_settle(SmtpClient *client)
{
    const Transaction *first = g_queue_peek_head(&client->mails);
    gboolean is_idle = first == NULL || first->stage == STAGE_HELD;
    if (client->is_out_of_step && is_idle)
        client_give_up(client, SMTP_FAULT_OUT_OF_STEP, NULL);
    else if (first == NULL)
        client_enter(client, READY);
}
