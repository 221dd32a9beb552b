/* Mail texts: ours and an organisation's own, their preview, emails and system mails made of them.
 */
#include "fixture.h"

#include "api/email_template.h"
#include "api/state.h"
#include "api/system_mail.h"
#include "base/limits.h"
#include "store/smtp_settings.h"
#include "store/templates.h"
#include "template/builtin.h"

#define ORG STORE_DEFAULT_ORG

/* --- The world ---------------------------------------------------------------------------------
 */

static gboolean activate_draft(Db *db, gpointer data, GError **error)
{
    g_autoptr(SmtpState) state = smtp_state_read(db, ORG, error);
    return smtp_activate(db, ORG, state->draft, state->revision, clock_wall_ms(), error);
}

static void activate(Fixture *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Reply) draft = ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n",
        "{\"host\":\"mail.example.de\",\"password\":\"canary\",\"from_email\":\"shop@example.de\","
        "\"from_name\":\"Laden & Co\"}");
    assert_reply(draft, 200, NULL);
    assert_true(store_run(self->store, activate_draft, NULL, &error));
}

/* The text of this name in a list; NULL: it is not there. */
static json_t *listed(const Reply *list, const char *name)
{
    gsize i;
    json_t *entry;
    json_array_foreach(reply_at(list, "data"), i, entry)
    {
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0)
            return entry;
    }
    return NULL;
}

static const char *text_in(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static Reply *post(Fixture *self, const char *path, const char *body)
{
    g_autofree char *line = g_strconcat("POST ", path, NULL);
    return ask_member(self, line, "Accept-Language: de\r\n", body);
}

/* --- The list ----------------------------------------------------------------------------------
 */

static void the_list_shows_ours_in_the_wanted_language(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) all = ask_member(self, "GET /v1/templates", "", NULL);
    g_autoptr(Reply) german = ask_member(self, "GET /v1/templates?locale=de", "", NULL);
    g_autoptr(Reply) french = ask_member(self, "GET /v1/templates?locale=fr", "", NULL);
    guint n = 0;
    builtin_templates(&n);
    assert_reply(all, 200, NULL);
    assert_int_equal(json_array_size(reply_at(all, "data")), n);
    assert_int_equal(json_array_size(reply_at(german, "data")), n / 2);
    assert_reply(french, 400, "invalid_query");
    json_t *invitation = listed(german, "invitation");
    assert_string_equal(text_in(invitation, "title"), "Einladung");
    assert_true(json_is_true(json_object_get(invitation, "is_system")));
    assert_true(json_is_false(json_object_get(invitation, "is_own")));
    assert_true(json_is_null(json_object_get(invitation, "id")));
    assert_non_null(strstr(text_in(invitation, "text"), "{{link}}"));
    assert_non_null(strstr(text_in(invitation, "html"), "{{link}}"));
    assert_true(json_array_size(json_object_get(invitation, "variables")) > 5);
}

#define OWN_INVITATION                                                                 \
    "{\"name\":\"invitation\",\"locale\":\"de\",\"subject\":\"Komm zu {{org_name}}\"," \
    "\"text\":\"Hier lang:\\n{{link}}\",\"html\":\"<a href=\\\"{{link}}\\\">{{inviter}}</a>\"}"

static void an_own_text_takes_the_place_of_ours_until_it_is_removed(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) made = post(self, "/v1/templates", OWN_INVITATION);
    assert_reply(made, 200, NULL);
    assert_true(json_is_true(reply_at(made, "is_own")));
    assert_string_equal(reply_text(made, "changed_by"), EMAIL);
    g_autofree char *id = g_strdup(reply_text(made, "id"));

    g_autoptr(Reply) again = post(self, "/v1/templates", OWN_INVITATION);
    assert_string_equal(reply_text(again, "id"), id);

    g_autoptr(Reply) list = ask_member(self, "GET /v1/templates?locale=de", "", NULL);
    assert_string_equal(text_in(listed(list, "invitation"), "subject"), "Komm zu {{org_name}}");
    g_autoptr(Reply) seen =
        post(self, "/v1/templates/preview", "{\"name\":\"invitation\",\"locale\":\"de\"}");
    assert_true(g_str_has_prefix(reply_text(seen, "text"), "Hier lang:\nhttps://"));

    g_autofree char *line = g_strconcat("DELETE /v1/templates/", id, NULL);
    g_autoptr(Reply) removed = ask_member(self, line, "", NULL);
    assert_reply(removed, 200, NULL);
    g_autoptr(Reply) gone = ask_member(self, line, "", NULL);
    assert_reply(gone, 404, "not_found");
    g_autoptr(Reply) after = ask_member(self, "GET /v1/templates?locale=de", "", NULL);
    assert_true(json_is_false(json_object_get(listed(after, "invitation"), "is_own")));
}

