#include "vault/key_export.h"

#include "base/error.h"
#include "base/limits.h"
#include "vault/box.h"

#include <sodium.h>
#include <string.h>

#define FIRST_LINE "absender-key-export 1"
#define LINE_BYTES 32 /* of the box in one line */

/* What ours are made with, and what a file may ask for: a stranger's must not eat the machine. */
#define PASSES 4
#define MEMORY_BYTES (64 * 1024 * 1024)
#define MOST_PASSES 16
#define MOST_MEMORY_BYTES (1024 * 1024 * 1024)

static const char preface[] =
    FIRST_LINE "\n"
               "# The keys of an Absender installation, sealed with a passphrase (doc/vault.md).\n"
               "# \"absender key import\" puts them back. Keep this offline, and the passphrase\n"
               "# somewhere else.\n";

/* As the file says it; all of it is associated data of the box. */
typedef struct {
    guint64 passes, memory_bytes;
    guint8 salt[crypto_pwhash_SALTBYTES];
    GByteArray *box;
} Export;

static void export_clear(Export *export)
{
    if (export->box != NULL)
        g_byte_array_unref(export->box);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Export, export_clear)

static char *parameters_dup(const Export *export)
{
    char salt[2 * crypto_pwhash_SALTBYTES + 1];
    sodium_bin2hex(salt, sizeof salt, export->salt, sizeof export->salt);
    return g_strdup_printf("argon2id %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\nsalt %s\n",
        export->passes, export->memory_bytes, salt);
}

static GByteArray *aad_of(const Export *export)
{
    g_autofree char *parameters = parameters_dup(export);
    GByteArray *aad =
        g_byte_array_append(g_byte_array_new(), (const guint8 *)FIRST_LINE "\n", sizeof FIRST_LINE);
    return g_byte_array_append(aad, (const guint8 *)parameters, (guint)strlen(parameters));
}

/* The key of the box, in guarded memory; NULL if there is not enough memory for the hash. */
static guint8 *stretch(const Export *export, const Secret *passphrase)
{
    guint8 *key = sodium_malloc(BOX_KEY_BYTES);
    if (key == NULL)
        g_error("out of memory for a key");
    gsize n;
    const char *bytes = secret_reveal(passphrase, &n);
    if (crypto_pwhash(key, BOX_KEY_BYTES, bytes, n, export->salt, export->passes,
            (gsize) export->memory_bytes, crypto_pwhash_ALG_ARGON2ID13) == 0)
        return key;
    sodium_free(key);
    return NULL;
}

static guint8 *stretch_or_say(const Export *export, const Secret *passphrase, GError **error)
{
    guint8 *key = stretch(export, passphrase);
    if (key == NULL)
        g_set_error(error, ABS_ERROR, ABS_ERROR_IO,
            "there is not enough memory for the passphrase (%" G_GUINT64_FORMAT " MiB)",
            export->memory_bytes / 1024 / 1024);
    return key;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static char *write_export(const Export *export)
{
    GString *text = g_string_new(preface);
    g_autofree char *parameters = parameters_dup(export);
    g_string_append(text, parameters);
    for (guint at = 0; at < export->box->len; at += LINE_BYTES) {
        char line[2 * LINE_BYTES + 1];
        gsize n = MIN(LINE_BYTES, export->box->len - at);
        sodium_bin2hex(line, sizeof line, export->box->data + at, n);
        g_string_append_printf(text, "box %s\n", line);
    }
    return g_string_free(text, FALSE);
}

char *key_export_seal(const Keyring *ring, const Secret *passphrase, GError **error)
{
    gsize n;
    const char *bytes = secret_reveal(passphrase, &n);
    if (!g_utf8_validate_len(bytes, n, NULL) ||
        g_utf8_strlen(bytes, (gssize)n) < LIMIT_EXPORT_PASSPHRASE_CHARACTERS) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
            "a passphrase for keys has at least %d characters", LIMIT_EXPORT_PASSPHRASE_CHARACTERS);
        return NULL;
    }
    g_auto(Export) export = {.passes = PASSES, .memory_bytes = MEMORY_BYTES};
    randombytes_buf(export.salt, sizeof export.salt);
    guint8 *key = stretch_or_say(&export, passphrase, error);
    if (key == NULL)
        return NULL;
    g_autoptr(Secret) plain = keyring_format(ring);
    const char *plain_text = secret_reveal(plain, &n);
    g_autoptr(GByteArray) aad = aad_of(&export);
    export.box = g_byte_array_new();
    g_byte_array_set_size(export.box, (guint)(n + BOX_OVERHEAD_BYTES));
    box_seal(key, aad, plain_text, n, export.box->data);
    sodium_free(key);
    return write_export(&export);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static gboolean read_hex(const char *digits, guint8 *to, gsize n_max, gsize *n_read)
{
    const char *end = NULL;
    return sodium_hex2bin(to, n_max, digits, strlen(digits), NULL, n_read, &end) == 0 &&
           *end == '\0' && *n_read > 0;
}

