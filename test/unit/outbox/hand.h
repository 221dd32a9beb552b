/* A hand that drives the outbox, for its tests. */
#pragma once

#include "base/limits.h"
#include "outbox/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW (G_GINT64_CONSTANT(1800000000000))
#define SMALL 2048

/* A hand that drives the machine and keeps the effects of the last step. */
typedef struct {
    Outbox *outbox;
    const OutboxEffect *effects;
    guint n;
    WallMs now;
    gint64 lead_ms; /* of the wall clock over the steady one */
    gint64 version; /* of the settings */
} Hand;

static inline void step(Hand *hand, OutboxEvent event)
{
    event.org_id = 1;
    event.now = hand->now + hand->lead_ms;
    event.steady = hand->now;
    hand->effects = outbox_step(hand->outbox, &event, &hand->n);
}

static inline guint count(const Hand *hand, OutboxEffectKind kind)
{
    guint found = 0;
    for (guint i = 0; i < hand->n; i++)
        found += hand->effects[i].kind == kind;
    return found;
}

static inline const OutboxEffect *find(const Hand *hand, OutboxEffectKind kind)
{
    for (guint i = 0; i < hand->n; i++) {
        if (hand->effects[i].kind == kind)
            return &hand->effects[i];
    }
    fail_msg("no effect of kind %d", (int)kind);
    return NULL;
}

static inline void gate(Hand *hand, EmailGate gate, gint64 version, guint connections)
{
    hand->version = version;
    step(hand, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                   .gate = gate,
                   .config_version = version,
                   .connections = connections,
                   .window = 1});
}

/* So large that as many as were asked for are out at once; the tests of the window take small ones.
 */
static gint64 item_bytes;

static inline OutboxItem item(gint64 id, EmailClass class)
{
    return (OutboxItem){.recipient_id = id,
        .class = class,
        .next_at = NOW,
        .size_bytes = item_bytes,
        .mail = {.deadline_at = NOW + 5 * CLOCK_DAY_MS}};
}

static inline void load(Hand *hand, const OutboxItem *items, guint n)
{
    step(hand, (OutboxEvent){.kind = OUTBOX_EVENT_LOADED, .items = items, .n_items = n});
}

static inline void end(Hand *hand, gint64 id, AttemptEnd end, DiagnosisFate fate)
{
    step(hand, (OutboxEvent){.kind = OUTBOX_EVENT_ENDED,
                   .recipient_id = id,
                   .end = end,
                   .fate = fate,
                   .config_version = hand->version});
}

static inline void recorded(Hand *hand, gint64 id)
{
    step(hand, (OutboxEvent){.kind = OUTBOX_EVENT_RECORDED, .recipient_id = id});
}

/* n: how many mails are out at once. */
static inline Hand open_hand(guint n)
{
    Hand hand = {.outbox = outbox_new(), .now = NOW};
    item_bytes = LIMIT_FLIGHT_BYTES / n;
    gate(&hand, EMAIL_GATE_OPEN, 1, n);
    assert_int_equal(count(&hand, OUTBOX_EFFECT_LOAD), 1);
    return hand;
}
