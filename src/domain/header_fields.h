/* Header fields as pasted by a person: unfolded, in order, bounded; and the grammar that the fields
 * of the authentication standards share (comments, quoted strings, "a=b" properties). Pure. */
#pragma once

#include <glib.h>

typedef struct {
    char *name;  /* as written */
    char *value; /* unfolded: line breaks and the white space behind them are one space */
} HeaderField;

/* Fields up to the first empty line behind them, at most LIMIT_HEADER_LINES lines; lines that are
 * none are skipped. Array of HeaderField; the caller unrefs. */
GPtrArray *header_fields_read(const char *text);

/* The value of field number n (0: the topmost) of this name, any case; NULL: none. */
const char *header_fields_get(const GPtrArray *fields, const char *name, guint n);

/* Without comments (RFC 5322 3.2.2), which become a space; *comments (may be NULL) gets their
 * texts, each followed by a space. The callers free. */
char *header_without_comments(const char *value, char **comments);

/* "method=result; …": the pieces between semicolons outside quotes; g_strfreev. */
char **header_split(const char *value);

/* The value of "name=value" among words, spaces around '=' allowed, quotes removed; NULL: none. The
 * caller frees. */
char *header_property(const char *piece, const char *name);

/* The domain behind the last '@', or the whole text without one: A-labels, lower case. NULL: it is
 * none. The caller frees. */
char *header_domain_of(const char *address);
