/* Varied drafts are written and read back by two parsers that are not ours:
 * GMime here, Python's email package in judge.py. Both must find what the draft
 * says, and no defect. */
#include "base/limits.h"
#include "mime/message.h"

#include <glib/gstdio.h>
#include <gmime/gmime.h>
#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* One judged mail: its name, what was written, and what a reader must find. */
typedef struct {
    char *name;
    MimeDraft *draft;
    GBytes *bytes;
    gboolean needs_smtputf8;
} Case;

static GPtrArray *cases;

static void free_case(gpointer data)
{
    Case *c = data;
    g_free(c->name);
    mime_draft_free(c->draft);
    g_bytes_unref(c->bytes);
    g_free(c);
}

/* --- The drafts
 * -----------------------------------------------------------------------------------
 */

static MimeDraft *draft_new(const char *subject, const char *text, const char *html)
{
    MimeDraft *draft = mime_draft_new();
    draft->from = mime_address_new("Acme GmbH", "noreply@acme.example", NULL);
    g_ptr_array_add(draft->to, mime_address_parse("anna@example.de", NULL));
    draft->subject = g_strdup(subject);
    draft->text = g_strdup(text);
    draft->html = g_strdup(html);
    draft->message_id = g_strdup("0193a1b2c3d4@acme.example");
    draft->date = G_GINT64_CONSTANT(1795283520123);
    for (guint8 i = 0; i < sizeof draft->boundary_seed; i++)
        draft->boundary_seed[i] = (guint8)(i * 17);
    return draft;
}

/* Takes the draft. */
static void add_case(const char *name, MimeDraft *draft)
{
    Case *c = g_new0(Case, 1);
    g_autoptr(MimeFault) fault = NULL;
    c->name = g_strdup_printf("%03u-%s", cases->len, name);
    c->draft = draft;
    c->bytes = mime_message_write(draft, &c->needs_smtputf8, &fault);
    if (c->bytes == NULL)
        fail_msg("%s: %s %s", name, fault->field, fault->detail);
    g_ptr_array_add(cases, c);
}

static void attach(MimeDraft *draft, const char *name, const char *type, const char *id, gsize n)
{
    guint8 *bytes = g_malloc(n + 1);
    for (gsize i = 0; i < n; i++)
        bytes[i] = (guint8)((i * 31 + i / 251) & 0xff);
    g_autoptr(GBytes) content = g_bytes_new_take(bytes, n);
    mime_draft_add_attachment(draft, name, type, id, content);
}

/* Every combination of text, HTML, inline image and attachment. */
static void add_trees(void)
{
    for (guint bits = 1; bits < 16; bits++) {
        g_autofree char *name =
            g_strdup_printf("tree-%u%u%u%u", bits & 1, bits >> 1 & 1, bits >> 2 & 1, bits >> 3 & 1);
        MimeDraft *draft = draft_new(name, (bits & 1) != 0 ? "Guten Tag\n\nGrüße\n" : NULL,
            (bits & 2) != 0 ? "<p>Grüße <img src=\"cid:logo@acme\"></p>\n" : NULL);
        if ((bits & 4) != 0)
            attach(draft, "logo.png", "image/png", "logo@acme", 100);
        if ((bits & 8) != 0) {
            attach(draft, "Rechnung.pdf", "application/pdf", NULL, 5000);
            attach(draft, NULL, NULL, NULL, 57);
        }
        add_case(name, draft);
    }
}

/* Subjects of every length around the places where lines fold. */
static void add_subjects(void)
{
    static const char *const units[] = {"a", "ä", "€", "😀", "wort ", "größe ", "שלום ", "a  b"};
    for (gsize u = 0; u < G_N_ELEMENTS(units); u++) {
        for (guint n = 1; n <= 200; n += n < 90 ? 1 : 13) {
            GString *subject = g_string_new(NULL);
            while (subject->len < n)
                g_string_append(subject, units[u]);
            g_autofree char *name = g_strdup_printf("subject-%zu-%u", u, n);
            add_case(name, draft_new(subject->str, "x", NULL));
            g_string_free(subject, TRUE);
        }
    }
    static const char *const odd[] = {"", " ", "   ", "a ", " a", "a  b", "a b  ", "\ta", "a\tb",
        "=?utf-8?q?a?=", "a =?utf-8?q?a?= b", "ä =?x", "=", "?=", "a: b; c, d", "\"a\" (b) <c@d>",
        "Größe  und   Maß", "ä a ä a ä", "שלום עולם, hello", "\u202Etxt.exe",
        "👩‍👩‍👧‍👦 Familie", "e\u0301", "Re: [list] 50% _off_ =20"};
    for (gsize i = 0; i < G_N_ELEMENTS(odd); i++) {
        g_autofree char *name = g_strdup_printf("odd-subject-%zu", i);
        add_case(name, draft_new(odd[i], "x", NULL));
    }
    g_autofree char *word = g_strnfill(LIMIT_SUBJECT_CHARACTERS, 'x');
    add_case("longest-word", draft_new(word, "x", NULL));
    add_case("no-subject", draft_new(NULL, "x", NULL));
}

