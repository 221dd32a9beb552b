#include "sink.h"

#include <openssl/err.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    IN_BYTES = 64 * 1024,
    TURN_READS = 32, /* then the replies so far leave and other connections get their turn */
    OUT_LIMIT = 1024 * 1024, /* of replies that the client does not read: then its commands wait */
};

/* Replies up to this point of the stream may leave at this time. */
typedef struct {
    gint64 at_ns;
    guint64 upto;
} Due;

struct session {
    Watch socket, timer; /* timer.fd is -1 without latency */
    Worker *worker;
    Session *next_again, *next_dead;
    gboolean is_again, is_dead;
    SSL *ssl; /* NULL before TLS */
    gboolean is_implicit, has_begun, is_handshaking, is_starting_tls;
    gboolean has_more;             /* its last read was not the end of what has come */
    gboolean is_ending, is_polite; /* no more input; closes when all replies are gone */
    gboolean is_lingering;         /* all is said: waits for the client's end */
    uint32_t interest;
    gboolean wants_write;
    gsize n_in;
    GByteArray *out;
    guint64 out_base;       /* the stream's offset of out->data[0] */
    guint64 sent, released; /* offsets of the stream */
    GArray *due;            /* of Due, oldest first; what is not yet released */
    Smtp smtp;
    char in[IN_BYTES];
};

static gint64 now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (gint64)now.tv_sec * 1000000000 + now.tv_nsec;
}

static guint64 said(const Session *session)
{
    return session->out_base + session->out->len;
}

static void session_die(Session *session)
{
    if (session->is_dead)
        return;
    session->is_dead = TRUE;
    if (session->smtp.state == SMTP_DATA || session->smtp.state == SMTP_CHUNK)
        tally_add(session->worker->sink->tally, TALLY_UNFINISHED);
    close(session->socket.fd); /* leaves the epoll set by itself */
    if (session->timer.fd >= 0)
        close(session->timer.fd);
    session->next_dead = session->worker->dead;
    session->worker->dead = session;
    atomic_fetch_sub(&session->worker->sink->open_sessions, 1);
}

static void session_free(Session *session)
{
    SSL_free(session->ssl);
    g_byte_array_unref(session->out);
    g_array_unref(session->due);
    g_free(session);
}

/* A session in `again` is still named there: it is freed in the next round. */
void sessions_bury(Worker *worker)
{
    Session *dead = worker->dead;
    worker->dead = NULL;
    while (dead) {
        Session *next = dead->next_dead;
        if (dead->is_again) {
            dead->next_dead = worker->dead;
            worker->dead = dead;
        } else {
            session_free(dead);
        }
        dead = next;
    }
}

/* --- Bytes -------------------------------------------------------------------------------------
 */

/* What SSL said, as a count: 0 for "later", -1 for the end. */
static gssize tls_result(Session *session, int got)
{
    if (got > 0)
        return got;
    switch (SSL_get_error(session->ssl, got)) {
    case SSL_ERROR_WANT_READ:
        return 0;
    case SSL_ERROR_WANT_WRITE:
        session->wants_write = TRUE;
        return 0;
    default:
        return -1;
    }
}

static gssize session_read(Session *session)
{
    char *room = session->in + session->n_in;
    gsize n_room = IN_BYTES - session->n_in;
    if (session->ssl) {
        ERR_clear_error();
        return tls_result(session, SSL_read(session->ssl, room, (int)n_room));
    }
    gssize got = recv(session->socket.fd, room, n_room, 0);
    if (got > 0)
        return got;
    return got < 0 && errno == EAGAIN ? 0 : -1;
}

static gssize session_write(Session *session, const guint8 *data, gsize n)
{
    if (session->ssl) {
        ERR_clear_error();
        return tls_result(session, SSL_write(session->ssl, data, (int)n));
    }
    gssize put = send(session->socket.fd, data, n, MSG_NOSIGNAL);
    if (put >= 0)
        return put;
    session->wants_write = errno == EAGAIN;
    return errno == EAGAIN ? 0 : -1;
}

