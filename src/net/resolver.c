#include "net/resolver.h"

#include "base/limits.h"
#include "net/address.h"
#include "net/cares.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#define CLASS_IN 1   /* RFC 1035 3.2.4 */
#define TYPE_A 1     /* RFC 1035 3.2.2 */
#define TYPE_AAAA 28 /* RFC 3596 2.1 */

struct net_resolver {
    GMainContext *context;
    char *dns_server; /* NULL: the system's */
    gint64 timeout_ms;
    GQueue lookups; /* of NetLookup, alive */
};

/* One family's half of the answer. */
typedef struct {
    NetLookup *lookup;
    gboolean is_done;
    int status; /* ARES_* */
    struct sockaddr_storage addresses[LIMIT_DNS_ADDRESSES];
    guint n;
} Half;

struct net_lookup {
    NetResolver *resolver;
    GList *link; /* in resolver->lookups */
    guint16 port;
    NetResolved resolved;
    gpointer user;
    ares_channel channel; /* NULL unless DNS is asked */
    GSource *source;      /* the channel's sockets and all timers */
    GArray *sockets;      /* of Socket */
    MonoMs ends_at;
    Half six, four;
};

typedef struct {
    ares_socket_t fd;
    gpointer tag;
} Socket;

typedef struct {
    GSource base;
    NetLookup *lookup;
} LookupSource;

static void address_add(Half *half, int family, const void *bytes, guint16 port)
{
    if (half->n == LIMIT_DNS_ADDRESSES)
        return;
    struct sockaddr_storage *at = &half->addresses[half->n++];
    memset(at, 0, sizeof *at);
    if (family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&in.sin_addr, bytes, sizeof in.sin_addr);
        memcpy(at, &in, sizeof in);
    } else {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        memcpy(&in6.sin6_addr, bytes, sizeof in6.sin6_addr);
        memcpy(at, &in6, sizeof in6);
    }
}

/* --- the answer --------------------------------------------------------------------------------
 */

static const char *fault_of(int six, int four)
{
    /* NXDOMAIN holds for all types (RFC 8020 2): one half is enough. A name c-ares cannot put into
     * a question (a label over 63 octets) exists no more than that. */
    if (six == ARES_ENOTFOUND || four == ARES_ENOTFOUND || six == ARES_EBADNAME ||
        four == ARES_EBADNAME)
        return "NXDOMAIN";
    if (six == ARES_ENODATA && four == ARES_ENODATA)
        return "EAI_NODATA";
    if (six == ARES_ETIMEOUT || four == ARES_ETIMEOUT)
        return "EAI_AGAIN";
    return "SERVFAIL";
}

static void lookup_close(NetLookup *lookup)
{
    if (lookup->channel != NULL)
        ares_destroy(lookup->channel); /* calls on_a and on_aaaa once more: nobody will look */
    g_source_destroy(lookup->source);
    g_source_unref(lookup->source);
    g_array_free(lookup->sockets, TRUE);
    if (lookup->link != NULL)
        g_queue_delete_link(&lookup->resolver->lookups, lookup->link);
    g_free(lookup);
}

static void lookup_answer(NetLookup *lookup)
{
    struct sockaddr_storage addresses[LIMIT_DNS_ADDRESSES];
    const Half *six = &lookup->six, *four = &lookup->four;
    NetAddresses answer = {.addresses = addresses};
    for (guint i = 0; i < MAX(six->n, four->n); i++) {
        if (i < six->n && answer.n_addresses < LIMIT_DNS_ADDRESSES)
            addresses[answer.n_addresses++] = six->addresses[i];
        if (i < four->n && answer.n_addresses < LIMIT_DNS_ADDRESSES)
            addresses[answer.n_addresses++] = four->addresses[i];
    }
    if (answer.n_addresses == 0)
        answer.fault = fault_of(six->status, four->status);
    NetResolved resolved = lookup->resolved;
    gpointer user = lookup->user;
    lookup_close(lookup);
    resolved(&answer, user); /* may free the resolver */
}

/* --- DNS ---------------------------------------------------------------------------------------
 */

/* Callbacks of c-ares only note; the answer leaves from the source's dispatch, where it is safe to
 * destroy the channel. */
static void half_finish(Half *half, int status)
{
    half->status = status;
    half->is_done = TRUE;
    /* With one family in hand the other is not waited for long (RFC 8305 3): some servers never
     * answer AAAA. */
    if (half->n > 0)
        half->lookup->ends_at =
            MIN(half->lookup->ends_at, clock_mono_ms() + LIMIT_DNS_OTHER_FAMILY_MS);
}

