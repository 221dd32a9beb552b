#include "diagnosis/diagnosis.h"

#include "base/clock.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

static char *read_data(const char *name, gsize *n)
{
    g_autofree char *path = g_build_filename(g_getenv("ABSENDER_SOURCE"), "data", name, NULL);
    char *bytes = NULL;
    assert_true(g_file_get_contents(path, &bytes, n, NULL));
    return bytes;
}

static int load_catalogue(void **state)
{
    gsize n = 0;
    g_autofree char *json = read_data("failures.json", &n);
    g_autoptr(GError) error = NULL;
    *state = diagnosis_catalogue_new(json, n, &error);
    if (error != NULL)
        print_error("%s\n", error->message);
    return *state == NULL ? -1 : 0;
}

static int drop_catalogue(void **state)
{
    diagnosis_catalogue_free(*state);
    return 0;
}

/* Takes "535-5.7.8 text" apart as the reply reader does. Lines without a code stay whole. */
static void take_line_apart(const char *line, DiagnosisInput *input, char enhanced[16])
{
    input->text = line;
    if (!g_ascii_isdigit(line[0]) || !g_ascii_isdigit(line[1]) || !g_ascii_isdigit(line[2]))
        return;
    input->code = (int)g_ascii_strtoll(line, NULL, 10);
    input->text = line + MIN(strlen(line), 4);
    gsize n = strspn(input->text, "0123456789.");
    if (n >= 5 && n < 16 && input->text[1] == '.' && strchr("245", input->text[0]) != NULL) {
        memcpy(enhanced, input->text, n);
        enhanced[n] = '\0';
        input->enhanced = enhanced;
    }
}

static void every_example_leads_to_its_own_row(void **state)
{
    gsize n = 0;
    g_autofree char *text = read_data("failure-examples.json", &n);
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    json_t *examples = json_object_get(root, "examples");
    assert_true(json_array_size(examples) >= 207);
    g_autoptr(GHashTable) rows_seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (gsize i = 0; i < json_array_size(examples); i++) {
        json_t *example = json_array_get(examples, i);
        const char *id = NULL, *line = NULL, *family = NULL;
        int verify = 0, port = 0;
        char enhanced[16];
        DiagnosisInput input = {0};
        assert_int_equal(
            json_unpack_ex(example, NULL, JSON_STRICT, "{s:s s:s s?s s?s s?i s?s s?s s?i s?s s?b}",
                "id", &id, "phase", &input.phase, "line", &line, "sys", &input.sys, "verify",
                &verify, "tls", &input.tls, "host", &input.host, "port", &port, "family", &family,
                "token", &input.by_token),
            0);
        input.verify = verify;
        input.port = (guint)port;
        input.family = family;
        if (line != NULL)
            take_line_apart(line, &input, enhanced);
        const Diagnosis *found = diagnosis_match(*state, &input);
        if (strcmp(found->id, id) != 0)
            fail_msg("example %zu of %s leads to %s", i, id, found->id);
        g_hash_table_add(rows_seen, (gpointer)id);
    }
    assert_int_equal(g_hash_table_size(rows_seen), diagnosis_catalogue_size(*state));
    json_decref(root);
}

static void unknown_things_fall_to_true_generic_rows(void **state)
{
    static const struct {
        const char *name;
        DiagnosisInput input;
        const char *id;
    } rows[] = {
        {"nothing at all", {0}, "fallback_unknown"},
        {"only a phase", {.phase = "ehlo"}, "fallback_unknown"},
        {"a phase nobody knows", {.phase = "lunch", .code = 450}, "fallback_4xx"},
        {"a positive reply out of place", {.phase = "data", .code = 250}, "fallback_unknown"},
        {"empty texts", {.phase = "auth", .text = "", .tls = ""}, "fallback_unknown"},
        {"a new errno", {.phase = "connect", .sys = "ENOSPC"}, "fallback_network"},
        {"a new 4yz", {.phase = "rcpt_to", .code = 459, .enhanced = "4.9.9"}, "fallback_4xx"},
        {"a new 5yz", {.phase = "rcpt_to", .code = 559, .enhanced = "5.9.9"}, "fallback_5xx"},
        {"a new TLS reason", {.phase = "tls", .tls = "something odd"}, "fallback_tls"},
        {"a new certificate error", {.phase = "tls", .verify = 99}, "fallback_tls"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        print_message("# %s\n", rows[i].name);
        assert_string_equal(diagnosis_match(*state, &rows[i].input)->id, rows[i].id);
    }
}

static void text_is_compared_folded_and_on_one_line(void **state)
{
    static const char *const texts[] = {"username and password not accepted",
        "Username and Password Not Accepted. Learn more",
        "5.7.8 Username and\nPassword not accepted", "USERNAME AND\r\nPASSWORD NOT ACCEPTED"};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        DiagnosisInput input = {.phase = "auth", .code = 535, .text = texts[i]};
        assert_string_equal(diagnosis_match(*state, &input)->id, "gmail_bad_credentials");
    }
}

