#include "api/email_request.h"
#include "api/json/email_json.h"
#include "base/limits.h"
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW (20000 * CLOCK_DAY_MS)
#define BASE "\"from\":\"a@example.de\",\"to\":\"b@example.org\",\"subject\":\"s\",\"text\":\"t\""

static EmailRequest *decode(const char *text, JsonFaults *faults)
{
    const char *fault = NULL;
    json_t *body = json_read(text, strlen(text), JSON_BYTE_ARRAYS, &fault);
    assert_non_null(body);
    json_faults_init(faults);
    EmailRequest *request = email_request_read(body, NOW, faults);
    json_decref(body);
    return request;
}

/* The message this request becomes. */
static char *message_of(const char *text)
{
    static const guint8 random[ID_RANDOM_BYTES] = {1};
    g_auto(JsonFaults) faults;
    g_autoptr(EmailRequest) request = decode(text, &faults);
    if (!request)
        fail_msg("%s: %s", text, ((JsonFault *)faults.list->pdata[0])->pointer);
    Id id = id_make(NOW, random);
    request->draft->message_id = mime_message_id_make(&id, "example.de");
    request->draft->date = NOW;
    gboolean needs_smtputf8 = FALSE;
    MimeFault *fault = NULL;
    g_autoptr(GBytes) bytes = mime_message_write(request->draft, &needs_smtputf8, &fault);
    assert_null(fault);
    gsize n = 0;
    const char *data = g_bytes_get_data(bytes, &n);
    return g_strndup(data, n);
}

static void what_resends_clients_send_becomes_a_message(void **state)
{
    static const struct {
        const char *name, *text, *contains[3];
    } cases[] = {
        {"the least", "{" BASE "}", {"From: a@example.de", "To: b@example.org", "Subject: s"}},
        {"names and lists",
            "{\"from\":\"Shop <a@example.de>\",\"to\":[\"b@example.org\",\"C <c@example.org>\"],"
            "\"cc\":\"d@example.org\",\"reply_to\":[\"e@example.org\"],\"subject\":\"s\","
            "\"html\":\"<p>t</p>\"}",
            {"From: Shop <a@example.de>", "Cc: d@example.org", "Reply-To: e@example.org"}},
        {"nulls of the python client",
            "{" BASE ",\"cc\":null,\"bcc\":null,\"html\":null,\"attachments\":null,"
            "\"tags\":null,\"headers\":null,\"scheduled_at\":null}",
            {"Subject: s"}},
        {"headers", "{" BASE ",\"headers\":{\"X-Entity-Ref-ID\":\"17\"}}", {"X-Entity-Ref-ID: 17"}},
        {"base64", "{" BASE ",\"attachments\":[{\"filename\":\"a.txt\",\"content\":\"aGk=\"}]}",
            {"a.txt", "aGk="}},
        {"a node Buffer",
            "{" BASE ",\"attachments\":[{\"filename\":\"a.txt\",\"content\":"
            "{\"type\":\"Buffer\",\"data\":[104,105]}}]}",
            {"a.txt", "aGk="}},
        {"bytes in an array",
            "{" BASE ",\"attachments\":[{\"filename\":\"a.txt\",\"content\":[104,105],"
            "\"content_type\":\"text/plain\"}]}",
            {"a.txt", "Content-Type: text/plain"}},
        {"inline",
            "{" BASE ",\"html\":\"<img src='cid:logo'>\",\"attachments\":[{\"filename\":"
            "\"a.png\",\"content\":\"aGk=\",\"content_id\":\"logo\",\"content_type\":"
            "\"image/png\"}]}",
            {"Content-ID: <logo>", "multipart/related"}},
        {"an empty file", "{" BASE ",\"attachments\":[{\"filename\":\"a.txt\",\"content\":\"\"}]}",
            {"a.txt"}},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *message = message_of(cases[i].text);
        for (gsize j = 0; j < G_N_ELEMENTS(cases[i].contains) && cases[i].contains[j]; j++) {
            if (!strstr(message, cases[i].contains[j]))
                fail_msg("%s: no %s in %s", cases[i].name, cases[i].contains[j], message);
        }
    }
}

