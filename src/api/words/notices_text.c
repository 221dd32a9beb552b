#include "api/words/notices_text.h"

#include <string.h>

const char *notices_text_reason(Language language)
{
    return language_pick(
        language, "Der Server war nicht erreichbar.", "The server could not be reached.");
}

const char *notices_text_period(gboolean is_hourly, Language language)
{
    return is_hourly ? language_pick(language, "in einer Stunde", "in an hour")
                     : language_pick(language, "in 24 Stunden", "in 24 hours");
}

typedef struct {
    const char *kind;
    const char *before[LANGUAGE_COUNT], *after[LANGUAGE_COUNT]; /* the name */
    const char *advice[LANGUAGE_COUNT];
    const char *page;
} DateText;

static const DateText dates[] = {
    {"token", {"The API token “", "Das API-Token „"}, {"”", "“"},
        {"Please make a new one before and put it into the application.",
            "Legen Sie vorher ein neues an und tragen Sie es in der Anwendung ein."},
        "/#/applications"},
    {"certificate", {"The certificate last seen at ", "Das zuletzt gesehene Zertifikat von "},
        {"", ""},
        {"Most providers renew it by themselves. Test the settings once more, and the new date is "
         "known. If the server is your own, please renew the certificate.",
            "Meist erneuert es der Anbieter von selbst. Prüfen Sie die Einstellungen noch einmal, "
            "dann steht hier der neue Stand. Ist der Server Ihr eigener, erneuern Sie das "
            "Zertifikat."},
        "/#/settings/email"},
};

NoticesDate notices_text_date(const char *kind, const char *name, Language language)
{
    const DateText *text = dates;
    for (gsize i = 0; i < G_N_ELEMENTS(dates); i++) {
        if (strcmp(dates[i].kind, kind) == 0)
            text = &dates[i];
    }
    return (NoticesDate){
        .what = g_strconcat(text->before[language], name, text->after[language], NULL),
        .advice = text->advice[language],
        .page = text->page};
}
