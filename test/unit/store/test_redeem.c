/* One link in a hundred hands (threat T38): jobs that meet in the writer, in one transaction or in
 * many. */
#include "base/limits.h"
#include "scratch.h"
#include "store/invitations.h"
#include "store/people.h"
#include "store/resets.h"

#define ORG STORE_DEFAULT_ORG
#define HANDS 100

static const guint8 hash[PEOPLE_HASH_BYTES] = {7};

/* --- The links ------------------------------------------------------------------------------- */

static void invite(Scratch *self)
{
    g_autoptr(GError) error = NULL;
    const Invitation invitation = {.org_id = ORG,
        .id = scratch_id(self, T0),
        .email = (char *)"bob@example.de",
        .role = PEOPLE_ROLE_MEMBER,
        .token_hash = {7},
        .created_at = T0,
        .created_by = (char *)"admin@example.de",
        .expires_at = T0 + LIMIT_INVITATION_MS};
    ok(invitation_insert(self->db, &invitation, &error), error);
}

static void hand_out_reset(Scratch *self)
{
    g_autoptr(GError) error = NULL;
    Member member = {.org_id = ORG,
        .id = scratch_id(self, T0),
        .email = (char *)"anna@example.de",
        .name = (char *)"Anna",
        .role = PEOPLE_ROLE_MEMBER,
        .created_at = T0};
    ok(member_insert(self->db, &member, &member.row, &error), error);
    const Reset reset = {.org_id = ORG,
        .id = scratch_id(self, T0),
        .account = (char *)"anna@example.de",
        .language = (char *)"de",
        .asked_at = T0,
        .asked_from = (char *)"192.0.2.1"};
    gint64 row = 0;
    ok(reset_ask(self->db, &reset, &row, &error), error);
    const ResetLink link = {.member_row = member.row,
        .state = RESET_MAILED,
        .token_hash = {7},
        .expires_at = T0 + LIMIT_RESET_MS};
    ok(reset_write_link(self->db, ORG, row, &link, T0, &error), error);
}

static gboolean accept_job(Db *db, gpointer data, GError **error)
{
    g_autoptr(Invitation) invitation = invitation_accept(db, hash, T0 + 1, error);
    return invitation != NULL;
}

static gboolean redeem_job(Db *db, gpointer data, GError **error)
{
    gint64 row = 0;
    return reset_redeem(db, hash, T0 + 1, &row, error) != 0;
}

/* --- The hands ------------------------------------------------------------------------------- */

typedef struct {
    gint left, came_in, too_late; /* atomic */
    GMutex is_shut;               /* held until all wait */
} Crowd;

static gboolean wait_at_the_door(Db *db, gpointer data, GError **error)
{
    Crowd *crowd = data;
    g_mutex_lock(&crowd->is_shut);
    g_mutex_unlock(&crowd->is_shut);
    return TRUE;
}

static void note_end(gpointer data, const GError *error)
{
    Crowd *crowd = data;
    if (!error)
        g_atomic_int_inc(&crowd->came_in);
    else if (error->code == ABS_ERROR_NOT_FOUND)
        g_atomic_int_inc(&crowd->too_late);
    g_atomic_int_add(&crowd->left, -1);
}

/* at_once: all wait behind one door, so that they form one group. */
static void expect_one(Scratch *self, StoreJob job, gboolean at_once)
{
    g_autoptr(GError) error = NULL;
    g_clear_pointer(&self->db, db_close);
    Store *store = store_open(&(StoreConfig){.path = self->path, .full_sync = TRUE}, NULL, &error);
    ok(store, error);
    Crowd crowd = {.left = HANDS};
    g_mutex_init(&crowd.is_shut);
    if (at_once) {
        g_mutex_lock(&crowd.is_shut);
        assert_true(store_submit(store, wait_at_the_door, &crowd, NULL, NULL, NULL));
    }
    for (guint i = 0; i < HANDS; i++)
        assert_true(store_submit(store, job, &crowd, note_end, NULL, NULL));
    if (at_once)
        g_mutex_unlock(&crowd.is_shut);
    store_close(store); /* runs what is queued */
    g_mutex_clear(&crowd.is_shut);
    assert_int_equal(crowd.left, 0);
    assert_int_equal(crowd.came_in, 1);
    assert_int_equal(crowd.too_late, HANDS - 1);
}

static void of_a_hundred_who_accept_in_one_group_one_comes_in(void **state)
{
    invite(*state);
    expect_one(*state, accept_job, TRUE);
}

static void of_a_hundred_who_accept_as_they_come_one_comes_in(void **state)
{
    invite(*state);
    expect_one(*state, accept_job, FALSE);
}

static void of_a_hundred_who_redeem_in_one_group_one_does(void **state)
{
    hand_out_reset(*state);
    expect_one(*state, redeem_job, TRUE);
}

static void of_a_hundred_who_redeem_as_they_come_one_does(void **state)
{
    hand_out_reset(*state);
    expect_one(*state, redeem_job, FALSE);
}

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(of_a_hundred_who_accept_in_one_group_one_comes_in),
        SCRATCH_TEST(of_a_hundred_who_accept_as_they_come_one_comes_in),
        SCRATCH_TEST(of_a_hundred_who_redeem_in_one_group_one_does),
        SCRATCH_TEST(of_a_hundred_who_redeem_as_they_come_one_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
