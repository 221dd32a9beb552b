#include "api/actions.h"

#include "api/json/json.h"
#include "api/words/actions_text.h"
#include "api/words/explanation_text.h"
#include "base/tls_mode.h"
#include "courier/sibling.h"
#include "ingress/sandbox_script.h"
#include "mime/address.h"

#include <string.h>

/* What was tried: the run's values, else those of the settings. Members may be NULL or 0. */
typedef struct {
    const char *host, *username, *from_email;
    guint port;
    TlsMode security; /* 0: not known */
} Tried;

/* What one action is made from. */
typedef struct {
    const Diagnosis *diagnosis;
    const ActionFacts *facts;
    Tried tried;
    const Provider *provider; /* the one whose server was tried; or NULL */
    char *sender_domain;      /* or NULL */
} Makings;

static gboolean is_sandbox(const Tried *tried)
{
    return g_strcmp0(tried->host, SANDBOX_HOST) == 0 ||
           g_strcmp0(tried->host, SANDBOX_WRONG_HOST) == 0;
}

static Tried tried_of(const ActionFacts *facts)
{
    const Verification *run = facts->run;
    const SmtpSettings *settings = facts->settings;
    if (run) {
        Tried tried = {.host = run->host,
            .username = run->username,
            .from_email = run->from_email,
            .port = run->port};
        tls_mode_parse(run->security ? run->security : "", &tried.security);
        return tried;
    }
    if (settings && settings->host)
        return (Tried){settings->host, settings_username(settings), settings->from_email,
            settings_port(settings), settings_security(settings)};
    return (Tried){.host = facts->host};
}

/* "Gmail" of "Gmail / Google Workspace (smtp.gmail.com)": a button is short. The caller frees. */
static char *provider_name(const Makings *makings)
{
    const Provider *provider = makings->provider;
    const char *name = language_pick(makings->facts->language, provider->name_de, provider->name);
    const char *slash = strstr(name, " / "), *bracket = strstr(name, " (");
    gsize n = strlen(name);
    n = slash ? MIN(n, (gsize)(slash - name)) : n;
    n = bracket ? MIN(n, (gsize)(bracket - name)) : n;
    return g_strndup(name, n);
}

static json_t *action_new(const char *code, char *label)
{
    json_t *action = json_object();
    json_object_set_new(action, "code", json_text(code));
    json_object_set_new(action, "label", json_text(label));
    g_free(label);
    return action;
}

/* --- Another server, port, login, sender ----------------------------------------------------- */

static json_t *use_sibling_port(const Makings *makings)
{
    const Verification *run = makings->facts->run;
    if (!makings->tried.host || makings->tried.security == 0)
        return NULL;
    gboolean was_looked_at = run && run->sibling != SIBLING_UNKNOWN;
    if (was_looked_at && run->sibling != SIBLING_OPEN)
        return NULL;
    guint port = was_looked_at
                     ? run->sibling_port
                     : sibling_port((guint16)makings->tried.port, makings->tried.security);
    TlsMode security = tls_mode_for_port((guint16)port);
    g_autofree char *number = g_strdup_printf("%u", port);
    guint saying = security == TLS_MODE_IMPLICIT ? ACTION_SAY_IMPLICIT : ACTION_SAY_STARTTLS;
    json_t *action =
        action_new("use_sibling_port", action_say(makings->facts->language, saying, number));
    json_object_set_new(action, "port", json_integer(port));
    json_object_set_new(action, "security", json_text(tls_mode_name(security)));
    return action;
}

/* A server that the presets know. */
typedef struct {
    char *host;
    const ProviderEndpoint *endpoint; /* its port and kind of TLS */
} Server;

static gboolean take_server(
    Server *server, const Makings *makings, const Provider *provider, char *host /* taken */)
{
    gboolean is_another = host && g_ascii_strcasecmp(host, makings->tried.host) != 0;
    if (is_another)
        *server = (Server){g_steal_pointer(&host), &provider->endpoints[0]};
    g_free(host);
    return is_another;
}

