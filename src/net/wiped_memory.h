/* Memory for libraries through which secrets pass: malloc's, wiped before it is given back.
 * Internal to net/. */
#pragma once

#include <stddef.h>

void wiped_free(void *data); /* NULL is fine */

/* As realloc, but what grows leaves nothing behind where it was. n 0: frees, NULL. */
void *wiped_realloc(void *data, size_t n);
