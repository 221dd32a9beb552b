#include "api/http/http.h"
#include "base/error.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

#include <string.h>

/* Owner only: whoever can open the control socket is the operator. */
#define CONTROL_MASK 0177

static GSocketAddress *address_parse(const char *listen, GError **error)
{
    g_autoptr(GSocketConnectable) parsed = g_network_address_parse(listen, 0, NULL);
    if (parsed && strrchr(listen, ':')) {
        GNetworkAddress *address = G_NETWORK_ADDRESS(parsed);
        const char *host = g_network_address_get_hostname(address);
        if (g_ascii_strcasecmp(host, "localhost") == 0)
            host = "127.0.0.1";
        GSocketAddress *numeric =
            g_inet_socket_address_new_from_string(host, g_network_address_get_port(address));
        if (numeric)
            return numeric;
    }
    g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
        "\"%s\" is not an address to listen on; write it like 127.0.0.1:8465 or [::1]:8465",
        listen);
    return NULL;
}

static GSocket *open_listening(
    GSocketAddress *address, GSocketProtocol protocol, const char *name, GError **error)
{
    g_autoptr(GError) reason = NULL;
    g_autoptr(GSocket) listening =
        g_socket_new(g_socket_address_get_family(address), G_SOCKET_TYPE_STREAM, protocol, &reason);
    if (listening) {
        g_socket_set_listen_backlog(listening, 511);
        g_socket_set_blocking(listening, FALSE);
        if (g_socket_bind(listening, address, TRUE, &reason) && g_socket_listen(listening, &reason))
            return g_steal_pointer(&listening);
    }
    g_set_error(error, ABS_ERROR, ABS_ERROR_IO, "cannot listen on %s: %s", name, reason->message);
    return NULL;
}

GSocket *http_listen_tcp(const char *listen, gboolean *is_loopback, guint16 *port, GError **error)
{
    g_autoptr(GSocketAddress) address = address_parse(listen, error);
    if (!address)
        return NULL;
    GSocket *listening = open_listening(address, G_SOCKET_PROTOCOL_TCP, listen, error);
    if (!listening)
        return NULL;
    g_autoptr(GSocketAddress) bound = g_socket_get_local_address(listening, NULL);
    GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS(bound);
    *is_loopback = g_inet_address_get_is_loopback(g_inet_socket_address_get_address(inet));
    *port = g_inet_socket_address_get_port(inet);
    return listening;
}

GSocket *http_listen_control(const char *path, GError **error)
{
    GStatBuf status;
    if (g_lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
        g_unlink(path); /* left over from a run that did not end well; the folder has one owner */
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    mode_t before = umask(CONTROL_MASK);
    GSocket *listening = open_listening(address, G_SOCKET_PROTOCOL_DEFAULT, path, error);
    umask(before);
    return listening;
}
