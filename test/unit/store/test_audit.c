/* The audit log: what is written, found again, and what its chain gives away. And what an
 * organisation says of itself. */
#include "base/limits.h"
#include "scratch.h"
#include "store/audit.h"
#include "store/organisations.h"

#define ORG STORE_DEFAULT_ORG

/* The log of a store in use; tampered with as somebody would who has the file. */
typedef struct {
    char *folder;
    StoreConfig config;
    Store *store;
} Log;

static void log_open(Log *self)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *warning = NULL;
    self->store = store_open(&self->config, &warning, &error);
    ok(self->store, error);
}

static int log_make(void **state)
{
    Log *self = g_new0(Log, 1);
    self->folder = g_dir_make_tmp("audit-XXXXXX", NULL);
    self->config.path = g_build_filename(self->folder, "absender.db", NULL);
    self->config.full_sync = TRUE;
    log_open(self);
    *state = self;
    return 0;
}

static int log_remove(void **state)
{
    Log *self = *state;
    store_close(self->store);
    g_autoptr(GDir) dir = g_dir_open(self->folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(self->folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(self->folder);
    g_free((gpointer)self->config.path);
    g_free(self->folder);
    g_free(self);
    return 0;
}

static gboolean append(Db *db, gpointer note, GError **error)
{
    return audit_append(db, note, error);
}

static void deed(Log *self, AuditNote note)
{
    g_autoptr(GError) error = NULL;
    if (note.org_id == 0)
        note.org_id = ORG;
    if (note.at == 0)
        note.at = T0;
    if (!note.actor)
        note.actor = "anna@example.de";
    ok(store_run(self->store, append, &note, &error), error);
}

/* Five deeds, a second between two of them. */
static void deeds(Log *self)
{
    static const AuditNote notes[] = {
        {.action = "setup.done", .at = T0, .client = "192.0.2.1"},
        {.action = "invitation.created", .at = T0 + 1000, .object = "ben@example.de"},
        {.action = "token.created", .at = T0 + 2000, .object = "Shop", .detail = "emails:send"},
        {.action = "invitation.revoked", .at = T0 + 3000, .actor = "operator"},
        {.action = "smtp.sending_on", .at = T0 + 4000, .actor = "token Shop"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(notes); i++)
        deed(self, notes[i]);
}

static AuditCheck check(Log *self, const guint8 *head)
{
    AuditCheck found = {.org_id = ORG, .known_head = head};
    g_autoptr(GError) error = NULL;
    ok(audit_check(self->store, &found, &error), error);
    return found;
}

/* sql is a literal, as everywhere. */
static void tamper(Log *self, const char *sql)
{
    g_autoptr(GError) error = NULL;
    store_close(self->store);
    Db *db = db_open(&db_driver_sqlite, &self->config, DB_WRITER);
    ok(db_exec(db, "DROP TRIGGER audit_events_stay", &error), error);
    ok(db_exec(db, "DROP TRIGGER audit_events_stay_as_they_are", &error), error);
    ok(db_exec(db, "PRAGMA ignore_check_constraints = ON", &error), error);
    ok(db_exec(db, sql, &error), error);
    db_close(db);
    log_open(self);
}

/* --- The chain ------------------------------------------------------------------------------- */

static void an_empty_log_is_sound(void **state)
{
    static const guint8 zeros[AUDIT_HASH_BYTES];
    AuditCheck found = check(*state, NULL);
    assert_false(found.is_broken);
    assert_int_equal(found.events, 0);
    assert_memory_equal(found.last_hash, zeros, sizeof zeros);
}

static void what_was_written_is_sound(void **state)
{
    deeds(*state);
    AuditCheck found = check(*state, NULL);
    assert_false(found.is_broken);
    assert_int_equal(found.events, 5);
}

static void every_way_to_change_the_past_shows(void **state)
{
    static const struct {
        const char *name, *sql;
        gint64 sound; /* events before the fault */
    } cases[] = {
        {"a letter of the actor", "UPDATE audit_events SET actor = 'bnna@example.de' WHERE row = 1",
            0},
        {"a millisecond", "UPDATE audit_events SET at = at + 1 WHERE row = 2", 1},
        {"an action", "UPDATE audit_events SET action = 'token.revoked' WHERE row = 3", 2},
        {"an object that there was none", "UPDATE audit_events SET object = '' WHERE row = 4", 3},
        {"a text moved to the next column",
            "UPDATE audit_events SET object = 'Shopemails:send', detail = '' WHERE row = 3", 2},
        {"a client taken away", "UPDATE audit_events SET client = NULL WHERE row = 1", 0},
        {"an id", "UPDATE audit_events SET id = randomblob(16) WHERE row = 5", 4},
        {"a damaged id", "UPDATE audit_events SET id = x'00' WHERE row = 5", 4},
        {"a damaged hash", "UPDATE audit_events SET hash = x'00' WHERE row = 2", 1},
        {"another hash", "UPDATE audit_events SET hash = zeroblob(32) WHERE row = 2", 1},
        {"the first taken out", "DELETE FROM audit_events WHERE row = 1", 0},
        {"one taken out of the middle", "DELETE FROM audit_events WHERE row = 3", 2},
        {"two exchanged", "UPDATE audit_events SET row = 9 WHERE row = 2", 1},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Log *self = NULL;
        log_make((void **)&self);
        deeds(self);
        tamper(self, cases[i].sql);
        AuditCheck found = check(self, NULL);
        if (!found.is_broken || found.events != cases[i].sound)
            fail_msg("%s: broken %d after %d", cases[i].name, found.is_broken, (int)found.events);
        log_remove((void **)&self);
    }
}

static void what_is_cut_off_shows_to_who_kept_the_head(void **state)
{
    Log *self = *state;
    deeds(self);
    AuditCheck before = check(self, NULL);
    deed(self, (AuditNote){.action = "password.changed"});
    AuditCheck longer = check(self, before.last_hash);
    assert_true(longer.has_known_head);
    assert_false(longer.is_broken);
    tamper(self, "DELETE FROM audit_events WHERE row > 3");
    AuditCheck after = check(self, before.last_hash);
    assert_false(after.is_broken);
    assert_false(after.has_known_head);
}

/* --- Forgetting ------------------------------------------------------------------------------ */

typedef struct {
    WallMs until, now;
    guint limit;
    gint64 n;
} Forgetting;

static gboolean forget_job(Db *db, gpointer data, GError **error)
{
    Forgetting *wish = data;
    return audit_forget(db, ORG, wish->until, wish->now, wish->limit, &wish->n, error);
}

static gint64 forget_at(Log *self, WallMs until, WallMs now, guint limit)
{
    Forgetting wish = {.until = until, .now = now, .limit = limit};
    g_autoptr(GError) error = NULL;
    ok(store_run(self->store, forget_job, &wish, &error), error);
    return wish.n;
}

static gint64 forget(Log *self, WallMs until, guint limit)
{
    return forget_at(self, until, T0 + CLOCK_HOUR_MS, limit);
}

static void the_chain_goes_on_from_what_was_forgotten(void **state)
{
    static const struct {
        WallMs until;
        guint limit;
        gint64 gone, left;
    } steps[] = {
        {T0 - 1, 10, 0, 5},
        {T0 + 2000, 2, 2, 3}, /* in parts */
        {T0 + 2000, 2, 1, 2},
        {T0 + 2000, 2, 0, 2},
        {T0 + 9000, 10, 1, 1}, /* never the newest */
        {T0 + 9000, 10, 0, 1},
    };
    Log *self = *state;
    deeds(self);
    AuditCheck before = check(self, NULL);
    gint64 gone = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        assert_int_equal(forget(self, steps[i].until, steps[i].limit), steps[i].gone);
        gone += steps[i].gone;
        AuditCheck after = check(self, before.last_hash);
        assert_false(after.is_broken);
        assert_true(after.has_known_head);
        assert_int_equal(after.events, steps[i].left);
        assert_int_equal(after.forgotten, gone);
        assert_true(after.forgotten_until == (gone ? T0 + (gone - 1) * 1000 : 0));
    }
    deed(self, (AuditNote){.action = "password.changed", .at = T0 + 20000});
    AuditCheck longer = check(self, before.last_hash);
    assert_false(longer.is_broken);
    assert_int_equal(longer.events, 2);
    assert_true(longer.last_at == T0 + 20000);
}

/* An event that came while the clock was ahead keeps nothing back, and is not kept back. */
static void a_wrong_clock_keeps_nothing(void **state)
{
    Log *self = *state;
    deed(self, (AuditNote){.action = "a.b", .at = T0 + CLOCK_DAY_MS});
    deeds(self);
    assert_int_equal(forget(self, T0, 10), 2);
    assert_false(check(self, NULL).is_broken);
}

/* Everything seems to come from later: none of it is old. */
static void a_clock_that_is_behind_erases_nothing(void **state)
{
    Log *self = *state;
    deeds(self);
    assert_int_equal(forget_at(self, T0 - 2000, T0 - 1000, 10), 0);
    assert_int_equal(check(self, NULL).events, 5);
}

static void nothing_else_can_be_taken_out(void **state)
{
    static const struct {
        const char *name, *sql;
    } cases[] = {
        {"an event", "DELETE FROM audit_events WHERE row = 1"},
        {"an anchor that was no event",
            "INSERT INTO audit_anchors SELECT org_id, row, zeroblob(32), "
            "at, 1 FROM audit_events WHERE row = 2"},
        {"an anchor at the newest", "INSERT INTO audit_anchors SELECT org_id, row, hash, at, 5 "
                                    "FROM audit_events WHERE row = 5"},
    };
    Log *self = *state;
    deeds(self);
    store_close(self->store);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Db *db = db_open(&db_driver_sqlite, &self->config, DB_WRITER);
        if (db_exec(db, cases[i].sql, NULL))
            fail_msg("%s was taken", cases[i].name);
        db_close(db);
    }
    log_open(self);
    assert_int_equal(forget(self, T0 + 1000, 10), 2);
    store_close(self->store);
    static const char *const others[] = {"DELETE FROM audit_events WHERE row = 3",
        "DELETE FROM audit_anchors", "UPDATE audit_anchors SET forgotten = 9",
        "UPDATE audit_anchors SET row = 1, forgotten = 9"};
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        Db *db = db_open(&db_driver_sqlite, &self->config, DB_WRITER);
        assert_false(db_exec(db, others[i], NULL));
        db_close(db);
    }
    log_open(self);
    assert_int_equal(check(self, NULL).events, 3);
}

