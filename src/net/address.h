/* Which addresses settings may lead to (DESIGN rule 9): classify every resolved address, deny by
 * default what is not public unicast; the operator allows networks with --allow-network. Metadata
 * addresses are denied always. */
#pragma once

#include <glib.h>
#include <sys/socket.h>

typedef struct net_policy NetPolicy;

NetPolicy *net_policy_new(void);
/* "127.0.0.0/8", "::1/128", "10.1.2.0/24". ABS_ERROR_INPUT. */
gboolean net_policy_allow(NetPolicy *policy, const char *cidr, GError **error);
void net_policy_free(NetPolicy *policy);

gboolean net_policy_permits(const NetPolicy *policy, const struct sockaddr *address);
gboolean net_address_is_public(
    const struct sockaddr *address); /* IPv4 in IPv6 forms are unwrapped first */

/* Without port; of another family: "". The caller frees. */
char *net_address_text(const struct sockaddr *address);

/* In the one spelling in which callers are compared: ::ffff:192.0.2.1 is 192.0.2.1 to those who
 * write networks. NULL: that is no IP address. The caller frees. */
char *net_address_respell(const char *text);

/* "localhost" and names under it: loopback, whatever the DNS says (RFC 6761 6.3). */
gboolean net_name_is_localhost(const char *host);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetPolicy, net_policy_free)
