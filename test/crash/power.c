/* Power cuts under the real store: what it answered with success is there after every cut, nothing
 * is there that nobody asked for, and the database is sound. README.md says what is modelled.
 *
 *     power [--cuts N] [--seed N] [--only K | --act NAME]
 *
 * A story is a new disk and several cuts of its power. --only K plays the K-th story of the seed
 * alone, --act NAME only what fails under work of that name (power_faults.c). */
#include "base/clock.h"
#include "base/secret.h"
#include "power_faults.h"
#include "power_site.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
    CUTS_IN_STORY = 8,
    CONTROL_CUTS = 50,
    CONTROL_CUTS_MOST = 500,
    JOBS_IN_GROUP = 8,
    SHOWN = 10
};

static gint64 n_cuts = 500, seed = 1, only = -1;
static char *act;
static const char *program;

static const GOptionEntry options[] = {
    {"cuts", 0, 0, G_OPTION_ARG_INT64, &n_cuts, "how many", "N"},
    {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "of chance", "N"},
    {"only", 0, 0, G_OPTION_ARG_INT64, &only, "this story", "K"},
    {"act", 0, 0, G_OPTION_ARG_STRING, &act, "this work, with everything that can fail", "NAME"},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* What a story is played with. */
typedef enum {
    HONEST = 0,
    NORMAL,   /* synchronous = NORMAL: a commit is not synced */
    UNSYNCED, /* a disk that says it has synced, and has not */
} Kind;

typedef struct {
    guint n_cuts, n_in_start, n_ghosts, n_lost, n_wrong, n_failed_stories;
    guint64 n_mails, n_changes, n_syncs;
} Totals;

/* A crash ends the program: the last thing it says is which story it was. */
static char crash_note[512];

static void on_abort(int number)
{
    if (write(STDERR_FILENO, crash_note, strlen(crash_note)) < 0)
        _exit(1);
}

static void note_story(gint64 k)
{
    g_snprintf(crash_note, sizeof crash_note,
        "# again: %s --seed %" G_GINT64_FORMAT " --only %" G_GINT64_FORMAT "\n", program, seed, k);
}

/* Mostly somewhere in the work, often enough while the store is being opened. */
static guint moment_of_cut(Random *random)
{
    if (random_one_in(random, 4))
        return 1 + random_below(random, 20);
    return 1 + random_below(random, random_one_in(random, 12) ? 1200 : 300);
}

/* One process from its start until the power goes off. */
static void live_until_cut(Site *site, Totals *totals)
{
    g_autoptr(GError) error = NULL;
    World *world = site->world;
    power_off_after(moment_of_cut(&world->random));
    if (!site_start(site, &error)) {
        totals->n_in_start++;
        if (!power_is_off())
            world_wrong(world, "it does not start: %s", error->message);
        return;
    }
    world_look(world, site->store, TRUE);
    work_after_start(world, site->store);
    while (!power_is_off() && world->n_lost + world->n_wrong == 0) {
        work_at_random(world, site->store, JOBS_IN_GROUP);
        if (!random_one_in(&world->random, 12))
            continue;
        site_stop(site); /* a clean end, and the next process */
        if (!site_start(site, &error)) {
            if (!power_is_off())
                world_wrong(world, "it does not start again: %s", error->message);
            return;
        }
    }
    site_stop(site);
}

static void look_once_more(Site *site)
{
    g_autoptr(GError) error = NULL;
    if (site_start(site, &error))
        world_look(site->world, site->store, TRUE);
    else
        world_wrong(site->world, "it does not start: %s", error->message);
    site_stop(site);
}

static gboolean play_story(Totals *totals, Kind kind, gint64 k)
{
    g_autoptr(Site) site = site_new((guint64)seed, (guint64)k);
    World *world = site->world;
    site->config.full_sync = kind != NORMAL;
    power_ignore_syncs(kind == UNSYNCED);
    for (guint cut = 0; cut < CUTS_IN_STORY && world->n_lost + world->n_wrong == 0; cut++) {
        live_until_cut(site, totals);
        power_on((PowerOutcome)random_below(&world->random, POWER_OUTCOMES));
        totals->n_cuts++;
    }
    if (world->n_lost + world->n_wrong == 0)
        look_once_more(site);
    totals->n_ghosts += world->n_ghosts;
    totals->n_lost += world->n_lost;
    totals->n_wrong += world->n_wrong;
    totals->n_mails += world->mails->len;
    totals->n_changes += power_count(POWER_CHANGE);
    totals->n_syncs += power_count(POWER_SYNC);
    gboolean is_sound = world->n_lost + world->n_wrong == 0;
    if (!is_sound && kind == HONEST && totals->n_failed_stories++ < SHOWN)
        g_print("# story %" G_GINT64_FORMAT "\n%s%s", k, world->story->str, crash_note);
    return is_sound;
}

static gboolean test_cuts(void)
{
    Totals totals = {0};
    MonoMs began = clock_mono_ms();
    for (gint64 k = MAX(only, 0); (only < 0 && totals.n_cuts < n_cuts) || k == only; k++) {
        note_story(k);
        play_story(&totals, HONEST, k);
    }
    gboolean is_sound = totals.n_lost + totals.n_wrong == 0;
    g_print("%s 1 - power: %u cuts with seed %" G_GINT64_FORMAT
            ": nothing lost, nothing that was not asked for\n",
        is_sound ? "ok" : "not ok", totals.n_cuts, seed);
    g_print("# %" G_GINT64_FORMAT " ms, %" G_GUINT64_FORMAT " mails, %" G_GUINT64_FORMAT
            " changes of files, %" G_GUINT64_FORMAT " syncs; %u cuts in a start, "
            "%u batches there after an error, %u lost, %u wrong\n",
        clock_mono_ms() - began, totals.n_mails, totals.n_changes, totals.n_syncs,
        totals.n_in_start, totals.n_ghosts, totals.n_lost, totals.n_wrong);
    return is_sound;
}

/* What must lose mail, or the harness sees nothing. By a seed the first cuts may be lucky ones. */
static gboolean test_control(Kind kind, guint number, const char *what)
{
    Totals totals = {0};
    guint n_stories = 0, n_losing = 0;
    for (gint64 k = 0; totals.n_cuts < (totals.n_lost > 0 ? CONTROL_CUTS : CONTROL_CUTS_MOST);
         k++, n_stories++)
        n_losing += play_story(&totals, kind, k) ? 0 : 1;
    /* Without syncs at commits the log is still whole up to some commit: nothing but loss. */
    gboolean is_true = totals.n_lost > 0 && (kind == UNSYNCED || totals.n_wrong == 0);
    g_print("%s %u - power: control: %s loses mail\n", is_true ? "ok" : "not ok", number, what);
    g_print("# %u of %u stories, %u cuts: %u lost, %u wrong\n", n_losing, n_stories, totals.n_cuts,
        totals.n_lost, totals.n_wrong);
    return is_true;
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
    power_plug_in();
    PowerFaults faults = {.program = program, .act = act, .seed = (guint64)seed, .number = 4};
    if (act)
        return power_test_faults(&faults) ? 0 : 1;
    gboolean is_sound = test_cuts();
    if (only >= 0)
        return is_sound ? 0 : 1;
    is_sound &= test_control(NORMAL, 2, "synchronous = NORMAL");
    is_sound &= test_control(UNSYNCED, 3, "a disk that only says it has synced");
    is_sound &= power_test_faults(&faults);
    return is_sound ? 0 : 1;
}
