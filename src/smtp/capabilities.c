#include "smtp/capabilities.h"

#include "base/text.h"

#include <string.h>

static const struct {
    const char *name;
    guint bit;
} mechanisms[] = {
    {"PLAIN", SMTP_AUTH_PLAIN},
    {"LOGIN", SMTP_AUTH_LOGIN},
    {"SCRAM-SHA-256", SMTP_AUTH_SCRAM_SHA_256},
    {"XOAUTH2", SMTP_AUTH_XOAUTH2},
    {"OAUTHBEARER", SMTP_AUTH_OAUTHBEARER},
};

static guint mechanism_bit(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(mechanisms); i++) {
        if (text_equal_nocase(name, mechanisms[i].name))
            return mechanisms[i].bit;
    }
    return SMTP_AUTH_OTHER;
}

const char *smtp_auth_mechanism_name(guint mechanism)
{
    for (gsize i = 0; i < G_N_ELEMENTS(mechanisms); i++) {
        if (mechanisms[i].bit == mechanism)
            return mechanisms[i].name;
    }
    return NULL;
}

static void read_starttls(char **words, SmtpCapabilities *capabilities)
{
    capabilities->starttls = TRUE;
}

static void read_auth(char **words, SmtpCapabilities *capabilities)
{
    capabilities->auth = TRUE;
    for (char **word = words + 1; *word != NULL; word++) {
        if (**word != '\0')
            capabilities->auth_mechanisms |= mechanism_bit(*word);
    }
}

static void read_pipelining(char **words, SmtpCapabilities *capabilities)
{
    capabilities->pipelining = TRUE;
}

static void read_chunking(char **words, SmtpCapabilities *capabilities)
{
    capabilities->chunking = TRUE;
}

static void read_8bitmime(char **words, SmtpCapabilities *capabilities)
{
    capabilities->eightbitmime = TRUE;
}

static void read_smtputf8(char **words, SmtpCapabilities *capabilities)
{
    capabilities->smtputf8 = TRUE;
}

static void read_dsn(char **words, SmtpCapabilities *capabilities)
{
    capabilities->dsn = TRUE;
}

static void read_enhanced(char **words, SmtpCapabilities *capabilities)
{
    capabilities->enhanced_codes = TRUE;
}

/* "SIZE" or "SIZE 1*20DIGIT" (RFC 1870 3). */
static void read_size(char **words, SmtpCapabilities *capabilities)
{
    guint64 size = 0;
    if (words[1] != NULL && !g_ascii_string_to_unsigned(words[1], 10, 0, G_MAXUINT64, &size, NULL))
        return;
    capabilities->size_known = TRUE;
    capabilities->size_max = size;
}

/* One to six digits, no zero in front; anything else is as if it had not been said. */
static void read_limit(const char *text, guint *value)
{
    guint64 number;
    if (text[0] != '0' && g_ascii_string_to_unsigned(text, 10, 1, 999999, &number, NULL))
        *value = (guint)number;
}

/* "LIMITS RCPTMAX=20 MAILMAX=5" (RFC 9422 3). Names we do not know are passed over. */
static void read_limits(char **words, SmtpCapabilities *capabilities)
{
    const struct {
        const char *name;
        guint *value;
    } known[] = {
        {"MAILMAX=", &capabilities->limit_mailmax}, {"RCPTMAX=", &capabilities->limit_rcptmax}};
    for (char **word = words + 1; *word != NULL; word++) {
        for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
            if (text_has_prefix_nocase(*word, known[i].name))
                read_limit(*word + strlen(known[i].name), known[i].value);
        }
    }
}

void smtp_capabilities_read(const SmtpReply *reply, SmtpCapabilities *capabilities)
{
    static const struct {
        const char *keyword;
        void (*read)(char **words, SmtpCapabilities *capabilities);
    } known[] = {
        {"STARTTLS", read_starttls},
        {"AUTH", read_auth},
        {"PIPELINING", read_pipelining},
        {"CHUNKING", read_chunking},
        {"8BITMIME", read_8bitmime},
        {"SMTPUTF8", read_smtputf8},
        {"DSN", read_dsn},
        {"ENHANCEDSTATUSCODES", read_enhanced},
        {"SIZE", read_size},
        {"LIMITS", read_limits},
    };
    *capabilities = (SmtpCapabilities){0};
    g_auto(GStrv) lines = g_strsplit(reply->text, "\n", -1);
    for (guint i = 1; lines[0] != NULL && lines[i] != NULL; i++) {
        g_auto(GStrv) words = g_strsplit(g_strchomp(lines[i]), " ", -1);
        for (gsize k = 0; k < G_N_ELEMENTS(known); k++) {
            if (text_equal_nocase(words[0], known[k].keyword))
                known[k].read(words, capabilities);
        }
    }
}

guint smtp_capabilities_choose_auth(const SmtpCapabilities *capabilities, guint allowed)
{
    static const guint best_first[] = {SMTP_AUTH_OAUTHBEARER, SMTP_AUTH_XOAUTH2,
        SMTP_AUTH_SCRAM_SHA_256, SMTP_AUTH_PLAIN, SMTP_AUTH_LOGIN};
    for (gsize i = 0; i < G_N_ELEMENTS(best_first); i++) {
        if (capabilities->auth_mechanisms & allowed & best_first[i])
            return best_first[i];
    }
    return 0;
}
