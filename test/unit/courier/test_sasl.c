#include "base/error.h"
#include "courier/sasl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *decode(const Secret *secret)
{
    gsize n = 0;
    guchar *bytes = g_base64_decode(secret_reveal(secret, NULL), &n);
    bytes = g_realloc(bytes, n + 1);
    bytes[n] = '\0';
    return (char *)bytes;
}

static char *encode(const char *text)
{
    return g_base64_encode((const guchar *)text, strlen(text));
}

/* As far as the server's proof: the client has sent its own. */
static Sasl *until_proof(void)
{
    g_autoptr(Secret) password = secret_new("pencil", 6);
    Sasl *sasl = sasl_new("SCRAM-SHA-256", "user", password, NULL);
    assert_non_null(sasl);
    g_autoptr(Secret) first = NULL;
    gboolean done = TRUE;
    assert_true(sasl_step(sasl, NULL, &first, &done, NULL));
    assert_false(done);
    g_autofree char *client_first = decode(first);
    assert_true(g_str_has_prefix(client_first, "n,,n=user,r="));
    const char *nonce = strstr(client_first, ",r=") + 3;
    g_autofree char *server_first =
        g_strdup_printf("r=%sSERVER,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", nonce);
    g_autofree char *challenge = encode(server_first);
    g_autoptr(Secret) final = NULL;
    assert_true(sasl_step(sasl, challenge, &final, &done, NULL));
    assert_false(done);
    g_autofree char *client_final = decode(final);
    assert_true(g_str_has_prefix(client_final, "c=biws,r="));
    assert_non_null(strstr(client_final, ",p="));
    assert_null(strstr(client_final, "pencil"));
    return sasl;
}

static void a_server_without_proof_is_refused(void **unused)
{
    static const char *const proofs[] = {
        "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "e=other-error", "", "nonsense"};
    for (gsize i = 0; i < G_N_ELEMENTS(proofs); i++) {
        g_autoptr(Sasl) sasl = until_proof();
        g_autofree char *challenge = encode(proofs[i]);
        g_autoptr(Secret) answer = NULL;
        gboolean done = FALSE;
        g_autoptr(GError) error = NULL;
        if (sasl_step(sasl, challenge, &answer, &done, &error) && done)
            fail_msg("'%s' was taken for a proof", proofs[i]);
    }
}

static void another_nonce_is_refused(void **unused)
{
    g_autoptr(Secret) password = secret_new("pencil", 6);
    g_autoptr(Sasl) sasl = sasl_new("SCRAM-SHA-256", "user", password, NULL);
    g_autoptr(Secret) first = NULL;
    g_autoptr(Secret) second = NULL;
    gboolean done = FALSE;
    assert_true(sasl_step(sasl, NULL, &first, &done, NULL));
    g_autofree char *challenge = encode("r=somebody-elses,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    g_autoptr(GError) error = NULL;
    assert_false(sasl_step(sasl, challenge, &second, &done, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_PROTOCOL));
    assert_null(strstr(error->message, "pencil"));
}

static void endless_hashing_is_refused(void **unused)
{
    static const char *const counts[] = {
        "100001", "10000000", "4294967295", "99999999999999999999", "-1", "x"};
    for (gsize i = 0; i < G_N_ELEMENTS(counts); i++) {
        g_autoptr(Secret) password = secret_new("pencil", 6);
        g_autoptr(Sasl) sasl = sasl_new("SCRAM-SHA-256", "user", password, NULL);
        g_autoptr(Secret) first = NULL;
        g_autoptr(Secret) second = NULL;
        gboolean done = FALSE;
        assert_true(sasl_step(sasl, NULL, &first, &done, NULL));
        g_autofree char *said = decode(first);
        g_autofree char *server = g_strdup_printf(
            "r=%sX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=%s", strstr(said, ",r=") + 3, counts[i]);
        g_autofree char *challenge = encode(server);
        g_autoptr(GError) error = NULL;
        assert_false(sasl_step(sasl, challenge, &second, &done, &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_LIMIT));
    }
}

static void a_hidden_number_is_refused(void **unused)
{
    static const char hidden[] = "r=x\0y,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=3000000";
    g_autoptr(Secret) password = secret_new("pencil", 6);
    g_autoptr(Sasl) sasl = sasl_new("SCRAM-SHA-256", "user", password, NULL);
    g_autoptr(Secret) first = NULL;
    g_autoptr(Secret) second = NULL;
    gboolean done = FALSE;
    assert_true(sasl_step(sasl, NULL, &first, &done, NULL));
    g_autofree char *challenge = g_base64_encode((const guchar *)hidden, sizeof hidden - 1);
    g_autoptr(GError) error = NULL;
    assert_false(sasl_step(sasl, challenge, &second, &done, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_LIMIT));
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_without_proof_is_refused),
        cmocka_unit_test(another_nonce_is_refused),
        cmocka_unit_test(endless_hashing_is_refused),
        cmocka_unit_test(a_hidden_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
