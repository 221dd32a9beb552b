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

static void no_text_names_what_is_not_built(void **state)
{
    const World *world = *state;
    for (guint i = 0; i < provider_count(world->list); i++) {
        const Provider *p = provider_at(world->list, i);
        const char *const texts[] = {p->hint_de, p->hint_en, p->password_where_de,
            p->password_where_en, p->username_note_de, p->username_note_en};
        for (gsize k = 0; k < G_N_ELEMENTS(texts); k++) {
            gboolean says_so =
                texts[k] != NULL && (strstr(texts[k], "Absender unterstützt OAuth2 noch nicht") ||
                                        strstr(texts[k], "Absender does not support OAuth2 yet") ||
                                        strstr(texts[k], "einer späteren Version") ||
                                        strstr(texts[k], "a later version"));
            if (texts[k] != NULL && strstr(texts[k], "OAuth") != NULL && !says_so)
                fail_msg("%s: %s", p->id, texts[k]);
        }
    }
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
        {"no providers", "\"providers\": [", "\"providers\": 7, \"x\": [", "providers"},
        {"unknown key at the top", "\"about\"", "\"around\"", "about"},
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
        cmocka_unit_test(no_text_names_what_is_not_built),
        cmocka_unit_test(names_and_sources_come_in_both_languages),
        cmocka_unit_test(the_tables_name_known_providers_only),
        cmocka_unit_test(damaged_lists_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, load, drop);
}
