#include "ingress/sandbox_script.h"

#include <string.h>

#define PASSWORD "sandbox"

/* In the words of the servers they stand for. */
static const SandboxPersonality personalities[] = {
    {"wrong@example.org", "auth_failed_generic", FALSE},
    {"app-password@example.org", "gmail_app_password_required", TRUE},
    {"web-login@example.org", "gmail_web_login_required", FALSE},
    {"disabled@example.org", "m365_smtp_auth_disabled_tenant", FALSE},
    {"sender-refused@example.org", "sender_not_owned", TRUE},
    {"daily-limit@example.org", "gmail_daily_limit", FALSE},
};

const SandboxPersonality *sandbox_personalities(guint *n)
{
    *n = G_N_ELEMENTS(personalities);
    return personalities;
}

typedef struct {
    SmtpAsk ask;
    const char *local_part;
    SandboxAnswer answer;
} Line;

/* Until the right one comes. */
static const Line wrong_password = {SMTP_ASK_LOGIN, "app-password",
    {534, "5.7.9",
        "Application-specific password required. For more information, go to "
        "https://support.google.com/mail/?p=InvalidSecondFactor",
        FALSE, FALSE, NULL}};

/* By who has logged in, whatever the sender; the second lets that very address pass. */
static const Line daily_limit = {SMTP_ASK_SENDER, "daily-limit",
    {550, "5.4.5",
        "Daily user sending limit exceeded. For more information on Gmail sending limits go to "
        "https://support.google.com/a/answer/166852",
        FALSE, FALSE, NULL}};
static const Line foreign_sender = {SMTP_ASK_SENDER, "sender-refused",
    {553, "5.7.1", "Sender address rejected: not owned by user", FALSE, FALSE, NULL}};

static const Line script[] = {
    {SMTP_ASK_LOGIN, "wrong", {535, "5.7.8", "Authentication failed", FALSE, FALSE, NULL}},
    {SMTP_ASK_LOGIN, "web-login",
        {534, "5.7.14",
            "Please log in via your web browser and then try again. Learn more at "
            "https://support.google.com/mail/?p=WebLoginRequired",
            FALSE, FALSE, NULL}},
    {SMTP_ASK_LOGIN, "disabled",
        {535, "5.7.139",
            "Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. "
            "Visit https://aka.ms/smtp_auth_disabled for more information.",
            FALSE, FALSE, NULL}},
    {SMTP_ASK_LOGIN, "locked", {535, "5.7.8", "Authentication failed", FALSE, FALSE, NULL}},
    {SMTP_ASK_LOGIN, "busy",
        {454, "4.7.0", "Temporary authentication failure", FALSE, FALSE, NULL}},
    {SMTP_ASK_LOGIN, "app",
        {534, "5.7.9", "Application-specific password required", FALSE, FALSE, NULL}},
    {SMTP_ASK_SENDER, "refused",
        {553, "5.7.1", "Sender address rejected: not owned by user", FALSE, FALSE, NULL}},
    {SMTP_ASK_RECIPIENT, "reject",
        {550, "5.1.1", "Recipient address rejected: User unknown", FALSE, FALSE, NULL}},
    {SMTP_ASK_RECIPIENT, "defer",
        {451, "4.7.1", "Greylisted, try again later", FALSE, FALSE, NULL}},
    {SMTP_ASK_RECIPIENT, "full", {452, "4.2.2", "Mailbox full", FALSE, FALSE, NULL}},
    {SMTP_ASK_RECIPIENT, "slow", {0, NULL, NULL, FALSE, TRUE, NULL}},
    {SMTP_ASK_MESSAGE, "drop", {0, NULL, NULL, TRUE, FALSE, NULL}},
};

/* --- The providers of the manuals ---------------------------------------------------------------
 */

/* The password with which people open the provider's web pages, and programs may not log in. */
#define ACCOUNT_PASSWORD "account"
#define WRONG_PASSWORD "wrong"
#define OTHER_SENDER "boss@other.example"

/* Its replies, from real sessions; for those of STRATO and ALL-INKL.COM there is no public source
 * (data/providers.json, "replies"), so they are Postfix's, which ALL-INKL.COM runs. */
typedef struct {
    const char *preset, *domain;
    SandboxAnswer wrong_password;
    SandboxAnswer account_password; /* code 0: there is no other password */
    SandboxAnswer other_sender;     /* code 0: takes it, and puts its own in its place */
    gboolean looks_late;            /* at the sender: once the mail is there */
} Voice;

