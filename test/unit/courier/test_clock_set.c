/* What housekeeping does to the store when the wall clock was set. */
#include "../store/scratch.h"
#include "base/limits.h"
#include "courier/courier_priv.h"

#define ORG STORE_DEFAULT_ORG
#define YEARS (3652 * CLOCK_DAY_MS)
#define PAUSE_ENDS (T0 + 3 * CLOCK_HOUR_MS)

static gint64 insert(Scratch *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EmailNew) mail = email_new_alloc();
    mail->org_id = ORG;
    mail->id = scratch_id(self, T0);
    mail->sender = g_strdup("shop@example.de");
    mail->from = g_strdup("Shop <shop@example.de>");
    mail->to = g_strdup("anna@example.de");
    mail->subject = g_strdup("Hello");
    mail->message_id = g_strdup("<m@example.de>");
    mail->class = EMAIL_CLASS_NOTIFICATION;
    mail->content = g_bytes_new_static("Hello\r\n", 7);
    mail->created_at = T0;
    g_ptr_array_add(mail->recipients, g_strdup("anna@example.de"));
    ok(emails_insert(self->db, self->vault, mail, &error), error);
    return scratch_number(self, "SELECT MAX(row) FROM recipients");
}

static void put_off(Scratch *self, gint64 recipient_id, WallMs until)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DbQuery) q =
        db_query(self->db, "UPDATE recipients SET state = 4, next_at = $2 WHERE row = $1");
    db_bind_int(q, 1, recipient_id);
    db_bind_int(q, 2, until);
    ok(db_finish(q, &error), error);
}

static void pause_until(Scratch *self, WallMs until)
{
    g_autoptr(GError) error = NULL;
    ok(smtp_sending_write(self->db, ORG, FALSE, "x", until, "mem_1", T0, &error), error);
}

static WallMs pause_ends(Scratch *self)
{
    return scratch_number(self, "SELECT sending_until FROM smtp_state");
}

static WallMs next_at(Scratch *self)
{
    return scratch_number(self, "SELECT next_at FROM recipients");
}

/* One housekeeping, `after_ms` after the start by the clock nobody sets. */
static WallMs heed(Scratch *self, CourierClock *clock, gint64 after_ms, gint64 lead_ms)
{
    g_autoptr(GError) error = NULL;
    WallMs now = T0 + after_ms + lead_ms;
    ok(courier_heed_clock(self->db, clock, now, T0 + after_ms, &error), error);
    return now;
}

static void each_jump_moves_the_pause_and_lets_no_mail_wait_for_years(void **state)
{
    static const struct {
        const char *name;
        gint64 leads_ms[3];    /* of the wall clock, as each housekeeping finds it */
        gint64 pause_moved_ms; /* in the end */
        gboolean is_cut;       /* the mail's wait */
    } rows[] = {
        {"nobody sets it", {0, 0, 0}, 0, FALSE},
        {"adjusted by seconds", {20000, -20000, 40000}, 0, FALSE},
        {"ten years ahead", {YEARS, YEARS, YEARS}, YEARS, FALSE},
        {"ten years back", {-YEARS, -YEARS, -YEARS}, -YEARS, TRUE},
        {"an hour ahead", {CLOCK_HOUR_MS, CLOCK_HOUR_MS, CLOCK_HOUR_MS}, CLOCK_HOUR_MS, FALSE},
        {"ahead, and back again", {YEARS, YEARS, 0}, 0, FALSE},
        {"back, and again as it was", {-YEARS, 0, 0}, 0, TRUE},
        {"back at the third look", {0, 0, -YEARS}, -YEARS, TRUE},
        {"ahead, then twenty years back", {YEARS, YEARS, -YEARS}, -YEARS, TRUE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        scratch_remove(state);
        scratch_make(state);
        Scratch *self = *state;
        CourierClock clock = {0};
        WallMs next = T0 + CLOCK_HOUR_MS;
        put_off(self, insert(self), next);
        pause_until(self, PAUSE_ENDS);
        for (guint look = 0; look < G_N_ELEMENTS(rows[i].leads_ms); look++) {
            gint64 lead_ms = rows[i].leads_ms[look];
            WallMs now = heed(self, &clock, (look + 1) * 5 * CLOCK_MINUTE_MS, lead_ms);
            if (next > now + LIMIT_RETRY_WAIT_MS)
                next = now + LIMIT_RETRY_BACKOFF_MS;
        }
        if (pause_ends(self) != PAUSE_ENDS + rows[i].pause_moved_ms)
            fail_msg("%s: the pause ends at another moment", rows[i].name);
        if (next_at(self) != next || (next != T0 + CLOCK_HOUR_MS) != rows[i].is_cut)
            fail_msg("%s: the mail is tried again at another moment", rows[i].name);
    }
}

static void what_is_queued_waits_for_nothing_but_its_turn(void **state)
{
    Scratch *self = *state;
    CourierClock clock = {0};
    insert(self);
    heed(self, &clock, 0, 0);
    for (guint hours = 1; hours < 30; hours += 7) {
        WallMs now = heed(self, &clock, hours * CLOCK_MINUTE_MS, -(gint64)hours * CLOCK_HOUR_MS);
        assert_true(next_at(self) == now);
    }
}

/* It was on its way when the clock was set, and names its next moment by the former one. */
static void what_is_recorded_late_does_not_wait_for_years_either(void **state)
{
    Scratch *self = *state;
    CourierClock clock = {0};
    gint64 mail = insert(self);
    heed(self, &clock, 0, 0);
    heed(self, &clock, CLOCK_MINUTE_MS, -YEARS);
    put_off(self, mail, T0 + CLOCK_HOUR_MS);
    WallMs now = heed(self, &clock, 6 * CLOCK_MINUTE_MS, -YEARS);
    assert_true(next_at(self) == now + LIMIT_RETRY_BACKOFF_MS);
}

/* Set and set right between two looks: nothing has moved, and something may have been written. */
static void there_and_back_is_looked_at_too(void **state)
{
    Scratch *self = *state;
    CourierClock clock = {0};
    gint64 mail = insert(self);
    heed(self, &clock, 0, 0);
    heed(self, &clock, 20 * CLOCK_MINUTE_MS, 0);
    put_off(self, mail, T0 + YEARS);
    heed(self, &clock, 25 * CLOCK_MINUTE_MS, 0);
    assert_true(next_at(self) == T0 + YEARS); /* nobody has said that there is reason to look */
    clock.jumps += 2;
    WallMs now = heed(self, &clock, 30 * CLOCK_MINUTE_MS, 0);
    assert_true(next_at(self) == now + LIMIT_RETRY_BACKOFF_MS);
}

static void a_pause_begun_after_the_jump_means_the_new_time(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    CourierClock clock = {0};
    WallMs now = T0 + YEARS + CLOCK_MINUTE_MS;
    heed(self, &clock, 0, 0);
    ok(smtp_sending_write(
           self->db, ORG, FALSE, "x", now + CLOCK_HOUR_MS, "mem_1", now - CLOCK_SECOND_MS, &error),
        error);
    heed(self, &clock, CLOCK_MINUTE_MS, YEARS);
    assert_true(pause_ends(self) == now + CLOCK_HOUR_MS);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(each_jump_moves_the_pause_and_lets_no_mail_wait_for_years),
        SCRATCH_TEST(what_is_queued_waits_for_nothing_but_its_turn),
        SCRATCH_TEST(what_is_recorded_late_does_not_wait_for_years_either),
        SCRATCH_TEST(there_and_back_is_looked_at_too),
        SCRATCH_TEST(a_pause_begun_after_the_jump_means_the_new_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
