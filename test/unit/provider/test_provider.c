#include "provider/provider.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

typedef struct {
    ProviderList *list;
    char *json;
    gsize n;
} World;

static int load(void **state)
{
    World *world = g_new0(World, 1);
    *state = world;
    g_autofree char *path =
        g_build_filename(g_getenv("ABSENDER_SOURCE"), "data", "providers.json", NULL);
    g_autoptr(GError) error = NULL;
    if (!g_file_get_contents(path, &world->json, &world->n, NULL))
        return -1;
    world->list = provider_list_new(world->json, world->n, &error);
    if (error != NULL)
        print_error("%s\n", error->message);
    return world->list == NULL ? -1 : 0;
}

static int drop(void **state)
{
    World *world = *state;
    provider_list_free(world->list);
    g_free(world->json);
    g_free(world);
    return 0;
}

static void all_providers_are_there(void **state)
{
    const World *world = *state;
    assert_int_equal(provider_count(world->list), 46);
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        assert_ptr_equal(provider_by_id(world->list, p->id), p);
        assert_true(p->name[0] != '\0' && p->name_de[0] != '\0' && p->country[0] != '\0');
        assert_true(p->username_template[0] != '\0' && p->password_kind[0] != '\0');
        assert_true(p->password_where_de[0] != '\0' && p->password_where_en[0] != '\0');
    }
    assert_null(provider_by_id(world->list, "nobody"));
    assert_null(provider_by_id(world->list, NULL));
}

static void exactly_the_five_of_the_manuals_are_featured(void **state)
{
    static const char *const five[] = {"ionos", "strato", "allinkl", "gmail", "microsoft365", NULL};
    const World *world = *state;
    guint n_featured = 0;
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        assert_int_equal(p->featured, g_strv_contains(five, p->id));
        n_featured += p->featured ? 1 : 0;
        if (p->featured)
            assert_true(strlen(p->hint_de) > 40 && strlen(p->hint_en) > 40);
    }
    assert_int_equal(n_featured, 5);
}

static void the_featured_say_their_trap(void **state)
{
    static const struct {
        const char *id, *host;
        guint16 port;
        TlsMode security;
        const char *de, *en;
    } rows[] = {
        {"ionos", "smtp.ionos.de", 465, TLS_MODE_IMPLICIT, "Kundennummer", "customer number"},
        {"strato", "smtp.strato.de", 465, TLS_MODE_IMPLICIT, "Kunden-Logins", "customer login"},
        {"allinkl", "<w0xxxxxx>.kasserver.com", 465, TLS_MODE_IMPLICIT, "KAS", "KAS"},
        {"gmail", "smtp.gmail.com", 465, TLS_MODE_IMPLICIT, "App-Passwort", "app password"},
        {"microsoft365", "smtp.office365.com", 587, TLS_MODE_STARTTLS, "Ende Dezember 2026",
            "end of December 2026"},
    };
    const World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Provider *p = provider_by_id(world->list, rows[i].id);
        print_message("# %s\n", rows[i].id);
        assert_non_null(p);
        assert_string_equal(p->endpoints[0].host, rows[i].host);
        assert_int_equal(p->endpoints[0].port, rows[i].port);
        assert_int_equal(p->endpoints[0].security, rows[i].security);
        assert_non_null(strstr(p->hint_de, rows[i].de));
        assert_non_null(strstr(p->hint_en, rows[i].en));
    }
    assert_string_equal(
        provider_by_id(world->list, "allinkl")->host_template, "{kas_login}.kasserver.com");
    assert_null(provider_by_id(world->list, "ionos")->host_template);
}

static gboolean is_known_port(guint16 port)
{
    static const guint16 known[] = {25, 443, 465, 587, 588, 1025, 2465, 2525, 2587};
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (known[i] == port)
            return TRUE;
    }
    return FALSE;
}

static void endpoints_use_tls_on_known_ports(void **state)
{
    const World *world = *state;
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        assert_true(p->n_endpoints >= 1);
        for (guint k = 0; k < p->n_endpoints; k++) {
            const ProviderEndpoint *e = &p->endpoints[k];
            TlsMode usual = e->port == 443 ? TLS_MODE_IMPLICIT : tls_mode_for_port(e->port);
            if (!is_known_port(e->port) || e->security != usual)
                fail_msg("%s: %s:%u %s", p->id, e->host, e->port, tls_mode_name(e->security));
        }
        /* what the form is filled with must be a port that settings take without the operator */
        gboolean is_submission = p->endpoints[0].port == 465 || p->endpoints[0].port == 587;
        assert_int_equal(is_submission, strcmp(p->id, "proton_bridge") != 0);
    }
}

