/* Invitations over HTTP, with and without mail. */
#include "links.h"

#include "base/limits.h"
#include "base/secret.h"

#define BOB "{\"email\":\"Bob@Example.de\",\"role\":\"member\"}"
#define JOIN ",\"name\":\"Bob\",\"password\":\"" PASSWORD "\""
#define LOOK_UP "POST /v1/invitations/lookup"
#define ACCEPT "POST /v1/invitations/accept"

static Reply *invite(Fixture *self, const char *body)
{
    Reply *reply = ask_member(self, "POST /v1/invitations", "", body);
    assert_reply(reply, 201, NULL);
    return reply;
}

/* POST /v1/invitations/{id}/DEED */
static Reply *act(Fixture *self, const Reply *invitation, const char *deed)
{
    g_autofree char *line =
        g_strdup_printf("POST /v1/invitations/%s/%s", reply_text(invitation, "id"), deed);
    return ask_member(self, line, "", NULL);
}

static void expect_link(const Fixture *self, const char *link, gboolean works)
{
    g_autoptr(Reply) reply = links_send(self, LOOK_UP, links_token(link), "");
    assert_reply(reply, works ? 200 : 404, works ? NULL : "invitation_invalid");
}

/* --- Without mail ---------------------------------------------------------------------------- */

static void somebody_joins_by_a_link_that_was_passed_on(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) invitation = invite(self, BOB);
    assert_string_equal(reply_text(invitation, "delivery"), "not_configured");
    assert_string_equal(reply_text(invitation, "email"), "bob@example.de");
    assert_string_equal(reply_text(invitation, "created_by"), EMAIL);
    assert_string_equal(reply_text(invitation, "state"), "open");
    const char *token = links_token(reply_text(invitation, "link"));

    for (guint i = 0; i < 3; i++) { /* looking uses nothing up */
        g_autoptr(Reply) offer = links_send(self, LOOK_UP, token, "");
        assert_reply(offer, 200, NULL);
        assert_string_equal(reply_text(offer, "email"), "bob@example.de");
        assert_string_equal(reply_text(offer, "role"), "member");
        assert_string_equal(reply_text(offer, "org_name"), "127.0.0.1");
    }
    g_autoptr(Reply) joined = links_send(self, ACCEPT, token, JOIN);
    assert_reply(joined, 201, NULL);
    assert_string_equal(reply_text(joined, "member.email"), "bob@example.de");
    assert_string_equal(reply_text(joined, "member.role"), "member");
    g_autoptr(Reply) again = links_send(self, ACCEPT, token, JOIN);
    assert_reply(again, 404, "invitation_invalid");

    keep_session(self, joined);
    g_autoptr(Reply) session = ask_member(self, "GET /v1/session", "", NULL);
    assert_string_equal(reply_text(session, "member.email"), "bob@example.de");
    g_autoptr(Reply) signed_in = ask(self, "POST /v1/sessions", "",
        "{\"email\":\"bob@example.de\",\"password\":\"" PASSWORD "\"}");
    assert_reply(signed_in, 200, NULL);
}

static void a_link_is_shown_when_it_is_made_and_never_again(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) invitation = invite(self, BOB);
    g_autofree char *line = g_strdup_printf("GET /v1/invitations/%s", reply_text(invitation, "id"));
    g_autoptr(Reply) one = ask_member(self, line, "", NULL);
    g_autoptr(Reply) list = ask_member(self, "GET /v1/invitations?state=open", "", NULL);
    g_autoptr(Reply) past = ask_member(self, "GET /v1/invitations?state=past", "", NULL);
    g_autoptr(Reply) odd = ask_member(self, "GET /v1/invitations?state=odd", "", NULL);
    const char *token = links_token(reply_text(invitation, "link"));
    assert_reply(one, 200, NULL);
    assert_null(reply_at(one, "link"));
    assert_null(strstr(one->body, token));
    assert_null(strstr(list->body, token));
    assert_int_equal(json_array_size(reply_at(list, "data")), 1);
    assert_int_equal(json_array_size(reply_at(past, "data")), 0);
    assert_reply(odd, 400, "invalid_query");
}

