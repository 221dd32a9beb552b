#include "domain/spf.h"

#include "base/limits.h"
#include "base/text.h"

typedef struct {
    SpfSurvey *survey;
    DnsAnswers *answers;
    const char *wanted;
    GPtrArray *path; /* of the domains whose records are being read, outermost first */
    guint n_terms;
} Walk;

static void read_record(Walk *walk, const char *text, const char *domain, gboolean is_pass);

static void flaw_free(gpointer data)
{
    SpfFlaw *flaw = data;
    g_free(flaw->term);
    g_free(flaw->domain);
    g_free(flaw);
}

void spf_survey_free(SpfSurvey *survey)
{
    if (!survey)
        return;
    g_ptr_array_unref(survey->flaws);
    g_free(survey);
}

static void note(Walk *walk, SpfFlawKind kind, const char *term, const char *domain)
{
    SpfFlaw *flaw = g_new0(SpfFlaw, 1);
    flaw->kind = kind;
    flaw->term = g_strdup(term);
    flaw->domain = g_strdup(domain);
    g_ptr_array_add(walk->survey->flaws, flaw);
    switch (kind) {
    case SPF_FLAW_SYNTAX:
    case SPF_FLAW_TARGET_NONE:
    case SPF_FLAW_TARGET_MANY:
    case SPF_FLAW_LOOP:
    case SPF_FLAW_TOO_MANY_HOSTS:
        walk->survey->is_permerror = TRUE;
        break;
    case SPF_FLAW_MACRO:
        walk->survey->has_macros = TRUE;
        break;
    case SPF_FLAW_VOID:
        walk->survey->n_voids++;
        break;
    case SPF_FLAW_TOO_LONG:
        walk->survey->has_too_long = TRUE;
        break;
    case SPF_FLAW_PTR:
    case SPF_FLAW_UNREACHED:
        break;
    }
}

/* TRUE if there are records; what is open or failed is noted. */
static gboolean has_records(Walk *walk, const char *name, DnsType type, gboolean *is_void)
{
    const DnsAnswer *answer = dns_answers_get(walk->answers, name, type);
    if (!answer)
        walk->survey->is_open = TRUE;
    else if (answer->status == DNS_SERVER_FAIL || answer->status == DNS_TIMEOUT)
        walk->survey->is_failed = TRUE;
    else if (answer->status != DNS_FOUND || answer->records->len == 0)
        *is_void = TRUE;
    return answer && answer->status == DNS_FOUND;
}

static gboolean is_on_path(const Walk *walk, const char *domain)
{
    for (guint i = 0; i < walk->path->len; i++) {
        if (text_equal_nocase(walk->path->pdata[i], domain))
            return TRUE;
    }
    return FALSE;
}

/* An include or a redirect. is_pass: what passes there passes here. */
static void follow(Walk *walk, const SpfTerm *term, const char *domain, gboolean is_pass)
{
    if (is_on_path(walk, term->domain)) {
        note(walk, SPF_FLAW_LOOP, term->text, domain);
        return;
    }
    g_autoptr(GPtrArray) texts = NULL;
    switch (spf_find(term->domain, walk->answers, &texts)) {
    case SPF_FIND_OPEN:
        walk->survey->is_open = TRUE;
        return;
    case SPF_FIND_FAILED:
        walk->survey->is_failed = TRUE;
        return;
    case SPF_FIND_NONE:
        note(walk, SPF_FLAW_TARGET_NONE, term->text, domain);
        return;
    case SPF_FIND_MANY:
        note(walk, SPF_FLAW_TARGET_MANY, term->text, domain);
        return;
    case SPF_FIND_ONE:
        break;
    }
    if (is_pass && walk->wanted && text_equal_nocase(walk->wanted, term->domain))
        walk->survey->contains_provider = TRUE;
    read_record(walk, texts->pdata[0], term->domain, is_pass);
}

static void look_at_hosts(Walk *walk, const SpfTerm *term, const char *domain)
{
    const char *target = term->domain ? term->domain : domain;
    gboolean is_void = FALSE;
    if (has_records(walk, target, DNS_TYPE_MX, &is_void)) {
        const DnsAnswer *mx = dns_answers_get(walk->answers, target, DNS_TYPE_MX);
        if (mx->records->len > LIMIT_SPF_HOSTS)
            note(walk, SPF_FLAW_TOO_MANY_HOSTS, term->text, domain);
    }
    if (is_void)
        note(walk, SPF_FLAW_VOID, term->text, domain);
}

static void look_at_addresses(Walk *walk, const SpfTerm *term, const char *domain)
{
    const char *target = term->domain ? term->domain : domain;
    gboolean has_no_a = FALSE, has_no_aaaa = FALSE;
    has_records(walk, target, DNS_TYPE_A, &has_no_a);
    if (term->kind == SPF_A)
        has_records(walk, target, DNS_TYPE_AAAA, &has_no_aaaa);
    if (has_no_a && (has_no_aaaa || term->kind == SPF_EXISTS))
        note(walk, SPF_FLAW_VOID, term->text, domain);
}

static void read_asking_term(Walk *walk, const SpfTerm *term, const char *domain, gboolean is_pass)
{
    walk->n_terms++;
    walk->survey->n_lookups++;
    if (term->has_macro) {
        note(walk, SPF_FLAW_MACRO, term->text, domain);
        return;
    }
    if (term->kind == SPF_PTR)
        note(walk, SPF_FLAW_PTR, term->text, domain);
    else if (term->kind == SPF_MX)
        look_at_hosts(walk, term, domain);
    else if (term->kind == SPF_INCLUDE)
        follow(walk, term, domain, is_pass && term->qualifier == '+');
    else
        look_at_addresses(walk, term, domain);
}

