/* Whose right ends while a deed waits in the store's queue: the deed's own transaction looks once
 * more (threat T38). The rows change here behind the back of the table in memory: that is what a
 * removal looks like that was committed just before, in the same group. */
#include "api/state.h"
#include "base/limits.h"
#include "fixture.h"
#include "store/people.h"

#define BEA "bea@example.de"

typedef enum { BY_COOKIE, BY_TOKEN } Way;

typedef struct {
    Fixture *self;
    char *invitation, *member, *reset, *email, *token_id; /* ids that deeds are about */
} Scene;

static char *id_of(const Reply *reply, int status, const char *path)
{
    assert_reply(reply, status, NULL);
    return g_strdup(reply_text(reply, path));
}

/* What the deeds are about: an open invitation, a member, a reset, a mail and a token. */
static int start_scene(void **state)
{
    Scene *scene = g_new0(Scene, 1);
    Fixture *self = scene->self = fixture_new();
    sign_up(self);
    g_autoptr(Reply) bea =
        ask_control(self, "POST /v1/invitations", "{\"email\":\"" BEA "\",\"role\":\"member\"}");
    assert_reply(bea, 201, NULL);
    g_autofree char *body =
        g_strdup_printf("{\"token\":\"%s\",\"name\":\"Bea\",\"password\":\"" PASSWORD "\"}",
            strrchr(reply_text(bea, "link"), '/') + 1);
    g_autoptr(Reply) joined = ask(self, "POST /v1/invitations/accept", "", body);
    scene->member = id_of(joined, 201, "member.id");
    g_autoptr(Reply) open = ask_control(
        self, "POST /v1/invitations", "{\"email\":\"carl@example.de\",\"role\":\"member\"}");
    scene->invitation = id_of(open, 201, "id");
    g_autoptr(Reply) token =
        ask_control(self, "POST /v1/tokens", "{\"name\":\"shop\",\"scopes\":[\"emails:send\"]}");
    scene->token_id = id_of(token, 201, "id");
    make_token(self, "[\"emails:send\",\"emails:read\",\"people:write\"]");
    g_autofree char *line = g_strdup_printf("POST /v1/members/%s/reset-link", scene->member);
    g_autoptr(Reply) link = ask_control(self, line, NULL);
    assert_reply(link, 201, NULL);
    g_autoptr(Reply) resets = ask_control(self, "GET /v1/password-resets", NULL);
    scene->reset = id_of(resets, 200, "data.0.id");
    g_autoptr(Reply) mail = ask_control(self, "POST /v1/emails",
        "{\"from\":\"a@example.de\",\"to\":\"b@example.de\",\"subject\":\"s\",\"text\":\"t\"}");
    scene->email = id_of(mail, 200, "id");
    *state = scene;
    return 0;
}

static int stop_scene(void **state)
{
    Scene *scene = *state;
    fixture_free(scene->self);
    g_free(scene->invitation);
    g_free(scene->member);
    g_free(scene->reset);
    g_free(scene->email);
    g_free(scene->token_id);
    g_free(scene);
    return 0;
}

/* --- What is done to the caller -------------------------------------------------------------- */

typedef struct {
    const char *name;
    Way way; /* in which the caller comes */
    const char *sql;
} Withdrawal;

static gboolean nothing_job(Db *db, gpointer data, GError **error)
{
    return TRUE;
}

static gboolean wake(gpointer woken)
{
    g_async_queue_push(woken, woken);
    return G_SOURCE_REMOVE;
}

/* Until the table in memory was read again for all that was committed: its keeper does so 50 ms
 * after a commit, and what is due later comes later. */
static void settle(const Fixture *self)
{
    g_autoptr(GAsyncQueue) woken = g_async_queue_new();
    assert_true(store_run(self->store, nothing_job, NULL, NULL)); /* all before it was announced */
    GSource *source = g_timeout_source_new(100);
    g_source_set_callback(source, wake, woken, NULL);
    g_source_attach(source, self->api->keeper_context);
    g_source_unref(source);
    g_async_queue_pop(woken);
}

static gboolean withdraw_job(Db *db, gpointer data, GError **error)
{
    const Withdrawal *withdrawal = data;
    return db_exec(db, withdrawal->sql, error) && db_changes(db) == 1;
}

static const Withdrawal withdrawals[] = {
    {"removed", BY_COOKIE, "UPDATE members SET removed_at = 1 WHERE email = '" EMAIL "'"},
    {"made a member", BY_COOKIE, "UPDATE members SET role = 1 WHERE email = '" EMAIL "'"},
    {"signed out elsewhere", BY_COOKIE,
        "DELETE FROM sessions WHERE member_row = (SELECT row FROM members WHERE email = '" EMAIL
        "')"},
    {"session too old", BY_COOKIE,
        "UPDATE sessions SET expires_at = 1 WHERE member_row = (SELECT row FROM members WHERE "
        "email = '" EMAIL "')"},
    {"token revoked", BY_TOKEN, "UPDATE tokens SET revoked_at = 1 WHERE name = 'app'"},
    {"token too old", BY_TOKEN, "UPDATE tokens SET expires_at = 1 WHERE name = 'app'"},
    {"token with fewer rights", BY_TOKEN,
        "UPDATE tokens SET scopes = scopes & ~16 WHERE name = 'app'"},
};

/* --- What the caller wants done -------------------------------------------------------------- */

