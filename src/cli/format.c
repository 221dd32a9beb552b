#include "cli/format.h"

#include "base/limits.h"
#include "base/text.h"
#include "cli/words.h"

#include <string.h>

#define NAME_COLUMN 30
#define LABEL_COLUMN 18
#define LONG_TEXT_CHARACTERS 1000 /* meanings, fixes, details: our own sentences */

/* --- parts -------------------------------------------------------------------------------------
 */

static char *printable(const json_t *value, gsize max_characters)
{
    if (!json_is_string(value))
        return NULL;
    return text_printable(json_string_value(value), json_string_length(value), max_characters);
}

char *format_text(const json_t *object, const char *key)
{
    return printable(json_object_get(object, key), LONG_TEXT_CHARACTERS);
}

static gboolean is_set(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value != NULL && !json_is_null(value);
}

static char *local_time(const json_t *object, const char *key, const char *pattern)
{
    const char *text = json_string_value(json_object_get(object, key));
    g_autoptr(GDateTime) at = text == NULL ? NULL : g_date_time_new_from_iso8601(text, NULL);
    if (at == NULL)
        return NULL;
    g_autoptr(GDateTime) local = g_date_time_to_local(at);
    return g_date_time_format(local, pattern);
}

char *format_time(const json_t *object, const char *key)
{
    gboolean is_german = strcmp(words_language(), "de") == 0;
    return local_time(object, key, is_german ? "%d.%m.%Y %H:%M" : "%Y-%m-%d %H:%M");
}

char *format_day(const json_t *object, const char *key)
{
    gboolean is_german = strcmp(words_language(), "de") == 0;
    return local_time(object, key, is_german ? "%d.%m.%Y" : "%Y-%m-%d");
}

char *format_mib(gint64 bytes)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(digits, sizeof digits, "%.1f", (double)bytes / (1024.0 * 1024.0));
    gboolean is_german = strcmp(words_language(), "de") == 0;
    return g_strdelimit(g_strdup(digits), ".", is_german ? ',' : '.');
}

/* One of the API's words and what people read. */
typedef struct {
    const char *word, *english;
} Reading;

static const char *reading_of(const Reading *readings, gsize n, const char *word)
{
    for (gsize i = 0; word != NULL && i < n; i++) {
        if (strcmp(readings[i].word, word) == 0)
            return say(readings[i].english);
    }
    return NULL;
}
#define READING_OF(readings, word) reading_of(readings, G_N_ELEMENTS(readings), word)

static const char *member_reading(
    const Reading *readings, gsize n, const json_t *object, const char *key)
{
    const char *reading = reading_of(readings, n, json_string_value(json_object_get(object, key)));
    return reading != NULL ? reading : say("unknown");
}
#define MEMBER_READING(readings, object, key) \
    member_reading(readings, G_N_ELEMENTS(readings), object, key)

static void pad(GString *out, const char *text, glong column)
{
    g_string_append(out, text);
    for (glong n = g_utf8_strlen(text, -1); n < column; n++)
        g_string_append_c(out, ' ');
}

/* "label:   value\n"; nothing without a value. */
void format_add_line(GString *out, const char *label, const char *value)
{
    if (value == NULL)
        return;
    pad(out, label, LABEL_COLUMN);
    g_string_append_printf(out, " %s\n", value);
}

/* The same, indented below a headline. */
static void add_indented(GString *out, const char *label, const char *value)
{
    if (value != NULL)
        g_string_append_printf(out, "  %s %s\n", label, value);
}

/* Meaning, fix and the server's own words of a diagnosis; nothing for null. */
void format_add_diagnosis(GString *out, const json_t *diagnosis)
{
    if (!json_is_object(diagnosis))
        return;
    g_autofree char *meaning = format_text(diagnosis, "meaning");
    g_autofree char *fix = format_text(diagnosis, "fix");
    g_autofree char *id = format_text(diagnosis, "id");
    g_autofree char *reply =
        printable(json_object_get(diagnosis, "reply"), LIMIT_PEER_TEXT_CHARACTERS);
    add_indented(out, say("What it means:"), meaning);
    add_indented(out, say("What helps:"), fix);
    add_indented(out, say("The server said:"), reply);
    add_indented(out, say("Diagnosis:"), id);
}