/* The one that should have been tried: what the preset says of a wrong name; the one the sender's
 * mail arrives at; the one of the sender's provider. */
static gboolean find_right_server(const Makings *makings, Server *server)
{
    const ProviderList *list = makings->facts->providers;
    const Provider *tried = makings->provider;
    const char *mx = makings->facts->run ? makings->facts->run->sender_mx : NULL;
    const char *own_host = NULL;
    if (tried &&
        take_server(server, makings, tried, provider_right_host(tried, makings->tried.host, mx)))
        return TRUE;
    const Provider *receiving = mx ? provider_by_mx(list, mx, &own_host) : NULL;
    if (receiving && own_host)
        return take_server(server, makings, receiving, g_strdup(own_host));
    if (!receiving && makings->sender_domain)
        receiving = provider_by_domain(list, makings->sender_domain);
    return receiving && receiving != tried && receiving->n_endpoints > 0 &&
           take_server(
               server, makings, receiving, provider_host(receiving, &receiving->endpoints[0], mx));
}

/* The sandbox plays a name that no certificate has; its right one is ours to say. */
static json_t *use_sandbox_host(const Makings *makings)
{
    json_t *action = action_new(
        "use_right_host", action_say(makings->facts->language, ACTION_SAY_HOST, SANDBOX_HOST));
    json_object_set_new(action, "host", json_text(SANDBOX_HOST));
    return action;
}

static json_t *use_right_host(const Makings *makings)
{
    Server server = {NULL, NULL};
    const Provider *provider = makings->provider;
    if (!makings->tried.host)
        return NULL;
    if (strcmp(makings->tried.host, SANDBOX_WRONG_HOST) == 0)
        return use_sandbox_host(makings);
    if (find_right_server(makings, &server)) {
        json_t *action = action_new(
            "use_right_host", action_say(makings->facts->language, ACTION_SAY_HOST, server.host));
        TlsMode security = server.endpoint->security;
        json_object_set_new(action, "host", json_text(server.host));
        json_object_set_new(action, "port", json_integer(server.endpoint->port));
        json_object_set_new(action, "security", json_text(tls_mode_name(security)));
        g_free(server.host);
        return action;
    }
    if (!provider || !provider_host_is_wrong(provider, makings->tried.host))
        return NULL;
    json_t *action = action_new("use_right_host",
        action_say(makings->facts->language, ACTION_SAY_HOST_OPEN, provider->endpoints[0].host));
    json_object_set_new(action, "host", json_null()); /* only the person can know it */
    return action;
}

static json_t *login_as(const Makings *makings, const char *code, const char *username)
{
    if (!username || g_strcmp0(username, makings->tried.username) == 0)
        return NULL;
    json_t *action =
        action_new(code, action_say(makings->facts->language, ACTION_SAY_LOGIN, username));
    json_object_set_new(action, "username", json_text(username));
    return action;
}

/* The sandbox itself, playing no provider, has one user name, which is no address. */
static json_t *use_address_as_username(const Makings *makings)
{
    if (is_sandbox(&makings->tried) && !makings->provider)
        return NULL;
    return login_as(makings, "use_address_as_username", makings->tried.from_email);
}

/* Where the login is not the address: as the provider makes it, or for the person to look up. */
static json_t *use_mailbox_login(const Makings *makings)
{
    const Provider *provider = makings->provider;
    if (!provider || !makings->tried.from_email ||
        g_strcmp0(provider->username_template, "{email}") == 0)
        return NULL;
    g_autofree char *username = provider_username(provider, makings->tried.from_email);
    if (username)
        return login_as(makings, "use_mailbox_login", username);
    json_t *action = action_new("use_mailbox_login",
        action_say(makings->facts->language, ACTION_SAY_LOGIN_OPEN, provider->username_template));
    json_object_set_new(action, "username", json_null());
    return action;
}

