#include "scene/scene.h"

#include "smtp/client.h"

#include <string.h>

static const char username[] = "anna@example.org";
static const char password[] = "Geh-heim 7";
static const char access_token[] = "ya29.Token-Geheim_7";

typedef struct {
    guint64 token;
    guint recipient;
    SmtpOutcomeKind kind;
    SmtpPhase phase;
    int code; /* of the reply that decided; 0: none */
} SeenOutcome;

typedef struct {
    SmtpClient *client;
    const SmtpClientEffects *effects; /* of the last step */
    SmtpClientConfig config;
    Secret *password, *token;
    int cut;
    MonoMs now;
    gboolean tls_is_up, is_stalled, is_closed;
    GString *sent;        /* not yet expected */
    gsize n_secret;       /* of its octets, from the front, were marked secret */
    GHashTable *contents; /* token → GBytes */
    guint64 last_token;
    GString *begun; /* tokens not yet checked, one space behind each */
    gboolean proved;
    GArray *outcomes; /* of SeenOutcome */
    GString *passed;  /* names of the rungs, one space behind each */
    GPtrArray *lines; /* the transcript */
    gboolean wants_sasl, probe_done;
    char *challenge;
    char *error; /* the first thing that went wrong */
} Scene;

G_GNUC_PRINTF(2, 3) static void complain(Scene *scene, const char *format, ...)
{
    if (scene->error != NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    scene->error = g_strdup_vprintf(format, arguments);
    va_end(arguments);
}

/* --- Steps and what every one of them must keep ----------------------------------------------- */

static void check_no_credential(Scene *scene, const char *text)
{
    static const char *const forms[] = {password, "AGFubmFAZXhhbXBsZS5vcmcAR2VoLWhlaW0gNw==",
        "R2VoLWhlaW0gNw==", "YW5uYUBleGFtcGxlLm9yZw==", /* PLAIN, LOGIN twice */
        access_token, "Token-Geheim", "cmVyIHlhMjkuVG9rZW4t",
        "YTI5LlRva2VuLUdlaGVp"}; /* XOAUTH2, OAUTHBEARER */
    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        if (strstr(text, forms[i]) != NULL)
            complain(scene, "a credential is shown: %s", text);
    }
}

static void note_outcomes(Scene *scene)
{
    for (guint i = 0; i < scene->effects->n_outcomes; i++) {
        const SmtpOutcome *outcome = &scene->effects->outcomes[i];
        SeenOutcome seen = {outcome->token, outcome->recipient, outcome->kind, outcome->phase,
            outcome->reply == NULL ? 0 : outcome->reply->code};
        for (guint k = 0; k < scene->outcomes->len; k++) {
            const SeenOutcome *old = &g_array_index(scene->outcomes, SeenOutcome, k);
            if (old->token == seen.token && old->recipient == seen.recipient)
                complain(scene, "recipient %u has two outcomes", seen.recipient);
        }
        g_array_append_val(scene->outcomes, seen);
    }
}

static void note_effects(Scene *scene)
{
    const SmtpClientEffects *effects = scene->effects;
    if (effects->send->len > 0 && scene->is_closed)
        complain(scene, "something is sent after the end");
    if (effects->send_is_secret) {
        if (!scene->tls_is_up)
            complain(scene, "a credential leaves before TLS");
        if (scene->sent->len > 0)
            complain(
                scene, "a credential leaves behind something not expected: %s", scene->sent->str);
        scene->n_secret = effects->send->len;
    } else if (effects->send->len > 0) {
        g_autofree char *text = g_strndup((const char *)effects->send->data, effects->send->len);
        check_no_credential(scene, text);
    }
    g_string_append_len(scene->sent, (const char *)effects->send->data, (gssize)effects->send->len);
    for (guint i = 0; i < effects->n_lines; i++) {
        check_no_credential(scene, effects->lines[i].text);
        g_ptr_array_add(scene->lines, g_strdup(effects->lines[i].text));
    }
    for (guint i = 0; i < effects->n_passed; i++)
        g_string_append_printf(scene->passed, "%s ", smtp_phase_name(effects->passed[i].phase));
    note_outcomes(scene);
    if (effects->want_sasl) {
        scene->wants_sasl = TRUE;
        g_free(scene->challenge);
        scene->challenge = g_strdup(effects->sasl_challenge);
    }
    for (guint i = 0; i < effects->n_begun; i++)
        g_string_append_printf(scene->begun, "%" G_GUINT64_FORMAT " ", effects->begun[i]);
    scene->proved = scene->proved || effects->proved;
    scene->probe_done = effects->probe_done;
    scene->is_closed = scene->is_closed || effects->close;
}