static void a_copied_link_is_fresh_and_the_former_is_dead(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) invitation = invite(self, BOB);
    g_autoptr(Reply) copied = act(self, invitation, "link");
    assert_reply(copied, 200, NULL);
    assert_string_equal(reply_text(copied, "delivery"), "copied");
    assert_string_not_equal(reply_text(copied, "copied_at"), "");
    expect_link(self, reply_text(invitation, "link"), FALSE);
    expect_link(self, reply_text(copied, "link"), TRUE);
}

static void a_revoked_invitation_lets_nobody_in(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) invitation = invite(self, BOB);
    g_autoptr(Reply) revoked = act(self, invitation, "revoke");
    assert_reply(revoked, 200, NULL);
    assert_string_equal(reply_text(revoked, "state"), "revoked");
    assert_null(reply_at(revoked, "link"));
    g_autoptr(Reply) joined =
        links_send(self, ACCEPT, links_token(reply_text(invitation, "link")), JOIN);
    assert_reply(joined, 404, "invitation_invalid");
    static const char *const deeds[] = {"revoke", "resend", "link"};
    for (gsize i = 0; i < G_N_ELEMENTS(deeds); i++) {
        g_autoptr(Reply) reply = act(self, invitation, deeds[i]);
        assert_reply(reply, 409, "invitation_closed");
    }
    g_autoptr(Reply) anew = invite(self, BOB);
    expect_link(self, reply_text(anew, "link"), TRUE);
}

/* --- Refusals -------------------------------------------------------------------------------- */

static void what_cannot_be_invited_is_refused_by_name(void **state)
{
    static const struct {
        const char *name, *body;
        int status;
        const char *code;
    } rows[] = {
        {"no address", "{\"role\":\"member\"}", 422, "required"},
        {"a bad address", "{\"email\":\"bob\",\"role\":\"member\"}", 422, "invalid_address"},
        {"a domain without a dot", "{\"email\":\"vorstand@verein\",\"role\":\"member\"}", 422,
            "invalid_address"},
        {"no role", "{\"email\":\"c@example.de\"}", 422, "required"},
        {"an unknown role", "{\"email\":\"c@example.de\",\"role\":\"root\"}", 422, "unknown_value"},
        {"an unknown language",
            "{\"email\":\"c@example.de\",\"role\":\"member\",\"language\":\"fr\"}", 422,
            "unknown_value"},
        {"another organisation", "{\"email\":\"c@example.de\",\"role\":\"member\",\"org_id\":2}",
            422, "unknown_field"},
        {"a member", "{\"email\":\"ANNA@example.de\",\"role\":\"member\"}", 409, "already_member"},
        {"an invited one", "{\"email\":\"BOB@example.de\",\"role\":\"org_admin\"}", 409,
            "already_invited"},
    };
    Fixture *self = *state;
    g_autoptr(Reply) first = invite(self, BOB);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Reply) reply = ask_member(self, "POST /v1/invitations", "", rows[i].body);
        if (reply->status != rows[i].status || strcmp(reply_text(reply, "code"), rows[i].code) != 0)
            fail_msg("%s: %s", rows[i].name, reply->body);
    }
    g_autoptr(Reply) german =
        ask_member(self, "POST /v1/invitations", "Accept-Language: de\r\n", BOB);
    assert_non_null(
        strstr(reply_text(german, "detail"), "bob@example.de hat eine offene Einladung"));
    assert_non_null(strstr(reply_text(german, "detail"), reply_text(first, "id")));
}

static void nobody_invites_to_more_than_they_have(void **state)
{
    Fixture *self = *state;
    make_token(self, "[\"people:write\"]");
    g_autoptr(Reply) invitation =
        invite(self, "{\"email\":\"c@example.de\",\"role\":\"org_admin\"}");
    g_autofree char *line =
        g_strdup_printf("POST /v1/invitations/%s/link", reply_text(invitation, "id"));
    g_autoptr(Reply) reply = ask_token(
        self, "POST /v1/invitations", "", "{\"email\":\"eve@example.de\",\"role\":\"org_admin\"}");
    assert_reply(reply, 403, "scope_not_allowed");
    g_autoptr(Reply) link = ask_token(self, line, "", NULL);
    assert_reply(link, 403, "scope_not_allowed");
    expect_link(self, reply_text(invitation, "link"), TRUE);
}

static void a_member_invites_nobody(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) invitation = invite(self, BOB);
    g_autoptr(Reply) joined =
        links_send(self, ACCEPT, links_token(reply_text(invitation, "link")), JOIN);
    keep_session(self, joined);
    g_autoptr(Reply) reply = ask_member(self, "POST /v1/invitations", "", BOB);
    assert_reply(reply, 403, "forbidden");
    g_autoptr(Reply) list = ask_member(self, "GET /v1/invitations", "", NULL);
    assert_reply(list, 403, "forbidden");
}

