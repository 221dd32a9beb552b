#include "config/config.h"

#include "base/error.h"

#include <string.h>

#define GROUP "absender"

#define KEEP_BODIES_DAYS 7
#define KEEP_EMAILS_DAYS 90
#define KEEP_LINKS_DAYS 90
#define KEEP_AUDIT_DAYS 1095 /* three years */
#define MOST_DAYS 3650
#define MOST_FLOOR_MIB (1024 * 1024)
#define MIB G_GINT64_CONSTANT(1048576)

/* Marks a text that goes through say() later. */
#define SAY_LATER(english) english

/* Values as the option parser and the key file give them, before they are checked. */
typedef struct {
    char *file;
    char **ports;
    char *keep_bodies, *keep_emails, *keep_links, *keep_audit, *disk_floor;
    int starttls_port, implicit_port;
    gboolean want_help;
    ConfigSay say;
    Config *config;
} Draft;

/* Compilers check a format through a function, not through a pointer to one. */
static const char *say(const Draft *draft, const char *english) G_GNUC_FORMAT(2);
static const char *say(const Draft *draft, const char *english)
{
    return draft->say(english);
}

static gboolean parse_port(const Draft *draft, const char *text, guint16 *port, GError **error)
{
    guint64 value = 0;
    if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &value, NULL)) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
            say(draft, "'%s' is not a port number (1 to 65535)"), text);
        return FALSE;
    }
    *port = (guint16)value;
    return TRUE;
}

/* value stays what it is if there is no text. */
static gboolean parse_number(const Draft *draft, const char *option, const char *text, guint most,
    gint *value, GError **error)
{
    guint64 number = 0;
    if (text == NULL)
        return TRUE;
    if (!g_ascii_string_to_unsigned(text, 10, 1, most, &number, NULL)) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
            say(draft, "--%s: '%s' is not a number from 1 to %u"), option, text, most);
        return FALSE;
    }
    *value = (gint)number;
    return TRUE;
}

/* Every link is this address with a path behind it, and a browser names it as its origin. */
static gboolean check_public_url(const Draft *draft, const char *text, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
    gboolean is_web = uri != NULL && (strcmp(g_uri_get_scheme(uri), "https") == 0 ||
                                         strcmp(g_uri_get_scheme(uri), "http") == 0);
    gboolean has_host = is_web && g_uri_get_host(uri) != NULL && g_uri_get_host(uri)[0] != '\0';
    gboolean has_more =
        has_host &&
        (g_uri_get_userinfo(uri) != NULL || g_uri_get_query(uri) != NULL ||
            g_uri_get_fragment(uri) != NULL || strlen(g_uri_get_path(uri)) > strlen("/"));
    if (has_host && !has_more)
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
        say(draft, "'%s' is not a public URL; write it like https://mail.example.com"), text);
    return FALSE;
}

static void text_default(char **value, GKeyFile *file, const char *key)
{
    if (*value == NULL)
        *value = g_key_file_get_string(file, GROUP, key, NULL);
}

static void list_default(char ***value, GKeyFile *file, const char *key)
{
    if (*value == NULL)
        *value = g_key_file_get_string_list(file, GROUP, key, NULL, NULL);
}

static gboolean read_file(Draft *draft, GError **error)
{
    static const char *const known[] = {"data", "listen", "ca-file", "allow-network", "allow-port",
        "public-url", "trusted-proxy", "dns-server", "keep-bodies", "keep-emails", "keep-links",
        "keep-audit", "disk-floor", NULL};
    g_autoptr(GKeyFile) file = g_key_file_new();
    if (!g_key_file_load_from_file(file, draft->file, G_KEY_FILE_NONE, error)) {
        g_prefix_error(error, "%s: ", draft->file);
        return FALSE;
    }
    gsize n_groups = 0;
    g_auto(GStrv) groups = g_key_file_get_groups(file, &n_groups);
    if (n_groups != 1 || strcmp(groups[0], GROUP) != 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
            say(draft, "%s: it must have the group [absender] and no other"), draft->file);
        return FALSE;
    }
    g_auto(GStrv) keys = g_key_file_get_keys(file, GROUP, NULL, NULL);
    for (char **key = keys; *key != NULL; key++) {
        if (!g_strv_contains(known, *key)) { /* a misspelt setting would silently not hold */
            g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, say(draft, "%s: unknown key '%s'"),
                draft->file, *key);
            return FALSE;
        }
    }
    text_default(&draft->config->data, file, "data");
    text_default(&draft->config->listen, file, "listen");
    text_default(&draft->config->ca_file, file, "ca-file");
    text_default(&draft->config->public_url, file, "public-url");
    text_default(&draft->config->dns_server, file, "dns-server");
    text_default(&draft->keep_bodies, file, "keep-bodies");
    text_default(&draft->keep_emails, file, "keep-emails");
    text_default(&draft->keep_links, file, "keep-links");
    text_default(&draft->keep_audit, file, "keep-audit");
    text_default(&draft->disk_floor, file, "disk-floor");
    list_default(&draft->config->allow_networks, file, "allow-network");
    list_default(&draft->config->trusted_proxies, file, "trusted-proxy");
    list_default(&draft->ports, file, "allow-port");
    return TRUE;
}

