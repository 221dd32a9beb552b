/* What ends soon, and was not told lately. */
#include "base/limits.h"
#include "store/history.h"
#include "store/webhook_wish.h"
#include "store/webhooks.h"

#include <string.h>

void webhook_date_free(WebhookDate *date)
{
    if (!date)
        return;
    g_free(date->data);
    g_free(date);
}

static void free_date(gpointer date)
{
    webhook_date_free(date);
}

static void add_date(GPtrArray *dates, gint64 org_id, const char *what, const char *name, WallMs at)
{
    g_autoptr(GString) data = g_string_new(NULL);
    webhook_json_text(data, "what", what);
    webhook_json_text(data, "name", name);
    webhook_json_time(data, "at", at);
    g_string_append_c(data, '}');
    WebhookDate *date = g_new0(WebhookDate, 1);
    date->org_id = org_id;
    date->data = g_string_free(g_steal_pointer(&data), FALSE);
    g_ptr_array_add(dates, date);
}

static gboolean is_near(WallMs at, WallMs now)
{
    return at > now && at <= now + LIMIT_WEBHOOK_DATE_MS;
}

static gboolean add_tokens(Db *db, WallMs now, GPtrArray *dates, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT org_id, name, expires_at FROM tokens WHERE "
                     "revoked_at IS NULL AND expires_at > $1 ORDER BY expires_at");
    db_bind_int(q, 1, now);
    while (db_next(q))
        if (is_near(db_int(q, 2), now))
            add_date(dates, db_int(q, 0), "token", db_text(q, 1), db_int(q, 2));
    return db_finish(q, error);
}

/* Slot 2 is the active one. */
static gboolean add_certificates(Db *db, WallMs now, GPtrArray *dates, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT org_id, host FROM smtp_slots WHERE slot = 2");
    while (db_next(q)) {
        WallMs end;
        if (!settings_history_certificate_end(db, db_int(q, 0), &end, error))
            return FALSE;
        if (is_near(end, now))
            add_date(dates, db_int(q, 0), "certificate", db_text(q, 1), end);
    }
    return db_finish(q, error);
}

/* Takes out what the body says was told. */
static void strike(GPtrArray *dates, gint64 org_id, const char *body)
{
    for (guint i = dates->len; i > 0; i--) {
        const WebhookDate *date = dates->pdata[i - 1];
        if (date->org_id == org_id && strstr(body, date->data))
            g_ptr_array_remove_index(dates, i - 1);
    }
}

static gboolean strike_what_was_told(Db *db, WallMs now, GPtrArray *dates, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT org_id, body FROM webhook_events WHERE at > $1 AND type = $2");
    db_bind_int(q, 1, now - LIMIT_WEBHOOK_DATE_AGAIN_MS);
    db_bind_text(q, 2, WEBHOOK_DATE_NEAR);
    while (db_next(q))
        strike(dates, db_int(q, 0), db_text(q, 1));
    return db_finish(q, error);
}

GPtrArray *webhook_dates_near(Db *db, WallMs now, GError **error)
{
    g_autoptr(GPtrArray) dates = g_ptr_array_new_with_free_func(free_date);
    if (!add_tokens(db, now, dates, error) || !add_certificates(db, now, dates, error) ||
        (dates->len > 0 && !strike_what_was_told(db, now, dates, error)))
        return NULL;
    return g_steal_pointer(&dates);
}

gboolean webhook_dates_note(Db *db, const GPtrArray *dates, WallMs now, GError **error)
{
    for (guint i = 0; i < dates->len; i++) {
        const WebhookDate *date = dates->pdata[i];
        if (!webhook_note(db, date->org_id, WEBHOOK_DATE_NEAR, date->data, now, error))
            return FALSE;
    }
    return TRUE;
}
