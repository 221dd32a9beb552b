#include "api/words/link_text.h"

#include "base/limits.h"

typedef struct {
    const char *de, *en;
} Sentence;

static const char *say(Sentence sentence, Language language)
{
    return language_pick(language, sentence.de, sentence.en);
}

const char *link_text_role(PeopleRole role, Language language)
{
    switch (role) {
    case PEOPLE_ROLE_MEMBER:
        return say((Sentence){"Mitglied", "Member"}, language);
    case PEOPLE_ROLE_ORG_ADMIN:
        return say((Sentence){"Administrator", "Administrator"}, language);
    }
    g_assert_not_reached();
}

/* --- Invitations ----------------------------------------------------------------------------- */

const char *link_text_delivery(const Invitation *invitation, const LinkMail *mail)
{
    if (invitation->copied_at > 0)
        return "copied";
    switch (mail->fate) {
    case LINK_MAIL_NONE:
        return mail->gate == EMAIL_GATE_NOT_CONFIGURED ? "not_configured" : "failed";
    case LINK_MAIL_QUEUED:
        return "queued";
    case LINK_MAIL_DEFERRED:
        return "deferred";
    case LINK_MAIL_HELD:
        return "held";
    case LINK_MAIL_SENT:
    case LINK_MAIL_FORGOTTEN:
        return "sent";
    case LINK_MAIL_FAILED:
    case LINK_MAIL_ENDED:
        return "failed";
    }
    g_assert_not_reached();
}

static Sentence why_invitation_is_held(EmailGate gate)
{
    if (gate == EMAIL_GATE_PAUSED)
        return (Sentence){
            "Der Versand ist pausiert, die E-Mail wartet. Mit dem kopierten Link geht "
            "es sofort.",
            "Sending is paused, so the mail waits. Copy the link to invite at once."};
    if (gate == EMAIL_GATE_QUOTA)
        return (Sentence){"Das Kontingent ist gerade aufgebraucht; die E-Mail geht von selbst "
                          "hinaus, sobald wieder Platz ist.",
            "The quota is used up at the moment; the mail goes out by itself when there is room."};
    if (gate == EMAIL_GATE_CREDENTIAL_FAULT)
        return (Sentence){"Der Anbieter lehnt die Anmeldung ab, die E-Mail wartet. Mit dem "
                          "kopierten Link geht es sofort.",
            "The provider refuses the login, so the mail waits. Copy the link to invite at once."};
    return (Sentence){"Gerade ist kein Versand eingerichtet, die E-Mail wartet. Mit dem kopierten "
                      "Link geht es sofort.",
        "No sending is set up at the moment, so the mail waits. Copy the link to invite at once."};
}

static Sentence delivery_of(const LinkMail *mail)
{
    switch (mail->fate) {
    case LINK_MAIL_NONE:
        if (mail->gate != EMAIL_GATE_NOT_CONFIGURED)
            return (Sentence){
                "Es ging keine E-Mail hinaus. Senden Sie die Einladung später erneut, "
                "oder kopieren Sie den Link und geben Sie ihn selbst weiter.",
                "No mail went out. Send the invitation again later, or copy the link and pass it "
                "on yourself."};
        return (Sentence){"Es ging keine E-Mail hinaus, weil der Versand noch nicht eingerichtet "
                          "ist. Kopieren Sie den Link und geben Sie ihn selbst weiter.",
            "No mail went out, because sending is not set up yet. Copy the link and pass it on "
            "yourself."};
    case LINK_MAIL_QUEUED:
        return (Sentence){"Die E-Mail ist unterwegs.", "The mail is on its way."};
    case LINK_MAIL_DEFERRED:
        return (Sentence){"Die E-Mail ist noch nicht hinausgegangen; Absender versucht es weiter. "
                          "Mit dem kopierten Link geht es sofort.",
            "The mail has not gone out yet; Absender keeps trying. Copy the link to invite at "
            "once."};
    case LINK_MAIL_HELD:
        return why_invitation_is_held(mail->gate);
    case LINK_MAIL_SENT:
        return (Sentence){
            "Der Anbieter hat die E-Mail angenommen.", "The provider has taken the mail."};
    case LINK_MAIL_FAILED:
        return (Sentence){
            "Die E-Mail ließ sich nicht senden. Prüfen Sie die Adresse, oder kopieren "
            "Sie den Link und geben Sie ihn selbst weiter.",
            "The mail could not be sent. Check the address, or copy the link and pass it on "
            "yourself."};
    case LINK_MAIL_ENDED:
        return (Sentence){"Die E-Mail wurde abgebrochen. Senden Sie sie erneut, oder kopieren Sie "
                          "den Link und geben Sie ihn selbst weiter.",
            "The mail was cancelled. Send it again, or copy the link and pass it on yourself."};
    case LINK_MAIL_FORGOTTEN:
        return (Sentence){"Über die E-Mail ist nichts mehr aufgezeichnet.",
            "The record of the mail is no longer kept."};
    }
    g_assert_not_reached();
}

