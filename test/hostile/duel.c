#include "duel_private.h"

#include <string.h>

enum { MAX_STEPS = 20000, MAX_DEADLINES = 3 };

/* --- The server's driver ---------------------------------------------------------------------- */

static void server_step(Duel *duel, SmtpServerEvent *event)
{
    event->now = duel->now;
    const SmtpServerEffects *effects = smtp_server_step(duel->server, event);
    g_byte_array_append(duel->raw, effects->send->data, effects->send->len);
    duel->server_wants_tls =
        effects->start_tls || (duel->server_wants_tls && event->kind != SMTP_SERVER_EVENT_TLS_UP);
    duel->server_is_closed = duel->server_is_closed || effects->close;
    duel->server_deadline = effects->deadline;
    if (effects->ask != SMTP_ASK_NOTHING)
        duel->asked = effects->ask;
    if (effects->ask == SMTP_ASK_MESSAGE)
        verdict_message(duel, effects);
}

static gboolean can_judge(const Duel *duel)
{
    return duel->asked != SMTP_ASK_NOTHING && !duel->server_is_closed;
}

/* Mostly yes; each kind of no now and then. */
static void judge(Duel *duel)
{
    static const int noes[] = {450, 451, 452, 550, 552, 554, 503};
    Random *random = &duel->random;
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_VERDICT};
    gboolean is_no = !duel->is_lenient && random_one_in(random, 8);
    if (is_no && duel->asked == SMTP_ASK_LOGIN)
        event.verdict.code = random_one_in(random, 2) ? 535 : 454;
    else if (is_no)
        event.verdict.code = noes[random_below(random, G_N_ELEMENTS(noes))];
    if (is_no && random_one_in(random, 8)) {
        event.verdict.code = 421;
        event.verdict.close = TRUE;
    }
    event.verdict.drop = is_no && random_one_in(random, 8);
    int code = event.verdict.code;
    duel->has_complained = duel->has_complained || code == 503 || code == 554;
    duel->has_dropped = duel->has_dropped || event.verdict.drop || event.verdict.close;
    duel->login_is_refused = duel->login_is_refused || (is_no && duel->asked == SMTP_ASK_LOGIN);
    if (duel->asked == SMTP_ASK_MESSAGE && !is_no && duel->asked_about >= 0)
        duel->is_taken[duel->asked_about] = TRUE;
    duel->asked = SMTP_ASK_NOTHING;
    server_step(duel, &event);
}

static guint n_on_way(const DuelStream *stream)
{
    return stream->bytes->len - stream->at;
}

/* Some of what is on its way, lent until the next octet is put there. */
static const guint8 *take_piece(Duel *duel, DuelStream *stream, gsize *n)
{
    guint all = n_on_way(stream);
    guint most = duel->grain == 0 ? all : MIN(all, duel->grain);
    *n = random_one_in(&duel->random, 2) ? most : 1 + random_below(&duel->random, most);
    const guint8 *piece = stream->bytes->data + stream->at;
    stream->at += (guint)*n;
    return piece;
}

static void forget_arrived(DuelStream *stream)
{
    if (n_on_way(stream) > 0)
        return;
    g_byte_array_set_size(stream->bytes, 0);
    stream->at = 0;
}

static gboolean can_reach_server(const Duel *duel)
{
    return n_on_way(&duel->up) > 0 && !duel->server_is_closed && duel->asked == SMTP_ASK_NOTHING;
}

static void reach_server(Duel *duel)
{
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_BYTES};
    event.bytes.data = take_piece(duel, &duel->up, &event.bytes.n);
    server_step(duel, &event);
    forget_arrived(&duel->up);
}

/* --- The line --------------------------------------------------------------------------------- */

static gboolean can_pass(const Duel *duel)
{
    return duel->raw->len > 0 && damage_holds_until(duel->damage) <= duel->now;
}

static void pass(Duel *duel)
{
    damage_pass(duel->damage, duel->raw, duel->down.bytes, duel->now);
    g_byte_array_set_size(duel->raw, 0);
}

static gboolean can_reach_client(const Duel *duel)
{
    return n_on_way(&duel->down) > 0 && damage_holds_until(duel->damage) <= duel->now;
}

static void reach_client(Duel *duel)
{
    SmtpEvent event = {.kind = SMTP_EVENT_BYTES};
    event.bytes.data = take_piece(duel, &duel->down, &event.bytes.n);
    driver_step(duel, &event);
    forget_arrived(&duel->down);
}

