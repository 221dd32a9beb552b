/* Mails that this server writes itself: an organisation's own text of that name if there is one,
 * else ours (data/templates/), in the organisation's name and colour, composed with the active
 * sender. Nothing is inserted here: the caller does it, in the job of the deed that the mail is
 * about. */
#pragma once

#include "api/call.h"
#include "api/words/system_mail_text.h"
#include "outbox/email.h"
#include "store/emails.h"
#include "store/smtp_settings.h"
#include "template/template.h"

typedef struct {
    const char *template; /* "invitation": a name of data/templates/ */
    EmailClass class;
    const char *to, *to_name; /* to_name may be NULL */
    Language language;
    WallMs expires_at; /* 0: none */
    gint64 org_id;
    gint64 member_row; /* who caused it; 0: nobody */
} SystemMail;

/* values: name, value, …, NULL; a NULL value is empty. Every mail also has org_name, colour,
 * colour_text, public_url and year. Headers: Message-ID, Date, Auto-Submitted (RFC 3834 5), for
 * class notification List-Unsubscribe (RFC 2369 3.2). state->active must not be NULL. A text of the
 * organisation's own that cannot be filled gives way to ours, with a warning in the log.
 * ABS_ERROR_INPUT: the address or a value is not acceptable; ABS_ERROR_STORE. Any thread. */
EmailNew *system_mail_write(struct api *api, Db *reader, const SystemMail *mail,
    const char *const *values, const SmtpState *state, GError **error);

/* What mails call the organisation: its own name, else the sender name of the active settings, else
 * the sender's domain, else the host of the public URL. state may be NULL. The caller frees. */
char *system_mail_org_name(
    const struct api *api, Db *reader, gint64 org_id, const SmtpState *state);

/* The organisation's language; without one, fallback. */
Language system_mail_language(Db *reader, gint64 org_id, Language fallback);

/* What every mail has, for the names that have no value yet. */
gboolean system_mail_add_common(const struct api *api, Db *reader, gint64 org_id,
    const SmtpState *state, TemplateValues *values, GError **error);
