/* The table of all routes, and the decide half of each, by noun. */
#pragma once

#include "api/call.h"
#include "outbox/quota.h"
#include "store/emails.h"

/* n may be NULL. */
const Route *routes_table(guint *n);

/* The route for a method and path, with *id from the path. NULL: *allowed is NULL if no route has
 * this path, else the methods it has ("GET, PATCH"; the caller frees). */
const Route *routes_find(const char *method, const char *path, Id *id, char **allowed);

/* routes_setup.c */
HttpAnswer *route_setup(ApiCall *call);

/* routes_members.c */
HttpAnswer *route_members_list(ApiCall *call);
HttpAnswer *route_member_patch(ApiCall *call);
HttpAnswer *route_member_delete(ApiCall *call);

/* routes_account.c */
HttpAnswer *route_account_get(ApiCall *call);
HttpAnswer *route_account_patch(ApiCall *call);
HttpAnswer *route_account_password(ApiCall *call);
HttpAnswer *route_account_sessions(ApiCall *call);
HttpAnswer *route_account_session_delete(ApiCall *call);
HttpAnswer *route_account_sessions_delete(ApiCall *call);

/* routes_sessions.c */
HttpAnswer *route_session_get(ApiCall *call);
HttpAnswer *route_sign_in(ApiCall *call);
HttpAnswer *route_sign_out(ApiCall *call);

/* routes_invitations.c */
HttpAnswer *route_invitation_create(ApiCall *call);
HttpAnswer *route_invitations_list(ApiCall *call);
HttpAnswer *route_invitation_get(ApiCall *call);
HttpAnswer *route_invitation_resend(ApiCall *call);
HttpAnswer *route_invitation_link(ApiCall *call);
HttpAnswer *route_invitation_revoke(ApiCall *call);

/* routes_invitation_accept.c */
HttpAnswer *route_invitation_lookup(ApiCall *call);
HttpAnswer *route_invitation_accept(ApiCall *call);

/* routes_resets.c */
HttpAnswer *route_reset_ask(ApiCall *call);
HttpAnswer *route_reset_lookup(ApiCall *call);
HttpAnswer *route_reset_redeem(ApiCall *call);

/* routes_reset_list.c */
HttpAnswer *route_resets_list(ApiCall *call);
HttpAnswer *route_reset_link(ApiCall *call);
HttpAnswer *route_reset_dismiss(ApiCall *call);
HttpAnswer *route_member_reset_link(ApiCall *call);

/* routes_tokens.c */
HttpAnswer *route_tokens_list(ApiCall *call);
HttpAnswer *route_token_create(ApiCall *call);
HttpAnswer *route_token_get(ApiCall *call);
HttpAnswer *route_token_patch(ApiCall *call);
HttpAnswer *route_token_revoke(ApiCall *call);

/* routes_organisation.c */
HttpAnswer *route_organisation_get(ApiCall *call);
HttpAnswer *route_organisation_patch(ApiCall *call);

/* routes_audit.c */
HttpAnswer *route_audit_list(ApiCall *call);
HttpAnswer *route_audit_check(ApiCall *call);

/* routes_webhooks.c */
HttpAnswer *route_webhooks_list(ApiCall *call);
HttpAnswer *route_webhook_create(ApiCall *call);
HttpAnswer *route_webhook_get(ApiCall *call);
HttpAnswer *route_webhook_patch(ApiCall *call);
HttpAnswer *route_webhook_delete(ApiCall *call);
HttpAnswer *route_webhook_secret(ApiCall *call);
HttpAnswer *route_webhook_test(ApiCall *call);
HttpAnswer *route_webhook_deliveries(ApiCall *call);
HttpAnswer *route_webhook_replay(ApiCall *call);

/* routes_templates.c */
HttpAnswer *route_templates_list(ApiCall *call);
HttpAnswer *route_template_write(ApiCall *call);
HttpAnswer *route_template_preview(ApiCall *call);
HttpAnswer *route_template_remove(ApiCall *call);

