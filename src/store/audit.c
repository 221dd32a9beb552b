#include "store/audit.h"

#include "base/limits.h"
#include "base/text.h"

#include <sodium.h>
#include <string.h>

/* Each field with its length before it, so that no two rows read the same; NULL is told from "". */
static void hash_text(crypto_hash_sha256_state *state, const char *text)
{
    guint64 n = text ? GUINT64_TO_BE(strlen(text)) : G_MAXUINT64;
    crypto_hash_sha256_update(state, (const guint8 *)&n, sizeof n);
    if (text)
        crypto_hash_sha256_update(state, (const guint8 *)text, strlen(text));
}

static void hash_number(crypto_hash_sha256_state *state, gint64 number)
{
    gint64 bytes = GINT64_TO_BE(number);
    crypto_hash_sha256_update(state, (const guint8 *)&bytes, sizeof bytes);
}

static void hash_note(const guint8 before[AUDIT_HASH_BYTES], const Id *id, const AuditNote *note,
    guint8 hash[AUDIT_HASH_BYTES])
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, before, AUDIT_HASH_BYTES);
    hash_number(&state, note->org_id);
    crypto_hash_sha256_update(&state, id->bytes, sizeof id->bytes);
    hash_number(&state, note->at);
    hash_text(&state, note->actor);
    hash_text(&state, note->action);
    hash_text(&state, note->object);
    hash_text(&state, note->detail);
    hash_text(&state, note->client);
    crypto_hash_sha256_final(&state, hash);
}

/* Zeros before the first row. */
static gboolean read_last_hash(Db *db, gint64 org_id, guint8 hash[AUDIT_HASH_BYTES], GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT hash FROM audit_events WHERE org_id = $1 ORDER BY row DESC LIMIT 1");
    db_bind_int(q, 1, org_id);
    memset(hash, 0, AUDIT_HASH_BYTES);
    if (db_next(q)) {
        g_autoptr(GBytes) bytes = db_dup_bytes(q, 0);
        memcpy(hash, g_bytes_get_data(bytes, NULL), AUDIT_HASH_BYTES); /* a CHECK of the table */
    }
    return db_finish(q, error);
}

/* The caller frees. NULL gives NULL. */
static char *clean(const char *text)
{
    return text ? text_printable(text, strlen(text), LIMIT_AUDIT_TEXT_CHARACTERS) : NULL;
}

static gboolean insert_note(Db *db, const AuditNote *note, const Id *id,
    const guint8 hash[AUDIT_HASH_BYTES], GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO audit_events (org_id, id, at, actor, action, object, detail, client, hash) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    db_bind_int(q, 1, note->org_id);
    db_bind_id(q, 2, id);
    db_bind_int(q, 3, note->at);
    db_bind_text(q, 4, note->actor);
    db_bind_text(q, 5, note->action);
    db_bind_text(q, 6, note->object);
    db_bind_text(q, 7, note->detail);
    db_bind_text(q, 8, note->client);
    db_bind_blob(q, 9, hash, AUDIT_HASH_BYTES);
    return db_finish(q, error);
}

gboolean audit_append(Db *db, const AuditNote *note, GError **error)
{
    guint8 before[AUDIT_HASH_BYTES], hash[AUDIT_HASH_BYTES];
    g_autofree char *actor = clean(note->actor), *object = clean(note->object);
    g_autofree char *detail = clean(note->detail), *client = clean(note->client);
    const AuditNote kept = {note->org_id, note->at, actor, note->action, object, detail, client};
    Id id = id_fresh(note->at);
    if (!read_last_hash(db, note->org_id, before, error))
        return FALSE;
    hash_note(before, &id, &kept, hash);
    return insert_note(db, &kept, &id, hash, error);
}

/* --- Reading --------------------------------------------------------------------------------- */

static void free_event(gpointer data)
{
    AuditEvent *event = data;
    g_free(event->actor);
    g_free(event->action);
    g_free(event->object);
    g_free(event->detail);
    g_free(event->client);
    g_free(event);
}

static AuditEvent *read_event(DbQuery *q)
{
    AuditEvent *event = g_new0(AuditEvent, 1);
    db_id(q, 0, &event->id);
    event->at = db_int(q, 1);
    event->actor = db_dup_text(q, 2);
    event->action = db_dup_text(q, 3);
    event->object = db_dup_text(q, 4);
    event->detail = db_dup_text(q, 5);
    event->client = db_dup_text(q, 6);
    return event;
}

/* Where a page starts: at the row of this id, or where it would be. */
static gboolean find_cursor(Db *db, const AuditFilter *filter, gint64 *row, GError **error)
{
    const Id *id = filter->after ? filter->after : filter->before;
    *row = G_MAXINT64;
    if (!id)
        return TRUE;
    g_autoptr(DbQuery) q = db_query(
        db, "SELECT row FROM audit_events WHERE org_id = $1 AND id <= $2 ORDER BY id DESC LIMIT 1");
    db_bind_int(q, 1, filter->org_id);
    db_bind_id(q, 2, id);
    *row = db_next(q) ? db_int(q, 0) : 0;
    return db_finish(q, error);
}

