/* IP addresses as text: read strictly and brought into one canonical form. Pure folders may not
 * name <arpa/inet.h>, and inet_pton's cousins accept what two readers understand differently (octal
 * octets, zone ids). */
#pragma once

#include <glib.h>

/* "192.0.2.1": four decimal octets without leading zeros. NULL if it is anything else. */
char *mime_ipv4_canonical(const char *text);

/* "2001:DB8:0:0::1", "::ffff:192.0.2.1", without brackets and zone, to RFC 5952 form: lower case,
 * the longest run of zeros as "::", IPv4-mapped addresses with their dotted end. NULL if it is not
 * one. */
char *mime_ipv6_canonical(const char *text);
