/* The mails in hand: taken or refused on the spot, marked, taken back, dropped; and the one place
 * where outcomes come into being (RFC 5321 3.3, RFC 1870, 6152, 6531). */
#include "base/limits.h"
#include "base/states.h"
#include "base/text.h"
#include "smtp/client_private.h"
#include "smtp/command.h"

#include <string.h>

/* --- Stages ----------------------------------------------------------------------------------- */

#define TO(stage) STATE_BIT(STAGE_##stage)

static const StateRow rows[] = {
    [STAGE_HELD] = {"held", TO(ENVELOPE) | TO(OVER)},
    [STAGE_ENVELOPE] = {"envelope", TO(CONTENT) | TO(OVER)},
    [STAGE_CONTENT] = {"content", TO(FINAL) | TO(OVER)},
    [STAGE_FINAL] = {"final", TO(OVER)},
    [STAGE_OVER] = {"over", 0},
};
static const StateTable table = {"smtp_transaction", rows, G_N_ELEMENTS(rows)};

void transaction_enter(Transaction *transaction, Stage stage)
{
    states_move(&table, &transaction->stage, stage);
}

/* --- Outcomes --------------------------------------------------------------------------------- */

static guint n_states(const Transaction *transaction)
{
    return MAX(transaction->n_recipients, 1); /* a probe without recipients has one outcome too */
}

gboolean transaction_is_wanted(const Transaction *transaction)
{
    for (guint i = 0; i < n_states(transaction); i++) {
        if (transaction->states[i] != RECIPIENT_DECIDED)
            return TRUE;
    }
    return FALSE;
}

/* The one place where an outcome comes into being; each recipient has exactly one. */
void transaction_decide(SmtpClient *client, Transaction *transaction, guint recipient,
    SmtpOutcomeKind kind, SmtpPhase phase, SmtpFault fault, const SmtpReply *reply)
{
    g_assert(transaction->states[recipient] != RECIPIENT_DECIDED);
    transaction->states[recipient] = RECIPIENT_DECIDED;
    SmtpOutcome outcome = {.token = transaction->token,
        .recipient = recipient,
        .kind = kind,
        .phase = phase,
        .reply = reply,
        .fault = fault,
        .was_held = transaction->stage == STAGE_HELD};
    g_array_append_val(client->outcomes, outcome);
}

void transaction_decide_all(SmtpClient *client, Transaction *transaction, SmtpOutcomeKind kind,
    SmtpPhase phase, SmtpFault fault, const SmtpReply *reply)
{
    for (guint i = 0; i < n_states(transaction); i++) {
        if (transaction->states[i] != RECIPIENT_DECIDED)
            transaction_decide(client, transaction, i, kind, phase, fault, reply);
    }
}

gboolean transaction_outcome_of(const SmtpReply *reply, SmtpOutcomeKind *kind)
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

/* Where this mail stands, while the session as a whole may stand at another one. */
static SmtpPhase phase_of(const SmtpClient *client, const Transaction *transaction)
{
    const Expected *first = g_queue_peek_head((GQueue *)&client->expected);
    switch ((Stage)transaction->stage) {
    case STAGE_HELD:
        return SMTP_PHASE_MAIL;
    case STAGE_ENVELOPE:
        return first != NULL && first->transaction == transaction ? client_phase(client)
                                                                  : SMTP_PHASE_MAIL;
    case STAGE_CONTENT:
        return SMTP_PHASE_DATA;
    case STAGE_FINAL:
    case STAGE_OVER:
        return SMTP_PHASE_AFTER_DATA;
    }
    g_assert_not_reached();
}

/* TRUE if the session ends where the reply to this mail's own end was due. */
static gboolean is_answered(const SmtpClient *client, const Transaction *transaction)
{
    const Expected *first = g_queue_peek_head((GQueue *)&client->expected);
    return first != NULL && first->transaction == transaction && first->kind == EXPECT_FINAL &&
           transaction->stage == STAGE_FINAL;
}

/* A server that says 421 goes away and answers nothing further, in order: the mails behind the one
 * it answers are not taken either (RFC 5321 3.8). But it may shut down (X.3.2) unasked, with a mail
 * in its hands that it has passed on: of that one mail nothing is known. */
