#include "outbox/email.h"

#define WAITING (STATE_BIT(EMAIL_QUEUED) | STATE_BIT(EMAIL_DEFERRED) | STATE_BIT(EMAIL_SCHEDULED))
#define ENDED_WITHOUT_SENDING \
    (STATE_BIT(EMAIL_EXPIRED) | STATE_BIT(EMAIL_CANCELLED) | STATE_BIT(EMAIL_HANDED_OVER))

/* Nothing goes on by itself from here: a person looked and said "again". */
#define AGAIN_BY_A_PERSON STATE_BIT(EMAIL_QUEUED)

static const StateRow rows[] = {
    [0] = {"none", 0},
    [EMAIL_SCHEDULED] = {"scheduled",
        WAITING | STATE_BIT(EMAIL_SENDING) | STATE_BIT(EMAIL_REJECTED) | ENDED_WITHOUT_SENDING},
    [EMAIL_QUEUED] = {"queued",
        WAITING | STATE_BIT(EMAIL_SENDING) | STATE_BIT(EMAIL_REJECTED) | ENDED_WITHOUT_SENDING},
    [EMAIL_SENDING] = {"sending", WAITING | STATE_BIT(EMAIL_UNCERTAIN) | STATE_BIT(EMAIL_ACCEPTED) |
                                      STATE_BIT(EMAIL_REJECTED) | STATE_BIT(EMAIL_EXPIRED)},
    [EMAIL_DEFERRED] = {"deferred",
        WAITING | STATE_BIT(EMAIL_SENDING) | STATE_BIT(EMAIL_REJECTED) | ENDED_WITHOUT_SENDING},
    [EMAIL_UNCERTAIN] = {"uncertain", STATE_BIT(EMAIL_QUEUED) | STATE_BIT(EMAIL_SENDING) |
                                          STATE_BIT(EMAIL_UNCERTAIN) | STATE_BIT(EMAIL_DEFERRED) |
                                          STATE_BIT(EMAIL_REJECTED) | ENDED_WITHOUT_SENDING},
    [EMAIL_ACCEPTED] = {"accepted", 0},
    [EMAIL_REJECTED] = {"rejected", AGAIN_BY_A_PERSON},
    [EMAIL_EXPIRED] = {"expired", AGAIN_BY_A_PERSON},
    [EMAIL_CANCELLED] = {"cancelled", STATE_BIT(EMAIL_ACCEPTED)}, /* the mail was faster */
    [EMAIL_HANDED_OVER] = {"handed_over", 0},
    [EMAIL_HELD] = {"held", 0},
};

const StateTable email_states = {"email", rows, G_N_ELEMENTS(rows)};

static const char *const class_names[] = {
    [EMAIL_CLASS_RESET] = "reset",
    [EMAIL_CLASS_INVITATION] = "invitation",
    [EMAIL_CLASS_TRANSACTIONAL] = "transactional",
    [EMAIL_CLASS_NOTIFICATION] = "notification",
    [EMAIL_CLASS_BULK] = "bulk",
};

const char *email_class_name(EmailClass class)
{
    g_assert(class >= EMAIL_CLASS_RESET && class <= EMAIL_CLASS_BULK);
    return class_names[class];
}

gboolean email_class_parse(const char *name, EmailClass *class)
{
    for (EmailClass each = EMAIL_CLASS_RESET; each <= EMAIL_CLASS_BULK; each++) {
        if (g_strcmp0(name, class_names[each]) == 0) {
            *class = each;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean email_class_is_secret(EmailClass class)
{
    return class == EMAIL_CLASS_RESET || class == EMAIL_CLASS_INVITATION;
}

const char *email_state_name(EmailState state)
{
    return states_name(&email_states, state);
}

gboolean email_state_parse(const char *name, EmailState *state)
{
    for (EmailState each = EMAIL_SCHEDULED; each <= EMAIL_HELD; each++) {
        if (g_strcmp0(name, rows[each].name) == 0) {
            *state = each;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean email_state_is_waiting(EmailState state)
{
    switch (state) {
    case EMAIL_SCHEDULED:
    case EMAIL_QUEUED:
    case EMAIL_SENDING:
    case EMAIL_DEFERRED:
    case EMAIL_UNCERTAIN:
    case EMAIL_HELD:
        return TRUE;
    case EMAIL_ACCEPTED:
    case EMAIL_REJECTED:
    case EMAIL_EXPIRED:
    case EMAIL_CANCELLED:
    case EMAIL_HANDED_OVER:
        return FALSE;
    }
    g_assert_not_reached();
}

const char *email_gate_name(EmailGate gate)
{
    switch (gate) {
    case EMAIL_GATE_OPEN:
        return "open";
    case EMAIL_GATE_NOT_CONFIGURED:
        return "not_configured";
    case EMAIL_GATE_PAUSED:
        return "paused";
    case EMAIL_GATE_CREDENTIAL_FAULT:
        return "credential_fault";
    case EMAIL_GATE_QUOTA:
        return "quota";
    }
    g_assert_not_reached();
}

EmailState email_state_shown(EmailState stored, EmailGate gate)
{
    if (gate != EMAIL_GATE_OPEN && (stored == EMAIL_QUEUED || stored == EMAIL_DEFERRED))
        return EMAIL_HELD;
    return stored;
}

/* Which state speaks for the whole email: lower speaks first. */
static guint rank_of(EmailState state)
{
    switch (state) {
    case EMAIL_SENDING:
        return 0;
    case EMAIL_QUEUED:
        return 1;
    case EMAIL_DEFERRED:
        return 2;
    case EMAIL_HELD:
        return 3;
    case EMAIL_SCHEDULED:
        return 4;
    case EMAIL_UNCERTAIN:
        return 5;
    case EMAIL_REJECTED:
        return 6;
    case EMAIL_EXPIRED:
        return 7;
    case EMAIL_CANCELLED:
        return 8;
    case EMAIL_HANDED_OVER:
        return 9;
    case EMAIL_ACCEPTED:
        return 10;
    }
    g_assert_not_reached();
}

EmailState email_state_combine(EmailState a, EmailState b)
{
    return rank_of(a) <= rank_of(b) ? a : b;
}
