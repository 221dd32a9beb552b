/* An organisation's own mail texts, as SQL functions. */
#pragma once

#include "store/store.h"

typedef struct {
    gint64 row, org_id;
    Id id;
    char *name, *locale;
    char *subject, *text;
    char *html; /* NULL: none */
    WallMs changed_at;
    char *changed_by; /* "anna@example.de" */
} MailTemplate;

void mail_template_free(MailTemplate *template);

/* NULL without error: there is none. */
MailTemplate *mail_template_by_name(
    Db *db, gint64 org_id, const char *name, const char *locale, GError **error);
MailTemplate *mail_template_by_id(Db *db, gint64 org_id, const Id *id, GError **error);

/* Of MailTemplate, by name and locale. */
GPtrArray *mail_templates_list(Db *db, gint64 org_id, GError **error);

/* Inside a job: makes it, or replaces the one of this name and locale, which keeps its id; *id is
 * the one it has. ABS_ERROR_LIMIT: LIMIT_TEMPLATES are there. */
gboolean mail_template_write(Db *db, const MailTemplate *template, Id *id, GError **error);

/* Inside a job. ABS_ERROR_NOT_FOUND. */
gboolean mail_template_remove(Db *db, gint64 org_id, const Id *id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MailTemplate, mail_template_free)
