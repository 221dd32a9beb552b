/* The words of an email's life: classes, states, the allowed moves between states. Pure. */
#pragma once

#include "base/clock.h"
#include "base/states.h"

#include <glib.h>

typedef enum {
    EMAIL_CLASS_RESET = 1, /* in the order they go out */
    EMAIL_CLASS_INVITATION,
    EMAIL_CLASS_TRANSACTIONAL,
    EMAIL_CLASS_NOTIFICATION,
    EMAIL_CLASS_BULK,
} EmailClass;

const char *email_class_name(EmailClass class);
gboolean email_class_parse(const char *name, EmailClass *class);
gboolean email_class_is_secret(EmailClass class); /* bodies never readable, erased at the end */

/* States of one recipient as they are stored. `held` is not stored: it is what `queued` and
 * `deferred` are called while the org's gate is closed (see EmailGate), so that pausing a million
 * mails writes one row. */
typedef enum {
    EMAIL_SCHEDULED = 1,
    EMAIL_QUEUED,
    EMAIL_SENDING,
    EMAIL_DEFERRED,
    EMAIL_UNCERTAIN,
    EMAIL_ACCEPTED,
    EMAIL_REJECTED,
    EMAIL_EXPIRED,
    EMAIL_CANCELLED,
    EMAIL_HANDED_OVER,
    EMAIL_HELD, /* shown, never stored */
} EmailState;

const char *email_state_name(EmailState state); /* "scheduled" … "held" */
gboolean email_state_parse(const char *name, EmailState *state);
gboolean email_state_is_waiting(
    EmailState state);                /* scheduled, queued, sending, deferred, uncertain, held */
extern const StateTable email_states; /* allowed moves of the stored states */

/* Why an org's mail does not go out now. */
typedef enum {
    EMAIL_GATE_OPEN = 0,
    EMAIL_GATE_NOT_CONFIGURED,
    EMAIL_GATE_PAUSED,
    EMAIL_GATE_CREDENTIAL_FAULT,
    EMAIL_GATE_QUOTA, /* the quota of the settings is used up at the moment */
} EmailGate;

const char *email_gate_name(
    EmailGate gate); /* "open", "not_configured", "paused", "credential_fault", "quota" */

/* One place in the order in which mails go out: by class, then time, then row. The waiting mails of
 * an org can be read on from here. */
typedef struct {
    EmailClass class;
    WallMs next_at;
    gint64 recipient_id;
} EmailPosition;

#define EMAIL_POSITION_START ((EmailPosition){(EmailClass)0, 0, 0}) /* before the first */

/* What a stored state is called under a gate. */
EmailState email_state_shown(EmailState stored, EmailGate gate);

/* The state of an email with several recipients: the first of sending, queued, deferred, held,
 * scheduled, uncertain, rejected, expired, cancelled, handed_over, accepted that occurs. */
EmailState email_state_combine(EmailState a, EmailState b);
