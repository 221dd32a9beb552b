/* A world in which the outbox lives through months in milliseconds: virtual time, a provider, a
 * store and a courier that are models, and happenings drawn from a seed. The outbox is the real
 * one; so are the table of moves, the quota and the retry schedule.
 *
 * The models do what the real parts do and in the same order, but any part may stop anywhere: a
 * kill forgets all that is not committed, a commit fails, a server drops the connection, the wall
 * clock is set by years. After every step the promises of doc/reliability.md are checked. */
#pragma once

#include "base/limits.h"
#include "hostile/random.h"
#include "outbox/outbox.h"

#include <glib.h>

#define SIM_ORGS 2
#define SIM_MAILS 1200
#define SIM_BEGIN G_GINT64_CONSTANT(1800000000000) /* what a right wall clock says at time 0 */
#define SIM_YEARS (3652 * CLOCK_DAY_MS)

/* A rule that the models break on purpose, to see that it is noticed. */
typedef enum {
    BREAK_NOTHING = 0,
    BREAK_MARK,      /* the final dot does not wait for the durable mark */
    BREAK_BREAKER,   /* a refused login is told as a connection that broke */
    BREAK_QUOTA,     /* the limits are not told */
    BREAK_PAUSE,     /* a pause is not told */
    BREAK_ONCE,      /* a start forgets who asked for at most once */
    BREAK_RESEND,    /* a start forgets what was sent a second time already */
    BREAK_EXPIRY,    /* nobody looks at the expiry between choosing a mail and its final dot */
    BREAK_SCHEDULE,  /* the attempts already made are not told */
    BREAK_NEIGHBOUR, /* whoever waits for a slow provider makes the others wait */
} SimBreak;

/* --- The store's rows: what is committed ----------------------------------------------------- */

typedef struct {
    OutboxItem item; /* as a LOAD would show it */
    guint org;       /* index */
    EmailState state;
    WallMs next_at; /* 0: at its end */
    /* What the verdict remembers. */
    gboolean was_uncertain; /* committed as such: a duplicate is allowed */
    gboolean is_out;        /* SEND was given, ENDED has not come */
    gboolean is_recording;  /* RECORD was given, RECORDED has not come */
    gboolean is_settled;    /* it came while a LOAD was under way, and counts when that is over */
    gboolean
        was_put_off; /* its time is another than when it was taken: the outbox may know that one */
    gboolean is_honest;   /* taken while the wall clock was right */
    guint copies;         /* that the provider took */
    guint under_way;      /* that it will take: their end has left */
    guint most_copies;    /* that it may ever take */
    gint64 due_since;     /* true time */
    gint64 greylisted_at; /* true time; 0: never seen there */
} Mail;

typedef struct {
    gint64 minute, n;
} SentMinute;

typedef struct {
    gboolean is_enabled;
    WallMs pause_until, switched_at;
    gint64 config_version;
    OutboxHealth health;
    WallMs health_at;
    QuotaLimits limits;
    GArray *sent; /* of SentMinute, in order */
    gint64 taken, counts[EMAIL_HANDED_OVER + 1];
} StoredOrg;

typedef enum {
    JOB_TAKE = 1,   /* id */
    JOB_MARK,       /* id */
    JOB_RECORD,     /* id, decision, asked, at */
    JOB_HEALTH,     /* health, version */
    JOB_SWITCH,     /* is_on, until: by a person */
    JOB_ACTIVATE,   /* a verification passed */
    JOB_CANCEL,     /* id */
    JOB_RETRY,      /* id: a person said "again" */
    JOB_RESCHEDULE, /* id, until: a person named another time */
    JOB_DRAFT,      /* settings are changed that do not count yet */
    JOB_HOUSEKEEPING,
} JobKind;

typedef struct {
    JobKind kind;
    guint org;
    gint64 id, version;
    RetryDecision decision;
    gboolean asked, is_on;
    WallMs at, until, late_by;
    OutboxHealth health;
    gboolean is_marked, has_failed; /* what came of it */
} Job;

