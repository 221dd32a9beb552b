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
 * drops if one recipient asks for it, or is refused where a provider looks at the sender only then.
 * login: the user name that has logged in; NULL before. */
SandboxAnswer sandbox_script(const SmtpServerEffects *effects, const char *login);

/* A provider with one trouble of its own, chosen by the user name (any domain). */
typedef struct {
    const char *username;  /* "app-password@example.org" */
    const char *diagnosis; /* what a verification with it says: id of the failure catalogue */
    gboolean is_mendable;  /* and what that offers makes the next one pass */
} SandboxPersonality;
const SandboxPersonality *sandbox_personalities(guint *n);

#define SANDBOX_HOST "localhost"
#define SANDBOX_WRONG_HOST                                                         \
    "mail.localhost"          /* leads here too (RFC 6761 6.3), but no certificate \
                                 has it */
#define SANDBOX_SHUT_PORT 588 /* one that settings take, and at which nobody listens */

/* One thing to try with a provider of the manuals, as settings to be entered. Who logs in with an
 * address in its domain ("…@gmail.example") is answered in that provider's words. */
typedef struct {
    const char *preset;  /* id: "gmail" */
    const char *trouble; /* "none", "wrong_password", "app_password", "certificate", "port",
                            "sender" */
    const char *host;    /* SANDBOX_HOST or SANDBOX_WRONG_HOST */
    guint16 port;        /* 0: the sandbox's own */
    const char *username, *password, *from_email;
    const char *diagnosis; /* what a verification says; NULL: it passes */
    const char *late;      /* what only the test mail says; NULL: nothing */
} SandboxScene;
const SandboxScene *sandbox_scenes(guint *n);

/* The preset in whose words this login is answered, or NULL. */
const char *sandbox_preset_of(const char *username);