static void a_faulty_text_is_refused_with_part_and_line(void **state)
{
    static const struct {
        const char *name, *body, *pointer, *detail;
    } rows[] = {
        {"a partial",
            "{\"name\":\"a\",\"locale\":\"de\",\"subject\":\"s\",\"text\":\"1\\n2 {{> x}}\"}",
            "/text", "Zeile 2: Eine Vorlage kann keine andere einbinden."},
        {"an open section",
            "{\"name\":\"a\",\"locale\":\"de\",\"subject\":\"{{#x}}\",\"text\":\"t\"}", "/subject",
            "Zeile 1: Der Abschnitt {{#x}} wird nicht durch {{/x}} geschlossen."},
        {"a script",
            "{\"name\":\"a\",\"locale\":\"de\",\"subject\":\"s\",\"text\":\"t\",\"html\":"
            "\"<script>\"}",
            "/html", "Zeile 1: Mailprogramme führen keine Skripte aus: Bitte lassen Sie sie weg."},
        {"an invitation without its link",
            "{\"name\":\"invitation\",\"locale\":\"de\",\"subject\":\"s\",\"text\":\"t\"}", "/text",
            "Dieser Text muss den Wert von „link“ zeigen."},
        {"a reset whose HTML hides it",
            "{\"name\":\"password_reset\",\"locale\":\"de\",\"subject\":\"s\",\"text\":"
            "\"{{link}}\",\"html\":\"<p>{{! link }}</p>\"}",
            "/html", "Dieser Text muss den Wert von „link“ zeigen."},
        {"a variable that the mail does not have",
            "{\"name\":\"invitation\",\"locale\":\"de\",\"subject\":\"s\",\"text\":"
            "\"{{link}}\\n{{wer}}\"}",
            "/text", "Die Vorlage braucht einen Wert für „wer“."},
        {"a link to somewhere else",
            "{\"name\":\"password_reset\",\"locale\":\"de\",\"subject\":\"s\",\"text\":"
            "\"{{link}}\\nhttps://evil.example/#{{link}}\"}",
            "/text", "{{link}} muss allein in seiner Zeile stehen."},
        {"a button to somewhere else",
            "{\"name\":\"invitation\",\"locale\":\"de\",\"subject\":\"s\",\"text\":"
            "\"{{link}}\",\"html\":\"<a href=\\\"https://evil.example/\\\">{{link}}</a>\"}",
            "/html", "Außer {{link}} müssen Links hier mit {{public_url}} beginnen."},
        {"a name in capitals",
            "{\"name\":\"A\",\"locale\":\"de\",\"subject\":\"s\",\"text\":\"t\"}", "/name", NULL},
        {"an id as name", "{\"name\":\"tpl_a\",\"locale\":\"de\",\"subject\":\"s\",\"text\":\"t\"}",
            "/name", NULL},
        {"no language", "{\"name\":\"a\",\"subject\":\"s\",\"text\":\"t\"}", "/locale", NULL},
        {"another language", "{\"name\":\"a\",\"locale\":\"fr\",\"subject\":\"s\",\"text\":\"t\"}",
            "/locale", NULL},
        {"no text", "{\"name\":\"a\",\"locale\":\"de\",\"subject\":\"s\"}", "/text", NULL},
        {"a member nobody knows",
            "{\"name\":\"a\",\"locale\":\"de\",\"subject\":\"s\",\"text\":\"t\",\"org_id\":2}",
            "/org_id", NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        static const char *const paths[] = {"/v1/templates", "/v1/templates/preview"};
        for (gsize j = 0; j < G_N_ELEMENTS(paths);
             j++) { /* what is not kept is not shown as fine */
            g_autoptr(Reply) refused = post(*state, paths[j], rows[i].body);
            if (refused->status != 422 ||
                strcmp(reply_text(refused, "errors.0.pointer"), rows[i].pointer) != 0 ||
                (rows[i].detail &&
                    strcmp(reply_text(refused, "errors.0.detail"), rows[i].detail) != 0))
                fail_msg("%s: %s: %d %s", paths[j], rows[i].name, refused->status, refused->body);
        }
    }
    g_autoptr(Reply) list = ask_member(*state, "GET /v1/templates?locale=de", "", NULL);
    assert_null(listed(list, "a"));
}

static void there_are_not_more_texts_than_allowed(void **state)
{
    for (guint i = 0; i <= LIMIT_TEMPLATES; i++) {
        g_autofree char *body = g_strdup_printf(
            "{\"name\":\"n%u\",\"locale\":\"en\",\"subject\":\"s\",\"text\":\"t\"}", i);
        g_autoptr(Reply) made = post(*state, "/v1/templates", body);
        assert_int_equal(made->status, i < LIMIT_TEMPLATES ? 200 : 422);
    }
}

/* --- Preview -----------------------------------------------------------------------------------
 */

static void a_preview_shows_samples_the_own_name_and_what_is_given(void **state)
{
    Fixture *self = *state;
    activate(self);
    g_autoptr(Reply) plain =
        post(self, "/v1/templates/preview", "{\"name\":\"password_reset\",\"locale\":\"en\"}");
    assert_reply(plain, 200, NULL);
    assert_string_equal(reply_text(plain, "subject"), "New password for Laden & Co");
    assert_non_null(strstr(reply_text(plain, "html"), "Laden &amp; Co"));
    g_autoptr(Reply) given = post(self, "/v1/templates/preview",
        "{\"name\":\"password_reset\",\"locale\":\"en\",\"variables\":{\"org_name\":\"Club\","
        "\"colour\":\"#ffee00\",\"asked_from\":null}}");
    assert_string_equal(reply_text(given, "subject"), "New password for Club");
    assert_non_null(strstr(reply_text(given, "html"), "background:#ffee00;color:#000000"));
    assert_null(strstr(reply_text(given, "text"), "Requested from"));
    g_autoptr(Reply) unsaved = post(self, "/v1/templates/preview",
        "{\"locale\":\"de\",\"subject\":\"{{a}}\",\"text\":\"{{b}}\",\"variables\":{\"a\":7,"
        "\"b\":true}}");
    assert_string_equal(reply_text(unsaved, "subject"), "7");
    assert_string_equal(reply_text(unsaved, "text"), "true");
    assert_true(json_is_null(reply_at(unsaved, "html")));
    g_autoptr(Reply) nothing =
        post(self, "/v1/templates/preview", "{\"name\":\"nothing\",\"locale\":\"de\"}");
    assert_reply(nothing, 404, "not_found");
    g_autoptr(Reply) red = post(self, "/v1/templates/preview",
        "{\"name\":\"invitation\",\"locale\":\"de\",\"variables\":{\"colour\":\"red\"}}");
    assert_reply(red, 422, "invalid_variable");
}

/* --- Emails ------------------------------------------------------------------------------------
 */

static void an_email_is_made_of_a_template(void **state)
{
    Fixture *self = *state;
    activate(self);
    g_autoptr(Reply) booked = post(self, "/v1/emails",
        "{\"to\":\"gast@example.org\",\"template\":{\"id\":\"booking_confirmation\",\"locale\":"
        "\"de\",\"variables\":{\"guest\":\"Frau A\",\"what\":\"Haus\",\"date\":\"1. Mai\","
        "\"reference\":17}}}");
    assert_reply(booked, 200, NULL);
    g_autofree char *line = g_strconcat("GET /v1/emails/", reply_text(booked, "id"), NULL);
    g_autoptr(Reply) email = ask_member(self, line, "", NULL);
    assert_string_equal(
        reply_text(email, "subject"), "Ihre Buchung bei Laden & Co: Haus am 1. Mai");

    g_autoptr(Reply) own = post(self, "/v1/templates",
        "{\"name\":\"greeting\",\"locale\":\"en\",\"subject\":\"Hi {{who}}\",\"text\":\"Hi\"}");
    g_autofree char *body = g_strdup_printf(
        "[{\"to\":\"a@example.org\",\"template\":{\"id\":\"greeting\",\"variables\":{\"who\":\"A\"}"
        "}"
        "},{\"to\":\"b@example.org\",\"template\":{\"id\":\"%s\",\"variables\":{\"who\":\"B\"}}}]",
        reply_text(own, "id"));
    g_autoptr(Reply) batch = post(self, "/v1/emails/batch", body);
    assert_reply(batch, 200, NULL);
    g_autofree char *second = g_strconcat("GET /v1/emails/", reply_text(batch, "data.1.id"), NULL);
    g_autoptr(Reply) hi = ask_member(self, second, "", NULL);
    assert_string_equal(reply_text(hi, "subject"), "Hi B");
}

static void an_application_that_sends_a_secret_link_by_template_keeps_it_secret(void **state)
{
    static const struct {
        const char *template, *variables, *expected;
    } rows[] = {
        {"password_reset", "\"link\":\"https://x.de/r\",\"expires\":\"18:00\",\"asked_from\":\"x\"",
            "reset"},
        {"invitation",
            "\"link\":\"https://x.de/"
            "i\",\"expires\":\"18:00\",\"inviter\":\"A\",\"role\":\"member\"",
            "invitation"},
    };
    Fixture *self = *state;
    activate(self);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *body = g_strdup_printf(
            "{\"to\":\"gast@example.org\",\"class\":\"bulk\",\"template\":{\"id\":\"%s\","
            "\"variables\":{%s}}}",
            rows[i].template, rows[i].variables);
        g_autoptr(Reply) sent = post(self, "/v1/emails", body);
        assert_reply(sent, 200, NULL);
        g_autofree char *line = g_strconcat("GET /v1/emails/", reply_text(sent, "id"), NULL);
        g_autoptr(Reply) email = ask_member(self, line, "", NULL);
        assert_string_equal(reply_text(email, "class"), rows[i].expected);
        assert_string_equal(reply_text(email, "subject"), "");
    }
}

