#include "courier/session.h"

#include "base/crash_point.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "courier/later.h"
#include "courier/sasl.h"

#include <string.h>

/* Bytes of several steps leave in one write; from here on that would gain nothing. */
#define WRITE_ALONE_BYTES LIMIT_STREAM_READ_BYTES

#define MECHANISMS                                                                     \
    (SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN | SMTP_AUTH_SCRAM_SHA_256 | SMTP_AUTH_XOAUTH2 | \
        SMTP_AUTH_OAUTHBEARER)

/* What is still to be told, in this order. Each of these may lead back into the session or free
 * it. */
enum {
    DUE_PROVED = 1 << 0,
    DUE_PROBE_DONE = 1 << 1,
    DUE_ROOM = 1 << 2,
    DUE_END = 1 << 3,
};

struct session {
    SessionEvents events;
    gpointer user;
    char *host, *username, *ehlo_name;
    guint16 port;
    Secret *password;
    SmtpClientConfig core; /* texts and secrets are lent by this session */
    const NetDialer *dialer;
    NetTlsClient *tls;
    Bearer *bearer; /* NULL: by password */
    gint64 org_id;
    SmtpSettings *settings; /* with a bearer */
    BearerRequest *asked;   /* NULL: nothing is */
    Secret *token;
    guint64 token_number;
    gint64 token_age_ms; /* when it was given */
    gboolean is_renewed; /* it is the second one */
    NetDial *dial;
    NetStream *stream;
    SmtpClient *client;
    Sasl *sasl;
    Later *later;        /* ends the turn of what was asked for from outside */
    GByteArray *out;     /* given by the core, not yet by us to the stream */
    gboolean is_in_turn; /* dial, stream or `later` has called */
    gboolean is_freed;   /* by the owner, inside a callback: the turn releases it */
    guint due;           /* DUE_* bits */
    guint room;
    gboolean is_ready;
    gboolean peer_is_public, tls_verified;
    GString *attempts; /* addresses that did not answer, for the ladder */
    char *sys, *tls_reason,
        *certificate; /* the connection's end, kept from `lost` for the failure */
    long verify;
    int family;
    gboolean lost_in_handshake;
    GString *first_words; /* what was said first, as far as a person would read it */
};

/* --- Rungs --------------------------------------------------------------------------------------
 */

static const char *const names[RUNG_COUNT] = {
    [RUNG_TOKEN] = "token",
    [RUNG_DNS] = "dns",
    [RUNG_CONNECT] = "connect",
    [RUNG_GREETING] = "greeting",
    [RUNG_EHLO] = "ehlo",
    [RUNG_STARTTLS] = "starttls",
    [RUNG_TLS] = "tls",
    [RUNG_CERTIFICATE] = "certificate",
    [RUNG_AUTH] = "auth",
    [RUNG_SENDER] = "sender",
    [RUNG_RECIPIENT] = "recipient",
};

const char *rung_name(Rung rung)
{
    g_assert(rung < RUNG_COUNT);
    return names[rung];
}

guint rung_ladder(
    TlsMode security, gboolean with_token, gboolean with_recipient, Rung ladder[RUNG_COUNT])
{
    static const Rung starttls[] = {RUNG_TOKEN, RUNG_DNS, RUNG_CONNECT, RUNG_GREETING, RUNG_EHLO,
        RUNG_STARTTLS, RUNG_TLS, RUNG_CERTIFICATE, RUNG_AUTH, RUNG_SENDER, RUNG_RECIPIENT};
    static const Rung implicit[] = {RUNG_TOKEN, RUNG_DNS, RUNG_CONNECT, RUNG_TLS, RUNG_CERTIFICATE,
        RUNG_GREETING, RUNG_EHLO, RUNG_AUTH, RUNG_SENDER, RUNG_RECIPIENT};
    const Rung *from = security == TLS_MODE_IMPLICIT ? implicit : starttls;
    guint n = security == TLS_MODE_IMPLICIT ? G_N_ELEMENTS(implicit) : G_N_ELEMENTS(starttls);
    guint first = with_token ? 0 : 1;
    n -= first + (with_recipient ? 0 : 1);
    memcpy(ladder, from + first, n * sizeof *ladder);
    return n;
}

