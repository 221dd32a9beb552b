/* Sessions between the client core and the real server core whose replies are spoilt on the way:
 * no crash, no wait without end, one outcome for each recipient, `accepted` only by the server.
 *
 *     mutate [--sessions N] [--seed N] [--only K]
 *
 * --only K plays the K-th session of the seed alone and tells it. */
#include "base/clock.h"
#include "base/secret.h"
#include "duel.h"
#include "smtp/client.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN = 20 };

static gint64 n_sessions = 20000, seed = 1, only = -1;
static const char *program;

/* What was judged wrong once is played every time. */
static const struct {
    gint64 seed, k;
} kept[] = {
    {1795387223, 62927}, /* a reply began in the middle of a chunk and ended behind it */
};

static const GOptionEntry options[] = {
    {"sessions", 0, 0, G_OPTION_ARG_INT64, &n_sessions, "how many", "N"},
    {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "of chance", "N"},
    {"only", 0, 0, G_OPTION_ARG_INT64, &only, "this one, with its story", "K"},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

typedef struct {
    guint n_sessions, n_failed, n_clean, n_windowed, n_by_damage[DAMAGE_COUNT];
    guint64 n_mails, n_steps, n_deluded, n_outcomes[5];
} Totals;

/* A crash ends the program: the last thing it says is which session it was. */
static char crash_note[512];

static void on_abort(int number)
{
    if (write(STDERR_FILENO, crash_note, strlen(crash_note)) < 0)
        _exit(1);
}

static void note_session(gint64 of_seed, gint64 k)
{
    g_snprintf(crash_note, sizeof crash_note,
        "# again: %s --seed %" G_GINT64_FORMAT " --only %" G_GINT64_FORMAT "\n", program, of_seed,
        k);
}

static void add_up(Totals *totals, const DuelCount *count)
{
    totals->n_sessions++;
    totals->n_clean += count->damages == 0 ? 1 : 0;
    totals->n_windowed += count->is_windowed ? 1 : 0;
    totals->n_mails += count->n_mails;
    totals->n_steps += count->n_steps;
    totals->n_deluded += count->n_deluded;
    for (guint i = 0; i < G_N_ELEMENTS(totals->n_outcomes); i++)
        totals->n_outcomes[i] += count->n_outcomes[i];
    for (guint kind = 0; kind < DAMAGE_COUNT; kind++)
        totals->n_by_damage[kind] += (count->damages >> kind) & 1;
}

static void play(Totals *totals, gint64 of_seed, gint64 k)
{
    DuelCount count;
    note_session(of_seed, k);
    g_autofree char *fault = duel_play((guint64)of_seed, (guint64)k, only >= 0, &count);
    add_up(totals, &count);
    if (fault == NULL)
        return;
    totals->n_failed++;
    if (totals->n_failed <= SHOWN)
        g_print("# session %" G_GINT64_FORMAT ": %s\n%s", k, fault, crash_note);
}

static void tell(const Totals *totals, gint64 took_ms)
{
    g_print("%s 1 - hostile: mutated: %u sessions with seed %" G_GINT64_FORMAT ", %u wrong\n",
        totals->n_failed > 0 ? "not ok" : "ok", totals->n_sessions, seed, totals->n_failed);
    g_print("# %" G_GINT64_FORMAT " ms, %" G_GUINT64_FORMAT " steps, %u sessions unspoilt, "
            "%u with a window\n",
        took_ms, totals->n_steps, totals->n_clean, totals->n_windowed);
    g_print("# %" G_GUINT64_FORMAT " mails; recipients: %" G_GUINT64_FORMAT
            " accepted, %" G_GUINT64_FORMAT " rejected, %" G_GUINT64_FORMAT
            " deferred, %" G_GUINT64_FORMAT " uncertain\n",
        totals->n_mails, totals->n_outcomes[SMTP_OUTCOME_ACCEPTED],
        totals->n_outcomes[SMTP_OUTCOME_REJECTED], totals->n_outcomes[SMTP_OUTCOME_DEFERRED],
        totals->n_outcomes[SMTP_OUTCOME_UNCERTAIN]);
    g_print("# %" G_GUINT64_FORMAT
            " of them were accepted only in the client's eyes: replies had been "
            "lost, doubled or moved\n",
        totals->n_deluded);
    for (guint kind = 0; kind < DAMAGE_COUNT; kind++)
        g_print("# %s: %u sessions\n", damage_name(kind), totals->n_by_damage[kind]);
    g_print("1..1\n");
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    program = argv[0];
    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        g_printerr("%s\n", error->message);
        return 2;
    }
    secret_init();
    struct sigaction last_words = {.sa_handler = on_abort, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGABRT, &last_words, NULL);
    Totals totals = {0};
    MonoMs began = clock_mono_ms();
    for (gsize i = 0; only < 0 && i < G_N_ELEMENTS(kept); i++)
        play(&totals, kept[i].seed, kept[i].k);
    for (gint64 k = MAX(only, 0); (only < 0 && k < n_sessions) || k == only; k++)
        play(&totals, seed, k);
    tell(&totals, clock_mono_ms() - began);
    return totals.n_failed > 0 ? 1 : 0;
}
