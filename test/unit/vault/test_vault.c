#include "base/error.h"
#include "base/limits.h"
#include "vault/keyring.h"
#include "vault/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>

static const guint8 instance[VAULT_INSTANCE_BYTES] = "this is instance";

/* A key file in a folder of its own, and a vault on it. */
typedef struct {
    char *dir, *path;
    Vault *vault;
} Home;

static Vault *open_vault(const char *path)
{
    GError *error = NULL;
    Vault *vault = vault_open(path, TRUE, &error);
    assert_null(error);
    assert_non_null(vault);
    vault_set_instance(vault, instance);
    return vault;
}

/* Lent until the fourth call from here. */
static const guint8 *active_id(Vault *vault)
{
    static guint8 ids[4][VAULT_KEK_ID_BYTES];
    static guint next = 0;
    next = (next + 1) % G_N_ELEMENTS(ids);
    vault_kek_id(vault, ids[next]);
    return ids[next];
}

static int make_home(void **state)
{
    Home *home = g_new0(Home, 1);
    home->dir = g_dir_make_tmp("absender-vault-XXXXXX", NULL);
    home->path = g_build_filename(home->dir, "key", NULL);
    home->vault = open_vault(home->path);
    *state = home;
    return 0;
}

static int remove_home(void **state)
{
    Home *home = *state;
    vault_free(home->vault);
    g_unlink(home->path);
    g_rmdir(home->dir);
    g_free(home->path);
    g_free(home->dir);
    g_free(home);
    return 0;
}

/* What an SMTP password is bound to, as fields that a test can change one by one. */
typedef struct {
    const char *purpose;
    guint64 org;
    const char *host;
    guint64 port;
    const char *security, *username;
} Place;

#define PLACE "smtp-password", 1, "smtp.example.de", 587, "starttls", "anna@example.de"
static const Place place = {PLACE};

static VaultBinding *bind(const Place *at)
{
    VaultBinding *binding = vault_binding_new(at->purpose);
    vault_binding_add_number(binding, at->org);
    vault_binding_add_text(binding, at->host);
    vault_binding_add_number(binding, at->port);
    vault_binding_add_text(binding, at->security);
    vault_binding_add_text(binding, at->username);
    return binding;
}

static GBytes *seal_text(Vault *vault, const VaultBinding *binding, const char *text)
{
    g_autoptr(Secret) secret = secret_new(text, strlen(text));
    return vault_seal(vault, binding, secret);
}

static void assert_opens(
    Vault *vault, const VaultBinding *binding, GBytes *sealed, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) opened = vault_unseal(vault, binding, sealed, &error);
    g_autoptr(Secret) expected = secret_new(text, strlen(text));
    assert_null(error);
    assert_true(secret_equal(opened, expected));
}

static void assert_shut(const char *name, Vault *vault, const VaultBinding *binding, GBytes *sealed)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) opened = vault_unseal(vault, binding, sealed, &error);
    if (opened != NULL)
        fail_msg("%s: it opened", name);
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_SECRET));
}

static void secrets_of_every_length_come_back(void **state)
{
    Home *home = *state;
    static const gsize lengths[] = {0, 1, 16, 254, 255, 256, 257, 1024, LIMIT_SEALED_BYTES};
    g_autoptr(VaultBinding) binding = bind(&place);
    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *bytes = g_malloc(lengths[i] + 1);
        memset(bytes, i % 2 == 0 ? 0x80 : 0, lengths[i]); /* bytes that look like padding */
        g_autoptr(Secret) secret = secret_new(bytes, lengths[i]);
        g_autoptr(GBytes) sealed = vault_seal(home->vault, binding, secret);
        g_autoptr(Secret) opened = vault_unseal(home->vault, binding, sealed, NULL);
        assert_true(secret_equal(opened, secret));
    }
}

static void a_blob_holds_neither_the_secret_nor_repeats_itself(void **state)
{
    Home *home = *state;
    g_autoptr(VaultBinding) binding = bind(&place);
    g_autoptr(GBytes) a = seal_text(home->vault, binding, "canary-canary-canary");
    g_autoptr(GBytes) b = seal_text(home->vault, binding, "canary-canary-canary");
    gsize n;
    const char *bytes = g_bytes_get_data(a, &n);
    assert_null(g_strstr_len(bytes, (gssize)n, "canary"));
    assert_memory_equal(bytes, "AE\2\1", 4);
    assert_memory_equal(bytes + 4, active_id(home->vault), VAULT_KEK_ID_BYTES);
    /* Behind the header everything is random: nonces, wrapped key, ciphertext. */
    const char *other = g_bytes_get_data(b, NULL);
    assert_memory_not_equal(bytes + 20, other + 20, 24);
    assert_memory_not_equal(bytes + 44, other + 44, 48);
    assert_memory_not_equal(bytes + 116, other + 116, 256);
}

