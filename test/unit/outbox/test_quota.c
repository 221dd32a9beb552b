/* No minute, hour or day holds more than its limit: counted one by one, whatever the counters say,
 * for the quota alone and for an outbox whose wall clock is set by years. */
#include "base/limits.h"
#include "outbox/outbox.h"
#include "outbox/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW (G_GINT64_CONSTANT(1800000000000))
#define YEARS (3652 * CLOCK_DAY_MS)

static const gint64 lengths[QUOTA_WINDOWS] = {CLOCK_MINUTE_MS, CLOCK_HOUR_MS, CLOCK_DAY_MS};

static const struct {
    const char *name;
    QuotaLimits limits;
    gint64 pause_ms; /* up to that between two mails */
} cases[] = {
    {"by the minute", {7, 0, 0}, 9000},
    {"by the hour", {0, 40, 0}, 4 * CLOCK_MINUTE_MS},
    {"by the day", {0, 0, 50}, CLOCK_HOUR_MS},
    {"one a minute", {1, 0, 0}, 40 * CLOCK_SECOND_MS},
    {"all three", {5, 60, 300}, 20 * CLOCK_SECOND_MS},
};

static guint limit_of(const QuotaLimits *limits, guint window)
{
    const guint all[QUOTA_WINDOWS] = {limits->per_minute, limits->per_hour, limits->per_day};
    return all[window];
}

/* The mails sent are in the order of their times. */
static void check_windows(const char *name, const GArray *sent, const QuotaLimits *limits)
{
    for (guint window = 0; window < QUOTA_WINDOWS; window++) {
        guint limit = limit_of(limits, window);
        for (guint i = limit; limit > 0 && i < sent->len; i++) {
            gint64 span = g_array_index(sent, gint64, i) - g_array_index(sent, gint64, i - limit);
            if (span < lengths[window])
                fail_msg("%s: %u mails in %" G_GINT64_FORMAT " ms", name, limit + 1, span);
        }
    }
}

static void no_window_ever_holds_more_than_its_limit(void **unused)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Quota) quota = quota_new();
        g_autoptr(GArray) sent = g_array_new(FALSE, FALSE, sizeof(gint64));
        WallMs now = NOW;
        for (guint turn = 0; turn < 20000; turn++) {
            now += g_rand_int_range(rand, 0, (gint32)cases[i].pause_ms);
            if (quota_is_used_up(quota, &cases[i].limits, now))
                continue;
            quota_add(quota, now, 1);
            g_array_append_val(sent, now);
        }
        check_windows(cases[i].name, sent, &cases[i].limits);
        assert_in_range(sent->len, 200, 20000); /* it lets mail through, too */
    }
}

static void a_place_is_free_when_it_is_said_to_be(void **unused)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(2);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Quota) quota = quota_new();
        const QuotaLimits *limits = &cases[i].limits;
        WallMs now = NOW;
        for (guint turn = 0; turn < 500; turn++) {
            while (!quota_is_used_up(quota, limits, now)) {
                quota_add(quota, now, 1);
                now += g_rand_int_range(rand, 0, 700);
            }
            WallMs free_at = quota_room_at(quota, limits, 0, now);
            assert_true(free_at > now && free_at <= now + CLOCK_DAY_MS + 10 * CLOCK_MINUTE_MS);
            assert_int_equal(quota_room(quota, limits, free_at - 1), 0);
            assert_in_range(quota_room(quota, limits, free_at), 1, 300);
            now = free_at;
        }
    }
}

static void what_is_under_way_is_kept_free(void **unused)
{
    g_autoptr(Quota) quota = quota_new();
    const QuotaLimits limits = {3, 0, 0};
    quota_add(quota, NOW, 1);
    assert_true(quota_room_at(quota, &limits, 1, NOW) == 0);
    assert_true(quota_room_at(quota, &limits, 2, NOW) == NOW + 61 * CLOCK_SECOND_MS);
    assert_true(quota_room_at(quota, &limits, 3, NOW) == QUOTA_NEVER);
}

static void people_are_told_what_is_used_and_until_when(void **unused)
{
    g_autoptr(Quota) quota = quota_new();
    const QuotaLimits limits = {3, 0, 100};
    QuotaWindow windows[QUOTA_WINDOWS];
    quota_add(quota, NOW, 2);
    quota_add(quota, NOW + 5 * CLOCK_SECOND_MS, 2);
    quota_read(quota, &limits, NOW + 6 * CLOCK_SECOND_MS, windows);
    assert_int_equal(windows[0].limit, 3);
    assert_int_equal(windows[0].used, 4);
    assert_true(windows[0].free_at == NOW + 61 * CLOCK_SECOND_MS);
    assert_int_equal(windows[1].limit, 0);
    assert_int_equal(windows[2].used, 4);
    assert_true(windows[2].free_at == 0);
}

