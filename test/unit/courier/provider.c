#include "provider.h"

#include "base/limits.h"
#include "net/stream.h"
#include "smtp/client.h"
#include "smtp/server.h"

#include <string.h>

#define HOST "localhost"

typedef struct {
    Provider *provider;
    NetStream *stream;
    SmtpServer *server;
    guint mails, number;           /* the how-manieth of those that stood when it came */
    const SmtpServerEffects *held; /* the question that waits for provider_release */
    GByteArray *later;             /* what arrived meanwhile: the question is lent till a step */
    gboolean is_over;
} Client;

struct provider {
    GMainContext *context;
    ProviderManner manner;
    ProviderFacts facts;
    NetTlsServer *tls;
    NetListener *listener;
    guint16 port;
    char *ca_file;
    GPtrArray *clients; /* of Client */
    GHashTable *taken;  /* address → count */
};

static void client_free(gpointer data)
{
    Client *client = data;
    net_stream_free(client->stream);
    smtp_server_free(client->server);
    g_byte_array_unref(client->later);
    g_free(client);
}

static void count_session(Client *client)
{
    ProviderFacts *facts = &client->provider->facts;
    if (client->mails > 0)
        facts->least = facts->least == 0 ? client->mails : MIN(facts->least, client->mails);
}

static void client_end(Client *client)
{
    count_session(client);
    g_ptr_array_remove_fast(client->provider->clients, client);
}

static void count_mail(Client *client, const SmtpServerEffects *effects)
{
    Provider *provider = client->provider;
    client->mails++;
    provider->facts.mails++;
    provider->facts.octets += g_bytes_get_size(effects->content);
    if (effects->return_content != SMTP_RETURN_HEADERS || effects->envelope_id == NULL ||
        !g_str_has_prefix(effects->envelope_id, "em_"))
        provider->facts.bare++;
    for (const char *const *to = effects->recipients; *to != NULL; to++) {
        guint n = provider_taken(provider, *to) + 1;
        g_hash_table_replace(provider->taken, g_strdup(*to), GUINT_TO_POINTER(n));
    }
}

static void judge_login(Client *client, const SmtpServerEffects *effects, SmtpServerEvent *answer)
{
    ProviderFacts *facts = &client->provider->facts;
    int code = client->provider->manner.login_code;
    g_autoptr(Secret) right = secret_new("right", strlen("right"));
    if (code == 0 && secret_equal(effects->password, right)) {
        facts->logins++;
        return;
    }
    facts->login_failures++;
    answer->verdict.code = code == 0 ? 535 : code;
    answer->verdict.enhanced = code == 0 ? "5.7.8" : "4.7.0";
    answer->verdict.close = code == 421;
}

/* FALSE: the answer comes later. */
static gboolean judge(Client *client, const SmtpServerEffects *effects, SmtpServerEvent *answer)
{
    Provider *provider = client->provider;
    guint closes_after = provider->manner.closes_after;
    guint busy_from = provider->manner.busy_from;
    gboolean has_enough = (closes_after > 0 && client->mails >= closes_after) ||
                          (busy_from > 0 && client->number >= busy_from);
    *answer = (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_VERDICT};
    if (effects->ask == SMTP_ASK_LOGIN)
        judge_login(client, effects, answer);
    if (effects->ask == SMTP_ASK_SENDER && has_enough) {
        answer->verdict.code = 421;
        answer->verdict.enhanced = "4.7.0";
        answer->verdict.text = "too many messages in this connection";
        answer->verdict.close = TRUE;
    }
    if (effects->ask != SMTP_ASK_MESSAGE)
        return TRUE;
    provider->facts.asked++;
    if (provider->manner.tired_after > 0 && client->mails >= provider->manner.tired_after) {
        answer->verdict.code = 421;
        answer->verdict.enhanced = "4.7.0";
        answer->verdict.close = TRUE;
        return TRUE;
    }
    if (provider->manner.defers) {
        client->mails++;
        answer->verdict.code = 451;
        answer->verdict.enhanced = "4.3.0";
        return TRUE;
    }
    if (provider->manner.holds) {
        client->held = effects;
        return FALSE;
    }
    count_mail(client, effects);
    return TRUE;
}

static void send_effects(Client *client, const SmtpServerEffects *effects)
{
    static const char ehlo[] = "250-" HOST;
    const GByteArray *send = effects->send;
    guint mailmax = client->provider->manner.mailmax;
    const guint8 *rest = send->data;
    gsize n = send->len;
    if (mailmax > 0 && n > sizeof ehlo && memcmp(rest, ehlo, sizeof ehlo - 1) == 0) {
        gsize first = (gsize)((const guint8 *)memchr(rest, '\n', n) - rest) + 1;
        g_autofree char *limits = g_strdup_printf("250-LIMITS MAILMAX=%u\r\n", mailmax);
        net_stream_send(client->stream, rest, first, FALSE);
        net_stream_send(client->stream, (const guint8 *)limits, strlen(limits), FALSE);
        rest += first;
        n -= first;
    }
    net_stream_send(client->stream, rest, n, FALSE);
}

/* FALSE: nothing more is to be given to the core just now. */
static gboolean client_step(Client *client, SmtpServerEvent event)
{
    SmtpAsk ask;
    do {
        event.now = clock_mono_ms();
        const SmtpServerEffects *effects = smtp_server_step(client->server, &event);
        ask = effects->ask;
        send_effects(client, effects);
        if (effects->close) {
            client->is_over = TRUE;
            net_stream_close_after_send(client->stream);
            return FALSE;
        }
        if (effects->start_tls)
            net_stream_start_tls_server(client->stream, client->provider->tls);
        if (ask != SMTP_ASK_NOTHING && !judge(client, effects, &event))
            return FALSE;
    } while (ask != SMTP_ASK_NOTHING);
    return TRUE;
}

