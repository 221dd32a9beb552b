/* The three judges behind domain_check, each for its own part. */
#pragma once

#include "domain/domain.h"

/* Sets verdict and text. */
void judge_say(DomainPart *part, DomainVerdict verdict, DomainNote *text);
void judge_add(DomainPart *part, DomainSay code, const char *a, const char *b, guint n);
/* type: static; the others are taken. */
void judge_propose(DomainPart *part, const char *type, char *name, char *value, DomainNote *note);

/* TRUE if the domain is a provider's own: then that is all there is to say about it. */
gboolean judge_owned(const DomainQuestion *question, DomainPart *part);

void judge_spf(const DomainQuestion *question, DnsAnswers *answers, DomainPart *part);
void judge_dkim(const DomainQuestion *question, DnsAnswers *answers, DomainCheck *check);

/* After the other two: a policy harms where neither holds. */
void judge_dmarc(const DomainQuestion *question, DnsAnswers *answers, DomainCheck *check);
