#include "api/words/problem.h"

#include "api/words/fault_text.h"

#include <string.h>

typedef struct {
    const char *code;
    int status;
    const char *resend_name;
    const char *title[LANGUAGE_COUNT];
} ProblemRow;

static const ProblemRow rows[] = {
    {"malformed_request", 400, "validation_error",
        {"The request is malformed.", "Die Anfrage ist fehlerhaft."}},
    {"malformed_json", 400, "validation_error",
        {"The body cannot be read as JSON.", "Der Inhalt ist kein lesbares JSON."}},
    {"invalid_query", 400, "validation_error",
        {"A query parameter is wrong.", "Ein Parameter der Adresse ist falsch."}},
    {"invalid_idempotency_key", 400, "validation_error",
        {"An idempotency key is 1 to 255 printable characters.",
            "Ein Idempotenzschlüssel hat 1 bis 255 druckbare Zeichen."}},
    {"unauthenticated", 401, "missing_api_key",
        {"Please sign in or send an API token.",
            "Bitte melden Sie sich an oder senden Sie ein API-Token."}},
    {"invalid_token", 401, "invalid_api_key",
        {"This API token is not valid.", "Dieses API-Token ist nicht gültig."}},
    {"session_expired", 401, "invalid_api_key",
        {"Your session has ended. Please sign in again.",
            "Ihre Sitzung ist beendet. Bitte melden Sie sich neu an."}},
    {"invalid_credentials", 401, "invalid_api_key",
        {"E-mail address or password is wrong.", "E-Mail-Adresse oder Passwort ist falsch."}},
    {"csrf", 403, "invalid_api_key",
        {"The request does not come from a page of this server.",
            "Die Anfrage stammt nicht von einer Seite dieses Servers."}},
    {"forbidden", 403, "invalid_api_key",
        {"You may not do this.", "Dazu fehlt Ihnen die Berechtigung."}},
    {"scope_not_allowed", 403, "invalid_api_key",
        {"Nobody can give away more rights than they have.",
            "Niemand kann mehr Rechte vergeben, als er selbst hat."}},
    {"setup_token_invalid", 403, "invalid_api_key",
        {"This set-up link is wrong, used or expired.",
            "Dieser Einrichtungslink ist falsch, verbraucht oder abgelaufen."}},
    {"network_not_allowed", 403, "invalid_api_key",
        {"This token may not be used from this network.",
            "Dieses Token darf aus diesem Netz nicht benutzt werden."}},
    {"from_not_allowed_for_token", 403, "invalid_api_key",
        {"This token may not send from this address.",
            "Mit diesem Token darf diese Absenderadresse nicht verwendet werden."}},
    {"invitation_invalid", 404, "not_found",
        {"This invitation link does not work (any more).",
            "Dieser Einladungslink gilt nicht (mehr)."}},
    {"reset_invalid", 404, "not_found",
        {"This link to a new password does not work (any more).",
            "Dieser Link zu einem neuen Passwort gilt nicht (mehr)."}},
    {"own_reset", 403, "invalid_api_key",
        {"Nobody can make a reset link for their own account.",
            "Für das eigene Konto gibt es hier keinen Link."}},
    {"sign_in_unknown", 404, "not_found",
        {"This sign-in is used, too old, or was begun elsewhere.",
            "Diese Anmeldung ist verbraucht, zu alt oder wurde woanders begonnen."}},
    {"key_unknown", 404, "not_found",
        {"There is no key with this id.", "Einen Schlüssel mit dieser Kennung gibt es nicht."}},
    {"not_found", 404, "not_found", {"There is nothing here.", "Hier gibt es nichts."}},
    {"method_not_allowed", 405, "method_not_allowed",
        {"This address does not know this method.", "Diese Adresse kennt diese Methode nicht."}},
    {"not_configured", 409, "application_error",
        {"No SMTP settings are active yet.", "Es sind noch keine SMTP-Einstellungen aktiv."}},
    {"credential_fault", 409, "application_error",
        {"The provider refuses the login.", "Der Anbieter lehnt die Anmeldung ab."}},
    {"not_cancellable", 409, "application_error",
        {"This email can no longer be cancelled.",
            "Diese E-Mail lässt sich nicht mehr abbrechen."}},
    {"not_handed_over", 409, "application_error",
        {"This email can no longer be handed over.",
            "Diese E-Mail lässt sich nicht mehr von Hand weitergeben."}},
    {"already_member", 409, "application_error",
        {"This person already has an account.", "Diese Person hat bereits ein Konto."}},
    {"already_invited", 409, "application_error",
        {"This person is already invited.", "Diese Person ist bereits eingeladen."}},
    {"invitation_closed", 409, "application_error",
        {"This invitation was accepted or withdrawn.",
            "Diese Einladung wurde angenommen oder zurückgezogen."}},
    {"reset_closed", 409, "application_error",
        {"This request is done or replaced by a newer one.",
            "Diese Anfrage ist erledigt oder durch eine neuere ersetzt."}},
    {"not_retryable", 409, "application_error",
        {"There is nothing to try again here.", "Hier gibt es nichts erneut zu versuchen."}},
    {"body_erased", 409, "application_error",
        {"The content of this email is erased.", "Der Inhalt dieser E-Mail ist gelöscht."}},
    {"at_most_once", 409, "application_error",
        {"This email may be sent at most once, and may have arrived.",
            "Diese E-Mail darf höchstens einmal gesendet werden und ist vielleicht "
            "angekommen."}},
    {"past_expiry", 409, "application_error",
        {"The time that the application gave this email is over.",
            "Die Frist, die die Anwendung dieser E-Mail gab, ist abgelaufen."}},
    {"not_scheduled", 409, "application_error",
        {"This email is not scheduled any more.", "Diese E-Mail ist nicht mehr geplant."}},
    {"backup_running", 409, "application_error",
        {"A backup is being made already.", "Es wird gerade schon eine Sicherung angelegt."}},
    {"key_in_use", 409, "application_error",
        {"This key is still in use.", "Dieser Schlüssel wird noch gebraucht."}},
    {"key_is_credential", 409, "application_error",
        {"The key comes from systemd and is changed there.",
            "Der Schlüssel kommt von systemd und wird dort geändert."}},
    {"key_file_unusable", 409, "application_error",
        {"The key file cannot be changed as it is now.",
            "Die Schlüsseldatei lässt sich so, wie sie ist, nicht ändern."}},
    {"too_many_keys", 409, "application_error",
        {"There are too many keys.", "Es gibt schon zu viele Schlüssel."}},
    {"invalid_idempotent_request", 409, "invalid_idempotent_request",
        {"This idempotency key was used with another body.",
            "Dieser Idempotenzschlüssel wurde mit anderem Inhalt benutzt."}},
    {"same_password_refused", 409, "application_error",
        {"The server has already refused this password.",
            "Der Server hat dieses Passwort bereits abgelehnt."}},
    {"last_admin", 409, "application_error",
        {"This is the last administrator. Make somebody else one first.",
            "Das ist der letzte Administrator. Bitte ernennen Sie zuerst jemand anderen."}},
    {"address_taken", 409, "application_error",
        {"This e-mail address is already in use.", "Diese E-Mail-Adresse ist bereits vergeben."}},
    {"too_many_tokens", 409, "application_error",
        {"There are as many tokens as there may be.",
            "Es gibt schon so viele Tokens wie möglich."}},
    {"webhook_disabled", 409, "application_error",
        {"This webhook is switched off.", "Dieser Webhook ist abgeschaltet."}},
    {"too_many_webhooks", 409, "application_error",
        {"There are as many webhooks as there may be.",
            "Es gibt schon so viele Webhooks wie möglich."}},
    {"sign_in_not_offered", 409, "application_error",
        {"Nobody signs in with these settings.",
            "Mit diesen Einstellungen meldet sich niemand an."}},
    {"sign_in_outdated", 409, "application_error",
        {"The settings have changed since this sign-in began.",
            "Die Einstellungen haben sich seit Beginn dieser Anmeldung geändert."}},
    {"conflict", 409, "application_error",
        {"The state has changed meanwhile.", "Der Stand hat sich inzwischen geändert."}},
    {"precondition_failed", 412, "application_error",
        {"Somebody has changed this meanwhile. Please read it again.",
            "Jemand hat das inzwischen geändert. Bitte laden Sie es neu."}},
    {"body_too_large", 413, "validation_error",
        {"The body is too large.", "Der Inhalt ist zu groß."}},
    {"misdirected_request", 421, "application_error",
        {"This server does not answer under this name.",
            "Unter diesem Namen antwortet dieser Server nicht."}},
    {"invalid_fields", 422, "validation_error",
        {"Some fields are not right.", "Einige Angaben stimmen nicht."}},
    {"incomplete", 422, "missing_required_field",
        {"Required fields are missing.", "Es fehlen Pflichtangaben."}},
    {"required", 422, "missing_required_field",
        {"A required field is missing.", "Eine Pflichtangabe fehlt."}},
    {"password_required", 422, "validation_error",
        {"Please enter the password again: it belongs to the previous server and account.",
            "Bitte geben Sie das Passwort neu ein: Es gehört zum vorherigen Server und Konto."}},
    {"port_not_allowed", 422, "validation_error",
        {"This port is not allowed.", "Dieser Port ist nicht erlaubt."}},
    {"sign_in_refused", 422, "validation_error",
        {"The provider refuses this sign-in.", "Der Anbieter lehnt diese Anmeldung ab."}},
    {"no_refresh_token", 422, "validation_error",
        {"The provider gave no permission that lasts.",
            "Der Anbieter hat keine dauerhafte Erlaubnis erteilt."}},
    {"sender_not_allowed", 422, "validation_error",
        {"This sender address may not be used.",
            "Diese Absenderadresse darf nicht verwendet werden."}},
    {"precondition_required", 428, "application_error",
        {"If-Match is required here.", "Hier ist If-Match nötig."}},
    {"too_many_login_failures", 429, "rate_limit_exceeded",
        {"Too many refused logins for this account. Please wait.",
            "Zu viele abgelehnte Anmeldungen für dieses Konto. Bitte warten Sie."}},
    {"too_many_attempts", 429, "rate_limit_exceeded",
        {"Too many attempts. Please wait.", "Zu viele Versuche. Bitte warten Sie."}},
    {"token_quota_exceeded", 429, "rate_limit_exceeded",
        {"This token has handed over as much as it may at this moment.",
            "Mit diesem Token wurde vorerst so viel gesendet, wie es darf."}},
    {"too_many_link_mails", 429, "rate_limit_exceeded",
        {"Too many mails with a link within an hour.",
            "Zu viele E-Mails mit einem Link in einer Stunde."}},
    {"too_many_test_emails", 429, "rate_limit_exceeded",
        {"Too many test emails within an hour.", "Zu viele Testmails in einer Stunde."}},
    {"headers_too_large", 431, "validation_error",
        {"The header is too large.", "Der Kopf der Anfrage ist zu groß."}},
    {"internal_error", 500, "application_error",
        {"Something went wrong here.", "Hier ist etwas schiefgegangen."}},
    {"provider_unreachable", 502, "application_error",
        {"The provider's sign-in server does not answer.",
            "Der Anmeldeserver des Anbieters antwortet nicht."}},
    {"busy", 503, "application_error",
        {"Too much is going on at this moment. Please try again.",
            "Gerade ist zu viel los. Bitte versuchen Sie es erneut."}},
    {"storage_unavailable", 503, "application_error",
        {"The outbox cannot be written at this moment. Nothing was changed.",
            "Der Postausgang kann gerade nicht schreiben. Nichts wurde geändert."}},
    {"storage_low", 503, "application_error",
        {"The disk is nearly full, so no mail is taken at this moment.",
            "Der Speicherplatz ist fast voll, deshalb wird gerade keine E-Mail angenommen."}},
    {"too_many_streams", 503, "application_error",
        {"Too many pages are open.", "Es sind zu viele Seiten geöffnet."}},
    {"version_not_supported", 505, "validation_error",
        {"This server speaks HTTP/1.1.", "Dieser Server spricht HTTP/1.1."}},
};

