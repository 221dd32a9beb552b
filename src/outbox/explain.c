#include "outbox/explain.h"

#define GATES (EMAIL_GATE_QUOTA + 1)
#define BIT(change) (1u << (change))

/* --- What it is ------------------------------------------------------------------------------ */

/* By state and gate; what else is known refines it below. */
static const ExplainCode codes[EMAIL_HELD + 1][GATES] = {
    [EMAIL_SCHEDULED] = {EXPLAIN_SCHEDULED, EXPLAIN_SCHEDULED_HELD, EXPLAIN_SCHEDULED_HELD,
        EXPLAIN_SCHEDULED_HELD, EXPLAIN_SCHEDULED}, /* the quota moves on until then */
    [EMAIL_QUEUED] = {EXPLAIN_WAITING_TURN, EXPLAIN_HELD, EXPLAIN_HELD, EXPLAIN_HELD, EXPLAIN_HELD},
    [EMAIL_SENDING] = {EXPLAIN_SENDING, EXPLAIN_SENDING, EXPLAIN_SENDING, EXPLAIN_SENDING,
        EXPLAIN_SENDING},
    [EMAIL_DEFERRED] = {EXPLAIN_DEFERRED_REFUSED, EXPLAIN_HELD, EXPLAIN_HELD, EXPLAIN_HELD,
        EXPLAIN_HELD},
    [EMAIL_UNCERTAIN] = {EXPLAIN_UNCERTAIN_REPEATED, EXPLAIN_UNCERTAIN_HELD, EXPLAIN_UNCERTAIN_HELD,
        EXPLAIN_UNCERTAIN_HELD, EXPLAIN_UNCERTAIN_HELD},
    [EMAIL_ACCEPTED] = {EXPLAIN_ACCEPTED, EXPLAIN_ACCEPTED, EXPLAIN_ACCEPTED, EXPLAIN_ACCEPTED,
        EXPLAIN_ACCEPTED},
    [EMAIL_REJECTED] = {EXPLAIN_REJECTED, EXPLAIN_REJECTED, EXPLAIN_REJECTED, EXPLAIN_REJECTED,
        EXPLAIN_REJECTED},
    [EMAIL_EXPIRED] = {EXPLAIN_EXPIRED, EXPLAIN_EXPIRED, EXPLAIN_EXPIRED, EXPLAIN_EXPIRED,
        EXPLAIN_EXPIRED},
    [EMAIL_CANCELLED] = {EXPLAIN_CANCELLED, EXPLAIN_CANCELLED, EXPLAIN_CANCELLED, EXPLAIN_CANCELLED,
        EXPLAIN_CANCELLED},
    [EMAIL_HANDED_OVER] = {EXPLAIN_HANDED_OVER, EXPLAIN_HANDED_OVER, EXPLAIN_HANDED_OVER,
        EXPLAIN_HANDED_OVER, EXPLAIN_HANDED_OVER},
    [EMAIL_HELD] = {EXPLAIN_WAITING_TURN, EXPLAIN_HELD, EXPLAIN_HELD, EXPLAIN_HELD, EXPLAIN_HELD},
};

/* A scheduled mail whose time has come, and a deferred one, wait like any other. */
static EmailState waits_as(const ExplainFacts *facts)
{
    gboolean is_due = facts->next_at <= facts->now;
    gboolean waits_for_time = facts->state == EMAIL_SCHEDULED || facts->state == EMAIL_DEFERRED;
    return waits_for_time && is_due ? EMAIL_QUEUED : facts->state;
}

/* Its own time comes too late: it is given up before. */
static gboolean is_too_late(const ExplainFacts *facts)
{
    return facts->next_at >= facts->deadline_at;
}

static ExplainCode why_deferred(const ExplainFacts *facts)
{
    if (is_too_late(facts))
        return EXPLAIN_DEFERRED_LAST;
    if (facts->is_former_sender)
        return EXPLAIN_DEFERRED_SENDER;
    switch (facts->fate) {
    case DIAGNOSIS_FATE_NONE:
        return EXPLAIN_DEFERRED_UNREACHED;
    case DIAGNOSIS_FATE_HOLD:
        return EXPLAIN_DEFERRED_ACCOUNT;
    case DIAGNOSIS_FATE_RETRY:
    case DIAGNOSIS_FATE_BOUNCE:
        return EXPLAIN_DEFERRED_REFUSED;
    }
    g_assert_not_reached();
}

