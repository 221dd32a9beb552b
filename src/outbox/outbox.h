/* Decides: which mail when. A pure machine: events come in with the time and some randomness,
 * effects go out; it owns no socket, clock, thread or row. The courier carries its effects out; a
 * simulator can do the same.
 *
 * Bounded: per org a gate, a few counters and a working set of at most LIMIT_WORKING_SET due
 * recipients, refilled by the effect LOAD. What is durable lives in the store alone; after a crash
 * the machine starts empty.
 *
 * As many mails are out at once as the connections can have unanswered, and about as many again, so
 * that a connection never waits for the store; but no more than LIMIT_FLIGHT_BYTES of content (or
 * one mail, if that alone is larger).
 *
 * The store is read *on* from the last mail seen, so that a long queue is read once. It is read
 * *anew*, from the most urgent mail, when something may have come before that place: a bell, or a
 * deferral whose time has come. While there is enough to do this waits for up to a tenth of a
 * second, which is how late a more urgent mail may be seen.
 *
 * Two clocks come with each event. The wall clock is what the store's times are compared with; it
 * may be set, years ahead or back. By the steady one the machine measures all that it waits for
 * itself (breaks, the try after a refused login, the quota), and believes that a mail's longest
 * lifetime is over. When the two move against each other the store is read anew.
 *
 * What the provider was asked to take is counted, and what is under way is counted as well until it
 * is over: so no minute, hour or day sees more than the quota. Mail that a person started (a test)
 * counts, but is not held.
 *
 * A recipient is *known* from LOADED until RECORDED. A known recipient is never taken from the
 * store a second time, so that no mail is sent twice because a commit was still on its way. */
#pragma once

#include "outbox/email.h"
#include "outbox/quota.h"
#include "outbox/retry.h"

#include <glib.h>

typedef struct outbox Outbox;

/* One waiting recipient. */
typedef struct {
    gint64 recipient_id;
    EmailClass class;
    WallMs next_at;
    gint64 size_bytes;
    gboolean is_test; /* a person asked for it: it goes out while paused */
    RetryMail mail;
} OutboxItem;

typedef enum {
    OUTBOX_EVENT_GATE = 1, /* gate, config_version, connections, window, limits, sent: at start and
                              when one changes */
    OUTBOX_EVENT_BELL,     /* new work may be due */
    OUTBOX_EVENT_LOADED,   /* items, has_more, next_at: the answer to LOAD, also when it failed
                              (n_items 0) */
    OUTBOX_EVENT_ENDED, /* recipient_id, end, fate, wait_s, config_version: an attempt under these
                           settings is over */
    OUTBOX_EVENT_RECORDED, /* recipient_id: what RECORD asked for is durable (or can never be) */
    OUTBOX_EVENT_LOGIN_REFUSED, /* config_version: no mail was at hand whose ENDED could tell it */
    OUTBOX_EVENT_TICK,          /* the time of WAKE has come */
} OutboxEventKind;

typedef struct {
    OutboxEventKind kind;
    gint64 org_id;
    WallMs now;          /* the wall clock */
    WallMs steady;       /* clock_steady_ms(): the wall clock, had nobody set it since the start */
    guint32 random;      /* fresh for each event */
    EmailGate gate;      /* GATE: open, not_configured or paused */
    gboolean is_refused; /* GATE: the login was refused, as far as the store knows */
    WallMs refused_at;   /* GATE: since when */
    gint64 config_version;
    guint connections;
    guint window;            /* GATE: mails unanswered on one connection */
    QuotaLimits limits;      /* GATE */
    const Quota *sent;       /* GATE: what the store knows was sent; NULL: it was not read. Of the
                                first one that comes is taken what lies before the first GATE */
    const OutboxItem *items; /* LOADED: in the order they go */
    guint n_items;
    gboolean has_more; /* LOADED: more is due behind these */
    WallMs next_at;    /* LOADED: when the first mail behind these comes due; 0: none */
    gint64 recipient_id;
    AttemptEnd end;
    DiagnosisFate fate; /* NONE: no reply decided */
    gint64 wait_s;
    gboolean is_local; /* ENDED: the provider was not asked, it says nothing about the account */
    gboolean blocks_account; /* ENDED with HOLD: it is about the account, not about this mail */
} OutboxEvent;

typedef enum {
    OUTBOX_EFFECT_LOAD = 1, /* answer with LOADED: the due recipients behind `after`, at most
                               `limit`, tests only if so said */
    OUTBOX_EFFECT_SEND,     /* try recipient_id now; answer with ENDED */
    OUTBOX_EFFECT_RECORD,   /* write decision for recipient_id; answer with RECORDED */
    OUTBOX_EFFECT_HEALTH,   /* what the traffic says about the org's account */
    OUTBOX_EFFECT_WAKE,     /* send TICK at `at` by the steady clock; replaces the org's last */
} OutboxEffectKind;

typedef enum {
    OUTBOX_HEALTH_UNKNOWN = 0,
    OUTBOX_HEALTH_OK = 1,
    OUTBOX_HEALTH_DEGRADED,         /* replies hold mail back, but login works */
    OUTBOX_HEALTH_UNREACHABLE,      /* sessions do not come about */
    OUTBOX_HEALTH_CREDENTIAL_FAULT, /* the login is refused: everything holds */
} OutboxHealth;

typedef struct {
    OutboxEffectKind kind;
    gint64 org_id;
    gint64 recipient_id;
    guint limit;
    gboolean only_tests;
    EmailPosition after;
    RetryDecision decision;
    gboolean asked;       /* RECORD: the provider was asked to take it: it uses up quota */
    gboolean is_too_late; /* RECORD: not tried, its time is over by what the outbox was told; the
                             store must agree (a person may have given it another day since) */
    OutboxHealth health;
    WallMs at;
} OutboxEffect;

Outbox *outbox_new(void);
void outbox_free(Outbox *outbox);

/* One step. The effects are lent until the next step; order matters and must be kept. */
const OutboxEffect *outbox_step(Outbox *outbox, const OutboxEvent *event, guint *n_effects);

/* For status and tests: how many recipients of the org are known, and how many of them are being
 * tried. */
guint outbox_known(const Outbox *outbox, gint64 org_id);
guint outbox_sending(const Outbox *outbox, gint64 org_id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outbox, outbox_free)
