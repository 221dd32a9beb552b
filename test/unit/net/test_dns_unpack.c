#include "base/limits.h"
#include "net/dns_unpack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NO_ERROR 0
#define SERVFAIL 2
#define NXDOMAIN 3

/* --- writing messages (RFC 1035 4.1) -----------------------------------------------------------
 */

static void put_16(GByteArray *out, guint value)
{
    const guint8 bytes[] = {(guint8)(value >> 8), (guint8)value};
    g_byte_array_append(out, bytes, sizeof bytes);
}

static void put_name(GByteArray *out, const char *name)
{
    g_auto(GStrv) labels = g_strsplit(name, ".", -1);
    for (char **label = labels; *label != NULL && **label != '\0'; label++) {
        const guint8 n = (guint8)strlen(*label);
        g_byte_array_append(out, &n, 1);
        g_byte_array_append(out, (const guint8 *)*label, n);
    }
    g_byte_array_append(out, (const guint8 *)"", 1);
}

static GByteArray *message_new(guint rcode, const char *question, DnsType type)
{
    GByteArray *out = g_byte_array_new();
    put_16(out, 0x1234);
    put_16(out, 0x8180 | rcode);
    put_16(out, 1);
    put_16(out, 0);
    put_16(out, 0);
    put_16(out, 0);
    put_name(out, question);
    put_16(out, (guint)type);
    put_16(out, 1);
    return out;
}

static void add_record(GByteArray *out, const char *owner, DnsType type, const void *data, gsize n)
{
    guint n_answers = (guint)out->data[6] << 8 | out->data[7];
    out->data[6] = (guint8)((n_answers + 1) >> 8);
    out->data[7] = (guint8)(n_answers + 1);
    put_name(out, owner);
    put_16(out, (guint)type);
    put_16(out, 1);
    put_16(out, 0);
    put_16(out, 60);
    put_16(out, (guint)n);
    g_byte_array_append(out, data, (guint)n);
}

static void add_alias(GByteArray *out, const char *owner, const char *target)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    put_name(data, target);
    add_record(out, owner, DNS_TYPE_CNAME, data->data, data->len);
}

static void add_mx(GByteArray *out, const char *owner, guint priority, const char *host)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    put_16(data, priority);
    put_name(data, host);
    add_record(out, owner, DNS_TYPE_MX, data->data, data->len);
}

/* "1 text, text -> canonical": the status, the records' texts and where CNAMEs led. The caller
 * frees. */
static char *unpack(const GByteArray *message, DnsType type)
{
    g_autoptr(GPtrArray) records = NULL;
    g_autofree char *canonical = NULL;
    DnsStatus status = net_dns_unpack(message->data, message->len, type, &records, &canonical);
    GString *text = g_string_new(NULL);
    g_string_printf(text, "%d", (int)status);
    for (guint i = 0; i < records->len; i++)
        g_string_append_printf(
            text, "%s%s", i == 0 ? " " : ", ", ((DnsRecord *)records->pdata[i])->text);
    if (canonical != NULL)
        g_string_append_printf(text, " -> %s", canonical);
    return g_string_free(text, FALSE);
}

static void assert_unpacks(GByteArray *message, DnsType type, const char *wanted)
{
    g_autofree char *text = unpack(message, type);
    assert_string_equal(text, wanted);
    g_byte_array_unref(message);
}

static const guint8 address[] = {192, 0, 2, 1};

/* --- the tests ---------------------------------------------------------------------------------
 */