static void what_is_no_token_finds_nothing(void **state)
{
    static const char *const tokens[] = {"null", "\"\"", "\"null\"", "\"A\"",
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""};
    static const struct {
        const char *line, *more, *code;
    } doors[] = {
        {LOOK_UP, "", "invitation_invalid"},
        {ACCEPT, JOIN, "invitation_invalid"},
        {"POST /v1/password-resets/redeem", ",\"password\":\"" PASSWORD "\"", "reset_invalid"},
    };
    Fixture *self = *state;
    g_autoptr(Reply) open = invite(self, BOB);
    for (gsize i = 0; i < G_N_ELEMENTS(doors); i++) {
        for (gsize k = 0; k < G_N_ELEMENTS(tokens); k++) {
            g_autofree char *body = g_strdup_printf("{\"token\":%s%s}", tokens[k], doors[i].more);
            g_autoptr(Reply) reply = ask(self, doors[i].line, "", body);
            if (reply->status != 404 || strcmp(reply_text(reply, "code"), doors[i].code) != 0)
                fail_msg("%s %s: %d %s", doors[i].line, body, reply->status, reply->body);
        }
        g_autoptr(Reply) absent = ask(self, doors[i].line, "", "{\"password\":\"" PASSWORD "\"}");
        assert_int_equal(absent->status, 422);
    }
    g_autofree char *cut = g_strdup(links_token(reply_text(open, "link")));
    cut[strlen(cut) - 1] = '\0';
    g_autoptr(Reply) truncated = links_send(self, LOOK_UP, cut, "");
    assert_reply(truncated, 404, "invitation_invalid");
}

static void who_guesses_has_to_wait_and_can_still_sign_in(void **state)
{
    Fixture *self = *state;
    int status = 404;
    for (guint i = 0; i < 30 && status == 404; i++) {
        g_autoptr(Reply) reply =
            links_send(self, LOOK_UP, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "");
        status = reply->status;
    }
    assert_int_equal(status, 429);
    g_autoptr(Reply) in = ask(
        self, "POST /v1/sessions", "", "{\"email\":\"" EMAIL "\",\"password\":\"" PASSWORD "\"}");
    assert_reply(in, 200, NULL);
}

static void the_new_account_gets_what_was_offered_and_no_more(void **state)
{
    static const struct {
        const char *name, *more, *code;
    } rows[] = {
        {"another role", JOIN ",\"role\":\"org_admin\"", "unknown_field"},
        {"another address", JOIN ",\"email\":\"eve@example.de\"", "unknown_field"},
        {"a short password", ",\"name\":\"Bob\",\"password\":\"short\"", "password_too_short"},
        {"the address as password", ",\"name\":\"Bob\",\"password\":\"bob@example.de\"",
            "password_too_common"},
        {"no name", ",\"password\":\"" PASSWORD "\"", "required"},
        {"two lines", ",\"name\":\"a\\nb\",\"password\":\"" PASSWORD "\"", "control_character"},
    };
    Fixture *self = *state;
    g_autoptr(Reply) invitation = invite(self, BOB);
    const char *token = links_token(reply_text(invitation, "link"));
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Reply) reply = links_send(self, ACCEPT, token, rows[i].more);
        if (reply->status != 422 || strcmp(reply_text(reply, "code"), rows[i].code) != 0)
            fail_msg("%s: %s", rows[i].name, reply->body);
    }
    g_autoptr(Reply) joined = links_send(self, ACCEPT, token, JOIN); /* nothing was used up */
    assert_reply(joined, 201, NULL);
}

