/* queue retry and cancel for all that a filter finds, against a peer that answers from a script. */
#include "peer.h"

#include "base/secret.h"
#include "cli/format_queue.h"

#define BULK "POST /v1/emails/bulk HTTP/1.1"
#define DONE(done, skipped, next) \
    "{\"object\":\"bulk\",\"done\":" done ",\"skipped\":[" skipped "],\"next\":" next "}"
#define SKIPPED(id, code) "{\"id\":\"" id "\",\"code\":\"" code "\"}"

static void one_request_follows_the_other_until_all_are_done(void **state)
{
    static const Answer answers[] = {
        {BULK, 200, DONE("1000", SKIPPED("em_1", "not_cancellable"), "\"em_7\"")},
        {BULK, 200, DONE("2", SKIPPED("em_8", "not_cancellable"), "null")}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) run = run_command("queue cancel --state held --class bulk --yes", peer.dir);
    assert_int_equal(run.status, CLI_DONE);
    assert_string_equal(run.out, "✓ 1002 emails will not be sent any more.\n"
                                 "  2 left out: already on its way or done\n");
    assert_string_equal(run.err, "");
    HEARD(peer, "{\"action\":\"cancel\",\"filter\":{\"state\":\"held\",\"class\":\"bulk\"},"
                "\"after\":null}");
    HEARD(peer, "\"after\":\"em_7\"}");
    peer_stop(&peer);
}

