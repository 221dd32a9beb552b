/* Event streams as long as somebody may listen (threats T44, T52): the heartbeat, how soon a change
 * is told, and every way in which a stream ends with its session. A second session listens beside
 * it, and goes on. */
#include "api/credentials.h"
#include "api/sse.h"
#include "api/state.h"
#include "base/limits.h"
#include "fixture.h"

#define WAIT_S 60 /* by then what is to come has come on any machine */

/* --- Tabs that listen ----------------------------------------------------------------------- */

typedef struct {
    char *cookie, *csrf;
    GSocketConnection *events;
    GString *heard;
} Tab;

static void tab_clear(Tab *tab)
{
    g_clear_object(&tab->events);
    g_free(tab->cookie);
    g_free(tab->csrf);
    g_string_free(tab->heard, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tab, tab_clear)

/* Reads on until this was heard; FALSE: the stream has ended before. */
static gboolean hears(Tab *tab, const char *needle)
{
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(tab->events));
    g_socket_set_timeout(g_socket_connection_get_socket(tab->events), WAIT_S);
    while (!strstr(tab->heard->str, needle)) {
        char buffer[4096];
        g_autoptr(GError) error = NULL;
        gssize n = g_input_stream_read(in, buffer, sizeof buffer, NULL, &error);
        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
            fail_msg("neither %s nor an end within %d s", needle, WAIT_S);
        if (n <= 0)
            return FALSE;
        g_string_append_len(tab->heard, buffer, n);
    }
    return TRUE;
}

/* By the last chunk, or at once; that it goes on is what fails. */
static void expect_end(Tab *tab)
{
    (void)hears(tab, "\r\n0\r\n\r\n");
}

/* Whatever was heard before is forgotten. */
static gboolean hears_a_beat(Fixture *self, Tab *tab)
{
    g_string_truncate(tab->heard, 0);
    sse_beat(self->api->sse);
    return hears(tab, ": still here\n\n");
}

static void listen_with(Fixture *self, Tab *tab)
{
    tab->heard = g_string_new(NULL);
    tab->events = connect_tcp(self);
    g_autofree char *request =
        g_strdup_printf("GET /v1/smtp/events HTTP/1.1\r\nHost: localhost\r\nCookie: "
                        "absender_session=%s\r\n\r\n",
            tab->cookie);
    send_bytes(tab->events, request, strlen(request));
    assert_true(hears(tab, "event: status"));
}

/* Signs in once more, as a browser of its own, and listens. */
static void open_tab(Fixture *self, Tab *tab, const char *email)
{
    g_autofree char *body =
        g_strdup_printf("{\"email\":\"%s\",\"password\":\"" PASSWORD "\"}", email);
    g_autoptr(Reply) reply = ask(self, "POST /v1/sessions", "", body);
    assert_reply(reply, 200, NULL);
    g_autofree char *cookie = reply_header(reply, "Set-Cookie");
    const char *value = strchr(cookie, '=') + 1;
    tab->cookie = g_strndup(value, strcspn(value, ";"));
    tab->csrf = g_strdup(reply_text(reply, "csrf_token"));
    listen_with(self, tab);
}

static Reply *ask_tab(Fixture *self, const Tab *tab, const char *line, const char *body)
{
    g_autofree char *headers = g_strdup_printf(
        "Cookie: absender_session=%s\r\nX-CSRF-Token: %s\r\n", tab->cookie, tab->csrf);
    return ask(self, line, headers, body);
}

/* The id of the session that this tab has. */
static char *session_of(Fixture *self, const Tab *tab)
{
    g_autoptr(Reply) list = ask_tab(self, tab, "GET /v1/account/sessions", NULL);
    assert_reply(list, 200, NULL);
    size_t i;
    json_t *one;
    json_array_foreach(reply_at(list, "data"), i, one)
    {
        if (json_is_true(json_object_get(one, "is_current")))
            return g_strdup(json_string_value(json_object_get(one, "id")));
    }
    fail_msg("no session is the current one");
    return NULL;
}

/* --- Time ------------------------------------------------------------------------------------ */

static void a_heartbeat_comes_to_all(void **state)
{
    Fixture *self = *state;
    g_auto(Tab) one = {0}, other = {0};
    open_tab(self, &one, EMAIL);
    open_tab(self, &other, EMAIL);
    assert_true(hears_a_beat(self, &one));
    assert_true(hears(&other, ": still here\n\n"));
    assert_true(hears_a_beat(self, &one));
}

typedef struct {
    guint8 hash[PEOPLE_HASH_BYTES];
    WallMs expires_at, used_at;
} Aging;

static gboolean age_job(Db *db, gpointer data, GError **error)
{
    const Aging *aging = data;
    g_autoptr(DbQuery) q = db_query(
        db, "UPDATE sessions SET expires_at = $1, created_at = $2, used_at = $2 WHERE hash = $3");
    db_bind_int(q, 1, aging->expires_at);
    db_bind_int(q, 2, aging->used_at);
    db_bind_blob(q, 3, aging->hash, sizeof aging->hash);
    db_next(q);
    return db_finish(q, error) && db_changes(db) == 1;
}

/* No commit tells of it: the next beat finds it out. */
static void a_stream_ends_when_the_time_of_its_session_is_over(void **state)
{
    Fixture *self = *state;
    const WallMs now = clock_wall_ms();
    const struct {
        WallMs expires_at, used_at;
    } rows[] = {
        {now - 1, now - CLOCK_MINUTE_MS},                      /* over */
        {now + CLOCK_DAY_MS, now - LIMIT_SESSION_IDLE_MS - 1}, /* not used for long */
    };
    g_auto(Tab) young = {0};
    open_tab(self, &young, EMAIL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Tab) old = {0};
        open_tab(self, &old, EMAIL);
        Aging aging = {.expires_at = rows[i].expires_at, .used_at = rows[i].used_at};
        g_autoptr(Secret) token = secret_new(old.cookie, strlen(old.cookie));
        people_hash(token, aging.hash);
        g_autoptr(GError) error = NULL;
        store_run(self->store, age_job, &aging, &error);
        assert_null(error);
        credentials_remove(self->api->credentials, aging.hash); /* what is in memory is younger */
        assert_true(credentials_reload(self->api->credentials, NULL));
        assert_true(hears_a_beat(self, &young));
        expect_end(&old);
    }
}

