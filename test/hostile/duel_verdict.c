/* The statements that hold in every duel, whatever the server says. */
#include "duel_private.h"

#include "base/limits.h"

#include <stdarg.h>
#include <string.h>

void duel_blame(Duel *duel, const char *format, ...)
{
    if (duel->fault != NULL)
        return;
    va_list values;
    va_start(values, format);
    duel->fault = g_strdup_vprintf(format, values);
    va_end(values);
}

/* --- After every step ------------------------------------------------------------------------- */

static const char *const credentials[] = {"pa55", "AHUAcGE1NQ", "cGE1NQ"};

static gboolean holds_credential(const char *text, gsize n)
{
    for (gsize i = 0; i < G_N_ELEMENTS(credentials); i++) {
        if (g_strstr_len(text, (gssize)n, credentials[i]) != NULL)
            return TRUE;
    }
    return FALSE;
}

static void check_outcome(Duel *duel, const SmtpOutcome *outcome)
{
    const DuelMail *mail = &duel->mails[outcome->token];
    if (outcome->was_held && outcome->fault != SMTP_FAULT_NONE &&
        ledger_mail(duel->ledger, (guint)outcome->token)->is_begun)
        duel_blame(duel, "mail %u was not held, it had been begun", (guint)outcome->token);
    int class = outcome->reply == NULL ? 0 : outcome->reply->code / 100;
    gboolean is_at_end = outcome->phase == SMTP_PHASE_AFTER_DATA;
    switch (outcome->kind) {
    case SMTP_OUTCOME_ACCEPTED:
        if (class != 2 || outcome->fault != SMTP_FAULT_NONE ||
            (!mail->is_probe && (!is_at_end || !mail->is_marked)))
            duel_blame(duel, "accepted without reason: mail %u", (guint)outcome->token);
        break;
    case SMTP_OUTCOME_REJECTED:
        if (class != 5)
            duel_blame(duel, "rejected without 5yz: mail %u", (guint)outcome->token);
        break;
    case SMTP_OUTCOME_DEFERRED:
        break;
    case SMTP_OUTCOME_UNCERTAIN:
        if (!mail->is_marked || !is_at_end || outcome->reply != NULL)
            duel_blame(duel, "uncertain without reason: mail %u", (guint)outcome->token);
        break;
    }
}

/* How far the client may be ahead. */
static void check_reach(Duel *duel)
{
    const SmtpCapabilities *can = smtp_client_capabilities(duel->client);
    guint window = duel->config.window == 0 ? LIMIT_WINDOW_DEFAULT : duel->config.window;
    gboolean is_proven = duel->config.is_proven || duel->has_proved;
    guint allowed = can->pipelining && can->chunking && is_proven ? window : 1;
    SmtpPace pace = smtp_client_pace(duel->client);
    if (ledger_unanswered_ends(duel->ledger) > allowed)
        duel_blame(duel, "more ends are unanswered than the window has");
    if ((pace == SMTP_PACE_STEPWISE || (pace != 0 && !can->pipelining)) &&
        ledger_unanswered(duel->ledger) > 1)
        duel_blame(duel, "more than one command at a time");
    if (ledger_count(duel->ledger, ASKED_LAST_CHUNK) > 0 && !can->chunking)
        duel_blame(duel, "BDAT without CHUNKING");
    if (duel->room > 0 && !duel->tls_is_up)
        duel_blame(duel, "room before the login");
}

static void check_marks(Duel *duel)
{
    for (guint i = 0; i < duel->n_given; i++) {
        const LedgerMail *entry = ledger_mail(duel->ledger, i);
        gboolean is_lone_dot = entry->content != NULL && entry->content->len == 0;
        if (entry->end_has_left && !duel->mails[i].is_marked && !is_lone_dot)
            duel_blame(duel, "the end of mail %u left without its mark", i);
    }
}

static void check_passed(Duel *duel, const SmtpClientEffects *effects)
{
    for (guint i = 0; i < effects->n_passed; i++) {
        SmtpPhase phase = effects->passed[i].phase;
        if (phase <= SMTP_PHASE_AUTH && (duel->passed & (1u << phase)))
            duel_blame(duel, "phase %s was passed twice", smtp_phase_name(phase));
        duel->passed |= 1u << phase;
    }
}

void verdict_effects(Duel *duel, const SmtpClientEffects *effects)
{
    const GByteArray *send = effects->send;
    if ((duel->is_closed || effects->close) && send->len > 0)
        duel_blame(duel, "octets behind the end");
    if (effects->send_is_secret && !duel->tls_is_up)
        duel_blame(duel, "a secret before TLS");
    if (!effects->send_is_secret && holds_credential((const char *)send->data, send->len))
        duel_blame(duel, "a password that is no secret");
    for (guint i = 0; i < effects->n_lines; i++) {
        const char *text = effects->lines[i].text;
        if (strpbrk(text, "\r\n\x1b") != NULL || holds_credential(text, strlen(text)))
            duel_blame(duel, "a line that may not be shown");
    }
    for (guint i = 0; i < effects->n_outcomes && duel->fault == NULL; i++)
        check_outcome(duel, &effects->outcomes[i]);
    check_passed(duel, effects);
    check_reach(duel);
    check_marks(duel);
    if (ledger_violation(duel->ledger) != NULL)
        duel_blame(duel, "the client said %s", ledger_violation(duel->ledger));
}