static Rung rung_of_phase(SmtpPhase phase)
{
    switch (phase) {
    case SMTP_PHASE_GREETING:
        return RUNG_GREETING;
    case SMTP_PHASE_EHLO:
        return RUNG_EHLO;
    case SMTP_PHASE_STARTTLS:
        return RUNG_STARTTLS;
    case SMTP_PHASE_TLS:
        return RUNG_TLS;
    case SMTP_PHASE_AUTH:
        return RUNG_AUTH;
    case SMTP_PHASE_MAIL:
    case SMTP_PHASE_QUIT: /* nothing of the ladder is left to fail there */
        return RUNG_SENDER;
    case SMTP_PHASE_RCPT:
    case SMTP_PHASE_DATA:
    case SMTP_PHASE_AFTER_DATA:
        return RUNG_RECIPIENT;
    }
    g_assert_not_reached();
}

static gboolean may_show_text(const Session *session)
{
    return session->tls_verified || session->peer_is_public;
}

static void climbed(Session *session, Rung rung, const char *detail)
{
    if (session->events.rung != NULL)
        session->events.rung(rung, detail, session->user);
}

/* --- The end ------------------------------------------------------------------------------------
 */

static const char *family_name(int family)
{
    return family == AF_INET6 ? "ipv6" : family == AF_INET ? "ipv4" : NULL;
}

static void end(Session *session, const SessionFailure *failure)
{
    g_clear_pointer(&session->stream, net_stream_free);
    session->events.ended(failure, session->user);
}

static void drop_out(Session *session)
{
    secret_wipe(session->out->data, session->out->len);
    g_byte_array_set_size(session->out, 0);
}

static void release(Session *session)
{
    smtp_client_free(session->client);
    sasl_free(session->sasl);
    secret_free(session->password);
    secret_free(session->token);
    settings_free(session->settings);
    drop_out(session);
    g_byte_array_unref(session->out);
    g_string_free(session->attempts, TRUE);
    g_string_free(session->first_words, TRUE);
    g_free(session->host);
    g_free(session->username);
    g_free(session->ehlo_name);
    g_free(session->sys);
    g_free(session->tls_reason);
    g_free(session->certificate);
    g_free(session);
}

static void ask_for_token(Session *session, guint64 newer_than);

/* Access tokens can be called back before their end: a login that is refused with one that was kept
 * for a while is tried once more with a new one. */
static gboolean may_renew(const Session *session, const SmtpFailure *failure)
{
    gboolean is_refused = failure->phase == SMTP_PHASE_AUTH && failure->reply != NULL &&
                          failure->reply->code / 100 == 5;
    return is_refused && session->token != NULL && !session->is_renewed &&
           session->token_age_ms >= LIMIT_BEARER_YOUNG_MS;
}

/* As if this session had just been opened. */
static void begin_anew(Session *session)
{
    g_clear_pointer(&session->stream, net_stream_free);
    g_clear_pointer(&session->client, smtp_client_free);
    g_clear_pointer(&session->token, secret_free);
    g_string_truncate(session->attempts, 0);
    g_string_truncate(session->first_words, 0);
    g_clear_pointer(&session->sys, g_free);
    g_clear_pointer(&session->tls_reason, g_free);
    g_clear_pointer(&session->certificate, g_free);
    session->verify = 0;
    session->lost_in_handshake = FALSE;
    session->room = 0;
    session->is_ready = session->peer_is_public = session->tls_verified = FALSE;
    session->is_renewed = TRUE;
    ask_for_token(session, session->token_number);
}

