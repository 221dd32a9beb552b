/* Dates to mind, as `absender status` shows them. */
#include "cli/format.h"

#include "cli/words.h"

#include <string.h>

/* "in 12 days"; a part. */
static char *distance(json_int_t days, gboolean is_over)
{
    if (is_over)
        return g_strdup(say("over"));
    if (days == 0)
        return g_strdup(say("within a day"));
    return days == 1 ? g_strdup(say("in one day")) : g_strdup_printf(say("in %d days"), (int)days);
}

/* "! 2026-12-31, in 39 days: …"; the mark says that it is time. NULL: it is no date. */
static char *date_line(const json_t *date)
{
    g_autofree char *at = format_day(date, "at");
    g_autofree char *text = format_text(date, "text");
    g_autofree char *name = format_text(date, "name");
    const json_t *reminder = json_object_get(date, "reminder");
    gboolean is_due = json_is_integer(reminder);
    gboolean is_over = is_due && json_integer_value(reminder) == 0;
    g_autofree char *when =
        distance(json_integer_value(json_object_get(date, "days_left")), is_over);
    if (at == NULL || text == NULL)
        return NULL;
    return g_strdup_printf("%s%s, %s: %s%s%s", is_due ? "! " : "", at, when,
        name != NULL ? name : "", name != NULL ? ": " : "", text);
}

void format_add_dates(GString *out, const json_t *dates)
{
    gboolean is_first = TRUE;
    for (gsize i = 0; i < json_array_size(dates); i++) {
        g_autofree char *line = date_line(json_array_get(dates, i));
        if (line != NULL)
            format_add_line(out, is_first ? say("Dates to mind:") : "", line);
        is_first = is_first && line == NULL;
    }
}
