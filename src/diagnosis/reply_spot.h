/* Where in a line of a bounce, a log or a program's error message does a server's refusal stand?
 * Private to diagnosis/. */
#pragma once

#include <glib.h>

#define ENHANCED_SIZE 12 /* "5.123.123" and NUL (RFC 3463 2) */

typedef struct {
    int code;                     /* 400 to 599 */
    char enhanced[ENHANCED_SIZE]; /* "" if there is none */
    const char *text;             /* behind the code, lent from the line */
    gboolean is_continued;        /* "550-" (RFC 5321 4.2.1) */
    guint certainty;              /* the higher, the less it could be a mere number */
} ReplySpot;

/* Such a reply could have begun the line: nothing but signs and labels stand before it. */
#define REPLY_SPOT_IS_CERTAIN 3

/* The likeliest refusal in the line (NUL-terminated). FALSE: none. */
gboolean reply_spot_find(const char *line, ReplySpot *spot);

/* The text of a reply of several lines as one line, without the code and enhanced code that are
 * repeated at each ("550-5.7.1 so 550 5.7.1 long"), whether the line ends are still there or not.
 * The caller frees. */
char *reply_spot_join(const ReplySpot *spot, const char *text);

/* The first enhanced status code of class 4 or 5 that is not part of an address or a version; ""
 * if there is none. */
void reply_spot_enhanced(const char *text, char enhanced[ENHANCED_SIZE]);
