/* A call: one request on its way through its route. `decide` runs on a worker; it returns an
 * answer, or hands a job to the store with call_submit and returns what that returns. */
#pragma once

#include "api/http/http.h"
#include "api/words/problem.h"
#include "people/access.h"
#include "store/store.h"

#define CALL_CSRF_SIZE 65 /* 64 hex digits and NUL */

struct api;
typedef struct api_call ApiCall;

typedef HttpAnswer *(*RouteDecide)(ApiCall *call);

enum {
    ROUTE_PUBLIC = 1 << 0,    /* answers anonymous callers */
    ROUTE_HASHES = 1 << 1,    /* costs an Argon2id run: the small pool with its short queue */
    ROUTE_AT_ONCE = 1 << 2,   /* served from memory on the server's thread */
    ROUTE_SIGNED_IN = 1 << 3, /* needs a session and no scope */
    ROUTE_SENDING = 1 << 4,   /* the body may hold attachments */
    ROUTE_BATCH = 1 << 5,     /* the body is an array */
    ROUTE_ANY_HOST = 1 << 7,  /* answers under every name: probes use addresses and inner names */
    ROUTE_ASKS = 1 << 6,      /* waits for DNS or HTTPS, up to LIMIT_ASKING_MS: a pool of its own */
    ROUTE_KNOWN = 1 << 8,     /* any caller with a credential, whatever its scopes */
};

typedef struct {
    const char *method, *pattern; /* "/v1/emails/{id}/cancel" */
    const char *id_prefix;        /* of {id}: "em"; NULL: none */
    guint scope;                  /* PEOPLE_SCOPE_*; 0 with ROUTE_PUBLIC, _SIGNED_IN or _KNOWN */
    guint flags;
    gsize body_limit; /* 0: ignores a (small) body */
    RouteDecide decide;
} Route;

struct api_call {
    struct api *api;
    HttpRequest *request;
    const Route *route;
    Id id; /* of the path, if the route has one */
    PeopleCaller caller;
    guint8 credential[PEOPLE_HASH_BYTES]; /* hash of the token or session; zero otherwise */
    char csrf[CALL_CSRF_SIZE];            /* of the session; "" otherwise */
    char *client;                         /* address, a trusted proxy seen through */
    Language language;
    char request_id[ID_TEXT_SIZE];
    gboolean wants_resend_form;
    gboolean is_withdrawn; /* the right to do this has ended while the job waited */
    struct {
        char *action, *object, *detail;
    } audit; /* what call_submit notes beside its job; action NULL: nothing */
};

/* --- Answers --------------------------------------------------------------------------------- */

HttpAnswer *call_problem(ApiCall *call, const char *code, const char *detail);
HttpAnswer *call_problem_full(ApiCall *call, const Problem *problem);
HttpAnswer *call_faults(ApiCall *call, const JsonFaults *faults); /* 422 */

/* value is taken. */
HttpAnswer *call_json(ApiCall *call, int status, json_t *value);

/* 401 with this code, and by which way a credential is to come. */
HttpAnswer *call_unauthenticated(ApiCall *call, const char *code);

/* For an error of the store or another part: 404, 409, 422, 503 or 500 by its code. */
HttpAnswer *call_error(ApiCall *call, const GError *error);

/* --- Reading --------------------------------------------------------------------------------- */

/* The body as an object (array with ROUTE_BATCH), or NULL with *problem. An empty body counts as {}
 * if may_be_empty. The caller frees with json_decref. */
json_t *call_body(ApiCall *call, gboolean may_be_empty, HttpAnswer **problem);

/* ?limit=, ?after=, ?before= with this prefix; FALSE with *problem. */
typedef struct {
    guint limit;
    Id after_id, before_id;
    const Id *after, *before; /* NULL: not given */
} CallPage;
gboolean call_page(ApiCall *call, const char *prefix, CallPage *page, HttpAnswer **problem);

/* --- Store ----------------------------------------------------------------------------------- */

/* Runs on the store's writing thread after the commit (error NULL) or the failure. Must be quick:
 * it builds the answer from what the job left in data. */
typedef HttpAnswer *(*CallFinish)(ApiCall *call, gpointer data, const GError *error);

/* Queues the job; NULL, or a 503 if the store is busy. data is taken and freed with free_data after
 * finish. The job runs only if the caller's session or token is good in its own transaction:
 * whoever is removed while it waits gets nothing done (threat T38), and the answer is a 401. */
HttpAnswer *call_submit(
    ApiCall *call, StoreJob job, gpointer data, CallFinish finish, GDestroyNotify free_data);

/* The same for a `decide` that goes on behind the commit: waits for it. FALSE: for call_error. */
gboolean call_run(ApiCall *call, StoreJob job, gpointer data, GError **error);

/* Before these two: what it does stands in the audit log (store/audit.h) in the same transaction,
 * with the caller's name and address. A job that fails notes nothing. object (an id, an address)
 * and detail (one line, never a secret) may be NULL. A job that only learns what it did while it
 * runs calls audit_append itself. */
void call_audit(ApiCall *call, const char *action, const char *object, const char *detail);

/* The same at once, inside a job of another kind (store_run). */
gboolean call_audit_append(ApiCall *call, Db *db, const char *action, const char *object,
    const char *detail, GError **error);

/* Inside that job, which knows better: replaces object and detail. */
void call_audit_learned(ApiCall *call, const char *object, const char *detail);

/* Adds to such a detail what a field was and is now, if that differs: "name: A → B". */
void call_audit_say(GString *said, const char *field, const char *before, const char *now);

/* Inside that job: it found nothing to do, so nothing is noted. */
void call_audit_drop(ApiCall *call);