/* --- What the server took --------------------------------------------------------------------- */

void verdict_message(Duel *duel, const SmtpServerEffects *effects)
{
    guint64 token = g_ascii_strtoull(effects->sender + 1, NULL, 10);
    gboolean is_ours = token < duel->n_given && duel->mails[token].content != NULL;
    gboolean is_whole = is_ours && g_bytes_equal(effects->content, duel->mails[token].content);
    duel->asked_about = is_whole ? (int)token : -1;
    if (!damage_is_none(duel->damage))
        return; /* a server whose 554 became 354 hears commands in a body */
    if (!is_whole)
        duel_blame(duel, "the server has a mail nobody sent");
    else if (duel->is_taken[token])
        duel_blame(duel, "mail %u arrived twice", (guint)token);
}

/* --- At the end ------------------------------------------------------------------------------- */

static guint fate(SmtpOutcomeKind kind)
{
    return 1u << kind;
}

/* A probe has no end: its recipients' replies decide, or MAIL's if there is none. */
static guint fates_of_probe(const Duel *duel, guint token, guint recipient)
{
    const LedgerMail *entry = ledger_mail(duel->ledger, token);
    int deciding = duel->mails[token].n_recipients == 0 ? entry->mail : entry->rcpt[recipient];
    if (entry->mail / 100 == 2 && deciding / 100 == 2)
        return fate(SMTP_OUTCOME_ACCEPTED);
    return ledger_fates(duel->ledger, token, recipient);
}

static guint fates_of(const Duel *duel, guint token, guint recipient)
{
    const DuelMail *mail = &duel->mails[token];
    if (mail->is_objectionable || (recipient == mail->unwritable && mail->n_recipients > 0))
        return fate(SMTP_OUTCOME_REJECTED);
    return mail->is_probe ? fates_of_probe(duel, token, recipient)
                          : ledger_fates(duel->ledger, token, recipient);
}

/* Replies that were lost, doubled or moved can make any client believe what is not so. How often
 * that happens is counted, not judged. */
static void count_delusion(Duel *duel, guint token)
{
    const DuelMail *mail = &duel->mails[token];
    gboolean is_changed = damage_has(duel->damage, DAMAGE_CODE) ||
                          damage_has(duel->damage, DAMAGE_FLIP) ||
                          damage_has(duel->damage, DAMAGE_JUNK);
    for (guint i = 0; i < mail->n_expected && !mail->is_probe && !is_changed; i++) {
        if (mail->n_outcomes[i] > 0 && mail->kinds[i] == SMTP_OUTCOME_ACCEPTED)
            duel->count->n_deluded += !duel->is_taken[token];
    }
}

static void check_recipient(Duel *duel, guint token, guint recipient)
{
    const DuelMail *mail = &duel->mails[token];
    guint n = mail->n_outcomes[recipient];
    gboolean is_back = mail->is_withdrawn && !mail->end_had_left;
    guint expected = is_back ? mail->n_before_withdrawal[recipient] : 1;
    if (n != expected)
        duel_blame(duel, "mail %u.%u has %u outcomes, not %u", token, recipient, n, expected);
    guint fates = fates_of(duel, token, recipient);
    if (n > 0 && (fates & fate(mail->kinds[recipient])) == 0)
        duel_blame(duel, "mail %u.%u has outcome %d, by the ledger only 0x%x", token, recipient,
            (int)mail->kinds[recipient], fates);
}

/* Nothing was spoilt: then nothing may go wrong. */
static void check_peace(Duel *duel)
{
    gboolean is_disturbed =
        !damage_is_none(duel->damage) || duel->has_dropped || ledger_saw_421(duel->ledger);
    const SmtpFailure *failure = smtp_client_failure(duel->client);
    gboolean is_foreseen =
        failure != NULL && (failure->fault == SMTP_FAULT_WITHDRAWN ||
                               (failure->fault == SMTP_FAULT_OUT_OF_STEP && duel->has_complained) ||
                               failure->fault == SMTP_FAULT_STARTTLS_NOT_OFFERED);
    if (is_disturbed || duel->login_is_refused || failure == NULL || is_foreseen)
        return;
    duel_blame(duel, "in peace, and yet the session failed in %s with %s",
        smtp_phase_name(failure->phase),
        failure->fault == SMTP_FAULT_REPLY ? "a reply"
                                           : smtp_fault_sys_name(failure->fault, failure->phase));
}

void verdict_end(Duel *duel)
{
    for (guint i = 0; i < duel->n_given; i++) {
        for (guint k = 0; k < duel->mails[i].n_expected; k++)
            check_recipient(duel, i, k);
        count_delusion(duel, i);
    }
    if (!g_str_equal(smtp_client_state_name(duel->client), "closed"))
        duel_blame(duel, "the client is not closed");
    check_peace(duel);
}