static gboolean is_over(const ExplainFacts *facts)
{
    return facts->deadline_at <= facts->now;
}

/* By the time it is scheduled for, the pause is over or it is given up: then the gate matters not.
 */
static gboolean is_past_gate(const ExplainFacts *facts)
{
    gboolean ends_in_time = facts->gate == EMAIL_GATE_PAUSED && facts->gate_opens_at > 0 &&
                            facts->gate_opens_at <= facts->next_at;
    return ends_in_time || is_too_late(facts);
}

/* What the table cannot know. */
static ExplainCode refine(ExplainCode code, const ExplainFacts *facts)
{
    switch (code) {
    case EXPLAIN_DEFERRED_REFUSED:
        return is_over(facts) ? EXPLAIN_EXPIRING : why_deferred(facts);
    case EXPLAIN_WAITING_TURN:
        if (facts->is_troubled && !is_over(facts))
            return EXPLAIN_WAITING_PROVIDER;
        return is_over(facts) ? EXPLAIN_EXPIRING : code;
    case EXPLAIN_HELD:
        if (is_over(facts))
            return EXPLAIN_EXPIRING;
        return waits_as(facts) == EMAIL_DEFERRED && is_too_late(facts) ? EXPLAIN_DEFERRED_LAST
                                                                       : code;
    case EXPLAIN_SCHEDULED_HELD:
        if (is_over(facts))
            return EXPLAIN_EXPIRING;
        return is_past_gate(facts) ? EXPLAIN_SCHEDULED : code;
    case EXPLAIN_SCHEDULED:
        return is_over(facts) ? EXPLAIN_EXPIRING : code;
    case EXPLAIN_UNCERTAIN_REPEATED:
    case EXPLAIN_UNCERTAIN_HELD:
        if (facts->at_most_once)
            return EXPLAIN_UNCERTAIN_ONCE;
        return facts->next_at == 0 || is_over(facts) || is_too_late(facts) ? EXPLAIN_UNCERTAIN_ENDED
                                                                           : code;
    case EXPLAIN_ACCEPTED:
        return facts->is_flagged ? EXPLAIN_ACCEPTED_FLAGGED : code;
    case EXPLAIN_WAITING_PROVIDER:
    case EXPLAIN_SENDING:
    case EXPLAIN_DEFERRED_ACCOUNT:
    case EXPLAIN_DEFERRED_SENDER:
    case EXPLAIN_DEFERRED_UNREACHED:
    case EXPLAIN_DEFERRED_LAST:
    case EXPLAIN_EXPIRING:
    case EXPLAIN_UNCERTAIN_ONCE:
    case EXPLAIN_UNCERTAIN_ENDED:
    case EXPLAIN_ACCEPTED_FLAGGED:
    case EXPLAIN_REJECTED:
    case EXPLAIN_EXPIRED:
    case EXPLAIN_CANCELLED:
    case EXPLAIN_HANDED_OVER:
        return code;
    }
    g_assert_not_reached();
}

/* --- When, and what would change it ---------------------------------------------------------- */

typedef enum {
    MOMENT_NONE,
    MOMENT_OWN,  /* the mail's own time */
    MOMENT_GATE, /* when the gate opens by itself, but not before the mail's own time */
} Moment;

