#include "store/settings_columns.h"

/* Fifteen of the settings themselves; provider, grant, texts and an end; each secret and since
 * when. */
G_STATIC_ASSERT(SETTINGS_COLUMNS_COUNT == 15 + 2 + SETTINGS_OAUTH_TEXTS + 1 + 2 * OAUTH_SECRETS);

/* first: the column of `oauth_provider`. */
static void read_account(DbQuery *q, int first, SettingsOauth *account)
{
    const gsize *texts = settings_oauth_texts();
    account->provider = (guint)db_int(q, first++);
    account->grant = (guint)db_int(q, first++);
    for (gsize i = 0; i < SETTINGS_OAUTH_TEXTS; i++)
        G_STRUCT_MEMBER(char *, account, texts[i]) = db_dup_text(q, first++);
    account->client_secret_ends_at = db_int(q, first++);
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        account->sealed[kind] = db_dup_bytes(q, first++);
        account->set_at[kind] = db_int(q, first++);
    }
}

static void bind_account(DbQuery *q, int first, const SettingsOauth *account)
{
    const gsize *texts = settings_oauth_texts();
    db_bind_int_or_null(q, first++, account->provider);
    db_bind_int_or_null(q, first++, account->grant);
    for (gsize i = 0; i < SETTINGS_OAUTH_TEXTS; i++)
        db_bind_text(q, first++, G_STRUCT_MEMBER(char *, account, texts[i]));
    db_bind_int_or_null(q, first++, account->client_secret_ends_at);
    for (guint kind = 0; kind < OAUTH_SECRETS; kind++) {
        db_bind_bytes(q, first++, account->sealed[kind]);
        db_bind_int_or_null(q, first++, account->set_at[kind]);
    }
}

SmtpSettings *settings_columns_read(DbQuery *q, int first)
{
    SmtpSettings *settings = settings_new();
    settings->host = db_dup_text(q, first);
    settings->port = (guint)db_int(q, first + 1);
    settings->security = (guint)db_int(q, first + 2);
    settings->username = db_dup_text(q, first + 3);
    settings->from_email = db_dup_text(q, first + 4);
    settings->from_name = db_dup_text(q, first + 5);
    settings->ehlo_name = db_dup_text(q, first + 6);
    settings->max_connections = (guint)db_int(q, first + 7);
    settings->window = (guint)db_int(q, first + 8);
    settings->quota.per_minute = (guint)db_int(q, first + 9);
    settings->quota.per_hour = (guint)db_int(q, first + 10);
    settings->quota.per_day = (guint)db_int(q, first + 11);
    settings->password_sealed = db_dup_bytes(q, first + 12);
    settings->password_set_at = db_int(q, first + 13);
    settings->auth = (guint)db_int(q, first + 14);
    read_account(q, first + 15, &settings->oauth);
    return settings;
}

void settings_columns_bind(DbQuery *q, int first, const SmtpSettings *settings)
{
    db_bind_text(q, first, settings->host);
    db_bind_int_or_null(q, first + 1, settings->port);
    db_bind_int_or_null(q, first + 2, settings->security);
    db_bind_text(q, first + 3, settings->username);
    db_bind_text(q, first + 4, settings->from_email);
    db_bind_text(q, first + 5, settings->from_name);
    db_bind_text(q, first + 6, settings->ehlo_name);
    db_bind_int(q, first + 7, settings->max_connections);
    db_bind_int(q, first + 8, settings->window);
    db_bind_int(q, first + 9, settings->quota.per_minute);
    db_bind_int(q, first + 10, settings->quota.per_hour);
    db_bind_int(q, first + 11, settings->quota.per_day);
    db_bind_bytes(q, first + 12, settings->password_sealed);
    db_bind_int_or_null(q, first + 13, settings->password_set_at);
    db_bind_int(q, first + 14, settings->auth);
    bind_account(q, first + 15, &settings->oauth);
}
