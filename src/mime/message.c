#include "mime/message.h"

#include "base/limits.h"
#include "base/secret.h"
#include "mime/encoding.h"
#include "mime/file_type.h"
#include "mime/header.h"

#include <string.h>

/* "=_" can stand neither in quoted-printable ("=" is followed by a hex digit or a line end) nor in
 * base64 ("_" is not in its alphabet), and no header line begins with "--": a boundary that begins
 * with it cannot occur in the content, whatever the content is. All have the same length and differ
 * in the last octet, so none is the beginning of another. */
#define BOUNDARY_SIZE (2 + 2 * 16 + 1 + 1)

typedef enum { LEVEL_MIXED = 'm', LEVEL_RELATED = 'r', LEVEL_ALTERNATIVE = 'a' } Level;

static void make_boundary(char boundary[BOUNDARY_SIZE], const MimeDraft *draft, Level level)
{
    static const char digits[] = "0123456789abcdef";
    char *p = boundary;
    *p++ = '=';
    *p++ = '_';
    for (gsize i = 0; i < sizeof draft->boundary_seed; i++) {
        *p++ = digits[draft->boundary_seed[i] >> 4];
        *p++ = digits[draft->boundary_seed[i] & 15];
    }
    *p++ = (char)level;
    *p = '\0';
}

/* --- Leaves
 * --------------------------------------------------------------------------------------- */

static void write_encoded(GString *out, const GString *canonical)
{
    gsize before = out->len;
    mime_header_append_verbatim(out, "Content-Transfer-Encoding", "quoted-printable");
    g_string_append(out, "\r\n");
    gsize base64_octets = mime_base64_octets(canonical->len);
    if (mime_quoted_printable_append(out, canonical->str, canonical->len, base64_octets))
        return;
    g_string_truncate(out, before);
    mime_header_append_verbatim(out, "Content-Transfer-Encoding", "base64");
    g_string_append(out, "\r\n");
    mime_base64_append(out, (const guint8 *)canonical->str, canonical->len);
}

static void write_body(GString *out, const char *content_type, const char *text)
{
    GString *canonical = mime_text_canonical(text);
    MimeParameter charset = {"charset", "utf-8"};
    mime_header_append_parameters(out, "Content-Type", content_type, &charset, 1);
    write_encoded(out, canonical);
    secret_wipe(canonical->str, canonical->len);
    g_string_free(canonical, TRUE);
}

/* The name for readers that know no RFC 2231: characters beyond ASCII become '_'. */
static char *plain_file_name(const char *file_name)
{
    if (file_name == NULL)
        return NULL;
    GString *out = g_string_new(NULL);
    for (const char *p = file_name; *p != '\0'; p = g_utf8_next_char(p))
        g_string_append_c(out, g_ascii_isprint(*p) ? *p : '_');
    return g_string_free(out, FALSE);
}

static void write_attachment(GString *out, const MimeAttachment *attachment, gboolean is_inline)
{
    const char *content_type = attachment->content_type;
    g_autofree char *plain_name = plain_file_name(attachment->file_name);
    MimeParameter type_name = {"name", plain_name};
    MimeParameter file_name = {"filename", attachment->file_name};
    mime_header_append_parameters(out, "Content-Type",
        content_type != NULL ? content_type : mime_file_type(attachment->file_name), &type_name, 1);
    mime_header_append_verbatim(out, "Content-Transfer-Encoding", "base64");
    mime_header_append_parameters(
        out, "Content-Disposition", is_inline ? "inline" : "attachment", &file_name, 1);
    if (attachment->content_id != NULL) {
        g_autofree char *content_id = g_strdup_printf("<%s>", attachment->content_id);
        mime_header_append_verbatim(out, "Content-ID", content_id);
    }
    g_string_append(out, "\r\n");
    gsize n = 0;
    const guint8 *bytes = g_bytes_get_data(attachment->content, &n);
    mime_base64_append(out, bytes, n);
}

/* --- The tree: mixed > related > alternative > leaves, each level only if it is needed
 * -------------- */

/* The blank line behind these is the line end that the first delimiter begins with. */
static void write_multipart_headers(
    GString *out, const char *content_type, const char *boundary, const char *root_type)
{
    MimeParameter parameters[] = {{"boundary", boundary}, {"type", root_type}};
    mime_header_append_parameters(
        out, "Content-Type", content_type, parameters, G_N_ELEMENTS(parameters));
}

/* The CRLF in front belongs to the delimiter and not to the content before it (RFC 2046 5.1.1). */
static void write_delimiter(GString *out, const char *boundary, gboolean is_last)
{
    g_string_append(out, "\r\n--");
    g_string_append(out, boundary);
    g_string_append(out, is_last ? "--\r\n" : "\r\n");
}

