#include "ledger.h"

#include "base/limits.h"

#include <string.h>

enum { COMPLAINT = 503 }; /* stands for all the codes of is_complaint() */

/* What the client's next octets are. */
typedef enum {
    READ_COMMAND = 0,
    READ_SASL,
    READ_BODY,
    READ_CHUNK,
} Reading;

struct ledger {
    LedgerEvents events;
    gpointer user;
    LedgerMail mails[LEDGER_MAILS];
    guint n_asked[ASKED_OTHER + 1];
    const char *violation;
    gboolean is_secure;

    /* The client's side */
    GByteArray *said; /* not understood yet, from said_at on */
    guint said_at;
    Reading reading;
    guint64 n_chunk_left;
    gboolean chunk_is_last, body_is_told;
    gboolean has_transaction, has_recipient, has_data, has_chunk, has_quit;
    guint transaction; /* token of the one that is open */

    /* The server's side */
    GQueue asks;   /* of Ask, unanswered, oldest first */
    GQueue spares; /* codes of replies whose questions have not been heard yet */
    GString *line;
    int code; /* of an unfinished reply */
    guint n_lines;
    gsize n_octets;
    gboolean complains;     /* the unfinished reply is a complaint */
    gboolean began_unasked; /* its first octet came when nothing was asked */
    gboolean is_remote, awaits_tls, was_ahead;
    gboolean is_over, saw_421;
};

Ledger *ledger_new(gboolean is_remote, const LedgerEvents *events, gpointer user)
{
    Ledger *ledger = g_new0(Ledger, 1);
    ledger->is_remote = is_remote;
    if (events != NULL)
        ledger->events = *events;
    ledger->user = user;
    ledger->said = g_byte_array_new();
    ledger->line = g_string_new(NULL);
    g_queue_init(&ledger->asks);
    g_queue_init(&ledger->spares);
    return ledger;
}

void ledger_free(Ledger *ledger)
{
    if (ledger == NULL)
        return;
    for (guint i = 0; i < LEDGER_MAILS; i++)
        g_clear_pointer(&ledger->mails[i].content, g_byte_array_unref);
    g_byte_array_unref(ledger->said);
    g_string_free(ledger->line, TRUE);
    g_queue_clear_full(&ledger->asks, g_free);
    g_queue_clear(&ledger->spares);
    g_free(ledger);
}

static void blame(Ledger *ledger, const char *violation)
{
    if (ledger->violation == NULL)
        ledger->violation = violation;
}

static guint n_unread(const Ledger *ledger)
{
    return ledger->said->len - ledger->said_at;
}

/* n more have been read. */
static void forget_read(Ledger *ledger, guint n)
{
    ledger->said_at += n;
    if (n_unread(ledger) > 0)
        return;
    g_byte_array_set_size(ledger->said, 0);
    ledger->said_at = 0;
}

/* --- Questions -------------------------------------------------------------------------------- */

static void on_reply(Ledger *ledger, int code);

static void ask(Ledger *ledger, Asked what, guint recipient)
{
    Ask *question = g_new(Ask, 1);
    *question = (Ask){what, ledger->transaction, recipient};
    const Ask told = *question; /* answering frees it */
    g_queue_push_tail(&ledger->asks, question);
    ledger->n_asked[what]++;
    ledger->was_ahead = ledger->was_ahead || n_unread(ledger) > 0;
    if (!g_queue_is_empty(&ledger->spares) && !ledger->is_over)
        on_reply(ledger, GPOINTER_TO_INT(g_queue_pop_head(&ledger->spares)));
    if (ledger->events.asked != NULL)
        ledger->events.asked(&told, ledger->user);
}

void ledger_greet(Ledger *ledger)
{
    ask(ledger, ASKED_GREETING, 0);
}

void ledger_tls_is_up(Ledger *ledger)
{
    ledger->is_secure = TRUE;
    ledger->awaits_tls = FALSE;
    if (n_unread(ledger) > 0)
        blame(ledger, "octets behind STARTTLS");
    forget_read(ledger, n_unread(ledger));
}

