#include "template/builtin.h"

#include <string.h>

const BuiltinTemplate *builtin_templates(guint *n)
{
    *n = builtin_count;
    return builtin_list;
}

const BuiltinTemplate *builtin_template_find(const char *name, const char *locale)
{
    for (guint i = 0; i < builtin_count; i++) {
        if (strcmp(builtin_list[i].name, name) == 0 && strcmp(builtin_list[i].locale, locale) == 0)
            return &builtin_list[i];
    }
    return NULL;
}
