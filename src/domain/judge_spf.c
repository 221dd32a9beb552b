#include "domain/judge.h"

#include "base/limits.h"
#include "base/text.h"
#include "domain/spf.h"

#include <string.h>

#define SAMPLES 8 /* addresses of the provider's own record that are tried */

/* What is known about the record and the provider when the verdict is spoken. */
typedef struct {
    const DomainQuestion *question;
    DnsAnswers *answers;
    DomainPart *part;
    const char *wanted; /* the host in the provider's mechanism, or NULL */
    SpfSurvey *survey;  /* of the one record */
    const char *text;   /* the one record */
} SpfJudge;

static const char *host_of(const char *mechanism)
{
    const char *at = mechanism ? strpbrk(mechanism, ":=") : NULL;
    return at ? at + 1 : NULL;
}

/* --- Proposals ------------------------------------------------------------------------------- */

/* A record to propose has been read through in this very check: it resolves, keeps every limit and
 * contains the provider. */
static gboolean is_fit(const SpfJudge *judge, const char *candidate)
{
    g_autoptr(SpfSurvey) survey =
        spf_survey(candidate, judge->question->domain, judge->wanted, judge->answers);
    return !survey->is_open && !survey->is_failed && !survey->is_permerror &&
           !survey->has_too_long && (!judge->wanted || survey->contains_provider);
}