static void what_is_changed_behind_the_anchor_shows(void **state)
{
    Log *self = *state;
    deeds(self);
    assert_int_equal(forget(self, T0 + 1000, 10), 2);
    tamper(self, "DELETE FROM audit_events WHERE row = 3");
    AuditCheck found = check(self, NULL);
    assert_true(found.is_broken);
    assert_int_equal(found.forgotten, 2);
}

static void organisations_have_chains_of_their_own(void **state)
{
    Log *self = *state;
    tamper(self, "INSERT INTO organisations (row) VALUES (2)");
    deed(self, (AuditNote){.action = "token.created"});
    deed(self, (AuditNote){.action = "token.created", .org_id = 2});
    deed(self, (AuditNote){.action = "token.revoked"});
    AuditCheck found = check(self, NULL);
    assert_false(found.is_broken);
    assert_int_equal(found.events, 2);
}

static gboolean append_many(Db *db, gpointer n, GError **error)
{
    const AuditNote note = {.org_id = ORG, .at = T0, .actor = "system", .action = "backup.started"};
    for (guint i = 0; i < *(guint *)n; i++)
        if (!audit_append(db, &note, error))
            return FALSE;
    return TRUE;
}

static void a_chain_is_followed_over_the_ends_of_slices(void **state)
{
    Log *self = *state;
    guint n = 2 * LIMIT_AUDIT_SLICE + 1;
    g_autoptr(GError) error = NULL;
    ok(store_run(self->store, append_many, &n, &error), error);
    assert_int_equal(check(self, NULL).events, n);
}

