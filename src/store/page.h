/* One page of a list by id, newest first (API.md, Lists). The statement compares ids with page_edge
 * in the direction that page_is_upwards says, orders by id in that direction and asks for page_rows
 * rows; page_read puts them in order and says whether there are more. */
#pragma once

#include "base/id.h"
#include "store/db.h"

typedef struct {
    guint limit;              /* 1 to LIMIT_PAGE; what is beyond counts as the nearest */
    const Id *after, *before; /* older or newer than this one, after first; NULL: from the newest */
} Page;

gboolean page_is_upwards(const Page *page); /* "id > edge ORDER BY id", else "id < edge … DESC" */
const Id *page_edge(const Page *page);
gint64 page_rows(const Page *page); /* one more than the limit */

/* The rows of q to their end, newest first, at most page->limit of them. read_row makes one of the
 * row that q is at, free_row frees it. */
GPtrArray *page_read(DbQuery *q, const Page *page, gpointer (*read_row)(DbQuery *q),
    GDestroyNotify free_row, gboolean *has_more, GError **error);
