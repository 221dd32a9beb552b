/* Invitations and password resets, on real SQLite files. */
#include "base/limits.h"
#include "mails.h"
#include "store/emails_actions.h"
#include "store/invitations.h"
#include "store/people.h"
#include "store/resets.h"
#include "store/webhooks.h"

/* --- Making them ----------------------------------------------------------------------------- */

/* Number n; its token's hash is n, then zeros. */
static Invitation invitation_of(Scratch *self, guint8 n, const char *email, WallMs at)
{
    return (Invitation){.org_id = ORG,
        .id = scratch_id(self, at),
        .email = (char *)email,
        .role = PEOPLE_ROLE_MEMBER,
        .token_hash = {n},
        .created_at = at,
        .created_by = (char *)"admin@example.de",
        .expires_at = at + LIMIT_INVITATION_MS};
}

static Id invite(Scratch *self, guint8 n, const char *email, WallMs at)
{
    g_autoptr(GError) error = NULL;
    const Invitation invitation = invitation_of(self, n, email, at);
    ok(invitation_insert(self->db, &invitation, &error), error);
    return invitation.id;
}

static Invitation *find(Scratch *self, const Id *id)
{
    g_autoptr(GError) error = NULL;
    Invitation *invitation = invitation_by_id(self->db, ORG, id, &error);
    ok(invitation, error);
    return invitation;
}

static void expect_state(Scratch *self, const Id *id, InvitationState state, WallMs now)
{
    g_autoptr(Invitation) invitation = find(self, id);
    assert_int_equal(invitation_state(invitation, now), state);
}

static Invitation *accept(Scratch *self, guint8 n, WallMs now)
{
    const guint8 hash[PEOPLE_HASH_BYTES] = {n};
    return invitation_accept(self->db, hash, now, NULL);
}

static void accept_fails(Scratch *self, guint8 n, WallMs now)
{
    const guint8 hash[PEOPLE_HASH_BYTES] = {n};
    refused(invitation_accept(self->db, hash, now, error_out), ABS_ERROR_NOT_FOUND);
}

static void renew(Scratch *self, const Id *id, guint8 n, WallMs now, WallMs copied_at)
{
    g_autoptr(GError) error = NULL;
    const InvitationLink link = {
        .token_hash = {n}, .expires_at = now + LIMIT_INVITATION_MS, .copied_at = copied_at};
    ok(invitation_renew(self->db, ORG, id, &link, &error), error);
}

static Id email_of(Scratch *self, gint64 email_row)
{
    Id id = {{0}};
    g_autoptr(DbQuery) q = db_query(self->db, "SELECT id FROM emails WHERE row = $1");
    db_bind_int(q, 1, email_row);
    assert_true(db_next(q) && db_id(q, 0, &id));
    return id;
}

static EmailState mail_state(Scratch *self, const Id *id)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EmailRow) row = emails_get(self->db, ORG, id, &error);
    ok(row, error);
    return row->state;
}

static gint64 join(Scratch *self, const char *email)
{
    g_autoptr(GError) error = NULL;
    Member member = {.org_id = ORG,
        .id = scratch_id(self, T0),
        .email = (char *)email,
        .name = (char *)"Anna",
        .role = PEOPLE_ROLE_MEMBER,
        .created_at = T0};
    ok(member_insert(self->db, &member, &member.row, &error), error);
    return member.row;
}

/* --- Invitations ----------------------------------------------------------------------------- */

static void an_invitation_is_used_once(void **state)
{
    Scratch *self = *state;
    Id id = invite(self, 1, "bob@example.de", T0);
    g_autoptr(Invitation) first = accept(self, 1, T0 + 5);
    assert_non_null(first);
    assert_string_equal(first->email, "bob@example.de");
    assert_int_equal(first->role, PEOPLE_ROLE_MEMBER);
    accept_fails(self, 1, T0 + 6);
    expect_state(self, &id, INVITATION_ACCEPTED, T0 + 7);
}

