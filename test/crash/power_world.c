#include "power_world.h"

#include "base/limits.h"
#include "store/books.h"
#include "store/rewrap.h"
#include "store/smtp_settings.h"

#include <stdio.h>
#include <string.h>

enum { SMALL_BYTES = 3000, LARGE_BYTES = 60000, STORY_BYTES = 4000 };

#define BEGINNING G_GINT64_CONSTANT(1795283520123) /* some day in 2026 */

World *world_new(Random random)
{
    World *world = g_new0(World, 1);
    world->random = random;
    world->now = BEGINNING;
    world->mails = g_ptr_array_new_with_free_func(g_free);
    world->batches = g_ptr_array_new_with_free_func(g_free);
    world->story = g_string_new(NULL);
    return world;
}

void world_free(World *world)
{
    g_ptr_array_unref(world->mails);
    g_ptr_array_unref(world->batches);
    g_string_free(world->story, TRUE);
    g_free(world);
}

WorldMail *world_mail(const World *world, guint number)
{
    return world->mails->pdata[number];
}

WorldBatch *world_batch(const World *world, guint number)
{
    return world->batches->pdata[number];
}

/* --- What is handed over --------------------------------------------------------------------- */

static void add_mail(World *world)
{
    Random *random = &world->random;
    WorldMail *mail = g_new0(WorldMail, 1);
    mail->number = world->mails->len;
    mail->class = (EmailClass)(EMAIL_CLASS_RESET + random_below(random, EMAIL_CLASS_BULK));
    mail->at_most_once = random_one_in(random, 8);
    mail->n_bytes = 1 + random_below(random, random_one_in(random, 20) ? LARGE_BYTES : SMALL_BYTES);
    mail->n_recipients = 1 + random_below(random, WORLD_RECIPIENTS);
    EmailState state = random_one_in(random, 10) ? EMAIL_SCHEDULED : EMAIL_QUEUED;
    for (guint i = 0; i < mail->n_recipients; i++)
        mail->recipients[i] = (WorldRecipient){.known = state, .ever = (guint)STATE_BIT(state)};
    g_ptr_array_add(world->mails, mail);
}

WorldBatch *world_add_batch(World *world)
{
    WorldBatch *batch = g_new0(WorldBatch, 1);
    batch->number = world->batches->len;
    batch->first = world->mails->len;
    batch->n = 1 + random_below(&world->random, WORLD_BATCH);
    for (guint i = 0; i < batch->n; i++)
        add_mail(world);
    g_ptr_array_add(world->batches, batch);
    return batch;
}

/* The same octets for the same mail, whenever asked. */
static GBytes *content_of(const WorldMail *mail)
{
    Random random = random_for(mail->number, mail->n_bytes);
    guint8 *content = g_malloc(mail->n_bytes);
    for (guint i = 0; i < mail->n_bytes; i++)
        content[i] = (guint8)random_next(&random);
    return g_bytes_new_take(content, mail->n_bytes);
}

EmailNew *world_email(const World *world, const WorldMail *mail)
{
    EmailNew *email = email_new_alloc();
    email->org_id = STORE_DEFAULT_ORG;
    email->id = mail->id;
    email->class = mail->class;
    email->sender = g_strdup("shop@example.de");
    email->from = g_strdup("Shop <shop@example.de>");
    email->to = g_strdup("anna@example.com");
    email->subject = g_strdup_printf("Order %u", mail->number);
    email->message_id = g_strdup_printf("<%u@power.example>", mail->number);
    email->content = content_of(mail);
    email->at_most_once = mail->at_most_once;
    email->created_at = mail->created_at;
    if (mail->recipients[0].ever & STATE_BIT(EMAIL_SCHEDULED))
        email->scheduled_at = mail->created_at + CLOCK_HOUR_MS;
    for (guint i = 0; i < mail->n_recipients; i++)
        g_ptr_array_add(email->recipients, g_strdup_printf("r%u.%u@example.com", mail->number, i));
    return email;
}

void world_key(const WorldBatch *batch, char key[32], guint8 hash[WORLD_HASH_BYTES])
{
    g_snprintf(key, 32, "key %u", batch->number);
    memset(hash, (int)(batch->number & 0xff), WORLD_HASH_BYTES);
}