/* Threat T35. */
static void no_header_changes_a_link(void **state)
{
    static const char *const headers[] = {"X-Forwarded-Host: evil.example\r\n",
        "X-Forwarded-Proto: https\r\n", "X-Forwarded-Port: 444\r\n",
        "X-Forwarded-Server: evil.example\r\n", "Forwarded: host=evil.example;proto=https\r\n",
        "X-Host: evil.example\r\n", "X-Original-Host: evil.example\r\n",
        "X-HTTP-Host-Override: evil.example\r\n", "X-Original-URL: https://evil.example/\r\n",
        "X-Rewrite-URL: https://evil.example/\r\n", "X-Forwarded-For: evil.example\r\n",
        "Via: 1.1 evil.example\r\n"};
    Fixture *self = *state;
    g_autofree char *start =
        g_strdup_printf("http://127.0.0.1:%u/#/invitation/", api_port(self->api));
    g_autoptr(Reply) invitation = invite(self, BOB);
    g_autofree char *line =
        g_strdup_printf("POST /v1/invitations/%s/link", reply_text(invitation, "id"));
    assert_true(G_N_ELEMENTS(headers) >= 12);
    for (gsize i = 0; i < G_N_ELEMENTS(headers); i++) {
        g_autoptr(Reply) reply = ask_member(self, line, headers[i], NULL);
        assert_reply(reply, 200, NULL);
        if (!g_str_has_prefix(reply_text(reply, "link"), start))
            fail_msg("%s: %s", headers[i], reply_text(reply, "link"));
    }
}

/* --- With mail ------------------------------------------------------------------------------- */

static void the_mail_carries_the_link_and_waits_while_sending_is_paused(void **state)
{
    Fixture *self = *state;
    links_activate(self);
    g_autoptr(Reply) invitation = invite(self, BOB);
    assert_string_equal(reply_text(invitation, "delivery"), "held");
    g_autofree char *mail = links_mail(self, reply_text(invitation, "email_id"));
    assert_non_null(strstr(mail, reply_text(invitation, "link")));
    assert_non_null(strstr(mail, "Auto-Submitted: auto-generated"));
    assert_non_null(strstr(mail, "bob@example.de"));
    assert_non_null(strstr(mail, "Anna"));
    assert_mail_state(self, reply_text(invitation, "email_id"), "held");
}

static void a_mail_whose_link_is_dead_is_not_sent(void **state)
{
    static const struct {
        const char *deed, *state;
        gboolean has_new_mail;
    } rows[] = {
        {"link", "handed_over", FALSE},
        {"resend", "cancelled", TRUE},
        {"revoke", "cancelled", FALSE},
    };
    Fixture *self = *state;
    links_activate(self);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *body =
            g_strdup_printf("{\"email\":\"bob%zu@example.de\",\"role\":\"member\"}", i);
        g_autoptr(Reply) invitation = invite(self, body);
        g_autoptr(Reply) after = act(self, invitation, rows[i].deed);
        assert_reply(after, 200, NULL);
        const char *before_id = reply_text(invitation, "email_id");
        assert_mail_state(self, before_id, rows[i].state);
        expect_link(self, reply_text(invitation, "link"), FALSE);
        assert_int_equal(
            strcmp(before_id, reply_text(after, "email_id")) != 0, rows[i].has_new_mail);
        if (!rows[i].has_new_mail)
            continue;
        g_autofree char *mail = links_mail(self, reply_text(after, "email_id"));
        assert_non_null(strstr(mail, reply_text(after, "link")));
        assert_string_equal(reply_text(after, "delivery"), "held");
    }
}

static void who_joins_by_the_copied_link_ends_the_mail(void **state)
{
    Fixture *self = *state;
    links_activate(self);
    g_autoptr(Reply) invitation = invite(self, BOB);
    g_autoptr(Reply) joined =
        links_send(self, ACCEPT, links_token(reply_text(invitation, "link")), JOIN);
    assert_reply(joined, 201, NULL);
    assert_mail_state(self, reply_text(invitation, "email_id"), "handed_over");
}

/* Threat T37. */
static void nobody_is_flooded_with_invitations(void **state)
{
    Fixture *self = *state;
    links_activate(self);
    g_autoptr(Reply) invitation = invite(self, BOB);
    for (guint i = 1; i < LIMIT_LINK_MAILS_PER_ADDRESS; i++) {
        g_autoptr(Reply) reply = act(self, invitation, "resend");
        assert_reply(reply, 200, NULL);
    }
    g_autoptr(Reply) reply = act(self, invitation, "resend");
    assert_reply(reply, 429, "too_many_link_mails");
    g_autofree char *wait = reply_header(reply, "Retry-After");
    assert_non_null(wait);
    g_autoptr(Reply) copied = act(self, invitation, "link"); /* by hand it goes on */
    assert_reply(copied, 200, NULL);
}

/* Strangers' asks cost admins nothing; and what is too much is made all the same, without a mail.
 */
