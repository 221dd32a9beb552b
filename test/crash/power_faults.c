#include "power_faults.h"

#include "base/error.h"
#include "base/limits.h"
#include "power_site.h"

/* No act writes as often; more means that a fault never stops to come. */
enum { MOST_POINTS = 400, ROUNDS_OF_SYNC = 5, EARLIER_MAILS = 3, STRIDE = 3 };

/* Large enough that no log is folded back but by the act that is about it. */
#define NEVER_FOLDED (G_GINT64_CONSTANT(1) << 30)
#define ALWAYS_FOLDED 1

/* What fails beside the acts. */
#define MANY "more than a commit holds"
#define FIRST_START "first start"

typedef struct {
    const char *name;
    WorkKind kind;
    gboolean is_first_of_day;
    gint64 wal_bytes;
} Act;

static const Act acts[] = {
    {"accept", WORK_ACCEPT, FALSE, NEVER_FOLDED},
    {"accept with a new day key", WORK_ACCEPT, TRUE, NEVER_FOLDED},
    {"mark before the final dot", WORK_MARK, FALSE, NEVER_FOLDED},
    {"outcome", WORK_OUTCOME, FALSE, NEVER_FOLDED},
    {"cancel", WORK_CANCEL, FALSE, NEVER_FOLDED},
    {"save settings", WORK_SETTINGS, FALSE, NEVER_FOLDED},
    {"activate settings", WORK_ACTIVATE, FALSE, NEVER_FOLDED},
    {"sending switch", WORK_SWITCH, FALSE, NEVER_FOLDED},
    {"put under a new key", WORK_REWRAP, FALSE, NEVER_FOLDED},
    {"recover after a start", WORK_RECOVER, FALSE, NEVER_FOLDED},
    {"accept and fold the log back", WORK_ACCEPT, FALSE, ALWAYS_FOLDED},
};

typedef struct {
    guint n_points, n_refused, n_ghosts;
    guint number; /* of the TAP line */
    guint64 seed;
    const PowerFaults *asked;
} Run;

static gboolean is_sound(const Site *site)
{
    return site->world->n_lost + site->world->n_wrong == 0;
}

static void tell(
    Run *run, const Site *site, gboolean as_expected, const char *what, const char *act)
{
    gboolean good = as_expected && is_sound(site);
    g_print("%s %u - power: %s: %s\n", good ? "ok" : "not ok", run->number++, act, what);
    g_print("# %u points, %u answered with an error, %u of these there all the same\n",
        run->n_points, run->n_refused, run->n_ghosts);
    if (!good)
        g_print("%s# again: %s --seed %" G_GUINT64_FORMAT " --act \"%s\"\n",
            site->world->story->str, run->asked->program, run->seed, act);
}

/* --- Beginning and end of a process ---------------------------------------------------------- */

static gboolean start(Site *site)
{
    g_autoptr(GError) error = NULL;
    if (!site_start(site, &error)) {
        world_wrong(site->world, "it does not start: %s", error->message);
        return FALSE;
    }
    world_look(site->world, site->store, TRUE);
    work_after_start(site->world, site->store);
    return is_sound(site);
}

/* The power goes off now; then a process that finds what is left. */
static gboolean cut_and_start(Site *site)
{
    power_off();
    site_stop(site);
    power_on((PowerOutcome)random_below(&site->world->random, POWER_OUTCOMES));
    return start(site);
}

static Site *begin(const Act *act, guint64 seed, guint64 k)
{
    Site *site = site_new(seed, k);
    site->config.wal_bytes = act->wal_bytes;
    if (start(site) && work_many(site->world, site->store, WORK_ACCEPT, EARLIER_MAILS) == 0)
        world_wrong(site->world, "nothing is taken");
    return site;
}

static gboolean do_nothing(Db *db, gpointer data, GError **error)
{
    return TRUE;
}

/* Does it with the n-th operation of that kind failing, and waits until the log is folded back.
 * FALSE if there are not so many. */
