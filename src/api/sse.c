#include "api/sse.h"

#include "api/json/email_json.h"
#include "api/json/smtp_json.h"
#include "api/state.h"
#include "base/leak_point.h"
#include "base/limits.h"

#include <string.h>

/* Changes are collected this long, so that a thousand commits a second are twenty events. */
#define COLLECT_MS 50
/* Counters of waiting mail are told this often at most. */
#define COUNTERS_MS CLOCK_SECOND_MS

typedef struct {
    HttpStream *stream;
    PeopleCaller caller;
    guint8 credential[PEOPLE_HASH_BYTES];
    Language language;
    gboolean wants_snapshot;
} Reader;

struct sse {
    struct api *api;
    GMutex mutex;       /* joins the workers and the keeper; held while the store is read */
    GPtrArray *readers; /* of Reader, in the order they came */
    MonoMs counters_at; /* when they were last told */
    char *quota_told;   /* the quota as JSON, as all readers know it; NULL: there is none */
    gboolean is_stopped;

    GMutex inbox_mutex; /* joins the store's thread and the keeper; held for moments only */
    GArray *changes;    /* of StoreChange, without repeats */
    GSource *turn;      /* the next one that tells; NULL: there is nothing to tell */
    MonoMs turn_at;     /* when it comes */
    guint n_mails;      /* collected since mails_since */
    MonoMs mails_since;
    gboolean counters_moved;
    gint n_readers; /* atomic: as many as readers has */
};

static void reader_free(gpointer data)
{
    Reader *reader = data;
    http_stream_close(reader->stream);
    http_stream_unref(reader->stream);
    g_free(reader);
}

Sse *sse_new(struct api *api)
{
    Sse *sse = g_new0(Sse, 1);
    sse->api = api;
    g_mutex_init(&sse->mutex);
    g_mutex_init(&sse->inbox_mutex);
    sse->readers = g_ptr_array_new_with_free_func(reader_free);
    sse->changes = g_array_new(FALSE, FALSE, sizeof(StoreChange));
    return sse;
}

void sse_free(Sse *sse)
{
    if (!sse)
        return;
    g_ptr_array_unref(sse->readers);
    g_array_unref(sse->changes);
    g_clear_pointer(&sse->turn, g_source_unref);
    g_free(sse->quota_told);
    g_mutex_clear(&sse->inbox_mutex);
    g_mutex_clear(&sse->mutex);
    g_free(sse);
}

static gboolean tell(gpointer user);

/* A turn that is far off (for the counters) is brought forward: nothing waits for it. */
static void schedule(Sse *sse, MonoMs after_ms)
{
    MonoMs at = clock_mono_ms() + after_ms;
    g_mutex_lock(&sse->inbox_mutex);
    if (!sse->turn) {
        sse->turn = g_timeout_source_new((guint)after_ms);
        sse->turn_at = at;
        g_source_set_callback(sse->turn, tell, sse, NULL);
        g_source_attach(sse->turn, sse->api->keeper_context);
    } else if (at < sse->turn_at) {
        sse->turn_at = at;
        g_source_set_ready_time(sse->turn, g_get_monotonic_time() + after_ms * 1000);
    }
    g_mutex_unlock(&sse->inbox_mutex);
}

/* --- Readers --------------------------------------------------------------------------------- */

static gboolean same_user(const PeopleCaller *a, const PeopleCaller *b)
{
    if (a->kind != b->kind)
        return FALSE;
    return a->kind == PEOPLE_CALLER_MEMBER ? a->member_row == b->member_row : a->row == b->row;
}

/* With the mutex held: makes room for one more stream of this caller. */
static void close_oldest(Sse *sse, const PeopleCaller *caller)
{
    guint count = 0;
    for (guint i = sse->readers->len; i-- > 0;) {
        const Reader *reader = sse->readers->pdata[i];
        if (same_user(&reader->caller, caller) && ++count >= LIMIT_STREAMS_PER_USER)
            g_ptr_array_remove_index(sse->readers, i);
    }
}