const char *link_text_invitation(
    const Invitation *invitation, const LinkMail *mail, WallMs now, Language language)
{
    switch (invitation_state(invitation, now)) {
    case INVITATION_ACCEPTED:
        return say((Sentence){"Die Einladung wurde angenommen.", "The invitation was accepted."},
            language);
    case INVITATION_REVOKED:
        return say((Sentence){"Zurückgezogen: Der Link gilt nicht mehr.",
                       "Withdrawn: the link no longer works."},
            language);
    case INVITATION_EXPIRED:
        return say((Sentence){"Abgelaufen. Senden Sie die Einladung erneut, dann gilt ein neuer "
                              "Link.",
                       "Expired. Send the invitation again for a fresh link."},
            language);
    case INVITATION_OPEN:
        break;
    }
    if (invitation->copied_at > 0)
        return say((Sentence){"Der Link wurde kopiert. Es gilt immer nur der zuletzt erzeugte.",
                       "The link was copied. Only the one made last works."},
            language);
    return say(delivery_of(mail), language);
}

/* --- Password resets ------------------------------------------------------------------------- */

/* Of one that was mailed. */
static ResetState mailed_state(const Reset *reset, const LinkMail *mail, WallMs now)
{
    switch (mail->fate) {
    case LINK_MAIL_QUEUED:
    case LINK_MAIL_SENT:
    case LINK_MAIL_FORGOTTEN:
        return reset->expires_at <= now ? RESET_OVER : RESET_MAILED;
    case LINK_MAIL_NONE:
    case LINK_MAIL_DEFERRED:
    case LINK_MAIL_HELD:
    case LINK_MAIL_FAILED:
    case LINK_MAIL_ENDED:
        return RESET_TO_HAND_OVER;
    }
    g_assert_not_reached();
}

ResetState link_text_reset_state(const Reset *reset, const LinkMail *mail, WallMs now)
{
    ResetState state = reset->state == RESET_MAILED ? mailed_state(reset, mail, now) : reset->state;
    if (state == RESET_TO_HAND_OVER && reset->asked_at + LIMIT_RESET_HAND_OVER_MS <= now)
        return RESET_OVER;
    if (state == RESET_HANDED_OVER && reset->expires_at <= now)
        return RESET_OVER;
    return state;
}

static Sentence why_reset_waits(const LinkMail *mail)
{
    if (mail->fate == LINK_MAIL_NONE)
        return (Sentence){"Es ging keine E-Mail hinaus, weil der Versand nicht eingerichtet ist. "
                          "Vergewissern Sie sich, dass die Person selbst darum gebeten hat, und "
                          "geben Sie ihr den Link.",
            "No mail went out, because sending is not set up. Make sure that this person has asked "
            "for it, then pass the link on."};
    if (mail->fate == LINK_MAIL_HELD)
        return (Sentence){"Die E-Mail wartet, weil gerade nichts gesendet wird. Vergewissern Sie "
                          "sich, dass die Person selbst darum gebeten hat, und geben Sie ihr den "
                          "Link.",
            "The mail waits, because nothing is being sent at the moment. Make sure that this "
            "person has asked for it, then pass the link on."};
    if (mail->fate == LINK_MAIL_DEFERRED)
        return (Sentence){"Die E-Mail ist noch nicht hinausgegangen; Absender versucht es weiter. "
                          "Vergewissern Sie sich, dass die Person selbst darum gebeten hat, und "
                          "geben Sie ihr den Link.",
            "The mail has not gone out yet; Absender keeps trying. Make sure that this person has "
            "asked for it, then pass the link on."};
    return (Sentence){"Die E-Mail kam nicht rechtzeitig hinaus. Vergewissern Sie sich, dass die "
                      "Person noch darauf wartet, und geben Sie ihr den Link.",
        "The mail did not get out in time. Make sure that this person still waits for it, then "
        "pass the link on."};
}

static Sentence reset_sentence(const Reset *reset, const LinkMail *mail, WallMs now)
{
    switch (link_text_reset_state(reset, mail, now)) {
    case RESET_ASKED:
        return (Sentence){"Die Anfrage wird gerade bearbeitet.", "The request is being looked at."};
    case RESET_MAILED:
        if (mail->fate == LINK_MAIL_QUEUED)
            return (Sentence){
                "Der Link ist per E-Mail unterwegs.", "The link is on its way by mail."};
        return (Sentence){"Der Link wurde per E-Mail gesendet und gilt eine Stunde lang.",
            "The link was sent by mail and works for an hour."};
    case RESET_TO_HAND_OVER:
        return why_reset_waits(mail);
    case RESET_HANDED_OVER:
        return (Sentence){
            "Der Link wurde kopiert und gilt eine Stunde lang. Es gilt immer nur der zuletzt "
            "erzeugte.",
            "The link was copied and works for an hour. Only the one made last works."};
    case RESET_USED:
        return (Sentence){"Das neue Passwort ist gesetzt.", "The new password is set."};
    case RESET_OVER:
        return (Sentence){"Erledigt, durch eine neuere Anfrage ersetzt oder abgelaufen.",
            "Dismissed, replaced by a newer request, or too late."};
    }
    g_assert_not_reached();
}

const char *link_text_reset(const Reset *reset, const LinkMail *mail, WallMs now, Language language)
{
    return say(reset_sentence(reset, mail, now), language);
}