typedef struct {
    StoredOrg orgs[SIM_ORGS];
    GPtrArray *queue;               /* of Job: not begun */
    GPtrArray *group;               /* of Job: being committed; NULL: none */
    gboolean is_faulty;             /* commits fail now and then */
    guint jumps, jumps_heeded;      /* of the wall clock, as the events saw it */
    guint noted_state, noted_queue; /* organisations, as bits, changed since this was last heard */
    gint64 lead_ms;                 /* of the wall clock, as housekeeping last saw it */
    gint64 seen_lead_ms;            /* at the last event */
    gboolean waits_are_near;
    WallMs look_until;
} SimStore;

/* How the provider is just now. */
typedef enum {
    MOOD_WELL = 0,
    MOOD_STORM,    /* 4yz to everything */
    MOOD_GREY,     /* greylisting, 15 minutes */
    MOOD_REFUSING, /* 535 */
    MOOD_DOWN,     /* no connection */
    MOOD_DROPPING, /* connections break before or after the dot */
    MOOD_SLOW,     /* replies take minutes */
    MOOD_FULL,     /* a quota of its own */
    MOODS,
} Mood;

/* --- The courier: what a kill forgets ----------------------------------------------------------
 */

typedef enum {
    STAGE_FETCHING = 1,
    STAGE_WAITING, /* for a connection */
    STAGE_TALKING, /* MAIL was said */
    STAGE_SAID,    /* the final dot left */
} Stage;

typedef struct {
    gint64 id, token; /* the token tells it from other attempts at the same mail */
    guint org;
    Stage stage;
    guint closings, drains; /* of the org when it began */
    gint64 version;
    gboolean is_marked, may_say; /* the mark is durable; the server said 354 */
} Attempt;

typedef struct {
    gboolean has_state, is_reading, read_again;
    gboolean is_paused;        /* as it was told */
    EmailGate gate;            /* likewise */
    gboolean is_refused;       /* likewise */
    gint64 version, wake_turn; /* an older wake-up is void */
    guint closings, drains, connections;
    guint idle, busy;
    gint64 idle_turn; /* an older plan to close what is idle is void */
    gint64 opening;   /* which one is being opened; 0: none */
    gboolean is_said; /* its login has left: the answer is heard even after a drain */
    guint opening_drains;
    gint64 opening_version;
    Mood answer;    /* how the provider took its login */
    GQueue waiting; /* of ids */
    OutboxEffect load;
    gboolean is_loading;
    GArray *page; /* of OutboxItem; NULL: not read yet */
    gboolean page_has_more;
    WallMs page_next_at;
    guint n_out;
    gint64 healths; /* how often the outbox said how the account is */
} SimCourier;

/* --- The provider ------------------------------------------------------------------------------
 */

typedef struct {
    gint64 at, lead_ms;                 /* true time, and what the wall clock was ahead by */
    gboolean is_test, may_be_forgotten; /* the wall clock was set ahead of what is written */
} Said;

typedef struct {
    Mood mood;
    guint refused_logins;   /* of this credential, heard in a row */
    gint64 refused_lead_ms; /* of the wall clock, at the first of them */
    GArray *said;           /* of Said: mails whose end it heard */
} SimProvider;

/* --- The world ---------------------------------------------------------------------------------
 */

typedef struct {
    guint64 n_steps, n_events, n_mails, n_copies, n_duplicates, n_kills, n_jumps, n_refused;
    gint64 span_ms;
} SimCount;

typedef struct world World;
typedef void (*Act)(World *world, guint org, gint64 id);

