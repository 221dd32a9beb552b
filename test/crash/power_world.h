/* What a store was asked, what it answered, and therefore what it must hold. The judge of the power
 * cuts: after every start it looks at the whole database.
 *
 * A request that was answered with success has happened. One that was answered with an error, or
 * never, may have happened, whole. Nothing else may be there. What a look finds becomes what is
 * known. */
#pragma once

#include "store/emails.h"
#include "store/store.h"

#include "../hostile/random.h"

enum { WORLD_RECIPIENTS = 3, WORLD_BATCH = 4, WORLD_HASH_BYTES = 32 };

typedef struct {
    EmailState known;
    guint maybe;      /* STATE_BIT of what was asked for since, without success */
    guint ever;       /* STATE_BIT of whatever was asked for */
    guint n_doubts;   /* how often it was to become uncertain; the second time is the last */
    gboolean is_over; /* uncertain, and not sent again */
    gboolean is_busy; /* belongs to a job of the group that is being made up */
} WorldRecipient;

typedef struct {
    guint number;
    Id id;
    gint64 row;
    EmailClass class;
    gboolean at_most_once;
    WallMs created_at;
    guint n_bytes;
    gboolean is_kept, is_found; /* found: in the look that is being taken */
    guint n_recipients, n_found;
    WorldRecipient recipients[WORLD_RECIPIENTS];
} WorldMail;

/* Mails that were handed over together, under one idempotency key. */
typedef struct {
    guint number, first, n;
    WallMs at;
    gboolean is_kept;
} WorldBatch;

/* A value that is only ever raised. */
typedef struct {
    gint64 known, asked; /* what was answered with success; the last that was asked for */
} WorldValue;

typedef struct {
    Random random;
    WallMs now;
    Vault *vault;                         /* of the store that is open */
    GPtrArray *mails;                     /* of WorldMail, by number */
    GPtrArray *batches;                   /* of WorldBatch, by number */
    WorldValue settings, active, sending; /* settings: draft or active, whichever is newer */
    gint64 former;    /* values under another key than the one in use, at most */
    guint n_ghosts;   /* batches that were there after an error */
    guint n_lost;     /* what had been answered with success and is not there */
    guint n_wrong;    /* anything else that must not be */
    gboolean settles; /* of the look that is being taken */
    GString *story;   /* what was found wrong, a line each */
} World;

World *world_new(Random random);
void world_free(World *world);

WorldMail *world_mail(const World *world, guint number);
WorldBatch *world_batch(const World *world, guint number);

/* A batch of new mails that nobody has asked for yet. */
WorldBatch *world_add_batch(World *world);

/* The mail as it is handed over; the caller frees. */
EmailNew *world_email(const World *world, const WorldMail *mail);
void world_key(const WorldBatch *batch, char key[32], guint8 hash[WORLD_HASH_BYTES]);

/* How many stored values are under another key than the one in use. */
gboolean world_count_former(const World *world, Db *db, gint64 *n, GError **error);

/* What is found wrong. */
void world_lost(World *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
void world_wrong(World *world, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Looks at everything. settles: what was answered with an error and is not there will never be;
 * FALSE while a failed sync may have left it on the disk. */
void world_look(World *world, Store *store, gboolean settles);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)