HttpStream *sse_open(Sse *sse, const PeopleCaller *caller,
    const guint8 credential[PEOPLE_HASH_BYTES], Language language)
{
    HttpStream *stream = NULL;
    g_mutex_lock(&sse->mutex);
    close_oldest(sse, caller);
    if (sse->readers->len < LIMIT_STREAMS && !sse->is_stopped) {
        stream = http_stream_new();
        Reader *reader = g_new0(Reader, 1);
        reader->stream = http_stream_ref(stream);
        reader->caller = *caller;
        memcpy(reader->credential, credential, PEOPLE_HASH_BYTES);
        reader->language = language;
        reader->wants_snapshot = TRUE;
        g_ptr_array_add(sse->readers, reader);
        g_atomic_int_set(&sse->n_readers, (gint)sse->readers->len);
        schedule(sse, 0);
    }
    g_mutex_unlock(&sse->mutex);
    return stream;
}

static gboolean may_listen(Sse *sse, const Reader *reader, WallMs now)
{
    if (!http_stream_is_open(reader->stream))
        return FALSE;
    return reader->caller.kind == PEOPLE_CALLER_OPERATOR ||
           credentials_are_valid(sse->api->credentials, reader->credential, now);
}

/* With the mutex held. */
static void drop_gone_readers(Sse *sse)
{
    WallMs now = clock_wall_ms();
    for (guint i = sse->readers->len; i-- > 0;) {
        if (!may_listen(sse, sse->readers->pdata[i], now))
            g_ptr_array_remove_index(sse->readers, i);
    }
    g_atomic_int_set(&sse->n_readers, (gint)sse->readers->len);
}

/* --- Changes --------------------------------------------------------------------------------- */

static gboolean is_known(const GArray *changes, const StoreChange *change)
{
    for (guint i = 0; i < changes->len; i++) {
        const StoreChange *other = &g_array_index(changes, StoreChange, i);
        if (other->kind == change->kind && other->org_id == change->org_id &&
            id_equal(&other->id, &change->id))
            return TRUE;
    }
    return FALSE;
}

/* With the inbox's mutex held: whether one more mail may be told in this second. */
static gboolean has_room_for_mail(Sse *sse)
{
    MonoMs now = clock_mono_ms();
    if (now - sse->mails_since >= CLOCK_SECOND_MS) {
        sse->mails_since = now;
        sse->n_mails = 0;
    }
    return sse->n_mails < LIMIT_EVENTS_COLLECTED;
}

/* With the inbox's mutex held. Beyond the limit single emails are not told; the counters are. */
static void collect(Sse *sse, const StoreChange *change)
{
    gboolean is_mail = change->kind == STORE_CHANGED_EMAIL || change->kind == STORE_CHANGED_QUEUE;
    if (is_mail)
        sse->counters_moved = TRUE;
    if (change->kind == STORE_CHANGED_QUEUE || change->kind == STORE_CHANGED_SANDBOX ||
        change->kind == STORE_CHANGED_WEBHOOKS)
        return;
    if ((is_mail && !has_room_for_mail(sse)) || is_known(sse->changes, change))
        return;
    g_array_append_val(sse->changes, *change);
    sse->n_mails += is_mail ? 1 : 0;
}

void sse_note(Sse *sse, const StoreChange *changes, guint n_changes)
{
    gboolean is_heard = g_atomic_int_get(&sse->n_readers) > 0, has_news = FALSE;
    g_mutex_lock(&sse->inbox_mutex);
    for (guint i = 0; i < n_changes; i++) {
        if (is_heard || changes[i].kind == STORE_CHANGED_CREDENTIALS) {
            collect(sse, &changes[i]);
            has_news = TRUE;
        }
    }
    g_mutex_unlock(&sse->inbox_mutex);
    if (has_news)
        schedule(sse, COLLECT_MS);
}

void sse_check_callers(Sse *sse)
{
    schedule(sse, 0);
}

/* --- Telling --------------------------------------------------------------------------------- */

static char *event_text(const char *name, json_t *data)
{
    g_autofree char *text = json_write(data); /* one line: JSON escapes line ends */
    return g_strdup_printf("event: %s\ndata: %s\n\n", name, LEAK_TEXT("event", text));
}

static json_t *email_event(Db *db, const StoreChange *change, const SmtpState *state)
{
    g_autoptr(EmailRow) row = emails_get(db, change->org_id, &change->id, NULL);
    return row ? email_event_json(row, smtp_state_gate(state, clock_wall_ms())) : NULL;
}