/* Which option a member of a request comes from: what people typed, instead of what was sent. */
static const struct {
    const char *pointer, *option;
} options[] = {
    {"/settings/host", "--host"},
    {"/settings/port", "--port"},
    {"/settings/security", "--security"},
    {"/settings/username", "--username"},
    {"/settings/password", "--password-stdin"},
    {"/settings/from_email", "--from"},
    {"/settings/from_name", "--from-name"},
    {"/probe_recipient", "--probe"},
    {"/to", "--to"},
    {"/cc", "--cc"},
    {"/bcc", "--bcc"},
    {"/from", "--from"},
    {"/reply_to", "--reply-to"},
    {"/subject", "--subject"},
    {"/text", "--text"},
    {"/html", "--html"},
    {"/attachments", "--attach"},
    {"/class", "--class"},
    {"/expires_at", "--expires-at"},
    {"/name", "--name"},
    {"/scopes", "--scope"},
    {"/reason", "--reason"},
    {"/until", "--until"},
    {"/cancel_classes", "--cancel"},
    {"/path", "FILE"},
    {"/filter/state", "--state"},
    {"/filter/class", "--class"},
};

/* The option for the member or what it is in ("/scopes/0"), else the pointer itself. */
static const char *option_of(const char *pointer)
{
    for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
        gsize n = strlen(options[i].pointer);
        if (strncmp(pointer, options[i].pointer, n) == 0 &&
            (pointer[n] == '\0' || pointer[n] == '/'))
            return options[i].option;
    }
    return pointer;
}

static void add_fault(GString *out, const json_t *fault)
{
    g_autofree char *pointer = format_text(fault, "pointer");
    g_autofree char *why = format_text(fault, "detail");
    gboolean is_whole = g_strcmp0(pointer, "") == 0; /* RFC 6901: the whole document */
    g_string_append_printf(out, "  %s%s%s\n", pointer != NULL ? option_of(pointer) : "?",
        is_whole ? "" : ": ", why != NULL ? why : "?");
}

/* A detail may begin with its title; then it can stand alone. Either may be NULL. */
static gboolean is_said_in(const char *title, const char *detail)
{
    if (title == NULL || detail == NULL)
        return FALSE;
    gsize n = strlen(title);
    return strncmp(title, detail, n > 0 && title[n - 1] == '.' ? n - 1 : n) == 0;
}

char *format_problem(const json_t *problem)
{
    GString *out = g_string_new("✗ ");
    g_autofree char *title = format_text(problem, "title");
    g_autofree char *detail = format_text(problem, "detail");
    g_autofree char *message = format_text(problem, "message"); /* of the Resend form */
    const json_t *errors = json_object_get(problem, "errors");
    gboolean has_faults = json_array_size(errors) > 0; /* then they are the detail */
    const char *headline = title != NULL ? title : message;
    if (!has_faults && is_said_in(headline, detail))
        headline = detail;
    g_string_append(out, headline != NULL ? headline : say("The service refused."));
    if (!has_faults && detail != NULL && headline != detail)
        g_string_append_printf(out, "%s %s", g_str_has_suffix(out->str, ".") ? "" : ":", detail);
    g_string_append_c(out, '\n');
    for (gsize i = 0; i < json_array_size(errors); i++)
        add_fault(out, json_array_get(errors, i));
    format_add_diagnosis(out, json_object_get(problem, "diagnosis"));
    return g_string_free(out, FALSE);
}

/* --- status ------------------------------------------------------------------------------------
 */

static const Reading setups[] = {{"not_configured", SAY_LATER("not configured")},
    {"incomplete", SAY_LATER("in progress")}, {"verifying", SAY_LATER("being verified")},
    {"complete", SAY_LATER("complete")}, {"failed", SAY_LATER("failed")}};

static const Reading healths[] = {{"ok", SAY_LATER("good")}, {"degraded", SAY_LATER("degraded")},
    {"credential_fault", SAY_LATER("the provider refuses the login")},
    {"unreachable", SAY_LATER("the provider cannot be reached")},
    {"unknown", SAY_LATER("nothing sent yet")}};

static const Reading waits[] = {{"sending", SAY_LATER("on their way")},
    {"queued", SAY_LATER("queued")}, {"deferred", SAY_LATER("retrying")},
    {"held", SAY_LATER("held back")}, {"scheduled", SAY_LATER("scheduled")},
    {"uncertain", SAY_LATER("unclear")}};

