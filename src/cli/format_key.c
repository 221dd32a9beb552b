#include "cli/format.h"
#include "cli/words.h"

static const char *state_words(const json_t *key, json_int_t sealed)
{
    static const struct {
        const char *state, *words;
    } rows[] = {
        {"active", SAY_LATER("in use")},
        {"ready", SAY_LATER("ready to be activated")},
        {"retiring", SAY_LATER("may go once nothing is sealed with it")},
    };
    const char *state = json_string_value(json_object_get(key, "state"));
    if (sealed == 0 && g_strcmp0(state, "retiring") == 0)
        return say("not needed any more: \"absender key retire\" removes it");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (g_strcmp0(rows[i].state, state) == 0)
            return say(rows[i].words);
    }
    return NULL;
}

static void add_key(GString *out, const json_t *key)
{
    g_autofree char *id = format_text(key, "id");
    g_autofree char *created_at = format_day(key, "created_at");
    json_int_t n_sealed = json_integer_value(json_object_get(key, "sealed"));
    g_autofree char *sealed = g_strdup_printf("%" JSON_INTEGER_FORMAT, n_sealed);
    g_string_append_printf(out, "%s%s\n", out->len > 0 ? "\n" : "", id != NULL ? id : "?");
    format_add_line(out, say("State:"), state_words(key, n_sealed));
    format_add_line(out, say("Made:"), created_at != NULL ? created_at : say("not known"));
    format_add_line(out, say("Values:"), sealed);
}

char *format_keys(const json_t *list)
{
    GString *out = g_string_new(NULL);
    const json_t *data = json_object_get(list, "data");
    for (gsize i = 0; i < json_array_size(data); i++)
        add_key(out, json_array_get(data, i));
    if (g_strcmp0(json_string_value(json_object_get(list, "source")), "credential") == 0)
        g_string_append_printf(out, "\n%s\n", say("The keys come from a systemd credential."));
    return g_string_free(out, FALSE);
}