/* What the core's failure and the connection's end say together. */
static void end_by_core(Session *session)
{
    const SmtpFailure *core = smtp_client_failure(session->client);
    if (core == NULL) {
        end(session, NULL);
        return;
    }
    if (may_renew(session, core)) {
        begin_anew(session);
        return;
    }
    g_autofree char *said = smtp_failure_text_dup(core);
    SessionFailure failure = {
        .rung = rung_of_phase(core->phase),
        .input = {.phase = smtp_phase_name(core->phase),
            .host = session->host,
            /* Inside TLS a missing greeting has nothing to do with the port's kind of TLS. */
            .port = session->tls_verified ? 0 : session->port,
            .sys = smtp_fault_sys_name(core->fault, core->phase),
            .family = family_name(session->family),
            .by_token = session->bearer != NULL},
        .text_may_be_shown = may_show_text(session),
        .lost_step = core->lost_step,
    };
    g_autofree char *words = text_printable(
        session->first_words->str, session->first_words->len, LIMIT_PEER_TEXT_CHARACTERS);
    if (core->fault == SMTP_FAULT_MALFORMED_REPLY && core->phase == SMTP_PHASE_GREETING)
        failure.input.text = words; /* who is it, if not a mail server? */
    if (core->reply != NULL) {
        failure.input.code = core->reply->code;
        failure.input.enhanced = core->reply->enhanced[0] == '\0' ? NULL : core->reply->enhanced;
        failure.input.text = said;
    }
    if (core->fault == SMTP_FAULT_LOST) {
        failure.input.sys = session->sys;
        failure.input.tls = session->tls_reason;
        failure.input.verify = session->verify;
        failure.input.certificate = session->certificate;
        if (session->lost_in_handshake)
            failure.rung = session->verify != 0 ? RUNG_CERTIFICATE : RUNG_TLS;
    }
    end(session, &failure);
}

/* --- Effects of the core ------------------------------------------------------------------------
 */

static void step(Session *session, const SmtpEvent *event);

static SmtpEvent event_now(SmtpEventKind kind)
{
    return (SmtpEvent){.kind = kind, .now = clock_mono_ms()};
}

static void run_sasl(Session *session, const SmtpClientEffects *effects)
{
    g_autoptr(Secret) response = NULL;
    gboolean done = FALSE;
    gboolean well = TRUE;
    if (session->sasl == NULL) {
        session->sasl =
            sasl_new(effects->sasl_mechanism, session->username, session->password, NULL);
        well = session->sasl != NULL;
    }
    well = well && sasl_step(session->sasl, effects->sasl_challenge, &response, &done, NULL);
    SmtpEvent answer = event_now(SMTP_EVENT_SASL);
    answer.sasl.response = response;
    answer.sasl.done = done;
    answer.sasl.failed = !well;
    step(session, &answer);
}

/* Until TLS is verified an address inside a private network could be anything: of what it says only
 * the reply code is passed on (DESIGN rule 9, threat T7). */
static void tell_line(Session *session, const SmtpLine *line)
{
    if (line->from_client || may_show_text(session)) {
        session->events.line(line->from_client, line->text, session->user);
        return;
    }
    g_autofree char *code = g_strndup(line->text, strspn(line->text, "0123456789"));
    g_autofree char *cut = g_strdup_printf("%.3s …", code);
    session->events.line(FALSE, cut, session->user);
}

static void tell(Session *session, const SmtpClientEffects *effects)
{
    for (guint i = 0; i < effects->n_lines && session->events.line != NULL; i++)
        tell_line(session, &effects->lines[i]);
    for (guint i = 0; i < effects->n_passed; i++) {
        const SmtpPassed *passed = &effects->passed[i];
        g_autofree char *summary = passed->reply == NULL ? NULL : smtp_reply_summary(passed->reply);
        if (passed->phase != SMTP_PHASE_TLS) /* told with its certificate by on_tls_up */
            climbed(session, rung_of_phase(passed->phase), may_show_text(session) ? summary : NULL);
    }
    for (guint i = 0; i < effects->n_outcomes && session->events.outcome != NULL; i++)
        session->events.outcome(&effects->outcomes[i], session->user);
}

/* As secret as a login: a mail may carry a link that lets somebody in. */
static void flush(Session *session)
{
    net_stream_send(session->stream, session->out->data, session->out->len, TRUE);
    drop_out(session);
}

static void write_out(Session *session, const SmtpClientEffects *effects)
{
    const GByteArray *send = effects->send;
    gboolean goes_alone = effects->send_is_secret || send->len >= WRITE_ALONE_BYTES;
    if (goes_alone || session->out->len + send->len > LIMIT_SEND_CHUNK_BYTES)
        flush(session);
    if (goes_alone)
        net_stream_send(session->stream, send->data, send->len, TRUE);
    else
        g_byte_array_append(session->out, send->data, send->len);
}

