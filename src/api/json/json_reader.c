/* Reads one JSON text (RFC 8259) in one pass, into jansson's values. Ours, because jansson's own
 * reader looks at each character of a string several times, which for a batch of mails was half of
 * all that the API did; and because depth, number of values and the arrays of bytes that JavaScript
 * makes can be judged on the way instead of before. What it takes and refuses is what jansson with
 * JSON_REJECT_DUPLICATES and JSON_ALLOW_NUL does; test/fuzz/fuzz_api_json.c holds the two together.
 */
#include "api/json/json.h"

#include "base/limits.h"
#include "base/secret.h"

#include <errno.h>
#include <string.h>

static const char not_valid[] = "The body is not valid JSON.";

typedef struct {
    const char *at, *end;
    JsonMode mode;
    guint depth, values, values_max;
    const char *fault; /* the first one */
} Reader;

static json_t *read_value(Reader *reader, gboolean may_be_bytes);

static gpointer fail(Reader *reader, const char *fault)
{
    if (!reader->fault)
        reader->fault = fault;
    return NULL;
}

static void skip_space(Reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' ||
                                           *reader->at == '\n' || *reader->at == '\r'))
        reader->at++;
}

/* Takes this character, if it is the next one behind white space. */
static gboolean take(Reader *reader, char c)
{
    skip_space(reader);
    if (reader->at == reader->end || *reader->at != c)
        return FALSE;
    reader->at++;
    return TRUE;
}

/* --- Strings --------------------------------------------------------------------------------- */

/* The closing quote of the string whose content begins at `at`; NULL if there is none. Most of a
 * body is inside strings, so this leaps. */
static const char *closing_quote(const char *at, const char *end, gboolean *has_escapes)
{
    const char *quote = NULL; /* the first one from `at` on */
    while (at < end) {
        if (!quote || quote < at)
            quote = memchr(at, '"', (gsize)(end - at));
        const char *escape = quote ? memchr(at, '\\', (gsize)(quote - at)) : NULL;
        if (!escape)
            return quote;
        *has_escapes = TRUE;
        at = escape + 2;
    }
    return NULL;
}

enum { BLOCK = 64 }; /* octets looked at together; a fixed number of them becomes vector code */

/* UTF-8 without control characters (RFC 8259 7). */
static gboolean is_sound(const char *text, gsize n)
{
    const guchar *octets = (const guchar *)text;
    guchar controls = 0, high = 0;
    gsize at = 0;
    for (; at + BLOCK <= n; at += BLOCK) {
        for (gsize i = 0; i < BLOCK; i++) {
            controls |= (guchar)(octets[at + i] < 0x20);
            high |= octets[at + i];
        }
    }
    for (; at < n; at++) {
        controls |= (guchar)(octets[at] < 0x20);
        high |= octets[at];
    }
    return controls == 0 && (high < 0x80 || g_utf8_validate(text, (gssize)n, NULL));
}

/* "\uXXXX" at p: its number, or -1. */
static int read_unit(const char *p, const char *end)
{
    int unit = 0;
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        if (!g_ascii_isxdigit(p[i]))
            return -1;
        unit = unit * 16 + g_ascii_xdigit_value(p[i]);
    }
    return unit;
}

/* How many characters at p are an escape by number, a surrogate pair taken together, and in *c what
 * they stand for; 0: none. */
static gsize read_unicode(const char *p, const char *end, gunichar *c)
{
    int high = read_unit(p, end);
    if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
        return 0;
    *c = (gunichar)high;
    if (high < 0xd800 || high > 0xdbff)
        return 6;
    int low = read_unit(p + 6, end);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    *c = 0x10000 + ((gunichar)(high - 0xd800) << 10) + (gunichar)(low - 0xdc00);
    return 12;
}

/* Writes what the n characters at p stand for, which is never more than they are themselves.
 * Returns how much, or -1. */
static gssize unescape(const char *p, gsize n, char *to)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *end = p + n;
    char *out = to;
    while (p < end) {
        if (*p != '\\') {
            *out++ = *p++;
            continue;
        }
        const char *name = p[1] ? strchr(names, p[1]) : NULL;
        gunichar c = 0;
        gsize n_taken = name ? 2 : read_unicode(p, end, &c);
        if (n_taken == 0)
            return -1;
        if (name)
            *out++ = meanings[name - names];
        else
            out += g_unichar_to_utf8(c, out);
        p += n_taken;
    }
    return out - to;
}

