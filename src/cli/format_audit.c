#include "cli/format.h"
#include "cli/words.h"

#include <string.h>

/* The API's words for those who have no name; what is no such word is a name. The caller frees. */
static char *actor_of(const json_t *event)
{
    static const struct {
        const char *word, *text;
    } rows[] = {
        {"operator", SAY_LATER("the operator (command line)")},
        {"system", SAY_LATER("Absender itself")},
        {"nobody", SAY_LATER("nobody (not signed in)")},
        {"anonymous", SAY_LATER("a visitor (not signed in)")},
    };
    g_autofree char *actor = format_text(event, "actor");
    for (gsize i = 0; actor != NULL && i < G_N_ELEMENTS(rows); i++)
        if (strcmp(actor, rows[i].word) == 0)
            return g_strdup(say(rows[i].text));
    if (actor != NULL && g_str_has_prefix(actor, "token "))
        return g_strdup_printf(say("application %s"), actor + strlen("token "));
    return g_steal_pointer(&actor);
}

/* Of the settings' checks and drafts the API's own words, elsewhere perhaps a name: as it is. The
 * caller frees. */
static char *detail_of(const json_t *event)
{
    static const char *const words[] = {SAY_LATER("passed"), SAY_LATER("failed"),
        SAY_LATER("cancelled"), SAY_LATER("to be tested"), SAY_LATER("discarded")};
    const char *action = json_string_value(json_object_get(event, "action"));
    g_autofree char *detail = format_text(event, "detail");
    for (gsize i = 0; detail != NULL && i < G_N_ELEMENTS(words); i++)
        if (action != NULL && g_str_has_prefix(action, "smtp.") && strcmp(detail, words[i]) == 0)
            return g_strdup(say(words[i]));
    return g_steal_pointer(&detail);
}

static void add_event(GString *out, const json_t *event)
{
    g_autofree char *at = format_time(event, "at");
    g_autofree char *actor = actor_of(event);
    g_autofree char *text = format_text(event, "text");
    g_autofree char *detail = detail_of(event);
    g_autofree char *meaning = format_text(event, "meaning");
    g_autofree char *client = format_text(event, "client");
    g_string_append_printf(out, "%s  %s  %s", at != NULL ? at : "", actor != NULL ? actor : "?",
        text != NULL ? text : "?");
    if (meaning != NULL || detail != NULL)
        g_string_append_printf(out, " (%s)", meaning != NULL ? meaning : detail);
    if (client != NULL)
        g_string_append_printf(
            out, "  %s", strcmp(client, "local") == 0 ? say("this computer") : client);
    g_string_append_c(out, '\n');
}

char *format_audit(const json_t *list)
{
    GString *out = g_string_new(NULL);
    const json_t *data = json_object_get(list, "data");
    for (gsize i = 0; i < json_array_size(data); i++)
        add_event(out, json_array_get(data, i));
    if (json_array_size(data) == 0)
        g_string_append_printf(out, "%s\n", say("There is no such event."));
    return g_string_free(out, FALSE);
}

char *format_audit_check(const json_t *check)
{
    GString *out = g_string_new(NULL);
    const json_t *fault = json_object_get(check, "first_fault");
    g_autofree char *id = json_is_object(fault) ? format_text(fault, "id") : NULL;
    g_autofree char *at = json_is_object(fault) ? format_time(fault, "at") : NULL;
    g_autofree char *head = format_text(check, "last_hash");
    g_autofree char *events = g_strdup_printf(
        "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(check, "events")));
    gboolean is_ok = json_is_true(json_object_get(check, "ok"));
    gint64 forgotten = json_integer_value(json_object_get(check, "forgotten"));
    g_string_append(out, is_ok ? "✓ " : "✗ ");
    if (json_is_object(fault))
        g_string_append(out, say("The audit log was tampered with: an event is not what was "
                                 "written, or one before it is missing."));
    else if (!is_ok)
        g_string_append(
            out, say("The head that was asked for is not in the log: its end was cut off."));
    else
        g_string_append(out, say("The audit log is what was written."));
    g_string_append_c(out, '\n');
    format_add_line(out, say("First fault:"), id != NULL ? id : at);
    format_add_line(out, say("At:"), id != NULL ? at : NULL);
    format_add_line(out, say("Sound events:"), events);
    if (forgotten > 0) {
        g_autofree char *until = format_time(check, "forgotten_until");
        g_autofree char *begins = g_strdup_printf(
            say("after %s; %" G_GINT64_FORMAT " earlier ones were too old to be kept"), until,
            forgotten);
        format_add_line(out, say("It begins:"), begins);
    }
    format_add_line(out, say("Head:"), head);
    return g_string_free(out, FALSE);
}
