#include "first_format.h"

#include "base/error.h"
#include "base/limits.h"
#include "vault/keks.h"
#include "vault/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static const guint8 instance[VAULT_INSTANCE_BYTES] = "this is instance";

/* A key file in a folder of its own, and a vault on it. */
typedef struct {
    char *dir, *path;
    Vault *vault;
} Home;

static Vault *open_vault(const char *path, gboolean may_create)
{
    GError *error = NULL;
    Vault *vault = vault_open(path, may_create, &error);
    assert_null(error);
    vault_set_instance(vault, instance);
    return vault;
}

static int make_home(void **state)
{
    Home *home = g_new0(Home, 1);
    home->dir = g_dir_make_tmp("absender-keks-XXXXXX", NULL);
    home->path = g_build_filename(home->dir, "key", NULL);
    home->vault = open_vault(home->path, TRUE);
    *state = home;
    return 0;
}

static int remove_home(void **state)
{
    Home *home = *state;
    vault_free(home->vault);
    g_autoptr(GDir) dir = g_dir_open(home->dir, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *path = g_build_filename(home->dir, name, NULL);
        g_unlink(path);
    }
    g_rmdir(home->dir);
    g_free(home->path);
    g_free(home->dir);
    g_free(home);
    return 0;
}

static VaultBinding *bind(const char *purpose)
{
    VaultBinding *binding = vault_binding_new(purpose);
    vault_binding_add_number(binding, 1);
    return binding;
}

static GBytes *seal(Vault *vault, const char *purpose, const char *text)
{
    g_autoptr(VaultBinding) binding = bind(purpose);
    g_autoptr(Secret) secret = secret_new(text, strlen(text));
    return vault_seal(vault, binding, secret);
}

static gboolean opens(Vault *vault, const char *purpose, GBytes *sealed, const char *text)
{
    g_autoptr(VaultBinding) binding = bind(purpose);
    g_autoptr(Secret) opened = vault_unseal(vault, binding, sealed, NULL);
    g_autoptr(Secret) expected = secret_new(text, strlen(text));
    return opened != NULL && secret_equal(opened, expected);
}

static guint n_keys(Vault *vault)
{
    g_autoptr(GArray) ids = vault_kek_ids(vault);
    return ids->len;
}

static void add(Vault *vault, guint8 id[VAULT_KEK_ID_BYTES])
{
    g_autoptr(GError) error = NULL;
    assert_true(vault_kek_add(vault, id, &error));
    assert_null(error);
}

static void add_and_activate(Vault *vault, guint8 id[VAULT_KEK_ID_BYTES])
{
    g_autoptr(GError) error = NULL;
    add(vault, id);
    assert_true(vault_kek_activate(vault, id, &error));
    assert_null(error);
}

/* --- Rotation ----------------------------------------------------------------------------------
 */

static void a_new_key_is_ready_and_does_not_seal(void **state)
{
    Home *home = *state;
    guint8 before[VAULT_KEK_ID_BYTES], added[VAULT_KEK_ID_BYTES], after[VAULT_KEK_ID_BYTES];
    vault_kek_id(home->vault, before);
    add(home->vault, added);
    vault_kek_id(home->vault, after);
    assert_memory_equal(before, after, sizeof before);
    assert_memory_not_equal(added, before, sizeof before);
    assert_int_equal(n_keys(home->vault), 2);
    struct stat facts;
    assert_int_equal(lstat(home->path, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    assert_int_equal(facts.st_nlink, 1);
}

static void the_whole_rotation_is_in_the_file_after_each_step(void **state)
{
    Home *home = *state;
    guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES], active[VAULT_KEK_ID_BYTES];
    vault_kek_id(home->vault, old);
    g_autoptr(GBytes) sealed = seal(home->vault, "a", "before");
    add_and_activate(home->vault, new);
    g_autoptr(Vault) again = open_vault(home->path, FALSE);
    vault_kek_id(again, active);
    assert_memory_equal(active, new, sizeof new);
    assert_true(opens(again, "a", sealed, "before"));

    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) renewed = vault_rewrap(home->vault, NULL, sealed, &error);
    assert_null(error);
    assert_true(vault_kek_retire(home->vault, old, &error));
    g_autoptr(Vault) last = open_vault(home->path, FALSE);
    assert_int_equal(n_keys(last), 1);
    assert_true(opens(last, "a", renewed, "before"));
    assert_false(opens(last, "a", sealed, "before"));
}