static void names_are_compared_by_their_end(void **state)
{
    static const struct {
        const char *host, *id;
    } rows[] = {
        {"mail.gmx.net", "united_internet_bad_credentials"},
        {"MAIL.GMX.NET", "united_internet_bad_credentials"},
        {"smtp.ionos.de", "ionos_bad_credentials"},
        {"mail.gmx.net.example.com", "auth_failed_generic"},
        {"net", "auth_failed_generic"},
        {NULL, "auth_failed_generic"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        DiagnosisInput input = {.phase = "auth",
            .code = 535,
            .text = "Authentication credentials invalid",
            .host = rows[i].host};
        assert_string_equal(diagnosis_match(*state, &input)->id, rows[i].id);
    }
}

/* A small catalogue in which every rule of the choice decides once. */
#define ROW(id, rank, match)                                                                   \
    "{\"id\":\"" id "\",\"phase\":[],\"class\":\"config\",\"rank\":" rank ",\"match\":" match  \
    ",\"means_en\":\"m\",\"means_de\":\"m\",\"fix_en\":\"f\",\"fix_de\":\"f\",\"actions\":[]," \
    "\"topic\":\"t\","                                                                         \
    "\"retry\":\"none\","                                                                      \
    "\"breaker\":\"none\",\"message_fate\":\"hold\",\"confidence\":\"high\",\"sources\":[\"s\"]}"
#define ROW_WITH(id, actions, topic)                                                 \
    "{\"id\":\"" id "\",\"phase\":[],\"class\":\"config\",\"rank\":1,\"match\":[{}]" \
    ",\"means_en\":\"m\",\"means_de\":\"m\",\"fix_en\":\"f\",\"fix_de\":\"f\","      \
    "\"actions\":" actions ",\"topic\":\"" topic                                     \
    "\",\"retry\":\"none\",\"breaker\":\"none\",\"message_fate\":\"hold\","          \
    "\"confidence\":\"high\",\"sources\":[\"s\"]}"
#define CATALOGUE(rows) \
    "{\"sources\":{\"s\":{\"cite\":\"c\",\"date\":null}},\"failures\":[" rows "]}"

static void rank_then_text_then_keys_then_order_decide(void **state)
{
    static const char json[] = CATALOGUE( //
        ROW("last", "1", "[{}]") "," ROW("short", "50", "[{\"text\":[\"quota\"]}]") "," ROW(
            "long", "50", "[{\"text\":[\"quota exceeded\"]}]") "," ROW("keys", "50",
            "[{\"text\":[\"quota\"],\"code\":552}]") "," ROW("first", "60",
            "[{\"code\":521}]") "," ROW("second", "60", "[{\"code\":521}]"));
    static const struct {
        const char *name;
        DiagnosisInput input;
        const char *id;
    } rows[] = {
        {"longest text", {.code = 552, .text = "Quota exceeded"}, "long"},
        {"most keys", {.code = 552, .text = "quota"}, "keys"},
        {"the only one", {.code = 550, .text = "quota"}, "short"},
        {"rank before text", {.code = 521, .text = "quota exceeded"}, "first"},
        {"first in file", {.code = 521}, "first"},
        {"none", {.code = 550}, "last"},
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(DiagnosisCatalogue) catalogue = diagnosis_catalogue_new(json, strlen(json), &error);
    assert_null(error);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        print_message("# %s\n", rows[i].name);
        assert_string_equal(diagnosis_match(catalogue, &rows[i].input)->id, rows[i].id);
    }
}

static void an_alternative_may_rank_below_its_row(void **state)
{
    static const char json[] = CATALOGUE(ROW("last", "1", "[{}]") "," ROW("broad", "90",
        "[{\"text\":[\"quota\"],\"rank\":20},{\"text\":[\"daily quota\"]}]") "," ROW("middle", "50",
        "[{\"code\":552}]"));
    static const struct {
        const char *name;
        DiagnosisInput input;
        const char *id;
    } rows[] = {
        {"its strong words win", {.code = 552, .text = "daily quota"}, "broad"},
        {"its weak words lose", {.code = 552, .text = "quota"}, "middle"},
        {"and win over less", {.code = 550, .text = "quota"}, "broad"},
    };
    g_autoptr(DiagnosisCatalogue) catalogue = diagnosis_catalogue_new(json, strlen(json), NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        print_message("# %s\n", rows[i].name);
        assert_string_equal(diagnosis_match(catalogue, &rows[i].input)->id, rows[i].id);
    }
}

static void every_row_says_what_a_page_can_offer(void **state)
{
    static const struct {
        const char *id, *first; /* NULL: nothing to press */
    } rows[] = {
        {"tls_wrong_version_number", "use_sibling_port"},
        {"tls_hostname_mismatch_allinkl", "use_right_host"},
        {"gmail_app_password_required", "open_app_password"},
        {"sender_not_owned", "use_from_of_login"},
        {"clock_behind", "check_clock"},
        {"recipient_unknown", NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Diagnosis *d = diagnosis_by_id(*state, rows[i].id);
        assert_true(g_strcmp0(d->actions[0], rows[i].first) == 0);
        g_autofree char *path = diagnosis_manual_path(d, "de");
        g_autofree char *expected = g_strdup_printf("/manual/de/%s.html#%s", d->topic, d->id);
        assert_string_equal(path, expected);
    }
}

static void where_the_phase_is_unknown_words_decide(void **state)
{
    static const struct {
        const char *name;
        DiagnosisInput input;
        const char *id;
    } rows[] = {
        {"words", {.code = 550, .text = "relay access denied"}, "relay_access_denied_noauth"},
        {"a bare code tells nothing", {.code = 535}, "fallback_5xx"},
        {"an enhanced code does", {.code = 550, .enhanced = "5.1.1"}, "recipient_unknown"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        print_message("# %s\n", rows[i].name);
        assert_string_equal(diagnosis_match(*state, &rows[i].input)->id, rows[i].id);
    }
}

static void the_code_decides_the_fate_first(void **state)
{
    enum {
        RETRY = DIAGNOSIS_FATE_RETRY,
        HOLD = DIAGNOSIS_FATE_HOLD,
        BOUNCE = DIAGNOSIS_FATE_BOUNCE
    };
    static const struct {
        const char *name;
        DiagnosisClass class;
        int fate;
        gboolean overrides;
        const char *phase;
        int code;
        int expected;
    } rows[] = {
        {"no code: the row", DIAGNOSIS_TEMPORARY, BOUNCE, FALSE, "dns", 0, BOUNCE},
        {"4yz is never bounced", DIAGNOSIS_PERMANENT, BOUNCE, FALSE, "rcpt_to", 450, RETRY},
        {"4yz may be held", DIAGNOSIS_AUTH, HOLD, FALSE, "auth", 454, HOLD},
        {"4yz is retried", DIAGNOSIS_TEMPORARY, RETRY, FALSE, "rcpt_to", 451, RETRY},
        {"5yz is not retried", DIAGNOSIS_TEMPORARY, RETRY, FALSE, "rcpt_to", 550, BOUNCE},
        {"5yz is bounced", DIAGNOSIS_PERMANENT, BOUNCE, FALSE, "rcpt_to", 550, BOUNCE},
        {"5yz of reputation", DIAGNOSIS_REPUTATION, BOUNCE, FALSE, "after_data", 554, BOUNCE},
        {"5yz in auth is held", DIAGNOSIS_PERMANENT, BOUNCE, FALSE, "auth", 535, HOLD},
        {"5yz of config is held", DIAGNOSIS_CONFIG, RETRY, FALSE, "mail_from", 553, HOLD},
        {"5yz of auth is held", DIAGNOSIS_AUTH, BOUNCE, FALSE, "data", 530, HOLD},
        {"5yz of quota is held", DIAGNOSIS_QUOTA, BOUNCE, FALSE, "data", 552, HOLD},
        {"the row overrides 5yz", DIAGNOSIS_TEMPORARY, RETRY, TRUE, "rcpt_to", 552, RETRY},
        {"the row overrides 4yz", DIAGNOSIS_PERMANENT, BOUNCE, TRUE, "data", 451, BOUNCE},
        {"2yz out of place: the row", DIAGNOSIS_TEMPORARY, RETRY, FALSE, "data", 250, RETRY},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Diagnosis diagnosis = {.id = "x",
            .class = rows[i].class,
            .fate = (DiagnosisFate)rows[i].fate,
            .overrides_code = rows[i].overrides};
        DiagnosisInput input = {.phase = rows[i].phase, .code = rows[i].code};
        print_message("# %s\n", rows[i].name);
        assert_int_equal(diagnosis_fate(&diagnosis, &input), rows[i].expected);
    }
}

static void rows_are_complete_in_both_languages(void **state)
{
    gsize n = 0;
    g_autofree char *text = read_data("failures.json", &n);
    json_t *root = json_loadb(text, n, 0, NULL);
    json_t *failures = json_object_get(root, "failures");
    assert_true(json_array_size(failures) >= 160);
    for (gsize i = 0; i < json_array_size(failures); i++) {
        const char *id = json_string_value(json_object_get(json_array_get(failures, i), "id"));
        const Diagnosis *d = diagnosis_by_id(*state, id);
        assert_non_null(d);
        const char *const sentences[] = {d->means_de, d->means_en, d->fix_de, d->fix_en};
        for (gsize k = 0; k < G_N_ELEMENTS(sentences); k++) {
            if (strlen(sentences[k]) < 10 || !g_utf8_validate(sentences[k], -1, NULL))
                fail_msg("%s: sentence %zu is missing", id, k);
        }
        assert_true(d->class > 0 && d->retry > 0 && d->breaker > 0 && d->fate > 0);
    }
    assert_null(diagnosis_by_id(*state, "no_such_row"));
    assert_null(diagnosis_by_id(*state, NULL));
    json_decref(root);
}

/* No text talks to developers, or puts off to a later version. */
static void texts_stand_alone_and_name_what_there_is(void **state)
{
    static const char *const never[] = {"Das Produkt", "das Produkt", "he product", "Wie oben",
        "As above", "Anmelden neu anmelden", "unterstützt OAuth2", "support OAuth2",
        "not support it yet", "unterstützt es noch nicht", "Domain-Prüfung", "see the domain check",
        "run the domain check"};
    gsize n = 0;
    g_autofree char *text = read_data("failures.json", &n);
    json_t *root = json_loadb(text, n, 0, NULL);
    json_t *failures = json_object_get(root, "failures");
    for (gsize i = 0; i < json_array_size(failures); i++) {
        const char *id = json_string_value(json_object_get(json_array_get(failures, i), "id"));
        const Diagnosis *d = diagnosis_by_id(*state, id);
        const char *const sentences[] = {d->means_de, d->means_en, d->fix_de, d->fix_en};
        for (gsize k = 0; k < G_N_ELEMENTS(sentences); k++) {
            if (!g_str_has_suffix(sentences[k], ".") && !g_str_has_suffix(sentences[k], "?"))
                fail_msg("%s is no sentence: %s", id, sentences[k]);
            for (gsize w = 0; w < G_N_ELEMENTS(never); w++) {
                if (strstr(sentences[k], never[w]) != NULL)
                    fail_msg("%s: %s", id, sentences[k]);
            }
        }
        assert_string_not_equal(d->means_de, d->means_en);
        assert_string_not_equal(d->fix_de, d->fix_en);
    }
    json_decref(root);
}

/* Whatever a token service says is about the settings or its own trouble, never about a mail. */
static void no_answer_of_a_token_service_costs_a_mail(void **state)
{
    gsize n = 0;
    g_autofree char *text = read_data("failures.json", &n);
    json_t *root = json_loadb(text, n, 0, NULL);
    json_t *failures = json_object_get(root, "failures");
    guint n_rows = 0;
    for (gsize i = 0; i < json_array_size(failures); i++) {
        const json_t *row = json_array_get(failures, i);
        const json_t *phases = json_object_get(row, "phase");
        const char *id = json_string_value(json_object_get(row, "id"));
        if (g_strcmp0(json_string_value(json_array_get(phases, 0)), "token") != 0)
            continue;
        assert_int_equal(json_array_size(phases), 1);
        for (int code = 0; code <= 503; code += 503 / 5) {
            DiagnosisInput input = {.phase = "token", .code = code};
            const Diagnosis *d = diagnosis_by_id(*state, id);
            if (diagnosis_fate(d, &input) != DIAGNOSIS_FATE_HOLD)
                fail_msg("%s, %d: the mail is not held", id, code);
        }
        n_rows++;
    }
    assert_int_equal(n_rows, 32);
    json_decref(root);
}

static void a_login_by_token_is_not_told_to_enter_a_password(void **state)
{
    static const char *const texts[] = {"Authentication failed",
        "Username and Password not accepted", "Authentication unsuccessful", "{\"status\":\"400\"}",
        ""};
    static const char *const codes[] = {"5.7.8", "5.7.3", "5.7.139", "5.7.0", NULL};
    for (gsize i = 0; i < G_N_ELEMENTS(texts) * G_N_ELEMENTS(codes); i++) {
        DiagnosisInput input = {.phase = "auth",
            .code = 535,
            .text = texts[i % G_N_ELEMENTS(texts)],
            .enhanced = codes[i / G_N_ELEMENTS(texts)],
            .by_token = TRUE};
        const Diagnosis *d = diagnosis_match(*state, &input);
        if (g_strv_contains(d->actions, "enter_password_again"))
            fail_msg("%s %s leads to %s", input.enhanced, input.text, d->id);
        input.by_token = FALSE;
        d = diagnosis_match(*state, &input);
        assert_false(
            g_str_has_prefix(d->id, "oauth_login") || g_str_has_prefix(d->id, "m365_oauth"));
    }
}

static void wrong_catalogues_are_refused_by_row(void **state)
{
#define GOOD ROW("good", "1", "[{}]")
    static const struct {
        const char *name, *json, *says;
    } rows[] = {
        {"not JSON", "{", "line 1"},
        {"no rows", CATALOGUE(""), "no row fits everything"},
        {"no row that fits everything", CATALOGUE(ROW("a", "1", "[{\"code\":550}]")),
            "no row fits everything"},
        {"no sources table", "{\"failures\":[]}", "sources"},
        {"twice the same id", CATALOGUE(GOOD "," GOOD), "row 2 (good): the id"},
        {"unknown key of a row", CATALOGUE("{\"id\":\"odd\",\"extra\":1}"), "row 1 (odd)"},
        {"unknown key of match", CATALOGUE(ROW("odd", "1", "[{\"regex\":\"x\"}]")), "regex"},
        {"upper case phrase", CATALOGUE(ROW("odd", "1", "[{\"text\":[\"Quota\"]}]")), "(odd)"},
        {"short phrase", CATALOGUE(ROW("odd", "1", "[{\"text\":[\"no\"]}]")), "(odd)"},
        {"phrase of another type", CATALOGUE(ROW("odd", "1", "[{\"text\":[7]}]")), "(odd)"},
        {"text is no list", CATALOGUE(ROW("odd", "1", "[{\"text\":\"quota\"}]")), "(odd)"},
        {"code out of range", CATALOGUE(ROW("odd", "1", "[{\"code\":999}]")), "(odd)"},
        {"unknown any", CATALOGUE(ROW("odd", "1", "[{\"any\":\"moon\"}]")), "(odd)"},
        {"match is no list", CATALOGUE(ROW("odd", "1", "{}")), "(odd)"},
        {"unknown action", CATALOGUE(ROW_WITH("odd", "[\"press_here\"]", "t")), "unknown action"},
        {"actions of another type", CATALOGUE(ROW_WITH("odd", "{}", "t")), "actions is not a list"},
        {"too many actions",
            CATALOGUE(ROW_WITH("odd",
                "[\"retry_later\",\"retry_later\",\"retry_later\",\"retry_later\",\"retry_later\","
                "\"retry_later\",\"retry_later\"]",
                "t")),
            "actions is not a list"},
        {"alternative above its row", CATALOGUE(ROW("odd", "1", "[{\"code\":550,\"rank\":2}]")),
            "ranks above its row"},
        {"duplicate key", "{\"failures\":[],\"failures\":[]}", "duplicate"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        print_message("# %s\n", rows[i].name);
        assert_null(diagnosis_catalogue_new(rows[i].json, strlen(rows[i].json), &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
        if (strstr(error->message, rows[i].says) == NULL)
            fail_msg("says: %s", error->message);
    }
}

/* xorshift: the same lines in every run. */
static guint32 next_random(guint32 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

#define PICK(seed, list) (list)[next_random(seed) % G_N_ELEMENTS(list)]

enum { LINES = 100000, LINE_SIZE = 256 };

/* Words as servers use them, put together at random; or any bytes at all. */
static void make_line(guint32 *seed, char *line)
{
    static const char *const words[] = {"mailbox ", "unavailable ", "quota ", "exceeded ",
        "authentication ", "failed ", "relay ", "access denied ", "user ", "unknown ", "spam ",
        "\xc3\xbc", "\n", "5.7.1 ", "smtp ", "server ", "blocked using "};
    if (next_random(seed) % 2 == 0) {
        for (guint n = next_random(seed) % 12; n > 0; n--)
            g_strlcat(line, PICK(seed, words), LINE_SIZE);
        return;
    }
    guint n = next_random(seed) % LINE_SIZE;
    for (guint i = 0; i < n; i++)
        line[i] = (char)(next_random(seed) % 255 + 1);
}

static DiagnosisInput random_input(guint32 *seed, const char *line)
{
    static const char *const phases[] = {"config", "dns", "connect", "greeting", "ehlo", "starttls",
        "tls", "auth", "token", "mail_from", "rcpt_to", "data", "after_data", "bounce", NULL};
    static const char *const syss[] = {
        NULL, NULL, "ECONNREFUSED", "ETIMEDOUT", "EAI_NONAME", "E\xff", ""};
    static const char *const reasons[] = {NULL, NULL, "wrong version number", "\x01"};
    static const char *const hosts[] = {NULL, "smtp.strato.de", ".", "\xff.example", ""};
    static const char *const enhanced[] = {NULL, "5.7.8", "4.3.2", "x"};
    static const char *const families[] = {NULL, "ipv4", "ipv6", "ipx"};
    return (DiagnosisInput){.phase = PICK(seed, phases),
        .code = (int)(next_random(seed) % 700) - 50,
        .enhanced = PICK(seed, enhanced),
        .text = line,
        .sys = PICK(seed, syss),
        .verify = (long)(next_random(seed) % 3 == 0 ? next_random(seed) % 100 : 0),
        .tls = PICK(seed, reasons),
        .host = PICK(seed, hosts),
        .certificate = PICK(seed, hosts),
        .port = next_random(seed) % 65536,
        .family = PICK(seed, families),
        .by_token = next_random(seed) % 2 == 0};
}

static void random_lines_always_get_a_row_and_fast(void **state)
{
    g_autofree char *lines = g_malloc0((gsize)LINES * LINE_SIZE);
    g_autofree DiagnosisInput *inputs = g_new0(DiagnosisInput, LINES);
    guint32 seed = 20261121;
    for (guint i = 0; i < LINES; i++) {
        char *line = lines + (gsize)i * LINE_SIZE;
        make_line(&seed, line);
        inputs[i] = random_input(&seed, line);
    }
    clock_t start = clock(); /* of this process: others may be busy */
    for (guint i = 0; i < LINES; i++)
        assert_non_null(diagnosis_match(*state, &inputs[i]));
    double each_us = (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC / LINES;
    print_message("# %d random lines: %.2f us each\n", LINES, each_us);
    assert_true(each_us < 200); /* a sanitizer build; bench/check wants 20 of the release's */
}

static void an_endless_reply_costs_no_more_than_its_limit(void **state)
{
    g_autofree char *text = g_strnfill(16 * 1024 * 1024, 'q');
    DiagnosisInput input = {.phase = "auth", .code = 535, .text = text};
    MonoMs start = clock_mono_ms();
    for (guint i = 0; i < 1000; i++)
        assert_string_equal(diagnosis_match(*state, &input)->id, "auth_failed_generic");
    assert_true(clock_mono_ms() - start < 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_leads_to_its_own_row),
        cmocka_unit_test(unknown_things_fall_to_true_generic_rows),
        cmocka_unit_test(text_is_compared_folded_and_on_one_line),
        cmocka_unit_test(names_are_compared_by_their_end),
        cmocka_unit_test(rank_then_text_then_keys_then_order_decide),
        cmocka_unit_test(an_alternative_may_rank_below_its_row),
        cmocka_unit_test(every_row_says_what_a_page_can_offer),
        cmocka_unit_test(where_the_phase_is_unknown_words_decide),
        cmocka_unit_test(the_code_decides_the_fate_first),
        cmocka_unit_test(rows_are_complete_in_both_languages),
        cmocka_unit_test(texts_stand_alone_and_name_what_there_is),
        cmocka_unit_test(no_answer_of_a_token_service_costs_a_mail),
        cmocka_unit_test(a_login_by_token_is_not_told_to_enter_a_password),
        cmocka_unit_test(wrong_catalogues_are_refused_by_row),
        cmocka_unit_test(random_lines_always_get_a_row_and_fast),
        cmocka_unit_test(an_endless_reply_costs_no_more_than_its_limit),
    };
    return cmocka_run_group_tests(tests, load_catalogue, drop_catalogue);
}