static void watch_interest(Session *session)
{
    uint32_t wanted = 0;
    if (session->is_lingering || session->is_handshaking ||
        (!session->is_ending && !session->is_starting_tls &&
            said(session) - session->sent < OUT_LIMIT))
        wanted |= EPOLLIN;
    if (session->wants_write)
        wanted |= EPOLLOUT;
    if (wanted == session->interest)
        return;
    struct epoll_event event = {.events = wanted, .data.ptr = &session->socket};
    epoll_ctl(session->worker->epoll, EPOLL_CTL_MOD, session->socket.fd, &event);
    session->interest = wanted;
}

/* Says goodbye and waits for the client's end, so that the last replies are not lost to a reset. */
static void linger(Session *session)
{
    if (session->ssl && session->is_polite) {
        ERR_clear_error();
        SSL_shutdown(session->ssl);
    }
    shutdown(session->socket.fd, SHUT_WR);
    session->is_lingering = TRUE;
}

static void handshake(Session *session)
{
    ERR_clear_error();
    int got = SSL_do_handshake(session->ssl);
    if (got != 1) {
        if (tls_result(session, got) < 0)
            session_die(session);
        return;
    }
    session->is_handshaking = FALSE;
    tally_add(session->worker->sink->tally, TALLY_HANDSHAKES);
    if (SSL_session_reused(session->ssl))
        tally_add(session->worker->sink->tally, TALLY_RESUMED);
    gboolean is_first_word = !session->smtp.is_greeted;
    smtp_tls_is_up(&session->smtp);
    if (is_first_word)
        smtp_greet(&session->smtp);
}

static void begin_handshake(Session *session)
{
    session->is_starting_tls = FALSE;
    session->is_handshaking = TRUE;
    session->ssl = SSL_new(session->worker->sink->tls);
    SSL_set_fd(session->ssl, session->socket.fd);
    SSL_set_accept_state(session->ssl);
}

/* Writes what may leave, and does what waited for it. */
static void flush(Session *session)
{
    session->wants_write = FALSE;
    while (!session->is_dead && session->sent < session->released) {
        gsize n = (gsize)(session->released - session->sent);
        gssize put =
            session_write(session, session->out->data + (session->sent - session->out_base), n);
        if (put < 0)
            session_die(session);
        if (put <= 0)
            return;
        session->sent += (guint64)put;
    }
    if (session->is_dead)
        return;
    if (session->sent == said(session) || session->sent - session->out_base > IN_BYTES) {
        g_byte_array_remove_range(session->out, 0, (guint)(session->sent - session->out_base));
        session->out_base = session->sent;
    }
    if (session->sent < said(session))
        return;
    if (session->is_starting_tls)
        begin_handshake(session);
    else if (session->is_ending && !session->is_lingering)
        linger(session);
}

static gboolean may_read(const Session *session)
{
    return !session->is_dead && !session->is_handshaking && !session->is_starting_tls &&
           !session->is_ending && said(session) - session->sent < OUT_LIMIT;
}

/* What is read ahead inside TLS makes no event: such a session gets its next turn by itself. */
static void end_turn(Session *session)
{
    if (session->is_dead)
        return;
    watch_interest(session);
    if (session->has_more && !session->is_again && may_read(session)) {
        session->is_again = TRUE;
        session->next_again = session->worker->again;
        session->worker->again = session;
    }
}

/* --- The delay ---------------------------------------------------------------------------------
 */

