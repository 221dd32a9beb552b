/* The judge with the real list of providers, a scripted DNS and scripted files. */
#include "provider/discovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define XML(host, port, socket)                                                         \
    "<clientConfig><emailProvider><outgoingServer type=\"smtp\"><hostname>" host        \
    "</hostname><port>" port "</port><socketType>" socket                               \
    "</socketType><username>%EMAILADDRESS%</username></outgoingServer></emailProvider>" \
    "</clientConfig>"

static int load(void **state)
{
    g_autofree char *path =
        g_build_filename(g_getenv("ABSENDER_SOURCE"), "data", "providers.json", NULL);
    g_autofree char *json = NULL;
    gsize n = 0;
    if (!g_file_get_contents(path, &json, &n, NULL))
        return -1;
    *state = provider_list_new(json, n, NULL);
    return *state == NULL ? -1 : 0;
}

static int drop(void **state)
{
    provider_list_free(*state);
    return 0;
}

/* --- A world to discover --------------------------------------------------------------------- */

typedef struct {
    const char *mx; /* "host" or "host host" by preference; "timeout", "fail"; NULL: no such name */
    const char
        *srv; /* "submissions host:port" or "submission host:port", comma between; the same */
    const char *autoconfig;      /* the file; "fail"; NULL: none */
    const char *well_known;      /* the same */
    const char *public_database; /* the same */
    gboolean wants_public_database;
} Scene;

static DnsStatus add_srv(GPtrArray *records, const char *zone, const char *service)
{
    g_auto(GStrv) entries = g_strsplit(zone, ",", -1);
    for (guint i = 0; entries[i] != NULL; i++) {
        g_auto(GStrv) words = g_strsplit(entries[i], " ", 2);
        if (strcmp(words[0], service) != 0)
            continue;
        g_auto(GStrv) parts = g_strsplit(words[1], ":", 2);
        DnsRecord *record = dns_record_new(parts[0]);
        record->port = (guint16)g_ascii_strtoull(parts[1], NULL, 10);
        g_ptr_array_add(records, record);
    }
    return records->len > 0 ? DNS_FOUND : DNS_NO_NAME;
}

static DnsStatus look_up(const Scene *scene, const DnsAnswer *question, GPtrArray *records)
{
    const char *zone = question->type == DNS_TYPE_MX ? scene->mx : scene->srv;
    if (zone == NULL)
        return DNS_NO_NAME;
    if (strcmp(zone, "timeout") == 0)
        return DNS_TIMEOUT;
    if (strcmp(zone, "fail") == 0)
        return DNS_SERVER_FAIL;
    if (question->type == DNS_TYPE_SRV)
        return add_srv(records, zone,
            g_str_has_prefix(question->name, "_submissions.") ? "submissions" : "submission");
    g_auto(GStrv) hosts = g_strsplit(zone, " ", -1);
    for (guint i = 0; hosts[i] != NULL; i++)
        g_ptr_array_add(records, dns_record_new(hosts[i]));
    return DNS_FOUND;
}

static void answer_all(const Scene *scene, DnsAnswers *answers)
{
    while (dns_answers_n_open(answers) > 0) {
        const DnsAnswer *open = dns_answers_open(answers, 0);
        GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)dns_record_free);
        DnsStatus status = look_up(scene, open, records);
        assert_true(dns_answers_put(answers, open->name, open->type, status, records, NULL));
    }
}

static DiscoveryPage page_of(const char *xml)
{
    if (xml == NULL)
        return (DiscoveryPage){.state = DISCOVERY_PAGE_NONE};
    if (strcmp(xml, "fail") == 0)
        return (DiscoveryPage){.state = DISCOVERY_PAGE_FAILED};
    return (DiscoveryPage){
        .state = DISCOVERY_PAGE_THERE, .xml = g_bytes_new_static(xml, strlen(xml))};
}

static void open_pages(const Scene *scene, const Discovery *discovery, DiscoveryQuestion *question)
{
    const char *const files[DISCOVERY_SOURCES] = {[DISCOVERY_AUTOCONFIG] = scene->autoconfig,
        [DISCOVERY_WELL_KNOWN] = scene->well_known,
        [DISCOVERY_PUBLIC_DATABASE] = scene->public_database};
    for (guint i = DISCOVERY_AUTOCONFIG; i < DISCOVERY_SOURCES; i++) {
        if (discovery->state[i] == DISCOVERY_OPEN)
            question->pages[i] = page_of(files[i]);
    }
}

static gboolean waits_for_page(const Discovery *discovery)
{
    for (guint i = DISCOVERY_AUTOCONFIG; i < DISCOVERY_SOURCES; i++) {
        if (discovery->state[i] == DISCOVERY_OPEN)
            return TRUE;
    }
    return FALSE;
}

