#include "mime/file_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

static void the_extension_tells_the_type(void **state)
{
    static const struct {
        const char *file_name, *type;
    } cases[] = {
        {"invoice.pdf", "application/pdf"},
        {"Übersicht.PDF", "application/pdf"},
        {"a.b.JpEg", "image/jpeg"},
        {"termin.ics", "text/calendar"},
        {"archive.tar.gz", "application/gzip"},
        {".png", "image/png"},
        {"readme.txt", "application/octet-stream"}, /* whose character set nobody knows */
        {"page.html", "application/octet-stream"},
        {"pdf", "application/octet-stream"},
        {"invoice.pdf.", "application/octet-stream"},
        {"invoice.pdfx", "application/octet-stream"},
        {"", "application/octet-stream"},
        {NULL, "application/octet-stream"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_string_equal(mime_file_type(cases[i].file_name), cases[i].type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_extension_tells_the_type)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