static void step(Scene *scene, SmtpEvent event)
{
    event.now = scene->now;
    scene->effects = smtp_client_step(scene->client, &event);
    note_effects(scene);
    /* A driver that is never behind: what is to be sent is on its way at once. */
    while (scene->effects->send->len > 0 && !scene->is_stalled && scene->error == NULL) {
        SmtpEvent sent = {.kind = SMTP_EVENT_SENT, .now = scene->now};
        scene->effects = smtp_client_step(scene->client, &sent);
        note_effects(scene);
    }
}

static void give_bytes(Scene *scene, const char *text, gsize n)
{
    /* A block of its own size, so that reading beyond it is found. */
    g_autofree guint8 *data = g_memdup2(text, n);
    if (n > 0)
        step(scene, (SmtpEvent){.kind = SMTP_EVENT_BYTES, .bytes = {data, n}});
}

static void say_bytes(Scene *scene, const char *text, gsize n)
{
    if (scene->sent->len > 0) {
        complain(scene, "the client sent something not expected: %s", scene->sent->str);
        return;
    }
    gsize cut = scene->cut == SCENE_WHOLE ? n : MIN(n, (gsize)scene->cut);
    if (scene->cut == SCENE_BYTEWISE) {
        for (gsize i = 0; i < n; i++)
            give_bytes(scene, text + i, 1);
        return;
    }
    give_bytes(scene, text, cut);
    give_bytes(scene, text + cut, n - cut);
}

/* --- Verbs ------------------------------------------------------------------------------------ */

/* "\r \n \0 \\" and nothing else. */
static GString *unescape(const char *text)
{
    GString *out = g_string_new(NULL);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p != '\\' || p[1] == '\0') {
            g_string_append_c(out, *p);
            continue;
        }
        p++;
        g_string_append_c(out, *p == 'r' ? '\r' : *p == 'n' ? '\n' : *p == '0' ? '\0' : *p);
    }
    return out;
}

static void verb_say(Scene *scene, const char *rest)
{
    g_auto(GStrv) lines = g_strsplit(rest, " | ", -1);
    g_autofree char *joined = g_strjoinv("\\r\\n", lines);
    GString *bytes = unescape(joined);
    g_string_append(bytes, "\r\n");
    say_bytes(scene, bytes->str, bytes->len);
    g_string_free(bytes, TRUE);
}

static void verb_raw(Scene *scene, const char *rest)
{
    GString *bytes = unescape(rest);
    say_bytes(scene, bytes->str, bytes->len);
    g_string_free(bytes, TRUE);
}

static void verb_client(Scene *scene, const char *rest)
{
    scene->config.allowed_mechanisms = 0;
    scene->config.bearer_token = NULL;
    g_auto(GStrv) words = g_strsplit(rest, " ", -1);
    for (char **word = words; *word != NULL; word++) {
        if (strcmp(*word, "plain") == 0)
            scene->config.allowed_mechanisms |= SMTP_AUTH_PLAIN;
        else if (strcmp(*word, "login") == 0)
            scene->config.allowed_mechanisms |= SMTP_AUTH_LOGIN;
        else if (strcmp(*word, "scram") == 0)
            scene->config.allowed_mechanisms |= SMTP_AUTH_SCRAM_SHA_256;
        else if (strcmp(*word, "xoauth2") == 0)
            scene->config.allowed_mechanisms |= SMTP_AUTH_XOAUTH2;
        else if (strcmp(*word, "oauthbearer") == 0)
            scene->config.allowed_mechanisms |= SMTP_AUTH_OAUTHBEARER;
        else if (strcmp(*word, "token") == 0)
            scene->config.bearer_token = scene->token;
        else if (g_str_has_prefix(*word, "pace="))
            scene->config.pace = (SmtpPace)g_ascii_strtoull(*word + 5, NULL, 10);
        else if (g_str_has_prefix(*word, "window="))
            scene->config.window = (guint)g_ascii_strtoull(*word + 7, NULL, 10);
        else if (strcmp(*word, "proven") == 0)
            scene->config.is_proven = TRUE;
        else if (!tls_mode_parse(*word, &scene->config.security))
            complain(scene, "no such setting: %s", *word);
    }
}

