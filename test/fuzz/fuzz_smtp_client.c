/* A client session under any server, any driver, any pace and any cut. In every step: no credential
 * leaves before TLS or unmarked or in a line to show; every line ends with CRLF; each recipient has
 * exactly one outcome when the session ends, or none if the mail was taken back; ACCEPTED only by a
 * 2yz after an end that the store had marked; UNCERTAIN only after such an end. */
#include "base/limits.h"
#include "smtp/client.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char password[] = "pA55w0rd";
static const char access_token[] = "t0k3n-t0k3n";
static const char *const credentials[] = {password,
    "AGFubmEAcEE1NXcwcmQ=", "cEE1NXcwcmQ=", access_token, "dDBrM24tdDBrM2", "QwazNuLXQwazNu",
    "0MGszbi10MGsz"}; /* at each third octet */

/* Replies that lead somewhere, so that the fuzzer does not have to spell them. */
static const char *const replies[] = {
    "220 hi\r\n",
    "250-mx\r\n250-STARTTLS\r\n250-PIPELINING\r\n250-SIZE 500\r\n250 AUTH PLAIN\r\n",
    "250-mx\r\n250-STARTTLS\r\n250 AUTH LOGIN SCRAM-SHA-256\r\n",
    "250 ok\r\n",
    "334 \r\n",
    "334 VXNlcm5hbWU6\r\n",
    "235 2.7.0 in\r\n",
    "354 go\r\n",
    "451 4.3.0 later\r\n",
    "550 5.1.1 no\r\n",
    "421 4.3.2 bye\r\n",
    "552 too much\r\n",
    "501 cancelled\r\n",
    "220-",
    "25",
    "250 ok\r\n250 ok\r\n354 go\r\n",
    "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-8BITMIME\r\n250-DSN\r\n250 AUTH PLAIN\r\n",
    "250 rs\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 taken\r\n",
    "250 taken\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n",
    "503 sequence\r\n",
    "250-mx\r\n250-PIPELINING\r\n250 AUTH XOAUTH2\r\n",
    "250-mx\r\n250 AUTH PLAIN OAUTHBEARER\r\n",
    "334 eyJzdGF0dXMiOiI0MDEifQ==\r\n",
    "334 dDBrM24tdDBrM24=\r\n",
    "535 5.7.8 no\r\n",
};

enum { N_MAILS = 8, N_RECIPIENTS = 2 };

typedef struct {
    const uint8_t *data;
    size_t n;
    SmtpClient *client;
    MonoMs now, deadline;
    gboolean tls_is_up, wants_tls, wants_sasl, is_ready, is_closed;
    guint room;
    guint n_given;
    guint8 n_outcomes[N_MAILS][N_RECIPIENTS];
    guint8 n_expected[N_MAILS];
    gboolean is_probe[N_MAILS], is_begun[N_MAILS], is_marked[N_MAILS], is_withdrawn[N_MAILS];
    guint8 last; /* octet sent */
} Play;

static uint8_t take(Play *play)
{
    if (play->n == 0)
        return 0;
    play->n--;
    return *play->data++;
}

static void check_outcome(Play *play, const SmtpOutcome *outcome)
{
    g_assert(outcome->token < play->n_given);
    g_assert(outcome->recipient < play->n_expected[outcome->token]);
    g_assert(play->n_outcomes[outcome->token][outcome->recipient]++ == 0);
    g_assert(!play->is_withdrawn[outcome->token] || play->is_marked[outcome->token]);
    if (outcome->kind == SMTP_OUTCOME_ACCEPTED) {
        g_assert(outcome->reply != NULL && outcome->reply->code / 100 == 2);
        g_assert(outcome->fault == SMTP_FAULT_NONE);
        g_assert(play->is_probe[outcome->token] ||
                 (outcome->phase == SMTP_PHASE_AFTER_DATA && play->is_marked[outcome->token]));
    }
    if (outcome->kind == SMTP_OUTCOME_UNCERTAIN)
        g_assert(outcome->phase == SMTP_PHASE_AFTER_DATA && play->is_marked[outcome->token] &&
                 outcome->reply == NULL);
    if (outcome->kind == SMTP_OUTCOME_REJECTED)
        g_assert(outcome->reply != NULL && outcome->reply->code / 100 == 5);
}

static void check_send(Play *play, const SmtpClientEffects *effects)
{
    const GByteArray *send = effects->send;
    g_autofree char *text = g_strndup((const char *)send->data, send->len);
    g_assert(!play->is_closed || send->len == 0);
    g_assert(play->tls_is_up || !effects->send_is_secret);
    g_assert(play->tls_is_up || send->len == 0 || g_str_has_prefix(text, "EHLO ") ||
             strcmp(text, "STARTTLS\r\n") == 0);
    for (gsize i = 0; i < G_N_ELEMENTS(credentials) && !effects->send_is_secret; i++)
        g_assert(strstr(text, credentials[i]) == NULL);
    for (guint i = 0; i < send->len; i++) {
        g_assert(send->data[i] != '\n' || play->last == '\r');
        play->last = send->data[i];
    }
}

