#include "cli/words.h"

#include <string.h>

typedef struct {
    const char *english, *german;
} Sentence;

static const Sentence sentences[] = {
    {"status | add | activate ID | retire ID | export FILE | import FILE",
        "status | add | activate KENNUNG | retire KENNUNG | export DATEI | import DATEI"},
    {"change the key that everything stored is sealed with",
        "den Schlüssel wechseln, mit dem alles Gespeicherte versiegelt ist"},
    {"A change, while the service works: add makes a key, activate has it seal from now\n"
     "on and puts everything stored under it, retire takes a former key away as soon as\n"
     "nothing is sealed with it. status shows all of them. Each step may be repeated.\n"
     "export writes the keys to a new file, sealed with a passphrase; import puts them\n"
     "into the folder that --data names, while no service runs there.\n"
     "\n"
     "  absender key add\n"
     "  absender key activate 0193f5c0e1c27abc8def0123456789ab\n"
     "  absender key export /media/safe/absender-keys",
        "Ein Wechsel im laufenden Betrieb: add erzeugt einen Schlüssel; mit activate wird ab\n"
        "sofort damit versiegelt und alles Gespeicherte umgestellt; retire entfernt einen\n"
        "früheren, sobald nichts mehr mit ihm versiegelt ist. status zeigt alle. Jeder Schritt\n"
        "darf wiederholt werden. export schreibt die Schlüssel, mit einer Passphrase\n"
        "versiegelt, in eine neue Datei; import bringt sie in den Ordner, den --data nennt,\n"
        "solange dort kein Dienst läuft.\n"
        "\n"
        "  absender key add\n"
        "  absender key activate 0193f5c0e1c27abc8def0123456789ab\n"
        "  absender key export /media/safe/absender-keys"},
    {"add, activate, retire: change this file, which no service uses",
        "add, activate, retire: diese Datei ändern, die kein Dienst benutzt"},
    {"read the passphrase from standard input", "die Passphrase von der Standardeingabe lesen"},
    {"needs status, add, activate ID, retire ID, export FILE or import FILE",
        "braucht status, add, activate KENNUNG, retire KENNUNG, export DATEI oder import DATEI"},
    {"a key's id is 32 hexadecimal digits",
        "die Kennung eines Schlüssels besteht aus 32 Hexadezimalziffern"},
    {"Passphrase: ", "Passphrase: "},
    {"Once more: ", "Noch einmal: "},
    {"these were two different ones", "das waren zwei verschiedene"},
    {"the passphrase is not valid UTF-8", "die Passphrase ist kein gültiges UTF-8"},
    {"%s cannot be written: %s", "%s kann nicht geschrieben werden: %s"},
    {"The keys are exported. Keep them offline, apart from backups, and the passphrase elsewhere.",
        "Die Schlüssel sind exportiert. Bewahren Sie sie offline auf, getrennt von Sicherungen, "
        "und die Passphrase anderswo."},
    {"there is a file %s already, and it stays as it is",
        "die Datei %s gibt es schon, und sie bleibt, wie sie ist"},
    {"The key is made.", "Der Schlüssel ist erzeugt."},
    {"The key is removed from the key file.", "Der Schlüssel ist aus der Schlüsseldatei entfernt."},
    {"Everything stored is under this key now.",
        "Alles Gespeicherte ist jetzt auf diesen Schlüssel umgestellt."},
    {"Keep a new copy: absender key export FILE",
        "Legen Sie eine neue Kopie an: absender key export DATEI"},
    {"no passphrase came from standard input", "von der Standardeingabe kam keine Passphrase"},
    {"the passphrase is longer than %d octets", "die Passphrase ist länger als %d Oktette"},
    {"there is no terminal to ask for the passphrase; use --passphrase-stdin",
        "kein Terminal, um nach der Passphrase zu fragen; --passphrase-stdin nehmen"},
    {"some values are still under a former key; the service's log says why",
        "einige Werte liegen noch unter einem früheren Schlüssel; das Protokoll des Dienstes sagt, "
        "warum"},
    {"a service runs on this folder: stop it first, nothing was changed",
        "auf diesem Ordner läuft ein Dienst: Beenden Sie ihn zuerst, es wurde nichts geändert"},
    {"%s has all these keys already.\n", "%s enthält diese Schlüssel alle schon.\n"},
    {"✓ One key was put into %s.\n", "✓ Ein Schlüssel wurde in %s eingetragen.\n"},
    {"✓ %u keys were put into %s.\n", "✓ %u Schlüssel wurden in %s eingetragen.\n"},
    {"✓ %s now holds, the one that seals first:\n",
        "✓ %s enthält jetzt, den versiegelnden zuerst:\n"},
    {"in use", "in Gebrauch"},
    {"ready to be activated", "bereit"},
    {"may go once nothing is sealed with it",
        "kann gehen, sobald nichts mehr mit ihm versiegelt ist"},
    {"not needed any more: \"absender key retire\" removes it",
        "wird nicht mehr gebraucht: „absender key retire“ entfernt ihn"},
    {"Made:", "Erzeugt:"},
    {"not known", "nicht bekannt"},
    {"Values:", "Werte:"},
    {"The keys come from a systemd credential.", "Die Schlüssel kommen von systemd (Credential)."},
    {"] %3d %%  %d of %d", "] %3d %%  %d von %d"},
    {"key %s is needed, but the key file holds %s: put back your copy of the key file, or import "
     "exported keys (absender key import). Nothing was changed",
        "Schlüssel %s wird gebraucht, aber die Schlüsseldatei enthält %s: Legen Sie Ihre Kopie der "
        "Schlüsseldatei zurück, oder importieren Sie exportierte Schlüssel (absender key import). "
        "Es wurde nichts geändert"},
    {"[list] | verify [--head HASH]", "[list] | verify [--head PRÜFSUMME]"},
    {"show who did what", "zeigen, wer was getan hat"},
    {"list shows the newest deeds: who, what, from where. verify follows the chain of\n"
     "hashes over the whole log; the exit status is 1 if an event was changed or taken\n"
     "out. It prints the head: kept elsewhere and given as --head later, it also shows\n"
     "whether the end was cut off.\n"
     "\n"
     "  absender audit list --action invitation. --since 2026-12-24T00:00:00Z\n"
     "  absender audit verify",
        "list zeigt, was zuletzt getan wurde: wer, was, von wo. verify folgt der Kette der\n"
        "Prüfsummen durch das ganze Protokoll; der Exit-Status ist 1, wenn ein Eintrag\n"
        "geändert oder entfernt wurde. Die letzte Prüfsumme wird ausgegeben: anderswo\n"
        "aufbewahrt und später mit --head angegeben, zeigt sie auch, ob das Ende fehlt.\n"
        "\n"
        "  absender audit list --action invitation. --since 2026-12-24T00:00:00Z\n"
        "  absender audit verify"},
    {"list: only what begins so (invitation., smtp.sending_on …)",
        "list: nur, was so beginnt (invitation., smtp.sending_on …)"},
    {"ACTION", "AKTION"},
    {"list: only who has this in the name", "list: nur, wer das im Namen hat"},
    {"list: not before", "list: nicht früher"},
    {"list: only before", "list: nur früher"},
    {"verify: a head that was printed earlier must be in the log",
        "verify: eine früher ausgegebene Prüfsumme muss im Protokoll stehen"},
    {"HASH", "PRÜFSUMME"},
    {"needs list or verify; --help shows the usage",
        "braucht list oder verify; --help zeigt die Verwendung"},
    {"There is no such event.", "Einen solchen Eintrag gibt es nicht."},
    {"The audit log was tampered with: an event is not what was written, or one before it is "
     "missing.",
        "Das Protokoll wurde verändert: Ein Eintrag ist nicht der geschriebene, oder einer davor "
        "fehlt."},
    {"The head that was asked for is not in the log: its end was cut off.",
        "Die angegebene Prüfsumme steht nicht im Protokoll: Sein Ende wurde abgeschnitten."},
    {"The audit log is what was written.", "Das Protokoll ist unverändert."},
    {"First fault:", "Erster Fehler:"},
    {"At:", "Zeitpunkt:"},
    {"Sound events:", "Heile Einträge:"},
    {"It begins:", "Es beginnt:"},
    {"after %s; %" G_GINT64_FORMAT " earlier ones were too old to be kept",
        "nach %s; %" G_GINT64_FORMAT " frühere waren zu alt, um aufgehoben zu werden"},
    {"Head:", "Prüfsumme:"},
    {"say what a bounce or an error message means",
        "sagen, was eine Rückläufer-Mail oder Fehlermeldung bedeutet"},
    {"[TEXT …]", "[TEXT …]"},
    {"Reads the text, else standard input: a bounce, lines of a mail program's log, an\n"
     "error message. Each reply and error in it is explained, with the remedy. The\n"
     "service need not run. --jsonl takes objects with id, phase, reply, error (and\n"
     "host, port, sys, verify, tls, cert, family where known) and answers each with\n"
     "id, diagnosis, class, retry, breaker, or with id and fault.\n"
     "\n"
     "  absender explain \"535 5.7.8 Authentication failed\"\n"
     "  absender explain --host smtp.example.com < bounce.eml",
        "Liest den Text, sonst die Standardeingabe: eine Rückläufer-Mail, Zeilen aus dem\n"
        "Protokoll eines Mailprogramms, eine Fehlermeldung. Jede Antwort und jeder Fehler\n"
        "darin wird erklärt, mit Abhilfe. Der Dienst muss nicht laufen. --jsonl nimmt\n"
        "Objekte mit id, phase, reply, error (und wo bekannt host, port, sys, verify, tls,\n"
        "cert, family) und antwortet auf jedes mit id, diagnosis, class, retry, breaker,\n"
        "oder mit id und fault.\n"
        "\n"
        "  absender explain \"535 5.7.8 Authentication failed\"\n"
        "  absender explain --host smtp.example.com < ruecklaeufer.eml"},
    {"no reply and no error is found there", "darin findet sich weder Antwort noch Fehler"},
    {"a line was too long: only its beginning was read",
        "eine Zeile war zu lang: nur ihr Anfang wurde gelesen"},
    {"server name it is about", "Servername, um den es geht"},
    {"read and write one JSON object a line", "je Zeile ein JSON-Objekt lesen und schreiben"},
    {"--jsonl reads standard input only", "--jsonl liest nur die Standardeingabe"},
    {"Password (empty: the stored one): ", "Passwort (leer: das gespeicherte): "},
    {"an argument is not valid UTF-8", "eine Angabe ist kein gültiges UTF-8"},
    {"the verification does not come to an end", "die Prüfung kommt zu keinem Ende"},
    {"server name", "Servername"},
    {"port (587)", "Port (587)"},
    {"how TLS starts (implicit on 465 and 2465, else starttls)",
        "wie TLS beginnt (implicit bei 465 und 2465, sonst starttls)"},
    {"user name (the sender address)", "Benutzername (die Absenderadresse)"},
    {"sender address", "Absenderadresse"},
    {"sender name", "Absendername"},
    {"read the password from standard input", "Passwort von der Standardeingabe lesen"},
    {"also ask whether this recipient would be taken",
        "auch fragen, ob dieser Empfänger angenommen würde"},
    {"send with these settings if they work",
        "mit diesen Einstellungen senden, wenn sie funktionieren"},
    {"print what was said, without secrets", "zeigen, was gesagt wurde, ohne Geheimnisse"},
    {"overwrite the draft that is in the page",
        "den Entwurf überschreiben, der auf der Seite steht"},
    {"there is a draft already; perhaps somebody is typing it in the page. "
     "--replace-draft overwrites it, check without settings verifies it",
        "es gibt schon einen Entwurf; vielleicht tippt ihn gerade jemand auf der Seite. "
        "--replace-draft überschreibt ihn, check ohne Angaben prüft ihn"},
    {"the draft was changed meanwhile and stays",
        "der Entwurf wurde inzwischen geändert und bleibt stehen"},
    {"HOST", "RECHNER"},
    {"NAME", "NAME"},
    {"ADDRESS", "ADRESSE"},
    {"TEXT", "TEXT"},
    {"FILE", "DATEI"},
    {"CLASS", "KLASSE"},
    {"KEY", "SCHLÜSSEL"},
    {"SCOPE", "RECHT"},
    {"DIR", "ORDNER"},
    {"[--data DIR] [--config FILE] …", "[--data ORDNER] [--config DATEI] …"},
    {"[--host HOST --from ADDRESS …]", "[--host RECHNER --from ADRESSE …]"},
    {"--to ADDRESS --subject TEXT --text FILE", "--to ADRESSE --subject TEXT --text DATEI"},
    {"[--reason TEXT] [--until TIME]", "[--reason TEXT] [--until ZEIT]"},
    {"run the service", "den Dienst starten"},
    {"verify SMTP settings, rung by rung", "SMTP-Einstellungen Schritt für Schritt prüfen"},
    {"show settings, sending switch and what waits",
        "Einstellungen, Versandschalter und Wartendes zeigen"},
    {"hand over one email", "eine E-Mail übergeben"},
    {"make, list and revoke API tokens", "API-Tokens erzeugen, auflisten und widerrufen"},
    {"create --name NAME --scope SCOPE … | list | revoke ID",
        "create --name NAME --scope RECHT … | list | revoke KENNUNG"},
    {"an address it may send from; may be repeated",
        "eine Adresse, von der es senden darf; mehrfach möglich"},
    {"where it may be used from; may be repeated",
        "von wo es benutzt werden darf; mehrfach möglich"},
    {"mails it may hand over in a minute", "so viele Mails darf es in einer Minute abgeben"},
    {"mails it may hand over in an hour", "so viele Mails darf es in einer Stunde abgeben"},
    {"mails it may hand over in a day", "so viele Mails darf es an einem Tag abgeben"},
    {"needs \"create\", \"list\" or \"revoke ID\"; --help shows them",
        "braucht „create“, „list“ oder „revoke KENNUNG“; --help zeigt sie"},
    {"The token is revoked.", "Das Token ist widerrufen."},
    {"There is no token.", "Es gibt kein Token."},
    {"Scopes:", "Rechte:"},
    {"Sends from:", "Absender:"},
    {"Used from:", "Netze:"},
    {"Mails:", "Mails:"},
    {"Ends:", "Endet:"},
    {"Last use:", "Zuletzt:"},
    {"never", "nie"},
    {"a minute", "je Minute"},
    {"an hour", "je Stunde"},
    {"a day", "je Tag"},
    {"switch mail sending off", "den Mailversand ausschalten"},
    {"switch mail sending on", "den Mailversand einschalten"},
    {"Absender: outgoing mail, verified and never lost.",
        "Absender: ausgehende Mail, geprüft und nie verloren."},
    {"\"absender COMMAND --help\" explains a command. All take --data DIR and --json.",
        "„absender BEFEHL --help“ erklärt einen Befehl. Alle nehmen --data ORDNER und --json."},
    {"absender: there is no command \"%s\"", "absender: Den Befehl „%s“ gibt es nicht"},
    {"folder of the running service (ABSENDER_DATA, else ./var)",
        "Ordner des laufenden Dienstes (ABSENDER_DATA, sonst ./var)"},
    {"print the API's answer", "die Antwort der API ausgeben"},
    {"this text", "dieser Text"},
    {"wrong number of arguments; --help shows the usage",
        "Zu viele oder zu wenige Argumente; --help zeigt den Aufruf"},
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
    {"in progress", "in Arbeit"},
    {"being verified", "in Prüfung"},
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
    {"retrying", "wird wiederholt"},
    {"held back", "zurückgehalten"},
    {"scheduled", "geplant"},
    {"unclear", "unklar"},
    {"passed", "bestanden"},
    {"to be tested", "zum Prüfen"},
    {"discarded", "verworfen"},
    {"Absender itself", "Absender selbst"},
    {"nobody (not signed in)", "niemand (nicht angemeldet)"},
    {"a visitor (not signed in)", "Besucher (nicht angemeldet)"},
    {"application %s", "Anwendung %s"},
    {"cancelled", "abgebrochen"},
    {"Waiting:", "Wartend:"},
    {"Held back:", "Zurückgehalten:"},
    {"no SMTP settings are in force yet", "es gelten noch keine SMTP-Einstellungen"},
    {"sending is off", "der Versand ist ausgeschaltet"},
    {"the quota is used up", "das Kontingent ist ausgeschöpft"},
    {"Quota:", "Kontingent:"},
    {"%d of %d %s", "%d von %d %s"},
    {"this minute", "in dieser Minute"},
    {"this hour", "in dieser Stunde"},
    {"in 24 hours", "in 24 Stunden"},
    {", room again at %s", ", wieder Platz um %s"},
    {", room again on %s", ", wieder Platz am %s"},
    {"Login tries:", "Anmeldeversuche:"},
    {"one left, made automatically on %s", "noch einer, automatisch am %s"},
    {"one left, made on %s if sending is on by then",
        "noch einer, am %s, falls der Versand dann eingeschaltet ist"},
    {"none left: check the password with \"absender check\"",
        "keiner mehr: Passwort mit „absender check“ prüfen"},
    {"nothing", "nichts"},
    {"on", "eingeschaltet"},
    {"off", "ausgeschaltet"},
    {"never switched on yet", "noch nie eingeschaltet"},
    {", until %s", ", bis %s"},
    {", since %s", ", seit %s"},
    {", by %s", ", durch %s"},
    {"the operator (command line)", "Betreiber (Kommandozeile)"},
    {"New settings are not in force yet (the last check failed)",
        "Neue Einstellungen noch nicht übernommen (letzte Prüfung fehlgeschlagen)"},
    {"SMTP server", "SMTP-Server"},
    {"Absender is listening on http://%s:%u\n", "Absender läuft auf http://%s:%u\n"},
    {"Sandbox: %s, STARTTLS on port %u, SSL/TLS on port %u, password \"sandbox\"\n",
        "Sandbox: %s, STARTTLS auf Port %u, SSL/TLS auf Port %u, Passwort „sandbox“\n"},
    {"First admin: %s\n", "Erstes Konto anlegen (Link gilt einmal): %s\n"},
    {"absender cannot start: %s\n", "Absender kann nicht starten: %s\n"},
    {"the data directory %s cannot be made: %s", "Der Datenordner %s lässt sich nicht anlegen: %s"},
    {"an Absender runs on %s already, and only one Absender may run on it "
     "(absender status --data %s shows it)",
        "In %s läuft schon ein Absender (absender status --data %s zeigt ihn)"},
    {"key file %s is missing, and a new key could not open what is stored: put the key back",
        "Die Schlüsseldatei %s fehlt, und ein neuer Schlüssel könnte das Gespeicherte nicht "
        "öffnen: Legen Sie sie zurück"},
    {"key file %s is open to others; it must be its owner's: chmod 600 %s",
        "Die Schlüsseldatei %s ist für andere offen; nur ihr Besitzer darf sie lesen: chmod 600 "
        "%s"},
    {"port %u on 127.0.0.1 (sandbox) is in use. Let another be picked: %s 0",
        "Port %u auf 127.0.0.1 (Sandbox) ist belegt. Einen freien wählen lassen: %s 0"},
    {"port %u on %s is in use. Choose another: --listen %s:%u",
        "Port %u auf %s ist belegt. Anderen wählen: --listen %s:%u"},
    {"no trusted certificate can be read from \"%s\" (PEM is expected)",
        "Aus „%s“ lässt sich kein Zertifikat lesen, dem zu trauen wäre (erwartet wird PEM)"},
    {"%s is reachable from outside, and this server speaks no TLS: put a TLS proxy in "
     "front and name it with --trusted-proxy, or listen on 127.0.0.1",
        "%s ist von außen erreichbar, und dieser Dienst spricht kein TLS: Stellen Sie einen "
        "TLS-Proxy davor und nennen Sie ihn mit --trusted-proxy, oder lauschen Sie auf 127.0.0.1"},
    {"'%s' is not a port number (1 to 65535)", "„%s“ ist keine Portnummer (1 bis 65535)"},
    {"'%s' is not a public URL; write it like https://mail.example.com",
        "„%s“ ist keine öffentliche Adresse; schreiben Sie sie wie https://mail.example.com"},
    {"%s: it must have the group [absender] and no other",
        "%s: Die Datei braucht die Gruppe [absender] und keine andere"},
    {"%s: unknown key '%s'", "%s: Die Angabe „%s“ gibt es nicht"},
    {"serve takes no argument '%s'", "serve nimmt kein Argument „%s“"},
    {"a sandbox port is 0 to 65535", "ein Sandbox-Port ist 0 bis 65535"},
    {"- run the mail service", "- den Maildienst starten"},
    {"Read what is not said here from FILE ([absender], the same names)",
        "Was hier nicht steht, aus DATEI lesen ([absender], dieselben Namen)"},
    {"Keep database, key and sockets in DIR (default ./var)",
        "Datenbank, Schlüssel und Sockets in ORDNER halten (sonst ./var)"},
    {"Serve the pages and the API here (default 127.0.0.1:8465; port 0 picks one)",
        "Seiten und API hier anbieten (sonst 127.0.0.1:8465; Port 0 wählt einen freien)"},
    {"ADDR:PORT", "ADRESSE:PORT"},
    {"The address people use; every link is made from it",
        "Die Adresse, die Menschen benutzen; jeder Link beginnt mit ihr"},
    {"Trust these certificate authorities too", "Auch diesen Zertifizierungsstellen trauen"},
    {"Let SMTP settings lead into this private network",
        "SMTP-Einstellungen dürfen in dieses private Netz führen"},
    {"Let SMTP settings name this port", "SMTP-Einstellungen dürfen diesen Port nennen"},
    {"A reverse proxy with TLS stands here; needed to listen beyond loopback",
        "Hier steht ein Proxy mit TLS; nötig, um über diesen Rechner hinaus zu lauschen"},
    {"Ask this DNS server instead of the system's",
        "Diesen DNS-Server fragen statt den des Systems"},
    {"Erase the content of ended mail after so many days (default 7)",
        "Den Inhalt beendeter E-Mails nach so vielen Tagen löschen (sonst 7)"},
    {"Remove the record of ended mail after so many days (default 90)",
        "Den Eintrag beendeter E-Mails nach so vielen Tagen entfernen (sonst 90)"},
    {"Forget ended invitations and password resets, and what revoked tokens were called, after so "
     "many days (default 90)",
        "Beendete Einladungen und Passwort-Anfragen sowie die Namen widerrufener Tokens nach so "
        "vielen Tagen vergessen (sonst 90)"},
    {"Forget events of the audit log after so many days (default 1095)",
        "Einträge des Protokolls nach so vielen Tagen vergessen (sonst 1095)"},
    {"DAYS", "TAGE"},
    {"Take no more mail with less disk free (default 256, at most 5 % of it)",
        "Mit weniger freiem Speicher keine Mail annehmen (sonst 256, höchstens 5 % davon)"},
    {"--%s: '%s' is not a number from 1 to %u", "--%s: '%s' ist keine Zahl von 1 bis %u"},
    {"Development: run the sandbox and let settings lead to loopback",
        "Entwicklung: mit Sandbox, und Einstellungen dürfen auf diesen Rechner führen"},
    {"The sandbox's STARTTLS port (default 2587; 0 picks one)",
        "STARTTLS-Port der Sandbox (sonst 2587; 0 wählt einen freien)"},
    {"The sandbox's implicit TLS port (default 2465; 0 picks one)",
        "Port der Sandbox für TLS von Anfang an (sonst 2465; 0 wählt einen freien)"},
    {"The sandbox counts mail instead of keeping it (for measurements)",
        "Die Sandbox zählt Mail, statt sie aufzuheben (für Messungen)"},
    {"password", "Passwort"},
    {"Sending:", "Versand:"},
    {", sender %s", ", Absender %s"},
    {"Sending with:", "Gesendet wird mit:"},
    {"Still missing:", "Es fehlt noch:"},
    {"Setup:", "Einrichtung:"},
    {"Health:", "Zustand:"},
    {"Last check:", "Letzte Prüfung:"},
    {"EMAIL", "ADRESSE"},
    {"make a link to a new password for a member",
        "einem Mitglied einen Link zu einem neuen Passwort machen"},
    {"For whoever cannot sign in and gets no mail, the only administrator too. The link\n"
     "alone is printed on standard output: open it, or pass it on to that person. It\n"
     "works once, for an hour; the audit log notes it.\n"
     "\n"
     "  absender reset-link anna@example.com",
        "Für alle, die sich nicht anmelden können und keine Mail bekommen, auch für den\n"
        "einzigen Administrator. Nur der Link steht auf der Standardausgabe: öffnen Sie\n"
        "ihn, oder geben Sie ihn der Person weiter. Er gilt einmal und eine Stunde lang;\n"
        "das Protokoll vermerkt ihn.\n"
        "\n"
        "  absender reset-link anna@example.com"},
    {"there is no member of this address", "ein Mitglied mit dieser Adresse gibt es nicht"},
    {"Works once, until %s. Earlier links of this account no longer work.",
        "Gilt einmal, bis %s. Frühere Links dieses Kontos gelten nicht mehr."},
    {"Dates to mind:", "Termine:"},
    {"over", "vorbei"},
    {"within a day", "binnen eines Tages"},
    {"in one day", "in einem Tag"},
    {"in %d days", "in %d Tagen"},
    {"OAuth2 provider", "OAuth2-Anbieter"},
    {"OAuth2 sign-in", "Art der OAuth2-Anmeldung"},
    {"tenant", "Mandant"},
    {"client id", "Client-ID"},
    {"client secret", "Clientschlüssel"},
    {"certificate", "Zertifikat"},
    {"private key", "privater Schlüssel"},
    {"service account key", "Schlüssel des Dienstkontos"},
    {"token URL", "Token-URL"},
    {"scope", "Scope"},
    {"sign-in at the provider", "Anmeldung beim Anbieter"},
    {"Fetch a token", "Token holen"},
    {"Look up server name", "Servername nachschlagen"},
    {"Connect", "Verbinden"},
    {"Server greeting", "Begrüßung des Servers"},
    {"Ask for capabilities", "Fähigkeiten abfragen"},
    {"Switch to encryption", "Auf Verschlüsselung umschalten"},
    {"Negotiate encryption", "Verschlüsselung aushandeln"},
    {"Verify certificate", "Zertifikat prüfen"},
    {"Log in", "Anmelden"},
    {"Sender accepted", "Absender angenommen"},
    {"Probe recipient accepted", "Testempfänger angenommen"},
    {"%s does not answer", "%s antwortet nicht"},
    {"STARTTLS", "STARTTLS"},
    {"TLS from the start", "TLS von Anfang an"},
    {"Checking %s", "Geprüft wird %s"},
    {" as %s", " als %s"},
    {"  certificate of %s, valid until %s", "  Zertifikat von %s, gültig bis %s"},
    {"The settings work.", "Die Einstellungen funktionieren."},
    {"They are the settings in force.", "Das sind die geltenden Einstellungen."},
    {"The settings in force do not work.", "Die geltenden Einstellungen funktionieren nicht."},
    {"Mail is sent with them from now on.", "Ab jetzt wird mit ihnen gesendet."},
    {"They are not active; --activate makes them so.",
        "Sie sind nicht aktiv; das bewirkt --activate."},
    {"The check was cancelled.", "Die Prüfung wurde abgebrochen."},
    {"The settings do not work. What is active stays as it was.",
        "Die Einstellungen funktionieren nicht. Was aktiv ist, bleibt, wie es war."},
    {"being sent", "wird gesendet"},
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
    {"The email has no subject.", "Die E-Mail hat keinen Betreff."},
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
    {"when sending goes on by itself", "wann der Versand von selbst weitergeht"},
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
    {"Without settings the stored draft is verified, else what is active. With --host\n"
     "or --port nothing but the options given here counts; other options change what\n"
     "is stored. It is a trial: unless --activate is given and the settings work,\n"
     "nothing stays behind. A draft that somebody has in the page is not touched\n"
     "without --replace-draft. The password is asked for on the terminal; an empty\n"
     "line keeps the stored one, as long as host, port, security and user name stay\n"
     "the same. Nothing is sent. The exit status is 1 if the settings do not work.\n"
     "\n"
     "  absender check --host smtp.example.com --from mail@example.com --activate\n"
     "  absender check --password-stdin < password-file",
        "Ohne Angaben wird der gespeicherte Entwurf geprüft, sonst was gilt. Mit --host oder\n"
        "--port zählt nur, was hier angegeben ist; andere Angaben ändern das Gespeicherte.\n"
        "Es ist ein Versuch: Ohne --activate, oder wenn die Einstellungen nicht funktionieren,\n"
        "bleibt nichts zurück. Ein Entwurf, den jemand auf der Seite hat, wird ohne\n"
        "--replace-draft nicht angerührt. Nach dem Passwort wird auf dem Terminal gefragt; eine\n"
        "leere Zeile behält das gespeicherte, solange Server, Port, Verschlüsselung und\n"
        "Benutzername gleich bleiben. Gesendet wird nichts. Wenn die Einstellungen nicht\n"
        "funktionieren, ist der Exit-Status 1.\n"
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
        "sie zu, sobald der Versand eingeschaltet ist. DATEI kann - sein: Standardeingabe.\n"
        "\n"
        "  echo Hallo | absender send --to anna@example.com --subject Hallo --text -"},
    {"create prints the token alone on standard output, and only this once. Scopes:\n"
     "emails:send emails:read smtp:read smtp:write people:write audit:read.\n"
     "\n"
     "  absender token create --name shop --scope emails:send\n"
     "  absender token create --name shop --scope emails:send \\\n"
     "    --from shop@example.com --network 10.0.0.0/8 --per-hour 500",
        "create gibt auf der Standardausgabe nur das Token aus, und nur dieses eine Mal. Rechte:\n"
        "emails:send emails:read smtp:read smtp:write people:write audit:read.\n"
        "\n"
        "  absender token create --name shop --scope emails:send\n"
        "  absender token create --name shop --scope emails:send \\\n"
        "    --from shop@example.com --network 10.0.0.0/8 --per-hour 500"},
    {"Mail is held, not lost. Test mails and verifications that a person starts still\n"
     "go out.\n"
     "\n"
     "  absender pause --reason \"moving to a new provider\"",
        "Mail wird zurückgehalten und geht nicht verloren. Testmails und Prüfungen, die\n"
        "jemand von Hand startet, gehen weiterhin hinaus.\n"
        "\n"
        "  absender pause --reason \"Umzug zu einem neuen Anbieter\""},
    {"[--cancel CLASS …] [--yes]", "[--cancel KLASSE …] [--yes]"},
    {"list | show ID | (retry | cancel) (ID … | --state STATE) | check",
        "list | show KENNUNG | (retry | cancel) (KENNUNG … | --state STATUS) | check"},
    {"FILE [--replace]", "DATEI [--replace]"},
    {"FILE [--replace] [--yes]", "DATEI [--replace] [--yes]"},
    {"look at emails, retry or cancel them", "E-Mails ansehen, erneut senden oder abbrechen"},
    {"copy the database while it is in use", "die Datenbank im laufenden Betrieb sichern"},
    {"put a backup in the place of the database", "eine Sicherung zur Datenbank machen"},
    {"STATE", "STATUS"},
    {"all in this state (queued, deferred, held, rejected …)",
        "alle in diesem Status (queued, deferred, held, rejected …)"},
    {"all of this class", "alle dieser Klasse"},
    {"retry: also what may arrive twice then", "retry: auch, was dann doppelt ankommen kann"},
    {"%s: ✗ It may have arrived already, and would then arrive twice. --again sends it all the "
     "same.\n",
        "%s: ✗ Sie ist vielleicht schon angekommen und käme dann doppelt an. Mit --again wird sie "
        "trotzdem erneut gesendet.\n"},
    {"list: at most so many (50)", "list: höchstens so viele (50)"},
    {"first cancel what waits of this class; may be repeated",
        "zuvor abbrechen, was von dieser Klasse wartet; mehrfach möglich"},
    {"do not ask", "nicht nachfragen"},
    {"overwrite an earlier backup of that name",
        "eine frühere Sicherung dieses Namens überschreiben"},
    {"keep the database that is there aside", "die vorhandene Datenbank beiseitelegen"},
    {"needs list, show ID, retry, cancel or check; retry and cancel take IDs, or --state and "
     "--class; --help shows the usage",
        "braucht list, show KENNUNG, retry, cancel oder check; retry und cancel nehmen Kennungen "
        "oder --state und --class; --help zeigt den Aufruf"},
    {"Really never send any of these emails (%s)? [y/N]",
        "Diese E-Mails (%s) endgültig nicht senden? [j/N]"},
    {"Send these emails (%s) again, as far as possible? What may have arrived already is left "
     "out. [y/N]",
        "Diese E-Mails (%s) erneut senden, soweit das geht? Was vielleicht schon angekommen ist, "
        "bleibt ausgenommen. [j/N]"},
    {"Send these emails (%s) again, as far as possible? What may have arrived already may then "
     "arrive twice. [y/N]",
        "Diese E-Mails (%s) erneut senden, soweit das geht? Was vielleicht schon angekommen ist, "
        "kann dann doppelt ankommen. [j/N]"},
    {"more than %d", "mehr als %d"},
    {"The rest was left as it is. %s", "Der Rest blieb, wie er ist. %s"},
    {"No email was changed.", "Keine E-Mail wurde geändert."},
    {"One email is queued again.", "Eine E-Mail ist wieder eingereiht."},
    {"%d emails are queued again.", "%d E-Mails sind wieder eingereiht."},
    {"One email will not be sent any more.", "Eine E-Mail wird nicht mehr gesendet."},
    {"%d emails will not be sent any more.", "%d E-Mails werden nicht mehr gesendet."},
    {"  %u left out: %s\n", "  %u ausgelassen: %s\n"},
    {"does not exist any more", "gibt es nicht mehr"},
    {"nothing to retry", "nichts zu wiederholen"},
    {"already on its way or done", "schon unterwegs oder erledigt"},
    {"content already erased", "Inhalt schon gelöscht"},
    {"its time has run out", "Frist abgelaufen"},
    {"might arrive twice; --again sends it all the same",
        "könnte doppelt ankommen; --again sendet trotzdem"},
    {"may be sent only once", "darf nur einmal gesendet werden"},
    {"restored from a backup: what waits may have been sent since",
        "aus einer Sicherung wiederhergestellt: Was wartet, kann inzwischen gesendet worden sein"},
    {"%d cancelled\n", "%d abgebrochen\n"},
    {"Switch sending on? [y/N]", "Versand einschalten? [j/N]"},
    {"nothing was changed", "nichts wurde geändert"},
    {"There is no such email.", "Es gibt keine solche E-Mail."},
    {"There are more: --limit N shows more of them.",
        "Es gibt noch mehr: --limit N zeigt mehr davon."},
    {"Why:", "Warum:"},
    {"Next:", "Als Nächstes:"},
    {"Expires:", "Läuft ab:"},
    {", next attempt %s", ", nächster Versuch %s"},
    {"Timeline", "Verlauf"},
    {"Email:", "E-Mail:"},
    {"State:", "Status:"},
    {"From:", "Von:"},
    {"To:", "An:"},
    {"Subject:", "Betreff:"},
    {"Class:", "Klasse:"},
    {"Taken:", "Entgegengenommen:"},
    {"Recipients", "Empfänger"},
    {"The books balance: every email that was taken is accounted for.",
        "Die Bücher stimmen: Jede entgegengenommene E-Mail ist nachgewiesen."},
    {"The sums of the books balance. There are too many emails to count them, too.",
        "Die Summen der Bücher stimmen. Um die E-Mails auch einzeln zu zählen, sind es zu viele."},
    {"The books do not balance.", "Die Bücher stimmen nicht."},
    {"Taken in all:", "Entgegengenommen:"},
    {"There:", "Vorhanden:"},
    {"Removed since:", "Entfernt:"},
    {"Sent at once:", "Sofort gesendet:"},
    {"May come twice:", "Evtl. doppelt:"},
    {"May run out:", "Evtl. zu spät:"},
    {"Sent later:", "Später gesendet:"},
    {"Ended unsent:", "Nicht mehr:"},
    {"Oldest:", "Älteste:"},
    {"%d h %d min (quota)", "%d h %d min (Kontingent)"},
    {"Takes at least:", "Dauert mindestens:"},
    {"] %3d %%  %s of %s MiB", "] %3d %%  %s von %s MiB"},
    {"The copy is being checked …", "Die Kopie wird geprüft …"},
    {"%d %%: %s of %s MiB\n", "%d %%: %s von %s MiB\n"},
    {"✓ The backup is complete: %s, %s MiB\n", "✓ Die Sicherung ist fertig: %s, %s MiB\n"},
    {"The key is not in it, and without the key nobody can use it: keep a copy of the file "
     "\"key\", in another place than the backup.",
        "Der Schlüssel ist nicht darin, und ohne ihn kann niemand sie benutzen: Heben Sie eine "
        "Kopie der Datei „key“ auf, an einem anderen Ort als die Sicherung."},
    {"✗ There is no backup: %s", "✗ Es gibt keine Sicherung: %s"},
    {"there is no file %s", "die Datei %s gibt es nicht"},
    {"there is no folder %s: make it, and put the key there",
        "den Ordner %s gibt es nicht: Legen Sie ihn an und den Schlüssel hinein"},
    {"an Absender runs on %s: stop it first, nothing was changed",
        "in %s läuft ein Absender: Beenden Sie ihn zuerst, nichts wurde geändert"},
    {"there is a database in %s already; --replace keeps it aside and puts the backup in its "
     "place",
        "in %s gibt es schon eine Datenbank; --replace legt sie beiseite und setzt die Sicherung "
        "an ihre Stelle"},
    {"%s is not a backup of Absender", "%s ist keine Sicherung von Absender"},
    {"%s is not a backup: it was copied by hand from a database in use, whose log (-wal) lies "
     "beside it",
        "%s ist keine Sicherung: Die Datei wurde von Hand aus einer Datenbank in Betrieb kopiert, "
        "deren Protokoll (-wal) daneben liegt"},
    {"%s is damaged, and nothing was changed (%s)",
        "%s ist beschädigt, und nichts wurde geändert (%s)"},
    {"%s was made by a newer version of Absender; restore it with that version",
        "%s stammt von einer neueren Version von Absender; stellen Sie sie mit dieser Version "
        "wieder her"},
    {"the key file %s/key is missing; a backup never holds it: put your copy of the key there "
     "first",
        "die Schlüsseldatei %s/key fehlt; eine Sicherung enthält sie nie: Legen Sie zuerst Ihre "
        "Kopie des Schlüssels dorthin"},
    {"%s cannot be opened with the key file %s/key (%s)",
        "%s lässt sich mit der Schlüsseldatei %s/key nicht öffnen (%s)"},
    {"✓ The backup is restored in %s.\n", "✓ Die Sicherung ist in %s wiederhergestellt.\n"},
    {"  The former database is kept as %s.\n", "  Die frühere Datenbank liegt in %s.\n"},
    {"  The database belongs to %s, like the folder.\n",
        "  Die Datenbank gehört %s, wie der Ordner.\n"},
    {"  The newest email in it is of %s. Recipients waiting: %d.\n",
        "  Die neueste E-Mail darin ist vom %s. Wartende Empfänger: %d.\n"},
    {"this computer", "dieser Rechner"},
    {"  Sending is off (reason: restored). What waits in the backup may have been sent\n"
     "  since it was made, and would be sent again. Start the service, look at it with\n"
     "  \"absender queue list\", cancel what has been sent, and then \"absender resume\".\n"
     "  Everybody must sign in again; tokens revoked since the backup are valid again.\n",
        "  Der Versand ist ausgeschaltet (Grund: restored). Was in der Sicherung wartet, kann\n"
        "  seither gesendet worden sein und ginge noch einmal hinaus. Starten Sie den Dienst,\n"
        "  sehen Sie mit „absender queue list“ nach, brechen Sie ab, was schon gesendet ist,\n"
        "  und dann „absender resume“. Alle müssen sich neu anmelden; seither widerrufene\n"
        "  Tokens gelten wieder.\n"},
    {"Put %s in the place of the database in %s? The former one is kept. [y/N]",
        "%s an die Stelle der Datenbank in %s setzen? Die frühere bleibt erhalten. [j/N]"},
    {"Restore %s in %s? [y/N]", "%s in %s wiederherstellen? [j/N]"},
    {"there is no terminal to ask on: --yes says that you are sure",
        "kein Terminal zum Nachfragen: --yes heißt, dass Sie sicher sind"},
    {"First it is shown what would be sent at once, later, and not at all any more. On\n"
     "a terminal you are asked then. --cancel ends what waits of a class before that.\n"
     "\n"
     "  absender resume --cancel bulk",
        "Zuerst wird gezeigt, was sofort, später und gar nicht mehr gesendet würde. Auf einem\n"
        "Terminal wird dann gefragt. --cancel bricht vorher ab, was von einer Klasse wartet.\n"
        "\n"
        "  absender resume --cancel bulk"},
    {"list shows the newest emails, show everything about one: why it has not been\n"
     "sent, each attempt, its timeline. retry sends at once what waits for its next\n"
     "attempt, was rejected or has expired, with --again also what may arrive twice\n"
     "then. retry and cancel take IDs, or --state and --class for all that list would\n"
     "show; then you are asked first. check counts whether every email that was ever\n"
     "taken is accounted for; the exit status is 1 if not.\n"
     "\n"
     "  absender queue list --state rejected --limit 200\n"
     "  absender queue show em_0193f5c0e1c27abc8def0123456789ab\n"
     "  absender queue cancel --state held --class bulk",
        "list zeigt die neuesten E-Mails, show alles über eine: warum sie nicht gesendet ist,\n"
        "jeden Versuch, ihren Verlauf. retry sendet sofort, was auf seinen nächsten Versuch\n"
        "wartet, abgelehnt wurde oder abgelaufen ist, mit --again auch, was dann doppelt\n"
        "ankommen kann. retry und cancel nehmen Kennungen, oder mit --state und --class alles,\n"
        "was list zeigen würde; dann wird vorher gefragt. check zählt nach, ob jede je\n"
        "entgegengenommene E-Mail nachgewiesen ist; wenn nicht, ist der Exit-Status 1.\n"
        "\n"
        "  absender queue list --state rejected --limit 200\n"
        "  absender queue show em_0193f5c0e1c27abc8def0123456789ab\n"
        "  absender queue cancel --state held --class bulk"},
    {"The service writes the file itself, with its own rights, and goes on if this\n"
     "command is interrupted. It holds every email taken before. The key is never part\n"
     "of it: keep a copy of the file \"key\" in another place.\n"
     "\n"
     "  absender backup /var/backups/absender.backup --replace",
        "Der Dienst schreibt die Datei selbst, mit seinen Rechten, und macht weiter, wenn dieser\n"
        "Befehl unterbrochen wird. Sie enthält jede vorher entgegengenommene E-Mail. Der\n"
        "Schlüssel gehört nie dazu: Heben Sie eine Kopie der Datei „key“ an einem anderen Ort "
        "auf.\n"
        "\n"
        "  absender backup /var/backups/absender.backup --replace"},
    {"Stop the service first, and put the key file into the folder that --data names.\n"
     "The backup is checked before anything is replaced, and a former database is kept\n"
     "aside. Sending is off afterwards (reason: restored): what waits in the backup\n"
     "may have been sent since it was made.\n"
     "\n"
     "  absender restore /var/backups/absender.backup --data /var/lib/absender",
        "Beenden Sie zuerst den Dienst und legen Sie die Schlüsseldatei in den Ordner, den\n"
        "--data nennt. Die Sicherung wird geprüft, bevor etwas ersetzt wird, und eine frühere\n"
        "Datenbank beiseitegelegt. Danach ist der Versand ausgeschaltet (Grund: restored): Was\n"
        "in der Sicherung wartet, kann seither gesendet worden sein.\n"
        "\n"
        "  absender restore /var/backups/absender.backup --data /var/lib/absender"},
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