static void write_alternative(GString *out, const MimeDraft *draft)
{
    char boundary[BOUNDARY_SIZE];
    make_boundary(boundary, draft, LEVEL_ALTERNATIVE);
    write_multipart_headers(out, "multipart/alternative", boundary, NULL);
    write_delimiter(out, boundary, FALSE);
    write_body(out, "text/plain", draft->text);
    write_delimiter(out, boundary, FALSE);
    write_body(out, "text/html", draft->html);
    write_delimiter(out, boundary, TRUE);
}

static void write_text(GString *out, const MimeDraft *draft)
{
    if (draft->text != NULL && draft->html != NULL)
        write_alternative(out, draft);
    else if (draft->html != NULL)
        write_body(out, "text/html", draft->html);
    else
        write_body(out, "text/plain", draft->text);
}

/* What HTML shows inside itself. Without HTML there is nothing to be inside of. */
static gboolean is_inline(const MimeDraft *draft, const MimeAttachment *attachment)
{
    return draft->html != NULL && attachment->content_id != NULL;
}

static guint count_attachments(const MimeDraft *draft, gboolean want_inline)
{
    guint count = 0;
    for (guint i = 0; i < draft->attachments->len; i++)
        count += is_inline(draft, g_ptr_array_index(draft->attachments, i)) == want_inline ? 1 : 0;
    return count;
}

static void write_attachments(
    GString *out, const MimeDraft *draft, const char *boundary, gboolean want_inline)
{
    for (guint i = 0; i < draft->attachments->len; i++) {
        const MimeAttachment *attachment = g_ptr_array_index(draft->attachments, i);
        if (is_inline(draft, attachment) != want_inline)
            continue;
        write_delimiter(out, boundary, FALSE);
        write_attachment(out, attachment, want_inline);
    }
}

static void write_related(GString *out, const MimeDraft *draft)
{
    if (count_attachments(draft, TRUE) == 0) {
        write_text(out, draft);
        return;
    }
    char boundary[BOUNDARY_SIZE];
    make_boundary(boundary, draft, LEVEL_RELATED);
    const char *root =
        draft->text != NULL ? "multipart/alternative" : "text/html"; /* RFC 2387 3.1 */
    write_multipart_headers(out, "multipart/related", boundary, root);
    write_delimiter(out, boundary, FALSE);
    write_text(out, draft);
    write_attachments(out, draft, boundary, TRUE);
    write_delimiter(out, boundary, TRUE);
}

static void write_content(GString *out, const MimeDraft *draft)
{
    if (count_attachments(draft, FALSE) == 0) {
        write_related(out, draft);
        return;
    }
    char boundary[BOUNDARY_SIZE];
    make_boundary(boundary, draft, LEVEL_MIXED);
    write_multipart_headers(out, "multipart/mixed", boundary, NULL);
    if (draft->text != NULL || draft->html != NULL) {
        write_delimiter(out, boundary, FALSE);
        write_related(out, draft);
    }
    write_attachments(out, draft, boundary, FALSE);
    write_delimiter(out, boundary, TRUE);
}

/* --- The message's own headers
 * -------------------------------------------------------------------- */

