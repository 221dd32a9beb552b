#include "base/clock.h"
#include "base/error.h"
#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "certificates.h"

/* That clients accept our own certificate is shown in test_tls.c. */

static char *directory;

static int group_setup(void **state)
{
    directory = g_dir_make_tmp("absender-own-XXXXXX", NULL);
    return 0;
}

static int group_teardown(void **state)
{
    directory_remove(directory);
    g_free(directory);
    return 0;
}

static char *file_in(const char *name)
{
    return g_build_filename(directory, name, NULL);
}

static const char *const own_names[] = {"localhost", "127.0.0.1", "::1", NULL};

static char *contents(const char *file)
{
    char *text = NULL;
    assert_true(g_file_get_contents(file, &text, NULL, NULL));
    return text;
}

static void our_own_certificate_is_kept_while_it_is_good(void **state)
{
    g_autofree char *ca = file_in("keep-ca.pem");
    g_autofree char *chain = file_in("keep-chain.pem");
    g_autofree char *key = file_in("keep-key.pem");
    assert_true(net_tls_make_own(directory, "keep", own_names, NULL));
    g_autofree char *first = contents(chain);
    assert_true(net_tls_make_own(directory, "keep", own_names, NULL));
    g_autofree char *again = contents(chain);
    assert_string_equal(first, again);
    const char *const files[] = {ca, chain, key};
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *before = contents(chain);
        assert_int_equal(g_unlink(files[i]), 0);
        assert_true(net_tls_make_own(directory, "keep", own_names, NULL));
        g_autofree char *after = contents(chain);
        assert_string_not_equal(before, after);
    }
    static const char *const more[] = {"localhost", "127.0.0.1", "mail.example.test", NULL};
    g_autofree char *before = contents(chain);
    assert_true(net_tls_make_own(directory, "keep", more, NULL));
    g_autofree char *after = contents(chain);
    assert_string_not_equal(before, after);
}

static void our_own_certificate_is_renewed_a_month_before_its_end(void **state)
{
    static const struct {
        int to_days;
        gboolean is_kept;
    } cases[] = {{29, FALSE}, {31, TRUE}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *ca = file_in("old-ca.pem");
        g_autofree char *chain = file_in("old-chain.pem");
        g_autofree char *key_file = file_in("old-key.pem");
        Wish wish = {.common_name = "localhost",
            .sans = "DNS:localhost,IP:127.0.0.1,IP:::1",
            .from_days = -700,
            .to_days = cases[i].to_days};
        EVP_PKEY *key = EVP_EC_gen("P-256");
        Issuer issuer = {.key = EVP_EC_gen("P-256")};
        Wish root = {.common_name = "root", .from_days = -700, .to_days = 125};
        issuer.certificate = certificate_make(&root, issuer.key, NULL, TRUE);
        X509 *leaf = certificate_make(&wish, key, &issuer, FALSE);
        pem_save(ca, NULL, issuer.certificate, NULL);
        pem_save(chain, NULL, leaf, issuer.certificate);
        pem_save(key_file, key, NULL, NULL);
        g_autofree char *before = contents(chain);
        assert_true(net_tls_make_own(directory, "old", own_names, NULL));
        g_autofree char *after = contents(chain);
        assert_int_equal(strcmp(before, after) == 0, cases[i].is_kept);
        X509_free(leaf);
        EVP_PKEY_free(key);
        issuer_free(&issuer);
    }
}

static void a_directory_that_is_not_there_is_an_error(void **state)
{
    g_autofree char *nowhere = file_in("no/such");
    g_autoptr(GError) error = NULL;
    assert_false(net_tls_make_own(nowhere, "own", own_names, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_IO));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_certificate_is_kept_while_it_is_good),
        cmocka_unit_test(our_own_certificate_is_renewed_a_month_before_its_end),
        cmocka_unit_test(a_directory_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
