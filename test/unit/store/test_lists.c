/* Lists of emails, and the plans SQLite makes for the statements that must stay fast. */
#include "base/limits.h"
#include "scratch.h"
#include "store/emails.h"
#include "store/recipients.h"

#include <sqlite3.h>

#define ORG STORE_DEFAULT_ORG

/* Email i has the id ids[i], class i % 5 + 1, and the state states[i % n]. */
enum { EMAILS = 40 };
static const EmailState states_in_turn[] = {EMAIL_QUEUED, EMAIL_ACCEPTED, EMAIL_REJECTED,
    EMAIL_DEFERRED, EMAIL_CANCELLED, EMAIL_SENDING, EMAIL_SCHEDULED, EMAIL_UNCERTAIN};

static void move_to(Scratch *self, gint64 recipient, EmailState state, const Id *id)
{
    gboolean marked;
    gint64 cancelled;
    EmailAttempt attempt = {
        .recipient_id = recipient, .state = state, .at = T0, .next_at = T0 + 60000, .counts = TRUE};
    if (state == EMAIL_QUEUED || state == EMAIL_SCHEDULED)
        return;
    if (state == EMAIL_CANCELLED) {
        assert_true(emails_cancel(self->db, ORG, id, T0, &cancelled, NULL));
        return;
    }
    assert_true(emails_mark_sending(self->db, ORG, &recipient, 1, T0, &marked, NULL));
    GError *fault = NULL;
    if (state != EMAIL_SENDING)
        assert_true(emails_record_attempts(self->db, ORG, &attempt, 1, &fault, NULL));
    assert_null(fault);
}

static void fill(Scratch *self, Id ids[EMAILS])
{
    for (guint i = 0; i < EMAILS; i++) {
        EmailState state = states_in_turn[i % G_N_ELEMENTS(states_in_turn)];
        g_autoptr(EmailNew) email = email_new_alloc();
        email->org_id = ORG;
        email->id = ids[i] = scratch_id(self, T0 + i);
        email->class = (EmailClass)(i % 5 + 1);
        email->sender = g_strdup("shop@example.de");
        email->subject = g_strdup_printf("Nummer %u: 100%% Rabatt", i);
        email->content = g_bytes_new_static("x", 1);
        email->created_at = T0;
        email->scheduled_at = state == EMAIL_SCHEDULED ? T0 + CLOCK_HOUR_MS : 0;
        g_ptr_array_add(email->recipients, g_strdup_printf("Anna.%u@Example.com", i));
        g_ptr_array_add(email->recipients, g_strdup("bert@example.com"));
        g_autoptr(GError) error = NULL;
        ok(emails_insert(self->db, self->vault, email, &error), error);
        gint64 last = scratch_number(self, "SELECT MAX(row) FROM recipients");
        move_to(self, last - 1, state, &email->id);
        if (state != EMAIL_CANCELLED)
            move_to(self, last, state, &email->id);
    }
}

static GPtrArray *list(Scratch *self, EmailFilter filter, gboolean *has_more)
{
    filter.org_id = filter.org_id ? filter.org_id : ORG;
    g_autoptr(GError) error = NULL;
    GPtrArray *emails = emails_list(self->db, &filter, has_more, &error);
    ok(emails, error);
    return emails;
}

/* Walks all pages from the newest to the oldest, then back, and compares both with what a look at
 * every email says. */
static void check_paging(Scratch *self, EmailFilter filter, guint expected)
{
    g_autoptr(GArray) down = g_array_new(FALSE, FALSE, sizeof(Id));
    gboolean more = TRUE;
    Id cursor;
    while (more) {
        g_autoptr(GPtrArray) page = list(self, filter, &more);
        for (guint i = 0; i < page->len; i++)
            g_array_append_val(down, ((EmailRow *)page->pdata[i])->id);
        assert_true(!more || page->len == filter.limit);
        if (more)
            cursor = g_array_index(down, Id, down->len - 1);
        filter.after = more ? &cursor : NULL;
    }
    assert_int_equal(down->len, expected);
    for (guint i = 1; i < down->len; i++)
        assert_true(
            memcmp(&g_array_index(down, Id, i - 1), &g_array_index(down, Id, i), sizeof(Id)) > 0);
    guint at = down->len;
    filter.after = NULL;
    while (at > 1) {
        filter.before = &g_array_index(down, Id, at - 1);
        g_autoptr(GPtrArray) page = list(self, filter, &more);
        guint n = MIN(filter.limit, at - 1);
        assert_int_equal(page->len, n);
        assert_int_equal(more, at - 1 > n);
        at -= n;
        for (guint i = 0; i < n; i++)
            assert_true(
                id_equal(&((EmailRow *)page->pdata[i])->id, &g_array_index(down, Id, at - 1 + i)));
    }
}

