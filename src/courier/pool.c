#include "courier/pool.h"

#include "base/limits.h"
#include "courier/pool_private.h"

static void serve(gpointer user);

static void clear_watch(Pool *pool)
{
    if (pool->watch != NULL)
        g_source_destroy(pool->watch);
    g_clear_pointer(&pool->watch, g_source_unref);
}

Pool *pool_new(const PoolParts *parts, const PoolEvents *events, gpointer user)
{
    Pool *pool = g_new0(Pool, 1);
    pool->parts = *parts;
    pool->events = *events;
    pool->user = user;
    pool->lines = g_ptr_array_new_with_free_func(line_free);
    pool->attempts = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, attempt_free);
    pool->to_mark = g_array_new(FALSE, FALSE, sizeof(gint64));
    pool->later = later_new(parts->context, serve, pool);
    g_queue_init(&pool->waiting);
    return pool;
}

void pool_free(Pool *pool)
{
    if (pool == NULL)
        return;
    later_free(pool->later);
    clear_watch(pool);
    g_ptr_array_unref(pool->lines);
    g_hash_table_unref(pool->attempts);
    g_array_unref(pool->to_mark);
    manners_clear(&pool->manners);
    settings_free(pool->settings);
    secret_free(pool->password);
    g_free(pool->ehlo_name);
    g_free(pool);
}

guint pool_sessions(const Pool *pool)
{
    return pool->lines->len;
}

guint pool_standing(const Pool *pool)
{
    guint n = 0;
    for (guint i = 0; i < pool->lines->len; i++) {
        const Line *line = pool->lines->pdata[i];
        n += line->has_stood && line_is_current(line) ? 1 : 0;
    }
    return n;
}

/* --- Giving -------------------------------------------------------------------------------------
 */

/* Of those with room the one with the fewest mails in hand, so that all connections carry. */
static Line *emptiest_line(const Pool *pool)
{
    Line *best = NULL;
    for (guint i = 0; i < pool->lines->len; i++) {
        Line *line = pool->lines->pdata[i];
        if (line_room(line) > 0 && (best == NULL || line->in_hand.length < best->in_hand.length))
            best = line;
    }
    return best;
}

static guint lines_opening(const Pool *pool)
{
    guint n = 0;
    for (guint i = 0; i < pool->lines->len; i++)
        n += ((const Line *)pool->lines->pdata[i])->has_stood ? 0 : 1;
    return n;
}

static guint lines_allowed(const Pool *pool)
{
    return pool->settings == NULL ? 0
                                  : manners_connections(&pool->manners,
                                        pool->settings->max_connections, clock_mono_ms());
}

/* Never more logins at once than there are sessions that stand: a password that stopped working is
 * tried once, not once a connection. */
void pool_open_lines(Pool *pool)
{
    guint allowed = lines_allowed(pool);
    guint at_once = MAX(pool_standing(pool), 1);
    for (guint opening = lines_opening(pool);
         opening < MIN(pool->waiting.length, at_once) && pool->lines->len < allowed; opening++)
        line_open(pool);
}

void pool_ask_marks(Pool *pool)
{
    if (pool->to_mark->len == 0)
        return;
    g_autoptr(GArray) asked = g_array_new(FALSE, FALSE, sizeof(gint64));
    for (guint i = 0; i < pool->to_mark->len; i++) {
        gint64 recipient_id = g_array_index(pool->to_mark, gint64, i);
        Attempt *attempt = attempt_find(pool, recipient_id);
        if (attempt == NULL || !attempt->wants_mark || attempt->is_asked)
            continue; /* it has ended since, and may be here anew */
        attempt->is_asked = TRUE;
        g_array_append_val(asked, recipient_id);
    }
    g_array_set_size(pool->to_mark, 0);
    if (asked->len > 0)
        pool->events.mark((const gint64 *)(gconstpointer)asked->data, asked->len, pool->user);
}

/* Gives what waits to the lines that have room, and opens more if that was not enough. A line whose
 * mail was refused on the spot is as idle as before. */
static void serve(gpointer user)
{
    Pool *pool = user;
    Line *line;
    while (pool->waiting.length > 0 && (line = emptiest_line(pool)) != NULL)
        line_give(line, pool->waiting.head->data);
    for (guint i = 0; i < pool->lines->len; i++)
        line_settle(pool->lines->pdata[i]);
    pool_open_lines(pool);
    pool_ask_marks(pool);
}

/* --- Standing still -----------------------------------------------------------------------------
 */

static gboolean on_watch(gpointer user)
{
    Pool *pool = user;
    MonoMs now = clock_mono_ms();
    gboolean more_may_be_opened = pool->lines->len < lines_allowed(pool);
    gboolean is_needed = FALSE;
    clear_watch(pool);
    for (guint i = 0; i < pool->lines->len; i++) {
        Line *line = pool->lines->pdata[i];
        if (more_may_be_opened && line_is_stuck(line, now))
            line_recall_held(line);
        is_needed = is_needed || line->in_hand.length > 1;
    }
    if (is_needed)
        pool_watch(pool);
    serve(pool);
    return G_SOURCE_REMOVE;
}

void pool_watch(Pool *pool)
{
    gint64 stall_ms = pool->parts.stall_ms > 0 ? pool->parts.stall_ms : LIMIT_STALL_MS;
    if (pool->watch != NULL)
        return;
    pool->watch = g_timeout_source_new((guint)(stall_ms / 2));
    g_source_set_callback(pool->watch, on_watch, pool, NULL);
    g_source_attach(pool->watch, pool->parts.context);
}

