#include "base/error.h"
#include "mime/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define L64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define L63 "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void good_addresses_are_kept_as_on_the_wire(void **state)
{
    static const struct {
        const char *name, *in, *local, *domain;
        gboolean needs_smtputf8;
    } cases[] = {
        {"plain", "anna@example.de", "anna", "example.de", FALSE},
        {"domain in capitals", "Anna@EXAMPLE.De", "Anna", "example.de", FALSE},
        {"dots and plus", "a.b+c@example.de", "a.b+c", "example.de", FALSE},
        {"every atext special", "!#$%&'*+-/=^_`{|}~@x.de", "!#$%&'*+-/=^_`{|}~", "x.de", FALSE},
        {"question mark", "what?@x.de", "what?", "x.de", FALSE},
        {"leading hyphen", "-oQx@x.de", "-oQx", "x.de", FALSE},
        {"one label", "root@localhost", "root", "localhost", FALSE},
        {"longest local part", L64 "@x.de", L64, "x.de", FALSE},
        {"quoted space", "\"a b\"@x.de", "\"a b\"", "x.de", FALSE},
        {"quoted at", "\"a@b\"@x.de", "\"a@b\"", "x.de", FALSE},
        {"quoted brackets", "\"a> <b\"@x.de", "\"a> <b\"", "x.de", FALSE},
        {"needless quotes", "\"anna\"@x.de", "anna", "x.de", FALSE},
        {"needless backslash", "\"an\\na\"@x.de", "anna", "x.de", FALSE},
        {"needed backslash", "\"a\\\"b\\\\\"@x.de", "\"a\\\"b\\\\\"", "x.de", FALSE},
        {"quoted dots", "\"a..b\"@x.de", "\"a..b\"", "x.de", FALSE},
        {"international domain", "anna@müller.de", "anna", "xn--mller-kva.de", FALSE},
        {"sharp s is its own letter", "a@straße.de", "a", "xn--strae-oqa.de", FALSE},
        {"A-label", "a@XN--MLLER-KVA.de", "a", "xn--mller-kva.de", FALSE},
        {"international local part", "jörg@x.de", "jörg", "x.de", TRUE},
        {"Chinese", "用户@例子.测试", "用户", "xn--fsqu00a.xn--0zwm56d", TRUE},
        {"IPv4 literal", "a@[192.0.2.1]", "a", "[192.0.2.1]", FALSE},
        {"IPv6 literal", "a@[ipv6:2001:DB8:0::1]", "a", "[IPv6:2001:db8::1]", FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MimeAddress) a = mime_address_parse(cases[i].in, &error);
        if (a == NULL)
            fail_msg("%s: %s", cases[i].name, error->message);
        assert_string_equal(a->local_part, cases[i].local);
        assert_string_equal(a->domain, cases[i].domain);
        g_autofree char *both = g_strdup_printf("%s@%s", cases[i].local, cases[i].domain);
        assert_string_equal(a->addr_spec, both);
        assert_int_equal(a->needs_smtputf8, cases[i].needs_smtputf8);
        assert_null(a->name);
    }
}

static void bad_addresses_are_refused_with_the_place(void **state)
{
    static const struct {
        const char *name, *in, *message;
    } cases[] = {
        {"nothing", "", "empty"},
        {"no at", "anna", "Character 5: the @"},
        {"no local part", "@x.de", "Character 1:"},
        {"no domain", "anna@", "Character 6:"},
        {"two ats", "a@b@c.de", "Character 3:"},
        {"space", "a b@x.de", "Character 2:"},
        {"space in front", " a@x.de", "Character 1:"},
        {"space behind", "a@x.de ", "Character 3:"},
        {"leading dot", ".a@x.de", "Character 1:"},
        {"trailing dot", "a.@x.de", "Character 2:"},
        {"two dots", "a..b@x.de", "Character 2:"},
        {"comment", "a(b)@x.de", "Character 2:"},
        {"comment in the domain", "a@(b)x.de", "Character 3:"},
        {"route", "@a,@b:c@x.de", "Character 1:"},
        {"group", "g:a@x.de;", "Character 2:"},
        {"brackets", "<a@x.de>", "Character 1:"},
        {"text behind the bracket", "<a@x.de>@y.de", "Character 1:"},
        {"list", "a@x.de,b@x.de", "Character 3:"},
        {"encoded word", "=?utf-8?q?a?=@x.de", "encoded words"},
        {"quoted encoded word", "\"=?utf-8?q?a=40b?=\"@x.de", "encoded words"},
        {"quote without end", "\"a@x.de", "no end"},
        {"backslash at the end", "\"a\\", "no end"},
        {"quote inside", "a\"b\"@x.de", "Character 2:"},
        {"text behind the quote", "\"a\"b@x.de", "Character 4:"},
        {"empty quotes", "\"\"@x.de", "empty"},
        {"CR LF", "a@x.de\r\nRCPT TO:<b@x.de>", "Character 7: control"},
        {"LF in quotes", "\"a\nb\"@x.de", "Character 3: control"},
        {"NEL", "a\xc2\x85@x.de", "Character 2: control"},
        {"invalid UTF-8", "a\xff@x.de", "Character 2: this is not valid UTF-8"},
        {"zero-width space", "a\xe2\x80\x8b@x.de", "Character 2:"},
        {"right-to-left override", "a\xe2\x80\xae@x.de", "Character 2:"},
        {"no-break space in quotes", "\"a\xc2\xa0\"@x.de", "invisible"},
        {"local part too long", L64 "x@x.de", "64 octets"},
        {"address too long", L64 "@" L63 "." L63 "." L63, "254 octets"},
        {"bare IPv4", "a@192.0.2.1", "number"},
        {"literal without end", "a@[192.0.2.1", "brackets"},
        {"IPv6 without its tag", "a@[2001:db8::1]", "brackets"},
        {"name as a literal", "a@[example.de]", "brackets"},
        {"final dot", "a@x.de.", "dot"},
        {"underscore", "a@x_y.de", "Only letters"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MimeAddress) a = mime_address_parse(cases[i].in, &error);
        if (a != NULL)
            fail_msg("%s: read as %s", cases[i].name, a->addr_spec);
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
        if (strstr(error->message, cases[i].message) == NULL)
            fail_msg("%s: %s", cases[i].name, error->message);
    }
    assert_null(mime_address_parse(NULL, NULL));
}