static void every_provider_has_sources_and_a_date(void **state)
{
    const World *world = *state;
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        const char *const shown[] = {p->sources_de, p->sources_en};
        for (gsize k = 0; k < G_N_ELEMENTS(shown); k++) {
            /* what stands on the page is short: no paths, no hashes */
            if (strlen(shown[k]) < 10 || strlen(shown[k]) > 220 ||
                strstr(shown[k], "commit") != NULL || strstr(shown[k], ".xml") != NULL)
                fail_msg("%s: %s", p->id, shown[k]);
        }
        if (strncmp(p->checked, "20", 2) != 0 || strcmp(p->checked, "2026-11-22") > 0)
            fail_msg("%s: %s", p->id, p->checked);
    }
}

static void notes_and_hints_come_in_both_languages(void **state)
{
    const World *world = *state;
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        assert_int_equal(p->hint_de == NULL, p->hint_en == NULL);
        assert_int_equal(p->username_note_de == NULL, p->username_note_en == NULL);
        if (p->hint_de != NULL)
            assert_string_not_equal(p->hint_de, p->hint_en);
    }
}

static void no_text_puts_off_to_a_later_version(void **state)
{
    static const char *const put_off[] = {"noch nicht", "does not support", "späteren Version",
        "later version", "Derzeit nicht", "at present"};
    const World *world = *state;
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        const char *const texts[] = {p->hint_de, p->hint_en, p->password_where_de,
            p->password_where_en, p->username_note_de, p->username_note_en};
        for (gsize k = 0; k < G_N_ELEMENTS(texts) * G_N_ELEMENTS(put_off); k++) {
            const char *text = texts[k % G_N_ELEMENTS(texts)];
            if (text != NULL && strstr(text, put_off[k / G_N_ELEMENTS(texts)]) != NULL)
                fail_msg("%s: %s", p->id, text);
        }
    }
}

static void oauth_is_said_as_the_settings_take_it(void **state)
{
    static const struct {
        const char *id, *provider, *grants, *tenant;
        gboolean has_device_code;
    } rows[] = {
        {"microsoft365", "microsoft", "certificate client_secret refresh_token", NULL, TRUE},
        {"outlook_com", "microsoft", "refresh_token", "consumers", TRUE},
        {"gmail", "google", "service_account refresh_token", NULL, FALSE},
        {"google_relay", "google", "service_account refresh_token", NULL, FALSE},
        {"fastmail", "generic", "refresh_token", NULL, FALSE},
    };
    const World *world = *state;
    guint n = 0;
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        n += p->oauth != NULL ? 1 : 0;
        gboolean asks_for_it =
            p->auth == PROVIDER_AUTH_OAUTH2_PREFERRED || p->auth == PROVIDER_AUTH_OAUTH2_ONLY;
        assert_true(p->oauth != NULL || !asks_for_it);
    }
    assert_int_equal(n, G_N_ELEMENTS(rows)); /* Yahoo and AOL give no client ids to anybody */
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const ProviderOauth *oauth = provider_by_id(world->list, rows[i].id)->oauth;
        print_message("# %s\n", rows[i].id);
        g_autofree char *grants = g_strjoinv(" ", (char **)oauth->grants);
        assert_string_equal(oauth->provider, rows[i].provider);
        assert_string_equal(grants, rows[i].grants);
        assert_int_equal(g_strcmp0(oauth->tenant, rows[i].tenant), 0);
        assert_int_equal(oauth->has_device_code, rows[i].has_device_code);
        assert_true(strlen(oauth->where_de) > 20 && strlen(oauth->where_en) > 20);
        assert_true(g_str_has_prefix(oauth->url, "https://"));
        gboolean is_generic = strcmp(oauth->provider, "generic") == 0;
        assert_true((oauth->token_url != NULL) == is_generic);
        assert_true(!is_generic || (g_str_has_prefix(oauth->authorize_url, "https://") &&
                                       g_str_has_prefix(oauth->token_url, "https://")));
    }
}