static void looking_at_an_offer_uses_nothing_up(void **state)
{
    Scratch *self = *state;
    const guint8 hash[PEOPLE_HASH_BYTES] = {1};
    invite(self, 1, "bob@example.de", T0);
    for (guint i = 0; i < 3; i++) {
        g_autoptr(Invitation) offer = invitation_by_token(self->db, hash, T0, NULL);
        assert_non_null(offer);
    }
    g_autoptr(Invitation) used = accept(self, 1, T0);
    assert_non_null(used);
    assert_null(invitation_by_token(self->db, hash, T0, NULL));
}

static void only_an_open_invitation_can_be_accepted(void **state)
{
    static const struct {
        const char *name;
        WallMs after_ms;
        gboolean is_revoked, is_renewed;
    } rows[] = {
        {"too late", LIMIT_INVITATION_MS, FALSE, FALSE},
        {"revoked", 1, TRUE, FALSE},
        {"a newer link took its place", 1, FALSE, TRUE},
    };
    Scratch *self = *state;
    for (guint8 i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *email = g_strdup_printf("bob%u@example.de", i);
        g_autoptr(GError) error = NULL;
        Id id = invite(self, i, email, T0);
        if (rows[i].is_revoked)
            ok(invitation_revoke(self->db, ORG, &id, T0, &error), error);
        if (rows[i].is_renewed)
            renew(self, &id, 100, T0, T0);
        accept_fails(self, i, T0 + rows[i].after_ms);
    }
    g_autoptr(Invitation) renewed = accept(self, 100, T0 + 1);
    assert_non_null(renewed);
}

static void an_address_has_one_open_invitation(void **state)
{
    Scratch *self = *state;
    Id first = invite(self, 1, "bob@example.de", T0);
    const Invitation second = invitation_of(self, 2, "BOB@example.de", T0 + 1);
    refused(invitation_insert(self->db, &second, error_out), ABS_ERROR_CONFLICT);
    g_autoptr(Invitation) open = invitation_by_email(self->db, ORG, "Bob@example.de", T0, NULL);
    assert_true(id_equal(&open->id, &first));

    WallMs later = T0 + LIMIT_INVITATION_MS;
    assert_null(invitation_by_email(self->db, ORG, "bob@example.de", later, NULL));
    Id third = invite(self, 3, "bob@example.de", later);
    expect_state(self, &first, INVITATION_EXPIRED, later + 1);
    expect_state(self, &third, INVITATION_OPEN, later + 1);
}

static void what_is_closed_stays_closed(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    const InvitationLink link = {.token_hash = {9}, .expires_at = T0 + 10};
    Id accepted = invite(self, 1, "bob@example.de", T0);
    Id revoked = invite(self, 2, "eve@example.de", T0);
    g_autoptr(Invitation) used = accept(self, 1, T0);
    assert_non_null(used);
    ok(invitation_revoke(self->db, ORG, &revoked, T0, &error), error);
    const Id ids[] = {accepted, revoked};
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++) {
        refused(invitation_revoke(self->db, ORG, &ids[i], T0, error_out), ABS_ERROR_CONFLICT);
        refused(invitation_renew(self->db, ORG, &ids[i], &link, error_out), ABS_ERROR_CONFLICT);
    }
    expect_state(self, &revoked, INVITATION_REVOKED, T0 + 2 * LIMIT_INVITATION_MS);
    expect_state(self, &accepted, INVITATION_ACCEPTED, T0 + 2 * LIMIT_INVITATION_MS);
}

static void an_expired_invitation_can_be_sent_again(void **state)
{
    Scratch *self = *state;
    WallMs later = T0 + 2 * LIMIT_INVITATION_MS;
    Id id = invite(self, 1, "bob@example.de", T0);
    expect_state(self, &id, INVITATION_EXPIRED, later);
    renew(self, &id, 2, later, 0);
    expect_state(self, &id, INVITATION_OPEN, later);
}