struct world {
    Random random;
    SimBreak broken;
    gboolean is_told;   /* --trace */
    gboolean is_calm;   /* the end: nothing bad happens any more */
    gboolean has_loris; /* org 1 is beside a neighbour that is slow and has much to send */
    gint64 now;         /* true time */
    gint64 lead_ms;     /* of the wall clock over the true one */
    gint64 start_lead_ms;
    guint32 life; /* of the process: 0 while it is down */
    guint32 last_life;
    GArray *agenda; /* a heap, agenda.c */
    guint32 n_planned;
    Outbox *outbox;
    Mail *mails; /* id 1 is the first */
    guint n_mails;
    GHashTable *attempts;      /* id → Attempt */
    GPtrArray *to_write_again; /* of Job */
    guint n_attempts, n_opened;
    SimStore store;
    SimCourier couriers[SIM_ORGS];
    SimProvider providers[SIM_ORGS];
    guint n_commits;
    char *fault; /* the first promise that was not kept */
    SimCount count;
};

static inline WallMs world_wall(const World *world)
{
    return SIM_BEGIN + world->now + world->lead_ms;
}

static inline WallMs world_steady(const World *world)
{
    return SIM_BEGIN + world->now + world->start_lead_ms;
}

static inline Mail *world_mail(World *world, gint64 id)
{
    g_assert(id >= 1 && id <= world->n_mails);
    return &world->mails[id - 1];
}

static inline gint64 world_between(World *world, gint64 least, gint64 most)
{
    return least + (gint64)(random_next(&world->random) % (guint64)(most - least + 1));
}

static inline gboolean world_chance(World *world, guint in_a_thousand)
{
    return random_below(&world->random, 1000) < in_a_thousand;
}

/* agenda.c: what will happen when. `life` 0: it happens whether the process lives or not; else only
 * in the life it was planned in. */
void agenda_add(World *world, gint64 in_ms, Act act, guint org, gint64 id, gboolean of_process);
gboolean agenda_do_next(World *world); /* FALSE: nothing is planned */

/* store.c */
void store_begin(World *world);
void store_forget(World *world); /* a kill: what is not committed is gone */
void store_end(World *world);
void store_queue(World *world, const Job *job);
void store_load(World *world, guint org); /* reads the page that the courier's LOAD asks for */
Quota *store_sent(const World *world, guint org);
void store_recover(World *world); /* at a start */

/* courier.c */
void courier_begin(World *world); /* a process starts */
void courier_forget(World *world);
void courier_heard(World *world, GPtrArray *jobs /* of Job */);
void courier_fetch(World *world, gint64 id);
void courier_ended(World *world, gint64 id, OutboxEvent event);
void courier_step(World *world, guint org, OutboxEvent event);

/* pool.c */
void pool_give(World *world, gint64 id);
void pool_drain_org(World *world, guint org);
void pool_mark_is(World *world, gint64 id, gboolean is_marked, gboolean has_failed);

/* verdict.c: sets world->fault. */
void verdict_fail(World *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
void verdict_on_send(World *world, Mail *mail);
void verdict_on_effects(
    World *world, guint org, const OutboxEvent *event, const OutboxEffect *effects, guint n);
void verdict_on_commit(World *world);
void verdict_on_trust(Mail *mail); /* taken, or given another day by a person */
void verdict_on_record(World *world, const Mail *mail, const Job *job); /* about to be written */
void verdict_on_talk(World *world, const Mail *mail);
void verdict_on_said(World *world, const Mail *mail);
void verdict_on_accepted(World *world, Mail *mail);
void verdict_on_login_refused(World *world, guint org);
void verdict_on_expired(World *world, const Mail *mail);
void verdict_on_login_worked(World *world, guint org);
void verdict_on_jump(World *world);                   /* the wall clock was set */
void verdict_on_counts_read(World *world, guint org); /* for the first time after a start */
void verdict_on_kill(World *world);
void verdict_on_start(World *world);
void verdict_at_the_end(World *world);
void verdict_tell(const World *world, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* world.c: a person saves a draft, so the state is read again and is the same. */
void world_save_draft(World *world, guint org, gint64 unused);
void world_kill(World *world, guint unused_org, gint64 unused_id); /* and starts it again */
/* Plays one seed. The fault, or NULL; the caller frees. */
char *world_play(guint64 seed, SimBreak broken, gboolean is_told, SimCount *count);