static const Reading endings[] = {{"running", SAY_LATER("running")},
    {"passed", SAY_LATER("passed")}, {"failed", SAY_LATER("failed")},
    {"cancelled", SAY_LATER("cancelled")}};

static void add_waiting(GString *out, const json_t *waiting)
{
    g_autoptr(GString) line = g_string_new(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(waits); i++) {
        json_int_t n = json_integer_value(json_object_get(waiting, waits[i].word));
        if (n > 0)
            g_string_append_printf(line, "%s%" JSON_INTEGER_FORMAT " %s", line->len > 0 ? ", " : "",
                n, say(waits[i].english));
    }
    format_add_line(out, say("Waiting:"), line->len > 0 ? line->str : say("nothing"));
}

static const Reading held_reasons[] = {
    {"not_configured", SAY_LATER("no SMTP settings are in force yet")},
    {"paused", SAY_LATER("sending is off")},
    {"credential_fault", SAY_LATER("the provider refuses the login")},
    {"quota", SAY_LATER("the quota is used up")}};

/* Why, if anything is held. */
static void add_held(GString *out, const json_t *smtp)
{
    const json_t *waiting = json_object_get(smtp, "waiting");
    const char *reason = json_string_value(json_object_get(smtp, "held_reason"));
    if (json_integer_value(json_object_get(waiting, "held")) > 0)
        format_add_line(out, say("Held back:"), READING_OF(held_reasons, reason));
}

static const Reading windows[] = {{"per_minute", SAY_LATER("this minute")},
    {"per_hour", SAY_LATER("this hour")}, {"per_day", SAY_LATER("in 24 hours")}};

/* ", room again at 14:05". A minute or an hour is over within the hour, so the clock says enough.
 */
static void add_room(GString *line, const json_t *window, gboolean is_day)
{
    g_autofree char *at =
        is_day ? format_time(window, "free_at") : local_time(window, "free_at", "%H:%M");
    if (at != NULL && is_day)
        g_string_append_printf(line, say(", room again on %s"), at);
    else if (at != NULL)
        g_string_append_printf(line, say(", room again at %s"), at);
}

static void add_quota(GString *out, const json_t *quota)
{
    gboolean is_first = TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(windows); i++) {
        const json_t *window = json_object_get(quota, windows[i].word);
        if (!json_is_object(window))
            continue;
        g_autoptr(GString) line = g_string_new(NULL);
        g_string_append_printf(line, say("%d of %d %s"),
            (int)json_integer_value(json_object_get(window, "used")),
            (int)json_integer_value(json_object_get(window, "limit")), say(windows[i].english));
        add_room(line, window, strcmp(windows[i].word, "per_day") == 0);
        format_add_line(out, is_first ? say("Quota:") : "", line->str);
        is_first = FALSE;
    }
}

/* After a refused login: how often it is tried again without a person, and when. */
static void add_breaker(GString *out, const json_t *smtp)
{
    const json_t *breaker = json_object_get(smtp, "breaker");
    const json_t *sending = json_object_get(smtp, "sending");
    if (!json_is_object(breaker))
        return;
    g_autofree char *next = format_time(breaker, "next_try_at");
    g_autoptr(GString) tries = g_string_new(NULL);
    if (next == NULL || json_integer_value(json_object_get(breaker, "tries_left")) == 0)
        g_string_append(tries, say("none left: check the password with \"absender check\""));
    else if (json_is_true(json_object_get(sending, "enabled")))
        g_string_append_printf(tries, say("one left, made automatically on %s"), next);
    else
        g_string_append_printf(tries, say("one left, made on %s if sending is on by then"), next);
    format_add_line(out, say("Login tries:"), tries->str);
}

static void add_switch(GString *out, const json_t *sending)
{
    gboolean is_enabled = json_is_true(json_object_get(sending, "enabled"));
    g_autoptr(GString) line = g_string_new(is_enabled ? say("on") : say("off"));
    g_autofree char *reason = format_text(sending, "reason");
    g_autofree char *until = format_time(sending, "until");
    g_autofree char *by = format_text(sending, "changed_by");
    g_autofree char *at = format_time(sending, "changed_at");
    if (!is_enabled && g_strcmp0(reason, "initial") == 0)
        g_string_append_printf(line, ", %s", say("never switched on yet"));
    else if (!is_enabled && g_strcmp0(reason, "restored") == 0)
        g_string_append_printf(
            line, ", %s", say("restored from a backup: what waits may have been sent since"));
    else if (!is_enabled && reason != NULL && reason[0] != '\0')
        g_string_append_printf(line, " (%s)", reason);
    if (!is_enabled && until != NULL)
        g_string_append_printf(line, say(", until %s"), until);
    if (at != NULL)
        g_string_append_printf(line, say(", since %s"), at);
    if (g_strcmp0(by, "operator") == 0) /* the API's word for these commands */
        g_string_append_printf(line, say(", by %s"), say("the operator (command line)"));
    else if (by != NULL && by[0] != '\0')
        g_string_append_printf(line, say(", by %s"), by);
    format_add_line(out, say("Sending:"), line->str);
}

