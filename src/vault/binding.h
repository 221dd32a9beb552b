/* How a binding becomes associated data. Internal to vault/; the fields and their encoding are in
 * doc/vault.md. */
#pragma once

#include "vault/vault.h"

#include <glib.h>

/* header ‖ fields of the binding. NULL if the binding is longer than LIMIT_BINDING_BYTES. The
 * caller frees. */
GByteArray *binding_aad(const VaultBinding *binding, const guint8 *header, gsize n_header,
    const guint8 *instance, gsize n_instance);
