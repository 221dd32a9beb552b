#include "oauth/redirect.h"

#include "base/error.h"
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keys.h"

static int group_setup(void **state)
{
    secret_init();
    return 0;
}

static void the_challenge_is_the_one_of_rfc_7636_appendix_b(void **state)
{
    static const guint8 octets[OAUTH_RANDOM_BYTES] = {116, 24, 223, 180, 151, 153, 224, 37, 79, 250,
        96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132,
        141, 121};
    g_autoptr(Secret) verifier = oauth_verifier_new(octets);
    g_autofree char *challenge = oauth_challenge_dup(verifier);
    g_autofree char *as_state = oauth_state_dup(octets);
    assert_string_equal(
        secret_reveal(verifier, NULL), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    assert_string_equal(as_state, secret_reveal(verifier, NULL));
}

#define BACK "https://post.firma.de/oauth/return"

static void the_sign_in_page_is_told_all_it_needs(void **state)
{
#define COMMON                                                                              \
    "response_type=code&client_id=id%261&redirect_uri=https%3A%2F%2Fpost.firma.de%2Foauth%" \
    "2Freturn&"
#define REST "state=st&code_challenge=ch&code_challenge_method=S256"
    static const struct {
        const char *name;
        OauthProfile profile;
        const char *url;
    } rows[] = {
        {"Microsoft",
            {.provider = OAUTH_MICROSOFT,
                .grant = OAUTH_REFRESH_TOKEN,
                .tenant = "firma.de",
                .client_id = "id&1",
                .username = "a+b@firma.de"},
            "https://login.microsoftonline.com/firma.de/oauth2/v2.0/authorize?" COMMON
            "scope=https%3A%2F%2Foutlook.office.com%2FSMTP.Send%20offline_access&" REST
            "&login_hint=a%2Bb%40firma.de"},
        {"Google", {.provider = OAUTH_GOOGLE, .grant = OAUTH_REFRESH_TOKEN, .client_id = "id&1"},
            "https://accounts.google.com/o/oauth2/v2/auth?" COMMON
            "scope=https%3A%2F%2Fmail.google.com%2F&" REST "&access_type=offline&prompt=consent"},
        {"generic, with a query of its own",
            {.provider = OAUTH_GENERIC,
                .grant = OAUTH_REFRESH_TOKEN,
                .client_id = "id&1",
                .authorize_url = "https://id.firma.de/auth?policy=x"},
            "https://id.firma.de/auth?policy=x&" COMMON REST "&prompt=consent"},
    };
#undef COMMON
#undef REST
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *url = oauth_authorize_url_dup(&rows[i].profile, BACK, "st", "ch", NULL);
        if (g_strcmp0(url, rows[i].url) != 0)
            fail_msg("%s: %s", rows[i].name, url);
    }
}

static void nobody_is_sent_where_nobody_can_sign_in(void **state)
{
    g_autofree char *many = g_strnfill(LIMIT_URL_BYTES, 's');
    const struct {
        const char *name;
        OauthProfile profile;
    } rows[] = {
        {"for a grant without persons", {.provider = OAUTH_MICROSOFT,
                                            .grant = OAUTH_CLIENT_SECRET,
                                            .tenant = "firma.de",
                                            .client_id = "x"}},
        {"without a client id", {.provider = OAUTH_GOOGLE, .grant = OAUTH_REFRESH_TOKEN}},
        {"without an address",
            {.provider = OAUTH_GENERIC, .grant = OAUTH_REFRESH_TOKEN, .client_id = "x"}},
        {"too long", {.provider = OAUTH_GOOGLE,
                         .grant = OAUTH_REFRESH_TOKEN,
                         .client_id = "x",
                         .scope = many}},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        if (oauth_authorize_url_dup(&rows[i].profile, BACK, "st", "ch", &error) != NULL)
            fail_msg("%s", rows[i].name);
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    }
}

static void an_address_copied_from_the_browser_is_read(void **state)
{
    static const struct {
        const char *name, *address, *says; /* "state code error description"; NULL: refused */
    } rows[] = {
        {"as it stands", BACK "?code=4%2F0Ab&state=st", "st 4/0Ab - -"},
        {"with more in it", BACK "?state=st&iss=https%3A%2F%2Fx&code=c&session_state=1",
            "st c - -"},
        {"with spaces around", "  " BACK "?code=c&state=st\n", "st c - -"},
        {"with a fragment", BACK "?code=c&state=st#/x?code=d", "st c - -"},
        {"the query alone", "code=c&state=st", "st c - -"},
        {"a refusal", BACK "?error=access_denied&error_description=No%20way+at+all&state=st",
            "st - access_denied No way at all"},
        {"without a code", BACK "?state=st", NULL},
        {"without a state", BACK "?code=c", NULL},
        {"both", BACK "?code=c&error=x&state=st", NULL},
        {"two codes", BACK "?code=c&code=d&state=st", NULL},
        {"two states", BACK "?code=c&state=st&state=su", NULL},
        {"half an escape", BACK "?code=c%2&state=st", NULL},
        {"no escape", BACK "?code=c%zz&state=st", NULL},
        {"a member that only begins so", BACK "?code2=c&xcode=d&state=st", NULL},
        {"the page it began at", "https://post.firma.de/#/settings/email", NULL},
        {"nothing", "", NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Secret) address = secret_of(rows[i].address);
        g_autoptr(GError) error = NULL;
        g_autoptr(OauthRedirect) redirect = oauth_redirect_read(address, &error);
        g_autofree char *says =
            redirect == NULL
                ? NULL
                : g_strdup_printf("%s %s %s %s", redirect->state,
                      redirect->code != NULL ? secret_reveal(redirect->code, NULL) : "-",
                      redirect->error != NULL ? redirect->error : "-",
                      redirect->description != NULL ? redirect->description : "-");
        if (g_strcmp0(says, rows[i].says) != 0)
            fail_msg("%s: %s", rows[i].name, says);
        assert_true((redirect == NULL) == g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    }
}

static void an_endless_address_is_refused(void **state)
{
    g_autofree char *code = g_strnfill(LIMIT_OAUTH_ADDRESS_BYTES, 'c');
    g_autofree char *text = g_strconcat("state=st&code=", code, NULL);
    g_autoptr(Secret) address = secret_of(text);
    assert_null(oauth_redirect_read(address, NULL));
    g_autoptr(Secret) with_nul = secret_new("state=st&code=c\0d", 17);
    assert_null(oauth_redirect_read(with_nul, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_challenge_is_the_one_of_rfc_7636_appendix_b),
        cmocka_unit_test(the_sign_in_page_is_told_all_it_needs),
        cmocka_unit_test(nobody_is_sent_where_nobody_can_sign_in),
        cmocka_unit_test(an_address_copied_from_the_browser_is_read),
        cmocka_unit_test(an_endless_address_is_refused),
    };
    return cmocka_run_group_tests(tests, group_setup, NULL);
}
