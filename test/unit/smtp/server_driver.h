/* A driver of a server session: answers every ask from a short list of rules, at once or only when
 * all input has been given, and writes down what it was asked ("LOGIN anna secret", "SENDER a@b",
 * "MESSAGE a@b c@d 12"). */
#pragma once

#include "base/limits.h"
#include "smtp/client.h"
#include "smtp/server.h"

#include <string.h>

typedef struct {
    SmtpServer *server;
    GString *replies, *asked;
    GPtrArray *messages; /* of GBytes: the contents it was asked about */
    gboolean start_tls, closed;
    MonoMs now, deadline;
    gboolean is_late;       /* verdicts come behind the input */
    SmtpServerEffects open; /* the ask without a verdict; ask NOTHING: there is none */
} Driver;

static inline SmtpServerConfig usual_config(void)
{
    return (SmtpServerConfig){.security = TLS_MODE_STARTTLS,
        .host_name = "mx.example",
        .size_max = 1000,
        .recipients_max = 3,
        .auth_mechanisms =
            SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN | SMTP_AUTH_XOAUTH2 | SMTP_AUTH_OAUTHBEARER,
        .pipelining = TRUE,
        .eightbitmime = TRUE,
        .chunking = TRUE,
        .smtputf8 = TRUE,
        .dsn = TRUE,
        .offer_starttls = TRUE};
}

/* The password is "pw", the token "tk"; about the token "why" there is more to say. */
static inline void judge_login(const SmtpServerEffects *effects, SmtpServerEvent *event)
{
    const Secret *token = effects->bearer_token;
    assert_true((token == NULL) != (effects->password == NULL));
    const char *said = secret_reveal(token == NULL ? effects->password : token, NULL);
    if (strcmp(said, token == NULL ? "pw" : "tk") != 0)
        event->verdict.code = 535;
    if (strcmp(said, "why") == 0)
        event->verdict.challenge = "{\"status\":\"401\"}";
}

static inline SmtpServerEvent verdict_on(const Driver *driver, const SmtpServerEffects *effects)
{
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_VERDICT, .now = driver->now};
    const char *about = effects->recipient != NULL ? effects->recipient : effects->sender;
    if (effects->ask == SMTP_ASK_LOGIN)
        judge_login(effects, &event);
    else if (about != NULL && g_str_has_prefix(about, "refuse@"))
        event.verdict.code = 550;
    else if (about != NULL && g_str_has_prefix(about, "forward@"))
        event.verdict.code = 251;
    else if (about != NULL && g_str_has_prefix(about, "drop@"))
        event.verdict.drop = TRUE;
    else if (about != NULL && g_str_has_prefix(about, "close@"))
        event.verdict.close = TRUE;
    else if (about != NULL && g_str_has_prefix(about, "words@")) {
        event.verdict.code = 450;
        event.verdict.enhanced = "4.7.1";
        event.verdict.text = "one\r\ntwo \xc3\xbc";
    } else if (about != NULL && g_str_has_prefix(about, "nodata@") && effects->ask == SMTP_ASK_DATA)
        event.verdict.code = 451;
    else if (about != NULL && g_str_has_prefix(about, "spam@") && effects->ask == SMTP_ASK_MESSAGE)
        event.verdict.code = 554;
    return event;
}

/* What DSN and SMTPUTF8 said, if they said anything. */
static inline void note_parameters(Driver *driver, const SmtpServerEffects *effects)
{
    static const char *const returns[] = {
        [SMTP_RETURN_UNSAID] = "", [SMTP_RETURN_FULL] = " FULL", [SMTP_RETURN_HEADERS] = " HDRS"};
    g_string_append_printf(
        driver->asked, "%s%s", effects->smtputf8 ? " UTF8" : "", returns[effects->return_content]);
    if (effects->envelope_id != NULL)
        g_string_append_printf(driver->asked, " [%s]", effects->envelope_id);
    if (effects->notify != 0)
        g_string_append_printf(driver->asked, " notify %x", effects->notify);
    if (effects->original_recipient != NULL)
        g_string_append_printf(driver->asked, " (%s)", effects->original_recipient);
    g_string_append_c(driver->asked, '\n');
}

static inline void note_ask(Driver *driver, const SmtpServerEffects *effects)
{
    switch (effects->ask) {
    case SMTP_ASK_NOTHING:
        break;
    case SMTP_ASK_LOGIN:
        g_string_append_printf(driver->asked, "%s %s %s\n",
            effects->password != NULL ? "LOGIN" : "TOKEN", effects->username,
            secret_reveal(
                effects->password != NULL ? effects->password : effects->bearer_token, NULL));
        break;
    case SMTP_ASK_SENDER:
        g_string_append_printf(driver->asked, "SENDER %s", effects->sender);
        note_parameters(driver, effects);
        break;
    case SMTP_ASK_RECIPIENT:
        g_string_append_printf(driver->asked, "RECIPIENT %s", effects->recipient);
        note_parameters(driver, effects);
        break;
    case SMTP_ASK_DATA:
        g_string_append(driver->asked, "DATA\n");
        break;
    case SMTP_ASK_MESSAGE: {
        g_autofree char *recipients = g_strjoinv(" ", (char **)effects->recipients);
        g_string_append_printf(driver->asked, "MESSAGE %s %s %" G_GSIZE_FORMAT, effects->sender,
            recipients, g_bytes_get_size(effects->content));
        note_parameters(driver, effects);
        g_ptr_array_add(driver->messages, g_bytes_ref(effects->content));
        break;
    }
    }
}

