/* A real API server on port 0 and on a control socket, over a real store in a folder of its own,
 * and a client that writes requests byte for byte. */
#pragma once

#include "api/api.h"
#include "api/json/json.h"
#include "base/error.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PASSWORD "correct horse battery staple"
#define EMAIL "anna@example.de"

typedef struct {
    char *directory, *control;
    Vault *vault;
    Store *store;
    DiagnosisCatalogue *catalogue;
    ProviderList *providers;
    Api *api;
    char *cookie, *csrf; /* of the signed-in member */
    char *token;         /* the last token made */
    GString *record;     /* NULL, or one line of JSON for every answer to `ask` */
} Fixture;

typedef struct {
    int status;
    char *head, *body;
    json_t *json; /* NULL: no JSON */
} Reply;

static inline char *read_source(const char *name, gsize *n)
{
    g_autofree char *path = g_build_filename(g_getenv("ABSENDER_SOURCE"), name, NULL);
    char *text = NULL;
    assert_true(g_file_get_contents(path, &text, n, NULL));
    return text;
}

static inline void fixture_start_api(Fixture *self)
{
    g_autoptr(GError) error = NULL;
    const ApiParts parts = {.store = self->store,
        .vault = self->vault,
        .catalogue = self->catalogue,
        .providers = self->providers,
        .listen = "127.0.0.1:0",
        .control_socket = self->control,
        .dev = TRUE};
    self->api = api_new(&parts, &error);
    assert_null(error);
}

static inline Fixture *fixture_new(void)
{
    g_autoptr(GError) error = NULL;
    Fixture *self = g_new0(Fixture, 1);
    self->directory = g_dir_make_tmp("absender-api-XXXXXX", NULL);
    self->control = g_build_filename(self->directory, "control.sock", NULL);
    g_autofree char *key = g_build_filename(self->directory, "key", NULL);
    g_autofree char *database = g_build_filename(self->directory, "absender.db", NULL);
    self->vault = vault_open(key, TRUE, &error);
    assert_null(error);
    const StoreConfig config = {.path = database, .full_sync = TRUE};
    g_autofree char *warning = NULL;
    self->store = store_open(&config, &warning, &error);
    assert_null(error);
    vault_set_instance(self->vault, store_instance(self->store));
    assert_true(store_check_key(self->store, self->vault, &error));
    gsize n = 0;
    g_autofree char *failures = read_source("data/failures.json", &n);
    self->catalogue = diagnosis_catalogue_new(failures, n, &error);
    assert_null(error);
    g_autofree char *providers = read_source("data/providers.json", &n);
    self->providers = provider_list_new(providers, n, &error);
    assert_null(error);
    fixture_start_api(self);
    return self;
}

static inline void fixture_free(Fixture *self)
{
    api_stop(self->api);
    api_free(self->api);
    store_close(self->store);
    vault_free(self->vault);
    diagnosis_catalogue_free(self->catalogue);
    provider_list_free(self->providers);
    GDir *folder = g_dir_open(self->directory, 0, NULL);
    const char *name;
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *path = g_build_filename(self->directory, name, NULL);
        g_unlink(path);
    }
    g_dir_close(folder);
    g_rmdir(self->directory);
    g_free(self->directory);
    g_free(self->control);
    g_free(self->cookie);
    g_free(self->csrf);
    g_free(self->token);
    if (self->record)
        g_string_free(self->record, TRUE);
    g_free(self);
}

/* --- Client ---------------------------------------------------------------------------------- */

static inline GSocketConnection *connect_to(GSocketAddress *address)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_socket_client_set_timeout(client, 20);
    GSocketConnection *connection =
        g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, NULL);
    assert_non_null(connection);
    g_object_unref(address);
    return connection;
}

static inline GSocketConnection *connect_tcp(const Fixture *self)
{
    return connect_to(g_inet_socket_address_new_from_string("127.0.0.1", api_port(self->api)));
}