static const Voice voices[] = {
    {.preset = "ionos",
        .domain = "ionos.example",
        .wrong_password = {.code = 535, .text = "Authentication credentials invalid"},
        .other_sender = {.code = 550, .text = "Sender address is not allowed."}},
    {.preset = "strato",
        .domain = "strato.example",
        .wrong_password = {.code = 535,
            .enhanced = "5.7.8",
            .text = "Error: authentication failed"},
        .other_sender = {.code = 553,
            .enhanced = "5.7.1",
            .text = "Sender address rejected: not owned by user"}},
    {.preset = "allinkl",
        .domain = "allinkl.example",
        .wrong_password = {.code = 535,
            .enhanced = "5.7.8",
            .text = "Error: authentication failed: authentication failure"},
        .other_sender = {.code = 553,
            .enhanced = "5.7.1",
            .text = "Sender address rejected: not owned by user"}},
    {.preset = "gmail",
        .domain = "gmail.example",
        .wrong_password = {.code = 535,
            .enhanced = "5.7.8",
            .text = "Username and Password not accepted. For more information, go to "
                    "https://support.google.com/mail/?p=BadCredentials"},
        .account_password = {.code = 534,
            .enhanced = "5.7.9",
            .text = "Application-specific password required. For more information, go to "
                    "https://support.google.com/mail/?p=InvalidSecondFactor"}},
    {.preset = "microsoft365",
        .domain = "microsoft365.example",
        .wrong_password = {.code = 535,
            .enhanced = "5.7.139",
            .text = "Authentication unsuccessful, the user credentials were incorrect."},
        .account_password = {.code = 535,
            .enhanced = "5.7.139",
            .text = "Authentication unsuccessful, SmtpClientAuthentication is disabled for the "
                    "Tenant. Visit https://aka.ms/smtp_auth_disabled for more information."},
        .other_sender = {.code = 554,
            .enhanced = "5.2.252",
            .text = "SendAsDenied; not allowed to send as another; STOREDRV.Submission.Exception:"
                    "SendAsDeniedException.MapiExceptionSendAsDenied"},
        .looks_late = TRUE},
};

/* What can be tried with each, but for what only some have. */
#define SCENES(id, user, says_wrong)                                                               \
    {id, "none", SANDBOX_HOST, 0, user, PASSWORD, user, NULL, NULL},                               \
        {id, "wrong_password", SANDBOX_HOST, 0, user, WRONG_PASSWORD, user, says_wrong, NULL},     \
        {id, "certificate", SANDBOX_WRONG_HOST, 0, user, PASSWORD, user, "tls_hostname_mismatch",  \
            NULL},                                                                                 \
    {                                                                                              \
        id, "port", SANDBOX_HOST, SANDBOX_SHUT_PORT, user, PASSWORD, user, "connect_port_blocked", \
            NULL                                                                                   \
    }
#define SENDER(id, user, diagnosis, late)                                            \
    {                                                                                \
        id, "sender", SANDBOX_HOST, 0, user, PASSWORD, OTHER_SENDER, diagnosis, late \
    }
#define ACCOUNT(id, user, diagnosis)                                                       \
    {                                                                                      \
        id, "app_password", SANDBOX_HOST, 0, user, ACCOUNT_PASSWORD, user, diagnosis, NULL \
    }

static const SandboxScene scenes[] = {
    SCENES("ionos", "info@ionos.example", "auth_failed_generic"),
    SENDER("ionos", "info@ionos.example", "sender_not_owned", NULL),
    SCENES("strato", "info@strato.example", "auth_failed_generic"),
    SENDER("strato", "info@strato.example", "sender_not_owned", NULL),
    SCENES("allinkl", "info@allinkl.example", "auth_failed_generic"),
    SENDER("allinkl", "info@allinkl.example", "sender_not_owned", NULL),
    SCENES("gmail", "info@gmail.example", "gmail_bad_credentials"),
    ACCOUNT("gmail", "info@gmail.example", "gmail_app_password_required"),
    SCENES("microsoft365", "info@microsoft365.example", "m365_wrong_credentials"),
    ACCOUNT("microsoft365", "info@microsoft365.example", "m365_smtp_auth_disabled_tenant"),
    SENDER("microsoft365", "info@microsoft365.example", NULL, "m365_send_as_denied"),
};

const SandboxScene *sandbox_scenes(guint *n)
{
    *n = G_N_ELEMENTS(scenes);
    return scenes;
}

static const Voice *voice_of(const char *username)
{
    const char *at = username == NULL ? NULL : strrchr(username, '@');
    for (gsize i = 0; at != NULL && i < G_N_ELEMENTS(voices); i++) {
        if (g_ascii_strcasecmp(at + 1, voices[i].domain) == 0)
            return &voices[i];
    }
    return NULL;
}

const char *sandbox_preset_of(const char *username)
{
    const Voice *voice = voice_of(username);
    return voice == NULL ? NULL : voice->preset;
}

/* code 0: may be used. */
static SandboxAnswer judge_voice_sender(const char *sender, const char *login, gboolean is_late)
{
    const Voice *voice = voice_of(login);
    gboolean is_refused =
        voice != NULL && voice->looks_late == is_late && g_ascii_strcasecmp(sender, login) != 0;
    return is_refused ? voice->other_sender : (SandboxAnswer){0};
}

/* --- The troubles that a name chooses ------------------------------------------------------------
 */