static void other_organisations_have_no_such_invitation(void **state)
{
    Scratch *self = *state;
    const InvitationLink link = {.token_hash = {9}, .expires_at = T0 + 10};
    gboolean has_more = TRUE;
    Id id = invite(self, 1, "bob@example.de", T0);
    assert_null(invitation_by_id(self->db, ORG + 1, &id, NULL));
    assert_null(invitation_by_email(self->db, ORG + 1, "bob@example.de", T0, NULL));
    refused(invitation_revoke(self->db, ORG + 1, &id, T0, error_out), ABS_ERROR_CONFLICT);
    refused(invitation_renew(self->db, ORG + 1, &id, &link, error_out), ABS_ERROR_CONFLICT);
    const InvitationFilter filter = {.org_id = ORG + 1, .limit = 10};
    g_autoptr(GPtrArray) list = invitations_list(self->db, &filter, &has_more, NULL);
    assert_int_equal(list->len, 0);
    assert_false(has_more);
}

static void expect_list(Scratch *self, const InvitationFilter *filter, const char *expected)
{
    g_autoptr(GError) error = NULL;
    gboolean has_more = FALSE;
    g_autoptr(GPtrArray) list = invitations_list(self->db, filter, &has_more, &error);
    ok(list, error);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++)
        g_string_append_c(text, ((const Invitation *)list->pdata[i])->email[0]);
    g_string_append(text, has_more ? "+" : "");
    assert_string_equal(text->str, expected);
    g_string_free(text, TRUE);
}

static void the_list_has_pages(void **state)
{
    static const char *const emails[] = {"a@x.de", "b@x.de", "c@x.de", "d@x.de", "e@x.de"};
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    Id ids[5];
    for (guint8 i = 0; i < 5; i++)
        ids[i] = invite(self, i, emails[i], T0 + i);
    ok(invitation_revoke(self->db, ORG, &ids[1], T0 + 9, &error), error);
    const struct {
        InvitationFilter filter;
        const char *expected;
    } rows[] = {
        {{.limit = 10}, "edcba"},
        {{.limit = 2}, "ed+"},
        {{.limit = 2, .after = &ids[3]}, "cb+"},
        {{.limit = 2, .after = &ids[1]}, "a"},
        {{.limit = 2, .before = &ids[1]}, "dc+"},
        {{.limit = 2, .before = &ids[3]}, "e"},
        {{.limit = 10, .wanted = INVITATIONS_OPEN, .now = T0 + 10}, "edca"},
        {{.limit = 10, .wanted = INVITATIONS_PAST, .now = T0 + 10}, "b"},
        {{.limit = 10, .wanted = INVITATIONS_PAST, .now = T0 + LIMIT_INVITATION_MS + 1}, "ba"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        InvitationFilter filter = rows[i].filter;
        filter.org_id = ORG;
        expect_list(self, &filter, rows[i].expected);
    }
}

/* --- Mails whose link is dead ---------------------------------------------------------------- */

static void a_mail_with_a_dead_link_ends(void **state)
{
    static const struct {
        const char *name;
        EmailState before; /* 0: it waits */
        gboolean is_handed_over;
        EmailState expected;
    } rows[] = {
        {"handed over", (EmailState)0, TRUE, EMAIL_HANDED_OVER},
        {"replaced", (EmailState)0, FALSE, EMAIL_CANCELLED},
        {"accepted before", EMAIL_ACCEPTED, TRUE, EMAIL_ACCEPTED},
        {"rejected before", EMAIL_REJECTED, TRUE, EMAIL_REJECTED},
    };
    Scratch *self = *state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        gint64 row = mails_take(self, EMAIL_CLASS_INVITATION, 1, 100, T0);
        Id id = email_of(self, row);
        if (rows[i].before)
            mails_end(self, row, 0, rows[i].before, T0 + 1);
        ok(emails_end_link(self->db, ORG, &id, rows[i].is_handed_over, T0 + 2, &error), error);
        if (mail_state(self, &id) != rows[i].expected)
            fail_msg("%s: %s", rows[i].name, email_state_name(mail_state(self, &id)));
    }
    assert_int_equal(
        scratch_number(self, "SELECT count(*) FROM bodies WHERE content IS NOT NULL"), 0);
    assert_int_equal(
        scratch_number(self, "SELECT sum(n) FROM recipient_counts"), G_N_ELEMENTS(rows));
    assert_int_equal(
        scratch_number(self, "SELECT n FROM recipient_counts WHERE state = 10 AND org_id = 1"), 1);
}