static void mailboxes_give_name_and_address(void **state)
{
    static const struct {
        const char *name, *in, *display, *addr_spec, *out;
    } cases[] = {
        {"bare", "a@x.de", NULL, "a@x.de", "a@x.de"},
        {"bare in brackets", "<a@x.de>", NULL, "a@x.de", "a@x.de"},
        {"name", "Anna Müller <a@x.de>", "Anna Müller", "a@x.de", "Anna Müller <a@x.de>"},
        {"dots in the name", "Acme Inc. <a@x.de>", "Acme Inc.", "a@x.de", "Acme Inc. <a@x.de>"},
        {"no space", "Anna<a@x.de>", "Anna", "a@x.de", "Anna <a@x.de>"},
        {"spaces around", "  Anna  <a@x.de>  ", "Anna", "a@x.de", "Anna <a@x.de>"},
        {"quoted comma", "\"Müller, Anna\" <a@x.de>", "Müller, Anna", "a@x.de",
            "\"Müller, Anna\" <a@x.de>"},
        {"quoted address", "\"b@y.de\" <a@x.de>", "b@y.de", "a@x.de", "\"b@y.de\" <a@x.de>"},
        {"needless quotes", "\"Anna\" <a@x.de>", "Anna", "a@x.de", "Anna <a@x.de>"},
        {"escapes", "\"a \\\"b\\\" \\\\c\"<a@x.de>", "a \"b\" \\c", "a@x.de",
            "\"a \\\"b\\\" \\\\c\" <a@x.de>"},
        {"empty name", "\"\" <a@x.de>", NULL, "a@x.de", "a@x.de"},
        {"quoted local part", "Anna <\"a b\"@x.de>", "Anna", "\"a b\"@x.de", "Anna <\"a b\"@x.de>"},
        {"encoded words are text", "=?utf-8?q?a?= <a@x.de>", "=?utf-8?q?a?=", "a@x.de",
            "=?utf-8?q?a?= <a@x.de>"},
        {"emoji", "😀 Team <a@x.de>", "😀 Team", "a@x.de", "😀 Team <a@x.de>"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MimeAddress) a = mime_mailbox_parse(cases[i].in, &error);
        if (a == NULL)
            fail_msg("%s: %s", cases[i].name, error->message);
        assert_true(g_strcmp0(a->name, cases[i].display) == 0);
        assert_string_equal(a->addr_spec, cases[i].addr_spec);
        g_autofree char *out = mime_mailbox_format(a);
        assert_string_equal(out, cases[i].out);
        g_autoptr(MimeAddress) again = mime_mailbox_parse(out, NULL);
        assert_non_null(again);
        assert_true(g_strcmp0(again->name, a->name) == 0);
        assert_true(mime_address_equal(again, a));
    }
}

static void ambiguous_mailboxes_are_refused(void **state)
{
    static const char *const bad[] = {"Müller, Anna <a@x.de>", "a@evil.de <a@x.de>",
        "Anna (Sales) <a@x.de>", "Anna <a@x.de> <b@x.de>", "Anna <a@x.de>, <b@x.de>",
        "Anna <a@x.de", "Anna a@x.de>", "\"Anna <a@x.de>", "\"Anna\" x <a@x.de>", "\"Anna\"",
        "g: <a@x.de>", "Anna <>", "<>", "", " ", "Anna <a@x.de >",
        "An\r\nBcc: b@x.de\r\nna <a@x.de>", "\"An\nna\" <a@x.de>", "a@x.de\r\n", "\xff <a@x.de>"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        if (mime_mailbox_parse(bad[i], &error) != NULL)
            fail_msg("read: %s", bad[i]);
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
    }
    assert_null(mime_mailbox_parse(NULL, NULL));
}

static void names_have_a_limit(void **state)
{
    g_autofree char *name = g_strnfill(257, 'a');
    assert_null(mime_address_new(name, "a@x.de", NULL));
    name[256] = '\0';
    g_autoptr(MimeAddress) a = mime_address_new(name, "a@x.de", NULL);
    assert_string_equal(a->name, name);
}

static void the_same_mailbox_is_equal(void **state)
{
    g_autoptr(MimeAddress) a = mime_address_new("Anna", "Anna@Example.de", NULL);
    g_autoptr(MimeAddress) b = mime_address_new("Other", "\"Anna\"@EXAMPLE.DE", NULL);
    g_autoptr(MimeAddress) c = mime_address_new("Anna", "anna@example.de", NULL);
    g_autoptr(MimeAddress) copy = mime_address_copy(a);
    assert_true(mime_address_equal(a, b));
    assert_false(mime_address_equal(a, c));
    assert_true(mime_address_equal(a, copy));
    assert_string_equal(copy->name, "Anna");
    assert_null(mime_address_copy(NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses_are_kept_as_on_the_wire),
        cmocka_unit_test(bad_addresses_are_refused_with_the_place),
        cmocka_unit_test(mailboxes_give_name_and_address),
        cmocka_unit_test(ambiguous_mailboxes_are_refused),
        cmocka_unit_test(names_have_a_limit),
        cmocka_unit_test(the_same_mailbox_is_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
