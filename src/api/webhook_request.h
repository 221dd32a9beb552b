/* What a person may say of a webhook: the body of POST and PATCH /v1/webhooks. */
#pragma once

#include "api/json/json.h"
#include "store/webhooks.h"

/* What is not given stays as it is. */
typedef struct {
    gboolean has_name, has_enabled, is_enabled;
    char *url, *name; /* url NULL: not given; name NULL: none */
    guint events;     /* 0: not given */
} WebhookRequest;

/* All faults are noted. */
void webhook_request_read(
    WebhookRequest *request, json_t *body, gboolean is_new, JsonFaults *faults);
void webhook_request_clear(WebhookRequest *request);

void webhook_request_apply(const WebhookRequest *request, Webhook *webhook);

/* "url, events": what is given, for the audit log. The caller frees. */
char *webhook_request_names(const WebhookRequest *request);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WebhookRequest, webhook_request_clear)
