#include "api/pages.h"

#include <gio/gio.h>
#include <string.h>

/* What lies where: a folder of the resources, and the path it is served under. */
typedef struct {
    const char *root, *path;
} Shelf;
#define ASSETS "/assets/"
static const Shelf shelves[] = {
    {"/absender/ui/", ASSETS},
    {"/absender/manual/", "/manual/"},
};

typedef struct {
    GBytes *content;
    const char *type;
    char *etag;
} Page;

struct pages {
    GHashTable *table; /* path on the server → Page */
    char *policy;
    char *edition; /* "/assets/0123456789abcdef/" */
};

static void page_free(gpointer data)
{
    Page *page = data;
    g_bytes_unref(page->content);
    g_free(page->etag);
    g_free(page);
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".txt", "text/plain; charset=utf-8"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_str_has_suffix(name, types[i].suffix))
            return types[i].type;
    }
    return "application/octet-stream";
}

/* content, path: taken. */
static void put_page(Pages *pages, char *path, const char *type, GBytes *content)
{
    g_autofree char *digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, content);
    Page *page = g_new0(Page, 1);
    page->content = content;
    page->type = type;
    page->etag = g_strdup_printf("\"%.32s\"", digest);
    g_hash_table_replace(pages->table, path, page);
}

static void add_page(Pages *pages, const Shelf *shelf, const char *name)
{
    g_autofree char *resource = g_strconcat(shelf->root, name, NULL);
    GBytes *content = g_resources_lookup_data(resource, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
    if (!content)
        return;
    gboolean is_index = strcmp(name, "index.html") == 0;
    put_page(pages, is_index ? g_strdup("/") : g_strconcat(shelf->path, name, NULL), type_of(name),
        content);
}

static void add_folder(Pages *pages, const Shelf *shelf, const char *folder)
{
    g_autofree char *path = g_strconcat(shelf->root, folder, NULL);
    g_auto(GStrv) names = g_resources_enumerate_children(path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
    for (guint i = 0; names && names[i]; i++) {
        g_autofree char *name = g_strconcat(folder, names[i], NULL);
        if (g_str_has_suffix(name, "/"))
            add_folder(pages, shelf, name);
        else
            add_page(pages, shelf, name);
    }
}

char *pages_policy(const char *html)
{
    static const char open[] = "<script type=\"importmap\">";
    g_autofree char *hash = NULL;
    const char *map = html ? strstr(html, open) : NULL;
    const char *end = map ? strstr(map, "</script>") : NULL;
    if (end) {
        map += strlen(open);
        g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
        guint8 digest[32];
        gsize n = sizeof digest;
        g_checksum_update(checksum, (const guchar *)map, end - map);
        g_checksum_get_digest(checksum, digest, &n);
        g_autofree char *base64 = g_base64_encode(digest, n);
        hash = g_strdup_printf(" 'sha256-%s'", base64);
    }
    return g_strdup_printf(
        "default-src 'none'; script-src 'self'%s; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; frame-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        hash ? hash : "");
}

/* --- The edition ----------------------------------------------------------------------------- */

/* One name for all that is served: any change of any file is another. */
static char *edition_of(const Pages *pages)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autoptr(GList) paths =
        g_list_sort(g_hash_table_get_keys(pages->table), (GCompareFunc)g_strcmp0);
    for (const GList *each = paths; each; each = each->next) {
        const Page *page = g_hash_table_lookup(pages->table, each->data);
        g_checksum_update(checksum, each->data, -1);
        g_checksum_update(checksum, (const guchar *)page->etag, -1);
    }
    return g_strdup_printf(ASSETS "%.16s/", g_checksum_get_string(checksum));
}

/* What index.html names lies in the edition, and so does all that those files name relative to
 * themselves: a browser keeps it without ever asking again. */
static char *index_in_edition(const Pages *pages)
{
    const Page *index = g_hash_table_lookup(pages->table, "/");
    if (!index)
        return NULL;
    gsize n = 0;
    const char *bytes = g_bytes_get_data(index->content, &n);
    g_autofree char *html = g_strndup(bytes, n);
    g_auto(GStrv) parts = g_strsplit(html, "\"" ASSETS, -1);
    g_autofree char *prefix = g_strconcat("\"", pages->edition, NULL);
    return g_strjoinv(prefix, parts);
}

Pages *pages_new(void)
{
    Pages *pages = g_new0(Pages, 1);
    pages->table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, page_free);
    for (gsize i = 0; i < G_N_ELEMENTS(shelves); i++)
        add_folder(pages, &shelves[i], "");
    pages->edition = edition_of(pages);
    char *html = index_in_edition(pages);
    pages->policy = pages_policy(html);
    if (html)
        put_page(pages, g_strdup("/"), type_of("index.html"), g_bytes_new_take(html, strlen(html)));
    return pages;
}

void pages_free(Pages *pages)
{
    if (!pages)
        return;
    g_hash_table_unref(pages->table);
    g_free(pages->policy);
    g_free(pages->edition);
    g_free(pages);
}

/* is_for_good: at this path there will never be anything else. */
static const Page *find_page(const Pages *pages, const char *path, gboolean *is_for_good)
{
    *is_for_good = g_str_has_prefix(path, pages->edition);
    g_autofree char *plain =
        *is_for_good ? g_strconcat(ASSETS, path + strlen(pages->edition), NULL) : NULL;
    /* What the address bar holds there is the page's to read: it is neither looked at nor kept. */
    gboolean is_return = strcmp(path, "/oauth/return") == 0;
    return g_hash_table_lookup(pages->table, plain ? plain : is_return ? "/" : path);
}

HttpAnswer *pages_answer(Pages *pages, const HttpRequest *request)
{
    gboolean is_for_good;
    const Page *page = find_page(pages, request->path, &is_for_good);
    if (!page)
        return NULL;
    const char *known = http_request_header(request, "If-None-Match");
    gboolean is_known = known && strstr(known, page->etag);
    HttpAnswer *answer = is_known ? http_answer_new(304, NULL, NULL)
                                  : http_answer_new(200, page->type, g_bytes_ref(page->content));
    http_answer_set_header(answer, "ETag", page->etag);
    http_answer_set_header(
        answer, "Cache-Control", is_for_good ? "public, max-age=31536000, immutable" : "no-cache");
    http_answer_set_header(answer, "Content-Security-Policy", pages->policy);
    return answer;
}