static void verb_connect(Scene *scene, const char *rest)
{
    scene->client = smtp_client_new(&scene->config);
    step(scene, (SmtpEvent){.kind = SMTP_EVENT_CONNECTED});
}

static void verb_tls(Scene *scene, const char *rest)
{
    if (!scene->effects->start_tls) {
        complain(scene, "TLS was not asked for");
        return;
    }
    scene->tls_is_up = TRUE;
    step(scene, (SmtpEvent){.kind = SMTP_EVENT_TLS_UP});
}

/* Takes the client's next line, without CRLF. */
static char *take_line(Scene *scene)
{
    char *end = strstr(scene->sent->str, "\r\n");
    if (end == NULL) {
        complain(scene, "the client said nothing%s%s", scene->sent->len > 0 ? " whole: " : "",
            scene->sent->str);
        return NULL;
    }
    gsize n = (gsize)(end - scene->sent->str);
    char *line = g_strndup(scene->sent->str, n);
    g_string_erase(scene->sent, 0, (gssize)n + 2);
    scene->n_secret -= MIN(scene->n_secret, n + 2);
    return line;
}

static void verb_expect(Scene *scene, const char *rest)
{
    gboolean was_secret = scene->n_secret > 0;
    g_autofree char *line = take_line(scene);
    if (line == NULL)
        return;
    if (!g_pattern_match_simple(rest, line))
        complain(scene, "the client said: %s", line);
    else if (was_secret)
        complain(scene, "this was marked as secret");
}

static void verb_secret(Scene *scene, const char *rest)
{
    gboolean was_secret = scene->n_secret > 0;
    g_autofree char *line = take_line(scene);
    if (line == NULL)
        return;
    if (strcmp(rest, line) != 0)
        complain(scene, "the client said: %s", line);
    else if (!was_secret)
        complain(scene, "this was not marked as secret");
}

/* The plainest encoder there can be, to judge the real one. */
static GString *stuffed(GBytes *content)
{
    GString *out = g_string_new(NULL);
    gsize n;
    const char *data = g_bytes_get_data(content, &n);
    for (gsize i = 0; i < n; i++) {
        if (data[i] == '.' && (i == 0 || data[i - 1] == '\n'))
            g_string_append_c(out, '.');
        g_string_append_c(out, data[i]);
    }
    return out;
}

static GBytes *content_of(Scene *scene, const char *rest)
{
    guint64 token = rest[0] == '\0' ? scene->last_token : g_ascii_strtoull(rest, NULL, 10);
    return g_hash_table_lookup(scene->contents, GUINT_TO_POINTER((guint)token));
}

static void expect_octets(Scene *scene, const char *octets, gsize n)
{
    if (scene->sent->len < n || memcmp(scene->sent->str, octets, n) != 0)
        complain(scene, "this is not the message (%zu octets): %.100s", scene->sent->len,
            scene->sent->str);
    else
        g_string_erase(scene->sent, 0, (gssize)n);
}

static void verb_body(Scene *scene, const char *rest)
{
    GString *body = stuffed(content_of(scene, rest));
    expect_octets(scene, body->str, body->len);
    g_string_free(body, TRUE);
}

static void verb_chunk(Scene *scene, const char *rest)
{
    gsize n;
    const char *data = g_bytes_get_data(content_of(scene, rest), &n);
    expect_octets(scene, data, n);
}

/* Whatever of the content has been sent so far. */
static void verb_part(Scene *scene, const char *rest)
{
    gsize n;
    const char *data = g_bytes_get_data(content_of(scene, rest), &n);
    if (scene->sent->len == 0 || scene->sent->len >= n)
        complain(scene, "%zu octets have left", scene->sent->len);
    else
        expect_octets(scene, data, scene->sent->len);
}

static GBytes *make_content(gsize size)
{
    GString *text = g_string_new("Subject: hi\r\n\r\n.hello\r\n");
    while (text->len < size)
        g_string_append_printf(text, "%s %" G_GSIZE_FORMAT " bytes so far.\r\n",
            text->len % 3 == 0 ? "." : "and", text->len);
    if (size > 0)
        g_string_truncate(text, MAX(size, 2) - 2);
    if (size > 0)
        g_string_append(text, "\r\n");
    if (size > 0 && text->str[size - 3] == '\r') /* no CR CR LF where the text was cut */
        text->str[size - 3] = '!';
    return g_string_free_to_bytes(text);
}

