/* What people read about links, for every way a link can travel. */
#include "api/words/link_text.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW G_GINT64_CONSTANT(1795283520123)
#define SOON (NOW + CLOCK_MINUTE_MS)
#define PAST (NOW - CLOCK_MINUTE_MS)

/* Both languages say something, and not the same. */
static void check_texts(const char *name, const char *german, const char *english, const char *part)
{
    if (!german || !english || strcmp(german, english) == 0 || !strstr(english, part))
        fail_msg("%s: \"%s\", \"%s\"", name, german, english);
}

static void an_invitation_says_how_its_link_travels(void **state)
{
    static const struct {
        const char *name;
        Invitation invitation;
        LinkMail mail;
        const char *delivery, *part;
    } rows[] = {
        {"no settings", {.expires_at = SOON}, {LINK_MAIL_NONE, EMAIL_GATE_NOT_CONFIGURED},
            "not_configured", "pass it on yourself"},
        {"too many at once", {.expires_at = SOON}, {LINK_MAIL_NONE, EMAIL_GATE_OPEN}, "failed",
            "again later"},
        {"on its way", {.expires_at = SOON}, {LINK_MAIL_QUEUED, EMAIL_GATE_OPEN}, "queued",
            "on its way"},
        {"tried in vain", {.expires_at = SOON}, {LINK_MAIL_DEFERRED, EMAIL_GATE_OPEN}, "deferred",
            "not gone out yet"},
        {"paused", {.expires_at = SOON}, {LINK_MAIL_HELD, EMAIL_GATE_PAUSED}, "held", "paused"},
        {"quota", {.expires_at = SOON}, {LINK_MAIL_HELD, EMAIL_GATE_QUOTA}, "held", "quota"},
        {"login refused", {.expires_at = SOON}, {LINK_MAIL_HELD, EMAIL_GATE_CREDENTIAL_FAULT},
            "held", "refuses the login"},
        {"settings gone", {.expires_at = SOON}, {LINK_MAIL_HELD, EMAIL_GATE_NOT_CONFIGURED}, "held",
            "No sending is set up"},
        {"taken", {.expires_at = SOON}, {LINK_MAIL_SENT, EMAIL_GATE_OPEN}, "sent",
            "taken the mail"},
        {"refused", {.expires_at = SOON}, {LINK_MAIL_FAILED, EMAIL_GATE_OPEN}, "failed",
            "could not be sent"},
        {"cancelled", {.expires_at = SOON}, {LINK_MAIL_ENDED, EMAIL_GATE_OPEN}, "failed",
            "was cancelled"},
        {"forgotten", {.expires_at = SOON}, {LINK_MAIL_FORGOTTEN, EMAIL_GATE_OPEN}, "sent",
            "no longer kept"},
        {"copied", {.expires_at = SOON, .copied_at = PAST}, {LINK_MAIL_ENDED, EMAIL_GATE_OPEN},
            "copied", "was copied"},
        {"accepted", {.expires_at = SOON, .accepted_at = PAST}, {LINK_MAIL_NONE, EMAIL_GATE_OPEN},
            "failed", "accepted"},
        {"revoked", {.expires_at = SOON, .revoked_at = PAST}, {LINK_MAIL_SENT, EMAIL_GATE_OPEN},
            "sent", "Withdrawn"},
        {"too late", {.expires_at = NOW}, {LINK_MAIL_SENT, EMAIL_GATE_OPEN}, "sent", "Expired"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Invitation *invitation = &rows[i].invitation;
        const LinkMail *mail = &rows[i].mail;
        check_texts(rows[i].name, link_text_invitation(invitation, mail, NOW, LANGUAGE_DE),
            link_text_invitation(invitation, mail, NOW, LANGUAGE_EN), rows[i].part);
        assert_string_equal(link_text_delivery(invitation, mail), rows[i].delivery);
    }
}

static void a_reset_that_did_not_get_out_is_to_be_handed_over(void **state)
{
    static const struct {
        const char *name;
        Reset reset;
        LinkMailFate fate;
        ResetState expected;
        const char *part;
    } rows[] = {
        {"asked", {.state = RESET_ASKED, .asked_at = NOW}, LINK_MAIL_NONE, RESET_ASKED,
            "being looked at"},
        {"on its way", {.state = RESET_MAILED, .asked_at = PAST, .expires_at = SOON},
            LINK_MAIL_QUEUED, RESET_MAILED, "on its way"},
        {"tried in vain", {.state = RESET_MAILED, .asked_at = PAST, .expires_at = SOON},
            LINK_MAIL_DEFERRED, RESET_TO_HAND_OVER, "not gone out yet"},
        {"taken", {.state = RESET_MAILED, .asked_at = PAST, .expires_at = SOON}, LINK_MAIL_SENT,
            RESET_MAILED, "sent by mail"},
        {"taken, and too late", {.state = RESET_MAILED, .asked_at = PAST, .expires_at = NOW},
            LINK_MAIL_SENT, RESET_OVER, "too late"},
        {"held", {.state = RESET_MAILED, .asked_at = PAST, .expires_at = SOON}, LINK_MAIL_HELD,
            RESET_TO_HAND_OVER, "mail waits"},
        {"held until too late", {.state = RESET_MAILED, .asked_at = PAST, .expires_at = PAST},
            LINK_MAIL_FAILED, RESET_TO_HAND_OVER, "did not get out"},
        {"no mail", {.state = RESET_TO_HAND_OVER, .asked_at = PAST}, LINK_MAIL_NONE,
            RESET_TO_HAND_OVER, "not set up"},
        {"no mail for a week",
            {.state = RESET_TO_HAND_OVER, .asked_at = NOW - LIMIT_RESET_HAND_OVER_MS},
            LINK_MAIL_NONE, RESET_OVER, "too late"},
        {"handed over", {.state = RESET_HANDED_OVER, .asked_at = PAST, .expires_at = SOON},
            LINK_MAIL_NONE, RESET_HANDED_OVER, "was copied"},
        {"handed over, and too late",
            {.state = RESET_HANDED_OVER, .asked_at = PAST, .expires_at = NOW}, LINK_MAIL_NONE,
            RESET_OVER, "too late"},
        {"used", {.state = RESET_USED, .asked_at = PAST, .expires_at = PAST}, LINK_MAIL_SENT,
            RESET_USED, "is set"},
        {"over", {.state = RESET_OVER, .asked_at = PAST}, LINK_MAIL_NONE, RESET_OVER, "Dismissed"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Reset *reset = &rows[i].reset;
        const LinkMail mail = {.fate = rows[i].fate, .gate = EMAIL_GATE_OPEN};
        if (link_text_reset_state(reset, &mail, NOW) != rows[i].expected)
            fail_msg(
                "%s: %s", rows[i].name, reset_state_name(link_text_reset_state(reset, &mail, NOW)));
        check_texts(rows[i].name, link_text_reset(reset, &mail, NOW, LANGUAGE_DE),
            link_text_reset(reset, &mail, NOW, LANGUAGE_EN), rows[i].part);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invitation_says_how_its_link_travels),
        cmocka_unit_test(a_reset_that_did_not_get_out_is_to_be_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
