#include "api/words/actions_text.h"

#include <glib.h>
#include <string.h>

/* %s is filled in. */
static const char *const sayings[][LANGUAGE_COUNT] = {
    [ACTION_SAY_IMPLICIT] = {"Use port %s with SSL/TLS", "Port %s mit SSL/TLS verwenden"},
    [ACTION_SAY_STARTTLS] = {"Use port %s with STARTTLS", "Port %s mit STARTTLS verwenden"},
    [ACTION_SAY_HOST] = {"Use server %s", "Server %s verwenden"},
    [ACTION_SAY_HOST_OPEN] = {"Enter the server of your account (%s)",
        "Server Ihres Kontos eintragen (%s)"},
    [ACTION_SAY_LOGIN] = {"Sign in as %s", "Mit %s anmelden"},
    [ACTION_SAY_LOGIN_OPEN] = {"Enter the login of the mailbox (%s)",
        "Login des Postfachs eintragen (%s)"},
    [ACTION_SAY_FROM] = {"Send as %s", "Als %s senden"},
    [ACTION_SAY_APP_PASSWORD] = {"Create an app password at %s", "App-Passwort bei %s erzeugen"},
    [ACTION_SAY_KEY] = {"Open the credentials page of %s", "Zugangsdaten bei %s öffnen"},
    [ACTION_SAY_SUPPORT] = {"Open the help page of %s", "Hilfeseite von %s öffnen"},
    [ACTION_SAY_DOMAIN] = {"Check the domain %s", "Domain %s prüfen"},
    [ACTION_SAY_PASSWORD] = {"Enter the password again", "Passwort neu eingeben"},
    [ACTION_SAY_OAUTH2] = {"Change the login to OAuth2", "Anmeldung auf OAuth2 umstellen"},
    [ACTION_SAY_SIGN_IN] = {"Sign in again", "Neu anmelden"},
    [ACTION_SAY_OAUTH_SECRET] = {"Enter the application's credentials again",
        "Zugangsdaten der Anwendung neu eintragen"},
    [ACTION_SAY_CLIENT_ID] = {"Check the client ID", "Client-ID prüfen"},
    [ACTION_SAY_TENANT] = {"Check the tenant", "Mandant prüfen"},
    [ACTION_SAY_SCOPE] = {"Check the scope", "Scope prüfen"},
    [ACTION_SAY_TOKEN_URL] = {"Check the token address", "Token-Adresse prüfen"},
    [ACTION_SAY_CONSOLE] = {"Open the app registration at %s", "App-Registrierung bei %s öffnen"},
    [ACTION_SAY_CLOCK] = {"Check this machine's clock (it says %s)",
        "Uhr dieses Rechners prüfen (sie zeigt %s)"},
    [ACTION_SAY_VALID_FROM] = {"; the certificate is valid from %s", "; das Zertifikat gilt ab %s"},
    [ACTION_SAY_VALID_UNTIL] = {"; the certificate was valid until %s",
        "; das Zertifikat galt bis %s"},
    [ACTION_SAY_AGAIN] = {"Check again", "Noch einmal prüfen"},
    [ACTION_SAY_LATER] = {"Try again later", "Später noch einmal versuchen"},
    [ACTION_SAY_OPERATOR] = {"Copy a text for the administrator", "Text für die IT kopieren"},
    [ACTION_SAY_PORT_TEXT] =
        {"Please allow the machine that Absender runs on to open connections to %s.",
            "Bitte erlauben Sie dem Rechner, auf dem Absender läuft, Verbindungen zu %s."},
    [ACTION_SAY_TEXT] = {"Absender reports about %s:", "Absender meldet zu %s:"},
};

/* "w0xxxxxx.kasserver.com" of "<w0xxxxxx>.kasserver.com": in the presets brackets mark what differs
 * per account, and a button has no use for them. The caller frees. */
static char *without_brackets(const char *value)
{
    GString *shown = g_string_new(NULL);
    for (const char *at = value; *at; at++) {
        if (*at != '<' && *at != '>')
            g_string_append_c(shown, *at);
    }
    return g_string_free(shown, FALSE);
}

char *action_say(Language language, ActionSaying saying, const char *value)
{
    const char *text = sayings[saying][language];
    const char *gap = strstr(text, "%s");
    if (!gap)
        return g_strdup(text);
    g_autofree char *shown = without_brackets(value ? value : "");
    return g_strdup_printf("%.*s%s%s", (int)(gap - text), text, shown, gap + strlen("%s"));
}
