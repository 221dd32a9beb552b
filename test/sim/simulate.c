/* The outbox through months of trouble, for many seeds.
 *
 *     simulate [--seeds N] [--from S]      TAP, one line for each block of seeds
 *     simulate --seed X [--trace]          this one alone, with its story
 *     simulate --break RULE [--seeds N]    one of the rules below is broken on purpose and must be
 *                                          noticed within N seeds */
#include "base/clock.h"
#include "sim.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 250

static gint64 n_seeds = 1000, first_seed = 1, only_seed = -1;
static gboolean is_told;
static char *broken_rule;
static const char *program;

static const GOptionEntry options[] = {
    {"seeds", 0, 0, G_OPTION_ARG_INT64, &n_seeds, "how many", "N"},
    {"from", 0, 0, G_OPTION_ARG_INT64, &first_seed, "the first", "S"},
    {"seed", 0, 0, G_OPTION_ARG_INT64, &only_seed, "this one alone", "X"},
    {"trace", 0, 0, G_OPTION_ARG_NONE, &is_told, "its story", NULL},
    {"break", 0, 0, G_OPTION_ARG_STRING, &broken_rule, "break a rule on purpose", "RULE"},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static const char *const rules[] = {[BREAK_MARK] = "mark",
    [BREAK_BREAKER] = "breaker",
    [BREAK_QUOTA] = "quota",
    [BREAK_PAUSE] = "pause",
    [BREAK_ONCE] = "once",
    [BREAK_RESEND] = "resend",
    [BREAK_EXPIRY] = "expiry",
    [BREAK_SCHEDULE] = "schedule",
    [BREAK_NEIGHBOUR] = "neighbour"};

/* A failed assertion ends the program: the last thing it says is which seed it was. */
static char crash_note[512];

static void on_abort(int number)
{
    if (write(STDERR_FILENO, crash_note, strlen(crash_note)) < 0)
        _exit(1);
}

static char *play(gint64 seed, SimBreak broken, SimCount *total)
{
    SimCount count = {0};
    g_snprintf(crash_note, sizeof crash_note,
        "# again: %s%s%s --seed %" G_GINT64_FORMAT " --trace\n", program,
        broken == BREAK_NOTHING ? "" : " --break ", broken == BREAK_NOTHING ? "" : rules[broken],
        seed);
    char *fault = world_play((guint64)seed, broken, is_told, &count);
    total->n_steps += count.n_steps;
    total->n_events += count.n_events;
    total->n_mails += count.n_mails;
    total->n_copies += count.n_copies;
    total->n_duplicates += count.n_duplicates;
    total->n_kills += count.n_kills;
    total->n_jumps += count.n_jumps;
    total->n_refused += count.n_refused;
    total->span_ms += count.span_ms;
    return fault;
}

static void tell(const SimCount *total, gint64 took_ms)
{
    g_print("# %" G_GINT64_FORMAT " ms for %" G_GINT64_FORMAT " days: %" G_GUINT64_FORMAT
            " steps, %" G_GUINT64_FORMAT " mails, %" G_GUINT64_FORMAT
            " delivered, of which %" G_GUINT64_FORMAT " again and marked as possible duplicates\n",
        took_ms, total->span_ms / CLOCK_DAY_MS, total->n_steps, total->n_mails, total->n_copies,
        total->n_duplicates);
    g_print("# %" G_GUINT64_FORMAT " kills, %" G_GUINT64_FORMAT
            " jumps of the clock, %" G_GUINT64_FORMAT " refused logins\n",
        total->n_kills, total->n_jumps, total->n_refused);
}

/* The number of seeds in the block that broke a promise. */
static guint play_block(gint64 from, gint64 n, SimCount *total)
{
    guint failed = 0;
    for (gint64 seed = from; seed < from + n; seed++) {
        g_autofree char *fault = play(seed, BREAK_NOTHING, total);
        if (fault == NULL)
            continue;
        failed++;
        g_print("# seed %" G_GINT64_FORMAT ": %s\n%s", seed, fault, crash_note);
    }
    return failed;
}

static int play_all(void)
{
    SimCount total = {0};
    guint failed = 0;
    guint n_blocks = 0;
    MonoMs began = clock_mono_ms();
    for (gint64 done = 0; done < n_seeds; done += BLOCK) {
        gint64 n = MIN(BLOCK, n_seeds - done);
        guint wrong = play_block(first_seed + done, n, &total);
        failed += wrong;
        g_print("%s %u - simulation: seeds %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT "\n",
            wrong > 0 ? "not ok" : "ok", ++n_blocks, first_seed + done, first_seed + done + n - 1);
    }
    tell(&total, clock_mono_ms() - began);
    g_print("1..%u\n", n_blocks);
    return failed > 0 ? 1 : 0;
}

static int play_one(SimBreak broken)
{
    SimCount total = {0};
    g_autofree char *fault = play(only_seed, broken, &total);
    g_print("%s 1 - simulation: seed %" G_GINT64_FORMAT "%s%s\n1..1\n",
        fault == NULL ? "ok" : "not ok", only_seed, fault == NULL ? "" : ": ",
        fault == NULL ? "" : fault);
    return fault == NULL ? 0 : 1;
}

/* The negative control: what cannot fail proves nothing. */
static int play_broken(SimBreak broken)
{
    SimCount total = {0};
    g_autofree char *fault = NULL;
    gint64 seed = first_seed;
    for (; fault == NULL && seed < first_seed + n_seeds; seed++)
        fault = play(seed, broken, &total);
    g_print("%s 1 - simulation: the broken rule \"%s\" is noticed\n",
        fault != NULL ? "ok" : "not ok", rules[broken]);
    if (fault != NULL)
        g_print("# seed %" G_GINT64_FORMAT ": %s\n", seed - 1, fault);
    g_print("1..1\n");
    return fault != NULL ? 0 : 1;
}

static gboolean find_rule(SimBreak *broken)
{
    *broken = BREAK_NOTHING;
    for (guint i = BREAK_MARK; i < G_N_ELEMENTS(rules); i++) {
        if (g_strcmp0(broken_rule, rules[i]) == 0)
            *broken = (SimBreak)i;
    }
    return broken_rule == NULL || *broken != BREAK_NOTHING;
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    SimBreak broken;
    program = argv[0];
    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || !find_rule(&broken)) {
        g_printerr("%s\n", error != NULL ? error->message : "no such rule to break");
        return 2;
    }
    struct sigaction last_words = {.sa_handler = on_abort, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGABRT, &last_words, NULL);
    if (only_seed >= 0)
        return play_one(broken);
    return broken == BREAK_NOTHING ? play_all() : play_broken(broken);
}
