#include "verdict.h"

#include "peer.h"

#include <string.h>

enum { SLACK_MS = 5000 };

static const char *const kinds[] = {"nothing", "accepted", "rejected", "deferred", "uncertain"};

/* --- The mails -------------------------------------------------------------------------------- */

static char *text_of(guint fates)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint kind = SMTP_OUTCOME_ACCEPTED; kind <= SMTP_OUTCOME_UNCERTAIN; kind++) {
        if (fates & (1u << kind))
            g_string_append_printf(text, "%s%s", text->len > 0 ? " or " : "", kinds[kind]);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Octets that had left the client and never reached the server's ears count as sent: where the
 * server stopped listening, or the client's last words were overtaken by the connection's end. */
static gboolean may_be_unheard(const Account *account, guint token)
{
    const Row *row = account->row;
    return account->mails[token].is_marked && row->seen != SEEN_TIMEOUT &&
           !ledger_mail(account->ledger, token)->end_has_left && account->has_failed;
}

static gboolean is_content_right(const Account *account, guint token)
{
    const GByteArray *arrived = ledger_mail(account->ledger, token)->content;
    gsize n;
    const guint8 *sent = g_bytes_get_data(account->mails[token].content, &n);
    return arrived != NULL && arrived->len == n && memcmp(arrived->data, sent, n) == 0;
}

static char *judge_mail(const Account *account, guint token)
{
    const AccountMail *mail = &account->mails[token];
    if (mail->n_outcomes != (mail->is_given ? 1 : 0))
        return g_strdup_printf("mail %u has %u outcomes", token, mail->n_outcomes);
    if (!mail->is_given)
        return NULL;
    guint fates = ledger_fates(account->ledger, token, 0);
    if (may_be_unheard(account, token))
        fates |= 1u << SMTP_OUTCOME_UNCERTAIN;
    if ((fates & (1u << mail->kind)) == 0) {
        g_autofree char *right = text_of(fates);
        return g_strdup_printf("mail %u is %s, by the ledger %s", token, kinds[mail->kind], right);
    }
    if (mail->kind == SMTP_OUTCOME_UNCERTAIN && !mail->is_marked)
        return g_strdup_printf("mail %u is uncertain though its end could not leave", token);
    if (mail->kind == SMTP_OUTCOME_ACCEPTED && !is_content_right(account, token))
        return g_strdup_printf("mail %u was accepted with other content", token);
    return NULL;
}

/* --- The failure ------------------------------------------------------------------------------ */

static gboolean is_one_of(const char *text, const char *list)
{
    g_auto(GStrv) words = g_strsplit(list, "|", -1);
    return text != NULL && g_strv_contains((const char *const *)words, text);
}

static gboolean is_lost(const Account *account)
{
    return is_one_of(account->sys, "EOF|ECONNRESET|EPIPE");
}

/* The client may have said QUIT into a dead line; then all is well for it. */
static gboolean has_done_all(const Account *account)
{
    guint n = 0;
    for (guint i = 0; i < ROW_MAILS; i++)
        n += account->mails[i].n_outcomes > 0;
    return n == ROW_MAILS;
}

/* What stood unanswered is what the client was waiting for, if it heard all that was said. */
static gboolean is_phase_of_cut(const Account *account)
{
    SmtpPhase phase = ledger_phase(account->ledger);
    if (account->row->cut == WIRE_RESET || account->row->cut_read >= 0 || phase == 0)
        return TRUE;
    return strcmp(account->phase, smtp_phase_name(phase)) == 0;
}

static gboolean is_identity(const Account *account)
{
    const IdentityRow *identity = identities_row(account->row->identity);
    if (identity->verify != account->verify || g_strcmp0(account->diagnosis, identity->diagnosis))
        return FALSE;
    return identity->tls == NULL ||
           (account->tls != NULL && strstr(account->tls, identity->tls) != NULL);
}

static gboolean is_seen(const Account *account)
{
    const Row *row = account->row;
    switch (row->seen) {
    case SEEN_WELL:
        return !account->has_failed;
    case SEEN_REFUSAL:
        return account->has_failed && account->code == row->manner.code && account->sys == NULL;
    case SEEN_MALFORMED:
        return is_one_of(account->sys, "MALFORMED_REPLY");
    case SEEN_UNEXPECTED:
        return is_one_of(account->sys, "UNEXPECTED_REPLY");
    case SEEN_INJECTION:
        return is_one_of(account->sys, "PIPELINED_AFTER_STARTTLS");
    case SEEN_TIMEOUT:
    case SEEN_LATE:
        return is_one_of(account->sys, "GREETING_TIMEOUT|ETIMEDOUT|DATA_TIMEOUT");
    case SEEN_LOST:
        return is_lost(account);
    case SEEN_CUT:
        return account->has_failed ? is_lost(account) && is_phase_of_cut(account)
                                   : has_done_all(account);
    case SEEN_TLS:
        return account->has_failed && account->tls != NULL;
    case SEEN_IDENTITY:
        return account->has_failed && is_identity(account);
    case SEEN_FAILURE:
        return account->has_failed;
    case SEEN_ANY:
        return TRUE;
    }
    g_assert_not_reached();
}

static char *judge_failure(const Account *account)
{
    const Row *row = account->row;
    if (!is_seen(account))
        return g_strdup("the failure is another");
    if (row->loses_step && !account->lost_step)
        return g_strdup("the client would write ahead to this server again");
    if (account->has_failed && row->phase != NULL && !is_one_of(account->phase, row->phase))
        return g_strdup_printf("the failure is in phase %s, not %s", account->phase, row->phase);
    return NULL;
}

/* --- What was offered ------------------------------------------------------------------------ */

static char *judge_flow(const Account *account)
{
    if (account->row->flow == FLOW_STEPS && ledger_was_ahead(account->ledger))
        return g_strdup("the client wrote ahead without PIPELINING");
    if (account->row->flow != FLOW_WINDOW && ledger_count(account->ledger, ASKED_LAST_CHUNK) > 0)
        return g_strdup("the client said BDAT without CHUNKING");
    return NULL;
}

/* --- Time ------------------------------------------------------------------------------------- */

static char *judge_time(const Account *account)
{
    if (account->ended_at == 0)
        return g_strdup("the session did not end");
    if (account->row->seen != SEEN_TIMEOUT || account->stuck_since == 0)
        return NULL;
    gint64 waited = account->ended_at - account->stuck_since;
    if (waited < PEER_DEADLINE_MS * 8 / 10)
        return g_strdup_printf("it gave up after %" G_GINT64_FORMAT " ms", waited);
    if (waited > PEER_DEADLINE_MS + SLACK_MS)
        return g_strdup_printf("it waited for %" G_GINT64_FORMAT " ms", waited);
    return NULL;
}

/* --- All of it -------------------------------------------------------------------------------- */

static char *judge_secrets(const Account *account)
{
    const char *violation = ledger_violation(account->ledger);
    if (violation != NULL)
        return g_strdup_printf("the client said %s", violation);
    if (account->showed_password)
        return g_strdup("a password was shown");
    if (account->row->seen == SEEN_IDENTITY && ledger_count(account->ledger, ASKED_AUTH) > 0)
        return g_strdup("a password behind a bad certificate");
    return NULL;
}

char *verdict_on(const Account *account)
{
    if (account->ledger == NULL)
        return g_strdup("nobody came");
    char *verdict = judge_time(account);
    if (verdict == NULL)
        verdict = judge_secrets(account);
    if (verdict == NULL)
        verdict = judge_flow(account);
    for (guint i = 0; i < ROW_MAILS && verdict == NULL; i++)
        verdict = judge_mail(account, i);
    if (verdict == NULL)
        verdict = judge_failure(account);
    return verdict;
}
