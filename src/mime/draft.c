#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "mime/message.h"

#include <string.h>

/* --- Plain data
 * ----------------------------------------------------------------------------------- */

static void free_address(gpointer address)
{
    mime_address_free(address);
}

static void free_header(gpointer data)
{
    MimeHeader *header = data;
    g_free(header->name);
    g_free(header->value);
    g_free(header);
}

static void free_attachment(gpointer data)
{
    MimeAttachment *attachment = data;
    g_free(attachment->file_name);
    g_free(attachment->content_type);
    g_free(attachment->content_id);
    g_bytes_unref(attachment->content);
    g_free(attachment);
}

MimeDraft *mime_draft_new(void)
{
    MimeDraft *draft = g_new0(MimeDraft, 1);
    draft->to = g_ptr_array_new_with_free_func(free_address);
    draft->cc = g_ptr_array_new_with_free_func(free_address);
    draft->bcc = g_ptr_array_new_with_free_func(free_address);
    draft->reply_to = g_ptr_array_new_with_free_func(free_address);
    draft->attachments = g_ptr_array_new_with_free_func(free_attachment);
    draft->headers = g_ptr_array_new_with_free_func(free_header);
    return draft;
}

/* It may hold a link that lets somebody in. */
static void wipe_and_free(char *text)
{
    if (text != NULL)
        secret_wipe(text, strlen(text));
    g_free(text);
}

void mime_draft_free(MimeDraft *draft)
{
    if (draft == NULL)
        return;
    mime_address_free(draft->from);
    g_ptr_array_unref(draft->to);
    g_ptr_array_unref(draft->cc);
    g_ptr_array_unref(draft->bcc);
    g_ptr_array_unref(draft->reply_to);
    g_ptr_array_unref(draft->attachments);
    g_ptr_array_unref(draft->headers);
    g_free(draft->subject);
    wipe_and_free(draft->text);
    wipe_and_free(draft->html);
    g_free(draft->message_id);
    g_free(draft);
}

void mime_draft_add_header(MimeDraft *draft, const char *name, const char *value)
{
    MimeHeader *header = g_new0(MimeHeader, 1);
    header->name = g_strdup(name);
    header->value = g_strdup(value);
    g_ptr_array_add(draft->headers, header);
}

void mime_draft_add_attachment(MimeDraft *draft, const char *file_name, const char *content_type,
    const char *content_id, GBytes *content)
{
    MimeAttachment *attachment = g_new0(MimeAttachment, 1);
    attachment->file_name = g_strdup(file_name);
    attachment->content_type = g_strdup(content_type);
    attachment->content_id = g_strdup(content_id);
    attachment->content = g_bytes_ref(content);
    g_ptr_array_add(draft->attachments, attachment);
}

char *mime_message_id_make(const Id *id, const char *domain)
{
    char text[ID_TEXT_SIZE];
    return g_strconcat(id_format(id, "", text) + strlen("_"), "@", domain, NULL);
}

/* --- Faults
 * --------------------------------------------------------------------------------------- */

MimeFault *mime_fault_new(const char *field, const char *code, const char *detail, ...)
{
    MimeFault *fault = g_new0(MimeFault, 1);
    fault->field = g_strdup(field);
    fault->code = g_strdup(code);
    va_list args;
    va_start(args, detail);
    fault->detail = g_strdup_vprintf(detail, args);
    va_end(args);
    return fault;
}

void mime_fault_free(MimeFault *fault)
{
    if (fault == NULL)
        return;
    g_free(fault->field);
    g_free(fault->code);
    g_free(fault->detail);
    g_free(fault);
}

/* "/headers/<name>" with the name as a JSON pointer token (RFC 6901 3), fit to show. */
static char *header_pointer(const char *name)
{
    g_autofree char *shown = text_printable(name, strlen(name), LIMIT_HEADER_NAME_OCTETS);
    GString *out = g_string_new("/headers/");
    for (const char *p = shown; *p != '\0'; p++) {
        if (*p == '~' || *p == '/')
            g_string_append(out, *p == '~' ? "~0" : "~1");
        else
            g_string_append_c(out, *p);
    }
    return g_string_free(out, FALSE);
}

/* --- Checks: each returns the first fault, or NULL
 * ------------------------------------------------- */

