/* The names under which phases and faults appear in data/failures.json. */
#include "smtp/client.h"

const char *smtp_phase_name(SmtpPhase phase)
{
    switch (phase) {
    case SMTP_PHASE_GREETING:
        return "greeting";
    case SMTP_PHASE_EHLO:
        return "ehlo";
    case SMTP_PHASE_STARTTLS:
        return "starttls";
    case SMTP_PHASE_TLS:
        return "tls";
    case SMTP_PHASE_AUTH:
        return "auth";
    case SMTP_PHASE_MAIL:
        return "mail_from";
    case SMTP_PHASE_RCPT:
        return "rcpt_to";
    case SMTP_PHASE_DATA:
        return "data";
    case SMTP_PHASE_AFTER_DATA:
        return "after_data";
    case SMTP_PHASE_QUIT:
        return "quit";
    }
    g_assert_not_reached();
}

static const char *timeout_name(SmtpPhase phase)
{
    if (phase == SMTP_PHASE_GREETING)
        return "GREETING_TIMEOUT";
    return phase == SMTP_PHASE_AFTER_DATA ? "DATA_TIMEOUT" : "ETIMEDOUT";
}

const char *smtp_fault_sys_name(SmtpFault fault, SmtpPhase phase)
{
    switch (fault) {
    case SMTP_FAULT_NONE:
    case SMTP_FAULT_REPLY:
    case SMTP_FAULT_LOST:
        return NULL;
    case SMTP_FAULT_TIMEOUT:
        return timeout_name(phase);
    case SMTP_FAULT_STARTTLS_NOT_OFFERED:
        return "STARTTLS_NOT_OFFERED";
    case SMTP_FAULT_PIPELINED_AFTER_STARTTLS:
        return "PIPELINED_AFTER_STARTTLS";
    case SMTP_FAULT_AUTH_NOT_OFFERED:
        return "AUTH_NOT_OFFERED";
    case SMTP_FAULT_NO_COMMON_AUTH_MECHANISM:
        return "NO_COMMON_AUTH_MECHANISM";
    case SMTP_FAULT_BEARER_NOT_OFFERED:
        return "OAUTH2_NOT_OFFERED";
    case SMTP_FAULT_MALFORMED_REPLY:
        return "MALFORMED_REPLY";
    case SMTP_FAULT_UNEXPECTED_REPLY:
        return "UNEXPECTED_REPLY";
    case SMTP_FAULT_OUT_OF_STEP: /* to the reader of a diagnosis it is the same */
        return "UNEXPECTED_REPLY";
    case SMTP_FAULT_TOO_LATE: /* of one mail; the session was broken off for it */
    case SMTP_FAULT_WITHDRAWN:
        return "WITHDRAWN";
    case SMTP_FAULT_SASL:
        return "SASL";
    }
    g_assert_not_reached();
}