static void add_sending_with(GString *out, const json_t *with)
{
    if (!json_is_object(with))
        return;
    g_autofree char *host = format_text(with, "host");
    g_autofree char *from = format_text(with, "from_email");
    g_autofree char *since = format_time(with, "since");
    json_int_t port = json_integer_value(json_object_get(with, "port"));
    g_autoptr(GString) line = g_string_new(host != NULL ? host : "?");
    if (port > 0)
        g_string_append_printf(line, ":%" JSON_INTEGER_FORMAT, port);
    if (from != NULL)
        g_string_append_printf(line, say(", sender %s"), from);
    if (since != NULL)
        g_string_append_printf(line, say(", since %s"), since);
    format_add_line(out, say("Sending with:"), line->str);
}

static const Reading fields[] = {{"host", SAY_LATER("SMTP server")},
    {"from_email", SAY_LATER("sender address")}, {"password", SAY_LATER("password")},
    {"oauth/provider", SAY_LATER("OAuth2 provider")}, {"oauth/grant", SAY_LATER("OAuth2 sign-in")},
    {"oauth/tenant", SAY_LATER("tenant")}, {"oauth/client_id", SAY_LATER("client id")},
    {"oauth/client_secret", SAY_LATER("client secret")},
    {"oauth/certificate", SAY_LATER("certificate")},
    {"oauth/private_key", SAY_LATER("private key")},
    {"oauth/service_account_key", SAY_LATER("service account key")},
    {"oauth/token_url", SAY_LATER("token URL")}, {"oauth/scope", SAY_LATER("scope")},
    {"oauth/refresh_token", SAY_LATER("sign-in at the provider")}};

static void add_missing(GString *out, const json_t *missing)
{
    g_autoptr(GString) line = g_string_new(NULL);
    for (gsize i = 0; i < json_array_size(missing); i++) {
        const json_t *name = json_array_get(missing, i);
        g_autofree char *field = printable(name, LIMIT_PEER_TEXT_CHARACTERS);
        const char *reading = READING_OF(fields, json_string_value(name));
        if (field != NULL)
            g_string_append_printf(
                line, "%s%s", line->len > 0 ? ", " : "", reading != NULL ? reading : field);
    }
    if (line->len > 0)
        format_add_line(out, say("Still missing:"), line->str);
}

char *format_sending(const json_t *smtp)
{
    GString *out = g_string_new(NULL);
    add_switch(out, json_object_get(smtp, "sending"));
    add_waiting(out, json_object_get(smtp, "waiting"));
    add_held(out, smtp);
    return g_string_free(out, FALSE);
}

/* The setup is that of the draft; what mail is sent with goes on. */
static void add_draft_failure(GString *out, const json_t *smtp)
{
    const char *setup = json_string_value(json_object_get(smtp, "setup"));
    if (g_strcmp0(setup, "failed") == 0 && json_is_object(json_object_get(smtp, "sending_with")))
        g_string_append_printf(
            out, "  %s\n", say("New settings are not in force yet (the last check failed)"));
}

char *format_status(const json_t *smtp)
{
    GString *out = g_string_new(NULL);
    format_add_line(out, say("Setup:"), MEMBER_READING(setups, smtp, "setup"));
    add_draft_failure(out, smtp);
    add_missing(out, json_object_get(smtp, "missing"));
    add_sending_with(out, json_object_get(smtp, "sending_with"));
    g_autofree char *rest = format_sending(smtp);
    g_string_append(out, rest);
    add_quota(out, json_object_get(smtp, "quota"));
    add_breaker(out, smtp);
    const json_t *health = json_object_get(smtp, "health");
    if (json_is_object(health)) {
        format_add_line(out, say("Health:"), MEMBER_READING(healths, health, "state"));
        format_add_diagnosis(out, json_object_get(health, "diagnosis"));
    }
    const json_t *last = json_object_get(smtp, "last_verification");
    if (json_is_object(last)) {
        g_autofree char *at = format_time(last, "started_at");
        g_autofree char *line = g_strdup_printf("%s%s%s", MEMBER_READING(endings, last, "state"),
            at != NULL ? ", " : "", at != NULL ? at : "");
        format_add_line(out, say("Last check:"), line);
        format_add_diagnosis(out, json_object_get(last, "diagnosis"));
    }
    format_add_dates(out, json_object_get(smtp, "dates"));
    return g_string_free(out, FALSE);
}

