#include "courier/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Writes down the groups that begin, as "123|45|". */
typedef struct {
    Batch *batch;
    GString *seen;
    gboolean is_over_at_once;
} Witness;

static void begin(GPtrArray *group, gpointer user)
{
    Witness *witness = user;
    for (guint i = 0; i < group->len; i++)
        g_string_append_printf(witness->seen, "%d", GPOINTER_TO_INT(group->pdata[i]));
    g_string_append_c(witness->seen, '|');
    if (witness->is_over_at_once)
        batch_over(witness->batch);
}

static guint n_freed;

static void count_free(gpointer item)
{
    n_freed++;
}

static void start(Witness *witness, guint most, guint at_once)
{
    *witness = (Witness){.seen = g_string_new(NULL)};
    witness->batch = batch_new(most, at_once, begin, count_free, witness);
    n_freed = 0;
}

static void finish(Witness *witness, const char *expected)
{
    assert_string_equal(witness->seen->str, expected);
    batch_free(witness->batch);
    g_string_free(witness->seen, TRUE);
}

static void add(Witness *witness, int first, int last)
{
    for (int i = first; i <= last; i++)
        batch_add(witness->batch, GINT_TO_POINTER(i));
}

static void what_is_added_waits_until_it_may_go(void **unused)
{
    Witness witness;
    start(&witness, 100, 1);
    batch_go(witness.batch);
    add(&witness, 1, 3);
    assert_string_equal(witness.seen->str, "");
    batch_go(witness.batch);
    finish(&witness, "123|");
    assert_int_equal(n_freed, 0); /* they went: they are not ours any more */
}

static void what_comes_during_a_group_is_the_next_group(void **unused)
{
    Witness witness;
    start(&witness, 100, 1);
    add(&witness, 1, 1);
    batch_go(witness.batch);
    add(&witness, 2, 3);
    batch_go(witness.batch);
    add(&witness, 4, 4);
    batch_go(witness.batch);
    assert_string_equal(witness.seen->str, "1|");
    batch_over(witness.batch);
    batch_over(witness.batch);
    add(&witness, 5, 5);
    batch_go(witness.batch);
    finish(&witness, "1|234|5|");
}

static void a_group_has_a_largest_size_and_keeps_the_order(void **unused)
{
    Witness witness;
    start(&witness, 3, 1);
    add(&witness, 1, 7);
    batch_go(witness.batch);
    batch_over(witness.batch);
    batch_over(witness.batch);
    batch_over(witness.batch);
    finish(&witness, "123|456|7|");
}

static void a_group_may_be_over_before_its_begin_returns(void **unused)
{
    Witness witness;
    start(&witness, 2, 1);
    witness.is_over_at_once = TRUE;
    add(&witness, 1, 5);
    batch_go(witness.batch);
    finish(&witness, "12|34|5|");
}

static void what_never_went_is_freed(void **unused)
{
    Witness witness;
    start(&witness, 2, 1);
    add(&witness, 1, 5);
    batch_go(witness.batch);
    finish(&witness, "12|");
    assert_int_equal(n_freed, 3);
}

static void as_many_groups_are_under_way_as_may_be(void **unused)
{
    Witness witness;
    start(&witness, 100, 2);
    add(&witness, 1, 1);
    batch_go(witness.batch);
    add(&witness, 2, 3);
    batch_go(witness.batch);
    add(&witness, 4, 5);
    batch_go(witness.batch);
    assert_string_equal(witness.seen->str, "1|23|");
    batch_over(witness.batch);
    batch_over(witness.batch);
    add(&witness, 6, 6);
    batch_go(witness.batch);
    add(&witness, 7, 7);
    batch_go(witness.batch);
    batch_over(witness.batch);
    batch_over(witness.batch);
    finish(&witness, "1|23|45|6|7|");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_waits_until_it_may_go),
        cmocka_unit_test(what_comes_during_a_group_is_the_next_group),
        cmocka_unit_test(a_group_has_a_largest_size_and_keeps_the_order),
        cmocka_unit_test(a_group_may_be_over_before_its_begin_returns),
        cmocka_unit_test(as_many_groups_are_under_way_as_may_be),
        cmocka_unit_test(what_never_went_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
