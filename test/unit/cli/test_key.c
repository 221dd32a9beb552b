/* The command "key": what it says when something is done, and when it is not. */
#include "peer.h"

#include "base/secret.h"
#include "cli/words.h"

#define FIRST "0193f5c0e1c27abc8def0123456789ab"
#define SECOND "29428694f4dca5976006d7acf723e656"
#define KEY(id, state, sealed) \
    "{\"id\":\"" id "\",\"state\":\"" state "\",\"created_at\":null,\"sealed\":" sealed "}"
#define KEYS(first, second) "{\"source\":\"file\",\"data\":[" first "," second "]}"

static void what_is_done_is_said_with_what_comes_next(void **state)
{
    static const struct {
        const char *name, *line;
        Answer answers[3];
        guint n_answers;
        const char *done, *next;
    } rows[] = {
        {"add", "key add",
            {{"POST /v1/keys HTTP/1.1", 201,
                KEYS(KEY(FIRST, "active", "3"), KEY(SECOND, "ready", "0"))}},
            1, "\n✓ Der Schlüssel ist erzeugt.\n", "absender key activate " SECOND "\n"},
        {"activate", "key activate " SECOND,
            {{"POST /v1/keys/" SECOND "/activate HTTP/1.1", 202, "{}"},
                {"GET /v1/keys HTTP/1.1", 200,
                    KEYS(KEY(SECOND, "active", "1"), KEY(FIRST, "retiring", "2"))},
                {"GET /v1/keys HTTP/1.1", 200,
                    KEYS(KEY(SECOND, "active", "3"), KEY(FIRST, "retiring", "0"))}},
            3, "\n✓ Alles Gespeicherte ist jetzt auf diesen Schlüssel umgestellt.\n",
            "absender key retire " FIRST "\n"},
        {"retire", "key retire " FIRST,
            {{"POST /v1/keys/" FIRST "/retire HTTP/1.1", 200,
                "{\"source\":\"file\",\"data\":[" KEY(SECOND, "active", "3") "]}"}},
            1, "\n✓ Der Schlüssel ist aus der Schlüsseldatei entfernt.\n", NULL},
    };
    words_choose_language("de");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Peer peer;
        print_message("# %s\n", rows[i].name);
        peer_start(&peer, rows[i].answers, rows[i].n_answers);
        g_auto(Run) run = run_command(rows[i].line, peer.dir);
        assert_int_equal(run.status, CLI_DONE);
        SAID(run.out, rows[i].done);
        if (rows[i].next != NULL)
            SAID(run.out, rows[i].next);
        else
            assert_null(strstr(run.out, "Als Nächstes"));
        peer_stop(&peer);
    }
}

static void as_json_nothing_is_said_beside(void **state)
{
    static const Answer answers[] = {{"POST /v1/keys HTTP/1.1", 201,
        KEYS(KEY(FIRST, "active", "3"), KEY(SECOND, "ready", "0"))}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) run = run_command("key add --json", peer.dir);
    assert_int_equal(run.status, CLI_DONE);
    json_t *json = json_loads(run.out, 0, NULL);
    assert_non_null(json);
    json_decref(json);
    peer_stop(&peer);
}

static void an_id_that_is_none_asks_nobody(void **state)
{
    static const char *const lines[] = {
        "key activate xyz", "key retire xyz", "key activate xyz --key-file /nonexistent/key"};
    words_choose_language("de");
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        Peer peer;
        peer_start(&peer, NULL, 0);
        g_auto(Run) run = run_command(lines[i], peer.dir);
        assert_int_equal(run.status, CLI_USAGE);
        SAID(run.err, "besteht aus 32 Hexadezimalziffern");
        assert_int_equal(peer.heard->len, 0);
        peer_stop(&peer);
    }
}

/* Nothing of the vault's English reaches a German reader. */
static void what_stays_undone_is_said_in_german(void **state)
{
    static const Answer answers[] = {{"POST /v1/keys/export HTTP/1.1", 200, "{\"text\":\"x\"}"}};
    static const struct {
        const char *name, *line; /* %s: the folder */
        const char *sentence;
        guint n_answers;
        CliExit status;
    } rows[] = {
        {"a file that is there", "key export %s/there --passphrase-stdin", "there gibt es schon", 1,
            CLI_ANSWER_IS_NO},
        {"no file to import", "key import %s/nowhere --passphrase-stdin", "die Datei", 0,
            CLI_ANSWER_IS_NO},
        {"a file of something else", "key import %s/there --passphrase-stdin",
            "Das ist keine Datei mit exportierten Schlüsseln (Zeile 1)", 0, CLI_ANSWER_IS_NO},
        {"no key file", "key add --key-file %s/nowhere", "Die Schlüsseldatei", 0, CLI_ANSWER_IS_NO},
    };
    words_choose_language("de");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Peer peer;
        print_message("# %s\n", rows[i].name);
        peer_start(&peer, answers, rows[i].n_answers);
        g_autofree char *there = g_build_filename(peer.dir, "there", NULL);
        assert_true(g_file_set_contents(there, "hello\n", -1, NULL));
        g_auto(GStrv) parts = g_strsplit(rows[i].line, "%s", -1);
        g_autofree char *line = g_strjoinv(peer.dir, parts);
        g_autofree char *service = g_build_filename(peer.dir, "control.sock", NULL);
        if (rows[i].n_answers == 0)
            g_unlink(service); /* import wants no service */
        int before = feed_stdin("correct horse battery staple\n");
        g_auto(Run) run = run_command(line, peer.dir);
        end_stdin(before);
        assert_int_equal(run.status, rows[i].status);
        SAID(run.err, rows[i].sentence);
        g_unlink(there);
        peer_stop(&peer);
    }
}

static void an_export_without_a_passphrase_says_so(void **state)
{
    words_choose_language("de");
    Peer peer;
    peer_start(&peer, NULL, 0);
    int before = feed_stdin("");
    g_auto(Run) run = run_command("key export x", peer.dir);
    end_stdin(before);
    assert_int_equal(run.status, CLI_USAGE);
    SAID(run.err, "von der Standardeingabe kam keine Passphrase");
    peer_stop(&peer);
}

int main(void)
{
    secret_init();
    g_setenv("LANGUAGE", "de", TRUE);
    g_setenv("LANG", "de_DE.UTF-8", TRUE);
    g_setenv("TZ", "UTC", TRUE);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_done_is_said_with_what_comes_next),
        cmocka_unit_test(as_json_nothing_is_said_beside),
        cmocka_unit_test(an_id_that_is_none_asks_nobody),
        cmocka_unit_test(what_stays_undone_is_said_in_german),
        cmocka_unit_test(an_export_without_a_passphrase_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
