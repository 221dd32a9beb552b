#include "net/cares.h"

#include "base/error.h"
#include "base/text.h"

#include <ares.h>
#include <string.h>

void net_cares_start(void)
{
    static gsize once;
    if (!g_once_init_enter(&once))
        return;
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status != ARES_SUCCESS)
        g_error("c-ares cannot start: %s", ares_strerror(status));
    g_once_init_leave(&once, 1);
}

/* c-ares takes lists, and cuts a port that is too large to 16 bits: we want one address and a true
 * port. */
static gboolean is_dns_server(const char *text)
{
    const char *port = strrchr(text, ':');
    gboolean has_port =
        port != NULL && (text[0] == '[' ? port[-1] == ']' : strchr(text, ':') == port);
    if (strchr(text, ',') != NULL || text[0] == '\0' ||
        (has_port && !g_ascii_string_to_unsigned(port + 1, 10, 1, G_MAXUINT16, NULL, NULL)))
        return FALSE;
    ares_channel channel;
    if (ares_init(&channel) != ARES_SUCCESS)
        return FALSE;
    int status = ares_set_servers_ports_csv(channel, text);
    ares_destroy(channel);
    return status == ARES_SUCCESS;
}

gboolean net_cares_check_server(const char *text, GError **error)
{
    net_cares_start();
    if (is_dns_server(text))
        return TRUE;
    g_autofree char *shown = text_printable(text, strlen(text), 64);
    g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
        "DNS server \"%s\": it must be ADDRESS:PORT, as in 127.0.0.1:53", shown);
    return FALSE;
}
