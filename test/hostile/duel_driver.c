/* The driver of the client core: as a daemon would, but at random moments. */
#include "duel_private.h"

#include <string.h>

/* --- Steps ------------------------------------------------------------------------------------ */

static void tell(const Duel *duel, const char *who, const guint8 *data, gsize n)
{
    if (!duel->wants_story || n == 0)
        return;
    g_autofree char *text = g_strndup((const char *)data, n);
    g_autofree char *shown = g_strescape(text, NULL);
    g_print("# %8" G_GINT64_FORMAT " %s %s\n", duel->now, who, shown);
}

static const char *const events[] = {[SMTP_EVENT_CONNECTED] = "connected",
    [SMTP_EVENT_BYTES] = "bytes",
    [SMTP_EVENT_TLS_UP] = "tls up",
    [SMTP_EVENT_SENT] = "sent",
    [SMTP_EVENT_SASL] = "sasl",
    [SMTP_EVENT_MAIL] = "mail",
    [SMTP_EVENT_MARKED] = "marked",
    [SMTP_EVENT_WITHDRAW] = "withdraw",
    [SMTP_EVENT_QUIT] = "quit",
    [SMTP_EVENT_DEADLINE] = "deadline",
    [SMTP_EVENT_LOST] = "lost"};

static void tell_event(const Duel *duel, const SmtpEvent *event)
{
    if (!duel->wants_story || event->kind == SMTP_EVENT_SENT)
        return;
    if (event->kind == SMTP_EVENT_BYTES) {
        tell(duel, "S", event->bytes.data, event->bytes.n);
        return;
    }
    g_print("# %8" G_GINT64_FORMAT " -- %s", duel->now, events[event->kind]);
    if (event->kind == SMTP_EVENT_MAIL)
        g_print(" %" G_GUINT64_FORMAT, event->mail->token);
    for (guint i = 0; event->kind == SMTP_EVENT_MARKED && i < event->n_tokens; i++)
        g_print(" %" G_GUINT64_FORMAT, event->tokens[i]);
    if (event->kind == SMTP_EVENT_WITHDRAW)
        g_print(" %" G_GUINT64_FORMAT, event->token);
    g_print("\n");
}

static void note_begun(Duel *duel, const SmtpClientEffects *effects)
{
    for (guint i = 0; i < effects->n_begun; i++) {
        guint64 token = effects->begun[i];
        if (token >= duel->n_given || duel->mails[token].is_begun) {
            duel_blame(duel, "mail %u was begun twice, or never given", (guint)token);
            return;
        }
        duel->mails[token].is_begun = TRUE;
        if (duel->wants_story)
            g_print("# %8" G_GINT64_FORMAT " == mail %u is begun\n", duel->now, (guint)token);
        duel->mails[token].withdraw_is_due = random_one_in(&duel->random, 40);
    }
}

static void note_outcomes(Duel *duel, const SmtpClientEffects *effects)
{
    for (guint i = 0; i < effects->n_outcomes; i++) {
        const SmtpOutcome *outcome = &effects->outcomes[i];
        if (outcome->token >= duel->n_given ||
            outcome->recipient >= duel->mails[outcome->token].n_expected) {
            duel_blame(duel, "an outcome for nobody");
            return;
        }
        DuelMail *mail = &duel->mails[outcome->token];
        mail->n_outcomes[outcome->recipient]++;
        mail->kinds[outcome->recipient] = outcome->kind;
        duel->count->n_outcomes[outcome->kind]++;
        if (duel->wants_story)
            g_print("# %8" G_GINT64_FORMAT " == mail %u.%u outcome %d\n", duel->now,
                (guint)outcome->token, outcome->recipient, (int)outcome->kind);
    }
}

void driver_step(Duel *duel, SmtpEvent *event)
{
    duel->now += random_below(&duel->random, 3);
    event->now = duel->now;
    tell_event(duel, event);
    if (event->kind == SMTP_EVENT_BYTES)
        ledger_server_said(duel->ledger, event->bytes.data, event->bytes.n);
    const SmtpClientEffects *effects = smtp_client_step(duel->client, event);
    duel->count->n_steps++;
    tell(duel, "C", effects->send->data, effects->send->len);
    ledger_client_said(duel->ledger, effects->send->data, effects->send->len);
    g_byte_array_append(duel->up.bytes, effects->send->data, effects->send->len);
    duel->n_unsent += effects->send->len > 0;
    duel->wants_tls = effects->start_tls || (duel->wants_tls && event->kind != SMTP_EVENT_TLS_UP);
    duel->has_proved = duel->has_proved || effects->proved;
    note_begun(duel, effects);
    note_outcomes(duel, effects);
    verdict_effects(duel, effects);
    duel->is_ready = effects->ready;
    duel->room = effects->room;
    duel->deadline = effects->deadline;
    duel->is_closed = duel->is_closed || effects->close;
}

/* --- Mails ------------------------------------------------------------------------------------ */

