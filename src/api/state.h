/* The API's own state: what its routes may use. */
#pragma once

#include "api/api.h"
#include "api/backups.h"
#include "api/call.h"
#include "api/credentials.h"
#include "api/guesses.h"
#include "api/metrics.h"
#include "api/notices.h"
#include "api/pages.h"
#include "api/public_url.h"
#include "api/rate.h"
#include "api/reset_post.h"
#include "api/sending_shelf.h"
#include "api/sign_ins.h"
#include "api/sse.h"
#include "api/template_shelf.h"
#include "api/token_limits.h"
#include "store/rewrap.h"

struct api {
    Store *store;
    Vault *vault;
    Courier *courier; /* NULL only in tests */
    Sandbox *sandbox; /* NULL: none */
    const DiagnosisCatalogue *catalogue;
    const ProviderList *providers;
    NetDns *dns;             /* for routes with ROUTE_ASKS */
    const NetPolicy *policy; /* what their HTTPS requests may lead to */
    const char *ca_file;     /* trusted besides the system's anchors; NULL: none */
    gboolean dev;
    SettingsPorts ports; /* extra is our copy */
    char *control_path;
    GPtrArray *trusted_proxies; /* of GInetAddressMask */
    guint16 port;

    HttpServer *tcp, *control;
    Credentials *credentials;
    TokenLimits *token_limits;
    Guesses *guesses;         /* of passwords and set-up tokens */
    Rate *rate;               /* what may be asked for only so often */
    Guesses *arrival_guesses; /* of tokens in links: wrong links must not lock signing in */
    Metrics *metrics;
    Pages *pages;
    Notices *notices;      /* the keeper's */
    TemplateShelf *shelf;  /* compiled mail texts */
    SendingShelf *sending; /* SMTP states */
    PublicUrl *url;        /* public_url_dup(api) */
    Backups *backups;
    Rewrap *rewrap; /* seals anew what is under a former key */
    Sse *sse;
    ResetPost *reset_post;
    SignIns *sign_ins; /* at providers, for OAuth2 */

    GThreadPool *quick, *large, *hashing, *asking; /* of HttpRequest */

    GThread *keeper; /* runs `loop`: deadlines, heartbeats, events, last uses */
    GMainContext *keeper_context;
    GMainLoop *keeper_loop;
    guint ticks;
    gboolean is_stopped;

    gint is_cancelling;    /* atomic: a worker is busy with cancelling classes; one at a time */
    gint is_checking;      /* atomic: a worker is busy with the books; one at a time */
    gint is_changing_keys; /* atomic: the same with the key file */
    gint is_auditing;      /* atomic: the same with the audit log's chain */
    gint batch_emails;     /* atomic: composed for batches and not yet committed */

    GMutex test_mutex;  /* joins workers */
    GQueue test_emails; /* times (gint64 *) of the test mails of the last hour */
};

/* dispatch.c: the way of a request. */
extern const HttpHandlers dispatch_handlers;       /* user is set by the caller */
void dispatch_run(gpointer request, gpointer api); /* a pool's function */

/* For parts that have no call of their own: the caller as a person reads it ("anna@example.de",
 * "tok_…", "operator"). Reads the store. The caller frees. */
char *call_caller_name(ApiCall *call, Db *db);
