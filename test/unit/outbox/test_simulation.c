/* The outbox against a model of everything around it: a store whose reads are old by the time they
 * arrive, mail that is committed out of order, a provider that says anything, a gate that moves. In
 * each of many runs, told apart by a seed, every mail reaches its end, none is tried while it is
 * tried already, and none is tried that the store does not have waiting. */
#include "base/limits.h"
#include "outbox/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW (G_GINT64_CONSTANT(1800000000000))
#define SEEDS 24
#define MAILS 9000
#define IN_THE_BEGINNING 3000
#define SMALL 2048

/* One recipient as the store has it. */
typedef struct {
    OutboxItem item;
    EmailState state;
    gboolean is_out;     /* SEND was given, ENDED has not come */
    gboolean is_written; /* RECORD was given, RECORDED has not come */
    RetryDecision decision;
} Row;

/* Smooth: nothing is put off, so that nothing but a bell makes the outbox look anew, and what it
 * skipped would stay. */
typedef struct {
    gboolean is_smooth;
    GRand *rand;
    Outbox *outbox;
    WallMs now, wake_at;
    Row rows[MAILS];
    guint n_rows, n_out;
    gint64 bytes_out;
    guint most_out;
    GArray *out;     /* of gint64, recipients being tried */
    GArray *writing; /* of gint64, to be recorded */
    gboolean is_loading;
    GArray *page; /* of OutboxItem: the LOAD's answer, once it was read */
    gboolean has_more;
    WallMs next_at;
    OutboxEffect load;
    gboolean is_stalled; /* nothing is committed for a while */
    EmailGate gate;
    gint64 version;
} World;

static gboolean chance(World *world, double share)
{
    return g_rand_double(world->rand) < share;
}

static Row *row_of(World *world, gint64 id)
{
    g_assert(id >= 1 && id <= world->n_rows);
    return &world->rows[id - 1];
}

/* --- The store --------------------------------------------------------------------------------
 */

static int compare_rows(gconstpointer a, gconstpointer b)
{
    const OutboxItem *left = a, *right = b;
    if (left->class != right->class)
        return left->class < right->class ? -1 : 1;
    if (left->next_at != right->next_at)
        return left->next_at < right->next_at ? -1 : 1;
    return (left->recipient_id > right->recipient_id) - (left->recipient_id < right->recipient_id);
}

static gboolean is_behind(const OutboxItem *item, const EmailPosition *after)
{
    const OutboxItem place = {
        .recipient_id = after->recipient_id, .class = after->class, .next_at = after->next_at};
    return after->class == 0 || compare_rows(item, &place) > 0;
}

/* Reads the page that the LOAD under way asked for, as the rows are now. */
static void read_page(World *world)
{
    world->page = g_array_new(FALSE, FALSE, sizeof(OutboxItem));
    world->next_at = 0;
    for (guint i = 0; i < world->n_rows; i++) {
        const Row *row = &world->rows[i];
        const OutboxItem *item = &row->item;
        if (!email_state_is_waiting(row->state) || row->state == EMAIL_SENDING ||
            (world->load.only_tests && !item->is_test))
            continue;
        if (item->next_at > world->now && item->class >= world->load.after.class &&
            (world->next_at == 0 || item->next_at < world->next_at))
            world->next_at = item->next_at;
        if (item->next_at <= world->now && is_behind(item, &world->load.after))
            g_array_append_val(world->page, *item);
    }
    g_array_sort(world->page, compare_rows);
    world->has_more = world->page->len > world->load.limit;
    if (world->has_more)
        g_array_set_size(world->page, world->load.limit);
}

/* --- One step ----------------------------------------------------------------------------------
 */

static void on_send(World *world, gint64 id)
{
    Row *row = row_of(world, id);
    assert_false(row->is_out);
    assert_false(row->is_written);
    assert_true(email_state_is_waiting(row->state));
    assert_true(row->state != EMAIL_SENDING);
    assert_true(row->item.next_at <= world->now);
    assert_true(world->gate == EMAIL_GATE_OPEN || row->item.is_test);
    row->is_out = TRUE;
    world->n_out++;
    world->bytes_out += row->item.size_bytes;
    g_array_append_val(world->out, id);
    assert_in_range(world->n_out, 1, world->most_out);
    assert_true(world->n_out == 1 || world->bytes_out <= LIMIT_FLIGHT_BYTES);
}