static void add_bodies(void)
{
    static const struct {
        const char *name, *text;
    } bodies[] = {
        {"empty", ""},
        {"line-end-only", "\n"},
        {"no-line-end", "a"},
        {"dots", ".\n..\n...\na.\n.a\n"},
        {"lone-dot-at-the-end", "a\n."},
        {"bare-cr", "a\rb\rc"},
        {"mixed-line-ends", "a\nb\r\nc\rd\n\ne"},
        {"spaces-behind", "a \nb\t\n \n\t\n"},
        {"from-lines", "From here\n>From there\nfrom\n"},
        {"boundary-inside", "--=_00112233445566778899aabbccddeeffm\n--=_00\n"},
        {"headers-inside", "Subject: x\n\nBcc: y@z\n"},
        {"equals", "a=b=3D==\n=\n"},
        {"controls", "\x01\x02\x1b[0m\x7f\n"},
        {"eight-bit", "äöüß€😀 Ελληνικά עברית العربية 中文\n"},
        {"chinese", "这是一个测试。这是一个测试。这是一个测试。这是一个测试。\n"},
        {"form-feed", "a\fb\vc\n"},
        {"bom", "\xef\xbb\xbf"
                "a\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autofree char *html = g_strdup_printf("<pre>%s</pre>", bodies[i].text);
        add_case(bodies[i].name, draft_new("Body", bodies[i].text, NULL));
        add_case(bodies[i].name, draft_new("Body", bodies[i].text, html));
    }
    for (guint n = 70; n < 82; n++) {
        g_autofree char *line = g_strnfill(n, 'a');
        g_autofree char *text = g_strdup_printf("%s\n%s.\n%s \n%sä\n", line, line, line, line);
        add_case("line-lengths", draft_new("Body", text, NULL));
    }
    g_autofree char *long_line = g_strnfill(100000, 'x');
    add_case("one-long-line", draft_new("Body", long_line, NULL));
}

#define LONGEST_LOCAL_PART "0123456789012345678901234567890123456789012345678901234567890123"

static void add_people(void)
{
    static const char *const names[] = {"Anna", "Anna B. Müller", "Müller, Anna", "\"Q\"", "a\\b",
        "(x)", "b@y.de", "=?utf-8?q?a?=", "Jörg Ö", "😀", "עברית", "O'Neil", "A  B", "x;y:z",
        "Ä, <b>",
        "a name that is so long that no line could hold it together with the "
        "address",
        "ein Name, der so lang ist, dass er über mehrere Zeilen geht: ÄÖÜ und "
        "noch viel mehr"};
    MimeDraft *all = draft_new("People", "x", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *spec = g_strdup_printf("p%zu@example.example", i);
        g_ptr_array_add(all->to, mime_address_new(names[i], spec, NULL));
        g_ptr_array_add(all->cc, mime_address_new(names[i], spec, NULL));
        MimeDraft *draft = draft_new("People", "x", NULL);
        g_free(draft->from->name);
        draft->from->name = g_strdup(names[i]);
        g_ptr_array_add(draft->reply_to, mime_address_new(names[i], spec, NULL));
        add_case("name", draft);
    }
    add_case("all-names", all);
    static const char *const specs[] = {"\"a b\"@x.de", "\"a@b\"@x.de", "\"a,b;c\"@x.de",
        "a@müller.de", "a@[192.0.2.1]", "!#$%&'*+-/=^_`{|}~@x.de",
        LONGEST_LOCAL_PART "@example.example", "jörg@x.de", "用户@例子.测试"};
    for (gsize i = 0; i < G_N_ELEMENTS(specs); i++) {
        MimeDraft *draft = draft_new("Address", "x", NULL);
        g_ptr_array_add(draft->to, mime_address_new("Anna", specs[i], NULL));
        g_ptr_array_add(draft->cc, mime_address_new(NULL, specs[i], NULL));
        add_case("address", draft);
    }
    MimeDraft *bcc_only = draft_new("Bcc", "x", NULL);
    g_ptr_array_set_size(bcc_only->to, 0);
    g_ptr_array_add(bcc_only->bcc, mime_address_parse("secret@x.de", NULL));
    add_case("bcc-only", bcc_only);
    MimeDraft *many = draft_new("Many", "x", NULL);
    for (guint i = 1; i < LIMIT_RECIPIENTS; i++) {
        g_autofree char *spec = g_strdup_printf("recipient-%u@example.example", i);
        g_ptr_array_add(many->to, mime_address_new(i % 2 == 0 ? "Ä" : NULL, spec, NULL));
    }
    add_case("many-recipients", many);
}

static void add_headers_and_files(void)
{
    MimeDraft *draft = draft_new("Headers", "x", NULL);
    mime_draft_add_header(draft, "X-Plain", "a b c");
    mime_draft_add_header(draft, "X-Empty", "");
    mime_draft_add_header(
        draft, "X-Text", "Größe und Maß: eine lange Zeile, die gefaltet werden muss, weil");
    mime_draft_add_header(draft, "List-Unsubscribe",
        "<https://acme.example/"
        "unsubscribe?token=0123456789012345678901234567890123456789>, "
        "<mailto:unsubscribe@acme.example?subject=0123456789>");
    mime_draft_add_header(draft, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
    mime_draft_add_header(draft, "In-Reply-To", "<a@b.example>");
    mime_draft_add_header(draft, "References",
        "<a@b.example> <c@d.example> <e@f.example> "
        "<0123456789012345678901234567890123456789@g.example>");
    add_case("custom-headers", draft);

    static const char *const names[] = {"a.pdf", "a b.pdf", "Größe.pdf", "a\"b.pdf",
        "it's 100%.txt", "a;b=c.txt", "=?utf-8?q?a?=.txt", "\u202Efdp.exe", "😀😀😀.png",
        "中文文件名.docx", ".", "-rf", "a'b*c%20.txt"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i], ".") == 0)
            continue;
        MimeDraft *file = draft_new("File", "x", NULL);
        attach(file, names[i], "application/octet-stream", NULL, i * 19);
        add_case("file-name", file);
    }
    for (guint n = 40; n <= LIMIT_FILE_NAME_BYTES; n += n < 80 ? 1 : 40) {
        g_autofree char *stem = g_strnfill(n - 4, 'n');
        g_autofree char *name = g_strdup_printf("%s.pdf", stem);
        MimeDraft *file = draft_new("File", "x", NULL);
        attach(file, name, NULL, NULL, 10);
        GString *umlauts = g_string_new(NULL);
        while (umlauts->len + 2 <= n)
            g_string_append(umlauts, "ü");
        attach(file, umlauts->str, NULL, NULL, 10);
        g_string_free(umlauts, TRUE);
        add_case("long-file-name", file);
    }
    MimeDraft *large = draft_new("Large", "x", "<b>x</b>");
    attach(large, "large.bin", "application/octet-stream", NULL, 1024 * 1024);
    attach(large, "empty.bin", NULL, NULL, 0);
    attach(large, "text.csv", "text/csv; charset=utf-8; header=\"present\"", NULL, 200);
    add_case("large-attachment", large);
}

