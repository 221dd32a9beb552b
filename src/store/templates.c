#include "store/templates.h"

#include "base/error.h"
#include "base/limits.h"

void mail_template_free(MailTemplate *template)
{
    if (!template)
        return;
    g_free(template->name);
    g_free(template->locale);
    g_free(template->subject);
    g_free(template->text);
    g_free(template->html);
    g_free(template->changed_by);
    g_free(template);
}

#define COLUMNS "row, org_id, id, name, locale, subject, text, html, changed_at, changed_by"
#define SELECT_BY_NAME \
    "SELECT " COLUMNS " FROM templates WHERE org_id = $1 AND name = $2 AND locale = $3"
#define SELECT_BY_ID "SELECT " COLUMNS " FROM templates WHERE org_id = $1 AND id = $2"
#define SELECT_ALL "SELECT " COLUMNS " FROM templates WHERE org_id = $1 ORDER BY name, locale"

static MailTemplate *read_row(DbQuery *q)
{
    MailTemplate *template = g_new0(MailTemplate, 1);
    template->row = db_int(q, 0);
    template->org_id = db_int(q, 1);
    db_id(q, 2, &template->id);
    template->name = db_dup_text(q, 3);
    template->locale = db_dup_text(q, 4);
    template->subject = db_dup_text(q, 5);
    template->text = db_dup_text(q, 6);
    template->html = db_dup_text(q, 7);
    template->changed_at = db_int(q, 8);
    template->changed_by = db_dup_text(q, 9);
    return template;
}

static MailTemplate *read_one(DbQuery *q, GError **error)
{
    g_autoptr(MailTemplate) template = db_next(q) ? read_row(q) : NULL;
    return db_finish(q, error) ? g_steal_pointer(&template) : NULL;
}

MailTemplate *mail_template_by_name(
    Db *db, gint64 org_id, const char *name, const char *locale, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, SELECT_BY_NAME);
    db_bind_int(q, 1, org_id);
    db_bind_text(q, 2, name);
    db_bind_text(q, 3, locale);
    return read_one(q, error);
}

MailTemplate *mail_template_by_id(Db *db, gint64 org_id, const Id *id, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, SELECT_BY_ID);
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    return read_one(q, error);
}

GPtrArray *mail_templates_list(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)mail_template_free);
    g_autoptr(DbQuery) q = db_query(db, SELECT_ALL);
    db_bind_int(q, 1, org_id);
    while (db_next(q))
        g_ptr_array_add(list, read_row(q));
    return db_finish(q, error) ? g_steal_pointer(&list) : NULL;
}

static gboolean count(Db *db, gint64 org_id, gint64 *n, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT count(*) FROM templates WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    *n = db_next(q) ? db_int(q, 0) : 0;
    return db_finish(q, error);
}

gboolean mail_template_write(Db *db, const MailTemplate *template, Id *id, GError **error)
{
    gint64 n = 0;
    GError *fault = NULL;
    g_autoptr(MailTemplate) earlier =
        mail_template_by_name(db, template->org_id, template->name, template->locale, &fault);
    if (fault || (!earlier && !count(db, template->org_id, &n, &fault))) {
        g_propagate_error(error, fault);
        return FALSE;
    }
    if (!earlier && n >= LIMIT_TEMPLATES) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_LIMIT,
            "There are %d texts already; please remove one first.", LIMIT_TEMPLATES);
        return FALSE;
    }
    *id = earlier ? earlier->id : template->id;
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO templates (org_id, id, name, locale, subject, text, html, changed_at, "
        "changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
        "ON CONFLICT (org_id, name, locale) DO UPDATE SET subject = excluded.subject, "
        "text = excluded.text, html = excluded.html, changed_at = excluded.changed_at, "
        "changed_by = excluded.changed_by");
    db_bind_int(q, 1, template->org_id);
    db_bind_id(q, 2, id);
    db_bind_text(q, 3, template->name);
    db_bind_text(q, 4, template->locale);
    db_bind_text(q, 5, template->subject);
    db_bind_text(q, 6, template->text);
    db_bind_text(q, 7, template->html);
    db_bind_int(q, 8, template->changed_at);
    db_bind_text(q, 9, template->changed_by);
    return db_finish(q, error);
}

gboolean mail_template_remove(Db *db, gint64 org_id, const Id *id, GError **error)
{
    GError *fault = NULL;
    g_autoptr(MailTemplate) template = mail_template_by_id(db, org_id, id, &fault);
    if (!template) {
        if (fault)
            g_propagate_error(error, fault);
        else
            g_set_error_literal(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "no such template");
        return FALSE;
    }
    g_autoptr(DbQuery) q = db_query(db, "DELETE FROM templates WHERE org_id = $1 AND id = $2");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    return db_finish(q, error);
}
