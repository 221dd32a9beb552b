#include "cli/words.h"

#include <string.h>

typedef struct {
    const char *english, *german;
} Sentence;

static const Sentence sentences[] = {
    {"Password (empty: the stored one): ", "Passwort (leer: das gespeicherte): "},
    {"an argument is not valid UTF-8", "eine Angabe ist kein gültiges UTF-8"},
    {"the verification does not come to an end", "die Prüfung kommt zu keinem Ende"},
    {"server name", "Servername"},
    {"port (587)", "Port (587)"},
    {"how TLS starts (implicit on 465, else starttls)",
        "wie TLS beginnt (implicit bei 465, sonst starttls)"},
    {"user name (the sender address)", "Benutzername (die Absenderadresse)"},
    {"sender address", "Absenderadresse"},
    {"sender name", "Absendername"},
    {"read the password from standard input", "Passwort von der Standardeingabe lesen"},
    {"also ask whether this recipient would be taken",
        "auch fragen, ob dieser Empfänger angenommen würde"},
    {"send with these settings if they work", "mit diesen Einstellungen senden, wenn sie taugen"},
    {"print what was said, without secrets", "zeigen, was gesagt wurde, ohne Geheimnisse"},
    {"run the service", "den Dienst starten"},
    {"verify SMTP settings, rung by rung", "SMTP-Einstellungen Schritt für Schritt prüfen"},
    {"show settings, sending switch and what waits",
        "Einstellungen, Versandschalter und Wartendes zeigen"},
    {"hand over one email", "eine E-Mail übergeben"},
    {"make an API token", "ein API-Token erzeugen"},
    {"switch mail sending off", "den Mailversand ausschalten"},
    {"switch mail sending on", "den Mailversand einschalten"},
    {"Absender: outgoing mail, verified and never lost.",
        "Absender: ausgehende Mail, geprüft und nie verloren."},
    {"\"absender COMMAND --help\" explains a command. All take --data DIR and --json.",
        "„absender BEFEHL --help“ erklärt einen Befehl. Alle nehmen --data DIR und --json."},
    {"absender: there is no command \"%s\"", "absender: Den Befehl „%s“ gibt es nicht"},
    {"folder of the running service (ABSENDER_DATA, else ./var)",
        "Ordner des laufenden Dienstes (ABSENDER_DATA, sonst ./var)"},
    {"print the API's answer", "die Antwort der API ausgeben"},
    {"this text", "dieser Text"},
    {"wrong number of arguments; --help shows the usage",
        "falsche Zahl von Angaben; --help zeigt den Aufruf"},
    {"no Absender answers at %s. Is the service running? Is --data right?",
        "an %s antwortet kein Absender. Läuft der Dienst? Stimmt --data?"},
    {"what answers there does not speak the API", "was dort antwortet, spricht die API nicht"},
    {"unknown", "unbekannt"},
    {"What it means:", "Was es heißt:"},
    {"What helps:", "Was hilft:"},
    {"The server said:", "Der Server sagte:"},
    {"Diagnosis:", "Diagnose:"},
    {"The service refused.", "Der Dienst hat abgelehnt."},
    {"not configured", "nicht eingerichtet"},
    {"begun", "begonnen"},
    {"running", "läuft"},
    {"complete", "abgeschlossen"},
    {"failed", "fehlgeschlagen"},
    {"good", "gut"},
    {"degraded", "beeinträchtigt"},
    {"the provider refuses the login", "der Anbieter lehnt die Anmeldung ab"},
    {"the provider cannot be reached", "der Anbieter ist nicht erreichbar"},
    {"nothing sent yet", "noch nichts gesendet"},
    {"on their way", "unterwegs"},
    {"queued", "in der Warteschlange"},
    {"to be tried again", "wird erneut versucht"},
    {"held", "zurückgehalten"},
    {"scheduled", "geplant"},
    {"uncertain", "ungewiss"},
    {"passed", "bestanden"},
    {"cancelled", "abgebrochen"},
    {"Waiting:", "Wartend:"},
    {"nothing", "nichts"},
    {"on", "eingeschaltet"},
    {"off", "ausgeschaltet"},
    {"never switched on yet", "noch nie eingeschaltet"},
    {", until %s", ", bis %s"},
    {", since %s", ", seit %s"},
    {", by %s", ", durch %s"},
    {"the operator", "den Betreiber"},
    {"Sending:", "Versand:"},
    {", sender %s", ", Absender %s"},
    {"Sending with:", "Gesendet wird mit:"},
    {"Still missing:", "Es fehlt noch:"},
    {"Setup:", "Einrichtung:"},
    {"Health:", "Zustand:"},
    {"Last check:", "Letzte Prüfung:"},
    {"DNS", "DNS"},
    {"Connection", "Verbindung"},
    {"Greeting", "Begrüßung"},
    {"EHLO", "EHLO"},
    {"STARTTLS", "STARTTLS"},
    {"TLS", "TLS"},
    {"Certificate", "Zertifikat"},
    {"Login", "Anmeldung"},
    {"Sender", "Absender"},
    {"Recipient", "Empfänger"},
    {"TLS from the start", "TLS von Anfang an"},
    {"Checking %s", "Geprüft wird %s"},
    {" as %s", " als %s"},
    {"  certificate of %s, valid until %s", "  Zertifikat von %s, gültig bis %s"},
    {"The settings work.", "Die Einstellungen taugen."},
    {"Mail is sent with them from now on.", "Ab jetzt wird mit ihnen gesendet."},
    {"They are not active; --activate makes them so.",
        "Sie sind nicht aktiv; das bewirkt --activate."},
    {"The check was cancelled.", "Die Prüfung wurde abgebrochen."},
    {"The settings do not work. What is active stays as it was.",
        "Die Einstellungen taugen nicht. Was aktiv ist, bleibt, wie es war."},
    {"being sent", "wird gesendet"},
    {"held: sending is off or not set up",
        "zurückgehalten: Versand ist ausgeschaltet oder nicht eingerichtet"},
    {"accepted by the provider", "vom Anbieter angenommen"},
    {"rejected", "abgelehnt"},
    {"expired", "abgelaufen"},
    {"handed over by hand", "von Hand weitergegeben"},
    {"the password is not valid UTF-8", "das Passwort ist kein gültiges UTF-8"},
    {"%s cannot be read", "%s lässt sich nicht lesen"},
    {"%s is larger than a message may be", "%s ist größer, als eine Nachricht sein darf"},
    {"%s is not valid UTF-8", "%s ist kein gültiges UTF-8"},
    {"needs --to and --subject", "braucht --to und --subject"},
    {"needs --text or --html (- for standard input)",
        "braucht --text oder --html (- ist die Standardeingabe)"},
    {"only one of --text and --html can come from standard input",
        "nur eines von --text und --html kann von der Standardeingabe kommen"},
    {"recipient; may be repeated", "Empfänger; mehrfach möglich"},
    {"recipient of a copy; may be repeated", "Empfänger einer Kopie; mehrfach möglich"},
    {"recipient nobody sees; may be repeated", "Empfänger, den niemand sieht; mehrfach möglich"},
    {"sender (that of the settings)", "Absender (der aus den Einstellungen)"},
    {"where answers go", "wohin Antworten gehen"},
    {"subject", "Betreff"},
    {"file with the text; - is standard input", "Datei mit dem Text; - ist die Standardeingabe"},
    {"file with HTML; - is standard input", "Datei mit HTML; - ist die Standardeingabe"},
    {"file to attach; may be repeated", "Datei als Anhang; mehrfach möglich"},
    {"reset, invitation, transactional, notification or bulk",
        "reset, invitation, transactional, notification oder bulk"},
    {"not to be sent after that time", "nach dieser Zeit nicht mehr senden"},
    {"the same key sends only once in 24 hours",
        "derselbe Schlüssel sendet in 24 Stunden nur einmal"},
    {"shown to everybody who asks why", "sieht jeder, der nach dem Grund fragt"},
    {"when the pause is meant to end", "wann die Pause enden soll"},
    {"the password is longer than %d octets", "das Passwort ist länger als %d Oktette"},
    {"there is no terminal to ask for the password; use --password-stdin",
        "kein Terminal, um nach dem Passwort zu fragen; --password-stdin nehmen"},
    {"no password came from standard input", "von der Standardeingabe kam kein Passwort"},
    {"Keep it now: it is not shown again.",
        "Jetzt aufbewahren: Es wird nicht noch einmal gezeigt."},
    {"what it is for", "wofür es ist"},
    {"what it may do; may be repeated", "was es darf; mehrfach möglich"},
    {"when it ends (never)", "wann es endet (nie)"},
    {"needs \"create\", --name and at least one --scope",
        "braucht „create“, --name und mindestens ein --scope"},
    {"Without settings the stored draft is verified; settings given here replace the\n"
     "same fields of the draft. The password is asked for on the terminal; an empty\n"
     "line keeps the stored one, as long as host, port, security and user name stay\n"
     "the same. Nothing is sent. The exit status is 1 if the settings do not work.\n"
     "\n"
     "  absender check --host smtp.example.com --from mail@example.com --activate\n"
     "  absender check --password-stdin < password-file",
        "Ohne Angaben wird der gespeicherte Entwurf geprüft; Angaben hier ersetzen dieselben\n"
        "Felder des Entwurfs. Nach dem Passwort wird auf dem Terminal gefragt; eine leere\n"
        "Zeile behält das gespeicherte, solange Server, Port, Verschlüsselung und\n"
        "Benutzername gleich bleiben. Gesendet wird nichts. Taugen die Einstellungen nicht,\n"
        "ist der Exit-Status 1.\n"
        "\n"
        "  absender check --host smtp.example.com --from mail@example.com --activate\n"
        "  absender check --password-stdin < passwort-datei"},
    {"  absender status\n"
     "  absender status --json",
        "  absender status\n"
        "  absender status --json"},
    {"The email is stored durably before this command ends; the service delivers it\n"
     "when sending is on. FILE may be - for standard input.\n"
     "\n"
     "  echo Hello | absender send --to anna@example.com --subject Hello --text -",
        "Die E-Mail ist dauerhaft gespeichert, bevor dieser Befehl endet; der Dienst stellt\n"
        "sie zu, sobald der Versand eingeschaltet ist. FILE kann - sein: Standardeingabe.\n"
        "\n"
        "  echo Hallo | absender send --to anna@example.com --subject Hallo --text -"},
    {"The token alone is printed on standard output, and only this once. Scopes:\n"
     "emails:send emails:read smtp:read smtp:write people:write audit:read.\n"
     "\n"
     "  absender token create --name shop --scope emails:send",
        "Auf der Standardausgabe steht nur das Token, und nur dieses eine Mal. Rechte:\n"
        "emails:send emails:read smtp:read smtp:write people:write audit:read.\n"
        "\n"
        "  absender token create --name shop --scope emails:send"},
    {"Mail is held, not lost. Test mails and verifications that a person starts still\n"
     "go out.\n"
     "\n"
     "  absender pause --reason \"moving to a new provider\"",
        "Mail wird zurückgehalten und geht nicht verloren. Testmails und Prüfungen, die\n"
        "jemand von Hand startet, gehen weiterhin hinaus.\n"
        "\n"
        "  absender pause --reason \"Umzug zu einem neuen Anbieter\""},
    {"Held mail goes out at once, except what has expired.",
        "Zurückgehaltene Mail geht sofort hinaus, außer was abgelaufen ist."},
};

/* Set once at start, before anything is said. */
static gboolean is_german;

void words_choose_language(const char *language)
{
    is_german = strcmp(language, "de") == 0;
}

void words_choose(void)
{
    const char *const *names = g_get_language_names();
    words_choose_language(g_str_has_prefix(names[0], "de") ? "de" : "en");
}

const char *words_language(void)
{
    return is_german ? "de" : "en";
}

const char *say(const char *english)
{
    for (gsize i = 0; is_german && i < G_N_ELEMENTS(sentences); i++) {
        if (strcmp(sentences[i].english, english) == 0)
            return sentences[i].german;
    }
    return english;
}
