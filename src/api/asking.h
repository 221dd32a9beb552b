/* Judges that want to know something of the DNS: they are asked, what they left open is looked up,
 * and they are asked again, until nothing is open or the time is over. For routes with ROUTE_ASKS.
 */
#pragma once

#include "base/dns.h"
#include "net/dns.h"

/* A pure judgement of *question with the answers there are; what it lacks it leaves open in
 * *answers. The caller frees. */
typedef gpointer (*AskingJudge)(gconstpointer question, DnsAnswers *answers);

/* The last verdict: what is open after limit_ms or LIMIT_DOMAIN_ROUNDS was judged as unknown. May
 * be NULL if the judge's may. The caller frees. */
gpointer asking_judge(NetDns *dns, AskingJudge judge, GDestroyNotify free_verdict,
    gconstpointer question, gint64 limit_ms);