static void both_may_have_counted_the_same(void **unused)
{
    g_autoptr(Quota) quota = quota_new();
    g_autoptr(Quota) stored = quota_new();
    const QuotaLimits limits = {0, 10, 10};
    QuotaWindow windows[QUOTA_WINDOWS];
    quota_add(stored, NOW - 2 * CLOCK_HOUR_MS, 4);
    quota_add(stored, NOW - 1000, 3);
    quota_add(quota, NOW, 2);
    quota_merge(quota, stored, NOW);
    quota_read(quota, &limits, NOW, windows);
    assert_in_range(windows[1].used, 3, 5);
    assert_in_range(windows[2].used, 7, 9);
}

/* What the store names by a clock that runs ahead must not stop the windows. */
static void what_is_counted_after_that_time_is_not_merged(void **unused)
{
    g_autoptr(Quota) quota = quota_new();
    g_autoptr(Quota) stored = quota_new();
    const QuotaLimits limits = {10, 10, 10};
    quota_add(stored, NOW - 1000, 3);
    quota_add(stored, NOW + CLOCK_HOUR_MS, 4);
    quota_merge(quota, stored, NOW);
    quota_add(quota, NOW, 2);
    QuotaWindow windows[QUOTA_WINDOWS];
    quota_read(quota, &limits, NOW, windows);
    assert_int_equal(windows[2].used, 5);
    quota_read(quota, &limits, NOW + 25 * CLOCK_HOUR_MS, windows);
    assert_int_equal(windows[2].used, 0);
}

static void a_time_before_the_last_counts_as_the_last(void **unused)
{
    g_autoptr(Quota) quota = quota_new();
    const QuotaLimits limits = {1, 0, 0};
    quota_add(quota, NOW, 1);
    assert_true(quota_is_used_up(quota, &limits, NOW - YEARS));
    quota_add(quota, NOW - YEARS, 1);
    QuotaWindow windows[QUOTA_WINDOWS];
    quota_read(quota, &limits, NOW, windows);
    assert_int_equal(windows[0].used, 2);
}

/* As if they had never been added, however much later; and nothing else goes with them. */
static void what_is_taken_back_was_never_there(void **unused)
{
    static const QuotaLimits limits = {1000000, 1000000, 1000000};
    static const gint64 pauses[] = {500, CLOCK_MINUTE_MS, 20 * CLOCK_MINUTE_MS, CLOCK_DAY_MS};
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autoptr(Quota) quota = quota_new();
    g_autoptr(Quota) oracle = quota_new();
    WallMs now = NOW, at = 0;
    guint n = 0;
    for (guint turn = 0; turn < 20000; turn++) {
        now += g_rand_int_range(rand, 0, (gint32)pauses[turn % G_N_ELEMENTS(pauses)]);
        quota_add(quota, now, turn % 3);
        quota_add(oracle, now, turn % 3);
        if (n == 0) {
            at = now;
            n = (guint)g_rand_int_range(rand, 1, 9);
            quota_add(quota, at, n);
        } else if (g_rand_int_range(rand, 0, 3) == 0) {
            quota_take_back(quota, at, n);
            n = 0;
            QuotaWindow left[QUOTA_WINDOWS], expected[QUOTA_WINDOWS];
            quota_read(quota, &limits, now, left);
            quota_read(oracle, &limits, now, expected);
            for (guint window = 0; window < QUOTA_WINDOWS; window++)
                assert_int_equal(left[window].used, expected[window].used);
        }
    }
    quota_take_back(oracle, now, 1000000); /* more than there are */
    assert_true(quota_room(oracle, &limits, now) <= limits.per_day);
}

/* --- With the outbox ----------------------------------------------------------------------------
 */

typedef struct {
    Outbox *outbox;
    GRand *rand;
    WallMs steady;
    gint64 lead_ms;
    GArray *out;           /* of gint64, being sent */
    GArray *asked, *ended; /* of gint64, times by the steady clock */
    gint64 next_id;
    gboolean is_loading;
    WallMs wake_at;
} World;

