#include "people/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The checksum of a token of 43 times 'A', computed apart from this program (Python's hashlib). */
#define KNOWN "abs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KNOWN_CHECKSUM "DPG6HM"

static void hashes_are_sha_256(void **state)
{
    static const struct {
        const char *text;
        guint8 start[8];
    } rows[] = {
        /* FIPS 180-4 */
        {"abc", {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea}},
        {"", {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14}},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Secret) secret = secret_new(rows[i].text, strlen(rows[i].text));
        guint8 hash[PEOPLE_HASH_BYTES];
        guint8 lent[PEOPLE_HASH_BYTES];
        people_hash(secret, hash);
        people_hash_lent(rows[i].text, lent);
        assert_memory_equal(hash, rows[i].start, sizeof rows[i].start);
        assert_memory_equal(lent, hash, sizeof hash);
        g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA256, rows[i].text, -1);
        for (gsize b = 0; b < sizeof hash; b++) {
            char pair[3] = {hex[2 * b], hex[2 * b + 1], '\0'};
            assert_int_equal(g_ascii_strtoull(pair, NULL, 16), hash[b]);
        }
    }
}

static void tokens_are_wellformed_and_differ(void **state)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int i = 0; i < 1000; i++) {
        g_autoptr(Secret) token = people_token_make();
        gsize n;
        const char *text = secret_reveal(token, &n);
        assert_int_equal(n, 53);
        assert_int_equal(strlen(text), 53);
        assert_memory_equal(text, "abs_", 4);
        assert_int_equal(strspn(text + 4, digits), 49);
        assert_true(people_token_is_wellformed(text));
        assert_true(g_hash_table_add(seen, g_strdup(text)));
    }
}

static void the_checksum_is_as_documented(void **state)
{
    assert_true(people_token_is_wellformed(KNOWN KNOWN_CHECKSUM));
}

static void every_typo_is_noticed(void **state)
{
    g_autoptr(Secret) token = people_token_make();
    g_autofree char *text = g_strdup(secret_reveal(token, NULL));
    gsize n = strlen(text);
    for (gsize i = 0; i < n; i++) {
        char right = text[i];
        for (const char *wrong = digits; *wrong != '\0'; wrong++) {
            text[i] = *wrong;
            assert_int_equal(people_token_is_wellformed(text), *wrong == right);
        }
        text[i] = right;
    }
    for (gsize i = 4; i + 1 < n; i++) { /* neighbours swapped */
        if (text[i] == text[i + 1])
            continue;
        g_autofree char *swapped = g_strdup(text);
        swapped[i] = text[i + 1];
        swapped[i + 1] = text[i];
        assert_false(people_token_is_wellformed(swapped));
    }
    for (gsize i = 0; i < n; i++) { /* cut */
        g_autofree char *cut = g_strndup(text, i);
        assert_false(people_token_is_wellformed(cut));
    }
}

static void what_is_no_token_is_refused(void **state)
{
    static const char *const bad[] = {NULL, "", "abs_", "null", "undefined",
        KNOWN KNOWN_CHECKSUM "A", KNOWN KNOWN_CHECKSUM " ", " " KNOWN KNOWN_CHECKSUM,
        "ABS_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" KNOWN_CHECKSUM,
        "abs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" KNOWN_CHECKSUM,
        "abs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\xc3" KNOWN_CHECKSUM,
        "re_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" KNOWN_CHECKSUM};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(people_token_is_wellformed(bad[i]));
}

static void random_values_have_43_digits_and_differ(void **state)
{
    g_autoptr(Secret) a = people_random_make(), b = people_random_make();
    gsize n;
    const char *text = secret_reveal(a, &n);
    assert_int_equal(n, 43);
    assert_int_equal(strspn(text, digits), 43);
    assert_false(secret_equal(a, b));
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_sha_256),
        cmocka_unit_test(tokens_are_wellformed_and_differ),
        cmocka_unit_test(the_checksum_is_as_documented),
        cmocka_unit_test(every_typo_is_noticed),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(random_values_have_43_digits_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
