#include "api/json.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"

#include <malloc.h>
#include <string.h>

/* --- Faults ---------------------------------------------------------------------------------- */

static void fault_free(gpointer data)
{
    JsonFault *fault = data;
    g_free(fault->pointer);
    g_free(fault->detail);
    g_free(fault);
}

void json_faults_init(JsonFaults *faults)
{
    faults->list = g_ptr_array_new_with_free_func(fault_free);
}

void json_faults_clear(JsonFaults *faults)
{
    g_clear_pointer(&faults->list, g_ptr_array_unref);
}

void json_fault_add(JsonFaults *faults, const char *pointer, const char *code, const char *detail)
{
    if (faults->list->len >= LIMIT_JSON_FAULTS)
        return;
    JsonFault *fault = g_new(JsonFault, 1);
    *fault = (JsonFault){g_strdup(pointer), code, g_strdup(detail)};
    g_ptr_array_add(faults->list, fault);
}

char *json_pointer_join(const char *pointer, const char *name)
{
    GString *joined = g_string_new(pointer);
    g_string_append_c(joined, '/');
    for (; *name; name++) {
        if (*name == '~')
            g_string_append(joined, "~0");
        else if (*name == '/')
            g_string_append(joined, "~1");
        else
            g_string_append_c(joined, *name);
    }
    return g_string_free(joined, FALSE);
}

/* --- Reading --------------------------------------------------------------------------------- */

static void wipe_and_free(void *memory)
{
    if (memory)
        secret_wipe(memory, malloc_usable_size(memory));
    free(memory);
}

void json_wipe_on_free(void)
{
    json_set_alloc_funcs(malloc, wipe_and_free);
}

/* Where the scan stands: what it has seen of the text, without building anything. */
typedef struct {
    const char *at, *end;
    guint depth, values;
    const char *key; /* the last string, as it may be the key of what follows */
    gsize key_n;
    GString *rewritten; /* NULL: nothing was replaced so far */
    const char *copied; /* up to here the text is in `rewritten` */
} Scan;

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* Behind the closing quote, or the end. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\')
            at++;
    }
    return at < end ? at + 1 : end;
}

/* One byte written as an integer; NULL if it is none. */
static const char *read_byte(const char *at, const char *end, guint8 *byte)
{
    guint value = 0, digits = 0;
    for (; at < end && g_ascii_isdigit(*at) && digits < 4; at++, digits++) {
        if (digits == 1 && value == 0)
            return NULL; /* no leading zero in JSON */
        value = value * 10 + (guint)(*at - '0');
    }
    if (digits == 0 || value > 255)
        return NULL;
    *byte = (guint8)value;
    return at;
}

/* "[1, 2, 3]" from its bracket on: the bytes, and *after behind it. NULL if it is anything else. */
static GByteArray *read_byte_array(const char *at, const char *end, const char **after)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    do {
        guint8 byte;
        at = read_byte(skip_space(at + 1, end), end, &byte);
        if (!at)
            return NULL;
        g_byte_array_append(bytes, &byte, 1);
        at = skip_space(at, end);
    } while (at < end && *at == ',');
    if (at >= end || *at != ']')
        return NULL;
    *after = at + 1;
    return g_steal_pointer(&bytes);
}

static gboolean key_is(const Scan *scan, const char *name)
{
    return scan->key && scan->key_n == strlen(name) && memcmp(scan->key, name, scan->key_n) == 0;
}

/* TRUE if a byte array stood here and was replaced. */
static gboolean replace_byte_array(Scan *scan, const char *start)
{
    if (!key_is(scan, "content") && !key_is(scan, "data"))
        return FALSE;
    const char *after;
    g_autoptr(GByteArray) bytes = read_byte_array(scan->at, scan->end, &after);
    if (!bytes)
        return FALSE;
    if (!scan->rewritten)
        scan->rewritten = g_string_sized_new((gsize)(scan->end - start) / 2);
    g_autofree char *base64 = g_base64_encode(bytes->data, bytes->len);
    g_string_append_len(scan->rewritten, scan->copied, scan->at - scan->copied);
    g_string_append_printf(scan->rewritten, "\"%s\"", base64);
    scan->copied = scan->at = after;
    return TRUE;
}

static const char *scan_text(Scan *scan, JsonMode mode)
{
    const char *start = scan->at;
    scan->copied = start;
    while (scan->at < scan->end) {
        const char c = *scan->at;
        if (c == '"') {
            scan->key = scan->at + 1;
            scan->at = skip_string(scan->at, scan->end);
            scan->key_n = (gsize)(scan->at - scan->key) - (scan->at > scan->key ? 1 : 0);
            continue;
        }
        if (c == '[' && mode == JSON_BYTE_ARRAYS && replace_byte_array(scan, start))
            continue;
        if (c == '{' || c == '[') {
            if (++scan->depth > LIMIT_JSON_DEPTH)
                return "The JSON is nested too deeply.";
        } else if ((c == '}' || c == ']') && scan->depth > 0) {
            scan->depth--;
        }
        if ((c == ',' || c == '[' || c == '{') && ++scan->values > LIMIT_JSON_VALUES)
            return "The JSON holds too many values; send attachments as base64.";
        if (c != ':' && c != ' ' && c != '\n' && c != '\r' && c != '\t')
            scan->key = NULL; /* the string before was a value */
        scan->at++;
    }
    if (scan->rewritten)
        g_string_append_len(scan->rewritten, scan->copied, scan->end - scan->copied);
    return NULL;
}