/* Behind "all" no mechanism is looked at, and a redirect nowhere beside it (RFC 7208 5.1). */
static void note_unreached(Walk *walk, const SpfRecord *record, guint from, const char *domain)
{
    for (guint i = from; i < record->terms->len; i++) {
        const SpfTerm *term = record->terms->pdata[i];
        if (term->qualifier) {
            note(walk, SPF_FLAW_UNREACHED, term->text, domain);
            break;
        }
    }
    if (record->redirect)
        note(walk, SPF_FLAW_UNREACHED, record->redirect->text, domain);
}

static void read_terms(
    Walk *walk, const SpfRecord *record, const char *domain, gboolean is_pass, gboolean *has_all)
{
    for (guint i = 0; i < record->terms->len && walk->n_terms < LIMIT_SPF_SURVEY; i++) {
        const SpfTerm *term = record->terms->pdata[i];
        switch (term->kind) {
        case SPF_ALL:
            *has_all = TRUE;
            note_unreached(walk, record, i + 1, domain);
            return;
        case SPF_INCLUDE:
        case SPF_A:
        case SPF_MX:
        case SPF_PTR:
        case SPF_EXISTS:
            read_asking_term(walk, term, domain, is_pass);
            break;
        case SPF_IP4:
        case SPF_IP6:
        case SPF_REDIRECT:
        case SPF_EXP:
        case SPF_OTHER_MODIFIER:
            break;
        }
    }
}

static void read_record(Walk *walk, const char *text, const char *domain, gboolean is_pass)
{
    g_autofree char *bad_term = NULL;
    if (spf_record_is_too_long(text)) {
        note(walk, SPF_FLAW_TOO_LONG, NULL, domain);
        return;
    }
    g_autoptr(SpfRecord) record = spf_record_parse(text, &bad_term);
    if (!record) {
        note(walk, SPF_FLAW_SYNTAX, bad_term, domain);
        return;
    }
    guint depth = walk->path->len;
    g_ptr_array_add(walk->path, g_strdup(domain));
    gboolean has_all = FALSE;
    read_terms(walk, record, domain, is_pass, &has_all);
    if (record->redirect && !has_all && walk->n_terms < LIMIT_SPF_SURVEY) {
        walk->n_terms++;
        walk->survey->n_lookups++;
        if (record->redirect->has_macro)
            note(walk, SPF_FLAW_MACRO, record->redirect->text, domain);
        else
            follow(walk, record->redirect, domain, is_pass);
    }
    g_ptr_array_set_size(walk->path, (int)depth);
}

/* The "all" that ends the record; a redirect hands over to that of its target (RFC 7208 6.1). */
static char final_all(const char *text, guint depth, DnsAnswers *answers)
{
    if (spf_record_is_too_long(text))
        return '\0';
    g_autoptr(SpfRecord) record = spf_record_parse(text, NULL);
    for (guint i = 0; record && i < record->terms->len; i++) {
        const SpfTerm *term = record->terms->pdata[i];
        if (term->kind == SPF_ALL)
            return term->qualifier;
    }
    g_autoptr(GPtrArray) texts = NULL;
    if (!record || !record->redirect || record->redirect->has_macro || depth == LIMIT_SPF_LOOKUPS ||
        spf_find(record->redirect->domain, answers, &texts) != SPF_FIND_ONE)
        return '\0';
    return final_all(texts->pdata[0], depth + 1, answers);
}

SpfSurvey *spf_survey(const char *text, const char *domain, const char *wanted, DnsAnswers *answers)
{
    SpfSurvey *survey = g_new0(SpfSurvey, 1);
    survey->flaws = g_ptr_array_new_with_free_func(flaw_free);
    g_autoptr(GPtrArray) path = g_ptr_array_new_with_free_func(g_free);
    Walk walk = {.survey = survey, .answers = answers, .wanted = wanted, .path = path};
    if (wanted && text_equal_nocase(wanted, domain))
        survey->contains_provider = TRUE;
    read_record(&walk, text, domain, TRUE);
    survey->all = final_all(text, 0, answers);
    if (survey->n_lookups > LIMIT_SPF_LOOKUPS || survey->n_voids > LIMIT_SPF_VOIDS)
        survey->is_permerror = TRUE;
    return survey;
}

/* --- Samples --------------------------------------------------------------------------------- */

typedef struct {
    GArray *samples; /* of DomainIp */
    guint most, n_records;
    DnsAnswers *answers;
} Sampling;

static void collect(Sampling *sampling, const char *domain)
{
    g_autoptr(GPtrArray) texts = NULL;
    if (++sampling->n_records > LIMIT_SPF_SURVEY ||
        spf_find(domain, sampling->answers, &texts) != SPF_FIND_ONE ||
        spf_record_is_too_long(texts->pdata[0]))
        return;
    g_autoptr(SpfRecord) record = spf_record_parse(texts->pdata[0], NULL);
    for (guint i = 0; record && i < record->terms->len; i++) {
        const SpfTerm *term = record->terms->pdata[i];
        if (sampling->samples->len >= sampling->most)
            return;
        gboolean leads_on =
            (term->kind == SPF_INCLUDE && term->qualifier == '+') || term->kind == SPF_REDIRECT;
        if (term->qualifier == '+' && (term->kind == SPF_IP4 || term->kind == SPF_IP6))
            g_array_append_val(sampling->samples, term->network);
        else if (leads_on && !term->has_macro)
            collect(sampling, term->domain);
    }
}

GArray *spf_samples(const char *domain, guint most, DnsAnswers *answers)
{
    Sampling sampling = {
        .samples = g_array_new(FALSE, FALSE, sizeof(DomainIp)), .most = most, .answers = answers};
    collect(&sampling, domain);
    return sampling.samples;
}