static gboolean act_with_fault(
    Site *site, const Act *act, PowerKind kind, guint n, PowerFault fault, Run *run)
{
    work_prepare(site->world, site->store, act->kind);
    if (act->is_first_of_day)
        work_next_day(site->world);
    power_fail(kind, n, fault);
    guint n_done = work_many(site->world, site->store, act->kind, 1);
    store_run(site->store, do_nothing, NULL, NULL);
    gboolean has_failed = power_has_failed();
    power_heal();
    if (has_failed) {
        run->n_points++;
        run->n_refused += n_done == 0 ? 1 : 0;
    } else if (n_done == 0) {
        world_wrong(site->world, "%s fails by itself", act->name);
    }
    return has_failed;
}

/* --- Writes that fail ------------------------------------------------------------------------ */

/* In the same process, and in one after a cut. */
static void must_work_on(Site *site, const Act *act)
{
    world_look(site->world, site->store, FALSE);
    work_after_start(site->world, site->store);
    work_prepare(site->world, site->store, act->kind);
    if (work_many(site->world, site->store, act->kind, 1) != 1)
        world_wrong(site->world, "%s: it does not work on", act->name);
    if (g_atomic_int_get(&site->n_fatal) != 0)
        world_wrong(site->world, "%s: it gave up", act->name);
    if (is_sound(site) && cut_and_start(site))
        world_look(site->world, site->store, TRUE);
}

static gboolean test_writes(Run *run, const Act *act, PowerFault fault, const char *what)
{
    g_autoptr(Site) site = begin(act, run->seed, run->number);
    guint n = 1;
    while (is_sound(site) && n < MOST_POINTS &&
           act_with_fault(site, act, POWER_WRITE, n, fault, run)) {
        must_work_on(site, act);
        n++;
    }
    gboolean as_expected = n > 1 && n < MOST_POINTS;
    tell(run, site, as_expected, what, act->name);
    return as_expected && is_sound(site);
}

/* --- Syncs that fail ------------------------------------------------------------------------- */

static void must_be_over(Site *site, const Act *act)
{
    g_autoptr(GError) error = NULL;
    World *world = site->world;
    guint64 n_syncs = power_count(POWER_SYNC);
    if (store_run(site->store, do_nothing, NULL, &error) ||
        !g_error_matches(error, ABS_ERROR, ABS_ERROR_STORE))
        world_wrong(world, "%s: it takes more", act->name);
    world_look(world, site->store, FALSE); /* readers go on */
    site_stop(site);
    if (power_count(POWER_SYNC) != n_syncs)
        world_wrong(world, "%s: it synced again", act->name);
    if (g_atomic_int_get(&site->n_fatal) != 1)
        world_wrong(world, "%s: gave up %d times", act->name, g_atomic_int_get(&site->n_fatal));
}

/* The next process, without a cut: the page cache is still there. What it takes must be kept. */
static void must_have_lost_nothing(Site *site)
{
    if (!is_sound(site) || !start(site))
        return;
    work_at_random(site->world, site->store, 4);
    work_at_random(site->world, site->store, 4);
    if (cut_and_start(site))
        world_look(site->world, site->store, TRUE);
}

static gboolean test_syncs(Run *run, const Act *act)
{
    guint n = 1;
    g_autoptr(Site) site = begin(act, run->seed, run->number);
    for (guint round = 0; round < ROUNDS_OF_SYNC && is_sound(site); round++) {
        for (n = 1; is_sound(site) && n < MOST_POINTS &&
                    act_with_fault(site, act, POWER_SYNC, n, POWER_EIO, run);
             n++) {
            must_be_over(site, act);
            must_have_lost_nothing(site);
        }
    }
    run->n_ghosts = site->world->n_ghosts;
    gboolean as_expected = n > 1 && n < MOST_POINTS;
    tell(run, site, as_expected, "a failed sync is the end, and nothing is lost", act->name);
    return as_expected && is_sound(site);
}

