/* Links that let somebody in: to accept an invitation, to set a new password. How they are made and
 * read, what became of the mail that carries one, and how often such mail may be asked for (threat
 * T37). A link's token stands behind the #: no browser sends that to a server or in a Referer. */
#pragma once

#include "api/call.h"
#include "store/smtp_settings.h"

/* --- The link -------------------------------------------------------------------------------- */

typedef struct {
    Secret *url; /* holds the token */
    guint8 token_hash[PEOPLE_HASH_BYTES];
} Link;

/* "https://…/#/reset/TOKEN" with a fresh token; page: "reset". From the public URL alone, never
 * from a header of the request (threat T35). */
void link_make(Link *link, struct api *api, const char *page);
void link_clear(Link *link);

/* The member "token" of a body. FALSE with a fault noted if it is absent or no text. null, "" and
 * whatever no token of ours looks like have *is_possible FALSE: nothing need be looked up. */
gboolean link_token_take(
    JsonObject *object, guint8 token_hash[PEOPLE_HASH_BYTES], gboolean *is_possible);

/* Before a token that a stranger sent is looked up: NULL, or 429 for whoever tried too many. A try
 * counts as failed until link_guess_was_right. */
HttpAnswer *link_guess(ApiCall *call);
void link_guess_was_right(ApiCall *call);

/* --- Its mail -------------------------------------------------------------------------------- */

typedef enum {
    LINK_MAIL_NONE = 1, /* none was made */
    LINK_MAIL_QUEUED,
    LINK_MAIL_DEFERRED,  /* tried, and not taken yet */
    LINK_MAIL_HELD,      /* by the gate */
    LINK_MAIL_SENT,      /* or perhaps sent */
    LINK_MAIL_FAILED,    /* refused by the provider, or its time was over */
    LINK_MAIL_ENDED,     /* its link was replaced before it went out */
    LINK_MAIL_FORGOTTEN, /* the outbox keeps no record of it any more */
} LinkMailFate;

typedef struct {
    LinkMailFate fate;
    EmailGate gate; /* what holds it */
} LinkMail;

/* The gate that such mails stand before. */
EmailGate link_mail_gate(Db *db, gint64 org_id, GError **error);

/* email_id NULL: none was made. */
gboolean link_mail_read(
    Db *db, gint64 org_id, const Id *email_id, EmailGate gate, LinkMail *mail, GError **error);

/* --- How often ------------------------------------------------------------------------------- */

/* Each counts one more and says 0, or how long to wait. Addresses are in small letters. Strangers'
 * asks and admins' invitations share nothing, or the ones could keep the others from their work. */

/* A stranger asks for a reset of this address, whether there is such an account or not. */
MonoMs link_mail_take_ask(struct api *api, const char *address, const char *client);

/* A reset of an account that there is; the first counts nothing. */
MonoMs link_mail_wait_reset(struct api *api, gint64 org_id);
MonoMs link_mail_take_reset(struct api *api, gint64 org_id);

/* An admin invites; not limited by where he sits. */
MonoMs link_mail_take_invitation(struct api *api, gint64 org_id, const char *address);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Link, link_clear)