static inline void send_bytes(GSocketConnection *connection, const char *bytes, gsize n)
{
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    g_output_stream_write_all(out, bytes, n, NULL, NULL, NULL); /* may be cut off: that is a case */
}

static inline char *undo_chunks(const char *body)
{
    GString *plain = g_string_new(NULL);
    for (;;) {
        char *end;
        guint64 n = g_ascii_strtoull(body, &end, 16);
        if (n == 0 || strlen(end) < n + 2)
            return g_string_free(plain, FALSE);
        g_string_append_len(plain, end + 2, (gssize)n);
        body = end + 2 + n + 2;
    }
}

static inline Reply *reply_parse(const char *text)
{
    Reply *reply = g_new0(Reply, 1);
    const char *split = strstr(text, "\r\n\r\n");
    if (!split)
        return reply; /* closed without an answer: status 0 */
    reply->status = (int)g_ascii_strtoll(text + strlen("HTTP/1.1 "), NULL, 10);
    reply->head = g_strndup(text, (gsize)(split - text) + 2);
    reply->body = strstr(reply->head, "chunked") ? undo_chunks(split + 4) : g_strdup(split + 4);
    reply->json = json_loads(reply->body, 0, NULL);
    return reply;
}

static inline void reply_free(Reply *reply)
{
    g_free(reply->head);
    g_free(reply->body);
    if (reply->json)
        json_decref(reply->json);
    g_free(reply);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reply, reply_free)

/* Sends these bytes and reads until the server closes. */
static inline Reply *talk(GSocketConnection *connection, const char *bytes, gsize n)
{
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
    GString *text = g_string_new(NULL);
    char buffer[4096];
    gssize got;
    send_bytes(connection, bytes, n);
    while ((got = g_input_stream_read(in, buffer, sizeof buffer, NULL, NULL)) > 0)
        g_string_append_len(text, buffer, got);
    Reply *reply = reply_parse(text->str);
    g_string_free(text, TRUE);
    g_object_unref(connection);
    return reply;
}

static inline Reply *ask_raw(const Fixture *self, const char *text)
{
    return talk(connect_tcp(self), text, strlen(text));
}

/* headers: "Name: value\r\n…" or "". body may be NULL. */
static inline char *write_request(const char *line, const char *headers, const char *body)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(
        text, "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", line, headers);
    if (body)
        g_string_append_printf(text,
            "Content-Type: application/json\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n",
            strlen(body));
    g_string_append_printf(text, "\r\n%s", body ? body : "");
    return g_string_free(text, FALSE);
}

static inline void record(const Fixture *self, const char *line, const Reply *reply)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 2);
    const char *type = strstr(reply->head, "Content-Type: ");
    g_autofree char *value = type ? g_strndup(type + 14, strcspn(type + 14, "\r")) : g_strdup("");
    json_t *json = json_object();
    json_object_set_new(json, "method", json_text(words[0]));
    json_object_set_new(json, "path", json_text(words[1]));
    json_object_set_new(json, "status", json_integer(reply->status));
    json_object_set_new(json, "type", json_text(value));
    json_object_set(json, "body", reply->json ? reply->json : json_null());
    g_autofree char *text = json_write(json);
    g_string_append_printf(self->record, "%s\n", text);
}

static inline Reply *ask(
    const Fixture *self, const char *line, const char *headers, const char *body)
{
    g_autofree char *text = write_request(line, headers, body);
    Reply *reply = ask_raw(self, text);
    if (self->record && reply->head)
        record(self, line, reply);
    return reply;
}

/* As the operator, over the control socket. */
static inline Reply *ask_control(const Fixture *self, const char *line, const char *body)
{
    g_autofree char *text = write_request(line, "", body);
    return talk(connect_to(g_unix_socket_address_new(self->control)), text, strlen(text));
}