static json_t *use_from_of_login(const Makings *makings)
{
    const char *username = makings->tried.username;
    g_autoptr(MimeAddress) address = username ? mime_address_parse(username, NULL) : NULL;
    if (!address || g_strcmp0(address->addr_spec, makings->tried.from_email) == 0)
        return NULL;
    json_t *action = action_new("use_from_of_login",
        action_say(makings->facts->language, ACTION_SAY_FROM, address->addr_spec));
    json_object_set_new(action, "from_email", json_text(address->addr_spec));
    return action;
}

/* --- Pages to open --------------------------------------------------------------------------- */

static json_t *open_page(const Makings *makings, const char *code, guint saying, const char *url)
{
    if (!url)
        return NULL;
    g_autofree char *name = provider_name(makings);
    json_t *action = action_new(code, action_say(makings->facts->language, saying, name));
    json_object_set_new(action, "url", json_text(url));
    return action;
}

static gboolean row_has(const Makings *makings, const char *code)
{
    return makings->diagnosis->actions && g_strv_contains(makings->diagnosis->actions, code);
}

/* One page for both is offered once: for app passwords where there may be some, else as the help.
 * This is the other one. */
static gboolean is_said_already(const Makings *makings, const char *code)
{
    const Provider *provider = makings->provider;
    if (!row_has(makings, "open_app_password") || !row_has(makings, "open_support") ||
        g_strcmp0(provider->password_url, provider->support_url) != 0)
        return FALSE;
    gboolean has_app_passwords = g_str_has_prefix(provider->app_password, "required");
    return strcmp(code, has_app_passwords ? "open_support" : "open_app_password") == 0;
}

static json_t *open_app_password(const Makings *makings)
{
    const Provider *provider = makings->provider;
    if (!provider || is_said_already(makings, "open_app_password"))
        return NULL;
    gboolean is_app_password = provider->auth == PROVIDER_AUTH_APP_PASSWORD ||
                               g_str_has_prefix(provider->app_password, "required");
    return open_page(makings, "open_app_password",
        is_app_password ? ACTION_SAY_APP_PASSWORD : ACTION_SAY_KEY, provider->password_url);
}

static json_t *open_support(const Makings *makings)
{
    const Provider *provider = makings->provider;
    if (!provider || is_said_already(makings, "open_support"))
        return NULL;
    return open_page(makings, "open_support", ACTION_SAY_SUPPORT, provider->support_url);
}

static json_t *open_oauth_console(const Makings *makings)
{
    const ProviderOauth *oauth = makings->provider ? makings->provider->oauth : NULL;
    return open_page(makings, "open_oauth_console", ACTION_SAY_CONSOLE, oauth ? oauth->url : NULL);
}

static json_t *open_domain_card(const Makings *makings)
{
    if (!makings->sender_domain)
        return NULL;
    return action_new("open_domain_card",
        action_say(makings->facts->language, ACTION_SAY_DOMAIN, makings->sender_domain));
}

/* --- What the person does -------------------------------------------------------------------- */

static json_t *enter_password_again(const Makings *makings)
{
    return action_new(
        "enter_password_again", action_say(makings->facts->language, ACTION_SAY_PASSWORD, NULL));
}

static json_t *say_only(const Makings *makings, const char *code, guint saying)
{
    return action_new(code, action_say(makings->facts->language, saying, NULL));
}

static json_t *use_oauth2(const Makings *makings)
{
    const ProviderOauth *oauth = makings->provider ? makings->provider->oauth : NULL;
    json_t *action = say_only(makings, "use_oauth2", ACTION_SAY_OAUTH2);
    json_object_set_new(action, "oauth_provider", json_text(oauth ? oauth->provider : NULL));
    return action;
}

static json_t *sign_in_again(const Makings *makings)
{
    return say_only(makings, "sign_in_again", ACTION_SAY_SIGN_IN);
}