/* --- What must be found
 * ---------------------------------------------------------------------------
 */

static char *body_as_read(const char *text)
{
    if (text == NULL)
        return NULL;
    GString *out = g_string_new(NULL);
    for (const char *p = text; *p != '\0'; p++) {
        g_string_append_c(out, *p == '\r' ? '\n' : *p);
        if (*p == '\r' && p[1] == '\n')
            p++;
    }
    if (out->len > 0 && out->str[out->len - 1] != '\n')
        g_string_append_c(out, '\n');
    return g_string_free(out, FALSE);
}

static guint expected_header_count(const MimeDraft *draft)
{
    gboolean has_multipart = draft->attachments->len > 0 || (draft->text && draft->html);
    guint n =
        5 + (has_multipart ? 1 : 2); /* Date From Message-ID MIME-Version Content-*, To or Cc */
    n += draft->to->len > 0 && draft->cc->len > 0 ? 1 : 0;
    n += draft->reply_to->len > 0 ? 1 : 0;
    n += draft->subject != NULL ? 1 : 0;
    return n + draft->headers->len;
}

/* --- Lines
 * ----------------------------------------------------------------------------------------
 */

static void every_line_is_crlf_7_bit_and_short(void **state)
{
    for (guint i = 0; i < cases->len; i++) {
        const Case *c = g_ptr_array_index(cases, i);
        gsize n = 0, column = 0;
        const char *data = g_bytes_get_data(c->bytes, &n);
        for (gsize at = 0; at < n; at++) {
            gboolean is_end = data[at] == '\r';
            if (is_end && (at + 1 == n || data[at + 1] != '\n'))
                fail_msg("%s: a bare CR", c->name);
            if (data[at] == '\0' || data[at] == '\n')
                fail_msg("%s: a bare LF or NUL", c->name);
            if ((data[at] & 0x80) != 0 && !c->needs_smtputf8)
                fail_msg("%s: eighth bit", c->name);
            column = is_end ? 0 : column + 1;
            if (column > LIMIT_LINE_OCTETS)
                fail_msg("%s: a line is too long", c->name);
            at += is_end ? 1 : 0;
        }
        assert_int_equal(column, 0);
    }
}

