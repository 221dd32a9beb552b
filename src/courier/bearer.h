/* Access tokens for those who log in with OAuth2: where sessions get them from. A token is fetched
 * once for all who want it, on a thread of its own; kept sealed in the store and in memory; renewed
 * before it ends, by as much as LIMIT_BEARER_AHEAD_MS and some chance, while it is in use. A token
 * server that does not answer costs nothing while the token that is kept lasts.
 *
 * An *account* is an organisation together with everything its settings say about the login (a
 * secret by when it was set): no other settings get its token. A refresh token that the server
 * replaced is committed before the access token that came with it is given to anybody; and as it
 * may be good for one use, one account of an organisation at a time uses it.
 *
 * It asks once for each time it is asked: how often that may be is the outbox's business (the
 * breaker after a refusal, the backoff while nobody answers). On the loop thread only. */
#pragma once

#include "net/address.h"
#include "net/dns.h"
#include "settings/settings.h"
#include "store/store.h"
#include "vault/vault.h"

typedef struct bearer Bearer;
typedef struct bearer_request BearerRequest;

typedef struct {
    GMainContext *context; /* the loop's */
    Store *store;
    Vault *vault;
    NetDns *dns; /* NULL: nobody can be asked */
    const NetPolicy *policy;
    const char *ca_file; /* trusted besides the system's anchors; NULL: none; copied */
} BearerParts;

Bearer *bearer_new(const BearerParts *parts);

/* TRUE while a server is asked or a token is written: then it may not be freed. */
gboolean bearer_is_busy(const Bearer *bearer);
/* Nothing more is renewed ahead. A refresh token that could not be written is tried once more, at
 * each call: with us it would be lost. */
void bearer_stop(Bearer *bearer);
void bearer_free(Bearer *bearer); /* without requests */

typedef enum {
    BEARER_GIVEN = 1,
    BEARER_REFUSED,     /* for good, as a login is: the secret, the account or its rights */
    BEARER_UNREACHABLE, /* nobody there, or not now: says nothing about the account */
} BearerEnd;

typedef struct {
    BearerEnd end;
    const char *server; /* the host that was asked; NULL: the settings name none */
    /* GIVEN */
    const Secret *token;
    guint64 number;    /* tokens are counted: a later one has a higher number */
    gint64 age_ms;     /* since its server answered */
    gint64 left_ms;    /* until it ends */
    const char *scope; /* NULL: the server did not say */
    /* REFUSED, UNREACHABLE: for DiagnosisInput, phase "token" */
    int code;         /* HTTP status; 0: no answer */
    const char *text; /* "error: description", printable and without secrets; NULL: none */
    const char *sys;  /* NULL where code and text say it; else a name of NetHttpsFault, or
                         "BAD_TOKEN_ANSWER" (this is no token endpoint's answer), "SECRET" (a stored
                         secret cannot be opened), "TOKEN_REQUEST" (with these settings nothing can
                         be asked), "STORE" (the new refresh token could not be written, or which is
                         the newest not be read) */
} BearerAnswer;       /* lent during the call */

/* Once, never before bearer_get returns. */
typedef void (*BearerDone)(const BearerAnswer *answer, gpointer user);

#define BEARER_ANY 0             /* whatever is kept and lasts */
#define BEARER_FRESH G_MAXUINT64 /* the server is asked: a verification proves that it grants */

/* A token for this account; settings are copied. newer_than: BEARER_ANY, BEARER_FRESH, or the
 * number of a token that was refused at a login. The request ends with `done`. */
BearerRequest *bearer_get(Bearer *bearer, gint64 org_id, const SmtpSettings *settings,
    guint64 newer_than, BearerDone done, gpointer user);
void bearer_cancel(BearerRequest *request); /* `done` is not called; NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bearer, bearer_free)
