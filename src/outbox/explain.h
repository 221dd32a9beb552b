/* Why has this mail not been sent? One answer for every state under every gate: a code, the next
 * moment at which something happens by itself, and what a person could do to change it. Pure; the
 * sentences for the codes are in api/words/explanation_text.c. It never claims more than is known:
 * what may have arrived is not called unsent. */
#pragma once

#include "diagnosis/diagnosis.h"
#include "outbox/email.h"

typedef enum {
    EXPLAIN_WAITING_TURN = 1, /* due, and nothing stands against it */
    EXPLAIN_WAITING_PROVIDER, /* due, but the last sessions with the provider went wrong */
    EXPLAIN_HELD,             /* due, or deferred, but the org's gate is closed */
    EXPLAIN_SCHEDULED,
    EXPLAIN_SCHEDULED_HELD, /* its time is ahead, but as things are nothing would go out then */
    EXPLAIN_SENDING,
    EXPLAIN_DEFERRED_REFUSED,   /* the provider said "not now" to this mail */
    EXPLAIN_DEFERRED_ACCOUNT,   /* what it said is about the account or the settings */
    EXPLAIN_DEFERRED_SENDER,    /* not handed over: its sender is not the settings' any more */
    EXPLAIN_DEFERRED_UNREACHED, /* no reply decided: nobody refused this mail */
    EXPLAIN_DEFERRED_LAST,      /* there is no further attempt before its deadline */
    EXPLAIN_EXPIRING,           /* past its deadline, about to be ended unsent */
    EXPLAIN_UNCERTAIN_REPEATED, /* it will be sent once more and may arrive twice */
    EXPLAIN_UNCERTAIN_HELD,     /* the same, once the gate opens */
    EXPLAIN_UNCERTAIN_ONCE,     /* it must not be sent twice */
    EXPLAIN_UNCERTAIN_ENDED,    /* it is not sent again by itself */
    EXPLAIN_ACCEPTED,
    EXPLAIN_ACCEPTED_FLAGGED, /* and may have arrived twice */
    EXPLAIN_REJECTED,
    EXPLAIN_EXPIRED,
    EXPLAIN_CANCELLED,
    EXPLAIN_HANDED_OVER,
} ExplainCode;

/* What would change it. */
typedef enum {
    EXPLAIN_CHANGE_ENTER_SETTINGS = 1,
    EXPLAIN_CHANGE_SWITCH_ON,
    EXPLAIN_CHANGE_VERIFY_PASSWORD,
    EXPLAIN_CHANGE_RAISE_QUOTA,
    EXPLAIN_CHANGE_FIX_CAUSE, /* what the diagnosis says */
    EXPLAIN_CHANGE_RETRY,
    EXPLAIN_CHANGE_RESCHEDULE,
    EXPLAIN_CHANGE_CANCEL,
    EXPLAIN_CHANGE_SEND_NEW, /* hand it over anew */
} ExplainChange;
#define EXPLAIN_CHANGES 9

typedef struct {
    EmailState state; /* as stored; HELD counts as queued */
    EmailGate gate;   /* the one this mail stands before: OPEN for a test mail while paused */
    WallMs now;
    WallMs next_at;       /* 0: none */
    WallMs deadline_at;   /* its own expiry or the longest lifetime */
    WallMs gate_opens_at; /* end of the pause, automatic login, room in the quota; 0: not by itself
                           */
    DiagnosisFate fate;   /* of what the last attempt met; NONE: no reply decided */
    gboolean is_former_sender; /* the last attempt ended before the provider was asked */
    gboolean is_diagnosed;     /* there is a diagnosis that says how to mend it */
    gboolean is_troubled;      /* what the last traffic said of the account, beside this mail */
    gboolean at_most_once;
    gboolean is_flagged;  /* an attempt ended uncertain: it may have arrived */
    gboolean has_body;    /* FALSE: erased, it can never be sent again */
    gboolean past_expiry; /* the expiry it was handed over with has come */
} ExplainFacts;

typedef struct {
    ExplainCode code;
    EmailGate gate;    /* HELD, SCHEDULED_HELD, UNCERTAIN_HELD: which */
    WallMs next_at;    /* when something happens by itself; 0: nothing does, or it does at once.
                          Always before expires_at, if there is one */
    WallMs expires_at; /* when it is given up; 0: at its end, or being sent */
    gboolean expires_first; /* something would happen by itself, but it is given up before that */
    ExplainChange changes[EXPLAIN_CHANGES];
    guint n_changes;
} Explanation;

/* Total: every state under every gate has an answer. */
Explanation explain(const ExplainFacts *facts);

/* "waiting_turn" …; a closed gate is named: "held_paused", "scheduled_quota", "uncertain_paused".
 */
const char *explain_code_name(ExplainCode code, EmailGate gate);
const char *explain_change_name(ExplainChange change); /* "enter_settings" … */
