#include "power_disk.h"

#include <glib/gstdio.h>
#include <string.h>

/* What a name means in the folder, and what it will mean after a cut. */
typedef struct {
    PowerFile *shown, *durable; /* NULL: no such file */
} Name;

struct power_disk {
    GHashTable *names; /* path → Name */
};

/* --- Files ----------------------------------------------------------------------------------- */

static void free_pending(gpointer data)
{
    PowerPending *pending = data;
    g_byte_array_unref(pending->data);
    g_free(pending);
}

static PowerFile *file_new(void)
{
    PowerFile *file = g_new0(PowerFile, 1);
    file->durable = g_byte_array_new();
    file->pending = g_ptr_array_new_with_free_func(free_pending);
    return file;
}

static PowerFile *file_reference(PowerFile *file)
{
    if (file)
        file->references++;
    return file;
}

void power_file_release(PowerFile *file)
{
    if (!file || --file->references > 0)
        return;
    g_byte_array_unref(file->durable);
    g_ptr_array_unref(file->pending);
    g_free(file);
}

static void add_pending(
    PowerFile *file, gboolean is_write, gint64 offset, const void *data, gsize n)
{
    PowerPending *pending = g_new0(PowerPending, 1);
    pending->is_write = is_write;
    pending->offset = offset;
    pending->data = g_byte_array_new();
    g_byte_array_append(pending->data, data, (guint)n);
    g_ptr_array_add(file->pending, pending);
}

void power_file_write(PowerFile *file, gint64 offset, const void *data, gsize n)
{
    add_pending(file, TRUE, offset, data, n);
}

void power_file_truncate(PowerFile *file, gint64 size)
{
    add_pending(file, FALSE, size, "", 0);
}

/* A file that grows is zeros where nothing was written. */
static void set_size(GByteArray *content, gsize size)
{
    guint before = content->len;
    g_byte_array_set_size(content, (guint)size);
    if (size > before)
        memset(content->data + before, 0, size - before);
}

static void put(GByteArray *content, gsize offset, const void *data, gsize n)
{
    if (content->len < offset + n)
        set_size(content, offset + n);
    if (n > 0) /* of what was torn nothing may be left */
        memcpy(content->data + offset, data, n);
}

static void apply(GByteArray *content, const PowerPending *pending)
{
    if (pending->is_write)
        put(content, (gsize)pending->offset, pending->data->data, pending->data->len);
    else if (content->len > pending->offset)
        set_size(content, (gsize)pending->offset);
}

void power_file_sync(PowerFile *file)
{
    for (guint i = 0; i < file->pending->len; i++)
        apply(file->durable, file->pending->pdata[i]);
    g_ptr_array_set_size(file->pending, 0);
}

GByteArray *power_file_read_back(const PowerFile *file)
{
    GByteArray *content = g_byte_array_new();
    g_byte_array_append(content, file->durable->data, file->durable->len);
    for (guint i = 0; i < file->pending->len; i++)
        apply(content, file->pending->pdata[i]);
    return content;
}

/* --- What is left ---------------------------------------------------------------------------- */

/* The part of a write that lies in one sector. */
static void leave_sector(GByteArray *content, gsize offset, const guint8 *data, gsize n,
    Random *random, PowerOutcome outcome)
{
    guint8 rubbish[POWER_SECTOR];
    guint fate = outcome == POWER_TEAR ? random_below(random, 4) : random_below(random, 2);
    switch (fate) {
    case 0: /* dropped */
        return;
    case 1:
        put(content, offset, data, n);
        return;
    case 2: /* torn */
        put(content, offset, data, random_below(random, (guint)n + 1));
        return;
    default:
        for (gsize i = 0; i < n; i++)
            rubbish[i] = (guint8)random_next(random);
        put(content, offset, rubbish, n);
    }
}

static void leave_write(
    GByteArray *content, const PowerPending *pending, Random *random, PowerOutcome outcome)
{
    gsize offset = (gsize)pending->offset, end = offset + pending->data->len;
    const guint8 *data = pending->data->data;
    while (offset < end) {
        gsize n = MIN(end, offset / POWER_SECTOR * POWER_SECTOR + POWER_SECTOR) - offset;
        leave_sector(content, offset, data, n, random, outcome);
        offset += n;
        data += n;
    }
}

