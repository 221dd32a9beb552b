#include "base/limits.h"
#include "people/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

static Secret *secret_of(const char *text)
{
    return secret_new(text, strlen(text));
}

static void a_hash_knows_its_password(void **state)
{
    g_autoptr(Secret) right = secret_of("correct horse battery"),
                      wrong = secret_of("correct horse");
    g_autoptr(Secret) none = secret_of("");
    g_autofree char *hash = people_password_hash(right);
    g_autofree char *again = people_password_hash(right);
    assert_true(g_str_has_prefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_string_not_equal(hash, again); /* salted */
    assert_true(people_password_verify(hash, right));
    assert_true(people_password_verify(again, right));
    assert_false(people_password_verify(hash, wrong));
    assert_false(people_password_verify(hash, none));
}

static void hashes_with_other_parameters_are_verified(void **state)
{
    static const struct {
        const char *name;
        unsigned long long passes;
        size_t memory;
        int algorithm;
    } rows[] = {
        {"stronger", 3, 32 * 1024 * 1024, crypto_pwhash_ALG_ARGON2ID13},
        {"weaker", 1, 8 * 1024 * 1024, crypto_pwhash_ALG_ARGON2ID13},
        {"Argon2i", 3, 8 * 1024 * 1024, crypto_pwhash_ALG_ARGON2I13},
    };
    g_autoptr(Secret) right = secret_of("correct"), wrong = secret_of("wrong");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        char hash[crypto_pwhash_STRBYTES];
        assert_int_equal(crypto_pwhash_str_alg(
                             hash, "correct", 7, rows[i].passes, rows[i].memory, rows[i].algorithm),
            0);
        assert_true(people_password_verify(hash, right));
        assert_false(people_password_verify(hash, wrong));
    }
}

static void what_is_no_hash_matches_nothing(void **state)
{
    static const char *const bad[] = {"", "x", "correct", "$argon2id$", "$argon2id$v=19$m=19456",
        "$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA", "$2y$10$abcdefghijklmnopqrstuv"};
    g_autoptr(Secret) password = secret_of("correct");
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(people_password_verify(bad[i], password));
}

static gint64 time_of_verifying(const char *hash, const Secret *password)
{
    gint64 best = G_MAXINT64;
    for (int i = 0; i < 5; i++) {
        gint64 start = g_get_monotonic_time();
        people_password_verify(hash, password);
        best = MIN(best, g_get_monotonic_time() - start);
    }
    return best;
}

/* The best of five either way: a missing account must not be told apart by a missing hash. */
static void no_account_costs_as_much_as_a_wrong_password(void **state)
{
    g_autoptr(Secret) right = secret_of("correct"), wrong = secret_of("wrong");
    g_autofree char *hash = people_password_hash(right);
    assert_false(people_password_verify(NULL, wrong));
    assert_false(people_password_verify(NULL, right));
    gint64 with = time_of_verifying(hash, wrong), without = time_of_verifying(NULL, wrong);
    assert_in_range(without, with / 2, with * 2);
}

static void weak_passwords_are_refused(void **state)
{
    static const struct {
        const char *password, *email, *fault;
    } rows[] = {
        {"", NULL, "password_too_short"},
        {"123456789", NULL, "password_too_short"},
        {"ääääääääö", NULL, "password_too_short"}, /* 18 bytes, 9 characters */
        {"\xff\xfe\xfd\xff\xfe\xfd\xff\xfe\xfd", NULL, "password_too_short"},
        {"aaaaaaaaaa", NULL, "password_too_common"},
        {"ääääääääää", NULL, "password_too_common"},
        {"1234567890", NULL, "password_too_common"},
        {"0987654321", NULL, "password_too_common"},
        {"9876543210", NULL, "password_too_common"},
        {"12345678901234", NULL, "password_too_common"},
        {"abcdefghij", NULL, "password_too_common"},
        {"1212121212", NULL, "password_too_common"},
        {"passpasspass", NULL, "password_too_common"},
        {"password123", NULL, "password_too_common"},
        {"Password123", NULL, "password_too_common"},
        {"PASSWORT123", NULL, "password_too_common"},
        {"qwertzuiop", NULL, "password_too_common"},
        {"anna@example.de", "anna@example.de", "password_too_common"},
        {"Anna@Example.DE", "anna@example.de", "password_too_common"},
        {"anna.mustermann", "anna.mustermann@example.de", "password_too_common"},
        {"ANNA.Mustermann", "anna.mustermann@example.de", "password_too_common"},
        {"anna.mustermann", NULL, NULL},
        {"anna.mustermann", "anna.muster@example.de", NULL},
        {"anna.mustermann", "anna.mustermann2@example.de", NULL},
        {"1234567891", NULL, NULL},
        {"correct horse battery", "anna@example.de", NULL},
        {"über zehn Zeichen", NULL, NULL},
        {"密码密码是很长的一句话", NULL, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Secret) password = secret_of(rows[i].password);
        const char *fault = people_password_fault(password, rows[i].email);
        if (g_strcmp0(fault, rows[i].fault) != 0)
            fail_msg("row %zu: %s", i, fault == NULL ? "accepted" : fault);
    }
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_knows_its_password),
        cmocka_unit_test(hashes_with_other_parameters_are_verified),
        cmocka_unit_test(what_is_no_hash_matches_nothing),
        cmocka_unit_test(no_account_costs_as_much_as_a_wrong_password),
        cmocka_unit_test(weak_passwords_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
