#include "domain/judge.h"

const char *domain_verdict_name(DomainVerdict verdict)
{
    switch (verdict) {
    case DOMAIN_GOOD:
        return "good";
    case DOMAIN_WARNING:
        return "warning";
    case DOMAIN_MISSING:
        return "missing";
    case DOMAIN_WRONG:
        return "wrong";
    case DOMAIN_UNKNOWN:
        return "unknown";
    }
    g_assert_not_reached();
}

DomainNote *domain_note_new(DomainSay code, const char *a, const char *b, guint n)
{
    DomainNote *note = g_new0(DomainNote, 1);
    note->code = code;
    note->a = g_strdup(a);
    note->b = g_strdup(b);
    note->n = n;
    return note;
}

void domain_note_free(DomainNote *note)
{
    if (!note)
        return;
    g_free(note->a);
    g_free(note->b);
    g_free(note);
}

void judge_say(DomainPart *part, DomainVerdict verdict, DomainNote *text)
{
    domain_note_free(part->text);
    part->verdict = verdict;
    part->text = text;
}

void judge_add(DomainPart *part, DomainSay code, const char *a, const char *b, guint n)
{
    g_ptr_array_add(part->details, domain_note_new(code, a, b, n));
}

static void proposal_free(DomainProposal *proposal)
{
    if (!proposal)
        return;
    g_free(proposal->name);
    g_free(proposal->value);
    domain_note_free(proposal->note);
    g_free(proposal);
}

void judge_propose(DomainPart *part, const char *type, char *name, char *value, DomainNote *note)
{
    proposal_free(part->proposal);
    part->proposal = g_new0(DomainProposal, 1);
    part->proposal->type = type;
    part->proposal->name = name;
    part->proposal->value = value;
    part->proposal->note = note;
}

gboolean judge_owned(const DomainQuestion *question, DomainPart *part)
{
    if (!question->owner)
        return FALSE;
    if (question->is_own)
        judge_say(part, DOMAIN_GOOD, domain_note_new(SAY_MANAGED, question->owner, NULL, 0));
    else
        judge_say(part, question->provider ? DOMAIN_WRONG : DOMAIN_UNKNOWN,
            domain_note_new(SAY_MANAGED_OTHER, question->owner, question->provider, 0));
    return TRUE;
}

static void part_init(DomainPart *part)
{
    part->details = g_ptr_array_new_with_free_func((GDestroyNotify)domain_note_free);
}

static void part_clear(DomainPart *part)
{
    g_free(part->record);
    domain_note_free(part->text);
    g_ptr_array_unref(part->details);
    proposal_free(part->proposal);
}

static void selector_free(gpointer data)
{
    DomainSelector *selector = data;
    g_free(selector->selector);
    domain_note_free(selector->detail);
    g_free(selector);
}

DomainCheck *domain_check(const DomainQuestion *question, DnsAnswers *answers)
{
    DomainCheck *check = g_new0(DomainCheck, 1);
    part_init(&check->spf);
    part_init(&check->dkim);
    part_init(&check->dmarc);
    check->selectors = g_ptr_array_new_with_free_func(selector_free);
    judge_spf(question, answers, &check->spf);
    judge_dkim(question, answers, check);
    judge_dmarc(question, answers, check);
    return check;
}

void domain_check_free(DomainCheck *check)
{
    if (!check)
        return;
    part_clear(&check->spf);
    part_clear(&check->dkim);
    part_clear(&check->dmarc);
    g_ptr_array_unref(check->selectors);
    g_free(check->dmarc_at);
    g_free(check);
}
