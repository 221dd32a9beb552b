#include "api/credentials.h"

#include "base/limits.h"

#include <string.h>

typedef struct {
    guint8 hash[PEOPLE_HASH_BYTES]; /* first: the key */
    Id id;
    PeopleCaller caller;
    WallMs expires_at; /* 0: never */
    WallMs used_at;
    gboolean is_used; /* since the last flush */
} Credential;

struct credentials {
    Store *store;
    GMutex mutex; /* joins the server's threads, workers and the store's thread */
    GHashTable *table;
    guint generation; /* moves with every direct change, so that a reload does not undo one */
};

static guint hash_hash(gconstpointer key)
{
    guint start;
    memcpy(&start, key, sizeof start); /* SHA-256: any bytes of it are a good hash */
    return start;
}

static gboolean hash_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, PEOPLE_HASH_BYTES) == 0;
}

static GHashTable *table_new(void)
{
    return g_hash_table_new_full(hash_hash, hash_equal, NULL, g_free);
}

Credentials *credentials_new(Store *store)
{
    Credentials *credentials = g_new0(Credentials, 1);
    credentials->store = store;
    g_mutex_init(&credentials->mutex);
    credentials->table = table_new();
    return credentials;
}

void credentials_free(Credentials *credentials)
{
    if (!credentials)
        return;
    g_hash_table_unref(credentials->table);
    g_mutex_clear(&credentials->mutex);
    g_free(credentials);
}

/* One that takes the place of its former self (a token that was changed) keeps the noted use. */
static void keep_use(const Credential *old, Credential *new)
{
    if (old && new && old->used_at > new->used_at) {
        new->used_at = old->used_at;
        new->is_used = old->is_used;
    }
}

static void put(GHashTable *table, Credential *credential)
{
    keep_use(g_hash_table_lookup(table, credential->hash), credential);
    g_hash_table_replace(table, credential->hash, credential);
}

static Credential *from_session(const Session *session)
{
    Credential *credential = g_new0(Credential, 1);
    memcpy(credential->hash, session->hash, PEOPLE_HASH_BYTES);
    credential->id = session->id;
    credential->expires_at = session->expires_at;
    credential->used_at = MAX(session->used_at, session->created_at);
    credential->caller = (PeopleCaller){
        .kind = PEOPLE_CALLER_MEMBER,
        .org_id = session->org_id,
        .row = session->row,
        .member_row = session->member_row,
        .role = session->role,
        .scopes = people_role_scopes(session->role),
    };
    return credential;
}

static Credential *from_token(const Token *token)
{
    Credential *credential = g_new0(Credential, 1);
    memcpy(credential->hash, token->hash, PEOPLE_HASH_BYTES);
    credential->id = token->id;
    credential->expires_at = token->expires_at;
    credential->used_at = token->used_at;
    credential->caller = (PeopleCaller){
        .kind = PEOPLE_CALLER_TOKEN,
        .org_id = token->org_id,
        .row = token->row,
        .scopes = token->scopes,
    };
    return credential;
}

static GHashTable *read_table(Credentials *credentials, GError **error)
{
    g_autoptr(GArray) sessions = NULL;
    g_autoptr(GPtrArray) tokens = NULL;
    Db *db = store_reader_take(credentials->store);
    gboolean is_read = credentials_load(db, clock_wall_ms(), &sessions, &tokens, error);
    store_reader_give(credentials->store, db);
    if (!is_read)
        return NULL;
    GHashTable *table = table_new();
    for (guint i = 0; i < sessions->len; i++)
        put(table, from_session(&g_array_index(sessions, Session, i)));
    for (guint i = 0; i < tokens->len; i++)
        put(table, from_token(tokens->pdata[i]));
    return table;
}

/* Uses that are noted but not yet written live only in the old table. */
static void keep_uses(GHashTable *from, GHashTable *to)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, from);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Credential *old = value;
        keep_use(old, g_hash_table_lookup(to, old->hash));
    }
}

gboolean credentials_reload(Credentials *credentials, GError **error)
{
    for (;;) {
        g_mutex_lock(&credentials->mutex);
        guint generation = credentials->generation;
        g_mutex_unlock(&credentials->mutex);
        g_autoptr(GHashTable) table = read_table(credentials, error);
        if (!table)
            return FALSE;
        g_mutex_lock(&credentials->mutex);
        gboolean is_current = generation == credentials->generation;
        if (is_current) {
            keep_uses(credentials->table, table);
            GHashTable *old = credentials->table;
            credentials->table = g_steal_pointer(&table);
            table = old;
        }
        g_mutex_unlock(&credentials->mutex);
        if (is_current)
            return TRUE;
    }
}

static void add(Credentials *credentials, Credential *credential)
{
    g_mutex_lock(&credentials->mutex);
    credentials->generation++;
    put(credentials->table, credential);
    g_mutex_unlock(&credentials->mutex);
}

void credentials_add_session(Credentials *credentials, const Session *session)
{
    add(credentials, from_session(session));
}

void credentials_add_token(Credentials *credentials, const Token *token)
{
    add(credentials, from_token(token));
}

