/* What a token endpoint answered. Strict: a shape that is not RFC 6749 5.1, 5.2 or RFC 8628 3.2 is
 * named. The bytes come from strangers; at most LIMIT_OAUTH_ANSWER_BYTES are taken. jansson copies
 * them: its freed memory is wiped where json_wipe_on_free (api/json/json.h) ran. */
#pragma once

#include "base/secret.h"
#include "oauth/request.h"

typedef struct {
    Secret *access_token;  /* visible ASCII without spaces, at most LIMIT_OAUTH_TOKEN_BYTES */
    Secret *refresh_token; /* the same; NULL: the one that was used stays */
    gint64
        expires_in_s; /* 1 … LIMIT_OAUTH_EXPIRY_S (cut); LIMIT_OAUTH_EXPIRY_ASSUMED_S if not said */
    char *scope;      /* printable; NULL: as asked */
} OauthToken;
void oauth_token_free(OauthToken *token);

/* Fit to be shown and logged: printable, bounded, without anything that was sent as a secret. */
typedef struct {
    char *error;       /* "invalid_client" … */
    char *description; /* with its AADSTS number, without trace and correlation ids; or NULL */
} OauthRefusal;
void oauth_refusal_free(OauthRefusal *refusal);

/* From an address a sign-in led to; the texts may be anything, description NULL. */
OauthRefusal *oauth_refusal_new(const char *error, const char *description);
/* "invalid_client: AADSTS7000215: …", or the error alone: what the diagnosis reads. */
char *oauth_refusal_text_dup(const OauthRefusal *refusal);

typedef enum {
    OAUTH_GRANTED = 1, /* a token (or a device's code) */
    OAUTH_REFUSED,     /* with an OAuth error: asking again with the same changes nothing */
    OAUTH_AWAY,        /* 5xx, 429, 408, server_error, temporarily_unavailable: later */
    OAUTH_STRANGE,     /* no OAuth2 answer: a proxy's page, a wrong address, a shape of its own */
} OauthVerdict;

/* status: of HTTP. Sets on GRANTED *token; on REFUSED *refusal; on AWAY *refusal if there is one,
 * else NULL; on STRANGE *error (ABS_ERROR_PROTOCOL) with what is wrong about it.
 * Nothing else is touched. asked: what this is the answer to; a description that repeats one of its
 * secrets is withheld. */
OauthVerdict oauth_answer_read(const OauthRequest *asked, int status, const Secret *body,
    OauthToken **token, OauthRefusal **refusal, GError **error);

typedef struct {
    Secret *device_code;
    char *user_code;        /* to be typed; printable */
    char *verification_uri; /* https, there */
    gint64 expires_in_s;    /* 1 … LIMIT_OAUTH_DEVICE_S (cut) */
    gint64 interval_s;      /* 1 … 60; between two questions */
} OauthDevice;
void oauth_device_free(OauthDevice *device);

/* The answer to oauth_request_for_device; otherwise as above. */
OauthVerdict oauth_device_read(const OauthRequest *asked, int status, const Secret *body,
    OauthDevice **device, OauthRefusal **refusal, GError **error);

/* What a refusal of oauth_request_for_device_poll means (RFC 8628 3.5). */
typedef enum {
    OAUTH_DEVICE_REFUSED = 1, /* something else is wrong */
    OAUTH_DEVICE_PENDING,
    OAUTH_DEVICE_SLOWER, /* pending; ask 5 s less often from now on */
    OAUTH_DEVICE_DENIED, /* the person said no */
    OAUTH_DEVICE_EXPIRED,
} OauthDeviceState;
OauthDeviceState oauth_device_state(const OauthRefusal *refusal);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OauthToken, oauth_token_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OauthRefusal, oauth_refusal_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OauthDevice, oauth_device_free)
