/* That what is freed was wiped shows in the process's memory only: test/real/test_canary.py. */
#include "net/wiped_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void what_moves_keeps_its_content(void **unused)
{
    static const size_t sizes[] = {1, 17, 4096, 100000, 4096, 17};
    char *data = NULL;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        data = wiped_realloc(data, sizes[i]);
        assert_non_null(data);
        if (i == 0)
            data[0] = 'x';
        assert_int_equal(data[0], 'x');
        memset(data + 1, (int)i, sizes[i] - 1); /* all of it is ours */
    }
    assert_null(wiped_realloc(data, 0));
}

static void nothing_can_be_freed(void **unused)
{
    wiped_free(NULL);
    assert_null(wiped_realloc(NULL, 0));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_moves_keeps_its_content),
        cmocka_unit_test(nothing_can_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
