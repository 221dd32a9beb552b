/* Records of the DNS as lines, "NAME TEXT", for a domain and for what they refer to: SPF, DKIM and
 * DMARC are judged, and what is proposed holds: it is an SPF record without permerror that lets the
 * provider pass. */
#include "domain/domain.h"
#include "domain/spf.h"

#include <string.h>

#define DOMAIN "d.example"
#define PROVIDER "p.example"
#define PROVIDER_RECORD "v=spf1 ip4:203.0.113.0/24 -all"
#define ROUNDS 60

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

/* "TEXT" of the lines that begin with "NAME ". A name of one letter stands below "example"; "_…"
 * below the domain. */
static DnsStatus records_of(char **lines, const char *name, GPtrArray *records)
{
    for (guint i = 0; lines[i]; i++) {
        const char *space = strchr(lines[i], ' ');
        g_autofree char *first = g_strndup(lines[i], space ? (gsize)(space - lines[i]) : 0);
        g_autofree char *full = g_strconcat(first, *first == '_' ? "." DOMAIN : ".example", NULL);
        if (space && g_ascii_strcasecmp(full, name) == 0)
            g_ptr_array_add(records, dns_record_new(space + 1));
    }
    return records->len > 0 ? DNS_FOUND : name[0] % 5 == 0 ? DNS_TIMEOUT : DNS_NO_NAME;
}

static void answer(char **lines, DnsAnswers *answers)
{
    for (guint n = dns_answers_n_open(answers); n > 0; n--) {
        const DnsAnswer *question = dns_answers_open(answers, 0);
        g_autofree char *name = g_strdup(question->name);
        DnsType type = question->type;
        GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)dns_record_free);
        DnsStatus status = DNS_NO_DATA;
        if (type == DNS_TYPE_A || type == DNS_TYPE_AAAA || type == DNS_TYPE_MX) {
            const char *text = type == DNS_TYPE_A      ? "192.0.2.1"
                               : type == DNS_TYPE_AAAA ? "2001:db8::1"
                                                       : "m.example";
            if (strlen(name) % 3 != 0)
                g_ptr_array_add(records, dns_record_new(text));
            status = records->len > 0 ? DNS_FOUND : DNS_NO_NAME;
        } else if (type == DNS_TYPE_TXT && strcmp(name, PROVIDER) == 0) {
            g_ptr_array_add(records, dns_record_new(PROVIDER_RECORD));
            status = DNS_FOUND;
        } else if (type == DNS_TYPE_TXT) {
            status = records_of(lines, name, records);
        }
        dns_answers_put(answers, name, type, status, records, NULL);
    }
}

static void proposal_holds(const char *value, DnsAnswers *answers)
{
    g_assert(spf_record_is_one(value));
    g_autoptr(SpfRecord) record = spf_record_parse(value, NULL);
    g_assert(record);
    g_autoptr(SpfSurvey) survey = spf_survey(value, DOMAIN, PROVIDER, answers);
    g_assert(!survey->is_permerror && !survey->is_open && !survey->is_failed);
    g_assert(survey->contains_provider);
    g_assert(survey->n_lookups <= 10 && survey->n_voids <= 2);
}

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    static const char *const selectors[] = {"a", "b", NULL};
    static const char *const addresses[] = {"203.0.113.7", NULL};
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 20);
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    const DomainQuestion question = {.domain = DOMAIN,
        .provider = "Provider",
        .spf_mechanism = "include:" PROVIDER,
        .is_spf_needed = TRUE,
        .selectors = selectors,
        .learned_addresses = size % 2 ? addresses : NULL};
    DomainCheck *check = domain_check(&question, answers);
    for (guint round = 0; dns_answers_n_open(answers) > 0; round++) {
        g_assert(round < ROUNDS); /* it comes to an end */
        answer(lines, answers);
        domain_check_free(check);
        check = domain_check(&question, answers);
    }
    g_assert(check->spf.text && check->dkim.text && check->dmarc.text);
    if (check->spf.proposal)
        proposal_holds(check->spf.proposal->value, answers);
    g_assert(check->spf.verdict != DOMAIN_GOOD || !check->spf.proposal);
    domain_check_free(check);
    return 0;
}