static void on_record(World *world, const OutboxEffect *effect)
{
    Row *row = row_of(world, effect->recipient_id);
    assert_false(row->is_written);
    row->is_written = TRUE;
    row->decision = effect->decision;
    g_array_append_val(world->writing, effect->recipient_id);
}

static void step(World *world, OutboxEvent event)
{
    event.org_id = 1;
    event.now = world->now;
    event.random = g_rand_int(world->rand);
    guint n = 0;
    const OutboxEffect *effects = outbox_step(world->outbox, &event, &n);
    for (guint i = 0; i < n; i++) {
        switch (effects[i].kind) {
        case OUTBOX_EFFECT_LOAD:
            assert_false(world->is_loading);
            assert_in_range(effects[i].limit, 1, LIMIT_WORKING_SET);
            world->is_loading = TRUE;
            world->load = effects[i];
            break;
        case OUTBOX_EFFECT_SEND:
            on_send(world, effects[i].recipient_id);
            break;
        case OUTBOX_EFFECT_RECORD:
            on_record(world, &effects[i]);
            break;
        case OUTBOX_EFFECT_WAKE:
            world->wake_at = effects[i].at;
            break;
        case OUTBOX_EFFECT_HEALTH:
            break;
        }
    }
    assert_in_range(outbox_known(world->outbox, 1), 0, LIMIT_WORKING_SET);
    assert_int_equal(outbox_sending(world->outbox, 1), world->n_out);
}

static void move_gate(World *world, EmailGate gate)
{
    world->gate = gate;
    step(world, (OutboxEvent){.kind = OUTBOX_EVENT_GATE,
                    .gate = gate,
                    .config_version = ++world->version,
                    .connections = 4,
                    .window = 16});
}

/* --- What may happen in a turn -------------------------------------------------------------------
 */

/* Some were accepted a moment ago and are committed only now, some are for later. */
static void take_mails(World *world, guint n)
{
    for (guint i = 0; i < n && world->n_rows < MAILS; i++) {
        Row *row = &world->rows[world->n_rows++];
        row->state = EMAIL_QUEUED;
        row->item = (OutboxItem){
            .recipient_id = world->n_rows,
            .class = (EmailClass)g_rand_int_range(world->rand, 1, 6),
            .next_at = world->now - g_rand_int_range(world->rand, 0, 40),
            .size_bytes = chance(world, 0.01) ? LIMIT_FLIGHT_BYTES / 3 : SMALL,
            .is_test = chance(world, 0.02),
            .mail = {.deadline_at = world->now + 5 * CLOCK_DAY_MS},
        };
        if (!world->is_smooth && chance(world, 0.1))
            row->item.next_at = world->now + g_rand_int_range(world->rand, 1, 20000);
    }
    step(world, (OutboxEvent){.kind = OUTBOX_EVENT_BELL});
}

static void answer_load(World *world)
{
    g_autoptr(GArray) page = g_steal_pointer(&world->page);
    world->is_loading = FALSE;
    step(world, (OutboxEvent){.kind = OUTBOX_EVENT_LOADED,
                    .items = (const OutboxItem *)(gconstpointer)page->data,
                    .n_items = page->len,
                    .has_more = world->has_more,
                    .next_at = world->next_at});
}

static gint64 take_any(World *world, GArray *ids)
{
    guint i = (guint)g_rand_int_range(world->rand, 0, (gint32)ids->len);
    gint64 id = g_array_index(ids, gint64, i);
    g_array_remove_index_fast(ids, i);
    return id;
}

static void mark_one(World *world)
{
    gint64 id = g_array_index(
        world->out, gint64, (guint)g_rand_int_range(world->rand, 0, (gint32)world->out->len));
    row_of(world, id)->state = EMAIL_SENDING;
}

/* calm: as it is in the end, when nothing may happen any more that makes the outbox look anew. */
static AttemptEnd choose_end(World *world, const Row *row, gboolean calm)
{
    if (!world->is_smooth && chance(world, 0.05) && row->item.mail.attempts < 3)
        return ATTEMPT_REFUSED;
    if (!world->is_smooth && !calm && chance(world, 0.001))
        return ATTEMPT_UNSENT;
    if (!calm && chance(world, 0.02))
        return row->state == EMAIL_SENDING ? ATTEMPT_RETURNED : ATTEMPT_WITHDRAWN;
    return ATTEMPT_ACCEPTED;
}

