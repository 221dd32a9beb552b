#include "base/error.h"
#include "base/limits.h"
#include "base/tls_mode.h"
#include "ingress/sandbox.h"
#include "net/stream.h"
#include "store/captures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include "../net/loop.h"

/* A store, a vault and a sandbox in a folder of their own, and the loop that carries them. */
typedef struct {
    char *folder;
    GMainContext *context;
    Vault *vault;
    Store *store;
    Sandbox *sandbox;
    SandboxFacts facts;
    NetTlsClient *trust; /* in its certificate */
} House;

static char *in_folder(const House *house, const char *name)
{
    return g_build_filename(house->folder, name, NULL);
}

static void house_build(House *house, gboolean sink)
{
    memset(house, 0, sizeof *house);
    house->folder = g_dir_make_tmp("absender-sandbox-XXXXXX", NULL);
    house->context = g_main_context_new();
    g_autofree char *key = in_folder(house, "key");
    g_autofree char *path = in_folder(house, "absender.db");
    g_autofree char *warning = NULL;
    g_autoptr(GError) error = NULL;
    if (!sink) {
        house->vault = vault_open(key, TRUE, &error);
        assert_null(error);
        house->store =
            store_open(&(StoreConfig){.path = path, .full_sync = TRUE}, &warning, &error);
        assert_null(error);
        vault_set_instance(house->vault, store_instance(house->store));
    }
    house->sandbox = sandbox_new(
        &(SandboxConfig){
            .context = house->context,
            .store = house->store,
            .vault = house->vault,
            .directory = house->folder,
            .address = "127.0.0.1",
            .sink = sink,
        },
        &error);
    assert_null(error);
    sandbox_facts(house->sandbox, &house->facts);
    house->trust = net_tls_client_new(house->facts.ca_file, NULL);
    assert_non_null(house->trust);
}

static void house_clear(House *house)
{
    sandbox_free(house->sandbox);
    if (house->store != NULL)
        store_close(house->store);
    while (g_main_context_iteration(house->context, FALSE))
        ; /* what the store still had to say */
    vault_free(house->vault);
    net_tls_client_free(house->trust);
    g_main_context_unref(house->context);
    g_autoptr(GDir) dir = g_dir_open(house->folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *file = in_folder(house, name);
        g_unlink(file);
    }
    g_rmdir(house->folder);
    g_free(house->folder);
}

static GPtrArray *captures_of(House *house)
{
    gboolean has_more = FALSE;
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(house->store);
    GPtrArray *captures = captures_list(db, STORE_DEFAULT_ORG, LIMIT_PAGE, NULL, &has_more, &error);
    store_reader_give(house->store, db);
    assert_null(error);
    assert_non_null(captures);
    return captures;
}

static guint n_captures(House *house)
{
    g_autoptr(GPtrArray) captures = captures_of(house);
    return captures->len;
}

/* --- a client by hand --------------------------------------------------------------------------
 */

typedef struct {
    House *house;
    End end;
} Client;

/* The last line of a reply has a blank behind its code (RFC 5321 4.2.1). */
static gboolean reply_is_whole(const End *end)
{
    const char *text = (const char *)end->in->data;
    gsize n = end->in->len;
    if (n < 6 || text[n - 1] != '\n')
        return FALSE;
    gsize at = n - 1;
    while (at > 0 && text[at - 1] != '\n')
        at--;
    return n - at > 4 && text[at + 3] == ' ';
}

/* Waits for one reply, which must begin so. */
static void expect(Client *client, const char *begin)
{
    wait_until(client->house->context, reply_is_whole(&client->end) || client->end.n_lost > 0);
    g_autofree char *text = g_strndup((char *)client->end.in->data, client->end.in->len);
    if (!g_str_has_prefix(text, begin))
        fail_msg("expected %s, got: %s", begin, text);
    g_byte_array_set_size(client->end.in, 0);
}

static void ask(Client *client, const char *command, const char *begin)
{
    g_autofree char *line = g_strconcat(command, "\r\n", NULL);
    end_say(&client->end, line);
    expect(client, begin);
}

static void client_connect(Client *client, House *house, guint16 port)
{
    struct sockaddr_in address = loopback(port);
    client->house = house;
    end_init(&client->end);
    client->end.stream =
        net_stream_connect(house->context, (struct sockaddr *)&address, &end_events, &client->end);
    wait_until(house->context, client->end.n_connected + client->end.n_lost > 0);
}