static void the_length_of_a_secret_does_not_show(void **state)
{
    Home *home = *state;
    g_autoptr(VaultBinding) binding = bind(&place);
    g_autoptr(GBytes) empty = seal_text(home->vault, binding, "");
    for (gsize n = 1; n < 256; n++) {
        g_autofree char *text = g_strnfill(n, 'x');
        g_autoptr(GBytes) sealed = seal_text(home->vault, binding, text);
        assert_int_equal(g_bytes_get_size(sealed), g_bytes_get_size(empty));
    }
    g_autofree char *text = g_strnfill(256, 'x');
    g_autoptr(GBytes) sealed = seal_text(home->vault, binding, text);
    assert_int_equal(g_bytes_get_size(sealed), g_bytes_get_size(empty) + 256);
}

static void a_changed_binding_does_not_open(void **state)
{
    Home *home = *state;
    static const struct {
        const char *name;
        Place at;
    } rows[] = {
        {"purpose", {"smtp-token", 1, "smtp.example.de", 587, "starttls", "anna@example.de"}},
        {"org", {"smtp-password", 2, "smtp.example.de", 587, "starttls", "anna@example.de"}},
        {"org, high bits", {"smtp-password", G_GUINT64_CONSTANT(1) << 32 | 1, "smtp.example.de",
                               587, "starttls", "anna@example.de"}},
        {"host", {"smtp-password", 1, "smtp.example.dE", 587, "starttls", "anna@example.de"}},
        {"host, shorter",
            {"smtp-password", 1, "smtp.example.d", 587, "starttls", "anna@example.de"}},
        {"no host", {"smtp-password", 1, NULL, 587, "starttls", "anna@example.de"}},
        {"port", {"smtp-password", 1, "smtp.example.de", 465, "starttls", "anna@example.de"}},
        {"security", {"smtp-password", 1, "smtp.example.de", 587, "implicit", "anna@example.de"}},
        {"user", {"smtp-password", 1, "smtp.example.de", 587, "starttls", "bob@example.de"}},
        {"empty user", {"smtp-password", 1, "smtp.example.de", 587, "starttls", ""}},
        {"no user", {"smtp-password", 1, "smtp.example.de", 587, "starttls", NULL}},
        {"a letter moved to the next field",
            {"smtp-password", 1, "smtp.example.de", 587, "starttlsa", "nna@example.de"}},
    };
    g_autoptr(VaultBinding) binding = bind(&place);
    g_autoptr(GBytes) sealed = seal_text(home->vault, binding, "hunter2");
    assert_opens(home->vault, binding, sealed, "hunter2");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(VaultBinding) other = bind(&rows[i].at);
        assert_shut(rows[i].name, home->vault, other, sealed);
        g_autoptr(GBytes) back = seal_text(home->vault, other, "hunter2");
        assert_shut(rows[i].name, home->vault, binding, back);
    }
}

/* A binding as kinds and values: 't' text, '-' NULL text, 'n' number, 'b' bytes. */
static VaultBinding *bind_fields(const char *kinds, const char *const *values)
{
    VaultBinding *binding = vault_binding_new("fields");
    for (gsize i = 0; kinds[i] != '\0'; i++) {
        if (kinds[i] == 't')
            vault_binding_add_text(binding, values[i]);
        else if (kinds[i] == 'n')
            vault_binding_add_number(binding, g_ascii_strtoull(values[i], NULL, 10));
        else if (kinds[i] == 'b')
            vault_binding_add_bytes(binding, values[i], strlen(values[i]));
        else
            vault_binding_add_text(binding, NULL);
    }
    return binding;
}