static gboolean is_dead(const SpfJudge *judge, const char *term)
{
    for (guint i = 0; judge->survey && i < judge->survey->flaws->len; i++) {
        const SpfFlaw *flaw = judge->survey->flaws->pdata[i];
        gboolean is_ours = strcmp(flaw->domain, judge->question->domain) == 0;
        if (is_ours && flaw->kind == SPF_FLAW_TARGET_NONE && strcmp(flaw->term, term) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean holds_term(const GPtrArray *terms, const char *term)
{
    for (guint i = 0; i < terms->len; i++) {
        if (text_equal_nocase(terms->pdata[i], term))
            return TRUE;
    }
    return FALSE;
}

/* The mechanisms of all records, each once and without those that lead nowhere; *end: the "all"
 * (the mildest that means something) or redirect that closes them. */
static GPtrArray *gather(const SpfJudge *judge, const GPtrArray *texts, const char **end)
{
    static const char *const ends[] = {"~all", "?all", "-all"};
    GPtrArray *terms = g_ptr_array_new_with_free_func(g_free);
    guint best = G_N_ELEMENTS(ends);
    gboolean has_redirect = FALSE;
    for (guint i = 0; i < texts->len; i++) {
        g_auto(GStrv) words = g_strsplit((const char *)texts->pdata[i] + strlen("v=spf1"), " ", -1);
        for (guint j = 0; words[j]; j++) {
            gboolean is_all = FALSE;
            for (guint k = 0; k < G_N_ELEMENTS(ends); k++) {
                gboolean is_this = text_equal_nocase(words[j], ends[k]);
                is_all = is_all || is_this;
                best = is_this ? MIN(best, k) : best;
            }
            is_all =
                is_all || text_equal_nocase(words[j], "all") || text_equal_nocase(words[j], "+all");
            gboolean is_redirect = text_has_prefix_nocase(words[j], "redirect=");
            has_redirect = has_redirect || is_redirect;
            if (*words[j] && !is_all && !is_dead(judge, words[j]) && !holds_term(terms, words[j]))
                g_ptr_array_add(terms, g_strdup(words[j]));
        }
    }
    *end = best < G_N_ELEMENTS(ends) ? ends[best] : has_redirect ? "" : "~all";
    return terms;
}

/* One record out of those found, with the provider in front of what closes it. */
static char *compose(const SpfJudge *judge, const GPtrArray *texts)
{
    const char *end = NULL;
    g_autoptr(GPtrArray) terms = gather(judge, texts, &end);
    g_autofree char *include = judge->wanted && !(judge->survey && judge->survey->contains_provider)
                                   ? g_strconcat("include:", judge->wanted, NULL)
                                   : NULL;
    gboolean is_in = !include || holds_term(terms, include);
    GString *out = g_string_new("v=spf1");
    for (guint i = 0; i < terms->len; i++) {
        const char *term = terms->pdata[i];
        if (!is_in && text_has_prefix_nocase(term, "redirect=")) {
            g_string_append_printf(out, " %s", include);
            is_in = TRUE;
        }
        g_string_append_printf(out, " %s", term);
    }
    if (!is_in)
        g_string_append_printf(out, " %s", include);
    if (*end)
        g_string_append_printf(out, " %s", end);
    return g_string_free(out, FALSE);
}

/* TRUE if the provider's own record was found; else that is said. */
static gboolean is_resolved(const SpfJudge *judge)
{
    SpfFind find = judge->wanted ? spf_find(judge->wanted, judge->answers, NULL) : SPF_FIND_ONE;
    if (find == SPF_FIND_NONE || find == SPF_FIND_MANY || find == SPF_FIND_FAILED)
        judge_add(judge->part, SAY_SPF_UNRESOLVED, judge->question->spf_mechanism, NULL, 0);
    return find == SPF_FIND_ONE;
}

static void propose_new(const SpfJudge *judge)
{
    const char *mechanism = judge->question->spf_mechanism;
    if (!judge->wanted || !is_resolved(judge))
        return;
    gboolean is_redirect = text_has_prefix_nocase(mechanism, "redirect=");
    g_autofree char *value = g_strdup_printf("v=spf1 %s%s", mechanism, is_redirect ? "" : " ~all");
    if (is_fit(judge, value))
        judge_propose(judge->part, "TXT", g_strdup(judge->question->domain),
            g_steal_pointer(&value), domain_note_new(SAY_SPF_NEW, NULL, NULL, 0));
}

static gboolean are_too_long(const GPtrArray *texts)
{
    gsize n_bytes = 0;
    for (guint i = 0; i < texts->len; i++)
        n_bytes += strlen(texts->pdata[i]);
    return n_bytes > LIMIT_SPF_RECORD_BYTES;
}

/* In place of what is there. */
static void propose_instead(const SpfJudge *judge, const GPtrArray *texts)
{
    if (are_too_long(texts) || !is_resolved(judge))
        return;
    g_autofree char *value = compose(judge, texts);
    if (texts->len == 1 && strcmp(value, texts->pdata[0]) == 0)
        return;
    if (is_fit(judge, value)) {
        DomainSay code = texts->len > 1 ? SAY_SPF_MERGE : SAY_SPF_REPLACE;
        judge_propose(judge->part, "TXT", g_strdup(judge->question->domain),
            g_steal_pointer(&value), domain_note_new(code, NULL, NULL, texts->len));
    } else if (judge->survey && !judge->survey->is_permerror && judge->wanted) {
        judge_add(judge->part, SAY_SPF_TOO_FULL, judge->question->spf_mechanism, NULL, 0);
    }
}

/* --- Flaws ----------------------------------------------------------------------------------- */

static DomainSay say_of(SpfFlawKind kind)
{
    switch (kind) {
    case SPF_FLAW_SYNTAX:
        return SAY_SPF_SYNTAX;
    case SPF_FLAW_TARGET_NONE:
        return SAY_SPF_TARGET_NONE;
    case SPF_FLAW_TARGET_MANY:
        return SAY_SPF_TARGET_MANY;
    case SPF_FLAW_LOOP:
        return SAY_SPF_LOOP;
    case SPF_FLAW_TOO_MANY_HOSTS:
        return SAY_SPF_HOSTS;
    case SPF_FLAW_VOID:
        return SAY_SPF_VOID;
    case SPF_FLAW_MACRO:
        return SAY_SPF_MACRO;
    case SPF_FLAW_PTR:
        return SAY_SPF_PTR;
    case SPF_FLAW_UNREACHED:
        return SAY_SPF_UNREACHED;
    case SPF_FLAW_TOO_LONG:
        return SAY_SPF_TOO_LONG;
    }
    g_assert_not_reached();
}

static gboolean is_fatal(const SpfFlaw *flaw)
{
    return flaw->kind <= SPF_FLAW_TOO_MANY_HOSTS;
}

static void add_details(const SpfJudge *judge)
{
    const SpfSurvey *survey = judge->survey;
    for (guint i = 0; i < survey->flaws->len; i++) {
        const SpfFlaw *flaw = survey->flaws->pdata[i];
        if (!is_fatal(flaw))
            judge_add(judge->part, say_of(flaw->kind), flaw->term, flaw->domain, 0);
    }
    if (survey->all == '\0')
        judge_add(judge->part, SAY_SPF_NO_ALL, NULL, NULL, 0);
    if (survey->n_lookups > 0 && survey->n_lookups <= LIMIT_SPF_LOOKUPS)
        judge_add(judge->part, SAY_SPF_COST, NULL, NULL, survey->n_lookups);
}

/* A record with permerror counts for nothing: the first reason is the sentence, the others are
 * details. */
static void say_permerror(const SpfJudge *judge)
{
    const SpfSurvey *survey = judge->survey;
    DomainPart *part = judge->part;
    for (guint i = 0; i < survey->flaws->len; i++) {
        const SpfFlaw *flaw = survey->flaws->pdata[i];
        if (!is_fatal(flaw))
            continue;
        if (part->text)
            judge_add(part, say_of(flaw->kind), flaw->term, flaw->domain, 0);
        else
            judge_say(part, DOMAIN_WRONG,
                domain_note_new(say_of(flaw->kind), flaw->term, flaw->domain, 0));
    }
    if (!part->text && survey->n_lookups > LIMIT_SPF_LOOKUPS)
        judge_say(
            part, DOMAIN_WRONG, domain_note_new(SAY_SPF_LOOKUPS, NULL, NULL, survey->n_lookups));
    else if (!part->text)
        judge_say(part, DOMAIN_WRONG, domain_note_new(SAY_SPF_VOIDS, NULL, NULL, survey->n_voids));
}

/* What such a record allows is not known, and neither is what else is wrong with it. */
static void say_too_long(const SpfJudge *judge)
{
    const GPtrArray *flaws = judge->survey->flaws;
    for (guint i = 0; i < flaws->len; i++) {
        const SpfFlaw *flaw = flaws->pdata[i];
        if (flaw->kind == SPF_FLAW_TOO_LONG && !judge->part->text)
            judge_say(judge->part, DOMAIN_UNKNOWN,
                domain_note_new(SAY_SPF_TOO_LONG, NULL, flaw->domain, 0));
    }
}

/* --- May the provider send? ------------------------------------------------------------------ */

typedef struct {
    guint n_pass, n_other;
    gboolean is_open;
    const char *refused; /* the first address that is not allowed */
} Trial;

static void try_address(const SpfJudge *judge, const DomainIp *ip, const char *text, Trial *trial)
{
    const SpfClient client = {.ip = *ip};
    SpfResult result = spf_check(&client, judge->question->domain, judge->answers);
    if (result == SPF_RESULT_OPEN || result == SPF_TEMPERROR) {
        trial->is_open = TRUE;
    } else if (result == SPF_PASS) {
        trial->n_pass++;
    } else {
        trial->n_other++;
        trial->refused = trial->refused ? trial->refused : text;
    }
}

/* Where mail was seen to come from says more than any name in a record. */
static Trial try_learned(const SpfJudge *judge)
{
    Trial trial = {.n_pass = 0};
    const char *const *addresses = judge->question->learned_addresses;
    for (guint i = 0; addresses && addresses[i] && i < LIMIT_DOMAIN_FACTS; i++) {
        DomainIp ip;
        if (domain_ip_parse(addresses[i], &ip))
            try_address(judge, &ip, addresses[i], &trial);
    }
    return trial;
}

static gboolean covers_samples(const SpfJudge *judge)
{
    if (!judge->wanted)
        return FALSE;
    g_autoptr(GArray) samples = spf_samples(judge->wanted, SAMPLES, judge->answers);
    Trial trial = {.n_pass = 0};
    for (guint i = 0; i < samples->len && trial.n_other == 0 && !trial.is_open; i++)
        try_address(judge, &g_array_index(samples, DomainIp, i), NULL, &trial);
    return trial.n_pass > 0 && trial.n_other == 0 && !trial.is_open;
}

static void add_addresses(const SpfJudge *judge, const Trial *trial)
{
    if (trial->n_other > 0)
        judge_add(judge->part, SAY_SPF_ADDRESS_ABSENT, trial->refused, NULL, 0);
    else if (trial->n_pass > 0)
        judge_add(judge->part, SAY_SPF_ADDRESS, judge->question->learned_addresses[0], NULL, 0);
}

static void say_absent(const SpfJudge *judge, const Trial *trial, const GPtrArray *texts)
{
    const DomainQuestion *question = judge->question;
    if (judge->wanted)
        judge_say(judge->part, DOMAIN_WRONG,
            domain_note_new(SAY_SPF_PROVIDER_ABSENT, question->provider, NULL, 0));
    else
        judge_say(judge->part, DOMAIN_WRONG,
            domain_note_new(SAY_SPF_ADDRESS_ABSENT, trial->refused, NULL, 0));
    if (judge->wanted)
        propose_instead(judge, texts);
}

/* The record is sound; does it let this provider send? */
static void say_allowed(const SpfJudge *judge, const GPtrArray *texts)
{
    const DomainQuestion *question = judge->question;
    const SpfSurvey *survey = judge->survey;
    DomainPart *part = judge->part;
    Trial learned = try_learned(judge);
    if (survey->all == '+') {
        judge_say(part, DOMAIN_WARNING, domain_note_new(SAY_SPF_ALLOWS_ALL, NULL, NULL, 0));
        if (judge->wanted) /* else nobody knows who sends by that "+all" */
            propose_instead(judge, texts);
    } else if (!question->is_spf_needed) {
        judge_say(
            part, DOMAIN_GOOD, domain_note_new(SAY_SPF_NOT_NEEDED, question->provider, NULL, 0));
    } else if (survey->contains_provider) {
        judge_say(part, DOMAIN_GOOD, domain_note_new(SAY_SPF_GOOD, question->provider, NULL, 0));
        add_addresses(judge, &learned);
    } else if ((learned.n_pass > 0 && learned.n_other == 0) || covers_samples(judge)) {
        judge_say(part, DOMAIN_GOOD,
            domain_note_new(SAY_SPF_GOOD_ADDRESSES, question->provider, NULL, 0));
    } else if (learned.is_open) {
        judge_say(part, DOMAIN_UNKNOWN, domain_note_new(SAY_NO_ANSWER, NULL, NULL, 0));
    } else if (survey->has_macros && learned.n_other == 0) {
        judge_say(part, DOMAIN_UNKNOWN, domain_note_new(SAY_SPF_UNCERTAIN, NULL, NULL, 0));
    } else if (judge->wanted || learned.n_other > 0) {
        say_absent(judge, &learned, texts);
    } else {
        judge_say(part, DOMAIN_UNKNOWN, domain_note_new(SAY_SPF_SOUND, NULL, NULL, 0));
    }
}

/* --- The judge ------------------------------------------------------------------------------- */

static void judge_one(SpfJudge *judge, const GPtrArray *texts)
{
    const DomainQuestion *question = judge->question;
    judge->text = texts->pdata[0];
    g_autoptr(SpfSurvey) survey =
        spf_survey(judge->text, question->domain, judge->wanted, judge->answers);
    judge->survey = survey;
    if (survey->is_permerror) {
        say_permerror(judge);
        add_details(judge);
        propose_instead(judge, texts);
    } else if (survey->is_open || survey->is_failed) {
        judge_say(judge->part, DOMAIN_UNKNOWN, domain_note_new(SAY_NO_ANSWER, NULL, NULL, 0));
    } else if (survey->has_too_long && !survey->contains_provider) {
        say_too_long(judge);
    } else {
        say_allowed(judge, texts);
        add_details(judge);
    }
    judge->survey = NULL;
}

static char *joined(const GPtrArray *texts)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < texts->len; i++)
        g_string_append_printf(out, "%s%s", i ? "\n" : "", (const char *)texts->pdata[i]);
    return g_string_free(out, FALSE);
}

static void judge_none(const SpfJudge *judge)
{
    const DomainQuestion *question = judge->question;
    if (!question->is_spf_needed) {
        judge_say(judge->part, DOMAIN_GOOD,
            domain_note_new(SAY_SPF_NOT_NEEDED, question->provider, NULL, 0));
        return;
    }
    judge_say(judge->part, DOMAIN_MISSING, domain_note_new(SAY_SPF_MISSING, NULL, NULL, 0));
    propose_new(judge);
}

/* An answer beyond 512 octets does not fit into a small DNS packet (RFC 7208 3.4), and one string
 * of a TXT record holds 255 (RFC 7208 3.3). */
static void add_lengths(DomainPart *part, const GPtrArray *texts)
{
    gsize longest = 0;
    for (guint i = 0; texts && i < texts->len; i++)
        longest = MAX(longest, strlen(texts->pdata[i]));
    gsize proposed = part->proposal ? strlen(part->proposal->value) : 0;
    if (longest > LIMIT_SPF_COMFORTABLE_OCTETS)
        judge_add(part, SAY_SPF_LONG, NULL, NULL, (guint)longest);
    if (proposed > LIMIT_TXT_STRING_OCTETS)
        judge_add(part, SAY_SPF_SPLIT, NULL, NULL, (guint)proposed);
}

void judge_spf(const DomainQuestion *question, DnsAnswers *answers, DomainPart *part)
{
    SpfJudge judge = {.question = question,
        .answers = answers,
        .part = part,
        .wanted = question->is_spf_needed ? host_of(question->spf_mechanism) : NULL};
    g_autoptr(GPtrArray) texts = NULL;
    SpfFind find = spf_find(question->domain, answers, &texts);
    if (judge.wanted)
        spf_find(judge.wanted, answers, NULL); /* asked in the same round */
    if (texts && texts->len > 0)
        part->record = joined(texts);
    if (judge_owned(question, part))
        return;
    switch (find) {
    case SPF_FIND_OPEN:
    case SPF_FIND_FAILED:
        judge_say(part, DOMAIN_UNKNOWN, domain_note_new(SAY_NO_ANSWER, NULL, NULL, 0));
        break;
    case SPF_FIND_NONE:
        judge_none(&judge);
        break;
    case SPF_FIND_MANY:
        judge_say(part, DOMAIN_WRONG, domain_note_new(SAY_SPF_SEVERAL, NULL, NULL, texts->len));
        propose_instead(&judge, texts);
        break;
    case SPF_FIND_ONE:
        judge_one(&judge, texts);
        break;
    }
    add_lengths(part, texts);
}