static void ends_are_days_with_a_source(void **state)
{
    const World *world = *state;
    const Provider *microsoft = provider_by_id(world->list, "microsoft365");
    assert_int_equal(microsoft->n_ends, 1);
    assert_string_equal(microsoft->ends[0].what, "password_login");
    assert_string_equal(microsoft->ends[0].at, "2026-12-31");
    assert_string_equal(microsoft->ends[0].source, "techcommunity.microsoft.com");
    assert_non_null(strstr(microsoft->ends[0].text_de, "OAuth2"));
    assert_non_null(strstr(microsoft->ends[0].text_en, "OAuth2"));
    assert_int_equal(provider_by_id(world->list, "gmail")->n_ends, 0);
}

static void names_and_sources_come_in_both_languages(void **state)
{
    const World *world = *state;
    const Provider *bridge = provider_by_id(world->list, "proton_bridge");
    const Provider *ionos = provider_by_id(world->list, "ionos");
    const Provider *allinkl = provider_by_id(world->list, "allinkl");
    assert_string_equal(bridge->name, "Proton Mail Bridge (local)");
    assert_string_equal(bridge->name_de, "Proton Mail Bridge (lokal)");
    assert_string_equal(ionos->name_de, ionos->name);
    assert_non_null(strstr(ionos->sources_de, "thunderbird/autoconfig, 2026-03"));
    assert_non_null(strstr(allinkl->sources_de, "Produkthandbuch"));
    assert_non_null(strstr(allinkl->sources_en, "product manual"));
}

static void the_tables_name_known_providers_only(void **state)
{
    const World *world = *state;
    json_t *root = json_loadb(world->json, world->n, JSON_REJECT_DUPLICATES, NULL);
    json_t *domains = json_object_get(root, "domain_table");
    json_t *suffixes = json_object_get(root, "mx_suffix_table");
    const char *domain;
    json_t *id;
    assert_int_equal(json_object_size(domains), 284);
    assert_int_equal(json_array_size(suffixes), 50);
    json_object_foreach(domains, domain, id)
        assert_non_null(provider_by_id(world->list, json_string_value(id)));
    for (gsize i = 0; i < json_array_size(suffixes); i++) {
        json_t *row = json_array_get(suffixes, i);
        assert_non_null(
            provider_by_id(world->list, json_string_value(json_object_get(row, "provider"))));
        assert_non_null(json_string_value(json_object_get(row, "suffix")));
    }
    json_decref(root);
}

/* --- Who is it? ------------------------------------------------------------------------------ */

static void every_domain_of_the_table_is_found(void **state)
{
    const World *world = *state;
    json_t *root = json_loadb(world->json, world->n, JSON_REJECT_DUPLICATES, NULL);
    const char *domain;
    json_t *id;
    json_object_foreach(json_object_get(root, "domain_table"), domain, id)
    {
        const Provider *p = provider_by_domain(world->list, domain);
        g_autofree char *upper = g_ascii_strup(domain, -1);
        g_autofree char *below = g_strconcat("xyz.", domain, NULL);
        g_autofree char *behind = g_strconcat(domain, ".test", NULL);
        assert_non_null(p);
        assert_string_equal(p->id, json_string_value(id));
        assert_ptr_equal(provider_by_domain(world->list, upper), p);
        assert_null(provider_by_domain(world->list, below));
        assert_null(provider_by_domain(world->list, behind));
        assert_true(g_strv_contains(p->domains, domain));
    }
    json_decref(root);
}