/* How to go on, where the title leaves that open. */
static const struct {
    const char *code;
    const char *text[LANGUAGE_COUNT];
} advice[] = {
    {"invalid_token", {"Check that it was copied whole; it may also have expired or been revoked.",
                          "Bitte prüfen Sie, ob es vollständig kopiert ist; es kann auch "
                          "abgelaufen oder widerrufen sein."}},
    {"csrf", {"Please reload the page and try again.",
                 "Bitte laden Sie die Seite neu und versuchen Sie es noch einmal."}},
    {"forbidden", {"Sign in with an account that may, or use a token with the scope this needs.",
                      "Melden Sie sich mit einem berechtigten Konto an oder nehmen Sie ein Token "
                      "mit dem nötigen Recht."}},
    {"setup_token_invalid",
        {"Start Absender again: it prints a new link.",
            "Starten Sie Absender neu: Beim Start wird ein neuer Link ausgegeben."}},
    {"network_not_allowed",
        {"Use it from the networks that were set for it, or have them changed.",
            "Benutzen Sie es aus den Netzen, die dafür eingetragen sind, oder lassen Sie diese "
            "ändern."}},
    {"from_not_allowed_for_token",
        {"Use one of its addresses, or have them changed.",
            "Nehmen Sie eine seiner Adressen oder lassen Sie diese ändern."}},
    {"too_many_tokens", {"Revoke those that are not used any more.",
                            "Widerrufen Sie zuerst, was nicht mehr gebraucht wird."}},
    {"token_quota_exceeded",
        {"Retry-After says when there is room again; nothing was taken.",
            "Wann wieder Platz ist, steht in Retry-After; es wurde nichts angenommen."}},
    {"invitation_invalid",
        {"It was used, withdrawn, replaced by a newer one, or is too old. Ask whoever invited you "
         "for a new one; if you have joined already, sign in.",
            "Er wurde benutzt, zurückgezogen, durch einen neueren ersetzt oder ist zu alt. Bitten "
            "Sie um eine neue Einladung; sind Sie schon dabei, melden Sie sich an."}},
    {"reset_invalid", {"It was used, replaced by a newer one, or is too old. Please ask for a new "
                       "one on the sign-in page.",
                          "Er wurde benutzt, durch einen neueren ersetzt oder ist zu alt. Bitte "
                          "fordern Sie auf der Anmeldeseite einen neuen an."}},
    {"own_reset", {"Change your password on your account page, or ask another admin.",
                      "Ändern Sie Ihr Passwort unter „Ihr Konto“, oder bitten Sie einen anderen "
                      "Admin darum."}},
    {"not_found", {"Check the address; what was here may also have been deleted.",
                      "Bitte prüfen Sie die Adresse; der Eintrag kann auch gelöscht worden sein."}},
    {"not_configured",
        {"Enter the settings and test them; when the test passes they become active.",
            "Bitte geben Sie die Einstellungen ein und prüfen Sie sie; nach bestandener Prüfung "
            "sind sie aktiv."}},
    {"credential_fault",
        {"Nothing is sent until settings with the right password have passed a test.",
            "Es wird nichts gesendet, bis Einstellungen mit dem richtigen Passwort eine Prüfung "
            "bestanden haben."}},
    {"not_cancellable", {"It is being sent at this moment, or has already reached its end.",
                            "Sie wird gerade gesendet oder ist bereits abgeschlossen."}},
    {"not_handed_over", {"It is being sent at this moment, or has already reached its end.",
                            "Sie wird gerade gesendet oder ist bereits abgeschlossen."}},
    {"already_member", {"Sign in with it; whoever forgot the password asks for a new one there.",
                           "Melden Sie sich damit an; wer das Passwort vergessen hat, fordert dort "
                           "ein neues an."}},
    {"already_invited", {"Send it again, copy its link, or withdraw it first.",
                            "Senden Sie die Einladung erneut, kopieren Sie ihren Link, oder ziehen "
                            "Sie sie zuerst zurück."}},
    {"invitation_closed", {"Invite the person anew, if that is what you want.",
                              "Laden Sie die Person bei Bedarf neu ein."}},
    {"reset_closed", {"Start a new one at the member, if it is still wanted.",
                         "Starten Sie bei Bedarf beim Mitglied einen neuen."}},
    {"not_retryable",
        {"Only what was put off, refused, expired or left uncertain can be tried again.",
            "Erneut versuchen lässt sich nur, was aufgeschoben, abgelehnt, abgelaufen oder "
            "ungewiss "
            "ist."}},
    {"body_erased",
        {"Send a new one from the application.", "Bitte lösen Sie sie in der Anwendung neu aus."}},
    {"at_most_once",
        {"Ask the recipient; if it did not arrive, send a new one from the application.",
            "Bitte fragen Sie beim Empfänger nach; kam sie nicht an, lösen Sie sie in "
            "der Anwendung neu aus."}},
    {"past_expiry",
        {"Send a new one from the application.", "Bitte lösen Sie sie in der Anwendung neu aus."}},
    {"not_scheduled", {"It is being sent, or has already reached its end.",
                          "Sie wird gesendet oder ist bereits abgeschlossen."}},
    {"invalid_idempotent_request",
        {"Use a new key for a new email, or repeat the first request unchanged.",
            "Nehmen Sie für eine neue E-Mail einen neuen Schlüssel oder wiederholen Sie die erste "
            "Anfrage unverändert."}},
    {"same_password_refused",
        {"Trying it again could lock the account. Please enter another password.",
            "Ein weiterer Versuch könnte das Konto sperren. Bitte geben Sie ein anderes Passwort "
            "ein."}},
    {"webhook_disabled", {"Switch it on first.", "Schalten Sie ihn zuerst ein."}},
    {"too_many_webhooks", {"Remove those that are not used any more.",
                              "Entfernen Sie zuerst, was nicht mehr gebraucht wird."}},
    {"sign_in_unknown",
        {"Please begin it again on the settings page, in the same browser.",
            "Bitte beginnen Sie sie auf der Einstellungsseite neu, im selben Browser."}},
    {"sign_in_not_offered",
        {"Choose signing in (refresh_token) as the way, and a provider that offers it.",
            "Wählen Sie die Anmeldung (refresh_token) als Weg und einen Anbieter, der sie "
            "anbietet."}},
    {"sign_in_outdated", {"Please begin it again.", "Bitte beginnen Sie sie neu."}},
    {"no_refresh_token",
        {"Allow access while nobody is signed in (offline_access), then sign in again.",
            "Erlauben Sie den Zugriff auch ohne angemeldete Person (offline_access), und melden "
            "Sie sich dann neu an."}},
    {"provider_unreachable", {"Please try again in a few minutes.",
                                 "Bitte versuchen Sie es in ein paar Minuten erneut."}},
    {"key_unknown", {"\"absender key status\" shows all of them.",
                        "„absender key status“ zeigt alle, die es gibt."}},
    {"conflict", {"Please load it again and repeat your change.",
                     "Bitte laden Sie neu und wiederholen Sie Ihre Änderung."}},
    {"precondition_failed",
        {"Look at what is different, then repeat your change with the new ETag.",
            "Sehen Sie nach, was anders ist, und wiederholen Sie Ihre Änderung mit dem neuen "
            "ETag."}},
    {"body_too_large",
        {"Send less at once, for example fewer or smaller attachments.",
            "Bitte senden Sie weniger auf einmal, z. B. weniger oder kleinere Anhänge."}},
    {"precondition_required", {"Send If-Match with the ETag of the last GET /v1/smtp, or with * to "
                               "overwrite in any case.",
                                  "Senden Sie If-Match mit dem ETag des letzten GET /v1/smtp, oder "
                                  "mit *, um in jedem Fall zu überschreiben."}},
    {"too_many_login_failures",
        {"More of them could make the provider lock it; check the password meanwhile.",
            "Weitere könnten zur Sperre beim Anbieter führen; prüfen Sie inzwischen das "
            "Passwort."}},
    {"too_many_link_mails",
        {"Nobody should be flooded with them. Copy the link instead, or wait as long as "
         "Retry-After says.",
            "Niemand soll damit überschüttet werden. Kopieren Sie stattdessen den Link, oder "
            "warten "
            "Sie so lange, wie Retry-After angibt."}},
    {"too_many_test_emails",
        {"Ten an hour are allowed. Please wait as long as Retry-After says.",
            "Erlaubt sind zehn in der Stunde. Bitte warten Sie so lange, wie Retry-After angibt."}},
    {"headers_too_large",
        {"Send fewer or shorter headers; in a browser, deleting this site's cookies helps.",
            "Bitte senden Sie weniger oder kürzere Kopfzeilen; im Browser hilft es, die Cookies "
            "dieser Seite zu löschen."}},
    {"internal_error", {"Please try again. If it stays, the operator finds the cause in the log "
                        "under this request id.",
                           "Bitte versuchen Sie es erneut. Bleibt der Fehler, findet der Betreiber "
                           "die Ursache unter dieser request_id im Log."}},
    {"storage_unavailable",
        {"Please try again; if it stays, the operator should look at disk space and the log.",
            "Bitte versuchen Sie es erneut; bleibt der Fehler, sollte der Betreiber Speicherplatz "
            "und Log prüfen."}},
    {"too_many_streams",
        {"Please close one of the pages.", "Bitte schließen Sie eine der Seiten."}},
};

