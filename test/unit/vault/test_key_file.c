#include "base/error.h"
#include "base/limits.h"
#include "vault/key_file.h"
#include "vault/keyring.h"
#include "vault/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Made by hand from doc/vault.md: what this program reads it must read for ever. */
#define GOOD_ID "000102030405060708090a0b0c0d0e0f"
#define GOOD_KEY "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
#define GOOD_CHECK "dfedaa110def8a67"
#define FIRST "absender-key-file 1\n"
#define STANZA "id " GOOD_ID "\nkey " GOOD_KEY "\ncheck " GOOD_CHECK "\n"
#define OTHER_CHECK "52fea2cc4474f81d"
#define OTHER_STANZA \
    "id ff0102030405060708090a0b0c0d0e0f\nkey " GOOD_KEY "\ncheck " OTHER_CHECK "\n"

/* In the place of libc's: a disk that fails at this very moment cannot be had on demand. */
static guint fails_at; /* the n-th of what follows; 0: none */

static gboolean fails_now(void)
{
    if (fails_at == 0 || --fails_at > 0)
        return FALSE;
    errno = EIO;
    return TRUE;
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return fails_now() ? -1 : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int fsync(int fd)
{
    return fails_now() ? -1 : (int)syscall(SYS_fsync, fd);
}

/* Half of it is there when it fails. */
ssize_t write(int fd, const void *from, size_t n)
{
    if (!fails_now())
        return syscall(SYS_write, fd, from, n);
    syscall(SYS_write, fd, from, n / 2);
    errno = ENOSPC;
    return -1;
}

typedef struct {
    char *dir, *path, *elsewhere;
} Place;

static int make_place(void **state)
{
    Place *place = g_new0(Place, 1);
    place->dir = g_dir_make_tmp("absender-key-XXXXXX", NULL);
    place->path = g_build_filename(place->dir, "key", NULL);
    place->elsewhere = g_build_filename(place->dir, "elsewhere", NULL);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    Place *place = *state;
    if (g_remove(place->path) != 0)
        g_rmdir(place->path);
    g_remove(place->elsewhere);
    g_rmdir(place->dir);
    g_free(place->dir);
    g_free(place->path);
    g_free(place->elsewhere);
    g_free(place);
    return 0;
}

static void put_file(const char *path, const char *text, mode_t mode)
{
    assert_true(g_file_set_contents(path, text, -1, NULL));
    assert_int_equal(g_chmod(path, mode), 0);
}

/* --- What may be wrong with the file ---------------------------------------------------------- */

static void put_nothing(const Place *place)
{
}

static void put_world_readable(const Place *place)
{
    put_file(place->path, FIRST STANZA, 0604);
}

static void put_group_readable(const Place *place)
{
    put_file(place->path, FIRST STANZA, 0640);
}

static void put_group_writable(const Place *place)
{
    put_file(place->path, FIRST STANZA, 0620);
}

static void put_symlink(const Place *place)
{
    put_file(place->elsewhere, FIRST STANZA, 0600);
    assert_int_equal(symlink(place->elsewhere, place->path), 0);
}

static void put_dangling_symlink(const Place *place)
{
    assert_int_equal(symlink(place->elsewhere, place->path), 0);
}

static void put_directory(const Place *place)
{
    assert_int_equal(g_mkdir(place->path, 0700), 0);
}

static void put_fifo(const Place *place)
{
    assert_int_equal(mkfifo(place->path, 0600), 0);
}

static void put_hard_link(const Place *place)
{
    put_file(place->path, FIRST STANZA, 0600);
    assert_int_equal(link(place->path, place->elsewhere), 0);
}

static void put_in_open_directory(const Place *place)
{
    put_file(place->path, FIRST STANZA, 0600);
    assert_int_equal(g_chmod(place->dir, 0777), 0);
}

static void put_in_group_directory(const Place *place)
{
    put_file(place->path, FIRST STANZA, 0600);
    assert_int_equal(g_chmod(place->dir, 0770), 0);
}

static void put_empty(const Place *place)
{
    put_file(place->path, "", 0600);
}

static void put_long(const Place *place)
{
    g_autofree char *comment = g_strnfill(LIMIT_KEY_FILE_BYTES, '#');
    g_autofree char *text = g_strconcat(FIRST STANZA, comment, NULL);
    put_file(place->path, text, 0600);
}

static const struct {
    const char *name;
    void (*put)(const Place *place);
    const char *reason;
} faults[] = {
    {"missing", put_nothing,
        "is missing, and a new key could not open what is stored: put the key back"},
    {"world-readable", put_world_readable, "is open to all users (mode 0604; it must be 0600)"},
    {"group-readable", put_group_readable, "is open to its group (mode 0640; it must be 0600)"},
    {"group-writable", put_group_writable, "is open to its group (mode 0620; it must be 0600)"},
    {"symbolic link", put_symlink, "is a symbolic link; it must be the file itself"},
    {"dangling link", put_dangling_symlink, "is a symbolic link; it must be the file itself"},
    {"directory", put_directory, "is not a regular file"},
    {"FIFO", put_fifo, "is not a regular file"},
    {"hard link", put_hard_link, "has 2 names (hard links); it must have one"},
    {"open directory", put_in_open_directory,
        "is not safe: its directory may be written by others (mode 0777)"},
    {"group's directory", put_in_group_directory,
        "is not safe: its directory may be written by others (mode 0770)"},
    {"empty", put_empty, "is empty"},
    {"long", put_long, "is longer than 4096 bytes"},
};

static void a_bad_key_file_is_refused_with_its_reason(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(faults); i++) {
        void *own = NULL;
        make_place(&own);
        Place *place = own;
        faults[i].put(place);
        gboolean existed = g_file_test(place->path, G_FILE_TEST_EXISTS);
        g_autoptr(GError) error = NULL;
        g_autofree char *expected =
            g_strdup_printf("key file %s %s", place->path, faults[i].reason);
        assert_null(vault_open(place->path, FALSE, &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_SECRET));
        assert_string_equal(error->message, expected);
        assert_int_equal(g_file_test(place->path, G_FILE_TEST_EXISTS), existed);
        remove_place(&own);
    }
}