static void too_many_invitations_go_without_a_mail(void **state)
{
    Fixture *self = *state;
    links_activate(self);
    for (guint i = 0; i < LIMIT_LINK_MAILS_PER_CLIENT + 3; i++) {
        g_autoptr(Reply) asked =
            ask(self, "POST /v1/password-resets", "", "{\"email\":\"bob@example.de\"}");
        assert_reply(asked, 202, NULL);
    }
    for (guint i = 0; i <= LIMIT_LINK_MAILS_PER_ORG; i++) {
        g_autofree char *body =
            g_strdup_printf("{\"email\":\"n%u@example.de\",\"role\":\"member\"}", i);
        gboolean is_last = i == LIMIT_LINK_MAILS_PER_ORG;
        g_autoptr(Reply) reply = invite(self, i == 0 ? BOB : body);
        assert_reply(reply, 201, NULL);
        assert_string_equal(reply_text(reply, "delivery"), is_last ? "failed" : "held");
        assert_int_equal(json_is_null(reply_at(reply, "email_id")), is_last);
        assert_string_not_equal(reply_text(reply, "link"), "");
    }
}

/* Threat T41. */
static void nobody_reads_the_link_in_the_outbox(void **state)
{
    Fixture *self = *state;
    links_activate(self);
    g_autoptr(Reply) invitation = invite(self, BOB);
    const char *token = links_token(reply_text(invitation, "link"));
    const char *id = reply_text(invitation, "email_id");
    g_autofree char *one = g_strdup_printf("GET /v1/emails/%s", id);
    g_autofree char *why = g_strdup_printf("GET /v1/emails/%s/explanation", id);
    const char *const lines[] = {one, why, "GET /v1/emails", "GET /v1/invitations",
        "GET /v1/smtp/activity", "GET /v1/audit-events", "GET /v1/smtp"};
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(Reply) reply = ask_member(self, lines[i], "", NULL);
        assert_reply(reply, 200, NULL);
        if (strstr(reply->body, token) || strstr(reply->body, "/#/invitation/"))
            fail_msg("%s shows the link", lines[i]);
    }
}

static DbQuery *count_deeds(Db *db)
{
    return db_query(db, "SELECT count(DISTINCT action) FROM audit_events WHERE action IN "
                        "('invitation.created', 'invitation.resent', 'invitation.link_copied', "
                        "'invitation.accepted', 'invitation.revoked')");
}

static DbQuery *count_refused(Db *db)
{
    return db_query(db, "SELECT count(*) FROM audit_events WHERE action = 'invitation.created'");
}

static void every_deed_is_audited_and_no_refusal_is(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) bob = invite(self, BOB);
    g_autoptr(Reply) resent = act(self, bob, "resend");
    assert_reply(resent, 200, NULL);
    g_autoptr(Reply) copied = act(self, bob, "link");
    g_autoptr(Reply) twice = ask_member(self, "POST /v1/invitations", "", BOB);
    assert_reply(twice, 409, "already_invited");
    g_autoptr(Reply) joined =
        links_send(self, ACCEPT, links_token(reply_text(copied, "link")), JOIN);
    assert_reply(joined, 201, NULL);
    g_autoptr(Reply) eve = invite(self, "{\"email\":\"eve@example.de\",\"role\":\"member\"}");
    g_autoptr(Reply) revoked = act(self, eve, "revoke");
    assert_reply(revoked, 200, NULL);
    assert_int_equal(links_count(self, count_deeds), 5);
    assert_int_equal(links_count(self, count_refused), 2);
}

/* --- Links that an admin leaves with ---------------------------------------------------------- */

/* Joins as a second admin by the invitation of the first, and is who `self` is then. */
static void become_second_admin(Fixture *self)
{
    g_autoptr(Reply) eve = invite(self, "{\"email\":\"eve@example.de\",\"role\":\"org_admin\"}");
    g_autoptr(Reply) joined = links_send(self, ACCEPT, links_token(reply_text(eve, "link")), JOIN);
    assert_reply(joined, 201, NULL);
    keep_session(self, joined);
}

/* What is asked for by a member of this address comes onto the list. */
static char *wait_for_reset(const Fixture *self)
{
    for (guint i = 0; i < 6000; i++) {
        g_autoptr(Reply) list = ask_control(self, "GET /v1/password-resets", NULL);
        if (json_array_size(reply_at(list, "data")) == 1)
            return g_strdup(reply_text(list, "data.0.id"));
        g_usleep(10000);
    }
    fail_msg("the request never came onto the list");
    return NULL;
}