static void client_secure(Client *client)
{
    net_stream_start_tls_client(
        client->end.stream, client->house->trust, client->house->facts.host);
    wait_until(client->house->context, client->end.n_tls_up + client->end.n_lost > 0);
    assert_int_equal(client->end.n_tls_up, 1);
}

/* Up to the point where AUTH is possible, through one door or the other. */
static void client_arrive(Client *client, House *house, TlsMode mode)
{
    if (mode == TLS_MODE_IMPLICIT) {
        client_connect(client, house, house->facts.implicit_port);
        client_secure(client);
        expect(client, "220 localhost");
    } else {
        client_connect(client, house, house->facts.starttls_port);
        expect(client, "220 localhost");
        ask(client, "EHLO client.test", "250-");
        ask(client, "STARTTLS", "220");
        client_secure(client);
    }
    ask(client, "EHLO client.test", "250-");
}

static const char *auth_plain(const char *username, const char *password)
{
    static char line[256];
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_byte_array_append(bytes, (const guint8 *)"", 1);
    g_byte_array_append(bytes, (const guint8 *)username, (guint)strlen(username) + 1);
    g_byte_array_append(bytes, (const guint8 *)password, (guint)strlen(password));
    g_autofree char *base64 = g_base64_encode(bytes->data, bytes->len);
    g_snprintf(line, sizeof line, "AUTH PLAIN %s", base64);
    return line;
}

static void client_log_in(Client *client, House *house, TlsMode mode)
{
    client_arrive(client, house, mode);
    ask(client, auth_plain("anna@example.test", "sandbox"), "235");
}

static void client_clear(Client *client)
{
    end_clear(&client->end);
}

/* Envelope and DATA, up to the 354. */
static void begin_mail(Client *client, const char *to)
{
    g_autofree char *rcpt = g_strdup_printf("RCPT TO:<%s>", to);
    ask(client, "MAIL FROM:<anna@example.test>", "250 2.1.0");
    ask(client, rcpt, "250 2.1.5");
    ask(client, "DATA", "354");
}

#define MAIL "Subject: Hello\r\n\r\nText\r\n."

/* --- statements --------------------------------------------------------------------------------
 */

static void check_capture(House *house)
{
    g_autoptr(GPtrArray) captures = captures_of(house);
    g_autoptr(GError) error = NULL;
    assert_int_equal(captures->len, 1);
    const Capture *listed = captures->pdata[0];
    assert_string_equal(listed->sender, "anna@example.test");
    assert_string_equal(listed->recipients, "bob@example.test, eve@example.test");
    assert_string_equal(listed->subject, "Grüße");
    assert_true(ABS(listed->at - clock_wall_ms()) < CLOCK_MINUTE_MS);
    Db *db = store_reader_take(house->store);
    g_autoptr(Capture) whole =
        capture_get(db, house->vault, STORE_DEFAULT_ORG, &listed->id, &error);
    store_reader_give(house->store, db);
    assert_null(error);
    static const char content[] = "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n.dot\r\nend\r\n";
    gsize n = 0;
    const char *data = g_bytes_get_data(whole->content, &n);
    assert_int_equal(n, sizeof content - 1);
    assert_memory_equal(data, content, n);
    assert_int_equal(whole->size_bytes, n);
}

static void a_mail_is_captured_through_either_door(void **state)
{
    for (guint i = 0; i < 2; i++) {
        House house;
        Client client;
        house_build(&house, FALSE);
        client_log_in(&client, &house, i == 0 ? TLS_MODE_STARTTLS : TLS_MODE_IMPLICIT);
        ask(&client, "MAIL FROM:<anna@example.test>", "250 2.1.0");
        ask(&client, "RCPT TO:<bob@example.test>", "250 2.1.5");
        ask(&client, "RCPT TO:<eve@example.test>", "250 2.1.5");
        ask(&client, "DATA", "354");
        ask(&client, "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n..dot\r\nend\r\n.", "250 2.0.0");
        check_capture(&house); /* the 250 is here, so the mail is durable */
        sandbox_facts(house.sandbox, &house.facts);
        assert_int_equal(house.facts.captured, 1);
        ask(&client, "QUIT", "221");
        wait_until(house.context, client.end.n_lost == 1);
        assert_true(client.end.clean);
        client_clear(&client);
        house_clear(&house);
    }
}