/* --- GMime
 * ----------------------------------------------------------------------------------------
 */

static void on_gmime_warning(
    gint64 offset, GMimeParserWarning code, const gchar *item, gpointer data)
{
    const Case *c = data;
    if (code == GMIME_WARN_UNENCODED_8BIT_HEADER && c->needs_smtputf8)
        return;
    fail_msg("%s: GMime warns of %d at %" G_GINT64_FORMAT, c->name, (int)code, offset);
}

static void judge_mailboxes(const Case *c, InternetAddressList *found, const GPtrArray *expected)
{
    int n = found != NULL ? internet_address_list_length(found) : 0;
    assert_int_equal(n, expected->len);
    for (int i = 0; i < n; i++) {
        const MimeAddress *address = g_ptr_array_index(expected, (guint)i);
        InternetAddress *mailbox = internet_address_list_get_address(found, i);
        assert_true(INTERNET_ADDRESS_IS_MAILBOX(mailbox));
        const char *spec = internet_address_mailbox_get_idn_addr(INTERNET_ADDRESS_MAILBOX(mailbox));
        if (g_strcmp0(spec, address->addr_spec) != 0)
            fail_msg("%s: GMime reads %s for %s", c->name, spec, address->addr_spec);
        const char *name = internet_address_get_name(mailbox);
        if (g_strcmp0(name != NULL ? name : "", address->name != NULL ? address->name : "") != 0)
            fail_msg("%s: GMime reads '%s' for '%s'", c->name, name, address->name);
    }
}

static GByteArray *decoded_content(GMimePart *part)
{
    GMimeStream *memory = g_mime_stream_mem_new();
    g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(part), memory);
    GByteArray *bytes =
        g_byte_array_ref(g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory)));
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(memory), FALSE);
    g_object_unref(memory);
    return bytes;
}

typedef struct {
    const Case *c;
    GPtrArray *expected; /* attachments in the order of the tree */
    guint n_attachments, n_bodies;
} PartWalk;

static void judge_body(PartWalk *walk, GMimePart *part, const char *text)
{
    g_autofree char *expected = body_as_read(text);
    GByteArray *bytes = decoded_content(part);
    g_autoptr(GString) found = g_string_new_len((char *)bytes->data, (gssize)bytes->len);
    g_string_replace(found, "\r\n", "\n", 0);
    if (strcmp(found->str, expected) != 0)
        fail_msg("%s: GMime reads the body '%s'", walk->c->name, found->str);
    g_byte_array_unref(bytes);
    walk->n_bodies++;
}

