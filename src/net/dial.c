#include "net/dial.h"

#include "base/limits.h"

#include <netinet/in.h>
#include <string.h>

typedef struct {
    NetDial *dial;
    NetStream *stream; /* NULL: not begun, or failed */
    struct sockaddr_storage address;
} Attempt;

struct net_dial {
    NetDialer dialer;
    NetDialEvents events;
    gpointer user;
    NetLookup *lookup; /* NULL once answered */
    Attempt attempts[LIMIT_DNS_ADDRESSES];
    guint n_attempts, n_begun, n_running;
    GSource *stagger; /* begins the next attempt */
    const char *sys;  /* of the last attempt that failed */
    int family;
    gboolean is_in_callback, is_cancelled;
};

static void attempt_begin(NetDial *dial);

static void stagger_stop(NetDial *dial)
{
    if (dial->stagger == NULL)
        return;
    g_source_destroy(dial->stagger);
    g_source_unref(dial->stagger);
    dial->stagger = NULL;
}

static void dial_free(NetDial *dial)
{
    net_lookup_cancel(dial->lookup);
    stagger_stop(dial);
    for (guint i = 0; i < dial->n_attempts; i++)
        net_stream_free(dial->attempts[i].stream);
    g_free(dial);
}

void net_dial_cancel(NetDial *dial)
{
    if (dial->is_in_callback)
        dial->is_cancelled = TRUE; /* freed when the callback is back */
    else
        dial_free(dial);
}

/* The two ends: nothing of the dial is left when the receiver is told. */
static void dial_failed(NetDial *dial, const char *phase, const char *sys, int family)
{
    NetDialEvents events = dial->events;
    gpointer user = dial->user;
    dial_free(dial);
    if (events.failed != NULL)
        events.failed(phase, sys, family, user);
}

static void on_connected(gpointer user)
{
    Attempt *attempt = user;
    NetDialEvents events = attempt->dial->events;
    gpointer receiver = attempt->dial->user;
    NetStream *stream = g_steal_pointer(&attempt->stream);
    dial_free(attempt->dial);
    net_stream_set_events(stream, NULL, NULL);
    net_stream_set_deadline(stream, 0);
    const struct sockaddr *peer = net_stream_peer(stream);
    g_autofree char *text = net_address_text(peer);
    if (events.connected != NULL)
        events.connected(stream, text, net_address_is_public(peer), receiver);
    else
        net_stream_free(stream);
}

static void attempt_failed(Attempt *attempt, const char *sys)
{
    NetDial *dial = attempt->dial;
    dial->sys = sys;
    dial->family = attempt->address.ss_family;
    dial->n_running--;
    net_stream_free(g_steal_pointer(&attempt->stream));
    g_autofree char *text = net_address_text((const struct sockaddr *)&attempt->address);
    dial->is_in_callback = TRUE;
    if (dial->events.attempt_failed != NULL)
        dial->events.attempt_failed(text, sys, dial->user);
    dial->is_in_callback = FALSE;
    if (dial->is_cancelled)
        dial_free(dial);
    else if (dial->n_begun < dial->n_attempts)
        attempt_begin(dial);
    else if (dial->n_running == 0)
        dial_failed(dial, "connect", dial->sys, dial->family);
}

static void on_lost(const NetFailure *failure, gpointer user)
{
    attempt_failed(user, failure->sys);
}

static void on_deadline(gpointer user)
{
    attempt_failed(user, "ETIMEDOUT");
}

static gboolean on_silence(gpointer user)
{
    attempt_begin(user);
    return G_SOURCE_REMOVE;
}

static void attempt_begin(NetDial *dial)
{
    static const NetStreamEvents events = {
        .connected = on_connected, .deadline = on_deadline, .lost = on_lost};
    Attempt *attempt = &dial->attempts[dial->n_begun++];
    const struct sockaddr *address = (const struct sockaddr *)&attempt->address;
    attempt->stream = net_stream_connect(dial->dialer.context, address, &events, attempt);
    net_stream_set_deadline(attempt->stream, clock_mono_ms() + dial->dialer.connect_ms);
    dial->n_running++;
    stagger_stop(dial);
    if (dial->n_begun == dial->n_attempts)
        return;
    dial->stagger = g_timeout_source_new(LIMIT_DIAL_STAGGER_MS);
    g_source_set_callback(dial->stagger, on_silence, dial, NULL);
    g_source_attach(dial->stagger, dial->dialer.context);
}

/* Tells the receiver what DNS said. FALSE: it cancelled. */
static gboolean tell_resolved(NetDial *dial, const NetAddresses *addresses)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    gboolean all_public = TRUE;
    for (guint i = 0; i < addresses->n_addresses; i++) {
        const struct sockaddr *address = (const struct sockaddr *)&addresses->addresses[i];
        g_ptr_array_add(texts, net_address_text(address));
        all_public = all_public && net_address_is_public(address);
    }
    g_ptr_array_add(texts, NULL);
    dial->is_in_callback = TRUE;
    if (dial->events.resolved != NULL)
        dial->events.resolved((const char *const *)texts->pdata, all_public, dial->user);
    dial->is_in_callback = FALSE;
    return !dial->is_cancelled;
}

static void on_resolved(const NetAddresses *addresses, gpointer user)
{
    NetDial *dial = user;
    dial->lookup = NULL;
    if (addresses->n_addresses == 0) {
        dial_failed(dial, "dns", addresses->fault, 0);
        return;
    }
    for (guint i = 0; i < addresses->n_addresses; i++) {
        const struct sockaddr *address = (const struct sockaddr *)&addresses->addresses[i];
        if (!net_policy_permits(dial->dialer.policy, address))
            continue;
        Attempt *attempt = &dial->attempts[dial->n_attempts++];
        attempt->dial = dial;
        attempt->address = addresses->addresses[i];
    }
    if (!tell_resolved(dial, addresses))
        dial_free(dial);
    else if (dial->n_attempts == 0)
        dial_failed(dial, "dns", "PRIVATE_ADDRESS", 0);
    else
        attempt_begin(dial);
}

NetDial *net_dial(const NetDialer *dialer, const char *host, guint16 port,
    const NetDialEvents *events, gpointer user)
{
    NetDial *dial = g_new0(NetDial, 1);
    dial->dialer = *dialer;
    if (dial->dialer.connect_ms == 0)
        dial->dialer.connect_ms = LIMIT_CONNECT_MS;
    dial->events = *events;
    dial->user = user;
    dial->lookup = net_resolve(dialer->resolver, host, port, on_resolved, dial);
    return dial;
}
