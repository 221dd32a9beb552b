#include "api/json/json.h"
#include "base/limits.h"
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *read_text(const char *text, JsonMode mode)
{
    const char *fault = NULL;
    json_t *value = json_read(text, strlen(text), mode, &fault);
    assert_true((value == NULL) == (fault != NULL));
    return value;
}

static void only_sound_objects_are_read(void **state)
{
    static const struct {
        const char *name, *text;
        gboolean is_sound;
    } cases[] = {
        {"empty object", "{}", TRUE},
        {"with space", " \r\n\t{ \"a\" : [ 1 , \"x\" ] } ", TRUE},
        {"brackets in strings", "{\"a\":\"[[[[{{{{\\\"[[\"}", TRUE},
        {"the largest integer", "{\"a\":9223372036854775807}", TRUE},
        {"nothing", "", FALSE},
        {"an array", "[{}]", FALSE},
        {"a word", "true", FALSE},
        {"an open string", "{\"a", FALSE},
        {"an open escape", "{\"a\\", FALSE},
        {"two values", "{}{}", FALSE},
        {"a duplicate", "{\"a\":1,\"a\":1}", FALSE},
        {"an inner duplicate", "{\"b\":{\"a\":1,\"a\":1}}", FALSE},
        {"too large an integer", "{\"a\":9223372036854775808}", FALSE},
        {"too large a number", "{\"a\":1e400}", FALSE},
        {"an escaped NUL in a name", "{\"a\\u0000\":1}", FALSE},
        {"a lone surrogate", "{\"a\":\"\\ud800\"}", FALSE},
        {"broken UTF-8", "{\"a\":\"\xc3\x28\"}", FALSE},
        {"a comment", "{/**/}", FALSE},
        {"a trailing comma", "{\"a\":1,}", FALSE},
        {"a control character", "{\"a\":\"\n\"}", FALSE},
        {"every escape", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E4\"}", TRUE},
        {"an unknown escape", "{\"a\":\"\\x41\"}", FALSE},
        {"a short escape", "{\"a\":\"\\u00e\"}", FALSE},
        {"a surrogate pair", "{\"a\":\"\\ud83d\\ude00\"}", TRUE},
        {"half a pair and a letter", "{\"a\":\"\\ud83d\\u0041\"}", FALSE},
        {"half a pair at the end", "{\"a\":\"\\ud83d\"}", FALSE},
        {"the second half alone", "{\"a\":\"\\ude00\"}", FALSE},
        {"an overlong character", "{\"a\":\"\xc0\xaf\"}", FALSE},
        {"a surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", FALSE},
        {"numbers", "{\"a\":[0,-0,-12,1.5,-0.25,1e3,1E-3,2.5e+2,-9223372036854775808]}", TRUE},
        {"a minus alone", "{\"a\":-}", FALSE},
        {"a plus", "{\"a\":+1}", FALSE},
        {"a leading zero", "{\"a\":01}", FALSE},
        {"no digit behind the point", "{\"a\":1.}", FALSE},
        {"no digit before the point", "{\"a\":.5}", FALSE},
        {"no exponent", "{\"a\":1e}", FALSE},
        {"a hexadecimal number", "{\"a\":0x10}", FALSE},
        {"words", "{\"a\":true,\"b\":false,\"c\":null}", TRUE},
        {"a short word", "{\"a\":tru}", FALSE},
        {"a long word", "{\"a\":nullx}", FALSE},
        {"NaN", "{\"a\":NaN}", FALSE},
        {"no value", "{\"a\":}", FALSE},
        {"no name", "{:1}", FALSE},
        {"no colon", "{\"a\" 1}", FALSE},
        {"a name without quotes", "{a:1}", FALSE},
        {"single quotes", "{'a':1}", FALSE},
        {"two commas", "{\"a\":[1,,2]}", FALSE},
        {"an open array", "{\"a\":[1", FALSE},
        {"another bracket", "{\"a\":[1}", FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        json_t *value = read_text(cases[i].text, JSON_PLAIN);
        if ((value != NULL) != cases[i].is_sound)
            fail_msg("%s", cases[i].name);
        json_decref(value);
    }
}

/* Strings are looked at in blocks: what is wrong must be seen in every place of one. */
static void an_unsound_octet_is_found_in_every_place(void **state)
{
    static const guchar unsound[] = {0x01, 0x1f, 0x80, 0xff};
    for (gsize at = 0; at < 200; at++) {
        char inside[201];
        memset(inside, 'x', 200);
        inside[200] = '\0';
        for (gsize i = 0; i < G_N_ELEMENTS(unsound); i++) {
            inside[at] = (char)unsound[i];
            g_autofree char *text = g_strdup_printf("{\"a\":\"%s\"}", inside);
            assert_null(read_text(text, JSON_PLAIN));
        }
        inside[at] = 0x7f;
        g_autofree char *text = g_strdup_printf("{\"a\":\"%s\"}", inside);
        json_t *value = read_text(text, JSON_PLAIN);
        assert_non_null(value);
        json_decref(value);
    }
}

static char *nested(guint depth)
{
    GString *text = g_string_new("{\"a\":");
    for (guint i = 1; i < depth; i++)
        g_string_append_c(text, '[');
    for (guint i = 1; i < depth; i++)
        g_string_append_c(text, ']');
    g_string_append_c(text, '}');
    return g_string_free(text, FALSE);
}

static void every_nul_is_named(void **state)
{
    static const char text[] =
        "{\"a\":\"x\\u0000\",\"b\":[\"fine\",{\"c/d\":\"\\u0000\"}],\"e\":\"fine\"}";
    const char *fault = NULL;
    json_t *body = json_read(text, sizeof text - 1, JSON_PLAIN, &fault);
    assert_non_null(body);
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    json_note_nul(body, "", &faults);
    json_decref(body);
    assert_int_equal(faults.list->len, 2);
    const JsonFault *first = faults.list->pdata[0];
    const JsonFault *second = faults.list->pdata[1];
    assert_string_equal(first->pointer, "/a");
    assert_string_equal(second->pointer, "/b/1/c~1d");
    assert_string_equal(second->code, "control_character");
}

static void depth_and_number_of_values_are_bounded(void **state)
{
    g_autofree char *deepest = nested(LIMIT_JSON_DEPTH);
    g_autofree char *deeper = nested(LIMIT_JSON_DEPTH + 1);
    json_t *value = read_text(deepest, JSON_PLAIN);
    assert_non_null(value);
    json_decref(value);
    assert_null(read_text(deeper, JSON_PLAIN));

    GString *many = g_string_new("{\"a\":[1");
    for (int i = 0; i < LIMIT_JSON_VALUES; i++)
        g_string_append(many, ",1");
    g_string_append(many, "]}");
    assert_null(read_text(many->str, JSON_PLAIN));
    g_string_free(many, TRUE);
}

static void values_are_what_was_written(void **state)
{
    json_t *value =
        read_text("{\"s\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\u20AC\\ud83d\\ude00 ok\","
                  "\"i\":-12,\"r\":2.5e+2,\"t\":true,\"n\":null,\"\\u00fc\":[[],{}]}",
            JSON_PLAIN);
    assert_non_null(value);
    assert_string_equal(
        json_string_value(json_object_get(value, "s")), "\"\\/\b\f\n\r\tä€\xf0\x9f\x98\x80 ok");
    assert_int_equal(json_integer_value(json_object_get(value, "i")), -12);
    assert_true(json_real_value(json_object_get(value, "r")) == 250.0);
    assert_true(json_is_true(json_object_get(value, "t")));
    assert_true(json_is_null(json_object_get(value, "n")));
    json_t *list = json_object_get(value, "ü");
    assert_int_equal(json_array_size(list), 2);
    assert_true(json_is_object(json_array_get(list, 1)));
    json_decref(value);
}

static void a_batch_is_an_array_and_may_hold_more(void **state)
{
    assert_null(read_text("{}", JSON_BATCH));
    json_t *value = read_text("[{\"a\":1},2]", JSON_BATCH);
    assert_int_equal(json_array_size(value), 2);
    json_decref(value);
    GString *many = g_string_new("[1");
    for (int i = 2; i < LIMIT_JSON_BATCH_VALUES; i++)
        g_string_append(many, ",1");
    g_string_append_c(many, ']');
    value = read_text(many->str, JSON_BATCH);
    assert_int_equal(json_array_size(value), LIMIT_JSON_BATCH_VALUES - 1);
    json_decref(value);
    g_string_insert(many, 1, "1,1,");
    assert_null(read_text(many->str, JSON_BATCH));
    g_string_free(many, TRUE);
}

static void faults_can_be_put_below_a_pointer(void **state)
{
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    json_fault_add(&faults, "/0/to", "required", NULL);
    json_fault_add(&faults, "/subject", "required", NULL);
    json_fault_add(&faults, "", "wrong_type", NULL);
    json_faults_below(&faults, 1, "/17");
    static const char *const expected[] = {"/0/to", "/17/subject", "/17"};
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
        assert_string_equal(((JsonFault *)faults.list->pdata[i])->pointer, expected[i]);
}

/* The scan leaps from quote to quote: brackets and commas within strings never count. */
static void what_stands_in_strings_is_not_counted(void **state)
{
    GString *text = g_string_new("{\"a\":\"");
    for (int i = 0; i < LIMIT_JSON_VALUES + 1; i++)
        g_string_append(text, i % 3 ? "[,{" : "\\\"\\\\");
    g_string_append(text, "\",\"b\":\"\\\\\"}");
    json_t *value = read_text(text->str, JSON_PLAIN);
    assert_non_null(value);
    assert_string_equal(json_string_value(json_object_get(value, "b")), "\\");
    json_decref(value);
    g_string_free(text, TRUE);
}

static void arrays_of_bytes_are_read_as_base64(void **state)
{
    static const struct {
        const char *text, *path, *expected; /* NULL: stays an array */
    } cases[] = {
        {"{\"content\":[104,105]}", "content", "aGk="},
        {"{\"content\" : [ 104 ,\n105 ] }", "content", "aGk="},
        {"{\"data\":[0,255]}", "data", "AP8="},
        {"{\"content\":[256]}", "content", NULL},
        {"{\"content\":[-1]}", "content", NULL},
        {"{\"content\":[1.0]}", "content", NULL},
        {"{\"content\":[]}", "content", NULL},
        {"{\"content\":[\"a\"]}", "content", NULL},
        {"{\"to\":[1,2]}", "to", NULL},
        {"{\"a\":\"content\",\"b\":[1,2]}", "b", NULL},
        {"{\"a\":[\"content\",[1,2]]}", "a", NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        json_t *value = read_text(cases[i].text, JSON_BYTE_ARRAYS);
        assert_non_null(value);
        const json_t *member = json_object_get(value, cases[i].path);
        if (cases[i].expected)
            assert_string_equal(json_string_value(member), cases[i].expected);
        else
            assert_false(json_is_string(member));
        json_decref(value);
    }
    assert_null(read_text("{\"content\":[01]}", JSON_BYTE_ARRAYS));
    assert_null(read_text("{\"content\":[1,2}", JSON_BYTE_ARRAYS));
    assert_null(read_text("{\"content\":[1,]}", JSON_BYTE_ARRAYS));
}

static void a_million_bytes_cost_one_value(void **state)
{
    GString *text = g_string_new("{\"content\":{\"type\":\"Buffer\",\"data\":[7");
    for (int i = 1; i < 1000000; i++)
        g_string_append(text, ",7");
    g_string_append(text, "]}}");
    json_t *value = read_text(text->str, JSON_BYTE_ARRAYS);
    assert_non_null(value);
    json_t *data = json_object_get(json_object_get(value, "content"), "data");
    gsize n = 0;
    g_autofree guchar *bytes = g_base64_decode(json_string_value(data), &n);
    assert_int_equal(n, 1000000);
    assert_int_equal(bytes[n - 1], 7);
    json_decref(value);
    g_string_free(text, TRUE);
}

static void every_member_is_asked_for_or_a_fault(void **state)
{
    json_t *value = read_text("{\"text\":1,\"int\":\"1\",\"float\":1.5,\"bool\":1,\"list\":{},"
                              "\"object\":[],\"null\":null,\"odd/~name\":0,\"big\":11}",
        JSON_PLAIN);
    static const struct {
        const char *pointer, *code;
    } expected[] = {{"/at/text", "wrong_type"}, {"/at/int", "wrong_type"},
        {"/at/float", "wrong_type"}, {"/at/bool", "wrong_type"}, {"/at/list", "wrong_type"},
        {"/at/object", "wrong_type"}, {"/at/big", "out_of_range"},
        {"/at/odd~1~0name", "unknown_field"}};
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    {
        g_auto(JsonObject) object;
        gint64 number = 7;
        gboolean flag = FALSE;
        json_object_open(&object, value, "/at", &faults);
        assert_null(json_object_take_text(&object, "text"));
        assert_false(json_object_take_int(&object, "int", 0, 10, &number));
        assert_false(json_object_take_int(&object, "float", 0, 10, &number));
        assert_false(json_object_take_bool(&object, "bool", &flag));
        assert_null(json_object_take_array(&object, "list"));
        assert_null(json_object_take_object(&object, "object"));
        assert_false(json_object_take_int(&object, "big", 0, 10, &number));
        assert_null(json_object_take_text(&object, "null"));
        assert_true(json_object_has(&object, "null"));
        assert_false(json_object_has(&object, "absent"));
        assert_null(json_object_take_text(&object, "absent"));
        assert_int_equal(number, 7);
    }
    assert_int_equal(faults.list->len, G_N_ELEMENTS(expected));
    for (guint i = 0; i < faults.list->len; i++) {
        const JsonFault *fault = faults.list->pdata[i];
        assert_string_equal(fault->pointer, expected[i].pointer);
        assert_string_equal(fault->code, expected[i].code);
    }
    json_decref(value);
}

static void the_list_of_faults_is_bounded(void **state)
{
    GString *text = g_string_new("{\"x\":0");
    for (int i = 0; i < 1000; i++)
        g_string_append_printf(text, ",\"f%d\":0", i);
    g_string_append_c(text, '}');
    json_t *value = read_text(text->str, JSON_PLAIN);
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    {
        g_auto(JsonObject) object;
        json_object_open(&object, value, "", &faults);
    }
    assert_int_equal(faults.list->len, LIMIT_JSON_FAULTS);
    json_decref(value);
    g_string_free(text, TRUE);
}

static void what_is_written_is_valid(void **state)
{
    json_t *value = json_object();
    json_object_set_new(value, "bad", json_text("a\xff"));
    json_object_set_new(value, "none", json_text(NULL));
    json_object_set_new(value, "never", json_time(0));
    json_object_set_new(value, "time", json_time(CLOCK_DAY_MS));
    g_autofree char *text = json_write(value);
    assert_string_equal(text, "{\"bad\":\"a\xef\xbf\xbd\",\"none\":null,\"never\":null,"
                              "\"time\":\"1970-01-02T00:00:00.000Z\"}");
}

int main(void)
{
    secret_init();
    json_wipe_on_free();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_sound_objects_are_read),
        cmocka_unit_test(an_unsound_octet_is_found_in_every_place),
        cmocka_unit_test(every_nul_is_named),
        cmocka_unit_test(depth_and_number_of_values_are_bounded),
        cmocka_unit_test(arrays_of_bytes_are_read_as_base64),
        cmocka_unit_test(values_are_what_was_written),
        cmocka_unit_test(a_batch_is_an_array_and_may_hold_more),
        cmocka_unit_test(faults_can_be_put_below_a_pointer),
        cmocka_unit_test(what_stands_in_strings_is_not_counted),
        cmocka_unit_test(a_million_bytes_cost_one_value),
        cmocka_unit_test(every_member_is_asked_for_or_a_fault),
        cmocka_unit_test(the_list_of_faults_is_bounded),
        cmocka_unit_test(what_is_written_is_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