static void every_mx_suffix_is_found(void **state)
{
    const World *world = *state;
    json_t *root = json_loadb(world->json, world->n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *rows = json_object_get(root, "mx_suffix_table");
    for (gsize i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *suffix = json_string_value(json_object_get(row, "suffix"));
        const char *prefer = json_string_value(json_object_get(row, "prefer_host"));
        g_autofree char *host = g_strconcat(suffix[0] == '.' ? "MX00" : "", suffix, NULL);
        g_autofree char *behind = g_strconcat(host, ".test", NULL);
        g_autofree char *glued = g_strconcat("evil", suffix + (suffix[0] == '.' ? 1 : 0), NULL);
        const char *prefer_host = "unset";
        const Provider *p = provider_by_mx(world->list, host, &prefer_host);
        print_message("# %s\n", host);
        assert_non_null(p);
        assert_string_equal(p->id, json_string_value(json_object_get(row, "provider")));
        if (json_is_true(json_object_get(row, "use_mx_host_as_smtp")))
            assert_ptr_equal(prefer_host, host);
        else if (prefer != NULL)
            assert_string_equal(prefer_host, prefer);
        else
            assert_null(prefer_host);
        if (prefer != NULL)
            assert_ptr_equal(provider_by_host(world->list, prefer), p);
        assert_null(provider_by_mx(world->list, behind, NULL));
        if (strcmp(suffix, ".mail.ovh.net") != 0) /* "evilmail.ovh.net" ends in ".ovh.net" */
            assert_null(provider_by_mx(world->list, glued, NULL));
    }
    assert_null(provider_by_mx(world->list, "", NULL));
    assert_null(provider_by_mx(world->list, "\xa0w1.kasserver.com", NULL));
    assert_null(provider_by_mx(world->list, "w1 .kasserver.com", NULL));
    assert_null(provider_by_mx(world->list, "-.kasserver.com", NULL));
    json_decref(root);
}

static void hosts_by_domain_belong_to_the_provider(void **state)
{
    const World *world = *state;
    guint n = 0;
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        for (guint k = 0; p->domains[k] != NULL; k++) {
            const char *host = provider_domain_host(world->list, p->domains[k]);
            n += host != NULL ? 1 : 0;
            assert_true(host == NULL || provider_by_host(world->list, host) == p);
        }
    }
    assert_int_equal(n, 12);
    assert_string_equal(provider_domain_host(world->list, "Zoho.COM"), "smtp.zoho.com");
    assert_null(provider_domain_host(world->list, "firma.de"));
}

static void the_longest_suffix_counts(void **state)
{
    const World *world = *state;
    assert_string_equal(
        provider_by_mx(world->list, "a.olc.protection.outlook.com", NULL)->id, "outlook_com");
    assert_string_equal(
        provider_by_mx(world->list, "a.mail.protection.outlook.com", NULL)->id, "microsoft365");
    assert_string_equal(provider_by_mx(world->list, "mx1.mail.ovh.net", NULL)->id, "ovh");
}

static void hosts_tell_their_provider(void **state)
{
    static const struct {
        const char *host, *id; /* NULL: nobody's */
    } rows[] = {
        {"smtp.ionos.de", "ionos"},
        {"SMTP.Ionos.DE", "ionos"},
        {"smtp.ionos.co.uk", "ionos"},
        {"smtp.1und1.de", "ionos"},
        {"smtp.strato.de", "strato"},
        {"w0123456.kasserver.com", "allinkl"},
        {"smtp.all-inkl.com", "allinkl"},
        {"a.b.kasserver.com", NULL},
        {".kasserver.com", NULL},
        {"kasserver.com", NULL},
        {"w0123456.kasserver.com.test", NULL},
        {"smtp.gmail.com", "gmail"},
        {"smtp.office365.com", "microsoft365"},
        {"smtp-mail.outlook.com", "outlook_com"},
        {"email-smtp.eu-central-1.amazonaws.com", "ses"},
        {"email-smtp..amazonaws.com", NULL},
        {"mxf912.netcup.net", "netcup"},
        {"wp123.mailout.server-he.de", "hosteurope"},
        {"smtp.zoho.com", "zoho"},
        {"in.mailjet.com", "mailjet"},
        {"smtp.example.de", NULL},
        {"", NULL},
    };
    const World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Provider *p = provider_by_host(world->list, rows[i].host);
        print_message("# %s\n", rows[i].host);
        if (rows[i].id == NULL)
            assert_null(p);
        else
            assert_string_equal(p == NULL ? "nobody" : p->id, rows[i].id);
    }
}

/* --- What to fill in ------------------------------------------------------------------------- */

static void user_names_follow_the_providers_form(void **state)
{
    static const struct {
        const char *id, *email, *username; /* NULL: must be asked */
    } rows[] = {
        {"ionos", "info@firma.de", "info@firma.de"},
        {"webde", "anna.meier@web.de", "anna.meier"},
        {"mailfence", "anna@mailfence.com", "anna"},
        {"mailfence", "anna@firma.de", NULL},
        {"icloud", "anna@icloud.com", "anna@icloud.com"},
        {"icloud", "anna@firma.de", NULL},
        {"allinkl", "info@firma.de", NULL},
        {"hosteurope", "info@firma.de", NULL},
        {"sendgrid", "info@firma.de", "apikey"},
        {"resend", "info@firma.de", "resend"},
        {"ses", "info@firma.de", NULL},
        {"mailgun", "info@firma.de", NULL},
        {"microsoft365", "info@firma.de", "info@firma.de"},
    };
    const World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Provider *p = provider_by_id(world->list, rows[i].id);
        g_autofree char *username = provider_username(p, rows[i].email);
        print_message("# %s %s\n", rows[i].id, rows[i].email);
        if (rows[i].username == NULL)
            assert_null(username);
        else
            assert_string_equal(username, rows[i].username);
    }
}

