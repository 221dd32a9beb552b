/* Settings that log in by OAuth2, for the courier's tests. Include cmocka.h before. */
#pragma once

#include "settings/settings.h"
#include "store/store.h"

typedef struct {
    const char *grant;         /* NULL: "client_secret" */
    const char *client_secret; /* NULL: "open sesame" */
    const char *refresh_token; /* NULL: none */
    guint16 port;              /* of the mail server; 0: 465 */
    const char *scope;         /* NULL: "mail.send" */
} OauthWish;

static inline SmtpSettings *oauth_settings_new(
    const OauthWish *wish, const char *token_url, Vault *vault, WallMs now)
{
    const guint16 port = wish->port != 0 ? wish->port : 465;
    const SettingsPorts ports = {.extra = &port, .n_extra = 1};
    const char *text = wish->client_secret != NULL ? wish->client_secret : "open sesame";
    g_autoptr(Secret) secret = secret_new(text, strlen(text));
    g_autoptr(Secret) refresh = wish->refresh_token == NULL
                                    ? NULL
                                    : secret_new(wish->refresh_token, strlen(wish->refresh_token));
    SettingsPatch patch = {
        .present = SETTINGS_HOST | SETTINGS_PORT | SETTINGS_SECURITY | SETTINGS_USERNAME |
                   SETTINGS_FROM_EMAIL | SETTINGS_AUTH | SETTINGS_OAUTH,
        .host = "localhost",
        .port = port,
        .security = "starttls",
        .username = "sandbox@localhost",
        .from_email = "noreply@example.test",
        .auth = "oauth2",
        .oauth = {.present = SETTINGS_OAUTH_PROVIDER | SETTINGS_OAUTH_GRANT |
                             SETTINGS_OAUTH_CLIENT_ID | SETTINGS_OAUTH_SCOPE |
                             SETTINGS_OAUTH_TOKEN_URL | SETTINGS_OAUTH_SECRET(OAUTH_SECRET_CLIENT),
            .provider = "generic",
            .grant = wish->grant != NULL ? wish->grant : "client_secret",
            .client_id = "absender",
            .scope = wish->scope != NULL ? wish->scope : "mail.send",
            .token_url = token_url},
    };
    patch.oauth.secrets[OAUTH_SECRET_CLIENT] = secret;
    g_autoptr(SmtpSettings) empty = settings_new();
    GPtrArray *faults = NULL;
    gboolean dropped = FALSE;
    SmtpSettings *made =
        settings_apply(empty, &patch, &ports, vault, STORE_DEFAULT_ORG, now, &dropped, &faults);
    assert_non_null(made);
    if (refresh != NULL)
        settings_sign_in(made, refresh, vault, STORE_DEFAULT_ORG, now);
    return made;
}
