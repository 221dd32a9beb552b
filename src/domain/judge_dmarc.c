#include "domain/judge.h"

#include "domain/dmarc.h"

#include <string.h>

#define FIRST_RECORD "v=DMARC1; p=none"

static void add_notes(DomainPart *part, guint notes)
{
    static const struct {
        guint note;
        DomainSay code;
    } rows[] = {
        {DMARC_NOTE_TESTING, SAY_DMARC_TESTING},
        {DMARC_NOTE_PCT, SAY_DMARC_PCT},
        {DMARC_NOTE_NO_REPORTS, SAY_DMARC_NO_REPORTS},
        {DMARC_NOTE_FOREIGN_REPORT, SAY_DMARC_FOREIGN_REPORT},
        {DMARC_NOTE_NO_POLICY, SAY_DMARC_NO_POLICY},
        {DMARC_NOTE_STRICT_DKIM, SAY_DMARC_STRICT_DKIM},
        {DMARC_NOTE_STRICT_SPF, SAY_DMARC_STRICT_SPF},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (notes & rows[i].note)
            judge_add(part, rows[i].code, NULL, NULL, 0);
    }
}

/* Reports to another domain are only sent if it says that it wants them (RFC 9990 4). A domain that
 * does not answer is given the benefit of the doubt. */
static void ask_receivers(DomainPart *part, const DmarcFinding *finding, DnsAnswers *answers)
{
    const char *domain = finding->at + strlen("_dmarc.");
    g_auto(GStrv) receivers = dmarc_report_domains(finding->text, finding->organisation);
    for (guint i = 0; receivers[i]; i++) {
        g_autofree char *name = g_strconcat(domain, "._report._dmarc.", receivers[i], NULL);
        const DnsAnswer *answer = dns_answers_get(answers, name, DNS_TYPE_TXT);
        if (!answer || answer->status == DNS_SERVER_FAIL || answer->status == DNS_TIMEOUT)
            continue;
        gboolean is_wanted = FALSE;
        for (guint k = 0; k < answer->records->len; k++) {
            const DnsRecord *record = answer->records->pdata[k];
            is_wanted = is_wanted || dmarc_record_is_meant(record->text);
        }
        if (!is_wanted)
            judge_add(part, SAY_DMARC_REPORT_REFUSED, receivers[i], name, 0);
    }
}

static const char *alignment(guint notes)
{
    gboolean dkim = (notes & DMARC_NOTE_STRICT_DKIM) != 0;
    gboolean spf = (notes & DMARC_NOTE_STRICT_SPF) != 0;
    return dkim && spf ? "strict" : dkim ? "strict_dkim" : spf ? "strict_spf" : "relaxed";
}

static gboolean is_down(const DomainPart *part)
{
    return part->verdict == DOMAIN_MISSING || part->verdict == DOMAIN_WRONG;
}

/* Aligned mail needs one of the two; SPF of a provider's own envelope sender is never aligned. */
static gboolean is_harmful(
    const DomainQuestion *question, const DomainCheck *check, const DmarcFinding *finding)
{
    return finding->applied != DMARC_POLICY_NONE && is_down(&check->dkim) &&
           (is_down(&check->spf) || !question->is_spf_needed);
}

static void say_found(const DomainQuestion *question, DomainCheck *check,
    const DmarcFinding *finding, DnsAnswers *answers)
{
    DomainPart *part = &check->dmarc;
    const char *policy = dmarc_policy_name(finding->applied);
    g_autofree char *own = g_strconcat("_dmarc.", question->domain, NULL);
    check->policy = policy;
    check->alignment = alignment(finding->record.notes);
    if (is_harmful(question, check, finding))
        judge_say(part, DOMAIN_WRONG, domain_note_new(SAY_DMARC_HARMFUL, policy, NULL, 0));
    else if (finding->applied == DMARC_POLICY_NONE)
        judge_say(part, DOMAIN_GOOD, domain_note_new(SAY_DMARC_WATCHES, NULL, NULL, 0));
    else
        judge_say(part, DOMAIN_GOOD, domain_note_new(SAY_DMARC_ENFORCED, policy, NULL, 0));
    if (g_strcmp0(own, finding->at) != 0)
        judge_add(part, SAY_DMARC_INHERITED, finding->at, NULL, 0);
    add_notes(part, finding->record.notes);
    ask_receivers(part, finding, answers);
}

static void propose(const DomainQuestion *question, DomainPart *part, DomainSay note)
{
    if (!question->owner)
        judge_propose(part, "TXT", g_strconcat("_dmarc.", question->domain, NULL),
            g_strdup(FIRST_RECORD), domain_note_new(note, NULL, NULL, 0));
}

void judge_dmarc(const DomainQuestion *question, DnsAnswers *answers, DomainCheck *check)
{
    DomainPart *part = &check->dmarc;
    g_autoptr(DmarcFinding) finding = dmarc_find(question->domain, answers);
    part->record = g_strdup(finding->text);
    check->dmarc_at = g_strdup(finding->at);
    switch (finding->state) {
    case DMARC_OPEN:
    case DMARC_FAILED:
        judge_say(part, DOMAIN_UNKNOWN, domain_note_new(SAY_NO_ANSWER, NULL, NULL, 0));
        break;
    case DMARC_FOUND:
        say_found(question, check, finding, answers);
        break;
    case DMARC_MISSING:
        judge_say(part, DOMAIN_MISSING, domain_note_new(SAY_DMARC_MISSING, NULL, NULL, 0));
        propose(question, part, SAY_DMARC_NEW);
        break;
    case DMARC_SEVERAL:
        judge_say(part, DOMAIN_WRONG, domain_note_new(SAY_DMARC_SEVERAL, finding->at, NULL, 0));
        propose(question, part, SAY_DMARC_REPAIR);
        break;
    case DMARC_BROKEN:
        judge_say(part, DOMAIN_WRONG, domain_note_new(SAY_DMARC_BROKEN, finding->at, NULL, 0));
        propose(question, part, SAY_DMARC_REPAIR);
        break;
    }
}