static void end_waiting(Pool *pool)
{
    for (guint n = pool->waiting.length; n > 0; n--)
        attempt_handed_back(pool->waiting.head->data, pool);
}

void pool_end_first_waiting(Pool *pool, const SessionFailure *failure)
{
    AttemptEnd end = failure->is_no_verdict ? ATTEMPT_NO_TOKEN : ATTEMPT_UNSENT;
    if (pool->waiting.length > 0)
        attempt_ended_with(
            pool->waiting.head->data, pool, end, &failure->input, failure->text_may_be_shown);
    else if (pool->events.login_refused != NULL && end == ATTEMPT_UNSENT &&
             attempt_tells_refusal(pool, &failure->input))
        pool->events.login_refused(pool->config_version, pool->user);
    end_waiting(pool);
}

/* --- What the courier asks for ------------------------------------------------------------------
 */

/* Whoever hangs up here would not hear that the password is refused, and try it once more. With
 * other settings the answer is of no use. */
static gboolean awaits_login(const Line *line)
{
    return line->config_version == line->pool->config_version &&
           session_auth_mechanism(line->session) != NULL;
}

void pool_drain(Pool *pool)
{
    pool->drains++;
    end_waiting(pool);
    for (guint i = pool->lines->len; i > 0; i--) {
        Line *line = pool->lines->pdata[i - 1];
        if (!line->has_stood && awaits_login(line))
            continue;
        if (!line->has_stood) { /* nothing depends on it */
            g_ptr_array_remove_index(pool->lines, i - 1);
            continue;
        }
        line_hand_back_held(line);
        line_settle(line);
    }
}

void pool_break_off(Pool *pool)
{
    while (pool->lines->len > 0) {
        Line *line = pool->lines->pdata[pool->lines->len - 1];
        if (line->has_stood)
            line_break_off(line);
        else
            g_ptr_array_remove_index(pool->lines, pool->lines->len - 1);
    }
}

/* What a session is opened with, and how many there may be, is as before. */
static gboolean is_configured(const Pool *pool, const SmtpSettings *settings, gint64 config_version)
{
    return settings != NULL && pool->settings != NULL && config_version == pool->config_version &&
           settings->max_connections == pool->settings->max_connections &&
           settings->window == pool->settings->window;
}

void pool_configure(Pool *pool, const SmtpSettings *settings, const Secret *password,
    const char *ehlo_name, gint64 config_version)
{
    if (is_configured(pool, settings, config_version))
        return;
    g_clear_pointer(&pool->settings, settings_free);
    g_clear_pointer(&pool->password, secret_free);
    g_clear_pointer(&pool->ehlo_name, g_free);
    if (settings != NULL) {
        pool->settings = settings_copy(settings);
        pool->password = secret_copy(password);
        pool->ehlo_name = g_strdup(ehlo_name);
        manners_meet(&pool->manners, settings->host, settings_port(settings));
    }
    pool->config_version = config_version;
    pool_drain(pool);
}

void pool_send(Pool *pool, EmailDelivery *delivery)
{
    Attempt *attempt = attempt_new(pool, delivery);
    if (pool->settings == NULL)
        attempt_handed_back(attempt, pool);
    else
        later_ask(pool->later);
}

/* The session lives on unless it stands in the middle of this mail. */
static void abandon(Pool *pool, gint64 recipient_id, AttemptEnd end)
{
    Attempt *attempt = attempt_find(pool, recipient_id);
    if (attempt == NULL || !attempt->is_asked)
        return;
    if (attempt->line != NULL)
        session_withdraw(attempt->line->session, (guint64)recipient_id);
    attempt_ended_plainly(attempt, pool, end);
}

gboolean pool_holds(const Pool *pool, const Id *email_id)
{
    GHashTableIter attempts;
    gpointer attempt;
    g_hash_table_iter_init(&attempts, pool->attempts);
    while (g_hash_table_iter_next(&attempts, NULL, &attempt)) {
        if (id_equal(&((const Attempt *)attempt)->mail->email_id, email_id))
            return TRUE;
    }
    return FALSE;
}

static void tell_marks(const Pool *pool, MonoMs now)
{
    for (guint i = 0; i < pool->lines->len; i++) {
        Line *line = pool->lines->pdata[i];
        if (line->marks->len == 0)
            continue;
        line->moved_at = now;
        session_mark(
            line->session, (const guint64 *)(gconstpointer)line->marks->data, line->marks->len);
        g_array_set_size(line->marks, 0);
    }
}

/* Withdrawals come first: where one costs the session, no other mail is let go into it. */
void pool_marked(Pool *pool, const gint64 *recipient_ids, const gboolean *marked, guint n)
{
    for (guint i = 0; i < n; i++) {
        if (!marked[i])
            abandon(pool, recipient_ids[i], ATTEMPT_WITHDRAWN);
    }
    for (guint i = 0; i < n; i++) {
        Attempt *attempt = attempt_find(pool, recipient_ids[i]);
        guint64 token = (guint64)recipient_ids[i];
        if (!marked[i] || attempt == NULL || !attempt->is_asked)
            continue;
        attempt->is_marked = TRUE;
        if (attempt->line != NULL)
            g_array_append_val(attempt->line->marks, token);
    }
    tell_marks(pool, clock_mono_ms());
}

void pool_mark_failed(Pool *pool, const gint64 *recipient_ids, guint n)
{
    for (guint i = 0; i < n; i++)
        abandon(pool, recipient_ids[i], ATTEMPT_NOT_STORED);
}
