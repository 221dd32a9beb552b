/* A client that writes whole commands, chunks and bodies ahead of all replies, in any pieces, and a
 * driver that answers at once or late. Beside the server runs a model that knows where each command
 * ends: the server asks what the model foresees and nothing else, the content it asks about is what
 * was in the chunks, octet by octet, and every command has one reply. */
#include "smtp/body.h"
#include "smtp/client.h"
#include "smtp/server.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_OCTETS = 200, RECIPIENTS_MAX = 3, COMMANDS_MAX = 400 };

/* What the server is going to ask, and what it will be told. */
typedef struct {
    SmtpAsk ask;
    gboolean is_yes;
    GBytes *content; /* MESSAGE */
} Question;

typedef enum { WAY_OPEN = 0, WAY_DATA, WAY_CHUNKS, WAY_FAILED } Way;

typedef struct {
    const uint8_t *data;
    size_t n;
    GByteArray *wire; /* everything the client says */
    GArray *questions;
    guint n_replies; /* as many as the model counts */
    gboolean in_mail;
    guint n_recipients;
    Way way;
    GByteArray *octets; /* of the chunks taken in this transaction */
} Model;

static uint8_t take(Model *model)
{
    if (model->n == 0)
        return 0;
    model->n--;
    return *model->data++;
}

static void write_text(Model *model, const char *text)
{
    g_byte_array_append(model->wire, (const guint8 *)text, (guint)strlen(text));
}

static void reset(Model *model)
{
    model->in_mail = FALSE;
    model->n_recipients = 0;
    model->way = WAY_OPEN;
    g_byte_array_set_size(model->octets, 0);
}

static gboolean foresee(Model *model, SmtpAsk ask, GBytes *content)
{
    Question question = {ask, (take(model) & 3) != 3, content};
    g_array_append_val(model->questions, question);
    return question.is_yes;
}

static void say_mail(Model *model)
{
    write_text(model, "MAIL FROM:<a@b.example>\r\n");
    model->n_replies++;
    if (!model->in_mail)
        model->in_mail = foresee(model, SMTP_ASK_SENDER, NULL);
}

static void say_rcpt(Model *model)
{
    write_text(model, "RCPT TO:<c@d.example>\r\n");
    model->n_replies++;
    gboolean may = model->in_mail && (model->way == WAY_OPEN || model->way == WAY_DATA);
    if (may && model->n_recipients < RECIPIENTS_MAX && foresee(model, SMTP_ASK_RECIPIENT, NULL))
        model->n_recipients++;
}

/* Up to 255 octets of the input. */
static GBytes *take_octets(Model *model)
{
    guint8 wanted = take(model);
    gsize n = MIN(wanted, model->n);
    GBytes *octets = g_bytes_new(model->data, n);
    model->data += n;
    model->n -= n;
    return octets;
}

/* What arrives of a body: one that has no line end at its end gets one. */
static GBytes *with_line_end(GBytes *body)
{
    gsize n;
    const guint8 *octets = g_bytes_get_data(body, &n);
    if (n == 0 || octets[n - 1] == '\n')
        return g_bytes_ref(body);
    GByteArray *lines = g_byte_array_new();
    g_byte_array_append(lines, octets, (guint)n);
    g_byte_array_append(lines, (const guint8 *)"\r\n", 2);
    return g_byte_array_free_to_bytes(lines);
}

static void say_body(Model *model)
{
    g_autoptr(GBytes) octets = take_octets(model);
    g_autoptr(GBytes) body =
        smtp_body_is_sendable(octets) ? g_bytes_ref(octets) : g_bytes_new_static(".\r\n", 3);
    SmtpBodyEncoder encoder;
    smtp_body_encoder_init(&encoder, body);
    while (!smtp_body_encoder_is_done(&encoder))
        smtp_body_encoder_write(&encoder, model->wire, 64);
    smtp_body_encoder_write_end(&encoder, model->wire);
    model->n_replies++;
    GBytes *content = with_line_end(body);
    if (g_bytes_get_size(content) <= SIZE_MAX_OCTETS)
        foresee(model, SMTP_ASK_MESSAGE, content);
    else
        g_bytes_unref(content);
    reset(model);
}

