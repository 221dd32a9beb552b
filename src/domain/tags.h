/* Tag lists, "v=DKIM1; k=rsa; p=…" (RFC 6376 3.2): the form of DKIM signatures, DKIM keys and DMARC
 * records. Pure. */
#pragma once

#include <glib.h>

typedef struct tags Tags;

/* NULL: not a tag list, or a tag stands twice. White space around names and values is dropped; an
 * empty last tag (a semicolon at the end) is fine. */
Tags *tags_parse(const char *text);
void tags_free(Tags *tags);

const char *tags_get(const Tags *tags, const char *name); /* case counts; NULL: none; lent */
guint tags_count(const Tags *tags);
const char *tags_name_at(const Tags *tags, guint i); /* in the order of the text */

/* TRUE if the value, a list with ':' between, holds this word (any case) or a "*". */
gboolean tags_list_holds(const char *list, const char *word);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tags, tags_free)
