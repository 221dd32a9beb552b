/* Which types of events any webhook wants, remembered on the writing connection, so that what
 * nobody wants costs nothing. Internal to store/. */
#pragma once

#include "store/store.h"

/* Bits, over all organisations that have one switched on. *wanted is untouched on failure. */
gboolean webhook_wishes(Db *db, guint *wanted, GError **error);

/* After a webhook was written, and after a job was rolled back. */
void webhook_wishes_forget(Db *db);

/* An event's row and its id; it is delivered to nobody yet. */
gboolean webhook_event_insert(Db *db, gint64 org_id, const char *type, const char *data, WallMs now,
    gint64 *row, Id *id, GError **error);

/* A member of an object that begins with the first one; the caller appends the closing brace. text
 * NULL, at 0: null. */
void webhook_json_text(GString *json, const char *name, const char *text);
void webhook_json_time(GString *json, const char *name, WallMs at);