/* --- verification ------------------------------------------------------------------------------
 */

/* The words of the page (ui/i18n, "phase.…"); a test compares them. */
static const Reading phases[] = {{"token", SAY_LATER("Fetch a token")},
    {"dns", SAY_LATER("Look up server name")}, {"connect", SAY_LATER("Connect")},
    {"greeting", SAY_LATER("Server greeting")}, {"ehlo", SAY_LATER("Ask for capabilities")},
    {"starttls", SAY_LATER("Switch to encryption")}, {"tls", SAY_LATER("Negotiate encryption")},
    {"certificate", SAY_LATER("Verify certificate")}, {"auth", SAY_LATER("Log in")},
    {"sender", SAY_LATER("Sender accepted")}, {"recipient", SAY_LATER("Probe recipient accepted")}};

static const Reading securities[] = {
    {"starttls", SAY_LATER("STARTTLS")}, {"implicit", SAY_LATER("TLS from the start")}};

const char *format_phase_name(const json_t *phase)
{
    return MEMBER_READING(phases, phase, "name");
}

/* "127.0.0.1 (::1: ECONNREFUSED, …)": where it went, and in brackets what was tried in vain. */
static void add_attempts(GString *out, const char *detail)
{
    const char *open = strstr(detail, " (");
    gsize n = strlen(detail);
    if (open == NULL || detail[n - 1] != ')') {
        g_string_append(out, detail);
        return;
    }
    g_autofree char *inner = g_strndup(open + 2, (gsize)(detail + n - 1 - (open + 2)));
    g_auto(GStrv) attempts = g_strsplit(inner, ", ", -1);
    g_string_append_len(out, detail, open - detail);
    g_string_append(out, " (");
    for (gsize i = 0; attempts[i] != NULL; i++) {
        char *colon = g_strrstr(attempts[i], ": ");
        g_string_append(out, i > 0 ? ", " : "");
        if (colon != NULL) {
            *colon = '\0';
            g_string_append_printf(out, say("%s does not answer"), attempts[i]);
        } else {
            g_string_append(out, attempts[i]);
        }
    }
    g_string_append_c(out, ')');
}

static void add_phase_detail(GString *out, const json_t *phase)
{
    g_autofree char *detail =
        printable(json_object_get(phase, "detail"), LIMIT_PEER_TEXT_CHARACTERS);
    if (detail == NULL || detail[0] == '\0')
        return;
    g_string_append(out, "  ");
    if (g_strcmp0(json_string_value(json_object_get(phase, "name")), "connect") == 0)
        add_attempts(out, detail);
    else
        g_string_append(out, detail);
}

char *format_phase(const json_t *phase)
{
    static const struct {
        const char *state, *mark;
    } marks[] = {{"passed", "✓"}, {"failed", "✗"}, {"running", "…"}};
    const char *state = json_string_value(json_object_get(phase, "state"));
    const char *mark = "–"; /* pending and skipped */
    for (gsize i = 0; state != NULL && i < G_N_ELEMENTS(marks); i++) {
        if (strcmp(marks[i].state, state) == 0)
            mark = marks[i].mark;
    }
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "  %s ", mark);
    pad(out, format_phase_name(phase), NAME_COLUMN);
    if (json_is_integer(json_object_get(phase, "ms")))
        g_string_append_printf(
            out, " %6" JSON_INTEGER_FORMAT " ms", json_integer_value(json_object_get(phase, "ms")));
    add_phase_detail(out, phase);
    g_string_append_c(out, '\n');
    return g_string_free(out, FALSE);
}

