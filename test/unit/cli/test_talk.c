/* The commands against a peer that answers from a script. */
#include "peer.h"

#include "base/secret.h"

/* --- tests -------------------------------------------------------------------------------------
 */

static void without_a_daemon_one_sentence_names_the_socket(void **state)
{
    static const char *const lines[] = {"status", "check", "pause", "resume",
        "token create --name x --scope emails:send",
        "send --to a@example.com --subject x --text /dev/null"};
    g_autofree char *dir = g_dir_make_tmp("absender-cli-XXXXXX", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_auto(Run) run = run_command(lines[i], dir);
        assert_int_equal(run.status, CLI_UNREACHABLE);
        assert_string_equal(run.out, "");
        SAID(run.err, dir);
        SAID(run.err, "control.sock");
        assert_ptr_equal(strchr(run.err, '\n'), run.err + strlen(run.err) - 1);
    }
    g_rmdir(dir);
}

static void status_shows_what_the_api_answers(void **state)
{
    static const Answer answers[] = {
        {"GET /v1/smtp HTTP/1.1", 200, "{\"setup\":\"complete\",\"waiting\":{\"held\":4}}"},
        {"GET /v1/smtp HTTP/1.1", 200, "{\"setup\":\"complete\",\"x\":\"\\u001b\"}"},
        {"GET /v1/smtp HTTP/1.1", 403, "{\"title\":\"Forbidden\",\"detail\":\"no\"}"},
        {"GET /v1/smtp HTTP/1.1", 200, "<html>"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) text = run_command("status", peer.dir);
    assert_int_equal(text.status, CLI_DONE);
    SAID(text.out, "4 held back");
    g_auto(Run) json = run_command("status --json", peer.dir);
    assert_int_equal(json.status, CLI_DONE);
    SAID(json.out, "\"setup\": \"complete\"");
    SAID(json.out, "\\u001B");
    g_auto(Run) refused = run_command("status", peer.dir);
    assert_int_equal(refused.status, CLI_ANSWER_IS_NO);
    SAID(refused.err, "Forbidden: no");
    g_auto(Run) odd = run_command("status", peer.dir);
    assert_int_equal(odd.status, CLI_ANSWER_IS_NO);
    SAID(odd.err, "does not speak the API");
    HEARD(peer, "Accept-Language: en");
    peer_stop(&peer);
}

#define PHASES(first, second)                                                             \
    "\"phases\":[{\"name\":\"dns\",\"state\":\"" first "\",\"ms\":3},{\"name\":\"auth\"," \
    "\"state\":\"" second "\",\"ms\":7}]"
#define SETTINGS "\"settings\":{\"host\":\"smtp.example.com\",\"port\":587}"

#define NO_DRAFT                                                        \
    {                                                                   \
        "GET /v1/smtp HTTP/1.1", 200, "{\"draft\":null,\"revision\":6}" \
    }
#define A_DRAFT                                                       \
    {                                                                 \
        "GET /v1/smtp HTTP/1.1", 200, "{\"draft\":{},\"revision\":6}" \
    }
#define DRAFT_IS_DELETED                            \
    {                                               \
        "DELETE /v1/smtp/draft HTTP/1.1", 200, "{}" \
    }
#define BLANK(host, security)                                                                     \
    "{\"host\":" host ",\"port\":null,\"security\":\"" security "\",\"username\":null,"           \
    "\"from_email\":\"a@example.com\",\"from_name\":null,\"ehlo_name\":null,\"max_connections\":" \
    "4,\"window\":16,\"quota\":null"

static void check_shows_the_ladder_and_fails_with_1(void **state)
{
    static const Answer answers[] = {NO_DRAFT,
        {"POST /v1/smtp/verifications HTTP/1.1", 202, "{\"id\":\"ver_1\",\"state\":\"running\"}"},
        {"GET /v1/smtp/verifications/ver_1 HTTP/1.1", 200,
            "{\"state\":\"running\"," SETTINGS "," PHASES("running", "pending") "}"},
        {"GET /v1/smtp/verifications/ver_1 HTTP/1.1", 200,
            "{\"state\":\"running\"," SETTINGS "," PHASES("passed", "running") "}"},
        {"GET /v1/smtp/verifications/ver_1 HTTP/1.1", 200,
            "{\"state\":\"failed\",\"revision\":7," SETTINGS
            "," PHASES("passed", "failed") ",\"diagnosis\":{"
                                           "\"id\":\"auth_failed_generic\",\"meaning\":\"Wrong.\","
                                           "\"fix\":\"Mend.\"}}"},
        DRAFT_IS_DELETED};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    int before = feed_stdin("pass\"word\n");
    g_auto(Run) run = run_command("check --host smtp.example.com --from a@example.com "
                                  "--password-stdin --probe b@example.com",
        peer.dir);
    end_stdin(before);
    assert_int_equal(run.status, CLI_ANSWER_IS_NO);
    assert_string_equal(run.out, "Checking smtp.example.com:587\n"
                                 "  ✓ Look up server name                 3 ms\n"
                                 "  ✗ Log in                              7 ms\n"
                                 "\n"
                                 "✗ The settings do not work. What is active stays as it was.\n"
                                 "  What it means: Wrong.\n"
                                 "  What helps: Mend.\n"
                                 "  Diagnosis: auth_failed_generic\n");
    HEARD(peer, "Content-Type: application/json");
    HEARD(peer, "{\"activate\":false,\"probe_recipient\":\"b@example.com\",\"settings\":" BLANK(
                    "\"smtp.example.com\"", "starttls") ",\"password\":\"pass\\\"word\"}}");
    HEARD(peer, "If-Match: \"7\"");
    peer_stop(&peer);
}

static void a_trial_leaves_no_draft_whatever_becomes_of_it(void **state)
{
    static const Answer answers[] = {NO_DRAFT,
        {"POST /v1/smtp/verifications HTTP/1.1", 422, "{\"title\":\"Incomplete\"}"}, A_DRAFT,
        DRAFT_IS_DELETED, NO_DRAFT,
        {"POST /v1/smtp/verifications HTTP/1.1", 422, "{\"title\":\"Wrong\"}"}, NO_DRAFT, NO_DRAFT,
        {"POST /v1/smtp/verifications HTTP/1.1", 202, "{\"id\":\"ver_1\"}"},
        {"GET /v1/smtp/verifications/ver_1 HTTP/1.1", 200,
            "{\"state\":\"passed\",\"activated\":false,\"revision\":9}"},
        {"DELETE /v1/smtp/draft HTTP/1.1", 412, "{\"title\":\"Moved\"}"}, NO_DRAFT,
        {"POST /v1/smtp/verifications HTTP/1.1", 202, "{\"id\":\"ver_2\"}"},
        {"GET /v1/smtp/verifications/ver_2 HTTP/1.1", 200,
            "{\"state\":\"passed\",\"activated\":true,\"revision\":9}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) incomplete = run_command("check --port 465", peer.dir);
    assert_int_equal(incomplete.status, CLI_ANSWER_IS_NO);
    HEARD(peer, "\"host\":null,\"port\":465,\"security\":\"implicit\"");
    HEARD(peer, "If-Match: \"6\"");
    g_auto(Run) wrong = run_command("check --host 'a b'", peer.dir);
    assert_int_equal(wrong.status, CLI_ANSWER_IS_NO);
    g_auto(Run) overtaken = run_command("check --from-name x", peer.dir);
    assert_int_equal(overtaken.status, CLI_DONE);
    HEARD(peer, "\"settings\":{\"from_name\":\"x\"}}");
    SAID(overtaken.err, "the draft was changed meanwhile and stays");
    g_auto(Run) activated = run_command("check --activate", peer.dir);
    assert_int_equal(activated.status, CLI_DONE);
    peer_stop(&peer);
}

static void a_draft_of_somebody_else_is_not_overwritten_unasked(void **state)
{
    static const Answer answers[] = {A_DRAFT, A_DRAFT, A_DRAFT,
        {"POST /v1/smtp/verifications HTTP/1.1", 202, "{\"id\":\"ver_1\"}"},
        {"GET /v1/smtp/verifications/ver_1 HTTP/1.1", 200, "{\"state\":\"failed\"}"}};
    static const char *const refused[] = {
        "check --host smtp.example.com", "check --password-stdin"};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_auto(Run) run = run_command(refused[i], peer.dir);
        assert_int_equal(run.status, CLI_ANSWER_IS_NO);
        SAID(run.err, "--replace-draft");
    }
    g_auto(Run) run = run_command("check --host smtp.example.com --replace-draft", peer.dir);
    assert_int_equal(run.status, CLI_ANSWER_IS_NO);
    peer_stop(&peer);
}

static void an_interrupted_check_is_cancelled_and_leaves_nothing(void **state)
{
    static const Answer answers[] = {NO_DRAFT,
        {"POST /v1/smtp/verifications HTTP/1.1", 202, "{\"id\":\"ver_1\"}"},
        {"DELETE /v1/smtp/verifications/ver_1 HTTP/1.1", 200, "{}"},
        {"GET /v1/smtp/verifications/ver_1 HTTP/1.1", 200,
            "{\"state\":\"cancelled\",\"revision\":9}"},
        DRAFT_IS_DELETED};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    peer.interrupt_at = 2;
    g_auto(Run) run = run_command("check --host smtp.example.com", peer.dir);
    assert_int_equal(run.status, CLI_ANSWER_IS_NO);
    SAID(run.out, "The check was cancelled.");
    peer_stop(&peer);
}

static void check_of_the_draft_sends_no_settings(void **state)
{
    static const Answer answers[] = {A_DRAFT,
        {"POST /v1/smtp/verifications HTTP/1.1", 202, "{\"id\":\"ver_2\",\"state\":\"running\"}"},
        {"GET /v1/smtp/verifications/ver_2 HTTP/1.1", 200,
            "{\"state\":\"passed\",\"activated\":true,\"transcript\":[{\"from\":\"client\","
            "\"text\":\"QUIT\"}]}"},
        A_DRAFT,
        {"POST /v1/smtp/verifications HTTP/1.1", 422,
            "{\"title\":\"Incomplete\",\"errors\":[{\"pointer\":\"/settings/host\",\"detail\":"
            "\"is missing\"}]}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) run = run_command("check --activate --transcript", peer.dir);
    assert_int_equal(run.status, CLI_DONE);
    SAID(run.out, "Mail is sent with them from now on.");
    SAID(run.out, "> QUIT");
    HEARD(peer, "\r\n\r\n{\"activate\":true}");
    g_auto(Run) refused = run_command("check", peer.dir);
    assert_int_equal(refused.status, CLI_ANSWER_IS_NO);
    SAID(refused.err, "  --host: is missing");
    peer_stop(&peer);
}

static void send_hands_over_the_files(void **state)
{
    static const Answer answers[] = {
        {"POST /v1/emails HTTP/1.1", 200, "{\"id\":\"em_1\",\"state\":\"queued\"}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_autofree char *file = g_build_filename(peer.dir, "a.txt", NULL);
    assert_true(g_file_set_contents(file, "attached", -1, NULL));
    g_autofree char *line = g_strdup_printf(
        "send --to a@example.com --to b@example.com --subject Prüfung --text - --attach %s "
        "--idempotency-key k1 --class bulk",
        file);
    int before = feed_stdin("Guten Tag, schöne Welt\n");
    g_auto(Run) run = run_command(line, peer.dir);
    end_stdin(before);
    g_unlink(file);
    assert_int_equal(run.status, CLI_DONE);
    assert_string_equal(run.out, "✓ em_1: queued\n");
    HEARD(peer, "Idempotency-Key: k1");
    HEARD(peer,
        "\"to\":[\"a@example.com\",\"b@example.com\"],\"subject\":\"Prüfung\",\"class\":\"bulk\"");
    HEARD(peer, "\"text\":\"Guten Tag, schöne Welt\\n\"");
    HEARD(peer, "{\"filename\":\"a.txt\",\"content\":\"YXR0YWNoZWQ=\"}");
    peer_stop(&peer);
}

static void an_empty_subject_is_said_and_sent(void **state)
{
    static const Answer answers[] = {
        {"POST /v1/emails HTTP/1.1", 200, "{\"id\":\"em_1\",\"state\":\"queued\"}"},
        {"POST /v1/emails HTTP/1.1", 200, "{\"id\":\"em_2\",\"state\":\"queued\"}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) run =
        run_command("send --to a@example.com --subject ' ' --text /dev/null", peer.dir);
    assert_int_equal(run.status, CLI_DONE);
    assert_string_equal(run.out, "✓ em_1: queued\n");
    assert_string_equal(run.err, "absender send: The email has no subject.\n");
    g_auto(Run) full =
        run_command("send --to a@example.com --subject x --text /dev/null", peer.dir);
    assert_string_equal(full.err, "");
    peer_stop(&peer);
}

static void the_token_alone_is_on_standard_output(void **state)
{
    static const Answer answers[] = {
        {"POST /v1/tokens HTTP/1.1", 201, "{\"id\":\"tok_1\",\"token\":\"abs_secret\"}"},
        {"POST /v1/tokens HTTP/1.1", 422, "{\"title\":\"Unknown scope\"}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) run =
        run_command("token create --name shop --scope emails:send --scope emails:read", peer.dir);
    assert_int_equal(run.status, CLI_DONE);
    assert_string_equal(run.out, "abs_secret\n");
    HEARD(peer, "{\"name\":\"shop\",\"scopes\":[\"emails:send\",\"emails:read\"]}");
    g_auto(Run) refused = run_command("token create --name shop --scope all", peer.dir);
    assert_int_equal(refused.status, CLI_ANSWER_IS_NO);
    assert_string_equal(refused.out, "");
    peer_stop(&peer);
}

static void a_reset_link_alone_is_on_standard_output(void **state)
{
    static const Answer answers[] = {{"GET /v1/members?email=anna%40example.de HTTP/1.1", 200,
                                         "{\"data\":[{\"id\":\"mem_1\"}],\"has_more\":false}"},
        {"POST /v1/members/mem_1/reset-link HTTP/1.1", 201,
            "{\"link\":\"https://m.example/#/reset/x\",\"expires_at\":\"2026-11-22T12:00:00Z\"}"},
        {"GET /v1/members?email=nobody HTTP/1.1", 200, "{\"data\":[],\"has_more\":false}"},
        {"GET /v1/members?email=anna%40example.de HTTP/1.1", 503, "{\"title\":\"Full\"}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) run = run_command("reset-link anna@example.de", peer.dir);
    assert_int_equal(run.status, CLI_DONE);
    assert_string_equal(run.out, "https://m.example/#/reset/x\n");
    assert_non_null(strstr(run.err, "2026-11-22 12:00"));
    g_auto(Run) nobody = run_command("reset-link nobody", peer.dir);
    assert_int_equal(nobody.status, CLI_ANSWER_IS_NO);
    assert_string_equal(nobody.out, "");
    g_auto(Run) busy = run_command("reset-link anna@example.de", peer.dir);
    assert_int_equal(busy.status, CLI_ANSWER_IS_NO);
    g_auto(Run) usage = run_command("reset-link", peer.dir);
    assert_int_equal(usage.status, CLI_USAGE);
    peer_stop(&peer);
}

static void pause_and_resume_move_the_switch(void **state)
{
    static const Answer answers[] = {
        {"PUT /v1/smtp/sending HTTP/1.1", 200, "{\"sending\":{\"enabled\":false}}"},
        {"GET /v1/smtp/sending/preview HTTP/1.1", 200, "{\"send\":{\"total\":3,\"bulk\":3}}"},
        {"PUT /v1/smtp/sending HTTP/1.1", 200, "{\"sending\":{\"enabled\":true}}"},
        {"GET /v1/smtp/sending/preview HTTP/1.1", 200, "{\"send\":{\"total\":3,\"bulk\":3}}"},
        {"PUT /v1/smtp/sending HTTP/1.1", 200, "{\"sending\":{\"enabled\":true},\"cancelled\":3}"},
        {"GET /v1/smtp/sending/preview HTTP/1.1", 503, "{\"title\":\"Busy\"}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) pause = run_command("pause --reason moving --until 2026-12-24T18:00:00Z", peer.dir);
    assert_int_equal(pause.status, CLI_DONE);
    SAID(pause.out, "off");
    HEARD(peer, "{\"enabled\":false,\"reason\":\"moving\",\"until\":\"2026-12-24T18:00:00Z\"}");
    g_auto(Run) resume = run_command("resume", peer.dir);
    assert_int_equal(resume.status, CLI_DONE);
    SAID(resume.out, "Sent at once:      3 (3 bulk)\n");
    SAID(resume.out, "Sending:           on\n");
    HEARD(peer, "\r\n\r\n{\"enabled\":true}");
    g_auto(Run) without = run_command("resume --yes --cancel bulk --cancel reset", peer.dir);
    assert_int_equal(without.status, CLI_DONE);
    SAID(without.out, "3 cancelled\n");
    HEARD(peer, "{\"enabled\":true,\"cancel_classes\":[\"bulk\",\"reset\"]}");
    g_auto(Run) blind = run_command("resume", peer.dir); /* nothing to show: nothing is done */
    assert_int_equal(blind.status, CLI_ANSWER_IS_NO);
    peer_stop(&peer);
}

#define EMAIL(id)                                                                      \
    "{\"id\":\"" id "\",\"state\":\"queued\",\"created_at\":\"2026-11-21T10:00:00Z\"," \
    "\"to\":[\"a@example.com\",\"b@example.com\"],\"subject\":\"Hi\\u001b[2J\"}"

static void queue_list_asks_page_after_page(void **state)
{
    static const Answer answers[] = {
        {"GET /v1/emails?state=queued&class=a%20b&limit=200 HTTP/1.1", 200,
            "{\"data\":[" EMAIL("em_1") "," EMAIL("em_2") "],\"has_more\":true}"},
        {"GET /v1/emails?state=queued&class=a%20b&limit=200&after=em_2 HTTP/1.1", 200,
            "{\"data\":[" EMAIL("em_3") "],\"has_more\":false}"},
        {"GET /v1/emails?limit=50 HTTP/1.1", 200, "{\"data\":[],\"has_more\":false}"},
        {"GET /v1/emails?limit=1 HTTP/1.1", 200,
            "{\"data\":[" EMAIL("em_1") "],\"has_more\":true}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) all = run_command("queue list --state queued --class 'a b' --limit 500", peer.dir);
    assert_int_equal(all.status, CLI_DONE);
    assert_int_equal(strncmp(all.out, "em_1  2026-11-21 10:00  queued", 30), 0);
    SAID(all.out, "  a@example.com +1  Hi");
    SAID(all.out, "\nem_3  ");
    assert_null(strchr(all.out, 0x1b));
    g_auto(Run) none = run_command("queue list", peer.dir);
    assert_string_equal(none.out, "There is no such email.\n");
    g_auto(Run) one = run_command("queue list --limit 1", peer.dir);
    SAID(one.err, "There are more");
    peer_stop(&peer);
}

static void queue_actions_go_on_after_a_refusal(void **state)
{
    static const Answer answers[] = {{"GET /v1/emails/em_1 HTTP/1.1", 200, EMAIL("em_1")},
        {"POST /v1/emails/em_1/retry HTTP/1.1", 409, "{\"title\":\"No body\"}"},
        {"GET /v1/emails/em%2F2 HTTP/1.1", 200, EMAIL("em_2")},
        {"POST /v1/emails/em%2F2/retry HTTP/1.1", 200, EMAIL("em_2")},
        {"POST /v1/emails/em_1/cancel HTTP/1.1", 409, "{\"title\":\"No\"}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) retry = run_command("queue retry em_1 em/2", peer.dir);
    assert_int_equal(retry.status, CLI_ANSWER_IS_NO);
    assert_string_equal(retry.err, "em_1: ✗ No body\n");
    assert_string_equal(retry.out, "✓ em_2: queued\n");
    g_auto(Run) json = run_command("queue cancel em_1 --json", peer.dir);
    assert_int_equal(json.status, CLI_ANSWER_IS_NO);
    SAID(json.out, "\"object\": \"list\"");
    SAID(json.out, "\"title\": \"No\"");
    peer_stop(&peer);
}

#define UNCERTAIN(id, delivery)                                                                  \
    "{\"id\":\"" id "\",\"state\":\"uncertain\",\"delivery\":\"" delivery "\",\"recipients\":[{" \
    "\"state\":\"rejected\"},{\"state\":\"uncertain\"}]}"

static void queue_retry_leaves_out_what_may_arrive_twice(void **state)
{
    static const Answer answers[] = {
        {"GET /v1/emails/em_1 HTTP/1.1", 200, UNCERTAIN("em_1", "at_least_once")},
        {"GET /v1/emails/em_2 HTTP/1.1", 200, UNCERTAIN("em_2", "at_most_once")},
        {"POST /v1/emails/em_2/retry HTTP/1.1", 200, EMAIL("em_2")},
        {"GET /v1/emails/em_3 HTTP/1.1", 404, "{\"title\":\"Gone\"}"},
        {"POST /v1/emails/em_1/retry HTTP/1.1", 200, EMAIL("em_1")}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) careful = run_command("queue retry em_1 em_2 em_3", peer.dir);
    assert_int_equal(careful.status, CLI_ANSWER_IS_NO);
    assert_string_equal(careful.err,
        "em_1: ✗ It may have arrived already, and would then arrive twice. --again sends it all "
        "the same.\nem_3: ✗ Gone\n");
    assert_string_equal(careful.out, "✓ em_2: queued\n");
    g_auto(Run) sure = run_command("queue retry em_1 --again", peer.dir);
    assert_int_equal(sure.status, CLI_DONE);
    assert_string_equal(sure.out, "✓ em_1: queued\n");
    peer_stop(&peer);
}

static void queue_show_asks_in_the_time_of_this_machine(void **state)
{
    static const struct {
        const char *zone, *query;
    } rows[] = {{"Europe/Berlin", "?time_zone=Europe%2FBerlin"}, {"UTC", "?time_zone=UTC"},
        {"CET-1CEST,M3.5.0/2,M10.5.0/3", ""}, {"/no/such/zone", "?time_zone=UTC"}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *why =
            g_strdup_printf("GET /v1/emails/em_1/explanation%s HTTP/1.1", rows[i].query);
        const Answer answers[] = {{"GET /v1/emails/em_1 HTTP/1.1", 200, EMAIL("em_1")},
            {why, 200, "{\"sentence\":\"Because.\"}"}};
        Peer peer;
        peer_start(&peer, answers, G_N_ELEMENTS(answers));
        g_setenv("TZ", rows[i].zone, TRUE);
        g_auto(Run) run = run_command("queue show em_1", peer.dir);
        g_setenv("TZ", "UTC", TRUE);
        SAID(run.out, "Because.");
        peer_stop(&peer);
    }
}

#define HEAD "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff"

static void audit_verify_says_no_when_the_log_is_not_what_was_written(void **state)
{
    static const Answer answers[] = {
        {"GET /v1/audit-events/check HTTP/1.1", 200,
            "{\"ok\":true,\"events\":5,\"last_hash\":\"" HEAD "\",\"first_fault\":null}"},
        {"GET /v1/audit-events/check HTTP/1.1", 200,
            "{\"ok\":false,\"events\":2,\"last_hash\":\"" HEAD "\",\"first_fault\":{"
            "\"id\":\"aud_3\",\"at\":\"2026-11-21T10:00:00Z\"}}"},
        {"GET /v1/audit-events/check?head=" HEAD " HTTP/1.1", 200,
            "{\"ok\":false,\"events\":2,\"last_hash\":\"x\",\"first_fault\":null,\"has_head\":"
            "false}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) good = run_command("audit verify", peer.dir);
    assert_int_equal(good.status, CLI_DONE);
    SAID(good.out, "✓ The audit log is what was written.\n");
    SAID(good.out, HEAD);
    g_auto(Run) bad = run_command("audit verify", peer.dir);
    assert_int_equal(bad.status, CLI_ANSWER_IS_NO);
    SAID(bad.out, "✗ The audit log was tampered with");
    SAID(bad.out, "aud_3");
    g_auto(Run) cut = run_command("audit verify --head " HEAD, peer.dir);
    assert_int_equal(cut.status, CLI_ANSWER_IS_NO);
    SAID(cut.out, "its end was cut off");
    peer_stop(&peer);
}

static void audit_list_shows_who_did_what(void **state)
{
    static const Answer answers[] = {
        {"GET /v1/audit-events?action=invitation.&actor=anna%20b&limit=1 HTTP/1.1", 200,
            "{\"data\":[{\"id\":\"aud_1\",\"at\":\"2026-11-21T10:00:00Z\",\"actor\":"
            "\"anna@example.de\",\"text\":\"Invitation created\",\"detail\":\"x\\u001b[2Jy\","
            "\"client\":\"192.0.2.1\"}],\"has_more\":true}"},
        {"GET /v1/audit-events?limit=50 HTTP/1.1", 200, "{\"data\":[],\"has_more\":false}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) one =
        run_command("audit list --action invitation. --actor 'anna b' --limit 1", peer.dir);
    assert_int_equal(one.status, CLI_DONE);
    SAID(one.out, "2026-11-21 10:00  anna@example.de  Invitation created (x");
    SAID(one.out, "  192.0.2.1\n");
    assert_null(strchr(one.out, 0x1b));
    SAID(one.err, "There are more");
    g_auto(Run) none = run_command("audit", peer.dir);
    assert_string_equal(none.out, "There is no such event.\n");
    g_auto(Run) wrong = run_command("audit list verify", peer.dir);
    assert_int_equal(wrong.status, CLI_USAGE);
    peer_stop(&peer);
}

static void queue_check_says_no_when_something_is_missing(void **state)
{
    static const Answer answers[] = {
        {"GET /v1/queue/check HTTP/1.1", 200,
            "{\"balanced\":true,\"taken\":5,\"states\":{\"queued\":2},\"removed\":{"
            "\"accepted\":3},\"counted\":true,\"faults\":[]}"},
        {"GET /v1/queue/check HTTP/1.1", 200,
            "{\"balanced\":true,\"taken\":5,\"states\":{\"queued\":2},\"removed\":{"
            "\"accepted\":3},\"counted\":false,\"faults\":[]}"},
        {"GET /v1/queue/check HTTP/1.1", 200,
            "{\"balanced\":false,\"taken\":5,\"states\":{},\"removed\":{},\"faults\":[\"5 are "
            "missing\"]}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) good = run_command("queue check", peer.dir);
    assert_int_equal(good.status, CLI_DONE);
    assert_string_equal(good.out, "✓ The books balance: every email that was taken is accounted "
                                  "for.\n"
                                  "Taken in all:      5\n"
                                  "There:             2 queued\n"
                                  "Removed since:     3 accepted by the provider\n");
    g_auto(Run) sums = run_command("queue check", peer.dir);
    assert_int_equal(sums.status, CLI_DONE);
    SAID(sums.out, "✓ The sums of the books balance. There are too many emails to count them,");
    g_auto(Run) bad = run_command("queue check", peer.dir);
    assert_int_equal(bad.status, CLI_ANSWER_IS_NO);
    SAID(bad.out, "✗ The books do not balance.\n  5 are missing\n");
    peer_stop(&peer);
}

#define BACKUP(state, done)                                                                 \
    "{\"state\":\"" state "\",\"path\":\"/b\",\"pages_done\":" done ",\"pages_total\":100," \
    "\"page_bytes\":16384,\"detail\":\"full\"}"

static void backup_shows_how_far_it_is(void **state)
{
    static const Answer answers[] = {{"POST /v1/backups HTTP/1.1", 202, BACKUP("running", "0")},
        {"GET /v1/backups/current HTTP/1.1", 200, BACKUP("running", "30")},
        {"GET /v1/backups/current HTTP/1.1", 200, BACKUP("running", "40")},
        {"GET /v1/backups/current HTTP/1.1", 200, BACKUP("complete", "100")},
        {"POST /v1/backups HTTP/1.1", 202, BACKUP("running", "0")},
        {"GET /v1/backups/current HTTP/1.1", 200, BACKUP("failed", "3")},
        {"POST /v1/backups HTTP/1.1", 409, "{\"title\":\"Running\"}"}};
    Peer peer;
    peer_start(&peer, answers, G_N_ELEMENTS(answers));
    g_auto(Run) good = run_command("backup /tmp/../b --replace", peer.dir);
    assert_int_equal(good.status, CLI_DONE);
    HEARD(peer, "{\"replace\":true,\"path\":\"/b\"}");
    SAID(good.out, "25 %: 0.5 of 1.6 MiB\n100 %: 1.6 of 1.6 MiB\n✓ The backup is complete: /b, 1.6 "
                   "MiB\n");
    g_auto(Run) failed = run_command("backup /b", peer.dir);
    assert_int_equal(failed.status, CLI_ANSWER_IS_NO);
    assert_string_equal(failed.err, "✗ There is no backup: full\n");
    g_auto(Run) refused = run_command("backup /b", peer.dir);
    assert_int_equal(refused.status, CLI_ANSWER_IS_NO);
    SAID(refused.err, "✗ Running");
    peer_stop(&peer);
}

static void wrong_usage_ends_with_2_and_asks_nobody(void **state)
{
    static const char *const lines[] = {"nonsense", "status surplus", "status --colour",
        "check --port many", "send", "send --to a@example.com --subject x",
        "send --to a@example.com --subject x --text - --html -",
        "send --to a@example.com --subject x --text /no/such/file", "token", "token create",
        "token destroy --name x --scope y",
        "send --to a --subject x --text /dev/null --idempotency-key 'a\x01'", "pause --reason",
        "pause --reason '\xff'", "check --host '\xff'", "queue", "queue burn", "queue show",
        "queue list --limit 0", "queue retry", "queue check em_1", "resume --cancel '\xff'",
        "backup", "backup '\xff'", "restore", "restore /b"};
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_auto(Run) run = run_command(lines[i], "/nonexistent");
        g_autofree char *shown = g_strescape(lines[i], NULL);
        print_message("# %s\n", shown);
        assert_int_equal(run.status, CLI_USAGE);
        assert_string_equal(run.out, "");
        assert_true(strlen(run.err) > 10);
    }
}

static void help_explains_every_option(void **state)
{
    guint n = 0;
    const CliCommand *commands = cli_commands(&n);
    for (guint i = 0; i < n; i++) {
        if (commands[i].run == NULL)
            continue;
        g_autofree char *line = g_strdup_printf("%s --help", commands[i].name);
        g_auto(Run) run = run_command(line, "/nonexistent");
        assert_int_equal(run.status, CLI_DONE);
        SAID(run.out, commands[i].summary);
        SAID(run.out, "--json");
        SAID(run.out, "--data=DIR");
    }
    g_auto(Run) check = run_command("check --help", "/nonexistent");
    SAID(check.out, "--password-stdin");
    SAID(check.out, "--security=starttls|implicit\n                             how TLS starts");
    SAID(check.out, "  --host=HOST                server name\n");
    g_setenv("LANGUAGE", "de", TRUE);
    g_auto(Run) german = run_command("send --help", "/nonexistent");
    g_setenv("LANGUAGE", "en", TRUE);
    SAID(german.out, "absender send --to ADRESSE --subject TEXT --text DATEI\n");
    SAID(german.out, "  --idempotency-key=SCHLÜSSEL\n                             derselbe");
    SAID(german.out, "  --text=DATEI               Datei mit dem Text");
}

int main(void)
{
    secret_init();
    g_setenv("LANGUAGE", "en", TRUE);
    g_setenv("LANG", "en_GB.UTF-8", TRUE);
    g_setenv("TZ", "UTC", TRUE);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_daemon_one_sentence_names_the_socket),
        cmocka_unit_test(status_shows_what_the_api_answers),
        cmocka_unit_test(check_shows_the_ladder_and_fails_with_1),
        cmocka_unit_test(a_trial_leaves_no_draft_whatever_becomes_of_it),
        cmocka_unit_test(a_draft_of_somebody_else_is_not_overwritten_unasked),
        cmocka_unit_test(an_interrupted_check_is_cancelled_and_leaves_nothing),
        cmocka_unit_test(check_of_the_draft_sends_no_settings),
        cmocka_unit_test(send_hands_over_the_files),
        cmocka_unit_test(an_empty_subject_is_said_and_sent),
        cmocka_unit_test(the_token_alone_is_on_standard_output),
        cmocka_unit_test(a_reset_link_alone_is_on_standard_output),
        cmocka_unit_test(pause_and_resume_move_the_switch),
        cmocka_unit_test(queue_list_asks_page_after_page),
        cmocka_unit_test(queue_actions_go_on_after_a_refusal),
        cmocka_unit_test(queue_retry_leaves_out_what_may_arrive_twice),
        cmocka_unit_test(queue_show_asks_in_the_time_of_this_machine),
        cmocka_unit_test(queue_check_says_no_when_something_is_missing),
        cmocka_unit_test(audit_verify_says_no_when_the_log_is_not_what_was_written),
        cmocka_unit_test(audit_list_shows_who_did_what),
        cmocka_unit_test(backup_shows_how_far_it_is),
        cmocka_unit_test(wrong_usage_ends_with_2_and_asks_nobody),
        cmocka_unit_test(help_explains_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