static void the_values_of_a_template_are_bounded(void **state)
{
    static const struct {
        const char *name;
        guint n;
        gsize bytes;
        const char *pointer; /* NULL: taken */
    } rows[] = {
        {"long", 1, LIMIT_TEMPLATE_VALUE_BYTES, NULL},
        {"too long", 1, LIMIT_TEMPLATE_VALUE_BYTES + 1, "/template/variables/v0"},
        {"together long", 4, LIMIT_TEMPLATE_VALUES_BYTES / 4, NULL},
        {"together too long", 5, LIMIT_TEMPLATE_VALUES_BYTES / 5 + 1, "/template/variables"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(TemplateValues) values = template_values_new();
        g_autofree char *text = g_strnfill(rows[i].bytes, 'x');
        g_auto(JsonFaults) faults;
        json_faults_init(&faults);
        json_t *object = json_object();
        for (guint k = 0; k < rows[i].n; k++) {
            g_autofree char *name = g_strdup_printf("v%u", k);
            json_object_set_new(object, name, json_string(text));
        }
        email_template_read_values(object, "/template/variables", values, &faults);
        json_decref(object);
        const JsonFault *fault = faults.list->len > 0 ? faults.list->pdata[0] : NULL;
        if (g_strcmp0(fault ? fault->pointer : NULL, rows[i].pointer) != 0)
            fail_msg("%s: %s", rows[i].name, fault ? fault->pointer : "taken");
    }
}

static void a_template_that_cannot_be_filled_is_named(void **state)
{
    static const struct {
        const char *name, *template, *pointer, *code, *detail;
    } rows[] = {
        {"a missing value", "{\"id\":\"booking_confirmation\",\"locale\":\"de\"}",
            "/template/variables", "invalid_variable", "Die Vorlage braucht einen Wert für „"},
        {"a line end in the subject",
            "{\"id\":\"booking_confirmation\",\"variables\":{\"guest\":\"A\",\"what\":\"a\\r\\nBcc:"
            " "
            "x@example.org\",\"date\":\"d\",\"reference\":\"r\"}}",
            "/template/variables", "invalid_variable", "Ein Wert im Betreff"},
        {"no link",
            "{\"id\":\"booking_confirmation\",\"variables\":{\"guest\":\"A\",\"what\":\"a\","
            "\"date\":\"d\",\"reference\":\"r\",\"link\":\"javascript:alert(1)\"}}",
            "/template/variables", "invalid_variable", "Der Wert von „link“"},
        {"no such text", "{\"id\":\"nothing\"}", "/template/id", "unknown_template", NULL},
        {"no such id", "{\"id\":\"tpl_0123456789abcdef0123456789abcdef\"}", "/template/id",
            "unknown_template", NULL},
        {"no id", "{}", "/template/id", "required", NULL},
        {"a list as value", "{\"id\":\"a\",\"variables\":{\"x\":[1]}}", "/template/variables/x",
            "wrong_type", NULL},
        {"a name with a dot", "{\"id\":\"a\",\"variables\":{\"x.y\":1}}", "/template/variables/x.y",
            "invalid_variable", NULL},
        {"a text", "\"booking_confirmation\"", "/template", "wrong_type", NULL},
        {"a path", "{\"id\":\"../../etc/passwd\"}", "/template/id", "unknown_template", NULL},
    };
    activate(*state);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *body =
            g_strdup_printf("{\"to\":\"gast@example.org\",\"template\":%s}", rows[i].template);
        g_autoptr(Reply) refused = post(*state, "/v1/emails", body);
        if (refused->status != 422 ||
            strcmp(reply_text(refused, "errors.0.pointer"), rows[i].pointer) != 0 ||
            strcmp(reply_text(refused, "errors.0.code"), rows[i].code) != 0 ||
            (rows[i].detail &&
                !g_str_has_prefix(reply_text(refused, "errors.0.detail"), rows[i].detail)))
            fail_msg("%s: %d %s", rows[i].name, refused->status, refused->body);
    }
    g_autoptr(Reply) both = post(*state, "/v1/emails",
        "{\"to\":\"gast@example.org\",\"subject\":\"s\",\"template\":{\"id\":\"invitation\"}}");
    assert_reply(both, 422, NULL);
    g_autoptr(Reply) list = ask_member(*state, "GET /v1/emails", "", NULL);
    assert_int_equal(json_array_size(reply_at(list, "data")), 0);
}