static void give_mail(Scene *scene, const char *rest, gboolean is_probe)
{
    g_auto(GStrv) words = g_strsplit(rest, " ", -1);
    g_autoptr(GPtrArray) recipients = g_ptr_array_new();
    gsize size = 0;
    const char *literal = NULL; /* content other than the usual */
    SmtpMail mail = {.token = g_ascii_strtoull(words[0], NULL, 10), .sender = words[1]};
    if (strcmp(mail.sender, "<>") == 0)
        mail.sender = "";
    for (char **word = words + 2; *word != NULL; word++) {
        if (g_str_has_prefix(*word, "size="))
            size = (gsize)g_ascii_strtoull(*word + 5, NULL, 10);
        else if (strcmp(*word, "8bit") == 0)
            mail.needs_eightbitmime = TRUE;
        else if (strcmp(*word, "utf8") == 0)
            mail.needs_smtputf8 = TRUE;
        else if (strcmp(*word, "bare") == 0)
            literal = "Subject: x\n\nbare\n";
        else if (strcmp(*word, "empty") == 0)
            literal = "";
        else if (strcmp(*word, "late") == 0)
            mail.marks_late = TRUE;
        else if (strcmp(*word, "hdrs") == 0)
            mail.return_headers = TRUE;
        else if (g_str_has_prefix(*word, "envid="))
            mail.envelope_id = *word + 6;
        else if (strcmp(*word, "never") == 0)
            mail.notify = SMTP_NOTIFY_NEVER;
        else if (strcmp(*word, "failure+delay") == 0)
            mail.notify = SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY;
        else
            g_ptr_array_add(recipients, *word);
    }
    g_ptr_array_add(recipients, NULL);
    mail.recipients = (const char *const *)recipients->pdata;
    if (!is_probe) {
        mail.content =
            literal == NULL ? make_content(size) : g_bytes_new_static(literal, strlen(literal));
        scene->last_token = mail.token;
        g_hash_table_insert(
            scene->contents, GUINT_TO_POINTER((guint)mail.token), (gpointer)mail.content);
    }
    if (scene->effects->room == 0 || (is_probe && !scene->effects->ready))
        complain(scene, "the client has no room for a mail");
    else
        step(scene, (SmtpEvent){.kind = SMTP_EVENT_MAIL, .mail = &mail});
}

static void verb_mail(Scene *scene, const char *rest)
{
    give_mail(scene, rest, FALSE);
}

static void verb_probe(Scene *scene, const char *rest)
{
    give_mail(scene, rest, TRUE);
}

static void verb_mark(Scene *scene, const char *rest)
{
    g_auto(GStrv) words = g_strsplit(rest, " ", -1);
    g_autoptr(GArray) tokens = g_array_new(FALSE, FALSE, sizeof(guint64));
    for (char **word = words; *word != NULL; word++) {
        guint64 token = g_ascii_strtoull(*word, NULL, 10);
        g_array_append_val(tokens, token);
    }
    step(scene, (SmtpEvent){.kind = SMTP_EVENT_MARKED,
                    .tokens = (const guint64 *)(gconstpointer)tokens->data,
                    .n_tokens = tokens->len});
}

static void verb_withdraw(Scene *scene, const char *rest)
{
    step(
        scene, (SmtpEvent){.kind = SMTP_EVENT_WITHDRAW, .token = g_ascii_strtoull(rest, NULL, 10)});
}

static void verb_sasl(Scene *scene, const char *rest)
{
    g_auto(GStrv) words = g_strsplit(rest, " ", 2);
    if (!scene->wants_sasl) {
        complain(scene, "no SASL step was asked for");
        return;
    }
    if (strcmp(words[0], "want") == 0) {
        if (g_strcmp0(words[1], scene->challenge) != 0)
            complain(scene, "the challenge is %s", scene->challenge);
        return;
    }
    g_autoptr(Secret) response = words[1] == NULL ? NULL : secret_new(words[1], strlen(words[1]));
    SmtpEvent event = {.kind = SMTP_EVENT_SASL};
    event.sasl.response = response;
    event.sasl.done = strcmp(words[0], "done") == 0;
    event.sasl.failed = strcmp(words[0], "fail") == 0;
    scene->wants_sasl = FALSE;
    step(scene, event);
}