/* These end a group: nothing may stand behind them until they are answered (RFC 2920 3.1). */
static gboolean ends_group(Asked what)
{
    return what == ASKED_GREETING || what == ASKED_EHLO || what == ASKED_STARTTLS ||
           what == ASKED_AUTH || what == ASKED_SASL || what == ASKED_DATA || what == ASKED_QUIT;
}

static gboolean must_wait(const Ledger *ledger)
{
    const Ask *last = g_queue_peek_tail((GQueue *)&ledger->asks);
    return last != NULL && ends_group(last->what);
}

/* --- Commands --------------------------------------------------------------------------------- */

/* The number behind `mark` in "MAIL FROM:<s7@...>"; FALSE if there is none. */
static gboolean read_number(const char *line, const char *mark, guint limit, guint *number)
{
    const char *at = strstr(line, mark);
    if (at == NULL || !g_ascii_isdigit(at[strlen(mark)]))
        return FALSE;
    *number = (guint)g_ascii_strtoull(at + strlen(mark), NULL, 10);
    return *number < limit;
}

static void on_mail(Ledger *ledger, const char *line)
{
    guint token = 0;
    if (!read_number(line, "<s", LEDGER_MAILS, &token)) {
        blame(ledger, "MAIL for a mail nobody gave");
        token = 0;
    }
    if (ledger->has_transaction)
        blame(ledger, "MAIL inside a transaction");
    if (ledger->mails[token].is_begun)
        blame(ledger, "the same mail twice");
    ledger->has_transaction = TRUE;
    ledger->has_recipient = ledger->has_data = ledger->has_chunk = FALSE;
    ledger->transaction = token;
    ledger->mails[token].is_begun = TRUE;
    ask(ledger, ASKED_MAIL, 0);
}

static void on_rcpt(Ledger *ledger, const char *line)
{
    guint token = 0, recipient = 0;
    gboolean is_known = read_number(line, "<r", LEDGER_MAILS, &token) &&
                        read_number(line, ".", LEDGER_RECIPIENTS, &recipient);
    if (!is_known || token != ledger->transaction)
        blame(ledger, "RCPT of another mail");
    if (!ledger->has_transaction || ledger->has_data || ledger->has_chunk)
        blame(ledger, "RCPT outside an envelope");
    ledger->has_recipient = TRUE;
    ask(ledger, ASKED_RCPT, is_known ? recipient : 0);
}

static void begin_content(Ledger *ledger)
{
    LedgerMail *mail = &ledger->mails[ledger->transaction];
    if (!ledger->has_transaction || !ledger->has_recipient)
        blame(ledger, "content without a recipient");
    if (mail->content == NULL)
        mail->content = g_byte_array_new();
    ledger->body_is_told = FALSE;
}

static void on_data(Ledger *ledger)
{
    if (ledger->has_chunk || ledger->has_data)
        blame(ledger, "DATA twice, or behind BDAT");
    begin_content(ledger);
    ledger->has_data = TRUE;
    ask(ledger, ASKED_DATA, 0);
}

static void end_transaction(Ledger *ledger)
{
    LedgerMail *mail = &ledger->mails[ledger->transaction];
    mail->end_has_left = TRUE;
    mail->n_ends++;
    ledger->has_transaction = FALSE;
    if (mail->n_ends > 1)
        blame(ledger, "a mail was ended twice");
}

static void end_chunk(Ledger *ledger)
{
    ledger->reading = READ_COMMAND;
    if (!ledger->chunk_is_last) {
        ask(ledger, ASKED_CHUNK, 0);
        return;
    }
    end_transaction(ledger);
    ask(ledger, ASKED_LAST_CHUNK, 0);
}

