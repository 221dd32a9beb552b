#include "courier/manners.h"

#include "base/limits.h"

void manners_clear(Manners *manners)
{
    g_free(manners->host);
    *manners = (Manners){0};
}

void manners_meet(Manners *manners, const char *host, guint16 port)
{
    if (g_strcmp0(manners->host, host) == 0 && manners->port == port)
        return;
    manners_clear(manners);
    manners->host = g_strdup(host);
    manners->port = port;
}

void manners_lost_step(Manners *manners, MonoMs now)
{
    manners->stepwise_until = now + LIMIT_STEPWISE_MS;
    manners->is_proven = FALSE;
}

void manners_proved(Manners *manners)
{
    manners->is_proven = manners->stepwise_until == 0; /* else each session proves it anew */
}

void manners_crowded(Manners *manners, guint standing, MonoMs now)
{
    manners->connections = MAX(standing, 1);
    manners->crowded_at = now;
}

SmtpPace manners_pace(const Manners *manners, MonoMs now)
{
    return now < manners->stepwise_until ? SMTP_PACE_STEPWISE : (SmtpPace)0;
}

guint manners_connections(const Manners *manners, guint setting, MonoMs now)
{
    if (manners->connections == 0)
        return setting;
    gint64 regained = (now - manners->crowded_at) / LIMIT_CROWDED_MS;
    return (guint)MIN((gint64)setting, (gint64)manners->connections + regained);
}
