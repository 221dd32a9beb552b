#include "ingress/sandbox.h"

#include "base/limits.h"
#include "ingress/sandbox_script.h"
#include "ingress/subject.h"
#include "net/stream.h"
#include "smtp/client.h"
#include "smtp/server.h"
#include "store/captures.h"

#include <glib/gstdio.h>
#include <string.h>

#define HOST SANDBOX_HOST

typedef struct session Session;
typedef struct door Door;

/* A mail on its way into the store. It outlives its session if the client does not wait. */
typedef struct {
    Vault *vault;
    Capture *capture;
    Session *session; /* NULL once that has died: the mail is kept all the same */
} Delivery;

struct session {
    Sandbox *sandbox;
    GList *link; /* in sandbox->sessions */
    NetStream *stream;
    SmtpServer *server;
    GByteArray *replies; /* of this turn, not yet given to the stream: one write for all of them */
    gsize unsent_bytes;
    gboolean waits_for_verdict; /* delivery or slow will bring it */
    Delivery *delivery;
    GSource *slow;
    char *login; /* who has logged in; NULL: nobody */
};

struct door {
    Sandbox *sandbox;
    TlsMode security;
    NetListener *listener;
    guint16 port;
};

struct sandbox {
    GMainContext *context;
    Store *store;
    Vault *vault;
    gboolean sink;
    NetTlsServer *tls;
    char *ca_file;
    Door starttls, implicit;
    GQueue sessions; /* of Session */
    gint captured;   /* atomic: facts are read from other threads */
};

/* --- a session ends ----------------------------------------------------------------------------
 */

static void slow_stop(Session *session)
{
    if (session->slow == NULL)
        return;
    g_source_destroy(session->slow);
    g_source_unref(session->slow);
    session->slow = NULL;
}

static void session_free(Session *session)
{
    if (session->delivery != NULL)
        session->delivery->session = NULL;
    slow_stop(session);
    g_queue_delete_link(&session->sandbox->sessions, session->link);
    net_stream_free(session->stream);
    smtp_server_free(session->server);
    g_byte_array_unref(session->replies);
    g_free(session->login);
    g_free(session);
}

/* --- mails into the store ----------------------------------------------------------------------
 */

static void session_step(Session *session, SmtpServerEvent event);

static void delivery_free(Delivery *delivery)
{
    capture_free(delivery->capture);
    g_free(delivery);
}

/* On the writing thread. */
static gboolean capture_job(Db *db, gpointer data, GError **error)
{
    Delivery *delivery = data;
    return capture_insert(db, delivery->vault, delivery->capture, error);
}

/* After the commit, on the loop: only now may the client be told that we have it. */
static void capture_done(gpointer data, const GError *error)
{
    Delivery *delivery = data;
    Session *session = delivery->session;
    delivery_free(delivery);
    if (session == NULL)
        return;
    session->delivery = NULL;
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_VERDICT};
    if (error == NULL) {
        g_atomic_int_inc(&session->sandbox->captured);
    } else {
        event.verdict.code = 451;
        event.verdict.enhanced = "4.3.0";
        event.verdict.text = "The mail could not be stored";
    }
    session_step(session, event);
}

/* FALSE: the store has too much to do. */
static gboolean capture_begin(Session *session, const SmtpServerEffects *effects)
{
    Sandbox *sandbox = session->sandbox;
    WallMs now = clock_wall_ms();
    Capture *capture = g_new0(Capture, 1);
    capture->org_id = STORE_DEFAULT_ORG;
    capture->id = id_fresh(now);
    capture->at = now;
    capture->sender = g_strdup(effects->sender);
    capture->recipients = g_strjoinv(", ", (char **)effects->recipients);
    capture->subject = ingress_subject(effects->content);
    capture->size_bytes = (gint64)g_bytes_get_size(effects->content);
    capture->content = g_bytes_ref(effects->content);
    Delivery *delivery = g_new0(Delivery, 1);
    *delivery = (Delivery){sandbox->vault, capture, session};
    if (!store_submit(
            sandbox->store, capture_job, delivery, capture_done, sandbox->context, NULL)) {
        delivery_free(delivery);
        return FALSE;
    }
    session->delivery = delivery;
    return TRUE;
}

/* --- answers -----------------------------------------------------------------------------------
 */

