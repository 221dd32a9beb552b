/* One session and its place in the pool. */
#include "base/limits.h"
#include "courier/pool_private.h"

#include <string.h>

/* The catalogue's row for a server that bears fewer connections than it was given. */
#define CROWDED "too_many_connections"

/* --- Room ---------------------------------------------------------------------------------------
 */

static guint mails_allowed(const Line *line)
{
    const SmtpCapabilities *capabilities = session_capabilities(line->session);
    guint announced = capabilities == NULL ? 0 : capabilities->limit_mailmax;
    return announced == 0 ? LIMIT_MAILS_PER_SESSION : MIN(announced, LIMIT_MAILS_PER_SESSION);
}

gboolean line_is_current(const Line *line)
{
    const Pool *pool = line->pool;
    return !line->is_leaving && pool->settings != NULL &&
           line->config_version == pool->config_version && line->drains == pool->drains;
}

/* The server owes a reply for so long that another mail here would share its fate. While the first
 * mail waits for its mark it is our disk that does not move. */
static gboolean is_silent(const Line *line, MonoMs now)
{
    const Attempt *first = g_queue_peek_head((GQueue *)&line->in_hand);
    gint64 stall_ms = line->pool->parts.stall_ms;
    return first != NULL && first->is_marked &&
           now >= line->moved_at + (stall_ms > 0 ? stall_ms : LIMIT_STALL_MS);
}

guint line_room(const Line *line)
{
    guint allowed = mails_allowed(line);
    if (!line_is_current(line) || line->is_stalled || line->given >= allowed ||
        is_silent(line, clock_mono_ms()))
        return 0;
    return MIN(session_room(line->session), allowed - line->given);
}

static guint64 token_of(const Attempt *attempt)
{
    return (guint64)attempt->mail->recipient_id;
}

static void clear_idle(Line *line)
{
    if (line->idle != NULL)
        g_source_destroy(line->idle);
    g_clear_pointer(&line->idle, g_source_unref);
}

/* When its own expiry comes, whichever clock says so first; 0: it has none. */
static MonoMs latest_at(const EmailDelivery *mail, MonoMs now)
{
    if (mail->expires_at == 0)
        return 0;
    gint64 left_ms = mail->expires_at - MAX(clock_wall_ms(), clock_steady_ms());
    return now + MAX(left_ms, 0);
}

void line_give(Line *line, Attempt *attempt)
{
    const EmailDelivery *mail = attempt->mail;
    const char *const recipients[] = {mail->address, NULL};
    char envelope_id[ID_TEXT_SIZE];
    const guint64 token = token_of(attempt);
    const gboolean is_marked = attempt->is_marked;
    const MonoMs now = clock_mono_ms();
    const SmtpMail smtp = {
        .token = token,
        .sender = mail->sender,
        .recipients = recipients,
        .content = mail->content,
        .needs_smtputf8 = mail->needs_smtputf8,
        .marks_late = mail->at_most_once,
        .latest_at = latest_at(mail, now),
        .envelope_id = id_format(&mail->email_id, "em", envelope_id),
        .return_headers = TRUE, /* a bounce must not carry a reset link */
    };
    clear_idle(line);
    if (line->in_hand.length == 0)
        line->moved_at = now;
    else
        pool_watch(line->pool);
    line->given++;
    attempt->line = line;
    g_queue_unlink(&line->pool->waiting, &attempt->link);
    g_queue_push_tail_link(&line->in_hand, &attempt->link);
    session_send(line->session, &smtp); /* may end the attempt */
    if (is_marked)
        session_mark(line->session, &token, 1);
}

/* --- Leaving ------------------------------------------------------------------------------------
 */

static gboolean on_idle_too_long(gpointer user)
{
    Line *line = user;
    clear_idle(line);
    line->is_leaving = TRUE;
    session_quit(line->session);
    return G_SOURCE_REMOVE;
}

