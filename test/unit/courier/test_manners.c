#include "base/limits.h"
#include "courier/manners.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW 1000000

static void an_unknown_server_is_taken_as_it_offers(void **state)
{
    Manners manners = {0};
    manners_meet(&manners, "mail.example.test", 587);
    assert_int_equal(manners_pace(&manners, NOW), 0);
    assert_int_equal(manners_connections(&manners, 4, NOW), 4);
    assert_false(manners.is_proven);
    manners_clear(&manners);
}

static void lost_step_is_remembered_for_a_day(void **state)
{
    Manners manners = {0};
    manners_meet(&manners, "mail.example.test", 587);
    manners_proved(&manners);
    manners_lost_step(&manners, NOW);
    assert_false(manners.is_proven);
    assert_int_equal(manners_pace(&manners, NOW), SMTP_PACE_STEPWISE);
    assert_int_equal(manners_pace(&manners, NOW + LIMIT_STEPWISE_MS - 1), SMTP_PACE_STEPWISE);
    assert_int_equal(manners_pace(&manners, NOW + LIMIT_STEPWISE_MS), 0);
    manners_proved(&manners); /* a session that was older, or after that day */
    assert_false(manners.is_proven);
    manners_clear(&manners);
}

static void connections_come_back_one_by_one(void **state)
{
    static const struct {
        const char *name;
        guint standing;
        gint64 later_ms;
        guint allowed; /* of a setting of 4 */
    } rows[] = {
        {"at once", 2, 0, 2},
        {"none stands, one is tried", 0, 0, 1},
        {"just before", 2, LIMIT_CROWDED_MS - 1, 2},
        {"one more", 2, LIMIT_CROWDED_MS, 3},
        {"and another", 2, 2 * LIMIT_CROWDED_MS, 4},
        {"never more than the setting", 2, 100 * LIMIT_CROWDED_MS, 4},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Manners manners = {0};
        manners_crowded(&manners, rows[i].standing, NOW);
        if (manners_connections(&manners, 4, NOW + rows[i].later_ms) != rows[i].allowed)
            fail_msg("%s", rows[i].name);
    }
}

static void another_server_is_another_story(void **state)
{
    static const struct {
        const char *name, *host;
        guint16 port;
        gboolean is_known;
    } rows[] = {
        {"the same", "mail.example.test", 587, TRUE},
        {"another port", "mail.example.test", 465, FALSE},
        {"another host", "smtp.example.test", 587, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Manners manners = {0};
        manners_meet(&manners, "mail.example.test", 587);
        manners_proved(&manners);
        manners_crowded(&manners, 1, NOW);
        manners_meet(&manners, rows[i].host, rows[i].port);
        if (manners.is_proven != rows[i].is_known ||
            manners_connections(&manners, 4, NOW) != (rows[i].is_known ? 1 : 4))
            fail_msg("%s", rows[i].name);
        manners_clear(&manners);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_server_is_taken_as_it_offers),
        cmocka_unit_test(lost_step_is_remembered_for_a_day),
        cmocka_unit_test(connections_come_back_one_by_one),
        cmocka_unit_test(another_server_is_another_story),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
