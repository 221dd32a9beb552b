/* DNS for tests: a zone as text, answered to what a judge asks. */
#pragma once

#include "base/dns.h"

#include <string.h>

typedef struct {
    const char *name;
    DnsType type;
    const char *text; /* TXT, address, host; NULL: the status below */
    guint status;     /* DnsStatus; 0: DNS_FOUND */
} ZoneRecord;

/* All open questions get an answer: the records of the zone, DNS_NO_DATA where only another type of
 * the name is there or names below it, else DNS_NO_NAME. */
static inline void zone_answer(const ZoneRecord *zone, gsize n, DnsAnswers *answers)
{
    while (dns_answers_n_open(answers) > 0) {
        const DnsAnswer *question = dns_answers_open(answers, 0);
        g_autofree char *name = g_strdup(question->name);
        g_autofree char *below = g_strconcat(".", name, NULL);
        DnsType type = question->type;
        DnsStatus status = DNS_NO_NAME;
        g_autofree char *canonical = NULL;
        GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)dns_record_free);
        for (gsize i = 0; i < n; i++) {
            gboolean is_it = g_ascii_strcasecmp(zone[i].name, name) == 0;
            if (is_it && zone[i].type == DNS_TYPE_CNAME && !canonical)
                canonical = g_strdup(zone[i].text);
        }
        const char *at = canonical ? canonical : name;
        for (gsize i = 0; i < n; i++) {
            gboolean is_it = g_ascii_strcasecmp(zone[i].name, at) == 0;
            if ((is_it || g_str_has_suffix(zone[i].name, below)) && status == DNS_NO_NAME)
                status = DNS_NO_DATA;
            if (!is_it || zone[i].type != type)
                continue;
            status = zone[i].status ? (DnsStatus)zone[i].status : DNS_FOUND;
            if (zone[i].text)
                g_ptr_array_add(records, dns_record_new(zone[i].text));
        }
        dns_answers_put(answers, name, type, status, records, g_steal_pointer(&canonical));
    }
}
