#include "power_work.h"

#include "base/error.h"
#include "store/rewrap.h"
#include "store/smtp_settings.h"
#include "vault/keks.h"

#include <string.h>

enum { MOST_TARGETS = 12, SEARCHED = 40, KEYS = 3 };

typedef struct {
    WorldMail *mail;
    guint place;
    EmailState to;
} Target;

typedef struct {
    World *world;
    WorkKind kind;
    WallMs now;
    WorldBatch *batch;    /* WORK_ACCEPT */
    GPtrArray *emails;    /* of EmailNew: the batch as it is handed over */
    gboolean is_repeated; /* the key had led to the mails */
    Target targets[MOST_TARGETS];
    guint n_targets;
    gboolean marked[MOST_TARGETS];
    gint64 value;           /* WORK_SETTINGS, WORK_ACTIVATE, WORK_SWITCH */
    SmtpSettings *settings; /* WORK_ACTIVATE */
    gboolean is_rewrapped;  /* WORK_REWRAP found something */
    GError *error;
} Work;

static const char *const names[WORK_KINDS] = {
    [WORK_ACCEPT] = "accept",
    [WORK_MARK] = "mark",
    [WORK_OUTCOME] = "outcome",
    [WORK_CANCEL] = "cancel",
    [WORK_SETTINGS] = "settings",
    [WORK_ACTIVATE] = "activate",
    [WORK_SWITCH] = "switch",
    [WORK_REWRAP] = "rewrap",
    [WORK_RECOVER] = "recover",
};

const char *work_name(WorkKind kind)
{
    return names[kind];
}

static void work_free(gpointer data)
{
    Work *work = data;
    g_clear_pointer(&work->emails, g_ptr_array_unref);
    g_clear_pointer(&work->settings, settings_free);
    g_clear_error(&work->error);
    g_free(work);
}

/* --- As jobs --------------------------------------------------------------------------------- */

static gboolean read_row(Db *db, WorldMail *mail, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT row FROM emails WHERE org_id = $1 AND id = $2");
    db_bind_int(q, 1, STORE_DEFAULT_ORG);
    db_bind_id(q, 2, &mail->id);
    if (db_next(q))
        mail->row = db_int(q, 0);
    return db_finish(q, error);
}

static gboolean insert_all(Db *db, Work *work, GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(Id));
    for (guint i = 0; i < work->batch->n; i++) {
        WorldMail *mail = world_mail(work->world, work->batch->first + i);
        if (!emails_insert(db, work->world->vault, work->emails->pdata[i], error) ||
            !read_row(db, mail, error))
            return FALSE;
        g_array_append_val(ids, mail->id);
    }
    char key[32];
    guint8 hash[WORLD_HASH_BYTES];
    world_key(work->batch, key, hash);
    return emails_idempotency_add(db, STORE_DEFAULT_ORG, 0, key, hash, ids, work->now, error);
}

/* As POST /v1/emails does it: what the key has made before is the answer. */
static gboolean accept_batch(Db *db, Work *work, GError **error)
{
    char key[32];
    guint8 hash[WORLD_HASH_BYTES];
    g_autoptr(GArray) earlier = NULL;
    world_key(work->batch, key, hash);
    if (!emails_idempotency_find(db, STORE_DEFAULT_ORG, 0, key, hash, work->now, &earlier, error))
        return FALSE;
    work->is_repeated = earlier != NULL;
    return earlier ? TRUE : insert_all(db, work, error);
}

static gboolean mark(Db *db, Work *work, GError **error)
{
    gint64 ids[MOST_TARGETS];
    for (guint i = 0; i < work->n_targets; i++)
        ids[i] = work->targets[i].mail->row << 7 | work->targets[i].place;
    return emails_mark_sending(
        db, STORE_DEFAULT_ORG, ids, work->n_targets, work->now, work->marked, error);
}