static const struct {
    const char *name; /* with a closed gate only its beginning */
    Moment moment;
    gboolean waits; /* it has a deadline */
    guint changes;  /* besides what opens the gate; BIT of each */
} rows[] = {
    [EXPLAIN_WAITING_TURN] = {"waiting_turn", MOMENT_NONE, TRUE, BIT(EXPLAIN_CHANGE_CANCEL)},
    [EXPLAIN_WAITING_PROVIDER] = {"waiting_provider", MOMENT_NONE, TRUE,
        BIT(EXPLAIN_CHANGE_CANCEL)},
    [EXPLAIN_HELD] = {"held", MOMENT_GATE, TRUE, BIT(EXPLAIN_CHANGE_CANCEL)},
    [EXPLAIN_SCHEDULED] = {"scheduled", MOMENT_OWN, TRUE,
        BIT(EXPLAIN_CHANGE_RESCHEDULE) | BIT(EXPLAIN_CHANGE_CANCEL)},
    [EXPLAIN_SCHEDULED_HELD] = {"scheduled", MOMENT_GATE, TRUE,
        BIT(EXPLAIN_CHANGE_RESCHEDULE) | BIT(EXPLAIN_CHANGE_CANCEL)},
    [EXPLAIN_SENDING] = {"sending", MOMENT_NONE, FALSE, 0},
    [EXPLAIN_DEFERRED_REFUSED] = {"deferred_refused", MOMENT_OWN, TRUE,
        BIT(EXPLAIN_CHANGE_FIX_CAUSE) | BIT(EXPLAIN_CHANGE_RETRY) | BIT(EXPLAIN_CHANGE_CANCEL)},
    [EXPLAIN_DEFERRED_ACCOUNT] = {"deferred_account", MOMENT_OWN, TRUE,
        BIT(EXPLAIN_CHANGE_FIX_CAUSE) | BIT(EXPLAIN_CHANGE_RETRY) | BIT(EXPLAIN_CHANGE_CANCEL)},
    [EXPLAIN_DEFERRED_SENDER] = {"deferred_sender", MOMENT_NONE, TRUE,
        BIT(EXPLAIN_CHANGE_FIX_CAUSE) | BIT(EXPLAIN_CHANGE_CANCEL)},
    [EXPLAIN_DEFERRED_UNREACHED] = {"deferred_unreached", MOMENT_OWN, TRUE,
        BIT(EXPLAIN_CHANGE_FIX_CAUSE) | BIT(EXPLAIN_CHANGE_RETRY) | BIT(EXPLAIN_CHANGE_CANCEL)},
    [EXPLAIN_DEFERRED_LAST] = {"deferred_last", MOMENT_NONE, TRUE,
        BIT(EXPLAIN_CHANGE_FIX_CAUSE) | BIT(EXPLAIN_CHANGE_RETRY) | BIT(EXPLAIN_CHANGE_CANCEL)},
    [EXPLAIN_EXPIRING] = {"expiring", MOMENT_NONE, TRUE, 0},
    [EXPLAIN_UNCERTAIN_REPEATED] = {"uncertain_repeated", MOMENT_OWN, TRUE,
        BIT(EXPLAIN_CHANGE_RETRY) | BIT(EXPLAIN_CHANGE_CANCEL)},
    [EXPLAIN_UNCERTAIN_HELD] = {"uncertain", MOMENT_GATE, TRUE, BIT(EXPLAIN_CHANGE_CANCEL)},
    [EXPLAIN_UNCERTAIN_ONCE] = {"uncertain_once", MOMENT_NONE, FALSE, BIT(EXPLAIN_CHANGE_SEND_NEW)},
    [EXPLAIN_UNCERTAIN_ENDED] = {"uncertain_ended", MOMENT_NONE, FALSE, BIT(EXPLAIN_CHANGE_RETRY)},
    [EXPLAIN_ACCEPTED] = {"accepted", MOMENT_NONE, FALSE, 0},
    [EXPLAIN_ACCEPTED_FLAGGED] = {"accepted_flagged", MOMENT_NONE, FALSE, 0},
    [EXPLAIN_REJECTED] = {"rejected", MOMENT_NONE, FALSE,
        BIT(EXPLAIN_CHANGE_FIX_CAUSE) | BIT(EXPLAIN_CHANGE_RETRY)},
    [EXPLAIN_EXPIRED] = {"expired", MOMENT_NONE, FALSE, BIT(EXPLAIN_CHANGE_RETRY)},
    [EXPLAIN_CANCELLED] = {"cancelled", MOMENT_NONE, FALSE, BIT(EXPLAIN_CHANGE_SEND_NEW)},
    [EXPLAIN_HANDED_OVER] = {"handed_over", MOMENT_NONE, FALSE, 0},
};

static gboolean names_gate(ExplainCode code)
{
    return code == EXPLAIN_HELD || code == EXPLAIN_SCHEDULED_HELD || code == EXPLAIN_UNCERTAIN_HELD;
}

/* What a person could do to open the gate. */
static guint opening(EmailGate gate)
{
    switch (gate) {
    case EMAIL_GATE_OPEN:
        return 0;
    case EMAIL_GATE_NOT_CONFIGURED:
        return BIT(EXPLAIN_CHANGE_ENTER_SETTINGS);
    case EMAIL_GATE_PAUSED:
        return BIT(EXPLAIN_CHANGE_SWITCH_ON);
    case EMAIL_GATE_CREDENTIAL_FAULT:
        return BIT(EXPLAIN_CHANGE_VERIFY_PASSWORD);
    case EMAIL_GATE_QUOTA:
        return BIT(EXPLAIN_CHANGE_RAISE_QUOTA);
    }
    g_assert_not_reached();
}