static void the_last_event_is_found_without_sorting_the_log(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(DbQuery) q = db_query(self->db,
        "EXPLAIN QUERY PLAN SELECT hash FROM audit_events WHERE org_id = $1 ORDER BY row DESC "
        "LIMIT 1");
    db_bind_int(q, 1, ORG);
    while (db_next(q))
        assert_null(strstr(db_text(q, 3), "TEMP B-TREE"));
    ok(db_finish(q, &error), error);
}

/* Looks at the very statement that has run, in the connection's cache. */
static void the_newest_of_a_deed_are_found_by_their_index(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) none = audit_newest(self->db, ORG, "session.created", T0, 10, &error);
    ok(none, error);
    GHashTableIter iter;
    gpointer sql, newest = NULL;
    g_hash_table_iter_init(&iter, self->db->statements);
    while (g_hash_table_iter_next(&iter, &sql, NULL))
        if (strstr(sql, "client IS NOT NULL"))
            newest = sql;
    assert_non_null(newest);
    g_autofree char *explain = g_strconcat("EXPLAIN QUERY PLAN ", newest, NULL);
    g_autoptr(DbQuery) q = db_query(self->db, explain);
    assert_true(db_next(q));
    assert_non_null(strstr(db_text(q, 3), "audit_events_action (org_id=? AND action=?)"));
    assert_false(db_next(q)); /* and nothing is sorted */
    ok(db_finish(q, &error), error);
}

