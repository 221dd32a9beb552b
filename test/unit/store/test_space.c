#include "store/space.h"

#include "base/limits.h"
#include "scratch.h"

#include <sys/mount.h>
#include <sys/statvfs.h>

#define MIB G_GINT64_CONSTANT(1048576)
#define GIB (1024 * MIB)

static void the_floor_is_the_smaller_of_both_unless_it_is_set(void **state)
{
    static const struct {
        const char *name;
        gint64 total, free, configured;
        gboolean lacks_reserve;
        gint64 floor, left;
        gboolean is_low;
    } rows[] = {
        {"a large disk", 1000 * GIB, 500 * GIB, 0, FALSE, 256 * MIB, 500 * GIB, FALSE},
        {"a small one", 100 * MIB, 50 * MIB, 0, FALSE, 5 * MIB, 50 * MIB, FALSE},
        {"exactly the floor", 1000 * GIB, 256 * MIB, 0, FALSE, 256 * MIB, 256 * MIB, FALSE},
        {"a byte less", 1000 * GIB, 256 * MIB - 1, 0, FALSE, 256 * MIB, 256 * MIB - 1, TRUE},
        {"set higher", 1000 * GIB, 2 * GIB, 3 * GIB, FALSE, 3 * GIB, 2 * GIB, TRUE},
        {"set lower", 1000 * GIB, 20 * MIB, 10 * MIB, FALSE, 10 * MIB, 20 * MIB, FALSE},
        {"what the reserve will need is not free", 100 * MIB, 20 * MIB, 0, TRUE, 5 * MIB, 4 * MIB,
            TRUE},
        {"nothing is not less than nothing", 100 * MIB, 10 * MIB, 0, TRUE, 5 * MIB, 0, TRUE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        StoreSpace space = {0};
        space_judge(rows[i].total, rows[i].free, rows[i].lacks_reserve, rows[i].configured, &space);
        if (space.floor_bytes != rows[i].floor || space.free_bytes != rows[i].left ||
            space.is_low != rows[i].is_low)
            fail_msg("%s: floor %" G_GINT64_FORMAT ", free %" G_GINT64_FORMAT ", low %d",
                rows[i].name, space.floor_bytes, space.free_bytes, space.is_low);
    }
}

/* --- A disk of our own ------------------------------------------------------------------------ */

typedef struct {
    char *folder, *database, *reserve, *ballast;
    gboolean is_mounted;
} Disk;

static int disk_make(void **state)
{
    Disk *disk = g_new0(Disk, 1);
    disk->folder = g_dir_make_tmp("space-XXXXXX", NULL);
    disk->is_mounted = mount("tmpfs", disk->folder, "tmpfs", 0, "size=96m") == 0;
    disk->database = g_build_filename(disk->folder, "absender.db", NULL);
    disk->reserve = g_build_filename(disk->folder, "reserve", NULL);
    disk->ballast = g_build_filename(disk->folder, "ballast", NULL);
    assert_true(g_file_set_contents(disk->database, "", 0, NULL));
    *state = disk;
    return 0;
}

static int disk_remove(void **state)
{
    Disk *disk = *state;
    g_unlink(disk->ballast);
    g_unlink(disk->reserve);
    g_unlink(disk->database);
    if (disk->is_mounted)
        umount(disk->folder);
    g_rmdir(disk->folder);
    g_free(disk->folder);
    g_free(disk->database);
    g_free(disk->reserve);
    g_free(disk->ballast);
    g_free(disk);
    return 0;
}

#define LOOK_MS (LIMIT_STORE_LOOK_MS + 100)

static StoreSpace look_again(Space *space)
{
    g_usleep(LOOK_MS * 1000);
    StoreSpace seen;
    space_read(space, &seen);
    return seen;
}

/* Leaves so many bytes free. */
static void fill(const Disk *disk, gint64 leave)
{
    struct statvfs now;
    assert_int_equal(statvfs(disk->folder, &now), 0);
    gint64 n = (gint64)(now.f_bavail * now.f_frsize) - leave;
    g_autofree char *zeros = g_malloc0((gsize)n);
    assert_true(g_file_set_contents(disk->ballast, zeros, (gssize)n, NULL));
}

static void the_reserve_is_given_up_on_a_full_disk_and_made_again(void **state)
{
    const Disk *disk = *state;
    if (!disk->is_mounted)
        skip(); /* only root may mount */
    Space *space = space_new(disk->database, disk->reserve, 0);
    GStatBuf file;
    assert_int_equal(g_stat(disk->reserve, &file), 0);
    assert_int_equal(file.st_size, LIMIT_STORE_RESERVE_BYTES);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_false(look_again(space).is_low);
    fill(disk, 20 * MIB);
    assert_false(look_again(space).is_low);
    g_unlink(disk->ballast);
    fill(disk, 2 * MIB);
    StoreSpace full = look_again(space);
    assert_true(full.is_low);
    assert_int_not_equal(g_stat(disk->reserve, &file), 0);
    assert_in_range(full.free_bytes, 1 * MIB, 3 * MIB); /* the reserve's room does not count */
    g_unlink(disk->ballast);
    assert_false(look_again(space).is_low);
    assert_int_equal(g_stat(disk->reserve, &file), 0);
    space_free(space);
    assert_int_equal(g_stat(disk->reserve, &file), 0); /* for the next run */
}

static void a_write_without_room_gives_the_reserve_up_at_once(void **state)
{
    const Disk *disk = *state;
    Space *space = space_new(disk->database, disk->reserve, 0);
    assert_true(g_file_test(disk->reserve, G_FILE_TEST_EXISTS));
    space_ran_out(space);
    StoreSpace seen;
    space_read(space, &seen);
    assert_true(seen.is_low);
    assert_false(g_file_test(disk->reserve, G_FILE_TEST_EXISTS));
    assert_false(look_again(space).is_low);
    assert_true(g_file_test(disk->reserve, G_FILE_TEST_EXISTS));
    space_free(space);
}

static void without_a_path_there_is_no_reserve(void **state)
{
    const Disk *disk = *state;
    Space *space = space_new(disk->database, NULL, 0);
    StoreSpace seen;
    space_read(space, &seen);
    assert_false(seen.is_low);
    space_ran_out(space);
    assert_false(g_file_test(disk->reserve, G_FILE_TEST_EXISTS));
    space_free(space);
}

#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, disk_make, disk_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_floor_is_the_smaller_of_both_unless_it_is_set),
        DISK_TEST(the_reserve_is_given_up_on_a_full_disk_and_made_again),
        DISK_TEST(a_write_without_room_gives_the_reserve_up_at_once),
        DISK_TEST(without_a_path_there_is_no_reserve),
    };
    return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}
