#include "store/rewrap.h"

#include "base/crash_point.h"
#include "base/error.h"
#include "store/keys.h"
#include "store/settings_columns.h"
#include "store/webhooks.h"

#include <string.h>

/* --- What is sealed, and where -----------------------------------------------------------------
 */

/* q stands on a row of `find`: the value, and what its binding needs. NULL: it does not open. */
typedef GBytes *(*Renew)(DbQuery *q, Vault *vault, GBytes *value, GError **error);

typedef struct {
    const char *table, *column;
    const char *find;   /* $1: key in use, $2: behind this value */
    const char *change; /* $1: new value, $2: old one. It has random parts, so it names itself */
    const char *count;
    Renew renew;
} Sealed;

#define SEALED(table, column, more, also, renew)                                             \
    {                                                                                        \
        table, column,                                                                       \
            "SELECT " column more " FROM " table " WHERE " column " > $2 AND substr(" column \
            ", 5, 16) <> $1 ORDER BY " column " LIMIT 1",                                    \
            "UPDATE " table " SET " column " = $1" also " WHERE " column " = $2",            \
            "SELECT substr(" column ", 5, 16), count(*) FROM " table " WHERE " column        \
            " <> x'' GROUP BY 1",                                                            \
            renew                                                                            \
    }

static GBytes *renew_value(DbQuery *q, Vault *vault, GBytes *value, GError **error)
{
    if (!vault_rewrap_needs_binding(value))
        return vault_rewrap(vault, NULL, value, error);
    g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET, "a value of an unknown kind");
    return NULL;
}

static GBytes *renew_password(DbQuery *q, Vault *vault, GBytes *value, GError **error)
{
    if (!vault_rewrap_needs_binding(value))
        return vault_rewrap(vault, NULL, value, error);
    g_autoptr(SmtpSettings) settings = settings_columns_read(q, 2);
    g_autoptr(VaultBinding) binding = settings_password_binding(settings, db_int(q, 1));
    return vault_rewrap(vault, binding, value, error);
}

static GBytes *renew_webhook(DbQuery *q, Vault *vault, GBytes *value, GError **error)
{
    Id id;
    if (!vault_rewrap_needs_binding(value) || !db_id(q, 2, &id))
        return renew_value(q, vault, value, error);
    const Webhook webhook = {.org_id = db_int(q, 1), .id = id, .secret_sealed = value};
    g_autoptr(Secret) secret = webhook_secret_open(vault, &webhook, error);
    return secret ? webhook_secret_seal(vault, webhook.org_id, &id, secret) : NULL;
}

static GBytes *renew_day_key(DbQuery *q, Vault *vault, GBytes *value, GError **error)
{
    g_autoptr(VaultBinding) binding = day_key_binding(db_int(q, 1), db_int(q, 2));
    return vault_rewrap(vault, binding, value, error);
}

static GBytes *renew_fingerprint_key(DbQuery *q, Vault *vault, GBytes *value, GError **error)
{
    g_autoptr(VaultBinding) binding = vault_fingerprint_key_binding();
    return vault_rewrap(vault, binding, value, error);
}

#define WITH_SETTINGS ", org_id, " SETTINGS_COLUMNS
#define PLAIN(table, column) SEALED(table, column, "", "", renew_value)

static const Sealed sealed[] = {
    SEALED("smtp_slots", "password_sealed", WITH_SETTINGS, "", renew_password),
    PLAIN("smtp_slots", "oauth_client_secret_sealed"),
    PLAIN("smtp_slots", "oauth_private_key_sealed"),
    PLAIN("smtp_slots", "oauth_service_account_sealed"),
    PLAIN("smtp_slots", "oauth_refresh_token_sealed"),
    SEALED("smtp_history", "password_sealed", WITH_SETTINGS, "", renew_password),
    PLAIN("smtp_history", "oauth_client_secret_sealed"),
    PLAIN("smtp_history", "oauth_private_key_sealed"),
    PLAIN("smtp_history", "oauth_service_account_sealed"),
    PLAIN("smtp_history", "oauth_refresh_token_sealed"),
    PLAIN("oauth_tokens", "sealed"),
    SEALED("webhooks", "secret_sealed", ", org_id, id", "", renew_webhook),
    SEALED("day_keys", "wrapped", ", org_id, day", ", kek_id = substr($1, 5, 16)", renew_day_key),
    SEALED("fingerprint_key", "wrapped", "", "", renew_fingerprint_key),
};