static void the_certificate_is_for_localhost_only(void **state)
{
    House house;
    Client client;
    house_build(&house, FALSE);
    client_connect(&client, &house, house.facts.implicit_port);
    net_stream_start_tls_client(client.end.stream, house.trust, "mail.example.test");
    wait_until(house.context, client.end.n_lost == 1);
    assert_int_equal(client.end.verify_code, 62);
    client_clear(&client);
    house_clear(&house);
}

static void nothing_goes_without_tls_and_login(void **state)
{
    House house;
    Client client;
    house_build(&house, FALSE);
    client_connect(&client, &house, house.facts.starttls_port);
    expect(&client, "220");
    ask(&client, "EHLO client.test", "250-");
    ask(&client, "MAIL FROM:<anna@example.test>", "530");
    ask(&client, auth_plain("anna@example.test", "sandbox"), "538");
    wait_until(house.context, client.end.n_lost == 1); /* a password in clear ends it */
    client_clear(&client);
    client_arrive(&client, &house, TLS_MODE_IMPLICIT);
    ask(&client, "MAIL FROM:<anna@example.test>", "530");
    client_clear(&client);
    house_clear(&house);
}

static void logins_are_answered_by_local_part_and_password(void **state)
{
    static const struct {
        const char *username, *password, *reply;
    } cases[] = {
        {"anna@example.test", "sandbox", "235 2.7.0"},
        {"anybody", "sandbox", "235 2.7.0"},
        {"anna@example.test", "wrong", "535 5.7.8"},
        {"anna@example.test", "Sandbox", "535 5.7.8"},
        {"anna@example.test", "sandbox ", "535 5.7.8"},
        {"locked@example.test", "sandbox", "535 5.7.8"},
        {"LOCKED@example.test", "sandbox", "535 5.7.8"},
        {"busy@example.test", "sandbox", "454 4.7.0"},
        {"app@example.test", "sandbox", "534 5.7.9"},
        {"application@example.test", "sandbox", "235 2.7.0"},
        {"unlocked@example.test", "sandbox", "235 2.7.0"},
    };
    House house;
    house_build(&house, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Client client;
        print_message("# %s %s\n", cases[i].username, cases[i].password);
        client_arrive(&client, &house, TLS_MODE_IMPLICIT);
        ask(&client, auth_plain(cases[i].username, cases[i].password), cases[i].reply);
        client_clear(&client);
    }
    house_clear(&house);
}

static char *xoauth2(const char *username, const char *token)
{
    g_autofree char *text = g_strconcat("user=", username,
        "\x01"
        "auth=Bearer ",
        token, "\x01\x01", NULL);
    return g_base64_encode((const guchar *)text, strlen(text));
}

/* "334 eyJ…" is the challenge that goes in front. */
static void tokens_are_answered_by_their_words(void **state)
{
    static const struct {
        const char *username, *token, *says, *challenge; /* NULL: none */
    } cases[] = {
        {"anna@example.test", "sandbox", "235 2.7.0", NULL},
        {"anna@example.test", "sandbox-2", "235 2.7.0", NULL},
        {"anna@example.test", "sandbox-expired", "535 5.7.8", "invalid_token"},
        {"anna@example.test", "sandbox-scope", "535 5.7.8", "\"status\":\"400\""},
        {"anna@example.test", "sandbox-unassigned", "535 5.7.3", NULL},
        {"anna@example.test", "something", "535 5.7.8", "invalid_token"},
        {"anna@example.test", "sandboxes", "535 5.7.8", "invalid_token"},
        {"disabled@example.test", "sandbox", "535 5.7.139", NULL},
        {"busy@example.test", "sandbox", "454 4.7.0", NULL},
    };
    House house;
    house_build(&house, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Client client;
        print_message("# %s %s\n", cases[i].username, cases[i].token);
        g_autofree char *blob = xoauth2(cases[i].username, cases[i].token);
        client_arrive(&client, &house, i % 2 == 0 ? TLS_MODE_IMPLICIT : TLS_MODE_STARTTLS);
        ask(&client, "AUTH XOAUTH2", "334 ");
        if (cases[i].challenge == NULL) {
            ask(&client, blob, cases[i].says);
        } else {
            g_autofree char *line = g_strconcat(blob, "\r\n", NULL);
            end_say(&client.end, line);
            wait_until(house.context, reply_is_whole(&client.end));
            g_autofree char *reply = g_strndup((char *)client.end.in->data, client.end.in->len - 2);
            gsize n = 0;
            g_autofree guchar *json = g_base64_decode(reply + strlen("334 "), &n);
            assert_non_null(g_strstr_len((const char *)json, (gssize)n, cases[i].challenge));
            g_byte_array_set_size(client.end.in, 0);
            ask(&client, "", cases[i].says);
        }
        client_clear(&client);
    }
    house_clear(&house);
}

