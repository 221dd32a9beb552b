#include "peer.h"

#include <openssl/err.h>
#include <string.h>

enum {
    SLOW_MS = 2,
    SPLIT_MS = 15,
    FLOOD_MS = 1,
    FLOOD_OCTETS = 64 * 1024,          /* of one write */
    FLOOD_MAX_OCTETS = 8 * 1024 * 1024 /* 10^6 short lines: then it has been tried */
};

struct peer {
    const Row *row;
    SSL_CTX *identity;
    void (*ended)(gpointer user);
    gpointer user;
    GMainContext *context;
    Wire *wire;
    Ledger *ledger;
    gsize n_written, n_read, n_flooded;
    gboolean is_mute, is_deaf, is_over, has_acted, is_secure, tls_is_due;
    MonoMs stuck_since;
    guint n_taken; /* recipients of the transaction */
    gboolean sender_is_taken;
    GString *drops; /* octets that are let go one by one */
    GSource *timer; /* for them, or for the second half of a split */
    GString *later; /* that second half */
};

/* --- Saying ----------------------------------------------------------------------------------- */

static void stuck(Peer *peer)
{
    peer->is_mute = TRUE;
    if (peer->stuck_since == 0)
        peer->stuck_since = clock_mono_ms();
}

static void write_out(Peer *peer, const char *text, gsize n)
{
    gssize cut = peer->row->cut_written;
    gboolean is_cut = cut >= 0 && peer->n_written + n >= (gsize)cut;
    if (is_cut)
        n = (gsize)cut - peer->n_written;
    peer->n_written += n;
    ledger_server_said(peer->ledger, (const guint8 *)text, n);
    if (n > 0)
        wire_say(peer->wire, text, n);
    if (is_cut) {
        wire_cut(peer->wire, peer->row->cut);
        stuck(peer);
    }
}

static gboolean on_drop(gpointer user)
{
    Peer *peer = user;
    if (peer->is_over || peer->drops->len == 0) {
        g_source_unref(g_steal_pointer(&peer->timer));
        return G_SOURCE_REMOVE;
    }
    char octet = peer->drops->str[0];
    g_string_erase(peer->drops, 0, 1);
    write_out(peer, &octet, 1);
    if (peer->drops->len > 0 || !peer->tls_is_due)
        return G_SOURCE_CONTINUE;
    g_source_unref(g_steal_pointer(&peer->timer));
    wire_start_tls(peer->wire, peer->identity);
    return G_SOURCE_REMOVE;
}

static void start_timer(Peer *peer, guint interval_ms, GSourceFunc func)
{
    peer->timer = g_timeout_source_new(interval_ms);
    g_source_set_callback(peer->timer, func, peer, NULL);
    g_source_attach(peer->timer, peer->context);
}

static void say(Peer *peer, const char *text)
{
    if (peer->is_mute || wire_is_over(peer->wire))
        return;
    if (peer->timer != NULL)
        g_string_append(peer->drops, text);
    else
        write_out(peer, text, strlen(text));
}

static void say_half(Peer *peer, const char *text)
{
    g_autofree char *half = g_strndup(text, strlen(text) / 2);
    say(peer, half);
}

static void say_in_drops(Peer *peer, const char *text, guint interval_ms)
{
    g_string_append(peer->drops, text);
    if (peer->timer == NULL)
        start_timer(peer, interval_ms, on_drop);
}

/* The ordinary reply under another code: a success keeps its lines, a refusal has one. */
static void say_code(Peer *peer, const char *text, int code)
{
    if (code / 100 != 2) {
        g_autofree char *no = g_strdup_printf("%d no\r\n", code);
        say(peer, no);
        return;
    }
    g_autoptr(GString) other = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    for (char **line = lines; (*line)[0] != '\0'; line++)
        g_string_append_printf(other, "%d%s\r\n", code, *line + 3);
    say(peer, other->str);
}

/* One wave, as soon as the client has taken in the last. */
static gboolean on_flood(gpointer user)
{
    Peer *peer = user;
    if (wire_is_over(peer->wire) || peer->n_flooded >= FLOOD_MAX_OCTETS) {
        g_source_unref(g_steal_pointer(&peer->timer));
        return G_SOURCE_REMOVE;
    }
    if (wire_backlog(peer->wire) > 0)
        return G_SOURCE_CONTINUE;
    g_autoptr(GString) wave = g_string_new(NULL);
    while (wave->len < FLOOD_OCTETS)
        g_string_append(wave, peer->row->manner.text);
    ledger_server_said(peer->ledger, (const guint8 *)wave->str, wave->len);
    wire_say(peer->wire, wave->str, wave->len);
    peer->n_flooded += wave->len;
    return G_SOURCE_CONTINUE;
}