static inline void step(Driver *driver, SmtpServerEvent event)
{
    event.now = driver->now;
    for (;;) {
        const SmtpServerEffects *effects = smtp_server_step(driver->server, &event);
        g_string_append_len(
            driver->replies, (const char *)effects->send->data, (gssize)effects->send->len);
        driver->start_tls = effects->start_tls;
        driver->closed = driver->closed || effects->close;
        driver->deadline = effects->deadline;
        note_ask(driver, effects);
        if (effects->ask == SMTP_ASK_NOTHING)
            return;
        driver->open = *effects;
        if (driver->is_late)
            return;
        event = verdict_on(driver, &driver->open);
        driver->open.ask = SMTP_ASK_NOTHING;
    }
}

/* The verdicts of a late driver, each of which may let the session ask again. */
static inline void give_verdicts(Driver *driver)
{
    while (driver->open.ask != SMTP_ASK_NOTHING) {
        SmtpServerEvent event = verdict_on(driver, &driver->open);
        driver->open.ask = SMTP_ASK_NOTHING;
        step(driver, event);
    }
}

static inline Driver *driver_new(const SmtpServerConfig *config)
{
    Driver *driver = g_new0(Driver, 1);
    driver->server = smtp_server_new(config);
    driver->replies = g_string_new(NULL);
    driver->asked = g_string_new(NULL);
    driver->messages = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    driver->now = 1000;
    step(driver, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_CONNECTED});
    return driver;
}

static inline void driver_free(Driver *driver)
{
    smtp_server_free(driver->server);
    g_string_free(driver->replies, TRUE);
    g_string_free(driver->asked, TRUE);
    g_ptr_array_unref(driver->messages);
    g_free(driver);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Driver, driver_free)

static inline void give(Driver *driver, const char *data, gsize n)
{
    g_autofree guint8 *piece = g_memdup2(data, n);
    if (n > 0)
        step(driver, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_BYTES, .bytes = {piece, n}});
}

/* Text in two pieces. */
static inline void say(Driver *driver, const char *text, gsize cut)
{
    gsize n = strlen(text);
    cut = MIN(cut, n);
    give(driver, text, cut);
    give(driver, text + cut, n - cut);
    give_verdicts(driver);
}

/* The first three octets of each reply's last line. */
static inline char *codes(const Driver *driver)
{
    g_auto(GStrv) lines = g_strsplit(driver->replies->str, "\r\n", -1);
    GString *out = g_string_new(NULL);
    for (char **line = lines; *line != NULL; line++) {
        assert_null(strpbrk(*line, "\r\n"));
        if (strlen(*line) > 3 && (*line)[3] == ' ')
            g_string_append_printf(out, "%s%.3s", out->len > 0 ? " " : "", *line);
    }
    return g_string_free(out, FALSE);
}

/* Through TLS and, if wanted, logged in; the replies so far forgotten. */
static inline Driver *driver_inside(const SmtpServerConfig *config, gboolean logged_in)
{
    Driver *driver = driver_new(config);
    say(driver, "EHLO c\r\n", 0);
    say(driver, "STARTTLS\r\n", 0);
    assert_true(driver->start_tls);
    step(driver, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_TLS_UP});
    say(driver, "EHLO c\r\n", 0);
    if (logged_in)
        say(driver, "AUTH PLAIN AGFubmEAcHc=\r\n", 0);
    g_string_truncate(driver->replies, 0);
    g_string_truncate(driver->asked, 0);
    return driver;
}

typedef struct {
    const char *name, *input, *codes, *asked;
    gboolean closes;
} Dialogue;

static inline void check_dialogue(const Dialogue *dialogue, Driver *driver, gsize cut)
{
    g_autofree char *seen = codes(driver);
    if (strcmp(seen, dialogue->codes) != 0)
        fail_msg("%s, cut %zu: %s", dialogue->name, cut, seen);
    if (dialogue->asked != NULL && strcmp(driver->asked->str, dialogue->asked) != 0)
        fail_msg("%s, cut %zu: asked %s", dialogue->name, cut, driver->asked->str);
    if (driver->closed != dialogue->closes)
        fail_msg("%s, cut %zu: closed %d", dialogue->name, cut, driver->closed);
}

/* Every dialogue with its input cut at every place, and the verdicts at once or behind it all. */
static inline void hold(const Dialogue *dialogues, gsize n, Driver *(*start)(void))
{
    for (gsize i = 0; i < n; i++) {
        for (gsize cut = 0; cut < 2 * strlen(dialogues[i].input); cut++) {
            g_autoptr(Driver) driver = start();
            driver->is_late = cut % 2 == 1;
            say(driver, dialogues[i].input, cut / 2);
            check_dialogue(&dialogues[i], driver, cut / 2);
        }
    }
}

static inline Driver *start_plain(void)
{
    SmtpServerConfig config = usual_config();
    Driver *driver = driver_new(&config);
    g_string_truncate(driver->replies, 0);
    return driver;
}

static inline Driver *start_tls(void)
{
    SmtpServerConfig config = usual_config();
    return driver_inside(&config, FALSE);
}

static inline Driver *start_logged_in(void)
{
    SmtpServerConfig config = usual_config();
    return driver_inside(&config, TRUE);
}
