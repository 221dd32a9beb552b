#include "outbox/quota.h"

typedef struct {
    gint64 length_ms, width_ms; /* of the window, and of one counter */
    guint first, n;             /* its counters: as many as the window has widths, and one begun */
} Shape;

static const Shape shapes[QUOTA_WINDOWS] = {
    {CLOCK_MINUTE_MS, CLOCK_SECOND_MS, 0, 61},
    {CLOCK_HOUR_MS, CLOCK_MINUTE_MS, 61, 61},
    {CLOCK_DAY_MS, 10 * CLOCK_MINUTE_MS, 122, 145},
};
#define COUNTERS (61 + 61 + 145)

struct quota {
    WallMs last; /* the last time anything was counted */
    guint counters[COUNTERS];
};

Quota *quota_new(void)
{
    return g_new0(Quota, 1);
}

void quota_free(Quota *quota)
{
    g_free(quota);
}

/* Which span of time a moment lies in; the spans of a window's counters come round. */
static gint64 span_of(const Shape *shape, WallMs at)
{
    return MAX(at, 0) / shape->width_ms;
}

static guint place_of(const Shape *shape, gint64 span)
{
    return shape->first + (guint)(span % shape->n);
}

static guint add_up(guint a, guint b)
{
    return a > G_MAXUINT - b ? G_MAXUINT : a + b;
}

/* What the counters stood for until now is long ago. */
static void begin_spans(Quota *quota, const Shape *shape, WallMs at)
{
    gint64 newest = span_of(shape, quota->last);
    gint64 begun = span_of(shape, at);
    for (gint64 span = MAX(newest + 1, begun - shape->n + 1); span <= begun; span++)
        quota->counters[place_of(shape, span)] = 0;
}

static void move_on(Quota *quota, WallMs at)
{
    if (at <= quota->last)
        return;
    for (guint i = 0; i < QUOTA_WINDOWS; i++)
        begin_spans(quota, &shapes[i], at);
    quota->last = at;
}

void quota_add(Quota *quota, WallMs at, guint n)
{
    move_on(quota, at);
    for (guint i = 0; i < QUOTA_WINDOWS; i++) {
        guint *counter = &quota->counters[place_of(&shapes[i], span_of(&shapes[i], quota->last))];
        *counter = add_up(*counter, n);
    }
}

/* The first span that still counts at that time: its last moment is not a whole window ago. */
static gint64 oldest_span(const Shape *shape, WallMs now)
{
    return MAX(span_of(shape, now) - shape->n + 1, 0);
}

/* A span that has not begun yet has counted nothing, wherever its counter stands. */
static guint counted(const Quota *quota, const Shape *shape, gint64 span)
{
    gint64 newest = span_of(shape, quota->last);
    gboolean is_kept = span <= newest && span > newest - shape->n;
    return is_kept ? quota->counters[place_of(shape, span)] : 0;
}

void quota_take_back(Quota *quota, WallMs at, guint n)
{
    for (guint i = 0; i < QUOTA_WINDOWS; i++) {
        gint64 span = span_of(&shapes[i], MIN(at, quota->last));
        guint left = counted(quota, &shapes[i], span);
        if (left > 0)
            quota->counters[place_of(&shapes[i], span)] = left - MIN(n, left);
    }
}

void quota_merge(Quota *quota, const Quota *other, WallMs until)
{
    move_on(quota, MIN(other->last, until));
    for (guint i = 0; i < QUOTA_WINDOWS; i++) {
        const Shape *shape = &shapes[i];
        gint64 newest = span_of(shape, MIN(quota->last, until));
        for (gint64 span = oldest_span(shape, quota->last); span <= newest; span++) {
            guint *counter = &quota->counters[place_of(shape, span)];
            *counter = MAX(*counter, counted(other, shape, span));
        }
    }
}

static guint used(const Quota *quota, const Shape *shape, WallMs now)
{
    guint sum = 0;
    gint64 newest = span_of(shape, quota->last);
    for (gint64 span = oldest_span(shape, now); span <= newest; span++)
        sum = add_up(sum, counted(quota, shape, span));
    return sum;
}

/* When fewer than `wanted` are left in the window; 0: now. */
static WallMs falls_below(const Quota *quota, const Shape *shape, guint wanted, WallMs now)
{
    guint left = used(quota, shape, now);
    WallMs at = 0;
    for (gint64 span = oldest_span(shape, now); left >= wanted; span++) {
        guint leaves = counted(quota, shape, span);
        left -= MIN(leaves, left);
        if (leaves > 0)
            at = (span + shape->n) * shape->width_ms;
    }
    return at;
}

static void limits_of(const QuotaLimits *limits, guint each[QUOTA_WINDOWS])
{
    each[0] = limits->per_minute;
    each[1] = limits->per_hour;
    each[2] = limits->per_day;
}

void quota_read(
    const Quota *quota, const QuotaLimits *limits, WallMs now, QuotaWindow windows[QUOTA_WINDOWS])
{
    guint each[QUOTA_WINDOWS];
    limits_of(limits, each);
    WallMs seen_at = MAX(now, quota->last);
    for (guint i = 0; i < QUOTA_WINDOWS; i++) {
        windows[i] = (QuotaWindow){0, 0, 0};
        if (each[i] == 0)
            continue;
        windows[i].limit = each[i];
        windows[i].used = used(quota, &shapes[i], seen_at);
        windows[i].free_at = falls_below(quota, &shapes[i], each[i], seen_at);
    }
}

gboolean quota_is_used_up(const Quota *quota, const QuotaLimits *limits, WallMs now)
{
    return quota_room(quota, limits, now) == 0;
}

guint quota_room(const Quota *quota, const QuotaLimits *limits, WallMs now)
{
    QuotaWindow windows[QUOTA_WINDOWS];
    guint room = G_MAXUINT;
    quota_read(quota, limits, now, windows);
    for (guint i = 0; i < QUOTA_WINDOWS; i++) {
        if (windows[i].limit > 0)
            room = MIN(room, windows[i].limit - MIN(windows[i].used, windows[i].limit));
    }
    return room;
}

WallMs quota_room_at(const Quota *quota, const QuotaLimits *limits, guint reserved, WallMs now)
{
    guint each[QUOTA_WINDOWS];
    limits_of(limits, each);
    WallMs at = 0;
    for (guint i = 0; i < QUOTA_WINDOWS; i++) {
        if (each[i] == 0)
            continue;
        if (each[i] <= reserved)
            return QUOTA_NEVER;
        at = MAX(at, falls_below(quota, &shapes[i], each[i] - reserved, MAX(now, quota->last)));
    }
    return at;
}
