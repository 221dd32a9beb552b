/* OAuth2 for SMTP, the half that needs no network: what has to be asked where (profile, request,
 * redirect), what an answer says (answer), and who signs (assertion, certificate,
 * service_account). Pure: no socket, clock, thread or log call; times and random bytes come in.
 * (A PS256 signature takes its salt from OpenSSL.) What is asked is sent by the courier and the
 * API; what is secret lives in Secret.
 *
 * Facts: RFC 6749, 7523, 7636, 8628; providers: data/providers.json, `oauth`. Customers bring
 * their own client id; none is shipped. */
#pragma once

#include "oauth/fault.h"

#include <glib.h>

typedef enum {
    OAUTH_MICROSOFT = 1,
    OAUTH_GOOGLE,
    OAUTH_GENERIC, /* any server that is named by its URLs */
} OauthProvider;

typedef enum {
    OAUTH_CLIENT_SECRET = 1, /* client credentials (RFC 6749 4.4) */
    OAUTH_CERTIFICATE,       /* the same, with a signed assertion (RFC 7523 2.2) */
    OAUTH_REFRESH_TOKEN,     /* what a sign-in left (RFC 6749 6) */
    OAUTH_SERVICE_ACCOUNT,   /* a signed assertion is the grant (RFC 7523 2.1) */
} OauthGrant;

typedef enum {
    OAUTH_SECRET_CLIENT = 0,
    OAUTH_SECRET_PRIVATE_KEY,     /* of the certificate; PEM */
    OAUTH_SECRET_SERVICE_ACCOUNT, /* the JSON file */
    OAUTH_SECRET_REFRESH_TOKEN,
    OAUTH_SECRETS, /* how many there are */
} OauthSecretKind;

/* "microsoft" "google" "generic"; "client_secret" "certificate" "refresh_token" "service_account";
 * "client_secret" "private_key" "service_account_key" "refresh_token". NULL for any other number.
 */
const char *oauth_provider_name(guint provider);
const char *oauth_grant_name(guint grant);
const char *oauth_secret_name(guint kind);
/* FALSE, with *number untouched, for any other name or NULL. */
gboolean oauth_provider_parse(const char *name, guint *provider);
gboolean oauth_grant_parse(const char *name, guint *grant);
gboolean oauth_secret_parse(const char *name, guint *kind);

/* All borrowed; a text NULL or "": not entered. */
typedef struct {
    guint provider; /* an OauthProvider, 0: not chosen */
    guint grant;    /* an OauthGrant, 0: not chosen */
    const char *tenant, *client_id, *scope, *subject, *token_url, *authorize_url, *device_url;
    const char *certificate; /* PEM */
    const char *username;    /* in force: the mailbox that mail is sent as */
} OauthProfile;

/* microsoft: client_secret, certificate, refresh_token; google: refresh_token, service_account;
 * generic: client_secret, certificate, refresh_token. */
gboolean oauth_provider_offers(guint provider, guint grant);

/* TRUE for Microsoft and Google: their URLs cannot be entered. */
gboolean oauth_urls_are_known(guint provider);

typedef enum { OAUTH_UNUSED = 0, OAUTH_OPTIONAL, OAUTH_REQUIRED } OauthNeed;
/* A client secret is optional for a sign-in, except with Google. */
OauthNeed oauth_secret_need(guint provider, guint grant, OauthSecretKind kind);

/* What is required and not there, in the order of a form: any of "provider", "grant", "tenant",
 * "client_id", "client_secret", "certificate", "private_key", "service_account_key", "token_url",
 * "authorize_url", "refresh_token". secrets: bit 1 << OauthSecretKind for each that is there.
 * Static names into names[]; returns how many. If "refresh_token" alone is missing a sign-in can
 * begin: that is what it brings. Of a generic provider authorize_url is missing only if the refresh
 * token is, and there is no device_url either. */
#define OAUTH_MISSING_MOST 8
guint oauth_profile_missing(
    const OauthProfile *profile, guint secrets, const char *names[OAUTH_MISSING_MOST]);

/* What may be entered; NONE for NULL or "". The checks of certificate.h and service_account.h are
 * of the same kind. grant 0: not chosen yet. */
OauthFault oauth_tenant_check(const char *tenant, guint grant); /* of Microsoft */
OauthFault oauth_client_id_check(const char *client_id);
OauthFault oauth_scope_check(const char *scope);
OauthFault oauth_url_check(const char *url);

/* What is in force; NULL where there is none (not entered, or not offered). The caller frees.
 * scope: as entered, else what sending takes at the provider with this grant. */
char *oauth_token_url_dup(const OauthProfile *profile);
char *oauth_authorize_url_base_dup(const OauthProfile *profile);
char *oauth_device_url_dup(const OauthProfile *profile);
char *oauth_scope_dup(const OauthProfile *profile);
const char *oauth_subject(const OauthProfile *profile); /* username if none is entered; borrowed */
