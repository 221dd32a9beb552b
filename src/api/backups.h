/* The one backup that may be running: started by a request, made on a thread of its own, asked
 * about, and broken off when the service stops. Thread-safe. */
#pragma once

#include "api/words/language.h"
#include "store/store.h"

#include <jansson.h>

typedef struct backups Backups;

Backups *backups_new(Store *store);

/* Breaks a running one off (nothing is left of it) and waits for its thread. */
void backups_stop(Backups *backups);
void backups_free(Backups *backups);

/* FALSE if one is running already. */
gboolean backups_start(Backups *backups, const char *path, gboolean may_replace);

/* The running one or the last of this process, as the API shows it in this language; NULL: there
 * was none. The caller frees with json_decref. */
json_t *backups_json(Backups *backups, Language language);