void line_settle(Line *line)
{
    if (line->in_hand.length > 0 || !session_is_ready(line->session))
        return;
    line->is_stalled = FALSE;
    if (line_room(line) == 0) {
        clear_idle(line);
        session_quit(line->session);
    } else if (line->idle == NULL) {
        gint64 idle_ms = line->pool->parts.idle_ms;
        line->idle = g_timeout_source_new((guint)(idle_ms > 0 ? idle_ms : LIMIT_IDLE_SESSION_MS));
        g_source_set_callback(line->idle, on_idle_too_long, line, NULL);
        g_source_attach(line->idle, line->pool->parts.context);
    }
}

/* The last mail in hand, taken out of the session; NULL if some of it has been written, and so of
 * all in front of it. From the end, so that none moves up into the place of another. */
static Attempt *take_back_last(Line *line)
{
    Attempt *last = g_queue_peek_tail(&line->in_hand);
    if (last == NULL || !session_is_held(line->session, token_of(last)))
        return NULL;
    session_withdraw(line->session, token_of(last));
    line->given--;
    return last;
}

void line_hand_back_held(Line *line)
{
    Attempt *attempt;
    while ((attempt = take_back_last(line)) != NULL)
        attempt_handed_back(attempt, line->pool);
}

void line_break_off(Line *line)
{
    line->is_cut = TRUE;
    session_break_off(line->session);
}

/* --- Standing still -----------------------------------------------------------------------------
 */

/* Beside the mail that it owes a reply for, it holds one that could go elsewhere. */
gboolean line_is_stuck(const Line *line, MonoMs now)
{
    const Attempt *last = g_queue_peek_tail((GQueue *)&line->in_hand);
    return line->in_hand.length > 1 && line_is_current(line) && is_silent(line, now) &&
           session_is_held(line->session, token_of(last));
}

/* It waits again for a line, in front of the others. */
static void let_wait(Line *line, Attempt *attempt)
{
    g_queue_unlink(&line->in_hand, &attempt->link);
    g_queue_push_head_link(&line->pool->waiting, &attempt->link);
    attempt->line = NULL;
    attempt->wants_mark = FALSE;
}

void line_recall_held(Line *line)
{
    Attempt *attempt;
    line->is_stalled = TRUE;
    while ((attempt = take_back_last(line)) != NULL)
        let_wait(line, attempt);
}

/* --- What the server shows us -------------------------------------------------------------------
 */

static gboolean says_crowded(const Pool *pool, const DiagnosisInput *input)
{
    return strcmp(diagnosis_match(pool->parts.catalogue, input)->id, CROWDED) == 0;
}

/* It had no place for one more connection, or so it seems: many refuse it without a word. A login
 * or certificate that is refused is something else, and so is a 421 in good order after some mails.
 */
static gboolean minds_connection(const Line *line, const SessionFailure *failure)
{
    const DiagnosisInput *input = &failure->input;
    if (failure->rung == RUNG_TOKEN) /* that was another server */
        return FALSE;
    if (input->code != 0 && says_crowded(line->pool, input))
        return TRUE;
    if (line->has_stood)
        return input->code == 421 && line->given > 0 && line->answered == 0;
    if (input->code != 0)
        return input->code < 500;
    return failure->rung == RUNG_CONNECT || failure->rung == RUNG_GREETING;
}

/* While others stand they are as many as the server bears, and this one gets no more mails. */
static gboolean is_one_too_many(Line *line)
{
    Pool *pool = line->pool;
    gboolean was_counted = line->has_stood && line_is_current(line);
    guint others = pool_standing(pool) - (was_counted ? 1 : 0);
    if (others == 0)
        return FALSE;
    if (line_is_current(line))
        manners_crowded(&pool->manners, others, clock_mono_ms());
    line->is_leaving = TRUE;
    return TRUE;
}

/* --- Session events -----------------------------------------------------------------------------
 */

