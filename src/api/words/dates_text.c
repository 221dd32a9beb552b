#include "api/words/dates_text.h"

#define SETTINGS_PAGE "/#/settings/email/edit"

/* In both languages, English first. */
typedef struct {
    const char *sentence[LANGUAGE_COUNT];                       /* NULL: the provider's own */
    const char *before[LANGUAGE_COUNT], *after[LANGUAGE_COUNT]; /* around the name; NULL: no mail */
    const char *advice[LANGUAGE_COUNT];
    const char *page;
    gboolean is_day; /* the hour says nothing */
} DateText;

static const DateText texts[DATE_KINDS] = {
    [DATE_CERTIFICATE] =
        {
            .sentence = {"The certificate that the server showed in the last check is valid until "
                         "then. As a rule the provider renews it.",
                "So lange gilt das Zertifikat, das der Server bei der letzten Prüfung gezeigt hat. "
                "Der Anbieter erneuert es in der Regel selbst."},
            .before = {"The certificate last seen at ", "Das zuletzt gesehene Zertifikat von "},
            .after = {"", ""},
            .advice = {"Most providers renew it by themselves. Test the settings once more, and "
                       "the new date is known. If the server is your own, please renew the "
                       "certificate.",
                "Meist erneuert es der Anbieter von selbst. Prüfen Sie die Einstellungen noch "
                "einmal, dann steht hier der neue Stand. Ist der Server Ihr eigener, erneuern Sie "
                "das Zertifikat."},
            .page = "/#/settings/email",
        },
    [DATE_TOKEN] =
        {
            .sentence = {"An API token ends then. Make a new one before and put it into the "
                         "application.",
                "Dann läuft ein API-Token ab. Legen Sie vorher ein neues an und tragen Sie es in "
                "der Anwendung ein."},
            .before = {"The API token “", "Das API-Token „"},
            .after = {"”", "“"},
            .advice = {"Please make a new one before and put it into the application.",
                "Legen Sie vorher ein neues an und tragen Sie es in der Anwendung ein."},
            .page = "/#/applications",
        },
    [DATE_CLIENT_SECRET] =
        {
            .sentence = {"End of the client secret. Without a valid one no mail goes out: make a "
                         "new one at the provider and enter it here.",
                "Ende des Clientschlüssels. Ohne gültigen geht keine Mail hinaus: Erzeugen Sie "
                "beim "
                "Anbieter einen neuen und tragen Sie ihn hier ein."},
            .before = {"The client secret for ", "Der Clientschlüssel für "},
            .after = {"", ""},
            .advice = {"Please make a new one at the provider, enter it and test the settings. "
                       "Until the old one ends both are valid, so no mail is held up.",
                "Erzeugen Sie beim Anbieter einen neuen, tragen Sie ihn ein und prüfen Sie die "
                "Einstellungen. Bis der alte endet, gelten beide; es bleibt also keine Mail "
                "liegen."},
            .page = SETTINGS_PAGE,
            .is_day = TRUE,
        },
    [DATE_CLIENT_CERTIFICATE] =
        {
            .sentence = {"End of the certificate that signs in to the provider. Without a valid "
                         "one no mail goes out: upload a new one there and enter it here.",
                "Ende des Zertifikats, mit dem sich dieser Dienst beim Anbieter anmeldet. Ohne "
                "gültiges geht keine Mail hinaus: Laden Sie dort ein neues hoch und tragen Sie es "
                "hier ein."},
            .before = {"The certificate for signing in to ", "Das Zertifikat zur Anmeldung bei "},
            .after = {"", ""},
            .advice = {"Please upload a new one at the provider, enter it here with its key and "
                       "test the settings.",
                "Laden Sie beim Anbieter ein neues hoch, tragen Sie es hier mit seinem Schlüssel "
                "ein und prüfen Sie die Einstellungen."},
            .page = SETTINGS_PAGE,
        },
    [DATE_REFRESH_TOKEN] =
        {
            .sentence = {"The sign-in at the provider lapses then if no mail is sent until that "
                         "day; every mail extends it.",
                "Wird bis dahin keine Mail gesendet, verfällt die Anmeldung beim Anbieter; jede "
                "Mail verlängert sie."},
            .before = {"The sign-in at the provider of ", "Die Anmeldung beim Anbieter von "},
            .after = {"", ""},
            .advice = {"Any mail extends it, a test mail too. If it has lapsed, please sign in "
                       "once more.",
                "Jede Mail verlängert sie, auch eine Testmail. Ist sie verfallen, melden Sie sich "
                "noch einmal an."},
            .page = SETTINGS_PAGE,
            .is_day = TRUE,
        },
    [DATE_APP_PASSWORD] =
        {
            .sentence = {"The app password is a year old on that day. Nothing ends then, but a new "
                         "one is advisable: make it, test the settings, delete the old one.",
                "An diesem Tag ist das App-Passwort ein Jahr alt. Es gilt weiter, ein neues ist "
                "aber ratsam: anlegen, Einstellungen prüfen, das alte löschen."},
        },
    [DATE_PROVIDER] =
        {
            .before = {"Login with a password at ", "Die Anmeldung mit Passwort bei "},
            .after = {"", ""},
            .advice = {"Please change the settings to OAuth2 before; the page leads through it.",
                "Stellen Sie die Anmeldung vorher auf OAuth2 um; die Seite führt hindurch."},
            .page = SETTINGS_PAGE,
            .is_day = TRUE,
        },
};

const char *dates_text(const DateAhead *date, Language language)
{
    const char *sentence = texts[date->kind].sentence[language];
    return sentence ? sentence : language_pick(language, date->text_de, date->text_en);
}

gboolean dates_text_is_told(const DateAhead *date)
{
    return !date->is_news && texts[date->kind].before[LANGUAGE_EN];
}

DatesNotice dates_text_notice(const DateAhead *date, Language language)
{
    const DateText *text = &texts[date->kind];
    return (DatesNotice){
        .what = g_strconcat(text->before[language], date->name, text->after[language], NULL),
        .advice = text->advice[language],
        .page = text->page,
        .is_day = text->is_day};
}
