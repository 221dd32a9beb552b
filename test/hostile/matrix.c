/* The matrix: a server that does everything wrong, once at each place, and the real client on real
 * sockets with real TLS. Every row says what the client must make of it; whatever happens, a mail
 * has exactly one outcome, and `accepted` only if the server said so.
 *
 *     matrix [--full] [--seed N] [--only NAME] [--list] [--story]
 *
 * NAME is a row's ("steps/mail/4yz/middle/starttls/overlap") or the front of several. */
#include "base/secret.h"
#include "visit.h"

#include <string.h>

enum {
    MAX_VISITS = 400, /* at once, most of them waiting for a deadline */
    MAX_BUSY = 12,    /* not waiting */
    CLOCK_MS = 100,
    SHOWN = 40, /* failures told in full */
};

typedef struct {
    const char *name;
    guint n, n_failed, outcomes[SMTP_OUTCOME_UNCERTAIN + 1];
} Group;

typedef struct {
    Visit *visit;
    VisitPlace *place;
} Stay;

typedef struct {
    VisitGround ground;
    RowChoice choice;
    GPtrArray *rows;      /* of Row */
    guint next;           /* row to be played */
    GPtrArray *again;     /* of Row: failed while the machine was too slow to tell */
    GQueue stays, places; /* of Stay, VisitPlace */
    GArray *groups;
    guint n_failed, n_tests;
    gboolean is_second_try, is_measuring;
} Run;

static gboolean is_full, is_list, wants_story;
static gint64 chosen_seed;
static char *only;
static const char *program;

