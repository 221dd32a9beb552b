/* What the database knows of the keys of the key file: a record that proves each (store_check_key
 * in store.h makes and verifies them at every start), since when there is one, and how much it has
 * sealed. */
#pragma once

#include "store/store.h"

typedef enum {
    KEY_ACTIVE = 1, /* seals */
    KEY_READY,      /* added, has never sealed */
    KEY_RETIRING,   /* has sealed; may be retired as soon as nothing is left */
} KeyState;
const char *key_state_name(KeyState state);

typedef struct {
    guint8 kek_id[VAULT_KEK_ID_BYTES];
    KeyState state;
    WallMs created_at; /* 0: not known */
    gint64 sealed;     /* values that only this key opens */
} KeyRecord;

/* The keys of the key file, the one in use first. The caller unrefs. */
GArray *key_records_list(Db *db, Vault *vault, GError **error);

/* Inside jobs; each may be repeated. A key of the key file: its record, and the database takes what
 * it seals (again). ABS_ERROR_NOT_FOUND: it is not in the file. */
gboolean key_record_added(
    Db *db, Vault *vault, const guint8 kek_id[VAULT_KEK_ID_BYTES], WallMs now, GError **error);
/* After it was activated. */
gboolean key_record_activated(
    Db *db, const guint8 kek_id[VAULT_KEK_ID_BYTES], WallMs now, GError **error);

/* Before it leaves the file: from then on the database takes nothing more that is sealed with it.
 * ABS_ERROR_CONFLICT: something still is; *sealed says how much. */
gboolean key_record_retired(
    Db *db, const guint8 kek_id[VAULT_KEK_ID_BYTES], WallMs now, gint64 *sealed, GError **error);
