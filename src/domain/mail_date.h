/* The date of a header (RFC 5322 3.3, obsolete zones included). Pure. */
#pragma once

#include <glib.h>

/* "Sun, 22 Nov 2026 05:01:02 +0100 (CET)" to seconds since 1970. FALSE and untouched: it is none.
 */
gboolean mail_date_parse(const char *text, gint64 *seconds);
