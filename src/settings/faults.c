#include "settings/faults.h"

#include "base/text.h"

#include <string.h>

void settings_fault_free(SettingsFault *fault)
{
    if (fault == NULL)
        return;
    g_free(fault->detail);
    g_free(fault);
}

static void free_fault(gpointer fault)
{
    settings_fault_free(fault);
}

GPtrArray *settings_faults_new(void)
{
    return g_ptr_array_new_with_free_func(free_fault);
}

void settings_fault_add(GPtrArray *faults, const char *field, const char *code, char *detail)
{
    SettingsFault *fault = g_new0(SettingsFault, 1);
    fault->field = field;
    fault->code = code;
    fault->detail = detail;
    g_ptr_array_add(faults, fault);
}

const char *settings_line_fault(const char *text, gsize limit, SettingsUnit unit, char **detail)
{
    if (!g_utf8_validate(text, -1, NULL)) {
        *detail = g_strdup("This is not valid UTF-8.");
        return "invalid_utf8";
    }
    if (!text_is_one_line(text, FALSE)) {
        *detail = g_strdup("Line breaks and other control characters are not allowed.");
        return "control_character";
    }
    gsize n = unit == SETTINGS_BYTES ? strlen(text) : (gsize)g_utf8_strlen(text, -1);
    if (n > limit) {
        *detail = g_strdup_printf("At most %" G_GSIZE_FORMAT " %s are allowed.", limit,
            unit == SETTINGS_BYTES ? "bytes" : "characters");
        return "too_long";
    }
    return NULL;
}