static void a_mail_on_its_way_with_a_dead_link_is_not_sent_again(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) fault = NULL;
    gint64 row = mails_take(self, EMAIL_CLASS_INVITATION, 1, 100, T0);
    gint64 recipient = recipients_first_row(row);
    gboolean marked = FALSE;
    Id id = email_of(self, row);
    ok(emails_mark_sending(self->db, ORG, &recipient, 1, T0 + 1, &marked, &error), error);
    assert_true(marked);
    ok(emails_end_link(self->db, ORG, &id, FALSE, T0 + 2, &error), error);
    assert_int_equal(mail_state(self, &id), EMAIL_SENDING);
    const EmailAttempt deferred = {.recipient_id = recipient,
        .state = EMAIL_DEFERRED,
        .at = T0 + 3,
        .next_at = T0 + 4,
        .counts = TRUE,
        .phase = "after_data",
        .reply_code = 451,
        .server = "mail.example.de"};
    ok(emails_record_attempts(self->db, ORG, &deferred, 1, &fault, &error), error);
    ok(!fault, fault);
    ok(emails_mark_sending(self->db, ORG, &recipient, 1, T0 + 4, &marked, &error), error);
    assert_false(marked);
    mails_end(self, row, 0, EMAIL_EXPIRED, T0 + 4);
    assert_int_equal(mail_state(self, &id), EMAIL_EXPIRED);
}

static void a_mail_is_handed_over_by_a_person(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    EmailActionResult result;
    gint64 n = 0, row = mails_take(self, EMAIL_CLASS_RESET, 3, 100, T0);
    Id id = email_of(self, row), unknown = scratch_id(self, T0);
    mails_end(self, row, 0, EMAIL_ACCEPTED, T0 + 1);
    ok(emails_hand_over(self->db, ORG, &id, T0 + 2, &result, &n, &error), error);
    assert_int_equal(result, EMAIL_ACTION_DONE);
    assert_int_equal(n, 2);
    assert_int_equal(scratch_number(self, "SELECT count(*) FROM recipients WHERE state = 10"), 2);
    ok(emails_hand_over(self->db, ORG, &id, T0 + 3, &result, &n, &error), error);
    assert_int_equal(result, EMAIL_ACTION_NOTHING);
    ok(emails_hand_over(self->db, ORG, &unknown, T0 + 3, &result, &n, &error), error);
    assert_int_equal(result, EMAIL_ACTION_UNKNOWN);
    ok(emails_hand_over(self->db, ORG + 1, &id, T0 + 3, &result, &n, &error), error);
    assert_int_equal(result, EMAIL_ACTION_UNKNOWN);
}

/* --- Password resets ------------------------------------------------------------------------- */

static gint64 ask(Scratch *self, const char *account, WallMs at)
{
    g_autoptr(GError) error = NULL;
    gint64 row = 0;
    const Reset reset = {.org_id = ORG,
        .id = scratch_id(self, at),
        .account = (char *)account,
        .language = (char *)"de",
        .asked_at = at,
        .asked_from = (char *)"192.0.2.1"};
    ok(reset_ask(self->db, &reset, &row, &error), error);
    return row;
}

static void give_link(Scratch *self, gint64 row, gint64 member, guint8 n, ResetState to, WallMs now)
{
    g_autoptr(GError) error = NULL;
    const ResetLink link = {.member_row = member,
        .state = to,
        .token_hash = {n},
        .expires_at = to == RESET_TO_HAND_OVER ? 0 : now + LIMIT_RESET_MS};
    ok(reset_write_link(self->db, ORG, row, &link, now, &error), error);
}

static gint64 redeem(Scratch *self, guint8 n, WallMs now)
{
    const guint8 hash[PEOPLE_HASH_BYTES] = {n};
    g_autoptr(GError) error = NULL;
    gint64 row = 0, member = reset_redeem(self->db, hash, now, &row, &error);
    assert_true(member != 0 || error->code == ABS_ERROR_NOT_FOUND);
    return member;
}

static ResetState reset_state(Scratch *self, gint64 row)
{
    g_autoptr(DbQuery) q = db_query(self->db, "SELECT state FROM password_resets WHERE row = $1");
    db_bind_int(q, 1, row);
    return db_next(q) ? (ResetState)db_int(q, 0) : (ResetState)0;
}

