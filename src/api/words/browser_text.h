/* What a browser says of itself (User-Agent), in words that a person knows. */
#pragma once

#include "api/words/language.h"

#include <glib.h>

/* "Firefox auf Linux". Of one that we do not know: its name up to the version, made printable. NULL
 * gives NULL. The caller frees. */
char *browser_text(const char *agent, Language language);

/* The same browser on the same system, whatever their versions. */
gboolean browser_is_same(const char *agent, const char *other);
