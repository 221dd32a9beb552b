#include "cli/format_queue.h"

#include "cli/format.h"
#include "cli/words.h"

#include <string.h>

#define STATE_COLUMN 24

static void pad(GString *out, const char *text, glong column)
{
    g_string_append(out, text);
    for (glong n = g_utf8_strlen(text, -1); n < column; n++)
        g_string_append_c(out, ' ');
}

/* "anna@example.com" or "anna@example.com +2". NULL: nobody is named. */
static char *first_of(const json_t *list)
{
    gsize n = json_array_size(list);
    json_t *holder = json_object();
    json_object_set(holder, "first", json_array_get(list, 0));
    g_autofree char *first = format_text(holder, "first");
    json_decref(holder);
    if (first == NULL || n <= 1)
        return g_steal_pointer(&first);
    return g_strdup_printf("%s +%zu", first, n - 1);
}

/* --- list --------------------------------------------------------------------------------------
 */

static void add_email(GString *out, const json_t *email)
{
    g_autofree char *id = format_text(email, "id");
    g_autofree char *at = format_time(email, "created_at");
    g_autofree char *to = first_of(json_object_get(email, "to"));
    g_autofree char *subject = format_text(email, "subject");
    g_string_append_printf(out, "%s  %s  ", id != NULL ? id : "?", at != NULL ? at : "");
    pad(out, format_email_state(email, "state"), STATE_COLUMN);
    g_string_append_printf(out, "  %s", to != NULL ? to : "");
    if (subject != NULL)
        g_string_append_printf(out, "  %s", subject);
    g_string_append_c(out, '\n');
}

char *format_queue(const json_t *list)
{
    GString *out = g_string_new(NULL);
    const json_t *data = json_object_get(list, "data");
    for (gsize i = 0; i < json_array_size(data); i++)
        add_email(out, json_array_get(data, i));
    if (json_array_size(data) == 0)
        g_string_append_printf(out, "%s\n", say("There is no such email."));
    return g_string_free(out, FALSE);
}

/* --- show --------------------------------------------------------------------------------------
 */

static void add_explanation(GString *out, const json_t *explanation)
{
    if (!json_is_object(explanation))
        return;
    g_autofree char *sentence = format_text(explanation, "sentence");
    g_autofree char *next = format_time(explanation, "next_at");
    g_autofree char *expires = format_time(explanation, "expires_at");
    format_add_line(out, say("Why:"), sentence);
    format_add_line(out, say("Next:"), next);
    format_add_line(out, say("Expires:"), expires);
    const json_t *changes = json_object_get(explanation, "changes");
    for (gsize i = 0; i < json_array_size(changes); i++) {
        g_autofree char *text = format_text(json_array_get(changes, i), "text");
        format_add_line(out, i == 0 ? say("What helps:") : "", text);
    }
}

static void add_attempt(GString *out, const json_t *attempt)
{
    g_autofree char *at = format_time(attempt, "at");
    g_autofree char *enhanced = format_text(attempt, "enhanced");
    g_autofree char *text = format_text(attempt, "text");
    g_autofree char *server = format_text(attempt, "server");
    json_int_t reply = json_integer_value(json_object_get(attempt, "reply"));
    g_string_append_printf(
        out, "    %s  %s", at != NULL ? at : "", format_email_state(attempt, "state"));
    if (reply > 0)
        g_string_append_printf(out, "  %" JSON_INTEGER_FORMAT, reply);
    g_string_append_printf(out, "%s%s%s%s", enhanced != NULL ? " " : "",
        enhanced != NULL ? enhanced : "", text != NULL ? " " : "", text != NULL ? text : "");
    if (server != NULL)
        g_string_append_printf(out, "  (%s)", server);
    g_string_append_c(out, '\n');
    format_add_diagnosis(out, json_object_get(attempt, "diagnosis"));
}

static void add_recipient(GString *out, const json_t *recipient)
{
    g_autofree char *address = format_text(recipient, "address");
    g_autofree char *next = format_time(recipient, "next_attempt_at");
    g_string_append_printf(
        out, "  %s: %s", address != NULL ? address : "?", format_email_state(recipient, "state"));
    if (next != NULL)
        g_string_append_printf(out, say(", next attempt %s"), next);
    g_string_append_c(out, '\n');
    const json_t *attempts = json_object_get(recipient, "attempts_log");
    for (gsize i = 0; i < json_array_size(attempts); i++)
        add_attempt(out, json_array_get(attempts, i));
}

