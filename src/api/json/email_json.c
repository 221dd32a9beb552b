#include "api/json/email_json.h"

#include "api/json/smtp_json.h"

#include "store/tokens.h"

#include <string.h>

EmailGate email_gate(gboolean is_test, EmailGate gate)
{
    gboolean lets_tests_out = gate == EMAIL_GATE_PAUSED || gate == EMAIL_GATE_QUOTA;
    return is_test && lets_tests_out ? EMAIL_GATE_OPEN : gate;
}

EmailState email_shown(EmailState stored, gboolean is_test, EmailGate gate)
{
    return email_state_shown(stored, email_gate(is_test, gate));
}

const char *email_last_event(EmailState shown)
{
    switch (shown) {
    case EMAIL_SCHEDULED:
        return "scheduled";
    case EMAIL_QUEUED:
    case EMAIL_HELD:
    case EMAIL_SENDING:
        return "queued";
    case EMAIL_DEFERRED:
    case EMAIL_UNCERTAIN:
        return "delivery_delayed";
    case EMAIL_ACCEPTED:
    case EMAIL_HANDED_OVER:
        return "sent";
    case EMAIL_REJECTED:
    case EMAIL_EXPIRED:
        return "failed";
    case EMAIL_CANCELLED:
        return "canceled";
    }
    return "queued";
}

json_t *email_addresses_json(const char *addresses)
{
    json_t *json = json_array();
    gboolean is_quoted = FALSE;
    const char *start = addresses;
    for (const char *at = addresses; at && start; at++) {
        if (*at == '\\' && is_quoted && at[1])
            at++;
        else if (*at == '"')
            is_quoted = !is_quoted;
        else if (*at == '\0' || (*at == ',' && !is_quoted)) {
            g_autofree char *address = g_strndup(start, (gsize)(at - start));
            if (*g_strstrip(address))
                json_array_append_new(json, json_text(address));
            start = *at ? at + 1 : NULL;
        }
    }
    return json;
}

json_t *email_event_json(const EmailRow *row, EmailGate gate)
{
    char id[ID_TEXT_SIZE];
    EmailState shown = email_shown(row->state, row->is_test, gate);
    json_t *json = json_object();
    json_object_set_new(json, "id", json_text(id_format(&row->id, "em", id)));
    json_object_set_new(json, "state", json_text(email_state_name(shown)));
    json_object_set_new(json, "last_event", json_text(email_last_event(shown)));
    return json;
}

static json_t *tags_json(const char *text)
{
    json_t *tags = text ? json_loads(text, 0, NULL) : NULL;
    return tags ? tags : json_array();
}

static json_t *recipient_json(
    const EmailRow *row, const EmailRecipientRow *recipient, EmailGate gate)
{
    EmailState shown = email_shown(recipient->state, row->is_test, gate);
    gboolean has_next = email_state_is_waiting(shown) && shown != EMAIL_HELD;
    json_t *json = json_object();
    json_object_set_new(json, "address", json_text(recipient->address));
    json_object_set_new(json, "state", json_text(email_state_name(shown)));
    json_object_set_new(json, "attempts", json_integer(recipient->attempts));
    json_object_set_new(json, "next_attempt_at", json_time(has_next ? recipient->next_at : 0));
    json_object_set_new(json, "updated_at", json_time(recipient->updated_at));
    return json;
}

static json_t *recipients_json(const EmailRow *row, EmailGate gate)
{
    json_t *json = json_array();
    for (guint i = 0; i < row->recipients->len; i++)
        json_array_append_new(json, recipient_json(row, row->recipients->pdata[i], gate));
    return json;
}

json_t *email_json(const EmailRow *row, EmailGate gate)
{
    json_t *json = email_event_json(row, gate);
    json_object_set_new(json, "object", json_text("email"));
    json_object_set_new(json, "from", json_text(row->from));
    json_object_set_new(json, "to", email_addresses_json(row->to));
    json_object_set_new(json, "cc", email_addresses_json(row->cc));
    json_object_set_new(json, "bcc", email_addresses_json(row->bcc));
    json_object_set_new(json, "reply_to", email_addresses_json(row->reply_to));
    json_object_set_new(
        json, "subject", json_text(email_class_is_secret(row->class) ? NULL : row->subject));
    json_object_set_new(json, "class", json_text(email_class_name(row->class)));
    json_object_set_new(json, "created_at", json_time(row->created_at));
    json_object_set_new(json, "scheduled_at", json_time(row->scheduled_at));
    json_object_set_new(json, "expires_at", json_time(row->expires_at));
    json_object_set_new(json, "size", json_integer(row->size_bytes));
    json_object_set_new(
        json, "delivery", json_text(row->at_most_once ? "at_most_once" : "at_least_once"));
    json_object_set_new(json, "tags", tags_json(row->tags_json));
    json_object_set_new(json, "is_test", json_boolean(row->is_test));
    json_object_set_new(json, "possible_duplicate", json_boolean(row->is_duplicate));
    json_object_set_new(json, "recipients", recipients_json(row, gate));
    return json;
}

/* --- Detail ---------------------------------------------------------------------------------- */

/* What was in use, if it still is: then a click may mend it. */
static const SmtpSettings *settings_of(const EmailAttemptRow *attempt, const SmtpState *state)
{
    const SmtpSettings *active = state->active;
    gboolean is_same = active && active->host && attempt->server &&
                       g_ascii_strcasecmp(active->host, attempt->server) == 0;
    return is_same ? active : NULL;
}