static void on_outcome(const SmtpOutcome *outcome, gpointer user)
{
    Line *line = user;
    Pool *pool = line->pool;
    Attempt *attempt = attempt_find(pool, (gint64)outcome->token);
    const SmtpReply *reply = outcome->reply;
    gboolean is_accepted = outcome->kind == SMTP_OUTCOME_ACCEPTED;
    if (attempt == NULL || attempt->line != line)
        return;
    line->is_stalled = FALSE;
    line->moved_at = clock_mono_ms();
    if (outcome->was_held && reply == NULL && outcome->fault == SMTP_FAULT_NONE) {
        line->given--;
        let_wait(line, attempt); /* this session begins no more mails, another one may */
        return;
    }
    if (outcome->fault == SMTP_FAULT_TOO_LATE) { /* the outbox sees that it has expired */
        line->given -= outcome->was_held ? 1 : 0;
        attempt_handed_back(attempt, pool);
        return;
    }
    /* 421: the server goes away, it says nothing about this mail (RFC 5321 3.8). */
    if (reply == NULL || reply->code == 421) {
        attempt->is_uncertain = outcome->kind == SMTP_OUTCOME_UNCERTAIN;
        attempt->is_untouched = outcome->was_held;
        attempt->is_bystander = outcome->fault == SMTP_FAULT_WITHDRAWN;
        return;
    }
    const DiagnosisInput input = {
        .phase = smtp_phase_name(outcome->phase),
        .host = line->host,
        .code = reply->code,
        .enhanced = reply->enhanced[0] == '\0' ? NULL : reply->enhanced,
        .text = reply->text,
        .by_token = line->is_by_token,
    };
    if (outcome->was_held) /* the objection is ours: the server has not heard of it */
        line->given--;
    else if (outcome->kind != SMTP_OUTCOME_DEFERRED)
        line->answered++;
    if (!is_accepted && says_crowded(pool, &input))
        is_one_too_many(line);
    attempt_ended_with(
        attempt, pool, is_accepted ? ATTEMPT_ACCEPTED : ATTEMPT_REFUSED, &input, TRUE);
}

/* From within `session_send`, or when its turn has come: asked for once all is given. */
static void on_begun(const guint64 *tokens, guint n, gpointer user)
{
    Pool *pool = ((Line *)user)->pool;
    for (guint i = 0; i < n; i++) {
        gint64 recipient_id = (gint64)tokens[i];
        Attempt *attempt = attempt_find(pool, recipient_id);
        if (attempt == NULL || attempt->line != user)
            continue;
        attempt->wants_mark = TRUE;
        g_array_append_val(pool->to_mark, recipient_id);
    }
    later_ask(pool->later);
}

/* What it shows of its server is true of the server in the settings. */
static gboolean teaches_manners(const Line *line)
{
    return line->config_version == line->pool->config_version;
}

static void on_proved(gpointer user)
{
    const Line *line = user;
    if (teaches_manners(line))
        manners_proved(&line->pool->manners);
}

static void on_room(gpointer user)
{
    Line *line = user;
    Pool *pool = line->pool;
    if (!line->has_stood && pool->events.login != NULL)
        pool->events.login(TRUE, pool->user);
    line->has_stood = TRUE;
    while (pool->waiting.length > 0 && line_room(line) > 0)
        line_give(line, pool->waiting.head->data);
    line_settle(line);
    pool_open_lines(pool); /* it stands: more may be opened beside it */
    pool_ask_marks(pool);
}

/* The mails in hand had no part in the session's end: it came for another mail's reply, or in good
 * order, or because of how we wrote. Each of these has moved something on, so that it cannot go on
 * for ever. */
static gboolean is_no_break(const Line *line, const SessionFailure *failure)
{
    if (failure == NULL || line->is_cut || (failure->lost_step && !line->is_stepwise))
        return TRUE;
    return failure->input.code != 0 && line->answered > 0;
}

/* For a break the first in hand has made its attempt, or it could go on for ever. Where the
 * connection broke so have the others of which something was written; where a reply ended it, it
 * was said to the first alone. */