static void on_a(void *user, int status, int timeouts, unsigned char *answer, int n)
{
    Half *half = user;
    struct ares_addrttl found[LIMIT_DNS_ADDRESSES];
    int n_found = LIMIT_DNS_ADDRESSES;
    if (status == ARES_SUCCESS)
        status = ares_parse_a_reply(answer, n, NULL, found, &n_found);
    for (int i = 0; status == ARES_SUCCESS && i < n_found; i++)
        address_add(half, AF_INET, &found[i].ipaddr, half->lookup->port);
    half_finish(half, status);
}

static void on_aaaa(void *user, int status, int timeouts, unsigned char *answer, int n)
{
    Half *half = user;
    struct ares_addr6ttl found[LIMIT_DNS_ADDRESSES];
    int n_found = LIMIT_DNS_ADDRESSES;
    if (status == ARES_SUCCESS)
        status = ares_parse_aaaa_reply(answer, n, NULL, found, &n_found);
    for (int i = 0; status == ARES_SUCCESS && i < n_found; i++)
        address_add(half, AF_INET6, &found[i].ip6addr, half->lookup->port);
    half_finish(half, status);
}

static void on_socket(void *user, ares_socket_t fd, int wants_read, int wants_write)
{
    NetLookup *lookup = user;
    GIOCondition condition = (wants_read ? G_IO_IN : 0) | (wants_write ? G_IO_OUT : 0);
    for (guint i = 0; i < lookup->sockets->len; i++) {
        Socket *at = &g_array_index(lookup->sockets, Socket, i);
        if (at->fd != fd)
            continue;
        if (condition != 0) {
            g_source_modify_unix_fd(lookup->source, at->tag, condition);
        } else {
            g_source_remove_unix_fd(lookup->source, at->tag);
            g_array_remove_index_fast(lookup->sockets, i);
        }
        return;
    }
    if (condition == 0)
        return;
    Socket fresh = {fd, g_source_add_unix_fd(lookup->source, fd, condition)};
    g_array_append_val(lookup->sockets, fresh);
}

/* Opens the channel. FALSE with the ARES_* status. */
static gboolean channel_open(NetLookup *lookup, int *status)
{
    const char *server = lookup->resolver->dns_server;
    struct ares_options options = {
        .timeout = LIMIT_DNS_TRY_MS,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = lookup,
    };
    *status =
        ares_init_options(&lookup->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_SOCK_STATE_CB);
    if (*status != ARES_SUCCESS) {
        lookup->channel = NULL;
        return FALSE;
    }
    if (server != NULL)
        *status = ares_set_servers_ports_csv(lookup->channel, server);
    return *status == ARES_SUCCESS;
}

/* As the system's own resolver does: a name in the hosts file is not asked for in DNS, for neither
 * family. */
static gboolean hosts_file_knows(NetLookup *lookup, const char *host)
{
    for (guint i = 0; i < 2; i++) {
        Half *half = i == 0 ? &lookup->six : &lookup->four;
        int family = i == 0 ? AF_INET6 : AF_INET;
        struct hostent *found = NULL;
        if (ares_gethostbyname_file(lookup->channel, host, family, &found) != ARES_SUCCESS)
            continue;
        for (char **address = found->h_addr_list; *address != NULL; address++)
            address_add(half, family, *address, lookup->port);
        ares_free_hostent(found);
    }
    return lookup->six.n + lookup->four.n > 0;
}

static void ask_dns(NetLookup *lookup, const char *host)
{
    int status;
    gboolean is_open = channel_open(lookup, &status);
    if (!is_open || (lookup->resolver->dns_server == NULL && hosts_file_knows(lookup, host))) {
        half_finish(&lookup->six, status);
        half_finish(&lookup->four, status);
        return;
    }
    ares_query(lookup->channel, host, CLASS_IN, TYPE_AAAA, on_aaaa, &lookup->six);
    ares_query(lookup->channel, host, CLASS_IN, TYPE_A, on_a, &lookup->four);
}

/* --- the source --------------------------------------------------------------------------------
 */

/* When to look again: at once when both halves are there, else at c-ares' next retry or the end. */
static void source_set_time(NetLookup *lookup)
{
    gint64 at_us = lookup->ends_at * 1000;
    if (lookup->six.is_done && lookup->four.is_done) {
        at_us = 0;
    } else if (lookup->channel != NULL) {
        struct timeval wait;
        if (ares_timeout(lookup->channel, NULL, &wait) != NULL)
            at_us = MIN(
                at_us, g_get_monotonic_time() + wait.tv_sec * G_USEC_PER_SEC + wait.tv_usec + 1);
    }
    g_source_set_ready_time(lookup->source, at_us);
}

typedef struct {
    ares_socket_t fd;
    GIOCondition condition;
} ReadySocket;

