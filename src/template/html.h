/* Where in HTML a position is: between tags, in a tag, in an attribute's value, in a style sheet,
 * in a comment. As much of the HTML standard's tokenizer as it takes to know what a value may be
 * there. Pure. */
#pragma once

#include <glib.h>

typedef enum {
    HTML_TEXT = 0,
    HTML_TAG,    /* inside < and >, not in a quoted value */
    HTML_VALUE,  /* in a quoted value of an attribute */
    HTML_LINK,   /* at the beginning of a value that is an address (href, src …) */
    HTML_STYLE,  /* in a style sheet or a style attribute */
    HTML_SCRIPT, /* in a script or an attribute that is one */
    HTML_COMMENT,
} HtmlPlace;

#define HTML_NAME_SIZE 16 /* longer names of elements and attributes are none that matter */

typedef enum { /* after the tokenizer of HTML 13.2.5 */
    HTML_IN_DATA = 0,
    HTML_IN_ELEMENT_NAME,
    HTML_BEFORE_ATTRIBUTE, /* or behind the name of one */
    HTML_IN_ATTRIBUTE_NAME,
    HTML_BEFORE_VALUE,
    HTML_IN_QUOTES,
    HTML_UNQUOTED,
    HTML_IN_SHEET, /* of styles, or a script */
    HTML_IN_COMMENT,
} HtmlState;

typedef struct {
    HtmlState state;
    char element[HTML_NAME_SIZE], attribute[HTML_NAME_SIZE]; /* in small letters */
    char quote;                                              /* the one that ends the value */
    gboolean is_value_empty;                                 /* nothing but spaces yet */
} HtmlReader;                                                /* begins as zeros */

/* Goes on over the character at `text`, which ends with a NUL; looks ahead, but reads no more. */
void html_read(HtmlReader *reader, const char *text);

/* A value stands here: the next one in the same attribute is not at its beginning. */
void html_note_value(HtmlReader *reader);

HtmlPlace html_place(const HtmlReader *reader);