static void on_bdat(Ledger *ledger, const char *line)
{
    char *rest = NULL;
    if (ledger->has_data)
        blame(ledger, "BDAT behind DATA");
    begin_content(ledger);
    ledger->has_chunk = TRUE;
    ledger->n_chunk_left = g_ascii_strtoull(line + strlen("BDAT "), &rest, 10);
    ledger->chunk_is_last = strcmp(rest, " LAST") == 0;
    ledger->reading = READ_CHUNK;
    if (ledger->n_chunk_left == 0)
        end_chunk(ledger);
}

static void on_auth(Ledger *ledger)
{
    if (!ledger->is_secure)
        blame(ledger, "AUTH before TLS");
    if (ledger->n_asked[ASKED_AUTH] > 0)
        blame(ledger, "AUTH twice");
    ask(ledger, ASKED_AUTH, 0);
}

static void on_command(Ledger *ledger, const char *line)
{
    gboolean is_early = g_str_has_prefix(line, "EHLO ") || strcmp(line, "STARTTLS") == 0;
    if (!ledger->is_secure && !is_early)
        blame(ledger, "more than EHLO and STARTTLS before TLS");
    if (ledger->has_quit)
        blame(ledger, "a command behind QUIT");
    if (g_str_has_prefix(line, "EHLO ")) {
        ask(ledger, ASKED_EHLO, 0);
    } else if (strcmp(line, "STARTTLS") == 0) {
        ask(ledger, ASKED_STARTTLS, 0);
    } else if (g_str_has_prefix(line, "AUTH ")) {
        on_auth(ledger);
    } else if (g_str_has_prefix(line, "MAIL FROM:<")) {
        on_mail(ledger, line);
    } else if (g_str_has_prefix(line, "RCPT TO:<")) {
        on_rcpt(ledger, line);
    } else if (strcmp(line, "DATA") == 0) {
        on_data(ledger);
    } else if (g_str_has_prefix(line, "BDAT ")) {
        on_bdat(ledger, line);
    } else if (strcmp(line, "RSET") == 0) {
        ledger->has_transaction = FALSE;
        ask(ledger, ASKED_RSET, 0);
    } else if (strcmp(line, "QUIT") == 0) {
        ledger->has_quit = TRUE;
        ask(ledger, ASKED_QUIT, 0);
    } else {
        blame(ledger, "a command that is none");
        ask(ledger, ASKED_OTHER, 0);
    }
}

/* --- The client's octets ---------------------------------------------------------------------- */

static void tell_body(Ledger *ledger)
{
    if (ledger->body_is_told)
        return;
    ledger->body_is_told = TRUE;
    if (ledger->events.body != NULL)
        ledger->events.body(ledger->transaction, ledger->user);
}

static void on_body_line(Ledger *ledger, const char *line, gsize n)
{
    if (n == 1 && line[0] == '.') {
        ledger->reading = READ_COMMAND;
        end_transaction(ledger);
        ask(ledger, ASKED_END, 0);
        return;
    }
    gsize stuffed = n > 0 && line[0] == '.' ? 1 : 0;
    GByteArray *content = ledger->mails[ledger->transaction].content;
    g_byte_array_append(content, (const guint8 *)line + stuffed, (guint)(n - stuffed));
    g_byte_array_append(content, (const guint8 *)"\r\n", 2);
    tell_body(ledger);
}

static void on_line(Ledger *ledger, const char *line, gsize n)
{
    if (ledger->reading == READ_BODY) {
        on_body_line(ledger, line, n);
        return;
    }
    for (gsize i = 0; i < n; i++) {
        if ((guchar)line[i] < 0x20)
            blame(ledger, "a control character in a command");
    }
    if (ledger->reading == READ_SASL) {
        ledger->reading = READ_COMMAND;
        ask(ledger, ASKED_SASL, 0);
    } else {
        on_command(ledger, line);
    }
}