static void hidden_recipients_stay_out_of_the_message(void **state)
{
    g_autofree char *message = message_of("{" BASE ",\"bcc\":[\"secret@example.org\"]}");
    assert_null(strstr(message, "secret@"));
}

static void every_fault_has_its_place(void **state)
{
    static const struct {
        const char *text, *pointer, *code;
    } cases[] = {
        {"{\"subject\":\"s\",\"text\":\"t\"}", "/to", "required"},
        {"{\"to\":[],\"subject\":\"s\",\"text\":\"t\"}", "/to", "required"},
        {"{\"to\":\"b@example.org\",\"text\":\"t\"}", "/subject", "required"},
        {"{\"to\":\"b@example.org\",\"subject\":\"s\"}", "/text", "required"},
        {"{" BASE ",\"cc\":[\"c@example.org\",\"nobody\"]}", "/cc/1", "invalid_address"},
        {"{" BASE ",\"cc\":[7]}", "/cc/0", "wrong_type"},
        {"{" BASE ",\"bcc\":\"x\\r\\n@example.org\"}", "/bcc", "invalid_address"},
        {"{" BASE ",\"html\":7}", "/html", "wrong_type"},
        {"{" BASE ",\"topic\":1}", "/topic", "unknown_field"},
        {"{" BASE ",\"org_id\":1}", "/org_id", "unknown_field"},
        {"{" BASE ",\"class\":\"spam\"}", "/class", "unknown_value"},
        {"{" BASE ",\"delivery\":\"maybe\"}", "/delivery", "unknown_value"},
        {"{" BASE ",\"scheduled_at\":\"in 1 min\"}", "/scheduled_at", "invalid_time"},
        {"{" BASE ",\"scheduled_at\":\"2099-01-01T00:00:00Z\"}", "/scheduled_at", "out_of_range"},
        {"{" BASE ",\"expires_at\":\"2001-01-01T00:00:00Z\"}", "/expires_at", "out_of_range"},
        {"{" BASE ",\"template\":{\"id\":\"welcome\"}}", "/template", "not_allowed"},
        {"{" BASE ",\"headers\":{\"X-A\":1}}", "/headers/X-A", "wrong_type"},
        {"{" BASE ",\"tags\":[{\"name\":\"a b\",\"value\":\"c\"}]}", "/tags/0", "invalid_tag"},
        {"{" BASE ",\"tags\":[{\"name\":\"a\",\"value\":\"c\",\"x\":1}]}", "/tags/0/x",
            "unknown_field"},
        {"{" BASE ",\"attachments\":[{\"filename\":\"a\",\"path\":\"https://x/a\"}]}",
            "/attachments/0/path", "remote_attachment_not_supported"},
        {"{" BASE ",\"attachments\":[{\"content\":\"aGk=\"}]}", "/attachments/0/filename",
            "required"},
        {"{" BASE ",\"attachments\":[{\"filename\":\"a\"}]}", "/attachments/0/content", "required"},
        {"{" BASE ",\"attachments\":[{\"filename\":\"a\",\"content\":\"aGk\"}]}",
            "/attachments/0/content", "invalid_base64"},
        {"{" BASE ",\"attachments\":[{\"filename\":\"a\",\"content\":\"a-k=\"}]}",
            "/attachments/0/content", "invalid_base64"},
        {"{" BASE ",\"attachments\":[{\"filename\":\"a\",\"content\":[300]}]}",
            "/attachments/0/content", "wrong_type"},
        {"{" BASE ",\"attachments\":[{\"filename\":\"a\",\"content\":{\"type\":\"x\","
         "\"data\":[1]}}]}",
            "/attachments/0/content", "required"},
        {"{" BASE ",\"attachments\":[7]}", "/attachments/0", "wrong_type"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(JsonFaults) faults;
        g_autoptr(EmailRequest) request = decode(cases[i].text, &faults);
        assert_null(request);
        const JsonFault *fault = faults.list->pdata[0];
        if (strcmp(fault->pointer, cases[i].pointer) != 0 ||
            strcmp(fault->code, cases[i].code) != 0)
            fail_msg("%s: %s at %s", cases[i].text, fault->code, fault->pointer);
        assert_int_equal(faults.list->len, 1);
    }
}

static void recipients_are_counted_over_all_lists(void **state)
{
    GString *text = g_string_new("{\"subject\":\"s\",\"text\":\"t\",\"to\":[");
    for (int i = 0; i < LIMIT_RECIPIENTS; i++)
        g_string_append_printf(text, "%s\"r%d@example.org\"", i ? "," : "", i);
    g_autofree char *fits = g_strconcat(text->str, "]}", NULL);
    g_autofree char *over = g_strconcat(text->str, "],\"bcc\":\"x@example.org\"}", NULL);
    g_string_free(text, TRUE);
    g_auto(JsonFaults) faults;
    g_autoptr(EmailRequest) request = decode(fits, &faults);
    assert_non_null(request);
    g_auto(JsonFaults) more;
    assert_null(decode(over, &more));
    assert_string_equal(((JsonFault *)more.list->pdata[0])->code, "too_many");
}

static void ours_are_read_beside_resends(void **state)
{
    g_auto(JsonFaults) faults;
    g_autoptr(EmailRequest) request =
        decode("{" BASE ",\"class\":\"reset\",\"delivery\":\"at_most_once\","
               "\"scheduled_at\":\"2024-10-05T01:00:00+01:00\",\"expires_at\":"
               "\"2024-10-06T00:00:00Z\",\"tags\":[{\"name\":\"k\",\"value\":\"v\"}]}",
            &faults);
    assert_non_null(request);
    assert_int_equal(request->class, EMAIL_CLASS_RESET);
    assert_true(request->at_most_once);
    assert_true(request->scheduled_at == NOW + CLOCK_DAY_MS);
    assert_string_equal(request->tags_json, "[{\"name\":\"k\",\"value\":\"v\"}]");
}

static void address_lists_split_where_addresses_end(void **state)
{
    static const struct {
        const char *text;
        gsize n;
        const char *second;
    } cases[] = {
        {NULL, 0, NULL},
        {"", 0, NULL},
        {"a@b.de", 1, NULL},
        {"a@b.de, c@d.de", 2, "c@d.de"},
        {"\"M, A\" <a@b.de>, \"x \\\", y\" <c@d.de>", 2, "\"x \\\", y\" <c@d.de>"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        json_t *list = email_addresses_json(cases[i].text);
        assert_int_equal(json_array_size(list), cases[i].n);
        if (cases[i].second)
            assert_string_equal(json_string_value(json_array_get(list, 1)), cases[i].second);
        json_decref(list);
    }
}

static void no_state_is_called_delivered(void **state)
{
    for (EmailState at = EMAIL_SCHEDULED; at <= EMAIL_HELD; at++)
        assert_string_not_equal(email_last_event(at), "delivered");
    assert_string_equal(email_last_event(EMAIL_ACCEPTED), "sent");
    assert_string_equal(email_last_event(EMAIL_HELD), "queued");
    assert_string_equal(email_last_event(EMAIL_REJECTED), "failed");
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_resends_clients_send_becomes_a_message),
        cmocka_unit_test(hidden_recipients_stay_out_of_the_message),
        cmocka_unit_test(every_fault_has_its_place),
        cmocka_unit_test(recipients_are_counted_over_all_lists),
        cmocka_unit_test(ours_are_read_beside_resends),
        cmocka_unit_test(address_lists_split_where_addresses_end),
        cmocka_unit_test(no_state_is_called_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
