#include "api/email_request.h"

#include "base/limits.h"

#include <string.h>

/* --- Addresses ------------------------------------------------------------------------------- */

static MimeAddress *read_mailbox(json_t *value, const char *pointer, JsonFaults *faults)
{
    g_autoptr(GError) error = NULL;
    if (!json_is_string(value)) {
        json_fault_add(faults, pointer, "wrong_type", "An address must be a string.");
        return NULL;
    }
    MimeAddress *address = mime_mailbox_parse(json_string_value(value), &error);
    if (!address)
        json_fault_add(faults, pointer, "invalid_address", error->message);
    return address;
}

static void append_text(char **list, const char *text)
{
    char *longer = *list ? g_strconcat(*list, ", ", text, NULL) : g_strdup(text);
    g_free(*list);
    *list = longer;
}

/* A string or an array of strings. */
static void read_mailboxes(JsonObject *object, const char *name, GPtrArray *addresses, char **list)
{
    json_t *value = json_object_take(object, name);
    gboolean is_array = json_is_array(value);
    g_autofree char *pointer = json_pointer_join(object->pointer, name);
    gsize n = is_array ? json_array_size(value) : value ? 1 : 0;
    if (n > LIMIT_RECIPIENTS) {
        json_fault_add(object->faults, pointer, "too_many", "At most 100 addresses are allowed.");
        return;
    }
    for (gsize i = 0; i < n; i++) {
        json_t *item = is_array ? json_array_get(value, i) : value;
        g_autofree char *at =
            is_array ? g_strdup_printf("%s/%" G_GSIZE_FORMAT, pointer, i) : g_strdup(pointer);
        MimeAddress *address = read_mailbox(item, at, object->faults);
        if (!address)
            continue;
        g_ptr_array_add(addresses, address);
        append_text(list, json_string_value(item));
    }
}

static void require_recipient(JsonObject *object)
{
    json_t *to = json_object_take(object, "to");
    if (!to || (json_is_array(to) && json_array_size(to) == 0))
        json_object_fault(object, "to", "required", "A recipient is required.");
}

static void read_sender(JsonObject *object, EmailRequest *request)
{
    json_t *value = json_object_take(object, "from");
    if (!value)
        return;
    request->draft->from = read_mailbox(value, "/from", object->faults);
    request->from = g_strdup(json_string_value(value));
}

/* --- Attachments ----------------------------------------------------------------------------- */

/* Strict base64: no spaces, right padding. NULL if it is not. */
static GBytes *decode_base64(const char *text)
{
    gsize n = strlen(text);
    gsize padding = 0;
    while (padding < 2 && padding < n && text[n - 1 - padding] == '=')
        padding++;
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (n % 4 != 0 || strspn(text, digits) != n - padding)
        return NULL;
    gsize decoded = 0;
    guchar *bytes = n ? g_base64_decode(text, &decoded) : NULL;
    return g_bytes_new_take(bytes, decoded);
}

/* Base64, or an array of bytes, or {type: "Buffer", data: […]}: json_read has made base64 of the
 * arrays, so what is still an array here holds something that is no byte. */
static GBytes *read_content(JsonObject *object, const char *pointer)
{
    json_t *value = json_object_take(object, "content");
    g_autofree char *at = json_pointer_join(pointer, "content");
    if (json_is_object(value)) {
        g_auto(JsonObject) buffer;
        json_object_open(&buffer, value, at, object->faults);
        const char *type = json_object_take_text(&buffer, "type");
        value = json_object_take(&buffer, "data");
        if (!type || strcmp(type, "Buffer") != 0)
            value = NULL;
    }
    if (json_is_array(value) && json_array_size(value) == 0)
        return g_bytes_new(NULL, 0);
    if (!json_is_string(value)) {
        json_fault_add(object->faults, at, value ? "wrong_type" : "required",
            "The content must be base64, or an array of bytes (0 to 255).");
        return NULL;
    }
    GBytes *content = decode_base64(json_string_value(value));
    if (!content)
        json_fault_add(object->faults, at, "invalid_base64", "This is not valid base64.");
    return content;
}