/* Takes one line from the front; FALSE if none is complete. */
static gboolean take_line(Ledger *ledger)
{
    const guint8 *from = ledger->said->data + ledger->said_at;
    const guint8 *lf = memchr(from, '\n', n_unread(ledger));
    if (lf == NULL)
        return FALSE;
    gsize n = (gsize)(lf - from) + 1;
    if (n < 2 || lf[-1] != '\r')
        blame(ledger, "a bare LF");
    gsize n_text = n < 2 ? 0 : n - 2;
    g_autofree char *line = g_strndup((const char *)from, n_text);
    forget_read(ledger, (guint)n);
    on_line(ledger, line, n_text);
    return TRUE;
}

static void take_chunk(Ledger *ledger)
{
    guint n = (guint)MIN(ledger->n_chunk_left, n_unread(ledger));
    g_byte_array_append(
        ledger->mails[ledger->transaction].content, ledger->said->data + ledger->said_at, n);
    forget_read(ledger, n);
    ledger->n_chunk_left -= n;
    if (ledger->n_chunk_left > 0)
        tell_body(ledger);
    else
        end_chunk(ledger);
}

void ledger_client_said(Ledger *ledger, const guint8 *data, gsize n)
{
    enum { HANDSHAKE = 0x16 }; /* type of TLS's first record */
    if (ledger->awaits_tls) {
        if (n > 0 && data[0] != HANDSHAKE)
            blame(ledger, "something else than TLS behind STARTTLS");
        return;
    }
    g_byte_array_append(ledger->said, data, (guint)n);
    while (n_unread(ledger) > 0 && !must_wait(ledger)) {
        if (ledger->reading == READ_CHUNK)
            take_chunk(ledger);
        else if (!take_line(ledger))
            return;
    }
    if (n_unread(ledger) > 0)
        blame(ledger, "octets behind a command that ends a group");
}

/* --- The server's octets ---------------------------------------------------------------------- */

static void end_by(Ledger *ledger, int code)
{
    ledger->is_over = TRUE;
    ledger->saw_421 = ledger->saw_421 || code == 421;
}

/* A reply at its place. What no session survives ends the account: what follows counts no more. */
static void answer(Ledger *ledger, const Ask *question, int code)
{
    LedgerMail *mail = &ledger->mails[question->mail];
    int class = code / 100;
    gboolean is_login = question->what < ASKED_MAIL;
    gboolean is_mail_reply = class == 2 || class == 4 || class == 5;
    switch (question->what) {
    case ASKED_GREETING:
    case ASKED_EHLO:
        break;
    case ASKED_STARTTLS:
        ledger->awaits_tls = code == 220;
        break;
    case ASKED_AUTH:
    case ASKED_SASL:
        if (code == 334)
            ledger->reading = READ_SASL;
        break;
    case ASKED_MAIL:
        mail->mail = code;
        break;
    case ASKED_RCPT:
        mail->rcpt[question->recipient] = code;
        break;
    case ASKED_DATA:
        mail->data = code;
        if (code == 354)
            ledger->reading = READ_BODY;
        is_mail_reply = code == 354 || class == 4 || class == 5;
        break;
    case ASKED_CHUNK:
        if (class != 2 && mail->chunk == 0)
            mail->chunk = code;
        break;
    case ASKED_END:
    case ASKED_LAST_CHUNK:
        mail->final = code;
        break;
    case ASKED_RSET: /* nobody refuses it: the replies answer something else */
        is_mail_reply = class == 2;
        break;
    case ASKED_QUIT:
    case ASKED_OTHER:
        break;
    }
    if (code == 421 || (!is_login && question->what <= ASKED_RSET && !is_mail_reply))
        end_by(ledger, code);
}

/* Nobody asked. While a body is on its way it is the server's early word about that mail. */
static void on_unasked(Ledger *ledger, int code)
{
    gboolean in_chunk = ledger->reading == READ_CHUNK;
    gboolean in_body = ledger->reading == READ_BODY || (in_chunk && !ledger->is_remote);
    if (ledger->is_remote && !in_body && code != 421) {
        g_queue_push_tail(&ledger->spares, GINT_TO_POINTER(code));
        return;
    }
    if (in_body)
        ledger->mails[ledger->transaction].early = code;
    end_by(ledger, code);
}

