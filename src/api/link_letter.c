#include "api/link_letter.h"

#include "api/state.h"
#include "api/system_mail.h"
#include "api/words/link_text.h"

#include "base/limits.h"
#include "store/space.h"

gboolean link_letter_is_possible(struct api *api, const SmtpState *state)
{
    StoreSpace space;
    store_space(api->store, &space);
    return state->active && !space.is_low;
}

/* The first of the two that is given; else the organisation's. */
static Language choose_language(Db *reader, gint64 org_id, const char *first, const char *second)
{
    Language language;
    if ((first && language_parse(first, &language)) ||
        (second && language_parse(second, &language)))
        return language;
    return system_mail_language(reader, org_id, LANGUAGE_EN);
}

EmailNew *link_letter_invitation(struct api *api, Db *reader, const Invitation *invitation,
    const char *inviter, const Link *link, const SmtpState *state, GError **error)
{
    const SystemMail mail = {.template = "invitation",
        .class = EMAIL_CLASS_INVITATION,
        .to = invitation->email,
        .language = choose_language(reader, invitation->org_id, invitation->language, NULL),
        .expires_at = invitation->expires_at,
        .org_id = invitation->org_id};
    g_autofree char *expires = system_mail_time(invitation->expires_at, mail.language);
    const char *const values[] = {"link", secret_reveal(link->url, NULL), "inviter", inviter,
        "role", link_text_role(invitation->role, mail.language), "expires", expires, NULL};
    return system_mail_write(api, reader, &mail, values, state, error);
}

EmailNew *link_letter_reset(struct api *api, Db *reader, const Reset *reset, const Member *member,
    const Link *link, const SmtpState *state, GError **error)
{
    const SystemMail mail = {.template = "password_reset",
        .class = EMAIL_CLASS_RESET,
        .to = member->email,
        .to_name = member->name,
        .language = choose_language(reader, member->org_id, member->language, reset->language),
        .expires_at = clock_wall_ms() + LIMIT_RESET_MS,
        .org_id = member->org_id};
    g_autofree char *expires = system_mail_time(mail.expires_at, mail.language);
    const char *const values[] = {"link", secret_reveal(link->url, NULL), "expires", expires,
        "asked_from", reset->asked_from, NULL};
    return system_mail_write(api, reader, &mail, values, state, error);
}
