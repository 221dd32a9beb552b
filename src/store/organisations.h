/* What an organisation says of itself: the name, colour and language of its mails and pages, and
 * where people reach them. As SQL functions. */
#pragma once

#include "store/store.h"

/* NULL: not said. name NULL: mails use the sender name of the active settings, else the host of the
 * public URL. */
typedef struct {
    gint64 row;
    char *name;       /* one line */
    char *colour;     /* "#1f5fbf", small letters */
    char *language;   /* "de", "en" */
    char *public_url; /* "https://mail.example.com", without a slash at its end; what links really
                         begin with says api/public_url.h */
} Organisation;

/* All there are: a GArray of gint64, the caller unrefs. */
GArray *organisations_all(Db *db, GError **error);

/* ABS_ERROR_NOT_FOUND if there is none of this row. */
Organisation *organisation_read(Db *db, gint64 org_id, GError **error);

/* All of it, inside a job. ABS_ERROR_NOT_FOUND as above. The API's copy of the public URL is told
 * afterwards, by public_url_note_stored. */
gboolean organisation_write(Db *db, const Organisation *organisation, GError **error);

void organisation_free(Organisation *organisation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Organisation, organisation_free)