/* Invitations she made, one she only copied, one she only sent again, and one of which she knows
 * nothing; a reset she copied. */
static void an_admin_takes_no_link_along(void **state)
{
    static const char *const ends[] = {"DELETE", "PATCH"};
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
        Fixture *self = fixture_new();
        sign_up(self);
        g_autoptr(Reply) known = invite(self, BOB);
        g_autoptr(Reply) unknown =
            invite(self, "{\"email\":\"una@example.de\",\"role\":\"member\"}");
        g_autoptr(Reply) late =
            invite(self, "{\"email\":\"lea@example.de\",\"role\":\"org_admin\"}");
        g_autoptr(Reply) asked =
            ask(self, "POST /v1/password-resets", "", "{\"email\":\"" EMAIL "\"}");
        assert_reply(asked, 202, NULL);
        g_autofree char *reset = wait_for_reset(self);
        become_second_admin(self);
        g_autoptr(Reply) own =
            invite(self, "{\"email\":\"back@example.de\",\"role\":\"org_admin\"}");
        g_autoptr(Reply) copied = act(self, known, "link");
        links_activate(self);
        g_autoptr(Reply) resent = act(self, late, "resend");
        assert_reply(resent, 200, NULL);
        g_autofree char *copy = g_strdup_printf("POST /v1/password-resets/%s/link", reset);
        g_autoptr(Reply) held = ask_member(self, copy, "", NULL);
        assert_reply(held, 200, NULL);
        g_autoptr(Reply) session = ask_member(self, "GET /v1/session", "", NULL);
        g_autofree char *line =
            g_strdup_printf("%s /v1/members/%s", ends[i], reply_text(session, "member.id"));
        g_autoptr(Reply) end = ask_control(self, line, i ? "{\"role\":\"member\"}" : NULL);
        assert_reply(end, 200, NULL);

        expect_link(self, reply_text(own, "link"), FALSE);
        expect_link(self, reply_text(copied, "link"), FALSE);
        expect_link(self, reply_text(resent, "link"), FALSE);
        expect_link(self, reply_text(unknown, "link"), TRUE);
        g_autoptr(Reply) dead = links_send(
            self, "POST /v1/password-resets/lookup", links_token(reply_text(held, "link")), "");
        assert_reply(dead, 404, "reset_invalid");
        g_autoptr(Reply) list = ask_control(self, "GET /v1/password-resets?state=open", NULL);
        assert_string_equal(reply_text(list, "data.0.state"), "to_hand_over");
        fixture_free(self);
    }
}

#define PEOPLE_TEST(test) cmocka_unit_test_setup_teardown(test, start_signed_up, stop_fixture)

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        PEOPLE_TEST(somebody_joins_by_a_link_that_was_passed_on),
        PEOPLE_TEST(a_link_is_shown_when_it_is_made_and_never_again),
        PEOPLE_TEST(a_copied_link_is_fresh_and_the_former_is_dead),
        PEOPLE_TEST(a_revoked_invitation_lets_nobody_in),
        PEOPLE_TEST(what_cannot_be_invited_is_refused_by_name),
        PEOPLE_TEST(nobody_invites_to_more_than_they_have),
        PEOPLE_TEST(a_member_invites_nobody),
        PEOPLE_TEST(what_is_no_token_finds_nothing),
        PEOPLE_TEST(who_guesses_has_to_wait_and_can_still_sign_in),
        PEOPLE_TEST(the_new_account_gets_what_was_offered_and_no_more),
        PEOPLE_TEST(no_header_changes_a_link),
        PEOPLE_TEST(the_mail_carries_the_link_and_waits_while_sending_is_paused),
        PEOPLE_TEST(a_mail_whose_link_is_dead_is_not_sent),
        PEOPLE_TEST(who_joins_by_the_copied_link_ends_the_mail),
        PEOPLE_TEST(nobody_is_flooded_with_invitations),
        PEOPLE_TEST(too_many_invitations_go_without_a_mail),
        PEOPLE_TEST(nobody_reads_the_link_in_the_outbox),
        PEOPLE_TEST(every_deed_is_audited_and_no_refusal_is),
        cmocka_unit_test(an_admin_takes_no_link_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
