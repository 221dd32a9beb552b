#include "visit.h"

#include "verdict.h"

#include <string.h>
#include <unistd.h>

enum {
    LONG_MS = 20000,    /* a deadline that is not meant to be met */
    GIVE_UP_MS = 45000, /* for the whole visit: more than any deadline */
    FAREWELL_MS = 3000, /* from the session's end to the connection's */
    QUIT_MS = 900,
    LATE_MARK_MS = 30,
};

struct visit_place {
    NetListener *listener;
    guint16 port;
    Visit *guest; /* NULL: nobody */
};

struct visit {
    const VisitGround *ground;
    VisitPlace *place;
    Peer *peer;
    Session *session;
    GSource *marks; /* due in the next turn of the loop */
    guint64 due[ROW_MAILS];
    guint n_due;
    GBytes *contents[ROW_MAILS];
    void (*finished)(Visit *visit, gpointer user);
    gpointer user;
    gboolean is_finished, has_started;
    Account account; /* what the session said */
    GString *story;
    char *verdict;
};

/* --- The place -------------------------------------------------------------------------------- */

static void on_client_gone(gpointer user);

static void on_accepted(int fd, gpointer user)
{
    VisitPlace *place = user;
    Visit *visit = place->guest;
    if (visit == NULL || visit->peer != NULL) {
        close(fd);
        return;
    }
    const Row *row = visit->account.row;
    visit->peer = peer_new(visit->ground->context, fd, row,
        identities_context(visit->ground->identities, row->identity), on_client_gone, visit);
}

VisitPlace *visit_place_new(const VisitGround *ground)
{
    VisitPlace *place = g_new0(VisitPlace, 1);
    place->listener =
        net_listener_new(ground->context, "127.0.0.1", 0, &place->port, on_accepted, place, NULL);
    g_assert(place->listener != NULL);
    return place;
}

void visit_place_free(VisitPlace *place)
{
    net_listener_free(place->listener);
    g_free(place);
}

/* --- The end ---------------------------------------------------------------------------------- */

static void finish(Visit *visit)
{
    if (visit->is_finished)
        return;
    visit->is_finished = TRUE;
    visit->account.ledger = visit->peer == NULL ? NULL : peer_ledger(visit->peer);
    visit->account.stuck_since = visit->peer == NULL ? 0 : peer_stuck_since(visit->peer);
    visit->verdict = verdict_on(&visit->account);
    visit->finished(visit, visit->user);
}

static void on_client_gone(gpointer user)
{
    Visit *visit = user;
    if (visit->account.ended_at != 0)
        finish(visit);
}

void visit_look_at_clock(Visit *visit, MonoMs now)
{
    const Account *account = &visit->account;
    gboolean is_late = now > account->began_at + GIVE_UP_MS;
    gboolean is_left_over = account->ended_at != 0 && now > account->ended_at + FAREWELL_MS;
    if (!visit->is_finished && (is_late || is_left_over))
        finish(visit);
}

/* --- What the session says -------------------------------------------------------------------- */

static void on_line(gboolean from_client, const char *text, gpointer user)
{
    Visit *visit = user;
    g_string_append_printf(visit->story, "#     %s %s\n", from_client ? "C:" : "S:", text);
    if (from_client && (strstr(text, "cGE1NQ") != NULL || strstr(text, "AHUAcGE1NQ") != NULL))
        visit->account.showed_password = TRUE;
}

static void on_outcome(const SmtpOutcome *outcome, gpointer user)
{
    Visit *visit = user;
    static const char *const kinds[] = {"", "accepted", "rejected", "deferred", "uncertain"};
    g_assert(outcome->token < ROW_MAILS && outcome->recipient == 0);
    AccountMail *mail = &visit->account.mails[outcome->token];
    mail->n_outcomes++;
    mail->kind = outcome->kind;
    g_string_append_printf(visit->story, "#     mail %u is %s in %s\n", (guint)outcome->token,
        kinds[outcome->kind], smtp_phase_name(outcome->phase));
}

static gboolean on_marks(gpointer user)
{
    Visit *visit = user;
    guint n = visit->n_due;
    visit->n_due = 0;
    g_source_unref(g_steal_pointer(&visit->marks));
    if (visit->account.ended_at == 0)
        session_mark(visit->session, visit->due, n);
    return G_SOURCE_REMOVE;
}

/* The store would commit now; it does so in the loop's next turn, or never. */
static void on_begun(const guint64 *tokens, guint n, gpointer user)
{
    Visit *visit = user;
    for (guint i = 0; i < n; i++) {
        g_assert(tokens[i] < ROW_MAILS);
        if (visit->account.row->withheld == (int)tokens[i])
            continue;
        visit->account.mails[tokens[i]].is_marked = TRUE;
        visit->due[visit->n_due++] = tokens[i];
    }
    if (visit->n_due == 0 || visit->marks != NULL)
        return;
    visit->marks =
        visit->account.row->marks_late ? g_timeout_source_new(LATE_MARK_MS) : g_idle_source_new();
    g_source_set_priority(visit->marks, G_PRIORITY_DEFAULT);
    g_source_set_callback(visit->marks, on_marks, visit, NULL);
    g_source_attach(visit->marks, visit->ground->context);
}

static void send_mail(Visit *visit, guint token)
{
    g_autofree char *sender = g_strdup_printf("s%u@a.example", token);
    g_autofree char *recipient = g_strdup_printf("r%u.0@b.example", token);
    const char *recipients[] = {recipient, NULL};
    const SmtpMail mail = {.token = token,
        .sender = sender,
        .recipients = recipients,
        .content = visit->contents[token]};
    visit->account.mails[token].is_given = TRUE;
    session_send(visit->session, &mail);
}