/* What was asked for, what came back, and what is said then. */
static void each_end_says_what_was_done_and_why_not_more(void **state)
{
    static const struct {
        const char *line, *answer, *heard;
        CliExit status;
        const char *out;
    } rows[] = {
        {"queue retry --state rejected --yes", DONE("1", "", "null"),
            "{\"action\":\"retry\",\"filter\":{\"state\":\"rejected\"},\"after\":null}", CLI_DONE,
            "✓ One email is queued again.\n"},
        {"queue retry --class bulk --yes --again", DONE("2", "", "null"),
            "{\"action\":\"retry\",\"filter\":{\"class\":\"bulk\"},\"after\":null,"
            "\"uncertain\":true}",
            CLI_DONE, "✓ 2 emails are queued again.\n"},
        {"queue cancel --state held --yes --again", DONE("1", "", "null"),
            "{\"action\":\"cancel\",\"filter\":{\"state\":\"held\"},\"after\":null}", CLI_DONE,
            "✓ One email will not be sent any more.\n"},
        {"queue retry --state uncertain --yes",
            DONE("0", SKIPPED("em_1", "at_most_once") "," SKIPPED("em_2", "may_arrive_twice"),
                "null"),
            "\"uncertain\"", CLI_ANSWER_IS_NO,
            "✗ No email was changed.\n"
            "  1 left out: might arrive twice; --again sends it all the same\n"
            "  1 left out: may be sent only once\n"},
        {"queue cancel --state queued --yes", DONE("0", "", "null"), "queued", CLI_DONE,
            "There is no such email.\n"},
        {"queue cancel --state queued --yes --json",
            DONE("1", SKIPPED("em_1", "not_found"), "null"), "queued", CLI_DONE,
            "{\n  \"object\": \"bulk\",\n  \"done\": 1,\n  \"skipped\": [\n    {\n"
            "      \"id\": \"em_1\",\n      \"code\": \"not_found\"\n    }\n  ],\n"
            "  \"next\": null\n}\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Answer answers[] = {{BULK, 200, rows[i].answer}};
        Peer peer;
        peer_start(&peer, answers, G_N_ELEMENTS(answers));
        g_auto(Run) run = run_command(rows[i].line, peer.dir);
        assert_string_equal(run.out, rows[i].out);
        assert_string_equal(run.err, "");
        assert_int_equal(run.status, rows[i].status);
        HEARD(peer, rows[i].heard);
        peer_stop(&peer);
    }
}

/* The codes that the contract names. */
static void every_reason_has_its_words(void **state)
{
    static const char *const way[] = {"paths", "/v1/emails/bulk", "post", "responses", "200",
        "content", "application/json", "schema", "properties", "skipped", "items", "properties",
        "code", "enum"};
    g_autofree char *path =
        g_build_filename(g_getenv("ABSENDER_SOURCE"), "doc", "openapi.json", NULL);
    json_t *contract = json_load_file(path, 0, NULL);
    const json_t *codes = contract;
    for (gsize i = 0; i < G_N_ELEMENTS(way); i++)
        codes = json_object_get(codes, way[i]);
    assert_true(json_array_size(codes) > 0);
    for (gsize i = 0; i < json_array_size(codes); i++) {
        const char *code = json_string_value(json_array_get(codes, i));
        json_t *bulk = json_pack("{s:i, s:[{s:s}]}", "done", 0, "skipped", "code", code);
        g_autofree char *text = format_retried(bulk);
        json_decref(bulk);
        print_message("# %s\n", code);
        SAID(text, "  1 left out: ");
    }
    json_decref(contract);
}

static void a_refusal_in_the_middle_tells_what_was_done_before(void **state)
{
    static const Answer answers[] = {{BULK, 200, DONE("1000", "", "\"em_7\"")},
        {BULK, 503, "{\"title\":\"The disk is full\"}"},
        {BULK, 422,
            "{\"title\":\"No\",\"errors\":[{\"pointer\":\"/filter/state\","
            "\"detail\":\"This state is not known.\"}]}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) broken = run_command("queue retry --state deferred --yes", peer.dir);
    assert_int_equal(broken.status, CLI_ANSWER_IS_NO);
    assert_string_equal(broken.out, "✓ 1000 emails are queued again.\n");
    assert_string_equal(broken.err, "The rest was left as it is. ✗ The disk is full\n");
    g_auto(Run) unknown = run_command("queue retry --state lost --yes", peer.dir);
    assert_int_equal(unknown.status, CLI_ANSWER_IS_NO);
    assert_string_equal(unknown.out, "");
    SAID(unknown.err, "--state: This state is not known.");
    peer_stop(&peer);
}

static void without_a_terminal_and_a_yes_nobody_is_asked(void **state)
{
    Peer peer;
    peer_start(&peer, NULL, 0);
    int before = feed_stdin("y\n");
    g_auto(Run) run = run_command("queue cancel --state held", peer.dir);
    end_stdin(before);
    assert_int_equal(run.status, CLI_USAGE);
    SAID(run.err, "--yes says that you are sure");
    assert_string_equal(run.out, "");
    assert_string_equal(peer.heard->str, "");
    peer_stop(&peer);
}

static void which_emails_is_said_in_one_way(void **state)
{
    static const char *const lines[] = {"queue retry --yes", "queue cancel --yes",
        "queue cancel em_1 --state held --yes", "queue retry em_1 --class bulk --yes",
        "queue cancel --state held --limit 10 --yes", "queue cancel --state '\xff' --yes",
        "queue list --limit -1"};
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_auto(Run) run = run_command(lines[i], "/nonexistent");
        assert_int_equal(run.status, CLI_USAGE);
        assert_string_equal(run.out, "");
        assert_true(strlen(run.err) > 10);
    }
}

int main(void)
{
    secret_init();
    g_setenv("LANGUAGE", "en", TRUE);
    g_setenv("LANG", "en_GB.UTF-8", TRUE);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_follows_the_other_until_all_are_done),
        cmocka_unit_test(each_end_says_what_was_done_and_why_not_more),
        cmocka_unit_test(every_reason_has_its_words),
        cmocka_unit_test(a_refusal_in_the_middle_tells_what_was_done_before),
        cmocka_unit_test(without_a_terminal_and_a_yes_nobody_is_asked),
        cmocka_unit_test(which_emails_is_said_in_one_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