static void hosts_of_an_account_come_from_its_mx(void **state)
{
    static const struct {
        const char *id, *mx_host, *host; /* NULL: must be asked */
    } rows[] = {
        {"ionos", NULL, "smtp.ionos.de"},
        {"ionos", "mx00.kundenserver.de", "smtp.ionos.de"},
        {"allinkl", "W0123456.kasserver.com", "w0123456.kasserver.com"},
        {"allinkl", "mx.example.de", NULL},
        {"allinkl", NULL, NULL},
        {"netcup", "mxf912.netcup.net", "mxf912.netcup.net"},
        {"netcup", "mail.netcup.net", NULL},
        {"hosteurope", "mx0.hosteurope.de", NULL},
        {"ses", NULL, NULL},
    };
    const World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Provider *p = provider_by_id(world->list, rows[i].id);
        g_autofree char *host = provider_host(p, &p->endpoints[0], rows[i].mx_host);
        print_message("# %s, %s\n", rows[i].id, rows[i].mx_host ? rows[i].mx_host : "no MX");
        if (rows[i].host == NULL)
            assert_null(host);
        else
            assert_string_equal(host, rows[i].host);
    }
}

static void wrong_hosts_know_the_right_one(void **state)
{
    static const struct {
        const char *host, *mx_host, *right; /* NULL: cannot be told */
        gboolean is_wrong;
    } rows[] = {
        {"smtp.all-inkl.com", "w0123456.kasserver.com", "w0123456.kasserver.com", TRUE},
        {"smtp.all-inkl.com", NULL, NULL, TRUE},
        {"SMTP.1und1.de", NULL, "smtp.ionos.de", TRUE},
        {"in.mailjet.com", NULL, "in-v3.mailjet.com", TRUE},
        {"smtp-legacy.office365.com", NULL, "smtp.office365.com", TRUE},
        {"smtp.ionos.de", NULL, NULL, FALSE},
    };
    const World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Provider *p = provider_by_host(world->list, rows[i].host);
        g_autofree char *right = provider_right_host(p, rows[i].host, rows[i].mx_host);
        print_message("# %s\n", rows[i].host);
        assert_int_equal(provider_host_is_wrong(p, rows[i].host), rows[i].is_wrong);
        if (rows[i].right == NULL)
            assert_null(right);
        else
            assert_string_equal(right, rows[i].right);
    }
}

static void every_wrong_host_belongs_to_its_provider(void **state)
{
    const World *world = *state;
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        for (guint k = 0; k < p->n_wrong_hosts; k++) {
            const ProviderWrongHost *wrong = &p->wrong_hosts[k];
            assert_ptr_equal(provider_by_host(world->list, wrong->host), p);
            if (wrong->right != NULL) {
                assert_ptr_equal(provider_by_host(world->list, wrong->right), p);
                assert_false(provider_host_is_wrong(p, wrong->right));
            }
        }
    }
}

/* --- Limits, rules, dates -------------------------------------------------------------------- */

/* A figure to propose is one of the limits, in its unit, or the cautious default for a provider
 * that publishes none. */
static gboolean is_sourced(const json_t *limits, guint figure, const char *const *units)
{
    for (gsize i = 0; i < json_array_size(limits); i++) {
        const json_t *limit = json_array_get(limits, i);
        const char *unit = json_string_value(json_object_get(limit, "unit"));
        const json_t *value = json_object_get(limit, "value");
        gint64 number = json_is_string(value) ? g_ascii_strtoll(json_string_value(value), NULL, 10)
                                              : json_integer_value(value);
        const char *confidence = json_string_value(json_object_get(limit, "confidence"));
        if (strcmp(unit, "message/second") == 0 && strcmp(units[0], "messages/minute") == 0)
            return number * 60 == figure;
        if (strcmp(confidence, "high") != 0 && strcmp(confidence, "medium") != 0)
            continue;
        for (guint k = 0; units[k] != NULL; k++) {
            if (g_str_has_prefix(unit, units[k]) && number == figure)
                return TRUE;
        }
    }
    return FALSE;
}

