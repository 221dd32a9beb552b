#include "courier/pool.h"

#include "base/limits.h"
#include "base/text.h"

#include <string.h>

typedef struct {
    EmailDelivery *mail;
    struct line *line; /* the session it is on; NULL while it waits for one */
    AttemptEnd end;    /* set when the session's end decided; told with the session's failure */
} Attempt;

/* One session and its place in the pool. */
typedef struct line {
    Pool *pool;
    Session *session;
    gint64 config_version;
    guint drains;       /* of the pool, when it was opened */
    gboolean has_stood; /* logged in once */
    gboolean is_ready;
    Attempt *attempt; /* borrowed from pool->attempts; NULL while opening or idle */
    guint carried;
    GSource *idle;
} Line;

struct pool {
    PoolParts parts;
    PoolEvents events;
    gpointer user;
    SmtpSettings *settings;
    Secret *password;
    char *ehlo_name;
    gint64 config_version;
    guint drains;
    GPtrArray *lines;     /* of Line */
    GHashTable *attempts; /* recipient_id → Attempt */
    GQueue waiting;       /* of Attempt, borrowed */
};

static void attempt_free(gpointer data)
{
    Attempt *attempt = data;
    email_delivery_free(attempt->mail);
    g_free(attempt);
}

static void clear_idle(Line *line)
{
    if (line->idle != NULL)
        g_source_destroy(line->idle);
    g_clear_pointer(&line->idle, g_source_unref);
}

static void line_free(gpointer data)
{
    Line *line = data;
    clear_idle(line);
    session_free(line->session);
    g_free(line);
}

Pool *pool_new(const PoolParts *parts, const PoolEvents *events, gpointer user)
{
    Pool *pool = g_new0(Pool, 1);
    pool->parts = *parts;
    pool->events = *events;
    pool->user = user;
    pool->lines = g_ptr_array_new_with_free_func(line_free);
    pool->attempts = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, attempt_free);
    g_queue_init(&pool->waiting);
    return pool;
}

void pool_free(Pool *pool)
{
    if (pool == NULL)
        return;
    g_ptr_array_unref(pool->lines);
    g_queue_clear(&pool->waiting);
    g_hash_table_unref(pool->attempts);
    settings_free(pool->settings);
    secret_free(pool->password);
    g_free(pool->ehlo_name);
    g_free(pool);
}

guint pool_sessions(const Pool *pool)
{
    return pool->lines->len;
}

/* --- The end of an attempt ----------------------------------------------------------------------
 */

/* Forgets the attempt, then tells: the listener may at once send the same recipient again. */
static void attempt_ended(Pool *pool, Attempt *attempt, PoolResult *result)
{
    gpointer kept_key = NULL;
    gpointer kept = NULL;
    g_queue_remove(&pool->waiting, attempt);
    if (attempt->line != NULL)
        attempt->line->attempt = NULL;
    result->recipient_id = attempt->mail->recipient_id;
    result->server = pool->settings == NULL ? NULL : pool->settings->host;
    g_hash_table_steal_extended(pool->attempts, &attempt->mail->recipient_id, &kept_key, &kept);
    pool->events.ended(result, pool->user);
    attempt_free(attempt);
}

static void attempt_ended_plainly(Pool *pool, Attempt *attempt, AttemptEnd end)
{
    PoolResult result = {.end = end, .is_local = TRUE};
    attempt_ended(pool, attempt, &result);
}

static gboolean is_login_refusal(const Diagnosis *diagnosis, const DiagnosisInput *input)
{
    gboolean in_login = g_strcmp0(input->phase, "auth") == 0;
    return in_login && input->code >= 500 && diagnosis->class != DIAGNOSIS_TEMPORARY;
}

static void attempt_ended_with(
    Pool *pool, Attempt *attempt, AttemptEnd end, const DiagnosisInput *input, gboolean show_text)
{
    g_autofree char *text =
        input->text == NULL || !show_text
            ? NULL
            : text_printable(input->text, strlen(input->text), LIMIT_PEER_TEXT_CHARACTERS);
    PoolResult result = {
        .end = end,
        .phase = input->phase,
        .code = input->code,
        .enhanced = input->enhanced,
        .text = text != NULL ? text : input->sys,
    };
    if (end != ATTEMPT_ACCEPTED)
        result.diagnosis = diagnosis_match(pool->parts.catalogue, input);
    if (end != ATTEMPT_ACCEPTED && input->code != 0)
        result.fate = diagnosis_fate(result.diagnosis, input);
    if (end == ATTEMPT_UNSENT && is_login_refusal(result.diagnosis, input))
        result.end = ATTEMPT_LOGIN_REFUSED;
    attempt_ended(pool, attempt, &result);
}

