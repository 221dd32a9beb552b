#include "api/words/fault_text.h"

#include "base/twin.h"
#include "vault/key_words.h"

#include <string.h>

/* --- The sentence of each code --------------------------------------------------------------- */

static const struct {
    const char *code;
    const char *text[LANGUAGE_COUNT];
} codes[] = {
    {"required", {"This field is required.", "Diese Angabe fehlt. Bitte füllen Sie das Feld aus."}},
    {"unknown_field", {"This field is not known here. Check its spelling or leave it out.",
                          "Dieses Feld gibt es hier nicht. Bitte prüfen Sie die Schreibweise oder "
                          "lassen Sie es weg."}},
    {"wrong_type", {"The value is of the wrong type.",
                       "Der Wert hat den falschen Typ. Bitte schlagen Sie das Feld in der "
                       "API-Beschreibung nach."}},
    {"unknown_value", {"This value is not among those allowed.",
                          "Diesen Wert gibt es hier nicht. Bitte wählen Sie einen der erlaubten "
                          "Werte."}},
    {"out_of_range", {"This value is too small or too large.",
                         "Dieser Wert ist zu klein oder zu groß. Bitte wählen Sie einen anderen."}},
    {"not_allowed",
        {"This cannot be given here.", "Diese Angabe ist hier nicht möglich. Bitte lassen Sie "
                                       "sie weg."}},
    {"too_many", {"There are too many of these.", "Das sind zu viele. Bitte kürzen Sie die "
                                                  "Liste."}},
    {"too_long", {"This is too long. Please shorten it.", "Das ist zu lang. Bitte kürzen Sie es."}},
    {"control_character", {"Line breaks and other control characters are not allowed here.",
                              "Zeilenumbrüche und andere Steuerzeichen sind hier nicht erlaubt. "
                              "Bitte entfernen Sie sie."}},
    {"invalid_utf8", {"This is not valid UTF-8.", "Das ist kein gültiges UTF-8. Bitte senden Sie "
                                                  "den Text in UTF-8."}},
    {"not_ascii", {"Only ASCII characters are allowed here.",
                      "Hier sind nur ASCII-Zeichen erlaubt. Bitte schreiben Sie ohne Umlaute."}},
    {"invalid_time", {"Write the time as ISO 8601, like 2026-12-24T18:00:00Z.",
                         "Bitte den Zeitpunkt nach ISO 8601 angeben, z. B. "
                         "2026-12-24T18:00:00Z."}},
    {"invalid_host", {"This is not a host name. Enter it like smtp.example.com.",
                         "Das ist kein Servername. Bitte geben Sie ihn in der Form "
                         "smtp.example.com an."}},
    {"invalid_url", {"Write it like https://mail.example.com: http or https, a name, no path.",
                        "Bitte in der Form https://mail.example.com angeben: http oder https, ein "
                        "Name, kein Pfad."}},
    {"url_is_known", {"The addresses of this provider are known; leave this field empty.",
                         "Die Adressen dieses Anbieters sind bekannt; bitte lassen Sie das Feld "
                         "leer."}},
    {"grant_not_offered", {"This provider does not offer this way to sign in.",
                              "Diesen Weg der Anmeldung bietet der Anbieter nicht an. Bitte wählen "
                              "Sie einen anderen."}},
    {"invalid_tenant", {"This is neither the id of a directory (a GUID) nor one of its domains.",
                           "Das ist weder die Kennung eines Verzeichnisses (eine GUID) noch eine "
                           "seiner Domains. Sie steht in Entra unter „Übersicht“."}},
    {"tenant_shared",
        {"An application without a person signs in to one directory: give its id or domain.",
            "Eine Anwendung ohne Person meldet sich an genau einem Verzeichnis an: Bitte geben Sie "
            "dessen Kennung oder Domain an."}},
    {"invalid_client_id",
        {"A client id is at most 512 visible ASCII characters without spaces.",
            "Eine Client-ID besteht aus höchstens 512 sichtbaren ASCII-Zeichen ohne "
            "Leerzeichen."}},
    {"invalid_scope",
        {"Scopes are words of visible ASCII without quotes, with one space between two.",
            "Berechtigungen (scope) sind Wörter aus sichtbaren ASCII-Zeichen ohne "
            "Anführungszeichen, mit je einem Leerzeichen dazwischen."}},
    {"certificate_unreadable",
        {"This is not a certificate in PEM form (-----BEGIN CERTIFICATE-----).",
            "Das ist kein Zertifikat in PEM-Form (-----BEGIN CERTIFICATE-----)."}},
    {"certificate_holds_key",
        {"A private key stands in this field; it is shown to everybody who may see the settings.",
            "In diesem Feld steht ein privater Schlüssel. Hierher gehört nur das Zertifikat, der "
            "Schlüssel ins Feld daneben."}},
    {"private_key_unreadable",
        {"This is not a private key in PEM form (-----BEGIN PRIVATE KEY-----).",
            "Das ist kein privater Schlüssel in PEM-Form (-----BEGIN PRIVATE KEY-----)."}},
    {"private_key_encrypted",
        {"The private key is protected by a passphrase; export it without one.",
            "Der private Schlüssel ist mit einem Kennwort geschützt; bitte exportieren Sie ihn "
            "ohne."}},
    {"private_key_not_rsa", {"The key must be an RSA key.", "Es muss ein RSA-Schlüssel sein."}},
    {"private_key_size", {"The RSA key must have 2048 to 8192 bits.",
                             "Der RSA-Schlüssel muss 2048 bis 8192 Bit haben."}},
    {"private_key_foreign", {"The private key does not belong to the certificate.",
                                "Der private Schlüssel gehört nicht zu diesem Zertifikat."}},
    {"service_account_unreadable",
        {"This is not the JSON file of a service account's key.",
            "Das ist nicht die JSON-Datei mit dem Schlüssel eines Dienstkontos."}},
    {"service_account_wrong_file",
        {"This file belongs to an OAuth client or a user, not to a service account.",
            "Diese Datei gehört zu einem OAuth-Client oder einem Benutzer, nicht zu einem "
            "Dienstkonto."}},
    {"invalid_sign_in_address",
        {"This is not the address that the sign-in led to: it holds “code=” and “state=”.",
            "Das ist nicht die Adresse, zu der die Anmeldung geführt hat: In ihr stehen „code=“ "
            "und „state=“."}},
    {"public_url_is_fixed",
        {"The operator has set this address (--public-url); it is changed there.",
            "Diese Adresse hat der Betreiber festgelegt (--public-url); geändert wird sie "
            "dort."}},
    {"public_url_elsewhere",
        {"You have opened this page under another address, under which you could not sign in any "
         "more. Open it under the new address first.",
            "Sie haben diese Seite unter einer anderen Adresse geöffnet, unter der Sie sich dann "
            "nicht mehr anmelden könnten. Bitte öffnen Sie sie zuerst unter der neuen."}},
    {"invalid_colour", {"Write the colour as # and six hex digits, like #1f5fbf.",
                           "Bitte die Farbe als # und sechs Hexadezimalziffern angeben, z. B. "
                           "#1f5fbf."}},
    {"invalid_webhook_url",
        {"Write it like https://alerts.example.com/mail: https and a name, no user, no address.",
            "Bitte in der Form https://alerts.example.com/mail angeben: https und ein Name, ohne "
            "Benutzer, keine IP-Adresse."}},
    {"webhook_url_is_address",
        {"Not allowed: write the receiver's name, not its IP address. If it is in a private "
         "network, the operator can allow that with --allow-network.",
            "Nicht erlaubt: Bitte geben Sie den Namen des Empfängers an, nicht seine IP-Adresse. "
            "Liegt er in einem privaten Netz, kann der Betreiber dieses mit --allow-network "
            "erlauben."}},
    {"invalid_domain", {"This is not a domain. Enter it like example.com.",
                           "Das ist keine Domain. Bitte geben Sie sie in der Form example.com "
                           "an."}},
    {"invalid_headers", {"These are not the headers of a mail. They begin with lines such as "
                         "“Received:”.",
                            "Das sind nicht die Kopfzeilen einer Mail. Sie beginnen mit Zeilen wie "
                            "„Received:“."}},
    {"invalid_address", {"This is not an e-mail address. Write it like name@example.com.",
                            "Das ist keine E-Mail-Adresse. Bitte schreiben Sie sie in der Form "
                            "name@example.com."}},
    {"invalid_network", {"This is not a network. Write it like 10.0.0.0/8 or 192.0.2.7.",
                            "Das ist kein Netz. Bitte geben Sie es in der Form 10.0.0.0/8 oder "
                            "192.0.2.7 an."}},
    {"invalid_ehlo_name", {"A full name with a dot is needed, such as mail.example.org.",
                              "Bitte einen vollständigen Namen mit Punkt angeben, z. B. "
                              "mail.example.org."}},
    {"invalid_security", {"Choose STARTTLS or SSL/TLS; mail is never sent without TLS.",
                             "Bitte wählen Sie STARTTLS oder SSL/TLS; ohne TLS wird nie "
                             "gesendet."}},
    {"port_not_allowed", {"This port is not allowed. Use 587 (STARTTLS) or 465 (SSL/TLS).",
                             "Dieser Port ist nicht erlaubt. Nehmen Sie 587 (STARTTLS) oder 465 "
                             "(SSL/TLS)."}},
    {"wrong_password",
        {"This is not your current password.", "Das ist nicht Ihr jetziges Passwort."}},
    {"password_too_short", {"This password is too short. Please choose a longer one.",
                               "Dieses Passwort ist zu kurz. Bitte wählen Sie ein längeres."}},
    {"password_too_common", {"This password is easy to guess. Please choose another one.",
                                "Dieses Passwort ist leicht zu erraten. Bitte wählen Sie ein "
                                "anderes."}},
    {"sender_not_allowed", {"This sender address may not be used.",
                               "Diese Absenderadresse darf nicht verwendet werden. Bitte nehmen "
                               "Sie die aus den Einstellungen."}},
    {"invalid_base64", {"This is not valid base64.",
                           "Das ist kein gültiges Base64. Bitte kodieren Sie den Inhalt neu, ohne "
                           "Leerzeichen und Zeilenumbrüche."}},
    {"remote_attachment_not_supported",
        {"Attachments are not fetched from elsewhere; send their content.",
            "Anhänge werden nicht von anderswo geholt. Bitte senden Sie ihren Inhalt in "
            "„content“ mit."}},
    {"invalid_template", {"This text cannot be used as a template.",
                             "Dieser Text ist als Vorlage nicht brauchbar."}},
    {"invalid_name", {"This name cannot be used here.", "Dieser Name ist hier nicht möglich."}},
    {"storage_unavailable",
        {"The template cannot be read at this moment. Please try again.",
            "Die Vorlage lässt sich gerade nicht lesen. Bitte versuchen Sie es erneut."}},
    {"unknown_template",
        {"There is no template of this name.", "Eine Vorlage mit diesem Namen gibt es nicht."}},
    {"invalid_variable",
        {"A variable has a name of letters, digits and _, and a fitting value.",
            "Eine Variable hat einen Namen aus Buchstaben, Ziffern und _ und einen passenden "
            "Wert."}},
    {"invalid_id", {"This is not the id of an email: em_ and 32 hex digits.",
                       "Das ist keine Kennung einer E-Mail: em_ und 32 Hexadezimalziffern."}},
    {"invalid_tag", {"A tag has a name and a value of letters, digits, _ and -.",
                        "Ein Tag hat Namen und Wert aus Buchstaben, Ziffern, _ und -."}},
    {"invalid_header_name", {"A header name is made of letters, digits and hyphens.",
                                "Der Name einer Kopfzeile besteht aus Buchstaben, Ziffern und "
                                "Bindestrichen."}},
    {"reserved_header", {"This header is written by Absender or by mail servers and cannot be set.",
                            "Diese Kopfzeile schreiben Absender oder die Mailserver selbst. Bitte "
                            "lassen Sie sie weg."}},
    {"invalid_file_name", {"The file name is empty or holds a path.",
                              "Der Dateiname ist leer oder enthält einen Pfad. Bitte senden Sie "
                              "nur den Namen der Datei."}},
    {"invalid_content_type",
        {"The content type is not of the form type/subtype, or is multipart or message.",
            "Bitte geben Sie den Dateityp in der Form typ/untertyp an, z. B. application/pdf; "
            "multipart und message sind nicht erlaubt."}},
    {"invalid_content_id", {"A content id is ASCII without spaces and brackets.",
                               "Eine Content-ID besteht aus ASCII-Zeichen ohne Leerzeichen und "
                               "Klammern."}},
};

