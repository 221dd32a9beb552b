/* What the sandbox answers: the faults it plays by local part, and who may log in. Pure. */
#pragma once

#include "smtp/server.h"

typedef struct {
    int code; /* 0: the ordinary success */
    const char *enhanced, *text;
    gboolean drops;   /* cut the connection instead of answering */
    gboolean is_slow; /* answer after LIMIT_SANDBOX_SLOW_MS */
} SandboxAnswer;

/* For LOGIN, SENDER and RECIPIENT, by the address in question; DATA is always welcome; MESSAGE
 * drops if one recipient asks for it. */
SandboxAnswer sandbox_script(const SmtpServerEffects *effects);
