#include "domain/received.h"

#include "base/limits.h"
#include "base/text.h"
#include "domain/header_fields.h"
#include "domain/ip.h"
#include "domain/mail_date.h"
#include "mime/address.h"

#include <string.h>

/* The word behind " from " or " by ", if it is a host name; the caller frees. */
static char *host_behind(const char *value, const char *word)
{
    g_auto(GStrv) words = g_strsplit_set(value, " \t;()", -1);
    for (guint i = 0; words[i] && words[i + 1]; i++) {
        if (text_equal_nocase(words[i], word))
            return mime_host_parse(words[i + 1], NULL);
    }
    return NULL;
}

/* "mx1.gmx.net" and "mout.gmx.net" are of one house. Two labels do: a guess that only keeps inner
 * hops of a receiver from being taken for the sender. */
static gboolean is_same_house(const char *a, const char *b)
{
    const char *tails[2] = {a, b};
    for (guint i = 0; i < 2; i++) {
        if (!tails[i])
            return FALSE;
        const char *last = strrchr(tails[i], '.');
        while (last && last > tails[i] && last[-1] != '.')
            last--;
        tails[i] = last ? last : tails[i];
    }
    return text_equal_nocase(tails[0], tails[1]);
}

/* The first public address in the part before "by". */
static char *address_in(const char *value)
{
    const char *by = strstr(value, " by ");
    g_autofree char *part = g_strndup(value, by ? (gsize)(by - value) : strlen(value));
    g_auto(GStrv) words = g_strsplit_set(part, " \t()[],;=", -1);
    for (guint i = 0; words[i]; i++) {
        const char *text = text_has_prefix_nocase(words[i], "IPv6:") ? words[i] + 5 : words[i];
        DomainIp ip;
        if (domain_ip_parse(text, &ip) && domain_ip_is_public(&ip))
            return g_strdup(text);
    }
    return NULL;
}

static gboolean time_of(const char *value, gint64 *seconds)
{
    const char *semicolon = strrchr(value, ';');
    return semicolon && mail_date_parse(semicolon + 1, seconds);
}

void received_read(const GPtrArray *fields, ReceivedRoute *route)
{
    gint64 first = 0, last = 0;
    gboolean has_first = FALSE, has_last = FALSE;
    guint n = 0;
    *route = (ReceivedRoute){.delay_s = -1};
    for (const char *value;
         n < LIMIT_HEADER_CHECK_HOPS && (value = header_fields_get(fields, "Received", n)) != NULL;
         n++) {
        g_autofree char *by = host_behind(value, "by");
        g_autofree char *from = host_behind(value, "from");
        if (!route->from_address && !is_same_house(from, by))
            route->from_address = address_in(value);
        if (n == 0) {
            route->by = g_steal_pointer(&by);
            has_last = time_of(value, &last);
        }
        has_first = time_of(value, &first);
    }
    if (n < 2) {
        const char *date = header_fields_get(fields, "Date", 0);
        has_first = date && mail_date_parse(date, &first);
    }
    if (n > 0 && has_first && has_last)
        route->delay_s = MAX(last - first, 0); /* clocks differ */
}

void received_clear(ReceivedRoute *route)
{
    g_free(route->by);
    g_free(route->from_address);
}