static json_t *enter_oauth_secret(const Makings *makings)
{
    return say_only(makings, "enter_oauth_secret", ACTION_SAY_OAUTH_SECRET);
}

static json_t *enter_client_id(const Makings *makings)
{
    return say_only(makings, "enter_client_id", ACTION_SAY_CLIENT_ID);
}

/* Whose tokens they are: as the settings say, else as the preset of the server does; 0: not known.
 */
static guint oauth_provider(const Makings *makings)
{
    const SmtpSettings *settings = makings->facts->settings;
    const ProviderOauth *oauth = makings->provider ? makings->provider->oauth : NULL;
    guint provider = 0;
    if (settings && settings->oauth.provider)
        return settings->oauth.provider;
    return oauth && oauth_provider_parse(oauth->provider, &provider) ? provider : 0;
}

/* Microsoft's own, and not for those whose preset names it. */
static json_t *enter_tenant(const Makings *makings)
{
    const ProviderOauth *oauth = makings->provider ? makings->provider->oauth : NULL;
    guint provider = oauth_provider(makings);
    if ((provider != 0 && provider != OAUTH_MICROSOFT) || (oauth && oauth->tenant))
        return NULL;
    return say_only(makings, "enter_tenant", ACTION_SAY_TENANT);
}

static json_t *enter_scope(const Makings *makings)
{
    return say_only(makings, "enter_scope", ACTION_SAY_SCOPE);
}

/* Those of the two large providers are known: there is no field for them. */
static json_t *enter_token_url(const Makings *makings)
{
    guint provider = oauth_provider(makings);
    if (provider == OAUTH_MICROSOFT || provider == OAUTH_GOOGLE)
        return NULL;
    return say_only(makings, "enter_token_url", ACTION_SAY_TOKEN_URL);
}

static json_t *check_clock(const Makings *makings)
{
    const Verification *run = makings->facts->run;
    WallMs now = makings->facts->now, other = 0;
    if (run && run->certificate_not_before > now)
        other = run->certificate_not_before;
    else if (run && run->certificate_not_after > 0 && run->certificate_not_after < now)
        other = run->certificate_not_after;
    g_autofree char *clock = explanation_time(now, NULL, makings->facts->language);
    g_autofree char *certificate = explanation_time(other, NULL, makings->facts->language);
    g_autofree char *against = action_say(makings->facts->language,
        other > now ? ACTION_SAY_VALID_FROM : ACTION_SAY_VALID_UNTIL, certificate);
    g_autofree char *both = g_strconcat(clock, other ? against : NULL, NULL);
    return action_new("check_clock", action_say(makings->facts->language, ACTION_SAY_CLOCK, both));
}

static json_t *retry_later(const Makings *makings)
{
    return action_new(
        "retry_later", action_say(makings->facts->language,
                           makings->facts->run ? ACTION_SAY_AGAIN : ACTION_SAY_LATER, NULL));
}

static gboolean is_about_the_way_there(const Diagnosis *diagnosis)
{
    return g_strcmp0(diagnosis->topic, "connection") == 0;
}

/* The facts an administrator needs, without the person having to find the words. */
static char *operator_text(const Makings *makings)
{
    const Tried *tried = &makings->tried;
    const Diagnosis *diagnosis = makings->diagnosis;
    gboolean is_german = makings->facts->language == LANGUAGE_DE;
    g_autofree char *where =
        tried->port ? g_strdup_printf("%s:%u", tried->host, tried->port) : g_strdup(tried->host);
    g_autofree char *reports = action_say(makings->facts->language, ACTION_SAY_TEXT, where);
    GString *text = g_string_new(reports);
    g_string_append_printf(text, " %s %s (%s)",
        is_german ? diagnosis->means_de : diagnosis->means_en,
        is_german ? diagnosis->fix_de : diagnosis->fix_en, diagnosis->id);
    if (is_about_the_way_there(diagnosis) && tried->port) {
        g_autofree char *request =
            action_say(makings->facts->language, ACTION_SAY_PORT_TEXT, where);
        g_string_append_printf(text, "\n%s", request);
    }
    return g_string_free(text, FALSE);
}