static void proposed_quotas_are_sourced_or_cautious(void **state)
{
    static const char *const minute[] = {"messages/minute", NULL};
    static const char *const hour[] = {"messages/hour", NULL};
    static const char *const day[] = {
        "messages/day", "messages", "recipients/day", "recipients", NULL};
    const World *world = *state;
    json_t *root = json_loadb(world->json, world->n, JSON_REJECT_DUPLICATES, NULL);
    guint n_cautious = 0, n_sourced = 0;
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        const json_t *json = json_array_get(json_object_get(root, "providers"), i);
        const json_t *quota = json_object_get(json, "quota");
        const json_t *limits = json_object_get(json, "limits");
        const char *basis = json_string_value(json_object_get(quota, "basis"));
        print_message("# %s\n", p->id);
        if (quota == NULL) {
            assert_true(p->quota.per_minute + p->quota.per_hour + p->quota.per_day == 0);
        } else if (strcmp(basis, "cautious_default") == 0) {
            assert_true(p->quota.per_minute == 20 && p->quota.per_hour == 200);
            assert_int_equal(p->quota.max_connections, 1);
            assert_false(p->quota.is_sourced);
            n_cautious++;
        } else {
            assert_true(p->quota.is_sourced);
            assert_true(
                p->quota.per_minute == 0 || is_sourced(limits, p->quota.per_minute, minute));
            assert_true(p->quota.per_hour == 0 || is_sourced(limits, p->quota.per_hour, hour));
            assert_true(p->quota.per_day == 0 || is_sourced(limits, p->quota.per_day, day));
            n_sourced++;
        }
    }
    assert_int_equal(n_cautious, 7);
    assert_int_equal(n_sourced, 8);
    /* hearsay is no figure to hold somebody's mail by */
    static const char *const unsure[] = {"google_relay", "yahoo", "icloud"};
    for (gsize i = 0; i < G_N_ELEMENTS(unsure); i++)
        assert_true(provider_by_id(world->list, unsure[i])->quota.per_day == 0);
    assert_int_equal(provider_by_id(world->list, "microsoft365")->quota.max_connections, 3);
    assert_int_equal(provider_by_id(world->list, "ionos")->quota.max_connections, 0);
    assert_non_null(strstr(provider_by_id(world->list, "ses")->quota.note_de, "Sandbox"));
    json_decref(root);
}

/* RFC 8314 3.3: TLS from the first octet is preferred to STARTTLS. */
static void port_465_comes_first_where_it_is_offered(void **state)
{
    const World *world = *state;
    guint n_first = 0;
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        for (guint k = 1; k < p->n_endpoints; k++) {
            if (p->endpoints[k].port == 465 &&
                strcmp(p->endpoints[k].host, p->endpoints[0].host) == 0)
                fail_msg("%s: 465 is number %u", p->id, k + 1);
        }
        n_first += p->endpoints[0].port == 465 ? 1 : 0;
    }
    assert_int_equal(n_first, 39);
}

static void every_limit_and_rule_has_its_words(void **state)
{
    const World *world = *state;
    guint n_limits = 0;
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        print_message("# %s\n", p->id);
        for (guint k = 0; k < p->n_limits; k++, n_limits++)
            assert_true(strlen(p->limits[k].text_de) > 8 &&
                        strcmp(p->limits[k].text_de, p->limits[k].text_en) != 0);
        assert_true(
            g_str_has_suffix(p->sender_rule_de, ".") && g_str_has_suffix(p->sender_rule_en, "."));
        assert_true(g_str_has_prefix(p->support_url, "https://"));
        assert_true(p->spf_record == NULL || p->spf_mechanism != NULL);
        assert_non_null(provider_auth_name(p->auth));
    }
    assert_int_equal(n_limits, 63);
    const Provider *posteo = provider_by_id(world->list, "posteo");
    assert_non_null(strstr(posteo->sender_rule_de, "eigenen Domains"));
}