static void no_two_lists_of_fields_are_alike(void **state)
{
    Home *home = *state;
    static const struct {
        const char *kinds;
        const char *values[3];
    } rows[] = {
        {"tt", {"ab", "c"}},
        {"tt", {"a", "bc"}},
        {"tt", {"", "abc"}},
        {"tt", {"abc", ""}},
        {"t-", {"abc", NULL}},
        {"-t", {NULL, "abc"}},
        {"t", {"abc"}},
        {"b", {"abc"}},
        {"ttt", {"a", "b", "c"}},
        {"ttt", {"abc", "", ""}},
        {"t", {"aTb"}}, /* looks like two fields to who forgets the lengths */
        {"tt", {"a", "b"}},
        {"", {NULL}},
        {"-", {NULL}},
        {"t", {""}},
        {"b", {""}},
        {"n", {"0"}},
        {"n", {"49"}},
        {"t", {"1"}},
        {"b", {"1"}},
        {"nn", {"0", "49"}},
    };
    GBytes *sealed[G_N_ELEMENTS(rows)];
    VaultBinding *bindings[G_N_ELEMENTS(rows)];
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        bindings[i] = bind_fields(rows[i].kinds, rows[i].values);
        sealed[i] = seal_text(home->vault, bindings[i], "x");
    }
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (gsize j = 0; j < G_N_ELEMENTS(rows); j++) {
            if (i == j)
                assert_opens(home->vault, bindings[j], sealed[i], "x");
            else
                assert_shut(rows[i].kinds, home->vault, bindings[j], sealed[i]);
        }
    }
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        vault_binding_free(bindings[i]);
        g_bytes_unref(sealed[i]);
    }
}

static void a_binding_that_is_too_long_does_not_open(void **state)
{
    Home *home = *state;
    g_autoptr(VaultBinding) binding = bind(&place);
    g_autoptr(GBytes) sealed = seal_text(home->vault, binding, "hunter2");
    g_autofree char *text = g_strnfill(LIMIT_BINDING_BYTES, 'x');
    vault_binding_add_text(binding, text);
    assert_shut("too long", home->vault, binding, sealed);
}

static void another_instance_does_not_open(void **state)
{
    Home *home = *state;
    g_autoptr(VaultBinding) binding = bind(&place);
    g_autoptr(GBytes) sealed = seal_text(home->vault, binding, "hunter2");
    g_autoptr(Vault) other = vault_open(home->path, FALSE, NULL);
    guint8 elsewhere[VAULT_INSTANCE_BYTES];
    memcpy(elsewhere, instance, sizeof elsewhere);
    elsewhere[VAULT_INSTANCE_BYTES - 1] ^= 1;
    vault_set_instance(other, elsewhere);
    assert_shut("instance", other, binding, sealed);
    g_autoptr(Vault) same = open_vault(home->path);
    assert_opens(same, binding, sealed, "hunter2");
}

/* --- Damage: every kind of blob, opened by its own function ----------------------------------- */

typedef struct {
    Vault *vault;
    const VaultBinding *binding;
    const VaultKey *key;
} Opener;

static gboolean open_value(const Opener *opener, GBytes *blob, GError **error)
{
    g_autoptr(Secret) opened = vault_unseal(opener->vault, opener->binding, blob, error);
    return opened != NULL;
}

static gboolean open_key(const Opener *opener, GBytes *blob, GError **error)
{
    g_autoptr(VaultKey) opened = vault_key_unwrap(opener->vault, opener->binding, blob, error);
    return opened != NULL;
}

static gboolean open_body(const Opener *opener, GBytes *blob, GError **error)
{
    g_autoptr(GBytes) opened = vault_key_unseal(opener->key, opener->binding, blob, error);
    return opened != NULL;
}

static gboolean open_check(const Opener *opener, GBytes *blob, GError **error)
{
    return vault_check_verify(opener->vault, blob, error);
}

enum { VALUE, KEY, BODY, CHECK, N_KINDS };
static const struct {
    const char *name;
    gboolean (*open)(const Opener *opener, GBytes *blob, GError **error);
} kinds[N_KINDS] = {
    [VALUE] = {"value", open_value},
    [KEY] = {"key", open_key},
    [BODY] = {"body", open_body},
    [CHECK] = {"check", open_check},
};

static void make_blobs(const Opener *opener, GBytes *blobs[N_KINDS])
{
    blobs[VALUE] = seal_text(opener->vault, opener->binding, "hunter2");
    blobs[KEY] = vault_key_wrap(opener->vault, opener->binding, opener->key);
    blobs[BODY] = vault_key_seal(opener->key, opener->binding, "Hello", 5);
    blobs[CHECK] = vault_check_make(opener->vault, active_id(opener->vault));
}