json_t *json_read(const char *text, gsize n, JsonMode mode, const char **fault)
{
    Scan scan = {.at = text, .end = text + n};
    json_t *value = NULL;
    *fault = n ? scan_text(&scan, mode) : "The body is missing.";
    if (!*fault) {
        json_error_t error;
        const char *source = scan.rewritten ? scan.rewritten->str : text;
        value = json_loadb(source, scan.rewritten ? scan.rewritten->len : n,
            JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!value && json_error_code(&error) == json_error_duplicate_key)
            *fault = "A member occurs twice in one object.";
        else if (!value)
            *fault = "The body is not valid JSON.";
        else if (!json_is_object(value))
            *fault = "The body must be a JSON object.";
    }
    if (scan.rewritten)
        g_string_free(scan.rewritten, TRUE);
    if (*fault && value)
        json_decref(g_steal_pointer(&value));
    return value;
}

void json_note_nul(json_t *value, const char *pointer, JsonFaults *faults)
{
    if (json_is_string(value) && strlen(json_string_value(value)) != json_string_length(value))
        json_fault_add(faults, pointer, "control_character", NULL);
    const char *name;
    json_t *member;
    json_object_foreach(value, name, member)
    {
        g_autofree char *below = json_pointer_join(pointer, name);
        json_note_nul(member, below, faults);
    }
    gsize i;
    json_array_foreach(value, i, member)
    {
        g_autofree char *below = g_strdup_printf("%s/%" G_GSIZE_FORMAT, pointer, i);
        json_note_nul(member, below, faults);
    }
}

/* --- Members --------------------------------------------------------------------------------- */

void json_object_open(JsonObject *object, json_t *value, const char *pointer, JsonFaults *faults)
{
    object->value = value;
    object->pointer = g_strdup(pointer);
    object->faults = faults;
    object->taken = g_hash_table_new(g_str_hash, g_str_equal);
}

void json_object_fault(JsonObject *object, const char *name, const char *code, const char *detail)
{
    g_autofree char *pointer = json_pointer_join(object->pointer, name);
    json_fault_add(object->faults, pointer, code, detail);
}

void json_object_close(JsonObject *object)
{
    if (!object->taken)
        return;
    const char *name;
    json_t *member;
    json_object_foreach(object->value, name, member)
    {
        if (!g_hash_table_contains(object->taken, name))
            json_object_fault(object, name, "unknown_field",
                "This field is not known here. Check its spelling or leave it out.");
    }
    g_clear_pointer(&object->taken, g_hash_table_unref);
    g_clear_pointer(&object->pointer, g_free);
}

gboolean json_object_has(JsonObject *object, const char *name)
{
    return json_object_get(object->value, name) != NULL;
}

json_t *json_object_take(JsonObject *object, const char *name)
{
    g_hash_table_add(object->taken, (gpointer)name);
    json_t *member = json_object_get(object->value, name);
    return json_is_null(member) ? NULL : member;
}

const char *json_object_take_text(JsonObject *object, const char *name)
{
    json_t *member = json_object_take(object, name);
    if (member && !json_is_string(member))
        json_object_fault(object, name, "wrong_type", "This must be a string.");
    return json_string_value(member);
}

gboolean json_object_take_int(
    JsonObject *object, const char *name, gint64 min, gint64 max, gint64 *value)
{
    json_t *member = json_object_take(object, name);
    if (!member)
        return FALSE;
    if (!json_is_integer(member)) {
        json_object_fault(object, name, "wrong_type", "This must be an integer.");
        return FALSE;
    }
    gint64 given = json_integer_value(member);
    if (given < min || given > max) {
        g_autofree char *detail = g_strdup_printf(
            "This must lie between %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT ".", min, max);
        json_object_fault(object, name, "out_of_range", detail);
        return FALSE;
    }
    *value = given;
    return TRUE;
}

gboolean json_object_take_bool(JsonObject *object, const char *name, gboolean *value)
{
    json_t *member = json_object_take(object, name);
    if (!member)
        return FALSE;
    if (!json_is_boolean(member)) {
        json_object_fault(object, name, "wrong_type", "This must be true or false.");
        return FALSE;
    }
    *value = json_is_true(member);
    return TRUE;
}

json_t *json_object_take_array(JsonObject *object, const char *name)
{
    json_t *member = json_object_take(object, name);
    if (member && !json_is_array(member)) {
        json_object_fault(object, name, "wrong_type", "This must be an array.");
        return NULL;
    }
    return member;
}

json_t *json_object_take_object(JsonObject *object, const char *name)
{
    json_t *member = json_object_take(object, name);
    if (member && !json_is_object(member)) {
        json_object_fault(object, name, "wrong_type", "This must be an object.");
        return NULL;
    }
    return member;
}

/* --- Writing --------------------------------------------------------------------------------- */

json_t *json_text(const char *text)
{
    if (!text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;
    g_autofree char *printable = text_printable(text, strlen(text), strlen(text));
    return json_string(printable);
}

json_t *json_time(gint64 at)
{
    g_autofree char *text = at > 0 ? clock_format_rfc3339(at) : NULL;
    return json_text(text);
}

char *json_write(json_t *value)
{
    char *dumped = json_dumps(value, JSON_COMPACT);
    g_assert(dumped != NULL); /* every string in it is UTF-8 */
    char *text = g_strdup(dumped);
    wipe_and_free(dumped);
    json_decref(value);
    return text;
}