/* Answers what is open until nothing is. *n_rounds: of DNS. */
static Discovery *discover(
    const ProviderList *list, const char *email, const Scene *scene, guint *n_rounds)
{
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    DiscoveryQuestion question = {
        .providers = list, .email = email, .wants_public_database = scene->wants_public_database};
    *n_rounds = 0;
    for (;;) {
        Discovery *discovery = discovery_judge(&question, answers);
        if (dns_answers_n_open(answers) > 0) {
            answer_all(scene, answers);
            ++*n_rounds;
        } else if (waits_for_page(discovery)) {
            open_pages(scene, discovery, &question);
        } else {
            for (guint i = 0; i < DISCOVERY_SOURCES; i++)
                g_clear_pointer(&question.pages[i].xml, g_bytes_unref);
            return discovery;
        }
        discovery_free(discovery);
    }
}

/* "found nothing skipped skipped skipped skipped" in the order of the sources. */
static char *states_text(const Discovery *discovery)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < DISCOVERY_SOURCES; i++)
        g_string_append_printf(
            text, "%s%s", i > 0 ? " " : "", discovery_state_name(discovery->state[i]));
    return g_string_free(text, FALSE);
}

/* "mx ionos smtp.ionos.de:465 implicit info@firma.de high"; "?" for what is open. */
static char *best_text(const Discovery *discovery)
{
    const DiscoveryCandidate *best = discovery->best;
    if (best == NULL)
        return g_strdup("nothing");
    return g_strdup_printf("%s %s %s:%u %s %s %s", discovery_source_name(best->source),
        best->provider ? best->provider->id : "-", best->host ? best->host : "?", best->port,
        tls_mode_name(best->security), best->username ? best->username : "?",
        discovery_confidence_name(best->confidence));
}

/* --- Statements ------------------------------------------------------------------------------ */