static void assert_blob_shut(const Opener *opener, int kind, const guint8 *bytes, gsize n)
{
    g_autoptr(GBytes) blob = g_bytes_new(bytes, n);
    g_autoptr(GError) error = NULL;
    if (kinds[kind].open(opener, blob, &error))
        fail_msg("a damaged %s opened", kinds[kind].name);
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_SECRET));
}

static void damage(const Opener *opener, int kind, GBytes *blob)
{
    gsize n;
    const guint8 *intact = g_bytes_get_data(blob, &n);
    g_autofree guint8 *bytes = g_malloc0(n + 256);
    memcpy(bytes, intact, n);
    for (gsize bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (guint8)(1u << bit % 8);
        assert_blob_shut(opener, kind, bytes, n);
        bytes[bit / 8] ^= (guint8)(1u << bit % 8);
    }
    for (gsize shorter = 0; shorter < n; shorter++)
        assert_blob_shut(opener, kind, bytes, shorter);
    assert_blob_shut(opener, kind, bytes, n + 1);
    assert_blob_shut(opener, kind, bytes, n + 256);
    g_autoptr(GError) error = NULL;
    assert_true(kinds[kind].open(opener, blob, &error));
}

static void a_flipped_bit_or_a_cut_does_not_open(void **state)
{
    Home *home = *state;
    g_autoptr(VaultBinding) binding = bind(&place);
    g_autoptr(VaultKey) key = vault_key_new();
    Opener opener = {home->vault, binding, key};
    GBytes *blobs[N_KINDS];
    make_blobs(&opener, blobs);
    for (int kind = 0; kind < N_KINDS; kind++) {
        damage(&opener, kind, blobs[kind]);
        g_bytes_unref(blobs[kind]);
    }
}

static void no_blob_passes_for_another_kind(void **state)
{
    Home *home = *state;
    g_autoptr(VaultBinding) binding = bind(&place);
    g_autoptr(VaultKey) key = vault_key_new();
    Opener opener = {home->vault, binding, key};
    GBytes *blobs[N_KINDS];
    make_blobs(&opener, blobs);
    for (int kind = 0; kind < N_KINDS; kind++) {
        for (int opened_as = 0; opened_as < N_KINDS; opened_as++) {
            g_autoptr(GBytes) relabelled = NULL;
            gsize n;
            g_autofree guint8 *bytes =
                g_memdup2(g_bytes_get_data(blobs[kind], NULL), g_bytes_get_size(blobs[kind]));
            n = g_bytes_get_size(blobs[kind]);
            memcpy(bytes, g_bytes_get_data(blobs[opened_as], NULL), 4);
            relabelled = g_bytes_new(bytes, n);
            g_autoptr(GError) as_is = NULL, renamed = NULL;
            assert_int_equal(
                kinds[opened_as].open(&opener, blobs[kind], &as_is), kind == opened_as);
            assert_int_equal(
                kinds[opened_as].open(&opener, relabelled, &renamed), kind == opened_as);
        }
    }
    for (int kind = 0; kind < N_KINDS; kind++)
        g_bytes_unref(blobs[kind]);
}

static void a_newer_format_is_named(void **state)
{
    Home *home = *state;
    g_autoptr(VaultBinding) binding = bind(&place);
    g_autoptr(GBytes) sealed = seal_text(home->vault, binding, "hunter2");
    gsize n = g_bytes_get_size(sealed);
    guint8 *bytes = g_memdup2(g_bytes_get_data(sealed, NULL), n);
    bytes[2] = 3;
    g_autoptr(GBytes) newer = g_bytes_new_take(bytes, n);
    g_autoptr(GError) error = NULL;
    assert_null(vault_unseal(home->vault, binding, newer, &error));
    assert_string_equal(
        error->message, "the sealed value has format 3.1, which this program does not know");
}

/* --- Keys ------------------------------------------------------------------------------------- */

