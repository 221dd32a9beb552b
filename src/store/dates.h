/* Dates to mind: what ends one day and takes mail sending with it, or an application's part in it.
 * What the database knows of them, when people are reminded, and what webhooks were told. The
 * others (of the login at the provider, of the provider itself) are found by api/dates.h, which
 * puts the list together. */
#pragma once

#include "store/store.h"

typedef enum {
    DATE_CERTIFICATE = 1,    /* of the server, as last seen in a check */
    DATE_TOKEN,              /* of an application */
    DATE_CLIENT_SECRET,      /* of the login by OAuth2 */
    DATE_CLIENT_CERTIFICATE, /* the same */
    DATE_REFRESH_TOKEN,      /* a sign-in that lapses when it is not used */
    DATE_APP_PASSWORD,       /* it is a year old: nothing ends */
    DATE_PROVIDER,           /* the provider has announced something */
} DateKind;
#define DATE_KINDS (DATE_PROVIDER + 1)     /* as the size of a table; 0 is none */
const char *date_kind_name(DateKind kind); /* "client_secret" */

typedef struct {
    DateKind kind;
    char *id;     /* tells it from others of its kind: "tok_…", a host, a provider's id */
    char *name;   /* as people know it */
    WallMs since; /* when what ends began; 0: not known */
    WallMs at;
    const char *text_de, *text_en; /* what the provider announces; lent by its list; else NULL */
    gboolean is_news;              /* nothing ends then: it is shown, nobody is reminded */
} DateAhead;
void date_ahead_free(DateAhead *date);

/* Of DateAhead. */
GPtrArray *dates_new(void);

/* id and name are copied. The new entry belongs to dates. */
DateAhead *dates_add(
    GPtrArray *dates, DateKind kind, const char *id, const char *name, WallMs since, WallMs at);
void dates_sort(GPtrArray *dates); /* the earliest first */

/* Adds what stands in the database: tokens that are not revoked and end after now; with a host (of
 * the active settings) the certificate that its server showed, unless it is over: mail goes out
 * with verified certificates only, so the server must have another one by now. */
gboolean dates_read(
    Db *db, gint64 org_id, const char *host, WallMs now, GPtrArray *dates, GError **error);

/* When the sign-in at the provider was last used to fetch an access token; 0: not known. */
gboolean dates_sign_in_used_at(Db *db, gint64 org_id, WallMs *at, GError **error);

/* --- Reminders ------------------------------------------------------------------------------- */

/* How many days ahead the reminder was due that is in force: 30, 7 or 1; 0: it is over;
 * DATE_NO_REMINDER: none yet. A reminder that would come before the last quarter of a life is left
 * out: what was made for a few days, or is renewed every few weeks, is nobody's surprise. */
#define DATE_NO_REMINDER (-1)
int date_reminder(const DateAhead *date, WallMs now);

/* What is remembered of a reminder: "client_secret smtp.example.com 2027-01-31 30". The caller
 * frees. */
char *date_key(const DateAhead *date, int reminder);

/* --- Webhooks -------------------------------------------------------------------------------- */

/* On a reader: TRUE if a webhook wants to hear of a reminder in force that none was told. */
gboolean dates_are_news(
    Db *db, gint64 org_id, const GPtrArray *dates, WallMs now, gboolean *are, GError **error);

/* Inside a job: tells webhooks of each reminder in force, once; the audit log remembers it
 * ("date.told"). */
gboolean dates_tell(Db *db, gint64 org_id, const GPtrArray *dates, WallMs now, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DateAhead, date_ahead_free)
