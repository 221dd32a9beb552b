#include "notify/post.h"

#include "base/limits.h"
#include "notify/signature.h"

#include <string.h>

gboolean notify_post(const NotifyParts *parts, const Webhook *webhook, const Secret *secret,
    const WebhookDelivery *delivery, WallMs now, int *status, NetHttpsFault *fault, GError **error)
{
    gint64 seconds = now / CLOCK_SECOND_MS;
    char id[ID_TEXT_SIZE];
    id_format(&delivery->event_id, "evt", id);
    g_autofree char *signature = notify_signature(secret, id, seconds, delivery->body);
    g_autofree char *id_line = g_strconcat("webhook-id: ", id, NULL);
    g_autofree char *time_line = g_strdup_printf("webhook-timestamp: %" G_GINT64_FORMAT, seconds);
    g_autofree char *signature_line = g_strconcat("webhook-signature: ", signature, NULL);
    const char *const headers[] = {"Content-Type: application/json", "User-Agent: Absender",
        id_line, time_line, signature_line, NULL};
    g_autoptr(GBytes) body = g_bytes_new_static(delivery->body, strlen(delivery->body));
    const NetHttpsPost post = {
        .dns = parts->dns,
        .policy = parts->policy,
        .ca_file = parts->ca_file,
        .url = webhook->url,
        .headers = headers,
        .body = body,
        .most_bytes = LIMIT_WEBHOOK_ANSWER_BYTES,
        .timeout_ms = LIMIT_WEBHOOK_MS,
    };
    return net_https_post(&post, status, fault, error);
}