/* DATA, and the body if the model knows that there will be a 354. */
static void say_data(Model *model)
{
    write_text(model, "DATA\r\n");
    model->n_replies++;
    if (!model->in_mail)
        return;
    if (model->way == WAY_CHUNKS || model->way == WAY_FAILED) {
        model->way = WAY_FAILED;
    } else if (model->n_recipients > 0) {
        model->way = WAY_DATA;
        if (foresee(model, SMTP_ASK_DATA, NULL))
            say_body(model);
    }
}

/* What a chunk of n octets, already in model->octets, leads to. */
static void count_chunk(Model *model, gboolean is_last, gboolean is_too_large)
{
    if (!model->in_mail)
        return;
    if (model->way == WAY_DATA || model->way == WAY_FAILED || model->n_recipients == 0) {
        model->way = WAY_FAILED;
    } else if (is_too_large) {
        model->way = WAY_FAILED;
        if (is_last)
            reset(model);
    } else {
        model->way = WAY_CHUNKS;
        if (!is_last)
            return;
        GBytes *content = g_bytes_new(model->octets->data, model->octets->len);
        if (smtp_body_is_sendable(content))
            foresee(model, SMTP_ASK_MESSAGE, content);
        else
            g_bytes_unref(content);
        reset(model);
    }
}

static void say_bdat(Model *model, gboolean is_last)
{
    g_autoptr(GBytes) chunk = take_octets(model);
    gsize n;
    const guint8 *octets = g_bytes_get_data(chunk, &n);
    g_autofree char *line =
        g_strdup_printf("BDAT %" G_GSIZE_FORMAT "%s\r\n", n, is_last ? " LAST" : "");
    write_text(model, line);
    g_byte_array_append(model->wire, octets, (guint)n);
    model->n_replies++;
    gboolean is_too_large = model->octets->len + n > SIZE_MAX_OCTETS;
    if (model->in_mail && !is_too_large)
        g_byte_array_append(model->octets, octets, (guint)n);
    count_chunk(model, is_last, is_too_large);
}

static void say_something(Model *model)
{
    switch (take(model) & 15) {
    case 0:
    case 1:
        write_text(model, "RSET\r\n");
        model->n_replies++;
        reset(model);
        break;
    case 2:
        write_text(model, "EHLO c\r\n");
        model->n_replies++;
        reset(model);
        break;
    case 3:
        write_text(model, "NOOP\r\n");
        model->n_replies++;
        break;
    case 4:
        write_text(model, "NONSENSE\r\n");
        model->n_replies++;
        break;
    case 5:
    case 6:
        say_data(model);
        break;
    case 7:
    case 8:
        say_mail(model);
        break;
    case 9:
    case 10:
        say_rcpt(model);
        break;
    case 11:
    case 12:
        say_bdat(model, FALSE);
        break;
    case 13:
    case 14:
        say_bdat(model, TRUE);
        break;
    default: /* a whole mail */
        write_text(model, "RSET\r\n");
        model->n_replies++;
        reset(model);
        say_mail(model);
        say_rcpt(model);
        say_bdat(model, TRUE);
    }
}

/* --- the server beside it ----------------------------------------------------------------------
 */

typedef struct {
    const Model *model;
    SmtpServer *server;
    SmtpReplyReader *reader;
    SmtpAsk asked;
    guint n_asked, n_replies;
    gboolean is_closed;
} Play;