static const char *translate(const char *english, gpointer draft)
{
    return say(draft, english);
}

/* The words of a command line, put where the entries say. */
static gboolean read_options(
    int argc, char **argv, const GOptionEntry *entries, Draft *draft, GError **error)
{
    g_autoptr(GOptionContext) context = g_option_context_new(SAY_LATER("- run the mail service"));
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_translate_func(context, translate, draft, NULL);
    g_option_group_set_translate_func(
        g_option_context_get_main_group(context), translate, draft, NULL);
    g_option_context_set_help_enabled(context, FALSE); /* it would be printed in the locale's set */
    g_auto(GStrv) words = g_new0(char *, (gsize)argc + 1);
    for (int i = 0; i < argc; i++)
        words[i] = g_strdup(argv[i]);
    if (!g_option_context_parse_strv(context, &words, error))
        return FALSE;
    if (words[1] != NULL) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, say(draft, "serve takes no argument '%s'"),
            words[1]);
        return FALSE;
    }
    if (draft->want_help) {
        g_set_prgname("absender serve"); /* what is typed, for the usage line */
        draft->config->help = g_option_context_get_help(context, TRUE, NULL);
    }
    return TRUE;
}

static gboolean parse_options(int argc, char **argv, Draft *draft, GError **error)
{
    Config *config = draft->config;
    const GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &draft->file,
            SAY_LATER("Read what is not said here from FILE ([absender], the same names)"),
            SAY_LATER("FILE")},
        {"data", 'd', 0, G_OPTION_ARG_FILENAME, &config->data,
            SAY_LATER("Keep database, key and sockets in DIR (default ./var)"), SAY_LATER("DIR")},
        {"listen", 'l', 0, G_OPTION_ARG_STRING, &config->listen,
            SAY_LATER(
                "Serve the pages and the API here (default 127.0.0.1:8465; port 0 picks one)"),
            SAY_LATER("ADDR:PORT")},
        {"public-url", 0, 0, G_OPTION_ARG_STRING, &config->public_url,
            SAY_LATER("The address people use; every link is made from it"), "URL"},
        {"ca-file", 0, 0, G_OPTION_ARG_FILENAME, &config->ca_file,
            SAY_LATER("Trust these certificate authorities too"), "PEM"},
        {"allow-network", 0, 0, G_OPTION_ARG_STRING_ARRAY, &config->allow_networks,
            SAY_LATER("Let SMTP settings lead into this private network"), "CIDR"},
        {"allow-port", 0, 0, G_OPTION_ARG_STRING_ARRAY, &draft->ports,
            SAY_LATER("Let SMTP settings name this port"), "N"},
        {"trusted-proxy", 0, 0, G_OPTION_ARG_STRING_ARRAY, &config->trusted_proxies,
            SAY_LATER("A reverse proxy with TLS stands here; needed to listen beyond loopback"),
            "CIDR"},
        {"dns-server", 0, 0, G_OPTION_ARG_STRING, &config->dns_server,
            SAY_LATER("Ask this DNS server instead of the system's"), SAY_LATER("ADDR:PORT")},
        {"keep-bodies", 0, 0, G_OPTION_ARG_STRING, &draft->keep_bodies,
            SAY_LATER("Erase the content of ended mail after so many days (default 7)"),
            SAY_LATER("DAYS")},
        {"keep-emails", 0, 0, G_OPTION_ARG_STRING, &draft->keep_emails,
            SAY_LATER("Remove the record of ended mail after so many days (default 90)"),
            SAY_LATER("DAYS")},
        {"keep-links", 0, 0, G_OPTION_ARG_STRING, &draft->keep_links,
            SAY_LATER("Forget ended invitations and password resets, and what revoked tokens were "
                      "called, after so many days (default 90)"),
            SAY_LATER("DAYS")},
        {"keep-audit", 0, 0, G_OPTION_ARG_STRING, &draft->keep_audit,
            SAY_LATER("Forget events of the audit log after so many days (default 1095)"),
            SAY_LATER("DAYS")},
        {"disk-floor", 0, 0, G_OPTION_ARG_STRING, &draft->disk_floor,
            SAY_LATER("Take no more mail with less disk free (default 256, at most 5 % of it)"),
            "MIB"},
        {"dev", 0, 0, G_OPTION_ARG_NONE, &config->dev,
            SAY_LATER("Development: run the sandbox and let settings lead to loopback"), NULL},
        {"sandbox-starttls-port", 0, 0, G_OPTION_ARG_INT, &draft->starttls_port,
            SAY_LATER("The sandbox's STARTTLS port (default 2587; 0 picks one)"), "N"},
        {"sandbox-implicit-port", 0, 0, G_OPTION_ARG_INT, &draft->implicit_port,
            SAY_LATER("The sandbox's implicit TLS port (default 2465; 0 picks one)"), "N"},
        {"sandbox-sink", 0, 0, G_OPTION_ARG_NONE, &config->sandbox_sink,
            SAY_LATER("The sandbox counts mail instead of keeping it (for measurements)"), NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &draft->want_help, SAY_LATER("this text"), NULL},
        G_OPTION_ENTRY_NULL,
    };
    return read_options(argc, argv, entries, draft, error);
}

