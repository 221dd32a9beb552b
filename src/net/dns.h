/* Questions to the DNS for threads that may wait: has what a judge left open in a DnsAnswers
 * answered, all at once, then the judge goes on (base/dns.h). Names are asked as they are: no
 * search domain, no hosts file, for any type: what is judged is what the world sees. Nothing is
 * cached, and the system's list of servers is read again for every call.
 *
 * Who calls: routes with ROUTE_ASKS, and net/https.h. Never the loop. */
#pragma once

#include "base/dns.h"

typedef struct net_dns NetDns;

/* dns_server: "127.0.0.1:5353" ("[::1]:5353"), or NULL for the system's. ABS_ERROR_INPUT if it is
 * not an address. */
NetDns *net_dns_new(const char *dns_server, GError **error);

/* Those who wait get DNS_TIMEOUT for what is still missing, at once; so does everybody from now on.
 * May be called from any thread. */
void net_dns_stop(NetDns *dns);
gboolean net_dns_is_stopped(const NetDns *dns);
void net_dns_free(NetDns *dns); /* nobody waits any more */

/* Answers the first LIMIT_DNS_QUESTIONS open questions; more than those stay open for the next
 * call. Each gets a status, DNS_TIMEOUT where none came within timeout_ms. At most
 * LIMIT_DNS_RECORDS records of an answer are kept; a NUL in a TXT record is told as 0x01. Many
 * threads may ask through one NetDns, each with answers of its own. */
void net_dns_ask(NetDns *dns, DnsAnswers *answers, gint64 timeout_ms);

/* Becomes readable when net_dns_stop is called: for others that wait (net/https.c). */
int net_dns_stop_fd(const NetDns *dns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetDns, net_dns_free)
