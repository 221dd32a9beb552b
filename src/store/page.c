#include "store/page.h"

#include "base/limits.h"

static guint limit_of(const Page *page)
{
    return CLAMP(page->limit, 1, LIMIT_PAGE);
}

gboolean page_is_upwards(const Page *page)
{
    return !page->after && page->before;
}

const Id *page_edge(const Page *page)
{
    static const Id beyond = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff}};
    return page->after ? page->after : page->before ? page->before : &beyond;
}

gint64 page_rows(const Page *page)
{
    return (gint64)limit_of(page) + 1;
}

GPtrArray *page_read(DbQuery *q, const Page *page, gpointer (*read_row)(DbQuery *q),
    GDestroyNotify free_row, gboolean *has_more, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_row);
    while (db_next(q))
        g_ptr_array_insert(list, page_is_upwards(page) ? 0 : -1, read_row(q));
    if (!db_finish(q, error))
        return NULL;
    *has_more = list->len > limit_of(page);
    if (*has_more)
        g_ptr_array_remove_index(list, page_is_upwards(page) ? 0 : list->len - 1);
    return g_steal_pointer(&list);
}
