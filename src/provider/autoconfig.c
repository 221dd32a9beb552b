#include "provider/autoconfig.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "provider/list.h"

#include <string.h>

enum { FIELD_HOST, FIELD_PORT, FIELD_SOCKET, FIELD_USERNAME, FIELD_LOGIN, FIELDS };

static const char *const field_names[FIELDS] = {
    "hostname", "port", "socketType", "username", "authentication"};

typedef struct {
    const char *email;
    GPtrArray *servers; /* of AutoconfigServer */
    guint n_looked_at;
    gboolean is_client_config; /* the outermost element has the right name */
    guint depth;               /* elements open */
    guint server_depth;        /* of the outgoing server that is open; 0: none */
    int field;                 /* that is open; -1: none */
    char *values[FIELDS];      /* of that server */
    gboolean takes_password;   /* one of its logins does */
    GString *text;             /* of that field */
} Reading;

void autoconfig_server_free(AutoconfigServer *server)
{
    if (server == NULL)
        return;
    g_free(server->host);
    g_free(server->username);
    g_free(server);
}

/* --- One server ------------------------------------------------------------------------------ */

/* With the placeholders filled in; NULL if one is left that nobody knows. */
static char *fill_in(const char *value, const char *email)
{
    const char *at = strrchr(email, '@');
    g_autofree char *local_part = g_strndup(email, (gsize)(at - email));
    const struct {
        const char *name, *value;
    } places[] = {
        {"%EMAILADDRESS%", email}, {"%EMAILLOCALPART%", local_part}, {"%EMAILDOMAIN%", at + 1}};
    GString *filled = g_string_new(NULL);
    while (*value != '\0') {
        gsize i = 0;
        while (i < G_N_ELEMENTS(places) && !g_str_has_prefix(value, places[i].name))
            i++;
        if (i < G_N_ELEMENTS(places)) {
            g_string_append(filled, places[i].value);
            value += strlen(places[i].name);
        } else if (*value == '%') {
            g_string_free(filled, TRUE);
            return NULL;
        } else {
            g_string_append_c(filled, *value++);
        }
    }
    return g_string_free(filled, FALSE);
}

static gboolean read_security(const char *socket, TlsMode *security)
{
    if (text_equal_nocase(socket, "SSL"))
        *security = TLS_MODE_IMPLICIT;
    else if (text_equal_nocase(socket, "STARTTLS"))
        *security = TLS_MODE_STARTTLS;
    else
        return FALSE;
    return TRUE;
}

static char *read_username(const char *value, const char *email)
{
    char *name = value == NULL ? NULL : fill_in(value, email);
    if (name != NULL &&
        (name[0] == '\0' || strlen(name) > LIMIT_USERNAME_BYTES || !text_is_one_line(name, FALSE)))
        g_clear_pointer(&name, g_free);
    return name;
}

/* What is not complete, not SMTP over TLS or not for passwords is left out. */
static void add_server(Reading *reading)
{
    guint64 port = 0;
    TlsMode security;
    char **values = reading->values;
    gboolean takes_password = values[FIELD_LOGIN] == NULL || reading->takes_password;
    if (!takes_password || values[FIELD_HOST] == NULL || values[FIELD_PORT] == NULL ||
        values[FIELD_SOCKET] == NULL || !read_security(values[FIELD_SOCKET], &security) ||
        !g_ascii_string_to_unsigned(values[FIELD_PORT], 10, 1, G_MAXUINT16, &port, NULL))
        return;
    g_autofree char *filled = fill_in(values[FIELD_HOST], reading->email);
    if (filled == NULL || !provider_is_host_name(filled))
        return;
    AutoconfigServer *server = g_new0(AutoconfigServer, 1);
    server->host = g_ascii_strdown(filled, -1);
    server->port = (guint16)port;
    server->security = security;
    server->username = read_username(values[FIELD_USERNAME], reading->email);
    g_ptr_array_add(reading->servers, server);
}

static void clear_server(Reading *reading)
{
    for (guint i = 0; i < FIELDS; i++)
        g_clear_pointer(&reading->values[i], g_free);
    reading->takes_password = FALSE;
    reading->server_depth = 0;
}

/* --- Elements -------------------------------------------------------------------------------- */

