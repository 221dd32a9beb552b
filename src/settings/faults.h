/* Noting what is wrong with a change. Internal to settings/. */
#pragma once

#include "settings/settings.h"

/* A list that frees its SettingsFault. */
GPtrArray *settings_faults_new(void);

/* field and code are static; detail is taken. */
void settings_fault_add(GPtrArray *faults, const char *field, const char *code, char *detail);

typedef enum { SETTINGS_BYTES, SETTINGS_CHARACTERS } SettingsUnit;

/* What every text that becomes a header, a command or a parameter must be: UTF-8, one line, not
 * longer than this. NULL if it is; else the code, with the caller's sentence in *detail. */
const char *settings_line_fault(const char *text, gsize limit, SettingsUnit unit, char **detail);
