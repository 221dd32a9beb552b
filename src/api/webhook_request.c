#include "api/webhook_request.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "net/https.h"

#define HTTPS_PORT 443
#define FIRST_OPEN_PORT                                                       \
    1024 /* below are the well-known services, which are not to be knocked at \
          */

static void read_url(WebhookRequest *request, JsonObject *object, gboolean is_new)
{
    const char *url = json_object_take_text(object, "url");
    guint16 port = 0;
    g_autoptr(GError) error = NULL;
    if (!url && (is_new || json_object_has(object, "url")))
        json_object_fault(object, "url", "required", NULL);
    else if (url && !net_https_url_read(url, NULL, &port, &error))
        json_object_fault(object, "url",
            error->code == ABS_ERROR_DENIED ? "webhook_url_is_address" : "invalid_webhook_url",
            NULL);
    else if (url && port != HTTPS_PORT && port < FIRST_OPEN_PORT)
        json_object_fault(object, "url", "invalid_webhook_url",
            "The port of a receiver is 443, or 1024 and above.");
    request->url = g_strdup(url);
}

static void read_name(WebhookRequest *request, JsonObject *object)
{
    request->has_name = json_object_has(object, "name");
    const char *name = json_object_take_text(object, "name");
    if (name &&
        (!text_is_one_line(name, FALSE) || g_utf8_strlen(name, -1) > LIMIT_SENDER_NAME_CHARACTERS))
        json_object_fault(object, "name", "too_long", "The name is one line, at most 128 long.");
    request->name = name && *name ? g_strdup(name) : NULL;
}

static void read_events(WebhookRequest *request, JsonObject *object)
{
    json_t *list = json_object_take_array(object, "events");
    for (gsize i = 0; i < json_array_size(list); i++) {
        guint bit = webhook_type_bit(json_string_value(json_array_get(list, i)));
        request->events |= bit;
        if (bit != 0)
            continue;
        g_autofree char *pointer = g_strdup_printf("/events/%" G_GSIZE_FORMAT, i);
        json_fault_add(object->faults, pointer, "unknown_value", NULL);
    }
    if (list && json_array_size(list) == 0)
        json_object_fault(object, "events", "required", "Choose at least one event.");
}

void webhook_request_read(
    WebhookRequest *request, json_t *body, gboolean is_new, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    read_url(request, &object, is_new);
    read_name(request, &object);
    read_events(request, &object);
    request->has_enabled = json_object_take_bool(&object, "enabled", &request->is_enabled);
}

void webhook_request_clear(WebhookRequest *request)
{
    g_clear_pointer(&request->url, g_free);
    g_clear_pointer(&request->name, g_free);
}

void webhook_request_apply(const WebhookRequest *request, Webhook *webhook)
{
    if (request->url) {
        g_free(webhook->url);
        webhook->url = g_strdup(request->url);
    }
    if (request->has_name) {
        g_free(webhook->name);
        webhook->name = g_strdup(request->name);
    }
    if (request->events != 0)
        webhook->events = request->events;
    if (request->has_enabled)
        webhook->is_enabled = request->is_enabled;
}

char *webhook_request_names(const WebhookRequest *request)
{
    const char *names[5];
    guint n = 0;
    if (request->url)
        names[n++] = "url";
    if (request->has_name)
        names[n++] = "name";
    if (request->events != 0)
        names[n++] = "events";
    if (request->has_enabled)
        names[n++] = request->is_enabled ? "enabled" : "disabled";
    names[n] = NULL;
    return g_strjoinv(", ", (char **)names);
}
