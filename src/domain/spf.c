#include "domain/spf.h"

#include "base/limits.h"
#include "base/text.h"

#include <string.h>

#define NAME_MOST 253
#define LABEL_MOST 63

const char *spf_result_name(SpfResult result)
{
    switch (result) {
    case SPF_RESULT_OPEN:
        return "open";
    case SPF_NONE:
        return "none";
    case SPF_NEUTRAL:
        return "neutral";
    case SPF_PASS:
        return "pass";
    case SPF_FAIL:
        return "fail";
    case SPF_SOFTFAIL:
        return "softfail";
    case SPF_TEMPERROR:
        return "temperror";
    case SPF_PERMERROR:
        return "permerror";
    }
    g_assert_not_reached();
}

SpfFind spf_find(const char *domain, DnsAnswers *answers, GPtrArray **texts)
{
    const DnsAnswer *answer = dns_answers_get(answers, domain, DNS_TYPE_TXT);
    if (!answer)
        return SPF_FIND_OPEN;
    if (answer->status == DNS_SERVER_FAIL || answer->status == DNS_TIMEOUT)
        return SPF_FIND_FAILED;
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    for (guint i = 0; i < answer->records->len; i++) {
        const DnsRecord *record = answer->records->pdata[i];
        if (spf_record_is_one(record->text))
            g_ptr_array_add(found, record->text);
    }
    SpfFind result = found->len == 0   ? SPF_FIND_NONE
                     : found->len == 1 ? SPF_FIND_ONE
                                       : SPF_FIND_MANY;
    if (texts)
        *texts = g_steal_pointer(&found);
    return result;
}

/* --- check_host ------------------------------------------------------------------------------ */

typedef struct {
    const SpfClient *client;
    DomainIp ip;
    const char *sender;
    DnsAnswers *answers;
    guint n_lookups, n_voids;
} Check;

/* What one mechanism says. */
typedef enum {
    TERM_OPEN = 1,
    TERM_MATCHES,
    TERM_PASSES_BY, /* does not match */
    TERM_TEMPERROR,
    TERM_PERMERROR,
} Verdict;

static SpfResult check_host(Check *check, const char *domain);

/* An answer for a term: counts what was void. *answer is set for TERM_MATCHES only. */
static Verdict ask(Check *check, const char *name, DnsType type, const DnsAnswer **answer)
{
    const DnsAnswer *got = dns_answers_get(check->answers, name, type);
    if (!got)
        return TERM_OPEN;
    if (got->status == DNS_SERVER_FAIL || got->status == DNS_TIMEOUT)
        return TERM_TEMPERROR;
    if (got->status != DNS_FOUND || got->records->len == 0) {
        check->n_voids++;
        return check->n_voids > LIMIT_SPF_VOIDS ? TERM_PERMERROR : TERM_PASSES_BY;
    }
    *answer = got;
    return TERM_MATCHES;
}

static DnsType address_type(const Check *check)
{
    return check->ip.bits == 32 ? DNS_TYPE_A : DNS_TYPE_AAAA;
}

static gboolean has_address(const DnsAnswer *answer, const DomainIp *ip, guint prefix)
{
    for (guint i = 0; i < answer->records->len; i++) {
        const DnsRecord *record = answer->records->pdata[i];
        DomainIp host;
        if (domain_ip_parse(record->text, &host) && domain_ip_is_in(ip, &host, prefix))
            return TRUE;
    }
    return FALSE;
}

static guint prefix_of(const Check *check, const SpfTerm *term)
{
    return check->ip.bits == 32 ? term->prefix4 : term->prefix6;
}

static Verdict match_a(Check *check, const SpfTerm *term, const char *target)
{
    const DnsAnswer *answer = NULL;
    Verdict verdict = ask(check, target, address_type(check), &answer);
    if (verdict != TERM_MATCHES)
        return verdict;
    return has_address(answer, &check->ip, prefix_of(check, term)) ? TERM_MATCHES : TERM_PASSES_BY;
}

static Verdict match_mx(Check *check, const SpfTerm *term, const char *target)
{
    const DnsAnswer *mx = NULL;
    Verdict verdict = ask(check, target, DNS_TYPE_MX, &mx);
    if (verdict != TERM_MATCHES)
        return verdict;
    if (mx->records->len > LIMIT_SPF_HOSTS)
        return TERM_PERMERROR;
    verdict = TERM_PASSES_BY;
    for (guint i = 0; i < mx->records->len; i++) {
        const DnsRecord *host = mx->records->pdata[i];
        const DnsAnswer *answer = dns_answers_get(check->answers, host->text, address_type(check));
        if (!answer)
            verdict = TERM_OPEN; /* the others are asked too, for one round trip */
        else if (answer->status == DNS_SERVER_FAIL || answer->status == DNS_TIMEOUT)
            return verdict == TERM_OPEN ? TERM_OPEN : TERM_TEMPERROR;
        else if (verdict != TERM_OPEN && has_address(answer, &check->ip, prefix_of(check, term)))
            return TERM_MATCHES;
    }
    return verdict;
}