static gboolean has_local_part(const char *address, const char *local_part)
{
    const char *at = strrchr(address, '@');
    gsize n = at == NULL ? strlen(address) : (gsize)(at - address);
    return n == strlen(local_part) && g_ascii_strncasecmp(address, local_part, n) == 0;
}

static SandboxAnswer look_up(SmtpAsk ask, const char *address)
{
    for (gsize i = 0; i < G_N_ELEMENTS(script); i++)
        if (script[i].ask == ask && has_local_part(address, script[i].local_part))
            return script[i].answer;
    return (SandboxAnswer){0};
}

/* Tokens by their words: what a provider says to one that is no longer good, to one for something
 * else, and to one of an application that has no right to the mailbox. */
static const struct {
    const char *token;
    SandboxAnswer answer;
} tokens[] = {
    {PASSWORD "-expired",
        {535, "5.7.8", "Authentication failed: the token has expired", FALSE, FALSE,
            "{\"status\":\"invalid_token\",\"schemes\":\"bearer\",\"scope\":\"smtp\"}"}},
    {PASSWORD "-scope",
        {535, "5.7.8", "Username and Password not accepted", FALSE, FALSE,
            "{\"status\":\"400\",\"schemes\":\"bearer\",\"scope\":\"https://mail.google.com/\"}"}},
    {PASSWORD "-unassigned", {535, "5.7.3", "Authentication unsuccessful", FALSE, FALSE, NULL}},
};

static gboolean is_text(const Secret *secret, const char *text)
{
    g_autoptr(Secret) other = secret_new(text, strlen(text));
    return secret_equal(secret, other);
}

static SandboxAnswer judge_voice_login(const Voice *voice, const Secret *password)
{
    if (is_text(password, PASSWORD))
        return (SandboxAnswer){0};
    return voice->account_password.code != 0 && is_text(password, ACCOUNT_PASSWORD)
               ? voice->account_password
               : voice->wrong_password;
}

static SandboxAnswer judge_token(const char *username, const Secret *token)
{
    static const SandboxAnswer ordinary = {535, "5.7.8",
        "Authentication failed: a token here is \"" PASSWORD "\" or begins with \"" PASSWORD "-\"",
        FALSE, FALSE, "{\"status\":\"invalid_token\",\"schemes\":\"bearer\"}"};
    SandboxAnswer answer = look_up(SMTP_ASK_LOGIN, username);
    if (answer.code != 0 || is_text(token, PASSWORD))
        return answer;
    for (gsize i = 0; i < G_N_ELEMENTS(tokens); i++) {
        if (is_text(token, tokens[i].token))
            return tokens[i].answer;
    }
    return g_str_has_prefix(secret_reveal(token, NULL), PASSWORD "-") ? answer : ordinary;
}

static SandboxAnswer judge_login(const char *username, const Secret *password)
{
    static const SandboxAnswer ordinary = {535, "5.7.8",
        "Authentication failed: the password here is \"" PASSWORD "\"", FALSE, FALSE, NULL};
    const Voice *voice = voice_of(username);
    if (voice != NULL)
        return judge_voice_login(voice, password);
    SandboxAnswer answer = look_up(SMTP_ASK_LOGIN, username);
    if (answer.code != 0 || is_text(password, PASSWORD))
        return answer;
    gboolean wants_another = has_local_part(username, wrong_password.local_part);
    return wants_another ? wrong_password.answer : ordinary;
}

static SandboxAnswer judge_sender(const char *sender, const char *login)
{
    if (login != NULL && has_local_part(login, daily_limit.local_part))
        return daily_limit.answer;
    if (login != NULL && has_local_part(login, foreign_sender.local_part) &&
        g_ascii_strcasecmp(login, sender) != 0)
        return foreign_sender.answer;
    SandboxAnswer answer = judge_voice_sender(sender, login, FALSE);
    return answer.code != 0 ? answer : look_up(SMTP_ASK_SENDER, sender);
}

SandboxAnswer sandbox_script(const SmtpServerEffects *effects, const char *login)
{
    switch (effects->ask) {
    case SMTP_ASK_LOGIN:
        return effects->bearer_token == NULL
                   ? judge_login(effects->username, effects->password)
                   : judge_token(effects->username, effects->bearer_token);
    case SMTP_ASK_SENDER:
        return judge_sender(effects->sender, login);
    case SMTP_ASK_RECIPIENT:
        return look_up(SMTP_ASK_RECIPIENT, effects->recipient);
    case SMTP_ASK_MESSAGE:
        for (const char *const *to = effects->recipients; *to != NULL; to++) {
            SandboxAnswer answer = look_up(SMTP_ASK_MESSAGE, *to);
            if (answer.drops)
                return answer;
        }
        return judge_voice_sender(effects->sender, login, TRUE);
    case SMTP_ASK_NOTHING:
    case SMTP_ASK_DATA:
        return (SandboxAnswer){0};
    }
    g_assert_not_reached();
}