static void write_ring(const char *path, const Keyring *ring)
{
    g_autoptr(Secret) text = keyring_format(ring);
    gsize n;
    const char *bytes = secret_reveal(text, &n);
    assert_true(
        g_file_set_contents_full(path, bytes, (gssize)n, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static Vault *vault_on(const Home *home, const Keyring *ring)
{
    write_ring(home->path, ring);
    return open_vault(home->path);
}

static void an_unknown_key_id_is_named(void **state)
{
    Home *home = *state;
    g_autoptr(VaultBinding) binding = bind(&place);
    g_autoptr(GBytes) sealed = seal_text(home->vault, binding, "hunter2");
    g_autoptr(GBytes) check = vault_check_make(home->vault, active_id(home->vault));
    g_autoptr(Keyring) ring = keyring_generate();
    g_autoptr(Vault) other = vault_on(home, ring);
    g_autofree char *needed = keyring_id_dup(active_id(home->vault));
    g_autofree char *there = keyring_id_dup(active_id(other));
    g_autofree char *expected =
        g_strdup_printf("key %s is needed, but the key file holds %s", needed, there);
    g_autoptr(GError) error = NULL, check_error = NULL;
    assert_null(vault_unseal(other, binding, sealed, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_SECRET));
    assert_string_equal(error->message, expected);
    assert_false(vault_check_verify(other, check, &check_error));
    assert_string_equal(check_error->message, expected);
}

static void another_key_under_the_same_id_does_not_open(void **state)
{
    Home *home = *state;
    g_autoptr(VaultBinding) binding = bind(&place);
    g_autoptr(GBytes) sealed = seal_text(home->vault, binding, "hunter2");
    g_autoptr(GBytes) check = vault_check_make(home->vault, active_id(home->vault));
    g_autoptr(Keyring) ring = keyring_generate();
    memcpy(g_array_index(ring->keys, KeyringKey, 0).id, active_id(home->vault), VAULT_KEK_ID_BYTES);
    g_autoptr(Vault) other = vault_on(home, ring);
    assert_shut("same id", other, binding, sealed);
    g_autoptr(GError) error = NULL;
    assert_false(vault_check_verify(other, check, &error));
    g_autofree char *id = keyring_id_dup(active_id(other));
    assert_non_null(strstr(error->message, id));
}

static void the_check_record_knows_its_key(void **state)
{
    Home *home = *state;
    g_autoptr(GBytes) check = vault_check_make(home->vault, active_id(home->vault));
    g_autoptr(Vault) again = vault_open(home->path, FALSE, NULL); /* needs no instance */
    g_autoptr(GError) error = NULL;
    assert_true(vault_check_verify(again, check, &error));
    assert_null(error);
}

static void old_keys_open_and_the_first_seals(void **state)
{
    Home *home = *state;
    g_autoptr(Keyring) ring = keyring_generate();
    g_autoptr(Vault) before = vault_on(home, ring);
    g_autoptr(VaultBinding) binding = bind(&place);
    g_autoptr(GBytes) old = seal_text(before, binding, "old");

    g_autoptr(Keyring) newer = keyring_generate();
    KeyringKey first = g_array_index(newer->keys, KeyringKey, 0);
    first.kek = secret_copy(first.kek);
    g_array_prepend_val(ring->keys, first);
    g_autoptr(Vault) after = vault_on(home, ring);
    assert_memory_equal(active_id(after), first.id, VAULT_KEK_ID_BYTES);
    assert_opens(after, binding, old, "old");
    g_autoptr(GBytes) fresh = seal_text(after, binding, "new");
    assert_opens(after, binding, fresh, "new");
    assert_shut("old key", before, binding, fresh);
}

static void day_keys_seal_what_only_they_open(void **state)
{
    Home *home = *state;
    g_autoptr(VaultBinding) day = bind(&place), mail = vault_binding_new("body");
    g_autoptr(VaultBinding) other_mail = vault_binding_new("body");
    vault_binding_add_number(mail, 1);
    vault_binding_add_number(other_mail, 2);
    g_autoptr(VaultKey) key = vault_key_new(), other = vault_key_new();
    g_autoptr(GBytes) wrapped = vault_key_wrap(home->vault, day, key);
    g_autoptr(GBytes) sealed = vault_key_seal(key, mail, "Hello", 5);
    g_autoptr(GBytes) empty = vault_key_seal(key, mail, NULL, 0);
    assert_int_equal(g_bytes_get_size(wrapped), 92);
    assert_int_equal(g_bytes_get_size(sealed), 44 + 5);

    g_autoptr(VaultKey) unwrapped = vault_key_unwrap(home->vault, day, wrapped, NULL);
    g_autoptr(GBytes) opened = vault_key_unseal(unwrapped, mail, sealed, NULL);
    g_autoptr(GBytes) opened_empty = vault_key_unseal(unwrapped, mail, empty, NULL);
    assert_memory_equal(g_bytes_get_data(opened, NULL), "Hello", 5);
    assert_int_equal(g_bytes_get_size(opened), 5);
    assert_int_equal(g_bytes_get_size(opened_empty), 0);

    g_autoptr(GError) wrong_day = NULL, wrong_mail = NULL, wrong_key = NULL;
    assert_null(vault_key_unwrap(home->vault, mail, wrapped, &wrong_day));
    assert_null(vault_key_unseal(key, other_mail, sealed, &wrong_mail));
    assert_null(vault_key_unseal(other, mail, sealed, &wrong_key));
    assert_true(g_error_matches(wrong_day, ABS_ERROR, ABS_ERROR_SECRET));
    assert_true(g_error_matches(wrong_mail, ABS_ERROR, ABS_ERROR_SECRET));
    assert_true(g_error_matches(wrong_key, ABS_ERROR, ABS_ERROR_SECRET));
}

static void fingerprints_compare_within_one_key_and_purpose(void **state)
{
    Home *home = *state;
    g_autoptr(Secret) secret = secret_new("hunter2", 7), same = secret_new("hunter2", 7);
    g_autoptr(Secret) shorter = secret_new("unter2", 6);
    g_autoptr(Vault) again = open_vault(home->path);
    g_autoptr(Keyring) ring = keyring_generate();
    g_autoptr(Vault) other = vault_on(home, ring);
    guint8 a[VAULT_FINGERPRINT_BYTES], b[VAULT_FINGERPRINT_BYTES];
    vault_fingerprint(home->vault, "login", secret, a);
    vault_fingerprint(again, "login", same, b);
    assert_memory_equal(a, b, sizeof a);
    vault_fingerprint(home->vault, "logi", secret, b);
    assert_memory_not_equal(a, b, sizeof a);
    vault_fingerprint(home->vault, "loginh", shorter, b);
    assert_memory_not_equal(a, b, sizeof a);
    vault_fingerprint(home->vault, "login", shorter, b);
    assert_memory_not_equal(a, b, sizeof a);
    vault_fingerprint(other, "login", secret, b);
    assert_memory_not_equal(a, b, sizeof a);
}

static gpointer seal_and_open_many(gpointer data)
{
    Vault *vault = data;
    for (guint64 i = 0; i < 300; i++) {
        Place at = {PLACE};
        at.org = i;
        g_autoptr(VaultBinding) binding = bind(&at);
        g_autoptr(GBytes) sealed = seal_text(vault, binding, "hunter2");
        g_autoptr(Secret) opened = vault_unseal(vault, binding, sealed, NULL);
        g_autoptr(Secret) expected = secret_new("hunter2", 7);
        guint8 fingerprint[VAULT_FINGERPRINT_BYTES];
        vault_fingerprint(vault, "login", expected, fingerprint);
        if (!secret_equal(opened, expected))
            return GINT_TO_POINTER(FALSE);
    }
    return GINT_TO_POINTER(TRUE);
}

static void four_threads_share_a_vault(void **state)
{
    Home *home = *state;
    GThread *threads[4];
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("vault", seal_and_open_many, home->vault);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        assert_true(GPOINTER_TO_INT(g_thread_join(threads[i])));
}

#define AT_HOME(test) cmocka_unit_test_setup_teardown(test, make_home, remove_home)

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        AT_HOME(secrets_of_every_length_come_back),
        AT_HOME(a_blob_holds_neither_the_secret_nor_repeats_itself),
        AT_HOME(the_length_of_a_secret_does_not_show),
        AT_HOME(a_changed_binding_does_not_open),
        AT_HOME(no_two_lists_of_fields_are_alike),
        AT_HOME(a_binding_that_is_too_long_does_not_open),
        AT_HOME(another_instance_does_not_open),
        AT_HOME(a_flipped_bit_or_a_cut_does_not_open),
        AT_HOME(no_blob_passes_for_another_kind),
        AT_HOME(a_newer_format_is_named),
        AT_HOME(an_unknown_key_id_is_named),
        AT_HOME(another_key_under_the_same_id_does_not_open),
        AT_HOME(the_check_record_knows_its_key),
        AT_HOME(old_keys_open_and_the_first_seals),
        AT_HOME(day_keys_seal_what_only_they_open),
        AT_HOME(fingerprints_compare_within_one_key_and_purpose),
        AT_HOME(four_threads_share_a_vault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
