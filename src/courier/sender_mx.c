#include "courier/sender_mx.h"

#include "base/limits.h"
#include "courier/courier_priv.h"
#include "mime/address.h"

typedef struct {
    Courier *courier;
    NetDns *dns;
    SenderMxFound found;
    char *key, *domain, *mx;
} Question;

static void question_free(gpointer data)
{
    Question *question = data;
    g_free(question->key);
    g_free(question->domain);
    g_free(question->mx);
    g_free(question);
}

static gboolean on_answered(gpointer data)
{
    const Question *question = data;
    question->courier->pending--;
    question->found(question->courier, question->key, question->mx);
    return G_SOURCE_REMOVE;
}

void sender_mx_on_thread(gpointer data, gpointer unused)
{
    Question *question = data;
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    dns_answers_get(answers, question->domain, DNS_TYPE_MX);
    net_dns_ask(question->dns, answers, LIMIT_SIBLING_MS);
    const DnsAnswer *answer = dns_answers_get(answers, question->domain, DNS_TYPE_MX);
    if (answer != NULL && answer->status == DNS_FOUND) {
        const DnsRecord *best = answer->records->pdata[0];
        g_autofree char *host = mime_host_parse(best->text, NULL);
        question->mx = g_steal_pointer(&host); /* NULL for the null MX (RFC 7505) */
    }
    courier_call(question->courier, on_answered, question, question_free);
}

gboolean sender_mx_ask(
    Courier *courier, const char *from_email, const char *key, SenderMxFound found)
{
    g_autoptr(MimeAddress) address = from_email ? mime_address_parse(from_email, NULL) : NULL;
    if (courier->parts.dns == NULL || address == NULL || address->domain[0] == '[' ||
        g_thread_pool_unprocessed(courier->mx_askers) >= LIMIT_MX_QUESTIONS)
        return FALSE;
    Question *question = g_new0(Question, 1);
    *question = (Question){.courier = courier,
        .dns = courier->parts.dns,
        .found = found,
        .key = g_strdup(key),
        .domain = g_strdup(address->domain)};
    courier->pending++;
    g_thread_pool_push(courier->mx_askers, question, NULL);
    return TRUE;
}
