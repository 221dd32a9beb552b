#include "vault/keyring.h"

#include "base/error.h"
#include "base/limits.h"
#include "vault/box.h"

#include <sodium.h>
#include <string.h>

#define CHECK_BYTES 8
#define MAGIC "absender-key-file "
#define VERSION "1"

static const char preface[] =
    MAGIC VERSION "\n"
                  "# The key of this Absender installation (doc/vault.md). Without it, stored\n"
                  "# passwords and waiting mail cannot be read. Keep a copy offline, never beside\n"
                  "# a backup of the database.\n";

/* One key as it stands in the file. Lives in guarded memory only. */
typedef struct {
    guint8 id[VAULT_KEK_ID_BYTES];
    guint8 kek[BOX_KEY_BYTES];
    guint8 check[CHECK_BYTES];
} Stanza;

/* The lines of a stanza, in this order. */
static const struct {
    const char *word;
    gsize offset, n;
} parts[] = {
    {"id", G_STRUCT_OFFSET(Stanza, id), VAULT_KEK_ID_BYTES},
    {"key", G_STRUCT_OFFSET(Stanza, kek), BOX_KEY_BYTES},
    {"check", G_STRUCT_OFFSET(Stanza, check), CHECK_BYTES},
};

/* Room for one stanza as text: words, spaces, line ends, hex digits. */
#define STANZA_TEXT_BYTES 160
G_STATIC_ASSERT(sizeof "id \nkey \ncheck \n" + 2 * sizeof(Stanza) <= STANZA_TEXT_BYTES);
G_STATIC_ASSERT(sizeof preface + LIMIT_KEYS * STANZA_TEXT_BYTES <= LIMIT_KEY_FILE_BYTES);

static void *guarded_alloc(gsize n)
{
    void *memory = sodium_malloc(n);
    if (memory == NULL)
        g_error("out of memory for a key");
    return memory;
}

/* Tells a slip of the copying hand from a wrong key. It guards against accidents, not against
 * people: who can write the file can also write the checksum. */
static void stanza_checksum(const Stanza *stanza, guint8 check[CHECK_BYTES])
{
    guint8 hash[crypto_generichash_BYTES];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    crypto_generichash_update(&state, (const guint8 *)MAGIC, strlen(MAGIC));
    crypto_generichash_update(&state, stanza->id, sizeof stanza->id);
    crypto_generichash_update(&state, stanza->kek, sizeof stanza->kek);
    crypto_generichash_final(&state, hash, sizeof hash);
    memcpy(check, hash, CHECK_BYTES);
    sodium_memzero(&state, sizeof state);
}

static void clear_key(gpointer data)
{
    secret_free(((KeyringKey *)data)->kek);
}

Keyring *keyring_new(void)
{
    Keyring *ring = g_new0(Keyring, 1);
    ring->keys = g_array_new(FALSE, FALSE, sizeof(KeyringKey));
    g_array_set_clear_func(ring->keys, clear_key);
    return ring;
}

void keyring_free(Keyring *ring)
{
    if (ring == NULL)
        return;
    g_array_unref(ring->keys);
    g_free(ring);
}

static void keyring_append(Keyring *ring, const Stanza *stanza)
{
    KeyringKey key = {.kek = secret_new(stanza->kek, sizeof stanza->kek)};
    memcpy(key.id, stanza->id, sizeof key.id);
    g_array_append_val(ring->keys, key);
}

Keyring *keyring_generate(void)
{
    Keyring *ring = keyring_new();
    Stanza *stanza = guarded_alloc(sizeof *stanza);
    randombytes_buf(stanza->id, sizeof stanza->id);
    randombytes_buf(stanza->kek, sizeof stanza->kek);
    keyring_append(ring, stanza);
    sodium_free(stanza);
    return ring;
}

const KeyringKey *keyring_active(const Keyring *ring)
{
    return &g_array_index(ring->keys, KeyringKey, 0);
}

const KeyringKey *keyring_find(const Keyring *ring, const guint8 id[VAULT_KEK_ID_BYTES])
{
    for (guint i = 0; i < ring->keys->len; i++) {
        const KeyringKey *key = &g_array_index(ring->keys, KeyringKey, i);
        if (memcmp(key->id, id, VAULT_KEK_ID_BYTES) == 0)
            return key;
    }
    return NULL;
}

char *keyring_id_dup(const guint8 id[VAULT_KEK_ID_BYTES])
{
    char *hex = g_malloc(2 * VAULT_KEK_ID_BYTES + 1);
    return sodium_bin2hex(hex, 2 * VAULT_KEK_ID_BYTES + 1, id, VAULT_KEK_ID_BYTES);
}

