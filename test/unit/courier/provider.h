/* A provider for the courier's tests: the server core over real sockets and TLS, with manners that
 * can be chosen. Password "right", anything else is refused. */
#pragma once

#include <glib.h>

typedef struct provider Provider;

/* All may be changed while it runs; what is announced counts for the next connection. */
typedef struct {
    gboolean chunking, no_pipelining;
    guint mailmax;     /* announced with LIMITS; 0: not */
    int login_code;    /* what every login is answered; 0: as its password deserves */
    guint connections; /* one more is refused with 421; 0: none is */
    guint tired_after, /* mails of one session taken, then 421 to the next one's end; 0: never */
        busy_from; /* sessions beside so many (1: all) answer their first MAIL with 421; 0: none */
    guint closes_after; /* mails answered in one session, then MAIL is answered 421; 0: never */
    gboolean defers;    /* each mail's end is answered 451 */
    gboolean swallows;  /* what stands behind the end of a mail in one read is lost */
    gboolean holds;     /* mails wait for provider_release */
} ProviderManner;

/* directory: for its certificate. */
Provider *provider_new(GMainContext *context, const char *directory);
void provider_free(Provider *provider);

ProviderManner *provider_manner(Provider *provider);
guint16 provider_port(const Provider *provider); /* STARTTLS */
const char *provider_ca_file(const Provider *provider);

/* Answers the mails that are held, and holds no more. */
void provider_release(Provider *provider);
void provider_cut(Provider *provider); /* drops every connection at once */

typedef struct {
    guint sessions; /* that got a greeting of 220 */
    guint at_once;  /* the most of these that stood together */
    guint refused;  /* connections, with 421 */
    guint logins, login_failures;
    guint mails;     /* taken */
    guint asked;     /* mails whose end arrived, answered or not */
    guint least;     /* mails of the session that took the fewest, of those that took any */
    guint swallowed; /* octets */
    guint64 octets;  /* of the mails that were taken */
    guint bare;      /* mails without ENVID em_… or without RET=HDRS */
} ProviderFacts;
ProviderFacts provider_facts(const Provider *provider);

/* How often a mail for this address was taken. */
guint provider_taken(const Provider *provider, const char *address);