static void verb_stall(Scene *scene, const char *rest)
{
    scene->is_stalled = TRUE;
}

static void verb_sent(Scene *scene, const char *rest)
{
    step(scene, (SmtpEvent){.kind = SMTP_EVENT_SENT});
}

static gint64 milliseconds(const char *text)
{
    char *unit = NULL;
    gint64 n = g_ascii_strtoll(text, &unit, 10);
    return *unit == 's' ? n * CLOCK_SECOND_MS : *unit == 'm' ? n * CLOCK_MINUTE_MS : n;
}

static void verb_time(Scene *scene, const char *rest)
{
    scene->now += milliseconds(rest);
    if (scene->effects->deadline != 0 && scene->now >= scene->effects->deadline)
        step(scene, (SmtpEvent){.kind = SMTP_EVENT_DEADLINE});
}

static void verb_cut(Scene *scene, const char *rest)
{
    step(scene, (SmtpEvent){.kind = SMTP_EVENT_LOST});
}

static void verb_quit(Scene *scene, const char *rest)
{
    step(scene, (SmtpEvent){.kind = SMTP_EVENT_QUIT});
}

/* --- Checks ----------------------------------------------------------------------------------- */

static const SeenOutcome *find_outcome(const Scene *scene, char **words)
{
    guint64 token = g_ascii_strtoull(words[1], NULL, 10);
    guint64 recipient = g_ascii_strtoull(words[2], NULL, 10);
    for (guint i = 0; i < scene->outcomes->len; i++) {
        const SeenOutcome *seen = &g_array_index(scene->outcomes, SeenOutcome, i);
        if (seen->token == token && seen->recipient == recipient)
            return seen;
    }
    return NULL;
}

static void check_outcome(Scene *scene, char **words)
{
    static const char *const kinds[] = {"", "accepted", "rejected", "deferred", "uncertain"};
    const SeenOutcome *seen = find_outcome(scene, words);
    if (seen == NULL) {
        complain(scene, "there is no such outcome");
        return;
    }
    if (strcmp(kinds[seen->kind], words[3]) != 0 ||
        strcmp(smtp_phase_name(seen->phase), words[4]) != 0 ||
        (words[5] != NULL && seen->code != (int)g_ascii_strtoll(words[5], NULL, 10)))
        complain(scene, "the outcome is %s %s %d", kinds[seen->kind], smtp_phase_name(seen->phase),
            seen->code);
}

static void check_waiting(Scene *scene, char **words)
{
    if (find_outcome(scene, words) != NULL)
        complain(scene, "there is an outcome already");
}

static void check_failure(Scene *scene, char **words)
{
    static const char *const faults[] = {"none", "reply", "lost", "timeout", "starttls_not_offered",
        "pipelined_after_starttls", "auth_not_offered", "no_common_auth_mechanism",
        "bearer_not_offered", "malformed_reply", "unexpected_reply", "out_of_step", "withdrawn",
        "too_late", "sasl"};
    const SmtpFailure *failure = smtp_client_failure(scene->client);
    if (strcmp(words[1], "none") == 0 || failure == NULL) {
        if (strcmp(words[1], "none") != 0)
            complain(scene, "nothing has failed");
        else if (failure != NULL)
            complain(
                scene, "failed: %s %s", smtp_phase_name(failure->phase), faults[failure->fault]);
        return;
    }
    int code = failure->reply == NULL ? 0 : failure->reply->code;
    if (strcmp(smtp_phase_name(failure->phase), words[1]) != 0 ||
        strcmp(faults[failure->fault], words[2]) != 0 ||
        (words[3] != NULL && code != (int)g_ascii_strtoll(words[3], NULL, 10)))
        complain(scene, "failed: %s %s %d", smtp_phase_name(failure->phase), faults[failure->fault],
            code);
}

static void check_challenge(Scene *scene, char **words)
{
    const SmtpFailure *failure = smtp_client_failure(scene->client);
    const char *challenge = failure == NULL ? NULL : failure->challenge;
    g_autofree char *wanted = g_strjoinv(" ", words + 1);
    if (strcmp(challenge == NULL ? "none" : challenge, wanted) != 0)
        complain(scene, "the challenge said: %s", challenge == NULL ? "nothing" : challenge);
}