/* The cap, and one more than it finds. */
static void check_count(Scratch *self, EmailFilter filter, guint expected)
{
    g_autoptr(GError) error = NULL;
    guint n = 0;
    gboolean more = TRUE;
    filter.org_id = ORG;
    filter.limit = expected + 1;
    ok(emails_find_count(self->db, &filter, &n, &more, &error), error);
    assert_int_equal(n, expected);
    assert_false(more);
    filter.limit = MAX(expected, 2) - 1;
    ok(emails_find_count(self->db, &filter, &n, &more, &error), error);
    assert_int_equal(n, MIN(expected, filter.limit));
    assert_int_equal(more, expected > filter.limit);
}

static void check_all_filters(Scratch *self)
{
    static const struct {
        const char *name;
        guint state, class; /* 0: all */
        const char *search;
        guint expected;
    } rows[] = {
        {"all", 0, 0, NULL, 40},
        {"queued", EMAIL_QUEUED, 0, NULL, 5},
        {"sending", EMAIL_SENDING, 0, NULL, 5},
        {"accepted", EMAIL_ACCEPTED, 0, NULL, 5},
        {"rejected", EMAIL_REJECTED, 0, NULL, 5},
        {"deferred", EMAIL_DEFERRED, 0, NULL, 5},
        {"scheduled", EMAIL_SCHEDULED, 0, NULL, 5},
        {"uncertain", EMAIL_UNCERTAIN, 0, NULL, 5},
        {"cancelled", EMAIL_CANCELLED, 0, NULL, 5},
        {"expired", EMAIL_EXPIRED, 0, NULL, 0},
        {"held: queued or deferred", EMAIL_HELD, 0, NULL, 10},
        {"a class", 0, EMAIL_CLASS_BULK, NULL, 8},
        {"a class and a state", EMAIL_QUEUED, EMAIL_CLASS_BULK, NULL, 1},
        {"an address", 0, 0, "anna.7@", 1},
        {"an address of all", 0, 0, "BERT@", 40},
        {"a subject", 0, EMAIL_CLASS_BULK, "nummer 3", 2}, /* 34 and 39 */
        {"a per cent sign is itself", 0, EMAIL_CLASS_TRANSACTIONAL, "100% r", 8},
        {"and no wildcard", 0, 0, "1%0", 0},
        {"nor is the underscore", 0, 0, "anna_7", 0},
        {"an address and a state", EMAIL_ACCEPTED, 0, "anna.9@", 1},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        print_message("# %s\n", rows[i].name);
        for (guint limit = 1; limit <= 4; limit += 3) {
            EmailFilter filter = {.state = (EmailState)rows[i].state,
                .class = (EmailClass)rows[i].class,
                .search = rows[i].search,
                .limit = limit};
            check_paging(self, filter, rows[i].expected);
            check_count(self, filter, rows[i].expected);
        }
    }
}

static void lists_page_in_both_directions_under_every_filter(void **state)
{
    Scratch *self = *state;
    Id ids[EMAILS];
    fill(self, ids);
    check_all_filters(self);
    /* The same pages by the plan for many waiting mails. */
    assert_true(db_exec(self->db, "UPDATE recipient_counts SET n = 1000000 WHERE state = 2", NULL));
    check_all_filters(self);
}

static void other_organisations_have_other_lists(void **state)
{
    Scratch *self = *state;
    Id ids[EMAILS];
    fill(self, ids);
    static const guint filters[] = {0, EMAIL_QUEUED, EMAIL_ACCEPTED, EMAIL_REJECTED};
    for (gsize i = 0; i < G_N_ELEMENTS(filters); i++) {
        gboolean more;
        g_autoptr(GPtrArray) none = list(
            self, (EmailFilter){.org_id = 2, .state = (EmailState)filters[i], .limit = 10}, &more);
        assert_int_equal(none->len, 0);
    }
}

/* --- Plans ----------------------------------------------------------------------------------- */

static char *plan_of(sqlite3 *handle, const char *sql)
{
    g_autofree char *explain = g_strconcat("EXPLAIN QUERY PLAN ", sql, NULL);
    GString *plan = g_string_new(NULL);
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(handle, explain, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW)
        g_string_append_printf(plan, "%s\n", sqlite3_column_text(statement, 3));
    sqlite3_finalize(statement);
    return g_string_free(plan, FALSE);
}

