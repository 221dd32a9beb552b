/* One row played: a session of ours (src/courier/session.h) with three mails visits the row's
 * server, and when both have done the ledger is held against what the session said. */
#pragma once

#include "courier/session.h"
#include "diagnosis/diagnosis.h"
#include "identity.h"
#include "peer.h"

/* What all visits share. */
typedef struct {
    GMainContext *context;
    NetDialer dialer;
    NetTlsClient *tls;
    Identities *identities;
    const Secret *password;
    const DiagnosisCatalogue *catalogue;
} VisitGround;

/* A port to visit: one listener, lent to one visit at a time. */
typedef struct visit_place VisitPlace;
VisitPlace *visit_place_new(const VisitGround *ground);
void visit_place_free(VisitPlace *place);

typedef struct visit Visit;

/* finished: the visit is over and may be freed, not from inside. */
Visit *visit_new(const VisitGround *ground, VisitPlace *place, const Row *row,
    void (*finished)(Visit *visit, gpointer user), gpointer user);
void visit_free(Visit *visit);

void visit_look_at_clock(Visit *visit, MonoMs now); /* now and then: what takes too long ends */
gboolean visit_is_waiting(const Visit *visit);      /* for a deadline: it needs no time of ours */
gboolean visit_is_finished(const Visit *visit);
const Row *visit_row(const Visit *visit);
const char *visit_verdict(const Visit *visit); /* NULL: all as it must be */
RowTraffic visit_traffic(const Visit *visit);
void visit_count(const Visit *visit, guint counts[SMTP_OUTCOME_UNCERTAIN + 1]); /* adds to it */
gboolean visit_was_received(const Visit *visit); /* else its place may not be lent again */
char *visit_story(const Visit *visit);           /* what happened, for a person; the caller frees */
