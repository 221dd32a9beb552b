/* The SMTP state of organisations for those who take mail: read once and not for every mail, and
 * read anew after the store has announced a change. Any thread. */
#pragma once

#include "store/smtp_settings.h"

typedef struct sending_shelf SendingShelf;
SendingShelf *sending_shelf_new(Store *store);
/* Hears no more of the store, which may be closed before the shelf is freed. */
void sending_shelf_stop(SendingShelf *shelf);
void sending_shelf_free(SendingShelf *shelf);

/* One hold on a state; the state is nobody's to change. Its last_accepted_at, last_failure_at and
 * verifications may be older than the rest. */
typedef struct {
    SmtpState *state;
} ShelfState;
void shelf_state_unref(ShelfState *held);

/* NULL with error. */
ShelfState *sending_shelf_get(SendingShelf *shelf, gint64 org_id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SendingShelf, sending_shelf_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ShelfState, shelf_state_unref)