static AttemptEnd end_of_outcome(const SmtpOutcome *outcome)
{
    switch (outcome->kind) {
    case SMTP_OUTCOME_ACCEPTED:
        return ATTEMPT_ACCEPTED;
    case SMTP_OUTCOME_UNCERTAIN:
        return ATTEMPT_UNCERTAIN;
    case SMTP_OUTCOME_REJECTED:
        return ATTEMPT_REFUSED;
    case SMTP_OUTCOME_DEFERRED:
        /* 421: the server goes away, it says nothing about this mail (RFC 5321 3.8). */
        return outcome->reply == NULL || outcome->reply->code == 421 ? ATTEMPT_UNSENT
                                                                     : ATTEMPT_REFUSED;
    }
    g_assert_not_reached();
}

static void on_outcome(const SmtpOutcome *outcome, gpointer user)
{
    Line *line = user;
    Attempt *attempt = line->attempt;
    if (attempt == NULL || outcome->token != (guint64)attempt->mail->recipient_id)
        return;
    AttemptEnd end = end_of_outcome(outcome);
    const SmtpReply *reply = outcome->reply;
    if (reply == NULL) { /* why the session ended is told by `ended`, which follows */
        attempt->end = end;
        return;
    }
    const DiagnosisInput input = {
        .phase = smtp_phase_name(outcome->phase),
        .host = line->pool->settings == NULL ? NULL : line->pool->settings->host,
        .code = reply->code,
        .enhanced = reply->enhanced[0] == '\0' ? NULL : reply->enhanced,
        .text = reply->text,
    };
    attempt_ended_with(line->pool, attempt, end, &input, TRUE);
}

/* --- Sessions -----------------------------------------------------------------------------------
 */

static void serve(Pool *pool);

static void line_quit(Line *line)
{
    line->is_ready = FALSE;
    clear_idle(line);
    session_quit(line->session);
}

static gboolean on_idle_too_long(gpointer user)
{
    line_quit(user);
    return G_SOURCE_REMOVE;
}

static guint mails_allowed(const Line *line)
{
    const SmtpCapabilities *capabilities = session_capabilities(line->session);
    guint announced = capabilities == NULL ? 0 : capabilities->limit_mailmax;
    return announced == 0 ? LIMIT_MAILS_PER_SESSION : MIN(announced, LIMIT_MAILS_PER_SESSION);
}

static gboolean is_outdated(const Line *line)
{
    return line->pool->settings == NULL || line->config_version != line->pool->config_version ||
           line->drains != line->pool->drains || line->carried >= mails_allowed(line);
}

static void line_give(Line *line, Attempt *attempt)
{
    clear_idle(line);
    line->is_ready = FALSE;
    line->attempt = attempt;
    line->carried++;
    attempt->line = line;
    const EmailDelivery *mail = attempt->mail;
    const char *const recipients[] = {mail->address, NULL};
    const SmtpMail smtp = {
        .token = (guint64)mail->recipient_id,
        .sender = mail->sender,
        .recipients = recipients,
        .content = mail->content,
        .needs_smtputf8 = mail->needs_smtputf8,
    };
    /* The commit of the mark runs beside MAIL, RCPT and DATA; only the final dot waits for it. */
    line->pool->events.mark(mail->recipient_id, line->pool->user);
    session_send(line->session, &smtp);
}

static void on_ready(gpointer user)
{
    Line *line = user;
    Pool *pool = line->pool;
    if (!line->has_stood && pool->events.login != NULL)
        pool->events.login(TRUE, pool->user);
    line->has_stood = TRUE;
    if (is_outdated(line)) {
        line_quit(line);
        return;
    }
    Attempt *next = g_queue_pop_head(&pool->waiting);
    if (next != NULL) {
        line_give(line, next);
        serve(pool); /* it stands: more may be opened beside it */
        return;
    }
    line->is_ready = TRUE;
    line->idle = g_timeout_source_new(LIMIT_IDLE_SESSION_MS);
    g_source_set_callback(line->idle, on_idle_too_long, line, NULL);
    g_source_attach(line->idle, pool->parts.context);
}

/* Hands back what waits for a session: not tried, still queued. */
static void end_waiting(Pool *pool)
{
    Attempt *attempt;
    while ((attempt = g_queue_pop_head(&pool->waiting)) != NULL)
        attempt_ended_plainly(pool, attempt, ATTEMPT_WITHDRAWN);
}

/* A session that never stood: the mail it was opened for has made its attempt. Those behind it are
 * handed back, or each would try the same refused login or dead server once more. */
static void end_first_waiting(Pool *pool, const SessionFailure *failure)
{
    Attempt *attempt = g_queue_pop_head(&pool->waiting);
    if (attempt != NULL)
        attempt_ended_with(
            pool, attempt, ATTEMPT_UNSENT, &failure->input, failure->text_may_be_shown);
    end_waiting(pool);
}

static void on_ended(const SessionFailure *failure, gpointer user)
{
    Line *line = user;
    Pool *pool = line->pool;
    Attempt *attempt = line->attempt;
    if (failure != NULL && failure->rung == RUNG_AUTH && pool->events.login != NULL)
        pool->events.login(FALSE, pool->user);
    if (attempt != NULL && failure != NULL)
        attempt_ended_with(pool, attempt, attempt->end != 0 ? attempt->end : ATTEMPT_UNSENT,
            &failure->input, failure->text_may_be_shown);
    else if (attempt != NULL)
        attempt_ended_plainly(pool, attempt, ATTEMPT_UNSENT);
    else if (failure != NULL && !line->has_stood)
        end_first_waiting(pool, failure); /* lends the session's strings: before it is freed */
    g_ptr_array_remove_fast(pool->lines, line);
    serve(pool);
}