/* routes_smtp.c */
HttpAnswer *route_smtp_get(ApiCall *call);
HttpAnswer *route_draft_patch(ApiCall *call);
HttpAnswer *route_draft_delete(ApiCall *call);
HttpAnswer *route_presets(ApiCall *call);
HttpAnswer *route_discovery(ApiCall *call);
HttpAnswer *route_events(ApiCall *call);

/* routes_test_emails.c */
HttpAnswer *route_test_email(ApiCall *call);
HttpAnswer *route_test_arrival(ApiCall *call);

/* routes_history.c */
HttpAnswer *route_history_list(ApiCall *call);
HttpAnswer *route_history_restore(ApiCall *call);

/* routes_domain.c */
HttpAnswer *route_domain_check(ApiCall *call);

/* routes_headers.c */
HttpAnswer *route_header_check(ApiCall *call);

/* routes_activity.c */
HttpAnswer *route_activity(ApiCall *call);

/* routes_sending.c */
HttpAnswer *route_sending_preview(ApiCall *call);
HttpAnswer *route_sending_put(ApiCall *call);

/* For the preview and its test: how long n more mails take under the quota, at the least. */
gint64 route_sending_takes_s(const QuotaWindow windows[QUOTA_WINDOWS], gint64 n, WallMs now);

/* routes_verifications.c */
HttpAnswer *route_verification_start(ApiCall *call);
HttpAnswer *route_verification_get(ApiCall *call);
HttpAnswer *route_verification_cancel(ApiCall *call);

/* routes_oauth.c */
HttpAnswer *route_authorization_start(ApiCall *call);
HttpAnswer *route_authorization_redeem(ApiCall *call);
HttpAnswer *route_device_start(ApiCall *call);
HttpAnswer *route_device_poll(ApiCall *call);

/* routes_diagnoses.c */
HttpAnswer *route_diagnoses(ApiCall *call);

/* routes_emails.c */
HttpAnswer *route_email_send(ApiCall *call);
HttpAnswer *route_email_batch(ApiCall *call);
HttpAnswer *route_emails_list(ApiCall *call);
HttpAnswer *route_emails_count(ApiCall *call);

/* No email is shown in that state: a closed gate shows queued and deferred as held, and an open one
 * holds nothing. */
gboolean route_emails_gate_hides(EmailState state, EmailGate gate);
HttpAnswer *route_email_get(ApiCall *call);

/* routes_email_actions.c */
HttpAnswer *route_email_cancel(ApiCall *call);
HttpAnswer *route_email_retry(ApiCall *call);
HttpAnswer *route_email_hand_over(ApiCall *call);
HttpAnswer *route_email_patch(ApiCall *call);
HttpAnswer *route_emails_bulk(ApiCall *call);
HttpAnswer *route_email_explanation(ApiCall *call);

/* routes_sandbox.c */
HttpAnswer *route_sandbox_get(ApiCall *call);
HttpAnswer *route_captures_list(ApiCall *call);
HttpAnswer *route_capture_get(ApiCall *call);
HttpAnswer *route_capture_raw(ApiCall *call);
HttpAnswer *route_captures_clear(ApiCall *call);

/* routes_health.c */
HttpAnswer *route_ready(ApiCall *call);
HttpAnswer *route_metrics(ApiCall *call);

/* keys.c */
HttpAnswer *route_keys_list(ApiCall *call);
HttpAnswer *route_key_add(ApiCall *call);
HttpAnswer *route_key_activate(ApiCall *call);
HttpAnswer *route_key_retire(ApiCall *call);
HttpAnswer *route_keys_export(ApiCall *call);

/* routes_ops.c */
HttpAnswer *route_live(ApiCall *call);
HttpAnswer *route_openapi(ApiCall *call);
HttpAnswer *route_page(ApiCall *call);
HttpAnswer *route_queue_check(ApiCall *call);
HttpAnswer *route_backup_start(ApiCall *call);
HttpAnswer *route_backup_current(ApiCall *call);
