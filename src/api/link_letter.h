/* The mails that carry a link: written in the recipient's language, from the organisation's sender,
 * in a class whose content nobody can read and that is erased at its end. */
#pragma once

#include "api/link_mail.h"
#include "store/emails.h"
#include "store/invitations.h"
#include "store/people.h"
#include "store/resets.h"

/* FALSE: no mail can be made. Sending is not set up, or the disk is so full that room is kept for
 * the mail that was taken before. */
gboolean link_letter_is_possible(struct api *api, const SmtpState *state);

/* inviter: how a person calls whoever invites. It expires with the invitation. */
EmailNew *link_letter_invitation(struct api *api, Db *reader, const Invitation *invitation,
    const char *inviter, const Link *link, const SmtpState *state, GError **error);

/* It expires LIMIT_RESET_MS after now. */
EmailNew *link_letter_reset(struct api *api, Db *reader, const Reset *reset, const Member *member,
    const Link *link, const SmtpState *state, GError **error);