static gboolean has_made_attempt(
    const Attempt *attempt, const SessionFailure *failure, gboolean is_first)
{
    if (attempt->is_bystander)
        return FALSE;
    return is_first || (failure->input.code == 0 && !attempt->is_untouched);
}

/* The reply that ended the session stood where the first mail's own end was answered: that is its
 * attempt, whatever it says about the session. */
static gboolean ends_with_answer(const SessionFailure *failure)
{
    return failure != NULL && failure->input.code != 0 &&
           g_strcmp0(failure->input.phase, smtp_phase_name(SMTP_PHASE_AFTER_DATA)) == 0;
}

static void end_in_hand(Line *line, const SessionFailure *failure, gboolean is_no_fault)
{
    Pool *pool = line->pool;
    Attempt *attempt;
    gboolean is_first = TRUE;
    while ((attempt = g_queue_peek_head(&line->in_hand)) != NULL) {
        gboolean was_answered = is_first && ends_with_answer(failure);
        gboolean was_tried =
            was_answered || (!is_no_fault && has_made_attempt(attempt, failure, is_first));
        is_first = FALSE;
        if (!was_tried && !attempt->is_uncertain)
            attempt_handed_back(attempt, pool);
        else
            attempt_ended_with(attempt, pool,
                attempt->is_uncertain ? ATTEMPT_UNCERTAIN : ATTEMPT_UNSENT, &failure->input,
                failure->text_may_be_shown);
    }
}

static void on_ended(const SessionFailure *failure, gpointer user)
{
    Line *line = user;
    Pool *pool = line->pool;
    gboolean is_superfluous =
        failure != NULL && minds_connection(line, failure) && is_one_too_many(line);
    if (failure != NULL && failure->lost_step && teaches_manners(line))
        manners_lost_step(&pool->manners, clock_mono_ms());
    if (failure != NULL && failure->rung == RUNG_AUTH && pool->events.login != NULL)
        pool->events.login(FALSE, pool->user);
    end_in_hand(line, failure, is_superfluous || is_no_break(line, failure));
    if (failure != NULL && !line->has_stood && !is_superfluous)
        pool_end_first_waiting(pool, failure);
    later_ask(pool->later);
    g_ptr_array_remove_fast(pool->lines, line); /* and with it the session's strings */
}

/* --- Life ---------------------------------------------------------------------------------------
 */

static const SessionEvents session_events = {
    .outcome = on_outcome,
    .begun = on_begun,
    .proved = on_proved,
    .room = on_room,
    .ended = on_ended,
};

void line_open(Pool *pool)
{
    const SmtpSettings *settings = pool->settings;
    const gboolean is_by_token = settings->auth == SETTINGS_AUTH_OAUTH2;
    const SessionConfig config = {
        .dialer = pool->parts.dialer,
        .tls = pool->parts.tls,
        .host = settings->host,
        .port = settings_port(settings),
        .security = settings_security(settings),
        .username = settings_username(settings),
        .password = pool->password,
        .bearer = is_by_token ? pool->parts.bearer : NULL,
        .org_id = pool->parts.org_id,
        .settings = settings,
        .ehlo_name = pool->ehlo_name,
        .deadlines = pool->parts.deadlines,
        .pace = manners_pace(&pool->manners, clock_mono_ms()),
        .window = settings->window,
        .is_proven = pool->manners.is_proven,
    };
    Line *line = g_new0(Line, 1);
    line->pool = pool;
    line->host = g_strdup(settings->host);
    line->config_version = pool->config_version;
    line->drains = pool->drains;
    line->is_by_token = is_by_token;
    line->is_stepwise = config.pace == SMTP_PACE_STEPWISE;
    line->marks = g_array_new(FALSE, FALSE, sizeof(guint64));
    g_queue_init(&line->in_hand);
    g_ptr_array_add(pool->lines, line);
    line->session = session_open(&config, &session_events, line);
}

void line_free(gpointer data)
{
    Line *line = data;
    clear_idle(line);
    session_free(line->session);
    g_array_unref(line->marks);
    g_free(line->host);
    g_free(line);
}