static const ProblemRow *row_of(const char *code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i].code, code) == 0)
            return &rows[i];
    }
    return NULL;
}

int problem_status(const char *code)
{
    const ProblemRow *row = row_of(code);
    return row ? row->status : 422;
}

const char *problem_code_of_faults(const JsonFaults *faults)
{
    const JsonFault *first = faults->list->pdata[0];
    return faults->list->len == 1 ? first->code : "invalid_fields";
}

static json_t *faults_json(const JsonFaults *faults, Language language)
{
    json_t *list = json_array();
    for (guint i = 0; i < faults->list->len; i++) {
        const JsonFault *fault = faults->list->pdata[i];
        g_autofree char *detail = fault_text(fault->code, fault->detail, language);
        json_t *entry = json_object();
        json_object_set_new(entry, "pointer", json_text(fault->pointer));
        json_object_set_new(entry, "code", json_text(fault->code));
        json_object_set_new(entry, "detail", json_text(detail));
        json_array_append_new(list, entry);
    }
    return list;
}

static const char *advice_of(const char *code, Language language)
{
    for (gsize i = 0; i < G_N_ELEMENTS(advice); i++) {
        if (strcmp(advice[i].code, code) == 0)
            return advice[i].text[language];
    }
    return NULL;
}

/* What a person reads: the sentence of the route, or that of the only fault, or the title with
 * the code's advice. The caller frees. */
