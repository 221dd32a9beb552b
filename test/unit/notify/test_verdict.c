/* What follows from one try. */
#include "base/error.h"
#include "base/limits.h"
#include "notify/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define T0 G_GINT64_CONSTANT(1795283520123) /* some day in 2026 */

static NotifyVerdict judge_with(
    int status, int code, const char *sys, guint attempts, WallMs gives_up_at)
{
    g_autoptr(GError) error =
        code != 0 ? g_error_new_literal(ABS_ERROR, code, "no answer came") : NULL;
    const WebhookDelivery delivery = {
        .row = 7, .attempts = attempts, .gives_up_at = gives_up_at, .happened_at = T0};
    return notify_verdict(&delivery, status, error, sys, T0, 0);
}

static NotifyVerdict judge(int status, int code, guint attempts, WallMs gives_up_at)
{
    return judge_with(status, code, NULL, attempts, gives_up_at);
}

/* Each needs another hand: the port, the receiver, its certificate, or patience. */
static void why_no_connection_came_about_is_told_apart(void **state)
{
    static const struct {
        const char *sys, *failure;
        int code;
    } cases[] = {
        {"ECONNREFUSED", WEBHOOK_FAILED_REFUSED, ABS_ERROR_IO},
        {"ETIMEDOUT", WEBHOOK_FAILED_NO_ANSWER, ABS_ERROR_IO},
        {"EOF", WEBHOOK_FAILED_NO_ANSWER, ABS_ERROR_IO},
        {"TLS", WEBHOOK_FAILED_TLS, ABS_ERROR_PROTOCOL},
        {"CERTIFICATE", WEBHOOK_FAILED_CERTIFICATE, ABS_ERROR_PROTOCOL},
        {"EAI_NONAME", WEBHOOK_FAILED_NO_ADDRESS, ABS_ERROR_NOT_FOUND},
        {"PRIVATE_ADDRESS", WEBHOOK_FAILED_DENIED, ABS_ERROR_DENIED},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        NotifyVerdict verdict =
            judge_with(0, cases[i].code, cases[i].sys, 0, T0 + LIMIT_WEBHOOK_LIFETIME_MS);
        assert_string_equal(verdict.result.failure, cases[i].failure);
        assert_true(verdict.is_outage);
    }
}

static void each_answer_has_its_consequence(void **state)
{
    static const struct {
        const char *name;
        int status, code;
        WebhookState state;
        const char *failure;
        gboolean is_outage, is_gone;
    } cases[] = {
        {"200", 200, 0, WEBHOOK_DELIVERED, NULL, FALSE, FALSE},
        {"204", 204, 0, WEBHOOK_DELIVERED, NULL, FALSE, FALSE},
        {"299", 299, 0, WEBHOOK_DELIVERED, NULL, FALSE, FALSE},
        {"a redirect", 301, 0, WEBHOOK_WAITING, WEBHOOK_FAILED_STATUS, FALSE, FALSE},
        {"nobody there", 404, 0, WEBHOOK_WAITING, WEBHOOK_FAILED_STATUS, FALSE, FALSE},
        {"gone", 410, 0, WEBHOOK_GIVEN_UP, WEBHOOK_FAILED_GONE, FALSE, TRUE},
        {"too many", 429, 0, WEBHOOK_WAITING, WEBHOOK_FAILED_STATUS, TRUE, FALSE},
        {"a fault of theirs", 500, 0, WEBHOOK_WAITING, WEBHOOK_FAILED_STATUS, FALSE, FALSE},
        {"down", 503, 0, WEBHOOK_WAITING, WEBHOOK_FAILED_STATUS, TRUE, FALSE},
        {"no name", 0, ABS_ERROR_NOT_FOUND, WEBHOOK_WAITING, WEBHOOK_FAILED_NO_ADDRESS, TRUE,
            FALSE},
        {"a private address", 0, ABS_ERROR_DENIED, WEBHOOK_WAITING, WEBHOOK_FAILED_DENIED, TRUE,
            FALSE},
        {"no TLS", 0, ABS_ERROR_PROTOCOL, WEBHOOK_WAITING, WEBHOOK_FAILED_TLS, TRUE, FALSE},
        {"silence", 0, ABS_ERROR_IO, WEBHOOK_WAITING, WEBHOOK_FAILED_NO_ANSWER, TRUE, FALSE},
        {"an endless header", 0, ABS_ERROR_LIMIT, WEBHOOK_WAITING, WEBHOOK_FAILED_NO_ANSWER, TRUE,
            FALSE},
        {"no secret", 0, ABS_ERROR_SECRET, WEBHOOK_WAITING, WEBHOOK_FAILED_SECRET, TRUE, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        NotifyVerdict verdict =
            judge(cases[i].status, cases[i].code, 0, T0 + LIMIT_WEBHOOK_LIFETIME_MS);
        assert_int_equal(verdict.result.row, 7);
        assert_int_equal(verdict.result.state, cases[i].state);
        assert_int_equal(verdict.result.status, cases[i].status);
        assert_true(g_strcmp0(verdict.result.failure, cases[i].failure) == 0);
        assert_int_equal(verdict.is_outage, cases[i].is_outage);
        assert_int_equal(verdict.is_gone, cases[i].is_gone);
        assert_int_equal(verdict.result.next_at > 0, cases[i].state == WEBHOOK_WAITING);
    }
}

static void tries_go_on_by_the_outbox_schedule_for_five_days(void **state)
{
    static const gint64 minutes[] = {1, 5, 15, 30, 60, 120, 120};
    WallMs gives_up_at = T0 + LIMIT_WEBHOOK_LIFETIME_MS;
    for (guint i = 0; i < G_N_ELEMENTS(minutes); i++) {
        NotifyVerdict verdict = judge(500, 0, i, gives_up_at);
        assert_int_equal(verdict.result.next_at, T0 + minutes[i] * CLOCK_MINUTE_MS);
    }
    NotifyVerdict last = judge(500, 0, 0, T0 + CLOCK_MINUTE_MS + 1);
    assert_int_equal(last.result.state, WEBHOOK_WAITING);
    NotifyVerdict over = judge(500, 0, 0, T0 + CLOCK_MINUTE_MS);
    assert_int_equal(over.result.state, WEBHOOK_GIVEN_UP);
    assert_int_equal(over.result.next_at, 0);
    assert_string_equal(over.result.failure, WEBHOOK_FAILED_STATUS);
}

static void a_receiver_is_left_alone_half_an_hour_at_most(void **state)
{
    static const gint64 minutes[] = {1, 5, 15, 30, 30, 30};
    for (guint i = 0; i < G_N_ELEMENTS(minutes); i++)
        assert_int_equal(notify_rest_ms(i + 1, 0), minutes[i] * CLOCK_MINUTE_MS);
    assert_int_equal(notify_rest_ms(1000, G_MAXUINT32), 30 * CLOCK_MINUTE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_has_its_consequence),
        cmocka_unit_test(why_no_connection_came_about_is_told_apart),
        cmocka_unit_test(tries_go_on_by_the_outbox_schedule_for_five_days),
        cmocka_unit_test(a_receiver_is_left_alone_half_an_hour_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