static gboolean record(Db *db, Work *work, GError **error)
{
    EmailAttempt attempts[MOST_TARGETS];
    GError *faults[MOST_TARGETS] = {NULL};
    for (guint i = 0; i < work->n_targets; i++)
        attempts[i] =
            (EmailAttempt){.recipient_id = work->targets[i].mail->row << 7 | work->targets[i].place,
                .state = work->targets[i].to,
                .at = work->now,
                .next_at = work->now + CLOCK_MINUTE_MS,
                .counts = TRUE,
                .asked = TRUE,
                .phase = "after_data",
                .reply_code = 250,
                .reply_text = "2.0.0 queued",
                .server = "mail.example.de"};
    gboolean done =
        emails_record_attempts(db, STORE_DEFAULT_ORG, attempts, work->n_targets, faults, error);
    for (guint i = 0; i < work->n_targets; i++) {
        work->marked[i] = !faults[i];
        g_clear_error(&faults[i]);
    }
    return done;
}

static gboolean cancel(Db *db, const Work *work, GError **error)
{
    gint64 n = 0;
    return emails_cancel(db, STORE_DEFAULT_ORG, &work->targets[0].mail->id, work->now, &n, error);
}

static gboolean save_draft(Db *db, const Work *work, GError **error)
{
    gint64 revision;
    g_autoptr(SmtpSettings) draft = settings_new();
    draft->host = g_strdup_printf("smtp-%" G_GINT64_FORMAT ".example", work->value);
    return smtp_draft_write(db, STORE_DEFAULT_ORG, draft, -1, work->now, &revision, error);
}

static gboolean save_switch(Db *db, const Work *work, GError **error)
{
    g_autofree char *reason = g_strdup_printf("pause %" G_GINT64_FORMAT, work->value);
    return smtp_sending_write(db, STORE_DEFAULT_ORG, FALSE, reason, 0, "power", work->now, error);
}

static gboolean activate(Db *db, const Work *work, GError **error)
{
    return smtp_activate(db, STORE_DEFAULT_ORG, work->settings, -1, work->now, error);
}

/* From the front, as a thread does that has just been started. */
static gboolean rewrap(Db *db, Work *work, GError **error)
{
    g_auto(RewrapCursor) cursor = {0};
    gboolean is_damaged = FALSE;
    if (!rewrap_next(db, work->world->vault, &cursor, &work->is_rewrapped, &is_damaged, error))
        return FALSE;
    if (is_damaged)
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET, "a value does not open");
    return !is_damaged;
}

static gboolean run_work(Db *db, gpointer data, GError **error)
{
    Work *work = data;
    gint64 n;
    switch (work->kind) {
    case WORK_ACCEPT:
        return accept_batch(db, work, error);
    case WORK_MARK:
        return mark(db, work, error);
    case WORK_OUTCOME:
        return record(db, work, error);
    case WORK_CANCEL:
        return cancel(db, work, error);
    case WORK_SETTINGS:
        return save_draft(db, work, error);
    case WORK_ACTIVATE:
        return activate(db, work, error);
    case WORK_SWITCH:
        return save_switch(db, work, error);
    case WORK_REWRAP:
        return rewrap(db, work, error);
    case WORK_RECOVER:
        return emails_recover(db, work->now, &n, error);
    case WORK_KINDS:
        break;
    }
    g_assert_not_reached();
}

/* --- What it comes to ------------------------------------------------------------------------ */

static WorldRecipient *recipient_of(const Target *target)
{
    return &target->mail->recipients[target->place];
}

static void note_accepted(Work *work)
{
    World *world = work->world;
    if (work->is_repeated != work->batch->is_kept)
        world_wrong(world, "batch %u was %s and its key led to %s", work->batch->number,
            work->batch->is_kept ? "there" : "not there", work->is_repeated ? "mails" : "nothing");
    work->batch->is_kept = TRUE;
    for (guint i = 0; i < work->batch->n; i++)
        world_mail(world, work->batch->first + i)->is_kept = TRUE;
}

static void note_value(WorldValue *value, const Work *work)
{
    if (!work->error)
        value->known = MAX(value->known, work->value);
}