char *keyring_ids_dup(const Keyring *ring)
{
    GString *ids = g_string_new(NULL);
    for (guint i = 0; i < ring->keys->len; i++) {
        g_autofree char *id = keyring_id_dup(g_array_index(ring->keys, KeyringKey, i).id);
        g_string_append_printf(ids, "%s%s", i == 0 ? "" : ", ", id);
    }
    return g_string_free(ids, FALSE);
}

/* --- Changing --------------------------------------------------------------------------------- */

void keyring_keep(Keyring *ring, const KeyringKey *key)
{
    KeyringKey copy = {.kek = secret_copy(key->kek)};
    memcpy(copy.id, key->id, sizeof copy.id);
    g_array_append_val(ring->keys, copy);
}

Keyring *keyring_copy(const Keyring *ring)
{
    Keyring *copy = keyring_new();
    for (guint i = 0; i < ring->keys->len; i++)
        keyring_keep(copy, &g_array_index(ring->keys, KeyringKey, i));
    return copy;
}

static gboolean is_same_key(const KeyringKey *a, const KeyringKey *b)
{
    return memcmp(a->id, b->id, sizeof a->id) == 0 && secret_equal(a->kek, b->kek);
}

gboolean keyring_equal(const Keyring *a, const Keyring *b)
{
    gboolean equal = a->keys->len == b->keys->len;
    for (guint i = 0; equal && i < a->keys->len; i++)
        equal = is_same_key(
            &g_array_index(a->keys, KeyringKey, i), &g_array_index(b->keys, KeyringKey, i));
    return equal;
}

static gboolean has_room(const Keyring *ring, GError **error)
{
    if (ring->keys->len < LIMIT_KEYS)
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_LIMIT,
        "the key file has %d keys, and more are not allowed: retire one first", LIMIT_KEYS);
    return FALSE;
}

const KeyringKey *keyring_add(Keyring *ring, GError **error)
{
    if (!has_room(ring, error))
        return NULL;
    g_autoptr(Keyring) fresh = keyring_generate();
    keyring_keep(ring, keyring_active(fresh));
    return &g_array_index(ring->keys, KeyringKey, ring->keys->len - 1);
}

gboolean keyring_activate(Keyring *ring, const guint8 id[VAULT_KEK_ID_BYTES])
{
    const KeyringKey *found = keyring_find(ring, id);
    if (found == NULL)
        return FALSE;
    g_autoptr(Keyring) former = keyring_copy(ring);
    const KeyringKey *first = keyring_find(former, id);
    g_array_set_size(ring->keys, 0);
    keyring_keep(ring, first);
    for (guint i = 0; i < former->keys->len; i++) {
        const KeyringKey *key = &g_array_index(former->keys, KeyringKey, i);
        if (key != first)
            keyring_keep(ring, key);
    }
    return TRUE;
}

gboolean keyring_remove(Keyring *ring, const guint8 id[VAULT_KEK_ID_BYTES])
{
    const KeyringKey *found = keyring_find(ring, id);
    if (found == NULL || ring->keys->len == 1)
        return FALSE;
    g_array_remove_index(ring->keys, (guint)(found - keyring_active(ring)));
    return TRUE;
}

gboolean keyring_merge(Keyring *ring, const Keyring *more, GError **error)
{
    for (guint i = 0; i < more->keys->len; i++) {
        const KeyringKey *key = &g_array_index(more->keys, KeyringKey, i);
        const KeyringKey *known = keyring_find(ring, key->id);
        if (known != NULL && !is_same_key(known, key)) {
            g_autofree char *id = keyring_id_dup(key->id);
            g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT,
                "key %s is another one here than in the key file", id);
            return FALSE;
        }
        if (known == NULL && !has_room(ring, error))
            return FALSE;
        if (known == NULL)
            keyring_keep(ring, key);
    }
    return TRUE;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static char *write_stanza(char *at, const Stanza *stanza)
{
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        const guint8 *bytes = (const guint8 *)stanza + parts[i].offset;
        at = g_stpcpy(at, parts[i].word);
        *at++ = ' ';
        sodium_bin2hex(at, 2 * parts[i].n + 1, bytes, parts[i].n);
        at += 2 * parts[i].n;
        *at++ = '\n';
    }
    *at = '\0';
    return at;
}

Secret *keyring_format(const Keyring *ring)
{
    char *text = guarded_alloc(LIMIT_KEY_FILE_BYTES);
    Stanza *stanza = guarded_alloc(sizeof *stanza);
    char *end = g_stpcpy(text, preface);
    for (guint i = 0; i < ring->keys->len; i++) {
        const KeyringKey *key = &g_array_index(ring->keys, KeyringKey, i);
        memcpy(stanza->id, key->id, sizeof stanza->id);
        memcpy(stanza->kek, secret_reveal(key->kek, NULL), sizeof stanza->kek);
        stanza_checksum(stanza, stanza->check);
        end = write_stanza(end, stanza);
    }
    Secret *formatted = secret_new(text, (gsize)(end - text));
    sodium_free(stanza);
    sodium_free(text);
    return formatted;
}

