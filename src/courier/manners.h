/* What one provider's server has taught us while we talked to it: whether it follows when we write
 * ahead of its replies, and how many connections it bears at once. In memory, forgotten when the
 * settings name another server. No clock of its own: times come in. */
#pragma once

#include "base/clock.h"
#include "smtp/client.h"

#include <glib.h>

typedef struct {
    char *host;
    guint16 port;
    MonoMs stepwise_until; /* it lost step; 0: it never did */
    gboolean is_proven;    /* it followed an overlap */
    guint connections;     /* it bore so many when it last refused another; 0: it never did */
    MonoMs crowded_at;
} Manners;

void manners_clear(Manners *manners); /* forgets everything */

/* From now on it is this server; what is known of another one is forgotten. */
void manners_meet(Manners *manners, const char *host, guint16 port);

/* It could not follow: one command at a time for LIMIT_STEPWISE_MS, and afterwards every session
 * must prove itself anew. */
void manners_lost_step(Manners *manners, MonoMs now);
void manners_proved(Manners *manners);

/* It refused a connection while `standing` others stood: so many it bears, but at least one. */
void manners_crowded(Manners *manners, guint standing, MonoMs now);

/* For the next session: SMTP_PACE_STEPWISE, or 0 for as the server offers. */
SmtpPace manners_pace(const Manners *manners, MonoMs now);

/* How many connections may be open: the setting, less where the server minded; one more for every
 * LIMIT_CROWDED_MS without trouble. */
guint manners_connections(const Manners *manners, guint setting, MonoMs now);
