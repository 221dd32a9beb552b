#include "template/guard.h"

#include "base/text.h"
#include "template/html.h"
#include "template/scan.h"

#include <string.h>

#define SHOWN_LINK "{{link}}"
#define SHOWN_URL "{{public_url}}"
#define HREF_LINK "{{@link}}"
#define HREF_URL "{{@public_url}}"

static const char other_host[] = "Apart from {{link}}, links here must begin with {{public_url}}.";
static const char from_elsewhere[] =
    "Pictures and anything else that is fetched from elsewhere may not stand in this text.";

/* What a mail program may make a link of by itself. */
static gboolean begins_address(const char *at)
{
    return g_str_has_prefix(at, "://") || text_has_prefix_nocase(at, "www.");
}

/* {{public_url}} at `at` could become another host by what stands behind it. */
static gboolean is_url_drawn_out(const char *at)
{
    if (!g_str_has_prefix(at, SHOWN_URL))
        return FALSE;
    at += strlen(SHOWN_URL);
    at += *at == '.'; /* the end of a sentence */
    return *at && !g_ascii_isspace(*at) && !strchr("/#)<", *at);
}

/* --- Plain text ------------------------------------------------------------------------------- */

static const char *text_fault(const char *source)
{
    g_auto(GStrv) lines = g_strsplit(source, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        if (strstr(lines[i], SHOWN_LINK) && strcmp(g_strstrip(lines[i]), SHOWN_LINK) != 0)
            return "{{link}} must stand alone in its line.";
    }
    for (const char *at = source; *at; at++) {
        if (begins_address(at) || is_url_drawn_out(at))
            return other_host;
    }
    return NULL;
}

/* --- HTML ------------------------------------------------------------------------------------- */

/* Attributes that name something to fetch or to send to, other than href. */
static gboolean fetches(const char *attribute)
{
    static const char *const names[] = {"src", "srcset", "imagesrcset", "background", "poster",
        "data", "action", "formaction", "cite", "ping", "longdesc", "lowsrc", "dynsrc", "manifest",
        "xlink:href"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(attribute, names[i]) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean is_href_fine(const char *value)
{
    if (strcmp(value, HREF_LINK) == 0 || value[0] == '#')
        return TRUE;
    if (g_str_has_prefix(value, HREF_URL)) {
        char next = value[strlen(HREF_URL)];
        return next == '\0' || next == '/' || next == '#';
    }
    return text_has_prefix_nocase(value, "mailto:") && !strstr(value, "{{");
}

/* Escapes (\75rl, u&#114;l) could hide a word from us. */
static gboolean is_style_fine(const char *style)
{
    static const char *const words[] = {"url", "@import", "image-set", "src(", "\\", "&#", "&lpar"};
    g_autofree char *small = g_ascii_strdown(style, -1);
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strstr(small, words[i]))
            return FALSE;
    }
    return TRUE;
}

static const char *quoted_fault(const char *attribute, const char *value)
{
    g_autofree char *small = g_ascii_strdown(value, -1);
    if (strchr(value, '<')) /* where a program reads the quotes otherwise, it would be a tag */
        return "In quotes and in style sheets < may not stand here.";
    if (strcmp(attribute, "href") == 0)
        return is_href_fine(value) ? NULL : other_host;
    if (fetches(attribute) || (strcmp(attribute, "style") == 0 && !is_style_fine(value)) ||
        (strcmp(attribute, "content") == 0 && strstr(small, "url")))
        return from_elsewhere;
    return NULL;
}

/* The value of an attribute begins at `at`, with its quote if it has one. */
static const char *value_fault(const HtmlReader *reader, const char *at)
{
    if (reader->state == HTML_IN_QUOTES) {
        const char *end = strchr(at + 1, reader->quote);
        g_autofree char *value = end ? g_strndup(at + 1, (gsize)(end - at) - 1) : g_strdup(at + 1);
        return quoted_fault(reader->attribute, value);
    }
    if (reader->state == HTML_UNQUOTED &&
        (strcmp(reader->attribute, "href") == 0 || strcmp(reader->attribute, "style") == 0 ||
            strcmp(reader->attribute, "content") == 0 || fetches(reader->attribute)))
        return "Please put the values of href, style and src in quotes.";
    return NULL;
}

static const char *sheet_fault(const char *at)
{
    const char *end = strchr(at, '<');
    g_autofree char *sheet = end ? g_strndup(at, (gsize)(end - at)) : g_strdup(at);
    if (end && !text_has_prefix_nocase(end, "</style"))
        return "In quotes and in style sheets < may not stand here.";
    return is_style_fine(sheet) ? NULL : from_elsewhere;
}

/* All that a link shows whose href it is. */
static gboolean is_link_text(const HtmlReader *reader, const char *source, const char *at)
{
    return at > source && at[-1] == '>' && strcmp(reader->element, "a") == 0 &&
           text_has_prefix_nocase(at + strlen(SHOWN_LINK), "</a>");
}

/* After the character at `at`; before: the state in front of it. */
static const char *place_fault(const HtmlReader *reader, HtmlState before, const char *at)
{
    if (reader->state == HTML_IN_COMMENT)
        return "HTML comments may not stand in this text.";
    if (reader->state == HTML_IN_DATA && before == HTML_IN_DATA && begins_address(at))
        return other_host;
    if (reader->state == HTML_IN_SHEET && before != HTML_IN_SHEET)
        return sheet_fault(at + 1);
    return before == HTML_BEFORE_VALUE ? value_fault(reader, at) : NULL;
}

/* A tag of the template; a href is looked at as a whole. */
static const char *tag_fault(const HtmlReader *reader, const char *source, const char *at)
{
    gboolean is_text = html_place(reader) == HTML_TEXT;
    if (g_str_has_prefix(at, SHOWN_LINK) && !(is_text && is_link_text(reader, source, at)))
        return "{{link}} must be the whole address of a link (href), or all that this link shows.";
    return is_text && is_url_drawn_out(at) ? other_host : NULL;
}

static const char *html_fault(const char *source)
{
    HtmlReader reader = {0};
    const char *fault = NULL, *at = source;
    while (!fault && *at) {
        if (g_str_has_prefix(at, "{{")) {
            fault = tag_fault(&reader, source, at);
            html_note_value(&reader);
            at = strstr(at, "}}") + 2;
        } else {
            HtmlState before = reader.state;
            html_read(&reader, at);
            fault = place_fault(&reader, before, at);
            at++;
        }
    }
    return fault;
}

/* --- All parts -------------------------------------------------------------------------------- */

const char *guard_fault(const char *source, TemplatePart part)
{
    g_autofree char *detail = NULL;
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *normalised = scan_normalise(source, part, names, &detail);
    g_assert(normalised);
    switch (part) {
    case TEMPLATE_SUBJECT:
        return strstr(normalised, SHOWN_LINK) ? "{{link}} may not stand in the subject." : NULL;
    case TEMPLATE_TEXT:
        return text_fault(normalised);
    case TEMPLATE_HTML:
        return html_fault(normalised);
    }
    g_assert_not_reached();
}