static void process_sockets(NetLookup *lookup)
{
    /* c-ares adds and removes sockets while it works: first collect, then process. */
    g_autofree ReadySocket *ready = g_new(ReadySocket, lookup->sockets->len + 1);
    guint n = 0;
    for (guint i = 0; i < lookup->sockets->len; i++) {
        Socket *at = &g_array_index(lookup->sockets, Socket, i);
        ready[n].fd = at->fd;
        ready[n].condition = g_source_query_unix_fd(lookup->source, at->tag);
        n += ready[n].condition != 0;
    }
    for (guint i = 0; i < n; i++) {
        gboolean reads = (ready[i].condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)) != 0;
        gboolean writes = (ready[i].condition & (G_IO_OUT | G_IO_HUP | G_IO_ERR)) != 0;
        ares_process_fd(lookup->channel, reads ? ready[i].fd : ARES_SOCKET_BAD,
            writes ? ready[i].fd : ARES_SOCKET_BAD);
    }
    if (n == 0) /* timers alone */
        ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer user)
{
    NetLookup *lookup = ((LookupSource *)source)->lookup;
    Half *six = &lookup->six, *four = &lookup->four;
    if (lookup->channel != NULL && !(six->is_done && four->is_done))
        process_sockets(lookup);
    if (clock_mono_ms() >= lookup->ends_at) {
        if (!six->is_done)
            half_finish(six, ARES_ETIMEOUT);
        if (!four->is_done)
            half_finish(four, ARES_ETIMEOUT);
    }
    if (six->is_done && four->is_done) {
        lookup_answer(lookup);
        return G_SOURCE_REMOVE;
    }
    source_set_time(lookup);
    return G_SOURCE_CONTINUE;
}

/* --- the contract ------------------------------------------------------------------------------
 */

/* What needs no question: literals and localhost. */
static gboolean answer_locally(NetLookup *lookup, const char *host)
{
    struct in6_addr six;
    struct in_addr four;
    if (inet_pton(AF_INET6, host, &six) == 1) {
        address_add(&lookup->six, AF_INET6, &six, lookup->port);
    } else if (inet_pton(AF_INET, host, &four) == 1) {
        address_add(&lookup->four, AF_INET, &four, lookup->port);
    } else if (net_name_is_localhost(host)) {
        four.s_addr = htonl(INADDR_LOOPBACK);
        address_add(&lookup->six, AF_INET6, &in6addr_loopback, lookup->port);
        address_add(&lookup->four, AF_INET, &four, lookup->port);
    } else {
        return FALSE;
    }
    half_finish(&lookup->six, ARES_SUCCESS);
    half_finish(&lookup->four, ARES_SUCCESS);
    return TRUE;
}

NetResolver *net_resolver_new(GMainContext *context, const char *dns_server, GError **error)
{
    net_cares_start();
    if (dns_server != NULL && !net_cares_check_server(dns_server, error))
        return NULL;
    NetResolver *resolver = g_new0(NetResolver, 1);
    resolver->context = g_main_context_ref(context);
    resolver->dns_server = g_strdup(dns_server);
    resolver->timeout_ms = LIMIT_DNS_MS;
    g_queue_init(&resolver->lookups);
    return resolver;
}

void net_resolver_set_timeout(NetResolver *resolver, gint64 timeout_ms)
{
    resolver->timeout_ms = timeout_ms;
}

void net_resolver_free(NetResolver *resolver)
{
    if (resolver == NULL)
        return;
    while (resolver->lookups.head != NULL)
        lookup_close(resolver->lookups.head->data);
    g_main_context_unref(resolver->context);
    g_free(resolver->dns_server);
    g_free(resolver);
}

NetLookup *net_resolve(
    NetResolver *resolver, const char *host, guint16 port, NetResolved resolved, gpointer user)
{
    static GSourceFuncs funcs = {.dispatch = source_dispatch};
    NetLookup *lookup = g_new0(NetLookup, 1);
    lookup->resolver = resolver;
    lookup->port = port;
    lookup->resolved = resolved;
    lookup->user = user;
    lookup->six.lookup = lookup->four.lookup = lookup;
    lookup->ends_at = clock_mono_ms() + resolver->timeout_ms;
    lookup->sockets = g_array_new(FALSE, FALSE, sizeof(Socket));
    lookup->source = g_source_new(&funcs, sizeof(LookupSource));
    ((LookupSource *)lookup->source)->lookup = lookup;
    g_source_set_static_name(lookup->source, "net_lookup");
    g_queue_push_tail(&resolver->lookups, lookup);
    lookup->link = resolver->lookups.tail;
    if (!answer_locally(lookup, host))
        ask_dns(lookup, host);
    source_set_time(lookup);
    g_source_attach(lookup->source, resolver->context);
    return lookup;
}

void net_lookup_cancel(NetLookup *lookup)
{
    if (lookup != NULL)
        lookup_close(lookup);
}