static json_t *phase_event(Sse *sse, Db *db, const StoreChange *change, Language language)
{
    g_autoptr(Verification) run = verification_get(db, change->org_id, &change->id, NULL);
    return run ? verification_json(sse->api, run, language) : NULL;
}

/* With the mutex held: what the status that is being told says of the quota. */
static void keep_quota(Sse *sse, const json_t *status)
{
    const json_t *quota = json_object_get(status, "quota");
    if (!status)
        return;
    g_free(sse->quota_told);
    sse->quota_told = json_is_object(quota) ? json_write(json_deep_copy(quota)) : NULL;
}

/* One change as an event; NULL if there is nothing to tell (any more). *scope: who may hear it. */
static char *render(Sse *sse, Db *db, const StoreChange *change, Language language, guint *scope)
{
    g_autoptr(SmtpState) state = smtp_state_read(db, change->org_id, NULL);
    json_t *json = NULL;
    const char *name = NULL;
    *scope = PEOPLE_SCOPE_SMTP_READ;
    if (!state)
        return NULL;
    switch (change->kind) {
    case STORE_CHANGED_SETTINGS:
    case STORE_CHANGED_QUEUE: /* the counters */
    case STORE_CHANGED_RESETS:
        name = "status";
        json = smtp_status_json(sse->api, db, change->org_id, language, NULL);
        keep_quota(sse, json);
        break;
    case STORE_CHANGED_SENDING:
        name = "sending";
        json = smtp_sending_json(state);
        break;
    case STORE_CHANGED_HEALTH:
        name = "health";
        json = smtp_health_json(sse->api, state, language);
        break;
    case STORE_CHANGED_VERIFICATION:
        name = "phase";
        json = phase_event(sse, db, change, language);
        break;
    case STORE_CHANGED_EMAIL:
        name = "email";
        *scope = PEOPLE_SCOPE_EMAILS_READ;
        json = email_event(db, change, state);
        break;
    case STORE_CHANGED_CREDENTIALS:
    case STORE_CHANGED_SANDBOX:
    case STORE_CHANGED_WEBHOOKS:
        break;
    }
    return json ? event_text(name, json) : NULL;
}

/* With the mutex held. */
static void tell_change(Sse *sse, Db *db, const StoreChange *change)
{
    char *text[LANGUAGE_COUNT] = {NULL};
    gboolean is_rendered[LANGUAGE_COUNT] = {FALSE};
    guint scope = 0;
    for (guint i = 0; i < sse->readers->len; i++) {
        const Reader *reader = sse->readers->pdata[i];
        Language language = reader->language;
        if (reader->caller.org_id != change->org_id)
            continue;
        if (!is_rendered[language])
            text[language] = render(sse, db, change, language, &scope);
        is_rendered[language] = TRUE;
        if (text[language] && (reader->caller.scopes & scope))
            http_stream_write(reader->stream, text[language], strlen(text[language]));
    }
    for (gsize i = 0; i < LANGUAGE_COUNT; i++)
        g_free(text[i]);
}

static void tell_snapshots(Sse *sse, Db *db)
{
    static const char greeting[] = "retry: 2000\n\n";
    for (guint i = 0; i < sse->readers->len; i++) {
        Reader *reader = sse->readers->pdata[i];
        if (!reader->wants_snapshot)
            continue;
        json_t *status =
            smtp_status_json(sse->api, db, reader->caller.org_id, reader->language, NULL);
        if (!status) {
            http_stream_close(reader->stream); /* the page comes back */
            continue;
        }
        if (!sse->quota_told)
            keep_quota(sse, status); /* else the others know an older one */
        g_autofree char *text = event_text("status", status);
        http_stream_write(reader->stream, greeting, strlen(greeting));
        http_stream_write(reader->stream, text, strlen(text));
        reader->wants_snapshot = FALSE;
    }
}

