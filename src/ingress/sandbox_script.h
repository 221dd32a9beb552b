/* What the sandbox answers: the faults it plays by local part, who may log in, and as which kind of
 * provider it then behaves. Pure. */
#pragma once

#include "smtp/server.h"

typedef struct {
    int code; /* 0: the ordinary success */
    const char *enhanced, *text;
    gboolean drops;        /* cut the connection instead of answering */
    gboolean is_slow;      /* answer after LIMIT_SANDBOX_SLOW_MS */
    const char *challenge; /* what is said about a refused token in front of the answer, or NULL */
} SandboxAnswer;

/* For LOGIN, SENDER and RECIPIENT, by the address in question; DATA is always welcome; MESSAGE
 * drops if one recipient asks for it. login: the user name that has logged in; NULL before. */
SandboxAnswer sandbox_script(const SmtpServerEffects *effects, const char *login);

/* A provider with one trouble of its own, chosen by the user name (any domain). */
typedef struct {
    const char *username;  /* "app-password@example.org" */
    const char *diagnosis; /* what a verification with it says: id of the failure catalogue */
    gboolean is_mendable;  /* and what that offers makes the next one pass */
} SandboxPersonality;
const SandboxPersonality *sandbox_personalities(guint *n);