static void a_personality_is_chosen_by_the_login(void **state)
{
    static const struct {
        const char *username, *password, *reply;
        const char *sender, *sender_reply; /* NULL: the login was refused */
    } cases[] = {
        {"wrong@example.org", "sandbox", "535 5.7.8", NULL, NULL},
        {"app-password@example.org", "of-the-account", "534 5.7.9", NULL, NULL},
        {"app-password@example.org", "sandbox", "235", "anna@example.org", "250"},
        {"web-login@example.org", "sandbox", "534 5.7.14", NULL, NULL},
        {"disabled@other.test", "sandbox", "535 5.7.139", NULL, NULL},
        {"sender-refused@example.org", "sandbox", "235", "anna@example.org", "553 5.7.1"},
        {"sender-refused@example.org", "sandbox", "235", "sender-refused@example.org", "250"},
        {"daily-limit@example.org", "sandbox", "235", "anna@example.org", "550 5.4.5"},
        {"anna@example.org", "sandbox", "235", "sender-refused@example.org", "250"},
    };
    House house;
    house_build(&house, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Client client;
        print_message("# %s\n", cases[i].username);
        client_arrive(&client, &house, TLS_MODE_IMPLICIT);
        ask(&client, auth_plain(cases[i].username, cases[i].password), cases[i].reply);
        if (cases[i].sender != NULL) {
            g_autofree char *mail = g_strdup_printf("MAIL FROM:<%s>", cases[i].sender);
            ask(&client, mail, cases[i].sender_reply);
        }
        client_clear(&client);
    }
    house_clear(&house);
}

static void senders_and_recipients_are_answered_by_local_part(void **state)
{
    static const struct {
        const char *command, *reply;
    } cases[] = {
        {"MAIL FROM:<refused@example.test>", "553 5.7.1"},
        {"MAIL FROM:<anna@example.test>", "250 2.1.0"},
        {"RCPT TO:<reject@example.test>", "550 5.1.1"},
        {"RCPT TO:<defer@example.test>", "451 4.7.1"},
        {"RCPT TO:<full@example.test>", "452 4.2.2"},
        {"RCPT TO:<Full@example.test>", "452 4.2.2"},
        {"RCPT TO:<refused@example.test>", "250 2.1.5"},
        {"RCPT TO:<bob@example.test>", "250 2.1.5"},
        {"RSET", "250"},
    };
    House house;
    Client client;
    house_build(&house, FALSE);
    client_log_in(&client, &house, TLS_MODE_IMPLICIT);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].command);
        ask(&client, cases[i].command, cases[i].reply);
    }
    assert_int_equal(n_captures(&house), 0);
    client_clear(&client);
    house_clear(&house);
}

static void drop_cuts_the_connection_after_the_final_dot(void **state)
{
    House house;
    Client client;
    house_build(&house, FALSE);
    client_log_in(&client, &house, TLS_MODE_IMPLICIT);
    begin_mail(&client, "drop@example.test");
    end_say(&client.end, MAIL "\r\n");
    wait_until(house.context, client.end.n_lost == 1);
    assert_int_equal(client.end.in->len, 0);
    assert_int_equal(n_captures(&house), 0);
    client_clear(&client);
    house_clear(&house);
}

/* The codes of all replies so far. */
static char *codes_of(const Client *client)
{
    g_autofree char *text = g_strndup((const char *)client->end.in->data, client->end.in->len);
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    GString *codes = g_string_new(NULL);
    for (char **line = lines; *line != NULL; line++)
        if (strlen(*line) > 3 && (*line)[3] == ' ')
            g_string_append_printf(codes, "%s%.3s", codes->len > 0 ? " " : "", *line);
    return g_string_free(codes, FALSE);
}