static gboolean is_below(const char *name, const char *domain)
{
    gsize n = strlen(name), m = strlen(domain);
    if (n < m || !text_equal_nocase(name + n - m, domain))
        return FALSE;
    return n == m || name[n - m - 1] == '.';
}

/* The names of the client's address that lead back to it (RFC 7208 5.5). NULL with *is_open, or
 * without: DNS failed, which counts as none. The caller unrefs; names are lent. */
static GPtrArray *validated_names(const Check *check, gboolean *is_open)
{
    g_autofree char *reverse = domain_ip_reverse_name(&check->ip);
    const DnsAnswer *ptr = dns_answers_get(check->answers, reverse, DNS_TYPE_PTR);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    *is_open = ptr == NULL;
    guint n = ptr ? MIN(ptr->records->len, LIMIT_SPF_HOSTS) : 0;
    for (guint i = 0; i < n; i++) {
        const DnsRecord *record = ptr->records->pdata[i];
        const DnsAnswer *answer =
            dns_answers_get(check->answers, record->text, address_type(check));
        if (!answer)
            *is_open = TRUE;
        else if (has_address(answer, &check->ip, check->ip.bits))
            g_ptr_array_add(names, record->text);
    }
    return *is_open ? NULL : g_steal_pointer(&names);
}

static Verdict match_ptr(Check *check, const char *target)
{
    gboolean is_open = FALSE;
    g_autoptr(GPtrArray) names = validated_names(check, &is_open);
    for (guint i = 0; names && i < names->len; i++) {
        if (is_below(names->pdata[i], target))
            return TERM_MATCHES;
    }
    return is_open ? TERM_OPEN : TERM_PASSES_BY;
}

static Verdict match_include(Check *check, const char *target)
{
    SpfResult inner = check_host(check, target);
    switch (inner) {
    case SPF_RESULT_OPEN:
        return TERM_OPEN;
    case SPF_PASS:
        return TERM_MATCHES;
    case SPF_FAIL:
    case SPF_SOFTFAIL:
    case SPF_NEUTRAL:
        return TERM_PASSES_BY;
    case SPF_TEMPERROR:
        return TERM_TEMPERROR;
    case SPF_NONE:
    case SPF_PERMERROR:
        return TERM_PERMERROR;
    }
    g_assert_not_reached();
}

/* What %{p} stands for: the domain itself, else a name below it, else any (RFC 7208 7.3). */
static const char *validated_name(const Check *check, const char *domain, gboolean *is_open)
{
    g_autoptr(GPtrArray) names = validated_names(check, is_open);
    const char *best = NULL;
    for (guint i = 0; names && i < names->len; i++) {
        const char *name = names->pdata[i];
        if (text_equal_nocase(name, domain))
            return name;
        if (!best || (is_below(name, domain) && !is_below(best, domain)))
            best = name;
    }
    return best;
}

/* The name a term speaks of. FALSE with *verdict: it cannot be told. */
static gboolean expand(
    const Check *check, const SpfTerm *term, const char *domain, char **target, Verdict *verdict)
{
    if (!term->domain) {
        *target = g_strdup(domain);
        return TRUE;
    }
    SpfMacros macros = {
        .sender = check->sender, .domain = domain, .helo = check->client->helo, .ip = &check->ip};
    gboolean is_open = FALSE, needs_helo = FALSE;
    if (spf_macro_has(term->domain, 'p'))
        macros.validated = validated_name(check, domain, &is_open);
    *target = spf_macro_expand(term->domain, &macros, &needs_helo);
    *verdict = is_open ? TERM_OPEN : TERM_TEMPERROR;
    return !is_open && !needs_helo;
}

static Verdict match_name(Check *check, const SpfTerm *term, const char *target)
{
    const DnsAnswer *answer = NULL;
    switch (term->kind) {
    case SPF_A:
        return match_a(check, term, target);
    case SPF_MX:
        return match_mx(check, term, target);
    case SPF_PTR:
        return match_ptr(check, target);
    case SPF_INCLUDE:
        return match_include(check, target);
    case SPF_EXISTS: /* always A, for IPv6 clients too (RFC 7208 5.7) */
        return ask(check, target, DNS_TYPE_A, &answer);
    case SPF_ALL:
    case SPF_IP4:
    case SPF_IP6:
    case SPF_REDIRECT:
    case SPF_EXP:
    case SPF_OTHER_MODIFIER:
        break;
    }
    g_assert_not_reached();
}