static void read_attachment(
    json_t *value, const char *pointer, MimeDraft *draft, JsonFaults *faults)
{
    if (!json_is_object(value)) {
        json_fault_add(faults, pointer, "wrong_type", "An attachment must be an object.");
        return;
    }
    g_auto(JsonObject) object;
    json_object_open(&object, value, pointer, faults);
    const char *file_name = json_object_take_text(&object, "filename");
    const char *type = json_object_take_text(&object, "content_type");
    const char *content_id = json_object_take_text(&object, "content_id");
    if (json_object_take(&object, "path")) {
        json_object_take(&object, "content");
        json_object_fault(&object, "path", "remote_attachment_not_supported",
            "Attachments are not fetched from elsewhere; send their content.");
        return;
    }
    g_autoptr(GBytes) content = read_content(&object, pointer);
    if (!file_name)
        json_object_fault(&object, "filename", "required", "An attachment needs a file name.");
    else if (content)
        mime_draft_add_attachment(draft, file_name, type, content_id, content);
}

static void read_attachments(JsonObject *object, MimeDraft *draft)
{
    json_t *list = json_object_take_array(object, "attachments");
    gsize n = json_array_size(list);
    if (n > LIMIT_ATTACHMENTS) {
        json_object_fault(object, "attachments", "too_many", "At most 50 files are allowed.");
        return;
    }
    for (gsize i = 0; i < n; i++) {
        g_autofree char *pointer = g_strdup_printf("/attachments/%" G_GSIZE_FORMAT, i);
        read_attachment(json_array_get(list, i), pointer, draft, object->faults);
    }
}

/* --- Headers and tags ------------------------------------------------------------------------ */

static void read_headers(JsonObject *object, MimeDraft *draft)
{
    json_t *headers = json_object_take_object(object, "headers");
    const char *name;
    json_t *value;
    if (json_object_size(headers) > LIMIT_CUSTOM_HEADERS) {
        json_object_fault(object, "headers", "too_many", "At most 50 headers are allowed.");
        return;
    }
    json_object_foreach(headers, name, value)
    {
        if (json_is_string(value)) {
            mime_draft_add_header(draft, name, json_string_value(value));
            continue;
        }
        g_autofree char *pointer = json_pointer_join("/headers", name);
        json_fault_add(object->faults, pointer, "wrong_type", "A header must be a string.");
    }
}

/* Resend's alphabet, and short: tags end up in lists, filters and events. */
static gboolean is_tag_text(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    gsize n = text ? strlen(text) : 0;
    return n > 0 && n <= LIMIT_TAG_BYTES && strspn(text, allowed) == n;
}

static void check_tag(json_t *tag, gsize i, JsonFaults *faults)
{
    g_autofree char *pointer = g_strdup_printf("/tags/%" G_GSIZE_FORMAT, i);
    if (!json_is_object(tag)) {
        json_fault_add(faults, pointer, "wrong_type", "A tag must be an object.");
        return;
    }
    g_auto(JsonObject) object;
    json_object_open(&object, tag, pointer, faults);
    const char *name = json_object_take_text(&object, "name");
    const char *value = json_object_take_text(&object, "value");
    if (!is_tag_text(name) || !is_tag_text(value))
        json_fault_add(faults, pointer, "invalid_tag",
            "Name and value of a tag are letters, digits, _ and -, at most 256 of them.");
}

static void read_tags(JsonObject *object, EmailRequest *request)
{
    json_t *tags = json_object_take_array(object, "tags");
    gsize n = json_array_size(tags);
    if (n > LIMIT_TAGS) {
        json_object_fault(object, "tags", "too_many", "At most 20 tags are allowed.");
        return;
    }
    for (gsize i = 0; i < n; i++)
        check_tag(json_array_get(tags, i), i, object->faults);
    if (n > 0)
        request->tags_json = json_write(json_incref(tags));
}

/* --- The rest -------------------------------------------------------------------------------- */

static WallMs read_time(JsonObject *object, const char *name, const char *fault)
{
    WallMs at = 0;
    const char *text = json_object_take_text(object, name);
    if (text && !clock_parse_rfc3339(text, &at))
        json_object_fault(object, name, "invalid_time", fault);
    return at;
}