/* Fit to become a header: UTF-8 on one line. A TAB is text to a reader, so it may be there. */
static MimeFault *check_line(const char *field, const char *value)
{
    if (value == NULL)
        return NULL;
    if (!g_utf8_validate(value, -1, NULL))
        return mime_fault_new(field, "invalid_utf8", "The value is not valid UTF-8.");
    if (!text_is_one_line(value, TRUE))
        return mime_fault_new(field, "control_character",
            "The value holds a line break or another control character.");
    return NULL;
}

/* Addresses come from the parser, but the struct is open: what becomes a header is checked here. */
static MimeFault *check_address(const char *field, const MimeAddress *address)
{
    MimeFault *fault = check_line(field, address->name);
    if (fault == NULL)
        fault = check_line(field, address->addr_spec);
    if (fault != NULL)
        return fault;
    g_autoptr(MimeAddress) again = mime_address_new(address->name, address->addr_spec, NULL);
    if (again == NULL || !mime_address_equal(again, address))
        return mime_fault_new(field, "invalid_address", "This is not a mail address.");
    return NULL;
}

static MimeFault *check_addresses(const char *field, const GPtrArray *addresses)
{
    if (addresses->len > LIMIT_RECIPIENTS)
        return mime_fault_new(
            field, "too_many", "At most %d addresses are allowed here.", LIMIT_RECIPIENTS);
    for (guint i = 0; i < addresses->len; i++) {
        MimeFault *fault = check_address("", g_ptr_array_index(addresses, i));
        if (fault == NULL)
            continue;
        g_free(fault->field);
        fault->field = g_strdup_printf("%s/%u", field, i);
        return fault;
    }
    return NULL;
}

static MimeFault *check_people(const MimeDraft *draft)
{
    if (draft->from == NULL)
        return mime_fault_new("/from", "required", "A mail needs a sender.");
    MimeFault *fault = check_address("/from", draft->from);
    if (fault == NULL)
        fault = check_addresses("/to", draft->to);
    if (fault == NULL)
        fault = check_addresses("/cc", draft->cc);
    if (fault == NULL)
        fault = check_addresses("/bcc", draft->bcc);
    if (fault == NULL)
        fault = check_addresses("/reply_to", draft->reply_to);
    if (fault != NULL)
        return fault;
    guint recipients = draft->to->len + draft->cc->len + draft->bcc->len;
    if (recipients == 0)
        return mime_fault_new("/to", "required", "A mail needs a recipient.");
    if (recipients > LIMIT_RECIPIENTS)
        return mime_fault_new("/to", "too_many",
            "At most %d recipients are allowed, to, cc and bcc together.", LIMIT_RECIPIENTS);
    return NULL;
}

/* Names that are ours to write, or that only servers write. A trailing '-' reserves all that
 * follow. */
static gboolean is_reserved(const char *name)
{
    static const char *const reserved[] = {"From", "To", "Cc", "Bcc", "Sender", "Reply-To",
        "Subject", "Date", "Message-ID", "Return-Path", "Received", "Received-SPF", "MIME-Version",
        "Content-", "DKIM-Signature", "DomainKey-Signature", "Authentication-Results", "ARC-",
        "Resent-", "Delivered-To", "X-Original-To", "Envelope-To", "Apparently-To"};
    for (gsize i = 0; i < G_N_ELEMENTS(reserved); i++)
        if (g_str_has_suffix(reserved[i], "-") ? text_has_prefix_nocase(name, reserved[i])
                                               : text_equal_nocase(name, reserved[i]))
            return TRUE;
    return FALSE;
}