/* As the signed-in member; more headers may be given. */
static inline Reply *ask_member(
    const Fixture *self, const char *line, const char *headers, const char *body)
{
    g_autofree char *all = g_strdup_printf(
        "Cookie: absender_session=%s\r\nX-CSRF-Token: %s\r\n%s", self->cookie, self->csrf, headers);
    return ask(self, line, all, body);
}

/* With the last token. */
static inline Reply *ask_token(
    const Fixture *self, const char *line, const char *headers, const char *body)
{
    g_autofree char *all = g_strdup_printf("Authorization: Bearer %s\r\n%s", self->token, headers);
    return ask(self, line, all, body);
}

static inline char *reply_header(const Reply *reply, const char *name)
{
    g_autofree char *start = g_strdup_printf("\r\n%s: ", name);
    const char *found = strstr(reply->head, start);
    if (!found)
        return NULL;
    found += strlen(start);
    return g_strndup(found, strcspn(found, "\r"));
}

/* A member by path: "errors.0.pointer". NULL if it is not there. */
static inline json_t *reply_at(const Reply *reply, const char *path)
{
    json_t *value = reply->json;
    g_auto(GStrv) steps = g_strsplit(path, ".", -1);
    for (guint i = 0; steps[i] && value; i++) {
        if (json_is_array(value))
            value = json_array_get(value, (gsize)g_ascii_strtoull(steps[i], NULL, 10));
        else
            value = json_object_get(value, steps[i]);
    }
    return value;
}

static inline const char *reply_text(const Reply *reply, const char *path)
{
    const char *text = json_string_value(reply_at(reply, path));
    return text ? text : "";
}

static inline void assert_reply(const Reply *reply, int status, const char *code)
{
    if (reply->status != status)
        print_error(
            "answer: %s%s\n", reply->head ? reply->head : "(none)", reply->body ? reply->body : "");
    assert_int_equal(reply->status, status);
    if (code)
        assert_string_equal(reply_text(reply, "code"), code);
}

/* --- People ---------------------------------------------------------------------------------- */

static inline char *setup_token(const Fixture *self)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *link = api_setup_link(self->api, &error);
    assert_null(error);
    assert_non_null(link);
    return g_strdup(strstr(link, "/#/setup/") + strlen("/#/setup/"));
}

static inline void keep_session(Fixture *self, const Reply *reply)
{
    g_autofree char *cookie = reply_header(reply, "Set-Cookie");
    assert_non_null(cookie);
    g_free(self->cookie);
    g_free(self->csrf);
    const char *value = strchr(cookie, '=') + 1;
    self->cookie = g_strndup(value, strcspn(value, ";"));
    self->csrf = g_strdup(reply_text(reply, "csrf_token"));
}

static inline void sign_up(Fixture *self)
{
    g_autofree char *token = setup_token(self);
    g_autofree char *body =
        g_strdup_printf("{\"token\":\"%s\",\"email\":\"" EMAIL
                        "\",\"name\":\"Anna\",\"password\":\"" PASSWORD "\",\"language\":\"de\","
                        "\"public_url\":\"http://127.0.0.1:%u\"}",
            token, api_port(self->api));
    g_autoptr(Reply) reply = ask(self, "POST /v1/setup", "", body);
    assert_reply(reply, 201, NULL);
    keep_session(self, reply);
}

static inline void make_token(Fixture *self, const char *scopes)
{
    g_autofree char *body = g_strdup_printf("{\"name\":\"app\",\"scopes\":%s}", scopes);
    g_autoptr(Reply) reply = ask_control(self, "POST /v1/tokens", body);
    assert_reply(reply, 201, NULL);
    g_free(self->token);
    self->token = g_strdup(reply_text(reply, "token"));
}

static inline int start_fixture(void **state)
{
    *state = fixture_new();
    return 0;
}

static inline int start_signed_up(void **state)
{
    *state = fixture_new();
    sign_up(*state);
    return 0;
}

static inline int stop_fixture(void **state)
{
    fixture_free(*state);
    return 0;
}
