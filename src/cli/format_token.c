#include "cli/format.h"
#include "cli/words.h"

/* A part: the texts of a list, "a, b"; NULL without any. */
static char *texts_of(const json_t *token, const char *key)
{
    const json_t *list = json_object_get(token, key);
    GString *out = g_string_new(NULL);
    for (gsize i = 0; i < json_array_size(list); i++) {
        json_t *one = json_pack("{s:O}", "text", json_array_get(list, i));
        g_autofree char *text = format_text(one, "text");
        json_decref(one);
        if (text != NULL)
            g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "", text);
    }
    gboolean is_empty = out->len == 0;
    return g_string_free(out, is_empty);
}

static void add_window(GString *out, const json_t *quota, const char *key, const char *unit)
{
    const json_t *most = json_object_get(quota, key);
    if (!json_is_integer(most))
        return;
    g_autofree char *number = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(most));
    g_string_append_printf(out, "%s%s %s", out->len > 0 ? ", " : "", number, unit);
}

/* A part: "5 a minute, 100 a day"; NULL without a quota. */
static char *quota_of(const json_t *token)
{
    const json_t *quota = json_object_get(token, "quota");
    GString *out = g_string_new(NULL);
    add_window(out, quota, "per_minute", say("a minute"));
    add_window(out, quota, "per_hour", say("an hour"));
    add_window(out, quota, "per_day", say("a day"));
    gboolean is_empty = out->len == 0;
    return g_string_free(out, is_empty);
}

static void add_token(GString *out, const json_t *token)
{
    g_autofree char *id = format_text(token, "id");
    g_autofree char *name = format_text(token, "name");
    g_autofree char *scopes = texts_of(token, "scopes");
    g_autofree char *senders = texts_of(token, "from_addresses");
    g_autofree char *networks = texts_of(token, "networks");
    g_autofree char *quota = quota_of(token);
    g_autofree char *expires_at = format_time(token, "expires_at");
    g_autofree char *used_at = format_time(token, "used_at");
    g_string_append_printf(
        out, "%s%s  %s\n", out->len > 0 ? "\n" : "", id ? id : "", name ? name : "");
    format_add_line(out, say("Scopes:"), scopes);
    format_add_line(out, say("Sends from:"), senders);
    format_add_line(out, say("Used from:"), networks);
    format_add_line(out, say("Mails:"), quota);
    format_add_line(out, say("Ends:"), expires_at);
    format_add_line(out, say("Last use:"), used_at ? used_at : say("never"));
}

char *format_tokens(const json_t *list)
{
    GString *out = g_string_new(NULL);
    const json_t *data = json_object_get(list, "data");
    for (gsize i = 0; i < json_array_size(data); i++)
        add_token(out, json_array_get(data, i));
    if (json_array_size(data) == 0)
        g_string_append_printf(out, "%s\n", say("There is no token."));
    return g_string_free(out, FALSE);
}