static void step(Play *play, SmtpEvent event)
{
    event.now = ++play->now;
    const SmtpClientEffects *effects = smtp_client_step(play->client, &event);
    check_send(play, effects);
    for (guint i = 0; i < effects->n_outcomes; i++)
        check_outcome(play, &effects->outcomes[i]);
    for (guint i = 0; i < effects->n_lines; i++) {
        for (gsize k = 0; k < G_N_ELEMENTS(credentials); k++)
            g_assert(!effects->lines[i].from_client ||
                     strstr(effects->lines[i].text, credentials[k]) == NULL);
        g_assert(strpbrk(effects->lines[i].text, "\r\n\x1b") == NULL);
    }
    g_assert(!(effects->close && effects->send->len > 0));
    play->wants_tls = effects->start_tls;
    play->wants_sasl = effects->want_sasl;
    play->is_ready = effects->ready;
    play->room = effects->room;
    g_assert(effects->room <= LIMIT_WINDOW);
    for (guint i = 0; i < effects->n_begun; i++) {
        g_assert(effects->begun[i] < play->n_given && !play->is_begun[effects->begun[i]]);
        play->is_begun[effects->begun[i]] = TRUE;
    }
    play->is_closed = play->is_closed || effects->close;
    play->deadline = effects->deadline;
    g_assert(play->is_closed || play->deadline == 0 || play->deadline > play->now - 1);
}

/* What is kept of a challenge shows nothing of the token; with a token no password was sent. */
static void check_failure(const Play *play, uint8_t setup)
{
    const SmtpFailure *failure = smtp_client_failure(play->client);
    const char *mechanism = smtp_client_auth_mechanism(play->client);
    gboolean is_bearer = mechanism != NULL && (strcmp(mechanism, "XOAUTH2") == 0 ||
                                                  strcmp(mechanism, "OAUTHBEARER") == 0);
    g_assert(mechanism == NULL || is_bearer == ((setup & 16) != 0));
    if (failure == NULL || failure->challenge == NULL)
        return;
    g_assert(is_bearer && strstr(failure->challenge, access_token) == NULL);
    g_assert(g_utf8_validate(failure->challenge, -1, NULL));
    g_assert(g_utf8_strlen(failure->challenge, -1) <= LIMIT_CHALLENGE_CHARACTERS + 1);
}

/* A message may hold what looks like a credential (the fuzzer finds them); that is no leak. */
static gboolean holds_credential(const uint8_t *data, size_t n)
{
    for (gsize i = 0; i < G_N_ELEMENTS(credentials); i++) {
        if (g_strstr_len((const char *)data, (gssize)n, credentials[i]) != NULL)
            return TRUE;
    }
    return FALSE;
}

static void give_mail(Play *play)
{
    static const char *const recipients[] = {"bob@example.net", "eve@example.net", NULL};
    static const char *const odd[] = {"x>y@example.net", "eve@example.net", NULL};
    if (play->room == 0 || play->n_given == N_MAILS || holds_credential(play->data, play->n))
        return;
    uint8_t kind = take(play);
    if (!play->is_ready && (kind & 3) < 2)
        kind |= 2; /* a probe goes alone */
    guint token = play->n_given++;
    gboolean is_sender_only = (kind & 3) == 1;
    play->is_probe[token] = (kind & 3) == 0 || is_sender_only;
    play->n_expected[token] = is_sender_only ? 1 : N_RECIPIENTS;
    gsize n = take(play);
    n = MIN(n, play->n);
    g_autoptr(GBytes) content = play->is_probe[token] ? NULL : g_bytes_new(play->data, n);
    play->data += n;
    play->n -= n;
    SmtpMail mail = {.token = token,
        .sender = kind & 4 ? "" : "anna@example.org",
        .recipients = is_sender_only ? NULL
                      : kind & 8     ? odd
                                     : recipients,
        .content = content,
        .needs_eightbitmime = (kind & 16) != 0,
        .needs_smtputf8 = (kind & 32) != 0,
        .return_headers = (kind & 64) != 0,
        .envelope_id = kind & 128 ? "em_1" : NULL};
    step(play, (SmtpEvent){.kind = SMTP_EVENT_MAIL, .mail = &mail});
}

