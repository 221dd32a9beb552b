#include "api/link_mail.h"

#include "api/public_url.h"
#include "api/rate.h"
#include "api/state.h"

#include "base/leak_point.h"
#include "base/limits.h"
#include "store/emails.h"

#include <string.h>

/* --- The link -------------------------------------------------------------------------------- */

void link_make(Link *link, struct api *api, const char *page)
{
    g_autoptr(Secret) token = people_random_make();
    g_autofree char *base = public_url_dup(api);
    people_hash(token, link->token_hash);
    LEAK_POINT(token);
    link->url =
        secret_new_take(g_strconcat(base, "/#/", page, "/", secret_reveal(token, NULL), NULL));
}

void link_clear(Link *link)
{
    g_clear_pointer(&link->url, secret_free);
}

/* 32 bytes as base64url: what people_random_make writes. */
#define TOKEN_CHARACTERS 43

static gboolean is_wellformed(const char *token)
{
    gsize n = strlen(token);
    for (gsize i = 0; i < n; i++) {
        if (!g_ascii_isalnum(token[i]) && token[i] != '-' && token[i] != '_')
            return FALSE;
    }
    return n == TOKEN_CHARACTERS;
}

gboolean link_token_take(
    JsonObject *object, guint8 token_hash[PEOPLE_HASH_BYTES], gboolean *is_possible)
{
    guint before = object->faults->list->len;
    gboolean is_given = json_object_has(object, "token");
    const char *token = json_object_take_text(object, "token");
    *is_possible = FALSE;
    if (!is_given)
        json_object_fault(object, "token", "required", NULL);
    if (object->faults->list->len > before)
        return FALSE;
    if (token && is_wellformed(token)) {
        *is_possible = TRUE;
        people_hash_lent(token, token_hash);
    }
    return TRUE;
}

HttpAnswer *link_guess(ApiCall *call)
{
    MonoMs wait_ms = guesses_take(call->api->arrival_guesses, NULL, call->client, clock_mono_ms());
    if (wait_ms == 0)
        return NULL;
    const Problem problem = {
        .code = "too_many_attempts", .retry_after_s = (guint)(wait_ms / CLOCK_SECOND_MS) + 1};
    return call_problem_full(call, &problem);
}

void link_guess_was_right(ApiCall *call)
{
    guesses_note_success(call->api->arrival_guesses, NULL, call->client, clock_mono_ms());
}

/* --- Its mail -------------------------------------------------------------------------------- */

EmailGate link_mail_gate(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(SmtpState) state = smtp_state_read(db, org_id, error);
    return state ? smtp_state_gate(state, clock_wall_ms()) : EMAIL_GATE_NOT_CONFIGURED;
}

static LinkMailFate fate_of(const EmailRow *row, EmailGate gate)
{
    const EmailRecipientRow *recipient =
        row->recipients->len > 0 ? row->recipients->pdata[0] : NULL;
    switch (email_state_shown(row->state, gate)) {
    case EMAIL_SCHEDULED:
    case EMAIL_QUEUED:
    case EMAIL_SENDING:
        return LINK_MAIL_QUEUED;
    case EMAIL_DEFERRED:
        return LINK_MAIL_DEFERRED;
    case EMAIL_HELD:
        return LINK_MAIL_HELD;
    case EMAIL_UNCERTAIN: /* goes once more, or may have arrived */
        return recipient && recipient->next_at > 0 ? LINK_MAIL_QUEUED : LINK_MAIL_SENT;
    case EMAIL_ACCEPTED:
        return LINK_MAIL_SENT;
    case EMAIL_REJECTED:
    case EMAIL_EXPIRED:
        return LINK_MAIL_FAILED;
    case EMAIL_CANCELLED:
    case EMAIL_HANDED_OVER:
        return LINK_MAIL_ENDED;
    }
    g_assert_not_reached();
}

gboolean link_mail_read(
    Db *db, gint64 org_id, const Id *email_id, EmailGate gate, LinkMail *mail, GError **error)
{
    *mail = (LinkMail){.fate = LINK_MAIL_NONE, .gate = gate};
    if (!email_id)
        return TRUE;
    GError *fault = NULL;
    g_autoptr(EmailRow) row = emails_get(db, org_id, email_id, &fault);
    if (fault) {
        g_propagate_error(error, fault);
        return FALSE;
    }
    mail->fate = row ? fate_of(row, gate) : LINK_MAIL_FORGOTTEN;
    return TRUE;
}

/* --- How often ------------------------------------------------------------------------------- */

MonoMs link_mail_take_ask(struct api *api, const char *address, const char *client)
{
    g_autofree char *network = rate_client_key(client);
    g_autofree char *to = g_strdup_printf("reset to %s", address);
    g_autofree char *from = g_strdup_printf("reset from %s", network);
    const RateRule rules[] = {
        {to, LIMIT_LINK_MAILS_PER_ADDRESS, CLOCK_HOUR_MS},
        {from, LIMIT_LINK_MAILS_PER_CLIENT, CLOCK_HOUR_MS},
    };
    return rate_take_all(api->rate, rules, G_N_ELEMENTS(rules), clock_mono_ms());
}

static char *resets_key(gint64 org_id)
{
    return g_strdup_printf("resets of org %" G_GINT64_FORMAT, org_id);
}

MonoMs link_mail_wait_reset(struct api *api, gint64 org_id)
{
    g_autofree char *org = resets_key(org_id);
    return rate_wait(api->rate, org, LIMIT_LINK_MAILS_PER_ORG, CLOCK_HOUR_MS, clock_mono_ms());
}

MonoMs link_mail_take_reset(struct api *api, gint64 org_id)
{
    g_autofree char *org = resets_key(org_id);
    return rate_take(api->rate, org, LIMIT_LINK_MAILS_PER_ORG, CLOCK_HOUR_MS, clock_mono_ms());
}

MonoMs link_mail_take_invitation(struct api *api, gint64 org_id, const char *address)
{
    g_autofree char *to = g_strdup_printf("invitation to %s", address);
    g_autofree char *org = g_strdup_printf("invitations of org %" G_GINT64_FORMAT, org_id);
    const RateRule rules[] = {
        {to, LIMIT_LINK_MAILS_PER_ADDRESS, CLOCK_HOUR_MS},
        {org, LIMIT_LINK_MAILS_PER_ORG, CLOCK_HOUR_MS},
    };
    return rate_take_all(api->rate, rules, G_N_ELEMENTS(rules), clock_mono_ms());
}
