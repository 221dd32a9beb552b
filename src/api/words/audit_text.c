#include "api/words/audit_text.h"

#include <string.h>

static const struct {
    const char *action;
    const char *text[LANGUAGE_COUNT];
} rows[] = {
    {"session.created", {"Signed in", "Angemeldet"}},
    {"session.refused", {"Sign-in refused", "Anmeldung abgelehnt"}},
    {"session.ended", {"Session ended", "Sitzung beendet"}},
    {"password.changed", {"Password changed", "Passwort geändert"}},
    {"member.changed", {"Member changed", "Mitglied geändert"}},
    {"member.removed", {"Member removed", "Mitglied entfernt"}},
    {"setup.done", {"First set-up completed", "Ersteinrichtung abgeschlossen"}},
    {"invitation.created", {"Invitation created", "Einladung erstellt"}},
    {"invitation.resent", {"Invitation sent again", "Einladung erneut gesendet"}},
    {"invitation.link_copied", {"Invitation link copied", "Einladungslink kopiert"}},
    {"invitation.revoked", {"Invitation revoked", "Einladung zurückgezogen"}},
    {"invitation.accepted", {"Invitation accepted", "Einladung angenommen"}},
    {"reset.asked", {"Password reset requested", "Zurücksetzen des Passworts angefordert"}},
    {"reset.link_copied", {"Password reset link copied", "Link zum Zurücksetzen kopiert"}},
    {"reset.used", {"Password reset", "Passwort zurückgesetzt"}},
    {"reset.dismissed", {"Password reset dismissed", "Zurücksetzen des Passworts verworfen"}},
    {"token.created", {"API token created", "API-Token angelegt"}},
    {"token.changed", {"API token changed", "API-Token geändert"}},
    {"token.revoked", {"API token revoked", "API-Token widerrufen"}},
    {"webhook.created", {"Webhook created", "Webhook angelegt"}},
    {"webhook.changed", {"Webhook changed", "Webhook geändert"}},
    {"webhook.removed", {"Webhook removed", "Webhook entfernt"}},
    {"webhook.tested", {"Webhook tested", "Webhook getestet"}},
    {"webhook.replayed", {"Webhook event sent again", "Webhook-Ereignis erneut gesendet"}},
    {"template.changed", {"Mail text changed", "Mailtext geändert"}},
    {"template.removed", {"Mail text removed", "Mailtext entfernt"}},
    {"organisation.changed", {"Organisation changed", "Organisation geändert"}},
    {"smtp.draft_changed", {"SMTP draft changed", "SMTP-Entwurf geändert"}},
    {"smtp.verified", {"SMTP settings tested", "SMTP-Einstellungen geprüft"}},
    {"smtp.activated", {"SMTP settings activated", "SMTP-Einstellungen aktiviert"}},
    {"smtp.restored",
        {"Earlier SMTP settings restored", "Frühere SMTP-Einstellungen zurückgeholt"}},
    {"smtp.signed_in",
        {"Signed in at the mail provider", "Beim E-Mail-Anbieter angemeldet (OAuth2)"}},
    {"smtp.sending_on", {"Sending switched on", "Versand eingeschaltet"}},
    {"smtp.sending_off", {"Sending switched off", "Versand ausgeschaltet"}},
    {"smtp.test_mail", {"Test mail sent", "Testmail gesendet"}},
    {"email.cancelled", {"Email cancelled", "E-Mail abgebrochen"}},
    {"email.retried", {"Email tried again", "E-Mail erneut versucht"}},
    {"email.rescheduled", {"Email rescheduled", "E-Mail neu geplant"}},
    {"email.handed_over", {"Email handed over in person", "E-Mail persönlich übergeben"}},
    {"emails.bulk", {"Several emails handled at once", "Mehrere E-Mails auf einmal bearbeitet"}},
    {"backup.started", {"Backup started", "Sicherung begonnen"}},
    {"key.added", {"Key added", "Schlüssel hinzugefügt"}},
    {"key.activated", {"Key activated", "Schlüssel in Gebrauch genommen"}},
    {"key.retired", {"Key retired", "Schlüssel entfernt"}},
    {"key.exported", {"Keys exported", "Schlüssel exportiert"}},
    {"notice.sent",
        {"Notice sent to the administrators", "Hinweis an die Administratoren gesendet"}},
    {"date.told", {"Webhooks reminded of a date", "Webhooks an einen Termin erinnert"}},
    {"sandbox.mail_opened", {"Captured email opened", "Abgefangene E-Mail geöffnet"}},
    {"sandbox.cleared", {"Sandbox cleared", "Sandbox geleert"}},
};

static const char *text_of(const char *action, Language language)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i].action, action) == 0)
            return rows[i].text[language];
    }
    return NULL;
}

gboolean audit_text_knows(const char *action)
{
    return text_of(action, LANGUAGE_EN) != NULL;
}

/* "inv_" and 32 hex digits: whoever wants to know that finds it beside the sentence. */
static gboolean is_id(const char *object)
{
    const char *digits = strchr(object, '_');
    return digits && strlen(digits + 1) == (gsize)ID_BYTES * 2 &&
           strspn(digits + 1, "0123456789abcdef") == (gsize)ID_BYTES * 2;
}

char *audit_text(const AuditEvent *event, Language language)
{
    const char *text = text_of(event->action, language);
    if (!text)
        text = event->action;
    if (!event->object || is_id(event->object))
        return g_strdup(text);
    return g_strdup_printf("%s: %s", text, event->object);
}