static void give_sasl(Play *play)
{
    static const char *const responses[] = {"", "biws", "not base64", "cEE1NXcwcmQ="};
    if (!play->wants_sasl)
        return;
    uint8_t kind = take(play);
    const char *text = responses[kind & 3];
    g_autoptr(Secret) response = kind & 4 ? NULL : secret_new(text, strlen(text));
    SmtpEvent event = {.kind = SMTP_EVENT_SASL};
    event.sasl.response = response;
    event.sasl.done = (kind & 8) != 0;
    event.sasl.failed = (kind & 16) != 0;
    step(play, event);
}

/* A mark, sooner or later; or the mail is taken back. */
static void give_mark(Play *play, uint8_t what)
{
    if (play->n_given == 0)
        return;
    guint64 token = (what & 7) % play->n_given;
    if (what & 8) {
        play->is_withdrawn[token] = TRUE;
        step(play, (SmtpEvent){.kind = SMTP_EVENT_WITHDRAW, .token = token});
        return;
    }
    guint64 tokens[] = {token, (token + 1) % play->n_given, 99};
    play->is_marked[tokens[0]] = play->is_marked[tokens[1]] = TRUE;
    step(play, (SmtpEvent){.kind = SMTP_EVENT_MARKED, .tokens = tokens, .n_tokens = 3});
}

static void give_bytes(Play *play, const void *bytes, size_t n, size_t cut)
{
    for (size_t at = 0; at < n; at += cut) {
        SmtpEvent event = {.kind = SMTP_EVENT_BYTES};
        event.bytes.data = (const guint8 *)bytes + at;
        event.bytes.n = MIN(cut, n - at);
        step(play, event);
    }
}

static void play_one(Play *play)
{
    uint8_t what = take(play);
    switch (what >> 4) {
    case 0:
        if (play->wants_tls) {
            play->tls_is_up = TRUE;
            step(play, (SmtpEvent){.kind = SMTP_EVENT_TLS_UP});
        }
        break;
    case 1:
        give_sasl(play);
        break;
    case 2:
        give_mail(play);
        break;
    case 3:
        give_mark(play, what);
        break;
    case 4:
        step(play, (SmtpEvent){.kind = SMTP_EVENT_SENT});
        break;
    case 5:
        if (play->is_ready && (what & 15) == 0)
            step(play, (SmtpEvent){.kind = SMTP_EVENT_QUIT});
        break;
    case 6:
        if (play->deadline != 0 && (what & 15) == 0)
            play->now = play->deadline;
        step(play, (SmtpEvent){.kind = SMTP_EVENT_DEADLINE});
        break;
    case 7: {
        size_t n = MIN(what & 15u, play->n);
        give_bytes(play, play->data, n, 1 + n / 2);
        play->data += n;
        play->n -= n;
        break;
    }
    default: {
        const char *reply = replies[(what & 127) % G_N_ELEMENTS(replies)];
        give_bytes(play, reply, strlen(reply), (what & 127) / G_N_ELEMENTS(replies) & 1 ? 3 : 1000);
    }
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    secret_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Play play = {.data = data, .n = size, .now = 1};
    uint8_t setup = take(&play);
    g_autoptr(Secret) secret = secret_new(password, strlen(password));
    SmtpClientConfig config = {.security = setup & 1 ? TLS_MODE_IMPLICIT : TLS_MODE_STARTTLS,
        .ehlo_name = "client.example",
        .username = "anna",
        .password = secret,
        .allowed_mechanisms = SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN,
        .window = setup >> 6,
        .is_proven = (setup & 4) != 0,
        .pace = setup & 8 ? SMTP_PACE_OVERLAP : 0,
        .wants_lines = TRUE};
    if (setup & 2)
        config.allowed_mechanisms |= SMTP_AUTH_SCRAM_SHA_256;
    g_autoptr(Secret) token = secret_new(access_token, strlen(access_token));
    if (setup & 16) {
        config.allowed_mechanisms |= SMTP_AUTH_XOAUTH2 | SMTP_AUTH_OAUTHBEARER;
        config.bearer_token = token;
        config.host = "mx.example";
        config.port = 587;
    }
    play.client = smtp_client_new(&config);
    step(&play, (SmtpEvent){.kind = SMTP_EVENT_CONNECTED});
    while (play.n > 0 && !play.is_closed)
        play_one(&play);
    step(&play, (SmtpEvent){.kind = SMTP_EVENT_LOST});
    check_failure(&play, setup);
    g_assert(g_strcmp0(smtp_client_state_name(play.client), "closed") == 0);
    for (guint i = 0; i < play.n_given; i++) {
        for (guint k = 0; k < play.n_expected[i]; k++)
            g_assert(play.n_outcomes[i][k] == 1 || play.is_withdrawn[i]);
    }
    smtp_client_free(play.client);
    return 0;
}