/* --- Acting ----------------------------------------------------------------------------------- */

static void shake_hands_again(Peer *peer)
{
    SSL *tls = wire_tls(peer->wire);
    ERR_clear_error();
    if (peer->row->manner.act == ACT_KEY_UPDATE)
        SSL_key_update(tls, SSL_KEY_UPDATE_REQUESTED);
    else
        SSL_renegotiate(tls);
    SSL_do_handshake(tls);
    wire_pump(peer->wire);
}

static void act(Peer *peer, const char *text)
{
    const Manner *manner = &peer->row->manner;
    peer->has_acted = TRUE;
    switch (manner->act) {
    case ACT_NOTHING:
        say(peer, text);
        break;
    case ACT_CODE:
        say_code(peer, text, manner->code);
        break;
    case ACT_SAY:
        say(peer, manner->text);
        break;
    case ACT_ADD: {
        g_autofree char *both = g_strconcat(text, manner->text, NULL);
        say(peer, both);
        break;
    }
    case ACT_MUTE:
        stuck(peer);
        break;
    case ACT_HALF:
        say_half(peer, text);
        stuck(peer);
        break;
    case ACT_DRIP:
        peer->stuck_since = clock_mono_ms();
        say_in_drops(peer, text, PEER_DEADLINE_MS / 4);
        break;
    case ACT_SLOW:
        say_in_drops(peer, text, SLOW_MS);
        break;
    case ACT_HALF_CUT:
    case ACT_CUT:
    case ACT_CUT_BEHIND:
        if (manner->act == ACT_HALF_CUT)
            say_half(peer, text);
        else if (manner->act == ACT_CUT_BEHIND)
            say(peer, text);
        wire_cut(peer->wire, manner->cut);
        stuck(peer);
        break;
    case ACT_FLOOD:
        stuck(peer);
        start_timer(peer, FLOOD_MS, on_flood);
        break;
    case ACT_BESIDE:
        wire_say_beside(peer->wire, manner->text, strlen(manner->text));
        stuck(peer);
        break;
    case ACT_KEY_UPDATE:
    case ACT_RENEGOTIATE:
        shake_hands_again(peer);
        say(peer, text);
        break;
    }
}

/* Returns the code of what is said. */
static int reply(Peer *peer, Step step, guint mail, const char *text)
{
    const Row *row = peer->row;
    gboolean is_here = !peer->has_acted && row->manner.act != ACT_NOTHING && row->step == step &&
                       (step < STEP_MAIL || step == STEP_QUIT || row->nth == mail);
    gboolean is_other = is_here && row->manner.act == ACT_CODE;
    if (is_here && !peer->is_mute)
        act(peer, text);
    else
        say(peer, text);
    return is_other ? row->manner.code : (int)g_ascii_strtoll(text, NULL, 10);
}

/* --- Honest answers --------------------------------------------------------------------------- */

static const char *capabilities(const Peer *peer)
{
    static const char *const offers[FLOW_COUNT][2] = {
        [FLOW_STEPS] = {"250-h\r\n250 AUTH PLAIN\r\n", "250-h\r\n250 AUTH LOGIN\r\n"},
        [FLOW_OVERLAP] = {"250-h\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n",
            "250-h\r\n250-PIPELINING\r\n250 AUTH LOGIN\r\n"},
        [FLOW_WINDOW] = {"250-h\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 AUTH PLAIN\r\n",
            "250-h\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 AUTH LOGIN\r\n"},
    };
    if (!peer->is_secure && peer->row->boasts)
        return "250-h\r\n250-STARTTLS\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-AUTH LOGIN\r\n"
               "250 SIZE 1\r\n";
    if (!peer->is_secure)
        return "250-h\r\n250 STARTTLS\r\n";
    return offers[peer->row->flow][peer->row->by_login ? 1 : 0];
}

