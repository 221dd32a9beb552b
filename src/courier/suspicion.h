/* Whose fault is it? Some failures look like the provider's and are not: a wrong clock, a sign-in
 * page of the network, a firewall that opens encrypted connections, a port that is blocked on the
 * way. This finds the name (DiagnosisInput.sys) under which the failure catalogue knows them. Pure.
 */
#pragma once

#include "base/clock.h"
#include "courier/session.h"
#include "courier/sibling.h"

/* What a failed run saw. Strings may be NULL. */
typedef struct {
    Rung rung;
    const char *sys;  /* as the connection said it */
    const char *text; /* the reply, or what came instead of a greeting */
    long verify;      /* X509_V_ERR_*, 0 */
    const char *certificate_subject, *certificate_issuer, *certificate_names;
    WallMs now;
    SiblingFound sibling; /* SIBLING_UNKNOWN: not looked at, or not yet */
} Suspect;

/* "CLOCK_BEHIND": this clock shows a time before the program existed.
 * "TLS_INTERCEPTED": the certificate was issued by what inspects traffic here.
 * "CAPTIVE_PORTAL": a page that wants a sign-in answers.
 * "PORT_BLOCKED": this port does not answer, the host's other one does.
 * "MAIL_PORTS_BLOCKED": both are silent.
 * NULL: nothing of the kind. */
const char *suspicion_sys(const Suspect *suspect);