#define MATCHES                                                                                 \
    "SELECT id, at, actor, action, object, detail, client FROM audit_events WHERE org_id = $1 " \
    "AND ($3 IS NULL OR substr(action, 1, length($3)) = $3) "                                   \
    "AND ($4 IS NULL OR instr(lower(actor), lower($4)) > 0) AND at >= $5 AND at < $6 "

GPtrArray *audit_list(Db *db, const AuditFilter *filter, gboolean *has_more, GError **error)
{
    g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func(free_event);
    gboolean newer = !filter->after && filter->before;
    gint64 row;
    if (!find_cursor(db, filter, &row, error))
        return NULL;
    g_autoptr(DbQuery) q = newer ? db_query(db, MATCHES "AND row > $2 ORDER BY row LIMIT $7")
                                 : db_query(db, MATCHES "AND row < $2 ORDER BY row DESC LIMIT $7");
    db_bind_int(q, 1, filter->org_id);
    db_bind_int(q, 2, row);
    db_bind_text(q, 3, filter->action);
    db_bind_text(q, 4, filter->actor);
    db_bind_int(q, 5, filter->since);
    db_bind_int(q, 6, filter->until ? filter->until : G_MAXINT64);
    db_bind_int(q, 7, (gint64)filter->limit + 1);
    while (db_next(q))
        g_ptr_array_add(events, read_event(q));
    if (!db_finish(q, error))
        return NULL;
    *has_more = events->len > filter->limit;
    if (*has_more)
        g_ptr_array_set_size(events, (gint)filter->limit);
    for (guint i = 0; newer && i < events->len / 2; i++) { /* the newest first here, too */
        gpointer other = events->pdata[events->len - 1 - i];
        events->pdata[events->len - 1 - i] = events->pdata[i];
        events->pdata[i] = other;
    }
    return g_steal_pointer(&events);
}

GPtrArray *audit_newest(
    Db *db, gint64 org_id, const char *action, WallMs since, guint limit, GError **error)
{
    g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func(free_event);
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT id, at, actor, action, object, detail, client FROM audit_events WHERE org_id = $1 "
        "AND action = $2 AND at >= $3 AND client IS NOT NULL ORDER BY row DESC LIMIT $4");
    db_bind_int(q, 1, org_id);
    db_bind_text(q, 2, action);
    db_bind_int(q, 3, since);
    db_bind_int(q, 4, limit);
    while (db_next(q))
        g_ptr_array_add(events, read_event(q));
    return db_finish(q, error) ? g_steal_pointer(&events) : NULL;
}

/* --- Checking the chain ---------------------------------------------------------------------- */

/* TRUE if the row that q stands on is what was written behind the last sound one. Whoever has
 * tampered with the file need not have kept to the table's CHECKs. */
static gboolean is_sound(DbQuery *q, AuditCheck *check)
{
    guint8 hash[AUDIT_HASH_BYTES];
    const AuditNote note = {
        .org_id = check->org_id,
        .at = db_int(q, 2),
        .actor = db_text(q, 3),
        .action = db_text(q, 4),
        .object = db_text(q, 5),
        .detail = db_text(q, 6),
        .client = db_text(q, 7),
    };
    g_autoptr(GBytes) written = db_dup_bytes(q, 8);
    if (!db_id(q, 1, &check->fault_id) || !written || g_bytes_get_size(written) != sizeof hash)
        return FALSE;
    hash_note(check->last_hash, &check->fault_id, &note, hash);
    return memcmp(hash, g_bytes_get_data(written, NULL), sizeof hash) == 0;
}

static void take_head(AuditCheck *check)
{
    if (check->known_head && memcmp(check->known_head, check->last_hash, AUDIT_HASH_BYTES) == 0)
        check->has_known_head = TRUE;
}

static void take_sound(AuditCheck *check, DbQuery *q)
{
    g_autoptr(GBytes) hash = db_dup_bytes(q, 8);
    memcpy(check->last_hash, g_bytes_get_data(hash, NULL), AUDIT_HASH_BYTES);
    check->fault_id = (Id){{0}};
    check->events++;
    check->last_at = db_int(q, 2);
    take_head(check);
}

/* --- The anchor: where the log begins ------------------------------------------------------------
 */

typedef struct {
    gint64 row; /* of the last event that was forgotten; 0: none was */
    guint8 hash[AUDIT_HASH_BYTES];
    WallMs at;
    gint64 forgotten;
} Anchor;

