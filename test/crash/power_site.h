/* A machine with a disk of its own: a folder on a tmpfs, the store on it, and the world that judges
 * it. Each process that runs there is one start and one stop. */
#pragma once

#include "power_vfs.h"
#include "power_work.h"

typedef struct {
    char *folder, *path, *key_file;
    StoreConfig config;
    Store *store; /* NULL: not running */
    Vault *vault;
    World *world;
    gint n_fatal; /* how often the store said that it is over */
} Site;

/* A new disk; the same seed and k give the same story. */
Site *site_new(guint64 seed, guint64 k);
void site_free(Site *site);

/* Opens the store as the daemon does. FALSE if it could not be opened: wrong, unless the power is
 * off or a fault was asked for. */
gboolean site_start(Site *site, GError **error);
void site_stop(Site *site);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Site, site_free)