static void read_times(JsonObject *object, EmailRequest *request, WallMs now)
{
    request->scheduled_at = read_time(object, "scheduled_at",
        "Write the time as ISO 8601, like 2026-12-24T18:00:00Z; words such as \"in 1 min\" are "
        "not understood.");
    request->expires_at =
        read_time(object, "expires_at", "Write the time as ISO 8601, like 2026-12-24T18:00:00Z.");
    if (request->scheduled_at > now + LIMIT_SCHEDULE_AHEAD_MS)
        json_object_fault(object, "scheduled_at", "out_of_range",
            "An email can be scheduled at most 30 days ahead.");
    if (request->expires_at && request->expires_at <= MAX(now, request->scheduled_at))
        json_object_fault(object, "expires_at", "out_of_range",
            "The expiry must lie in the future, and behind scheduled_at.");
}

static void read_class(JsonObject *object, EmailRequest *request)
{
    const char *class = json_object_take_text(object, "class");
    const char *delivery = json_object_take_text(object, "delivery");
    request->class = EMAIL_CLASS_TRANSACTIONAL;
    if (class && !email_class_parse(class, &request->class))
        json_object_fault(object, "class", "unknown_value",
            "The class is reset, invitation, transactional, notification or bulk.");
    request->at_most_once = delivery && strcmp(delivery, "at_most_once") == 0;
    if (delivery && !request->at_most_once && strcmp(delivery, "at_least_once") != 0)
        json_object_fault(
            object, "delivery", "unknown_value", "The delivery is at_least_once or at_most_once.");
}

static void read_body(JsonObject *object, EmailRequest *request)
{
    MimeDraft *draft = request->draft;
    draft->subject = g_strdup(json_object_take_text(object, "subject"));
    draft->text = g_strdup(json_object_take_text(object, "text"));
    draft->html = g_strdup(json_object_take_text(object, "html"));
    json_t *template = json_object_take(object, "template");
    if (template) {
        request->template = email_template_use_read(template, object->faults);
        if (draft->subject || draft->text || draft->html)
            json_object_fault(object, "template", "not_allowed",
                "Give either a template, or subject and text or html.");
        return;
    }
    if (!draft->subject)
        json_object_fault(object, "subject", "required", "A subject is required.");
    if (!draft->text && !draft->html && draft->attachments->len == 0)
        json_object_fault(object, "text", "required", "A text, HTML or an attachment is required.");
}

static void check_recipients(const MimeDraft *draft, JsonFaults *faults)
{
    guint n = draft->to->len + draft->cc->len + draft->bcc->len;
    if (n > LIMIT_RECIPIENTS)
        json_fault_add(faults, "/to", "too_many", "At most 100 recipients are allowed in all.");
}

EmailRequest *email_request_read(json_t *body, WallMs now, JsonFaults *faults)
{
    g_autoptr(EmailRequest) request = g_new0(EmailRequest, 1);
    MimeDraft *draft = request->draft = mime_draft_new();
    {
        g_auto(JsonObject) object;
        json_object_open(&object, body, "", faults);
        read_sender(&object, request);
        read_mailboxes(&object, "to", draft->to, &request->to);
        read_mailboxes(&object, "cc", draft->cc, &request->cc);
        read_mailboxes(&object, "bcc", draft->bcc, &request->bcc);
        read_mailboxes(&object, "reply_to", draft->reply_to, &request->reply_to);
        require_recipient(&object);
        read_attachments(&object, draft);
        read_headers(&object, draft);
        read_body(&object, request);
        read_tags(&object, request);
        read_times(&object, request, now);
        read_class(&object, request);
    }
    check_recipients(draft, faults);
    return faults->list->len == 0 ? g_steal_pointer(&request) : NULL;
}

void email_request_free(EmailRequest *request)
{
    if (!request)
        return;
    mime_draft_free(request->draft);
    email_template_use_free(request->template);
    g_free(request->from);
    g_free(request->to);
    g_free(request->cc);
    g_free(request->bcc);
    g_free(request->reply_to);
    g_free(request->tags_json);
    g_free(request);
}