static void judge_attachment(PartWalk *walk, GMimePart *part)
{
    assert_true(walk->n_attachments < walk->expected->len);
    const MimeAttachment *expected = g_ptr_array_index(walk->expected, walk->n_attachments++);
    const char *name = g_mime_part_get_filename(part);
    if (g_strcmp0(name, expected->file_name) != 0)
        fail_msg("%s: GMime reads the file name '%s'", walk->c->name, name);
    const char *id = g_mime_object_get_content_id(GMIME_OBJECT(part));
    assert_true(g_strcmp0(id, expected->content_id) == 0);
    GByteArray *bytes = decoded_content(part);
    gsize n = 0;
    const void *data = g_bytes_get_data(expected->content, &n);
    assert_int_equal(bytes->len, n);
    assert_true(n == 0 || memcmp(bytes->data, data, n) == 0);
    g_byte_array_unref(bytes);
}

static void judge_part(GMimeObject *parent, GMimeObject *object, gpointer data)
{
    PartWalk *walk = data;
    if (!GMIME_IS_PART(object))
        return;
    GMimePart *part = GMIME_PART(object);
    GMimeContentType *type = g_mime_object_get_content_type(object);
    if (g_mime_object_get_content_disposition(object) != NULL)
        judge_attachment(walk, part);
    else if (g_mime_content_type_is_type(type, "text", "html"))
        judge_body(walk, part, walk->c->draft->html);
    else
        judge_body(walk, part, walk->c->draft->text);
}

/* Inline ones come first: related stands inside mixed. */
static GPtrArray *attachments_in_order(const MimeDraft *draft)
{
    GPtrArray *order = g_ptr_array_new();
    for (int want_inline = 1; want_inline >= 0; want_inline--) {
        for (guint i = 0; i < draft->attachments->len; i++) {
            MimeAttachment *a = g_ptr_array_index(draft->attachments, i);
            gboolean is_inline = draft->html != NULL && a->content_id != NULL;
            if (is_inline == (want_inline == 1))
                g_ptr_array_add(order, a);
        }
    }
    return order;
}

static void judge_with_gmime(Case *c)
{
    gsize n = 0;
    const char *data = g_bytes_get_data(c->bytes, &n);
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(data, n);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_warning_callback(options, on_gmime_warning, c);
    GMimeMessage *message = g_mime_parser_construct_message(parser, options);
    assert_non_null(message);

    const MimeDraft *draft = c->draft;
    const char *subject = g_mime_message_get_subject(message);
    if (g_strcmp0(subject, draft->subject) != 0)
        fail_msg("%s: GMime reads the subject '%s'", c->name, subject);
    assert_string_equal(g_mime_message_get_message_id(message), draft->message_id);
    assert_true(g_date_time_to_unix(g_mime_message_get_date(message)) == draft->date / 1000);
    GMimeHeaderList *headers = g_mime_object_get_header_list(GMIME_OBJECT(message));
    int own = g_mime_header_list_get_count(headers);
    GMimeObject *root = g_mime_message_get_mime_part(message);
    GMimeHeaderList *content = g_mime_object_get_header_list(root);
    own += g_mime_header_list_get_count(content);
    if (own != (int)expected_header_count(draft))
        fail_msg("%s: GMime counts %d headers", c->name, own);
    g_autoptr(GPtrArray) from = g_ptr_array_new();
    g_ptr_array_add(from, draft->from);
    judge_mailboxes(c, g_mime_message_get_from(message), from);
    if (draft->to->len > 0)
        judge_mailboxes(c, g_mime_message_get_to(message), draft->to);
    judge_mailboxes(c, g_mime_message_get_cc(message), draft->cc);
    judge_mailboxes(c, g_mime_message_get_reply_to(message), draft->reply_to);

    g_autoptr(GPtrArray) order = attachments_in_order(draft);
    PartWalk walk = {.c = c, .expected = order};
    if (GMIME_IS_PART(root))
        judge_part(NULL, root, &walk);
    else
        g_mime_multipart_foreach(GMIME_MULTIPART(root), judge_part, &walk);
    assert_int_equal(walk.n_attachments, draft->attachments->len);
    assert_int_equal(walk.n_bodies, (draft->text != NULL ? 1 : 0) + (draft->html != NULL ? 1 : 0));
    g_object_unref(message);
    g_mime_parser_options_free(options);
    g_object_unref(parser);
    g_object_unref(stream);
}

static void gmime_reads_what_was_written(void **state)
{
    for (guint i = 0; i < cases->len; i++)
        judge_with_gmime(g_ptr_array_index(cases, i));
}

