#include "domain/mail_date.h"

#include "base/text.h"

#include <string.h>

static gboolean read_number(const char **text, gint most, gint *value)
{
    *text += strspn(*text, " \t");
    gsize digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 4)
        return FALSE;
    *value = (gint)g_ascii_strtoull(*text, NULL, 10);
    *text += digits;
    return *value <= most;
}

static gboolean read_month(const char **text, gint *month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    *text += strspn(*text, " \t-");
    for (gint i = 0; i < 12; i++) {
        if (g_ascii_strncasecmp(*text, names + 3 * i, 3) == 0) {
            *text += 3;
            *text += strspn(*text, " \t-");
            *month = i + 1;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean read_time(const char **text, gint time[3])
{
    time[2] = 0;
    for (guint i = 0; i < 3; i++) {
        if (i > 0 && **text != ':')
            return i == 2;
        *text += i > 0 ? 1 : 0;
        if (!read_number(text, i == 0 ? 23 : 60, &time[i]))
            return FALSE;
    }
    return TRUE;
}

/* Minutes east of Greenwich; a zone that is not known counts as 0 (RFC 5322 4.3). */
static gint zone_minutes(const char *text)
{
    static const struct {
        const char *name;
        gint minutes;
    } known[] = {{"EST", -300}, {"EDT", -240}, {"CST", -360}, {"CDT", -300}, {"MST", -420},
        {"MDT", -360}, {"PST", -480}, {"PDT", -420}, {"CET", 60}, {"CEST", 120}};
    text += strspn(text, " \t");
    gsize digits = strspn(text + (*text ? 1 : 0), "0123456789");
    if ((*text == '+' || *text == '-') && digits == 4) {
        gint value = (gint)g_ascii_strtoull(text + 1, NULL, 10);
        gint minutes = value / 100 * 60 + value % 100;
        return *text == '-' ? -minutes : minutes;
    }
    g_autofree char *name = g_strndup(text, strcspn(text, " \t("));
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (text_equal_nocase(name, known[i].name))
            return known[i].minutes;
    }
    return 0;
}

gboolean mail_date_parse(const char *text, gint64 *seconds)
{
    gint day = 0, month = 0, year = 0, time[3];
    const char *comma = strchr(text, ',');
    if (comma)
        text = comma + 1;
    if (!read_number(&text, 31, &day) || !read_month(&text, &month) ||
        !read_number(&text, 9999, &year) || !read_time(&text, time))
        return FALSE;
    if (year < 100)
        year += year < 50 ? 2000 : 1900;
    g_autoptr(GDateTime) date =
        g_date_time_new_utc(year, month, day, time[0], time[1], MIN(time[2], 59));
    if (!date)
        return FALSE;
    *seconds = g_date_time_to_unix(date) - (gint64)zone_minutes(text) * 60;
    return TRUE;
}
