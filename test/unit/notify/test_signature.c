/* The signature of Standard Webhooks. */
#include "notify/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *sign(
    const void *key, gsize n_key, const char *id, gint64 timestamp_s, const char *body)
{
    g_autoptr(Secret) secret = secret_new(key, n_key);
    return notify_signature(secret, id, timestamp_s, body);
}

/* What the libraries of standard-webhooks are tested with. */
static void the_known_signature_comes_out(void **state)
{
    gsize n_key;
    g_autofree guchar *key = g_base64_decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &n_key);
    g_autofree char *signature =
        sign(key, n_key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}");
    assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void every_part_counts(void **state)
{
    static const struct {
        const char *name, *key, *id;
        gint64 at;
        const char *body;
    } cases[] = {
        {"the secret", "secret-0123456789-0123456789-012", "evt_1", 1000, "{}"},
        {"the id", "secret-0123456789-0123456789-01X", "evt_2", 1000, "{}"},
        {"the time", "secret-0123456789-0123456789-01X", "evt_1", 1001, "{}"},
        {"the body", "secret-0123456789-0123456789-01X", "evt_1", 1000, "{ }"},
    };
    static const char key[] = "secret-0123456789-0123456789-01X";
    g_autofree char *base = sign(key, strlen(key), "evt_1", 1000, "{}");
    g_autofree char *same = sign(key, strlen(key), "evt_1", 1000, "{}");
    assert_string_equal(base, same);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        g_autofree char *other =
            sign(cases[i].key, strlen(cases[i].key), cases[i].id, cases[i].at, cases[i].body);
        assert_string_not_equal(base, other);
        assert_int_equal(strlen(other), strlen("v1,") + 44);
    }
}

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_known_signature_comes_out),
        cmocka_unit_test(every_part_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