static void run_everything(Scratch *self)
{
    Id ids[EMAILS];
    fill(self, ids);
    WallMs next_at;
    gint64 n;
    for (guint i = 0; i < 4; i++) {
        const EmailDueQuery query = {.org_id = ORG,
            .now = T0,
            .limit = 10,
            .only_tests = i % 2 == 1,
            .after = {i < 2 ? 0 : EMAIL_CLASS_RESET, T0, 1}};
        gboolean has_more;
        g_autoptr(GArray) due = emails_due(self->db, &query, &has_more, &next_at, NULL);
        assert_non_null(due);
    }
    assert_true(emails_recover(self->db, T0, &n, NULL));
    assert_true(emails_expire(self->db, T0, 10, &n, NULL));
    for (guint state = 0; state <= EMAIL_HELD; state++) {
        gboolean more;
        EmailFilter filter = {.state = (EmailState)state, .limit = 10};
        for (guint newer = 0; newer < 2; newer++) {
            filter.before = newer ? &ids[3] : NULL;
            g_autoptr(GPtrArray) page = list(self, filter, &more);
            assert_non_null(page);
        }
    }
}

/* Looks at the very statements that have run, in the connection's cache. A scan of emails,
 * recipients or bodies, or a sort, is allowed only where it is named here. */
static void no_statement_scans_or_sorts_what_grows(void **state)
{
    Scratch *self = *state;
    run_everything(self);
    static const struct {
        const char *statement, *allowed;
    } exceptions[] = {
        /* accepted mails are most of the recipients: the walk ends with the page */
        {"SELECT e.row FROM recipients r", "SEARCH r USING INTEGER PRIMARY KEY (rowid"},
        /* what waits, in the order of the list */
        {"SELECT DISTINCT e.row", "USE TEMP B-TREE"},
        {"SELECT MAX(row) FROM recipients", "SEARCH recipients"},
        /* at most LIMIT_WEBHOOKS rows of each org, and read only when one has changed */
        {"SELECT events FROM webhooks", "SCAN webhooks"},
        {"next_at IS NOT NULL AND state = 3", "SCAN recipients USING INDEX recipients_"},
    };
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(self->path, &handle), SQLITE_OK);
    GHashTableIter iter;
    gpointer sql;
    guint n_looked_at = 0;
    g_hash_table_iter_init(&iter, self->db->statements);
    while (g_hash_table_iter_next(&iter, &sql, NULL)) {
        g_autofree char *plan = plan_of(handle, sql);
        gboolean suspect = strstr(plan, "SCAN ") || strstr(plan, "TEMP B-TREE");
        for (gsize i = 0; suspect && i < G_N_ELEMENTS(exceptions); i++)
            suspect =
                !(strstr(sql, exceptions[i].statement) && strstr(plan, exceptions[i].allowed));
        if (suspect && !g_str_has_prefix(sql, "PRAGMA") && !strstr(sql, "schema"))
            fail_msg("%s\n%s", (char *)sql, plan);
        n_looked_at++;
    }
    sqlite3_close(handle);
    assert_in_range(n_looked_at, 20, 100);
}

static void due_mail_is_found_by_the_partial_index(void **state)
{
    Scratch *self = *state;
    run_everything(self);
    static const struct {
        const char *start, *contains, *index;
    } rows[] = {
        {"SELECT r.row, r.class", "r.next_at > $3",
            "INDEX recipients_waiting (org_id=? AND class=? AND next_at>? AND next_at<?)"},
        {"SELECT r.row, r.class", "r.next_at = $3",
            "INDEX recipients_waiting (org_id=? AND class=? AND next_at=? AND rowid>?)"},
        {"SELECT r.row, r.class", "is_test = 1", "INDEX recipients_tests"},
        {"SELECT r.next_at", "ORDER BY", "INDEX recipients_"},
        {"SELECT row, org_id FROM recipients", "state = 3", "INDEX recipients_"},
        {"SELECT row, org_id FROM recipients", "deadline_at", "INDEX recipients_deadline"},
        {"SELECT e.row FROM recipients", "r.state <> 6", "INDEX recipients_notable"},
        {"SELECT DISTINCT", "next_at IS NOT NULL", "INDEX recipients_waiting"},
    };
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(self->path, &handle), SQLITE_OK);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        GHashTableIter iter;
        gpointer sql;
        guint n = 0;
        g_hash_table_iter_init(&iter, self->db->statements);
        while (g_hash_table_iter_next(&iter, &sql, NULL)) {
            if (!g_str_has_prefix(sql, rows[i].start) || !strstr(sql, rows[i].contains) ||
                (i < 2 && strstr(sql, "is_test = 1")))
                continue;
            g_autofree char *plan = plan_of(handle, sql);
            if (!strstr(plan, rows[i].index))
                fail_msg("%s\n%s", (char *)sql, plan);
            n++;
        }
        assert_in_range(n, 1, 2);
    }
    sqlite3_close(handle);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(lists_page_in_both_directions_under_every_filter),
        SCRATCH_TEST(other_organisations_have_other_lists),
        SCRATCH_TEST(no_statement_scans_or_sorts_what_grows),
        SCRATCH_TEST(due_mail_is_found_by_the_partial_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