static void whoever_asks_leaves_the_same_row(void **state)
{
    Scratch *self = *state;
    join(self, "anna@example.de");
    ask(self, "anna@example.de", T0);
    gint64 nobody = ask(self, "nobody@example.de", T0);
    g_autoptr(GPtrArray) asked = resets_asked(self->db, 0, 10, NULL);
    assert_int_equal(asked->len, 2);
    for (guint i = 0; i < asked->len; i++) {
        const Reset *reset = asked->pdata[i];
        assert_int_equal(reset->state, RESET_ASKED);
        assert_int_equal(reset->member_row, 0);
        assert_null(reset->member_email);
    }
    assert_true(reset_forget(self->db, nobody, NULL));
    g_autoptr(GPtrArray) left = resets_asked(self->db, 0, 10, NULL);
    assert_int_equal(left->len, 1);
}

static void a_reset_is_used_once_and_in_time(void **state)
{
    static const struct {
        const char *name;
        ResetState to;
        WallMs after_ms;
        gboolean works;
    } rows[] = {
        {"mailed", RESET_MAILED, 1, TRUE},
        {"handed over", RESET_HANDED_OVER, LIMIT_RESET_MS - 1, TRUE},
        {"too late", RESET_MAILED, LIMIT_RESET_MS, FALSE},
        {"no link yet", RESET_TO_HAND_OVER, 1, FALSE},
    };
    Scratch *self = *state;
    gint64 member = join(self, "anna@example.de");
    for (guint8 i = 0; i < G_N_ELEMENTS(rows); i++) {
        gint64 row = ask(self, "anna@example.de", T0);
        give_link(self, row, member, i, rows[i].to, T0);
        gint64 found = redeem(self, i, T0 + rows[i].after_ms);
        if (found != (rows[i].works ? member : 0))
            fail_msg("%s", rows[i].name);
        assert_int_equal(redeem(self, i, T0 + rows[i].after_ms), 0);
    }
}

static void a_removed_member_has_no_reset(void **state)
{
    Scratch *self = *state;
    const guint8 hash[PEOPLE_HASH_BYTES] = {1};
    gint64 member = join(self, "anna@example.de");
    gint64 row = ask(self, "anna@example.de", T0);
    give_link(self, row, member, 1, RESET_MAILED, T0);
    assert_true(db_exec(self->db, "UPDATE members SET removed_at = 1", NULL));
    assert_int_equal(redeem(self, 1, T0 + 1), 0);
    assert_null(reset_by_token(self->db, hash, T0 + 1, NULL));
    gboolean has_more;
    const ResetFilter filter = {.org_id = ORG, .limit = 10};
    g_autoptr(GPtrArray) list = resets_list(self->db, &filter, &has_more, NULL);
    assert_int_equal(list->len, 0);
}

static void a_newer_one_ends_the_others_and_their_mails(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    gint64 member = join(self, "anna@example.de"), other = join(self, "bob@example.de");
    gint64 mailed = ask(self, "anna@example.de", T0), handed = ask(self, "anna@example.de", T0);
    gint64 fresh = ask(self, "anna@example.de", T0), bobs = ask(self, "bob@example.de", T0);
    Id mail = email_of(self, mails_take(self, EMAIL_CLASS_RESET, 1, 100, T0));
    const ResetLink link = {.member_row = member,
        .state = RESET_MAILED,
        .token_hash = {1},
        .expires_at = T0 + 1000,
        .email_id = &mail};
    ok(reset_write_link(self->db, ORG, mailed, &link, T0, &error), error);
    give_link(self, handed, member, 2, RESET_HANDED_OVER, T0);
    give_link(self, bobs, other, 3, RESET_MAILED, T0);

    ok(resets_end_others(self->db, ORG, member, fresh, FALSE, T0, &error), error);
    assert_int_equal(reset_state(self, mailed), RESET_OVER);
    assert_int_equal(mail_state(self, &mail), EMAIL_CANCELLED);
    assert_int_equal(reset_state(self, handed), RESET_HANDED_OVER);
    assert_int_equal(redeem(self, 1, T0), 0);

    ok(resets_end_others(self->db, ORG, member, fresh, TRUE, T0, &error), error);
    assert_int_equal(reset_state(self, handed), RESET_OVER);
    assert_int_equal(redeem(self, 2, T0), 0);
    assert_int_equal(reset_state(self, fresh), RESET_ASKED);
    assert_int_equal(redeem(self, 3, T0), other);
}