static GBytes *draw_content(Duel *duel, gboolean *is_eight_bit)
{
    static const char *const lines[] = {
        ".", "..", "", "hello", ".x", "MAIL FROM:<s0@a.example>", "QUIT", "250 ok", "\xc3\xbc"};
    Random *random = &duel->random;
    /* A large one octet by octet would only take its time. */
    gboolean is_large = duel->grain == 0 && random_one_in(random, 100);
    guint n = is_large ? 70000 : random_below(random, 400);
    g_autoptr(GString) text = g_string_new(NULL);
    const guint n_lines = (guint)G_N_ELEMENTS(lines) - (random_one_in(random, 4) ? 0 : 1);
    while (text->len < n) {
        const char *line = lines[random_below(random, n_lines)];
        *is_eight_bit = *is_eight_bit || !g_str_is_ascii(line);
        g_string_append_printf(text, "%s\r\n", line);
    }
    return g_string_free_to_bytes(g_steal_pointer(&text));
}

static gboolean is_objectionable(Duel *duel, const DuelMail *mail, gboolean is_eight_bit)
{
    const SmtpCapabilities *can = smtp_client_capabilities(duel->client);
    if (mail->is_probe)
        return FALSE;
    return (is_eight_bit && !can->eightbitmime) ||
           (can->size_known && can->size_max > 0 &&
               g_bytes_get_size(mail->content) > can->size_max);
}

gboolean driver_can_give(const Duel *duel)
{
    return !duel->is_closed && duel->room > 0 && duel->n_given < duel->n_mails;
}

static void draw_mail(Duel *duel, DuelMail *mail)
{
    Random *random = &duel->random;
    mail->is_given = TRUE;
    mail->is_probe = duel->is_ready && random_one_in(random, 12);
    mail->n_recipients =
        mail->is_probe
            ? random_below(random, 3)
            : 1 + (random_one_in(random, 3) ? random_below(random, LEDGER_RECIPIENTS) : 0);
    mail->n_expected = MAX(mail->n_recipients, 1);
    mail->unwritable = random_one_in(random, 30) ? 0 : LEDGER_RECIPIENTS;
}

void driver_give(Duel *duel)
{
    guint token = duel->n_given++;
    DuelMail *mail = &duel->mails[token];
    gboolean is_eight_bit = FALSE;
    draw_mail(duel, mail);
    if (!mail->is_probe)
        mail->content = draw_content(duel, &is_eight_bit);
    mail->is_objectionable = is_objectionable(duel, mail, is_eight_bit);
    g_autofree char *sender = g_strdup_printf("s%u@a.example", token);
    g_auto(GStrv) recipients = g_new0(char *, LEDGER_RECIPIENTS + 1);
    for (guint i = 0; i < mail->n_recipients; i++)
        recipients[i] = g_strdup_printf(
            i == mail->unwritable ? "r%u.%u>@b.example" : "r%u.%u@b.example", token, i);
    const SmtpMail given = {.token = token,
        .sender = sender,
        .recipients = mail->n_recipients == 0 ? NULL : (const char *const *)recipients,
        .content = mail->content,
        .needs_eightbitmime = is_eight_bit,
        .marks_late = random_one_in(&duel->random, 5),
        .envelope_id = random_one_in(&duel->random, 4) ? "em_1+=" : NULL,
        .notify = random_one_in(&duel->random, 4) ? SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY : 0};
    duel->count->n_mails++;
    driver_step(duel, &(SmtpEvent){.kind = SMTP_EVENT_MAIL, .mail = &given});
}

/* --- The store's word ------------------------------------------------------------------------- */

static gboolean awaits_mark(const DuelMail *mail)
{
    return mail->is_begun && !mail->is_marked && !mail->is_withdrawn;
}

gboolean driver_can_mark(const Duel *duel)
{
    for (guint i = 0; i < duel->n_given; i++) {
        if (awaits_mark(&duel->mails[i]))
            return TRUE;
    }
    return FALSE;
}

static void withdraw(Duel *duel, guint token)
{
    DuelMail *mail = &duel->mails[token];
    mail->is_withdrawn = TRUE;
    mail->end_had_left = ledger_mail(duel->ledger, token)->end_has_left;
    memcpy(mail->n_before_withdrawal, mail->n_outcomes, sizeof mail->n_outcomes);
    driver_step(duel, &(SmtpEvent){.kind = SMTP_EVENT_WITHDRAW, .token = token});
}

/* Some of those that wait, together; one may turn out to have been cancelled meanwhile. */
void driver_mark(Duel *duel)
{
    guint64 tokens[DUEL_MAILS + 1];
    guint n = 0;
    for (guint i = 0; i < duel->n_given; i++) {
        DuelMail *mail = &duel->mails[i];
        if (!awaits_mark(mail) || (n > 0 && random_one_in(&duel->random, 3)))
            continue;
        if (mail->withdraw_is_due && n > 0)
            continue; /* another time, alone */
        if (mail->withdraw_is_due) {
            withdraw(duel, i);
            return;
        }
        mail->is_marked = TRUE;
        tokens[n++] = i;
    }
    gboolean is_past = duel->mails[0].is_marked || duel->mails[0].is_withdrawn;
    if (random_one_in(&duel->random, 20)) /* one nobody has heard of, or one of the past */
        tokens[n++] = is_past ? 0 : 4711;
    driver_step(duel, &(SmtpEvent){.kind = SMTP_EVENT_MARKED, .tokens = tokens, .n_tokens = n});
}

gboolean driver_can_withdraw(const Duel *duel)
{
    return duel->n_given > 0;
}

/* Any mail at any moment; mostly too late. */
void driver_withdraw(Duel *duel)
{
    guint token = random_below(&duel->random, duel->n_given);
    if (!duel->mails[token].is_withdrawn && !duel->mails[token].is_probe)
        withdraw(duel, token);
}
