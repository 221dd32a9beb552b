#include "net/openssl_start.h"

#include "net/wiped_memory.h"

#include <glib.h>
#include <openssl/crypto.h>
#include <stdlib.h>

/* OpenSSL says from where it calls. */
static void *give(size_t n, const char *file, int line)
{
    return malloc(n);
}

static void *change(void *data, size_t n, const char *file, int line)
{
    return wiped_realloc(data, n);
}

static void take_back(void *data, const char *file, int line)
{
    wiped_free(data);
}

void net_openssl_start(void)
{
    if (CRYPTO_set_mem_functions(give, change, take_back) != 1)
        g_error("OpenSSL has been used before its memory could be guarded");
}
