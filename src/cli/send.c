#include "base/error.h"
#include "base/limits.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/words.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    char **to, **cc, **bcc, **reply_to, **attachments;
    char *from, *subject, *text, *html, *class, *expires_at, *key;
} Wishes;

static void wishes_clear(Wishes *w)
{
    char **lists[] = {w->to, w->cc, w->bcc, w->reply_to, w->attachments};
    char *texts[] = {w->from, w->subject, w->text, w->html, w->class, w->expires_at, w->key};
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
        g_strfreev(lists[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wishes, wishes_clear)

/* The bytes of a file, or of standard input for "-", up to the size of a message. */
static GByteArray *read_file(const char *path, GError **error)
{
    gboolean is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "rbe");
    if (file == NULL) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_IO, say("%s cannot be read"), path);
        return NULL;
    }
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint8 chunk[16384];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0 && bytes->len <= LIMIT_MESSAGE_BYTES)
        g_byte_array_append(bytes, chunk, (guint)n);
    gboolean is_broken = ferror(file) != 0;
    if (!is_stdin)
        fclose(file);
    if (is_broken) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_IO, say("%s cannot be read"), path);
        return NULL;
    }
    if (bytes->len > LIMIT_MESSAGE_BYTES) {
        g_set_error(
            error, ABS_ERROR, ABS_ERROR_LIMIT, say("%s is larger than a message may be"), path);
        return NULL;
    }
    return g_steal_pointer(&bytes);
}

static gboolean put_file(json_t *email, const char *key, const char *path, GError **error)
{
    if (path == NULL)
        return TRUE;
    g_autoptr(GByteArray) bytes = read_file(path, error);
    if (bytes == NULL)
        return FALSE;
    json_t *text = json_stringn(bytes->len > 0 ? (const char *)bytes->data : "", bytes->len);
    if (json_object_set_new(email, key, text) == 0)
        return TRUE;
    g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, say("%s is not valid UTF-8"), path);
    return FALSE;
}

static gboolean put_attachments(json_t *email, char **paths, GError **error)
{
    if (paths == NULL)
        return TRUE;
    json_t *list = json_array();
    json_object_set_new(email, "attachments", list);
    for (; *paths != NULL; paths++) {
        g_autoptr(GByteArray) bytes = read_file(*paths, error);
        if (bytes == NULL)
            return FALSE;
        g_autofree char *content = g_base64_encode(bytes->data, bytes->len);
        g_autofree char *name = g_path_get_basename(*paths);
        json_t *attachment = json_pack("{s:s, s:s}", "filename", name, "content", content);
        if (json_array_append_new(list, attachment) != 0) {
            g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, say("%s is not valid UTF-8"), *paths);
            return FALSE;
        }
    }
    return TRUE;
}

/* NULL and *error if a file or an argument cannot be used. The caller frees with json_decref. */
static json_t *make_email(const Wishes *w, GError **error)
{
    json_t *email = json_object();
    gboolean is_utf8 = cli_put(email, "from", w->from) && cli_put_list(email, "to", w->to) &&
                       cli_put_list(email, "cc", w->cc) && cli_put_list(email, "bcc", w->bcc) &&
                       cli_put_list(email, "reply_to", w->reply_to) &&
                       cli_put(email, "subject", w->subject) && cli_put(email, "class", w->class) &&
                       cli_put(email, "expires_at", w->expires_at);
    if (!is_utf8)
        g_set_error_literal(
            error, ABS_ERROR, ABS_ERROR_INPUT, say("an argument is not valid UTF-8"));
    if (is_utf8 && put_file(email, "text", w->text, error) &&
        put_file(email, "html", w->html, error) && put_attachments(email, w->attachments, error))
        return email;
    json_decref(email);
    return NULL;
}

static const char *what_is_missing(const Wishes *w)
{
    if (w->to == NULL || w->subject == NULL)
        return say("needs --to and --subject");
    if (w->text == NULL && w->html == NULL)
        return say("needs --text or --html (- for standard input)");
    if (g_strcmp0(w->text, "-") == 0 && g_strcmp0(w->html, "-") == 0)
        return say("only one of --text and --html can come from standard input");
    return NULL;
}

/* A slip, or meant so: it is said, and the email goes out. */
static void warn_of_empty_subject(const CliCommand *command, const char *subject)
{
    if (subject[strspn(subject, " \t")] == '\0')
        cli_complain(command, CLI_DONE, say("The email has no subject."));
}

static CliExit hand_over(const CliCommand *command, const CliCommon *common, const Wishes *w)
{
    g_autoptr(GError) error = NULL;
    json_t *email = make_email(w, &error);
    if (email == NULL)
        return cli_complain(command, CLI_USAGE, error->message);
    warn_of_empty_subject(command, w->subject);
    CliExit status = CLI_DONE;
    g_autoptr(GBytes) body = cli_body(email);
    g_autofree char *key = w->key == NULL ? NULL : g_strconcat("Idempotency-Key: ", w->key, NULL);
    g_autoptr(CliAnswer) answer =
        cli_ask(command, common, "POST", "/v1/emails", body, key, &status);
    return answer == NULL ? status : cli_show(common, answer, format_email);
}

CliExit cli_send(const CliCommand *command, int argc, char **argv)
{
    g_auto(Wishes) w = {0};
    const GOptionEntry entries[] = {
        {"to", 0, 0, CLI_TEXTS, &w.to, SAY_LATER("recipient; may be repeated"),
            SAY_LATER("ADDRESS")},
        {"cc", 0, 0, CLI_TEXTS, &w.cc, SAY_LATER("recipient of a copy; may be repeated"),
            SAY_LATER("ADDRESS")},
        {"bcc", 0, 0, CLI_TEXTS, &w.bcc, SAY_LATER("recipient nobody sees; may be repeated"),
            SAY_LATER("ADDRESS")},
        {"from", 0, 0, CLI_TEXT, &w.from, SAY_LATER("sender (that of the settings)"),
            SAY_LATER("ADDRESS")},
        {"reply-to", 0, 0, CLI_TEXTS, &w.reply_to, SAY_LATER("where answers go"),
            SAY_LATER("ADDRESS")},
        {"subject", 0, 0, CLI_TEXT, &w.subject, SAY_LATER("subject"), SAY_LATER("TEXT")},
        {"text", 0, 0, CLI_TEXT, &w.text, SAY_LATER("file with the text; - is standard input"),
            SAY_LATER("FILE")},
        {"html", 0, 0, CLI_TEXT, &w.html, SAY_LATER("file with HTML; - is standard input"),
            SAY_LATER("FILE")},
        {"attach", 0, 0, CLI_TEXTS, &w.attachments, SAY_LATER("file to attach; may be repeated"),
            SAY_LATER("FILE")},
        {"class", 0, 0, CLI_TEXT, &w.class,
            SAY_LATER("reset, invitation, transactional, notification or bulk"),
            SAY_LATER("CLASS")},
        {"expires-at", 0, 0, CLI_TEXT, &w.expires_at, SAY_LATER("not to be sent after that time"),
            "2026-12-24T18:00:00Z"},
        {"idempotency-key", 0, 0, CLI_TEXT, &w.key,
            SAY_LATER("the same key sends only once in 24 hours"), SAY_LATER("KEY")},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, 0, &argc, &argv, &status))
        return status;
    const char *missing = what_is_missing(&w);
    if (missing != NULL)
        return cli_complain(command, CLI_USAGE, missing);
    return hand_over(command, &common, &w);
}