static gboolean has_codes(const Client *client, const char *expected)
{
    g_autofree char *codes = codes_of(client);
    return strcmp(codes, expected) == 0;
}

/* One mail of a window. */
static void add_mail(GString *window, const char *from, const char *to)
{
    g_autofree char *content = g_strdup_printf("Subject: to %s\r\n\r\n.\r\nQUIT\r\n", to);
    g_string_append_printf(window, "RSET\r\nMAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nBDAT %zu LAST\r\n%s",
        from, to, strlen(content), content);
}

static void check_subjects(House *house, const char *const *subjects, guint n)
{
    g_autoptr(GPtrArray) captures = captures_of(house);
    assert_int_equal(captures->len, n);
    for (guint i = 0; i < n; i++) { /* the newest comes first */
        const Capture *capture = captures->pdata[n - 1 - i];
        assert_string_equal(capture->subject, subjects[i]);
    }
}

static void each_mail_of_a_window_has_its_own_answers(void **state)
{
    static const char *const kept[] = {"to one@example.test", "to two@example.test"};
    for (guint sink = 0; sink < 2; sink++) {
        House house;
        Client client;
        house_build(&house, sink == 1);
        client_log_in(&client, &house, TLS_MODE_IMPLICIT);
        g_autoptr(GString) window = g_string_new(NULL);
        add_mail(window, "anna@example.test", "one@example.test");
        add_mail(window, "anna@example.test", "reject@example.test");
        add_mail(window, "refused@example.test", "lost@example.test");
        add_mail(window, "anna@example.test", "defer@example.test");
        add_mail(window, "anna@example.test", "two@example.test");
        add_mail(window, "anna@example.test", "full@example.test");
        end_say(&client.end, window->str);
        static const char codes[] = "250 250 250 250 250 250 550 503 250 553 503 503 "
                                    "250 250 451 503 250 250 250 250 250 250 452 503";
        wait_until(house.context, has_codes(&client, codes) || client.end.n_lost > 0);
        assert_int_equal(client.end.n_lost, 0);
        sandbox_facts(house.sandbox, &house.facts);
        assert_int_equal(house.facts.captured, 2);
        if (sink == 0)
            check_subjects(&house, kept, 2);
        client_clear(&client);
        house_clear(&house);
    }
}

static void drop_cuts_a_window_behind_the_answers_in_front_of_it(void **state)
{
    static const char *const kept[] = {"to one@example.test", "to two@example.test"};
    House house;
    Client client;
    house_build(&house, FALSE);
    client_log_in(&client, &house, TLS_MODE_IMPLICIT);
    g_autoptr(GString) window = g_string_new(NULL);
    add_mail(window, "anna@example.test", "one@example.test");
    add_mail(window, "anna@example.test", "two@example.test");
    add_mail(window, "anna@example.test", "drop@example.test");
    for (guint i = 0; i < 1000; i++) /* more than is read at once */
        add_mail(window, "anna@example.test", "late@example.test");
    end_say(&client.end, window->str);
    wait_until(house.context, client.end.n_lost == 1);
    g_autofree char *codes = codes_of(&client);
    assert_string_equal(codes, "250 250 250 250 250 250 250 250 250 250 250");
    check_subjects(&house, kept, 2);
    client_clear(&client);
    house_clear(&house);
}

static void the_largest_window_of_mails_is_taken(void **state)
{
    House house;
    Client client;
    house_build(&house, TRUE);
    client_log_in(&client, &house, TLS_MODE_STARTTLS);
    g_autoptr(GString) window = g_string_new(NULL);
    g_autofree char *line = g_strnfill(2000, 'x');
    for (guint i = 0; i < LIMIT_WINDOW; i++)
        g_string_append_printf(window,
            "RSET\r\nMAIL FROM:<anna@example.test>\r\nRCPT TO:<bob@example.test>\r\n"
            "BDAT 2002 LAST\r\n%s\r\n",
            line);
    for (guint turn = 1; turn <= 3; turn++) {
        end_say(&client.end, window->str);
        wait_until(house.context,
            client.end.n_lost > 0 ||
                client.end.in->len >=
                    turn * LIMIT_WINDOW *
                        strlen("250 2.0.0 OK\r\n250 2.1.0 Sender OK\r\n"
                               "250 2.1.5 Recipient OK\r\n250 2.0.0 Message taken\r\n"));
        assert_int_equal(client.end.n_lost, 0);
        sandbox_facts(house.sandbox, &house.facts);
        assert_int_equal(house.facts.captured, turn * LIMIT_WINDOW);
    }
    client_clear(&client);
    house_clear(&house);
}

