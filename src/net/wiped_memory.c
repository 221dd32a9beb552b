#include "net/wiped_memory.h"

#include "base/secret.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void wiped_free(void *data)
{
    if (data == NULL)
        return;
    secret_wipe(data, malloc_usable_size(data));
    free(data);
}

void *wiped_realloc(void *data, size_t n)
{
    void *other = n > 0 ? malloc(n) : NULL;
    if (n > 0 && (other == NULL || data == NULL))
        return other;
    if (n > 0)
        memcpy(other, data, MIN(n, malloc_usable_size(data)));
    wiped_free(data);
    return other;
}
