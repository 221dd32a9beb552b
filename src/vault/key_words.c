#include "vault/key_words.h"

#include "base/twin.h"

static const TextTwin twins[] = {
    /* The key file */
    {"key file * cannot be reached: its directory cannot be opened: *",
        "Die Schlüsseldatei {1} ist nicht erreichbar, ihr Ordner lässt sich nicht öffnen: {2}"},
    {"key file * is not safe: its directory may be written by others (mode *)",
        "Die Schlüsseldatei {1} ist nicht sicher: In ihren Ordner dürfen andere schreiben (Rechte "
        "{2})"},
    {"key file * is not a regular file", "Die Schlüsseldatei {1} ist keine gewöhnliche Datei"},
    {"key file * belongs to user *; a credential belongs to root or to user *",
        "Die Schlüsseldatei {1} gehört dem Benutzer {2}; ein Credential gehört root oder dem "
        "Benutzer {3}"},
    {"key file * belongs to user *; it must belong to user *, who runs this program",
        "Die Schlüsseldatei {1} gehört dem Benutzer {2}; sie muss dem Benutzer {3} gehören, unter "
        "dem dieses Programm läuft"},
    {"key file * is open to others (mode *)",
        "Die Schlüsseldatei {1} ist für andere offen (Rechte {2})"},
    {"key file * is open to all users (mode *; it must be 0600)",
        "Die Schlüsseldatei {1} ist für alle offen (Rechte {2}, nötig sind 0600)"},
    {"key file * is open to its group (mode *; it must be 0600)",
        "Die Schlüsseldatei {1} ist für ihre Gruppe offen (Rechte {2}, nötig sind 0600)"},
    {"key file * has * names (hard links); it must have one",
        "Die Schlüsseldatei {1} hat {2} Namen (Hardlinks); erlaubt ist einer"},
    {"key file * is missing, and a new key could not open what is stored: put the key back",
        "Die Schlüsseldatei {1} fehlt, und ein neuer Schlüssel könnte das Gespeicherte nicht "
        "öffnen: Legen Sie sie zurück"},
    {"key file * is a symbolic link; it must be the file itself",
        "Die Schlüsseldatei {1} ist ein symbolischer Link; es muss die Datei selbst sein"},
    {"key file * cannot be examined: *", "Die Schlüsseldatei {1} lässt sich nicht prüfen: {2}"},
    {"key file * cannot be opened: *", "Die Schlüsseldatei {1} lässt sich nicht öffnen: {2}"},
    {"key file * cannot be read: *", "Die Schlüsseldatei {1} lässt sich nicht lesen: {2}"},
    {"key file * cannot be written: *", "Die Schlüsseldatei {1} lässt sich nicht schreiben: {2}"},
    {"key file * was changed by somebody else since it was read: restart the service",
        "Die Schlüsseldatei {1} wurde seit dem Lesen von jemand anderem geändert: Starten Sie den "
        "Dienst neu"},
    /* What stands in it */
    {"key file * is not a key file: its first line must be *",
        "{1} ist keine Schlüsseldatei: Die erste Zeile muss {2} sein"},
    {"key file * has a format version that this program does not know (it reads version *)",
        "Die Schlüsseldatei {1} hat ein Format, das dieses Programm nicht kennt (es liest Version "
        "{2})"},
    {"key file * has a damaged key: the checksum in line * does not match",
        "In der Schlüsseldatei {1} ist ein Schlüssel beschädigt: Die Prüfsumme in Zeile {2} stimmt "
        "nicht"},
    {"key file * has more than * keys", "Die Schlüsseldatei {1} hat mehr als {2} Schlüssel"},
    {"key file * has two keys with the id of line *",
        "In der Schlüsseldatei {1} tragen zwei Schlüssel die Kennung aus Zeile {2}"},
    {"key file * is damaged: line * should begin with *",
        "Die Schlüsseldatei {1} ist beschädigt: Zeile {2} müsste mit {3} beginnen"},
    {"key file * is damaged: line * should have * hex digits",
        "Die Schlüsseldatei {1} ist beschädigt: Zeile {2} müsste {3} Hexadezimalziffern haben"},
    {"key file * is empty", "Die Schlüsseldatei {1} ist leer"},
    {"key file * is cut short: its * line is missing",
        "Die Schlüsseldatei {1} ist abgeschnitten: Die Zeile {2} fehlt"},
    {"key file * is longer than * bytes", "Die Schlüsseldatei {1} ist länger als {2} Byte"},
    /* Changes */
    {"there is no key * in the key file", "In der Schlüsseldatei gibt es keinen Schlüssel {1}"},
    {"this key is in use", "Dieser Schlüssel ist in Gebrauch"},
    {"the key file has * keys, and more are not allowed: retire one first",
        "Die Schlüsseldatei hat schon {1} Schlüssel, mehr sind nicht erlaubt: Entfernen Sie zuerst "
        "einen (absender key retire)"},
    {"the key comes from a systemd credential, which only its owner can make anew",
        "Der Schlüssel ist ein Credential von systemd; neu anlegen kann es nur dessen Besitzer"},
    /* Exported keys */
    {"a passphrase for keys has at least * characters",
        "Eine Passphrase für Schlüssel hat mindestens {1} Zeichen"},
    {"there is not enough memory for the passphrase (* MiB)",
        "Für die Passphrase reicht der Arbeitsspeicher nicht ({1} MiB)"},
    {"this is no file of exported keys (line *)",
        "Das ist keine Datei mit exportierten Schlüsseln (Zeile {1})"},
    {"this is no file of exported keys", "Das ist keine Datei mit exportierten Schlüsseln"},
    {"line * of the exported keys is damaged",
        "Zeile {1} der exportierten Schlüssel ist beschädigt"},
    {"the file of exported keys is cut short",
        "Die Datei mit den exportierten Schlüsseln ist abgeschnitten"},
    {"the exported keys do not open: the passphrase is wrong, or the file is damaged",
        "Die exportierten Schlüssel lassen sich nicht öffnen: Die Passphrase ist falsch, oder die "
        "Datei ist beschädigt"},
    /* What the database was sealed with */
    {"key * in the key file is not the key * that this database was sealed with, or the check "
     "record is damaged",
        "Der Schlüssel {1} in der Schlüsseldatei ist nicht der, mit dem diese Datenbank "
        "verschlüsselt wurde, oder ihr Prüfeintrag ist beschädigt"},
    {"key * is needed, but the key file holds *",
        "Gebraucht wird der Schlüssel {1}, in der Schlüsseldatei steht aber {2}"},
    {"the sealed value is damaged", "Der verschlüsselte Wert ist beschädigt"},
    {"the sealed value has format *, which this program does not know",
        "Der verschlüsselte Wert hat das Format {1}, das dieses Programm nicht kennt"},
    {"the sealed value does not open: it belongs elsewhere, was sealed with another key, or is "
     "damaged",
        "Der verschlüsselte Wert lässt sich nicht öffnen: Er gehört woandershin, wurde mit einem "
        "anderen Schlüssel verschlüsselt oder ist beschädigt"},
    {"key * is another one here than in the key file",
        "Der Schlüssel {1} ist hier ein anderer als in der Schlüsseldatei"},
};

char *vault_key_german(const char *sentence)
{
    return text_twin(twins, G_N_ELEMENTS(twins), sentence, NULL);
}