static json_t *ask_operator(const Makings *makings)
{
    if (!makings->tried.host)
        return NULL;
    g_autofree char *text = operator_text(makings);
    json_t *action =
        action_new("ask_operator", action_say(makings->facts->language, ACTION_SAY_OPERATOR, NULL));
    json_object_set_new(action, "text", json_text(text));
    return action;
}

/* --- All of them ----------------------------------------------------------------------------- */

static const struct {
    const char *code;
    json_t *(*make)(const Makings *makings); /* NULL: does not fit */
} makers[] = {
    {"use_sibling_port", use_sibling_port},
    {"use_right_host", use_right_host},
    {"use_address_as_username", use_address_as_username},
    {"use_mailbox_login", use_mailbox_login},
    {"use_from_of_login", use_from_of_login},
    {"open_app_password", open_app_password},
    {"open_support", open_support},
    {"open_domain_card", open_domain_card},
    {"enter_password_again", enter_password_again},
    {"use_oauth2", use_oauth2},
    {"sign_in_again", sign_in_again},
    {"enter_oauth_secret", enter_oauth_secret},
    {"enter_client_id", enter_client_id},
    {"enter_tenant", enter_tenant},
    {"enter_scope", enter_scope},
    {"enter_token_url", enter_token_url},
    {"open_oauth_console", open_oauth_console},
    {"check_clock", check_clock},
    {"retry_later", retry_later},
    {"ask_operator", ask_operator},
};

static json_t *make_action(const Makings *makings, const char *code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(makers); i++) {
        if (strcmp(makers[i].code, code) == 0)
            return makers[i].make(makings);
    }
    return NULL;
}

static char *domain_of(const char *from_email)
{
    g_autoptr(MimeAddress) address = from_email ? mime_address_parse(from_email, NULL) : NULL;
    return g_strdup(address ? address->domain : NULL);
}

/* Whose server was tried; in the sandbox: which one it plays for this login. */
static const Provider *provider_tried(const ProviderList *providers, const Tried *tried)
{
    if (!tried->host)
        return NULL;
    return is_sandbox(tried) ? provider_by_id(providers, sandbox_preset_of(tried->username))
                             : provider_by_host(providers, tried->host);
}

static gboolean doubts_the_username(const Diagnosis *diagnosis)
{
    return g_strv_contains(diagnosis->actions, "use_address_as_username") ||
           g_strv_contains(diagnosis->actions, "use_mailbox_login");
}

/* Rows that leave open which of the two is wrong begin with the user name. Where that has a form
 * the provider takes, and the password is the mailbox's own, it is likelier the password. */
static gboolean is_password_first(const Makings *makings)
{
    const Provider *provider = makings->provider;
    const Diagnosis *diagnosis = makings->diagnosis;
    return provider && provider->auth == PROVIDER_AUTH_PASSWORD &&
           !g_str_has_prefix(provider->app_password, "required") && makings->tried.username &&
           provider_may_take_username(provider, makings->tried.username) && diagnosis->actions &&
           g_strv_contains(diagnosis->actions, "enter_password_again") &&
           doubts_the_username(diagnosis);
}

gboolean actions_host_is_known(const ActionFacts *facts)
{
    Tried tried = tried_of(facts);
    const Provider *provider = tried.host ? provider_by_host(facts->providers, tried.host) : NULL;
    if (!provider || provider_host_is_wrong(provider, tried.host))
        return FALSE;
    for (guint i = 0; i < provider->n_endpoints; i++) {
        if (g_ascii_strcasecmp(provider->endpoints[i].host, tried.host) == 0)
            return TRUE;
    }
    return FALSE;
}

