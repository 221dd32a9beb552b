#include "domain/judge.h"

#include "base/limits.h"
#include "base/text.h"

#include <string.h>

static DomainNote *detail_of_fault(const DkimKey *key)
{
    static const DomainSay codes[] = {
        [DKIM_FAULT_SYNTAX] = SAY_KEY_SYNTAX,
        [DKIM_FAULT_VERSION] = SAY_KEY_VERSION,
        [DKIM_FAULT_ALGORITHM] = SAY_KEY_ALGORITHM,
        [DKIM_FAULT_KEY] = SAY_KEY_UNREADABLE,
        [DKIM_FAULT_WEAK] = SAY_KEY_WEAK,
        [DKIM_FAULT_HASH] = SAY_KEY_HASH,
        [DKIM_FAULT_SERVICE] = SAY_KEY_SERVICE,
        [DKIM_FAULT_SEVERAL] = SAY_KEY_SEVERAL,
    };
    return domain_note_new(codes[key->fault], NULL, NULL, key->bits);
}

static DomainNote *detail_of(const DkimKey *key)
{
    switch (key->state) {
    case DKIM_KEY_FOUND:
        return domain_note_new(key->is_testing                     ? SAY_KEY_TESTING
                               : key->is_ed25519                   ? SAY_KEY_ED25519
                               : key->bits < LIMIT_DKIM_SHORT_BITS ? SAY_KEY_SHORT
                                                                   : SAY_KEY_FOUND,
            NULL, NULL, key->bits);
    case DKIM_KEY_MISSING:
        return key->alias ? domain_note_new(SAY_KEY_DANGLING, key->alias, NULL, 0)
                          : domain_note_new(SAY_KEY_MISSING, NULL, NULL, 0);
    case DKIM_KEY_REVOKED:
        return domain_note_new(SAY_KEY_REVOKED, NULL, NULL, 0);
    case DKIM_KEY_BROKEN:
        return detail_of_fault(key);
    case DKIM_KEY_OPEN:
    case DKIM_KEY_UNKNOWN:
        return domain_note_new(SAY_NO_ANSWER, NULL, NULL, 0);
    }
    g_assert_not_reached();
}

/* What all selectors together give. */
typedef struct {
    guint n, n_found, n_missing, n_wrong, n_unknown, n_wildcard;
    GString *found;       /* their names */
    const char *wildcard; /* what stands under any name at all, or NULL */
} Tally;

/* A mail has been signed with a learned selector, so its key is meant, wildcard or not. */
static gboolean is_of_wildcard(const DkimKey *key, const Tally *tally, gboolean is_learned)
{
    return !is_learned && tally->wildcard && g_strcmp0(key->record, tally->wildcard) == 0;
}

static void count(Tally *tally, DkimKeyState state)
{
    tally->n_found += state == DKIM_KEY_FOUND;
    tally->n_missing += state == DKIM_KEY_MISSING;
    tally->n_wrong += state == DKIM_KEY_BROKEN || state == DKIM_KEY_REVOKED;
    tally->n_unknown += state == DKIM_KEY_UNKNOWN || state == DKIM_KEY_OPEN;
}

static void look_at(const char *selector, gboolean is_learned, const DomainQuestion *question,
    DnsAnswers *answers, DomainCheck *check, Tally *tally)
{
    for (guint i = 0; i < check->selectors->len; i++) {
        const DomainSelector *other = check->selectors->pdata[i];
        if (text_equal_nocase(other->selector, selector))
            return;
    }
    if (check->selectors->len == LIMIT_DKIM_SELECTORS || !dkim_selector_is_sound(selector))
        return;
    g_autoptr(DkimKey) key = dkim_key_look_up(selector, question->domain, answers);
    DomainSelector *result = g_new0(DomainSelector, 1);
    result->selector = g_strdup(selector);
    g_ptr_array_add(check->selectors, result);
    tally->n++;
    if (is_of_wildcard(key, tally, is_learned)) {
        result->state = DKIM_KEY_UNKNOWN;
        result->detail = domain_note_new(SAY_KEY_WILDCARD, NULL, NULL, 0);
        tally->n_wildcard++;
        return;
    }
    result->state = key->state;
    result->detail = detail_of(key);
    count(tally, key->state);
    if (key->state == DKIM_KEY_FOUND) {
        g_string_append_printf(tally->found, "%s%s", tally->found->len ? ", " : "", selector);
        if (!check->dkim.record)
            check->dkim.record = g_strdup(key->record);
    }
}

static void look_at_all(const char *const *selectors, gboolean are_learned,
    const DomainQuestion *question, DnsAnswers *answers, DomainCheck *check, Tally *tally)
{
    for (guint i = 0; selectors && selectors[i]; i++)
        look_at(selectors[i], are_learned, question, answers, check, tally);
}

/* What stands under a name that nobody can have chosen; NULL: nothing, or not asked. */
static DkimKey *look_at_any(const DomainQuestion *question, DnsAnswers *answers)
{
    return question->made_up_selector
               ? dkim_key_look_up(question->made_up_selector, question->domain, answers)
               : NULL;
}

