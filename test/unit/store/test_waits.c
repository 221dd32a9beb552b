/* Waits that are cut short (store/waits.h). */
#include "scratch.h"

#include "base/limits.h"
#include "mails.h"
#include "store/smtp_settings.h"
#include "store/waits.h"

#define LATER (T0 + CLOCK_HOUR_MS)

/* One recipient in a state, whose next moment is `LATER`. Returns its row. */
static gint64 make_waiting(Scratch *self, EmailClass class, EmailState state)
{
    gint64 row = recipients_first_row(mails_take(self, class, 1, 10, T0));
    g_autoptr(GError) error = NULL;
    g_autoptr(DbQuery) q =
        db_query(self->db, "UPDATE recipients SET state = $2, next_at = $3 WHERE row = $1");
    db_bind_int(q, 1, row);
    db_bind_int(q, 2, state);
    db_bind_int(q, 3, LATER);
    ok(db_finish(q, &error), error);
    return row;
}

static WallMs next_of(Scratch *self, gint64 row)
{
    g_autoptr(DbQuery) q = db_query(self->db, "SELECT next_at FROM recipients WHERE row = $1");
    db_bind_int(q, 1, row);
    assert_true(db_next(q));
    return db_int(q, 0);
}

static void activate(Scratch *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpSettings) settings = settings_new();
    settings->host = g_strdup("mail.example.de");
    settings->from_email = g_strdup("shop@example.de");
    settings->password_sealed = g_bytes_new_static("sealed", 6);
    ok(smtp_activate(self->db, ORG, settings, -1, T0 + 5, &error), error);
}

/* What the settings before could not send need not wait out its pause; what a person has scheduled
 * and what may have arrived keep their time. */
static void what_is_deferred_is_due_once_settings_were_verified(void **state)
{
    Scratch *self = *state;
    static const struct {
        EmailState state;
        WallMs next_at;
    } rows[] = {
        {EMAIL_DEFERRED, T0 + 5},
        {EMAIL_SCHEDULED, LATER},
        {EMAIL_UNCERTAIN, LATER},
    };
    gint64 ids[G_N_ELEMENTS(rows)];
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        ids[i] = make_waiting(self, EMAIL_CLASS_BULK, rows[i].state);
    activate(self);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_int_equal(next_of(self, ids[i]), rows[i].next_at);
}

static void so_many_a_class_and_the_rest_wait_their_own_time(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    guint n_due = 0;
    gint64 ids[6];
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
        ids[i] = make_waiting(self, i < 4 ? EMAIL_CLASS_RESET : EMAIL_CLASS_BULK, EMAIL_DEFERRED);
    scratch_forget_changes(self);
    ok(waits_end(self->db, ORG, T0, 3, &error), error);
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
        n_due += next_of(self, ids[i]) == T0 ? 1 : 0;
    assert_int_equal(n_due, 5); /* three resets and both others */
    assert_true(scratch_count_changes(self, STORE_CHANGED_QUEUE) > 0);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_is_deferred_is_due_once_settings_were_verified),
        SCRATCH_TEST(so_many_a_class_and_the_rest_wait_their_own_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
