#include "courier/sibling.h"

#include "base/limits.h"

#include <string.h>

typedef struct {
    Sibling *sibling;
    Session *session;
    guint16 port;
    gboolean is_connected, has_ended;
    SiblingState state; /* once it has ended */
    gboolean is_silent;
} Probe;

struct sibling {
    void (*done)(const SiblingFound *found, gpointer user);
    gpointer user;
    Probe probes[SIBLINGS_MOST];
    guint n;
    GSource *timeout;
};

guint16 sibling_port(guint16 port, TlsMode security)
{
    static const guint16 pairs[][2] = {{465, 587}, {587, 465}, {2465, 2587}, {2587, 2465}};
    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        if (pairs[i][0] == port)
            return tls_mode_for_port(port) == security ? pairs[i][1] : port;
    }
    return 587;
}

void sibling_free(Sibling *sibling)
{
    if (sibling == NULL)
        return;
    for (guint i = 0; i < sibling->n; i++)
        session_free(sibling->probes[i].session);
    if (sibling->timeout != NULL)
        g_source_destroy(sibling->timeout);
    g_clear_pointer(&sibling->timeout, g_source_unref);
    g_free(sibling);
}

/* The preferred port decides as soon as it is known to be open; the others only when all in front
 * of them are known. FALSE: not yet. */
static gboolean judge(const Sibling *sibling, SiblingFound *found)
{
    *found = (SiblingFound){SIBLING_CLOSED, TRUE, sibling->probes[0].port};
    for (guint i = 0; i < sibling->n; i++) {
        const Probe *probe = &sibling->probes[i];
        if (!probe->has_ended)
            return FALSE;
        found->is_silent = found->is_silent && probe->is_silent;
        if (probe->state == SIBLING_OPEN) {
            *found = (SiblingFound){SIBLING_OPEN, FALSE, probe->port};
            return TRUE;
        }
    }
    return TRUE;
}

static void on_rung(Rung rung, const char *detail, gpointer user)
{
    Probe *probe = user;
    probe->is_connected = probe->is_connected || rung == RUNG_CONNECT;
}

static void on_ended(const SessionFailure *failure, gpointer user)
{
    Probe *probe = user;
    const Sibling *sibling = probe->sibling;
    const char *sys = failure != NULL ? failure->input.sys : NULL;
    gboolean is_open = failure != NULL && failure->rung == RUNG_AUTH &&
                       g_strcmp0(sys, "NO_COMMON_AUTH_MECHANISM") == 0;
    SiblingFound found;
    probe->has_ended = TRUE;
    probe->state = is_open ? SIBLING_OPEN : SIBLING_CLOSED;
    probe->is_silent = !probe->is_connected && g_strcmp0(sys, "ETIMEDOUT") == 0;
    if (judge(sibling, &found))
        sibling->done(&found, sibling->user);
}

/* Who has not answered by now is closed. */
static gboolean on_timeout(gpointer user)
{
    Sibling *sibling = user;
    SiblingFound found;
    for (guint i = 0; i < sibling->n; i++) {
        Probe *probe = &sibling->probes[i];
        if (probe->has_ended)
            continue;
        probe->has_ended = TRUE;
        probe->state = SIBLING_CLOSED;
        probe->is_silent = !probe->is_connected;
    }
    judge(sibling, &found);
    sibling->done(&found, sibling->user);
    return G_SOURCE_REMOVE;
}

static void probe_begin(Probe *probe, const SessionConfig *config, const Secret *nothing)
{
    static const SessionEvents events = {.rung = on_rung, .ended = on_ended};
    SessionConfig at_port = *config;
    at_port.port = probe->port;
    at_port.security = tls_mode_for_port(probe->port);
    at_port.username = "";
    at_port.password = nothing;
    at_port.bearer = NULL;
    at_port.stops_before_login = TRUE;
    probe->session = session_open(&at_port, &events, probe);
}

Sibling *sibling_look(const SessionConfig *config, const guint16 *ports,
    void (*done)(const SiblingFound *found, gpointer user), gpointer user)
{
    g_autoptr(Secret) nothing = secret_new("", 0);
    Sibling *sibling = g_new0(Sibling, 1);
    sibling->done = done;
    sibling->user = user;
    for (; sibling->n < SIBLINGS_MOST && ports[sibling->n] != 0; sibling->n++)
        sibling->probes[sibling->n] = (Probe){.sibling = sibling, .port = ports[sibling->n]};
    g_assert(sibling->n > 0);
    for (guint i = 0; i < sibling->n; i++)
        probe_begin(&sibling->probes[i], config, nothing);
    sibling->timeout = g_timeout_source_new(LIMIT_SIBLING_MS);
    g_source_set_callback(sibling->timeout, on_timeout, sibling, NULL);
    g_source_attach(sibling->timeout, config->dialer->context);
    return sibling;
}
