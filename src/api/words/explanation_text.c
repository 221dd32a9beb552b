#include "api/words/explanation_text.h"

#include <string.h>

#define LANGUAGES LANGUAGE_COUNT

/* --- Times ----------------------------------------------------------------------------------- */

char *explanation_time(WallMs at, GTimeZone *zone, Language language)
{
    static const char *const months[LANGUAGES][12] = {
        {"January", "February", "March", "April", "May", "June", "July", "August", "September",
            "October", "November", "December"},
        {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
            "Oktober", "November", "Dezember"},
    };
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(at / CLOCK_SECOND_MS);
    g_autoptr(GDateTime) time = utc && zone ? g_date_time_to_timezone(utc, zone)
                                : utc       ? g_date_time_ref(utc)
                                            : NULL;
    if (!time) /* thousands of years away: a clock that is set wrong */
        return g_strdup(language == LANGUAGE_DE ? "unbekannter Zeit" : "an unknown time");
    const char *month = months[language][g_date_time_get_month(time) - 1];
    int day = g_date_time_get_day_of_month(time), year = g_date_time_get_year(time);
    int hour = g_date_time_get_hour(time), minute = g_date_time_get_minute(time);
    const char *whose = zone ? "" : " (UTC)";
    if (language == LANGUAGE_DE)
        return g_strdup_printf(
            "%d. %s %d um %02d:%02d Uhr%s", day, month, year, hour, minute, whose);
    return g_strdup_printf("%d %s %d at %02d:%02d%s", day, month, year, hour, minute, whose);
}

/* --- Sentences ------------------------------------------------------------------------------- */

/* {own} {next} {expires} are times, {because} the gate, {sender} {allowed} addresses. `then`
 * follows if there is a next moment, `late` if it is given up before that, `otherwise` if there is
 * none; what an entry leaves out is not said. */
typedef struct {
    gboolean has_meaning; /* the diagnosis belongs here */
    const char *text[LANGUAGES], *then[LANGUAGES], *late[LANGUAGES], *otherwise[LANGUAGES];
} Row;

#define LOST_EN                                                                              \
    "Whether this email has arrived is not known: the connection broke before the provider " \
    "answered."
#define LOST_DE                                                                                \
    "Ob diese E-Mail angekommen ist, lässt sich nicht sagen: Die Verbindung brach ab, bevor " \
    "der Anbieter antwortete."
#define NEXT_TRY                                                                       \
    {                                                                                  \
        "The next attempt follows on {next}.", "Der nächste Versuch folgt am {next}." \
    }