static guint changes_of(ExplainCode code, const ExplainFacts *facts)
{
    guint changes = rows[code].changes;
    if (names_gate(code))
        changes |= opening(facts->gate);
    if (!facts->is_diagnosed)
        changes &= ~BIT(EXPLAIN_CHANGE_FIX_CAUSE);
    /* What cannot be tried again has to be handed over anew. */
    gboolean is_lost = !facts->has_body || facts->past_expiry;
    if ((changes & BIT(EXPLAIN_CHANGE_RETRY)) && is_lost)
        changes = (changes & ~BIT(EXPLAIN_CHANGE_RETRY)) | BIT(EXPLAIN_CHANGE_SEND_NEW);
    return changes;
}

static WallMs ahead(WallMs at, WallMs now)
{
    return at > now ? at : 0;
}

static WallMs moment_of(ExplainCode code, const ExplainFacts *facts)
{
    switch (rows[code].moment) {
    case MOMENT_NONE:
        return 0;
    case MOMENT_OWN:
        return ahead(facts->next_at, facts->now);
    case MOMENT_GATE:
        return facts->gate_opens_at > 0
                   ? ahead(MAX(facts->gate_opens_at, facts->next_at), facts->now)
                   : 0;
    }
    g_assert_not_reached();
}

Explanation explain(const ExplainFacts *facts)
{
    g_assert(facts->state >= EMAIL_SCHEDULED && facts->state <= EMAIL_HELD);
    g_assert((int)facts->gate >= EMAIL_GATE_OPEN && facts->gate < GATES);
    ExplainCode code = refine(codes[waits_as(facts)][facts->gate], facts);
    Explanation answer = {.code = code,
        .gate = names_gate(code) ? facts->gate : EMAIL_GATE_OPEN,
        .next_at = moment_of(code, facts),
        .expires_at = rows[code].waits ? facts->deadline_at : 0};
    if (answer.expires_at > 0 && answer.next_at >= answer.expires_at) {
        answer.next_at = 0;
        answer.expires_first = TRUE;
    }
    guint changes = changes_of(code, facts);
    for (ExplainChange change = EXPLAIN_CHANGE_ENTER_SETTINGS; change <= EXPLAIN_CHANGE_SEND_NEW;
         change++)
        if (changes & BIT(change))
            answer.changes[answer.n_changes++] = change;
    return answer;
}

/* --- Names ----------------------------------------------------------------------------------- */

static const char *const held_names[][GATES] = {
    {NULL, "held_not_configured", "held_paused", "held_credential_fault", "held_quota"},
    {NULL, "scheduled_not_configured", "scheduled_paused", "scheduled_credential_fault",
        "scheduled_quota"},
    {NULL, "uncertain_not_configured", "uncertain_paused", "uncertain_credential_fault",
        "uncertain_quota"},
};

const char *explain_code_name(ExplainCode code, EmailGate gate)
{
    g_assert(code >= EXPLAIN_WAITING_TURN && code <= EXPLAIN_HANDED_OVER);
    if (gate == EMAIL_GATE_OPEN || !names_gate(code))
        return rows[code].name;
    return held_names[code == EXPLAIN_HELD ? 0 : code == EXPLAIN_SCHEDULED_HELD ? 1 : 2][gate];
}

const char *explain_change_name(ExplainChange change)
{
    static const char *const names[] = {
        [EXPLAIN_CHANGE_ENTER_SETTINGS] = "enter_settings",
        [EXPLAIN_CHANGE_SWITCH_ON] = "switch_on",
        [EXPLAIN_CHANGE_VERIFY_PASSWORD] = "verify_password",
        [EXPLAIN_CHANGE_RAISE_QUOTA] = "raise_quota",
        [EXPLAIN_CHANGE_FIX_CAUSE] = "fix_cause",
        [EXPLAIN_CHANGE_RETRY] = "retry",
        [EXPLAIN_CHANGE_RESCHEDULE] = "reschedule",
        [EXPLAIN_CHANGE_CANCEL] = "cancel",
        [EXPLAIN_CHANGE_SEND_NEW] = "send_new",
    };
    g_assert(change >= EXPLAIN_CHANGE_ENTER_SETTINGS && change <= EXPLAIN_CHANGE_SEND_NEW);
    return names[change];
}