static void international_mail_is_captured_as_it_is(void **state)
{
    static const char content[] = "Subject: Gr\xc3\xbc\xc3\x9f"
                                  "e\r\n\r\nf\xc3\xbcr dich\r\n";
    House house;
    Client client;
    house_build(&house, FALSE);
    client_log_in(&client, &house, TLS_MODE_IMPLICIT);
    ask(&client, "MAIL FROM:<j\xc3\xbcrgen@example.test>", "553 5.6.7");
    ask(&client, "MAIL FROM:<j\xc3\xbcrgen@example.test> SMTPUTF8 BODY=8BITMIME RET=HDRS ENVID=a",
        "250 2.1.0");
    ask(&client, "RCPT TO:<gr\xc3\xbc\xc3\x9f@m\xc3\xbcller.test> NOTIFY=FAILURE", "250 2.1.5");
    g_autofree char *bdat = g_strdup_printf("BDAT %zu LAST\r\n%s", strlen(content), content);
    end_say(&client.end, bdat);
    expect(&client, "250 2.0.0");
    g_autoptr(GPtrArray) captures = captures_of(&house);
    assert_int_equal(captures->len, 1);
    const Capture *listed = captures->pdata[0];
    assert_string_equal(listed->sender, "j\xc3\xbcrgen@example.test");
    assert_string_equal(listed->recipients, "gr\xc3\xbc\xc3\x9f@m\xc3\xbcller.test");
    assert_string_equal(listed->subject, "Gr\xc3\xbc\xc3\x9f"
                                         "e");
    g_autoptr(GError) error = NULL;
    Db *db = store_reader_take(house.store);
    g_autoptr(Capture) whole = capture_get(db, house.vault, STORE_DEFAULT_ORG, &listed->id, &error);
    store_reader_give(house.store, db);
    assert_null(error);
    g_autoptr(GBytes) expected = g_bytes_new_static(content, strlen(content));
    assert_true(g_bytes_equal(whole->content, expected));
    client_clear(&client);
    house_clear(&house);
}

static void extensions_are_offered(void **state)
{
    static const char *const offered[] = {"PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN"};
    House house;
    Client client;
    house_build(&house, TRUE);
    client_arrive(&client, &house, TLS_MODE_IMPLICIT);
    end_say(&client.end, "EHLO client.test\r\n");
    wait_until(house.context, reply_is_whole(&client.end));
    g_autofree char *text = g_strndup((char *)client.end.in->data, client.end.in->len);
    for (gsize i = 0; i < G_N_ELEMENTS(offered); i++) {
        g_autofree char *line = g_strdup_printf("250-%s\r\n", offered[i]);
        assert_non_null(strstr(text, line));
    }
    client_clear(&client);
    house_clear(&house);
}

static void slow_answers_after_five_seconds_and_may_be_left(void **state)
{
    House house;
    Client patient, hasty;
    house_build(&house, FALSE);
    client_log_in(&patient, &house, TLS_MODE_IMPLICIT);
    client_log_in(&hasty, &house, TLS_MODE_IMPLICIT);
    ask(&hasty, "MAIL FROM:<anna@example.test>", "250");
    ask(&patient, "MAIL FROM:<anna@example.test>", "250");
    end_say(&hasty.end, "RCPT TO:<slow@example.test>\r\n");
    MonoMs begin = clock_mono_ms();
    end_say(&patient.end, "RCPT TO:<slow@example.test>\r\n");
    run_for(house.context, 50);
    client_clear(&hasty);
    expect(&patient, "250 2.1.5");
    assert_in_range(clock_mono_ms() - begin, LIMIT_SANDBOX_SLOW_MS, LIMIT_SANDBOX_SLOW_MS + 2000);
    run_for(house.context, 100); /* the answer to the one that left */
    ask(&patient, "DATA", "354");
    ask(&patient, MAIL, "250");
    client_clear(&patient);
    house_clear(&house);
}