static void step(Play *play, SmtpServerEvent event)
{
    event.now = 1;
    const SmtpServerEffects *effects = smtp_server_step(play->server, &event);
    for (gsize at = 0; at < effects->send->len; play->n_replies++) {
        g_autoptr(SmtpReply) reply = NULL;
        gsize used = 0;
        SmtpReadResult result = smtp_reply_reader_feed(
            play->reader, effects->send->data + at, effects->send->len - at, &used, &reply);
        g_assert(result == SMTP_READ_REPLY);
        at += used;
    }
    play->is_closed = play->is_closed || effects->close;
    play->asked = effects->ask != SMTP_ASK_NOTHING ? effects->ask : play->asked;
    if (effects->ask == SMTP_ASK_NOTHING || effects->ask == SMTP_ASK_LOGIN)
        return;
    g_assert(play->n_asked < play->model->questions->len);
    const Question *question = &g_array_index(play->model->questions, Question, play->n_asked);
    g_assert(effects->ask == question->ask);
    g_assert(
        effects->ask != SMTP_ASK_MESSAGE || g_bytes_equal(effects->content, question->content));
    play->n_asked++;
}

static void give_verdict(Play *play)
{
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_VERDICT};
    if (play->asked == SMTP_ASK_NOTHING)
        return;
    if (play->asked != SMTP_ASK_LOGIN &&
        !g_array_index(play->model->questions, Question, play->n_asked - 1).is_yes)
        event.verdict.code = 550;
    play->asked = SMTP_ASK_NOTHING;
    step(play, event);
}

static void give_verdicts(Play *play)
{
    while (play->asked != SMTP_ASK_NOTHING && !play->is_closed)
        give_verdict(play);
}

static void give_bytes(Play *play, const void *bytes, gsize n)
{
    g_autofree guint8 *copy = g_memdup2(bytes, n); /* so that reading too far is seen */
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_BYTES};
    event.bytes.data = copy;
    event.bytes.n = n;
    step(play, event);
}

/* From the greeting to the login. */
static void play_begin(Play *play)
{
    static const char login[] = "EHLO c\r\nAUTH PLAIN AGFubmEAcHc=\r\n";
    const SmtpServerConfig config = {.security = TLS_MODE_IMPLICIT,
        .host_name = "mx.example",
        .size_max = SIZE_MAX_OCTETS,
        .recipients_max = RECIPIENTS_MAX,
        .auth_mechanisms = SMTP_AUTH_PLAIN,
        .pipelining = TRUE,
        .chunking = TRUE};
    play->server = smtp_server_new(&config);
    play->reader = smtp_reply_reader_new();
    step(play, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_CONNECTED});
    step(play, (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_TLS_UP});
    give_bytes(play, login, sizeof login - 1);
    give_verdicts(play);
    play->n_replies = 0;
}

/* piece: octets at once; patience: pieces between two verdicts, 0: verdicts at once. */
static void play_all(const Model *model, gsize piece, guint patience)
{
    Play play = {.model = model};
    play_begin(&play);
    guint n_pieces = 0;
    for (gsize at = 0; at < model->wire->len && !play.is_closed; at += piece) {
        give_bytes(&play, model->wire->data + at, MIN(piece, model->wire->len - at));
        if (patience == 0)
            give_verdicts(&play);
        else if (++n_pieces % patience == 0)
            give_verdict(&play);
    }
    give_verdicts(&play);
    if (!play.is_closed) { /* too much small talk and too many errors end it early */
        g_assert(play.n_replies == model->n_replies);
        g_assert(play.n_asked == model->questions->len);
    }
    smtp_server_free(play.server);
    smtp_reply_reader_free(play.reader);
}

static void question_clear(gpointer data)
{
    Question *question = data;
    g_clear_pointer(&question->content, g_bytes_unref);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    secret_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Model model = {.data = data,
        .n = size,
        .wire = g_byte_array_new(),
        .questions = g_array_new(FALSE, FALSE, sizeof(Question)),
        .octets = g_byte_array_new()};
    g_array_set_clear_func(model.questions, question_clear);
    uint8_t piece = take(&model), patience = take(&model);
    for (guint i = 0; model.n > 0 && i < COMMANDS_MAX; i++)
        say_something(&model);
    play_all(&model, G_MAXUINT16, 0);
    play_all(&model, 1 + piece, patience & 31);
    g_byte_array_unref(model.wire);
    g_array_unref(model.questions);
    g_byte_array_unref(model.octets);
    return 0;
}