static gboolean on_split(gpointer user)
{
    Peer *peer = user;
    g_source_unref(g_steal_pointer(&peer->timer));
    if (!wire_is_over(peer->wire)) {
        wire_start_tls(peer->wire, peer->identity);
        wire_say_beside(peer->wire, peer->later->str, peer->later->len);
    }
    return G_SOURCE_REMOVE;
}

/* "220" and what somebody in the middle puts behind it, in two pieces (RFC 3207 4). */
static void inject(Peer *peer, const char *text)
{
    g_autofree char *all = g_strconcat(text, peer->row->injected, NULL);
    gsize split = peer->row->split;
    g_string_assign(peer->later, all + split);
    write_out(peer, all, split);
    start_timer(peer, SPLIT_MS, on_split);
}

static void start_tls(Peer *peer)
{
    if (peer->timer != NULL) { /* the 220 is still on its way */
        peer->tls_is_due = TRUE;
        return;
    }
    if (peer->row->cut_raw >= 0)
        wire_limit(peer->wire, (gsize)peer->row->cut_raw);
    wire_start_tls(peer->wire, peer->identity);
}

static void on_starttls(Peer *peer)
{
    if (peer->row->injected != NULL) {
        inject(peer, "220 go\r\n");
        return;
    }
    reply(peer, STEP_STARTTLS, 0, "220 go\r\n");
    if (!peer->is_mute)
        start_tls(peer);
}

static void on_auth(Peer *peer, guint n_before)
{
    if (!peer->row->by_login)
        reply(peer, STEP_AUTH, 0, "235 in\r\n");
    else if (n_before == 0)
        reply(peer, STEP_AUTH, 0, "334 VXNlcm5hbWU6\r\n");
    else if (n_before == 1)
        reply(peer, STEP_USERNAME, 0, "334 UGFzc3dvcmQ6\r\n");
    else
        reply(peer, STEP_PASSWORD, 0, "235 in\r\n");
}

static void on_mail(Peer *peer, guint mail)
{
    peer->sender_is_taken = reply(peer, STEP_MAIL, mail, "250 ok\r\n") / 100 == 2;
    peer->n_taken = 0;
}

static void on_rcpt(Peer *peer, const Ask *ask)
{
    if (!peer->sender_is_taken) {
        reply(peer, STEP_RCPT, ask->mail, "503 no\r\n");
    } else if ((int)ask->mail == peer->row->refused) {
        reply(peer, STEP_RCPT, ask->mail, "550 no\r\n");
    } else {
        peer->n_taken += reply(peer, STEP_RCPT, ask->mail, "250 ok\r\n") / 100 == 2;
    }
}

static void on_data(Peer *peer, guint mail)
{
    gboolean is_wanted = peer->n_taken > 0 || peer->row->takes_empty;
    reply(peer, STEP_DATA, mail, is_wanted ? "354 go\r\n" : "503 no\r\n");
}

/* Somebody asks: the ledger has understood a command, with its octets if it has any. */
static void on_asked(const Ask *ask, gpointer user)
{
    Peer *peer = user;
    gboolean is_wanted = peer->n_taken > 0;
    switch (ask->what) {
    case ASKED_GREETING:
        reply(peer, STEP_GREETING, 0, "220 h\r\n");
        break;
    case ASKED_EHLO:
        reply(peer, peer->is_secure ? STEP_EHLO_TLS : STEP_EHLO, 0, capabilities(peer));
        break;
    case ASKED_STARTTLS:
        on_starttls(peer);
        break;
    case ASKED_AUTH:
    case ASKED_SASL:
        on_auth(peer, ledger_count(peer->ledger, ASKED_SASL));
        break;
    case ASKED_MAIL:
        on_mail(peer, ask->mail);
        break;
    case ASKED_RCPT:
        on_rcpt(peer, ask);
        break;
    case ASKED_DATA:
        on_data(peer, ask->mail);
        break;
    case ASKED_END:
        reply(peer, STEP_END, ask->mail, is_wanted ? "250 ok\r\n" : "554 no\r\n");
        peer->n_taken = 0;
        break;
    case ASKED_CHUNK:
        reply(peer, STEP_CHUNK, ask->mail, is_wanted ? "250 ok\r\n" : "503 no\r\n");
        break;
    case ASKED_LAST_CHUNK:
        reply(peer, STEP_CHUNK, ask->mail, is_wanted ? "250 ok\r\n" : "503 no\r\n");
        peer->n_taken = 0;
        break;
    case ASKED_RSET:
        peer->sender_is_taken = FALSE;
        peer->n_taken = 0;
        /* With BDAT one stands in front of each mail, else only behind a refused one. */
        reply(peer, STEP_RSET,
            peer->row->flow == FLOW_WINDOW ? ledger_count(peer->ledger, ASKED_RSET) - 1
                                           : peer->row->nth,
            "250 ok\r\n");
        break;
    case ASKED_QUIT:
        reply(peer, STEP_QUIT, 0, "221 bye\r\n");
        if (!peer->is_mute && peer->timer == NULL)
            wire_cut(peer->wire, WIRE_GOODBYE);
        break;
    case ASKED_OTHER:
        say(peer, "500 what\r\n");
        break;
    }
}