/* Uncertain, and not sent again; whether a start did not think so is seen in the next look. */
static gboolean is_last_doubt(const Work *work, const Target *target)
{
    gboolean is_repeated = work->kind == WORK_RECOVER && recipient_of(target)->n_doubts > 1;
    return target->to == EMAIL_UNCERTAIN && (target->mail->at_most_once || is_repeated);
}

static void note_targets(Work *work)
{
    for (guint i = 0; i < work->n_targets; i++) {
        WorldRecipient *recipient = recipient_of(&work->targets[i]);
        guint bit = (guint)STATE_BIT(work->targets[i].to);
        recipient->is_busy = FALSE;
        recipient->ever |= bit;
        recipient->n_doubts += work->targets[i].to == EMAIL_UNCERTAIN ? 1 : 0;
        if (work->error) {
            recipient->maybe |= bit;
        } else if (work->kind == WORK_CANCEL || work->kind == WORK_RECOVER || work->marked[i]) {
            recipient->known = work->targets[i].to;
            recipient->maybe = 0;
            recipient->is_over = is_last_doubt(work, &work->targets[i]);
        } else if (work->kind == WORK_OUTCOME) {
            world_wrong(
                work->world, "the outcome of mail %u was refused", work->targets[i].mail->number);
        }
    }
}

/* After a start everything that was being sent is uncertain. */
static void note_recovered(Work *work)
{
    for (guint i = 0; i < work->world->mails->len; i++) {
        WorldMail *mail = world_mail(work->world, i);
        for (guint place = 0; place < mail->n_recipients; place++) {
            if (mail->recipients[place].known != EMAIL_SENDING)
                continue;
            work->targets[0] = (Target){mail, place, EMAIL_UNCERTAIN};
            work->n_targets = 1;
            note_targets(work);
        }
    }
    work->n_targets = 0;
}

static void note(Work *work)
{
    switch (work->kind) {
    case WORK_ACCEPT:
        if (!work->error)
            note_accepted(work);
        break;
    case WORK_SETTINGS:
        note_value(&work->world->settings, work);
        break;
    case WORK_ACTIVATE:
        note_value(&work->world->settings, work);
        note_value(&work->world->active, work);
        break;
    case WORK_REWRAP:
        work->world->former -= work->is_rewrapped && !work->error ? 1 : 0;
        break;
    case WORK_SWITCH:
        note_value(&work->world->sending, work);
        break;
    case WORK_RECOVER:
        note_recovered(work);
        break;
    case WORK_MARK:
    case WORK_OUTCOME:
    case WORK_CANCEL:
        note_targets(work);
        break;
    case WORK_KINDS:
        g_assert_not_reached();
    }
    /* A database that fails says so with ABS_ERROR_STORE, and there is no other reason to fail. */
    if (work->error && !g_error_matches(work->error, ABS_ERROR, ABS_ERROR_STORE))
        world_wrong(work->world, "%s: %s", names[work->kind], work->error->message);
}

/* --- One group ------------------------------------------------------------------------------- */

typedef struct {
    GMutex lock;
    GCond moved;
    guint n_open;      /* jobs without an answer */
    gboolean is_begun; /* the writing thread is at the first job, or past it */
    gboolean may_go;
} Group;

typedef struct {
    Group *group;
    Work *work; /* NULL: the gate */
} Entry;

static gboolean run_entry(Db *db, gpointer data, GError **error)
{
    const Entry *entry = data;
    Group *group = entry->group;
    if (entry->work)
        return run_work(db, entry->work, error);
    g_mutex_lock(&group->lock);
    group->is_begun = TRUE;
    g_cond_broadcast(&group->moved);
    while (!group->may_go)
        g_cond_wait(&group->moved, &group->lock);
    g_mutex_unlock(&group->lock);
    return TRUE;
}