static gboolean slow_over(gpointer user)
{
    Session *session = user;
    slow_stop(session);
    session_step(session, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_VERDICT});
    return G_SOURCE_REMOVE;
}

static void slow_begin(Session *session)
{
    session->slow = g_timeout_source_new(LIMIT_SANDBOX_SLOW_MS);
    g_source_set_callback(session->slow, slow_over, session, NULL);
    g_source_attach(session->slow, session->sandbox->context);
}

/* Answers what the core asks: TRUE with the verdict, FALSE if the answer comes later. */
static gboolean session_answer(
    Session *session, const SmtpServerEffects *effects, SmtpServerEvent *event)
{
    SandboxAnswer answer = sandbox_script(effects, session->login);
    if (effects->ask == SMTP_ASK_LOGIN && answer.code == 0) {
        g_free(session->login);
        session->login = g_strdup(effects->username);
    }
    *event = (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_VERDICT};
    event->verdict.code = answer.code;
    event->verdict.enhanced = answer.enhanced;
    event->verdict.text = answer.text;
    event->verdict.challenge = answer.challenge;
    event->verdict.drop = answer.drops;
    if (answer.is_slow) {
        slow_begin(session);
        return FALSE;
    }
    if (effects->ask != SMTP_ASK_MESSAGE || answer.drops || answer.code != 0)
        return TRUE;
    if (session->sandbox->sink) {
        g_atomic_int_inc(&session->sandbox->captured);
        return TRUE;
    }
    if (capture_begin(session, effects))
        return FALSE;
    event->verdict.code = 451;
    event->verdict.enhanced = "4.3.1";
    event->verdict.text = "Too many mails wait to be stored";
    return TRUE;
}

/* --- driving the core --------------------------------------------------------------------------
 */

/* A client that does not read its replies, or that runs ahead of a verdict, waits in the socket and
 * not in our memory. */
static void session_pause(Session *session)
{
    net_stream_pause_reading(session->stream,
        session->waits_for_verdict || session->unsent_bytes > LIMIT_SEND_CHUNK_BYTES);
}

static void session_write(Session *session)
{
    net_stream_send(session->stream, session->replies->data, session->replies->len, FALSE);
    session->unsent_bytes += session->replies->len;
    g_byte_array_set_size(session->replies, 0);
}

/* Closes, but not over what has been said: a client in a window learns what became of the mails in
 * front of the one we leave it at. */
static void session_close(Session *session)
{
    session_write(session);
    net_stream_set_deadline(session->stream, 0);
    net_stream_close_after_send(session->stream); /* then `lost` frees the session */
}

/* One step, and as many more as questions can be answered at once. FALSE: it was the last one. */
static gboolean session_run(Session *session, SmtpServerEvent event)
{
    for (;;) {
        event.now = clock_mono_ms();
        const SmtpServerEffects *effects = smtp_server_step(session->server, &event);
        g_byte_array_append(session->replies, effects->send->data, effects->send->len);
        net_stream_set_deadline(session->stream, effects->deadline);
        if (effects->close)
            return FALSE;
        if (effects->start_tls) {
            session_write(session); /* the last in clear */
            net_stream_start_tls_server(session->stream, session->sandbox->tls);
        }
        session->waits_for_verdict = FALSE;
        if (effects->ask == SMTP_ASK_NOTHING)
            return TRUE;
        session->waits_for_verdict = !session_answer(session, effects, &event);
        if (session->waits_for_verdict)
            return TRUE;
    }
}

static void session_step(Session *session, SmtpServerEvent event)
{
    if (!session_run(session, event)) {
        session_close(session);
        return;
    }
    session_write(session);
    session_pause(session);
}

static void on_tls_up(const NetTlsInfo *info, gpointer user)
{
    session_step(user, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_TLS_UP});
}

static void on_bytes(const guint8 *data, gsize n, gpointer user)
{
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_BYTES};
    event.bytes.data = data;
    event.bytes.n = n;
    session_step(user, event);
}

static void on_sent(gpointer user)
{
    Session *session = user;
    session->unsent_bytes = 0;
    session_pause(session);
}

static void on_deadline(gpointer user)
{
    session_step(user, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_DEADLINE});
}

static void on_lost(const NetFailure *failure, gpointer user)
{
    session_free(user);
}

