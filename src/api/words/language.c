#include "api/words/language.h"

#include <string.h>

static const char *const names[LANGUAGE_COUNT] = {[LANGUAGE_EN] = "en", [LANGUAGE_DE] = "de"};

const char *language_name(Language language)
{
    return names[language];
}

gboolean language_parse(const char *name, Language *language)
{
    for (Language i = LANGUAGE_EN; name && i < LANGUAGE_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *language = i;
            return TRUE;
        }
    }
    return FALSE;
}

/* The weight of one item ("de-CH;q=0.8"); 1 without q. */
static double weight_of(const char *item)
{
    const char *q = strchr(item, ';');
    q = q ? strstr(q, "q=") : NULL;
    return q ? CLAMP(g_ascii_strtod(q + 2, NULL), 0, 1) : 1;
}

Language language_accept(const char *header)
{
    Language best = LANGUAGE_EN;
    double best_weight = 0;
    g_auto(GStrv) items = g_strsplit(header ? header : "", ",", 20);
    for (guint i = 0; items[i]; i++) {
        const char *item = g_strstrip(items[i]);
        char tail = strlen(item) >= 2 ? item[2] : 'x';
        g_autofree char *tag = g_ascii_strdown(item, 2);
        Language language;
        if ((tail == '\0' || strchr("-; ", tail)) && language_parse(tag, &language) &&
            weight_of(item) > best_weight) {
            best = language;
            best_weight = weight_of(item);
        }
    }
    return best;
}

const char *language_pick(Language language, const char *de, const char *en)
{
    return language == LANGUAGE_DE ? de : en;
}