/* A job that keeps the writing thread until it is let go. */
typedef struct {
    GMutex lock;
    GCond moved;
    gboolean is_inside, may_go;
} Gate;

static gboolean stand_in_gate(Db *db, gpointer data, GError **error)
{
    Gate *gate = data;
    g_mutex_lock(&gate->lock);
    gate->is_inside = TRUE;
    g_cond_signal(&gate->moved);
    while (!gate->may_go)
        g_cond_wait(&gate->moved, &gate->lock);
    g_mutex_unlock(&gate->lock);
    return TRUE;
}

static void gate_done(gpointer data, const GError *error)
{
}

static void gate_shut(Gate *gate, Store *store)
{
    memset(gate, 0, sizeof *gate);
    assert_true(store_submit(store, stand_in_gate, gate, gate_done, NULL, NULL));
    g_mutex_lock(&gate->lock);
    while (!gate->is_inside)
        g_cond_wait(&gate->moved, &gate->lock);
    g_mutex_unlock(&gate->lock);
}

static void gate_open(Gate *gate)
{
    g_mutex_lock(&gate->lock);
    gate->may_go = TRUE;
    g_cond_signal(&gate->moved);
    g_mutex_unlock(&gate->lock);
}

static void the_250_waits_for_the_commit(void **state)
{
    House house;
    Client client;
    Gate gate;
    house_build(&house, FALSE);
    client_log_in(&client, &house, TLS_MODE_IMPLICIT);
    begin_mail(&client, "bob@example.test");
    gate_shut(&gate, house.store);
    end_say(&client.end, MAIL "\r\nNOOP\r\n"); /* what comes behind waits too */
    run_for(house.context, 150);
    assert_int_equal(client.end.in->len, 0);
    assert_int_equal(n_captures(&house), 0);
    gate_open(&gate);
    expect(&client, "250 2.0.0");
    assert_int_equal(n_captures(&house), 1);
    client_clear(&client);
    house_clear(&house);
}

static void a_client_that_leaves_during_the_commit_does_no_harm(void **state)
{
    House house;
    Client client;
    Gate gate;
    house_build(&house, FALSE);
    client_log_in(&client, &house, TLS_MODE_IMPLICIT);
    begin_mail(&client, "bob@example.test");
    gate_shut(&gate, house.store);
    end_say(&client.end, MAIL "\r\n");
    run_for(house.context, 50);
    client_clear(&client);
    run_for(house.context, 50);
    gate_open(&gate);
    wait_until(house.context, n_captures(&house) == 1);
    run_for(house.context, 50);
    house_clear(&house);
}

static void a_sandbox_freed_during_the_commit_does_no_harm(void **state)
{
    House house;
    Client client;
    Gate gate;
    house_build(&house, FALSE);
    client_log_in(&client, &house, TLS_MODE_IMPLICIT);
    begin_mail(&client, "bob@example.test");
    gate_shut(&gate, house.store);
    end_say(&client.end, MAIL "\r\n");
    run_for(house.context, 50);
    sandbox_free(g_steal_pointer(&house.sandbox));
    gate_open(&gate);
    wait_until(house.context, client.end.n_lost == 1 && n_captures(&house) == 1);
    run_for(house.context, 50);
    assert_int_equal(client.end.in->len, 0);
    client_clear(&client);
    house_clear(&house);
}

static gboolean do_nothing(Db *db, gpointer data, GError **error)
{
    return TRUE;
}

static void a_store_that_is_full_defers_the_mail(void **state)
{
    House house;
    Client client;
    Gate gate;
    house_build(&house, FALSE);
    client_log_in(&client, &house, TLS_MODE_IMPLICIT);
    begin_mail(&client, "bob@example.test");
    gate_shut(&gate, house.store);
    while (store_submit(house.store, do_nothing, NULL, gate_done, NULL, NULL))
        ;
    ask(&client, MAIL, "451 4.3.1");
    gate_open(&gate);
    client_clear(&client);
    house_clear(&house);
}