static void on_reply(Ledger *ledger, int code)
{
    gboolean is_late = ledger->began_unasked && !ledger->is_remote;
    g_autofree Ask *question = is_late ? NULL : g_queue_pop_head(&ledger->asks);
    if (question == NULL)
        on_unasked(ledger, code);
    else
        answer(ledger, question, code);
}

/* The server does not know a command, or not here: 500, 502, 503, 554 5.5.x, and 554 without more,
 * which is how Exim refuses what comes too early. */
static gboolean is_complaint(int code, const char *text)
{
    if (code == 500 || code == 502 || code == 503)
        return TRUE;
    return code == 554 && (g_str_has_prefix(text, "5.5.") || !g_str_has_prefix(text, "5."));
}

/* The whole grammar: three digits, then nothing, a space or a hyphen (RFC 5321 4.2). FALSE: broken.
 */
static gboolean on_reply_line(Ledger *ledger)
{
    const char *line = ledger->line->str;
    gsize n = ledger->line->len;
    if (n < 5 || line[n - 2] != '\r' || line[0] < '2' || line[0] > '5' ||
        !g_ascii_isdigit(line[1]) || !g_ascii_isdigit(line[2]) || strchr("-\r ", line[3]) == NULL ||
        strlen(line) != n || strcspn(line, "\r") != n - 2 || (line[3] == '\r' && n != 5))
        return FALSE;
    int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if ((ledger->n_lines > 0 && code != ledger->code) || ledger->n_lines == LIMIT_REPLY_LINES)
        return FALSE;
    if (ledger->n_lines == 0)
        ledger->complains = is_complaint(code, line + 4);
    ledger->code = code;
    ledger->n_lines++;
    if (line[3] == '-')
        return TRUE;
    ledger->n_lines = 0;
    ledger->n_octets = 0;
    on_reply(ledger, ledger->complains ? COMPLAINT : code);
    return TRUE;
}

static gboolean over_limit(const Ledger *ledger)
{
    const Ask *next = g_queue_peek_head((GQueue *)&ledger->asks);
    gboolean is_auth = next != NULL && (next->what == ASKED_AUTH || next->what == ASKED_SASL);
    gsize limit = is_auth ? LIMIT_SASL_LINE_OCTETS : LIMIT_REPLY_LINE_OCTETS;
    return ledger->line->len > limit + 2 || ledger->n_octets > LIMIT_REPLY_OCTETS;
}

void ledger_server_said(Ledger *ledger, const guint8 *data, gsize n)
{
    for (gsize i = 0; i < n && !ledger->is_over; i++) {
        if (ledger->line->len == 0 && ledger->n_lines == 0)
            ledger->began_unasked = g_queue_is_empty(&ledger->asks);
        g_string_append_c(ledger->line, (char)data[i]);
        ledger->n_octets++;
        gboolean is_good = !over_limit(ledger) && (data[i] != '\n' || on_reply_line(ledger));
        if (data[i] == '\n')
            g_string_truncate(ledger->line, 0);
        if (!is_good)
            end_by(ledger, 0);
    }
}

/* --- Judgement -------------------------------------------------------------------------------- */

static guint fate(SmtpOutcomeKind kind)
{
    return 1u << kind;
}

static gboolean is_refusal(int code)
{
    return code / 100 == 4 || code / 100 == 5;
}

/* A complaint about what was in order says nothing about the mail: another time is as right. */
static guint fate_of(int code)
{
    if (code == COMPLAINT)
        return fate(SMTP_OUTCOME_REJECTED) | fate(SMTP_OUTCOME_DEFERRED);
    if (code / 100 == 5)
        return fate(SMTP_OUTCOME_REJECTED);
    return code / 100 == 2 ? fate(SMTP_OUTCOME_ACCEPTED) : fate(SMTP_OUTCOME_DEFERRED);
}