static void nothing_is_changed_or_removed_while_the_triggers_stand(void **state)
{
    Scratch *self = *state;
    const AuditNote note = {.org_id = ORG, .at = T0, .actor = "system", .action = "backup.started"};
    g_autoptr(GError) error = NULL;
    ok(audit_append(self->db, &note, &error), error);
    assert_false(db_exec(self->db, "UPDATE audit_events SET actor = 'x'", NULL));
    assert_false(db_exec(self->db, "DELETE FROM audit_events", NULL));
}

static void texts_become_one_printable_line(void **state)
{
    Scratch *self = *state;
    g_autofree char *longer = g_strnfill(LIMIT_AUDIT_TEXT_CHARACTERS * 2, 'x');
    const AuditNote notes[] = {{ORG, T0, "anna", "member.changed", "a\r\nb\033[2J", "c", NULL},
        {ORG, T0, "anna", "member.changed", longer, NULL, NULL}};
    g_autoptr(GError) error = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(notes); i++)
        ok(audit_append(self->db, &notes[i], &error), error);
    const AuditFilter filter = {.org_id = ORG, .limit = 10};
    gboolean has_more;
    g_autoptr(GPtrArray) events = audit_list(self->db, &filter, &has_more, &error);
    ok(events, error);
    const AuditEvent *first = events->pdata[1], *second = events->pdata[0];
    assert_null(strpbrk(first->object, "\r\n\033"));
    assert_in_range(g_utf8_strlen(second->object, -1), LIMIT_AUDIT_TEXT_CHARACTERS,
        LIMIT_AUDIT_TEXT_CHARACTERS + 1); /* and an ellipsis */
}

/* --- Lists ----------------------------------------------------------------------------------- */

/* The events' times behind T0, in seconds, newest first: "43210". */
static char *listed(Log *self, AuditFilter filter, gboolean *has_more)
{
    g_autoptr(GError) error = NULL;
    gboolean more = FALSE;
    filter.org_id = ORG;
    filter.limit = filter.limit ? filter.limit : 10;
    Db *db = store_reader_take(self->store);
    g_autoptr(GPtrArray) events = audit_list(db, &filter, &more, &error);
    store_reader_give(self->store, db);
    ok(events, error);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < events->len; i++) {
        const AuditEvent *event = events->pdata[i];
        g_string_append_printf(text, "%d", (int)((event->at - T0) / 1000));
    }
    if (has_more)
        *has_more = more;
    return g_string_free(text, FALSE);
}

static void a_list_shows_what_was_asked_for(void **state)
{
    static const struct {
        const char *name, *expected;
        AuditFilter filter;
    } cases[] = {
        {"all", "43210", {0}},
        {"a noun", "31", {.action = "invitation."}},
        {"a deed", "1", {.action = "invitation.created"}},
        {"no pattern", "", {.action = "invitation%"}},
        {"somebody", "210", {.actor = "ANNA"}},
        {"a token", "4", {.actor = "token"}},
        {"since", "432", {.since = T0 + 2000}},
        {"until", "10", {.until = T0 + 2000}},
        {"all at once", "1",
            {.action = "invitation", .actor = "anna", .since = T0, .until = T0 + 9000}},
    };
    deeds(*state);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *found = listed(*state, cases[i].filter, NULL);
        if (strcmp(found, cases[i].expected) != 0)
            fail_msg("%s: %s", cases[i].name, found);
    }
}

static Id id_at(Log *self, guint position)
{
    const AuditFilter filter = {.org_id = ORG, .limit = 10};
    gboolean more;
    Db *db = store_reader_take(self->store);
    g_autoptr(GPtrArray) events = audit_list(db, &filter, &more, NULL);
    store_reader_give(self->store, db);
    return ((const AuditEvent *)events->pdata[position])->id;
}

static void pages_go_both_ways(void **state)
{
    gboolean more = FALSE;
    deeds(*state);
    g_autofree char *first = listed(*state, (AuditFilter){.limit = 2}, &more);
    assert_string_equal(first, "43");
    assert_true(more);
    Id third = id_at(*state, 2);
    g_autofree char *older = listed(*state, (AuditFilter){.limit = 2, .after = &third}, &more);
    assert_string_equal(older, "10");
    assert_false(more);
    g_autofree char *newer = listed(*state, (AuditFilter){.limit = 1, .before = &third}, &more);
    assert_string_equal(newer, "3");
    assert_true(more);
    Id nobody = {{0}};
    g_autofree char *none = listed(*state, (AuditFilter){.after = &nobody}, &more);
    assert_string_equal(none, "");
}