/* --- Reading ---------------------------------------------------------------------------------- */

typedef struct {
    Keyring *ring;
    Stanza *stanza;   /* being filled */
    gsize next_part;  /* index into `parts` of the line that is awaited */
    guint line;       /* counted from 1 */
    gboolean started; /* the first line was right */
} KeyReader;

static gboolean is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r'; /* CR: the file went through a Windows editor */
}

static gboolean starts_with(const char *text, gsize n, const char *prefix)
{
    return n >= strlen(prefix) && memcmp(text, prefix, strlen(prefix)) == 0;
}

static gboolean read_first_line(KeyReader *reader, const char *line, gsize n, GError **error)
{
    reader->started = starts_with(line, n, MAGIC);
    if (!reader->started)
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET,
            "is not a key file: its first line must be \"" MAGIC VERSION "\"");
    else if (n != strlen(MAGIC VERSION) || !starts_with(line, n, MAGIC VERSION)) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET,
            "has a format version that this program does not know (it reads version " VERSION ")");
        return FALSE;
    }
    return reader->started;
}

static gboolean finish_stanza(KeyReader *reader, GError **error)
{
    guint8 check[CHECK_BYTES];
    stanza_checksum(reader->stanza, check);
    if (sodium_memcmp(check, reader->stanza->check, CHECK_BYTES) != 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET,
            "has a damaged key: the checksum in line %u does not match", reader->line);
        return FALSE;
    }
    if (reader->ring->keys->len == LIMIT_KEYS) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET, "has more than %d keys", LIMIT_KEYS);
        return FALSE;
    }
    if (keyring_find(reader->ring, reader->stanza->id) != NULL) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET, "has two keys with the id of line %u",
            reader->line - 2);
        return FALSE;
    }
    keyring_append(reader->ring, reader->stanza);
    reader->next_part = 0;
    return TRUE;
}

static gboolean read_part(KeyReader *reader, const char *line, gsize n, GError **error)
{
    const char *word = parts[reader->next_part].word;
    gsize n_word = strlen(word), n_bytes = parts[reader->next_part].n, n_read = 0;
    if (!starts_with(line, n, word) || n == n_word || !is_blank(line[n_word])) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET,
            "is damaged: line %u should begin with \"%s\"", reader->line, word);
        return FALSE;
    }
    while (n_word < n && is_blank(line[n_word]))
        n_word++;
    guint8 *to = (guint8 *)reader->stanza + parts[reader->next_part].offset;
    if (n - n_word != 2 * n_bytes ||
        sodium_hex2bin(to, n_bytes, line + n_word, n - n_word, NULL, &n_read, NULL) != 0 ||
        n_read != n_bytes) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET,
            "is damaged: line %u should have %" G_GSIZE_FORMAT " hex digits", reader->line,
            2 * n_bytes);
        return FALSE;
    }
    reader->next_part++;
    return reader->next_part < G_N_ELEMENTS(parts) || finish_stanza(reader, error);
}

/* line without its line end; blanks around it do not matter. */
static gboolean read_line(KeyReader *reader, const char *line, gsize n, GError **error)
{
    reader->line++;
    while (n > 0 && is_blank(line[n - 1]))
        n--;
    while (n > 0 && is_blank(*line)) {
        line++;
        n--;
    }
    if (n == 0 || *line == '#')
        return TRUE;
    if (!reader->started)
        return read_first_line(reader, line, n, error);
    return read_part(reader, line, n, error);
}

static gboolean read_lines(KeyReader *reader, const char *text, gsize n, GError **error)
{
    for (const char *end = text + n; text < end;) {
        const char *line_end = memchr(text, '\n', (gsize)(end - text));
        if (line_end == NULL)
            line_end = end;
        if (!read_line(reader, text, (gsize)(line_end - text), error))
            return FALSE;
        text = line_end == end ? end : line_end + 1;
    }
    if (!reader->started) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET, "is empty");
        return FALSE;
    }
    if (reader->next_part != 0 || reader->ring->keys->len == 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_SECRET, "is cut short: its \"%s\" line is missing",
            parts[reader->next_part].word);
        return FALSE;
    }
    return TRUE;
}

Keyring *keyring_parse(const char *text, gsize n, GError **error)
{
    if (n > LIMIT_KEY_FILE_BYTES) {
        g_set_error(
            error, ABS_ERROR, ABS_ERROR_SECRET, "is longer than %d bytes", LIMIT_KEY_FILE_BYTES);
        return NULL;
    }
    g_autoptr(Keyring) ring = keyring_new();
    KeyReader reader = {.ring = ring, .stanza = guarded_alloc(sizeof(Stanza))};
    gboolean ok = read_lines(&reader, text, n, error);
    sodium_free(reader.stanza);
    return ok ? g_steal_pointer(&ring) : NULL;
}
