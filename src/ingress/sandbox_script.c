#include "ingress/sandbox_script.h"

#include <string.h>

#define PASSWORD "sandbox"

static const struct {
    SmtpAsk ask;
    const char *local_part;
    SandboxAnswer answer;
} script[] = {
    {SMTP_ASK_LOGIN, "locked", {535, "5.7.8", "Authentication failed", FALSE, FALSE}},
    {SMTP_ASK_LOGIN, "busy", {454, "4.7.0", "Temporary authentication failure", FALSE, FALSE}},
    {SMTP_ASK_LOGIN, "app", {534, "5.7.9", "Application-specific password required", FALSE, FALSE}},
    {SMTP_ASK_SENDER, "refused",
        {553, "5.7.1", "Sender address rejected: not owned by user", FALSE, FALSE}},
    {SMTP_ASK_RECIPIENT, "reject",
        {550, "5.1.1", "Recipient address rejected: User unknown", FALSE, FALSE}},
    {SMTP_ASK_RECIPIENT, "defer", {451, "4.7.1", "Greylisted, try again later", FALSE, FALSE}},
    {SMTP_ASK_RECIPIENT, "full", {452, "4.2.2", "Mailbox full", FALSE, FALSE}},
    {SMTP_ASK_RECIPIENT, "slow", {0, NULL, NULL, FALSE, TRUE}},
    {SMTP_ASK_MESSAGE, "drop", {0, NULL, NULL, TRUE, FALSE}},
};

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

static SandboxAnswer judge_login(const char *username, const Secret *password)
{
    SandboxAnswer answer = look_up(SMTP_ASK_LOGIN, username);
    g_autoptr(Secret) right = secret_new(PASSWORD, strlen(PASSWORD));
    if (answer.code == 0 && !secret_equal(password, right))
        answer = (SandboxAnswer){.code = 535,
            .enhanced = "5.7.8",
            .text = "Authentication failed: the password here is \"" PASSWORD "\""};
    return answer;
}

SandboxAnswer sandbox_script(const SmtpServerEffects *effects)
{
    switch (effects->ask) {
    case SMTP_ASK_LOGIN:
        return judge_login(effects->username, effects->password);
    case SMTP_ASK_SENDER:
        return look_up(SMTP_ASK_SENDER, effects->sender);
    case SMTP_ASK_RECIPIENT:
        return look_up(SMTP_ASK_RECIPIENT, effects->recipient);
    case SMTP_ASK_MESSAGE:
        for (const char *const *to = effects->recipients; *to != NULL; to++) {
            SandboxAnswer answer = look_up(SMTP_ASK_MESSAGE, *to);
            if (answer.drops)
                return answer;
        }
        return (SandboxAnswer){0};
    case SMTP_ASK_NOTHING:
    case SMTP_ASK_DATA:
        return (SandboxAnswer){0};
    }
    g_assert_not_reached();
}
