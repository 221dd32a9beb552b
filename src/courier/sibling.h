/* The other ports of the same host: when a run fails before anybody could log in, it is worth
 * knowing whether SSL/TLS on 465 works where STARTTLS on 587 does not, or the reverse, or else one
 * that the provider has for networks that block both. They are looked at at once. The probe
 * goes as far as EHLO over verified TLS and says QUIT; no user name and no password is sent. On the
 * loop thread only. */
#pragma once

#include "courier/session.h"
#include "store/verifications.h"

typedef struct sibling Sibling;

#define SIBLINGS_MOST 6 /* ports looked at */

/* The port to be looked at when `port` failed in this kind of TLS (RFC 8314 3.3): the other of 465
 * and 587, or of 2465 and 2587; the same port if it was tried in the wrong kind; else 587. Its kind
 * of TLS is always that of tls_mode_for_port. */
guint16 sibling_port(guint16 port, TlsMode security);

typedef struct {
    SiblingState state;
    gboolean is_silent; /* nothing answered at all, not even to refuse, on any of them */
    guint16 port;       /* the first that is open, else the first */
} SiblingFound;

/* Looks at these ports (a 0 ends them, SIBLINGS_MOST are looked at; the preferred one first) of the
 * host in `config` (its user name, password and kind of TLS do not matter) and tells within
 * LIMIT_SIBLING_MS; never before this returns. done: may free the Sibling. */
Sibling *sibling_look(const SessionConfig *config, const guint16 *ports,
    void (*done)(const SiblingFound *found, gpointer user), gpointer user);
void sibling_free(Sibling *sibling); /* no callback afterwards */