static void a_sink_counts_and_keeps_nothing(void **state)
{
    House house;
    Client client;
    house_build(&house, TRUE);
    client_log_in(&client, &house, TLS_MODE_IMPLICIT);
    for (guint i = 0; i < 3; i++) {
        begin_mail(&client, "bob@example.test");
        ask(&client, MAIL, "250 2.0.0");
    }
    sandbox_facts(house.sandbox, &house.facts);
    assert_int_equal(house.facts.captured, 3);
    client_clear(&client);
    house_clear(&house);
}

static void there_is_room_for_so_many_clients(void **state)
{
    House house;
    Client clients[LIMIT_SANDBOX_CONNECTIONS], late;
    house_build(&house, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(clients); i++) {
        client_connect(
            &clients[i], &house, i % 2 ? house.facts.implicit_port : house.facts.starttls_port);
        if (i % 2 == 0)
            expect(&clients[i], "220");
    }
    client_connect(&late, &house, house.facts.starttls_port);
    wait_until(house.context, late.end.n_lost == 1);
    assert_int_equal(late.end.in->len, 0);
    client_clear(&late);
    client_clear(&clients[0]);
    run_for(house.context, 50);
    client_connect(&late, &house, house.facts.starttls_port);
    expect(&late, "220");
    client_clear(&late);
    for (gsize i = 1; i < G_N_ELEMENTS(clients); i++)
        client_clear(&clients[i]);
    house_clear(&house);
}

static void a_large_mail_passes_and_a_too_large_one_does_not(void **state)
{
    House house;
    Client client;
    house_build(&house, FALSE);
    client_log_in(&client, &house, TLS_MODE_IMPLICIT);
    begin_mail(&client, "bob@example.test");
    g_autoptr(GString) mail = g_string_new("Subject: large\r\n\r\n");
    while (mail->len < 2 * 1024 * 1024)
        g_string_append(mail, "0123456789012345678901234567890123456789012345678901234567890\r\n");
    g_string_append(mail, ".");
    ask(&client, mail->str, "250 2.0.0");
    g_autofree char *announced =
        g_strdup_printf("MAIL FROM:<anna@example.test> SIZE=%d", LIMIT_MESSAGE_BYTES + 1);
    ask(&client, announced, "552");
    client_clear(&client);
    house_clear(&house);
}

static void a_port_that_is_taken_is_an_error(void **state)
{
    House house;
    house_build(&house, TRUE);
    g_autoptr(GError) error = NULL;
    SandboxConfig config = {.context = house.context,
        .directory = house.folder,
        .address = "127.0.0.1",
        .implicit_port = house.facts.implicit_port,
        .sink = TRUE};
    assert_null(sandbox_new(&config, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_IO));
    house_clear(&house);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_is_captured_through_either_door),
        cmocka_unit_test(the_certificate_is_for_localhost_only),
        cmocka_unit_test(nothing_goes_without_tls_and_login),
        cmocka_unit_test(logins_are_answered_by_local_part_and_password),
        cmocka_unit_test(tokens_are_answered_by_their_words),
        cmocka_unit_test(a_personality_is_chosen_by_the_login),
        cmocka_unit_test(senders_and_recipients_are_answered_by_local_part),
        cmocka_unit_test(drop_cuts_the_connection_after_the_final_dot),
        cmocka_unit_test(each_mail_of_a_window_has_its_own_answers),
        cmocka_unit_test(drop_cuts_a_window_behind_the_answers_in_front_of_it),
        cmocka_unit_test(the_largest_window_of_mails_is_taken),
        cmocka_unit_test(international_mail_is_captured_as_it_is),
        cmocka_unit_test(extensions_are_offered),
        cmocka_unit_test(slow_answers_after_five_seconds_and_may_be_left),
        cmocka_unit_test(the_250_waits_for_the_commit),
        cmocka_unit_test(a_client_that_leaves_during_the_commit_does_no_harm),
        cmocka_unit_test(a_sandbox_freed_during_the_commit_does_no_harm),
        cmocka_unit_test(a_store_that_is_full_defers_the_mail),
        cmocka_unit_test(a_sink_counts_and_keeps_nothing),
        cmocka_unit_test(there_is_room_for_so_many_clients),
        cmocka_unit_test(a_large_mail_passes_and_a_too_large_one_does_not),
        cmocka_unit_test(a_port_that_is_taken_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