/* Literals of the table above. */
#define FIND_IN(place) ((place)->find)
#define CHANGE_IN(place) ((place)->change)
#define COUNT_IN(place) ((place)->count)

guint rewrap_n_columns(void)
{
    return G_N_ELEMENTS(sealed);
}

void rewrap_column(guint i, SealedColumn *column)
{
    *column = (SealedColumn){sealed[i].table, sealed[i].column};
}

/* --- Counting ----------------------------------------------------------------------------------
 */

static void count_in(GArray *counts, const guint8 *kek_id, gint64 n)
{
    for (guint i = 0; i < counts->len; i++) {
        SealedCount *count = &g_array_index(counts, SealedCount, i);
        if (memcmp(count->kek_id, kek_id, VAULT_KEK_ID_BYTES) == 0) {
            count->n += n;
            return;
        }
    }
    SealedCount count = {.n = n};
    memcpy(count.kek_id, kek_id, VAULT_KEK_ID_BYTES);
    g_array_append_val(counts, count);
}

GArray *rewrap_counts(Db *db, GError **error)
{
    g_autoptr(GArray) counts = g_array_new(FALSE, FALSE, sizeof(SealedCount));
    for (guint i = 0; i < G_N_ELEMENTS(sealed); i++) {
        const Sealed *place = &sealed[i];
        g_autoptr(DbQuery) q = db_query(db, COUNT_IN(place));
        while (db_next(q)) {
            gsize n = 0;
            g_autoptr(GBytes) kek_id = db_dup_bytes(q, 0);
            const guint8 *bytes = g_bytes_get_data(kek_id, &n);
            if (n == VAULT_KEK_ID_BYTES)
                count_in(counts, bytes, db_int(q, 1));
        }
        if (!db_finish(q, error))
            return NULL;
    }
    return g_steal_pointer(&counts);
}

gint64 rewrap_count_of(const GArray *counts, const guint8 kek_id[VAULT_KEK_ID_BYTES])
{
    for (guint i = 0; i < counts->len; i++) {
        const SealedCount *count = &g_array_index(counts, SealedCount, i);
        if (memcmp(count->kek_id, kek_id, VAULT_KEK_ID_BYTES) == 0)
            return count->n;
    }
    return 0;
}

/* --- One value ---------------------------------------------------------------------------------
 */

void rewrap_cursor_clear(RewrapCursor *cursor)
{
    g_clear_pointer(&cursor->after, g_bytes_unref);
}

/* The next value of the cursor's column, and what is to stand there. *value NULL: none. */
static gboolean find_in_column(
    Db *db, Vault *vault, const RewrapCursor *cursor, GBytes **value, GBytes **new, GError **error)
{
    const Sealed *place = &sealed[cursor->column];
    guint8 kek_id[VAULT_KEK_ID_BYTES];
    vault_kek_id(vault, kek_id);
    g_autoptr(GError) unopened = NULL;
    g_autoptr(DbQuery) q = db_query(db, FIND_IN(place));
    db_bind_blob(q, 1, kek_id, sizeof kek_id);
    if (cursor->after)
        db_bind_bytes(q, 2, cursor->after);
    else
        db_bind_blob(q, 2, "", 0);
    if (db_next(q)) {
        *value = db_dup_bytes(q, 0);
        *new = place->renew(q, vault, *value, &unopened);
    }
    if (unopened)
        g_warning("%s.%s: %s", place->table, place->column, unopened->message);
    return db_finish(q, error);
}

static gboolean change(Db *db, const Sealed *place, GBytes *value, GBytes *new, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, CHANGE_IN(place));
    db_bind_bytes(q, 1, new);
    db_bind_bytes(q, 2, value);
    return db_finish(q, error);
}

gboolean rewrap_next(
    Db *db, Vault *vault, RewrapCursor *cursor, gboolean *found, gboolean *failed, GError **error)
{
    g_autoptr(GBytes) value = NULL, new = NULL;
    while (!value && cursor->column < G_N_ELEMENTS(sealed)) {
        if (!find_in_column(db, vault, cursor, &value, &new, error))
            return FALSE;
        if (!value) {
            rewrap_cursor_clear(cursor);
            cursor->column++;
        }
    }
    *found = value != NULL;
    *failed = value && !new;
    if (!value)
        return TRUE;
    if (new && !change(db, &sealed[cursor->column], value, new, error))
        return FALSE;
    rewrap_cursor_clear(cursor);
    cursor->after = g_steal_pointer(&value);
    CRASH_POINT("value_rewrapped");
    return TRUE;
}