/* The end of the connection comes behind all that got through. */
static gboolean can_lose(const Duel *duel)
{
    if (damage_is_mute(duel->damage))
        return FALSE; /* a dead line: the client has nothing but its own deadlines */
    gboolean is_over =
        damage_is_lost(duel->damage) || (duel->server_is_closed && duel->raw->len == 0);
    return is_over && n_on_way(&duel->down) == 0;
}

static void lose(Duel *duel)
{
    driver_step(duel, &(SmtpEvent){.kind = SMTP_EVENT_LOST});
}

/* TLS begins when both want it and nothing is on the way: what were, would be no TLS. */
static gboolean can_secure(const Duel *duel)
{
    return duel->wants_tls && duel->server_wants_tls && n_on_way(&duel->up) == 0 &&
           duel->raw->len == 0 && n_on_way(&duel->down) == 0;
}

static void secure(Duel *duel)
{
    duel->tls_is_up = TRUE;
    server_step(duel, &(SmtpServerEvent){.kind = SMTP_SERVER_EVENT_TLS_UP});
    ledger_tls_is_up(duel->ledger);
    if (duel->config.security == TLS_MODE_IMPLICIT)
        ledger_greet(duel->ledger);
    driver_step(duel, &(SmtpEvent){.kind = SMTP_EVENT_TLS_UP});
}

/* --- The client's driver ---------------------------------------------------------------------- */

static gboolean can_say_sent(const Duel *duel)
{
    return duel->n_unsent > 0;
}

static void say_sent(Duel *duel)
{
    duel->n_unsent = 0;
    driver_step(duel, &(SmtpEvent){.kind = SMTP_EVENT_SENT});
}

static gboolean can_quit(const Duel *duel)
{
    return duel->is_ready && (duel->n_given == duel->n_mails || duel->room == 0);
}

static void quit(Duel *duel)
{
    driver_step(duel, &(SmtpEvent){.kind = SMTP_EVENT_QUIT});
}

static gboolean may_withdraw(const Duel *duel)
{
    return driver_can_withdraw(duel) && !duel->is_lenient;
}

static void withdraw_seldom(Duel *duel)
{
    if (random_one_in(&duel->random, 60))
        driver_withdraw(duel);
}

static const struct {
    gboolean (*can)(const Duel *duel);
    void (*act)(Duel *duel);
    gboolean is_progress; /* something the end is waited for */
} moves[] = {
    {can_reach_server, reach_server, TRUE},
    {can_judge, judge, TRUE},
    {can_pass, pass, TRUE},
    {can_reach_client, reach_client, TRUE},
    {can_lose, lose, TRUE},
    {can_secure, secure, TRUE},
    {can_say_sent, say_sent, TRUE},
    {driver_can_give, driver_give, TRUE},
    {driver_can_mark, driver_mark, TRUE},
    {can_quit, quit, TRUE},
    {may_withdraw, withdraw_seldom, FALSE},
};

static gboolean move(Duel *duel)
{
    guint open[G_N_ELEMENTS(moves)], n = 0;
    gboolean is_progress = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(moves); i++) {
        if (!moves[i].can(duel))
            continue;
        is_progress = is_progress || moves[i].is_progress;
        open[n++] = i;
    }
    if (!is_progress)
        return FALSE;
    moves[open[random_below(&duel->random, n)]].act(duel);
    return TRUE;
}

/* --- Time ------------------------------------------------------------------------------------- */