static void arm_timer(Session *session)
{
    gint64 at_ns = session->due->len ? g_array_index(session->due, Due, 0).at_ns : 0;
    struct itimerspec when = {.it_value = {at_ns / 1000000000, at_ns % 1000000000}};
    timerfd_settime(session->timer.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* The replies to what arrived at this time may leave, now or later. */
static void release(Session *session, gint64 arrived_ns)
{
    gint64 latency_ns = session->worker->sink->config.latency_ns;
    if (latency_ns == 0) {
        session->released = said(session);
        return;
    }
    guint n = session->due->len;
    guint64 known = n ? g_array_index(session->due, Due, n - 1).upto : session->released;
    if (said(session) == known)
        return;
    Due due = {arrived_ns + latency_ns, said(session)};
    g_array_append_val(session->due, due);
    if (n == 0)
        arm_timer(session);
}

static void timer_ready(void *owner, uint32_t events)
{
    Session *session = owner;
    if (session->is_dead)
        return;
    guint64 times;
    gint64 now = now_ns();
    guint n = 0;
    (void)!read(session->timer.fd, &times, sizeof times);
    while (n < session->due->len && g_array_index(session->due, Due, n).at_ns <= now)
        session->released = g_array_index(session->due, Due, n++).upto;
    if (n)
        g_array_remove_range(session->due, 0, n);
    arm_timer(session);
    flush(session);
    end_turn(session);
}

/* --- One turn ----------------------------------------------------------------------------------
 */

static void take_input(Session *session)
{
    gsize used = smtp_feed(&session->smtp, session->in, session->n_in);
    session->n_in -= used;
    if (used && session->n_in)
        memmove(session->in, session->in + used, session->n_in);
    if (session->is_starting_tls && session->n_in)
        session_end(session, FALSE); /* somebody injects (RFC 3207 4) */
}

static void begin(Session *session)
{
    session->has_begun = TRUE;
    if (session->is_implicit)
        begin_handshake(session);
    else
        smtp_greet(&session->smtp);
}

/* Reads, answers, writes. */
static void turn(Session *session)
{
    gint64 arrived_ns = now_ns();
    gssize got = 0;
    if (!session->has_begun)
        begin(session);
    if (session->is_handshaking)
        handshake(session);
    for (int reads = 0; reads < TURN_READS && may_read(session); reads++) {
        got = session_read(session);
        if (got <= 0)
            break;
        session->n_in += (gsize)got;
        take_input(session);
    }
    session->has_more = got > 0;
    if (got < 0)
        session_die(session);
    if (session->is_dead)
        return;
    release(session, arrived_ns);
    flush(session);
    end_turn(session);
}

void sessions_continue(Worker *worker)
{
    Session *session = worker->again;
    worker->again = NULL;
    while (session) {
        Session *next = session->next_again;
        session->is_again = FALSE;
        if (!session->is_dead)
            turn(session);
        session = next;
    }
}

static void wait_for_end(Session *session)
{
    char rest[4096];
    gssize got = recv(session->socket.fd, rest, sizeof rest, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        session_die(session);
}

static void socket_ready(void *owner, uint32_t events)
{
    Session *session = owner;
    if (session->is_dead)
        return;
    if (session->is_lingering)
        wait_for_end(session);
    else if ((events & (EPOLLERR | EPOLLHUP)) && !(events & EPOLLIN))
        session_die(session);
    else
        turn(session);
}

void session_reply(Session *session, const char *lines)
{
    g_byte_array_append(session->out, (const guint8 *)lines, (guint)strlen(lines));
}

void session_start_tls(Session *session)
{
    session->is_starting_tls = TRUE;
}

void session_end(Session *session, gboolean is_polite)
{
    session->is_ending = TRUE;
    session->is_starting_tls = FALSE;
    session->is_polite = is_polite;
}

void session_open(Worker *worker, int fd, gboolean is_implicit)
{
    Session *session = g_new0(Session, 1);
    session->worker = worker;
    session->socket = (Watch){fd, session, socket_ready};
    session->timer = (Watch){-1, session, timer_ready};
    session->out = g_byte_array_new();
    session->due = g_array_new(FALSE, FALSE, sizeof(Due));
    session->smtp.sink = worker->sink;
    session->smtp.session = session;
    session->is_implicit = is_implicit;
    session->interest = EPOLLIN | EPOLLOUT; /* its first event comes at once */
    atomic_fetch_add(&worker->sink->open_sessions, 1);
    tally_add(worker->sink->tally, TALLY_CONNECTIONS);
    if (worker->sink->config.latency_ns > 0) {
        session->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        if (session->timer.fd < 0 || !watch_add(worker, &session->timer, EPOLLIN))
            g_error("no timer for a connection: %s", g_strerror(errno));
    }
    /* Last: from here on the session is its worker's. */
    if (!watch_add(worker, &session->socket, session->interest))
        g_error("no place for a connection: %s", g_strerror(errno));
}