/* Octet by octet, and nothing of it once a mail is complete. */
static void swallow_behind_end(Client *client, const guint8 *data, gsize n)
{
    ProviderFacts *facts = &client->provider->facts;
    guint before = facts->asked;
    for (gsize i = 0; i < n && !client->is_over; i++) {
        if (facts->asked != before) {
            facts->swallowed += (guint)(n - i);
            return;
        }
        SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_BYTES};
        event.bytes.data = data + i;
        event.bytes.n = 1;
        client_step(client, event);
    }
}

static void on_bytes(const guint8 *data, gsize n, gpointer user)
{
    Client *client = user;
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_BYTES};
    event.bytes.data = data;
    event.bytes.n = n;
    if (client->is_over)
        return;
    if (client->held != NULL) {
        g_byte_array_append(client->later, data, (guint)n);
        return;
    }
    if (client->provider->manner.swallows)
        swallow_behind_end(client, data, n);
    else
        client_step(client, event);
}

static void on_tls_up(const NetTlsInfo *info, gpointer user)
{
    client_step(user, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_TLS_UP});
}

static void on_lost(const NetFailure *failure, gpointer user)
{
    client_end(user);
}

static const NetStreamEvents events = {.bytes = on_bytes, .tls_up = on_tls_up, .lost = on_lost};

static void on_refused_lost(const NetFailure *failure, gpointer user)
{
    net_stream_free(*(NetStream **)user);
    g_free(user);
}

static void refuse(Provider *provider, int fd)
{
    static const NetStreamEvents last = {.lost = on_refused_lost};
    static const char words[] = "421 4.7.0 Come back later\r\n";
    NetStream **stream = g_new0(NetStream *, 1);
    *stream = net_stream_accept(provider->context, fd, &last, stream);
    net_stream_send(*stream, (const guint8 *)words, sizeof words - 1, FALSE);
    net_stream_close_after_send(*stream);
    provider->facts.refused++;
}

static void on_accepted(int fd, gpointer user)
{
    Provider *provider = user;
    const ProviderManner *manner = &provider->manner;
    if (manner->connections > 0 && provider->clients->len >= manner->connections) {
        refuse(provider, fd);
        return;
    }
    const SmtpServerConfig config = {
        .security = TLS_MODE_STARTTLS,
        .host_name = HOST,
        .size_max = LIMIT_MESSAGE_BYTES,
        .recipients_max = LIMIT_RECIPIENTS_PER_TRANSACTION,
        .auth_mechanisms = SMTP_AUTH_PLAIN,
        .pipelining = !manner->no_pipelining,
        .chunking = manner->chunking,
        .eightbitmime = TRUE,
        .dsn = TRUE,
        .offer_starttls = TRUE,
    };
    Client *client = g_new0(Client, 1);
    client->provider = provider;
    client->server = smtp_server_new(&config);
    client->later = g_byte_array_new();
    g_ptr_array_add(provider->clients, client);
    client->number = provider->clients->len;
    provider->facts.sessions++;
    provider->facts.at_once = MAX(provider->facts.at_once, provider->clients->len);
    client->stream = net_stream_accept(provider->context, fd, &events, client);
    client_step(client, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_CONNECTED});
}

/* --- The contract -------------------------------------------------------------------------------
 */

Provider *provider_new(GMainContext *context, const char *directory)
{
    const char *const names[] = {HOST, "127.0.0.1", NULL};
    g_autofree char *chain = g_build_filename(directory, "provider-chain.pem", NULL);
    g_autofree char *key = g_build_filename(directory, "provider-key.pem", NULL);
    Provider *provider = g_new0(Provider, 1);
    provider->context = context;
    provider->clients = g_ptr_array_new_with_free_func(client_free);
    provider->taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    provider->ca_file = g_build_filename(directory, "provider-ca.pem", NULL);
    if (net_tls_make_own(directory, "provider", names, NULL))
        provider->tls = net_tls_server_new(chain, key, NULL);
    provider->listener =
        net_listener_new(context, "127.0.0.1", 0, &provider->port, on_accepted, provider, NULL);
    g_assert(provider->tls != NULL && provider->listener != NULL);
    return provider;
}

void provider_free(Provider *provider)
{
    net_listener_free(provider->listener);
    g_ptr_array_unref(provider->clients);
    g_hash_table_unref(provider->taken);
    net_tls_server_free(provider->tls);
    g_free(provider->ca_file);
    g_free(provider);
}

ProviderManner *provider_manner(Provider *provider)
{
    return &provider->manner;
}

guint16 provider_port(const Provider *provider)
{
    return provider->port;
}

const char *provider_ca_file(const Provider *provider)
{
    return provider->ca_file;
}

void provider_release(Provider *provider)
{
    provider->manner.holds = FALSE;
    for (guint i = 0; i < provider->clients->len; i++) {
        Client *client = provider->clients->pdata[i];
        if (client->held == NULL)
            continue;
        count_mail(client, client->held);
        client->held = NULL;
        client_step(client, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_VERDICT});
        on_bytes(client->later->data, client->later->len, client);
        g_byte_array_set_size(client->later, 0);
    }
}

void provider_cut(Provider *provider)
{
    while (provider->clients->len > 0)
        client_end(provider->clients->pdata[0]);
}

ProviderFacts provider_facts(const Provider *provider)
{
    return provider->facts;
}

guint provider_taken(const Provider *provider, const char *address)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(provider->taken, address));
}
