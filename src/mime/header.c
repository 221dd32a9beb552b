#include "mime/header.h"

#include "base/limits.h"
#include "mime/address.h"

#include <string.h>

#define FOLD_OCTETS 76
#define ENCODED_WORD_OCTETS 75                                     /* RFC 2047 2 */
#define ENCODED_WORD_FRAME ((gsize)12)                             /* "=?utf-8?q?" and "?=" */
#define LONGEST_CHARACTER ((gsize)12)                              /* four octets as =XX */
#define ENCODED_WORD_ROOM (ENCODED_WORD_FRAME + LONGEST_CHARACTER) /* fits any one character */

/* --- One field, word by word
 * ---------------------------------------------------------------------- */

typedef struct {
    GString *out;
    gsize line_start;
    gboolean is_empty; /* nothing stands behind the colon yet */
} Field;

static Field field_begin(GString *out, const char *name)
{
    Field field = {.out = out, .line_start = out->len, .is_empty = TRUE};
    g_string_append(out, name);
    g_string_append_c(out, ':');
    return field;
}

static gsize field_column(const Field *field)
{
    return field->out->len - field->line_start;
}

static void field_fold(Field *field)
{
    g_string_append(field->out, "\r\n");
    field->line_start = field->out->len;
}

/* A word that must stay whole, behind one space. The first one stays on the name's line, because
 * some readers take a fold there for a leading space. All bytes of all values pass here. */
static void field_put(Field *field, const char *word, gsize n)
{
    for (gsize i = 0; i < n; i++)
        g_assert(word[i] != '\r' && word[i] != '\n' && word[i] != '\0');
    if (!field->is_empty && field_column(field) + 1 + n > FOLD_OCTETS)
        field_fold(field);
    g_string_append_c(field->out, ' ');
    g_string_append_len(field->out, word, (gssize)n);
    field->is_empty = FALSE;
}

static void field_end(Field *field)
{
    g_string_append(field->out, "\r\n");
}

/* --- Encoded words (RFC 2047)
 * --------------------------------------------------------------------- */

/* What Q may leave as it is even inside a phrase (RFC 2047 5 (3)); a space becomes "_". */
static gboolean is_q_safe(char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!*+-/", c) != NULL);
}

static gsize q_octets(const char *text, gsize n)
{
    gsize octets = 0;
    for (gsize i = 0; i < n; i++)
        octets += is_q_safe(text[i]) || text[i] == ' ' ? 1 : 3;
    return octets;
}

static gsize b_octets(gsize n)
{
    return (n + 2) / 3 * 4;
}

/* Bytes of text that make one Q word of at most `room` octets; whole characters only (RFC 2047 5).
 */
static gsize fitting_q(const char *text, gsize n, gsize room)
{
    gsize taken = 0, octets = ENCODED_WORD_FRAME;
    while (taken < n) {
        gsize next = (gsize)(g_utf8_next_char(text + taken) - text);
        octets += q_octets(text + taken, next - taken);
        if (octets > room)
            break;
        taken = next;
    }
    return taken;
}

/* The same for B. A word that is not the last one ends without padding, because GMime loses the
 * words behind it otherwise; 0 if no end of a character allows that. */
static gsize fitting_b(const char *text, gsize n, gsize room)
{
    gsize taken = 0;
    for (gsize end = 0; end < n;) {
        end = (gsize)(g_utf8_next_char(text + end) - text);
        if (ENCODED_WORD_FRAME + b_octets(end) > room)
            break;
        if (end % 3 == 0 || end == n)
            taken = end;
    }
    return taken;
}

static void field_put_q(Field *field, const char *text, gsize n)
{
    g_autoptr(GString) word = g_string_new("=?utf-8?q?");
    for (gsize i = 0; i < n; i++) {
        if (is_q_safe(text[i]))
            g_string_append_c(word, text[i]);
        else if (text[i] == ' ')
            g_string_append_c(word, '_');
        else
            g_string_append_printf(word, "=%02X", (guint)(guchar)text[i]);
    }
    g_string_append(word, "?=");
    field_put(field, word->str, word->len);
}

static void field_put_b(Field *field, const char *text, gsize n)
{
    g_autofree char *base64 = g_base64_encode((const guchar *)text, n);
    g_autofree char *word = g_strdup_printf("=?utf-8?b?%s?=", base64);
    field_put(field, word, strlen(word));
}

/* Text as one or more encoded words, in the shorter form; readers drop the space between them
 * (RFC 2047 6.2). */