static void what_is_on_its_way_opens_until_the_end_although_its_key_is_retired(void **state)
{
    Home *home = *state;
    guint8 ids[3][VAULT_KEK_ID_BYTES];
    vault_kek_id(home->vault, ids[0]);
    g_autoptr(GBytes) first = seal(home->vault, "a", "first");
    add_and_activate(home->vault, ids[1]);
    g_autoptr(GBytes) second = seal(home->vault, "a", "second");
    add_and_activate(home->vault, ids[2]);
    assert_true(vault_kek_retire(home->vault, ids[0], NULL));
    assert_true(vault_kek_retire(home->vault, ids[1], NULL));
    assert_int_equal(n_keys(home->vault), 1);
    assert_true(opens(home->vault, "a", first, "first"));
    assert_true(opens(home->vault, "a", second, "second"));
}

static void what_cannot_be_done_is_refused_and_changes_nothing(void **state)
{
    Home *home = *state;
    guint8 active[VAULT_KEK_ID_BYTES], unknown[VAULT_KEK_ID_BYTES] = {7}, id[VAULT_KEK_ID_BYTES];
    vault_kek_id(home->vault, active);
    g_autoptr(GError) in_use = NULL, nobody = NULL, no_such = NULL, too_many = NULL;
    assert_false(vault_kek_retire(home->vault, active, &in_use));
    assert_true(g_error_matches(in_use, ABS_ERROR, ABS_ERROR_CONFLICT));
    assert_false(vault_kek_retire(home->vault, unknown, &nobody));
    assert_true(g_error_matches(nobody, ABS_ERROR, ABS_ERROR_NOT_FOUND));
    assert_false(vault_kek_activate(home->vault, unknown, &no_such));
    assert_true(g_error_matches(no_such, ABS_ERROR, ABS_ERROR_NOT_FOUND));
    for (guint i = 1; i < LIMIT_KEYS; i++)
        add(home->vault, id);
    assert_false(vault_kek_add(home->vault, id, &too_many));
    assert_true(g_error_matches(too_many, ABS_ERROR, ABS_ERROR_LIMIT));
    g_autoptr(Vault) again = open_vault(home->path, FALSE);
    assert_int_equal(n_keys(again), LIMIT_KEYS);
    vault_kek_id(again, id);
    assert_memory_equal(id, active, sizeof id);
}

static void a_file_that_somebody_else_changed_is_left_alone(void **state)
{
    Home *home = *state;
    guint8 id[VAULT_KEK_ID_BYTES];
    g_autoptr(Vault) other = open_vault(home->path, FALSE);
    add(other, id);
    g_autoptr(GError) error = NULL;
    assert_false(vault_kek_add(home->vault, id, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_CONFLICT));
    g_autoptr(Vault) again = open_vault(home->path, FALSE);
    assert_int_equal(n_keys(again), 2);
}

static void what_a_killed_change_left_beside_the_file_does_not_matter(void **state)
{
    Home *home = *state;
    g_autofree char *beside = g_strconcat(home->path, ".new", NULL);
    assert_true(g_file_set_contents(beside, "half a ke", -1, NULL));
    guint8 id[VAULT_KEK_ID_BYTES];
    add(home->vault, id);
    assert_int_equal(access(beside, F_OK), -1);
    g_autoptr(Vault) again = open_vault(home->path, FALSE);
    assert_int_equal(n_keys(again), 2);
}

/* --- Values under another key -------------------------------------------------------------------
 */

