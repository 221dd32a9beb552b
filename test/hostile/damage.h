/* A line that spoils what a server says: line by line, as its plan tells, and always the same for
 * the same chance. */
#pragma once

#include "base/clock.h"
#include "random.h"

#include <glib.h>

typedef enum {
    DAMAGE_FLIP = 0, /* one bit */
    DAMAGE_DROP,     /* a line is missing */
    DAMAGE_TWICE,    /* a line comes twice */
    DAMAGE_SWAP,     /* two lines change places */
    DAMAGE_INSERT,   /* a reply nobody gave */
    DAMAGE_CODE,     /* another code */
    DAMAGE_JUNK,     /* octets out of nowhere */
    DAMAGE_BREAK,    /* a line breaks off and the connection is lost */
    DAMAGE_LOSE,     /* the connection is lost */
    DAMAGE_MUTE,     /* nothing more comes */
    DAMAGE_DELAY,    /* it comes much later */
    DAMAGE_COUNT,
} DamageKind;

const char *damage_name(DamageKind kind);

typedef struct damage Damage;

/* Draws a plan of at most three damages. random is lent for the damage's life. */
Damage *damage_new(Random *random);
void damage_free(Damage *damage);

gboolean damage_has(const Damage *damage, DamageKind kind); /* in the plan */
gboolean damage_is_none(const Damage *damage);

/* Whole lines of the server, appended to `out` as they come through. now: for delays. */
void damage_pass(Damage *damage, const GByteArray *lines, GByteArray *out, MonoMs now);

gboolean damage_is_lost(const Damage *damage);   /* the connection is: behind what came through */
gboolean damage_is_mute(const Damage *damage);   /* and so is everything behind it, for ever */
MonoMs damage_holds_until(const Damage *damage); /* nothing comes through before; 0: it does */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Damage, damage_free)