static gboolean settle(Draft *draft, GError **error)
{
    Config *config = draft->config;
    if (config->data == NULL)
        config->data = g_strdup("var");
    if (config->listen == NULL)
        config->listen = g_strdup("127.0.0.1:8465");
    if (config->public_url != NULL && !check_public_url(draft, config->public_url, error))
        return FALSE;
    config->n_allow_ports = draft->ports == NULL ? 0 : g_strv_length(draft->ports);
    config->allow_ports = g_new0(guint16, config->n_allow_ports);
    for (guint i = 0; i < config->n_allow_ports; i++) {
        if (!parse_port(draft, draft->ports[i], &config->allow_ports[i], error))
            return FALSE;
    }
    gint floor_mib = 0;
    if (!parse_number(draft, "keep-bodies", draft->keep_bodies, MOST_DAYS,
            &config->keep_bodies_days, error) ||
        !parse_number(draft, "keep-emails", draft->keep_emails, MOST_DAYS,
            &config->keep_emails_days, error) ||
        !parse_number(
            draft, "keep-links", draft->keep_links, MOST_DAYS, &config->keep_links_days, error) ||
        !parse_number(
            draft, "keep-audit", draft->keep_audit, MOST_DAYS, &config->keep_audit_days, error) ||
        !parse_number(draft, "disk-floor", draft->disk_floor, MOST_FLOOR_MIB, &floor_mib, error))
        return FALSE;
    config->disk_floor_bytes = floor_mib * MIB;
    if (draft->starttls_port < 0 || draft->starttls_port > G_MAXUINT16 ||
        draft->implicit_port < 0 || draft->implicit_port > G_MAXUINT16) {
        g_set_error_literal(
            error, ABS_ERROR, ABS_ERROR_INPUT, say(draft, "a sandbox port is 0 to 65535"));
        return FALSE;
    }
    config->sandbox_starttls_port = (guint16)draft->starttls_port;
    config->sandbox_implicit_port = (guint16)draft->implicit_port;
    return TRUE;
}

Config *config_parse(int argc, char **argv, ConfigSay words, GError **error)
{
    g_autoptr(Config) config = g_new0(Config, 1);
    config->keep_bodies_days = KEEP_BODIES_DAYS;
    config->keep_emails_days = KEEP_EMAILS_DAYS;
    config->keep_links_days = KEEP_LINKS_DAYS;
    config->keep_audit_days = KEEP_AUDIT_DAYS;
    Draft draft = {.config = config, .say = words, .starttls_port = 2587, .implicit_port = 2465};
    gboolean well = parse_options(argc, argv, &draft, error) &&
                    (config->help != NULL || ((draft.file == NULL || read_file(&draft, error)) &&
                                                 settle(&draft, error)));
    g_free(draft.file);
    g_strfreev(draft.ports);
    g_free(draft.keep_bodies);
    g_free(draft.keep_emails);
    g_free(draft.keep_links);
    g_free(draft.keep_audit);
    g_free(draft.disk_floor);
    return well ? g_steal_pointer(&config) : NULL;
}

void config_free(Config *config)
{
    if (config == NULL)
        return;
    g_free(config->data);
    g_free(config->listen);
    g_free(config->ca_file);
    g_free(config->public_url);
    g_free(config->dns_server);
    g_strfreev(config->allow_networks);
    g_strfreev(config->trusted_proxies);
    g_free(config->allow_ports);
    g_free(config->help);
    g_free(config);
}