static void end_entry(gpointer data, const GError *error)
{
    const Entry *entry = data;
    Group *group = entry->group;
    if (entry->work && error)
        entry->work->error = g_error_copy(error);
    g_mutex_lock(&group->lock);
    group->is_begun = TRUE; /* or it never will be */
    group->n_open--;
    g_cond_broadcast(&group->moved);
    g_mutex_unlock(&group->lock);
}

static void submit(Store *store, Entry *entry)
{
    g_autoptr(GError) error = NULL;
    entry->group->n_open++;
    if (!store_submit(store, run_entry, entry, end_entry, NULL, &error)) {
        g_mutex_unlock(&entry->group->lock);
        end_entry(entry, error);
        g_mutex_lock(&entry->group->lock);
    }
}

/* Hands all in behind a job that waits for them, and waits for the answers. */
static void run_together(World *world, Store *store, GPtrArray *works)
{
    Group group = {.n_open = 0};
    g_autofree Entry *entries = g_new0(Entry, works->len + 1);
    g_mutex_init(&group.lock);
    g_cond_init(&group.moved);
    g_mutex_lock(&group.lock);
    entries[works->len] = (Entry){&group, NULL};
    submit(store, &entries[works->len]);
    while (!group.is_begun)
        g_cond_wait(&group.moved, &group.lock);
    for (guint i = 0; i < works->len; i++) {
        entries[i] = (Entry){&group, works->pdata[i]};
        submit(store, &entries[i]);
    }
    group.may_go = TRUE;
    g_cond_broadcast(&group.moved);
    while (group.n_open > 0)
        g_cond_wait(&group.moved, &group.lock);
    g_mutex_unlock(&group.lock);
    g_mutex_clear(&group.lock);
    g_cond_clear(&group.moved);
    for (guint i = 0; i < works->len; i++)
        note(works->pdata[i]);
}

/* --- What there is to do --------------------------------------------------------------------- */

/* A recipient that may be given to a job of this kind. */
static gboolean suits(WorkKind kind, const WorldMail *mail, const WorldRecipient *recipient)
{
    if (!mail->is_kept || recipient->is_busy)
        return FALSE;
    switch (recipient->known) {
    case EMAIL_QUEUED:
    case EMAIL_DEFERRED:
        return kind == WORK_MARK || kind == WORK_CANCEL;
    case EMAIL_UNCERTAIN:
        return kind == WORK_MARK && !recipient->is_over;
    case EMAIL_SENDING:
        return kind == WORK_OUTCOME;
    case EMAIL_SCHEDULED:
        return kind == WORK_CANCEL;
    case EMAIL_ACCEPTED:
    case EMAIL_REJECTED:
    case EMAIL_EXPIRED:
    case EMAIL_CANCELLED:
    case EMAIL_HANDED_OVER:
    case EMAIL_HELD:
        break;
    }
    return FALSE;
}

static EmailState goal_of(WorkKind kind, Random *random)
{
    static const EmailState outcomes[] = {
        EMAIL_ACCEPTED, EMAIL_ACCEPTED, EMAIL_REJECTED, EMAIL_DEFERRED, EMAIL_UNCERTAIN};
    if (kind == WORK_MARK)
        return EMAIL_SENDING;
    if (kind == WORK_CANCEL)
        return EMAIL_CANCELLED;
    return outcomes[random_below(random, G_N_ELEMENTS(outcomes))];
}

static void add_target(Work *work, WorldMail *mail, guint place)
{
    mail->recipients[place].is_busy = TRUE;
    work->targets[work->n_targets++] =
        (Target){mail, place, goal_of(work->kind, &work->world->random)};
}

/* Recipients of neighbouring mails, from a mail taken by chance. */
static void find_recipients(Work *work)
{
    World *world = work->world;
    guint n_mails = world->mails->len, most = 1 + random_below(&world->random, MOST_TARGETS);
    guint first = n_mails > 0 ? random_below(&world->random, n_mails) : 0;
    for (guint i = 0; i < n_mails && work->n_targets < most; i++) {
        WorldMail *mail = world_mail(world, (first + i) % n_mails);
        for (guint place = 0; place < mail->n_recipients && work->n_targets < most; place++)
            if (suits(work->kind, mail, &mail->recipients[place]))
                add_target(work, mail, place);
    }
}

