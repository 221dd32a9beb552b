#include "api/words/browser_text.h"

#include "base/limits.h"
#include "base/text.h"

#include <string.h>

typedef struct {
    const char *sign, *name;
} Sign;

/* The first that is found counts: most call themselves Safari, and Edge calls itself Chrome. */
static const Sign browsers[] = {
    {"Edg/", "Edge"},
    {"EdgA/", "Edge"},
    {"EdgiOS/", "Edge"},
    {"OPR/", "Opera"},
    {"Firefox/", "Firefox"},
    {"FxiOS/", "Firefox"},
    {"SamsungBrowser/", "Samsung Internet"},
    {"CriOS/", "Chrome"},
    {"Chrome/", "Chrome"}, /* and HeadlessChrome */
    {"Chromium/", "Chrome"},
    {"Safari/", "Safari"},
};
static const Sign systems[] = {
    {"Android", "Android"},
    {"iPhone", "iOS"},
    {"iPad", "iOS"},
    {"Windows", "Windows"},
    {"Mac OS X", "macOS"},
    {"CrOS", "ChromeOS"},
    {"Linux", "Linux"},
};

static const char *find(const Sign *signs, gsize n, const char *agent)
{
    for (gsize i = 0; i < n; i++) {
        if (strstr(agent, signs[i].sign))
            return signs[i].name;
    }
    return NULL;
}

char *browser_text(const char *agent, Language language)
{
    if (!agent)
        return NULL;
    const char *browser = find(browsers, G_N_ELEMENTS(browsers), agent);
    const char *system = find(systems, G_N_ELEMENTS(systems), agent);
    if (!browser)
        return text_printable(agent, strcspn(agent, "/"), LIMIT_NOTICE_AGENT_CHARACTERS);
    if (!system)
        return g_strdup(browser);
    return g_strdup_printf(language == LANGUAGE_DE ? "%s auf %s" : "%s on %s", browser, system);
}

gboolean browser_is_same(const char *agent, const char *other)
{
    g_autofree char *text = browser_text(agent, LANGUAGE_EN);
    g_autofree char *other_text = browser_text(other, LANGUAGE_EN);
    return g_strcmp0(text, other_text) == 0;
}
