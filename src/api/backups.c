#include "api/backups.h"

#include "api/json/json.h"
#include "api/words/fault_text.h"
#include "store/backup.h"

typedef enum { BACKUP_NONE = 0, BACKUP_RUNNING, BACKUP_COMPLETE, BACKUP_FAILED } BackupState;

struct backups {
    Store *store;
    gint stop; /* atomic */

    GMutex lock; /* guards what is below */
    GThread *thread;
    BackupState state;
    char *path;
    gboolean may_replace;
    guint pages_done, pages_total, page_bytes;
    char *detail; /* why it failed */
};

Backups *backups_new(Store *store)
{
    Backups *backups = g_new0(Backups, 1);
    backups->store = store;
    g_mutex_init(&backups->lock);
    return backups;
}

static gboolean on_progress(guint pages_done, guint pages_total, guint page_bytes, gpointer user)
{
    Backups *backups = user;
    g_mutex_lock(&backups->lock);
    backups->pages_done = pages_done;
    backups->pages_total = pages_total;
    backups->page_bytes = page_bytes;
    g_mutex_unlock(&backups->lock);
    return !g_atomic_int_get(&backups->stop);
}

/* path and may_replace stay as they are while it runs. */
static gpointer run(gpointer user)
{
    Backups *backups = user;
    g_autoptr(GError) error = NULL;
    gboolean done = store_backup(
        backups->store, backups->path, backups->may_replace, on_progress, backups, &error);
    g_mutex_lock(&backups->lock);
    backups->state = done ? BACKUP_COMPLETE : BACKUP_FAILED;
    backups->detail = done ? NULL : g_strdup(error->message);
    g_mutex_unlock(&backups->lock);
    return NULL;
}

gboolean backups_start(Backups *backups, const char *path, gboolean may_replace)
{
    g_mutex_lock(&backups->lock);
    gboolean is_free = backups->state != BACKUP_RUNNING && !g_atomic_int_get(&backups->stop);
    if (is_free) {
        if (backups->thread)
            g_thread_join(backups->thread); /* it has ended: it holds the lock no more */
        g_free(backups->path);
        backups->path = g_strdup(path);
        g_clear_pointer(&backups->detail, g_free);
        backups->may_replace = may_replace;
        backups->pages_done = backups->pages_total = backups->page_bytes = 0;
        backups->state = BACKUP_RUNNING;
        backups->thread = g_thread_new("backup", run, backups);
    }
    g_mutex_unlock(&backups->lock);
    return is_free;
}

static const char *state_name(BackupState state)
{
    switch (state) {
    case BACKUP_NONE:
        break;
    case BACKUP_RUNNING:
        return "running";
    case BACKUP_COMPLETE:
        return "complete";
    case BACKUP_FAILED:
        return "failed";
    }
    return "none";
}

json_t *backups_json(Backups *backups, Language language)
{
    json_t *json = NULL;
    g_mutex_lock(&backups->lock);
    if (backups->state != BACKUP_NONE) {
        json = json_object();
        json_object_set_new(json, "object", json_text("backup"));
        json_object_set_new(json, "state", json_text(state_name(backups->state)));
        json_object_set_new(json, "path", json_text(backups->path));
        json_object_set_new(json, "pages_done", json_integer(backups->pages_done));
        json_object_set_new(json, "pages_total", json_integer(backups->pages_total));
        json_object_set_new(json, "page_bytes", json_integer(backups->page_bytes));
        g_autofree char *detail =
            backups->detail ? fault_text("backup", backups->detail, language) : NULL;
        json_object_set_new(json, "detail", json_text(detail));
    }
    g_mutex_unlock(&backups->lock);
    return json;
}

void backups_stop(Backups *backups)
{
    g_atomic_int_set(&backups->stop, TRUE);
    g_mutex_lock(&backups->lock);
    GThread *thread = g_steal_pointer(&backups->thread);
    g_mutex_unlock(&backups->lock);
    if (thread)
        g_thread_join(thread);
}

void backups_free(Backups *backups)
{
    if (!backups)
        return;
    backups_stop(backups);
    g_mutex_clear(&backups->lock);
    g_free(backups->path);
    g_free(backups->detail);
    g_free(backups);
}