/* --- System mails ------------------------------------------------------------------------------
 */

static EmailNew *write_mail(
    Fixture *self, const char *template, EmailClass class, Language language, GError **error)
{
    const BuiltinTemplate *builtin = builtin_template_find(template, language_name(language));
    g_autoptr(GPtrArray) values = g_ptr_array_new();
    for (guint i = 0; i < builtin->n_variables; i++) {
        if (strcmp(builtin->variables[i].name, "org_name") == 0)
            break; /* what follows is in every mail */
        g_ptr_array_add(values, (gpointer)builtin->variables[i].name);
        g_ptr_array_add(values, (gpointer)builtin->variables[i].sample);
    }
    g_ptr_array_add(values, NULL);
    const SystemMail mail = {.template = template,
        .class = class,
        .to = "berta@example.org",
        .to_name = "Berta Bär",
        .language = language,
        .org_id = ORG};
    Db *db = store_reader_take(self->store);
    g_autoptr(SmtpState) state = smtp_state_read(db, ORG, NULL);
    EmailNew *email =
        system_mail_write(self->api, db, &mail, (const char *const *)values->pdata, state, error);
    store_reader_give(self->store, db);
    return email;
}

static char *bytes_of(const EmailNew *email)
{
    gsize n = 0;
    const char *data = g_bytes_get_data(email->content, &n);
    return g_strndup(data, n);
}

