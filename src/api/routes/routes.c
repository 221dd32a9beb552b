#include "api/routes/routes.h"

#include "base/limits.h"

#include <string.h>

#define SMALL LIMIT_HTTP_BODY_BYTES
#define PASTE LIMIT_HTTP_PASTE_BODY_BYTES
#define LARGE LIMIT_HTTP_SEND_BODY_BYTES
#define SEND PEOPLE_SCOPE_EMAILS_SEND
#define READ PEOPLE_SCOPE_EMAILS_READ
#define SMTP_READ PEOPLE_SCOPE_SMTP_READ
#define SMTP_WRITE PEOPLE_SCOPE_SMTP_WRITE
#define PEOPLE PEOPLE_SCOPE_PEOPLE_WRITE
#define AUDIT PEOPLE_SCOPE_AUDIT_READ
#define PROBE (ROUTE_PUBLIC | ROUTE_ANY_HOST)

/* In a pattern {id} is one segment with the route's prefix ("": digits alone), and * at the end is
 * the rest. */
static const Route table[] = {
    /* method, pattern, prefix of {id}, scope, flags, body limit, decide */
    {"GET", "/v1/session", NULL, 0, ROUTE_PUBLIC, 0, route_session_get},
    {"POST", "/v1/setup", NULL, 0, ROUTE_PUBLIC | ROUTE_HASHES, SMALL, route_setup},
    {"POST", "/v1/sessions", NULL, 0, ROUTE_PUBLIC | ROUTE_HASHES, SMALL, route_sign_in},
    {"DELETE", "/v1/sessions/current", NULL, 0, ROUTE_SIGNED_IN, SMALL, route_sign_out},
    {"GET", "/v1/members", NULL, PEOPLE, 0, 0, route_members_list},
    {"PATCH", "/v1/members/{id}", "mem", PEOPLE, 0, SMALL, route_member_patch},
    {"DELETE", "/v1/members/{id}", "mem", PEOPLE, 0, SMALL, route_member_delete},
    {"GET", "/v1/account", NULL, 0, ROUTE_SIGNED_IN, 0, route_account_get},
    {"PATCH", "/v1/account", NULL, 0, ROUTE_SIGNED_IN, SMALL, route_account_patch},
    {"POST", "/v1/account/password", NULL, 0, ROUTE_SIGNED_IN | ROUTE_HASHES, SMALL,
        route_account_password},
    {"GET", "/v1/account/sessions", NULL, 0, ROUTE_SIGNED_IN, 0, route_account_sessions},
    {"DELETE", "/v1/account/sessions", NULL, 0, ROUTE_SIGNED_IN, SMALL,
        route_account_sessions_delete},
    {"DELETE", "/v1/account/sessions/{id}", "ses", 0, ROUTE_SIGNED_IN, SMALL,
        route_account_session_delete},
    {"POST", "/v1/invitations", NULL, PEOPLE, 0, SMALL, route_invitation_create},
    {"GET", "/v1/invitations", NULL, PEOPLE, 0, 0, route_invitations_list},
    {"POST", "/v1/invitations/lookup", NULL, 0, ROUTE_PUBLIC, SMALL, route_invitation_lookup},
    {"POST", "/v1/invitations/accept", NULL, 0, ROUTE_PUBLIC | ROUTE_HASHES, SMALL,
        route_invitation_accept},
    {"GET", "/v1/invitations/{id}", "inv", PEOPLE, 0, 0, route_invitation_get},
    {"POST", "/v1/invitations/{id}/resend", "inv", PEOPLE, 0, SMALL, route_invitation_resend},
    {"POST", "/v1/invitations/{id}/link", "inv", PEOPLE, 0, SMALL, route_invitation_link},
    {"POST", "/v1/invitations/{id}/revoke", "inv", PEOPLE, 0, SMALL, route_invitation_revoke},
    {"POST", "/v1/password-resets", NULL, 0, ROUTE_PUBLIC, SMALL, route_reset_ask},
    {"GET", "/v1/password-resets", NULL, PEOPLE, 0, 0, route_resets_list},
    {"POST", "/v1/password-resets/lookup", NULL, 0, ROUTE_PUBLIC, SMALL, route_reset_lookup},
    {"POST", "/v1/password-resets/redeem", NULL, 0, ROUTE_PUBLIC | ROUTE_HASHES, SMALL,
        route_reset_redeem},
    {"POST", "/v1/password-resets/{id}/link", "rst", PEOPLE, 0, SMALL, route_reset_link},
    {"POST", "/v1/password-resets/{id}/dismiss", "rst", PEOPLE, 0, SMALL, route_reset_dismiss},
    {"POST", "/v1/members/{id}/reset-link", "mem", PEOPLE, 0, SMALL, route_member_reset_link},
    {"GET", "/v1/tokens", NULL, PEOPLE, 0, 0, route_tokens_list},
    {"POST", "/v1/tokens", NULL, PEOPLE, 0, SMALL, route_token_create},
    {"GET", "/v1/tokens/{id}", "tok", PEOPLE, 0, 0, route_token_get},
    {"PATCH", "/v1/tokens/{id}", "tok", PEOPLE, 0, SMALL, route_token_patch},
    {"DELETE", "/v1/tokens/{id}", "tok", PEOPLE, 0, SMALL, route_token_revoke},

    {"GET", "/v1/organisation", NULL, 0, ROUTE_KNOWN, 0, route_organisation_get},
    {"PATCH", "/v1/organisation", NULL, PEOPLE, 0, SMALL, route_organisation_patch},
    {"GET", "/v1/audit-events", NULL, AUDIT, 0, 0, route_audit_list},
    {"GET", "/v1/audit-events/check", NULL, AUDIT, 0, 0, route_audit_check},

    {"GET", "/v1/webhooks", NULL, SMTP_WRITE, 0, 0, route_webhooks_list},
    {"POST", "/v1/webhooks", NULL, SMTP_WRITE, 0, SMALL, route_webhook_create},
    {"GET", "/v1/webhooks/{id}", "whk", SMTP_WRITE, 0, 0, route_webhook_get},
    {"PATCH", "/v1/webhooks/{id}", "whk", SMTP_WRITE, 0, SMALL, route_webhook_patch},
    {"DELETE", "/v1/webhooks/{id}", "whk", SMTP_WRITE, 0, SMALL, route_webhook_delete},
    {"POST", "/v1/webhooks/{id}/secret", "whk", SMTP_WRITE, 0, SMALL, route_webhook_secret},
    {"POST", "/v1/webhooks/{id}/test", "whk", SMTP_WRITE, 0, SMALL, route_webhook_test},
    {"GET", "/v1/webhooks/{id}/deliveries", "whk", SMTP_WRITE, 0, 0, route_webhook_deliveries},
    {"POST", "/v1/webhooks/{id}/replay", "whk", SMTP_WRITE, 0, SMALL, route_webhook_replay},

    {"GET", "/v1/smtp", NULL, SMTP_READ, 0, 0, route_smtp_get},
    {"PATCH", "/v1/smtp/draft", NULL, SMTP_WRITE, 0, SMALL, route_draft_patch},
    {"DELETE", "/v1/smtp/draft", NULL, SMTP_WRITE, 0, SMALL, route_draft_delete},
    {"GET", "/v1/smtp/activity", NULL, SMTP_READ, 0, 0, route_activity},
    {"GET", "/v1/smtp/history", NULL, SMTP_READ, 0, 0, route_history_list},
    {"POST", "/v1/smtp/history/{id}/restore", "cfg", SMTP_WRITE, 0, SMALL, route_history_restore},
    {"GET", "/v1/smtp/presets", NULL, SMTP_READ, 0, 0, route_presets},
    {"GET", "/v1/smtp/discovery", NULL, SMTP_READ, ROUTE_ASKS, 0, route_discovery},
    {"GET", "/v1/smtp/events", NULL, SMTP_READ, 0, 0, route_events},
    {"GET", "/v1/smtp/sending/preview", NULL, SMTP_READ, 0, 0, route_sending_preview},
    {"PUT", "/v1/smtp/sending", NULL, SMTP_WRITE, 0, SMALL, route_sending_put},
    {"POST", "/v1/smtp/test-emails", NULL, SMTP_WRITE, 0, SMALL, route_test_email},
    {"POST", "/v1/test-arrivals", NULL, 0, ROUTE_PUBLIC, SMALL, route_test_arrival},
    {"POST", "/v1/domain-checks", NULL, SMTP_READ, ROUTE_ASKS, SMALL, route_domain_check},
    {"POST", "/v1/header-checks", NULL, SMTP_WRITE, ROUTE_ASKS, PASTE, route_header_check},
    {"POST", "/v1/diagnoses", NULL, SMTP_READ, 0, PASTE, route_diagnoses},
    {"POST", "/v1/smtp/verifications", NULL, SMTP_WRITE, 0, SMALL, route_verification_start},
    {"GET", "/v1/smtp/verifications/{id}", "ver", SMTP_READ, 0, 0, route_verification_get},
    {"DELETE", "/v1/smtp/verifications/{id}", "ver", SMTP_WRITE, 0, SMALL,
        route_verification_cancel},
    {"POST", "/v1/smtp/oauth/authorizations", NULL, SMTP_WRITE, 0, SMALL,
        route_authorization_start},
    {"POST", "/v1/smtp/oauth/authorizations/redeem", NULL, SMTP_WRITE, ROUTE_ASKS, SMALL,
        route_authorization_redeem},
    {"POST", "/v1/smtp/oauth/devices", NULL, SMTP_WRITE, ROUTE_ASKS, SMALL, route_device_start},
    {"POST", "/v1/smtp/oauth/devices/{id}/poll", "oau", SMTP_WRITE, ROUTE_ASKS, SMALL,
        route_device_poll},

    {"POST", "/v1/emails", NULL, SEND, ROUTE_SENDING, LARGE, route_email_send},
    {"POST", "/v1/emails/batch", NULL, SEND, ROUTE_SENDING | ROUTE_BATCH, LARGE, route_email_batch},
    {"GET", "/v1/emails", NULL, READ, 0, 0, route_emails_list},
    {"GET", "/v1/emails/count", NULL, READ, 0, 0, route_emails_count},
    {"POST", "/v1/emails/bulk", NULL, SEND, 0, SMALL, route_emails_bulk},
    {"GET", "/v1/emails/{id}", "em", READ, 0, 0, route_email_get},
    {"PATCH", "/v1/emails/{id}", "em", SEND, 0, SMALL, route_email_patch},
    {"POST", "/v1/emails/{id}/cancel", "em", SEND, 0, SMALL, route_email_cancel},
    {"POST", "/v1/emails/{id}/hand-over", "em", SEND, 0, SMALL, route_email_hand_over},
    {"POST", "/v1/emails/{id}/retry", "em", SEND, 0, SMALL, route_email_retry},
    {"GET", "/v1/emails/{id}/explanation", "em", READ, 0, 0, route_email_explanation},

    {"GET", "/v1/templates", NULL, SMTP_READ, 0, 0, route_templates_list},
    {"POST", "/v1/templates", NULL, SMTP_WRITE, 0, PASTE, route_template_write},
    {"POST", "/v1/templates/preview", NULL, SMTP_READ, 0, PASTE, route_template_preview},
    {"DELETE", "/v1/templates/{id}", "tpl", SMTP_WRITE, 0, SMALL, route_template_remove},

    {"GET", "/v1/sandbox", NULL, SMTP_READ, 0, 0, route_sandbox_get},
    {"GET", "/v1/sandbox/messages", NULL, SMTP_READ, 0, 0, route_captures_list},
    {"DELETE", "/v1/sandbox/messages", NULL, SMTP_WRITE, 0, SMALL, route_captures_clear},
    {"GET", "/v1/sandbox/messages/{id}", "cap", SMTP_READ, 0, 0, route_capture_get},
    {"GET", "/v1/sandbox/messages/{id}/raw", "cap", SMTP_READ, 0, 0, route_capture_raw},

    {"GET", "/v1/queue/check", NULL, READ, 0, 0, route_queue_check},
    {"POST", "/v1/backups", NULL, SMTP_WRITE, 0, SMALL, route_backup_start},
    {"GET", "/v1/backups/current", NULL, SMTP_WRITE, 0, 0, route_backup_current},
    {"GET", "/v1/keys", NULL, SMTP_WRITE, 0, 0, route_keys_list},
    {"POST", "/v1/keys", NULL, SMTP_WRITE, 0, SMALL, route_key_add},
    {"POST", "/v1/keys/export", NULL, SMTP_WRITE, ROUTE_HASHES, SMALL, route_keys_export},
    {"POST", "/v1/keys/{id}/activate", "", SMTP_WRITE, 0, SMALL, route_key_activate},
    {"POST", "/v1/keys/{id}/retire", "", SMTP_WRITE, 0, SMALL, route_key_retire},

    {"GET", "/v1/openapi.json", NULL, 0, ROUTE_PUBLIC | ROUTE_AT_ONCE, 0, route_openapi},
    {"GET", "/livez", NULL, 0, PROBE | ROUTE_AT_ONCE, 0, route_live},
    {"GET", "/readyz", NULL, 0, PROBE, 0, route_ready},
    {"GET", "/metrics", NULL, 0, PROBE, 0, route_metrics},
    {"GET", "/", NULL, 0, ROUTE_PUBLIC | ROUTE_AT_ONCE, 0, route_page},
    {"GET", "/oauth/return", NULL, 0, ROUTE_PUBLIC | ROUTE_AT_ONCE, 0, route_page},
    {"GET", "/manual/*", NULL, 0, ROUTE_PUBLIC | ROUTE_AT_ONCE, 0, route_page},
    {"GET", "/assets/*", NULL, 0, ROUTE_PUBLIC | ROUTE_AT_ONCE, 0, route_page},
};