static void what_is_over_takes_no_link(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    gint64 member = join(self, "anna@example.de"), row = ask(self, "anna@example.de", T0);
    const ResetLink link = {.member_row = member, .state = RESET_HANDED_OVER, .expires_at = T0 + 1};
    ok(reset_dismiss(self->db, ORG, row, T0, &error), error);
    refused(reset_write_link(self->db, ORG, row, &link, T0, error_out), ABS_ERROR_CONFLICT);
    refused(reset_dismiss(self->db, ORG, row, T0, error_out), ABS_ERROR_CONFLICT);
    refused(reset_dismiss(self->db, ORG + 1, row, T0, error_out), ABS_ERROR_CONFLICT);
}

static void the_list_shows_members_alone(void **state)
{
    Scratch *self = *state;
    gint64 member = join(self, "anna@example.de");
    gint64 first = ask(self, "anna@example.de", T0);
    ask(self, "nobody@example.de", T0 + 1);
    gint64 second = ask(self, "anna@example.de", T0 + 2);
    give_link(self, first, member, 1, RESET_MAILED, T0);
    give_link(self, second, member, 2, RESET_MAILED, T0);
    assert_int_equal(redeem(self, 1, T0), member);
    gboolean has_more = TRUE;
    ResetFilter filter = {.org_id = ORG, .limit = 10};
    g_autoptr(GPtrArray) all = resets_list(self->db, &filter, &has_more, NULL);
    assert_int_equal(all->len, 2);
    assert_false(has_more);
    assert_int_equal(((const Reset *)all->pdata[0])->row, second);
    assert_string_equal(((const Reset *)all->pdata[0])->member_email, "anna@example.de");
    filter.only_open = TRUE;
    g_autoptr(GPtrArray) open = resets_list(self->db, &filter, &has_more, NULL);
    assert_int_equal(open->len, 1);
    filter = (ResetFilter){.org_id = ORG, .limit = 1};
    g_autoptr(GPtrArray) page = resets_list(self->db, &filter, &has_more, NULL);
    assert_int_equal(page->len, 1);
    assert_true(has_more);
}

/* --- Who is told that a reset waits for a person ---------------------------------------------- */

static void want_to_be_told(Scratch *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) secret = webhook_secret_make();
    g_autoptr(Webhook) webhook = g_new0(Webhook, 1);
    webhook->org_id = ORG;
    webhook->id = scratch_id(self, T0);
    webhook->url = g_strdup("https://alerts.example.com/absender");
    webhook->events = webhook_type_bit("reset.waiting");
    webhook->is_enabled = TRUE;
    webhook->created_at = T0;
    webhook->secret_sealed = webhook_secret_seal(self->vault, ORG, &webhook->id, secret);
    ok(webhook_insert(self->db, webhook, &error), error);
}

static gint64 told(Scratch *self)
{
    return scratch_number(self, "SELECT count(*) FROM webhook_events WHERE type = 'reset.waiting'");
}

/* Copied by this admin. */
static gint64 copy(Scratch *self, gint64 member, const char *who, guint8 n)
{
    g_autoptr(GError) error = NULL;
    gint64 row = ask(self, "anna@example.de", T0);
    const ResetLink link = {.member_row = member,
        .state = RESET_HANDED_OVER,
        .token_hash = {n},
        .expires_at = T0 + LIMIT_RESET_MS,
        .copied_by = who};
    ok(reset_write_link(self->db, ORG, row, &link, T0, &error), error);
    return row;
}