static void field_put_encoded(Field *field, const char *text, gsize n)
{
    gboolean prefer_b = b_octets(n) < q_octets(text, n);
    while (n > 0) {
        if (field_column(field) + 1 + ENCODED_WORD_ROOM > FOLD_OCTETS)
            field_fold(field);
        gsize room = MIN(FOLD_OCTETS - field_column(field) - 1, ENCODED_WORD_OCTETS);
        gsize taken = prefer_b ? fitting_b(text, n, room) : 0;
        if (taken > 0) {
            field_put_b(field, text, taken);
        } else {
            taken = fitting_q(text, n, room);
            field_put_q(field, text, taken);
        }
        text += taken;
        n -= taken;
    }
}

/* --- Unstructured text
 * ---------------------------------------------------------------------------- */

/* TRUE if the word, with a space on either side, would not come back as it is: beyond ASCII, a TAB,
 * something that looks like an encoded word, too long to fold around. An empty word is one of
 * several spaces in a row. */
static gboolean needs_encoding(const char *word, gsize n, gsize room)
{
    if (n == 0 || n > room || g_strstr_len(word, (gssize)n, "=?") != NULL)
        return TRUE;
    for (gsize i = 0; i < n; i++)
        if (word[i] < '!' || word[i] > '~')
            return TRUE;
    return FALSE;
}

/* End of the run of words that go into encoded words together, or `start` if its first word stays
 * plain. A space belongs to the encoded text if words on both its sides are encoded. An empty word
 * takes the word behind it along, since a lone space cannot be told from a separator. */
static const char *encoded_run(const char *start, gsize room)
{
    const char *end = start;
    gboolean is_forced = FALSE;
    for (const char *word = start;; word = end + 1) {
        gsize n = strcspn(word, " ");
        /* An empty last word (the text ends in a space) takes the word in front of it along. */
        gboolean precedes_end = word[n] == ' ' && word[n + 1] == '\0';
        if (!is_forced && !precedes_end && !needs_encoding(word, n, room))
            return word == start ? start : end;
        is_forced = n == 0;
        end = word + n;
        if (*end == '\0')
            return end;
    }
}

void mime_header_append_text(GString *out, const char *name, const char *utf8)
{
    Field field = field_begin(out, name);
    gsize used = strlen(name) + 2;
    gsize room = used < FOLD_OCTETS ? FOLD_OCTETS - used : 0; /* so that any word may come first */
    const char *p = utf8;
    while (*p != '\0') {
        const char *end = encoded_run(p, room);
        if (end > p) {
            field_put_encoded(&field, p, (gsize)(end - p));
        } else {
            end = p + strcspn(p, " ");
            field_put(&field, p, (gsize)(end - p));
        }
        p = *end == ' ' ? end + 1 : end;
    }
    field_end(&field);
}

/* --- Values written as they are
 * ------------------------------------------------------------------- */

/* Puts the words if `out` is given; FALSE if one makes its line too long. A word carries the extra
 * spaces in front of it, so that no line can consist of spaces. */
static gboolean put_verbatim(Field *field, gsize name_octets, const char *text, gsize n)
{
    const char *p = text, *stop = text + n;
    gsize column = name_octets + 1;
    while (p < stop) {
        const char *end = p;
        while (end < stop && *end == ' ')
            end++;
        while (end < stop && *end != ' ')
            end++;
        gsize octets = (gsize)(end - p);
        if (column + 1 + octets > LIMIT_LINE_OCTETS)
            return FALSE;
        if (field != NULL)
            field_put(field, p, octets);
        column = 0;
        p = end < stop ? end + 1 : end;
    }
    return TRUE;
}

gboolean mime_header_append_verbatim(GString *out, const char *name, const char *ascii)
{
    gsize n = strlen(ascii);
    while (n > 0 && (ascii[n - 1] == ' ' || ascii[n - 1] == '\t'))
        n--;
    gsize skip = MIN(strspn(ascii, " \t"), n);
    if (!put_verbatim(NULL, strlen(name), ascii + skip, n - skip))
        return FALSE;
    Field field = field_begin(out, name);
    put_verbatim(&field, strlen(name), ascii + skip, n - skip);
    field_end(&field);
    return TRUE;
}

/* --- Mailboxes
 * ------------------------------------------------------------------------------------ */

/* Atoms separated by single spaces: a phrase that needs no quotes (RFC 5322 3.2.5). */
static gboolean is_plain_phrase(const char *name)
{
    for (const char *p = name; *p != '\0'; p++) {
        gboolean is_separator = *p == ' ' && p > name && p[1] != ' ' && p[1] != '\0';
        if (!g_ascii_isalnum(*p) && strchr("!#$%&'*+-/=?^_`{|}~", *p) == NULL && !is_separator)
            return FALSE;
    }
    return TRUE;
}

