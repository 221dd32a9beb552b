#include "courier/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void ladders_are_those_of_the_design(void **unused)
{
    static const struct {
        TlsMode security;
        gboolean with_token, with_recipient;
        const char *rungs;
    } cases[] = {
        {TLS_MODE_STARTTLS, FALSE, TRUE,
            "dns connect greeting ehlo starttls tls certificate auth sender recipient"},
        {TLS_MODE_STARTTLS, FALSE, FALSE,
            "dns connect greeting ehlo starttls tls certificate auth sender"},
        {TLS_MODE_IMPLICIT, FALSE, TRUE,
            "dns connect tls certificate greeting ehlo auth sender recipient"},
        {TLS_MODE_IMPLICIT, FALSE, FALSE, "dns connect tls certificate greeting ehlo auth sender"},
        {TLS_MODE_STARTTLS, TRUE, FALSE,
            "token dns connect greeting ehlo starttls tls certificate auth sender"},
        {TLS_MODE_IMPLICIT, TRUE, TRUE,
            "token dns connect tls certificate greeting ehlo auth sender recipient"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Rung ladder[RUNG_COUNT];
        guint n =
            rung_ladder(cases[i].security, cases[i].with_token, cases[i].with_recipient, ladder);
        g_autoptr(GString) said = g_string_new(NULL);
        for (guint k = 0; k < n; k++)
            g_string_append_printf(said, "%s%s", k > 0 ? " " : "", rung_name(ladder[k]));
        assert_string_equal(said->str, cases[i].rungs);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ladders_are_those_of_the_design),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
