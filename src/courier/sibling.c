#include "courier/sibling.h"

#include "base/limits.h"

#include <string.h>

struct sibling {
    void (*done)(const SiblingFound *found, gpointer user);
    gpointer user;
    Session *session;
    GSource *timeout;
    gboolean is_connected;
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
    session_free(sibling->session);
    if (sibling->timeout != NULL)
        g_source_destroy(sibling->timeout);
    g_clear_pointer(&sibling->timeout, g_source_unref);
    g_free(sibling);
}

static void on_rung(Rung rung, const char *detail, gpointer user)
{
    Sibling *sibling = user;
    sibling->is_connected = sibling->is_connected || rung == RUNG_CONNECT;
}

static void on_ended(const SessionFailure *failure, gpointer user)
{
    Sibling *sibling = user;
    const char *sys = failure != NULL ? failure->input.sys : NULL;
    gboolean is_open = failure != NULL && failure->rung == RUNG_AUTH &&
                       g_strcmp0(sys, "NO_COMMON_AUTH_MECHANISM") == 0;
    const SiblingFound found = {
        .state = is_open ? SIBLING_OPEN : SIBLING_CLOSED,
        .is_silent = !sibling->is_connected && g_strcmp0(sys, "ETIMEDOUT") == 0,
    };
    sibling->done(&found, sibling->user);
}

static gboolean on_timeout(gpointer user)
{
    Sibling *sibling = user;
    const SiblingFound found = {.state = SIBLING_CLOSED, .is_silent = !sibling->is_connected};
    sibling->done(&found, sibling->user);
    return G_SOURCE_REMOVE;
}

Sibling *sibling_look(const SessionConfig *config, guint16 port,
    void (*done)(const SiblingFound *found, gpointer user), gpointer user)
{
    static const SessionEvents events = {.rung = on_rung, .ended = on_ended};
    g_autoptr(Secret) nothing = secret_new("", 0);
    Sibling *sibling = g_new0(Sibling, 1);
    sibling->done = done;
    sibling->user = user;
    SessionConfig probe = *config;
    probe.port = port;
    probe.security = tls_mode_for_port(port);
    probe.username = "";
    probe.password = nothing;
    probe.bearer = NULL;
    probe.stops_before_login = TRUE;
    sibling->session = session_open(&probe, &events, sibling);
    sibling->timeout = g_timeout_source_new(LIMIT_SIBLING_MS);
    g_source_set_callback(sibling->timeout, on_timeout, sibling, NULL);
    g_source_attach(sibling->timeout, config->dialer->context);
    return sibling;
}
