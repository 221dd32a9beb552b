#include "net/curl_start.h"

#include "net/tls_session.h"

void net_curl_start(void)
{
    static gsize once;
    if (!g_once_init_enter(&once))
        return;
    tls_ignore_sigpipe();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        g_error("libcurl cannot start");
    g_once_init_leave(&once, 1);
}