gboolean world_count_former(const World *world, Db *db, gint64 *n, GError **error)
{
    guint8 in_use[VAULT_KEK_ID_BYTES];
    vault_kek_id(world->vault, in_use);
    g_autoptr(GArray) counts = rewrap_counts(db, error);
    if (!counts)
        return FALSE;
    *n = -rewrap_count_of(counts, in_use);
    for (guint i = 0; i < counts->len; i++)
        *n += g_array_index(counts, SealedCount, i).n;
    return TRUE;
}

/* --- What is found wrong --------------------------------------------------------------------- */

G_GNUC_PRINTF(3, 0)
static void tell(World *world, const char *what, const char *format, va_list arguments)
{
    if (world->story->len > STORY_BYTES)
        return;
    g_string_append_printf(world->story, "# %s: ", what);
    g_string_append_vprintf(world->story, format, arguments);
    g_string_append_c(world->story, '\n');
}

void world_lost(World *world, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(world, "lost", format, arguments);
    va_end(arguments);
    world->n_lost++;
}

void world_wrong(World *world, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(world, "wrong", format, arguments);
    va_end(arguments);
    world->n_wrong++;
}

/* --- The look: mails ------------------------------------------------------------------------- */

static void end_query(World *world, DbQuery *q, const char *what)
{
    g_autoptr(GError) error = NULL;
    if (!db_finish(q, &error))
        world_wrong(world, "%s: %s", what, error->message);
}

/* The words SQLite itself has for a sound database. */
static void look_at_integrity(World *world, Db *db)
{
    g_autoptr(DbQuery) q = db_query(db, "PRAGMA integrity_check");
    while (db_next(q))
        if (g_strcmp0(db_text(q, 0), "ok") != 0)
            world_wrong(world, "integrity: %s", db_text(q, 0));
    end_query(world, q, "integrity");
    g_autoptr(DbQuery) keys = db_query(db, "PRAGMA foreign_key_check");
    while (db_next(keys))
        world_wrong(world, "foreign key of %s", db_text(keys, 0));
    end_query(world, keys, "foreign keys");
}

static void find_mail(World *world, DbQuery *q, GHashTable *by_row)
{
    guint number = G_MAXUINT;
    const char *name = db_text(q, 2);
    if (!name || sscanf(name, "<%u@power.example>", &number) != 1 || number >= world->mails->len) {
        world_wrong(world, "a mail nobody asked for: %s", name ? name : "NULL");
        return;
    }
    WorldMail *mail = world_mail(world, number);
    if (mail->is_found)
        world_wrong(world, "mail %u is there twice", number);
    mail->is_found = TRUE;
    mail->row = db_int(q, 0);
    db_id(q, 1, &mail->id);
    g_hash_table_insert(by_row, &mail->row, mail);
}

static void look_at_mails(World *world, Db *db, GHashTable *by_row)
{
    for (guint i = 0; i < world->mails->len; i++)
        world_mail(world, i)->is_found = FALSE;
    g_autoptr(DbQuery) q = db_query(db, "SELECT row, id, message_id FROM emails");
    while (db_next(q))
        find_mail(world, q, by_row);
    end_query(world, q, "emails");
    for (guint i = 0; i < world->mails->len; i++) {
        WorldMail *mail = world_mail(world, i);
        if (mail->is_kept && !mail->is_found)
            world_lost(world, "mail %u", i);
        mail->is_kept = mail->is_found;
    }
}

/* The ids of the batch's mails are what its key leads to, for as long as keys are kept. */
static void look_at_key(World *world, Db *db, const WorldBatch *batch)
{
    char key[32];
    guint8 hash[WORLD_HASH_BYTES];
    g_autoptr(GArray) ids = NULL;
    g_autoptr(GError) error = NULL;
    if (batch->at + CLOCK_DAY_MS <= world->now)
        return;
    world_key(batch, key, hash);
    if (!emails_idempotency_find(db, STORE_DEFAULT_ORG, 0, key, hash, world->now, &ids, &error)) {
        world_wrong(world, "key of batch %u: %s", batch->number, error->message);
        return;
    }
    guint expected = batch->is_kept ? batch->n : 0, n = ids ? ids->len : 0;
    if (n != expected)
        world_wrong(world, "key of batch %u leads to %u of %u mails", batch->number, n, expected);
    for (guint i = 0; n == expected && i < n; i++)
        if (!id_equal(&g_array_index(ids, Id, i), &world_mail(world, batch->first + i)->id))
            world_wrong(world, "key of batch %u leads to another mail", batch->number);
}