static void add_timeline(GString *out, const json_t *timeline)
{
    if (json_array_size(timeline) > 0)
        g_string_append_printf(out, "%s\n", say("Timeline"));
    for (gsize i = 0; i < json_array_size(timeline); i++) {
        const json_t *moment = json_array_get(timeline, i);
        g_autofree char *at = format_time(moment, "at");
        g_autofree char *detail = format_text(moment, "detail");
        g_string_append_printf(
            out, "  %s  %s", at != NULL ? at : "", format_email_state(moment, "event"));
        if (detail != NULL)
            g_string_append_printf(out, "  %s", detail);
        g_string_append_c(out, '\n');
    }
}

char *format_email_detail(const json_t *email)
{
    GString *out = g_string_new(NULL);
    g_autofree char *id = format_text(email, "id");
    g_autofree char *from = format_text(email, "from");
    g_autofree char *to = first_of(json_object_get(email, "to"));
    g_autofree char *subject = format_text(email, "subject");
    g_autofree char *class = format_text(email, "class");
    g_autofree char *at = format_time(email, "created_at");
    format_add_line(out, say("Email:"), id);
    format_add_line(out, say("State:"), format_email_state(email, "state"));
    add_explanation(out, json_object_get(email, "explanation"));
    format_add_line(out, say("From:"), from);
    format_add_line(out, say("To:"), to);
    format_add_line(out, say("Subject:"), subject);
    format_add_line(out, say("Class:"), class);
    format_add_line(out, say("Taken:"), at);
    const json_t *recipients = json_object_get(email, "recipients");
    if (json_array_size(recipients) > 0)
        g_string_append_printf(out, "%s\n", say("Recipients"));
    for (gsize i = 0; i < json_array_size(recipients); i++)
        add_recipient(out, json_array_get(recipients, i));
    add_timeline(out, json_object_get(email, "timeline"));
    return g_string_free(out, FALSE);
}

/* --- many at once -------------------------------------------------------------------------------
 */

static const struct {
    const char *code, *text;
} reasons[] = {
    {"not_found", SAY_LATER("does not exist any more")},
    {"not_retryable", SAY_LATER("nothing to retry")},
    {"not_cancellable", SAY_LATER("already on its way or done")},
    {"body_erased", SAY_LATER("content already erased")},
    {"past_expiry", SAY_LATER("its time has run out")},
    {"may_arrive_twice", SAY_LATER("might arrive twice; --again sends it all the same")},
    {"at_most_once", SAY_LATER("may be sent only once")},
};

static guint count_of(const json_t *skipped, const char *code)
{
    guint n = 0;
    for (gsize i = 0; i < json_array_size(skipped); i++) {
        const json_t *each = json_object_get(json_array_get(skipped, i), "code");
        n += g_strcmp0(json_string_value(each), code) == 0 ? 1 : 0;
    }
    return n;
}

static int done_of(const json_t *bulk)
{
    return (int)json_integer_value(json_object_get(bulk, "done"));
}

/* what_was_done: with one or more. */
static char *format_bulk(const json_t *bulk, const char *what_was_done)
{
    const json_t *skipped = json_object_get(bulk, "skipped");
    gboolean is_done = done_of(bulk) > 0;
    if (!is_done && json_array_size(skipped) == 0)
        return g_strconcat(say("There is no such email."), "\n", NULL);
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "%s %s\n", is_done ? "✓" : "✗",
        is_done ? what_was_done : say("No email was changed."));
    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
        guint n = count_of(skipped, reasons[i].code);
        if (n > 0)
            g_string_append_printf(out, say("  %u left out: %s\n"), n, say(reasons[i].text));
    }
    return g_string_free(out, FALSE);
}

char *format_retried(const json_t *bulk)
{
    g_autofree char *many = g_strdup_printf(say("%d emails are queued again."), done_of(bulk));
    return format_bulk(bulk, done_of(bulk) == 1 ? say("One email is queued again.") : many);
}

char *format_cancelled(const json_t *bulk)
{
    g_autofree char *many =
        g_strdup_printf(say("%d emails will not be sent any more."), done_of(bulk));
    return format_bulk(
        bulk, done_of(bulk) == 1 ? say("One email will not be sent any more.") : many);
}

/* --- the books ---------------------------------------------------------------------------------
 */