static void system_mails_say_what_they_are(void **state)
{
    Fixture *self = *state;
    activate(self);
    guint n = 0;
    const BuiltinTemplate *all = builtin_templates(&n);
    for (guint i = 0; i < n; i++) {
        for (EmailClass class = EMAIL_CLASS_RESET; class <= EMAIL_CLASS_NOTIFICATION; class ++) {
            g_autoptr(GError) error = NULL;
            Language language = LANGUAGE_EN;
            language_parse(all[i].locale, &language);
            g_autoptr(EmailNew) email = write_mail(self, all[i].name, class, language, &error);
            if (!email)
                fail_msg("%s: %s", all[i].name, error->message);
            g_autofree char *bytes = bytes_of(email);
            assert_non_null(strstr(bytes, "\r\nAuto-Submitted: auto-generated\r\n"));
            assert_non_null(strstr(bytes, "Date: "));
            assert_non_null(strstr(bytes, "\r\nMessage-ID: <"));
            assert_non_null(strstr(bytes, "multipart/alternative"));
            assert_int_equal(strstr(bytes, "\r\nList-Unsubscribe: <http") != NULL,
                class == EMAIL_CLASS_NOTIFICATION);
            assert_int_equal(email->subject == NULL, email_class_is_secret(class));
            assert_string_equal(email->to, "Berta Bär <berta@example.org>");
            assert_string_equal(email->sender, "shop@example.de");
        }
    }
}

static gboolean spoil_text(Db *db, gpointer data, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE templates SET changed_at = changed_at + 1, text = '{{never_there}}'");
    return db_finish(q, error);
}