/* What cannot lead back is done at once, the rest is noted for the end of the turn. */
static void act(Session *session, const SmtpClientEffects *effects)
{
    gboolean has_room = effects->room > session->room || (effects->ready && !session->is_ready);
    session->room = effects->room;
    session->is_ready = effects->ready;
    session->due |= (effects->proved ? DUE_PROVED : 0) |
                    (effects->probe_done ? DUE_PROBE_DONE : 0) | (has_room ? DUE_ROOM : 0) |
                    (effects->close ? DUE_END : 0);
    tell(session, effects);
    if (effects->n_begun > 0 && session->events.begun != NULL)
        session->events.begun(effects->begun, effects->n_begun, session->user);
    if (effects->close) {
        drop_out(session);
        return;
    }
    write_out(session, effects);
    net_stream_set_deadline(session->stream, effects->deadline);
    if (effects->start_tls) {
        flush(session);
        net_stream_start_tls_client(session->stream, session->tls, session->host);
    }
    if (effects->want_sasl)
        run_sasl(session, effects);
}

static gboolean take_due(Session *session, guint due)
{
    gboolean is_due = (session->due & due) != 0;
    session->due &= ~due;
    return is_due;
}

static void tell_next(Session *session)
{
    const SessionEvents *events = &session->events;
    if (take_due(session, DUE_PROVED)) {
        if (events->proved != NULL)
            events->proved(session->user);
    } else if (take_due(session, DUE_PROBE_DONE)) {
        if (events->probe_done != NULL)
            events->probe_done(session->user);
    } else if (take_due(session, DUE_ROOM)) {
        if (events->room != NULL && (session->room > 0 || session->is_ready))
            events->room(session->user);
    } else if (take_due(session, DUE_END)) {
        end_by_core(session);
    }
}

/* Tells what is due, one thing after the other; what is asked for from inside joins in, and all
 * that came of it leaves in one write. */
static void turn_end(Session *session)
{
    while (session->due != 0 && !session->is_freed)
        tell_next(session);
    session->is_in_turn = FALSE;
    if (session->is_freed) {
        release(session);
        return;
    }
    if (session->out->len > 0)
        flush(session);
    if (session->stream != NULL)
        net_stream_flush(session->stream); /* may end the session and all of it */
}

static void on_later(gpointer user)
{
    Session *session = user;
    session->is_in_turn = TRUE;
    turn_end(session);
}

static void step(Session *session, const SmtpEvent *event)
{
    act(session, smtp_client_step(session->client, event));
    if (!session->is_in_turn && (session->due != 0 || session->out->len > 0))
        later_ask(session->later);
}

/* An event of the connection. */
static void turn(Session *session, const SmtpEvent *event)
{
    session->is_in_turn = TRUE;
    step(session, event);
    turn_end(session);
}

/* --- Events of the connection -------------------------------------------------------------------
 */

static void on_tls_up(const NetTlsInfo *info, gpointer user)
{
    Session *session = user;
    session->tls_verified = TRUE;
    if (session->events.tls != NULL)
        session->events.tls(info, session->user);
    g_autofree char *tls = g_strdup_printf("%s, %s", info->version, info->cipher);
    climbed(session, RUNG_TLS, tls);
    climbed(session, RUNG_CERTIFICATE, info->names);
    SmtpEvent event = event_now(SMTP_EVENT_TLS_UP);
    turn(session, &event);
}

static void on_bytes(const guint8 *data, gsize n, gpointer user)
{
    Session *session = user;
    gsize room = LIMIT_PEER_TEXT_CHARACTERS - session->first_words->len;
    g_string_append_len(session->first_words, (const char *)data, (gssize)MIN(n, room));
    SmtpEvent event = event_now(SMTP_EVENT_BYTES);
    event.bytes.data = data;
    event.bytes.n = n;
    turn(session, &event);
}

static void on_sent(gpointer user)
{
    CRASH_POINT("bytes_left"); /* a mail's end among them */
    SmtpEvent event = event_now(SMTP_EVENT_SENT);
    turn(user, &event);
}

static void on_deadline(gpointer user)
{
    SmtpEvent event = event_now(SMTP_EVENT_DEADLINE);
    turn(user, &event);
}

static void on_lost(const NetFailure *failure, gpointer user)
{
    Session *session = user;
    session->sys = g_strdup(failure->sys);
    session->tls_reason = g_strdup(failure->tls_reason);
    session->certificate = g_strdup(failure->certificate_name);
    session->verify = failure->verify_code;
    session->family = failure->family;
    session->lost_in_handshake = failure->in_handshake;
    if (failure->certificate != NULL && session->events.tls != NULL)
        session->events.tls(failure->certificate, session->user);
    SmtpEvent event = event_now(SMTP_EVENT_LOST);
    turn(session, &event);
}