/* --- What is told ---------------------------------------------------------------------------- */

#define ROUND_MS 500 /* half of what lies between two tellings of the counters */

typedef struct {
    gboolean has_counters, has_sending;
} Notes;

static gboolean note_job(Db *db, gpointer data, GError **error)
{
    const Notes *notes = data;
    if (notes->has_counters)
        store_note_change(db, STORE_CHANGED_QUEUE, STORE_DEFAULT_ORG, NULL);
    if (notes->has_sending)
        store_note_change(db, STORE_CHANGED_SENDING, STORE_DEFAULT_ORG, NULL);
    return TRUE;
}

/* Until this was heard, and what came with it. */
static void note(Fixture *self, Tab *tab, Notes notes, const char *event)
{
    g_string_truncate(tab->heard, 0);
    assert_true(store_run(self->store, note_job, &notes, NULL));
    assert_true(hears(tab, event));
    assert_true(hears_a_beat(self, tab)); /* that turn is over, and the next one stands */
}

/* The counters' next turn is most of a second off. Whoever is kept waiting for it waits so long in
 * every round; a machine that is slow by itself is not in all of them. */
static void a_change_does_not_wait_for_the_counters(void **state)
{
    Fixture *self = *state;
    g_auto(Tab) tab = {0};
    open_tab(self, &tab, EMAIL);
    MonoMs took = G_MAXINT64, until = clock_mono_ms() + WAIT_S * CLOCK_SECOND_MS;
    while (took >= ROUND_MS && clock_mono_ms() < until) {
        note(self, &tab, (Notes){.has_counters = TRUE}, "event: status");
        note(self, &tab, (Notes){.has_counters = TRUE, .has_sending = TRUE}, "event: sending");
        MonoMs begun = clock_mono_ms();
        note(self, &tab, (Notes){.has_sending = TRUE}, "event: sending");
        took = clock_mono_ms() - begun;
    }
    assert_in_range(took, 0, ROUND_MS - 1);
}

/* --- Deeds ----------------------------------------------------------------------------------- */

static void a_new_password_ends_the_streams_of_all_other_sessions(void **state)
{
    Fixture *self = *state;
    g_auto(Tab) here = {0}, there = {0};
    open_tab(self, &here, EMAIL);
    open_tab(self, &there, EMAIL);
    g_autoptr(Reply) reply = ask_tab(self, &here, "POST /v1/account/password",
        "{\"current_password\":\"" PASSWORD "\",\"new_password\":\"another staple of a horse\"}");
    assert_reply(reply, 200, NULL);
    expect_end(&there);
    expect_end(&here); /* it comes back with its new session */
}

static void a_session_that_is_ended_elsewhere_hears_no_more(void **state)
{
    Fixture *self = *state;
    g_auto(Tab) here = {0}, there = {0}, third = {0};
    open_tab(self, &here, EMAIL);
    open_tab(self, &there, EMAIL);
    open_tab(self, &third, EMAIL);
    g_autofree char *id = session_of(self, &there);
    g_autofree char *line = g_strdup_printf("DELETE /v1/account/sessions/%s", id);
    g_autoptr(Reply) ended = ask_tab(self, &here, line, NULL);
    assert_reply(ended, 200, NULL);
    expect_end(&there);
    assert_true(hears_a_beat(self, &here));
    assert_true(hears(&third, ": still here\n\n"));
    g_autoptr(Reply) others = ask_tab(self, &here, "DELETE /v1/account/sessions", NULL);
    assert_reply(others, 200, NULL);
    expect_end(&third);
    assert_true(hears_a_beat(self, &here));
}

static void a_new_role_ends_the_streams_of_the_old_one(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) invited = ask_control(
        self, "POST /v1/invitations", "{\"email\":\"bea@example.de\",\"role\":\"org_admin\"}");
    assert_reply(invited, 201, NULL);
    g_autofree char *body =
        g_strdup_printf("{\"token\":\"%s\",\"name\":\"Bea\",\"password\":\"" PASSWORD "\"}",
            strrchr(reply_text(invited, "link"), '/') + 1);
    g_autoptr(Reply) joined = ask(self, "POST /v1/invitations/accept", "", body);
    assert_reply(joined, 201, NULL);
    g_auto(Tab) hers = {0}, mine = {0};
    open_tab(self, &hers, "bea@example.de");
    open_tab(self, &mine, EMAIL);
    g_autofree char *line =
        g_strdup_printf("PATCH /v1/members/%s", reply_text(joined, "member.id"));
    g_autoptr(Reply) changed = ask_tab(self, &mine, line, "{\"role\":\"member\"}");
    assert_reply(changed, 200, NULL);
    expect_end(&hers);
    assert_true(hears_a_beat(self, &mine));
}

int main(void)
{
    secret_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_heartbeat_comes_to_all, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_stream_ends_when_the_time_of_its_session_is_over, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_change_does_not_wait_for_the_counters, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_new_password_ends_the_streams_of_all_other_sessions, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_session_that_is_ended_elsewhere_hears_no_more, start_signed_up, stop_fixture),
        cmocka_unit_test_setup_teardown(
            a_new_role_ends_the_streams_of_the_old_one, start_signed_up, stop_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
