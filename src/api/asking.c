#include "api/asking.h"

#include "base/clock.h"
#include "base/limits.h"

gpointer asking_judge(NetDns *dns, AskingJudge judge, GDestroyNotify free_verdict,
    gconstpointer question, gint64 limit_ms)
{
    g_autoptr(DnsAnswers) answers = dns_answers_new();
    MonoMs end = clock_mono_ms() + limit_ms;
    gpointer verdict = judge(question, answers);
    for (guint round = 0; dns_answers_n_open(answers) > 0 && round < LIMIT_DOMAIN_ROUNDS; round++) {
        MonoMs left = end - clock_mono_ms();
        if (left <= 0)
            break;
        net_dns_ask(dns, answers, left);
        g_clear_pointer(&verdict, free_verdict);
        verdict = judge(question, answers);
    }
    return verdict;
}