/* "Sat, 21 Nov 2026 17:52:00 +0000" (RFC 5322 3.3): UTC, and English whatever the locale. */
static void write_date(GString *out, WallMs date)
{
    static const char days[][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char months[][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(date / CLOCK_SECOND_MS);
    g_assert(at != NULL); /* the clock's, never the caller's */
    g_autofree char *text = g_strdup_printf("%s, %d %s %04d %02d:%02d:%02d +0000",
        days[g_date_time_get_day_of_week(at) - 1], g_date_time_get_day_of_month(at),
        months[g_date_time_get_month(at) - 1], g_date_time_get_year(at), g_date_time_get_hour(at),
        g_date_time_get_minute(at), g_date_time_get_second(at));
    mime_header_append_verbatim(out, "Date", text);
}

static void write_people(GString *out, const MimeDraft *draft)
{
    g_autoptr(GPtrArray) from = g_ptr_array_new();
    g_ptr_array_add(from, draft->from);
    mime_header_append_mailboxes(out, "From", from);
    if (draft->to->len > 0)
        mime_header_append_mailboxes(out, "To", draft->to);
    else if (draft->cc->len == 0)
        mime_header_append_verbatim(out, "To", "undisclosed-recipients:;");
    if (draft->cc->len > 0)
        mime_header_append_mailboxes(out, "Cc", draft->cc);
    if (draft->reply_to->len > 0)
        mime_header_append_mailboxes(out, "Reply-To", draft->reply_to);
}

static MimeFault *write_custom_headers(GString *out, const MimeDraft *draft)
{
    for (guint i = 0; i < draft->headers->len; i++) {
        const MimeHeader *header = g_ptr_array_index(draft->headers, i);
        if (!g_str_is_ascii(header->value)) {
            mime_header_append_text(out, header->name, header->value);
        } else if (!mime_header_append_verbatim(out, header->name, header->value)) {
            g_autofree char *field = g_strdup_printf("/headers/%s", header->name);
            return mime_fault_new(field, "too_long",
                "A word of the value is longer than a line of a mail may be (%d octets).",
                LIMIT_LINE_OCTETS);
        }
    }
    return NULL;
}

static MimeFault *write_headers(GString *out, const MimeDraft *draft)
{
    write_date(out, draft->date);
    write_people(out, draft);
    if (draft->subject != NULL)
        mime_header_append_text(out, "Subject", draft->subject);
    g_autofree char *message_id = g_strconcat("<", draft->message_id, ">", NULL);
    gboolean is_written = mime_header_append_verbatim(out, "Message-ID", message_id);
    g_assert(is_written);
    mime_header_append_verbatim(out, "MIME-Version", "1.0");
    MimeFault *fault = write_custom_headers(out, draft);
    if (fault == NULL && out->len > LIMIT_HEADER_BYTES)
        fault = mime_fault_new(
            "/headers", "too_long", "The headers are larger than %d bytes.", LIMIT_HEADER_BYTES);
    return fault;
}

/* --- The whole
 * ------------------------------------------------------------------------------------ */

static gboolean any_needs_smtputf8(const GPtrArray *addresses)
{
    for (guint i = 0; i < addresses->len; i++)
        if (((const MimeAddress *)g_ptr_array_index(addresses, i))->needs_smtputf8)
            return TRUE;
    return FALSE;
}

/* Octets to reserve, so that a large message is not copied while it grows. */
static gsize expected_octets(const MimeDraft *draft)
{
    gsize octets = 2048;
    octets += draft->text != NULL ? strlen(draft->text) * 5 / 4 : 0;
    octets += draft->html != NULL ? strlen(draft->html) * 5 / 4 : 0;
    for (guint i = 0; i < draft->attachments->len; i++) {
        const MimeAttachment *attachment = g_ptr_array_index(draft->attachments, i);
        octets += 512 + mime_base64_octets(g_bytes_get_size(attachment->content));
    }
    return octets;
}

GBytes *mime_message_write(const MimeDraft *draft, gboolean *needs_smtputf8, MimeFault **fault)
{
    g_assert(draft->message_id != NULL && strpbrk(draft->message_id, "<> \t\r\n") == NULL);
    g_autoptr(MimeFault) wrong = mime_draft_check(draft);
    g_autoptr(GString) out = NULL;
    if (wrong == NULL) {
        out = g_string_sized_new(expected_octets(draft));
        wrong = write_headers(out, draft);
    }
    if (wrong == NULL) {
        write_content(out, draft);
        if (out->len > LIMIT_MESSAGE_BYTES)
            wrong = mime_fault_new(
                "", "too_long", "The message is larger than %d bytes.", LIMIT_MESSAGE_BYTES);
    }
    if (wrong != NULL) {
        *fault = g_steal_pointer(&wrong);
        return NULL;
    }
    *needs_smtputf8 = draft->from->needs_smtputf8 || any_needs_smtputf8(draft->to) ||
                      any_needs_smtputf8(draft->cc) || any_needs_smtputf8(draft->reply_to);
    gsize n = out->len;
    return secret_bytes_take(g_string_free(g_steal_pointer(&out), FALSE), n);
}

/* --- Another sender --------------------------------------------------------------------------- */

/* Behind the line end and all lines that begin with a space or a tab (RFC 5322 2.2.3). */
static gsize end_of_field(const char *text, gsize n, gsize begin)
{
    for (gsize at = begin; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        at = end == NULL ? n : (gsize)(end - text) + 1;
        if (at == n || (text[at] != ' ' && text[at] != '\t'))
            return at;
    }
    return n;
}

static gboolean begins_with_from(const char *text, gsize n)
{
    return n >= strlen("From:") && memcmp(text, "From:", strlen("From:")) == 0;
}

GBytes *mime_message_with_from(GBytes *message, const MimeAddress *from)
{
    gsize n = 0, begin = 0;
    const char *text = g_bytes_get_data(message, &n);
    while (begin < n && text[begin] != '\r' && !begins_with_from(text + begin, n - begin))
        begin = end_of_field(text, n, begin);
    if (begin == n || text[begin] == '\r')
        return NULL;
    gsize end = end_of_field(text, n, begin);
    g_autoptr(GPtrArray) mailboxes = g_ptr_array_new();
    g_ptr_array_add(mailboxes, (gpointer)from);
    g_autoptr(GString) field = g_string_new(NULL);
    mime_header_append_mailboxes(field, "From", mailboxes);
    gsize size = begin + field->len + (n - end);
    char *made = g_malloc(size);
    memcpy(made, text, begin);
    memcpy(made + begin, field->str, field->len);
    memcpy(made + begin + field->len, text + end, n - end);
    return secret_bytes_take(made, size);
}