static gboolean read_anchor(Db *db, gint64 org_id, Anchor *anchor, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT row, hash, at, forgotten FROM audit_anchors WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    *anchor = (Anchor){0};
    if (db_next(q)) {
        g_autoptr(GBytes) hash = db_dup_bytes(q, 1);
        anchor->row = db_int(q, 0);
        anchor->at = db_int(q, 2);
        anchor->forgotten = db_int(q, 3);
        if (g_bytes_get_size(hash) == AUDIT_HASH_BYTES) /* a CHECK, to who keeps to them */
            memcpy(anchor->hash, g_bytes_get_data(hash, NULL), AUDIT_HASH_BYTES);
    }
    return db_finish(q, error);
}

/* The anchor may move on while the log is being checked. */
static gboolean begin_slice(Db *db, AuditCheck *check, gint64 *row, GError **error)
{
    Anchor anchor;
    if (!read_anchor(db, check->org_id, &anchor, error))
        return FALSE;
    if (anchor.row <= *row)
        return TRUE;
    *row = anchor.row;
    check->forgotten = anchor.forgotten;
    check->forgotten_until = anchor.at;
    check->events = 0;
    memcpy(check->last_hash, anchor.hash, AUDIT_HASH_BYTES);
    take_head(check);
    return TRUE;
}

/* *row: behind which to go on; 0 at the end. */
static gboolean check_slice(Db *db, AuditCheck *check, gint64 *row, GError **error)
{
    if (!begin_slice(db, check, row, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT row, id, at, actor, action, object, detail, client, hash FROM audit_events "
        "WHERE org_id = $1 AND row > $2 ORDER BY row LIMIT $3");
    db_bind_int(q, 1, check->org_id);
    db_bind_int(q, 2, *row);
    db_bind_int(q, 3, LIMIT_AUDIT_SLICE);
    guint n = 0;
    while (!check->is_broken && db_next(q)) {
        n++;
        *row = db_int(q, 0);
        check->is_broken = !is_sound(q, check);
        if (check->is_broken)
            check->fault_at = db_int(q, 2);
        else
            take_sound(check, q);
    }
    if (n < LIMIT_AUDIT_SLICE || check->is_broken)
        *row = 0;
    return db_finish(q, error);
}

gboolean audit_check(Store *store, AuditCheck *check, GError **error)
{
    gint64 row = 0;
    *check = (AuditCheck){.org_id = check->org_id, .known_head = check->known_head};
    do {
        Db *db = store_reader_take(store);
        gboolean is_read = check_slice(db, check, &row, error);
        store_reader_give(store, db);
        if (!is_read)
            return FALSE;
    } while (row != 0);
    return TRUE;
}

/* --- Forgetting ------------------------------------------------------------------------------- */

/* *last: the last that goes; row 0: none. It is one that is old, and behind it stands at least one.
 * One from after `now` came while a clock was wrong, this one or that of then: it is passed over
 * and goes with an old one behind it, but is no reason by itself, or a clock that is behind would
 * erase everything. */
static gboolean find_last_old(Db *db, gint64 org_id, WallMs until, WallMs now, guint limit,
    const Anchor *before, Anchor *last, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT row, hash, at FROM audit_events WHERE org_id = $1 "
                                        "AND row > $2 ORDER BY row LIMIT $3");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, before->row);
    db_bind_int(q, 3, (gint64)limit + 1);
    Anchor next = {.forgotten = before->forgotten};
    *last = next;
    while (db_next(q)) {
        if (next.row && next.at <= until)
            *last = next;
        WallMs at = db_int(q, 2);
        if (at > until && at <= now)
            break;
        g_autoptr(GBytes) hash = db_dup_bytes(q, 1);
        next.row = db_int(q, 0);
        next.at = at;
        next.forgotten++;
        memcpy(next.hash, g_bytes_get_data(hash, NULL), AUDIT_HASH_BYTES); /* a CHECK */
    }
    return db_finish(q, error);
}

static gboolean write_anchor(Db *db, gint64 org_id, const Anchor *anchor, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO audit_anchors (org_id, row, hash, at, forgotten) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (org_id) DO UPDATE SET row = $2, hash = $3, at = $4, forgotten = $5");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, anchor->row);
    db_bind_blob(q, 3, anchor->hash, AUDIT_HASH_BYTES);
    db_bind_int(q, 4, anchor->at);
    db_bind_int(q, 5, anchor->forgotten);
    return db_finish(q, error);
}

gboolean audit_forget(Db *db, gint64 org_id, WallMs until, WallMs now, guint limit,
    gint64 *n_forgotten, GError **error)
{
    Anchor before, last;
    *n_forgotten = 0;
    if (!read_anchor(db, org_id, &before, error) ||
        !find_last_old(db, org_id, until, now, limit, &before, &last, error))
        return FALSE;
    if (last.row == 0)
        return TRUE;
    if (!write_anchor(db, org_id, &last, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db, "DELETE FROM audit_events WHERE org_id = $1 AND row <= $2");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, last.row);
    *n_forgotten = last.forgotten - before.forgotten;
    return db_finish(q, error);
}
