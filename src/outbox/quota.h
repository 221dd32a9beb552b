/* How many mails a provider was asked to take in the last minute, hour and day, and when it may be
 * asked again. Pure, and of fixed size however many mails there are.
 *
 * Conservative: a counter leaves its window when the last moment that it stands for has left it.
 * So no span of 60 s, 60 min or 24 h ever holds more than its limit, and a place becomes free up to
 * a second (of the minute), a minute (of the hour) or ten minutes (of the day) late.
 *
 * Times must not jump: who keeps a quota for longer feeds it a clock that nobody can set. A time
 * before the last one counts as the last one. */
#pragma once

#include "base/clock.h"

#include <glib.h>

typedef struct quota Quota;

typedef struct {
    guint per_minute, per_hour, per_day; /* 0: no limit */
} QuotaLimits;

#define QUOTA_WINDOWS 3 /* minute, hour, day */
#define QUOTA_NEVER G_MAXINT64

typedef struct {
    guint limit, used;
    WallMs free_at;
} QuotaWindow; /* limit 0: none; free_at 0: there is room now */

Quota *quota_new(void);
void quota_free(Quota *quota);

/* n mails that the provider was asked to take at that time. */
void quota_add(Quota *quota, WallMs at, guint n);

/* n of those that were added at that time were not asked for after all. */
void quota_take_back(Quota *quota, WallMs at, guint n);

/* Counts as well what `other` has counted until then: of each counter the larger one, because both
 * may have counted the same mails. */
void quota_merge(Quota *quota, const Quota *other, WallMs until);

/* For people. */
void quota_read(const Quota *quota, const QuotaLimits *limits, WallMs now,
    QuotaWindow windows[QUOTA_WINDOWS] /* minute, hour, day */);
gboolean quota_is_used_up(const Quota *quota, const QuotaLimits *limits, WallMs now);

/* How many more mails there is room for at that time; G_MAXUINT without limits. */
guint quota_room(const Quota *quota, const QuotaLimits *limits, WallMs now);

/* When there is room for one more than `reserved` mails, which are under way and may all come to
 * count: 0: now; QUOTA_NEVER: not before some of them are over. */
WallMs quota_room_at(const Quota *quota, const QuotaLimits *limits, guint reserved, WallMs now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Quota, quota_free)
