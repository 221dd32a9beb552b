#include "api/readiness.h"

#include "base/limits.h"
#include "store/emails.h"
#include "store/smtp_settings.h"

/* NULL: nothing speaks against it. A quota in force does so only once mail is late because of it.
 */
static const char *find_obstacle(const SmtpState *state, EmailGate gate, gboolean is_late)
{
    if (gate != EMAIL_GATE_OPEN && gate != EMAIL_GATE_QUOTA)
        return email_gate_name(gate);
    if (state->health != HEALTH_OK)
        return health_name(state->health);
    if (!is_late)
        return NULL;
    return gate == EMAIL_GATE_QUOTA ? email_gate_name(gate) : "behind";
}

gboolean readiness_read(Db *db, gint64 org_id, WallMs now, Readiness *readiness, GError **error)
{
    WallMs due_at = 0;
    g_autoptr(SmtpState) state = smtp_state_read(db, org_id, error);
    if (!state || !emails_oldest_due(db, org_id, now, &due_at, error))
        return FALSE;
    gint64 due_ms = due_at > 0 ? now - due_at : 0;
    const char *obstacle =
        find_obstacle(state, smtp_state_gate(state, now), due_ms > LIMIT_DUE_LATE_MS);
    *readiness = (Readiness){
        .is_able = !obstacle, .reason = obstacle ? obstacle : "ok", .oldest_due_ms = due_ms};
    return TRUE;
}