static json_t *attempt_json(
    const EmailAttemptRow *attempt, const SmtpState *state, struct api *api, Language language)
{
    const DiagnosisFacts facts = {.id = attempt->diagnosis,
        .phase = attempt->phase,
        .enhanced = attempt->reply_enhanced,
        .text = attempt->reply_text,
        .reply = attempt->reply_code,
        .host = attempt->server,
        .settings = settings_of(attempt, state)};
    json_t *json = json_object();
    json_object_set_new(json, "at", json_time(attempt->at));
    json_object_set_new(json, "state", json_text(email_state_name(attempt->state)));
    json_object_set_new(json, "phase", json_text(attempt->phase));
    json_object_set_new(
        json, "reply", attempt->reply_code ? json_integer(attempt->reply_code) : json_null());
    json_object_set_new(json, "enhanced", json_text(attempt->reply_enhanced));
    json_object_set_new(json, "text", json_text(attempt->reply_text));
    json_object_set_new(json, "diagnosis", diagnosis_json(api, &facts, language));
    json_object_set_new(json, "server", json_text(attempt->server));
    return json;
}

/* A moment in an email's life. */
typedef struct {
    WallMs at;
    const char *event;
    char *detail; /* may be NULL */
} Moment;

static void moment_clear(gpointer data)
{
    Moment *moment = data;
    g_free(moment->detail);
}

static int moment_compare(gconstpointer a, gconstpointer b)
{
    const Moment *left = a, *right = b;
    return left->at < right->at ? -1 : left->at > right->at;
}

static void add_moment(GArray *moments, WallMs at, EmailState state, char *detail)
{
    const Moment moment = {at, email_state_name(state), detail};
    g_array_append_val(moments, moment);
}

static void add_recipient_moments(GArray *moments, const EmailRecipientRow *recipient)
{
    EmailState last = EMAIL_QUEUED;
    for (guint i = 0; i < recipient->attempt_rows->len; i++) {
        const EmailAttemptRow *attempt = recipient->attempt_rows->pdata[i];
        last = attempt->state;
        add_moment(moments, attempt->at, attempt->state,
            attempt->reply_code ? g_strdup_printf("%s: %d", recipient->address, attempt->reply_code)
                                : g_strdup(recipient->address));
    }
    /* Ends that no attempt brought about: cancelled, expired, handed over. */
    if (!email_state_is_waiting(recipient->state) && recipient->state != last)
        add_moment(moments, recipient->updated_at, recipient->state, g_strdup(recipient->address));
}

static json_t *timeline_json(const EmailRow *row)
{
    g_autoptr(GArray) moments = g_array_new(FALSE, FALSE, sizeof(Moment));
    g_array_set_clear_func(moments, moment_clear);
    add_moment(moments, row->created_at, row->scheduled_at ? EMAIL_SCHEDULED : EMAIL_QUEUED, NULL);
    for (guint i = 0; i < row->recipients->len; i++)
        add_recipient_moments(moments, row->recipients->pdata[i]);
    g_array_sort(moments, moment_compare);
    json_t *json = json_array();
    for (guint i = 0; i < moments->len; i++) {
        const Moment *moment = &g_array_index(moments, Moment, i);
        json_t *entry = json_object();
        json_object_set_new(entry, "at", json_time(moment->at));
        json_object_set_new(entry, "event", json_text(moment->event));
        json_object_set_new(entry, "detail", json_text(moment->detail));
        json_array_append_new(json, entry);
    }
    return json;
}

/* An attempt ended uncertain, and it goes, or went, to the recipient again. */
static gboolean is_duplicate(const EmailRecipientRow *recipient)
{
    gboolean goes_again = recipient->next_at > 0 || recipient->state == EMAIL_SENDING;
    for (guint i = 0; i < recipient->attempt_rows->len; i++) {
        const EmailAttemptRow *attempt = recipient->attempt_rows->pdata[i];
        gboolean is_last = i + 1 == recipient->attempt_rows->len;
        if (attempt->state == EMAIL_UNCERTAIN && (goes_again || !is_last))
            return TRUE;
    }
    return FALSE;
}

char *email_application(Db *db, const EmailRow *row)
{
    return row->submitted_by_token ? token_name_by_row(db, row->org_id, row->submitted_by_token)
                                   : NULL;
}

json_t *email_detail_json(const EmailRow *row, const char *application, const SmtpState *state,
    struct api *api, Language language)
{
    json_t *json = email_json(row, smtp_state_gate(state, clock_wall_ms()));
    json_t *recipients = json_object_get(json, "recipients");
    for (guint i = 0; i < row->recipients->len; i++) {
        const EmailRecipientRow *recipient = row->recipients->pdata[i];
        json_t *attempts = json_array();
        for (guint j = 0; j < recipient->attempt_rows->len; j++)
            json_array_append_new(
                attempts, attempt_json(recipient->attempt_rows->pdata[j], state, api, language));
        json_t *shown = json_array_get(recipients, i);
        json_object_set_new(shown, "attempts_log", attempts);
        json_object_set_new(shown, "possible_duplicate", json_boolean(is_duplicate(recipient)));
    }
    json_object_set_new(json, "message_id", json_text(row->message_id));
    json_object_set_new(json, "application", json_text(application));
    json_object_set_new(json, "timeline", timeline_json(row));
    return json;
}