static void on_accepted(int fd, gpointer user)
{
    static const NetStreamEvents events = {
        .tls_up = on_tls_up,
        .bytes = on_bytes,
        .sent = on_sent,
        .deadline = on_deadline,
        .lost = on_lost,
    };
    const Door *door = user;
    Sandbox *sandbox = door->sandbox;
    if (sandbox->sessions.length >= LIMIT_SANDBOX_CONNECTIONS) {
        g_close(fd, NULL); /* before TLS there is nothing we could say to both doors */
        return;
    }
    const SmtpServerConfig config = {
        .security = door->security,
        .host_name = HOST,
        .size_max = LIMIT_MESSAGE_BYTES,
        .recipients_max = LIMIT_RECIPIENTS_PER_TRANSACTION,
        .auth_mechanisms =
            SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN | SMTP_AUTH_XOAUTH2 | SMTP_AUTH_OAUTHBEARER,
        .pipelining = TRUE,
        .eightbitmime = TRUE,
        .chunking = TRUE,
        .smtputf8 = TRUE,
        .dsn = TRUE,
        .offer_starttls = door->security == TLS_MODE_STARTTLS,
    };
    Session *session = g_new0(Session, 1);
    session->sandbox = sandbox;
    g_queue_push_tail(&sandbox->sessions, session);
    session->link = sandbox->sessions.tail;
    session->replies = g_byte_array_new();
    session->server = smtp_server_new(&config);
    session->stream = net_stream_accept(sandbox->context, fd, &events, session);
    session_step(session, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_CONNECTED});
}

/* --- the sandbox -------------------------------------------------------------------------------
 */

static gboolean door_open(Door *door, Sandbox *sandbox, TlsMode security, const char *address,
    guint16 port, GError **error)
{
    door->sandbox = sandbox;
    door->security = security;
    door->listener =
        net_listener_new(sandbox->context, address, port, &door->port, on_accepted, door, error);
    return door->listener != NULL;
}

static gboolean identity_make(Sandbox *sandbox, const SandboxConfig *config, GError **error)
{
    const char *const names[] = {HOST, "127.0.0.1", "::1", config->address, NULL};
    g_autofree char *chain = g_build_filename(config->directory, "sandbox-chain.pem", NULL);
    g_autofree char *key = g_build_filename(config->directory, "sandbox-key.pem", NULL);
    sandbox->ca_file = g_build_filename(config->directory, "sandbox-ca.pem", NULL);
    if (!net_tls_make_own(config->directory, "sandbox", names, error))
        return FALSE;
    sandbox->tls = net_tls_server_new(chain, key, error);
    return sandbox->tls != NULL;
}

Sandbox *sandbox_new(const SandboxConfig *config, GError **error)
{
    g_autoptr(Sandbox) sandbox = g_new0(Sandbox, 1);
    sandbox->context = g_main_context_ref(config->context);
    sandbox->store = config->store;
    sandbox->vault = config->vault;
    sandbox->sink = config->sink;
    g_queue_init(&sandbox->sessions);
    if (!identity_make(sandbox, config, error) ||
        !door_open(&sandbox->starttls, sandbox, TLS_MODE_STARTTLS, config->address,
            config->starttls_port, error) ||
        !door_open(&sandbox->implicit, sandbox, TLS_MODE_IMPLICIT, config->address,
            config->implicit_port, error))
        return NULL;
    return g_steal_pointer(&sandbox);
}

void sandbox_free(Sandbox *sandbox)
{
    if (sandbox == NULL)
        return;
    net_listener_free(sandbox->starttls.listener);
    net_listener_free(sandbox->implicit.listener);
    while (sandbox->sessions.head != NULL)
        session_free(sandbox->sessions.head->data);
    net_tls_server_free(sandbox->tls);
    g_main_context_unref(sandbox->context);
    g_free(sandbox->ca_file);
    g_free(sandbox);
}

void sandbox_facts(const Sandbox *sandbox, SandboxFacts *facts)
{
    *facts = (SandboxFacts){
        .host = HOST,
        .starttls_port = sandbox->starttls.port,
        .implicit_port = sandbox->implicit.port,
        .ca_file = sandbox->ca_file,
        .captured = g_atomic_int_get(&sandbox->captured),
    };
}
