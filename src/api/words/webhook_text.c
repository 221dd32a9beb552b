#include "api/words/webhook_text.h"

#include "store/webhooks.h"

#include <string.h>

static const struct {
    const char *failure;
    const char *text[LANGUAGE_COUNT];
} rows[] = {
    {WEBHOOK_FAILED_NO_ADDRESS, {"The receiver's name leads to no address. Check its spelling.",
                                    "Zum Namen des Empfängers gibt es keine Adresse. Bitte prüfen "
                                    "Sie die Schreibweise."}},
    {WEBHOOK_FAILED_DENIED,
        {"Not allowed: the receiver's name leads to a private address. The operator can allow its "
         "network with --allow-network.",
            "Nicht erlaubt: Der Name des Empfängers führt zu einer privaten Adresse. Der Betreiber "
            "kann deren Netz mit --allow-network erlauben."}},
    {WEBHOOK_FAILED_REFUSED,
        {"No connection: nobody listens at this address and port, or there is no way there. Check "
         "both, and that the receiver runs.",
            "Keine Verbindung: Unter dieser Adresse und diesem Port nimmt niemand Verbindungen an, "
            "oder es führt kein Weg dorthin. Bitte prüfen Sie beides und ob der Empfänger läuft."}},
    {WEBHOOK_FAILED_TLS,
        {"No secure connection: the receiver speaks no TLS on this port. Check the port.",
            "Keine sichere Verbindung: Der Empfänger spricht an diesem Port kein TLS. Bitte prüfen "
            "Sie den Port."}},
    {WEBHOOK_FAILED_CERTIFICATE,
        {"The receiver's certificate is not trusted, or belongs to another name. Certificates of "
         "your own authority are made known with --ca-file.",
            "Dem Zertifikat des Empfängers ist nicht zu trauen, oder es gehört zu einem anderen "
            "Namen. Zertifikate einer eigenen Stelle macht der Betreiber mit --ca-file bekannt."}},
    {WEBHOOK_FAILED_NO_ANSWER, {"No answer within 5 seconds. Check that the receiver runs and can "
                                "be reached from here.",
                                   "Keine Antwort innerhalb von 5 Sekunden. Bitte prüfen Sie, ob "
                                   "der Empfänger läuft und von hier erreichbar ist."}},
    {WEBHOOK_FAILED_GONE, {"The receiver wants nothing any more (410): the webhook was switched "
                           "off.",
                              "Der Empfänger möchte nichts mehr (410): Der Webhook wurde "
                              "abgeschaltet."}},
    {WEBHOOK_FAILED_TOO_OLD,
        {"Given up: it did not arrive within 5 days.", "Aufgegeben: Es kam in 5 Tagen nicht an."}},
    {WEBHOOK_FAILED_SECRET, {"The stored secret cannot be opened. Make a new one.",
                                "Das gespeicherte Geheimnis lässt sich nicht öffnen. Bitte "
                                "erzeugen Sie ein neues."}},
    {WEBHOOK_FAILED_OVERFLOW, {"Too much was waiting for this receiver; the oldest events were "
                               "lost.",
                                  "Für diesen Empfänger wartete zu viel; die ältesten Ereignisse "
                                  "gingen verloren."}},
};

char *webhook_failure_text(const char *failure, Language language)
{
    for (gsize i = 0; failure && i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].failure, failure) == 0)
            return g_strdup(rows[i].text[language]);
    const char *status = WEBHOOK_FAILED_STATUS " ";
    if (!failure || !g_str_has_prefix(failure, status))
        return g_strdup(failure);
    const char *number = failure + strlen(status);
    return language == LANGUAGE_DE
               ? g_strconcat("Der Empfänger antwortete mit ", number, " statt 200.", NULL)
               : g_strconcat("The receiver answered ", number, " instead of 200.", NULL);
}