static void the_newest_of_a_deed_are_its_own_and_came_from_somewhere(void **state)
{
    static const struct {
        const char *name;
        AuditNote note;
        gboolean is_found;
    } rows[] = {
        {"too old", {ORG, T0 - 1, "anna", "session.created", NULL, NULL, "192.0.2.1"}, FALSE},
        {"old enough", {ORG, T0, "anna", "session.created", NULL, NULL, "192.0.2.2"}, TRUE},
        {"another deed", {ORG, T0, "anna", "session.ended", NULL, NULL, "192.0.2.3"}, FALSE},
        {"another's", {2, T0, "anna", "session.created", NULL, NULL, "192.0.2.4"}, FALSE},
        {"from within", {ORG, T0, "anna", "session.created", NULL, NULL, NULL}, FALSE},
        {"the newest", {ORG, T0 + 1, "bob", "session.created", NULL, NULL, "192.0.2.6"}, TRUE},
    };
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    ok(db_exec(self->db, "INSERT INTO organisations (row) VALUES (2)", &error), error);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        ok(audit_append(self->db, &rows[i].note, &error), error);
    g_autoptr(GPtrArray) found = audit_newest(self->db, ORG, "session.created", T0, 10, &error);
    ok(found, error);
    guint at = 0;
    for (gsize i = G_N_ELEMENTS(rows); i-- > 0;) {
        if (!rows[i].is_found)
            continue;
        print_message("# %s\n", rows[i].name);
        assert_true(at < found->len);
        assert_string_equal(((const AuditEvent *)found->pdata[at++])->client, rows[i].note.client);
    }
    assert_int_equal(found->len, at);
    g_autoptr(GPtrArray) one = audit_newest(self->db, ORG, "session.created", T0, 1, &error);
    ok(one, error);
    assert_int_equal(one->len, 1);
}

/* --- Organisations --------------------------------------------------------------------------- */

static void an_organisation_says_nothing_until_it_is_told(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Organisation) organisation = organisation_read(self->db, ORG, &error);
    ok(organisation, error);
    assert_null(organisation->name);
    assert_null(organisation->public_url);
    organisation->name = g_strdup("Verein");
    organisation->colour = g_strdup("#1f5fbf");
    organisation->language = g_strdup("de");
    organisation->public_url = g_strdup("https://mail.example.com");
    ok(organisation_write(self->db, organisation, &error), error);
    g_autoptr(Organisation) again = organisation_read(self->db, ORG, &error);
    ok(again, error);
    assert_string_equal(again->name, "Verein");
    assert_string_equal(again->colour, "#1f5fbf");
    assert_string_equal(again->language, "de");
    assert_string_equal(again->public_url, "https://mail.example.com");
}

static void an_organisation_that_is_not_there_is_not_found(void **state)
{
    Scratch *self = *state;
    const Organisation nobody = {.row = 77};
    g_autoptr(GError) error = NULL;
    assert_null(organisation_read(self->db, 77, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND));
    g_clear_error(&error);
    assert_false(organisation_write(self->db, &nobody, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND));
}

#define with_log(test) cmocka_unit_test_setup_teardown(test, log_make, log_remove)
#define with_scratch(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_log(an_empty_log_is_sound),
        with_log(what_was_written_is_sound),
        cmocka_unit_test(every_way_to_change_the_past_shows),
        with_log(what_is_cut_off_shows_to_who_kept_the_head),
        with_log(the_chain_goes_on_from_what_was_forgotten),
        with_log(a_wrong_clock_keeps_nothing),
        with_log(a_clock_that_is_behind_erases_nothing),
        with_log(nothing_else_can_be_taken_out),
        with_log(what_is_changed_behind_the_anchor_shows),
        with_log(organisations_have_chains_of_their_own),
        with_log(a_chain_is_followed_over_the_ends_of_slices),
        with_scratch(the_last_event_is_found_without_sorting_the_log),
        with_scratch(the_newest_of_a_deed_are_found_by_their_index),
        with_scratch(nothing_is_changed_or_removed_while_the_triggers_stand),
        with_scratch(texts_become_one_printable_line),
        with_log(a_list_shows_what_was_asked_for),
        with_log(pages_go_both_ways),
        with_scratch(the_newest_of_a_deed_are_its_own_and_came_from_somewhere),
        with_scratch(an_organisation_says_nothing_until_it_is_told),
        with_scratch(an_organisation_that_is_not_there_is_not_found),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
