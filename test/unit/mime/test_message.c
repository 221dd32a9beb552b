#include "base/limits.h"
#include "mime/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SEED "000102030405060708090a0b0c0d0e0f"

/* A draft with nothing unusual in it. */
static MimeDraft *plain_draft(void)
{
    MimeDraft *draft = mime_draft_new();
    draft->from = mime_address_new("Acme", "noreply@acme.example", NULL);
    g_ptr_array_add(draft->to, mime_address_parse("anna@example.de", NULL));
    draft->subject = g_strdup("Hello");
    draft->text = g_strdup("Hi\n");
    draft->message_id = g_strdup("1@acme.example");
    draft->date = G_GINT64_CONSTANT(1795283520123);
    for (guint8 i = 0; i < sizeof draft->boundary_seed; i++)
        draft->boundary_seed[i] = i;
    return draft;
}

static void add_attachment(
    MimeDraft *draft, const char *name, const char *type, const char *id, const char *content)
{
    g_autoptr(GBytes) bytes = g_bytes_new(content, strlen(content));
    mime_draft_add_attachment(draft, name, type, id, bytes);
}

/* The written message as a string; the caller frees. */
static char *written(const MimeDraft *draft)
{
    g_autoptr(MimeFault) fault = NULL;
    gboolean utf8 = FALSE;
    g_autoptr(GBytes) bytes = mime_message_write(draft, &utf8, &fault);
    if (bytes == NULL)
        fail_msg("%s: %s", fault->field, fault->detail);
    gsize n = 0;
    const char *data = g_bytes_get_data(bytes, &n);
    return g_strndup(data, n);
}

static void a_plain_mail_is_written_to_the_byte(void **state)
{
    g_autoptr(MimeDraft) draft = plain_draft();
    g_autofree char *out = written(draft);
    assert_string_equal(out, "Date: Sat, 21 Nov 2026 17:52:00 +0000\r\n"
                             "From: Acme <noreply@acme.example>\r\n"
                             "To: anna@example.de\r\n"
                             "Subject: Hello\r\n"
                             "Message-ID: <1@acme.example>\r\n"
                             "MIME-Version: 1.0\r\n"
                             "Content-Type: text/plain; charset=utf-8\r\n"
                             "Content-Transfer-Encoding: quoted-printable\r\n"
                             "\r\n"
                             "Hi\r\n");
}

static void the_whole_tree_is_written_to_the_byte(void **state)
{
    g_autoptr(MimeDraft) draft = plain_draft();
    draft->html = g_strdup("<b>Hi</b>");
    add_attachment(draft, "a.txt", "text/plain; charset=utf-8", NULL, "abc");
    add_attachment(draft, "ä.png", "image/png", "logo@acme", "png");
    g_autofree char *out = written(draft);
    const char *content = strstr(out, "Content-Type");
    assert_string_equal(content, "Content-Type: multipart/mixed;\r\n"
                                 " boundary=\"=_" SEED "m\"\r\n"
                                 "\r\n"
                                 "--=_" SEED "m\r\n"
                                 "Content-Type: multipart/related;\r\n"
                                 " boundary=\"=_" SEED "r\";\r\n"
                                 " type=\"multipart/alternative\"\r\n"
                                 "\r\n"
                                 "--=_" SEED "r\r\n"
                                 "Content-Type: multipart/alternative;\r\n"
                                 " boundary=\"=_" SEED "a\"\r\n"
                                 "\r\n"
                                 "--=_" SEED "a\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Transfer-Encoding: quoted-printable\r\n"
                                 "\r\n"
                                 "Hi\r\n"
                                 "\r\n"
                                 "--=_" SEED "a\r\n"
                                 "Content-Type: text/html; charset=utf-8\r\n"
                                 "Content-Transfer-Encoding: quoted-printable\r\n"
                                 "\r\n"
                                 "<b>Hi</b>\r\n"
                                 "\r\n"
                                 "--=_" SEED "a--\r\n"
                                 "\r\n"
                                 "--=_" SEED "r\r\n"
                                 "Content-Type: image/png; name=_.png\r\n"
                                 "Content-Transfer-Encoding: base64\r\n"
                                 "Content-Disposition: inline; filename*=utf-8''%C3%A4.png\r\n"
                                 "Content-ID: <logo@acme>\r\n"
                                 "\r\n"
                                 "cG5n\r\n"
                                 "\r\n"
                                 "--=_" SEED "r--\r\n"
                                 "\r\n"
                                 "--=_" SEED "m\r\n"
                                 "Content-Type: text/plain; charset=utf-8; name=a.txt\r\n"
                                 "Content-Transfer-Encoding: base64\r\n"
                                 "Content-Disposition: attachment; filename=a.txt\r\n"
                                 "\r\n"
                                 "YWJj\r\n"
                                 "\r\n"
                                 "--=_" SEED "m--\r\n");
}