/* "12 accepted by the provider, 3 rejected"; NULL: none. */
static char *counts_of(const json_t *states)
{
    g_autoptr(GString) line = g_string_new(NULL);
    const char *name;
    json_t *count;
    json_object_foreach((json_t *)states, name, count)
    {
        json_t *holder = json_pack("{s:s}", "state", name);
        if (json_integer_value(count) != 0)
            g_string_append_printf(line, "%s%" JSON_INTEGER_FORMAT " %s", line->len > 0 ? ", " : "",
                json_integer_value(count), format_email_state(holder, "state"));
        json_decref(holder);
    }
    return line->len > 0 ? g_string_free(g_steal_pointer(&line), FALSE) : NULL;
}

/* Never more than was looked at. */
static const char *verdict_of(const json_t *check)
{
    if (!json_is_true(json_object_get(check, "balanced")))
        return say("The books do not balance.");
    return json_is_false(json_object_get(check, "counted"))
               ? say("The sums of the books balance. There are too many emails to count them, too.")
               : say("The books balance: every email that was taken is accounted for.");
}

char *format_queue_check(const json_t *check)
{
    GString *out = g_string_new(NULL);
    gboolean is_balanced = json_is_true(json_object_get(check, "balanced"));
    g_autofree char *states = counts_of(json_object_get(check, "states"));
    g_autofree char *removed = counts_of(json_object_get(check, "removed"));
    g_autofree char *taken = g_strdup_printf(
        "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(check, "taken")));
    g_string_append(out, is_balanced ? "✓ " : "✗ ");
    g_string_append_printf(out, "%s\n", verdict_of(check));
    const json_t *faults = json_object_get(check, "faults");
    for (gsize i = 0; i < json_array_size(faults); i++) {
        json_t *holder = json_object();
        json_object_set(holder, "fault", json_array_get(faults, i));
        g_autofree char *fault = format_text(holder, "fault");
        json_decref(holder);
        g_string_append_printf(out, "  %s\n", fault != NULL ? fault : "?");
    }
    format_add_line(out, say("Taken in all:"), taken);
    format_add_line(out, say("There:"), states);
    format_add_line(out, say("Removed since:"), removed);
    return g_string_free(out, FALSE);
}

/* --- what switching on would do -----------------------------------------------------------------
 */

/* "120 (3 reset, 117 bulk)" */
static char *classes_of(const json_t *counts)
{
    static const char *const classes[] = {
        "reset", "invitation", "transactional", "notification", "bulk"};
    g_autoptr(GString) parts = g_string_new(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(classes); i++) {
        json_int_t n = json_integer_value(json_object_get(counts, classes[i]));
        if (n > 0)
            g_string_append_printf(
                parts, "%s%" JSON_INTEGER_FORMAT " %s", parts->len > 0 ? ", " : "", n, classes[i]);
    }
    json_int_t total = json_integer_value(json_object_get(counts, "total"));
    return parts->len > 0 ? g_strdup_printf("%" JSON_INTEGER_FORMAT " (%s)", total, parts->str)
                          : g_strdup_printf("%" JSON_INTEGER_FORMAT, total);
}

static json_int_t total_of(const json_t *preview, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(preview, name), "total"));
}

char *format_preview(const json_t *preview)
{
    GString *out = g_string_new(NULL);
    g_autofree char *now = classes_of(json_object_get(preview, "send"));
    g_autofree char *later = classes_of(json_object_get(preview, "later"));
    g_autofree char *expired = classes_of(json_object_get(preview, "expire"));
    g_autofree char *twice = classes_of(json_object_get(preview, "uncertain"));
    g_autofree char *expiring = classes_of(json_object_get(preview, "may_expire"));
    g_autofree char *oldest = format_time(preview, "oldest_at");
    const json_t *seconds = json_object_get(preview, "takes_at_least_s");
    format_add_line(out, say("Sent at once:"), now);
    if (total_of(preview, "uncertain") > 0)
        format_add_line(out, say("May come twice:"), twice);
    if (total_of(preview, "may_expire") > 0)
        format_add_line(out, say("May run out:"), expiring);
    format_add_line(out, say("Sent later:"), later);
    format_add_line(out, say("Ended unsent:"), expired);
    format_add_line(out, say("Oldest:"), oldest);
    if (json_is_integer(seconds) && json_integer_value(seconds) > 0) {
        gint64 minutes = (json_integer_value(seconds) + 59) / 60;
        g_autofree char *time =
            g_strdup_printf(say("%d h %d min (quota)"), (int)(minutes / 60), (int)(minutes % 60));
        format_add_line(out, say("Takes at least:"), time);
    }
    return g_string_free(out, FALSE);
}