static void the_first_source_with_a_host_is_the_best(void **state)
{
    static const struct {
        const char *name, *email;
        Scene scene;
        const char *states, *best;
        guint n_rounds;
    } rows[] = {
        {"a domain of the table asks nobody", "anna@gmx.de", {.mx = "timeout"},
            "found skipped skipped skipped skipped skipped",
            "domain_table gmx mail.gmx.net:465 implicit anna@gmx.de high", 0},
        {"a user name by local part", "anna@web.de", {0},
            "found skipped skipped skipped skipped skipped",
            "domain_table webde smtp.web.de:465 implicit anna high", 0},
        {"a region by domain", "anna@zohomail.in", {.mx = "timeout"},
            "found skipped skipped skipped skipped skipped",
            "domain_table zoho smtp.zoho.in:465 implicit anna@zohomail.in high", 0},
        {"a region by MX", "info@firma.de", {.mx = "mx.zoho.com"},
            "nothing found skipped skipped skipped skipped",
            "mx zoho smtppro.zoho.com:465 implicit info@firma.de high", 1},
        {"a hoster by MX", "info@firma.de", {.mx = "mx00.kundenserver.de mx01.kundenserver.de"},
            "nothing found skipped skipped skipped skipped",
            "mx ionos smtp.ionos.de:465 implicit info@firma.de high", 1},
        {"a region's host by MX", "info@firm.co.uk", {.mx = "mx00.ionos.co.uk"},
            "nothing found skipped skipped skipped skipped",
            "mx ionos smtp.ionos.co.uk:465 implicit info@firm.co.uk high", 1},
        {"the MX host itself", "info@firma.de", {.mx = "w0123456.kasserver.com"},
            "nothing found skipped skipped skipped skipped",
            "mx allinkl w0123456.kasserver.com:465 implicit ? high", 1},
        {"Microsoft has no 465", "info@firma.de", {.mx = "firma-de.mail.protection.outlook.com"},
            "nothing found skipped skipped skipped skipped",
            "mx microsoft365 smtp.office365.com:587 starttls info@firma.de high", 1},
        {"a filter in front", "info@firma.de", {.mx = "filter.example.net smtp.rzone.de"},
            "nothing found skipped skipped skipped skipped",
            "mx strato smtp.strato.de:465 implicit info@firma.de high", 1},
        {"a host to be filled in", "info@firma.de", {.mx = "mx0.hosteurope.de"},
            "nothing found nothing nothing nothing skipped",
            "mx hosteurope ?:465 implicit ? medium", 1},
        {"SRV names what the MX left open", "info@firma.de",
            {.mx = "mx0.hosteurope.de", .srv = "submissions wp12.mailout.server-he.de:465"},
            "nothing found found skipped skipped skipped",
            "srv hosteurope wp12.mailout.server-he.de:465 implicit ? medium", 1},
        {"SRV with TLS first", "info@firma.de",
            {.srv = "submission a.firma.de:587,submissions b.firma.de:465"},
            "nothing nothing found skipped skipped skipped",
            "srv - b.firma.de:465 implicit info@firma.de medium", 1},
        {"465 is TLS, whatever the label says", "info@firma.de",
            {.srv = "submission mail.gandi.net:465"},
            "nothing nothing found skipped skipped skipped",
            "srv gandi mail.gandi.net:465 implicit info@firma.de medium", 1},
        {"a service that is not there", "info@firma.de", {.srv = "submissions .:0"},
            "nothing nothing nothing nothing nothing skipped", "nothing", 1},
        {"a null MX", "info@firma.de", {.mx = "."},
            "nothing nothing nothing nothing nothing skipped", "nothing", 1},
        {"SRV to an address", "info@firma.de", {.srv = "submissions 192.0.2.1:465"},
            "nothing nothing nothing nothing nothing skipped", "nothing", 1},
        {"the domain's own file", "info@firma.de",
            {.autoconfig = XML("smtp.firma.de", "587", "STARTTLS")},
            "nothing nothing nothing found skipped skipped",
            "autoconfig - smtp.firma.de:587 starttls info@firma.de medium", 1},
        {"an old host in a file is replaced", "info@firma.de",
            {.autoconfig = XML("smtp.1und1.de", "465", "SSL")},
            "nothing nothing nothing found skipped skipped",
            "autoconfig ionos smtp.ionos.de:465 implicit info@firma.de medium", 1},
        {"a wrong host that only the MX would mend is not proposed", "info@firma.de",
            {.autoconfig = XML("smtp.all-inkl.com", "465", "SSL")},
            "nothing nothing nothing found nothing skipped",
            "autoconfig allinkl ?:465 implicit info@firma.de medium", 1},
        {"the same file on the domain's website", "info@firma.de",
            {.well_known = XML("smtp.firma.de", "465", "SSL")},
            "nothing nothing nothing nothing found skipped",
            "well_known - smtp.firma.de:465 implicit info@firma.de medium", 1},
        {"the website is asked where the first file cannot be read", "info@firma.de",
            {.autoconfig = "fail", .well_known = XML("smtp.firma.de", "465", "SSL")},
            "nothing nothing nothing failed found skipped",
            "well_known - smtp.firma.de:465 implicit info@firma.de medium", 1},
        {"the first file is enough", "info@firma.de",
            {.autoconfig = XML("a.firma.de", "465", "SSL"),
                .well_known = XML("b.firma.de", "465", "SSL")},
            "nothing nothing nothing found skipped skipped",
            "autoconfig - a.firma.de:465 implicit info@firma.de medium", 1},
        {"a file that cannot be read", "info@firma.de", {.autoconfig = "<html>"},
            "nothing nothing nothing failed nothing skipped", "nothing", 1},
        {"a file that does not come", "info@firma.de", {.autoconfig = "fail"},
            "nothing nothing nothing failed nothing skipped", "nothing", 1},
        {"the public list is not asked unbidden", "info@firma.de",
            {.public_database = XML("smtp.firma.de", "465", "SSL")},
            "nothing nothing nothing nothing nothing skipped", "nothing", 1},
        {"the public list on request", "info@firma.de",
            {.public_database = XML("smtp.firma.de", "465", "SSL"), .wants_public_database = TRUE},
            "nothing nothing nothing nothing nothing found",
            "public_database - smtp.firma.de:465 implicit info@firma.de low", 1},
        {"the public list does not know it", "info@firma.de", {.wants_public_database = TRUE},
            "nothing nothing nothing nothing nothing nothing", "nothing", 1},
        {"servers of the DNS that fail", "info@firma.de",
            {.mx = "fail", .srv = "fail", .autoconfig = XML("smtp.firma.de", "465", "SSL")},
            "nothing failed failed found skipped skipped",
            "autoconfig - smtp.firma.de:465 implicit info@firma.de medium", 1},
        {"no DNS: no use in trying files", "info@firma.de",
            {.mx = "timeout",
                .srv = "timeout",
                .autoconfig = XML("smtp.firma.de", "465", "SSL"),
                .wants_public_database = TRUE},
            "nothing failed failed failed failed failed", "nothing", 1},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        guint n_rounds = 0;
        g_autoptr(Discovery) discovery = discover(*state, rows[i].email, &rows[i].scene, &n_rounds);
        g_autofree char *states = states_text(discovery);
        g_autofree char *best = best_text(discovery);
        print_message("# %s\n", rows[i].name);
        assert_string_equal(states, rows[i].states);
        assert_string_equal(best, rows[i].best);
        assert_int_equal(n_rounds, rows[i].n_rounds);
    }
}