static void what_is_there_is_never_replaced(void **state)
{
    for (gsize i = 1; i < G_N_ELEMENTS(faults); i++) { /* all but "missing" */
        void *own = NULL;
        make_place(&own);
        Place *place = own;
        faults[i].put(place);
        g_autoptr(GError) error = NULL;
        if (vault_open(place->path, TRUE, &error) != NULL)
            fail_msg("%s: was replaced", faults[i].name);
        assert_non_null(strstr(error->message, faults[i].reason));
        remove_place(&own);
    }
}

static void anothers_file_is_refused(void **state)
{
    Place *place = *state;
    if (geteuid() != 0)
        skip(); /* only root can give files away */
    put_file(place->path, FIRST STANZA, 0600);
    assert_int_equal(chown(place->path, 65534, (gid_t)-1), 0);
    g_autoptr(GError) error = NULL;
    assert_null(vault_open(place->path, TRUE, &error));
    assert_non_null(strstr(
        error->message, "belongs to user 65534; it must belong to user 0, who runs this program"));
}

static void a_missing_directory_is_named(void **state)
{
    Place *place = *state;
    g_autofree char *path = g_build_filename(place->path, "key", NULL);
    g_autoptr(GError) error = NULL;
    assert_null(vault_open(path, TRUE, &error));
    assert_non_null(strstr(error->message, path));
    assert_non_null(strstr(error->message, "its directory cannot be opened"));
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

static void a_new_file_is_ours_alone_and_stays_the_same(void **state)
{
    Place *place = *state;
    mode_t umask_before = umask(0);
    g_autoptr(GError) error = NULL;
    g_autoptr(Vault) made = vault_open(place->path, TRUE, &error);
    umask(umask_before);
    assert_null(error);
    struct stat facts;
    assert_int_equal(lstat(place->path, &facts), 0);
    assert_true(S_ISREG(facts.st_mode));
    assert_int_equal(facts.st_mode & 07777, 0600);
    g_autoptr(Vault) again = vault_open(place->path, TRUE, &error);
    assert_null(error);
    assert_memory_equal(active_id(again), active_id(made), VAULT_KEK_ID_BYTES);
}

static void a_new_file_has_a_new_key(void **state)
{
    Place *place = *state;
    g_autoptr(Vault) one = vault_open(place->path, TRUE, NULL);
    g_autoptr(Vault) two = vault_open(place->elsewhere, TRUE, NULL);
    assert_memory_not_equal(active_id(one), active_id(two), VAULT_KEK_ID_BYTES);
    g_autofree char *a = NULL, *b = NULL;
    assert_true(g_file_get_contents(place->path, &a, NULL, NULL));
    assert_true(g_file_get_contents(place->elsewhere, &b, NULL, NULL));
    assert_memory_not_equal(strstr(a, "\nkey ") + 5, strstr(b, "\nkey ") + 5, 64);
}

/* Write, sync of the file, sync of its name, another name, sync of that. */
enum { STEPS_OF_NEW = 3, STEPS_OF_REPLACED = 5 };

/* Every step fails once: nothing is half there, no copy of the keys stays beside, and it can be
 * done again. */
static void no_key_is_lost_or_left_behind_when_the_file_cannot_be_replaced(void **state)
{
    Place *place = *state;
    g_autofree char *beside = g_strconcat(place->path, ".new", NULL);
    for (guint n = 1; n <= STEPS_OF_REPLACED + 1; n++) {
        g_autoptr(GError) error = NULL, fault = NULL;
        g_autoptr(Keyring) former = key_file_open(place->path, TRUE, &error);
        g_autoptr(Keyring) next = keyring_generate();
        assert_null(error);
        fails_at = n;
        gboolean is_replaced = key_file_replace(place->path, former, next, &fault);
        assert_int_equal(fails_at, n > STEPS_OF_REPLACED ? 1 : 0); /* the table is complete */
        fails_at = 0;
        assert_int_equal(is_replaced, n > STEPS_OF_REPLACED);
        assert_true(is_replaced || g_error_matches(fault, ABS_ERROR, ABS_ERROR_SECRET));
        assert_false(g_file_test(beside, G_FILE_TEST_EXISTS));
        g_autoptr(Keyring) there = key_file_open(place->path, FALSE, &error);
        assert_null(error);
        assert_true(keyring_equal(there, n < STEPS_OF_REPLACED ? former : next));
        assert_true(key_file_replace(place->path, there, next, &error));
        g_autoptr(Keyring) replaced = key_file_open(place->path, FALSE, &error);
        assert_true(keyring_equal(replaced, next));
    }
}

static void a_key_file_that_cannot_be_written_is_not_there(void **state)
{
    Place *place = *state;
    for (guint n = 1; n <= STEPS_OF_NEW; n++) {
        g_autoptr(GError) fault = NULL;
        fails_at = n;
        assert_null(key_file_open(place->path, TRUE, &fault));
        assert_int_equal(fails_at, 0);
        assert_true(g_error_matches(fault, ABS_ERROR, ABS_ERROR_SECRET));
        assert_false(g_file_test(place->path, G_FILE_TEST_EXISTS));
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(Keyring) made = key_file_open(place->path, TRUE, &error);
    assert_non_null(made);
}

static void a_sticky_directory_is_safe(void **state)
{
    Place *place = *state;
    assert_int_equal(g_chmod(place->dir, 01777), 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(Vault) vault = vault_open(place->path, TRUE, &error);
    assert_null(error);
    assert_non_null(vault);
}

/* --- The text --------------------------------------------------------------------------------- */

static void a_key_survives_copy_and_paste(void **state)
{
    static const struct {
        const char *name, *text;
        guint n_keys;
    } rows[] = {
        {"plain", FIRST STANZA, 1},
        {"two keys", FIRST STANZA OTHER_STANZA, 2},
        {"Windows line ends",
            "absender-key-file 1\r\nid " GOOD_ID "\r\nkey " GOOD_KEY "\r\ncheck " GOOD_CHECK "\r\n",
            1},
        {"no last line end",
            "absender-key-file 1\nid " GOOD_ID "\nkey " GOOD_KEY "\ncheck " GOOD_CHECK, 1},
        {"indented, empty lines, comments",
            "\n  # copied\n  absender-key-file 1\n\n  id  " GOOD_ID "  \n\tkey\t" GOOD_KEY
            "\n# here\n  check " GOOD_CHECK "\n\n",
            1},
        {"upper case",
            FIRST "id 000102030405060708090A0B0C0D0E0F\nkey " GOOD_KEY "\ncheck " GOOD_CHECK "\n",
            1},
    };
    static const guint8 id[VAULT_KEK_ID_BYTES] = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Keyring) ring = keyring_parse(rows[i].text, strlen(rows[i].text), &error);
        if (ring == NULL)
            fail_msg("%s: %s", rows[i].name, error->message);
        assert_int_equal(ring->keys->len, rows[i].n_keys);
        assert_memory_equal(keyring_active(ring)->id, id, sizeof id);
        gsize n;
        const char *kek = secret_reveal(keyring_active(ring)->kek, &n);
        assert_int_equal(n, 32);
        for (gsize k = 0; k < n; k++)
            assert_int_equal(kek[k], 0x20 + k);
    }
}

static void damaged_text_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *name, *text, *reason;
    } rows[] = {
        {"only comments", "# nothing\n\n", "is empty"},
        {"something else", "-----BEGIN PRIVATE KEY-----\n",
            "is not a key file: its first line must be \"absender-key-file 1\""},
        {"newer version", "absender-key-file 2\n" STANZA,
            "has a format version that this program does not know (it reads version 1)"},
        {"version with a tail", "absender-key-file 10\n" STANZA,
            "has a format version that this program does not know (it reads version 1)"},
        {"no key", FIRST, "is cut short: its \"id\" line is missing"},
        {"cut behind id", FIRST "id " GOOD_ID "\n", "is cut short: its \"key\" line is missing"},
        {"cut behind key", FIRST "id " GOOD_ID "\nkey " GOOD_KEY "\n",
            "is cut short: its \"check\" line is missing"},
        {"cut in key", FIRST "id " GOOD_ID "\nkey 20212223",
            "is damaged: line 3 should have 64 hex digits"},
        {"odd digits", FIRST "id 0\n", "is damaged: line 2 should have 32 hex digits"},
        {"long key", FIRST "id " GOOD_ID "\nkey " GOOD_KEY "00\n",
            "is damaged: line 3 should have 64 hex digits"},
        {"not hex", FIRST "id 000102030405060708090a0b0c0d0e0g\n",
            "is damaged: line 2 should have 32 hex digits"},
        {"word glued", FIRST "id" GOOD_ID "\n", "is damaged: line 2 should begin with \"id\""},
        {"word alone", FIRST "id\n", "is damaged: line 2 should begin with \"id\""},
        {"order", FIRST "key " GOOD_KEY "\nid " GOOD_ID "\n",
            "is damaged: line 2 should begin with \"id\""},
        {"one digit of the key",
            FIRST "id " GOOD_ID "\nkey 3"
                  "02122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
                  "\ncheck " GOOD_CHECK "\n",
            "has a damaged key: the checksum in line 4 does not match"},
        {"one digit of the id",
            FIRST "id 100102030405060708090a0b0c0d0e0f\nkey " GOOD_KEY "\ncheck " GOOD_CHECK "\n",
            "has a damaged key: the checksum in line 4 does not match"},
        {"one digit of the checksum",
            FIRST "id " GOOD_ID "\nkey " GOOD_KEY "\ncheck 0000000000000000\n",
            "has a damaged key: the checksum in line 4 does not match"},
        {"the same key twice", FIRST STANZA STANZA, "has two keys with the id of line 5"},
        {"text behind", FIRST STANZA "hello\n", "is damaged: line 5 should begin with \"id\""},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        if (keyring_parse(rows[i].text, strlen(rows[i].text), &error) != NULL)
            fail_msg("%s: was read", rows[i].name);
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_SECRET));
        assert_string_equal(error->message, rows[i].reason);
    }
}