static void a_value_keeps_its_binding_under_another_key(void **state)
{
    Home *home = *state;
    guint8 id[VAULT_KEK_ID_BYTES];
    g_autoptr(GBytes) sealed = seal(home->vault, "a", "hunter2");
    g_autoptr(GBytes) same = vault_rewrap(home->vault, NULL, sealed, NULL);
    assert_ptr_equal(same, sealed);
    add_and_activate(home->vault, id);
    g_autoptr(GBytes) renewed = vault_rewrap(home->vault, NULL, sealed, NULL);
    assert_memory_equal((const guint8 *)g_bytes_get_data(renewed, NULL) + 4, id, sizeof id);
    assert_true(opens(home->vault, "a", renewed, "hunter2"));
    assert_false(opens(home->vault, "b", renewed, "hunter2"));
}

static void a_wrapping_moved_to_another_value_opens_nothing(void **state)
{
    Home *home = *state;
    enum { HEADER = 20, WRAPPED = 72 };
    g_autoptr(GBytes) mine = seal(home->vault, "a", "mine"),
                      yours = seal(home->vault, "b", "yours");
    gsize n;
    const guint8 *bytes = g_bytes_get_data(yours, &n);
    guint8 *mixed = g_memdup2(bytes, n);
    memcpy(mixed + HEADER, (const guint8 *)g_bytes_get_data(mine, NULL) + HEADER, WRAPPED);
    g_autoptr(GBytes) blob = g_bytes_new_take(mixed, n);
    assert_false(opens(home->vault, "a", blob, "mine"));
    assert_false(opens(home->vault, "b", blob, "yours"));
}

static void a_day_key_needs_its_binding_to_move(void **state)
{
    Home *home = *state;
    guint8 id[VAULT_KEK_ID_BYTES];
    g_autoptr(VaultBinding) day = bind("day-key"), other = bind("another-day");
    g_autoptr(VaultKey) key = vault_key_new();
    g_autoptr(GBytes) wrapped = vault_key_wrap(home->vault, day, key);
    g_autoptr(GBytes) body = vault_key_seal(key, day, "Hello", 5);
    add_and_activate(home->vault, id);
    g_autoptr(GError) error = NULL;
    assert_null(vault_rewrap(home->vault, other, wrapped, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_SECRET));
    g_autoptr(GBytes) renewed = vault_rewrap(home->vault, day, wrapped, NULL);
    g_autoptr(VaultKey) again = vault_key_unwrap(home->vault, day, renewed, NULL);
    g_autoptr(GBytes) opened = vault_key_unseal(again, day, body, NULL);
    assert_memory_equal(g_bytes_get_data(opened, NULL), "Hello", 5);
}