static const NetStreamEvents stream_events = {
    .tls_up = on_tls_up,
    .bytes = on_bytes,
    .sent = on_sent,
    .deadline = on_deadline,
    .lost = on_lost,
};

/* --- Dialling -----------------------------------------------------------------------------------
 */

static void on_resolved(const char *const *addresses, gboolean all_public, gpointer user)
{
    g_autofree char *list = all_public ? g_strjoinv(", ", (char **)(guintptr)addresses) : NULL;
    climbed(user, RUNG_DNS, list);
}

static void on_attempt_failed(const char *address, const char *sys, gpointer user)
{
    Session *session = user;
    const char *separator = session->attempts->len > 0 ? ", " : "";
    g_string_append_printf(session->attempts, "%s%s: %s", separator, address, sys);
}

static void on_connected(NetStream *stream, const char *address, gboolean is_public, gpointer user)
{
    Session *session = user;
    session->dial = NULL;
    session->stream = stream;
    session->peer_is_public = is_public;
    session->family = net_stream_peer(stream)->sa_family;
    net_stream_set_events(stream, &stream_events, session);
    g_autofree char *detail = session->attempts->len == 0
                                  ? g_strdup(address)
                                  : g_strdup_printf("%s (%s)", address, session->attempts->str);
    climbed(session, RUNG_CONNECT, detail);
    SmtpEvent event = event_now(SMTP_EVENT_CONNECTED);
    turn(session, &event);
}

static void on_dial_failed(const char *phase, const char *sys, int family, gpointer user)
{
    Session *session = user;
    session->dial = NULL;
    /* A name that leads inside is somebody's mistake or attack; an inner address that was typed is
     * a wish only the operator can grant. */
    gboolean was_typed =
        g_hostname_is_ip_address(session->host) || strcmp(session->host, "localhost") == 0;
    if (was_typed && g_strcmp0(sys, "PRIVATE_ADDRESS") == 0)
        sys = "FORBIDDEN_ADDRESS";
    SessionFailure failure = {
        .rung = strcmp(phase, "dns") == 0 ? RUNG_DNS : RUNG_CONNECT,
        .input = {.phase = phase,
            .sys = sys,
            .host = session->host,
            .port = session->port,
            .family = family_name(family)},
    };
    session->is_in_turn = TRUE;
    end(session, &failure);
    turn_end(session);
}

static const NetDialEvents dial_events = {
    .resolved = on_resolved,
    .attempt_failed = on_attempt_failed,
    .connected = on_connected,
    .failed = on_dial_failed,
};

static void dial(Session *session)
{
    session->core.bearer_token = session->token;
    session->client = smtp_client_new(&session->core);
    session->dial = net_dial(session->dialer, session->host, session->port, &dial_events, session);
}

/* --- The token ----------------------------------------------------------------------------------
 */

static void on_token(Session *session, const BearerAnswer *answer)
{
    gint64 minutes = answer->left_ms / CLOCK_MINUTE_MS;
    session->token = secret_copy(answer->token);
    session->token_number = answer->number;
    session->token_age_ms = answer->age_ms;
    g_autofree char *detail = g_strdup_printf("%s, %s%s%" G_GINT64_FORMAT " min",
        answer->server != NULL ? answer->server : session->host,
        answer->scope != NULL ? answer->scope : "", answer->scope != NULL ? ", " : "", minutes);
    climbed(session, RUNG_TOKEN, detail);
    dial(session);
}

static void on_no_token(Session *session, const BearerAnswer *answer)
{
    const SessionFailure failure = {
        .rung = RUNG_TOKEN,
        .is_no_verdict = answer->end == BEARER_UNREACHABLE,
        .input = {.phase = "token",
            .host = answer->server,
            .code = answer->code,
            .text = answer->text,
            .sys = answer->sys,
            .by_token = TRUE},
        .text_may_be_shown = TRUE, /* TLS was verified, or there is no text */
    };
    end(session, &failure);
}

static void on_bearer(const BearerAnswer *answer, gpointer user)
{
    Session *session = user;
    session->asked = NULL;
    session->is_in_turn = TRUE;
    if (answer->end == BEARER_GIVEN)
        on_token(session, answer);
    else
        on_no_token(session, answer);
    turn_end(session);
}

