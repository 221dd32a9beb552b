#include "api/system_mail.h"

#include "api/accept_email.h"
#include "api/public_url.h"
#include "api/state.h"
#include "base/error.h"
#include "store/organisations.h"
#include "store/templates.h"
#include "template/builtin.h"

#include <string.h>

/* --- What every mail has -----------------------------------------------------------------------
 */

#define DEFAULT_COLOUR "#1f5fbf"

static char *host_of(const char *url)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    return g_strdup(uri && g_uri_get_host(uri) ? g_uri_get_host(uri) : url);
}

static char *org_name_of(
    const Organisation *organisation, const SmtpState *state, const char *public_url)
{
    if (organisation->name && *organisation->name)
        return g_strdup(organisation->name);
    if (state && state->active && state->active->from_name && *state->active->from_name)
        return g_strdup(state->active->from_name);
    const char *at = state && state->active ? strrchr(state->active->from_email, '@') : NULL;
    return at ? g_strdup(at + 1) : host_of(public_url);
}

char *system_mail_org_name(const struct api *api, Db *reader, gint64 org_id, const SmtpState *state)
{
    g_autofree char *public_url = public_url_dup(api);
    g_autoptr(Organisation) organisation = organisation_read(reader, org_id, NULL);
    const Organisation unnamed = {.row = org_id};
    return org_name_of(organisation ? organisation : &unnamed, state, public_url);
}

Language system_mail_language(Db *reader, gint64 org_id, Language fallback)
{
    g_autoptr(Organisation) organisation = organisation_read(reader, org_id, NULL);
    Language language = fallback;
    if (organisation)
        language_parse(organisation->language, &language);
    return language;
}

gboolean system_mail_add_common(const struct api *api, Db *reader, gint64 org_id,
    const SmtpState *state, TemplateValues *values, GError **error)
{
    g_autofree char *public_url = public_url_dup(api);
    g_autoptr(Organisation) organisation = organisation_read(reader, org_id, error);
    if (!organisation)
        return FALSE;
    g_autofree char *org_name = org_name_of(organisation, state, public_url);
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *year = g_strdup_printf("%d", g_date_time_get_year(now));
    template_values_default(values, "org_name", org_name);
    template_values_default(
        values, "colour", organisation->colour ? organisation->colour : DEFAULT_COLOUR);
    template_values_default(
        values, "colour_text", system_mail_text_on(template_values_get(values, "colour")));
    template_values_default(values, "public_url", public_url);
    template_values_default(values, "year", year);
    return TRUE;
}

/* --- Text --------------------------------------------------------------------------------------
 */

/* NULL without error: there is none, or it cannot be filled. */
static TemplateMail *render_own(struct api *api, Db *reader, const SystemMail *mail,
    const TemplateValues *values, GError **error)
{
    g_autoptr(MailTemplate) own = mail_template_by_name(
        reader, mail->org_id, mail->template, language_name(mail->language), error);
    if (!own)
        return NULL;
    g_autoptr(GError) fault = NULL;
    g_autoptr(ShelfTemplate) held = template_shelf_own(api->shelf, own, &fault);
    TemplateMail *rendered = held ? template_render(held->template, values, &fault) : NULL;
    if (!rendered)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
            "the organisation's own text of %s (%s) cannot be filled, ours is sent: %s",
            mail->template, language_name(mail->language), fault->message);
    return rendered;
}

static TemplateMail *render_builtin(
    struct api *api, const SystemMail *mail, const TemplateValues *values, GError **error)
{
    const BuiltinTemplate *builtin =
        builtin_template_find(mail->template, language_name(mail->language));
    g_assert(builtin);
    g_autoptr(ShelfTemplate) held = template_shelf_builtin(api->shelf, builtin);
    return template_render(held->template, values, error);
}

static TemplateMail *render(struct api *api, Db *reader, const SystemMail *mail,
    const char *const *pairs, const SmtpState *state, GError **error)
{
    g_autoptr(TemplateValues) values = template_values_new();
    for (guint i = 0; pairs[i]; i += 2)
        template_values_set(values, pairs[i], pairs[i + 1]);
    if (!system_mail_add_common(api, reader, mail->org_id, state, values, error))
        return NULL;
    GError *fault = NULL;
    TemplateMail *rendered = render_own(api, reader, mail, values, &fault);
    if (fault) {
        g_propagate_error(error, fault);
        return NULL;
    }
    return rendered ? rendered : render_builtin(api, mail, values, error);
}

/* --- Message -----------------------------------------------------------------------------------
 */

static gboolean address(
    MimeDraft *draft, const SystemMail *mail, const SmtpSettings *settings, GError **error)
{
    draft->from = mime_address_new(settings->from_name, settings->from_email, error);
    MimeAddress *to = draft->from ? mime_address_new(mail->to_name, mail->to, error) : NULL;
    if (to)
        g_ptr_array_add(draft->to, to);
    return to != NULL;
}

static void add_headers(MimeDraft *draft, const struct api *api, EmailClass class)
{
    mime_draft_add_header(draft, "Auto-Submitted", "auto-generated");
    if (class != EMAIL_CLASS_NOTIFICATION)
        return;
    g_autofree char *public_url = public_url_dup(api);
    g_autofree char *unsubscribe = g_strdup_printf("<%s/#/account>", public_url);
    mime_draft_add_header(draft, "List-Unsubscribe", unsubscribe);
}

static gboolean compose(EmailNew *email, MimeDraft *draft, GError **error)
{
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    if (accept_email_compose(email, draft, clock_wall_ms(), &faults))
        return TRUE;
    const JsonFault *fault = faults.list->pdata[0];
    g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, "the mail cannot be written: %s",
        fault->detail ? fault->detail : fault->code);
    return FALSE;
}

EmailNew *system_mail_write(struct api *api, Db *reader, const SystemMail *mail,
    const char *const *values, const SmtpState *state, GError **error)
{
    const SmtpSettings *settings = state->active;
    g_assert(settings);
    g_autoptr(TemplateMail) rendered = render(api, reader, mail, values, state, error);
    g_autoptr(MimeDraft) draft = mime_draft_new();
    g_autoptr(EmailNew) email = email_new_alloc();
    if (!rendered || !address(draft, mail, settings, error))
        return NULL;
    draft->subject = g_steal_pointer(&rendered->subject);
    draft->text = g_steal_pointer(&rendered->text);
    draft->html = g_steal_pointer(&rendered->html);
    add_headers(draft, api, mail->class);
    email->org_id = mail->org_id;
    email->class = mail->class;
    email->expires_at = mail->expires_at;
    email->submitted_by_member = mail->member_row;
    email->from = mime_mailbox_format(draft->from);
    email->follows_sender = TRUE;
    email->to = mime_mailbox_format(draft->to->pdata[0]);
    return compose(email, draft, error) ? g_steal_pointer(&email) : NULL;
}
