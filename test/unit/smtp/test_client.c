/* What the scenes (test/scene/) cannot say: names, accessors, wiping, and what a driver may do. */
#include "base/limits.h"
#include "smtp/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static SmtpClient *client_with(SmtpClientConfig config)
{
    g_autoptr(Secret) password = secret_new("secret", 6);
    config.ehlo_name = "client.example";
    config.username = "anna";
    config.password = password;
    config.wants_lines = TRUE;
    config.allowed_mechanisms = SMTP_AUTH_PLAIN;
    return smtp_client_new(&config);
}

static SmtpClient *client_of(TlsMode security, const SmtpDeadlines *deadlines)
{
    SmtpClientConfig config = {.security = security};
    if (deadlines != NULL)
        config.deadlines = *deadlines;
    return client_with(config);
}

static const SmtpClientEffects *step(SmtpClient *client, SmtpEventKind kind)
{
    SmtpEvent event = {.kind = kind, .now = 1000};
    return smtp_client_step(client, &event);
}

static const SmtpClientEffects *say(SmtpClient *client, const char *text)
{
    SmtpEvent event = {
        .kind = SMTP_EVENT_BYTES, .now = 1000, .bytes = {(const guint8 *)text, strlen(text)}};
    return smtp_client_step(client, &event);
}