const Route *routes_table(guint *n)
{
    if (n)
        *n = G_N_ELEMENTS(table);
    return table;
}

static gboolean fits(const Route *route, const char *path, Id *id)
{
    const char *pattern = route->pattern;
    const char *open = strstr(pattern, "{id}");
    gsize n = strlen(pattern);
    if (!open && pattern[n - 1] == '*')
        return strncmp(path, pattern, n - 1) == 0;
    if (!open)
        return strcmp(path, pattern) == 0;
    gsize before = (gsize)(open - pattern);
    if (strncmp(path, pattern, before) != 0)
        return FALSE;
    gsize segment = strcspn(path + before, "/");
    g_autofree char *text = g_strndup(path + before, segment);
    return strcmp(path + before + segment, open + strlen("{id}")) == 0 &&
           id_parse(text, route->id_prefix, id);
}

const Route *routes_find(const char *method, const char *path, Id *id, char **allowed)
{
    GString *methods = g_string_new(NULL);
    *allowed = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (!fits(&table[i], path, id))
            continue;
        if (strcmp(table[i].method, method) == 0) {
            g_string_free(methods, TRUE);
            return &table[i];
        }
        g_string_append_printf(methods, "%s%s", methods->len ? ", " : "", table[i].method);
    }
    gboolean has_path = methods->len > 0;
    *allowed = g_string_free(methods, !has_path);
    return NULL;
}