static void strings_of_a_text_are_joined_without_a_gap(void **state)
{
    static const struct {
        const char *name, *data;
        gsize n;
        const char *answer;
    } cases[] = {
        {"one", "\005hello", 6, "1 hello"},
        {"two", "\007v=spf1 \004-all", 13, "1 v=spf1 -all"},
        {"an empty one between", "\001a\000\001b", 5, "1 ab"},
        {"only an empty one", "\000", 1, "1 "},
        {"a NUL inside", "\003a\000b", 4, "1 a\001b"},
        {"a length beyond the record", "\006hello", 6, "4"},
        {"a length beyond the message", "\377hello", 6, "4"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        GByteArray *message = message_new(NO_ERROR, "a.test", DNS_TYPE_TXT);
        add_record(message, "a.test", DNS_TYPE_TXT, cases[i].data, cases[i].n);
        assert_unpacks(message, DNS_TYPE_TXT, cases[i].answer);
    }
}

static void mail_hosts_come_by_priority(void **state)
{
    GByteArray *message = message_new(NO_ERROR, "a.test", DNS_TYPE_MX);
    add_mx(message, "a.test", 20, "second.test");
    add_mx(message, "a.test", 5, "first.test");
    add_mx(message, "a.test", 20, "third.test");
    assert_unpacks(message, DNS_TYPE_MX, "1 first.test, second.test, third.test");
    message = message_new(NO_ERROR, "a.test", DNS_TYPE_MX);
    add_mx(message, "a.test", 0, "");
    assert_unpacks(message, DNS_TYPE_MX, "1 "); /* RFC 7505: takes no mail */
}

static void records_of_others_are_not_taken(void **state)
{
    GByteArray *message = message_new(NO_ERROR, "a.test", DNS_TYPE_A);
    add_record(message, "b.test", DNS_TYPE_A, address, sizeof address);
    add_record(message, "a.test", DNS_TYPE_TXT, "\001x", 2);
    assert_unpacks(message, DNS_TYPE_A, "2");
    message = message_new(NO_ERROR, "A.test", DNS_TYPE_A);
    add_record(message, "a.TEST", DNS_TYPE_A, address, sizeof address);
    assert_unpacks(message, DNS_TYPE_A, "1 192.0.2.1");
}

static void aliases_are_followed_to_the_end(void **state)
{
    GByteArray *message = message_new(NO_ERROR, "a.test", DNS_TYPE_A);
    add_record(message, "c.test", DNS_TYPE_A, address, sizeof address); /* any order */
    add_alias(message, "b.test", "c.test");
    add_alias(message, "a.test", "b.test");
    assert_unpacks(message, DNS_TYPE_A, "1 192.0.2.1 -> c.test");
    message = message_new(NXDOMAIN, "a.test", DNS_TYPE_A);
    add_alias(message, "a.test", "gone.test");
    assert_unpacks(message, DNS_TYPE_A, "3 -> gone.test");
    message = message_new(NO_ERROR, "a.test", DNS_TYPE_TXT);
    add_alias(message, "a.test", "b.test");
    assert_unpacks(message, DNS_TYPE_TXT, "2 -> b.test");
    message = message_new(NO_ERROR, "a.test", DNS_TYPE_CNAME);
    add_alias(message, "a.test", "b.test");
    assert_unpacks(message, DNS_TYPE_CNAME, "1 b.test");
}

static GByteArray *chain_of(guint n_aliases)
{
    GByteArray *message = message_new(NO_ERROR, "n0.test", DNS_TYPE_A);
    for (guint i = 0; i < n_aliases; i++) {
        g_autofree char *from = g_strdup_printf("n%u.test", i);
        g_autofree char *to = g_strdup_printf("n%u.test", i + 1);
        add_alias(message, from, to);
    }
    g_autofree char *last = g_strdup_printf("n%u.test", n_aliases);
    add_record(message, last, DNS_TYPE_A, address, sizeof address);
    return message;
}

static void loops_and_endless_chains_of_aliases_are_failures(void **state)
{
    GByteArray *message = message_new(NO_ERROR, "a.test", DNS_TYPE_A);
    add_alias(message, "a.test", "b.test");
    add_alias(message, "b.test", "a.test");
    assert_unpacks(message, DNS_TYPE_A, "4");
    message = message_new(NO_ERROR, "a.test", DNS_TYPE_A);
    add_alias(message, "a.test", "a.test");
    assert_unpacks(message, DNS_TYPE_A, "4");
    assert_unpacks(chain_of(LIMIT_DNS_ALIASES), DNS_TYPE_A, "1 192.0.2.1 -> n8.test");
    assert_unpacks(chain_of(LIMIT_DNS_ALIASES + 1), DNS_TYPE_A, "4");
    message = message_new(NO_ERROR, "a.test", DNS_TYPE_A); /* two for one name */
    add_alias(message, "a.test", "b.test");
    add_alias(message, "a.test", "c.test");
    assert_unpacks(message, DNS_TYPE_A, "4");
}

static void response_codes_become_statuses(void **state)
{
    assert_unpacks(message_new(NO_ERROR, "a.test", DNS_TYPE_A), DNS_TYPE_A, "2");
    assert_unpacks(message_new(NXDOMAIN, "a.test", DNS_TYPE_A), DNS_TYPE_A, "3");
    assert_unpacks(message_new(SERVFAIL, "a.test", DNS_TYPE_A), DNS_TYPE_A, "4");
    GByteArray *message = message_new(SERVFAIL, "a.test", DNS_TYPE_A);
    add_record(message, "a.test", DNS_TYPE_A, address, sizeof address);
    assert_unpacks(message, DNS_TYPE_A, "4"); /* what came with it does not count */
}

static void data_that_does_not_fit_its_type_is_a_failure(void **state)
{
    static const struct {
        const char *name;
        DnsType type;
        const char *data;
        gsize n;
    } cases[] = {
        {"A of three octets", DNS_TYPE_A, "\300\000\002", 3},
        {"A of five octets", DNS_TYPE_A, "\300\000\002\001\001", 5},
        {"AAAA of four octets", DNS_TYPE_AAAA, "\300\000\002\001", 4},
        {"MX without a host", DNS_TYPE_MX, "\000\012", 2},
        {"MX of one octet", DNS_TYPE_MX, "\000", 1},
        {"MX with something behind", DNS_TYPE_MX, "\000\012\001a\000x", 6},
        {"SRV without a port", DNS_TYPE_SRV, "\000\001\000\001", 4},
        {"CNAME without its end", DNS_TYPE_CNAME, "\001a", 2},
        {"a name that points to itself", DNS_TYPE_CNAME, "\300\052", 2},
        {"a name that points behind the message", DNS_TYPE_PTR, "\377\377", 2},
        {"a reserved kind of label", DNS_TYPE_PTR, "\200a\000", 3},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        GByteArray *message = message_new(NO_ERROR, "a.test", cases[i].type);
        add_record(message, "a.test", cases[i].type, cases[i].data, cases[i].n);
        assert_unpacks(message, cases[i].type, "4");
    }
}

static void a_message_cut_anywhere_is_a_failure(void **state)
{
    g_autoptr(GByteArray) message = message_new(NO_ERROR, "a.test", DNS_TYPE_MX);
    add_mx(message, "a.test", 10, "first.test");
    add_mx(message, "a.test", 20, "second.test");
    for (guint n = 0; n < message->len; n++) {
        g_autofree guint8 *cut = g_memdup2(message->data, n);
        g_autoptr(GPtrArray) records = NULL;
        g_autofree char *canonical = NULL;
        assert_int_equal(
            net_dns_unpack(cut, n, DNS_TYPE_MX, &records, &canonical), DNS_SERVER_FAIL);
        assert_int_equal(records->len, 0);
    }
    g_autofree char *whole = unpack(message, DNS_TYPE_MX);
    assert_string_equal(whole, "1 first.test, second.test");
}

static void more_records_than_the_limit_are_left_out(void **state)
{
    g_autoptr(GByteArray) message = message_new(NO_ERROR, "a.test", DNS_TYPE_A);
    for (guint i = 0; i < LIMIT_DNS_RECORDS + 9; i++)
        add_record(message, "a.test", DNS_TYPE_A, address, sizeof address);
    g_autoptr(GPtrArray) records = NULL;
    g_autofree char *canonical = NULL;
    assert_int_equal(
        net_dns_unpack(message->data, message->len, DNS_TYPE_A, &records, &canonical), DNS_FOUND);
    assert_int_equal(records->len, LIMIT_DNS_RECORDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_of_a_text_are_joined_without_a_gap),
        cmocka_unit_test(mail_hosts_come_by_priority),
        cmocka_unit_test(records_of_others_are_not_taken),
        cmocka_unit_test(aliases_are_followed_to_the_end),
        cmocka_unit_test(loops_and_endless_chains_of_aliases_are_failures),
        cmocka_unit_test(response_codes_become_statuses),
        cmocka_unit_test(data_that_does_not_fit_its_type_is_a_failure),
        cmocka_unit_test(a_message_cut_anywhere_is_a_failure),
        cmocka_unit_test(more_records_than_the_limit_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
