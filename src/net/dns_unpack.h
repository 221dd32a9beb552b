/* What a DNS message says to the question it carries (RFC 1035 4). Pure; the bytes come from
 * strangers. c-ares has matched the message to the question before. */
#pragma once

#include "base/dns.h"

/* type: the one that was asked. CNAMEs are followed inside the message, at most LIMIT_DNS_ALIASES;
 * records of other names are ignored. *records (of DnsRecord; empty unless DNS_FOUND) and
 * *canonical (NULL: no CNAME was followed) are the caller's. A message that makes no sense anywhere
 * in its answers is DNS_SERVER_FAIL as a whole, as are a loop of CNAMEs and two for one name. */
DnsStatus net_dns_unpack(
    const guint8 *message, gsize n, DnsType type, GPtrArray **records, char **canonical);