static const GOptionEntry options[] = {
    {"full", 0, 0, G_OPTION_ARG_NONE, &is_full, "every octet and every place", NULL},
    {"seed", 0, 0, G_OPTION_ARG_INT64, &chosen_seed, "which of the further cuts", "N"},
    {"only", 0, 0, G_OPTION_ARG_STRING, &only, "rows whose name begins so", "NAME"},
    {"list", 0, 0, G_OPTION_ARG_NONE, &is_list, "name the rows and play none", NULL},
    {"story", 0, 0, G_OPTION_ARG_NONE, &wants_story, "tell each row's conversation", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* --- Groups ----------------------------------------------------------------------------------- */

static Group *group_of(Run *run, const Row *row)
{
    for (guint i = 0; i < run->groups->len; i++) {
        Group *group = &g_array_index(run->groups, Group, i);
        if (strcmp(group->name, row->group) == 0)
            return group;
    }
    const Group group = {.name = row->group};
    g_array_append_val(run->groups, group);
    return &g_array_index(run->groups, Group, run->groups->len - 1);
}

static void tell_groups(Run *run)
{
    for (guint i = 0; i < run->groups->len; i++) {
        const Group *group = &g_array_index(run->groups, Group, i);
        const guint *n = group->outcomes;
        g_print("%s %u - hostile: %s: %u sessions, %u wrong; mails %u accepted, %u rejected, "
                "%u deferred, %u uncertain\n",
            group->n_failed > 0 ? "not ok" : "ok", ++run->n_tests, group->name, group->n,
            group->n_failed, n[SMTP_OUTCOME_ACCEPTED], n[SMTP_OUTCOME_REJECTED],
            n[SMTP_OUTCOME_DEFERRED], n[SMTP_OUTCOME_UNCERTAIN]);
    }
    g_array_set_size(run->groups, 0);
}

/* --- Visits ----------------------------------------------------------------------------------- */

static void on_finished(Visit *visit, gpointer user)
{
    g_main_context_wakeup(((Run *)user)->ground.context);
}

static VisitPlace *take_place(Run *run)
{
    VisitPlace *place = g_queue_pop_head(&run->places);
    return place != NULL ? place : visit_place_new(&run->ground);
}

static void tell_failure(Run *run, const Visit *visit)
{
    g_autofree char *story = visit_story(visit);
    if (run->n_failed <= SHOWN)
        g_print("# %s\n#   %s\n%s#   again: %s --only '%s' --story\n", visit_row(visit)->name,
            visit_verdict(visit), story, program, visit_row(visit)->name);
    else
        g_print("# %s: %s\n", visit_row(visit)->name, visit_verdict(visit));
}

/* One that failed is played once more, alone: a machine that was busy elsewhere is no finding. */
static void note_end(Run *run, Visit *visit)
{
    const Row *row = visit_row(visit);
    Group *group = group_of(run, row);
    if (visit_verdict(visit) != NULL && !run->is_second_try && row->seen == SEEN_TIMEOUT) {
        g_ptr_array_add(run->again, (gpointer)(guintptr)row);
        return;
    }
    group->n++;
    visit_count(visit, group->outcomes);
    if (run->is_measuring)
        run->choice.traffic[row->security][row->flow] = visit_traffic(visit);
    if (visit_verdict(visit) != NULL) {
        group->n_failed++;
        run->n_failed++;
        tell_failure(run, visit);
    } else if (wants_story && !run->is_measuring) {
        g_autofree char *story = visit_story(visit);
        g_print("# %s\n%s", row->name, story);
    }
}

static void end_stay(Run *run, GList *link)
{
    Stay *stay = link->data;
    gboolean was_received = visit_was_received(stay->visit);
    note_end(run, stay->visit);
    visit_free(stay->visit);
    if (was_received)
        g_queue_push_tail(&run->places, stay->place);
    else
        visit_place_free(stay->place);
    g_free(stay);
    g_queue_delete_link(&run->stays, link);
}

static guint count_busy(const Run *run)
{
    guint n = 0;
    for (const GList *link = run->stays.head; link != NULL; link = link->next)
        n += !visit_is_waiting(((const Stay *)link->data)->visit);
    return n;
}

static void begin_visits(Run *run)
{
    guint max = run->is_second_try ? 1 : MAX_VISITS;
    while (run->next < run->rows->len && run->stays.length < max && count_busy(run) < MAX_BUSY) {
        Stay *stay = g_new(Stay, 1);
        stay->place = take_place(run);
        stay->visit = visit_new(
            &run->ground, stay->place, g_ptr_array_index(run->rows, run->next++), on_finished, run);
        g_queue_push_tail(&run->stays, stay);
    }
}

static gboolean on_clock(gpointer user)
{
    Run *run = user;
    for (GList *link = run->stays.head; link != NULL; link = link->next)
        visit_look_at_clock(((Stay *)link->data)->visit, clock_mono_ms());
    return G_SOURCE_CONTINUE;
}

static void play(Run *run)
{
    run->next = 0;
    while (run->next < run->rows->len || run->stays.length > 0) {
        begin_visits(run);
        g_main_context_iteration(run->ground.context, TRUE);
        for (GList *link = run->stays.head, *next; link != NULL; link = next) {
            next = link->next;
            if (visit_is_finished(((const Stay *)link->data)->visit))
                end_stay(run, link);
        }
    }
}

static void play_again(Run *run)
{
    if (run->again->len == 0)
        return;
    g_print("# %u rows that depend on time are played again, alone\n", run->again->len);
    GPtrArray *rows = run->rows;
    run->rows = run->again;
    run->is_second_try = TRUE;
    play(run);
    run->is_second_try = FALSE;
    run->rows = rows;
    g_ptr_array_set_size(run->again, 0);
}

static void keep_only(Run *run, const char *front)
{
    for (guint i = run->rows->len; i-- > 0;) {
        const Row *row = g_ptr_array_index(run->rows, i);
        if (!g_str_has_prefix(row->name, front))
            g_ptr_array_remove_index(run->rows, i);
    }
}

static void new_table(Run *run)
{
    g_clear_pointer(&run->rows, g_ptr_array_unref);
    run->rows = g_ptr_array_new_with_free_func((GDestroyNotify)row_free);
}

static void play_table(Run *run)
{
    if (only != NULL)
        keep_only(run, only);
    for (guint i = 0; is_list && i < run->rows->len; i++)
        g_print("# %s\n", ((const Row *)g_ptr_array_index(run->rows, i))->name);
    if (is_list)
        return;
    play(run);
    play_again(run);
    tell_groups(run);
}

/* --- The ground ------------------------------------------------------------------------------- */

static DiagnosisCatalogue *read_catalogue(void)
{
    const char *source = g_getenv("ABSENDER_SOURCE");
    g_autofree char *file =
        g_build_filename(source == NULL ? "." : source, "data", "failures.json", NULL);
    g_autofree char *json = NULL;
    gsize n = 0;
    g_autoptr(GError) error = NULL;
    if (!g_file_get_contents(file, &json, &n, &error))
        g_error("%s", error->message);
    return diagnosis_catalogue_new(json, n, NULL);
}

/* How many octets a whole session has, for the cuts. */
static void measure(Run *run)
{
    new_table(run);
    rows_of_plain(run->rows);
    keep_only(run, "plain/plain/");
    run->is_measuring = TRUE;
    play(run);
    run->is_measuring = FALSE;
    g_array_set_size(run->groups, 0);
}

static void plain_table(GPtrArray *rows, const RowChoice *choice)
{
    rows_of_plain(rows);
}

static void play_tables(Run *run)
{
    static void (*const tables[])(GPtrArray * rows, const RowChoice *choice) = {
        plain_table, rows_of_steps, rows_of_replies, rows_of_tls, rows_of_cuts};
    for (gsize i = 0; i < G_N_ELEMENTS(tables); i++) {
        new_table(run);
        tables[i](run->rows, &run->choice);
        play_table(run);
    }
    g_print("1..%u\n", run->n_tests);
}

static void prepare(Run *run, NetResolver **resolver, NetPolicy **policy)
{
    VisitGround *ground = &run->ground;
    g_autoptr(GError) error = NULL;
    ground->context = g_main_context_default();
    *resolver = net_resolver_new(ground->context, NULL, &error);
    *policy = net_policy_new();
    gboolean is_allowed = net_policy_allow(*policy, "127.0.0.0/8", &error);
    ground->dialer =
        (NetDialer){.resolver = *resolver, .policy = *policy, .context = ground->context};
    ground->identities = identities_new();
    ground->tls = net_tls_client_new(identities_trusted_file(ground->identities), &error);
    ground->password = secret_new("pa55", strlen("pa55"));
    ground->catalogue = read_catalogue();
    g_assert(is_allowed && error == NULL);
    run->again = g_ptr_array_new();
    run->groups = g_array_new(FALSE, FALSE, sizeof(Group));
    run->choice.is_full = is_full;
    run->choice.seed = (guint64)chosen_seed;
}

static void clean_up(Run *run, NetResolver *resolver, NetPolicy *policy)
{
    VisitGround *ground = &run->ground;
    g_clear_pointer(&run->rows, g_ptr_array_unref);
    g_ptr_array_unref(run->again);
    g_array_unref(run->groups);
    g_queue_clear_full(&run->places, (GDestroyNotify)visit_place_free);
    net_tls_client_free(ground->tls);
    identities_free(ground->identities);
    net_policy_free(policy);
    net_resolver_free(resolver);
    secret_free((Secret *)ground->password);
    diagnosis_catalogue_free((DiagnosisCatalogue *)ground->catalogue);
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
    Run run = {0};
    NetResolver *resolver = NULL;
    NetPolicy *policy = NULL;
    prepare(&run, &resolver, &policy);
    GSource *clock = g_timeout_source_new(CLOCK_MS);
    g_source_set_callback(clock, on_clock, &run, NULL);
    g_source_attach(clock, run.ground.context);
    measure(&run);
    play_tables(&run);
    g_source_destroy(clock);
    g_source_unref(clock);
    clean_up(&run, resolver, policy);
    g_free(only);
    return run.n_failed > 0 ? 1 : 0;
}
