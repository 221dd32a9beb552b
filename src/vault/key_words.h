/* What this folder says of key files and exported keys, for German readers. The sentences stand in
 * English where they are made; a test finds those that have no twin here. Pure. */
#pragma once

#include <glib.h>

/* The German twin of a sentence of this folder's errors about keys; NULL: there is none. The caller
 * frees. */
char *vault_key_german(const char *sentence);