static void ask_for_token(Session *session, guint64 newer_than)
{
    session->asked = bearer_get(
        session->bearer, session->org_id, session->settings, newer_than, on_bearer, session);
}

/* --- Life ---------------------------------------------------------------------------------------
 */

static SmtpClientConfig core_config(
    const Session *session, const SessionConfig *config, gboolean wants_lines)
{
    return (SmtpClientConfig){
        .security = config->security,
        .ehlo_name = session->ehlo_name,
        .username = session->username,
        .password = session->password,
        .host = session->host,
        .port = session->port,
        .allowed_mechanisms = config->stops_before_login ? 0 : MECHANISMS,
        .deadlines = config->deadlines,
        .pace = config->pace,
        .window = config->window,
        .is_proven = config->is_proven,
        .wants_lines = wants_lines,
    };
}

Session *session_open(const SessionConfig *config, const SessionEvents *events, gpointer user)
{
    g_assert(config->host != NULL && config->host[0] != '\0');
    Session *session = g_new0(Session, 1);
    session->events = *events;
    session->user = user;
    session->host = g_strdup(config->host);
    session->port = config->port;
    session->username = g_strdup(config->username);
    session->ehlo_name = g_strdup(config->ehlo_name);
    session->password = secret_copy(config->password);
    session->dialer = config->dialer;
    session->tls = config->tls;
    session->attempts = g_string_new(NULL);
    session->first_words = g_string_new(NULL);
    session->later = later_new(config->dialer->context, on_later, session);
    session->out = g_byte_array_sized_new(LIMIT_SEND_CHUNK_BYTES); /* as in smtp/client.c */
    session->core = core_config(session, config, events->line != NULL);
    if (config->bearer == NULL || config->stops_before_login) {
        dial(session);
        return session;
    }
    session->bearer = config->bearer;
    session->org_id = config->org_id;
    session->settings = settings_copy(config->settings);
    ask_for_token(session, config->wants_fresh_token ? BEARER_FRESH : BEARER_ANY);
    return session;
}

void session_free(Session *session)
{
    if (session == NULL)
        return;
    g_clear_pointer(&session->asked, bearer_cancel);
    if (session->dial != NULL)
        net_dial_cancel(session->dial);
    session->dial = NULL;
    g_clear_pointer(&session->stream, net_stream_free);
    g_clear_pointer(&session->later, later_free);
    session->is_freed = TRUE;
    if (!session->is_in_turn)
        release(session);
}

guint session_room(const Session *session)
{
    return session->room;
}

gboolean session_is_ready(const Session *session)
{
    return session->is_ready;
}

void session_send(Session *session, const SmtpMail *mail)
{
    SmtpEvent event = event_now(SMTP_EVENT_MAIL);
    event.mail = mail;
    step(session, &event);
}

void session_mark(Session *session, const guint64 *tokens, guint n)
{
    SmtpEvent event = event_now(SMTP_EVENT_MARKED);
    event.tokens = tokens;
    event.n_tokens = n;
    step(session, &event);
}

void session_withdraw(Session *session, guint64 token)
{
    SmtpEvent event = event_now(SMTP_EVENT_WITHDRAW);
    event.token = token;
    step(session, &event);
}

void session_quit(Session *session)
{
    if (!session->is_ready) /* a refused RSET has made it leave already */
        return;
    SmtpEvent event = event_now(SMTP_EVENT_QUIT);
    step(session, &event);
}

gboolean session_is_held(const Session *session, guint64 token)
{
    return smtp_client_is_held(session->client, token);
}

void session_break_off(Session *session)
{
    g_assert(session->stream != NULL && !session->is_in_turn);
    session->sys = g_strdup("EOF");
    SmtpEvent event = event_now(SMTP_EVENT_LOST);
    turn(session, &event);
}

const SmtpCapabilities *session_capabilities(const Session *session)
{
    return session->stream == NULL ? NULL : smtp_client_capabilities(session->client);
}

const char *session_auth_mechanism(const Session *session)
{
    return session->client == NULL ? NULL : smtp_client_auth_mechanism(session->client);
}

SmtpPace session_pace(const Session *session)
{
    return smtp_client_pace(session->client);
}
