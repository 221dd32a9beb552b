/* What a person reads about an invitation or a password reset: how the link travels, and what to do
 * when it does not. In both languages; static. */
#pragma once

#include "api/link_mail.h"
#include "api/words/language.h"
#include "store/invitations.h"
#include "store/resets.h"

/* A role as a person calls it: "Mitglied". */
const char *link_text_role(PeopleRole role, Language language);

/* How an invitation's link reaches the person: "queued", "held", "not_configured", "sent",
 * "failed", "copied". */
const char *link_text_delivery(const Invitation *invitation, const LinkMail *mail);
const char *link_text_invitation(
    const Invitation *invitation, const LinkMail *mail, WallMs now, Language language);

/* The state a person sees: what was mailed and did not get out is to be handed over, and what is
 * too late is over. */
ResetState link_text_reset_state(const Reset *reset, const LinkMail *mail, WallMs now);
const char *link_text_reset(
    const Reset *reset, const LinkMail *mail, WallMs now, Language language);