static void notices_come_by_date_with_a_source(void **state)
{
    const World *world = *state;
    const Provider *microsoft = provider_by_id(world->list, "microsoft365");
    assert_int_equal(microsoft->n_notices, 2);
    assert_string_equal(microsoft->notices[0].date, "2026-12-31");
    assert_string_equal(microsoft->notices[1].date, "2027-07-01");
    assert_non_null(strstr(microsoft->notices[0].text_de, "Dezember 2026"));
    assert_string_equal(microsoft->notices[0].source, "techcommunity.microsoft.com");
    assert_int_equal(provider_by_id(world->list, "gmail")->n_notices, 2);
    assert_int_equal(provider_by_id(world->list, "strato")->n_notices, 0);
}

static void dns_facts_are_kept(void **state)
{
    const World *world = *state;
    const Provider *ionos = provider_by_id(world->list, "ionos");
    const Provider *ses = provider_by_id(world->list, "ses");
    const Provider *sendgrid = provider_by_id(world->list, "sendgrid");
    assert_string_equal(ionos->spf_mechanism, "include:_spf-eu.ionos.com");
    assert_true(g_strv_contains(ionos->dkim_selectors, "s42582890"));
    assert_int_equal(ionos->n_dkim_records, 3);
    assert_string_equal(ionos->dkim_records[0].type, "CNAME");
    assert_true(ionos->dkim_is_enumerable);
    assert_null(ses->dkim_selectors[0]); /* <token1> cannot be looked for */
    assert_int_equal(ses->n_dkim_records, 3);
    assert_false(ses->dkim_is_enumerable);
    assert_null(sendgrid->spf_record);
    assert_string_equal(sendgrid->spf_mechanism, "include:sendgrid.net");
}

