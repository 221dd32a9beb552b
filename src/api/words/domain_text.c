#include "api/words/domain_text.h"

#include "base/limits.h"
#include "base/text.h"

#include <string.h>

#define LANGUAGES LANGUAGE_COUNT

/* {a} {b} {n} are the note's; for an {a} that is not known see unknown(). */
static const char *const texts[SAY_COUNT][LANGUAGES] = {
    [SAY_NO_ANSWER] = {"The DNS did not answer, so this cannot be told at the moment.",
        "Das DNS hat nicht geantwortet; im Moment lässt sich das nicht sagen."},
    [SAY_MANAGED] = {"This domain belongs to {a}, who takes care of the record; there is nothing "
                     "to do.",
        "Diese Domain gehört {a}; um den Eintrag kümmert sich der Anbieter selbst, zu tun ist "
        "nichts."},
    [SAY_MANAGED_OTHER] =
        {"This domain belongs to {a}. Mail from it that is sent through another provider is often "
         "refused; please use an address of a domain of your own, or send through {a}.",
            "Diese Domain gehört {a}. Mails von ihr, die ein anderer Anbieter sendet, werden oft "
            "abgelehnt. Bitte eine Adresse einer eigenen Domain verwenden oder über {a} senden."},

    [SAY_SPF_GOOD] = {"The record lists {a}: receivers know that it may send for this domain.",
        "Der Eintrag nennt {a}: Empfänger wissen, dass dieser Anbieter für die Domain senden "
        "darf."},
    [SAY_SPF_GOOD_ADDRESSES] = {"The record allows the addresses from which {a} sends.",
        "Der Eintrag erlaubt die Adressen, von denen aus {a} sendet."},
    [SAY_SPF_SOUND] =
        {"The record is sound. Whether it allows your provider cannot be said, because nothing "
         "is known about its servers yet; check the headers of a test mail that has arrived.",
            "Der Eintrag ist in Ordnung. Ob er Ihren Anbieter erlaubt, lässt sich noch nicht "
            "sagen, weil über dessen Server nichts bekannt ist; prüfen Sie dazu die Kopfzeilen "
            "einer angekommenen Testmail."},
    [SAY_SPF_NOT_NEEDED] =
        {"Not needed: {a} sends with an envelope address of its own. What counts is DKIM.",
            "Nicht nötig: {a} sendet mit einer eigenen Umschlagadresse. Entscheidend ist DKIM."},
    [SAY_SPF_MISSING] = {"The domain has no SPF record. Receivers cannot tell whether your "
                         "provider may send for it.",
        "Die Domain hat keinen SPF-Eintrag. Empfänger wissen nicht, ob Ihr Anbieter für sie "
        "senden darf."},
    [SAY_SPF_SEVERAL] = {"There are {n} SPF records. Only one is allowed; until then none counts.",
        "Es gibt {n} SPF-Einträge. Erlaubt ist nur einer; bis dahin zählt keiner."},
    [SAY_SPF_SYNTAX] = {"“{a}” in the record of {b} is not valid, so the whole record does not "
                        "count.",
        "„{a}“ im Eintrag von {b} ist ungültig; dadurch zählt der ganze Eintrag nicht."},
    [SAY_SPF_TARGET_NONE] =
        {"“{a}” in the record of {b} leads to a name without SPF record, so the whole record does "
         "not count.",
            "„{a}“ im Eintrag von {b} führt zu einem Namen ohne SPF-Eintrag; dadurch zählt der "
            "ganze Eintrag nicht."},
    [SAY_SPF_TARGET_MANY] =
        {"“{a}” in the record of {b} leads to a name with several SPF records, so the whole record "
         "does not count.",
            "„{a}“ im Eintrag von {b} führt zu einem Namen mit mehreren SPF-Einträgen; dadurch "
            "zählt der ganze Eintrag nicht."},
    [SAY_SPF_LOOP] = {"“{a}” in the record of {b} leads in a circle, so the whole record does not "
                      "count.",
        "„{a}“ im Eintrag von {b} führt im Kreis; dadurch zählt der ganze Eintrag nicht."},
    [SAY_SPF_HOSTS] = {"“{a}” in the record of {b} stands for more than ten mail servers, so the "
                       "whole record does not count.",
        "„{a}“ im Eintrag von {b} steht für mehr als zehn Mailserver; dadurch zählt der ganze "
        "Eintrag nicht."},
    [SAY_SPF_LOOKUPS] =
        {"The record needs {n} DNS look-ups. More than ten are not allowed, so it does not count.",
            "Der Eintrag braucht {n} DNS-Abfragen. Mehr als zehn sind nicht erlaubt; deshalb zählt "
            "er nicht."},
    [SAY_SPF_VOIDS] = {"{n} names in the record do not exist. More than two are not allowed, so "
                       "the record does not count.",
        "{n} Namen im Eintrag gibt es nicht. Mehr als zwei sind nicht erlaubt; deshalb zählt der "
        "Eintrag nicht."},
    [SAY_SPF_PROVIDER_ABSENT] =
        {"{a} is missing in the record: to receivers its mail for this domain looks forged.",
            "{a} fehlt im Eintrag: Mails, die der Anbieter für diese Domain sendet, wirken auf "
            "Empfänger gefälscht."},
    [SAY_SPF_ADDRESS_ABSENT] =
        {"Your mail was sent from the address {a}, which the record does not allow.",
            "Ihre Mail kam von der Adresse {a}, die der Eintrag nicht erlaubt."},
    [SAY_SPF_ALLOWS_ALL] =
        {"The record ends with “+all” and lets the whole world send for this domain. It protects "
         "nobody and makes your mail suspicious.",
            "Der Eintrag endet mit „+all“ und erlaubt aller Welt, für diese Domain zu senden. Er "
            "schützt niemanden und macht Ihre Mails verdächtig."},
    [SAY_SPF_UNCERTAIN] =
        {"The record decides for each mail by itself (macros). Whether it allows {a} is shown by "
         "the headers of a test mail that has arrived.",
            "Der Eintrag entscheidet für jede Mail einzeln (Makros). Ob er den Versand erlaubt, "
            "zeigen die Kopfzeilen einer angekommenen Testmail."},
    [SAY_SPF_TOO_LONG] = {"The record of {b} has more than 4096 characters and was not judged.",
        "Der Eintrag von {b} hat mehr als 4096 Zeichen und wurde nicht beurteilt."},
    [SAY_SPF_COST] = {"It takes {n} of ten DNS look-ups.",
        "Er braucht {n} von zehn erlaubten DNS-Abfragen."},
    [SAY_SPF_VOID] = {"The name in “{a}” (record of {b}) does not exist.",
        "Den Namen in „{a}“ (Eintrag von {b}) gibt es nicht."},
    [SAY_SPF_MACRO] = {"“{a}” (record of {b}) depends on the single mail and was not judged.",
        "„{a}“ (Eintrag von {b}) hängt von der einzelnen Mail ab und wurde nicht beurteilt."},
    [SAY_SPF_PTR] = {"“{a}” (record of {b}) is outdated; many receivers ignore it.",
        "„{a}“ (Eintrag von {b}) ist veraltet; viele Empfänger beachten es nicht."},
    [SAY_SPF_LONG] = {"The record is {n} characters long. Beyond 450 its answer may not fit into "
                      "one DNS packet, and some receivers then do without it.",
        "Der Eintrag ist {n} Zeichen lang. Ab 450 passt die Antwort vielleicht nicht in ein "
        "DNS-Paket, und manche Empfänger verzichten dann darauf."},
    [SAY_SPF_SPLIT] = {"The proposed value has {n} characters. One string of a TXT record holds "
                       "255, so it must be entered as several strings; many DNS consoles do that "
                       "by themselves.",
        "Der vorgeschlagene Wert hat {n} Zeichen. Eine Zeichenkette eines TXT-Eintrags fasst 255; "
        "er muss also in mehreren eingetragen werden. Viele DNS-Oberflächen tun das von selbst."},
    [SAY_SPF_UNREACHED] =
        {"“{a}” (record of {b}) has no effect, because “all” stands before or beside it.",
            "„{a}“ (Eintrag von {b}) bewirkt nichts, weil „all“ davor oder daneben steht."},
    [SAY_SPF_NO_ALL] = {"Nothing ends the record: about all other senders it says nothing. Usual "
                        "is “~all”.",
        "Dem Eintrag fehlt ein Schluss: Über alle anderen Absender sagt er nichts. Üblich ist "
        "„~all“."},
    [SAY_SPF_ADDRESS] = {"The address {a}, from which your mail was seen to come, is allowed.",
        "Die Adresse {a}, von der Ihre Mail kam, ist erlaubt."},
    [SAY_SPF_UNRESOLVED] = {"“{a}” would be the entry of this provider, but it leads to no valid "
                            "SPF record at the moment and is therefore not proposed.",
        "„{a}“ wäre die Angabe dieses Anbieters, führt aber zurzeit zu keinem gültigen "
        "SPF-Eintrag und wird deshalb nicht vorgeschlagen."},
    [SAY_SPF_TOO_FULL] = {"With “{a}” the record would need more DNS look-ups than are allowed. "
                          "Please remove first what is no longer used.",
        "Mit „{a}“ bräuchte der Eintrag mehr DNS-Abfragen als erlaubt. Bitte zuerst entfernen, was "
        "nicht mehr genutzt wird."},
    [SAY_SPF_NEW] = {"Create this record. If other servers send for this domain too, they belong "
                     "into it as well.",
        "Diesen Eintrag anlegen. Senden noch andere Server für die Domain, gehören sie mit "
        "hinein."},
    [SAY_SPF_REPLACE] = {"Replace the present record by this one; there may be only one.",
        "Den vorhandenen Eintrag durch diesen ersetzen; es darf nur einen geben."},
    [SAY_SPF_MERGE] = {"Delete all {n} records and create this one.",
        "Alle {n} Einträge löschen und diesen anlegen."},

    [SAY_DKIM_GOOD] = {"A valid key is published ({a}).",
        "Ein gültiger Schlüssel ist veröffentlicht ({a})."},
    [SAY_DKIM_PARTLY] = {"A valid key is published ({a}), but another one is not in order.",
        "Ein gültiger Schlüssel ist veröffentlicht ({a}), ein anderer ist aber nicht in Ordnung."},
    [SAY_DKIM_MISSING] = {"There is no key under the names {a} uses. Without it your mail is not "
                          "signed for this domain.",
        "Unter den Namen, die {a} verwendet, gibt es keinen Schlüssel. Ohne ihn sind Ihre Mails "
        "nicht für diese Domain signiert."},
    [SAY_DKIM_WRONG] = {"There is an entry for a key, but none that counts.",
        "Es gibt einen Eintrag für einen Schlüssel, aber keinen, der zählt."},
    [SAY_DKIM_NO_KEYS] = {"The domain has no DKIM key at all, so your mail is not signed for it.",
        "Die Domain hat überhaupt keinen DKIM-Schlüssel; Ihre Mails sind also nicht für sie "
        "signiert."},
    [SAY_DKIM_NO_SELECTOR] =
        {"Under which name (selector) the key is published is not known. The headers of a test "
         "mail that has arrived tell it.",
            "Unter welchem Namen (Selektor) der Schlüssel steht, ist nicht bekannt. Die Kopfzeilen "
            "einer angekommenen Testmail verraten es."},
    [SAY_DKIM_WILDCARD] = {"The DNS of the domain answers under every name, so it cannot be seen "
                           "which key is real. "
                           "The headers of a test mail that has arrived tell it.",
        "Das DNS der Domain antwortet unter jedem Namen; welcher Schlüssel echt ist, lässt sich "
        "daran nicht sehen. Die Kopfzeilen einer angekommenen Testmail verraten es."},
    [SAY_DKIM_COPY] = {"The record is made by {a}: switch DKIM on there and copy what is shown.",
        "Den Eintrag erzeugt {a}: DKIM dort einschalten und übernehmen, was angezeigt wird."},
    [SAY_DKIM_ALIAS] = {"Create this record, then switch DKIM on at {a} if it is not on yet.",
        "Diesen Eintrag anlegen; falls nötig, danach DKIM bei {a} einschalten."},
    [SAY_KEY_FOUND] = {"RSA key of {n} bits.", "RSA-Schlüssel mit {n} Bit."},
    [SAY_KEY_SHORT] = {"RSA key of only {n} bits; 2048 are usual today.",
        "RSA-Schlüssel mit nur {n} Bit; heute üblich sind 2048."},
    [SAY_KEY_ED25519] = {"Ed25519 key.", "Ed25519-Schlüssel."},
    [SAY_KEY_TESTING] = {"The key is marked as a test (t=y); some receivers ignore it.",
        "Der Schlüssel ist als Test markiert (t=y); manche Empfänger beachten ihn nicht."},
    [SAY_KEY_WILDCARD] = {"The DNS gives the same answer for any other name, so this is no proof "
                          "of a key.",
        "Das DNS antwortet unter jedem anderen Namen genauso; ein Schlüssel ist das also nicht "
        "sicher."},
    [SAY_KEY_MISSING] = {"There is nothing under this name.", "Unter diesem Namen steht nichts."},
    [SAY_KEY_DANGLING] = {"The record leads to {a}, and there is no key there.",
        "Der Eintrag führt zu {a}, und dort steht kein Schlüssel."},
    [SAY_KEY_REVOKED] = {"Its field p= is empty.", "Das Feld p= ist leer."},
    [SAY_KEY_SYNTAX] = {"The record is not a DKIM key.", "Der Eintrag ist kein DKIM-Schlüssel."},
    [SAY_KEY_VERSION] = {"The record must begin with v=DKIM1.",
        "Der Eintrag muss mit v=DKIM1 beginnen."},
    [SAY_KEY_ALGORITHM] = {"The kind of key (k=) is unknown.", "Die Art des Schlüssels (k=) ist "
                                                               "unbekannt."},
    [SAY_KEY_UNREADABLE] = {"The key is damaged; often a part got lost when it was copied.",
        "Der Schlüssel ist beschädigt; oft ging beim Kopieren ein Teil verloren."},
    [SAY_KEY_WEAK] = {"The RSA key has only {n} bits; below 1024 it counts for nothing.",
        "Der RSA-Schlüssel hat nur {n} Bit; unter 1024 zählt er nicht."},
    [SAY_KEY_HASH] = {"The key excludes SHA-256 (h=), the only hash still in use.",
        "Der Schlüssel schließt SHA-256 aus (h=), das einzige noch übliche Verfahren."},
    [SAY_KEY_SERVICE] = {"The key is not meant for mail (s=).",
        "Der Schlüssel ist nicht für E-Mail bestimmt (s=)."},
    [SAY_KEY_SEVERAL] = {"Several keys stand under one name; only one is allowed.",
        "Unter einem Namen stehen mehrere Schlüssel; erlaubt ist nur einer."},

    [SAY_DMARC_ENFORCED] = {"Forged mail in the name of this domain is to be turned away "
                            "(policy “{a}”).",
        "Gefälschte Mails im Namen dieser Domain sollen abgewehrt werden (Regel „{a}“)."},
    [SAY_DMARC_WATCHES] = {"A record exists and so far only watches (policy “none”).",
        "Ein Eintrag besteht und beobachtet bisher nur (Regel „none“)."},
    [SAY_DMARC_HARMFUL] =
        {"The policy “{a}” turns away your own mail as well as long as neither SPF nor DKIM is in "
         "order.",
            "Die Regel „{a}“ trifft auch Ihre eigenen Mails, solange weder SPF noch DKIM in "
            "Ordnung ist."},
    [SAY_DMARC_MISSING] = {"The domain has no DMARC record. Large mail providers expect one.",
        "Die Domain hat keinen DMARC-Eintrag. Große Mailanbieter erwarten einen."},
    [SAY_DMARC_SEVERAL] = {"Several DMARC records stand at {a}; only one is allowed, so none "
                           "counts.",
        "An {a} stehen mehrere DMARC-Einträge; erlaubt ist nur einer, deshalb zählt keiner."},
    [SAY_DMARC_BROKEN] = {"The record at {a} cannot be read and does not count. It must begin "
                          "with “v=DMARC1;”.",
        "Der Eintrag an {a} ist nicht lesbar und zählt nicht. Er muss mit „v=DMARC1;“ beginnen."},
    [SAY_DMARC_INHERITED] = {"The record of {a} applies here too.",
        "Hier gilt der Eintrag von {a} mit."},
    [SAY_DMARC_TESTING] = {"t=y: receivers are asked to be one step milder.",
        "t=y: Empfänger sollen eine Stufe milder vorgehen."},
    [SAY_DMARC_PCT] = {"“pct” has had no effect since 2026 (RFC 9989).",
        "„pct“ ist seit 2026 ohne Wirkung (RFC 9989)."},
    [SAY_DMARC_NO_REPORTS] = {"No address for reports is given (rua); that is allowed.",
        "Es ist keine Adresse für Berichte angegeben (rua); das ist erlaubt."},
    [SAY_DMARC_FOREIGN_REPORT] = {"The address for reports (rua) must begin with “mailto:”.",
        "Die Adresse für Berichte (rua) muss mit „mailto:“ beginnen."},
    [SAY_DMARC_REPORT_REFUSED] =
        {"Reports shall go to {a}, which has not agreed to that: there is no DMARC record at {b}. "
         "They will not be sent.",
            "Berichte sollen an {a} gehen; dort ist aber nicht zugestimmt worden: Unter {b} fehlt "
            "der DMARC-Eintrag. Sie werden nicht verschickt."},
    [SAY_DMARC_NO_POLICY] = {"The policy (p=) is missing or unknown and counts as “none”.",
        "Die Regel (p=) fehlt oder ist unbekannt und gilt als „none“."},
    [SAY_DMARC_STRICT_DKIM] = {"DKIM must be signed for exactly this domain (adkim=s).",
        "DKIM muss genau für diese Domain signieren (adkim=s)."},
    [SAY_DMARC_STRICT_SPF] = {"The envelope address must be of exactly this domain (aspf=s).",
        "Die Umschlagadresse muss genau aus dieser Domain sein (aspf=s)."},
    [SAY_DMARC_NEW] = {"Create this record. “p=none” changes nothing about delivery; it can be "
                       "made stricter once SPF and DKIM are in order.",
        "Diesen Eintrag anlegen. „p=none“ ändert nichts an der Zustellung; strenger wird man erst, "
        "wenn SPF und DKIM in Ordnung sind."},
    [SAY_DMARC_REPAIR] = {"Replace what stands there by this one record.",
        "Das Vorhandene durch diesen einen Eintrag ersetzen."},

    [SAY_HEADER_GOOD] = {"The receiver could verify that this mail really comes from {a}.",
        "Der Empfänger konnte bestätigen, dass diese Mail wirklich von {a} kommt."},
    [SAY_HEADER_JUNK] =
        {"The receiver could verify that this mail comes from {a} and yet sorted it out as spam. "
         "The reason is then the content, or that the domain is still new to this receiver.",
            "Der Empfänger konnte bestätigen, dass diese Mail von {a} kommt, und hat sie trotzdem "
            "als Spam aussortiert. Dann liegt es am Inhalt, oder die Domain ist bei diesem "
            "Empfänger noch neu."},
    [SAY_HEADER_OTHER] =
        {"What was verified is {b}, not {a}. For {a} the provider must sign with DKIM.",
            "Bestätigt ist {b}, nicht {a}. Für {a} muss der Anbieter mit DKIM signieren."},
    [SAY_HEADER_BAD] =
        {"The receiver could verify by neither SPF nor DKIM that this mail comes from {a}.",
            "Der Empfänger konnte weder mit SPF noch mit DKIM bestätigen, dass diese Mail von {a} "
            "kommt."},
    [SAY_HEADER_NO_RESULTS] =
        {"The receiver noted no results in these headers. Please send a test mail to another "
         "mailbox, for instance with a large mail provider.",
            "In diesen Kopfzeilen hat der Empfänger keine Ergebnisse vermerkt. Bitte eine Testmail "
            "an ein anderes Postfach senden, etwa bei einem großen Anbieter."},
    [SAY_SEEN_SPF_PASS] = {"SPF passed for the domain of the sender.",
        "SPF für die Domain des Absenders bestanden."},
    [SAY_SEEN_SPF_OTHER] = {"SPF passed, but for {a} (the provider's envelope address); for the "
                            "sender it counts for nothing.",
        "SPF bestanden, aber für {a} (die Umschlagadresse des Anbieters); für den Absender "
        "zählt das nicht."},
    [SAY_SEEN_SPF_FAIL] = {"SPF failed: the record of the domain does not allow {a}.",
        "SPF nicht bestanden: Der Eintrag der Domain erlaubt {a} nicht."},
    [SAY_SEEN_SPF_NEUTRAL] = {"The SPF record says nothing about this sender.",
        "Der SPF-Eintrag sagt über diesen Absender nichts."},
    [SAY_SEEN_SPF_NONE] = {"The receiver found no SPF record.",
        "Der Empfänger hat keinen SPF-Eintrag gefunden."},
    [SAY_SEEN_SPF_TEMPERROR] = {"The receiver could not read the SPF record at that moment (DNS).",
        "Der Empfänger konnte den SPF-Eintrag in dem Moment nicht lesen (DNS)."},
    [SAY_SEEN_SPF_PERMERROR] = {"The receiver holds the SPF record to be invalid.",
        "Der Empfänger hält den SPF-Eintrag für ungültig."},
    [SAY_SEEN_SPF_UNKNOWN] = {"The receiver noted nothing about SPF.",
        "Zu SPF hat der Empfänger nichts vermerkt."},
    [SAY_SEEN_DMARC_PASS] = {"DMARC passed.", "DMARC bestanden."},
    [SAY_SEEN_DMARC_FAIL] = {"DMARC failed: neither SPF nor DKIM holds for the domain of the "
                             "sender.",
        "DMARC nicht bestanden: Weder SPF noch DKIM gelten für die Domain des Absenders."},
    [SAY_SEEN_DMARC_NONE] = {"The receiver found no DMARC record to go by.",
        "Der Empfänger hat keinen DMARC-Eintrag gefunden, nach dem er sich richten könnte."},
    [SAY_SEEN_DMARC_UNKNOWN] = {"The receiver noted nothing about DMARC.",
        "Zu DMARC hat der Empfänger nichts vermerkt."},
};