static void look_at_batches(World *world, Db *db)
{
    for (guint i = 0; i < world->batches->len; i++) {
        WorldBatch *batch = world_batch(world, i);
        guint n = 0;
        for (guint each = 0; each < batch->n; each++)
            n += world_mail(world, batch->first + each)->is_found ? 1 : 0;
        if (n != 0 && n != batch->n)
            world_wrong(world, "%u of %u mails of batch %u", n, batch->n, i);
        if (n == batch->n && !batch->is_kept)
            world->n_ghosts++;
        batch->is_kept = n == batch->n;
        look_at_key(world, db, batch);
    }
}

/* --- The look: recipients -------------------------------------------------------------------- */

static void judge_state(
    World *world, const WorldMail *mail, guint place, EmailState state, gboolean waits)
{
    const WorldRecipient *recipient = &mail->recipients[place];
    guint bit = (guint)STATE_BIT(state);
    if (!(bit & (STATE_BIT(recipient->known) | recipient->maybe))) {
        if (bit & recipient->ever)
            world_lost(world, "recipient %u of mail %u was %s and is %s", place, mail->number,
                email_state_name(recipient->known), email_state_name(state));
        else
            world_wrong(world, "recipient %u of mail %u is %s, which nobody asked for", place,
                mail->number, email_state_name(state));
    }
    /* Sent again once, and not at all if it was to come at most once. What was uncertain before
     * ends with a start that finds it being sent, and waits if the courier says so. */
    gboolean should_wait =
        email_state_is_waiting(state) && !(state == EMAIL_UNCERTAIN && mail->at_most_once);
    gboolean may_be_over = state == EMAIL_UNCERTAIN && recipient->n_doubts > 1;
    if (waits != should_wait && !(may_be_over && !waits))
        world_wrong(world, "recipient %u of mail %u is %s and %s", place, mail->number,
            email_state_name(state), waits ? "waits" : "does not wait");
}

static void look_at_body(World *world, Db *db, const WorldMail *mail, gint64 row)
{
    EmailDelivery *delivery = NULL;
    GError *fault = NULL;
    g_autoptr(GBytes) expected = content_of(mail);
    emails_deliveries(db, world->vault, STORE_DEFAULT_ORG, &row, 1, &delivery, &fault);
    if (!delivery)
        world_lost(world, "the body of mail %u: %s", mail->number,
            fault ? fault->message : "it does not wait");
    else if (!g_bytes_equal(expected, delivery->content))
        world_wrong(world, "the body of mail %u is another", mail->number);
    g_clear_error(&fault);
    email_delivery_free(delivery);
}

static void find_recipient(World *world, Db *db, DbQuery *q, GHashTable *by_row, gint64 *counts)
{
    gint64 row = db_int(q, 0), email_row = row >> 7;
    guint place = (guint)(row & 127);
    EmailState state = (EmailState)db_int(q, 1);
    gboolean waits = db_int(q, 2) != 0;
    WorldMail *mail = g_hash_table_lookup(by_row, &email_row);
    if (!mail || place >= mail->n_recipients) {
        world_wrong(world, "a recipient of no mail: row %" G_GINT64_FORMAT, row);
        return;
    }
    judge_state(world, mail, place, state, waits);
    mail->recipients[place].known = state;
    mail->recipients[place].is_over = !waits;
    if (world->settles)
        mail->recipients[place].maybe = 0;
    counts[state]++;
    if (waits && mail->n_found++ == 0)
        look_at_body(world, db, mail, row);
    else if (!waits)
        mail->n_found++;
}