/* Those of the same commit, and those that wait for the next. */
static gboolean test_waiting(Run *run)
{
    enum { JOBS = LIMIT_STORE_GROUP + 40 };
    const Act *act = &acts[0];
    g_autoptr(Site) site = begin(act, run->seed, run->number);
    power_fail(POWER_SYNC, 1, POWER_EIO);
    guint n_done = work_many(site->world, site->store, WORK_SETTINGS, JOBS);
    run->n_points = JOBS;
    run->n_refused = JOBS - n_done;
    must_be_over(site, act);
    must_have_lost_nothing(site);
    tell(run, site, n_done == 0, "a failed sync fails all that wait", MANY);
    return n_done == 0 && is_sound(site);
}

/* --- A start that fails ---------------------------------------------------------------------- */

/* On a new disk: the tables are made in the start. FALSE if there are not so many operations. */
static gboolean start_with_fault(Run *run, Site *site, PowerKind kind, guint n, PowerFault fault)
{
    g_autoptr(GError) error = NULL;
    power_fail(kind, n, fault);
    gboolean has_started = site_start(site, &error), has_failed = power_has_failed();
    power_heal();
    run->n_points += has_failed ? 1 : 0;
    run->n_refused += has_started ? 0 : 1;
    if (has_failed == has_started)
        world_wrong(site->world, "fault %u: %s", n, error ? error->message : "it starts");
    site_stop(site);
    if (start(site) && cut_and_start(site))
        work_at_random(site->world, site->store, 4);
    return has_failed;
}

static gboolean test_starts(
    Run *run, PowerKind kind, PowerFault fault, guint stride, const char *what)
{
    guint n = 1 + (guint)(run->seed % stride);
    for (;;) {
        g_autoptr(Site) site = site_new(run->seed, n);
        gboolean has_failed = start_with_fault(run, site, kind, n, fault);
        n += stride;
        if (has_failed && is_sound(site) && n < MOST_POINTS)
            continue;
        tell(run, site, run->n_points > 0 && n < MOST_POINTS, what, FIRST_START);
        return run->n_points > 0 && n < MOST_POINTS && is_sound(site);
    }
}

/* --- All of them ----------------------------------------------------------------------------- */

static Run next(const Run *last)
{
    return (Run){.number = last->number, .seed = last->seed, .asked = last->asked};
}

static gboolean is_asked_for(const Run *run, const char *act)
{
    return !run->asked->act || g_str_equal(run->asked->act, act);
}

/* A line that is left out keeps its number: it is the seed of its disk, too. */
static Run without(const Run *last, guint lines)
{
    Run run = next(last);
    run.number += lines;
    return run;
}

/* What everything that can fail does to one kind of work. */
static gboolean test_act(Run *run, const Act *act, guint *n_ghosts)
{
    if (!is_asked_for(run, act->name)) {
        *run = without(run, 3);
        return TRUE;
    }
    gboolean good = test_writes(run, act, POWER_FULL, "disk full at every write");
    *run = next(run);
    good &= test_writes(run, act, POWER_EIO, "an error at every write");
    *run = next(run);
    good &= test_syncs(run, act);
    *n_ghosts += run->n_ghosts;
    *run = next(run);
    return good;
}

gboolean power_test_faults(const PowerFaults *faults)
{
    Run run = {.number = faults->number, .seed = faults->seed, .asked = faults};
    gboolean good = TRUE;
    guint n_ghosts = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(acts); i++)
        good &= test_act(&run, &acts[i], &n_ghosts);
    if (is_asked_for(&run, MANY))
        good &= test_waiting(&run);
    run = without(&run, is_asked_for(&run, MANY) ? 0 : 1);
    if (is_asked_for(&run, FIRST_START)) {
        good &=
            test_starts(&run, POWER_WRITE, POWER_FULL, STRIDE, "disk full at every third write");
        run = next(&run);
        good &= test_starts(&run, POWER_SYNC, POWER_EIO, 1, "every sync fails");
        run = next(&run);
    }
    if (faults->act)
        return good;
    /* Or the idempotency keys were never needed. */
    g_print("%s %u - power: mail that was answered with an error was there, once: %u times\n",
        n_ghosts > 0 ? "ok" : "not ok", run.number, n_ghosts);
    g_print("1..%u\n", run.number);
    return good && n_ghosts > 0;
}