static void values_of_the_first_format_open_and_become_the_second(void **state)
{
    Home *home = *state;
    g_autofree char *path = g_build_filename(home->dir, "old", NULL);
    assert_true(
        g_file_set_contents_full(path, first_format_key, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    g_autoptr(Vault) vault = open_vault(path, FALSE);
    guint8 bytes[512], id[VAULT_KEK_ID_BYTES];
    gsize n;
    assert_int_equal(sodium_hex2bin(bytes, sizeof bytes, first_format_value,
                         strlen(first_format_value), NULL, &n, NULL),
        0);
    g_autoptr(GBytes) old = g_bytes_new(bytes, n);
    g_autoptr(VaultBinding) binding = vault_binding_new("smtp-password");
    vault_binding_add_number(binding, 1);
    vault_binding_add_text(binding, "smtp.example.de");
    vault_binding_add_number(binding, 587);
    vault_binding_add_text(binding, "starttls");
    vault_binding_add_text(binding, "anna@example.de");
    g_autoptr(Secret) expected = secret_new("hunter2", 7);
    g_autoptr(Secret) opened = vault_unseal(vault, binding, old, NULL);
    assert_true(opened != NULL && secret_equal(opened, expected));

    assert_true(vault_rewrap_needs_binding(old));
    add_and_activate(vault, id);
    g_autoptr(GBytes) renewed = vault_rewrap(vault, binding, old, NULL);
    assert_false(vault_rewrap_needs_binding(renewed));
    g_autoptr(Secret) again = vault_unseal(vault, binding, renewed, NULL);
    assert_true(again != NULL && secret_equal(again, expected));
}

static void fingerprints_stay_when_keys_change(void **state)
{
    Home *home = *state;
    guint8 id[VAULT_KEK_ID_BYTES], before[VAULT_FINGERPRINT_BYTES], after[VAULT_FINGERPRINT_BYTES];
    g_autoptr(Secret) secret = secret_new("hunter2", 7);
    for (guint fresh = 0; fresh < 2; fresh++) {
        g_autoptr(GBytes) wrapped = vault_fingerprint_key_make(home->vault, fresh == 1);
        vault_fingerprint(home->vault, "login", secret, before);
        assert_true(vault_fingerprint_key_set(home->vault, wrapped, NULL));
        vault_fingerprint(home->vault, "login", secret, after);
        assert_int_equal(memcmp(before, after, sizeof before) != 0, fresh == 1);
        add_and_activate(home->vault, id);
        g_autoptr(VaultBinding) binding = vault_fingerprint_key_binding();
        g_autoptr(GBytes) renewed = vault_rewrap(home->vault, binding, wrapped, NULL);
        g_autoptr(Vault) again = open_vault(home->path, FALSE);
        assert_true(vault_fingerprint_key_set(again, renewed, NULL));
        vault_fingerprint(again, "login", secret, before);
        assert_memory_equal(before, after, sizeof before);
    }
}

/* --- To another place ---------------------------------------------------------------------------
 */

static const char long_enough[] = "a long enough passphrase";

static char *export_keys(Vault *vault)
{
    g_autoptr(Secret) passphrase = secret_new(long_enough, strlen(long_enough));
    g_autoptr(GError) error = NULL;
    char *text = vault_kek_export(vault, passphrase, &error);
    assert_null(error);
    return text;
}

static gboolean import_keys(
    const char *path, const char *text, const char *words, guint *n_new, GError **error)
{
    g_autoptr(Secret) passphrase = secret_new(words, strlen(words));
    return vault_kek_import(path, text, strlen(text), passphrase, n_new, error);
}

static void exported_keys_open_everything_elsewhere(void **state)
{
    Home *home = *state;
    guint8 id[VAULT_KEK_ID_BYTES];
    g_autoptr(GBytes) old = seal(home->vault, "a", "old");
    add_and_activate(home->vault, id);
    g_autoptr(GBytes) new = seal(home->vault, "a", "new");
    g_autofree char *text = export_keys(home->vault);
    g_autofree char *elsewhere = g_build_filename(home->dir, "elsewhere", NULL);
    guint n_new = 0;
    g_autoptr(GError) error = NULL;
    assert_true(import_keys(elsewhere, text, long_enough, &n_new, &error));
    assert_null(error);
    assert_int_equal(n_new, 2);
    g_autoptr(Vault) there = open_vault(elsewhere, FALSE);
    assert_true(opens(there, "a", old, "old"));
    assert_true(opens(there, "a", new, "new"));
    guint8 active[VAULT_KEK_ID_BYTES];
    vault_kek_id(there, active);
    assert_memory_equal(active, id, sizeof id);
}

static void imported_keys_come_behind_those_that_are_there(void **state)
{
    Home *home = *state;
    g_autofree char *elsewhere = g_build_filename(home->dir, "elsewhere", NULL);
    g_autoptr(Vault) there = open_vault(elsewhere, TRUE);
    guint8 before[VAULT_KEK_ID_BYTES], after[VAULT_KEK_ID_BYTES];
    vault_kek_id(there, before);
    g_autofree char *text = export_keys(home->vault);
    g_autoptr(GBytes) sealed = seal(home->vault, "a", "mine");
    guint n_new = 0;
    assert_true(import_keys(elsewhere, text, long_enough, &n_new, NULL));
    assert_int_equal(n_new, 1);
    g_autoptr(Vault) again = open_vault(elsewhere, FALSE);
    vault_kek_id(again, after);
    assert_memory_equal(before, after, sizeof before);
    assert_true(opens(again, "a", sealed, "mine"));
    assert_true(import_keys(elsewhere, text, long_enough, &n_new, NULL));
    assert_int_equal(n_new, 0);
}

static void an_export_tells_nothing_without_its_passphrase(void **state)
{
    Home *home = *state;
    g_autofree char *plain = NULL, *text = export_keys(home->vault);
    assert_true(g_file_get_contents(home->path, &plain, NULL, NULL));
    g_autofree char *key = g_strndup(strstr(plain, "\nkey ") + 5, 64);
    assert_null(strstr(text, key));
    g_autofree char *elsewhere = g_build_filename(home->dir, "elsewhere", NULL);
    guint n_new = 9;
    g_autoptr(GError) error = NULL;
    assert_false(import_keys(elsewhere, text, "another passphrase", &n_new, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_SECRET));
    assert_int_equal(n_new, 9);
    assert_int_equal(access(elsewhere, F_OK), -1);
}

static void a_short_passphrase_is_refused(void **state)
{
    Home *home = *state;
    g_autoptr(Secret) passphrase = secret_new("eleven char", 11);
    g_autoptr(GError) error = NULL;
    assert_null(vault_kek_export(home->vault, passphrase, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_INPUT));
}

static char *replaced(const char *text, const char *what, const char *with)
{
    g_auto(GStrv) parts = g_strsplit(text, what, 2);
    assert_int_equal(g_strv_length(parts), 2);
    return g_strjoinv(with, parts);
}

static void a_damaged_export_is_refused_by_name(void **state)
{
    Home *home = *state;
    static const struct {
        const char *name, *what, *with;
        AbsError code;
        const char *message;
    } rows[] = {
        {"another file", "absender-key-export 1", "absender-key-file 1", ABS_ERROR_INPUT,
            "no file of exported keys"},
        {"more passes than ours", "argon2id 4", "argon2id 3", ABS_ERROR_SECRET, "do not open"},
        {"no cost", "argon2id 4 67108864", "argon2id", ABS_ERROR_INPUT, "is damaged"},
        {"too much memory", "67108864", "99967108864", ABS_ERROR_INPUT, "is damaged"},
        {"too many passes", "argon2id 4", "argon2id 400", ABS_ERROR_INPUT, "is damaged"},
        {"a short salt", "salt ", "salt 00\nsalt ", ABS_ERROR_INPUT, "is damaged"},
        {"no hex", "box ", "box x", ABS_ERROR_INPUT, "is damaged"},
        {"half a byte", "box ", "box 0\nbox ", ABS_ERROR_INPUT, "is damaged"},
        {"more box", "box ", "box 00\nbox ", ABS_ERROR_SECRET, "do not open"},
    };
    g_autofree char *elsewhere = g_build_filename(home->dir, "elsewhere", NULL);
    g_autofree char *text = export_keys(home->vault);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *damaged = replaced(text, rows[i].what, rows[i].with);
        guint n_new = 0;
        g_autoptr(GError) error = NULL;
        if (import_keys(elsewhere, damaged, long_enough, &n_new, &error) ||
            !g_error_matches(error, ABS_ERROR, (int)rows[i].code) ||
            strstr(error->message, rows[i].message) == NULL)
            fail_msg("%s: %s", rows[i].name, error != NULL ? error->message : "it was imported");
    }
    *strstr(text, "box ") = '\0';
    guint n_new = 0;
    g_autoptr(GError) error = NULL;
    assert_false(import_keys(elsewhere, text, long_enough, &n_new, &error));
    assert_non_null(strstr(error->message, "cut short"));
    assert_int_equal(access(elsewhere, F_OK), -1);
}

/* --- systemd's credential -----------------------------------------------------------------------
 */

static void a_credential_opens_and_is_never_changed(void **state)
{
    Home *home = *state;
    guint8 id[VAULT_KEK_ID_BYTES] = {0};
    g_autoptr(GBytes) sealed = seal(home->vault, "a", "hunter2");
    assert_int_equal(g_chmod(home->path, 0440), 0); /* an access list shows as the group's bits */
    g_autoptr(GError) error = NULL;
    g_autoptr(Vault) vault = vault_open_credential(home->path, &error);
    assert_null(error);
    vault_set_instance(vault, instance);
    assert_true(vault_is_credential(vault));
    assert_true(opens(vault, "a", sealed, "hunter2"));
    g_autoptr(GError) added = NULL, activated = NULL, retired = NULL;
    assert_false(vault_kek_add(vault, id, &added));
    assert_true(g_error_matches(added, ABS_ERROR, ABS_ERROR_DENIED));
    assert_false(vault_kek_activate(vault, id, &activated));
    assert_true(g_error_matches(activated, ABS_ERROR, ABS_ERROR_DENIED));
    assert_false(vault_kek_retire(vault, id, &retired));
    assert_true(g_error_matches(retired, ABS_ERROR, ABS_ERROR_DENIED));
}

static void a_credential_that_others_may_touch_is_refused(void **state)
{
    Home *home = *state;
    static const struct {
        const char *name;
        guint mode;
        guint owner;
    } rows[] = {{"others read it", 0444, 0}, {"its group writes it", 0460, 0},
        {"somebody else's", 0400, 65534}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].owner != 0 && chown(home->path, rows[i].owner, (gid_t)-1) != 0)
            continue; /* only root can give files away */
        assert_int_equal(g_chmod(home->path, (mode_t)rows[i].mode), 0);
        g_autoptr(GError) error = NULL;
        g_autoptr(Vault) vault = vault_open_credential(home->path, &error);
        if (vault != NULL || !g_error_matches(error, ABS_ERROR, ABS_ERROR_SECRET))
            fail_msg("%s: it was taken", rows[i].name);
    }
}