static void capitalise(GString *text)
{
    gunichar first = g_utf8_get_char(text->str);
    gunichar upper = g_unichar_toupper(first);
    if (first != upper) {
        char bytes[6];
        int n = g_unichar_to_utf8(upper, bytes);
        g_string_erase(text, 0, g_utf8_next_char(text->str) - text->str);
        g_string_insert_len(text, 0, bytes, n);
    }
}

/* What {a} reads where it is not known. */
static const char *unknown(DomainSay code, Language language)
{
    static const char *const words[][LANGUAGES] = {
        {"your provider", "Ihr Anbieter"},
        {"the address it came from", "die Adresse, von der sie kam,"},
        {"its sender", "diesem Absender"},
    };
    guint which = code == SAY_SEEN_SPF_FAIL ? 1 : code >= SAY_HEADER_GOOD ? 2 : 0;
    return words[which][language];
}

/* What records and headers say is a stranger's text. */
static void append_value(GString *text, const char *value)
{
    g_autofree char *shown = text_printable(value, strlen(value), LIMIT_PEER_TEXT_CHARACTERS);
    g_string_append(text, shown);
}

char *domain_text(const DomainNote *note, Language language)
{
    g_assert(note->code > 0 && note->code < SAY_COUNT && texts[note->code][language]);
    GString *text = g_string_new(NULL);
    g_autofree char *n = g_strdup_printf("%u", note->n);
    for (const char *at = texts[note->code][language]; *at;) {
        if (*at == '{' && at[1] && at[2] == '}') {
            const char *value = at[1] == 'n' ? n : at[1] == 'b' ? note->b : note->a;
            append_value(text, value ? value : unknown(note->code, language));
            at += 3;
        } else {
            g_string_append_c(text, *at++);
        }
    }
    capitalise(text);
    return g_string_free(text, FALSE);
}

json_t *domain_text_json(const DomainNote *note, Language language)
{
    g_autofree char *text = domain_text(note, language);
    return json_text(text);
}