/* A string's content; the caller frees *own with free_text. NULL: fault, and nothing to free. */
static const char *read_text(Reader *reader, gsize *n, char **own)
{
    gboolean has_escapes = FALSE;
    const char *text = reader->at;
    const char *quote = closing_quote(text, reader->end, &has_escapes);
    *own = NULL;
    if (!quote || !is_sound(text, (gsize)(quote - text)))
        return fail(reader, not_valid);
    *n = (gsize)(quote - text);
    reader->at = quote + 1;
    if (!has_escapes)
        return text;
    *own = g_malloc(*n);
    gssize n_own = unescape(text, *n, *own);
    if (n_own < 0) {
        secret_wipe(*own, *n);
        g_clear_pointer(own, g_free);
        return fail(reader, not_valid);
    }
    *n = (gsize)n_own;
    return *own;
}

static void free_text(char *own, gsize n)
{
    if (own)
        secret_wipe(own, n);
    g_free(own);
}

static json_t *read_string(Reader *reader)
{
    gsize n;
    char *own;
    const char *text = read_text(reader, &n, &own);
    json_t *string = text ? json_stringn_nocheck(text, n) : NULL;
    free_text(own, text ? n : 0);
    return string;
}

/* --- Numbers --------------------------------------------------------------------------------- */

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && g_ascii_isdigit(*p))
        p++;
    return p;
}

/* Behind the number at p; NULL if there is none. */
static const char *end_of_number(const char *p, const char *end, gboolean *is_real)
{
    if (p < end && *p == '-')
        p++;
    const char *digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return NULL;
    if (p < end && *p == '.') {
        const char *fraction = p + 1;
        *is_real = TRUE;
        p = skip_digits(fraction, end);
        if (p == fraction)
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        const char *exponent = p;
        *is_real = TRUE;
        p = skip_digits(exponent, end);
        if (p == exponent)
            return NULL;
    }
    return p;
}

static json_t *read_number(Reader *reader)
{
    gboolean is_real = FALSE;
    const char *end = end_of_number(reader->at, reader->end, &is_real);
    if (!end)
        return fail(reader, not_valid);
    g_autofree char *text = g_strndup(reader->at, (gsize)(end - reader->at));
    reader->at = end;
    errno = 0;
    gint64 integer = is_real ? 0 : g_ascii_strtoll(text, NULL, 10);
    if (errno == ERANGE)
        return fail(reader, not_valid);
    json_t *number = is_real ? json_real(g_ascii_strtod(text, NULL)) : json_integer(integer);
    return number ? number : fail(reader, not_valid); /* a real may be infinite */
}

/* --- Arrays of bytes ------------------------------------------------------------------------- */

/* One byte written as an integer; NULL if it is none. */
static const char *read_byte(const char *at, const char *end, guint8 *byte)
{
    const char *behind = skip_digits(at, MIN(at + 4, end));
    guint value = 0;
    for (const char *p = at; p < behind; p++)
        value = value * 10 + (guint)(*p - '0');
    if (behind == at || (*at == '0' && behind - at > 1) || value > 255)
        return NULL;
    *byte = (guint8)value;
    return behind;
}

/* "1, 2, 3]" behind its bracket, as base64; NULL, with nothing read, if it is anything else. */
static json_t *read_bytes(Reader *reader)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    const char *begin = reader->at;
    do {
        guint8 byte;
        skip_space(reader);
        const char *behind = read_byte(reader->at, reader->end, &byte);
        if (!behind) {
            reader->at = begin;
            return NULL;
        }
        reader->at = behind;
        g_byte_array_append(bytes, &byte, 1);
    } while (take(reader, ','));
    if (!take(reader, ']')) {
        reader->at = begin;
        return NULL;
    }
    g_autofree char *base64 = g_base64_encode(bytes->data, bytes->len);
    return json_string_nocheck(base64);
}

/* --- Arrays and objects ---------------------------------------------------------------------- */

