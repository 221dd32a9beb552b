/* Texts with holes: subject, plain text and HTML of one mail as logic-less Mustache templates, and
 * the values that fill them. Called by api/ for our own system mails and for an organisation's own
 * texts. Never reads a file, never fetches anything, never runs code of a template (threat T31).
 *
 * What a template may hold: {{name}}, {{#name}}…{{/name}} (shown if the value is not empty),
 * {{^name}}…{{/name}} (shown if it is), {{! comment}}. Names are letters, digits and _. There are
 * no partials, lambdas, lists, set delimiters, and no way around the escaping. In HTML every value
 * is escaped; a value that begins an href or src must be a https:, http: or mailto: address, one in
 * a style a colour (#1f5fbf); scripts are refused, and so is a value in a tag that stands in no
 * quotes. A section begins and ends between tags.
 *
 * A value that is to be shown and is not there is an error that names it; one that a section asks
 * for counts as empty. */
#pragma once

#include <glib.h>

typedef struct template Template;

typedef enum {
    TEMPLATE_SUBJECT = 0,
    TEMPLATE_TEXT,
    TEMPLATE_HTML,
} TemplatePart;
#define TEMPLATE_PARTS 3
const char *template_part_name(TemplatePart part); /* "subject", "text", "html" */

/* What is wrong with a template: one English sentence, with the line (from 1) if it is in one. */
typedef struct {
    TemplatePart part;
    char *detail;
} TemplateFault;
void template_fault_free(TemplateFault *fault);

/* html may be NULL; the others may not. Each at most LIMIT_TEMPLATE_BYTES, UTF-8. NULL with
 * *fault, which may be NULL if nobody wants to know; the caller frees it. A compiled template does
 * not change: any number of threads may render it at once. */
Template *template_check(
    const char *subject, const char *text, const char *html, TemplateFault **fault);

/* The same, with the fault as ABS_ERROR_INPUT. */
Template *template_compile(const char *subject, const char *text, const char *html, GError **error);
void template_free(Template *template);

/* The names that occur in it, sorted; NULL-terminated, lent. */
const char *const *template_names(const Template *template);

/* Values by name; UTF-8. */
typedef struct template_values TemplateValues;
TemplateValues *template_values_new(void);
void template_values_free(TemplateValues *values);

/* Both are copied; the value of an earlier call with this name goes. NULL: empty. */
void template_values_set(TemplateValues *values, const char *name, const char *value);
/* Only if there is none of this name yet. */
void template_values_default(TemplateValues *values, const char *name, const char *value);
void template_values_default_all(TemplateValues *values, const TemplateValues *others);
const char *template_values_get(const TemplateValues *values, const char *name); /* NULL: none */

gboolean template_name_is_fine(const char *name); /* of a value: letters, digits, _; up to 64 */

typedef struct {
    char *subject, *text;
    char *html; /* NULL: the template has none */
} TemplateMail;
void template_mail_free(TemplateMail *mail);

/* ABS_ERROR_INPUT: a value is missing, or does not fit where it stands (a line end in the subject,
 * no address in a link); the message names it. ABS_ERROR_LIMIT: more than LIMIT_TEMPLATE_MAIL_BYTES
 * would come out. */
TemplateMail *template_render(
    const Template *template, const TemplateValues *values, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Template, template_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TemplateFault, template_fault_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TemplateValues, template_values_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TemplateMail, template_mail_free)