static char *detail_of(const Problem *problem, const char *title, Language language)
{
    if (problem->detail)
        return fault_text(problem->code, problem->detail, language);
    const JsonFault *only =
        problem->faults && problem->faults->list->len == 1 ? problem->faults->list->pdata[0] : NULL;
    if (only && strcmp(only->code, problem->code) == 0)
        return fault_text(only->code, only->detail, language);
    const char *text = advice_of(problem->code, language);
    return text ? g_strconcat(title, " ", text, NULL) : g_strdup(title);
}

HttpAnswer *problem_answer(const ProblemForm *form, const Problem *problem)
{
    const ProblemRow *row = row_of(problem->code);
    if (!row) /* the code of a single fault that has no row of its own */
        row = row_of("invalid_fields");
    const char *title = row->title[form->language];
    g_autofree char *detail = detail_of(problem, title, form->language);
    json_t *body = json_object();
    g_autofree char *type = g_strconcat("urn:absender:problem:", problem->code, NULL);
    g_autofree char *instance = g_strconcat("urn:absender:request:", form->request_id, NULL);
    json_object_set_new(body, "type", json_text(type));
    json_object_set_new(body, "title", json_text(title));
    json_object_set_new(body, "status", json_integer(row->status));
    json_object_set_new(body, "detail", json_text(detail));
    json_object_set_new(body, "instance", json_text(instance));
    json_object_set_new(body, "code", json_text(problem->code));
    json_object_set_new(body, "request_id", json_text(form->request_id));
    if (problem->faults)
        json_object_set_new(body, "errors", faults_json(problem->faults, form->language));
    if (problem->diagnosis)
        json_object_set_new(body, "diagnosis", problem->diagnosis);
    if (form->is_resend_form) {
        json_object_set_new(body, "statusCode", json_integer(row->status));
        json_object_set_new(body, "message", json_text(detail));
        json_object_set_new(body, "name", json_text(row->resend_name));
    }
    HttpAnswer *answer = http_answer_new_text(row->status,
        form->is_resend_form ? "application/json" : "application/problem+json", json_write(body));
    if (problem->retry_after_s) {
        g_autofree char *seconds = g_strdup_printf("%u", problem->retry_after_s);
        http_answer_set_header(answer, "Retry-After", seconds);
    }
    return answer;
}