static void check_ready(Scene *scene, char **words)
{
    if (!scene->effects->ready)
        complain(scene, "not ready but %s", smtp_client_state_name(scene->client));
}

static void check_room(Scene *scene, char **words)
{
    if (scene->effects->room != g_ascii_strtoull(words[1], NULL, 10))
        complain(scene, "there is room for %u", scene->effects->room);
}

static void check_begun(Scene *scene, char **words)
{
    g_autofree char *all = g_strjoinv(" ", words + 1);
    if (strcmp(g_strchomp(scene->begun->str), strcmp(all, "none") == 0 ? "" : all) != 0)
        complain(scene, "begun: %s", scene->begun->str);
    g_string_truncate(scene->begun, 0);
}

static void check_proved(Scene *scene, char **words)
{
    if (!scene->proved)
        complain(scene, "overlap is not proved");
}

static void check_unproved(Scene *scene, char **words)
{
    if (scene->proved)
        complain(scene, "overlap is proved");
}

static void check_lost_step(Scene *scene, char **words)
{
    const SmtpFailure *failure = smtp_client_failure(scene->client);
    if (failure == NULL || failure->lost_step != (strcmp(words[1], "yes") == 0))
        complain(scene, "lost_step is not %s", words[1]);
}

static void check_closed(Scene *scene, char **words)
{
    if (!scene->is_closed)
        complain(scene, "not closed but %s", smtp_client_state_name(scene->client));
}

static void check_open(Scene *scene, char **words)
{
    if (scene->is_closed)
        complain(scene, "the session is closed");
}

static void check_probe_done(Scene *scene, char **words)
{
    if (!scene->probe_done)
        complain(scene, "the probe is not done");
}

static void check_silent(Scene *scene, char **words)
{
    if (scene->sent->len > 0)
        complain(scene, "the client said: %s", scene->sent->str);
}

static void check_deadline(Scene *scene, char **words)
{
    MonoMs at = scene->effects->deadline;
    MonoMs wanted = strcmp(words[1], "none") == 0 ? 0 : scene->now + milliseconds(words[1]);
    if (at != wanted)
        complain(scene, "the deadline is %" G_GINT64_FORMAT " ms away", at - scene->now);
}

static void check_passed(Scene *scene, char **words)
{
    g_autofree char *all = g_strjoinv(" ", words + 1);
    if (strcmp(g_strchomp(scene->passed->str), all) != 0)
        complain(scene, "passed: %s", scene->passed->str);
    scene->passed->len = strlen(scene->passed->str);
    g_string_append_c(scene->passed, ' ');
}

static void check_line(Scene *scene, char **words)
{
    g_autofree char *pattern = g_strjoinv(" ", words + 1);
    for (guint i = 0; i < scene->lines->len; i++) {
        if (g_pattern_match_simple(pattern, g_ptr_array_index(scene->lines, i)))
            return;
    }
    complain(scene, "the transcript has no such line");
}

static void verb_check(Scene *scene, const char *rest)
{
    static const struct {
        const char *name;
        guint n_words; /* at least, with the name */
        void (*check)(Scene *scene, char **words);
    } checks[] = {
        {"outcome", 5, check_outcome},
        {"waiting", 3, check_waiting},
        {"failure", 2, check_failure},
        {"challenge", 2, check_challenge},
        {"ready", 1, check_ready},
        {"room", 2, check_room},
        {"begun", 2, check_begun},
        {"proved", 1, check_proved},
        {"unproved", 1, check_unproved},
        {"lost_step", 2, check_lost_step},
        {"closed", 1, check_closed},
        {"open", 1, check_open},
        {"probe_done", 1, check_probe_done},
        {"silent", 1, check_silent},
        {"deadline", 2, check_deadline},
        {"passed", 1, check_passed},
        {"line", 2, check_line},
    };
    g_auto(GStrv) words = g_strsplit(rest, " ", -1);
    for (gsize i = 0; i < G_N_ELEMENTS(checks); i++) {
        if (strcmp(checks[i].name, words[0]) == 0 && g_strv_length(words) >= checks[i].n_words) {
            checks[i].check(scene, words);
            return;
        }
    }
    complain(scene, "no such check");
}