/* A mail whose every recipient can be cancelled. */
static void find_mail(Work *work)
{
    World *world = work->world;
    for (guint tries = 0; tries < SEARCHED && world->mails->len > 0; tries++) {
        WorldMail *mail = world_mail(world, random_below(&world->random, world->mails->len));
        guint n = 0;
        for (guint place = 0; place < mail->n_recipients; place++)
            n += suits(WORK_CANCEL, mail, &mail->recipients[place]) ? 1 : 0;
        if (n != mail->n_recipients)
            continue;
        for (guint place = 0; place < mail->n_recipients; place++)
            add_target(work, mail, place);
        return;
    }
}

/* Written out as the API does it: half of them sealed beforehand. */
static void write_batch(Work *work, Store *store)
{
    World *world = work->world;
    gboolean seals = random_one_in(&world->random, 2);
    if (!work->batch->is_kept)
        work->batch->at = work->now;
    work->emails = g_ptr_array_new_with_free_func((GDestroyNotify)email_new_free);
    for (guint i = 0; i < work->batch->n; i++) {
        WorldMail *mail = world_mail(world, work->batch->first + i);
        guint8 random[ID_RANDOM_BYTES];
        for (guint byte = 0; byte < ID_RANDOM_BYTES; byte++)
            random[byte] = (guint8)random_next(&world->random);
        if (!work->batch->is_kept) {
            mail->id = id_make(work->now, random);
            mail->created_at = work->now;
        }
        EmailNew *email = world_email(world, mail);
        g_ptr_array_add(work->emails, email);
        if (!seals)
            continue;
        Db *reader = store_reader_take(store);
        emails_seal(reader, world->vault, email);
        store_reader_give(store, reader);
    }
}

/* Settings that could be sent with, the password sealed. */
static SmtpSettings *settings_with(const World *world, gint64 value, WallMs now)
{
    g_autoptr(Secret) password = secret_new("secret", 6);
    g_autoptr(SmtpSettings) empty = settings_new();
    g_autofree char *host = g_strdup_printf("smtp-%" G_GINT64_FORMAT ".example", value);
    const SettingsPatch patch = {.present = SETTINGS_HOST | SETTINGS_FROM_EMAIL | SETTINGS_PASSWORD,
        .host = host,
        .from_email = "shop@example.de",
        .password = password};
    const SettingsPorts ports = {NULL, 0};
    GPtrArray *faults = NULL;
    gboolean dropped;
    return settings_apply(
        empty, &patch, &ports, world->vault, STORE_DEFAULT_ORG, now, &dropped, &faults);
}

static Work *work_new(World *world, WorkKind kind)
{
    Work *work = g_new0(Work, 1);
    work->world = world;
    work->kind = kind;
    work->now = world->now += 1 + random_below(&world->random, CLOCK_MINUTE_MS);
    return work;
}

/* NULL if there is nothing of that kind to do. */
static Work *make_up(World *world, Store *store, WorkKind kind)
{
    Work *work = work_new(world, kind);
    switch (kind) {
    case WORK_ACCEPT:
        work->batch = world_add_batch(world);
        write_batch(work, store);
        break;
    case WORK_MARK:
    case WORK_OUTCOME:
        find_recipients(work);
        break;
    case WORK_CANCEL:
        find_mail(work);
        break;
    case WORK_SETTINGS:
        work->value = ++world->settings.asked;
        break;
    case WORK_ACTIVATE:
        work->value = world->active.asked = ++world->settings.asked;
        work->settings = settings_with(world, work->value, work->now);
        break;
    case WORK_SWITCH:
        work->value = ++world->sending.asked;
        break;
    case WORK_REWRAP:
    case WORK_RECOVER:
        break;
    case WORK_KINDS:
        g_assert_not_reached();
    }
    gboolean needs_targets = kind == WORK_MARK || kind == WORK_OUTCOME || kind == WORK_CANCEL;
    if (needs_targets && work->n_targets == 0)
        g_clear_pointer(&work, work_free);
    return work;
}

