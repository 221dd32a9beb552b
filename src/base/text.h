/* Small questions about text that several folders ask in the same way. */
#pragma once

#include <glib.h>

/* TRUE if text (NUL-terminated, may be NULL) is valid UTF-8 without any control character except
 * TAB where allow_tab: fit to become one line of a header or a command. CR and LF are controls. */
gboolean text_is_one_line(const char *text, gboolean allow_tab);

/* Peer bytes made fit to show: control characters, bidi overrides and invalid UTF-8 become U+FFFD,
 * CR LF between lines one space, cut to at most max_characters characters (an ellipsis says so).
 * The caller frees. */
char *text_printable(const char *bytes, gsize n, gsize max_characters);

/* ASCII only, independent of the locale. */
gboolean text_equal_nocase(const char *a, const char *b);
gboolean text_has_prefix_nocase(const char *text, const char *prefix);