void mails_abandon(SmtpClient *client, SmtpFault fault, const SmtpReply *reply)
{
    gboolean goes_away = reply != NULL && reply->code == 421;
    gboolean shuts_down = goes_away && strcmp(reply->enhanced, "4.3.2") == 0;
    for (GList *link = client->mails.head; link != NULL; link = link->next) {
        Transaction *transaction = link->data;
        gboolean is_uncertain = transaction->stage == STAGE_FINAL &&
                                (!goes_away || (shuts_down && is_answered(client, transaction)));
        transaction_decide_all(client, transaction,
            is_uncertain ? SMTP_OUTCOME_UNCERTAIN : SMTP_OUTCOME_DEFERRED,
            phase_of(client, transaction), fault, goes_away && !is_uncertain ? reply : NULL);
    }
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
    transaction->return_headers = mail->return_headers;
    transaction->envelope_id = g_strdup(mail->envelope_id);
    transaction->notify = mail->notify;
    transaction->marks_late = mail->marks_late;
    transaction->latest_at = mail->latest_at;
    g_assert(transaction->n_recipients <= LIMIT_RECIPIENTS_PER_TRANSACTION);
    g_assert(transaction->n_recipients > 0 || transaction->content == NULL);
    g_assert(mail->envelope_id == NULL || (strlen(mail->envelope_id) <= LIMIT_ENVELOPE_ID_OCTETS &&
                                              text_is_one_line(mail->envelope_id, FALSE)));
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
    g_free(transaction->envelope_id);
    g_clear_pointer(&transaction->content, g_bytes_unref);
    g_free(transaction);
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

static void refuse_unwritable_recipients(SmtpClient *client, Transaction *transaction)
{
    for (guint i = 0; i < transaction->n_recipients; i++) {
        if (smtp_command_can_hold_address(transaction->recipients[i], transaction->smtputf8))
            continue;
        SmtpReply *reply =
            smtp_reply_new(553, "5.1.3", "The recipient address cannot be written in SMTP");
        transaction_decide(client, transaction, i, SMTP_OUTCOME_REJECTED, SMTP_PHASE_RCPT,
            SMTP_FAULT_NONE, keep(client, reply));
    }
}

void transaction_ask_mark(SmtpClient *client, Transaction *transaction)
{
    if (transaction->content == NULL || transaction->mark_is_asked)
        return;
    transaction->mark_is_asked = TRUE;
    g_array_append_val(client->begun, transaction->token);
}

void mails_take(SmtpClient *client, const SmtpMail *mail)
{
    Transaction *transaction = transaction_new(mail);
    SmtpReply *no = objection(client, transaction);
    if (no != NULL)
        transaction_decide_all(client, transaction, SMTP_OUTCOME_REJECTED, SMTP_PHASE_MAIL,
            SMTP_FAULT_NONE, keep(client, no));
    else
        refuse_unwritable_recipients(client, transaction);
    if (!transaction_is_wanted(transaction)) { /* the server does not hear of it */
        client->effects.probe_done = transaction->content == NULL;
        transaction_free(transaction);
        return;
    }
    transaction->is_chunked = client->pace == SMTP_PACE_WINDOW && transaction->content != NULL;
    g_queue_push_tail(&client->mails, transaction);
    if (client->writer == NULL)
        client->writer = client->mails.tail;
    if (!transaction->marks_late) /* its end shall wait for nothing but its turn */
        transaction_ask_mark(client, transaction);
    if (client->state == READY)
        client_enter(client, SERVING);
}

void mails_drop(SmtpClient *client, Transaction *transaction)
{
    g_assert(transaction->n_unanswered == 0);
    GList *link = g_queue_find(&client->mails, transaction);
    if (client->writer == link)
        client->writer = link->next;
    if (transaction->stage == STAGE_FINAL)
        client->n_final--;
    g_queue_delete_link(&client->mails, link);
    if (client->trial == transaction)
        client->trial = NULL;
    transaction_enter(transaction, STAGE_OVER);
    transaction_free(transaction);
}

void mails_hand_back(SmtpClient *client)
{
    Transaction *last;
    while ((last = g_queue_peek_tail(&client->mails)) != NULL && last->stage == STAGE_HELD) {
        transaction_decide_all(
            client, last, SMTP_OUTCOME_DEFERRED, SMTP_PHASE_MAIL, SMTP_FAULT_NONE, NULL);
        mails_drop(client, last);
    }
}

/* --- The driver's word ------------------------------------------------------------------------ */

static Transaction *find(const SmtpClient *client, guint64 token)
{
    for (GList *link = client->mails.head; link != NULL; link = link->next) {
        Transaction *transaction = link->data;
        if (transaction->token == token && !transaction->is_withdrawn)
            return transaction; /* what was taken back may be here anew */
    }
    return NULL;
}

/* The store may come too late for a mail the server has refused meanwhile. */
void mails_mark(SmtpClient *client, const guint64 *tokens, guint n)
{
    for (guint i = 0; i < n; i++) {
        Transaction *transaction = find(client, tokens[i]);
        if (transaction != NULL)
            transaction->is_marked = TRUE;
    }
}

/* Without a word: the driver has told its own listeners. */
static void forget_recipients(Transaction *transaction)
{
    for (guint i = 0; i < n_states(transaction); i++)
        transaction->states[i] = RECIPIENT_DECIDED;
    transaction->is_withdrawn = TRUE;
}

void mails_withdraw(SmtpClient *client, guint64 token)
{
    Transaction *transaction = find(client, token);
    if (transaction == NULL || transaction->stage == STAGE_FINAL)
        return;
    forget_recipients(transaction);
    if (transaction->stage == STAGE_HELD)
        mails_drop(client, transaction);
    else if (transaction->stage == STAGE_CONTENT)
        client_fail(client, SMTP_FAULT_WITHDRAWN, NULL); /* the server waits for content */
}

gboolean transaction_is_late(const SmtpClient *client, const Transaction *transaction)
{
    return transaction->latest_at != 0 && client->now >= transaction->latest_at &&
           transaction_is_wanted(transaction);
}

/* Where a part of its envelope is unanswered, the replies end it; where the server waits for
 * content, only the end of the session does. */
gboolean mails_give_up_late(SmtpClient *client, Transaction *transaction)
{
    if (!transaction_is_late(client, transaction))
        return FALSE;
    transaction_decide_all(client, transaction, SMTP_OUTCOME_DEFERRED,
        phase_of(client, transaction), SMTP_FAULT_TOO_LATE, NULL);
    transaction->is_withdrawn = TRUE;
    if (transaction->stage == STAGE_HELD)
        mails_drop(client, transaction);
    else if (transaction->stage == STAGE_CONTENT || transaction->n_unanswered == 0)
        client_fail(client, SMTP_FAULT_WITHDRAWN, NULL);
    return TRUE;
}

gboolean smtp_client_is_held(const SmtpClient *client, guint64 token)
{
    const Transaction *transaction = find(client, token);
    return transaction != NULL && transaction->stage == STAGE_HELD;
}