static void look_at_recipients(World *world, Db *db, GHashTable *by_row, gint64 *counts)
{
    for (guint i = 0; i < world->mails->len; i++)
        world_mail(world, i)->n_found = 0;
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT row, state, next_at IS NOT NULL FROM recipients ORDER BY row");
    while (db_next(q))
        find_recipient(world, db, q, by_row, counts);
    end_query(world, q, "recipients");
    for (guint i = 0; i < world->mails->len; i++) {
        const WorldMail *mail = world_mail(world, i);
        if (mail->is_found && mail->n_found != mail->n_recipients)
            world_wrong(
                world, "mail %u has %u of %u recipients", i, mail->n_found, mail->n_recipients);
    }
}

static void look_at_counts(World *world, Db *db, const gint64 *found)
{
    gint64 counts[EMAIL_HELD + 1] = {0};
    g_autoptr(GError) error = NULL;
    if (!emails_count(db, STORE_DEFAULT_ORG, counts, &error))
        world_wrong(world, "counts: %s", error->message);
    for (EmailState state = EMAIL_SCHEDULED; state <= EMAIL_HANDED_OVER; state++)
        if (counts[state] != found[state])
            world_wrong(world, "%s: counted %" G_GINT64_FORMAT ", there are %" G_GINT64_FORMAT,
                email_state_name(state), counts[state], found[state]);
}

/* --- The look: settings ---------------------------------------------------------------------- */

static void look_at_value(World *world, WorldValue *value, const char *prefix, const char *text)
{
    gint64 n = 0;
    if (text && g_str_has_prefix(text, prefix))
        n = g_ascii_strtoll(text + strlen(prefix), NULL, 10);
    if (n < value->known)
        world_lost(
            world, "%s%" G_GINT64_FORMAT ", it is %" G_GINT64_FORMAT, prefix, value->known, n);
    if (n > value->asked)
        world_wrong(world, "%s%" G_GINT64_FORMAT ", which nobody asked for", prefix, n);
    value->known = n;
}

static void look_at_settings(World *world, Db *db)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpState) state = smtp_state_read(db, STORE_DEFAULT_ORG, &error);
    if (!state) {
        world_wrong(world, "settings: %s", error->message);
        return;
    }
    const SmtpSettings *newest = state->draft ? state->draft : state->active;
    look_at_value(world, &world->settings, "smtp-", newest ? newest->host : NULL);
    look_at_value(world, &world->active, "smtp-", state->active ? state->active->host : NULL);
    look_at_value(world, &world->sending, "pause ", state->sending_reason);
}

/* What was put under the key in use does not come back under a former one. */
static void look_at_keys(World *world, Db *db)
{
    gint64 n = 0;
    g_autoptr(GError) error = NULL;
    if (!world_count_former(world, db, &n, &error))
        world_wrong(world, "keys: %s", error->message);
    else if (n > world->former)
        world_lost(world,
            "%" G_GINT64_FORMAT " values are under a former key, %" G_GINT64_FORMAT " were", n,
            world->former);
    world->former = n;
}

static void look_at_books(World *world, Store *store)
{
    g_auto(Books) books = {0};
    g_autoptr(GError) error = NULL;
    if (!books_check(store, STORE_DEFAULT_ORG, LIMIT_BOOKS_COUNTING_MS, NULL, &books, &error)) {
        world_wrong(world, "books: %s", error->message);
        return;
    }
    for (guint i = 0; books.faults && i < books.faults->len; i++)
        world_wrong(world, "books: %s", (const char *)books.faults->pdata[i]);
}

static void look_at_all(World *world, Db *db)
{
    gint64 counts[EMAIL_HELD + 1] = {0};
    g_autoptr(GHashTable) by_row = g_hash_table_new(g_int64_hash, g_int64_equal);
    look_at_mails(world, db, by_row);
    look_at_batches(world, db);
    look_at_recipients(world, db, by_row, counts);
    look_at_counts(world, db, counts);
    look_at_settings(world, db);
    look_at_keys(world, db);
}

void world_look(World *world, Store *store, gboolean settles)
{
    world->settles = settles;
    guint n_wrong = world->n_wrong;
    Db *db = store_reader_take(store);
    look_at_integrity(world, db);
    if (world->n_wrong == n_wrong) /* else its rows may be anything */
        look_at_all(world, db);
    store_reader_give(store, db);
    if (settles && world->n_wrong == n_wrong)
        look_at_books(world, store);
}
