/* Any names, ports and statuses from the DNS, and any file: the judge comes to an end in a few
 * rounds, nothing stays open, and what it proposes is a host name with a port and TLS, or says what
 * is to be filled in. Input: one octet of statuses; then records until a line that says "--", each
 * "port text" on a line of its own; then the file. */
#include "base/limits.h"
#include "provider/discovery.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A list of our own: what it must have, and hosts of every form. */
static const char providers_json[] =
    "{\"schema_version\":1,\"generated\":\"2026\",\"about\":\"\",\"confidence_levels\":{},"
    "\"licence_note\":\"\",\"match_rules\":[],\"sources\":{\"s\":{\"short\":\"s\",\"date\":"
    "\"2026\"}},"
    "\"sender_rules\":{\"r\":{\"text_en\":\"e\",\"text_de\":\"d\"}},\"policy_timeline\":[],"
    "\"providers\":[{\"id\":\"p\",\"name\":\"P\",\"kind\":\"esp\",\"country\":\"DE\","
    "\"featured\":false,\"endpoints\":[{\"host\":\"<w>.p.de\",\"port\":465,\"security\":"
    "\"implicit\","
    "\"confidence\":\"high\",\"sources\":[]},{\"host\":\"b.p.de\",\"port\":587,"
    "\"security\":\"starttls\",\"confidence\":\"high\",\"sources\":[]}],"
    "\"username\":{\"form\":\"full_email\",\"template\":\"{email}\",\"confidence\":\"high\","
    "\"sources\":[]},\"password\":{\"kind\":\"app_password\",\"app_password\":\"no\","
    "\"where_en\":\"e\",\"where_de\":\"d\",\"confidence\":\"high\",\"sources\":[]},\"auth\":{},"
    "\"sender_rule\":{\"rule\":\"r\",\"confidence\":\"high\",\"sources\":[]},"
    "\"spf\":{\"mechanism\":null,\"record\":null,\"confidence\":\"high\",\"sources\":[]},"
    "\"dkim\":{\"type\":\"txt\",\"selectors\":[],\"records\":[],\"enumerable\":false,"
    "\"confidence\":\"high\",\"sources\":[]},\"wrong_hosts\":[{\"host\":\"wrong.p.de\"},"
    "{\"host\":\"old.p.de\",\"right\":\"b.p.de\"}],\"support_url\":\"https://p.de\","
    "\"sources\":[\"s\"]}],\"oauth\":{},\"domain_table\":{},\"mx_suffix_table\":["
    "{\"suffix\":\".p.de\",\"provider\":\"p\",\"use_mx_host_as_smtp\":true},"
    "{\"suffix\":\".r.de\",\"provider\":\"p\",\"prefer_host\":\"s.r.de\"}],"
    "\"mx_filters\":[{\"suffix\":\".f.de\",\"name\":\"F\",\"confidence\":\"high\","
    "\"sources\":[\"s\"]}]}";

static void answer(DnsAnswers *answers, guint8 statuses, char **lines, guint n_lines)
{
    static const DnsStatus known[] = {DNS_FOUND, DNS_NO_NAME, DNS_SERVER_FAIL, DNS_TIMEOUT};
    for (guint i = 0; dns_answers_n_open(answers) > 0; i++) {
        const DnsAnswer *open = dns_answers_open(answers, 0);
        DnsStatus status = known[(statuses >> (2 * (i % 4))) & 3];
        GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)dns_record_free);
        for (guint k = 0; status == DNS_FOUND && k < n_lines; k++) {
            char *end = NULL;
            guint64 port = g_ascii_strtoull(lines[k], &end, 10);
            DnsRecord *record = dns_record_new(*end == ' ' ? end + 1 : end);
            record->port = (guint16)port;
            g_ptr_array_add(records, record);
        }
        dns_answers_put(answers, open->name, open->type, status, records, NULL);
    }
}

static void check(const Discovery *discovery)
{
    guint n_of[DISCOVERY_SOURCES] = {0};
    for (guint i = 0; i < discovery->candidates->len; i++) {
        const DiscoveryCandidate *candidate = discovery->candidates->pdata[i];
        g_assert_true(++n_of[candidate->source] <= LIMIT_DISCOVERY_PROPOSALS);
        g_assert_true(discovery->state[candidate->source] == DISCOVERY_FOUND);
        g_assert_true(candidate->port > 0 && tls_mode_name(candidate->security) != NULL);
        g_assert_true(discovery_confidence_name(candidate->confidence) != NULL);
        if (candidate->host == NULL)
            continue;
        g_assert_true(strspn(candidate->host, "abcdefghijklmnopqrstuvwxyz0123456789-.") ==
                      strlen(candidate->host));
        g_assert_true(
            strcmp(candidate->host, "wrong.p.de") != 0 && strcmp(candidate->host, "old.p.de") != 0);
        g_assert_true(discovery->best->host != NULL);
    }
    g_assert_true((discovery->best != NULL) == (discovery->candidates->len > 0));
    for (guint i = 0; i < DISCOVERY_SOURCES; i++)
        g_assert_true(discovery->state[i] != DISCOVERY_OPEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static ProviderList *list;
    if (list == NULL)
        list = provider_list_new(providers_json, strlen(providers_json), NULL);
    g_assert_true(list != NULL);
    if (n < 1)
        return 0;
    g_autofree char *text = g_strndup((const char *)data + 1, n - 1);
    char *split = strstr(text, "\n--\n");
    const char *file = split == NULL ? "" : split + 4;
    if (split != NULL)
        *split = '\0';
    g_auto(GStrv) lines = g_strsplit(text, "\n", 20);
    g_autoptr(GBytes) xml = g_bytes_new(file, strlen(file));
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    const DiscoveryPage page = {DISCOVERY_PAGE_THERE, xml};
    const DiscoveryQuestion question = {.providers = list,
        .email = "anna@firma.de",
        .wants_public_database = TRUE,
        .pages = {[DISCOVERY_AUTOCONFIG] = page,
            [DISCOVERY_WELL_KNOWN] = page,
            [DISCOVERY_PUBLIC_DATABASE] = page}};
    for (guint round = 0;; round++) {
        g_autoptr(Discovery) discovery = discovery_judge(&question, answers);
        g_assert_true(round < 3);
        if (dns_answers_n_open(answers) == 0) {
            check(discovery);
            return 0;
        }
        answer(answers, data[0], lines, g_strv_length(lines));
    }
}