static WorkKind kind_by_chance(Random *random)
{
    static const WorkKind kinds[] = {WORK_ACCEPT, WORK_ACCEPT, WORK_ACCEPT, WORK_MARK, WORK_MARK,
        WORK_MARK, WORK_OUTCOME, WORK_OUTCOME, WORK_OUTCOME, WORK_CANCEL, WORK_SETTINGS,
        WORK_ACTIVATE, WORK_SWITCH, WORK_REWRAP, WORK_REWRAP};
    return kinds[random_below(random, G_N_ELEMENTS(kinds))];
}

/* The file of the keys has no part in the power cuts: its keys stay. */
void work_change_key(World *world, Store *store)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) ids = vault_kek_ids(world->vault);
    guint8 next[VAULT_KEK_ID_BYTES];
    memcpy(next, ids->data + (ids->len - 1) * VAULT_KEK_ID_BYTES, sizeof next);
    if ((ids->len < KEYS && !vault_kek_add(world->vault, next, &error)) ||
        !vault_kek_activate(world->vault, next, &error)) {
        world_wrong(world, "the key cannot be changed: %s", error->message);
        return;
    }
    Db *db = store_reader_take(store);
    if (!world_count_former(world, db, &world->former, NULL))
        world->former = G_MAXINT64; /* not known before the next look */
    store_reader_give(store, db);
}

void work_next_day(World *world)
{
    world->now += CLOCK_DAY_MS;
}

void work_at_random(World *world, Store *store, guint most)
{
    g_autoptr(GPtrArray) works = g_ptr_array_new_with_free_func(work_free);
    guint n = 1 + random_below(&world->random, most);
    if (random_one_in(&world->random, 10))
        work_next_day(world);
    if (random_one_in(&world->random, 20))
        work_change_key(world, store);
    for (guint i = 0; i < n; i++) {
        Work *work = make_up(world, store, kind_by_chance(&world->random));
        if (work)
            g_ptr_array_add(works, work);
    }
    run_together(world, store, works);
}

guint work_many(World *world, Store *store, WorkKind kind, guint n)
{
    g_autoptr(GPtrArray) works = g_ptr_array_new_with_free_func(work_free);
    guint n_done = 0;
    for (guint i = 0; i < n; i++) {
        Work *work = make_up(world, store, kind);
        if (work)
            g_ptr_array_add(works, work);
    }
    run_together(world, store, works);
    for (guint i = 0; i < works->len; i++)
        n_done += ((const Work *)works->pdata[i])->error ? 0 : 1;
    return n_done;
}

void work_prepare(World *world, Store *store, WorkKind kind)
{
    if (kind == WORK_MARK || kind == WORK_OUTCOME || kind == WORK_RECOVER)
        work_many(world, store, WORK_ACCEPT, 2);
    if (kind == WORK_CANCEL) /* one is looked for by chance */
        work_many(world, store, WORK_ACCEPT, 8);
    if (kind == WORK_OUTCOME || kind == WORK_RECOVER)
        work_many(world, store, WORK_MARK, 1);
    if (kind == WORK_REWRAP)
        work_change_key(world, store);
}

void work_after_start(World *world, Store *store)
{
    g_autoptr(GPtrArray) works = g_ptr_array_new_with_free_func(work_free);
    g_ptr_array_add(works, make_up(world, store, WORK_RECOVER));
    for (guint i = 0; i < world->batches->len; i++) {
        WorldBatch *batch = world_batch(world, i);
        gboolean is_fresh = batch->at + CLOCK_HOUR_MS > world->now;
        if (batch->is_kept && !(is_fresh && random_one_in(&world->random, 4)))
            continue;
        Work *work = work_new(world, WORK_ACCEPT);
        work->batch = batch;
        write_batch(work, store);
        g_ptr_array_add(works, work);
    }
    run_together(world, store, works);
}