/* --- Playing ---------------------------------------------------------------------------------- */

static void verb_nothing(Scene *scene, const char *rest)
{
}

static const struct {
    const char *name;
    gboolean before_connect; /* may come while there is no client */
    void (*run)(Scene *scene, const char *rest);
} verbs[] = {
    {"scene", TRUE, verb_nothing},
    {"together", TRUE, verb_nothing},
    {"client", TRUE, verb_client},
    {"connect", TRUE, verb_connect},
    {"tls", FALSE, verb_tls},
    {"say", FALSE, verb_say},
    {"raw", FALSE, verb_raw},
    {"expect", FALSE, verb_expect},
    {"secret", FALSE, verb_secret},
    {"body", FALSE, verb_body},
    {"chunk", FALSE, verb_chunk},
    {"part", FALSE, verb_part},
    {"mail", FALSE, verb_mail},
    {"probe", FALSE, verb_probe},
    {"mark", FALSE, verb_mark},
    {"withdraw", FALSE, verb_withdraw},
    {"sasl", FALSE, verb_sasl},
    {"stall", FALSE, verb_stall},
    {"sent", FALSE, verb_sent},
    {"time", FALSE, verb_time},
    {"cut", FALSE, verb_cut},
    {"quit", FALSE, verb_quit},
    {"check", FALSE, verb_check},
};

/* "verb   rest": the verb is cut off, the rest returned. */
static const char *cut_verb(char *line)
{
    gsize n = strcspn(line, " ");
    gsize n_space = strspn(line + n, " ");
    const char *rest = line + n + n_space;
    line[n] = '\0';
    return rest;
}

static void run_line(Scene *scene, const char *line)
{
    g_autofree char *verb = g_strdup(line);
    g_strstrip(verb);
    if (verb[0] == '\0' || verb[0] == '#')
        return;
    const char *rest = cut_verb(verb);
    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (strcmp(verbs[i].name, verb) != 0)
            continue;
        if (!verbs[i].before_connect && scene->client == NULL)
            complain(scene, "not connected");
        else
            verbs[i].run(scene, rest);
        return;
    }
    complain(scene, "no such verb: %s", verb);
}

static void scene_clear(Scene *scene)
{
    smtp_client_free(scene->client);
    secret_free(scene->password);
    secret_free(scene->token);
    g_string_free(scene->sent, TRUE);
    g_string_free(scene->passed, TRUE);
    g_array_unref(scene->outcomes);
    g_ptr_array_unref(scene->lines);
    g_hash_table_unref(scene->contents);
    g_string_free(scene->begun, TRUE);
    g_free(scene->challenge);
}

char *scene_play(const char *text, int cut)
{
    Scene scene = {.cut = cut,
        .now = 1000,
        .password = secret_new(password, strlen(password)),
        .token = secret_new(access_token, strlen(access_token)),
        .sent = g_string_new(NULL),
        .passed = g_string_new(NULL),
        .begun = g_string_new(NULL),
        .contents = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_bytes_unref),
        .outcomes = g_array_new(FALSE, FALSE, sizeof(SeenOutcome)),
        .lines = g_ptr_array_new_with_free_func(g_free)};
    scene.config = (SmtpClientConfig){.security = TLS_MODE_STARTTLS,
        .ehlo_name = "client.example",
        .username = username,
        .password = scene.password,
        .host = "mx.example",
        .port = 587,
        .allowed_mechanisms = SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN,
        .wants_lines = TRUE};
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    char *error = NULL;
    for (guint i = 0; lines[i] != NULL && error == NULL; i++) {
        run_line(&scene, lines[i]);
        if (scene.error != NULL)
            error = g_strdup_printf("line %u: %s\n    %s", i + 1, lines[i], scene.error);
    }
    if (error == NULL && scene.sent->len > 0)
        error = g_strdup_printf("at the end something not expected: %s", scene.sent->str);
    g_free(scene.error);
    scene_clear(&scene);
    return error;
}

int scene_longest_say(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    gsize longest = 0;
    for (char **line = lines; *line != NULL; line++) {
        if (g_str_has_prefix(*line, "say") || g_str_has_prefix(*line, "raw"))
            longest = MAX(longest, strlen(*line));
    }
    return (int)longest;
}

gboolean scene_is_whole_only(const char *text)
{
    return strstr(text, "\ntogether") != NULL;
}