static const Row rows[] = {
    [EXPLAIN_WAITING_TURN] = {.text = {"This email is next in line and will be sent shortly.",
                                  "Diese E-Mail ist an der Reihe und wird in Kürze gesendet."}},
    [EXPLAIN_WAITING_PROVIDER] = {.has_meaning = TRUE,
        .text = {"This email is next in line, but the last attempts to send something failed.",
            "Diese E-Mail ist an der Reihe, aber zuletzt ließ sich nichts senden."},
        .otherwise = {"It is tried again by itself, and the email goes out as soon as it works.",
            "Absender versucht es von selbst weiter; sobald es gelingt, geht sie hinaus."}},
    [EXPLAIN_HELD] = {.text = {"This email is waiting because {because}.",
                          "Diese E-Mail wartet, weil {because}."}},
    [EXPLAIN_SCHEDULED] = {.text = {"This email is scheduled for {own}.",
                               "Diese E-Mail ist für den {own} geplant."},
        .late = {"But it expires before that, on {expires}, and will not be sent.",
            "Sie verfällt aber vorher, am {expires}, und wird so nicht gesendet."}},
    [EXPLAIN_SCHEDULED_HELD] =
        {.text = {"This email is scheduled for {own}, but as things are it would have to wait "
                  "then, because {because}.",
             "Diese E-Mail ist für den {own} geplant, müsste dann aber nach heutigem Stand "
             "warten, weil {because}."}},
    [EXPLAIN_SENDING] = {.text = {"This email is being sent at this moment.",
                             "Diese E-Mail wird gerade gesendet."}},
    [EXPLAIN_DEFERRED_REFUSED] = {.has_meaning = TRUE,
        .text = {"The provider has not taken this email yet.",
            "Der Anbieter hat diese E-Mail vorerst nicht angenommen."},
        .then = NEXT_TRY},
    [EXPLAIN_DEFERRED_ACCOUNT] = {.has_meaning = TRUE,
        .text = {"The provider refuses this email because of the account or the settings.",
            "Der Anbieter lehnt diese E-Mail wegen des Kontos oder der Einstellungen ab."},
        .then = {"Absender tries again every 30 minutes, next on {next}, and at once after new "
                 "settings have been tested.",
            "Absender versucht es alle 30 Minuten erneut, das nächste Mal am {next}, und sofort, "
            "sobald neue Einstellungen geprüft sind."}},
    [EXPLAIN_DEFERRED_SENDER] =
        {.text = {"This email still bears the sender {sender}. Only {allowed} "
                  "may send, so Absender has not handed it over.",
             "Diese E-Mail trägt noch den Absender {sender}. Gesendet "
             "werden darf nur als {allowed}; Absender hat sie deshalb "
             "nicht übergeben."}},
    [EXPLAIN_DEFERRED_UNREACHED] = {.has_meaning = TRUE,
        .text = {"This email could not be sent yet, because no connection to the provider came "
                 "about or lasted.",
            "Diese E-Mail konnte noch nicht gesendet werden, weil keine Verbindung zum Anbieter "
            "zustande kam oder hielt."},
        .then = NEXT_TRY},
    [EXPLAIN_DEFERRED_LAST] = {.has_meaning = TRUE,
        .text = {"This email could not be sent so far.",
            "Diese E-Mail konnte bisher nicht gesendet werden."},
        .otherwise = {"There is no further attempt before it expires on {expires}.",
            "Bis sie am {expires} verfällt, folgt kein weiterer Versuch."}},
    [EXPLAIN_EXPIRING] = {.text = {"The time of this email is over; it will not be sent any more.",
                              "Die Zeit dieser E-Mail ist abgelaufen; sie wird nicht mehr "
                              "gesendet."}},
    [EXPLAIN_UNCERTAIN_REPEATED] = {.text = {LOST_EN, LOST_DE},
        .then = {"It will be sent once more on {next} and may then arrive twice.",
            "Sie wird am {next} noch einmal gesendet und kommt dann vielleicht doppelt an."},
        .otherwise = {"It will be sent once more shortly and may then arrive twice.",
            "Sie wird in Kürze noch einmal gesendet und kommt dann vielleicht doppelt an."}},
    [EXPLAIN_UNCERTAIN_HELD] = {.text = {LOST_EN " It is to be sent once more and is waiting "
                                                 "because {because}.",
                                    LOST_DE " Sie soll noch einmal gesendet werden und wartet, "
                                            "weil {because}."}},
    [EXPLAIN_UNCERTAIN_ONCE] = {.text = {LOST_EN " It may be sent at most once, so it is not "
                                                 "repeated.",
                                    LOST_DE " Sie darf höchstens einmal gesendet werden und wird "
                                            "deshalb nicht wiederholt."}},
    [EXPLAIN_UNCERTAIN_ENDED] = {.text = {LOST_EN " It is not sent again by itself.",
                                     LOST_DE " Von selbst wird sie nicht noch einmal gesendet."}},
    [EXPLAIN_ACCEPTED] = {.text = {"The provider has taken this email and is now responsible for "
                                   "it.",
                              "Der Anbieter hat diese E-Mail angenommen und ist nun dafür "
                              "verantwortlich."}},
    [EXPLAIN_ACCEPTED_FLAGGED] = {.text = {"The provider has taken this email. What came of an "
                                           "earlier attempt is not known, so it may have arrived "
                                           "twice.",
                                      "Der Anbieter hat diese E-Mail angenommen. Wie ein früherer "
                                      "Versuch ausging, ist nicht bekannt; sie kann doppelt "
                                      "angekommen sein."}},
    [EXPLAIN_REJECTED] = {.has_meaning = TRUE,
        .text = {"The provider has refused this email for good.",
            "Der Anbieter hat diese E-Mail endgültig abgelehnt."}},
    [EXPLAIN_EXPIRED] = {.text = {"This email was not sent, because its time was over.",
                             "Diese E-Mail wurde nicht gesendet, weil ihre Zeit abgelaufen war."}},
    [EXPLAIN_CANCELLED] = {.text = {"This email was cancelled and not sent.",
                               "Diese E-Mail wurde abgebrochen und nicht gesendet."}},
    [EXPLAIN_HANDED_OVER] = {.text = {"What this email says was passed on by hand.",
                                 "Der Inhalt dieser E-Mail wurde von Hand weitergegeben."}},
};

