#include "power_site.h"

#include <glib/gstdio.h>

/* Log that is folded back: a few commits' worth, so that there are checkpoints in every story. */
#define WAL_BYTES (20 * 16384)

static const char *memory_folder(void)
{
    return g_file_test("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm" : g_get_tmp_dir();
}

Site *site_new(guint64 seed, guint64 k)
{
    Site *site = g_new0(Site, 1);
    Random random = random_for(seed, k);
    site->folder = g_build_filename(memory_folder(), "power-XXXXXX", NULL);
    if (!g_mkdtemp(site->folder))
        g_error("no folder in %s", memory_folder());
    site->path = g_build_filename(site->folder, "absender.db", NULL);
    site->key_file = g_build_filename(site->folder, "key", NULL);
    site->config = (StoreConfig){
        .path = site->path, .full_sync = TRUE, .vfs = power_name(), .wal_bytes = WAL_BYTES};
    power_new_disk(random_next(&random));
    site->world = world_new(random);
    return site;
}

static void empty_folder(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
}

void site_free(Site *site)
{
    site_stop(site);
    empty_folder(site->folder);
    g_rmdir(site->folder);
    world_free(site->world);
    g_free(site->folder);
    g_free(site->path);
    g_free(site->key_file);
    g_free(site);
}

static void count_fatal(gpointer data)
{
    g_atomic_int_inc((gint *)data);
}

gboolean site_start(Site *site, GError **error)
{
    g_assert(!site->store);
    site->store = store_open(&site->config, NULL, error);
    if (!site->store)
        return FALSE;
    /* The key file is on another disk, and has no part in this. */
    site->vault = vault_open(site->key_file, TRUE, error);
    g_assert(site->vault);
    vault_set_instance(site->vault, store_instance(site->store));
    site->world->vault = site->vault;
    g_atomic_int_set(&site->n_fatal, 0);
    store_on_fatal(site->store, count_fatal, &site->n_fatal);
    return TRUE;
}

void site_stop(Site *site)
{
    g_clear_pointer(&site->store, store_close);
    g_clear_pointer(&site->vault, vault_free);
    site->world->vault = NULL;
}