static void on_room(gpointer user)
{
    Visit *visit = user;
    Account *account = &visit->account;
    while (account->n_given < ROW_MAILS && session_room(visit->session) > 0)
        send_mail(visit, account->n_given++);
    if (account->n_given == ROW_MAILS && session_is_ready(visit->session))
        session_quit(visit->session);
}

static void on_tls(const NetTlsInfo *info, gpointer user)
{
    Visit *visit = user;
    g_string_append_printf(visit->story, "#     TLS: %s, %s\n",
        info->version == NULL ? "?" : info->version, info->subject == NULL ? "?" : info->subject);
}

static void on_ended(const SessionFailure *failure, gpointer user)
{
    Visit *visit = user;
    Account *account = &visit->account;
    account->ended_at = clock_mono_ms();
    if (failure != NULL) {
        const DiagnosisInput *input = &failure->input;
        account->has_failed = TRUE;
        account->lost_step = failure->lost_step;
        account->phase = g_strdup(input->phase);
        account->sys = g_strdup(input->sys);
        account->tls = g_strdup(input->tls);
        account->code = input->code;
        account->verify = input->verify;
        account->diagnosis = diagnosis_match(visit->ground->catalogue, input)->id;
    }
    if (visit->peer == NULL || peer_is_over(visit->peer))
        finish(visit);
}

/* --- Life ------------------------------------------------------------------------------------- */

static GBytes *make_content(const Row *row, guint token)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "Subject: %u\r\n\r\n.\r\nhi\r\n", token);
    while (text->len < row->n_content)
        g_string_append_printf(text, "..line at %" G_GSIZE_FORMAT "\r\n", text->len);
    return g_string_free_to_bytes(g_steal_pointer(&text));
}

static void open_session(Visit *visit)
{
    static const SessionEvents events = {.tls = on_tls,
        .line = on_line,
        .outcome = on_outcome,
        .begun = on_begun,
        .room = on_room,
        .ended = on_ended};
    const Row *row = visit->account.row;
    const char *host = identities_row(row->identity)->host;
    gint64 patience = row->seen == SEEN_TIMEOUT || row->is_short ? PEER_DEADLINE_MS : LONG_MS;
    const SessionConfig config = {.dialer = &visit->ground->dialer,
        .tls = visit->ground->tls,
        .host = host == NULL ? IDENTITY_HOST : host,
        .port = visit->place->port,
        .security = row->security,
        .username = "u",
        .password = visit->ground->password,
        .ehlo_name = "c.example",
        .deadlines = {patience, patience, patience, patience, patience, QUIT_MS, patience},
        .is_proven = row->is_proven};
    visit->session = session_open(&config, &events, visit);
}

Visit *visit_new(const VisitGround *ground, VisitPlace *place, const Row *row,
    void (*finished)(Visit *visit, gpointer user), gpointer user)
{
    Visit *visit = g_new0(Visit, 1);
    visit->ground = ground;
    visit->place = place;
    visit->finished = finished;
    visit->user = user;
    visit->story = g_string_new(NULL);
    visit->account.row = row;
    visit->account.began_at = clock_mono_ms();
    for (guint i = 0; i < ROW_MAILS; i++) {
        visit->contents[i] = make_content(row, i);
        visit->account.mails[i].content = visit->contents[i];
    }
    place->guest = visit;
    open_session(visit);
    return visit;
}

void visit_free(Visit *visit)
{
    if (visit == NULL)
        return;
    visit->place->guest = NULL;
    if (visit->marks != NULL) {
        g_source_destroy(visit->marks);
        g_source_unref(visit->marks);
    }
    session_free(visit->session);
    peer_free(visit->peer);
    for (guint i = 0; i < ROW_MAILS; i++)
        g_bytes_unref(visit->contents[i]);
    g_free(visit->account.phase);
    g_free(visit->account.sys);
    g_free(visit->account.tls);
    g_string_free(visit->story, TRUE);
    g_free(visit->verdict);
    g_free(visit);
}

gboolean visit_is_waiting(const Visit *visit)
{
    return visit->peer != NULL && peer_stuck_since(visit->peer) != 0;
}

gboolean visit_is_finished(const Visit *visit)
{
    return visit->is_finished;
}

const Row *visit_row(const Visit *visit)
{
    return visit->account.row;
}

const char *visit_verdict(const Visit *visit)
{
    return visit->verdict;
}

RowTraffic visit_traffic(const Visit *visit)
{
    if (visit->peer == NULL)
        return (RowTraffic){0};
    return (RowTraffic){peer_written(visit->peer), peer_read(visit->peer)};
}

/* A connection that was never accepted would meet the next guest. */
void visit_count(const Visit *visit, guint counts[SMTP_OUTCOME_UNCERTAIN + 1])
{
    for (guint i = 0; i < ROW_MAILS; i++) {
        if (visit->account.mails[i].n_outcomes > 0)
            counts[visit->account.mails[i].kind]++;
    }
}

gboolean visit_was_received(const Visit *visit)
{
    return visit->peer != NULL;
}

char *visit_story(const Visit *visit)
{
    const Account *account = &visit->account;
    gint64 took = account->ended_at == 0 ? -1 : account->ended_at - account->began_at;
    return g_strdup_printf("%s#     after %" G_GINT64_FORMAT
                           " ms failure: %s phase %s sys %s code %d tls %s verify %ld "
                           "diagnosis %s%s\n",
        visit->story->str, took, account->has_failed ? "yes" : "none",
        account->phase == NULL ? "-" : account->phase, account->sys == NULL ? "-" : account->sys,
        account->code, account->tls == NULL ? "-" : account->tls, account->verify,
        account->diagnosis == NULL ? "-" : account->diagnosis,
        account->lost_step ? ", lost step" : "");
}