/* A closed gate: why it is closed, and what comes of it by itself. */
static const struct {
    gboolean has_meaning;
    const char *because[LANGUAGES], *then[LANGUAGES], *late[LANGUAGES], *otherwise[LANGUAGES];
} gates[] = {
    [EMAIL_GATE_NOT_CONFIGURED] = {.because = {"no SMTP settings are active yet",
                                       "noch keine SMTP-Einstellungen aktiv sind"}},
    [EMAIL_GATE_PAUSED] = {.because = {"sending is paused", "der Mailversand pausiert ist"},
        .then = {"It goes on by itself on {next} at the earliest.",
            "Von selbst geht es frühestens am {next} weiter."},
        .late = {"It expires on {expires}, before sending goes on by itself.",
            "Sie verfällt am {expires}, bevor es von selbst weitergeht."}},
    [EMAIL_GATE_CREDENTIAL_FAULT] = {.has_meaning = TRUE,
        .because = {"the provider refuses the login", "der Anbieter die Anmeldung ablehnt"},
        .then = {"The login is tried once more by itself, on {next} at the earliest.",
            "Frühestens am {next} wird die Anmeldung von selbst noch einmal versucht."},
        .late = {"It expires on {expires}, before the login is tried once more by itself.",
            "Sie verfällt am {expires}, bevor die Anmeldung von selbst noch einmal versucht "
            "wird."},
        .otherwise = {"The login is not tried again by itself, so that the provider does not "
                      "lock the account.",
            "Von selbst wird die Anmeldung nicht mehr versucht, damit der Anbieter das Konto "
            "nicht sperrt."}},
    [EMAIL_GATE_QUOTA] = {.because = {"the sending quota is used up",
                              "das Sendekontingent ausgeschöpft ist"},
        .then = {"There is room again on {next} at the earliest; what stands before it goes "
                 "first.",
            "Frühestens am {next} ist wieder Platz; was vor ihr an der Reihe ist, geht zuerst."},
        .late = {"It expires on {expires}, before there is room again.",
            "Sie verfällt am {expires}, bevor wieder Platz ist."}},
};

static void put_time(
    GString *text, const char *place, WallMs at, GTimeZone *zone, Language language)
{
    if (!strstr(text->str, place))
        return;
    g_autofree char *words = explanation_time(at, zone, language);
    g_string_replace(text, place, words, 0);
}

static void put_address(GString *text, const char *place, const char *address, Language language)
{
    const char *unknown = language == LANGUAGE_DE ? "jemand anderes" : "somebody else";
    g_string_replace(text, place, address ? address : unknown, 0);
}

static void add_sentence(GString *text, const char *sentence)
{
    if (sentence && *sentence)
        g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", sentence);
}

/* Which of the three fits. */
static const char *outlook(
    const Explanation *explanation, const char *then, const char *late, const char *otherwise)
{
    if (explanation->expires_first)
        return late;
    return explanation->next_at > 0 ? then : otherwise;
}

char *explanation_sentence(
    const Explanation *explanation, const ExplanationWords *words, Language language)
{
    const Row *row = &rows[explanation->code];
    EmailGate gate = explanation->gate;
    GString *text = g_string_new(row->text[language]);
    if (gate != EMAIL_GATE_OPEN)
        g_string_replace(text, "{because}", gates[gate].because[language], 1);
    if (gate == EMAIL_GATE_OPEN ? row->has_meaning : gates[gate].has_meaning)
        add_sentence(text, words->meaning);
    add_sentence(text,
        outlook(explanation, row->then[language], row->late[language], row->otherwise[language]));
    if (gate != EMAIL_GATE_OPEN)
        add_sentence(text, outlook(explanation, gates[gate].then[language],
                               gates[gate].late[language], gates[gate].otherwise[language]));
    put_time(text, "{own}", words->own_at, words->zone, language);
    put_time(text, "{next}", explanation->next_at, words->zone, language);
    put_time(text, "{expires}", explanation->expires_at, words->zone, language);
    put_address(text, "{sender}", words->sender, language);
    put_address(text, "{allowed}", words->allowed, language);
    if (words->address) {
        g_string_prepend(text, ": ");
        g_string_prepend(text, words->address);
        g_string_prepend(text, language == LANGUAGE_DE ? "An " : "To ");
    }
    return g_string_free(text, FALSE);
}

const char *explanation_change(ExplainChange change, const char *fix, Language language)
{
    static const char *const texts[][LANGUAGES] = {
        [EXPLAIN_CHANGE_ENTER_SETTINGS] = {"Enter the SMTP settings and test them",
            "SMTP-Einstellungen eingeben und prüfen"},
        [EXPLAIN_CHANGE_SWITCH_ON] = {"Switch mail sending on", "Mailversand einschalten"},
        [EXPLAIN_CHANGE_VERIFY_PASSWORD] = {"Enter a new password and test it",
            "Neues Passwort eingeben und prüfen"},
        [EXPLAIN_CHANGE_RAISE_QUOTA] =
            {"Raise the quota in the settings, if the provider allows it",
                "Kontingent in den Einstellungen erhöhen, wenn der Anbieter es erlaubt"},
        [EXPLAIN_CHANGE_FIX_CAUSE] = {"Mend the cause", "Ursache beheben"},
        [EXPLAIN_CHANGE_RETRY] = {"Try again now", "Jetzt erneut versuchen"},
        [EXPLAIN_CHANGE_RESCHEDULE] = {"Choose another time", "Anderen Zeitpunkt wählen"},
        [EXPLAIN_CHANGE_CANCEL] = {"Cancel it", "Abbrechen"},
        [EXPLAIN_CHANGE_SEND_NEW] = {"Hand it over anew in the application",
            "In der Anwendung neu auslösen"},
    };
    return change == EXPLAIN_CHANGE_FIX_CAUSE && fix ? fix : texts[change][language];
}
