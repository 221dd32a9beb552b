/* The keys that message bodies are sealed with: one per organisation and UTC day, made when the
 * first body of the day comes, stored wrapped by the vault, kept unwrapped per connection for the
 * few days in use. Deleting a day's row makes all its bodies unreadable. */
#pragma once

#include "store/store.h"

/* The number of the UTC day. */
gint64 day_of(WallMs at);

/* The key to seal with on that day; made and stored if there is none. Writer only. Lent until the
 * next call here. */
const VaultKey *day_key_for_sealing(
    Db *db, Vault *vault, gint64 org_id, gint64 day, GError **error);

/* The key to open that day's bodies. ABS_ERROR_SECRET if it is gone. Lent until the next call here.
 */
const VaultKey *day_key_for_opening(
    Db *db, Vault *vault, gint64 org_id, gint64 day, GError **error);

/* What a day's key is bound to. The caller frees. */
VaultBinding *day_key_binding(gint64 org_id, gint64 day);

/* Forgets what is unwrapped: after a rollback a key may not be stored after all. */
struct day_keys;
void day_keys_free(struct day_keys *keys);