static void phases_have_the_names_of_the_catalogue(void **state)
{
    static const char *const names[] = {"greeting", "ehlo", "starttls", "tls", "auth", "mail_from",
        "rcpt_to", "data", "after_data", "quit"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        assert_string_equal(smtp_phase_name((SmtpPhase)(i + 1)), names[i]);
}

static void faults_have_the_names_of_the_catalogue(void **state)
{
    static const struct {
        SmtpFault fault;
        SmtpPhase phase;
        const char *name;
    } cases[] = {
        {SMTP_FAULT_NONE, SMTP_PHASE_AUTH, NULL},
        {SMTP_FAULT_REPLY, SMTP_PHASE_AUTH, NULL},
        {SMTP_FAULT_LOST, SMTP_PHASE_AUTH, NULL},
        {SMTP_FAULT_TIMEOUT, SMTP_PHASE_GREETING, "GREETING_TIMEOUT"},
        {SMTP_FAULT_TIMEOUT, SMTP_PHASE_AFTER_DATA, "DATA_TIMEOUT"},
        {SMTP_FAULT_TIMEOUT, SMTP_PHASE_AUTH, "ETIMEDOUT"},
        {SMTP_FAULT_STARTTLS_NOT_OFFERED, SMTP_PHASE_STARTTLS, "STARTTLS_NOT_OFFERED"},
        {SMTP_FAULT_PIPELINED_AFTER_STARTTLS, SMTP_PHASE_TLS, "PIPELINED_AFTER_STARTTLS"},
        {SMTP_FAULT_AUTH_NOT_OFFERED, SMTP_PHASE_AUTH, "AUTH_NOT_OFFERED"},
        {SMTP_FAULT_NO_COMMON_AUTH_MECHANISM, SMTP_PHASE_AUTH, "NO_COMMON_AUTH_MECHANISM"},
        {SMTP_FAULT_BEARER_NOT_OFFERED, SMTP_PHASE_AUTH, "OAUTH2_NOT_OFFERED"},
        {SMTP_FAULT_MALFORMED_REPLY, SMTP_PHASE_AUTH, "MALFORMED_REPLY"},
        {SMTP_FAULT_UNEXPECTED_REPLY, SMTP_PHASE_AUTH, "UNEXPECTED_REPLY"},
        {SMTP_FAULT_SASL, SMTP_PHASE_AUTH, "SASL"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *name = smtp_fault_sys_name(cases[i].fault, cases[i].phase);
        assert_int_equal(g_strcmp0(name, cases[i].name), 0);
    }
}

static void capabilities_and_mechanism_can_be_asked_for(void **state)
{
    g_autoptr(SmtpClient) client = client_of(TLS_MODE_IMPLICIT, NULL);
    assert_string_equal(smtp_client_state_name(client), "wait_connected");
    assert_null(smtp_client_auth_mechanism(client));
    assert_true(step(client, SMTP_EVENT_CONNECTED)->start_tls);
    step(client, SMTP_EVENT_TLS_UP);
    say(client, "220 hi\r\n");
    say(client, "250-mx\r\n250-SIZE 77\r\n250 AUTH PLAIN LOGIN\r\n");
    assert_true(smtp_client_capabilities(client)->size_max == 77);
    assert_string_equal(smtp_client_auth_mechanism(client), "PLAIN");
    assert_string_equal(smtp_client_state_name(client), "wait_auth");
    assert_null(smtp_client_failure(client));
}

static void a_credential_does_not_stay_in_the_buffer(void **state)
{
    g_autoptr(SmtpClient) client = client_of(TLS_MODE_IMPLICIT, NULL);
    step(client, SMTP_EVENT_CONNECTED);
    step(client, SMTP_EVENT_TLS_UP);
    say(client, "220 hi\r\n");
    const SmtpClientEffects *effects = say(client, "250-mx\r\n250 AUTH PLAIN\r\n");
    assert_true(effects->send_is_secret);
    const guint8 *where = effects->send->data;
    guint n = effects->send->len;
    assert_memory_equal(where, "AUTH PLAIN ", 11);
    effects = step(client, SMTP_EVENT_SENT);
    assert_int_equal(effects->send->len, 0);
    assert_false(effects->send_is_secret);
    assert_ptr_equal(effects->send->data, where); /* or the look behind it would prove nothing */
    for (guint i = 0; i < n; i++)
        assert_int_equal(where[i], 0);
}

static void deadlines_can_be_set(void **state)
{
    const SmtpDeadlines deadlines = {.greeting_ms = 7, .command_ms = 8};
    g_autoptr(SmtpClient) client = client_of(TLS_MODE_STARTTLS, &deadlines);
    assert_true(step(client, SMTP_EVENT_CONNECTED)->deadline == 1007);
    assert_true(say(client, "220 hi\r\n")->deadline == 1008);
    /* Too early a DEADLINE changes nothing. */
    assert_false(step(client, SMTP_EVENT_DEADLINE)->close);
    assert_string_equal(smtp_client_state_name(client), "wait_ehlo");
}

static void after_the_end_every_event_is_ignored(void **state)
{
    g_autoptr(SmtpClient) client = client_of(TLS_MODE_STARTTLS, NULL);
    step(client, SMTP_EVENT_CONNECTED);
    assert_true(step(client, SMTP_EVENT_LOST)->close);
    for (SmtpEventKind kind = SMTP_EVENT_CONNECTED; kind <= SMTP_EVENT_LOST; kind++) {
        const SmtpClientEffects *effects = step(client, kind);
        assert_false(effects->close || effects->start_tls || effects->ready);
        assert_int_equal(effects->send->len, 0);
        assert_int_equal(effects->n_outcomes + effects->n_lines + effects->n_passed, 0);
    }
    assert_string_equal(smtp_client_state_name(client), "closed");
    assert_int_equal(smtp_client_failure(client)->fault, SMTP_FAULT_LOST);
}

static void lines_say_who_spoke(void **state)
{
    g_autoptr(SmtpClient) client = client_of(TLS_MODE_STARTTLS, NULL);
    step(client, SMTP_EVENT_CONNECTED);
    const SmtpClientEffects *effects = say(client, "220-a\r\n220\r\n");
    assert_int_equal(effects->n_lines, 3);
    assert_string_equal(effects->lines[0].text, "220-a");
    assert_string_equal(effects->lines[1].text, "220 ");
    assert_false(effects->lines[1].from_client);
    assert_string_equal(effects->lines[2].text, "EHLO client.example");
    assert_true(effects->lines[2].from_client);
}

/* The password as base64 after two empty strings and the user name, as RFC 4616 has it. */
static char *plain_of(const char *username, const char *password)
{
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, (const guint8 *)"", 1);
    g_byte_array_append(bytes, (const guint8 *)username, (guint)strlen(username) + 1);
    g_byte_array_append(bytes, (const guint8 *)password, (guint)strlen(password));
    char *text = g_base64_encode(bytes->data, bytes->len);
    g_byte_array_unref(bytes);
    return text;
}

static void a_long_initial_response_waits_to_be_asked_for(void **state)
{
    static const struct {
        gsize n_password;
        gboolean fits; /* in 512 octets with "AUTH PLAIN " and CRLF */
    } cases[] = {{300, TRUE}, {366, TRUE}, {367, FALSE}, {1024, FALSE}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strnfill(cases[i].n_password, 'x');
        g_autoptr(Secret) password = secret_new(text, cases[i].n_password);
        g_autofree char *plain = plain_of("anna", text);
        const SmtpClientConfig config = {.security = TLS_MODE_IMPLICIT,
            .ehlo_name = "client.example",
            .username = "anna",
            .password = password,
            .wants_lines = TRUE,
            .allowed_mechanisms = SMTP_AUTH_PLAIN};
        g_autoptr(SmtpClient) client = smtp_client_new(&config);
        step(client, SMTP_EVENT_CONNECTED);
        step(client, SMTP_EVENT_TLS_UP);
        say(client, "220 hi\r\n");
        const SmtpClientEffects *effects = say(client, "250-mx\r\n250 AUTH PLAIN\r\n");
        assert_int_equal(effects->send_is_secret, cases[i].fits);
        g_autofree char *sent = g_strndup((const char *)effects->send->data, effects->send->len);
        g_autofree char *line = g_strdup_printf("AUTH PLAIN %s\r\n", plain);
        assert_string_equal(sent, cases[i].fits ? line : "AUTH PLAIN\r\n");
        if (cases[i].fits)
            continue;
        effects = say(client, "334 \r\n");
        assert_true(effects->send_is_secret);
        assert_string_equal(effects->lines[effects->n_lines - 1].text, "[redacted]");
        assert_int_equal(effects->send->len, strlen(plain) + 2);
        assert_memory_equal(effects->send->data, plain, strlen(plain));
        assert_true(say(client, "235 in\r\n")->ready);
    }
}

static void a_full_transaction_is_accepted_with_its_limit_of_recipients(void **state)
{
    enum { N = 100 };
    g_autoptr(SmtpClient) client = client_of(TLS_MODE_IMPLICIT, NULL);
    step(client, SMTP_EVENT_CONNECTED);
    step(client, SMTP_EVENT_TLS_UP);
    say(client, "220 hi\r\n");
    say(client, "250-mx\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n");
    say(client, "235 ok\r\n");
    const char *recipients[N + 1] = {NULL};
    for (int i = 0; i < N; i++)
        recipients[i] = "bob@example.net";
    g_autoptr(GBytes) content = g_bytes_new_static("hi\r\n", 4);
    SmtpMail mail = {
        .token = 5, .sender = "a@example.org", .recipients = recipients, .content = content};
    SmtpEvent event = {.kind = SMTP_EVENT_MAIL, .now = 1, .mail = &mail};
    smtp_client_step(client, &event);
    event = (SmtpEvent){
        .kind = SMTP_EVENT_MARKED, .now = 1, .tokens = (const guint64[]){5}, .n_tokens = 1};
    smtp_client_step(client, &event);
    for (int i = 0; i < N + 1; i++)
        say(client, "250 ok\r\n");
    const SmtpClientEffects *effects = say(client, "354 go\r\n");
    assert_int_equal(effects->send->len, 7);
    assert_memory_equal(effects->send->data, "hi\r\n.\r\n", 7);
    effects = say(client, "250 2.0.0 queued\r\n");
    assert_int_equal(effects->n_outcomes, N);
    for (guint i = 0; i < N; i++) {
        assert_int_equal(effects->outcomes[i].recipient, i);
        assert_int_equal(effects->outcomes[i].kind, SMTP_OUTCOME_ACCEPTED);
        assert_string_equal(effects->outcomes[i].reply->enhanced, "2.0.0");
    }
    assert_true(effects->ready);
}

#define LATEST 2000

/* A server says this, or, NULL, the mark is committed. */
typedef struct {
    MonoMs at;
    const char *says;
} Moment;

static SmtpClient *logged_in(const char *extensions, gboolean is_proven)
{
    SmtpClient *client =
        client_with((SmtpClientConfig){.security = TLS_MODE_IMPLICIT, .is_proven = is_proven});
    g_autofree char *hello = g_strdup_printf("250-mx\r\n%s250 AUTH PLAIN\r\n", extensions);
    step(client, SMTP_EVENT_CONNECTED);
    step(client, SMTP_EVENT_TLS_UP);
    say(client, "220 hi\r\n");
    say(client, hello);
    assert_true(say(client, "235 ok\r\n")->ready);
    return client;
}

static void give_content_until(SmtpClient *client, guint64 token, GBytes *content, MonoMs latest_at)
{
    const char *const recipients[] = {"bob@example.net", NULL};
    const SmtpMail mail = {.token = token,
        .sender = "a@example.org",
        .recipients = recipients,
        .content = content,
        .latest_at = latest_at};
    SmtpEvent event = {.kind = SMTP_EVENT_MAIL, .now = 1000, .mail = &mail};
    smtp_client_step(client, &event);
}

static void give_until(SmtpClient *client, MonoMs latest_at)
{
    g_autoptr(GBytes) content = g_bytes_new_static("hi\r\n", 4);
    give_content_until(client, 5, content, latest_at);
}

static const SmtpClientEffects *play(SmtpClient *client, const Moment *moment)
{
    const guint64 token = 5;
    SmtpEvent event = {
        .kind = SMTP_EVENT_MARKED, .now = moment->at, .tokens = &token, .n_tokens = 1};
    if (moment->says != NULL) {
        event.kind = SMTP_EVENT_BYTES;
        event.bytes.data = (const guint8 *)moment->says;
        event.bytes.n = strlen(moment->says);
    }
    return smtp_client_step(client, &event);
}

/* A link that is dead must not arrive because a server took minutes to say that it may. */
static void what_is_too_late_does_not_leave(void **state)
{
#define PIPELINING "250-PIPELINING\r\n"
#define CHUNKING PIPELINING "250-CHUNKING\r\n"
#define OK "250 ok\r\n"
    static const struct {
        const char *name, *extensions;
        Moment moments[5];
        gboolean leaves, costs_session;
    } rows[] = {
        {"in time", PIPELINING, {{1001, NULL}, {LATEST - 1, OK OK "354 go\r\n"}}, TRUE, FALSE},
        {"its leave comes late", PIPELINING, {{1001, NULL}, {LATEST, OK OK "354 go\r\n"}}, FALSE,
            TRUE},
        {"its mark comes late", PIPELINING, {{1001, OK OK "354 go\r\n"}, {LATEST, NULL}}, FALSE,
            TRUE},
        {"one by one", "", {{1001, NULL}, {1002, OK}, {1003, OK}, {LATEST, "354 go\r\n"}}, FALSE,
            TRUE},
        {"chunk in time", CHUNKING, {{1001, NULL}, {LATEST - 1, OK OK OK}}, TRUE, FALSE},
        {"chunk whose envelope is answered late", CHUNKING, {{1001, NULL}, {LATEST, OK OK OK}},
            FALSE, TRUE},
        {"chunk whose mark comes late", CHUNKING, {{LATEST, NULL}}, FALSE, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SmtpClient) client = logged_in(rows[i].extensions, FALSE);
        const SmtpClientEffects *effects = NULL;
        g_autoptr(GString) sent = g_string_new(NULL);
        give_until(client, LATEST);
        for (const Moment *moment = rows[i].moments; moment->at != 0; moment++) {
            effects = play(client, moment);
            g_string_append_len(sent, (const char *)effects->send->data, effects->send->len);
        }
        gboolean has_left = strstr(sent->str, "\r\n.\r\n") || strstr(sent->str, "BDAT");
        if (has_left != rows[i].leaves || effects->close != rows[i].costs_session)
            fail_msg("%s", rows[i].name);
        assert_int_equal(effects->n_outcomes, rows[i].leaves ? 0 : 1);
        if (rows[i].leaves)
            continue;
        assert_int_equal(effects->outcomes[0].kind, SMTP_OUTCOME_DEFERRED);
        assert_int_equal(effects->outcomes[0].fault, SMTP_FAULT_TOO_LATE);
        assert_int_equal(effects->outcomes[0].was_held, !rows[i].costs_session);
        assert_int_equal(effects->ready, !rows[i].costs_session);
    }
#undef PIPELINING
#undef CHUNKING
#undef OK
}

static GBytes *large_content(void)
{
    GString *text = g_string_new(NULL);
    while (text->len < 3 * LIMIT_SEND_CHUNK_BYTES)
        g_string_append(text, "A line of a mail that is long.\r\n");
    return g_string_free_to_bytes(text);
}

/* To give it up is to hang up: nobody else's reply may be lost with that. */
static void what_becomes_late_within_a_chunk_waits_for_the_replies_in_front_of_it(void **state)
{
#define FOUR "250 ok\r\n250 ok\r\n250 ok\r\n250 2.0.0 taken\r\n"
    static const guint64 tokens[] = {4, 5};
    g_autoptr(GBytes) large = large_content(), small = g_bytes_new_static("hi\r\n", 4);
    g_autoptr(SmtpClient) client = logged_in("250-PIPELINING\r\n250-CHUNKING\r\n", TRUE);
    SmtpEvent marked = {
        .kind = SMTP_EVENT_MARKED, .now = 1001, .tokens = tokens, .n_tokens = G_N_ELEMENTS(tokens)};
    give_content_until(client, 4, small, 0);
    give_content_until(client, 5, large, LATEST);
    gsize written = smtp_client_step(client, &marked)->send->len;
    assert_true(written > 0);
    for (guint turns = 0; written > 0; turns++) { /* until it holds back the end */
        const SmtpEvent sent = {.kind = SMTP_EVENT_SENT, .now = LATEST};
        const SmtpClientEffects *effects = smtp_client_step(client, &sent);
        written = effects->send->len;
        assert_int_equal(effects->n_outcomes, 0);
        assert_false(effects->close);
        assert_true(turns < 10);
    }
    const SmtpClientEffects *effects = play(client, &(Moment){LATEST, FOUR});
    assert_int_equal(effects->n_outcomes, 2);
    assert_int_equal(effects->outcomes[0].token, 4);
    assert_int_equal(effects->outcomes[0].kind, SMTP_OUTCOME_ACCEPTED);
    assert_int_equal(effects->outcomes[1].kind, SMTP_OUTCOME_DEFERRED);
    assert_int_equal(effects->outcomes[1].fault, SMTP_FAULT_TOO_LATE);
    assert_true(effects->close);
#undef FOUR
}

/* It may carry a link that lets somebody in. */
static void a_mail_does_not_stay_in_the_buffer(void **state)
{
    g_autoptr(SmtpClient) client = logged_in("250-PIPELINING\r\n", FALSE);
    give_until(client, 0);
    play(client, &(Moment){1001, NULL});
    const SmtpClientEffects *effects =
        play(client, &(Moment){1001, "250 ok\r\n250 ok\r\n354 go\r\n"});
    const guint8 *where = effects->send->data;
    guint n = effects->send->len;
    assert_memory_equal(where, "hi\r\n", 4);
    effects = step(client, SMTP_EVENT_SENT);
    assert_ptr_equal(effects->send->data, where);
    for (guint i = 0; i < n; i++)
        assert_int_equal(where[i], 0);
}

/* TRUE if the step ends the process, as a driver's mistake must. */
static gboolean aborts(void (*mistake)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        close(STDERR_FILENO); /* its last words are of no interest, */
        close(STDOUT_FILENO); /* and here they would end the TAP */
        mistake();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void tls_up_without_start_tls(void)
{
    g_autoptr(SmtpClient) client = client_of(TLS_MODE_STARTTLS, NULL);
    step(client, SMTP_EVENT_CONNECTED);
    step(client, SMTP_EVENT_TLS_UP);
}

static void mail_before_login(void)
{
    g_autoptr(SmtpClient) client = client_of(TLS_MODE_STARTTLS, NULL);
    step(client, SMTP_EVENT_CONNECTED);
    step(client, SMTP_EVENT_MAIL);
}

static void password_with_nul(void)
{
    g_autoptr(Secret) password = secret_new("a\0b", 3);
    const SmtpClientConfig config = {.security = TLS_MODE_IMPLICIT,
        .ehlo_name = "client.example",
        .username = "anna",
        .password = password};
    smtp_client_free(smtp_client_new(&config));
}

static void plaintext_mode(void)
{
    smtp_client_free(client_of((TlsMode)0, NULL));
}

static void no_mistake(void)
{
    g_autoptr(SmtpClient) client = client_of(TLS_MODE_STARTTLS, NULL);
    step(client, SMTP_EVENT_CONNECTED);
}

static void mistakes_of_the_driver_abort(void **state)
{
    assert_false(aborts(no_mistake));
    assert_true(aborts(tls_up_without_start_tls));
    assert_true(aborts(mail_before_login));
    assert_true(aborts(password_with_nul));
    assert_true(aborts(plaintext_mode));
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_have_the_names_of_the_catalogue),
        cmocka_unit_test(faults_have_the_names_of_the_catalogue),
        cmocka_unit_test(capabilities_and_mechanism_can_be_asked_for),
        cmocka_unit_test(a_credential_does_not_stay_in_the_buffer),
        cmocka_unit_test(deadlines_can_be_set),
        cmocka_unit_test(after_the_end_every_event_is_ignored),
        cmocka_unit_test(lines_say_who_spoke),
        cmocka_unit_test(mistakes_of_the_driver_abort),
        cmocka_unit_test(a_long_initial_response_waits_to_be_asked_for),
        cmocka_unit_test(a_full_transaction_is_accepted_with_its_limit_of_recipients),
        cmocka_unit_test(a_mail_does_not_stay_in_the_buffer),
        cmocka_unit_test(what_is_too_late_does_not_leave),
        cmocka_unit_test(what_becomes_late_within_a_chunk_waits_for_the_replies_in_front_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
