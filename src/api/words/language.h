/* The language of texts in answers. */
#pragma once

#include <glib.h>

typedef enum {
    LANGUAGE_EN = 0,
    LANGUAGE_DE = 1,
} Language;
#define LANGUAGE_COUNT 2

/* The better liked of de and en in an Accept-Language header (RFC 9110 12.5.4); NULL, other
 * languages: en. */
Language language_accept(const char *header);

/* "de", "en"; FALSE if it is neither. */
gboolean language_parse(const char *name, Language *language);
const char *language_name(Language language);

/* One of two texts; NULL if that one is. */
const char *language_pick(Language language, const char *de, const char *en);