static void on_body(guint mail, gpointer user)
{
    Peer *peer = user;
    if (peer->row->step == STEP_BODY && peer->row->nth == mail && !peer->has_acted)
        act(peer, "");
}

static const LedgerEvents ledger_events = {.asked = on_asked, .body = on_body};

/* --- The wire --------------------------------------------------------------------------------- */

static void on_bytes(const guint8 *data, gsize n, gpointer user)
{
    Peer *peer = user;
    gssize cut = peer->row->cut_read;
    if (peer->is_deaf)
        return;
    gboolean is_cut = cut >= 0 && peer->n_read + n >= (gsize)cut;
    if (is_cut)
        n = (gsize)cut - peer->n_read;
    peer->n_read += n;
    ledger_client_said(peer->ledger, data, n);
    if (is_cut) {
        peer->is_deaf = TRUE;
        wire_cut(peer->wire, peer->row->cut);
        stuck(peer);
    }
}

static void on_secure(gpointer user)
{
    Peer *peer = user;
    peer->is_secure = TRUE;
    ledger_tls_is_up(peer->ledger);
    if (peer->row->security == TLS_MODE_IMPLICIT)
        ledger_greet(peer->ledger);
}

static void on_ended(gpointer user)
{
    Peer *peer = user;
    peer->is_over = TRUE;
    peer->ended(peer->user);
}

static const WireEvents wire_events = {.bytes = on_bytes, .secure = on_secure, .ended = on_ended};

static void begin(Peer *peer)
{
    if (peer->row->security == TLS_MODE_STARTTLS) {
        ledger_greet(peer->ledger);
        return;
    }
    if (peer->row->injected != NULL)
        wire_say_beside(peer->wire, peer->row->injected, strlen(peer->row->injected));
    start_tls(peer);
}

Peer *peer_new(GMainContext *context, int fd, const Row *row, SSL_CTX *identity,
    void (*ended)(gpointer user), gpointer user)
{
    Peer *peer = g_new0(Peer, 1);
    peer->row = row;
    peer->identity = identity;
    peer->ended = ended;
    peer->user = user;
    peer->context = context;
    peer->drops = g_string_new(NULL);
    peer->later = g_string_new(NULL);
    peer->ledger = ledger_new(TRUE, &ledger_events, peer);
    peer->wire = wire_new(context, fd, &wire_events, peer);
    wire_set_grain(peer->wire, row->grain);
    if (row->cut_written == 0 || row->cut_read == 0) {
        peer->is_deaf = row->cut_read == 0;
        wire_cut(peer->wire, row->cut);
        stuck(peer);
    }
    begin(peer);
    return peer;
}

void peer_free(Peer *peer)
{
    if (peer == NULL)
        return;
    if (peer->timer != NULL) {
        g_source_destroy(peer->timer);
        g_source_unref(peer->timer);
    }
    wire_free(peer->wire);
    ledger_free(peer->ledger);
    g_string_free(peer->drops, TRUE);
    g_string_free(peer->later, TRUE);
    g_free(peer);
}

const Ledger *peer_ledger(const Peer *peer)
{
    return peer->ledger;
}

MonoMs peer_stuck_since(const Peer *peer)
{
    return peer->stuck_since;
}

gsize peer_written(const Peer *peer)
{
    return peer->n_written;
}

gsize peer_read(const Peer *peer)
{
    return peer->n_read;
}

gboolean peer_is_over(const Peer *peer)
{
    return peer->is_over;
}
