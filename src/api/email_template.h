/* The `template` of POST /v1/emails: reads it, finds the text and fills it. One EmailTemplates
 * serves all emails of a request, so that a batch looks for each text once. */
#pragma once

#include "api/json/json.h"
#include "mime/message.h"
#include "outbox/email.h"
#include "store/smtp_settings.h"
#include "template/template.h"

struct api;

typedef struct {
    char *id;     /* a name, or "tpl_…" */
    char *locale; /* "de", "en"; NULL: the organisation's language */
    TemplateValues *values;
} EmailTemplateUse;

/* The member `template` (an object) at /template. NULL with faults noted. Pure. */
EmailTemplateUse *email_template_use_read(json_t *value, JsonFaults *faults);
void email_template_use_free(EmailTemplateUse *use);

/* The values in an object of texts, numbers and booleans (false and null are empty); not an object:
 * a fault. Pure. */
void email_template_read_values(
    json_t *value, const char *pointer, TemplateValues *values, JsonFaults *faults);

/* Whether the text of this name hands out a link with which anybody may come in. *class (may be
 * NULL) is then the class that its mails have; else it stays. */
gboolean email_template_is_secret(const char *name, EmailClass *class);

typedef struct email_templates EmailTemplates;

/* state is lent while it lives. */
EmailTemplates *email_templates_new(struct api *api, gint64 org_id, const SmtpState *state);
void email_templates_free(EmailTemplates *templates);

/* Sets subject, text and html of the draft. A text that hands out a link (reset, invitation) makes
 * *class the secret one, whatever was asked for: no list shows that mail. FALSE with a fault noted
 * below /template. */
gboolean email_templates_fill(EmailTemplates *templates, const EmailTemplateUse *use,
    MimeDraft *draft, EmailClass *class, JsonFaults *faults);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmailTemplateUse, email_template_use_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmailTemplates, email_templates_free)