/* --- Sentences and their twins --------------------------------------------------------------- */

/* A part that is itself a sentence of this list is put in as its twin. */
static const TextTwin sentences[] = {
    /* Where people reach the pages */
    {"This server answers as *. Open it there; a proxy in front must pass the Host header on.",
        "Dieser Server antwortet als {1}. Bitte öffnen Sie ihn dort; ein Proxy davor muss den "
        "Host-Header weitergeben."},
    /* JSON */
    {"The JSON is nested too deeply.",
        "Das JSON ist zu tief verschachtelt. Bitte senden Sie es flacher."},
    {"The JSON holds too many values; send attachments as base64.",
        "Das JSON enthält zu viele Werte. Bitte senden Sie Anhänge als Base64."},
    {"The body is missing.", "Der Inhalt fehlt. Bitte senden Sie ein JSON-Objekt."},
    {"A member occurs twice in one object.",
        "Ein Feld kommt in einem Objekt doppelt vor. Bitte senden Sie jedes nur einmal."},
    {"The body is not valid JSON.",
        "Der Inhalt ist kein gültiges JSON. Bitte prüfen Sie Klammern, Kommas und "
        "Anführungszeichen."},
    {"The body must be a JSON object.", "Der Inhalt muss ein JSON-Objekt sein: {…}."},
    {"The body must be a JSON array.", "Der Inhalt muss eine Liste sein (JSON-Array): […]."},
    {"A batch holds 1 to 1000 emails.", "Auf einmal werden 1 bis 1000 E-Mails angenommen."},
    {"The messages of this batch are larger than 32 MiB together. Send it in parts.",
        "Diese E-Mails sind zusammen größer als 32 MiB. Bitte senden Sie sie in Teilen."},
    {"This must be a string.", "Hier wird Text in Anführungszeichen erwartet (JSON-String)."},
    {"This must be an integer.", "Hier wird eine ganze Zahl erwartet."},
    {"This must lie between * and *.", "Bitte eine Zahl zwischen {1} und {2} angeben."},
    {"This must be true or false.", "Hier wird true oder false erwartet."},
    {"This must be an array.", "Hier wird eine Liste erwartet (JSON-Array)."},
    {"This must be an object.", "Hier wird ein JSON-Objekt erwartet."},

    /* SMTP settings */
    {"Port 25 is for traffic between mail servers. Use 587 (STARTTLS) or 465 (SSL/TLS).",
        "Port 25 dient dem Verkehr zwischen Mailservern. Nehmen Sie 587 (STARTTLS) oder 465 "
        "(SSL/TLS)."},
    {"This port is not allowed. Allowed are *.",
        "Dieser Port ist nicht erlaubt. Erlaubt sind {1}."},
    {"A number from * to * is needed.", "Bitte eine Zahl von {1} bis {2} angeben."},
    {"This must be \"starttls\" or \"implicit\"; mail is never sent without TLS.",
        "Möglich sind „starttls“ und „implicit“ (SSL/TLS); ohne TLS wird nie gesendet."},
    {"This must be \"auto\" or \"oauth2\".", "Möglich sind „auto“ und „oauth2“."},
    {"This must be \"microsoft\", \"google\" or \"generic\".",
        "Möglich sind „microsoft“, „google“ und „generic“."},
    {"This must be \"client_secret\", \"certificate\", \"refresh_token\" or "
     "\"service_account\".",
        "Möglich sind „client_secret“, „certificate“, „refresh_token“ und „service_account“."},
    {"The addresses of this provider are known; leave this field empty.",
        "Die Adressen dieses Anbieters sind bekannt; bitte lassen Sie das Feld leer."},
    {"The address must begin with https:// and hold neither a user name nor a #.",
        "Die Adresse muss mit https:// beginnen und darf weder Benutzernamen noch # enthalten."},
    {"At most * bytes are allowed.", "Das ist zu lang: Erlaubt sind höchstens {1} Byte."},
    {"At most * characters are allowed.", "Das ist zu lang: Erlaubt sind höchstens {1} Zeichen."},
    {"A password cannot hold line breaks or NUL.",
        "Ein Passwort kann keine Zeilenumbrüche enthalten. Bitte kopieren Sie es ohne Umbruch."},
    {"Line breaks and other control characters are not allowed.",
        "Zeilenumbrüche und andere Steuerzeichen sind hier nicht erlaubt. Bitte entfernen Sie "
        "sie."},

    /* Addresses */
    {"Character *: *", "Zeichen {1}: {2}"},
    {"The address is empty.", "Bitte geben Sie eine E-Mail-Adresse an."},
    {"this is not valid UTF-8.", "Das ist kein gültiges UTF-8."},
    {"control characters are not allowed.",
        "Steuerzeichen und Zeilenumbrüche sind nicht erlaubt. Bitte entfernen Sie sie."},
    {"The domain lacks its ending, as .com in name@example.com.",
        "Der Domain fehlt die Endung, z. B. „.de“ in name@verein.de."},
    {"the quote has no end.", "Das schließende Anführungszeichen fehlt."},
    {"the quoted part holds an invisible character.",
        "Zwischen den Anführungszeichen steht ein unsichtbares Zeichen. Bitte entfernen Sie es."},
    {"the part before the @ is empty.", "Der Teil vor dem @ fehlt."},
    {"the @ and the domain are missing.", "Es fehlen das @ und die Domain dahinter."},
    {"this may not stand in the part before the @.",
        "Dieses Zeichen darf im Teil vor dem @ nicht stehen."},
    {"the part before the @ is longer than 64 octets.",
        "Der Teil vor dem @ ist länger als 64 Byte."},
    {"encoded words are not allowed in an address.",
        "Kodierte Wörter („=?…“) sind in einer Adresse nicht erlaubt."},
    {"the address is longer than 254 octets.", "Die Adresse ist länger als 254 Byte."},
    {"the name is longer than 256 characters.",
        "Der Anzeigename ist länger als 256 Zeichen. Bitte kürzen Sie ihn."},
    {"this may stand in a name only if the name is in quotes.",
        "Mit diesem Zeichen muss der Name in Anführungszeichen stehen."},
    {"only the address in <> may follow the name in quotes.",
        "Hinter dem Namen in Anführungszeichen darf nur noch die Adresse in <> stehen."},
    {"the '<' that belongs to it is missing.", "Das „<“, das dazugehört, fehlt."},

    /* Host and domain names */
    {"The name holds a letter that is not allowed in domain names.",
        "Der Name enthält einen Buchstaben, der in Domainnamen nicht erlaubt ist."},
    {"The name is not valid UTF-8.", "Der Name ist kein gültiges UTF-8."},
    {"The name is not a valid international domain name (IDNA 2008).",
        "Das ist kein gültiger internationaler Domainname (IDNA 2008)."},
    {"The name is empty between two dots, or begins or ends with one.",
        "Der Name beginnt oder endet mit einem Punkt oder enthält zwei hintereinander. Bitte "
        "prüfen Sie die Schreibweise."},
    {"A part of the name between dots is longer than 63 characters.",
        "Ein Teil des Namens zwischen zwei Punkten ist länger als 63 Zeichen."},
    {"A part of the name begins or ends with a hyphen.",
        "Ein Teil des Namens beginnt oder endet mit einem Bindestrich."},
    {"Only letters, digits, hyphens and dots may stand in the name.",
        "Im Namen dürfen nur Buchstaben, Ziffern, Bindestriche und Punkte stehen."},
    {"The name is longer than 253 characters.", "Der Name ist länger als 253 Zeichen."},
    {"The name ends in a number, so it could be read as an IP address.",
        "Der Name endet mit einer Zahl und könnte als IP-Adresse gelesen werden. Bitte prüfen "
        "Sie die Schreibweise."},
    {"The host name is empty.", "Bitte geben Sie den Servernamen an."},
    {"Only the host name belongs here: no port, no scheme, no user.",
        "Hierher gehört nur der Servername, z. B. smtp.example.com: ohne „https://“, Port und "
        "Benutzer."},
    {"The address in brackets is not an IP address.",
        "In den eckigen Klammern steht keine IP-Adresse."},
    {"The domain is empty.", "Die Domain hinter dem @ fehlt."},
    {"A full name with a dot is needed, such as mail.example.org.",
        "Bitte einen vollständigen Namen mit Punkt angeben, z. B. mail.example.org."},

    /* Emails */
    {"An address must be a string.", "Eine Adresse muss Text sein (JSON-String)."},
    {"At most * addresses are allowed.", "Erlaubt sind höchstens {1} Adressen."},
    {"At most * addresses are allowed here.", "Erlaubt sind hier höchstens {1} Adressen."},
    {"At most * recipients are allowed in all.",
        "Erlaubt sind insgesamt höchstens {1} Empfänger. Bitte teilen Sie die E-Mail auf."},
    {"At most * recipients are allowed, to, cc and bcc together.",
        "Erlaubt sind insgesamt höchstens {1} Empfänger (to, cc und bcc). Bitte teilen Sie die "
        "E-Mail auf."},
    {"A recipient is required.", "Bitte geben Sie einen Empfänger an."},
    {"A mail needs a recipient.", "Bitte geben Sie einen Empfänger an."},
    {"A mail needs a sender.", "Bitte geben Sie einen Absender an."},
    {"There is no sender address in the settings yet, so \"from\" is required.",
        "In den Einstellungen steht noch keine Absenderadresse. Bitte geben Sie „from“ an."},
    {"Only * may be the sender; the name before it is free.",
        "Als Absender ist nur {1} erlaubt; der Anzeigename ist frei."},
    {"This is not a mail address.",
        "Das ist keine E-Mail-Adresse. Bitte schreiben Sie sie in der Form name@example.com."},
    {"A subject is required.", "Bitte geben Sie einen Betreff an."},
    {"A subject has at most * characters.",
        "Der Betreff ist zu lang: Erlaubt sind höchstens {1} Zeichen."},
    {"A text, HTML or an attachment is required.",
        "Bitte geben Sie „text“, „html“ oder einen Anhang an."},
    {"A mail needs text, html or an attachment.",
        "Bitte geben Sie „text“, „html“ oder einen Anhang an."},
    {"The message is larger than * bytes.",
        "Die E-Mail ist größer als {1} Byte. Bitte verkleinern Sie die Anhänge."},
    {"The text is not valid UTF-8.", "Der Text ist kein gültiges UTF-8."},
    {"The value is not valid UTF-8.", "Der Wert ist kein gültiges UTF-8."},
    {"The value holds a line break or another control character.",
        "Der Wert enthält einen Zeilenumbruch oder ein anderes Steuerzeichen. Bitte entfernen Sie "
        "es."},
    {"The content must be base64, or an array of bytes (0 to 255).",
        "Der Inhalt muss Base64 oder eine Liste von Bytes (0 bis 255) sein."},
    {"An attachment must be an object.", "Ein Anhang muss ein JSON-Objekt sein."},
    {"An attachment needs a file name.", "Bitte geben Sie für den Anhang einen Dateinamen an."},
    {"A file name has at most * bytes in UTF-8.",
        "Der Dateiname ist zu lang: Erlaubt sind höchstens {1} Byte in UTF-8."},
    {"At most * files are allowed.", "Erlaubt sind höchstens {1} Anhänge."},
    {"At most * attachments are allowed.", "Erlaubt sind höchstens {1} Anhänge."},
    {"A content id is 1 to * ASCII characters without spaces and brackets.",
        "Eine Content-ID besteht aus 1 bis {1} ASCII-Zeichen ohne Leerzeichen und Klammern."},
    {"At most * headers are allowed.", "Erlaubt sind höchstens {1} Kopfzeilen."},
    {"At most * headers of your own are allowed.", "Erlaubt sind höchstens {1} eigene Kopfzeilen."},
    {"A header must be a string.", "Der Wert einer Kopfzeile muss Text sein (JSON-String)."},
    {"A header name is 1 to * letters, digits and hyphens.",
        "Der Name einer Kopfzeile besteht aus 1 bis {1} Buchstaben, Ziffern und Bindestrichen."},
    {"This header may hold ASCII characters only.",
        "Diese Kopfzeile darf nur ASCII-Zeichen enthalten. Bitte schreiben Sie ohne Umlaute."},
    {"The value is longer than a header may be.",
        "Der Wert ist für eine Kopfzeile zu lang. Bitte kürzen Sie ihn."},
    {"A word of the value is longer than a line of a mail may be (* octets).",
        "Ein Wort des Wertes ist länger als eine Zeile sein darf ({1} Byte). Bitte kürzen Sie es."},
    {"The headers are larger than * bytes.",
        "Die Kopfzeilen sind zusammen größer als {1} Byte. Bitte kürzen Sie sie."},
    {"A tag must be an object.", "Ein Tag muss ein JSON-Objekt mit „name“ und „value“ sein."},
    {"At most * tags are allowed.", "Erlaubt sind höchstens {1} Tags."},
    {"Name and value of a tag are letters, digits, _ and -, at most * of them.",
        "Name und Wert eines Tags bestehen aus höchstens {1} Buchstaben, Ziffern, _ und -."},
    {"The class is reset, invitation, transactional, notification or bulk.",
        "Möglich sind: reset, invitation, transactional, notification, bulk."},
    {"The delivery is at_least_once or at_most_once.",
        "Möglich sind: at_least_once, at_most_once."},
    {"Write the time as ISO 8601, like *; words such as \"in 1 min\" are not understood.",
        "Bitte den Zeitpunkt nach ISO 8601 angeben, z. B. {1}; Wörter wie „in 1 min“ werden nicht "
        "verstanden."},
    {"An email can be scheduled at most * days ahead.",
        "Eine E-Mail lässt sich höchstens {1} Tage im Voraus planen."},
    {"Only * MiB of disk are free and * MiB are kept: make room, then send it again.",
        "Nur noch {1} MiB Speicherplatz sind frei, {2} MiB bleiben reserviert: Bitte schaffen Sie "
        "Platz und senden Sie dann noch einmal."},
    {"The expiry must lie in the future, and behind scheduled_at.",
        "Das Verfallsdatum muss in der Zukunft und nach „scheduled_at“ liegen."},

    /* Templates */
    {"Give either a template, or subject and text or html.",
        "Bitte entweder eine Vorlage angeben oder „subject“ und „text“ bzw. „html“."},
    {"A value is a text, a number, true, false or null.",
        "Ein Wert ist Text, eine Zahl, true, false oder null."},
    {"The template needs a value for \"*\".", "Die Vorlage braucht einen Wert für „{1}“."},
    {"The value of \"*\" stands in a link and must begin with https://, http:// or mailto:.",
        "Der Wert von „{1}“ steht in einem Link und muss mit https://, http:// oder mailto: "
        "beginnen."},
    {"The value of \"*\" stands in a style and must be a colour such as #1f5fbf.",
        "Der Wert von „{1}“ steht in einer Formatierung und muss eine Farbe wie #1f5fbf sein."},
    {"A value in the subject holds a line end or another control character.",
        "Ein Wert im Betreff enthält einen Zeilenumbruch oder ein anderes Steuerzeichen."},
    {"The values are too long: more than * KiB in all.",
        "Die Werte sind zu lang: zusammen mehr als {1} KiB."},
    {"This is longer than * KiB.", "Das ist länger als {1} KiB."},
    {"This is not valid UTF-8.", "Das ist kein gültiges UTF-8."},
    {"The subject must be one line.", "Der Betreff muss in einer Zeile stehen."},
    {"This cannot be read as a template.", "Das ist als Vorlage nicht lesbar."},
    {"Line *: *", "Zeile {1}: {2}"},
    {"Please put {{*}} in quotes, or between the tags.",
        "Bitte setzen Sie {{{1}}} in Anführungszeichen oder zwischen die Tags."},
    {"{{*}} may not stand in a script or a comment.",
        "{{{1}}} darf nicht in einem Skript oder Kommentar stehen."},
    {"{{*}} may only stand between tags, not inside one.",
        "{{{1}}} darf nur zwischen Tags stehen, nicht in einem."},
    {"A comment may only stand between tags, not inside one.",
        "Ein Kommentar darf nur zwischen Tags stehen, nicht in einem."},
    {"{{ may not stand directly behind <.", "{{ darf nicht direkt hinter < stehen."},
    {"{{/*}} closes a section that is not open here.",
        "{{/{1}}} schließt einen Abschnitt, der hier nicht offen ist."},
    {"The section {{#*}} is not closed by {{/*}}.",
        "Der Abschnitt {{#{1}}} wird nicht durch {{/{2}}} geschlossen."},
    {"Sections are nested more than * deep.",
        "Abschnitte sind mehr als {1}-fach ineinander verschachtelt."},
    {"Between {{ and }} stands a name of letters, digits and _, up to *.",
        "Zwischen {{ und }} steht ein Name aus höchstens {1} Buchstaben, Ziffern und _."},
    {"Values are always escaped: please write {{name}}.",
        "Werte werden immer maskiert: Bitte schreiben Sie {{name}}."},
    {"A template cannot include another one.", "Eine Vorlage kann keine andere einbinden."},
    {"The signs {{ and }} cannot be changed.", "Die Zeichen {{ und }} lassen sich nicht ändern."},
    {"{{ is not closed by }}.", "{{ wird nicht durch }} geschlossen."},
    {"There are more than * names in {{ and }}.", "Es stehen mehr als {1} Namen in {{ und }}."},
    {"Mail programs run no scripts: please leave them out.",
        "Mailprogramme führen keine Skripte aus: Bitte lassen Sie sie weg."},
    {"The HTML ends inside a tag, a style sheet or a comment.",
        "Das HTML endet mitten in einem Tag, einem Stylesheet oder einem Kommentar."},
    {"This text must show the value of \"*\".", "Dieser Text muss den Wert von „{1}“ zeigen."},
    {"{{link}} must stand alone in its line.", "{{link}} muss allein in seiner Zeile stehen."},
    {"{{link}} must be the whole address of a link (href), or all that this link shows.",
        "{{link}} muss die ganze Adresse eines Links (href) sein oder alles, was dieser Link "
        "zeigt."},
    {"{{link}} may not stand in the subject.", "{{link}} darf nicht im Betreff stehen."},
    {"Apart from {{link}}, links here must begin with {{public_url}}.",
        "Außer {{link}} müssen Links hier mit {{public_url}} beginnen."},
    {"Pictures and anything else that is fetched from elsewhere may not stand in this text.",
        "Bilder und alles andere, was von anderswo geholt wird, darf in diesem Text nicht stehen."},
    {"In quotes and in style sheets < may not stand here.",
        "In Anführungszeichen und Stylesheets darf hier kein < stehen."},
    {"Please put the values of href, style and src in quotes.",
        "Bitte setzen Sie die Werte von href, style und src in Anführungszeichen."},
    {"HTML comments may not stand in this text.",
        "HTML-Kommentare dürfen in diesem Text nicht stehen."},
    {"A value is at most 64 KiB long.", "Ein Wert ist höchstens 64 KiB lang."},
    {"All values are at most 256 KiB long.", "Alle Werte zusammen sind höchstens 256 KiB lang."},
    {"The template cannot be filled.", "Die Vorlage lässt sich nicht füllen."},
    {"The name is made of small letters, digits, _ and -, up to *.",
        "Der Name besteht aus höchstens {1} Kleinbuchstaben, Ziffern, _ und -."},
    {"There are * texts already; please remove one first.",
        "Es gibt schon {1} Texte; bitte löschen Sie zuerst einen."},

    /* Tokens, the sending switch, people */
    {"There is no such scope. Possible are: *.", "Dieses Recht gibt es nicht. Möglich sind: {1}."},
    {"A token needs at least one scope.", "Bitte wählen Sie mindestens ein Recht."},
    {"Give 1 to * of them, or null for no limit.",
        "Bitte 1 bis {1} davon angeben, oder null für keine Beschränkung."},
    {"The request comes from *, and this token may not be used from there.",
        "Die Anfrage kommt von {1}; von dort darf dieses Token nicht benutzt werden."},
    {"This token may only send from *.", "Mit diesem Token ist als Absender nur {1} erlaubt."},
    {"These are more at once than the token's quota ever allows: send them in parts.",
        "Das sind auf einmal mehr, als das Kontingent des Tokens je zulässt. Bitte senden Sie sie "
        "in Teilen."},
    {"A token that is limited itself gives no rights away.",
        "Ein Token mit eigenen Grenzen gibt keine Rechte weiter."},
    {"A token does not change itself.", "Ein Token ändert sich nicht selbst."},
    {"Choose at least one event.", "Bitte wählen Sie mindestens ein Ereignis."},
    {"The port of a receiver is 443, or 1024 and above.",
        "Der Port des Empfängers ist 443 oder liegt ab 1024."},
    {"A token needs a name.", "Bitte geben Sie dem Token einen Namen."},
    {"The name is one line, at most * long.",
        "Der Name besteht aus einer Zeile mit höchstens {1} Zeichen."},
    {"Please give a time in the future, such as *.",
        "Bitte einen künftigen Zeitpunkt angeben, z. B. {1}."},
    {"Say whether to send: true or false.",
        "Bitte geben Sie an, ob gesendet werden soll: true oder false."},
    {"The reason is one line of at most * bytes.",
        "Der Grund besteht aus einer Zeile mit höchstens {1} Byte."},
    {"Classes are cancelled only when sending is switched on.",
        "Klassen abbrechen („cancel_classes“) geht nur beim Einschalten des Versands."},
    {"Say when: a time, or null to send it at once.",
        "Bitte einen Zeitpunkt angeben, oder null, um sie sofort zu senden."},
    {"Say what to do: retry or cancel.", "Bitte angeben, was zu tun ist: retry oder cancel."},
    {"A list of 1 to 200 ids is required, or a filter.",
        "Bitte eine Liste mit 1 bis 200 Kennungen von E-Mails oder einen Filter angeben."},
    {"Only a filter goes on behind an email.",
        "„after“ gehört zu einem Filter. Bitte lassen Sie es weg oder geben Sie „filter“ an."},
    {"Give ids or a filter, not both.",
        "Bitte entweder „ids“ oder „filter“ angeben, nicht beides."},
    {"This is not the name of a time zone.", "Das ist nicht der Name einer Zeitzone."},
    {"Only a retry can be uncertain.",
        "„uncertain“ gibt es nur bei retry. Bitte lassen Sie es weg."},
    {"Emails are being cancelled already.", "Es werden gerade schon E-Mails abgebrochen."},
    {"The books are being checked already.", "Die Bücher werden gerade schon geprüft."},
    {"Only a pause can have an end.",
        "Ein Ende („until“) kann nur eine Pause haben. Bitte lassen Sie es weg."},
    {"This password is too short. Use at least * characters.",
        "Dieses Passwort ist zu kurz. Bitte nehmen Sie mindestens {1} Zeichen."},
    {"The name must be one line.", "Der Name muss in einer Zeile stehen."},
    {"The name is too long.", "Der Name ist zu lang. Bitte kürzen Sie ihn auf 128 Zeichen."},
    {"The password is too long.", "Das Passwort ist zu lang. Bitte wählen Sie ein kürzeres."},
    {"The language is de or en.", "Als Sprache gibt es de und en."},

    /* Queries and requests */
    {"limit must be a number between 1 and 200.",
        "„limit“ muss eine Zahl zwischen 1 und 200 sein."},
    {"email must be an address like name@example.com.",
        "„email“ muss eine Adresse wie name@example.com sein."},
    {"public_database must be true or false.", "„public_database“ muss true oder false sein."},
    {"after and before must be ids from a list like this.",
        "„after“ und „before“ müssen Kennungen aus einer solchen Liste sein."},
    {"This state is not known.", "Diesen Status gibt es nicht."},
    {"This class is not known.", "Diese Klasse gibt es nicht."},
    {"The search text is too long.", "Der Suchtext ist zu lang. Bitte kürzen Sie ihn."},
    {"The request comes from a page of another site.",
        "Die Anfrage kommt von der Seite einer anderen Website."},
    {"A request with a body needs the content type application/json.",
        "Eine Anfrage mit Inhalt braucht „Content-Type: application/json“."},
    {"The header X-CSRF-Token is missing or wrong.",
        "Die Kopfzeile X-CSRF-Token fehlt oder ist falsch. Bitte laden Sie die Seite neu."},
    {"Address or header hold bytes that may not be there.",
        "Adresse oder Kopf der Anfrage enthalten Bytes, die dort nicht stehen dürfen."},
    {"The server is stopping.",
        "Absender wird gerade beendet. Bitte versuchen Sie es gleich noch einmal."},
    {"Too much is being uploaded at this moment.",
        "Gerade wird zu viel hochgeladen. Bitte versuchen Sie es gleich noch einmal."},
    {"This server speaks HTTP/1.1.", "Dieser Server spricht HTTP/1.1."},
    {"Address and header together are too large.",
        "Adresse und Kopf der Anfrage sind zusammen zu groß."},
    {"A header that may occur once occurs twice.",
        "Eine Kopfzeile, die nur einmal vorkommen darf, steht doppelt da."},
    /* People */
    {"* has an open invitation (*). Send it again, copy its link, or withdraw it first.",
        "{1} hat eine offene Einladung ({2}). Senden Sie sie erneut, kopieren Sie ihren Link, oder "
        "ziehen Sie sie zuerst zurück."},
    {"state must be open or past.", "state muss open oder past sein."},
    {"state must be open.", "state muss open sein."},
    {"The role is org_admin or member.", "Die Rolle ist org_admin oder member."},
    /* Keys */
    {"The key is a systemd credential, which this service cannot change. Decrypt it to a file "
     "(systemd-creds decrypt), change that with \"absender key add\", \"activate\" or \"retire\" "
     "and --key-file, encrypt it again (systemd-creds encrypt), and restart the service.",
        "Der Schlüssel ist ein Credential von systemd, das dieser Dienst nicht ändern kann. "
        "Entschlüsseln Sie es in eine Datei (systemd-creds decrypt), ändern Sie diese mit "
        "„absender key add“, „activate“ oder „retire“ und --key-file, verschlüsseln Sie sie wieder "
        "(systemd-creds encrypt), und starten Sie den Dienst neu."},
    {"Values that are still sealed with this key: *. They are being put under the one in use; try "
     "again in a moment.",
        "Werte, die noch mit diesem Schlüssel versiegelt sind: {1}. Sie werden gerade umgestellt; "
        "versuchen Sie es gleich noch einmal."},
    {"New values are sealed with this key. Activate another one first.",
        "Mit diesem Schlüssel wird gerade versiegelt. Aktivieren Sie zuerst einen anderen."},
    {"The keys are being changed already.", "Die Schlüssel werden gerade schon geändert."},
    {"A passphrase for keys has at least * characters.",
        "Eine Passphrase für Schlüssel hat mindestens {1} Zeichen."},
    /* Audit */
    {"since and until are times like *.", "since und until sind Zeitpunkte wie {1}."},
    {"head is 64 hex digits, as last_hash is.",
        "head besteht wie last_hash aus 64 Hexadezimalziffern."},
    /* Backups */
    {"* exists already", "{1} gibt es schon"},
    {"* is the database in use, which cannot be its own backup",
        "{1} ist die Datenbank in Betrieb; sie kann nicht ihre eigene Sicherung sein"},
    {"* is no backup; only a backup is replaced by one",
        "{1} ist keine Sicherung; ersetzt wird nur eine Sicherung"},
    {"* is not the full path of a file; it must begin with /",
        "{1} ist kein vollständiger Dateipfad; er muss mit / beginnen"},
    {"there is no folder *", "den Ordner {1} gibt es nicht"},
    {"the service cannot write in * (*)", "der Dienst kann in {1} nicht schreiben ({2})"},
    {"the backup needs * MiB more than may be used in *",
        "die Sicherung braucht {1} MiB mehr, als in {2} belegt werden dürfen"},
    {"there is not enough space in * for the backup",
        "in {1} ist nicht genug Platz für die Sicherung"},
    {"the backup cannot be written: *", "die Sicherung lässt sich nicht schreiben: {1}"},
    {"the database cannot be read: *", "die Datenbank lässt sich nicht lesen: {1}"},
    {"more was written to the database than may wait beside a backup (* MiB): * is too slow",
        "während der Sicherung wurde mehr in die Datenbank geschrieben, als warten darf ({1} MiB): "
        "{2} ist zu langsam"},
    {"the database's disk became so full that no more mail was taken; the backup was ended to make "
     "room",
        "die Platte der Datenbank wurde so voll, dass keine Mail mehr angenommen wurde; die "
        "Sicherung "
        "wurde beendet, um Platz zu schaffen"},
    {"the backup was broken off", "die Sicherung wurde abgebrochen"},
    {"the copy is damaged, and so probably is the database: *",
        "die Kopie ist beschädigt und damit wohl auch die Datenbank: {1}"},
    {"A backup needs the full path of its file.",
        "Eine Sicherung braucht den vollständigen Pfad ihrer Datei."},

    {"The Host header is missing.", "Die Kopfzeile „Host“ fehlt."},
    {"Content-Length and Transfer-Encoding exclude each other.",
        "„Content-Length“ und „Transfer-Encoding“ schließen einander aus."},
    {"Content-Length is not a number.", "„Content-Length“ ist keine Zahl."},
    {"Only the transfer coding \"chunked\" is understood.",
        "Als Transfer-Encoding wird nur „chunked“ verstanden."},
};

/* --- Matching -------------------------------------------------------------------------------- */

char *fault_text_german(const char *sentence)
{
    char *twin = text_twin(sentences, G_N_ELEMENTS(sentences), sentence, fault_text_german);
    if (!twin)
        twin = vault_key_german(sentence);
    if (twin)
        return twin;
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        if (strcmp(codes[i].text[LANGUAGE_EN], sentence) == 0)
            return g_strdup(codes[i].text[LANGUAGE_DE]);
    }
    return NULL;
}

static const char *text_of_code(const char *code, Language language)
{
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        if (strcmp(codes[i].code, code) == 0)
            return codes[i].text[language];
    }
    return NULL;
}

gboolean fault_text_knows(const char *code)
{
    return text_of_code(code, LANGUAGE_EN) != NULL;
}

char *fault_text(const char *code, const char *detail, Language language)
{
    char *twin = detail && language == LANGUAGE_DE ? fault_text_german(detail) : NULL;
    if (twin)
        return twin;
    const char *text = text_of_code(code, language);
    return g_strdup(language == LANGUAGE_DE && text ? text : detail ? detail : text);
}