static void candidates_are_few_and_different(void **state)
{
    const Scene scene = {.srv = "submissions a.x.de:465,submissions b.x.de:465,"
                                "submissions a.x.de:465,submissions c.x.de:465,"
                                "submissions d.x.de:465,submissions e.x.de:465"};
    guint n_rounds = 0;
    g_autoptr(Discovery) discovery = discover(*state, "info@x.de", &scene, &n_rounds);
    assert_int_equal(discovery->candidates->len, 4);
    for (guint i = 0; i < 4; i++) {
        const DiscoveryCandidate *candidate = discovery->candidates->pdata[i];
        assert_int_equal(candidate->host[0], "abcd"[i]);
        assert_string_equal(candidate->evidence, "_submissions._tcp.x.de");
    }
    g_autoptr(Discovery) ionos =
        discover(*state, "info@x.de", &(Scene){.mx = "mx00.kundenserver.de"}, &n_rounds);
    for (guint i = 0; i < ionos->candidates->len; i++) {
        const DiscoveryCandidate *candidate = ionos->candidates->pdata[i];
        assert_string_not_equal(candidate->host, "smtp.1und1.de");
        assert_string_equal(candidate->evidence, "mx00.kundenserver.de");
    }
}

/* Only the domain is in what is asked: neither the address nor its local part. */
static void nothing_but_the_domain_is_asked(void **state)
{
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    const DiscoveryQuestion question = {.providers = *state, .email = "geheim@firma.de"};
    g_autoptr(Discovery) discovery = discovery_judge(&question, answers);
    g_autofree char *own = discovery_url(DISCOVERY_AUTOCONFIG, "firma.de");
    g_autofree char *site = discovery_url(DISCOVERY_WELL_KNOWN, "firma.de");
    g_autofree char *public = discovery_url(DISCOVERY_PUBLIC_DATABASE, "firma.de");
    assert_int_equal(discovery->state[DISCOVERY_SRV], DISCOVERY_OPEN);
    assert_int_equal(dns_answers_n_open(answers), 3);
    for (guint i = 0; i < 3; i++)
        assert_null(strstr(dns_answers_open(answers, i)->name, "geheim"));
    assert_string_equal(own, "https://autoconfig.firma.de/mail/config-v1.1.xml");
    assert_string_equal(site, "https://firma.de/.well-known/autoconfig/mail/config-v1.1.xml");
    assert_string_equal(public, "https://autoconfig.thunderbird.net/v1.1/firma.de");
}

static void a_filter_in_front_is_named(void **state)
{
    static const struct {
        const char *name, *mx, *filter;
    } rows[] = {
        {"of a provider nobody sees", "mx01.hornetsecurity.com mx02.hornetsecurity.com",
            "Hornetsecurity"},
        {"in capitals, one of two", "mx.example.net MX0A-001B2D01.PPHOSTED.COM", "Proofpoint"},
        {"before a provider we know it hides nobody", "mx01.hornetsecurity.com smtpin.rzone.de",
            NULL},
        {"a name that only looks like one", "mx.nothornetsecurity.com", NULL},
        {"a server of its own", "mail.firma.de", NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Scene scene = {.mx = rows[i].mx};
        guint n_rounds = 0;
        g_autoptr(Discovery) discovery = discover(*state, "info@firma.de", &scene, &n_rounds);
        print_message("# %s\n", rows[i].name);
        assert_int_equal(g_strcmp0(discovery->filter, rows[i].filter), 0);
    }
}

/* Every domain of the table leads to a host or to the part that must be asked, without DNS. */
static void every_known_domain_works_offline(void **state)
{
    const ProviderList *list = *state;
    const Scene offline = {.mx = "timeout", .srv = "timeout"};
    guint n = 0;
    for (guint i = 0; i < provider_count(list); i++) {
        const Provider *p = provider_at(list, i);
        for (guint k = 0; p->domains[k] != NULL; k++, n++) {
            g_autofree char *email = g_strconcat("info@", p->domains[k], NULL);
            guint n_rounds = 0;
            g_autoptr(Discovery) discovery = discover(list, email, &offline, &n_rounds);
            assert_non_null(discovery->best);
            assert_ptr_equal(discovery->best->provider, p);
            assert_int_equal(discovery->best->source, DISCOVERY_DOMAIN_TABLE);
        }
    }
    assert_int_equal(n, 284);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_source_with_a_host_is_the_best),
        cmocka_unit_test(candidates_are_few_and_different),
        cmocka_unit_test(nothing_but_the_domain_is_asked),
        cmocka_unit_test(a_filter_in_front_is_named),
        cmocka_unit_test(every_known_domain_works_offline),
    };
    return cmocka_run_group_tests(tests, load, drop);
}