static void a_text_of_ones_own_that_cannot_be_filled_gives_way_to_ours(void **state)
{
    Fixture *self = *state;
    activate(self);
    reply_free(post(self, "/v1/templates", OWN_INVITATION));
    g_autoptr(EmailNew) own =
        write_mail(self, "invitation", EMAIL_CLASS_TRANSACTIONAL, LANGUAGE_DE, NULL);
    assert_string_equal(own->subject, "Komm zu Laden & Co");
    assert_true(store_run(self->store, spoil_text, NULL, NULL));
    g_autoptr(EmailNew) ours =
        write_mail(self, "invitation", EMAIL_CLASS_TRANSACTIONAL, LANGUAGE_DE, NULL);
    assert_string_equal(ours->subject, "Anna Müller lädt Sie zu Laden & Co ein");
}

static void the_test_mail_speaks_the_language_of_the_page(void **state)
{
    Fixture *self = *state;
    activate(self);
    g_autoptr(Reply) sent = post(self, "/v1/smtp/test-emails", "{\"to\":\"anna@example.de\"}");
    assert_reply(sent, 202, NULL);
    g_autofree char *line = g_strconcat("GET /v1/emails/", reply_text(sent, "id"), NULL);
    g_autoptr(Reply) email = ask_member(self, line, "", NULL);
    assert_string_equal(reply_text(email, "subject"), "Testmail von Laden & Co");
    assert_true(json_is_true(reply_at(email, "is_test")));
}

static void text_is_legible_on_every_colour(void **state)
{
    static const struct {
        const char *colour, *text;
    } rows[] = {{"#000000", "#ffffff"}, {"#ffffff", "#000000"}, {"#1f5fbf", "#ffffff"},
        {"#ffee00", "#000000"}, {"#ff0000", "#000000"}, {"#b00020", "#ffffff"}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(system_mail_text_on(rows[i].colour), rows[i].text) != 0)
            fail_msg("on %s", rows[i].colour);
    }
}

static void times_are_written_as_people_read_them(void **state)
{
    static const struct {
        const char *zone, *at;
        Language language;
        const char *text;
    } rows[] = {
        {"UTC", "2026-03-01T07:05:00Z", LANGUAGE_DE, "1. März 2026, 08:05 Uhr (MEZ)"},
        {"UTC", "2026-07-31T22:05:00Z", LANGUAGE_DE, "1. August 2026, 00:05 Uhr (MESZ)"},
        {"UTC", "2026-03-01T07:05:00Z", LANGUAGE_EN, "1 March 2026, 07:05 (UTC)"},
        {"Europe/Vienna", "2026-03-01T07:05:00Z", LANGUAGE_DE, "1. März 2026, 08:05 Uhr (MEZ)"},
        {"Europe/London", "2026-03-01T07:05:00Z", LANGUAGE_DE, "1. März 2026, 07:05 Uhr (GMT)"},
        {"Europe/London", "2026-07-01T07:05:00Z", LANGUAGE_EN, "1 July 2026, 08:05 (BST)"},
    };
    g_autofree char *zone = g_strdup(g_getenv("TZ"));
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        WallMs at = 0;
        g_setenv("TZ", rows[i].zone, TRUE);
        assert_true(clock_parse_rfc3339(rows[i].at, &at));
        g_autofree char *text = system_mail_time(at, rows[i].language);
        assert_string_equal(text, rows[i].text);
    }
    if (zone)
        g_setenv("TZ", zone, TRUE);
    else
        g_unsetenv("TZ");
}

#define WITH_API(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int set_up(void **state)
{
    Fixture *self = fixture_new();
    sign_up(self);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture_free(*state);
    return 0;
}

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        WITH_API(the_list_shows_ours_in_the_wanted_language),
        WITH_API(an_own_text_takes_the_place_of_ours_until_it_is_removed),
        WITH_API(a_faulty_text_is_refused_with_part_and_line),
        WITH_API(there_are_not_more_texts_than_allowed),
        WITH_API(a_preview_shows_samples_the_own_name_and_what_is_given),
        WITH_API(an_email_is_made_of_a_template),
        WITH_API(an_application_that_sends_a_secret_link_by_template_keeps_it_secret),
        cmocka_unit_test(the_values_of_a_template_are_bounded),
        WITH_API(a_template_that_cannot_be_filled_is_named),
        WITH_API(system_mails_say_what_they_are),
        WITH_API(a_text_of_ones_own_that_cannot_be_filled_gives_way_to_ours),
        WITH_API(the_test_mail_speaks_the_language_of_the_page),
        cmocka_unit_test(text_is_legible_on_every_colour),
        cmocka_unit_test(times_are_written_as_people_read_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