static void end_one(World *world, gboolean calm)
{
    gint64 id = take_any(world, world->out);
    Row *row = row_of(world, id);
    AttemptEnd end = choose_end(world, row, calm);
    row->is_out = FALSE;
    world->n_out--;
    world->bytes_out -= row->item.size_bytes;
    step(world, (OutboxEvent){.kind = OUTBOX_EVENT_ENDED,
                    .recipient_id = id,
                    .end = end,
                    .config_version = world->version,
                    .fate = end == ATTEMPT_REFUSED ? DIAGNOSIS_FATE_RETRY : DIAGNOSIS_FATE_NONE});
}

/* The commit; `told` may come a little later. */
static void record_one(World *world)
{
    gint64 id = take_any(world, world->writing);
    Row *row = row_of(world, id);
    row->state = row->decision.state;
    row->item.next_at = row->decision.next_at;
    row->item.mail.attempts += row->decision.counts ? 1 : 0;
    row->is_written = FALSE;
    step(world, (OutboxEvent){.kind = OUTBOX_EVENT_RECORDED, .recipient_id = id});
}

static void tick(World *world, gint64 ms)
{
    world->now += ms;
    if (world->wake_at == 0 || world->now < world->wake_at)
        return;
    world->wake_at = 0;
    step(world, (OutboxEvent){.kind = OUTBOX_EVENT_TICK});
}

static void turn(World *world, gboolean calm)
{
    if (world->is_loading && world->page == NULL && chance(world, 0.3))
        read_page(world);
    else if (world->page != NULL && chance(world, 0.2))
        answer_load(world);
    world->is_stalled = chance(world, 0.003) ? !world->is_stalled : world->is_stalled;
    for (guint i = 0; i < 12; i++) {
        if (world->out->len > 0 && chance(world, 0.8))
            mark_one(world);
        if (world->out->len > 0 && chance(world, 0.8))
            end_one(world, calm);
        if (world->writing->len > 0 && !world->is_stalled && chance(world, 0.9))
            record_one(world);
    }
    tick(world, g_rand_int_range(world->rand, 0, 4));
}

static gboolean is_done(const World *world)
{
    for (guint i = 0; i < world->n_rows; i++) {
        if (world->rows[i].state != EMAIL_ACCEPTED)
            return FALSE;
    }
    return TRUE;
}

/* Mail comes in, the gate moves, and now and then time passes until a break is over. */
static void run_until_all_are_taken(World *world)
{
    move_gate(world, EMAIL_GATE_PAUSED);
    take_mails(world, IN_THE_BEGINNING);
    move_gate(world, EMAIL_GATE_OPEN);
    for (guint i = 0; world->n_rows < MAILS; i++) {
        assert_in_range(i, 0, 100000);
        if (chance(world, 0.1))
            take_mails(world, (guint)g_rand_int_range(world->rand, 1, 200));
        if (chance(world, 0.002))
            move_gate(world, chance(world, 0.5) ? EMAIL_GATE_PAUSED : EMAIL_GATE_OPEN);
        if (chance(world, 0.005))
            tick(world, 100 * CLOCK_SECOND_MS);
        turn(world, FALSE);
    }
    if (world->gate != EMAIL_GATE_OPEN)
        move_gate(world, EMAIL_GATE_OPEN);
}

/* No bell rings any more. When nothing is under way, time passes at once to what is waited for. */
static void run_to_the_end(World *world)
{
    for (guint i = 0; !is_done(world); i++) {
        assert_in_range(i, 0, 100000);
        turn(world, TRUE);
        if (world->out->len > 0 || world->writing->len > 0 || world->is_loading)
            continue;
        assert_true(is_done(world) || world->wake_at > world->now);
        tick(world, world->wake_at - world->now);
    }
}

static void every_mail_goes_once_whatever_happens(void **unused)
{
    for (guint32 seed = 1; seed <= SEEDS; seed++) {
        World *world = g_new0(World, 1);
        world->rand = g_rand_new_with_seed(seed);
        world->outbox = outbox_new();
        world->now = NOW;
        world->is_smooth = seed % 2 == 0;
        world->most_out = 4 * 16 * 2;
        world->out = g_array_new(FALSE, FALSE, sizeof(gint64));
        world->writing = g_array_new(FALSE, FALSE, sizeof(gint64));
        run_until_all_are_taken(world);
        run_to_the_end(world);
        g_clear_pointer(&world->page, g_array_unref);
        g_array_unref(world->out);
        g_array_unref(world->writing);
        outbox_free(world->outbox);
        g_rand_free(world->rand);
        g_free(world);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mail_goes_once_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