/* No reply decided: all depends on whether the end had left. By 421 a server says that it has done
 * nothing more (RFC 5321 3.8); whether that covers what was under way is the client's choice. */
static guint fate_without_reply(const Ledger *ledger, const LedgerMail *entry)
{
    if (!entry->end_has_left)
        return fate(SMTP_OUTCOME_DEFERRED);
    if (entry->final == 421)
        return fate(SMTP_OUTCOME_DEFERRED);
    guint by_421 = ledger->saw_421 ? fate(SMTP_OUTCOME_DEFERRED) : 0;
    return fate(SMTP_OUTCOME_UNCERTAIN) | by_421;
}

guint ledger_fates(const Ledger *ledger, guint mail, guint recipient)
{
    const LedgerMail *entry = &ledger->mails[mail];
    int rcpt = entry->rcpt[recipient];
    if (is_refusal(entry->mail))
        return fate_of(entry->mail);
    if (rcpt == 552) /* too many recipients: another time (RFC 5321 4.5.3.1.10) */
        return fate(SMTP_OUTCOME_DEFERRED);
    if (is_refusal(rcpt))
        return fate_of(rcpt);
    if (is_refusal(entry->data))
        return fate_of(entry->data);
    if (is_refusal(entry->chunk))
        return fate_of(entry->chunk);
    if (entry->final / 100 == 2 && rcpt / 100 == 2 && entry->mail / 100 == 2)
        return fate(SMTP_OUTCOME_ACCEPTED);
    if (is_refusal(entry->final))
        return fate_of(entry->final);
    if (entry->early / 100 == 5)
        return fate(SMTP_OUTCOME_REJECTED) | fate(SMTP_OUTCOME_DEFERRED);
    return fate_without_reply(ledger, entry);
}

const char *ledger_violation(const Ledger *ledger)
{
    return ledger->violation;
}

const LedgerMail *ledger_mail(const Ledger *ledger, guint mail)
{
    return &ledger->mails[mail];
}

guint ledger_count(const Ledger *ledger, Asked what)
{
    return ledger->n_asked[what];
}

guint ledger_unanswered_ends(const Ledger *ledger)
{
    guint n = 0;
    for (guint i = 0; i < LEDGER_MAILS; i++)
        n += ledger->mails[i].end_has_left && ledger->mails[i].final == 0;
    return n;
}

guint ledger_unanswered(const Ledger *ledger)
{
    return ledger->asks.length;
}

gboolean ledger_was_ahead(const Ledger *ledger)
{
    return ledger->was_ahead;
}

gboolean ledger_saw_421(const Ledger *ledger)
{
    return ledger->saw_421;
}

SmtpPhase ledger_phase(const Ledger *ledger)
{
    static const SmtpPhase phases[] = {
        [ASKED_GREETING] = SMTP_PHASE_GREETING,
        [ASKED_EHLO] = SMTP_PHASE_EHLO,
        [ASKED_STARTTLS] = SMTP_PHASE_STARTTLS,
        [ASKED_AUTH] = SMTP_PHASE_AUTH,
        [ASKED_SASL] = SMTP_PHASE_AUTH,
        [ASKED_MAIL] = SMTP_PHASE_MAIL,
        [ASKED_RCPT] = SMTP_PHASE_RCPT,
        [ASKED_DATA] = SMTP_PHASE_DATA,
        [ASKED_END] = SMTP_PHASE_AFTER_DATA,
        [ASKED_CHUNK] = SMTP_PHASE_DATA,
        [ASKED_LAST_CHUNK] = SMTP_PHASE_AFTER_DATA,
        [ASKED_RSET] = SMTP_PHASE_MAIL,
        [ASKED_QUIT] = SMTP_PHASE_QUIT,
        [ASKED_OTHER] = SMTP_PHASE_QUIT,
    };
    const Ask *oldest = g_queue_peek_head((GQueue *)&ledger->asks);
    return oldest == NULL ? (SmtpPhase)0 : phases[oldest->what];
}
