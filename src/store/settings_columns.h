/* SMTP settings as columns: what the slots and the history both keep of them. */
#pragma once

#include "settings/settings.h"
#include "store/db.h"

#define SETTINGS_COLUMNS                                                                     \
    "host, port, security, username, from_email, from_name, ehlo_name, max_connections, "    \
    "send_window, quota_per_minute, quota_per_hour, quota_per_day, password_sealed, "        \
    "password_set_at, auth, oauth_provider, oauth_grant, oauth_tenant, oauth_client_id, "    \
    "oauth_scope, oauth_subject, oauth_token_url, oauth_authorize_url, oauth_device_url, "   \
    "oauth_certificate, oauth_service_account_email, oauth_service_account_key_id, "         \
    "oauth_service_account_client_id, oauth_client_secret_ends_at, "                         \
    "oauth_client_secret_sealed, oauth_client_secret_set_at, oauth_private_key_sealed, "     \
    "oauth_private_key_set_at, oauth_service_account_sealed, oauth_service_account_set_at, " \
    "oauth_refresh_token_sealed, oauth_refresh_token_set_at"
#define SETTINGS_COLUMNS_COUNT 37

/* As many parameters, from $4 on, behind three of the row's own; and from $3 on, behind two. */
#define SETTINGS_PARAMETERS_FROM_4                                                              \
    "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, " \
    "$23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40"
#define SETTINGS_PARAMETERS_FROM_3                                                             \
    "$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, " \
    "$22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39"

/* From the row at hand; first: the column of `host`. The caller frees with settings_free. */
SmtpSettings *settings_columns_read(DbQuery *q, int first);

/* first: the number of the parameter of `host`. */
void settings_columns_bind(DbQuery *q, int first, const SmtpSettings *settings);