static gboolean read_cost(Export *export, const char *numbers)
{
    char *end = NULL;
    export->passes = g_ascii_strtoull(numbers, &end, 10);
    if (*end != ' ')
        return FALSE;
    export->memory_bytes = g_ascii_strtoull(end + 1, &end, 10);
    return *end == '\0' && export->passes >= crypto_pwhash_OPSLIMIT_MIN &&
           export->passes <= MOST_PASSES && export->memory_bytes >= crypto_pwhash_MEMLIMIT_MIN &&
           export->memory_bytes <= MOST_MEMORY_BYTES;
}

static gboolean read_box(Export *export, const char *digits)
{
    guint8 bytes[LINE_BYTES];
    gsize n = 0;
    if (!read_hex(digits, bytes, sizeof bytes, &n) ||
        export->box->len + n > LIMIT_KEY_FILE_BYTES + BOX_OVERHEAD_BYTES)
        return FALSE;
    g_byte_array_append(export->box, bytes, (guint)n);
    return TRUE;
}

/* One line behind the first; *next is the part that is awaited: 0 argon2id, 1 salt, 2 box (one or
 * more). */
static gboolean read_export_line(Export *export, guint *next, const char *line)
{
    gsize n = 0;
    if (*next == 0 && g_str_has_prefix(line, "argon2id "))
        return (*next)++ == 0 && read_cost(export, line + strlen("argon2id "));
    if (*next == 1 && g_str_has_prefix(line, "salt "))
        return (*next)++ == 1 &&
               read_hex(line + strlen("salt "), export->salt, sizeof export->salt, &n) &&
               n == sizeof export->salt;
    return *next == 2 && g_str_has_prefix(line, "box ") && read_box(export, line + strlen("box "));
}

static gboolean read_export(Export *export, const char *text, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint next = 0;
    gboolean has_first = FALSE;
    for (guint i = 0; lines[i] != NULL; i++) {
        const char *line = g_strstrip(lines[i]);
        if (*line == '\0' || *line == '#')
            continue;
        if (!has_first && strcmp(line, FIRST_LINE) == 0) {
            has_first = TRUE;
        } else if (!has_first || !read_export_line(export, &next, line)) {
            g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
                has_first ? "line %u of the exported keys is damaged"
                          : "this is no file of exported keys (line %u)",
                i + 1);
            return FALSE;
        }
    }
    if (export->box->len > BOX_OVERHEAD_BYTES)
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, "the file of exported keys is cut short");
    return FALSE;
}

static Keyring *open_box(const Export *export, const Secret *passphrase, GError **error)
{
    guint8 *key = stretch_or_say(export, passphrase, error);
    if (key == NULL)
        return NULL;
    gsize n = export->box->len - BOX_OVERHEAD_BYTES;
    char *plain = sodium_malloc(n);
    if (plain == NULL)
        g_error("out of memory for keys");
    g_autoptr(GByteArray) aad = aad_of(export);
    Keyring *ring = NULL;
    if (!box_open(key, aad, export->box->data, export->box->len, plain))
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET,
            "the exported keys do not open: the passphrase is wrong, or the file is damaged");
    else
        ring = keyring_parse(plain, n, error);
    sodium_free(plain);
    sodium_free(key);
    return ring;
}

Keyring *key_export_open(const char *text, gsize n, const Secret *passphrase, GError **error)
{
    if (n > LIMIT_KEY_EXPORT_BYTES || memchr(text, '\0', n) != NULL) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, "this is no file of exported keys");
        return NULL;
    }
    g_autofree char *copy = g_strndup(text, n);
    g_auto(Export) export = {.box = g_byte_array_new()};
    return read_export(&export, copy, error) ? open_box(&export, passphrase, error) : NULL;
}
