/* JSON bodies, read strictly: one object (or one array of them), no duplicate key, UTF-8, no float
 * where an integer is due, bounded depth and number of values (looked at before parsing, because a
 * tree of twelve million empty arrays fits into a body that may be sent). Every member must be
 * taken by the route; what is left over is a fault. All faults of a body are collected, each with
 * its JSON pointer (RFC 6901). */
#pragma once

#include <glib.h>
#include <jansson.h>

typedef struct {
    char *pointer;    /* "/settings/host"; "" is the whole body */
    const char *code; /* "unknown_field", "wrong_type", "required", "out_of_range" …; static */
    char *detail;     /* one English sentence of fault_text.c; NULL: that of the code */
} JsonFault;

typedef struct {
    GPtrArray *list; /* of JsonFault */
} JsonFaults;

void json_faults_init(JsonFaults *faults);
void json_faults_clear(JsonFaults *faults);

/* code must be static. At most LIMIT_JSON_FAULTS are kept. */
void json_fault_add(JsonFaults *faults, const char *pointer, const char *code, const char *detail);

/* Freed memory of every JSON tree is wiped from now on (passwords travel in bodies). Once, before
 * the first parse. */
void json_wipe_on_free(void);

/* Puts the faults from number `since` on below this pointer: "/subject" becomes "/17/subject". */
void json_faults_below(JsonFaults *faults, guint since, const char *pointer);

typedef enum {
    JSON_PLAIN = 0,
    /* The arrays of bytes that JavaScript makes of a Buffer ("content": [1, 2], "data": [1, 2]) are
     * read as base64 strings: a tree of millions of integers would take 50 times their size. */
    JSON_BYTE_ARRAYS = 1 << 0,
    JSON_BATCH = 1 << 1, /* an array, of up to LIMIT_JSON_BATCH_VALUES values */
} JsonMode;

/* The object (array with JSON_BATCH), or NULL with a static English sentence in *fault. The caller
 * frees with json_decref. */
json_t *json_read(const char *text, gsize n, JsonMode mode, const char **fault);

/* A fault for every string that holds a NUL, named by its pointer: read as C strings they would be
 * cut there. The depth is that of json_read, which bounds the recursion. */
void json_note_nul(json_t *value, const char *pointer, JsonFaults *faults);

/* --- One object and its members -------------------------------------------------------------- */

typedef struct {
    json_t *value; /* borrowed */
    char *pointer;
    JsonFaults *faults;
    GHashTable *taken; /* names asked for */
} JsonObject;

/* value must be an object and outlive it. */
void json_object_open(JsonObject *object, json_t *value, const char *pointer, JsonFaults *faults);

/* Notes a fault for every member nobody took. */
void json_object_close(JsonObject *object);

/* "/settings" + "host" → "/settings/host", escaped. The caller frees. */
char *json_pointer_join(const char *pointer, const char *name);

void json_object_fault(JsonObject *object, const char *name, const char *code, const char *detail);

/* Members. Absent and null give NULL or FALSE without a fault; what is given is lent. */
gboolean json_object_has(JsonObject *object, const char *name); /* present, null included */
json_t *json_object_take(JsonObject *object, const char *name);
const char *json_object_take_text(JsonObject *object, const char *name);
gboolean json_object_take_int(
    JsonObject *object, const char *name, gint64 min, gint64 max, gint64 *value);
gboolean json_object_take_bool(JsonObject *object, const char *name, gboolean *value);
json_t *json_object_take_array(JsonObject *object, const char *name);
json_t *json_object_take_object(JsonObject *object, const char *name);

/* --- Writing --------------------------------------------------------------------------------- */

/* A stranger's text: each of its lines made printable, at most so many characters long. NULL gives
 * null. */
json_t *json_printable(const char *text, gsize most_characters);

json_t *json_text(const char *text); /* NULL gives null; invalid UTF-8 is made printable */
json_t *json_time(gint64 at);        /* RFC 3339; 0 gives null */

/* {"object": "list", "data", "has_more"}; data is taken. */
json_t *json_list(json_t *data, gboolean has_more);
json_t *json_deleted(void);      /* {"deleted": true} */
char *json_write(json_t *value); /* takes the reference; the caller frees */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(JsonObject, json_object_close)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(JsonFaults, json_faults_clear)