void credentials_remove(Credentials *credentials, const guint8 hash[PEOPLE_HASH_BYTES])
{
    g_mutex_lock(&credentials->mutex);
    credentials->generation++;
    g_hash_table_remove(credentials->table, hash);
    g_mutex_unlock(&credentials->mutex);
}

static gboolean is_token(gpointer key, gpointer value, gpointer id)
{
    const Credential *credential = value;
    return credential->caller.kind == PEOPLE_CALLER_TOKEN && id_equal(&credential->id, id);
}

void credentials_remove_token(Credentials *credentials, const Id *id)
{
    g_mutex_lock(&credentials->mutex);
    credentials->generation++;
    g_hash_table_foreach_remove(credentials->table, is_token, (gpointer)id);
    g_mutex_unlock(&credentials->mutex);
}

typedef struct {
    gint64 row, member_row, but_row; /* row 0: of any */
} SessionMatch;

static gboolean is_session(gpointer key, gpointer value, gpointer user)
{
    const Credential *credential = value;
    const SessionMatch *match = user;
    return credential->caller.kind == PEOPLE_CALLER_MEMBER &&
           (match->row == 0 || credential->caller.row == match->row) &&
           (match->member_row == 0 || credential->caller.member_row == match->member_row) &&
           credential->caller.row != match->but_row;
}

static void remove_sessions(Credentials *credentials, SessionMatch match)
{
    g_mutex_lock(&credentials->mutex);
    credentials->generation++;
    g_hash_table_foreach_remove(credentials->table, is_session, &match);
    g_mutex_unlock(&credentials->mutex);
}

void credentials_remove_session(Credentials *credentials, gint64 row)
{
    remove_sessions(credentials, (SessionMatch){.row = row});
}

void credentials_remove_member(Credentials *credentials, gint64 member_row, gint64 but_row)
{
    remove_sessions(credentials, (SessionMatch){.member_row = member_row, .but_row = but_row});
}

WallMs credentials_used_at(Credentials *credentials, const Id *id)
{
    GHashTableIter iter;
    gpointer value;
    WallMs used_at = 0;
    g_mutex_lock(&credentials->mutex);
    g_hash_table_iter_init(&iter, credentials->table);
    while (used_at == 0 && g_hash_table_iter_next(&iter, NULL, &value)) {
        const Credential *credential = value;
        if (id_equal(&credential->id, id))
            used_at = credential->used_at;
    }
    g_mutex_unlock(&credentials->mutex);
    return used_at;
}

static gboolean is_live(const Credential *credential, WallMs now)
{
    if (credential->expires_at && credential->expires_at <= now)
        return FALSE;
    return credential->caller.kind != PEOPLE_CALLER_MEMBER ||
           credential->used_at + LIMIT_SESSION_IDLE_MS > now;
}

gboolean credentials_find(Credentials *credentials, const guint8 hash[PEOPLE_HASH_BYTES],
    WallMs now, PeopleCaller *caller)
{
    g_mutex_lock(&credentials->mutex);
    Credential *credential = g_hash_table_lookup(credentials->table, hash);
    gboolean is_found = credential && is_live(credential, now);
    if (is_found) {
        credential->used_at = now;
        credential->is_used = TRUE;
        *caller = credential->caller;
    }
    g_mutex_unlock(&credentials->mutex);
    return is_found;
}

gboolean credentials_are_valid(
    Credentials *credentials, const guint8 hash[PEOPLE_HASH_BYTES], WallMs now)
{
    g_mutex_lock(&credentials->mutex);
    const Credential *credential = g_hash_table_lookup(credentials->table, hash);
    gboolean is_valid = credential && is_live(credential, now);
    g_mutex_unlock(&credentials->mutex);
    return is_valid;
}

/* --- Last uses ------------------------------------------------------------------------------- */

typedef struct {
    GArray *sessions, *tokens; /* of gint64 rows */
    WallMs now;
} Touch;

static gboolean touch_job(Db *db, gpointer data, GError **error)
{
    Touch *touch = data;
    return credentials_touch(db, touch->sessions, touch->tokens, touch->now, error);
}

static void touch_done(gpointer data, const GError *error)
{
    Touch *touch = data; /* a lost last use is not worth a word */
    g_array_unref(touch->sessions);
    g_array_unref(touch->tokens);
    g_free(touch);
}

void credentials_flush(Credentials *credentials, WallMs now)
{
    Touch *touch = g_new0(Touch, 1);
    touch->sessions = g_array_new(FALSE, FALSE, sizeof(gint64));
    touch->tokens = g_array_new(FALSE, FALSE, sizeof(gint64));
    touch->now = now;
    GHashTableIter iter;
    gpointer value;
    g_mutex_lock(&credentials->mutex);
    g_hash_table_iter_init(&iter, credentials->table);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Credential *credential = value;
        if (!credential->is_used)
            continue;
        credential->is_used = FALSE;
        gboolean is_session = credential->caller.kind == PEOPLE_CALLER_MEMBER;
        g_array_append_val(is_session ? touch->sessions : touch->tokens, credential->caller.row);
    }
    g_mutex_unlock(&credentials->mutex);
    if ((touch->sessions->len == 0 && touch->tokens->len == 0) ||
        !store_submit(credentials->store, touch_job, touch, touch_done, NULL, NULL))
        touch_done(touch, NULL);
}
