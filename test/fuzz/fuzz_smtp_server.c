/* A server session under any client, any verdicts and any cut. In every step: what it says are
 * well-formed replies; it asks about a login only through TLS, about a mail only after a login,
 * about a message only with a sender and accepted recipients, and its content can be passed on as
 * it is. */
#include "base/text.h"
#include "smtp/body.h"
#include "smtp/client.h"
#include "smtp/server.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines that lead somewhere, so that the fuzzer does not have to spell them. */
static const char *const lines[] = {
    "EHLO c\r\n",
    "STARTTLS\r\n",
    "AUTH PLAIN AGFubmEAcHc=\r\n",
    "AUTH LOGIN\r\n",
    "YW5uYQ==\r\n",
    "MAIL FROM:<a@b.example> SIZE=10\r\n",
    "MAIL FROM:<>\r\n",
    "RCPT TO:<c@d.example>\r\n",
    "DATA\r\n",
    "hello\r\n..\r\n",
    ".\r\n",
    "RSET\r\n",
    "NOOP\r\n",
    "QUIT\r\n",
    "x\n.\n",
    "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nhi\r\n.\r\n",
};

/* And those of the extensions. */
static const char *const extended[] = {
    "MAIL FROM:<j\xc3\xbcrgen@b.example> SMTPUTF8 BODY=8BITMIME\r\n",
    "MAIL FROM:<a@b.example> RET=HDRS ENVID=a+2Bb\r\n",
    "RCPT TO:<gr\xc3\xbc\xc3\x9f@d.example> NOTIFY=SUCCESS,DELAY\r\n",
    "RCPT TO:<c@d.example> ORCPT=rfc822;c+40d NOTIFY=NEVER\r\n",
    "RCPT TO:<c@d.example> ORCPT=utf-8;\xc3\xbc@d.example\r\n",
    "MAIL FROM:<a@b.example> ENVID=",
    "RCPT TO:<c@d.example> ORCPT=",
    "BDAT 6 LAST\r\nQUIT\r\n",
    "BDAT 3\r\na\r\n",
    "BDAT 0 LAST\r\n",
    "BDAT 2\r\nx\r",
    "BDAT 1 LAST\r\n\n",
    "BDAT 201\r\n",
    "BDAT 18446744073709551615 LAST\r\n",
    "BDAT ",
    "RSET\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 4 LAST\r\nhi\r\n",
};

/* And those of OAuth2. */
static const char *const bearer[] = {
    "AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHRrAQE=\r\n",
    "AUTH XOAUTH2\r\n",
    "AUTH OAUTHBEARER\r\n",
    "dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHRrAQE=\r\n",
    "bixhPWFubmEsAWhvc3Q9bXgBcG9ydD01ODcBYXV0aD1CZWFyZXIgdGsBAQ==\r\n",
    "\r\n",
    "AQ==\r\n",
    "*\r\n",
};

typedef struct {
    const uint8_t *data;
    size_t n;
    SmtpServer *server;
    SmtpReplyReader *reader;
    MonoMs now, deadline;
    gboolean tls_is_up, wants_tls, is_logged_in, is_closed;
    SmtpAsk asked;
    guint n_recipients;
} Play;

static uint8_t take(Play *play)
{
    if (play->n == 0)
        return 0;
    play->n--;
    return *play->data++;
}

static void check_replies(Play *play, const GByteArray *send)
{
    for (gsize at = 0; at < send->len;) {
        g_autoptr(SmtpReply) reply = NULL;
        gsize used = 0;
        SmtpReadResult result =
            smtp_reply_reader_feed(play->reader, send->data + at, send->len - at, &used, &reply);
        g_assert(result == SMTP_READ_REPLY); /* and nothing is left over between steps */
        at += used;
    }
}

/* One line of printable text, beyond ASCII only with SMTPUTF8: fit to be handed on. */
static void check_word(const char *word, gboolean smtputf8)
{
    g_assert(word == NULL || text_is_one_line(word, FALSE));
    g_assert(word == NULL || smtputf8 || g_str_is_ascii(word));
}

static void check_words(const SmtpServerEffects *effects)
{
    check_word(effects->sender, effects->smtputf8);
    check_word(effects->recipient, effects->smtputf8);
    check_word(effects->envelope_id, FALSE);
    check_word(effects->original_recipient, effects->smtputf8);
    g_assert(effects->notify <= 15);
    g_assert((effects->notify & SMTP_NOTIFY_NEVER) == 0 || effects->notify == SMTP_NOTIFY_NEVER);
}

