/* Two statements about a call with a GError. Include cmocka.h before. */
#pragma once

#include <glib.h>

/* It must work; else the error is told. */
#define ok(expression, error)                                                             \
    G_STMT_START                                                                          \
    {                                                                                     \
        if (!(expression))                                                                \
            fail_msg("%s: %s", #expression, (error) ? (error)->message : "no error set"); \
    }                                                                                     \
    G_STMT_END

/* It must fail with this code. It finds its error in `error_out`. */
#define refused(expression, expected_code)                                         \
    G_STMT_START                                                                   \
    {                                                                              \
        g_autoptr(GError) fault = NULL;                                            \
        GError **error_out = &fault;                                               \
        assert_false(expression);                                                  \
        assert_non_null(fault);                                                    \
        if (fault->code != (expected_code))                                        \
            fail_msg("%s: code %d, %s", #expression, fault->code, fault->message); \
    }                                                                              \
    G_STMT_END
