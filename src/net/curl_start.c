#include "net/curl_start.h"

#include "net/tls_session.h"
#include "net/wiped_memory.h"

#include <stdlib.h>
#include <string.h>

void net_curl_start(void)
{
    static gsize once;
    if (!g_once_init_enter(&once))
        return;
    tls_ignore_sigpipe();
    if (curl_global_init_mem(
            CURL_GLOBAL_DEFAULT, malloc, wiped_free, wiped_realloc, strdup, calloc) != CURLE_OK)
        g_error("libcurl cannot start");
    g_once_init_leave(&once, 1);
}
