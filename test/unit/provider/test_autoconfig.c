#include "provider/autoconfig.h"

#include "base/error.h"
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OPEN                                                                                    \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clientConfig version=\"1.1\"><emailProvider " \
    "id=\"x\">"
#define CLOSE "</emailProvider></clientConfig>"
#define FILE_OF(server) OPEN server CLOSE
#define HOST "<hostname>smtp.firma.de</hostname>"
#define PORT "<port>465</port>"
#define SSL "<socketType>SSL</socketType>"
#define SERVER(inside) "<outgoingServer type=\"smtp\">" inside "</outgoingServer>"
#define GOOD HOST PORT SSL "<username>%EMAILADDRESS%</username>"

/* "host:port security username", one a line; "?" for a user name that must be asked. */
static char *describe(const char *xml, gsize n, GError **error)
{
    g_autoptr(GPtrArray) servers = autoconfig_read(xml, n, "anna@firma.de", error);
    if (servers == NULL)
        return NULL;
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < servers->len; i++) {
        const AutoconfigServer *server = servers->pdata[i];
        g_string_append_printf(text, "%s%s:%u %s %s", i > 0 ? "\n" : "", server->host, server->port,
            tls_mode_name(server->security), server->username ? server->username : "?");
    }
    return g_string_free(text, FALSE);
}

static void servers_are_read(void **state)
{
    static const struct {
        const char *name, *xml, *says;
    } rows[] = {
        {"implicit TLS", FILE_OF(SERVER(GOOD)), "smtp.firma.de:465 implicit anna@firma.de"},
        {"STARTTLS",
            FILE_OF(SERVER(HOST "<port>587</port><socketType>STARTTLS</socketType>"
                                "<username>%EMAILLOCALPART%</username>")),
            "smtp.firma.de:587 starttls anna"},
        {"plaintext is left out",
            FILE_OF(SERVER(HOST "<port>25</port><socketType>plain</socketType>")), ""},
        {"no socket type", FILE_OF(SERVER(HOST PORT)), ""},
        {"no port", FILE_OF(SERVER(HOST SSL)), ""},
        {"no host", FILE_OF(SERVER(PORT SSL)), ""},
        {"incoming servers do not count",
            FILE_OF("<incomingServer type=\"imap\">" GOOD "</incomingServer>"), ""},
        {"another type", FILE_OF("<outgoingServer type=\"exchange\">" GOOD "</outgoingServer>"),
            ""},
        {"no type", FILE_OF("<outgoingServer>" GOOD "</outgoingServer>"), ""},
        {"host by domain", FILE_OF(SERVER("<hostname>mail.%EMAILDOMAIN%</hostname>" PORT SSL)),
            "mail.firma.de:465 implicit ?"},
        {"host in capitals and blanks",
            FILE_OF(SERVER("<hostname>\n SMTP.Firma.DE </hostname>" PORT SSL)),
            "smtp.firma.de:465 implicit ?"},
        {"an unknown placeholder in the user name",
            FILE_OF(SERVER(HOST PORT SSL "<username>%REALNAME%</username>")),
            "smtp.firma.de:465 implicit ?"},
        {"an unknown placeholder in the host",
            FILE_OF(SERVER("<hostname>%MAILHOST%.de</hostname>" PORT SSL)), ""},
        {"a line break in the user name",
            FILE_OF(SERVER(HOST PORT SSL "<username>a&#13;&#10;b</username>")),
            "smtp.firma.de:465 implicit ?"},
        {"an address is no host", FILE_OF(SERVER("<hostname>192.0.2.1</hostname>" PORT SSL)), ""},
        {"a host with a space", FILE_OF(SERVER("<hostname>a b.de</hostname>" PORT SSL)), ""},
        {"a host without a dot", FILE_OF(SERVER("<hostname>localhost</hostname>" PORT SSL)), ""},
        {"port 0", FILE_OF(SERVER(HOST SSL "<port>0</port>")), ""},
        {"port 65536", FILE_OF(SERVER(HOST SSL "<port>65536</port>")), ""},
        {"port with a sign", FILE_OF(SERVER(HOST SSL "<port>+465</port>")), ""},
        {"OAuth2 only", FILE_OF(SERVER(GOOD "<authentication>OAuth2</authentication>")), ""},
        {"OAuth2 and passwords",
            FILE_OF(SERVER(GOOD "<authentication>OAuth2</authentication>"
                                "<authentication>password-cleartext</authentication>")),
            "smtp.firma.de:465 implicit anna@firma.de"},
        {"no login at all", FILE_OF(SERVER(GOOD "<authentication>none</authentication>")), ""},
        {"the first value counts",
            FILE_OF(SERVER(GOOD "<hostname>evil.test</hostname><port>587</port>")),
            "smtp.firma.de:465 implicit anna@firma.de"},
        {"values deeper down do not count", FILE_OF(SERVER("<x>" HOST "</x>" PORT SSL)), ""},
        {"two servers, in their order",
            FILE_OF(SERVER(GOOD) SERVER("<hostname>b.firma.de</hostname>" PORT SSL)),
            "smtp.firma.de:465 implicit anna@firma.de\nb.firma.de:465 implicit ?"},
        {"in CDATA", FILE_OF(SERVER("<hostname><![CDATA[smtp.firma.de]]></hostname>" PORT SSL)),
            "smtp.firma.de:465 implicit ?"},
        {"an empty configuration", FILE_OF(""), ""},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *said = describe(rows[i].xml, strlen(rows[i].xml), &error);
        print_message("# %s\n", rows[i].name);
        assert_null(error);
        assert_string_equal(said, rows[i].says);
    }
}