static void step(World *world, OutboxEvent event)
{
    event.org_id = 1;
    event.steady = world->steady;
    event.now = world->steady + world->lead_ms;
    event.random = g_rand_int(world->rand);
    guint n = 0;
    const OutboxEffect *lent = outbox_step(world->outbox, &event, &n);
    g_autofree OutboxEffect *effects = g_memdup2(lent, n * sizeof *lent);
    for (guint i = 0; i < n; i++) {
        world->is_loading = world->is_loading || effects[i].kind == OUTBOX_EFFECT_LOAD;
        if (effects[i].kind == OUTBOX_EFFECT_WAKE)
            world->wake_at = effects[i].at;
        if (effects[i].kind == OUTBOX_EFFECT_SEND) {
            g_array_append_val(world->out, effects[i].recipient_id);
            g_array_append_val(world->asked, world->steady);
        }
        if (effects[i].kind == OUTBOX_EFFECT_RECORD)
            step(world, (OutboxEvent){.kind = OUTBOX_EVENT_RECORDED,
                            .recipient_id = effects[i].recipient_id});
    }
}

static void load_some(World *world)
{
    OutboxItem items[20] = {0};
    for (guint i = 0; i < G_N_ELEMENTS(items); i++)
        items[i] = (OutboxItem){.recipient_id = world->next_id++,
            .class = EMAIL_CLASS_BULK,
            .next_at = 1,
            .mail = {.deadline_at = G_MAXINT64}};
    world->is_loading = FALSE;
    step(world, (OutboxEvent){.kind = OUTBOX_EVENT_LOADED,
                    .items = items,
                    .n_items = G_N_ELEMENTS(items),
                    .has_more = TRUE});
}

static void end_one(World *world)
{
    static const AttemptEnd ends[] = {ATTEMPT_ACCEPTED, ATTEMPT_ACCEPTED, ATTEMPT_REFUSED};
    gint64 id = g_array_index(world->out, gint64, 0);
    g_array_remove_index(world->out, 0);
    g_array_append_val(world->ended, world->steady);
    step(world, (OutboxEvent){.kind = OUTBOX_EVENT_ENDED,
                    .recipient_id = id,
                    .end = ends[g_rand_int_range(world->rand, 0, G_N_ELEMENTS(ends))],
                    .config_version = 1});
}

static void turn(World *world)
{
    static const gint64 leads[] = {0, YEARS, -YEARS, CLOCK_HOUR_MS, -CLOCK_HOUR_MS};
    if (g_rand_int_range(world->rand, 0, 20) == 0)
        world->lead_ms = leads[g_rand_int_range(world->rand, 0, G_N_ELEMENTS(leads))];
    if (world->is_loading)
        load_some(world);
    else if (world->out->len > 0 && g_rand_int_range(world->rand, 0, 3) > 0)
        end_one(world);
    else if (world->wake_at > world->steady)
        world->steady = world->wake_at; /* nothing else wakes it */
    world->steady += g_rand_int_range(world->rand, 0, 400);
    step(world, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
}

static void an_outbox_keeps_to_it_whatever_the_wall_clock_says(void **unused)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        World world = {.outbox = outbox_new(),
            .rand = g_rand_new_with_seed(3),
            .steady = NOW,
            .out = g_array_new(FALSE, FALSE, sizeof(gint64)),
            .asked = g_array_new(FALSE, FALSE, sizeof(gint64)),
            .ended = g_array_new(FALSE, FALSE, sizeof(gint64)),
            .next_id = 1};
        g_autoptr(Quota) before = quota_new();
        quota_add(before, NOW - 1, 1); /* before the start */
        step(&world, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                         .gate = EMAIL_GATE_OPEN,
                         .config_version = 1,
                         .connections = 4,
                         .window = 4,
                         .limits = cases[i].limits,
                         .sent = before});
        while (world.ended->len < 600)
            turn(&world);
        g_array_prepend_vals(world.asked, &(gint64){NOW - 1}, 1);
        g_array_prepend_vals(world.ended, &(gint64){NOW - 1}, 1);
        check_windows(cases[i].name, world.asked, &cases[i].limits);
        check_windows(cases[i].name, world.ended, &cases[i].limits);
        outbox_free(world.outbox);
        g_rand_free(world.rand);
        g_array_unref(world.out);
        g_array_unref(world.asked);
        g_array_unref(world.ended);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_window_ever_holds_more_than_its_limit),
        cmocka_unit_test(a_place_is_free_when_it_is_said_to_be),
        cmocka_unit_test(what_is_under_way_is_kept_free),
        cmocka_unit_test(people_are_told_what_is_used_and_until_when),
        cmocka_unit_test(both_may_have_counted_the_same),
        cmocka_unit_test(what_is_counted_after_that_time_is_not_merged),
        cmocka_unit_test(a_time_before_the_last_counts_as_the_last),
        cmocka_unit_test(what_is_taken_back_was_never_there),
        cmocka_unit_test(an_outbox_keeps_to_it_whatever_the_wall_clock_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
