#include "api/words/system_mail_text.h"

#include <string.h>

/* --- Colours -----------------------------------------------------------------------------------
 */

/* WCAG 2.2, relative luminance: one channel made linear, by a polynomial that is right to 0.001. */
static double channel(guint64 value)
{
    double share = (double)(value & 255) / 255.0;
    return share * (share * (share * 0.305306011 + 0.682171111) + 0.012522878);
}

const char *system_mail_text_on(const char *colour)
{
    guint64 rgb = strlen(colour) == 7 ? g_ascii_strtoull(colour + 1, NULL, 16) : 0;
    double luminance =
        0.2126 * channel(rgb >> 16) + 0.7152 * channel(rgb >> 8) + 0.0722 * channel(rgb);
    /* The contrast to white is 1.05 / (L + 0.05), that to black (L + 0.05) / 0.05. */
    return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? "#ffffff" : "#000000";
}

/* --- Times -------------------------------------------------------------------------------------
 */

static const char *const months[LANGUAGE_COUNT][12] = {
    [LANGUAGE_DE] = {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August",
        "September", "Oktober", "November", "Dezember"},
    [LANGUAGE_EN] = {"January", "February", "March", "April", "May", "June", "July", "August",
        "September", "October", "November", "December"},
};

/* The German names of the zones that German readers live in. */
static const char *zone_name(const char *zone, Language language)
{
    if (language == LANGUAGE_DE && strcmp(zone, "CET") == 0)
        return "MEZ";
    if (language == LANGUAGE_DE && strcmp(zone, "CEST") == 0)
        return "MESZ";
    return zone;
}

/* A server on UTC says nothing about its readers; German ones live by the time of Berlin. */
static GDateTime *time_of_readers(WallMs at, Language language)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(at / CLOCK_SECOND_MS);
    g_autoptr(GDateTime) local = g_date_time_to_local(utc);
    gboolean is_utc = strcmp(g_date_time_get_timezone_abbreviation(local), "UTC") == 0;
    g_autoptr(GTimeZone) berlin =
        is_utc && language == LANGUAGE_DE ? g_time_zone_new_identifier("Europe/Berlin") : NULL;
    return berlin ? g_date_time_to_timezone(utc, berlin) : g_steal_pointer(&local);
}

static char *day_text(GDateTime *local, Language language)
{
    const char *month = months[language][g_date_time_get_month(local) - 1];
    int day = g_date_time_get_day_of_month(local), year = g_date_time_get_year(local);
    return g_strdup_printf(language == LANGUAGE_DE ? "%d. %s %d" : "%d %s %d", day, month, year);
}

char *system_mail_time(WallMs at, Language language)
{
    g_autoptr(GDateTime) local = time_of_readers(at, language);
    g_autofree char *day = day_text(local, language);
    const char *zone = zone_name(g_date_time_get_timezone_abbreviation(local), language);
    int hour = g_date_time_get_hour(local), minute = g_date_time_get_minute(local);
    return g_strdup_printf(
        language == LANGUAGE_DE ? "%s, %02d:%02d Uhr (%s)" : "%s, %02d:%02d (%s)", day, hour,
        minute, zone);
}

char *system_mail_day(WallMs at, Language language)
{
    g_autoptr(GDateTime) local = time_of_readers(at, language);
    return day_text(local, language);
}