static void what_is_taken_back_waits_again_and_is_told_once(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    gint64 member = join(self, "anna@example.de");
    gint64 first = copy(self, member, "eve@example.de", 1);
    gint64 second = copy(self, member, "eve@example.de", 2);
    gint64 others = copy(self, member, "admin@example.de", 3);
    want_to_be_told(self);
    for (guint times = 0; times < 2; times++) {
        ok(resets_take_back(self->db, ORG, "eve@example.de", T0 + 1, &error), error);
        assert_int_equal(reset_state(self, first), RESET_TO_HAND_OVER);
        assert_int_equal(reset_state(self, second), RESET_TO_HAND_OVER);
        assert_int_equal(reset_state(self, others), RESET_HANDED_OVER);
        assert_int_equal(told(self), 2);
    }
}

/* One that was mailed; the row of its mail. */
static gint64 mail_link(Scratch *self, gint64 member, gint64 reset, guint8 n)
{
    g_autoptr(GError) error = NULL;
    gint64 row = mails_take(self, EMAIL_CLASS_RESET, 1, 100, T0);
    Id id = email_of(self, row);
    const ResetLink link = {.member_row = member,
        .state = RESET_MAILED,
        .token_hash = {n},
        .expires_at = T0 + LIMIT_RESET_MS,
        .email_id = &id};
    ok(reset_write_link(self->db, ORG, reset, &link, T0, &error), error);
    return row;
}

static void a_mail_that_ends_without_going_out_leaves_a_reset_that_waits(void **state)
{
    static const struct {
        EmailState end;
        gint64 told;
    } rows[] = {{EMAIL_ACCEPTED, 0}, {EMAIL_DEFERRED, 0}, {EMAIL_UNCERTAIN, 0}, {EMAIL_REJECTED, 1},
        {EMAIL_EXPIRED, 1}};
    Scratch *self = *state;
    gint64 member = join(self, "anna@example.de"), before = 0;
    want_to_be_told(self);
    for (guint8 i = 0; i < G_N_ELEMENTS(rows); i++) {
        gint64 mail = mail_link(self, member, ask(self, "anna@example.de", T0), i);
        mails_end(self, mail, 0, rows[i].end, T0 + 1);
        if (told(self) - before != rows[i].told)
            fail_msg("%s", email_state_name(rows[i].end));
        before = told(self);
    }
    mails_end(self, mails_take(self, EMAIL_CLASS_RESET, 1, 100, T0), 0, EMAIL_REJECTED, T0 + 1);
    assert_int_equal(told(self), before); /* an application's own */
}

static void nobody_is_told_of_a_reset_that_is_over(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    gint64 member = join(self, "anna@example.de"), reset = ask(self, "anna@example.de", T0);
    mail_link(self, member, reset, 1);
    want_to_be_told(self);
    ok(resets_end_others(self->db, ORG, member, 0, TRUE, T0 + 1, &error), error);
    assert_int_equal(reset_state(self, reset), RESET_OVER);
    assert_int_equal(told(self), 0);
}

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(an_invitation_is_used_once),
        SCRATCH_TEST(looking_at_an_offer_uses_nothing_up),
        SCRATCH_TEST(only_an_open_invitation_can_be_accepted),
        SCRATCH_TEST(an_address_has_one_open_invitation),
        SCRATCH_TEST(what_is_closed_stays_closed),
        SCRATCH_TEST(an_expired_invitation_can_be_sent_again),
        SCRATCH_TEST(other_organisations_have_no_such_invitation),
        SCRATCH_TEST(the_list_has_pages),
        SCRATCH_TEST(a_mail_with_a_dead_link_ends),
        SCRATCH_TEST(a_mail_on_its_way_with_a_dead_link_is_not_sent_again),
        SCRATCH_TEST(a_mail_is_handed_over_by_a_person),
        SCRATCH_TEST(whoever_asks_leaves_the_same_row),
        SCRATCH_TEST(a_reset_is_used_once_and_in_time),
        SCRATCH_TEST(a_removed_member_has_no_reset),
        SCRATCH_TEST(a_newer_one_ends_the_others_and_their_mails),
        SCRATCH_TEST(what_is_over_takes_no_link),
        SCRATCH_TEST(the_list_shows_members_alone),
        SCRATCH_TEST(what_is_taken_back_waits_again_and_is_told_once),
        SCRATCH_TEST(a_mail_that_ends_without_going_out_leaves_a_reset_that_waits),
        SCRATCH_TEST(nobody_is_told_of_a_reset_that_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
