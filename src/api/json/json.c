#include "api/json/json.h"

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

void json_faults_below(JsonFaults *faults, guint since, const char *pointer)
{
    for (guint i = since; i < faults->list->len; i++) {
        JsonFault *fault = faults->list->pdata[i];
        char *below = g_strconcat(pointer, fault->pointer, NULL);
        g_free(fault->pointer);
        fault->pointer = below;
    }
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

json_t *json_printable(const char *text, gsize most_characters)
{
    if (!text)
        return json_null();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        char *shown = text_printable(lines[i], strlen(lines[i]), most_characters);
        g_free(lines[i]);
        lines[i] = shown;
    }
    g_autofree char *joined = g_strjoinv("\n", lines);
    return json_text(joined);
}

json_t *json_time(gint64 at)
{
    g_autofree char *text = at > 0 ? clock_format_rfc3339(at) : NULL;
    return json_text(text);
}

json_t *json_list(json_t *data, gboolean has_more)
{
    json_t *list = json_object();
    json_object_set_new(list, "object", json_text("list"));
    json_object_set_new(list, "data", data);
    json_object_set_new(list, "has_more", json_boolean(has_more));
    return list;
}

json_t *json_deleted(void)
{
    json_t *json = json_object();
    json_object_set_new(json, "deleted", json_true());
    return json;
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