typedef struct {
    const char *line; /* %s: the id of what it is about */
    gsize id_at;      /* in Scene */
    const char *body;
    const char *action; /* that would stand in the audit log; NULL: none would */
} Wish;

static const Wish wishes[] = {
    {"POST /v1/invitations", 0, "{\"email\":\"dora@example.de\",\"role\":\"member\"}",
        "invitation.created"},
    {"POST /v1/invitations/%s/resend", offsetof(Scene, invitation), NULL, "invitation.resent"},
    {"POST /v1/invitations/%s/link", offsetof(Scene, invitation), NULL, "invitation.link_copied"},
    {"POST /v1/invitations/%s/revoke", offsetof(Scene, invitation), NULL, "invitation.revoked"},
    {"POST /v1/members/%s/reset-link", offsetof(Scene, member), NULL, "reset.link_copied"},
    {"POST /v1/password-resets/%s/link", offsetof(Scene, reset), NULL, "reset.link_copied"},
    {"POST /v1/password-resets/%s/dismiss", offsetof(Scene, reset), NULL, "reset.dismissed"},
    {"PATCH /v1/members/%s", offsetof(Scene, member), "{\"name\":\"Beate\"}", "member.changed"},
    {"DELETE /v1/members/%s", offsetof(Scene, member), NULL, "member.removed"},
    {"POST /v1/tokens", 0, "{\"name\":\"way back\",\"scopes\":[\"emails:send\"]}", "token.created"},
    {"PATCH /v1/tokens/%s", offsetof(Scene, token_id), "{\"name\":\"other\"}", "token.changed"},
    {"DELETE /v1/tokens/%s", offsetof(Scene, token_id), NULL, "token.revoked"},
    {"POST /v1/emails", 0,
        "{\"from\":\"a@example.de\",\"to\":\"b@example.de\",\"subject\":\"s\",\"text\":\"late\"}",
        NULL},
    {"POST /v1/emails/%s/cancel", offsetof(Scene, email), NULL, "email.cancelled"},
    {"POST /v1/emails/bulk", 0, "{\"action\":\"cancel\",\"filter\":{}}", "emails.bulk"},
};

static Reply *ask_for(const Scene *scene, Way way, const Wish *wish)
{
    const Fixture *self = scene->self;
    const char *id = wish->id_at ? G_STRUCT_MEMBER(char *, scene, wish->id_at) : "";
    g_auto(GStrv) parts = g_strsplit(wish->line, "%s", 2);
    g_autofree char *line = g_strjoin(NULL, parts[0], id, parts[0] ? parts[1] : NULL, NULL);
    return way == BY_TOKEN ? ask_token(self, line, "", wish->body)
                           : ask_member(self, line, "", wish->body);
}

static gint64 events_of(const Fixture *self, const char *action)
{
    g_autofree char *line = g_strdup_printf("GET /v1/audit-events?action=%s", action);
    g_autoptr(Reply) reply = ask_control(self, line, NULL);
    assert_reply(reply, 200, NULL);
    return (gint64)json_array_size(reply_at(reply, "data"));
}

static gint64 mails_of(const Fixture *self)
{
    g_autoptr(Reply) reply = ask_control(self, "GET /v1/emails?limit=200", NULL);
    assert_reply(reply, 200, NULL);
    return (gint64)json_array_size(reply_at(reply, "data"));
}

static void expect_nothing_done(const Scene *scene, Way way, const Wish *wish, const char *why)
{
    const Fixture *self = scene->self;
    gint64 events = wish->action ? events_of(self, wish->action) : 0, mails = mails_of(self);
    g_autoptr(Reply) reply = ask_for(scene, way, wish);
    if (reply->status != 401)
        print_error("%s, %s\n", why, wish->line);
    assert_reply(reply, 401, way == BY_TOKEN ? "invalid_token" : "session_expired");
    assert_null(reply_at(reply, "link"));
    assert_int_equal(mails_of(self), mails);
    if (wish->action)
        assert_int_equal(events_of(self, wish->action), events);
}

static void nothing_is_done_for_whose_right_has_ended(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(withdrawals); i++) {
        void *fresh = NULL;
        start_scene(&fresh);
        Scene *scene = fresh;
        settle(scene->self);
        assert_true(store_run(scene->self->store, withdraw_job, (gpointer)&withdrawals[i], NULL));
        for (gsize k = 0; k < G_N_ELEMENTS(wishes); k++)
            expect_nothing_done(scene, withdrawals[i].way, &wishes[k], withdrawals[i].name);
        stop_scene(&fresh);
    }
}

/* Else the refusals above would prove nothing. */
static void all_of_it_is_done_for_others(void **state)
{
    for (Way way = BY_COOKIE; way <= BY_TOKEN; way++) {
        for (gsize k = 0; k < G_N_ELEMENTS(wishes); k++) {
            void *fresh = NULL;
            start_scene(&fresh);
            Scene *scene = fresh;
            gint64 events = wishes[k].action ? events_of(scene->self, wishes[k].action) : 0;
            g_autoptr(Reply) reply = ask_for(scene, way, &wishes[k]);
            if (reply->status / 100 != 2)
                print_error("%s: %d %s\n", wishes[k].line, reply->status, reply->body);
            assert_int_equal(reply->status / 100, 2);
            if (wishes[k].action)
                assert_int_equal(events_of(scene->self, wishes[k].action), events + 1);
            stop_scene(&fresh);
        }
    }
}

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_done_for_whose_right_has_ended),
        cmocka_unit_test(all_of_it_is_done_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