static MonoMs earlier(MonoMs a, MonoMs b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Nothing moves: the clock does, to the next thing that is due. */
static void wait(Duel *duel)
{
    MonoMs held = damage_holds_until(duel->damage);
    MonoMs held_next = held > duel->now ? held : 0;
    MonoMs server = duel->server_is_closed ? 0 : duel->server_deadline;
    MonoMs next = earlier(earlier(duel->deadline, server), held_next);
    if (duel->wants_tls) { /* the driver's own deadline: the handshake */
        lose(duel);
        return;
    }
    if (ledger_unanswered(duel->ledger) > 0 && duel->deadline == 0)
        duel_blame(duel, "waits for a reply without a deadline");
    if (next == 0) {
        duel_blame(duel, "waits for ever in state %s", smtp_client_state_name(duel->client));
        return;
    }
    duel->now = MAX(duel->now, next);
    if (next == server)
        server_step(duel, &(SmtpServerEvent){.kind = SMTP_SERVER_EVENT_DEADLINE});
    if (next != duel->deadline)
        return;
    if (++duel->n_deadlines > MAX_DEADLINES)
        duel_blame(duel, "outlives its deadlines");
    driver_step(duel, &(SmtpEvent){.kind = SMTP_EVENT_DEADLINE});
}

/* --- The duel --------------------------------------------------------------------------------- */

static void draw_config(Duel *duel, const Secret *password)
{
    Random *random = &duel->random;
    static const guint windows[] = {0, 1, 2, 3, 5, 16};
    static const guint grains[] = {0, 0, 0, 1, 7, 100};
    TlsMode security = random_one_in(random, 2) ? TLS_MODE_IMPLICIT : TLS_MODE_STARTTLS;
    duel->config = (SmtpClientConfig){.security = security,
        .ehlo_name = "c.example",
        .username = "u",
        .password = password,
        .allowed_mechanisms = SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN,
        .pace = (SmtpPace)(random_one_in(random, 2) ? 0 : 1 + random_below(random, 4)),
        .window = windows[random_below(random, G_N_ELEMENTS(windows))],
        .is_proven = random_one_in(random, 2),
        .wants_lines = random_one_in(random, 4)};
    gboolean eightbitmime = !random_one_in(random, 4);
    duel->server_config = (SmtpServerConfig){.security = security,
        .host_name = "s.example",
        .size_max = random_one_in(random, 10) ? 300 : 1000000,
        .recipients_max = 100,
        .auth_mechanisms = random_one_in(random, 3) ? SMTP_AUTH_LOGIN : SMTP_AUTH_PLAIN,
        .pipelining = !random_one_in(random, 6),
        .chunking = !random_one_in(random, 4),
        .eightbitmime = eightbitmime,
        .smtputf8 = eightbitmime && random_one_in(random, 2),
        .dsn = random_one_in(random, 2),
        .offer_starttls = !random_one_in(random, 60)};
    duel->grain = grains[random_below(random, G_N_ELEMENTS(grains))];
    duel->n_mails = random_below(random, DUEL_MAILS + 1);
    duel->is_lenient = random_one_in(random, 3);
}

static void begin(Duel *duel)
{
    duel->damage = damage_new(&duel->random);
    duel->ledger = ledger_new(FALSE, NULL, NULL);
    duel->client = smtp_client_new(&duel->config);
    duel->server = smtp_server_new(&duel->server_config);
    duel->up.bytes = g_byte_array_new();
    duel->raw = g_byte_array_new();
    duel->down.bytes = g_byte_array_new();
    duel->now = 1;
    for (guint kind = 0; kind < DAMAGE_COUNT; kind++) {
        if (damage_has(duel->damage, kind))
            duel->count->damages |= 1u << kind;
    }
    if (duel->config.security == TLS_MODE_STARTTLS)
        ledger_greet(duel->ledger);
    server_step(duel, &(SmtpServerEvent){.kind = SMTP_SERVER_EVENT_CONNECTED});
    driver_step(duel, &(SmtpEvent){.kind = SMTP_EVENT_CONNECTED});
}

static void end(Duel *duel)
{
    smtp_client_free(duel->client);
    smtp_server_free(duel->server);
    ledger_free(duel->ledger);
    damage_free(duel->damage);
    g_byte_array_unref(duel->up.bytes);
    g_byte_array_unref(duel->raw);
    g_byte_array_unref(duel->down.bytes);
    for (guint i = 0; i < DUEL_MAILS; i++)
        g_clear_pointer(&duel->mails[i].content, g_bytes_unref);
}

char *duel_play(guint64 seed, guint64 k, gboolean wants_story, DuelCount *count)
{
    *count = (DuelCount){0};
    g_autoptr(Secret) password = secret_new("pa55", strlen("pa55"));
    Duel duel = {.random = random_for(seed, k), .wants_story = wants_story, .count = count};
    draw_config(&duel, password);
    begin(&duel);
    while (!duel.is_closed && duel.fault == NULL) {
        if (!move(&duel))
            wait(&duel);
        if (count->n_steps > MAX_STEPS)
            duel_blame(&duel, "does not come to an end");
    }
    count->is_windowed = smtp_client_pace(duel.client) == SMTP_PACE_WINDOW;
    if (duel.fault == NULL)
        verdict_end(&duel);
    end(&duel);
    return duel.fault;
}