static void leave_some(PowerFile *file, Random *random, PowerOutcome outcome)
{
    for (guint i = 0; i < file->pending->len; i++) {
        const PowerPending *pending = file->pending->pdata[i];
        if (outcome == POWER_KEEP_ALL)
            apply(file->durable, pending);
        else if (outcome != POWER_LOSE_ALL && pending->is_write)
            leave_write(file->durable, pending, random, outcome);
        else if (outcome != POWER_LOSE_ALL && random_one_in(random, 2))
            apply(file->durable, pending);
    }
    g_ptr_array_set_size(file->pending, 0);
}

void power_file_sync_failed(PowerFile *file, Random *random)
{
    PowerOutcome outcome = (PowerOutcome)random_below(random, POWER_OUTCOMES);
    leave_some(file, random, random_one_in(random, 3) ? POWER_KEEP_ALL : outcome);
    file->has_failed = TRUE;
}

/* --- Names ----------------------------------------------------------------------------------- */

static void free_name(gpointer data)
{
    Name *name = data;
    power_file_release(name->shown);
    power_file_release(name->durable);
    g_free(name);
}

PowerDisk *power_disk_new(void)
{
    PowerDisk *disk = g_new0(PowerDisk, 1);
    disk->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_name);
    return disk;
}

void power_disk_free(PowerDisk *disk)
{
    g_hash_table_unref(disk->names);
    g_free(disk);
}

PowerFile *power_disk_open(PowerDisk *disk, const char *path)
{
    Name *name = g_hash_table_lookup(disk->names, path);
    if (!name) {
        name = g_new0(Name, 1);
        g_hash_table_insert(disk->names, g_strdup(path), name);
    }
    if (!name->shown)
        name->shown = file_reference(file_new());
    return file_reference(name->shown);
}

void power_disk_remove(PowerDisk *disk, const char *path)
{
    Name *name = g_hash_table_lookup(disk->names, path);
    if (name)
        power_file_release(g_steal_pointer(&name->shown));
}

static void settle(Name *name, PowerFile *file)
{
    PowerFile *before[] = {name->shown, name->durable};
    name->shown = file_reference(file);
    name->durable = file_reference(file);
    power_file_release(before[0]);
    power_file_release(before[1]);
}

void power_disk_sync_names(PowerDisk *disk)
{
    GHashTableIter each;
    gpointer name;
    g_hash_table_iter_init(&each, disk->names);
    while (g_hash_table_iter_next(&each, NULL, &name))
        settle(name, ((Name *)name)->shown);
}

static gint compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void cut_name(Name *name, const char *path, Random *random, PowerOutcome outcome)
{
    PowerFile *left = name->durable;
    if (outcome == POWER_KEEP_ALL || (outcome != POWER_LOSE_ALL && random_one_in(random, 2)))
        left = name->shown;
    settle(name, left);
    g_autofree char *shared_memory = g_strconcat(path, "-shm", NULL);
    g_unlink(shared_memory);
    g_unlink(path);
    if (!left)
        return;
    leave_some(left, random, outcome);
    left->has_failed = FALSE;
    g_autoptr(GError) error = NULL;
    if (!g_file_set_contents_full(path, (const char *)left->durable->data, left->durable->len,
            G_FILE_SET_CONTENTS_NONE, 0600, &error))
        g_error("%s", error->message);
}

void power_disk_cut(PowerDisk *disk, Random *random, PowerOutcome outcome)
{
    guint n = 0;
    g_autofree const char **paths = (const char **)g_hash_table_get_keys_as_array(disk->names, &n);
    g_autoptr(GPtrArray) sorted = g_ptr_array_new(); /* chance must not depend on hashes */
    for (guint i = 0; i < n; i++)
        g_ptr_array_add(sorted, (gpointer)paths[i]);
    g_ptr_array_sort(sorted, compare_paths);
    for (guint i = 0; i < n; i++)
        cut_name(
            g_hash_table_lookup(disk->names, sorted->pdata[i]), sorted->pdata[i], random, outcome);
}