/* --- All of them -------------------------------------------------------------------------------
 */

struct rewrap {
    Store *store;
    Vault *vault;
    GMutex lock; /* of what follows */
    GCond asked;
    gboolean is_wanted, is_stopped;
    GThread *thread;
};

typedef struct {
    Vault *vault;
    RewrapCursor cursor;
    gboolean found, failed;
} Step;

static gboolean step_job(Db *db, gpointer data, GError **error)
{
    Step *step = data;
    return rewrap_next(db, step->vault, &step->cursor, &step->found, &step->failed, error);
}

static gboolean is_stopped(Rewrap *rewrap)
{
    g_autoptr(GMutexLocker) locked G_GNUC_UNUSED = g_mutex_locker_new(&rewrap->lock);
    return rewrap->is_stopped;
}

/* From the first value to the last. FALSE: it was interrupted (a full queue, a full disk, a job
 * that was rolled back), and what is left, or was passed over, needs another pass. Why
 * is logged at first, not with each retry. */
static gboolean pass(Rewrap *rewrap, gboolean is_retry)
{
    Step step = {.vault = rewrap->vault};
    guint n = 0, n_failed = 0;
    gboolean is_through = TRUE;
    do {
        g_autoptr(GError) error = NULL;
        step.found = FALSE;
        if (!store_run(rewrap->store, step_job, &step, &error)) {
            if (!is_retry)
                g_warning("sealing under the new key was interrupted: %s", error->message);
            is_through = FALSE;
            break;
        }
        n += step.found && !step.failed ? 1 : 0;
        n_failed += step.failed ? 1 : 0;
    } while (step.found && !is_stopped(rewrap));
    rewrap_cursor_clear(&step.cursor);
    if (n + n_failed > 0)
        g_info("%u values are sealed with the new key now; %u could not be opened", n, n_failed);
    return is_through;
}

/* Before the next attempt; the lock is held. Ends early with the service. */
static void rest(Rewrap *rewrap)
{
    gint64 end = g_get_monotonic_time() + G_TIME_SPAN_SECOND;
    while (!rewrap->is_stopped && g_cond_wait_until(&rewrap->asked, &rewrap->lock, end))
        continue;
}

static gpointer work(gpointer user)
{
    Rewrap *rewrap = user;
    gboolean is_through = TRUE;
    g_mutex_lock(&rewrap->lock);
    while (!rewrap->is_stopped) {
        if (!rewrap->is_wanted) {
            g_cond_wait(&rewrap->asked, &rewrap->lock);
            continue;
        }
        rewrap->is_wanted = FALSE;
        g_mutex_unlock(&rewrap->lock);
        is_through = pass(rewrap, !is_through);
        g_mutex_lock(&rewrap->lock);
        if (!is_through) {
            rewrap->is_wanted = TRUE;
            rest(rewrap);
        }
    }
    g_mutex_unlock(&rewrap->lock);
    return NULL;
}

Rewrap *rewrap_new(Store *store, Vault *vault)
{
    Rewrap *rewrap = g_new0(Rewrap, 1);
    rewrap->store = store;
    rewrap->vault = vault;
    rewrap->is_wanted = TRUE;
    g_mutex_init(&rewrap->lock);
    g_cond_init(&rewrap->asked);
    rewrap->thread = g_thread_new("rewrap", work, rewrap);
    return rewrap;
}

void rewrap_start(Rewrap *rewrap)
{
    g_autoptr(GMutexLocker) locked G_GNUC_UNUSED = g_mutex_locker_new(&rewrap->lock);
    rewrap->is_wanted = TRUE;
    g_cond_signal(&rewrap->asked);
}

void rewrap_stop(Rewrap *rewrap)
{
    g_mutex_lock(&rewrap->lock);
    rewrap->is_stopped = TRUE;
    g_cond_signal(&rewrap->asked);
    g_mutex_unlock(&rewrap->lock);
    g_clear_pointer(&rewrap->thread, g_thread_join);
}

void rewrap_free(Rewrap *rewrap)
{
    if (!rewrap)
        return;
    rewrap_stop(rewrap);
    g_mutex_clear(&rewrap->lock);
    g_cond_clear(&rewrap->asked);
    g_free(rewrap);
}