static Verdict match(Check *check, const SpfTerm *term, const char *domain)
{
    if (term->kind == SPF_ALL)
        return TERM_MATCHES;
    if (term->kind == SPF_IP4 || term->kind == SPF_IP6)
        return domain_ip_is_in(&check->ip, &term->network, term->prefix4) ? TERM_MATCHES
                                                                          : TERM_PASSES_BY;
    if (++check->n_lookups > LIMIT_SPF_LOOKUPS)
        return TERM_PERMERROR;
    g_autofree char *target = NULL;
    Verdict verdict = TERM_OPEN;
    if (!expand(check, term, domain, &target, &verdict))
        return verdict;
    return match_name(check, term, target);
}

static SpfResult result_of(char qualifier)
{
    return qualifier == '+'   ? SPF_PASS
           : qualifier == '-' ? SPF_FAIL
           : qualifier == '~' ? SPF_SOFTFAIL
                              : SPF_NEUTRAL;
}

static SpfResult follow_redirect(Check *check, const SpfTerm *redirect, const char *domain)
{
    if (++check->n_lookups > LIMIT_SPF_LOOKUPS)
        return SPF_PERMERROR;
    g_autofree char *target = NULL;
    Verdict verdict = TERM_OPEN;
    if (!expand(check, redirect, domain, &target, &verdict))
        return verdict == TERM_OPEN ? SPF_RESULT_OPEN : SPF_TEMPERROR;
    SpfResult result = check_host(check, target);
    return result == SPF_NONE ? SPF_PERMERROR : result; /* RFC 7208 6.1 */
}

static SpfResult evaluate(Check *check, const SpfRecord *record, const char *domain)
{
    for (guint i = 0; i < record->terms->len; i++) {
        const SpfTerm *term = record->terms->pdata[i];
        if (term->qualifier == 0)
            continue;
        switch (match(check, term, domain)) {
        case TERM_OPEN:
            return SPF_RESULT_OPEN;
        case TERM_MATCHES:
            return result_of(term->qualifier);
        case TERM_PASSES_BY:
            break;
        case TERM_TEMPERROR:
            return SPF_TEMPERROR;
        case TERM_PERMERROR:
            return SPF_PERMERROR;
        }
    }
    return record->redirect ? follow_redirect(check, record->redirect, domain) : SPF_NEUTRAL;
}

/* A domain name of two labels or more (RFC 7208 4.3). */
static gboolean is_full_name(const char *domain)
{
    gsize n = strlen(domain), label = 0;
    gboolean has_dot = FALSE;
    if (n > NAME_MOST || strchr(domain, '['))
        return FALSE;
    for (gsize i = 0; i < n; i++) {
        if (domain[i] == '.' && (label == 0 || i + 1 == n))
            return FALSE;
        has_dot = has_dot || domain[i] == '.';
        label = domain[i] == '.' ? 0 : label + 1;
        if (label > LABEL_MOST)
            return FALSE;
    }
    return has_dot;
}

/* Recursion ends at LIMIT_SPF_LOOKUPS: each level costs one. */
static SpfResult check_host(Check *check, const char *domain)
{
    g_autoptr(GPtrArray) texts = NULL;
    if (!is_full_name(domain))
        return SPF_NONE;
    switch (spf_find(domain, check->answers, &texts)) {
    case SPF_FIND_OPEN:
        return SPF_RESULT_OPEN;
    case SPF_FIND_NONE:
        return SPF_NONE;
    case SPF_FIND_MANY:
        return SPF_PERMERROR;
    case SPF_FIND_FAILED:
        return SPF_TEMPERROR;
    case SPF_FIND_ONE:
        break;
    }
    if (spf_record_is_too_long(texts->pdata[0]))
        return SPF_TEMPERROR; /* it cannot be told */
    g_autoptr(SpfRecord) record = spf_record_parse(texts->pdata[0], NULL);
    return record ? evaluate(check, record, domain) : SPF_PERMERROR;
}

SpfResult spf_check(const SpfClient *client, const char *domain, DnsAnswers *answers)
{
    const char *given = client->sender ? client->sender : "";
    const char *at = strrchr(given, '@');
    g_autofree char *sender =
        at && at > given ? g_strdup(given) : g_strdup_printf("postmaster@%s", at ? at + 1 : domain);
    Check check = {.client = client, .ip = client->ip, .sender = sender, .answers = answers};
    domain_ip_unmap(&check.ip);
    return check_host(&check, domain);
}