/* --- Proposal -------------------------------------------------------------------------------- */

static char *filled(const char *template, const char *domain)
{
    g_autofree char *dashed = g_strdelimit(g_strdup(domain), ".", '-');
    g_autoptr(GString) text = g_string_new(template);
    g_string_replace(text, "<domain-with-dashes>", dashed, 0);
    g_string_replace(text, "<domain>", domain, 0);
    return strchr(text->str, '<') ? NULL : g_strdup(text->str);
}

/* The first of the provider's records that can be given in full and whose key is there already: a
 * CNAME into nothing helps nobody. TRUE: proposed, or not yet to be told. */
static gboolean propose(const DomainQuestion *question, DnsAnswers *answers, DomainPart *part)
{
    for (guint i = 0; i < question->n_dkim_records; i++) {
        const DomainRecord *record = &question->dkim_records[i];
        g_autofree char *target = filled(record->value, question->domain);
        g_autofree char *below = filled(record->name, question->domain);
        if (!target || !below || strcmp(record->type, "CNAME") != 0 ||
            !g_str_has_suffix(below, "._domainkey"))
            continue;
        const DnsAnswer *answer = dns_answers_get(answers, target, DNS_TYPE_TXT);
        if (!answer)
            return TRUE;
        if (answer->status != DNS_FOUND || answer->records->len == 0)
            continue;
        const DnsRecord *txt = answer->records->pdata[0];
        g_autoptr(DkimKey) key = dkim_key_read(txt->text);
        if (key->state != DKIM_KEY_FOUND)
            continue;
        judge_propose(part, "CNAME", g_strconcat(below, ".", question->domain, NULL),
            g_steal_pointer(&target), domain_note_new(SAY_DKIM_ALIAS, question->provider, NULL, 0));
        return TRUE;
    }
    return FALSE;
}

static void propose_or_point(const DomainQuestion *question, DnsAnswers *answers, DomainPart *part)
{
    if (!propose(question, answers, part) && question->provider)
        judge_add(part, SAY_DKIM_COPY, question->provider, NULL, 0);
}

/* --- The judge ------------------------------------------------------------------------------- */

/* Where the name itself does not exist, nothing exists below it (RFC 8020). */
static gboolean has_no_keys(const char *domain, DnsAnswers *answers)
{
    g_autofree char *name = g_strconcat("_domainkey.", domain, NULL);
    const DnsAnswer *answer = dns_answers_get(answers, name, DNS_TYPE_TXT);
    return answer && answer->status == DNS_NO_NAME;
}

static void say(
    const DomainQuestion *question, DnsAnswers *answers, DomainPart *part, const Tally *tally)
{
    if (tally->n_found > 0) {
        judge_say(part, tally->n_wrong > 0 ? DOMAIN_WARNING : DOMAIN_GOOD,
            domain_note_new(tally->n_wrong > 0 ? SAY_DKIM_PARTLY : SAY_DKIM_GOOD, tally->found->str,
                NULL, tally->n_found));
    } else if (tally->n_wildcard > 0) {
        judge_say(part, DOMAIN_UNKNOWN, domain_note_new(SAY_DKIM_WILDCARD, NULL, NULL, 0));
    } else if (tally->n_unknown > 0) {
        judge_say(part, DOMAIN_UNKNOWN, domain_note_new(SAY_NO_ANSWER, NULL, NULL, 0));
    } else if (tally->n_wrong > 0) {
        judge_say(part, DOMAIN_WRONG, domain_note_new(SAY_DKIM_WRONG, NULL, NULL, 0));
        propose_or_point(question, answers, part);
    } else if (has_no_keys(question->domain, answers)) {
        judge_say(part, DOMAIN_MISSING, domain_note_new(SAY_DKIM_NO_KEYS, NULL, NULL, 0));
        propose_or_point(question, answers, part);
    } else if (tally->n_missing > 0) {
        judge_say(
            part, DOMAIN_MISSING, domain_note_new(SAY_DKIM_MISSING, question->provider, NULL, 0));
        propose_or_point(question, answers, part);
    } else {
        judge_say(part, DOMAIN_UNKNOWN, domain_note_new(SAY_DKIM_NO_SELECTOR, NULL, NULL, 0));
    }
}

void judge_dkim(const DomainQuestion *question, DnsAnswers *answers, DomainCheck *check)
{
    g_autoptr(GString) found = g_string_new(NULL);
    g_autoptr(DkimKey) any = look_at_any(question, answers);
    Tally tally = {.found = found, .wildcard = any ? any->record : NULL};
    look_at_all(question->learned_selectors, TRUE, question, answers, check, &tally);
    look_at_all(question->selectors, FALSE, question, answers, check, &tally);
    if (!judge_owned(question, &check->dkim))
        say(question, answers, &check->dkim, &tally);
}