/* What changed besides itself: the status object holds it, too. */
static void add_status_changes(GArray *changes)
{
    guint n = changes->len;
    for (guint i = 0; i < n; i++) {
        StoreChange change = g_array_index(changes, StoreChange, i);
        if (change.kind != STORE_CHANGED_SENDING && change.kind != STORE_CHANGED_HEALTH)
            continue;
        change = (StoreChange){.kind = STORE_CHANGED_SETTINGS, .org_id = change.org_id};
        if (!is_known(changes, &change))
            g_array_append_val(changes, change);
    }
}

static gboolean has_kind(const GArray *changes, StoreChangeKind kind)
{
    for (guint i = 0; i < changes->len; i++) {
        if (g_array_index(changes, StoreChange, i).kind == kind)
            return TRUE;
    }
    return FALSE;
}

/* With the mutex held: the counters if they moved, or a later turn for them. */
static void tell_counters(Sse *sse, Db *db)
{
    MonoMs now = clock_mono_ms(), free_at = sse->counters_at + COUNTERS_MS;
    g_mutex_lock(&sse->inbox_mutex);
    gboolean is_due = sse->counters_moved && now >= free_at;
    gboolean is_later = sse->counters_moved && !is_due;
    if (is_due)
        sse->counters_moved = FALSE;
    g_mutex_unlock(&sse->inbox_mutex);
    if (is_later)
        schedule(sse, free_at - now);
    if (!is_due)
        return;
    sse->counters_at = now;
    const StoreChange change = {.kind = STORE_CHANGED_QUEUE, .org_id = STORE_DEFAULT_ORG};
    tell_change(sse, db, &change);
}

static gboolean tell(gpointer user)
{
    Sse *sse = user;
    g_mutex_lock(&sse->inbox_mutex);
    g_clear_pointer(&sse->turn, g_source_unref);
    g_autoptr(GArray) changes = sse->changes;
    sse->changes = g_array_new(FALSE, FALSE, sizeof(StoreChange));
    g_mutex_unlock(&sse->inbox_mutex);

    if (has_kind(changes, STORE_CHANGED_CREDENTIALS))
        credentials_reload(sse->api->credentials, NULL);
    add_status_changes(changes);
    g_mutex_lock(&sse->mutex);
    drop_gone_readers(sse);
    if (sse->readers->len > 0) {
        Db *db = store_reader_take(sse->api->store);
        tell_snapshots(sse, db);
        for (guint i = 0; i < changes->len; i++)
            tell_change(sse, db, &g_array_index(changes, StoreChange, i));
        tell_counters(sse, db);
        store_reader_give(sse->api->store, db);
    }
    g_mutex_unlock(&sse->mutex);
    return G_SOURCE_REMOVE;
}

/* With the mutex held. Room in the quota comes with time alone: no commit tells of it. */
static gboolean has_quota_moved(Sse *sse)
{
    if (!sse->quota_told || sse->readers->len == 0)
        return FALSE;
    Db *db = store_reader_take(sse->api->store);
    g_autoptr(SmtpState) state = smtp_state_read(db, STORE_DEFAULT_ORG, NULL);
    store_reader_give(sse->api->store, db);
    if (!state)
        return FALSE;
    g_autofree char *quota = json_write(smtp_quota_json(state, clock_wall_ms()));
    return strcmp(quota, sse->quota_told) != 0;
}

/* The status is told anew. */
static void note_counters(Sse *sse)
{
    g_mutex_lock(&sse->inbox_mutex);
    sse->counters_moved = TRUE;
    g_mutex_unlock(&sse->inbox_mutex);
    schedule(sse, 0);
}

void sse_beat(Sse *sse)
{
    static const char beat[] = ": still here\n\n";
    g_mutex_lock(&sse->mutex);
    drop_gone_readers(sse);
    for (guint i = 0; i < sse->readers->len; i++) {
        const Reader *reader = sse->readers->pdata[i];
        http_stream_write(reader->stream, beat, strlen(beat));
    }
    if (has_quota_moved(sse))
        note_counters(sse);
    g_mutex_unlock(&sse->mutex);
}

void sse_stop(Sse *sse)
{
    g_mutex_lock(&sse->mutex);
    sse->is_stopped = TRUE;
    g_ptr_array_set_size(sse->readers, 0);
    g_atomic_int_set(&sse->n_readers, 0);
    g_mutex_unlock(&sse->mutex);
}
