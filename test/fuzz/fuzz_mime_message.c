/* Property: a draft made of any bytes is refused, or written so that its header has exactly the
 * fields it should have (nothing injected), its lines end in CRLF and are short enough, it is 7-bit
 * unless it says otherwise, and delimiters stand only where parts begin and end.
 *
 * Input: a byte of flags, then values separated by NUL. */
#include "base/limits.h"
#include "mime/message.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    HAS_TEXT = 1,
    HAS_HTML = 2,
    HAS_HEADER = 4,
    HAS_ATTACHMENT = 8,
    HAS_CC = 16,
    HAS_REPLY_TO = 32,
    IS_BCC_ONLY = 64,
    HAS_SUBJECT = 128,
};

typedef struct {
    const uint8_t *data;
    size_t size;
} Input;

/* The next value; the caller frees. */
static char *take(Input *input)
{
    const uint8_t *end = memchr(input->data, 0, input->size);
    size_t n = end != NULL ? (size_t)(end - input->data) : input->size;
    char *value = g_strndup((const char *)input->data, n);
    size_t used = end != NULL ? n + 1 : n;
    input->data += used;
    input->size -= used;
    return value;
}

/* Through the parser if it takes the value; otherwise past it, as a bug elsewhere might do. */
static MimeAddress *take_address(Input *input)
{
    g_autofree char *text = take(input);
    MimeAddress *address = mime_mailbox_parse(text, NULL);
    if (address == NULL) {
        address = mime_address_new("x", "x@example.de", NULL);
        g_free(address->name);
        address->name = g_steal_pointer(&text);
    }
    return address;
}

static void take_header(Input *input, MimeDraft *draft)
{
    g_autofree char *name = take(input);
    g_autofree char *value = take(input);
    mime_draft_add_header(draft, name, value);
}

static void take_attachment(Input *input, MimeDraft *draft)
{
    g_autofree char *name = take(input);
    g_autofree char *type = take(input);
    g_autofree char *id = take(input);
    g_autofree char *content = take(input);
    g_autoptr(GBytes) bytes = g_bytes_new(content, strlen(content));
    mime_draft_add_attachment(
        draft, *name ? name : NULL, *type ? type : NULL, *id ? id : NULL, bytes);
}

static MimeDraft *take_draft(Input *input, unsigned flags)
{
    MimeDraft *draft = mime_draft_new();
    draft->from = take_address(input);
    g_ptr_array_add((flags & IS_BCC_ONLY) != 0 ? draft->bcc : draft->to, take_address(input));
    if ((flags & HAS_CC) != 0)
        g_ptr_array_add(draft->cc, take_address(input));
    if ((flags & HAS_REPLY_TO) != 0)
        g_ptr_array_add(draft->reply_to, take_address(input));
    if ((flags & HAS_SUBJECT) != 0)
        draft->subject = take(input);
    if ((flags & HAS_HEADER) != 0)
        take_header(input, draft);
    if ((flags & HAS_TEXT) != 0)
        draft->text = take(input);
    if ((flags & HAS_HTML) != 0)
        draft->html = take(input);
    while ((flags & HAS_ATTACHMENT) != 0 && input->size > 0)
        take_attachment(input, draft);
    draft->message_id = g_strdup("1@x");
    draft->date = 1;
    return draft;
}

static void check_lines(const char *message, gsize n, gboolean is_utf8)
{
    gsize column = 0;
    for (gsize i = 0; i < n; i++) {
        g_assert(message[i] != '\0' && message[i] != '\n');
        g_assert((message[i] & 0x80) == 0 || is_utf8);
        column++;
        if (message[i] == '\r') {
            g_assert(i + 1 < n && message[i + 1] == '\n');
            g_assert(column - 1 <= LIMIT_LINE_OCTETS);
            column = 0;
            i++;
        }
    }
    g_assert(column == 0);
}

static char *expected_names(const MimeDraft *draft)
{
    GString *names = g_string_new("Date From ");
    if (draft->to->len > 0 || draft->cc->len == 0)
        g_string_append(names, "To ");
    if (draft->cc->len > 0)
        g_string_append(names, "Cc ");
    if (draft->reply_to->len > 0)
        g_string_append(names, "Reply-To ");
    if (draft->subject != NULL)
        g_string_append(names, "Subject ");
    g_string_append(names, "Message-ID MIME-Version ");
    for (guint i = 0; i < draft->headers->len; i++)
        g_string_append_printf(
            names, "%s ", ((MimeHeader *)g_ptr_array_index(draft->headers, i))->name);
    g_string_append(names, "Content-Type ");
    if (draft->attachments->len == 0 && (draft->text == NULL || draft->html == NULL))
        g_string_append(names, "Content-Transfer-Encoding ");
    return g_string_free(names, FALSE);
}

static void check_header_names(const char *message, const MimeDraft *draft)
{
    g_autoptr(GString) names = g_string_new(NULL);
    const char *line = message;
    while (!g_str_has_prefix(line, "\r\n")) {
        const char *end = strstr(line, "\r\n");
        g_assert(end != NULL);
        if (*line == ' ') {
            g_assert(strspn(line, " \t") < (gsize)(end - line)); /* no line of spaces only */
        } else {
            const char *colon = memchr(line, ':', (gsize)(end - line));
            g_assert(colon != NULL);
            g_string_append_len(names, line, colon - line);
            g_string_append_c(names, ' ');
        }
        line = end + 2;
    }
    g_autofree char *expected = expected_names(draft);
    g_assert_cmpstr(names->str, ==, expected);
}

/* Each part has one delimiter in front of it and each multipart one behind it. */
static guint expected_delimiters(const MimeDraft *draft)
{
    guint n_inline = 0, n_bodies = (draft->text != NULL ? 1 : 0) + (draft->html != NULL ? 1 : 0);
    for (guint i = 0; draft->html != NULL && i < draft->attachments->len; i++) {
        const MimeAttachment *attachment = g_ptr_array_index(draft->attachments, i);
        n_inline += attachment->content_id != NULL ? 1 : 0;
    }
    guint n_attached = draft->attachments->len - n_inline, n = 0;
    n += n_bodies == 2 ? 3 : 0;
    n += n_inline > 0 ? n_inline + 2 : 0;
    n += n_attached > 0 ? n_attached + 1 + (n_bodies > 0 ? 1 : 0) : 0;
    return n;
}

static void check_delimiters(const char *message, const MimeDraft *draft)
{
    guint found = 0;
    for (const char *p = message; (p = strstr(p, "\r\n--=_")) != NULL; p++)
        found++;
    g_assert_cmpuint(found, ==, expected_delimiters(draft));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    Input input = {data + 1, size - 1};
    g_autoptr(MimeDraft) draft = take_draft(&input, data[0]);
    gboolean is_utf8 = FALSE;
    g_autoptr(MimeFault) fault = NULL;
    g_autoptr(GBytes) bytes = mime_message_write(draft, &is_utf8, &fault);
    g_assert((bytes == NULL) == (fault != NULL));
    if (bytes == NULL) {
        g_assert(fault->code != NULL && g_utf8_validate(fault->field, -1, NULL));
        return 0;
    }
    gsize n = 0;
    const char *lent = g_bytes_get_data(bytes, &n);
    g_assert(n <= LIMIT_MESSAGE_BYTES);
    g_autofree char *message = g_strndup(lent, n);
    check_lines(lent, n, is_utf8);
    check_header_names(message, draft);
    check_delimiters(message, draft);
    return 0;
}
