#include "api/test_mail_text.h"

typedef struct {
    const char *subject;  /* % sender */
    const char *greeting; /* the HTML's heading too */
    const char *proof;    /* % sender */
    const char *please, *button;
    const char *way;    /* label of the server's row */
    const char *safety; /* label of the security's row */
    const char *sender; /* label of the sender's row */
    const char *footer;
} Texts;

static const Texts texts[LANGUAGE_COUNT] = {
    [LANGUAGE_DE] =
        {
            .subject = "Testmail von %s",
            .greeting = "Die Testmail ist da",
            .proof = "Der Mailversand von %s hat diese Nachricht bis zu Ihnen gebracht.",
            .please = "Bitte sagen Sie noch, wo sie lag, im Posteingang oder im Spam-Ordner. Damit "
                      "steht fest, dass alles stimmt:",
            .button = "Die Mail ist angekommen",
            .way = "Versendet über",
            .safety = "Verschlüsselung",
            .sender = "Absender",
            .footer = "Wenn Sie diese Nachricht nicht erwartet haben, können Sie sie löschen.",
        },
    [LANGUAGE_EN] =
        {
            .subject = "Test email from %s",
            .greeting = "The test email is here",
            .proof = "The mail service of %s has brought this message to you.",
            .please =
                "Please say where you found it, in the inbox or in the spam folder. Then it is "
                "certain that everything is right:",
            .button = "The email has arrived",
            .way = "Sent through",
            .safety = "Encryption",
            .sender = "Sender",
            .footer = "If you did not expect this message, you can delete it.",
        },
};

/* One place for a %s that stands in a table. */
static char *with_name(const char *pattern, const char *name)
{
    GString *text = g_string_new(pattern);
    g_string_replace(text, "%s", name, 1);
    return g_string_free(text, FALSE);
}

static const char *mode_of(const SmtpSettings *settings)
{
    return settings_security(settings) == TLS_MODE_IMPLICIT ? "SSL/TLS" : "STARTTLS";
}

static char *write_text(
    const Texts *words, const char *proof, const SmtpSettings *settings, const char *link)
{
    return g_strdup_printf("%s.\n\n%s\n%s\n\n%s\n\n%s: %s, Port %u\n%s: %s\n%s: %s\n\n%s\n",
        words->greeting, proof, words->please, link, words->way, settings->host,
        settings_port(settings), words->safety, mode_of(settings), words->sender,
        settings->from_email, words->footer);
}

/* Inline styles and one table of facts: what every mail program draws. Everything that comes from
 * settings is escaped by the %s of g_markup_printf_escaped. */
static char *write_html(const Texts *words, const char *proof, const SmtpSettings *settings,
    const char *link, const char *language)
{
    g_autofree char *server =
        g_strdup_printf("%s, Port %u", settings->host, settings_port(settings));
    return g_markup_printf_escaped(
        "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\">"
        "<meta name=\"color-scheme\" content=\"light dark\"><title>%s</title></head>\n"
        "<body style=\"margin:0;padding:24px 16px;font:16px/1.5 system-ui,-apple-system,'Segoe "
        "UI',sans-serif\">\n<div style=\"max-width:520px;margin:0 auto\">\n"
        "<h1 style=\"font-size:22px;margin:0 0 12px\">%s</h1>\n"
        "<p style=\"margin:0 0 12px\">%s</p>\n<p style=\"margin:0 0 20px\">%s</p>\n"
        "<p style=\"margin:0 0 24px\"><a href=\"%s\" style=\"display:inline-block;padding:12px "
        "20px;border-radius:8px;background:#0b6b4f;color:#ffffff;font-weight:600;"
        "text-decoration:none\">%s</a></p>\n"
        "<table role=\"presentation\" style=\"font-size:14px;border-collapse:collapse\">"
        "<tr><td style=\"padding:2px 16px 2px 0\">%s</td><td>%s</td></tr>\n"
        "<tr><td style=\"padding:2px 16px 2px 0\">%s</td><td>%s</td></tr>\n"
        "<tr><td style=\"padding:2px 16px 2px 0\">%s</td><td>%s</td></tr></table>\n"
        "<p style=\"margin:24px 0 0;font-size:13px\">%s</p>\n</div></body></html>\n",
        language, words->greeting, words->greeting, proof, words->please, link, words->button,
        words->way, server, words->safety, mode_of(settings), words->sender, settings->from_email,
        words->footer);
}

void test_mail_write(
    MimeDraft *draft, const SmtpSettings *settings, const char *link, Language language)
{
    const Texts *words = &texts[language];
    const char *sender = settings->from_name ? settings->from_name : settings->from_email;
    g_autofree char *proof = with_name(words->proof, sender);
    draft->subject = with_name(words->subject, sender);
    draft->text = write_text(words, proof, settings, link);
    draft->html = write_html(words, proof, settings, link, language_name(language));
}