static void the_same_draft_gives_the_same_bytes(void **state)
{
    g_autoptr(MimeDraft) draft = plain_draft();
    draft->html = g_strdup("<p>Grüße</p>");
    g_autofree char *first = written(draft);
    g_autofree char *second = written(draft);
    assert_string_equal(first, second);
}

/* Short, folded and encoded senders, each made of each other one. */
static void another_sender_makes_the_message_that_it_would_have_written(void **state)
{
    static const struct {
        const char *name, *address;
    } senders[] = {{NULL, "a@acme.example"}, {"Acme", "noreply@acme.example"},
        {"Müller & Söhne", "info@müller.example"},
        {"A name so long that it cannot stand on the same line as the address behind it at all",
            "a-long-local-part-for-one-more-fold@a-long-domain.of-the-organisation.example"}};
    g_autoptr(MimeDraft) draft = plain_draft();
    g_free(draft->text);
    draft->text = g_strdup("From: me\nFrom here\n\nFrom: you\n");
    draft->html = g_strdup("<b>From: me</b>");
    for (guint i = 0; i < G_N_ELEMENTS(senders); i++) {
        for (guint k = 0; k < G_N_ELEMENTS(senders); k++) {
            mime_address_free(draft->from);
            draft->from = mime_address_new(senders[i].name, senders[i].address, NULL);
            g_autofree char *before = written(draft);
            mime_address_free(draft->from);
            draft->from = mime_address_new(senders[k].name, senders[k].address, NULL);
            g_autofree char *wanted = written(draft);
            g_autoptr(GBytes) message = g_bytes_new(before, strlen(before));
            g_autoptr(GBytes) made = mime_message_with_from(message, draft->from);
            assert_non_null(made);
            assert_int_equal(g_bytes_get_size(made), strlen(wanted));
            assert_memory_equal(g_bytes_get_data(made, NULL), wanted, strlen(wanted));
        }
    }
}

static void a_message_without_sender_gets_none(void **state)
{
    static const char *const messages[] = {"", "F", "From", "To: a@b\r\n",
        "To: a@b\r\n\r\nFrom: x\r\n", "\r\nFrom: x\r\n", "To: a@b\r\n From: x\r\n\r\n",
        "FromX: a\r\n\r\n"};
    g_autoptr(MimeDraft) draft = plain_draft();
    for (guint i = 0; i < G_N_ELEMENTS(messages); i++) {
        g_autoptr(GBytes) message = g_bytes_new(messages[i], strlen(messages[i]));
        assert_null(mime_message_with_from(message, draft->from));
    }
}

static void bcc_is_never_written(void **state)
{
    g_autoptr(MimeDraft) draft = plain_draft();
    g_ptr_array_add(draft->bcc, mime_address_new("Secret", "secret@example.de", NULL));
    g_autofree char *with_to = written(draft);
    assert_null(strstr(with_to, "ecret"));
    assert_null(strstr(with_to, "Bcc"));
    g_ptr_array_set_size(draft->to, 0);
    g_autofree char *without_to = written(draft);
    assert_null(strstr(without_to, "ecret"));
    assert_non_null(strstr(without_to, "\r\nTo: undisclosed-recipients:;\r\n"));
}

