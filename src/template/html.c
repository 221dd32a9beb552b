#include "template/html.h"

#include "base/text.h"

#include <string.h>

static void append_small(char name[HTML_NAME_SIZE], char c)
{
    gsize n = strlen(name);
    if (n + 1 < HTML_NAME_SIZE) {
        name[n] = g_ascii_tolower(c);
        name[n + 1] = '\0';
    }
}

static void open_tag(HtmlReader *reader)
{
    reader->state = HTML_IN_ELEMENT_NAME;
    reader->element[0] = reader->attribute[0] = '\0';
}

/* What follows <script> or <style> is text of its own until their end tag. */
static void close_tag(HtmlReader *reader)
{
    gboolean is_sheet =
        strcmp(reader->element, "style") == 0 || strcmp(reader->element, "script") == 0;
    reader->state = is_sheet ? HTML_IN_SHEET : HTML_IN_DATA;
}

static void read_data(HtmlReader *reader, const char *text)
{
    if (*text != '<')
        return;
    if (g_str_has_prefix(text, "<!--"))
        reader->state = HTML_IN_COMMENT;
    else if (g_ascii_isalpha(text[1]) || (text[1] && strchr("/!?", text[1])))
        open_tag(reader);
}

static void read_element_name(HtmlReader *reader, char c)
{
    /* "</style>" is named "/style", so that it does not begin a style sheet. */
    if (g_ascii_isspace(c) || (c == '/' && reader->element[0]))
        reader->state = HTML_BEFORE_ATTRIBUTE;
    else
        append_small(reader->element, c);
}

static void read_before_attribute(HtmlReader *reader, char c)
{
    if (g_ascii_isspace(c) || c == '/')
        return;
    if (c == '=' && reader->attribute[0]) {
        reader->state = HTML_BEFORE_VALUE;
        return;
    }
    reader->state = HTML_IN_ATTRIBUTE_NAME;
    reader->attribute[0] = '\0';
    append_small(reader->attribute, c);
}

static void read_attribute_name(HtmlReader *reader, char c)
{
    if (g_ascii_isspace(c) || c == '/')
        reader->state = HTML_BEFORE_ATTRIBUTE;
    else if (c == '=')
        reader->state = HTML_BEFORE_VALUE;
    else
        append_small(reader->attribute, c);
}

static void read_before_value(HtmlReader *reader, char c)
{
    if (c == '"' || c == '\'') {
        reader->state = HTML_IN_QUOTES;
        reader->quote = c;
        reader->is_value_empty = TRUE;
    } else if (!g_ascii_isspace(c)) {
        reader->state = HTML_UNQUOTED;
    }
}

static void end_value(HtmlReader *reader)
{
    reader->state = HTML_BEFORE_ATTRIBUTE;
    reader->attribute[0] = '\0';
}

/* In a tag; the quotes of a value hide the > that would close it. */
static void read_tag(HtmlReader *reader, char c)
{
    if (c == '>' && reader->state != HTML_IN_QUOTES)
        close_tag(reader);
    else if (reader->state == HTML_IN_ELEMENT_NAME)
        read_element_name(reader, c);
    else if (reader->state == HTML_BEFORE_ATTRIBUTE)
        read_before_attribute(reader, c);
    else if (reader->state == HTML_IN_ATTRIBUTE_NAME)
        read_attribute_name(reader, c);
    else if (reader->state == HTML_BEFORE_VALUE)
        read_before_value(reader, c);
    else if (reader->state == HTML_IN_QUOTES ? c == reader->quote : g_ascii_isspace(c))
        end_value(reader);
    else if (!g_ascii_isspace(c))
        reader->is_value_empty = FALSE;
}

static void read_sheet(HtmlReader *reader, const char *text)
{
    g_autofree char *end = g_strconcat("</", reader->element, NULL);
    if (*text == '<' && text_has_prefix_nocase(text, end))
        open_tag(reader);
}

void html_read(HtmlReader *reader, const char *text)
{
    switch (reader->state) {
    case HTML_IN_DATA:
        read_data(reader, text);
        break;
    case HTML_IN_ELEMENT_NAME:
    case HTML_BEFORE_ATTRIBUTE:
    case HTML_IN_ATTRIBUTE_NAME:
    case HTML_BEFORE_VALUE:
    case HTML_IN_QUOTES:
    case HTML_UNQUOTED:
        read_tag(reader, *text);
        break;
    case HTML_IN_SHEET:
        read_sheet(reader, text);
        break;
    case HTML_IN_COMMENT:
        if (g_str_has_prefix(text, "-->"))
            reader->state = HTML_IN_DATA;
        break;
    }
}

void html_note_value(HtmlReader *reader)
{
    reader->is_value_empty = FALSE;
}

static gboolean is_address(const char *attribute)
{
    static const char *const names[] = {"href", "src", "action", "formaction", "background", "cite",
        "poster", "data", "xlink:href"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(attribute, names[i]) == 0)
            return TRUE;
    }
    return FALSE;
}

static HtmlPlace place_in_quotes(const HtmlReader *reader)
{
    if (strcmp(reader->attribute, "style") == 0)
        return HTML_STYLE;
    if (g_str_has_prefix(reader->attribute, "on") || strcmp(reader->attribute, "srcdoc") == 0)
        return HTML_SCRIPT;
    return reader->is_value_empty && is_address(reader->attribute) ? HTML_LINK : HTML_VALUE;
}

HtmlPlace html_place(const HtmlReader *reader)
{
    switch (reader->state) {
    case HTML_IN_DATA:
        return HTML_TEXT;
    case HTML_IN_ELEMENT_NAME:
    case HTML_BEFORE_ATTRIBUTE:
    case HTML_IN_ATTRIBUTE_NAME:
    case HTML_BEFORE_VALUE:
    case HTML_UNQUOTED:
        return HTML_TAG;
    case HTML_IN_QUOTES:
        return place_in_quotes(reader);
    case HTML_IN_SHEET:
        return strcmp(reader->element, "script") == 0 ? HTML_SCRIPT : HTML_STYLE;
    case HTML_IN_COMMENT:
        return HTML_COMMENT;
    }
    g_assert_not_reached();
}