static const SessionEvents session_events = {
    .outcome = on_outcome,
    .ready = on_ready,
    .ended = on_ended,
};

static void open_line(Pool *pool)
{
    const SessionConfig config = {
        .dialer = pool->parts.dialer,
        .tls = pool->parts.tls,
        .host = pool->settings->host,
        .port = settings_port(pool->settings),
        .security = settings_security(pool->settings),
        .username = settings_username(pool->settings),
        .password = pool->password,
        .ehlo_name = pool->ehlo_name,
        .deadlines = pool->parts.deadlines,
    };
    Line *line = g_new0(Line, 1);
    line->pool = pool;
    line->config_version = pool->config_version;
    line->drains = pool->drains;
    g_ptr_array_add(pool->lines, line);
    line->session = session_open(&config, &session_events, line);
}

static Line *idle_line(Pool *pool)
{
    for (guint i = 0; i < pool->lines->len; i++) {
        Line *line = pool->lines->pdata[i];
        if (line->is_ready && !is_outdated(line))
            return line;
    }
    return NULL;
}

/* Gives waiting mails to idle sessions, and opens sessions for those that none is coming for. Never
 * more logins at once than there are sessions that stand: a password that stopped working is tried
 * once, not once a connection. */
static void serve(Pool *pool)
{
    Line *idle;
    while (pool->waiting.length > 0 && (idle = idle_line(pool)) != NULL)
        line_give(idle, g_queue_pop_head(&pool->waiting));
    guint standing = 0;
    for (guint i = 0; i < pool->lines->len; i++)
        standing += ((const Line *)pool->lines->pdata[i])->has_stood ? 1 : 0;
    guint opening = pool->lines->len - standing;
    while (pool->settings != NULL && opening < pool->waiting.length && opening < MAX(standing, 1) &&
           pool->lines->len < pool->settings->max_connections) {
        open_line(pool);
        opening++;
    }
}

/* --- What the courier asks for ------------------------------------------------------------------
 */

void pool_drain(Pool *pool)
{
    pool->drains++;
    end_waiting(pool);
    /* Quitting a session can end it at once, which changes the list. */
    g_autoptr(GPtrArray) idle = g_ptr_array_new();
    for (guint i = 0; i < pool->lines->len; i++) {
        Line *line = pool->lines->pdata[i];
        if (line->is_ready)
            g_ptr_array_add(idle, line);
    }
    for (guint i = 0; i < idle->len; i++)
        line_quit(idle->pdata[i]);
}

void pool_configure(Pool *pool, const SmtpSettings *settings, const Secret *password,
    const char *ehlo_name, gint64 config_version)
{
    if (settings != NULL && pool->settings != NULL && config_version == pool->config_version)
        return;
    g_clear_pointer(&pool->settings, settings_free);
    g_clear_pointer(&pool->password, secret_free);
    g_clear_pointer(&pool->ehlo_name, g_free);
    if (settings != NULL) {
        pool->settings = settings_copy(settings);
        pool->password = secret_copy(password);
        pool->ehlo_name = g_strdup(ehlo_name);
    }
    pool->config_version = config_version;
    pool_drain(pool);
    if (settings == NULL)
        end_waiting(pool);
    else
        serve(pool);
}

void pool_send(Pool *pool, EmailDelivery *delivery)
{
    Attempt *attempt = g_new0(Attempt, 1);
    attempt->mail = delivery;
    g_hash_table_insert(pool->attempts, &delivery->recipient_id, attempt);
    g_queue_push_tail(&pool->waiting, attempt);
    if (pool->settings == NULL)
        end_waiting(pool);
    else
        serve(pool);
}

/* The session stands in the middle of this mail and can do nothing else: it is dropped. */
static void abandon(Pool *pool, gint64 recipient_id, AttemptEnd end)
{
    Attempt *attempt = g_hash_table_lookup(pool->attempts, &recipient_id);
    if (attempt == NULL)
        return;
    Line *line = attempt->line;
    attempt_ended_plainly(pool, attempt, end);
    if (line != NULL)
        g_ptr_array_remove_fast(pool->lines, line);
    serve(pool);
}

void pool_marked(Pool *pool, gint64 recipient_id, gboolean marked)
{
    Attempt *attempt = g_hash_table_lookup(pool->attempts, &recipient_id);
    if (attempt == NULL || attempt->line == NULL)
        return;
    if (marked)
        session_mark(attempt->line->session, (guint64)recipient_id);
    else
        abandon(pool, recipient_id, ATTEMPT_WITHDRAWN);
}

void pool_mark_failed(Pool *pool, gint64 recipient_id)
{
    abandon(pool, recipient_id, ATTEMPT_UNSENT);
}