static void what_is_no_such_file_is_refused(void **state)
{
    static const struct {
        const char *name, *xml;
        AbsError code;
    } rows[] = {
        {"empty", "", ABS_ERROR_PROTOCOL},
        {"a page for people", "<!DOCTYPE html><html><body>Hello</body></html>", ABS_ERROR_PROTOCOL},
        {"HTML that is no XML", "<html><br><p>Hello", ABS_ERROR_PROTOCOL},
        {"cut off", OPEN SERVER(GOOD), ABS_ERROR_PROTOCOL},
        {"an entity of its own", "<!DOCTYPE x [<!ENTITY a \"b\">]><clientConfig>&a;</clientConfig>",
            ABS_ERROR_PROTOCOL},
        {"JSON", "{\"clientConfig\": 1}", ABS_ERROR_PROTOCOL},
        {"not UTF-8", "<clientConfig>\xff\xfe</clientConfig>", ABS_ERROR_PROTOCOL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *said = describe(rows[i].xml, strlen(rows[i].xml), &error);
        print_message("# %s\n", rows[i].name);
        assert_null(said);
        assert_true(g_error_matches(error, ABS_ERROR, (int)rows[i].code));
    }
}

static void size_number_and_values_are_bounded(void **state)
{
    g_autoptr(GString) many = g_string_new(OPEN);
    for (guint i = 0; i < LIMIT_AUTOCONFIG_SERVERS + 5; i++)
        g_string_append(many, SERVER(GOOD));
    g_string_append(many, CLOSE);
    g_autoptr(GPtrArray) servers = autoconfig_read(many->str, many->len, "a@b.de", NULL);
    assert_int_equal(servers->len, LIMIT_AUTOCONFIG_SERVERS);

    g_autoptr(GError) large = NULL;
    g_autofree char *spaces = g_strnfill(LIMIT_AUTOCONFIG_BYTES + 1, ' ');
    assert_null(autoconfig_read(spaces, LIMIT_AUTOCONFIG_BYTES + 1, "a@b.de", &large));
    assert_true(g_error_matches(large, ABS_ERROR, ABS_ERROR_LIMIT));

    g_autoptr(GError) longer = NULL;
    g_autofree char *name = g_strnfill(LIMIT_AUTOCONFIG_FIELD_BYTES + 1, 'a');
    g_autofree char *xml = g_strconcat(OPEN "<outgoingServer type=\"smtp\"><hostname>", name,
        "</hostname></outgoingServer>" CLOSE, NULL);
    assert_null(autoconfig_read(xml, strlen(xml), "a@b.de", &longer));
    assert_true(g_error_matches(longer, ABS_ERROR, ABS_ERROR_LIMIT));

    g_autoptr(GString) deep = g_string_new("<clientConfig>");
    for (guint i = 0; i < 10000; i++)
        g_string_append(deep, "<a>");
    assert_null(autoconfig_read(deep->str, deep->len, "a@b.de", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_read),
        cmocka_unit_test(what_is_no_such_file_is_refused),
        cmocka_unit_test(size_number_and_values_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