/* Damages the real file in one place and expects the provider to be named. */
static void damaged_lists_are_refused_by_name(void **state)
{
    static const struct {
        const char *name, *cut, *put, *says;
    } rows[] = {
        {"unknown TLS mode", "\"security\": \"implicit\"", "\"security\": \"none\"", "(ionos)"},
        {"unknown key", "\"country\": \"DE\"", "\"land\": \"DE\"", "(ionos)"},
        {"port out of range", "\"port\": 465", "\"port\": 70000", "(ionos)"},
        {"port as text", "\"port\": 465", "\"port\": \"465\"", "(ionos)"},
        {"unknown source", "\"sources\": [\"ispdb\", \"fairemail\", \"mailkit1745\"",
            "\"sources\": [\"hearsay\"", "(strato)"},
        {"twice the same id", "\"id\": \"strato\"", "\"id\": \"ionos\"", "number 2 (ionos)"},
        {"hint in one language", "\"hint_en\": \"Google", "\"hint_fr\": \"Google", "(gmail)"},
        {"no providers", "\n \"providers\": [", "\n \"providers\": 7, \"x\": [", "unpacked: x"},
        {"unknown key at the top", "\"about\"", "\"around\"", "about"},
        {"sender rule without words", "\"rule\": \"must_belong_to_account\"",
            "\"rule\": \"anything\"", "(allinkl)"},
        {"unknown kind of password", "\"kind\": \"app_password\"", "\"kind\": \"riddle\"",
            "(gmail)"},
        {"quota without a figure", "\"quota\": {\"per_hour\": 500,", "\"quota\": {", "(ionos)"},
        {"quota with a note in one language",
            "fewer before\", \"note_de\": \"für Postfächer, die älter als 30 Tage sind; vorher "
            "weniger\"",
            "fewer before\"", "(ionos)"},
        {"a quota for some that does not say for whom",
            ", \"note_en\": \"for the free plan; paid plans allow more\", \"note_de\": \"für den "
            "kostenlosen Tarif; bezahlte erlauben mehr\"",
            "", "(brevo)"},
        {"a quota from hearsay",
            "\"value\": 500, \"unit\": \"messages/day\", \"confidence\": \"high\"",
            "\"value\": 500, \"unit\": \"messages/day\", \"confidence\": \"low\"", "(gmail)"},
        {"a quota from nowhere", "\"from\": [\"mailbox\"]", "\"from\": [\"box\"]",
            "(microsoft365)"},
        {"a quota that names no limit", ", \"from\": [\"mailbox\"]", "", "(microsoft365)"},
        {"more connections than settings take", "\"max_connections\": 3", "\"max_connections\": 21",
            "(microsoft365)"},
        {"OAuth2 of an unknown provider", "{\"provider\": \"google\", \"grants\"",
            "{\"provider\": \"gogle\", \"grants\"", "(gmail)"},
        {"an unknown grant", "\"service_account\", ", "\"password\", ", "(gmail)"},
        {"no grant", "\"grants\": [\"service_account\", \"refresh_token\"]", "\"grants\": []",
            "(gmail)"},
        {"generic without its addresses",
            "\"token_url\": \"https://api.fastmail.com/oauth/refresh\", ", "", "(fastmail)"},
        {"known, with addresses", "\"tenant\": \"consumers\"",
            "\"authorize_url\": \"https://a\", \"token_url\": \"https://a\", \"scope\": \"a\"",
            "(outlook_com)"},
        {"an address without TLS", "https://api.fastmail.com/oauth/refresh",
            "http://api.fastmail.com/oauth/refresh", "(fastmail)"},
        {"an end that is no day", "\"at\": \"2026-12-31\"", "\"at\": \"2026-12-32\"",
            "(microsoft365)"},
        {"an end of something unknown", "{\"what\": \"password_login\"", "{\"what\": \"all\"",
            "(microsoft365)"},
        {"open bracket in a host", "<w0xxxxxx>", "<w0xxxxxx", "(allinkl)"},
        {"notice for nobody", "\"providers\": [\"gmail\"]", "\"providers\": [\"hotmail\"]",
            "policy_timeline"},
        {"notice without a whole date", "\"notice\": {\"date\": \"2022-05-30\"",
            "\"notice\": {\"date\": \"2022\"", "policy_timeline"},
        {"domain of nobody", "\"gmx.de\": \"gmx\"", "\"gmx.de\": \"gmy\"", "domain_table"},
        {"suffix of nobody", "\".web.de\", \"provider\": \"webde\"",
            "\".web.de\", \"provider\": \"web\"", "mx_suffix_table"},
        {"host of a domain", "\"zoho.com\": \"smtp.zoho.com\"", "\"zoho.com\": \"zoho\"", "(zoho)"},
        {"not JSON", "{", "", "line "},
    };
    const World *world = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *at = strstr(world->json, rows[i].cut);
        assert_non_null(at);
        g_autoptr(GString) json = g_string_new_len(world->json, at - world->json);
        g_string_append(json, rows[i].put);
        g_string_append(json, at + strlen(rows[i].cut));
        g_autoptr(GError) error = NULL;
        print_message("# %s\n", rows[i].name);
        assert_null(provider_list_new(json->str, json->len, &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
        if (strstr(error->message, rows[i].says) == NULL)
            fail_msg("says: %s", error->message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_providers_are_there),
        cmocka_unit_test(exactly_the_five_of_the_manuals_are_featured),
        cmocka_unit_test(the_featured_say_their_trap),
        cmocka_unit_test(endpoints_use_tls_on_known_ports),
        cmocka_unit_test(every_provider_has_sources_and_a_date),
        cmocka_unit_test(notes_and_hints_come_in_both_languages),
        cmocka_unit_test(no_text_puts_off_to_a_later_version),
        cmocka_unit_test(oauth_is_said_as_the_settings_take_it),
        cmocka_unit_test(ends_are_days_with_a_source),
        cmocka_unit_test(names_and_sources_come_in_both_languages),
        cmocka_unit_test(the_tables_name_known_providers_only),
        cmocka_unit_test(every_domain_of_the_table_is_found),
        cmocka_unit_test(every_mx_suffix_is_found),
        cmocka_unit_test(hosts_by_domain_belong_to_the_provider),
        cmocka_unit_test(the_longest_suffix_counts),
        cmocka_unit_test(hosts_tell_their_provider),
        cmocka_unit_test(user_names_follow_the_providers_form),
        cmocka_unit_test(hosts_of_an_account_come_from_its_mx),
        cmocka_unit_test(wrong_hosts_know_the_right_one),
        cmocka_unit_test(every_wrong_host_belongs_to_its_provider),
        cmocka_unit_test(proposed_quotas_are_sourced_or_cautious),
        cmocka_unit_test(port_465_comes_first_where_it_is_offered),
        cmocka_unit_test(every_limit_and_rule_has_its_words),
        cmocka_unit_test(notices_come_by_date_with_a_source),
        cmocka_unit_test(dns_facts_are_kept),
        cmocka_unit_test(damaged_lists_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, load, drop);
}
