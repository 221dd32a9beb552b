/* Pasted headers: whatever they say, results are words of a closed list, an address is a public
 * one, and nothing is learned that did not pass. */
#include "domain/headers.h"
#include "domain/ip.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static void is_result(const char *result)
{
    static const char *const words[] = {"pass", "fail", "softfail", "neutral", "none", "temperror",
        "permerror", "policy", "bestguesspass", "unknown"};
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(result, words[i]) == 0)
            return;
    }
    g_assert_not_reached();
}

static void nothing_false_is_learned(const HeaderCheck *check)
{
    for (guint i = 0; i < check->learned_selectors->len; i++) {
        gboolean has_passed = FALSE;
        for (guint j = 0; j < check->signatures->len; j++) {
            const HeaderSignature *signature = check->signatures->pdata[j];
            has_passed = has_passed || (strcmp(signature->result, "pass") == 0 &&
                                           g_strcmp0(signature->selector,
                                               check->learned_selectors->pdata[i]) == 0);
        }
        g_assert(has_passed);
    }
    g_assert(check->learned_addresses->len == 0 || check->sent_from);
}

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    g_autoptr(HeaderCheck) check = header_check(text, answers);
    if (!check)
        return 0;
    DomainIp ip;
    g_assert(
        !check->sent_from || (domain_ip_parse(check->sent_from, &ip) && domain_ip_is_public(&ip)));
    g_assert(check->delay_s >= -1);
    is_result(check->spf_result);
    is_result(check->dmarc_result);
    for (guint i = 0; i < check->signatures->len; i++) {
        const HeaderSignature *signature = check->signatures->pdata[i];
        g_assert(signature->domain);
        is_result(signature->result);
    }
    g_assert(check->text && check->spf_text && check->dmarc_text);
    nothing_false_is_learned(check);
    return 0;
}