json_t *actions_json(const Diagnosis *diagnosis, const ActionFacts *facts)
{
    Makings makings = {.diagnosis = diagnosis, .facts = facts, .tried = tried_of(facts)};
    makings.provider = provider_tried(facts->providers, &makings.tried);
    makings.sender_domain = domain_of(makings.tried.from_email);
    const char *first = is_password_first(&makings) ? "enter_password_again" : NULL;
    gboolean sibling_is_open = facts->run && facts->run->sibling == SIBLING_OPEN;
    json_t *actions = json_array();
    if (sibling_is_open) /* proven, so it comes first, whatever the row says */
        json_array_append_new(actions, use_sibling_port(&makings));
    if (first)
        json_array_append_new(actions, make_action(&makings, first));
    for (const char *const *code = diagnosis->actions; code && *code; code++) {
        gboolean is_there = (sibling_is_open && strcmp(*code, "use_sibling_port") == 0) ||
                            g_strcmp0(*code, first) == 0;
        json_t *action = is_there ? NULL : make_action(&makings, *code);
        if (action)
            json_array_append_new(actions, action);
    }
    g_free(makings.sender_domain);
    return actions;
}

/* --- What the run saw besides ---------------------------------------------------------------- */

json_t *actions_sibling_json(const Verification *run)
{
    if (run->sibling == SIBLING_UNKNOWN)
        return json_null();
    TlsMode security = tls_mode_for_port((guint16)run->sibling_port);
    json_t *json = json_object();
    json_object_set_new(json, "port", json_integer(run->sibling_port));
    json_object_set_new(json, "security", json_text(tls_mode_name(security)));
    json_object_set_new(json, "state", json_text(run->sibling == SIBLING_OPEN ? "open" : "closed"));
    return json;
}

/* The last two labels: enough to tell a neighbour from a stranger. */
static const char *family_of(const char *host)
{
    const char *last = strrchr(host, '.');
    if (!last)
        return host;
    const char *before = g_strrstr_len(host, last - host, ".");
    return before ? before + 1 : host;
}

static gboolean are_related(const char *host, const char *other)
{
    return g_ascii_strcasecmp(family_of(host), family_of(other)) == 0;
}

/* The name behind 220 in what the server said first (RFC 5321 4.2), if it is one. The caller
 * frees. */
static char *greeting_name(const Verification *run)
{
    for (guint i = 0; i < run->lines->len; i++) {
        const VerificationLine *line = run->lines->pdata[i];
        if (line->from_client)
            continue;
        gboolean is_greeting =
            g_str_has_prefix(line->text, "220 ") || g_str_has_prefix(line->text, "220-");
        g_auto(GStrv) words = g_strsplit(is_greeting ? line->text + strlen("220 ") : "", " ", 2);
        g_autofree char *name = words[0] ? mime_host_parse(words[0], NULL) : NULL;
        return name && strchr(name, '.') ? g_steal_pointer(&name) : NULL;
    }
    return NULL;
}

static char *certificate_name(const Verification *run)
{
    g_auto(GStrv) names =
        g_strsplit_set(run->certificate_names ? run->certificate_names : "", ", \n", 2);
    return g_strdup(names[0] && *names[0] ? names[0] : NULL);
}

json_t *actions_connected_to_json(const Verification *run)
{
    static const char *const before_login[] = {
        "greeting", "ehlo", "starttls", "tls", "certificate", NULL};
    const char *phase = run->diagnosis_phase ? run->diagnosis_phase : "";
    if (run->state != VERIFICATION_FAILED || !g_strv_contains(before_login, phase) || !run->host)
        return json_null();
    /* Names beside a good one are nobody else's: then the certificate failed for another reason. */
    g_autofree char *got =
        strcmp(phase, "certificate") == 0 ? certificate_name(run) : greeting_name(run);
    if (!got || are_related(run->host, got))
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "wanted", json_text(run->host));
    json_object_set_new(json, "got", json_text(got));
    return json;
}