static void a_nul_is_damage(void **state)
{
    static const char text[] = FIRST "id 00\0"
                                     "02030405060708090a0b0c0d0e0f\n";
    g_autoptr(GError) error = NULL;
    assert_null(keyring_parse(text, sizeof text - 1, &error));
    assert_string_equal(error->message, "is damaged: line 2 should have 32 hex digits");
}

static void a_ring_is_written_as_it_is_read(void **state)
{
    g_autoptr(Keyring) ring = keyring_generate();
    for (guint i = 1; i < LIMIT_KEYS; i++) {
        g_autoptr(Keyring) more = keyring_generate();
        KeyringKey key = g_array_index(more->keys, KeyringKey, 0);
        key.kek = secret_copy(key.kek);
        g_array_append_val(ring->keys, key);
    }
    g_autoptr(Secret) text = keyring_format(ring);
    gsize n;
    const char *bytes = secret_reveal(text, &n);
    g_autoptr(GError) error = NULL;
    g_autoptr(Keyring) again = keyring_parse(bytes, n, &error);
    assert_null(error);
    assert_int_equal(again->keys->len, LIMIT_KEYS);
    for (guint i = 0; i < LIMIT_KEYS; i++) {
        const KeyringKey *key = &g_array_index(ring->keys, KeyringKey, i);
        const KeyringKey *found = keyring_find(again, key->id);
        assert_non_null(found);
        assert_true(secret_equal(found->kek, key->kek));
    }
    g_autofree char *one_more = g_strconcat(bytes, STANZA, NULL);
    assert_null(keyring_parse(one_more, strlen(one_more), &error));
    assert_string_equal(error->message, "has more than 8 keys");
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_key_file_is_refused_with_its_reason),
        cmocka_unit_test(what_is_there_is_never_replaced),
        IN_PLACE(anothers_file_is_refused),
        IN_PLACE(a_missing_directory_is_named),
        IN_PLACE(a_new_file_is_ours_alone_and_stays_the_same),
        IN_PLACE(a_new_file_has_a_new_key),
        IN_PLACE(no_key_is_lost_or_left_behind_when_the_file_cannot_be_replaced),
        IN_PLACE(a_key_file_that_cannot_be_written_is_not_there),
        IN_PLACE(a_sticky_directory_is_safe),
        cmocka_unit_test(a_key_survives_copy_and_paste),
        cmocka_unit_test(damaged_text_is_refused_with_its_reason),
        cmocka_unit_test(a_nul_is_damage),
        cmocka_unit_test(a_ring_is_written_as_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