/* Headers whose syntax leaves no place for an encoded word (RFC 2047 5). */
static gboolean is_ascii_only(const char *name)
{
    static const char *const names[] = {"In-Reply-To", "References", "Auto-Submitted",
        "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe", "List-Help", "List-Owner",
        "List-Post", "List-Archive"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (text_equal_nocase(name, names[i]))
            return TRUE;
    return FALSE;
}

/* Letters, digits, '-', '_' and '.': less than RFC 5322 2.2 allows, and what every server agrees
 * on. */
static gboolean is_header_name(const char *name)
{
    gsize n = strlen(name);
    if (n == 0 || n > LIMIT_HEADER_NAME_OCTETS)
        return FALSE;
    for (gsize i = 0; i < n; i++)
        if (!g_ascii_isalnum(name[i]) && strchr("-_.", name[i]) == NULL)
            return FALSE;
    return TRUE;
}

static MimeFault *check_header(const MimeHeader *header)
{
    g_autofree char *pointer = header_pointer(header->name);
    MimeFault *fault = check_line(pointer, header->name);
    if (fault == NULL)
        fault = check_line(pointer, header->value);
    if (fault != NULL)
        return fault;
    if (!is_header_name(header->name))
        return mime_fault_new(pointer, "invalid_header_name",
            "A header name is 1 to %d letters, digits and hyphens.", LIMIT_HEADER_NAME_OCTETS);
    if (is_reserved(header->name))
        return mime_fault_new(pointer, "reserved_header",
            "This header is written by Absender or by mail servers and cannot be set.");
    if (is_ascii_only(header->name) && !g_str_is_ascii(header->value))
        return mime_fault_new(pointer, "not_ascii", "This header may hold ASCII characters only.");
    if (strlen(header->value) > LIMIT_HEADER_BYTES)
        return mime_fault_new(pointer, "too_long", "The value is longer than a header may be.");
    return NULL;
}

static MimeFault *check_headers(const MimeDraft *draft)
{
    if (draft->headers->len > LIMIT_CUSTOM_HEADERS)
        return mime_fault_new("/headers", "too_many", "At most %d headers of your own are allowed.",
            LIMIT_CUSTOM_HEADERS);
    for (guint i = 0; i < draft->headers->len; i++) {
        MimeFault *fault = check_header(g_ptr_array_index(draft->headers, i));
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

static gboolean is_token_char(char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$&+-.^_", c) != NULL);
}

/* The end of the token at p; p itself if there is none. */
static const char *skip_token(const char *p)
{
    while (is_token_char(*p))
        p++;
    return p;
}

/* "; name=value" at p, the value a token or a quoted-string without backslashes. Its end, or NULL.
 * "name" and "boundary" are ours to write. */
static const char *skip_parameter(const char *p)
{
    p++;
    p += strspn(p, " ");
    const char *end = skip_token(p);
    gsize n = (gsize)(end - p);
    gboolean is_ours = (n == 4 && g_ascii_strncasecmp(p, "name", n) == 0) ||
                       (n == 8 && g_ascii_strncasecmp(p, "boundary", n) == 0);
    if (end == p || *end != '=' || is_ours)
        return NULL;
    const char *value = end + 1;
    if (*value != '"') {
        end = skip_token(value);
        return end > value ? end : NULL;
    }
    end = value + 1 + strcspn(value + 1, "\"\\");
    return *end == '"' ? end + 1 : NULL;
}

/* type/subtype with parameters (RFC 2045 5.1). Composite types have encoding rules of their own
 * (RFC 2046 5) and would be read as part of the message. */
static gboolean is_attachable_type(const char *content_type)
{
    if (!g_str_is_ascii(content_type) || strlen(content_type) > LIMIT_CONTENT_TYPE_OCTETS ||
        text_has_prefix_nocase(content_type, "multipart/") ||
        text_has_prefix_nocase(content_type, "message/"))
        return FALSE;
    const char *slash = skip_token(content_type);
    if (slash == content_type || *slash != '/')
        return FALSE;
    const char *p = skip_token(slash + 1);
    if (p == slash + 1)
        return FALSE;
    while (p != NULL && *p != '\0') {
        p += strspn(p, " ");
        p = *p == ';' ? skip_parameter(p) : NULL;
    }
    return p != NULL;
}

static MimeFault *check_file_name(const char *field, const char *name)
{
    MimeFault *fault = check_line(field, name);
    if (fault != NULL || name == NULL)
        return fault;
    if (strlen(name) > LIMIT_FILE_NAME_BYTES)
        return mime_fault_new(
            field, "too_long", "A file name has at most %d bytes in UTF-8.", LIMIT_FILE_NAME_BYTES);
    if (*name == '\0' || strpbrk(name, "/\\\t") != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return mime_fault_new(
            field, "invalid_file_name", "The file name is empty or holds a path.");
    return NULL;
}

/* The left side and the rest of an addr-spec, or only one of them (RFC 2392 2, as it is used). */
static gboolean is_content_id(const char *id)
{
    gsize n = strlen(id);
    for (gsize i = 0; i < n; i++)
        if (!g_ascii_isalnum(id[i]) && strchr("!#$%&'*+-/=?^_`{|}~.@", id[i]) == NULL)
            return FALSE;
    return n > 0 && n <= LIMIT_CONTENT_ID_OCTETS;
}

static MimeFault *check_attachment(const MimeAttachment *attachment, guint index)
{
    g_autofree char *name_field = g_strdup_printf("/attachments/%u/filename", index);
    g_autofree char *type_field = g_strdup_printf("/attachments/%u/content_type", index);
    g_autofree char *id_field = g_strdup_printf("/attachments/%u/content_id", index);
    MimeFault *fault = check_file_name(name_field, attachment->file_name);
    if (fault == NULL)
        fault = check_line(type_field, attachment->content_type);
    if (fault == NULL)
        fault = check_line(id_field, attachment->content_id);
    if (fault != NULL)
        return fault;
    if (attachment->content_type != NULL && !is_attachable_type(attachment->content_type))
        return mime_fault_new(type_field, "invalid_content_type",
            "The content type is not of the form type/subtype, or is multipart or message.");
    if (attachment->content_id != NULL && !is_content_id(attachment->content_id))
        return mime_fault_new(id_field, "invalid_content_id",
            "A content id is 1 to %d ASCII characters without spaces and brackets.",
            LIMIT_CONTENT_ID_OCTETS);
    return NULL;
}

static MimeFault *check_body(const char *field, const char *body)
{
    if (body != NULL && !g_utf8_validate(body, -1, NULL))
        return mime_fault_new(field, "invalid_utf8", "The text is not valid UTF-8.");
    return NULL;
}

/* Encodings only make content longer, so a draft that is too large now need not be written first.
 */
static MimeFault *check_size(const MimeDraft *draft)
{
    gsize total = draft->text != NULL ? strlen(draft->text) : 0;
    total += draft->html != NULL ? strlen(draft->html) : 0;
    for (guint i = 0; i < draft->attachments->len; i++) {
        const MimeAttachment *attachment = g_ptr_array_index(draft->attachments, i);
        total += g_bytes_get_size(attachment->content); /* at most LIMIT_ATTACHMENTS real objects */
    }
    if (total > LIMIT_MESSAGE_BYTES)
        return mime_fault_new(
            "", "too_long", "The message is larger than %d bytes.", LIMIT_MESSAGE_BYTES);
    return NULL;
}

static MimeFault *check_content(const MimeDraft *draft)
{
    if (draft->text == NULL && draft->html == NULL && draft->attachments->len == 0)
        return mime_fault_new("/text", "required", "A mail needs text, html or an attachment.");
    if (draft->attachments->len > LIMIT_ATTACHMENTS)
        return mime_fault_new(
            "/attachments", "too_many", "At most %d attachments are allowed.", LIMIT_ATTACHMENTS);
    MimeFault *fault = check_size(draft);
    if (fault == NULL)
        fault = check_body("/text", draft->text);
    if (fault == NULL)
        fault = check_body("/html", draft->html);
    for (guint i = 0; fault == NULL && i < draft->attachments->len; i++)
        fault = check_attachment(g_ptr_array_index(draft->attachments, i), i);
    return fault;
}

static MimeFault *check_subject(const char *subject)
{
    MimeFault *fault = check_line("/subject", subject);
    if (fault == NULL && subject != NULL && g_utf8_strlen(subject, -1) > LIMIT_SUBJECT_CHARACTERS)
        fault = mime_fault_new("/subject", "too_long", "A subject has at most %d characters.",
            LIMIT_SUBJECT_CHARACTERS);
    return fault;
}

MimeFault *mime_draft_check(const MimeDraft *draft)
{
    MimeFault *fault = check_people(draft);
    if (fault == NULL)
        fault = check_subject(draft->subject);
    if (fault == NULL)
        fault = check_headers(draft);
    if (fault == NULL)
        fault = check_content(draft);
    return fault;
}