static json_t *read_array(Reader *reader)
{
    json_t *array = json_array();
    if (take(reader, ']'))
        return array;
    do {
        json_t *value = read_value(reader, FALSE);
        if (!value || json_array_append_new(array, value) != 0) {
            json_decref(array);
            return NULL;
        }
    } while (take(reader, ','));
    if (take(reader, ']'))
        return array;
    json_decref(array);
    return fail(reader, not_valid);
}

static gboolean key_is(const char *key, gsize n, const char *name)
{
    return n == strlen(name) && memcmp(key, name, n) == 0;
}

static gboolean put_member(Reader *reader, json_t *object, const char *key, gsize n)
{
    if (memchr(key, '\0', n) || !take(reader, ':'))
        return fail(reader, not_valid) != NULL;
    if (json_object_getn(object, key, n))
        return fail(reader, "A member occurs twice in one object.") != NULL;
    gboolean may_be_bytes =
        (reader->mode & JSON_BYTE_ARRAYS) && (key_is(key, n, "content") || key_is(key, n, "data"));
    json_t *value = read_value(reader, may_be_bytes);
    return value && json_object_setn_new_nocheck(object, key, n, value) == 0;
}

static gboolean read_member(Reader *reader, json_t *object)
{
    if (!take(reader, '"'))
        return fail(reader, not_valid) != NULL;
    gsize n;
    char *own;
    const char *key = read_text(reader, &n, &own);
    gboolean is_read = key && put_member(reader, object, key, n);
    free_text(own, key ? n : 0);
    return is_read;
}

static json_t *read_object(Reader *reader)
{
    json_t *object = json_object();
    if (take(reader, '}'))
        return object;
    do {
        if (!read_member(reader, object)) {
            json_decref(object);
            return NULL;
        }
    } while (take(reader, ','));
    if (take(reader, '}'))
        return object;
    json_decref(object);
    return fail(reader, not_valid);
}

/* --- Values ---------------------------------------------------------------------------------- */

static json_t *read_nested(Reader *reader, gboolean is_object)
{
    if (reader->depth == LIMIT_JSON_DEPTH)
        return fail(reader, "The JSON is nested too deeply.");
    reader->depth++;
    json_t *value = is_object ? read_object(reader) : read_array(reader);
    reader->depth--;
    return value;
}

static json_t *read_word(Reader *reader, const char *word, json_t *value)
{
    gsize n = strlen(word);
    if ((gsize)(reader->end - reader->at) < n || memcmp(reader->at, word, n) != 0)
        return fail(reader, not_valid);
    reader->at += n;
    return value;
}

static json_t *read_value(Reader *reader, gboolean may_be_bytes)
{
    if (++reader->values > reader->values_max)
        return fail(reader, "The JSON holds too many values; send attachments as base64.");
    json_t *bytes;
    if (take(reader, '"'))
        return read_string(reader);
    if (take(reader, '{'))
        return read_nested(reader, TRUE);
    if (take(reader, '['))
        return may_be_bytes && (bytes = read_bytes(reader)) ? bytes : read_nested(reader, FALSE);
    if (reader->at == reader->end)
        return fail(reader, not_valid);
    switch (*reader->at) {
    case 't':
        return read_word(reader, "true", json_true());
    case 'f':
        return read_word(reader, "false", json_false());
    case 'n':
        return read_word(reader, "null", json_null());
    default:
        return read_number(reader);
    }
}

json_t *json_read(const char *text, gsize n, JsonMode mode, const char **fault)
{
    Reader reader = {.at = text,
        .end = text + n,
        .mode = mode,
        .values_max = mode & JSON_BATCH ? LIMIT_JSON_BATCH_VALUES : LIMIT_JSON_VALUES};
    json_t *value = n ? read_value(&reader, FALSE) : fail(&reader, "The body is missing.");
    skip_space(&reader);
    if (value && reader.at != reader.end)
        fail(&reader, not_valid);
    else if (value && (mode & JSON_BATCH) && !json_is_array(value))
        fail(&reader, "The body must be a JSON array.");
    else if (value && !(mode & JSON_BATCH) && !json_is_object(value))
        fail(&reader, "The body must be a JSON object.");
    *fault = reader.fault;
    if (reader.fault && value)
        json_decref(g_steal_pointer(&value));
    return value;
}
