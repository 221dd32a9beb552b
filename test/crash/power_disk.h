/* What the disk holds of each file, what is pending, and what a cut leaves. Knows nothing of
 * SQLite; not thread-safe. */
#pragma once

#include "power_vfs.h"

#include "../hostile/random.h"

enum { POWER_SECTOR = 512 };

/* A file, whatever its name. */
typedef struct {
    guint references;    /* names on the disk and in the folder, and handles */
    GByteArray *durable; /* what survives */
    GPtrArray *pending;  /* of PowerPending, in order */
    gboolean has_failed; /* the cache shows what is not in `durable` and not pending */
} PowerFile;

typedef struct {
    gint64 offset;     /* a truncation: the size */
    gboolean is_write; /* else a truncation */
    GByteArray *data;
} PowerPending;

typedef struct power_disk PowerDisk;

PowerDisk *power_disk_new(void);
void power_disk_free(PowerDisk *disk);

/* The file of that name; made, with a pending name, if there is none. Released by the caller. */
PowerFile *power_disk_open(PowerDisk *disk, const char *path);
void power_file_release(PowerFile *file);

/* The name goes, once the folder is synced. */
void power_disk_remove(PowerDisk *disk, const char *path);
void power_disk_sync_names(PowerDisk *disk);

void power_file_write(PowerFile *file, gint64 offset, const void *data, gsize n);
void power_file_truncate(PowerFile *file, gint64 size);
void power_file_sync(PowerFile *file);
/* Each pending sector is on the disk or not, and nobody will write it again. */
void power_file_sync_failed(PowerFile *file, Random *random);

/* What a reader sees whose cache was dropped: the disk and what is pending. */
GByteArray *power_file_read_back(const PowerFile *file);

/* Nothing is pending any more. The real files become what is left. */
void power_disk_cut(PowerDisk *disk, Random *random, PowerOutcome outcome);