static void dates_do_not_depend_on_the_day(void **state)
{
    static const struct {
        WallMs at;
        const char *text;
    } cases[] = {
        {0, "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"},
        {G_GINT64_CONSTANT(1709251199999), "Date: Thu, 29 Feb 2024 23:59:59 +0000\r\n"},
        {G_GINT64_CONSTANT(4102444800000), "Date: Fri, 1 Jan 2100 00:00:00 +0000\r\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(MimeDraft) draft = plain_draft();
        draft->date = cases[i].at;
        g_autofree char *out = written(draft);
        assert_true(g_str_has_prefix(out, cases[i].text));
    }
}

static void the_shorter_body_encoding_wins(void **state)
{
    g_autoptr(MimeDraft) draft = plain_draft();
    g_free(draft->text);
    draft->text = g_strdup("Grüße aus Köln, und noch ein langer Satz ohne Umlaute.");
    g_autofree char *german = written(draft);
    assert_non_null(strstr(german, "quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe"));
    g_free(draft->text);
    draft->text = g_strdup("Здравствуйте");
    g_autofree char *russian = written(draft);
    assert_non_null(strstr(russian, "base64\r\n\r\n0JfQtN"));
    assert_null(strstr(russian, "quoted-printable"));
}

static void smtputf8_is_needed_only_for_local_parts_in_headers(void **state)
{
    static const struct {
        const char *from, *to, *bcc;
        gboolean needs;
    } cases[] = {
        {"a@x.de", "b@x.de", "c@x.de", FALSE},
        {"a@müller.de", "b@müller.de", "c@x.de", FALSE},
        {"jörg@x.de", "b@x.de", "c@x.de", TRUE},
        {"a@x.de", "jörg@x.de", "c@x.de", TRUE},
        {"a@x.de", "b@x.de", "jörg@x.de", FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(MimeDraft) draft = plain_draft();
        mime_address_free(draft->from);
        draft->from = mime_address_parse(cases[i].from, NULL);
        g_ptr_array_add(draft->to, mime_address_parse(cases[i].to, NULL));
        g_ptr_array_add(draft->bcc, mime_address_parse(cases[i].bcc, NULL));
        gboolean needs = !cases[i].needs;
        g_autoptr(MimeFault) fault = NULL;
        g_autoptr(GBytes) bytes = mime_message_write(draft, &needs, &fault);
        assert_non_null(bytes);
        assert_int_equal(needs, cases[i].needs);
    }
}

/* --- Faults: each row spoils a plain draft in one way
 * ------------------------------------------------ */

static void spoil_subject(MimeDraft *draft, const char *value)
{
    g_free(draft->subject);
    draft->subject = g_strdup(value);
}

static void spoil_text(MimeDraft *draft, const char *value)
{
    g_free(draft->text);
    draft->text = g_strdup(value);
}

static void spoil_html(MimeDraft *draft, const char *value)
{
    draft->html = g_strdup(value);
}

static void spoil_from_name(MimeDraft *draft, const char *value)
{
    g_free(draft->from->name);
    draft->from->name = g_strdup(value);
}

static void spoil_to_address(MimeDraft *draft, const char *value)
{
    MimeAddress *address = g_ptr_array_index(draft->to, 0);
    g_free(address->addr_spec);
    address->addr_spec = g_strdup(value);
}

static void spoil_reply_to(MimeDraft *draft, const char *value)
{
    g_ptr_array_add(draft->reply_to, mime_address_new("ok", "a@x.de", NULL));
    MimeAddress *address = mime_address_new("ok", "a@x.de", NULL);
    g_free(address->name);
    address->name = g_strdup(value);
    g_ptr_array_add(draft->reply_to, address);
}

static void spoil_header_value(MimeDraft *draft, const char *value)
{
    mime_draft_add_header(draft, "X-Foo", value);
}

static void spoil_header_name(MimeDraft *draft, const char *value)
{
    mime_draft_add_header(draft, value, "v");
}

static void spoil_unsubscribe(MimeDraft *draft, const char *value)
{
    mime_draft_add_header(draft, "list-unsubscribe", value);
}

static void spoil_file_name(MimeDraft *draft, const char *value)
{
    add_attachment(draft, value, NULL, NULL, "x");
}

static void spoil_content_type(MimeDraft *draft, const char *value)
{
    add_attachment(draft, "a", NULL, NULL, "x");
    add_attachment(draft, "a", value, NULL, "x");
}

static void spoil_content_id(MimeDraft *draft, const char *value)
{
    add_attachment(draft, "a", NULL, value, "x");
}

typedef struct {
    void (*spoil)(MimeDraft *, const char *);
    const char *value, *field, *code;
} FaultRow;

static void check_faults(const FaultRow *rows, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        g_autoptr(MimeDraft) draft = plain_draft();
        rows[i].spoil(draft, rows[i].value);
        g_autoptr(MimeFault) fault = NULL;
        gboolean utf8 = 2;
        if (mime_message_write(draft, &utf8, &fault) != NULL)
            fail_msg("row %zu: '%s' was written", i, rows[i].value);
        assert_string_equal(fault->field, rows[i].field);
        assert_string_equal(fault->code, rows[i].code);
        assert_true(g_str_has_suffix(fault->detail, "."));
        assert_int_equal(utf8, 2);
    }
}

static void control_characters_are_refused_by_field(void **state)
{
    static const FaultRow rows[] = {
        {spoil_subject, "a\r\nBcc: x@y.de", "/subject", "control_character"},
        {spoil_subject, "a\rb", "/subject", "control_character"},
        {spoil_subject, "a\nb", "/subject", "control_character"},
        {spoil_subject,
            "a\xe2\x80\xa8"
            "b",
            "/subject", "control_character"},
        {spoil_subject, "a\x1b[0m", "/subject", "control_character"},
        {spoil_subject, "a\xff", "/subject", "invalid_utf8"},
        {spoil_from_name, "a\r\nX: y", "/from", "control_character"},
        {spoil_from_name, "\xc3", "/from", "invalid_utf8"},
        {spoil_to_address, "a@x.de\r\nX: y", "/to/0", "control_character"},
        {spoil_to_address, "a@x.de, b@x.de", "/to/0", "invalid_address"},
        {spoil_to_address, "b@x.de", "/to/0", "invalid_address"}, /* not what the struct says */
        {spoil_reply_to, "a\nb", "/reply_to/1", "control_character"},
        {spoil_header_value, "a\r\n b", "/headers/X-Foo", "control_character"},
        {spoil_header_value, "a\nX: y", "/headers/X-Foo", "control_character"},
        {spoil_header_name, "X-A\r\nX-B", "/headers/X-A X-B", "control_character"},
        {spoil_header_name, "X-A: b\r\nX-B", "/headers/X-A: b X-B", "control_character"},
        {spoil_file_name, "a\r\nb.pdf", "/attachments/0/filename", "control_character"},
        {spoil_content_type, "text/plain\r\nX: y", "/attachments/1/content_type",
            "control_character"},
        {spoil_content_id, "a\nb", "/attachments/0/content_id", "control_character"},
        {spoil_text, "a\xff", "/text", "invalid_utf8"},
        {spoil_html, "\xed\xa0\x80", "/html", "invalid_utf8"},
    };
    check_faults(rows, G_N_ELEMENTS(rows));
}

static void header_names_of_ours_are_reserved(void **state)
{
    static const char *const names[] = {"From", "to", "CC", "Bcc", "Sender", "Reply-To", "Subject",
        "Date", "Message-Id", "Return-Path", "Received", "MIME-Version", "Content-Type",
        "content-foo", "DKIM-Signature", "Authentication-Results", "ARC-Seal", "Resent-To",
        "Delivered-To"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *field = g_strdup_printf("/headers/%s", names[i]);
        FaultRow row = {spoil_header_name, names[i], field, "reserved_header"};
        check_faults(&row, 1);
    }
}

static void malformed_values_are_refused_by_field(void **state)
{
    static const FaultRow rows[] = {
        {spoil_header_name, "", "/headers/", "invalid_header_name"},
        {spoil_header_name, "X Foo", "/headers/X Foo", "invalid_header_name"},
        {spoil_header_name, "X:", "/headers/X:", "invalid_header_name"},
        {spoil_header_name, "X/~", "/headers/X~1~0", "invalid_header_name"},
        {spoil_header_name, "Größe", "/headers/Größe", "invalid_header_name"},
        {spoil_unsubscribe, "<https://müller.de>", "/headers/list-unsubscribe", "not_ascii"},
        {spoil_file_name, "", "/attachments/0/filename", "invalid_file_name"},
        {spoil_file_name, "..", "/attachments/0/filename", "invalid_file_name"},
        {spoil_file_name, "../a", "/attachments/0/filename", "invalid_file_name"},
        {spoil_file_name, "c:\\a", "/attachments/0/filename", "invalid_file_name"},
        {spoil_content_type, "", "/attachments/1/content_type", "invalid_content_type"},
        {spoil_content_type, "text", "/attachments/1/content_type", "invalid_content_type"},
        {spoil_content_type, "/x", "/attachments/1/content_type", "invalid_content_type"},
        {spoil_content_type, "text/", "/attachments/1/content_type", "invalid_content_type"},
        {spoil_content_type, "te xt/a", "/attachments/1/content_type", "invalid_content_type"},
        {spoil_content_type, "text/ä", "/attachments/1/content_type", "invalid_content_type"},
        {spoil_content_type, "text/plain;", "/attachments/1/content_type", "invalid_content_type"},
        {spoil_content_type, "text/plain; a", "/attachments/1/content_type",
            "invalid_content_type"},
        {spoil_content_type, "text/plain; a=", "/attachments/1/content_type",
            "invalid_content_type"},
        {spoil_content_type, "text/plain; a=\"b", "/attachments/1/content_type",
            "invalid_content_type"},
        {spoil_content_type, "text/plain; NAME=a", "/attachments/1/content_type",
            "invalid_content_type"},
        {spoil_content_type, "text/plain, a", "/attachments/1/content_type",
            "invalid_content_type"},
        {spoil_content_type, "Multipart/mixed", "/attachments/1/content_type",
            "invalid_content_type"},
        {spoil_content_type, "message/rfc822", "/attachments/1/content_type",
            "invalid_content_type"},
        {spoil_content_id, "", "/attachments/0/content_id", "invalid_content_id"},
        {spoil_content_id, "<a@b>", "/attachments/0/content_id", "invalid_content_id"},
        {spoil_content_id, "a b", "/attachments/0/content_id", "invalid_content_id"},
        {spoil_content_id, "ä", "/attachments/0/content_id", "invalid_content_id"},
    };
    check_faults(rows, G_N_ELEMENTS(rows));
}

static void what_is_too_long_is_refused_by_field(void **state)
{
    static const struct {
        void (*spoil)(MimeDraft *, const char *);
        gsize most;
        const char *field;
    } cases[] = {
        {spoil_subject, LIMIT_SUBJECT_CHARACTERS, "/subject"},
        {spoil_header_value, LIMIT_LINE_OCTETS - strlen("X-Foo: "), "/headers/X-Foo"},
        {spoil_file_name, LIMIT_FILE_NAME_BYTES, "/attachments/0/filename"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *value = g_strnfill(cases[i].most + 1, 'a');
        FaultRow row = {cases[i].spoil, value, cases[i].field, "too_long"};
        check_faults(&row, 1);
        value[cases[i].most] = '\0';
        g_autoptr(MimeDraft) draft = plain_draft();
        cases[i].spoil(draft, value);
        g_autofree char *out = written(draft);
        assert_non_null(out);
    }
}

static void check_one_fault(const MimeDraft *draft, const char *field, const char *code)
{
    g_autoptr(MimeFault) fault = NULL;
    gboolean utf8;
    assert_null(mime_message_write(draft, &utf8, &fault));
    assert_string_equal(fault->field, field);
    assert_string_equal(fault->code, code);
}

static void what_is_missing_is_required(void **state)
{
    g_autoptr(MimeDraft) no_from = plain_draft();
    g_clear_pointer(&no_from->from, mime_address_free);
    check_one_fault(no_from, "/from", "required");
    g_autoptr(MimeDraft) no_recipient = plain_draft();
    g_ptr_array_set_size(no_recipient->to, 0);
    check_one_fault(no_recipient, "/to", "required");
    g_autoptr(MimeDraft) no_content = plain_draft();
    g_clear_pointer(&no_content->text, g_free);
    check_one_fault(no_content, "/text", "required");
    add_attachment(no_content, NULL, NULL, NULL, "");
    g_autofree char *only_attachment = written(no_content);
    assert_non_null(strstr(only_attachment, "Content-Disposition: attachment\r\n"));
}

static void there_is_a_most_of_everything(void **state)
{
    g_autoptr(MimeDraft) people = plain_draft();
    for (guint i = 0; i < LIMIT_RECIPIENTS / 2; i++) {
        g_ptr_array_add(people->cc, mime_address_parse("a@x.de", NULL));
        g_ptr_array_add(people->bcc, mime_address_parse("b@x.de", NULL));
    }
    check_one_fault(people, "/to", "too_many");
    g_autoptr(MimeDraft) replies = plain_draft();
    for (guint i = 0; i <= LIMIT_RECIPIENTS; i++)
        g_ptr_array_add(replies->reply_to, mime_address_parse("a@x.de", NULL));
    check_one_fault(replies, "/reply_to", "too_many");
    g_autoptr(MimeDraft) headers = plain_draft();
    for (guint i = 0; i <= LIMIT_CUSTOM_HEADERS; i++)
        mime_draft_add_header(headers, "X-A", "b");
    check_one_fault(headers, "/headers", "too_many");
    g_autoptr(MimeDraft) attachments = plain_draft();
    for (guint i = 0; i <= LIMIT_ATTACHMENTS; i++)
        add_attachment(attachments, "a", NULL, NULL, "x");
    check_one_fault(attachments, "/attachments", "too_many");
}

static void headers_together_have_a_limit(void **state)
{
    g_autofree char *word = g_strnfill(70, 'a');
    g_autoptr(GString) value = g_string_new(word);
    while (value->len < 4000)
        g_string_append_printf(value, " %s", word);
    g_autoptr(MimeDraft) draft = plain_draft();
    for (guint i = 0; i < LIMIT_HEADER_BYTES / 4000; i++)
        mime_draft_add_header(draft, "X-A", value->str);
    check_one_fault(draft, "/headers", "too_long");
}

static void a_message_has_at_most_26_mib(void **state)
{
    gsize n = LIMIT_MESSAGE_BYTES / 4 * 3; /* fits as it is, not as base64 with line ends */
    g_autoptr(GBytes) content = g_bytes_new_take(g_malloc0(n), n);
    g_autoptr(MimeDraft) draft = plain_draft();
    mime_draft_add_attachment(draft, "a", NULL, NULL, content);
    check_one_fault(draft, "", "too_long");
    g_autoptr(GBytes) less = g_bytes_new_from_bytes(content, 0, n - n / 30);
    g_ptr_array_set_size(draft->attachments, 0);
    mime_draft_add_attachment(draft, "a", NULL, NULL, less);
    g_autofree char *out = written(draft);
    assert_true(strlen(out) <= LIMIT_MESSAGE_BYTES);
    mime_draft_add_attachment(draft, "b", NULL, NULL, content);
    check_one_fault(draft, "", "too_long");
}

static void message_ids_are_made_of_id_and_domain(void **state)
{
    static const guint8 random[ID_RANDOM_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    Id id = id_make(G_GINT64_CONSTANT(0x010203040506), random);
    g_autofree char *text = mime_message_id_make(&id, "acme.example");
    assert_true(g_str_has_prefix(text, "010203040506"));
    assert_true(g_str_has_suffix(text, "@acme.example"));
    assert_int_equal(strlen(text), 2 * ID_BYTES + strlen("@acme.example"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_mail_is_written_to_the_byte),
        cmocka_unit_test(the_whole_tree_is_written_to_the_byte),
        cmocka_unit_test(the_same_draft_gives_the_same_bytes),
        cmocka_unit_test(another_sender_makes_the_message_that_it_would_have_written),
        cmocka_unit_test(a_message_without_sender_gets_none),
        cmocka_unit_test(bcc_is_never_written),
        cmocka_unit_test(dates_do_not_depend_on_the_day),
        cmocka_unit_test(the_shorter_body_encoding_wins),
        cmocka_unit_test(smtputf8_is_needed_only_for_local_parts_in_headers),
        cmocka_unit_test(control_characters_are_refused_by_field),
        cmocka_unit_test(header_names_of_ours_are_reserved),
        cmocka_unit_test(malformed_values_are_refused_by_field),
        cmocka_unit_test(what_is_too_long_is_refused_by_field),
        cmocka_unit_test(what_is_missing_is_required),
        cmocka_unit_test(there_is_a_most_of_everything),
        cmocka_unit_test(headers_together_have_a_limit),
        cmocka_unit_test(a_message_has_at_most_26_mib),
        cmocka_unit_test(message_ids_are_made_of_id_and_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
