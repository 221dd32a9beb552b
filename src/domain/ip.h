/* IP addresses as numbers: what SPF's networks are compared with, and what a Received header tells.
 * Pure. */
#pragma once

#include <glib.h>

typedef struct {
    guint8 bytes[16]; /* in network order; an IPv4 address takes the first four */
    guint bits;       /* 32 or 128 */
} DomainIp;

/* Strict, as mime/literal.h reads them. FALSE and untouched if it is none. */
gboolean domain_ip_parse(const char *text, DomainIp *ip);

/* An IPv4 client seen through an IPv6 socket (::ffff:192.0.2.1) is an IPv4 client (RFC 7208 5). */
void domain_ip_unmap(DomainIp *ip);

/* The first `prefix` bits are the same; FALSE for different families. */
gboolean domain_ip_is_in(const DomainIp *ip, const DomainIp *network, guint prefix);

/* Neither private, loopback, link-local, shared, multicast nor unspecified. */
gboolean domain_ip_is_public(const DomainIp *ip);

/* "4.3.2.1.in-addr.arpa"; nibbles below ip6.arpa. The caller frees. */
char *domain_ip_reverse_name(const DomainIp *ip);