static void check_ask(Play *play, const SmtpServerEffects *effects)
{
    switch (effects->ask) {
    case SMTP_ASK_NOTHING:
        return;
    case SMTP_ASK_LOGIN:
        g_assert(play->tls_is_up && !play->is_logged_in);
        g_assert(effects->username[0] != '\0');
        g_assert((effects->password == NULL) != (effects->bearer_token == NULL));
        g_assert(!secret_is_empty(
            effects->password != NULL ? effects->password : effects->bearer_token));
        break;
    case SMTP_ASK_SENDER:
        g_assert(play->is_logged_in && effects->sender != NULL);
        play->n_recipients = 0;
        break;
    case SMTP_ASK_RECIPIENT:
        g_assert(play->is_logged_in && effects->recipient[0] != '\0');
        break;
    case SMTP_ASK_DATA:
        g_assert(play->is_logged_in && play->n_recipients > 0);
        break;
    case SMTP_ASK_MESSAGE:
        g_assert(play->is_logged_in && effects->sender != NULL);
        g_assert(g_strv_length((char **)effects->recipients) == play->n_recipients);
        g_assert(smtp_body_is_sendable(effects->content));
        g_assert(g_bytes_get_size(effects->content) <= 200);
        break;
    }
    check_words(effects);
    g_assert(play->asked == SMTP_ASK_NOTHING);
    play->asked = effects->ask;
}

static void step(Play *play, SmtpServerEvent event)
{
    event.now = ++play->now;
    const SmtpServerEffects *effects = smtp_server_step(play->server, &event);
    g_assert(!play->is_closed || effects->send->len == 0);
    check_replies(play, effects->send);
    check_ask(play, effects);
    play->wants_tls = play->wants_tls || effects->start_tls;
    play->is_closed = play->is_closed || effects->close;
    play->deadline = effects->deadline;
}

static void give_verdict(Play *play)
{
    static const int codes[] = {0, 0, 0, 250, 451, 535, 554, 0};
    if (play->asked == SMTP_ASK_NOTHING)
        return;
    uint8_t kind = take(play);
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_VERDICT};
    event.verdict.code = codes[kind & 7];
    event.verdict.close = (kind & 0xf8) == 0xf8;
    event.verdict.drop = (kind & 0xf8) == 0xf0;
    event.verdict.challenge = kind & 32 ? "{\"status\":\"401\"}" : NULL;
    event.verdict.text = kind & 16 ? "words\r\nand \xff" : NULL;
    SmtpAsk asked = play->asked;
    play->asked = SMTP_ASK_NOTHING;
    gboolean is_yes = event.verdict.code == 0 || event.verdict.code == 250;
    if (asked == SMTP_ASK_LOGIN)
        play->is_logged_in = is_yes;
    if (asked == SMTP_ASK_RECIPIENT && is_yes)
        play->n_recipients++;
    step(play, event);
}

static void give_bytes(Play *play, const void *bytes, size_t n, size_t cut)
{
    for (size_t at = 0; at < n && !play->wants_tls; at += cut) {
        SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_BYTES};
        event.bytes.data = (const guint8 *)bytes + at;
        event.bytes.n = MIN(cut, n - at);
        step(play, event);
    }
}

static void play_one(Play *play)
{
    uint8_t what = take(play);
    if (play->wants_tls) {
        play->tls_is_up = TRUE;
        play->wants_tls = FALSE;
        step(play, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_TLS_UP});
    }
    switch (what >> 5) {
    case 0:
        give_verdict(play);
        break;
    case 1:
        if (play->deadline != 0 && (what & 31) == 0)
            play->now = play->deadline;
        step(play, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_DEADLINE});
        break;
    case 2: {
        size_t n = MIN(what & 31u, play->n);
        give_bytes(play, play->data, n, 1 + n / 2);
        play->data += n;
        play->n -= n;
        break;
    }
    case 7: {
        const char *line = bearer[what & 7];
        give_bytes(play, line, strlen(line), what & 16 ? 3 : 1000);
        break;
    }
    default: {
        const char *line = what >> 5 == 3 ? lines[what & 15] : extended[what & 15];
        give_bytes(play, line, strlen(line), what & 16 ? 3 : 1000);
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
    const SmtpServerConfig config = {.security = setup & 1 ? TLS_MODE_IMPLICIT : TLS_MODE_STARTTLS,
        .host_name = "mx.example",
        .size_max = 200,
        .recipients_max = 3,
        .auth_mechanisms =
            SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN | SMTP_AUTH_XOAUTH2 | SMTP_AUTH_OAUTHBEARER,
        .pipelining = TRUE,
        .eightbitmime = TRUE,
        .chunking = TRUE,
        .smtputf8 = TRUE,
        .dsn = TRUE,
        .offer_starttls = TRUE};
    play.server = smtp_server_new(&config);
    play.reader = smtp_reply_reader_new();
    step(&play, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_CONNECTED});
    while (play.n > 0 && !play.is_closed)
        play_one(&play);
    step(&play, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_LOST});
    smtp_server_free(play.server);
    smtp_reply_reader_free(play.reader);
    return 0;
}