/* --- Python
 * ---------------------------------------------------------------------------------------
 */

static json_t *mailboxes_json(const GPtrArray *addresses)
{
    json_t *list = json_array();
    for (guint i = 0; i < addresses->len; i++) {
        const MimeAddress *a = g_ptr_array_index(addresses, i);
        json_array_append_new(list, json_pack("[s?s]", a->name, a->addr_spec));
    }
    return list;
}

static json_t *attachments_json(const MimeDraft *draft)
{
    json_t *list = json_array();
    g_autoptr(GPtrArray) order = attachments_in_order(draft);
    for (guint i = 0; i < order->len; i++) {
        const MimeAttachment *a = g_ptr_array_index(order, i);
        g_autofree char *sha = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, a->content);
        gboolean is_inline = draft->html != NULL && a->content_id != NULL;
        json_array_append_new(list, json_pack("{s:s?, s:s?, s:s, s:b, s:i}", "name", a->file_name,
                                        "content_id", a->content_id, "sha256", sha, "inline",
                                        is_inline, "size", (int)g_bytes_get_size(a->content)));
    }
    return list;
}

static json_t *headers_json(const MimeDraft *draft)
{
    json_t *list = json_array();
    for (guint i = 0; i < draft->headers->len; i++) {
        const MimeHeader *h = g_ptr_array_index(draft->headers, i);
        json_array_append_new(list, json_pack("[ss]", h->name, h->value));
    }
    return list;
}

static void write_case(const char *folder, const Case *c)
{
    const MimeDraft *draft = c->draft;
    g_autofree char *text = body_as_read(draft->text), *html = body_as_read(draft->html);
    json_t *expected = json_pack("{s:s?, s:s?, s:s?, s:[s?s], s:o, s:o, s:o, s:o, s:o, s:i, s:b}",
        "subject", draft->subject, "text", text, "html", html, "from", draft->from->name,
        draft->from->addr_spec, "to", mailboxes_json(draft->to), "cc", mailboxes_json(draft->cc),
        "reply_to", mailboxes_json(draft->reply_to), "attachments", attachments_json(draft),
        "headers", headers_json(draft), "header_count", (int)expected_header_count(draft), "utf8",
        c->needs_smtputf8);
    assert_non_null(expected);
    g_autofree char *mail = g_strdup_printf("%s/%s.eml", folder, c->name);
    g_autofree char *json = g_strdup_printf("%s/%s.json", folder, c->name);
    gsize n = 0;
    const char *data = g_bytes_get_data(c->bytes, &n);
    assert_true(g_file_set_contents(mail, data, (gssize)n, NULL));
    assert_int_equal(json_dump_file(expected, json, 0), 0);
    json_decref(expected);
}

static void remove_folder(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
}

static void python_reads_what_was_written(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("absender-judge-XXXXXX", NULL);
    assert_non_null(folder);
    for (guint i = 0; i < cases->len; i++)
        write_case(folder, g_ptr_array_index(cases, i));
    const char *source = g_getenv("ABSENDER_SOURCE");
    assert_non_null(source);
    g_autofree char *judge = g_build_filename(source, "test/unit/mime/judge.py", NULL);
    char *argv[] = {(char *)"/usr/bin/python3", judge, folder, NULL};
    g_autofree char *output = NULL;
    int status = 0;
    g_autoptr(GError) error = NULL;
    gboolean ran =
        g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, &status, &error);
    remove_folder(folder);
    if (!ran)
        fail_msg("python3: %s", error->message);
    g_autofree char *summary = g_strdup_printf("%u mails judged\n", cases->len);
    if (status != 0 || strcmp(output, summary) != 0)
        fail_msg("judge.py says:\n%s", output);
}

static int write_all(void **state)
{
    g_mime_init();
    cases = g_ptr_array_new_with_free_func(free_case);
    add_trees();
    add_subjects();
    add_bodies();
    add_people();
    add_headers_and_files();
    return 0;
}

static int free_all(void **state)
{
    g_ptr_array_unref(cases);
    g_mime_shutdown();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_crlf_7_bit_and_short),
        cmocka_unit_test(gmime_reads_what_was_written),
        cmocka_unit_test(python_reads_what_was_written),
    };
    return cmocka_run_group_tests(tests, write_all, free_all);
}