char *format_verification_start(const json_t *verification)
{
    const json_t *settings = json_object_get(verification, "settings");
    g_autofree char *host = format_text(settings, "host");
    g_autofree char *username = format_text(settings, "username");
    const char *security =
        READING_OF(securities, json_string_value(json_object_get(settings, "security")));
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, say("Checking %s"), host != NULL ? host : "?");
    if (is_set(settings, "port"))
        g_string_append_printf(
            out, ":%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(settings, "port")));
    if (security != NULL)
        g_string_append_printf(out, " (%s)", security);
    if (username != NULL)
        g_string_append_printf(out, say(" as %s"), username);
    g_string_append_c(out, '\n');
    return g_string_free(out, FALSE);
}

static void add_server_facts(GString *out, const json_t *server)
{
    const json_t *tls = json_object_get(server, "tls");
    const json_t *certificate = json_object_get(server, "certificate");
    g_autofree char *version = format_text(tls, "version");
    g_autofree char *cipher = format_text(tls, "cipher");
    g_autofree char *subject = format_text(certificate, "subject");
    g_autofree char *until = format_time(certificate, "not_after");
    if (version != NULL && cipher != NULL)
        g_string_append_printf(out, "  %s, %s\n", version, cipher);
    if (subject != NULL && until != NULL) {
        g_string_append_printf(out, say("  certificate of %s, valid until %s"), subject, until);
        g_string_append_c(out, '\n');
    }
}

/* in_force: what was tried is what mail is sent with, before and after. */
static char *format_end(const json_t *verification, gboolean in_force)
{
    const char *state = json_string_value(json_object_get(verification, "state"));
    GString *out = g_string_new("\n");
    if (g_strcmp0(state, "passed") == 0) {
        g_string_append_printf(out, "✓ %s\n", say("The settings work."));
        add_server_facts(out, json_object_get(verification, "server"));
        if (in_force)
            g_string_append_printf(out, "  %s\n", say("They are the settings in force."));
        else if (json_is_true(json_object_get(verification, "activated")))
            g_string_append_printf(out, "  %s\n", say("Mail is sent with them from now on."));
        else
            g_string_append_printf(
                out, "  %s\n", say("They are not active; --activate makes them so."));
    } else if (g_strcmp0(state, "cancelled") == 0) {
        g_string_append_printf(out, "– %s\n", say("The check was cancelled."));
    } else {
        g_string_append_printf(out, "✗ %s\n",
            in_force ? say("The settings in force do not work.")
                     : say("The settings do not work. What is active stays as it was."));
    }
    format_add_diagnosis(out, json_object_get(verification, "diagnosis"));
    return g_string_free(out, FALSE);
}

char *format_verification_end(const json_t *verification)
{
    return format_end(verification, FALSE);
}

char *format_check_in_force(const json_t *verification)
{
    return format_end(verification, TRUE);
}

char *format_transcript(const json_t *verification)
{
    GString *out = g_string_new("\n");
    const json_t *lines = json_object_get(verification, "transcript");
    for (gsize i = 0; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        const char *from = json_string_value(json_object_get(line, "from"));
        g_autofree char *text = format_text(line, "text");
        g_string_append_printf(
            out, "  %s %s\n", g_strcmp0(from, "client") == 0 ? ">" : "<", text != NULL ? text : "");
    }
    return g_string_free(out, FALSE);
}

/* --- emails ------------------------------------------------------------------------------------
 */

static const Reading email_states[] = {{"scheduled", SAY_LATER("scheduled")},
    {"queued", SAY_LATER("queued")}, {"sending", SAY_LATER("being sent")},
    {"deferred", SAY_LATER("retrying")},
    {"held", SAY_LATER("held back")}, /* the explanation says why */
    {"uncertain", SAY_LATER("unclear")}, {"accepted", SAY_LATER("accepted by the provider")},
    {"rejected", SAY_LATER("rejected")}, {"expired", SAY_LATER("expired")},
    {"cancelled", SAY_LATER("cancelled")}, {"handed_over", SAY_LATER("handed over by hand")}};

const char *format_email_state(const json_t *object, const char *key)
{
    return MEMBER_READING(email_states, object, key);
}

char *format_email(const json_t *email)
{
    g_autofree char *id = format_text(email, "id");
    const char *state =
        READING_OF(email_states, json_string_value(json_object_get(email, "state")));
    return g_strdup_printf(
        "✓ %s%s%s\n", id != NULL ? id : "?", state != NULL ? ": " : "", state != NULL ? state : "");
}