/* --- While others seal --------------------------------------------------------------------------
 */

static gpointer seal_and_open_many(gpointer vault)
{
    for (guint i = 0; i < 2000; i++) {
        g_autoptr(GBytes) sealed = seal(vault, "a", "hunter2");
        if (!opens(vault, "a", sealed, "hunter2"))
            return GINT_TO_POINTER(FALSE);
    }
    return GINT_TO_POINTER(TRUE);
}

static void keys_change_while_four_threads_seal(void **state)
{
    Home *home = *state;
    GThread *threads[4];
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("vault", seal_and_open_many, home->vault);
    for (guint i = 0; i < 20; i++) {
        guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
        vault_kek_id(home->vault, old);
        add_and_activate(home->vault, new);
        assert_true(vault_kek_retire(home->vault, old, NULL));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        assert_true(GPOINTER_TO_INT(g_thread_join(threads[i])));
}

#define AT_HOME(test) cmocka_unit_test_setup_teardown(test, make_home, remove_home)

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        AT_HOME(a_new_key_is_ready_and_does_not_seal),
        AT_HOME(the_whole_rotation_is_in_the_file_after_each_step),
        AT_HOME(what_is_on_its_way_opens_until_the_end_although_its_key_is_retired),
        AT_HOME(what_cannot_be_done_is_refused_and_changes_nothing),
        AT_HOME(a_file_that_somebody_else_changed_is_left_alone),
        AT_HOME(what_a_killed_change_left_beside_the_file_does_not_matter),
        AT_HOME(a_value_keeps_its_binding_under_another_key),
        AT_HOME(a_wrapping_moved_to_another_value_opens_nothing),
        AT_HOME(a_day_key_needs_its_binding_to_move),
        AT_HOME(values_of_the_first_format_open_and_become_the_second),
        AT_HOME(fingerprints_stay_when_keys_change),
        AT_HOME(exported_keys_open_everything_elsewhere),
        AT_HOME(imported_keys_come_behind_those_that_are_there),
        AT_HOME(an_export_tells_nothing_without_its_passphrase),
        AT_HOME(a_short_passphrase_is_refused),
        AT_HOME(a_damaged_export_is_refused_by_name),
        AT_HOME(a_credential_opens_and_is_never_changed),
        AT_HOME(a_credential_that_others_may_touch_is_refused),
        AT_HOME(keys_change_while_four_threads_seal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
