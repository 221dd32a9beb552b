#include "api/explanation.h"

#include "api/json/email_json.h"
#include "api/json/smtp_json.h"
#include "api/words/explanation_text.h"
#include "mime/address.h"

#include <string.h>

/* The one whose state speaks for the email; of several the one that comes first. */
static const EmailRecipientRow *speaker_of(const EmailRow *row)
{
    const EmailRecipientRow *speaker = NULL;
    for (guint i = 0; i < row->recipients->len; i++) {
        const EmailRecipientRow *each = row->recipients->pdata[i];
        if (each->state != row->state)
            continue;
        gboolean is_sooner = speaker && each->next_at > 0 &&
                             (speaker->next_at == 0 || each->next_at < speaker->next_at);
        if (!speaker || is_sooner)
            speaker = each;
    }
    return speaker;
}

/* What the last attempt met; NULL: nothing that is known. */
static const Diagnosis *last_diagnosis(
    const EmailRecipientRow *recipient, const DiagnosisCatalogue *catalogue, DiagnosisFate *fate)
{
    *fate = DIAGNOSIS_FATE_NONE;
    guint n = recipient->attempt_rows->len;
    const EmailAttemptRow *last = n > 0 ? recipient->attempt_rows->pdata[n - 1] : NULL;
    if (!last || !last->diagnosis)
        return NULL;
    const Diagnosis *diagnosis = diagnosis_by_id(catalogue, last->diagnosis);
    if (!diagnosis)
        return NULL;
    const DiagnosisInput input = {.phase = last->phase, .code = last->reply_code};
    *fate = diagnosis_fate(diagnosis, &input);
    if (*fate != DIAGNOSIS_FATE_HOLD && last->reply_code == 0)
        *fate = DIAGNOSIS_FATE_NONE; /* nobody said no */
    return diagnosis;
}

static gboolean is_flagged(const EmailRecipientRow *recipient)
{
    for (guint i = 0; i < recipient->attempt_rows->len; i++)
        if (((const EmailAttemptRow *)recipient->attempt_rows->pdata[i])->state == EMAIL_UNCERTAIN)
            return TRUE;
    return FALSE;
}

/* When there is room in every window; 0: now, or there is no quota. */
static WallMs quota_free_at(const SmtpState *state, WallMs now)
{
    QuotaWindow windows[QUOTA_WINDOWS] = {{0}};
    WallMs free_at = 0;
    if (!smtp_quota_read(state, now, windows))
        return 0;
    for (gsize i = 0; i < QUOTA_WINDOWS; i++)
        free_at = MAX(free_at, windows[i].free_at);
    return free_at;
}

static WallMs opens_at(const SmtpState *state, EmailGate gate, WallMs now)
{
    switch (gate) {
    case EMAIL_GATE_OPEN:
    case EMAIL_GATE_NOT_CONFIGURED:
        return 0;
    case EMAIL_GATE_PAUSED:
        return state->sending_until;
    case EMAIL_GATE_CREDENTIAL_FAULT:
        return smtp_next_login_at(state, now);
    case EMAIL_GATE_QUOTA:
        return quota_free_at(state, now);
    }
    g_assert_not_reached();
}

static gboolean is_troubled(const SmtpState *state)
{
    return state->health == HEALTH_UNREACHABLE || state->health == HEALTH_DEGRADED;
}

/* About the account, not about what this mail met before. */
static gboolean is_about_account(const Explanation *explanation)
{
    return explanation->gate == EMAIL_GATE_CREDENTIAL_FAULT ||
           explanation->code == EXPLAIN_WAITING_PROVIDER;
}

static const char *means(const Diagnosis *diagnosis, Language language)
{
    if (!diagnosis)
        return NULL;
    return language == LANGUAGE_DE ? diagnosis->means_de : diagnosis->means_en;
}

static const char *fix(const Diagnosis *diagnosis, Language language)
{
    if (!diagnosis)
        return NULL;
    return language == LANGUAGE_DE ? diagnosis->fix_de : diagnosis->fix_en;
}

static gboolean is_former_sender(const Diagnosis *diagnosis)
{
    return diagnosis && strcmp(diagnosis->id, "former_sender") == 0;
}

static json_t *changes_json(
    const Explanation *explanation, const Diagnosis *diagnosis, Language language)
{
    json_t *list = json_array();
    for (guint i = 0; i < explanation->n_changes; i++) {
        ExplainChange change = explanation->changes[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "code", json_text(explain_change_name(change)));
        json_object_set_new(entry, "text",
            json_text(explanation_change(change, fix(diagnosis, language), language)));
        json_array_append_new(list, entry);
    }
    return list;
}

json_t *explanation_json(const EmailRow *row, const SmtpState *state,
    const DiagnosisCatalogue *catalogue, WallMs now, GTimeZone *zone, Language language)
{
    const EmailRecipientRow *recipient = speaker_of(row);
    DiagnosisFate fate;
    const Diagnosis *diagnosis = last_diagnosis(recipient, catalogue, &fate);
    EmailGate gate = email_gate(row->is_test, smtp_state_gate(state, now));
    const ExplainFacts facts = {.state = recipient->state,
        .gate = gate,
        .now = now,
        .next_at = recipient->next_at,
        .deadline_at = recipient->deadline_at,
        .gate_opens_at = opens_at(state, gate, now),
        .fate = fate,
        .is_troubled = is_troubled(state) && !row->is_test,
        .is_former_sender = is_former_sender(diagnosis),
        .is_diagnosed = diagnosis != NULL,
        .at_most_once = row->at_most_once,
        .is_flagged = is_flagged(recipient),
        .has_body = row->has_body,
        .past_expiry = row->expires_at > 0 && row->expires_at <= now};
    Explanation explanation = explain(&facts);
    if (is_about_account(&explanation))
        diagnosis =
            state->health_diagnosis ? diagnosis_by_id(catalogue, state->health_diagnosis) : NULL;
    g_autoptr(MimeAddress) sender = mime_mailbox_parse(row->from, NULL);
    const ExplanationWords words = {.address = row->recipients->len > 1 ? recipient->address : NULL,
        .sender = sender ? sender->addr_spec : row->from,
        .allowed = state->active ? state->active->from_email : NULL,
        .meaning = means(diagnosis, language),
        .own_at = recipient->next_at,
        .zone = zone};
    g_autofree char *sentence = explanation_sentence(&explanation, &words, language);
    char id[ID_TEXT_SIZE];
    json_t *json = json_object();
    json_object_set_new(json, "object", json_text("explanation"));
    json_object_set_new(json, "id", json_text(id_format(&row->id, "em", id)));
    json_object_set_new(
        json, "code", json_text(explain_code_name(explanation.code, explanation.gate)));
    json_object_set_new(json, "sentence", json_text(sentence));
    json_object_set_new(json, "next_at", json_time(explanation.next_at));
    json_object_set_new(json, "expires_at", json_time(explanation.expires_at));
    json_object_set_new(json, "changes", changes_json(&explanation, diagnosis, language));
    return json;
}