static char *quoted_string(const char *ascii)
{
    GString *out = g_string_new("\"");
    for (const char *p = ascii; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
    return g_string_free(out, FALSE);
}

/* A display name: a phrase, else a quoted-string, else encoded words. */
#define PLAIN_NAME_OCTETS 50 /* longer ones could not be folded */
static void put_name(Field *field, const char *name)
{
    gsize n = strlen(name);
    if (!g_str_is_ascii(name) || strstr(name, "=?") != NULL || n > PLAIN_NAME_OCTETS) {
        field_put_encoded(field, name, n);
    } else if (is_plain_phrase(name)) {
        field_put(field, name, n);
    } else {
        g_autofree char *quoted = quoted_string(name);
        field_put(field, quoted, strlen(quoted));
    }
}

void mime_header_append_mailboxes(GString *out, const char *name, const GPtrArray *mailboxes)
{
    Field field = field_begin(out, name);
    for (guint i = 0; i < mailboxes->len; i++) {
        const MimeAddress *mailbox = g_ptr_array_index(mailboxes, i);
        const char *comma = i + 1 < mailboxes->len ? "," : "";
        gboolean has_name = mailbox->name != NULL;
        if (has_name)
            put_name(&field, mailbox->name);
        g_autofree char *word = g_strdup_printf(
            "%s%s%s%s", has_name ? "<" : "", mailbox->addr_spec, has_name ? ">" : "", comma);
        field_put(&field, word, strlen(word));
    }
    field_end(&field);
}

/* --- Parameters (RFC 2045 5.1, RFC 2231)
 * ---------------------------------------------------------- */

/* attribute-char of RFC 2231 7. A token (RFC 2045 5.1) might hold * ' % too, but some readers then
 * see an extended parameter. */
static gboolean is_attribute_char(char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$&+-.^_`{|}~", c) != NULL);
}

static gboolean is_token(const char *value)
{
    const char *p = value;
    while (is_attribute_char(*p))
        p++;
    return *p == '\0' && p > value;
}

static char *percent_encoded(const char *text, gsize n)
{
    GString *out = g_string_sized_new(3 * n + 1);
    for (gsize i = 0; i < n; i++) {
        if (is_attribute_char(text[i]))
            g_string_append_c(out, text[i]);
        else
            g_string_append_printf(out, "%%%02X", (guint)(guchar)text[i]);
    }
    return g_string_free(out, FALSE);
}

/* "name=token" or "name=\"quoted\""; NULL if it is not ASCII, too long for a line, or
 * holds what lenient readers decode even inside quotes. */
static char *plain_parameter(const MimeParameter *parameter)
{
    if (!g_str_is_ascii(parameter->value) || strstr(parameter->value, "=?") != NULL)
        return NULL;
    g_autofree char *value =
        is_token(parameter->value) ? g_strdup(parameter->value) : quoted_string(parameter->value);
    g_autofree char *word = g_strdup_printf("%s=%s", parameter->name, value);
    return strlen(word) + 2 <= FOLD_OCTETS ? g_steal_pointer(&word) : NULL;
}

/* "name*=utf-8''…", or "name*0*=utf-8''…", "name*1*=…" if one line cannot hold it. */
static void add_extended_parameter(GPtrArray *words, const MimeParameter *parameter)
{
    const char *p = parameter->value;
    g_autofree char *whole = percent_encoded(p, strlen(p));
    char *single = g_strdup_printf("%s*=utf-8''%s", parameter->name, whole);
    if (strlen(single) + 2 <= FOLD_OCTETS) {
        g_ptr_array_add(words, single);
        return;
    }
    g_free(single);
    for (guint section = 0; *p != '\0'; section++) {
        GString *word = g_string_new(NULL);
        g_string_printf(word, "%s*%u*=%s", parameter->name, section, section == 0 ? "utf-8''" : "");
        while (*p != '\0' && word->len + LONGEST_CHARACTER + 2 <= FOLD_OCTETS) {
            gsize n = (gsize)(g_utf8_next_char(p) - p);
            g_autofree char *character = percent_encoded(p, n);
            g_string_append(word, character);
            p += n;
        }
        g_ptr_array_add(words, g_string_free(word, FALSE));
    }
}

void mime_header_append_parameters(GString *out, const char *name, const char *value,
    const MimeParameter *parameters, gsize n_parameters)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(words, g_strdup(value));
    for (gsize i = 0; i < n_parameters; i++) {
        if (parameters[i].value == NULL)
            continue;
        char *plain = plain_parameter(&parameters[i]);
        if (plain != NULL)
            g_ptr_array_add(words, plain);
        else
            add_extended_parameter(words, &parameters[i]);
    }
    Field field = field_begin(out, name);
    for (guint i = 0; i < words->len; i++) {
        const char *end = i + 1 < words->len ? ";" : "";
        g_autofree char *word = g_strdup_printf("%s%s", (char *)words->pdata[i], end);
        field_put(&field, word, strlen(word));
    }
    field_end(&field);
}