static gboolean is_smtp(const char **names, const char **values)
{
    for (guint i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], "type") == 0)
            return text_equal_nocase(values[i], "smtp");
    }
    return FALSE;
}

static void start_element(GMarkupParseContext *context, const char *name, const char **names,
    const char **values, gpointer data, GError **error)
{
    Reading *reading = data;
    reading->depth++;
    if (reading->depth == 1)
        reading->is_client_config = strcmp(name, "clientConfig") == 0;
    if (reading->server_depth == 0 && strcmp(name, "outgoingServer") == 0 &&
        is_smtp(names, values) && reading->n_looked_at < LIMIT_AUTOCONFIG_SERVERS) {
        reading->server_depth = reading->depth;
        reading->n_looked_at++;
    }
    if (reading->server_depth == 0 || reading->depth != reading->server_depth + 1)
        return;
    for (int i = 0; i < FIELDS; i++) {
        if (strcmp(name, field_names[i]) == 0)
            reading->field = i;
    }
    g_string_truncate(reading->text, 0);
}

/* The first value of a field counts; of the logins every one is looked at. */
static void end_field(Reading *reading)
{
    char *value = g_strstrip(g_strdup(reading->text->str));
    if (reading->field == FIELD_LOGIN)
        reading->takes_password |=
            strcmp(value, "password-cleartext") == 0 || strcmp(value, "plain") == 0 ||
            strcmp(value, "password-encrypted") == 0 || strcmp(value, "secure") == 0;
    if (reading->values[reading->field] == NULL)
        reading->values[reading->field] = value;
    else
        g_free(value);
    reading->field = -1;
}

static void end_element(
    GMarkupParseContext *context, const char *name, gpointer data, GError **error)
{
    Reading *reading = data;
    if (reading->field >= 0 && reading->depth == reading->server_depth + 1)
        end_field(reading);
    if (reading->server_depth == reading->depth) {
        add_server(reading);
        clear_server(reading);
    }
    reading->depth--;
}

static void take_text(
    GMarkupParseContext *context, const char *text, gsize n, gpointer data, GError **error)
{
    Reading *reading = data;
    if (reading->field < 0)
        return;
    if (reading->text->len + n > LIMIT_AUTOCONFIG_FIELD_BYTES)
        g_set_error_literal(
            error, ABS_ERROR, ABS_ERROR_LIMIT, "a value in the configuration file is too long");
    else
        g_string_append_len(reading->text, text, (gssize)n);
}

/* --- The file -------------------------------------------------------------------------------- */

/* GMarkup's own words may hold bytes of the file, so they are not passed on. */
static gboolean parse(Reading *reading, const char *xml, gsize n, GError **error)
{
    static const GMarkupParser parser = {
        .start_element = start_element, .end_element = end_element, .text = take_text};
    g_autoptr(GMarkupParseContext) context =
        g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, reading, NULL);
    g_autoptr(GError) fault = NULL;
    gboolean is_sound = g_markup_parse_context_parse(context, xml, (gssize)n, &fault) &&
                        g_markup_parse_context_end_parse(context, &fault);
    if (is_sound && reading->is_client_config)
        return TRUE;
    if (fault != NULL && fault->domain == ABS_ERROR)
        g_propagate_error(error, g_steal_pointer(&fault));
    else
        g_set_error_literal(
            error, ABS_ERROR, ABS_ERROR_PROTOCOL, "this is not a mail configuration file");
    return FALSE;
}

GPtrArray *autoconfig_read(const char *xml, gsize n, const char *email, GError **error)
{
    g_assert(strrchr(email, '@') != NULL);
    if (n > LIMIT_AUTOCONFIG_BYTES) {
        g_set_error_literal(
            error, ABS_ERROR, ABS_ERROR_LIMIT, "the mail configuration file is too large");
        return NULL;
    }
    Reading reading = {.email = email, .field = -1, .text = g_string_new(NULL)};
    reading.servers = g_ptr_array_new_with_free_func((GDestroyNotify)autoconfig_server_free);
    if (!parse(&reading, xml, n, error))
        g_clear_pointer(&reading.servers, g_ptr_array_unref);
    clear_server(&reading);
    g_string_free(reading.text, TRUE);
    return reading.servers;
}
