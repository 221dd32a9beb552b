/* What an application may do with its token beyond its scopes: senders, networks, quota. */
#include "fixture.h"

#include "api/state.h"
#include "api/token_limits.h"
#include "base/limits.h"
#include "base/secret.h"

#define HELLO "\"subject\":\"Hello\",\"text\":\"Hello\""
#define NOBODY "tok_00000000000000000000000000000000"

/* Makes a token with these further members of the request; its id (the caller frees). */
static char *make_limited(Fixture *self, const char *more)
{
    g_autofree char *body =
        g_strdup_printf("{\"name\":\"shop\",\"scopes\":[\"emails:send\",\"emails:read\"]%s%s}",
            *more ? "," : "", more);
    g_autoptr(Reply) reply = ask_member(self, "POST /v1/tokens", "", body);
    assert_reply(reply, 201, NULL);
    g_free(self->token);
    self->token = g_strdup(reply_text(reply, "token"));
    return g_strdup(reply_text(reply, "id"));
}

static Reply *ask_of(Fixture *self, const char *method, const char *id, const char *body)
{
    g_autofree char *line = g_strdup_printf("%s /v1/tokens/%s", method, id);
    return ask_member(self, line, "", body);
}

static Reply *send_from(Fixture *self, const char *from, const char *to, const char *headers)
{
    g_autofree char *body = g_strdup_printf("{\"from\":\"%s\",\"to\":%s," HELLO "}", from, to);
    return ask_token(self, "POST /v1/emails", headers, body);
}

static Reply *send_to(Fixture *self, const char *to)
{
    return send_from(self, "shop@example.de", to, "");
}

static char *compact(const Reply *reply, const char *path)
{
    return json_dumps(reply_at(reply, path), JSON_COMPACT | JSON_ENCODE_ANY);
}

static void assert_compact(const Reply *reply, const char *path, const char *wanted)
{
    g_autofree char *text = compact(reply, path);
    assert_string_equal(text, wanted);
}

/* --- Reading and writing --------------------------------------------------------------------- */

static void limits_are_kept_in_one_spelling_and_shown(void **state)
{
    Fixture *self = *state;
    g_autofree char *id = make_limited(self,
        "\"from_addresses\":[\"shop@MÜLLER.de\",\"shop@müller.de\"],"
        "\"networks\":[\"10.0.0.0/8\",\"192.0.2.7\",\"2001:DB8::/32\",\"192.0.2.7/32\"],"
        "\"quota\":{\"per_hour\":100,\"per_day\":0},\"expires_at\":\"2099-01-01T00:00:00Z\"");
    g_autoptr(Reply) token = ask_of(self, "GET", id, NULL);
    assert_reply(token, 200, NULL);
    assert_string_equal(reply_text(token, "object"), "token");
    assert_string_equal(reply_text(token, "created_by"), EMAIL);
    assert_string_equal(reply_text(token, "expires_at"), "2099-01-01T00:00:00.000Z");
    assert_compact(token, "from_addresses", "[\"shop@xn--mller-kva.de\"]");
    assert_compact(token, "networks", "[\"10.0.0.0/8\",\"192.0.2.7\",\"2001:db8::/32\"]");
    assert_compact(token, "quota", "{\"per_minute\":null,\"per_hour\":100,\"per_day\":null}");
    assert_compact(token, "usage", "{\"minute\":0,\"hour\":0,\"day\":0}");
    assert_null(strstr(token->body, self->token));

    g_autofree char *free_id = make_limited(self, "\"from_addresses\":null,\"quota\":{}");
    g_autoptr(Reply) list = ask_member(self, "GET /v1/tokens", "", NULL);
    assert_string_equal(reply_text(list, "data.0.id"), free_id);
    assert_compact(list, "data.0.from_addresses", "null");
    assert_compact(list, "data.0.networks", "null");
    assert_compact(list, "data.0.quota", "null");
    assert_string_equal(reply_text(list, "data.1.id"), id);
}

static void what_is_wrong_is_named(void **state)
{
    Fixture *self = *state;
    static const struct {
        const char *name, *more, *pointer, *code;
    } rows[] = {
        {"no address", "\"from_addresses\":[\"shop\"]", "/from_addresses/0", "invalid_address"},
        {"a mailbox", "\"from_addresses\":[\"A <a@b.de>\"]", "/from_addresses/0",
            "invalid_address"},
        {"a number", "\"from_addresses\":[7]", "/from_addresses/0", "wrong_type"},
        {"an empty list", "\"from_addresses\":[]", "/from_addresses", "required"},
        {"no list", "\"networks\":\"10.0.0.0/8\"", "/networks", "wrong_type"},
        {"no network", "\"networks\":[\"::1\",\"home\"]", "/networks/1", "invalid_network"},
        {"bits behind the mask", "\"networks\":[\"10.0.0.1/8\"]", "/networks/0", "invalid_network"},
        {"too long a mask", "\"networks\":[\"10.0.0.0/33\"]", "/networks/0", "invalid_network"},
        {"a negative quota", "\"quota\":{\"per_day\":-1}", "/quota/per_day", "out_of_range"},
        {"too large a quota", "\"quota\":{\"per_day\":1000001}", "/quota/per_day", "out_of_range"},
        {"another window", "\"quota\":{\"per_week\":1}", "/quota/per_week", "unknown_field"},
        {"a past expiry", "\"expires_at\":\"2020-01-01T00:00:00Z\"", "/expires_at", "invalid_time"},
        {"another member", "\"org_id\":2", "/org_id", "unknown_field"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *body =
            g_strdup_printf("{\"name\":\"x\",\"scopes\":[\"emails:send\"],%s}", rows[i].more);
        g_autoptr(Reply) reply = ask_member(self, "POST /v1/tokens", "", body);
        if (reply->status != 422)
            print_error("%s\n", rows[i].name);
        assert_reply(reply, 422, NULL);
        assert_string_equal(reply_text(reply, "errors.0.pointer"), rows[i].pointer);
        assert_string_equal(reply_text(reply, "errors.0.code"), rows[i].code);
    }
    GString *many = g_string_new("\"networks\":[\"10.0.0.0\"");
    for (guint i = 0; i < LIMIT_TOKEN_NETWORKS; i++)
        g_string_append_printf(many, ",\"10.0.0.%u\"", i + 1);
    g_autofree char *body =
        g_strdup_printf("{\"name\":\"x\",\"scopes\":[\"emails:send\"],%s]}", many->str);
    g_string_free(many, TRUE);
    g_autoptr(Reply) reply = ask_member(self, "POST /v1/tokens", "", body);
    assert_reply(reply, 422, "too_many");
}

static void a_change_keeps_what_it_does_not_name(void **state)
{
    Fixture *self = *state;
    g_autofree char *id = make_limited(self, "\"from_addresses\":[\"shop@example.de\"],"
                                             "\"networks\":[\"10.0.0.0/8\"],"
                                             "\"quota\":{\"per_hour\":5,\"per_day\":9}");
    g_autoptr(Reply) named = ask_of(self, "PATCH", id, "{\"name\":\"till\"}");
    assert_reply(named, 200, NULL);
    assert_string_equal(reply_text(named, "name"), "till");
    assert_compact(named, "from_addresses", "[\"shop@example.de\"]");
    assert_compact(named, "networks", "[\"10.0.0.0/8\"]");
    g_autoptr(Reply) whole = ask_of(self, "PATCH", id, "{\"quota\":{\"per_hour\":6}}");
    assert_compact(whole, "quota", "{\"per_minute\":null,\"per_hour\":6,\"per_day\":null}");
    g_autoptr(Reply) freed =
        ask_of(self, "PATCH", id, "{\"networks\":null,\"from_addresses\":null,\"quota\":null}");
    assert_compact(freed, "networks", "null");
    assert_compact(freed, "from_addresses", "null");
    assert_compact(freed, "quota", "null");
    g_autoptr(Reply) read = ask_of(self, "GET", id, NULL);
    assert_compact(read, "networks", "null");
    assert_string_equal(reply_text(read, "name"), "till");

    g_autoptr(Reply) scopes = ask_of(self, "PATCH", id, "{\"scopes\":[\"smtp:write\"]}");
    assert_reply(scopes, 422, "unknown_field");
    g_autoptr(Reply) nameless = ask_of(self, "PATCH", id, "{\"name\":null}");
    assert_reply(nameless, 422, "required");
}

static void what_is_not_there_is_not_found(void **state)
{
    Fixture *self = *state;
    g_autofree char *id = make_limited(self, "");
    g_autoptr(Reply) revoked = ask_of(self, "DELETE", id, NULL);
    assert_reply(revoked, 200, NULL);
    const char *const ids[] = {id, NOBODY};
    for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autoptr(Reply) read = ask_of(self, "GET", ids[i], NULL);
        assert_reply(read, 404, "not_found");
        g_autoptr(Reply) changed = ask_of(self, "PATCH", ids[i], "{\"name\":\"x\"}");
        assert_reply(changed, 404, "not_found");
    }
}

static void a_changed_expiry_counts_at_once(void **state)
{
    Fixture *self = *state;
    g_autofree char *id = make_limited(self, "\"expires_at\":\"2099-01-01T00:00:00Z\"");
    gint64 soon = g_get_real_time() + 400000;
    g_autofree char *time = clock_format_rfc3339(soon / 1000);
    g_autofree char *body = g_strdup_printf("{\"expires_at\":\"%s\"}", time);
    g_autoptr(Reply) changed = ask_of(self, "PATCH", id, body);
    assert_reply(changed, 200, NULL);
    g_autoptr(Reply) before = ask_token(self, "GET /v1/emails", "", NULL);
    assert_reply(before, 200, NULL);
    g_usleep((gulong)MAX(soon - g_get_real_time(), 0) + 5000);
    g_autoptr(Reply) after = ask_token(self, "GET /v1/emails", "", NULL);
    assert_reply(after, 401, "invalid_token");
    g_autoptr(Reply) renewed = ask_of(self, "PATCH", id, "{\"expires_at\":null}");
    assert_reply(renewed, 200, NULL);
    g_autoptr(Reply) again = ask_token(self, "GET /v1/emails", "", NULL);
    assert_reply(again, 200, NULL);
}

static void the_last_use_is_shown_at_once(void **state)
{
    Fixture *self = *state;
    g_autofree char *id = make_limited(self, "");
    g_autoptr(Reply) before = ask_of(self, "GET", id, NULL);
    assert_true(json_is_null(reply_at(before, "used_at")));
    reply_free(ask_token(self, "GET /v1/emails", "", NULL));
    g_autoptr(Reply) after = ask_of(self, "GET", id, NULL);
    assert_true(json_is_string(reply_at(after, "used_at")));
}

static void there_are_only_so_many(void **state)
{
    Fixture *self = *state;
    for (guint i = 0; i < LIMIT_TOKENS; i++)
        g_free(make_limited(self, ""));
    static const char one[] = "{\"name\":\"x\",\"scopes\":[\"emails:send\"]}";
    g_autoptr(Reply) more = ask_member(self, "POST /v1/tokens", "", one);
    assert_reply(more, 409, "too_many_tokens");
}

/* --- Who may give --------------------------------------------------------------------------- */

static void who_is_limited_gives_nothing_away(void **state)
{
    Fixture *self = *state;
    static const struct {
        const char *name, *limits;
        int status;
    } rows[] = {
        {"free", "", 201},
        {"sender", ",\"from_addresses\":[\"a@example.de\"]", 403},
        {"network", ",\"networks\":[\"127.0.0.1\"]", 403},
        {"quota", ",\"quota\":{\"per_day\":9}", 403},
        {"end", ",\"expires_at\":\"2099-01-01T00:00:00Z\"", 403},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *body = g_strdup_printf(
            "{\"name\":\"%s\",\"scopes\":[\"people:write\"]%s}", rows[i].name, rows[i].limits);
        g_autoptr(Reply) giver = ask_member(self, "POST /v1/tokens", "", body);
        assert_reply(giver, 201, NULL);
        g_free(self->token);
        self->token = g_strdup(reply_text(giver, "token"));
        g_autoptr(Reply) made = ask_token(
            self, "POST /v1/tokens", "", "{\"name\":\"x\",\"scopes\":[\"people:write\"]}");
        assert_reply(made, rows[i].status, rows[i].status == 403 ? "scope_not_allowed" : NULL);
        g_autofree char *itself = g_strdup_printf("PATCH /v1/tokens/%s", reply_text(giver, "id"));
        g_autoptr(Reply) freed = ask_token(
            self, itself, "", "{\"quota\":null,\"networks\":null,\"from_addresses\":null}");
        assert_reply(freed, 403, "scope_not_allowed");
        g_autoptr(Reply) prolonged = ask_token(self, itself, "", "{\"expires_at\":null}");
        assert_reply(prolonged, 403, "scope_not_allowed");
    }
}

static void who_is_limited_opens_no_account(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) invited = ask_member(
        self, "POST /v1/invitations", "", "{\"email\":\"b@example.de\",\"role\":\"member\"}");
    assert_reply(invited, 201, NULL);
    g_autoptr(Reply) members = ask_member(self, "GET /v1/members", "", NULL);
    g_autoptr(Reply) giver = ask_member(self, "POST /v1/tokens", "",
        "{\"name\":\"x\",\"scopes\":[\"emails:send\",\"emails:read\",\"smtp:read\",\"smtp:write\","
        "\"people:write\",\"audit:read\"],\"quota\":{\"per_day\":9}}");
    assert_reply(giver, 201, NULL);
    g_free(self->token);
    self->token = g_strdup(reply_text(giver, "token"));
    const char *member = reply_text(members, "data.0.id");
    g_autofree char *change = g_strdup_printf("PATCH /v1/members/%s", member);
    g_autofree char *reset = g_strdup_printf("POST /v1/members/%s/reset-link", member);
    g_autofree char *copy =
        g_strdup_printf("POST /v1/invitations/%s/link", reply_text(invited, "id"));
    const struct {
        const char *line, *body;
    } rows[] = {
        {"POST /v1/invitations", "{\"email\":\"c@example.de\",\"role\":\"member\"}"},
        {copy, NULL},
        {change, "{\"role\":\"org_admin\"}"},
        {reset, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Reply) reply = ask_token(self, rows[i].line, "", rows[i].body);
        assert_reply(reply, 403, "scope_not_allowed");
    }
}

static void nobody_changes_a_token_that_may_do_more(void **state)
{
    Fixture *self = *state;
    g_autoptr(Reply) strong = ask_member(self, "POST /v1/tokens", "",
        "{\"name\":\"strong\",\"scopes\":[\"smtp:write\"],\"networks\":[\"10.0.0.0/8\"]}");
    make_token(self, "[\"people:write\"]");
    g_autofree char *line = g_strdup_printf("PATCH /v1/tokens/%s", reply_text(strong, "id"));
    g_autoptr(Reply) changed = ask_token(self, line, "", "{\"networks\":null}");
    assert_reply(changed, 403, "scope_not_allowed");
}

/* --- In force -------------------------------------------------------------------------------- */

static void a_token_works_from_its_networks_only(void **state)
{
    Fixture *self = *state;
    static const struct {
        const char *networks;
        int status;
    } rows[] = {
        {"null", 200},
        {"[\"127.0.0.1\"]", 200},
        {"[\"10.0.0.0/8\"]", 403},
        {"[\"10.0.0.0/8\",\"127.0.0.0/8\"]", 200},
        {"[\"::1\",\"::/0\"]", 403},
        {"[\"0.0.0.0/0\"]", 200},
    };
    g_autofree char *id = make_limited(self, "");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *body = g_strdup_printf("{\"networks\":%s}", rows[i].networks);
        g_autoptr(Reply) changed = ask_of(self, "PATCH", id, body);
        assert_reply(changed, 200, NULL);
        g_autoptr(Reply) read = ask_token(self, "GET /v1/emails",
            "Accept: application/problem+json\r\nAccept-Language: de\r\n", NULL);
        assert_reply(read, rows[i].status, rows[i].status == 403 ? "network_not_allowed" : NULL);
        if (rows[i].status == 403)
            assert_string_equal(reply_text(read, "detail"),
                "Die Anfrage kommt von 127.0.0.1; von dort darf dieses Token nicht benutzt "
                "werden.");
    }
}

static void a_token_sends_from_its_addresses_only(void **state)
{
    Fixture *self = *state;
    static const struct {
        const char *from;
        int status;
    } rows[] = {
        {"shop@example.de", 200},
        {"Shop <shop@EXAMPLE.de>", 200},
        {"till@example.de", 200},
        {"SHOP@example.de", 403},
        {"boss@example.de", 403},
        {"shop@example.de.evil.example", 403},
    };
    g_free(
        make_limited(self, "\"from_addresses\":[\"shop@example.de\",\"\\\"till\\\"@example.de\"]"));
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Reply) reply = send_from(self, rows[i].from, "\"anna@example.org\"", "");
        if (reply->status != rows[i].status)
            print_error("%s\n", rows[i].from);
        assert_reply(
            reply, rows[i].status, rows[i].status == 403 ? "from_not_allowed_for_token" : NULL);
    }
    g_autoptr(Reply) batch = ask_token(self, "POST /v1/emails/batch", "",
        "[{\"from\":\"shop@example.de\",\"to\":\"a@example.org\"," HELLO "},"
        "{\"from\":\"boss@example.de\",\"to\":\"a@example.org\"," HELLO "}]");
    assert_reply(batch, 403, "from_not_allowed_for_token");
    g_autoptr(Reply) list = ask_token(self, "GET /v1/emails", "", NULL);
    assert_int_equal(json_array_size(reply_at(list, "data")), 3);
}

static void assert_refused_for_now(const Reply *reply, gint64 least_s, gint64 most_s)
{
    assert_reply(reply, 429, "token_quota_exceeded");
    g_autofree char *wait = reply_header(reply, "Retry-After");
    assert_non_null(wait);
    gint64 seconds = g_ascii_strtoll(wait, NULL, 10);
    assert_true(seconds >= least_s && seconds <= most_s);
}

static void a_quota_counts_recipients_and_says_when_there_is_room(void **state)
{
    Fixture *self = *state;
    g_autofree char *id = make_limited(self, "\"quota\":{\"per_minute\":3}");
    g_autoptr(Reply) two = send_to(self, "[\"a@example.org\",\"b@example.org\"]");
    assert_reply(two, 200, NULL);
    g_autoptr(Reply) two_more = send_to(self, "[\"c@example.org\",\"d@example.org\"]");
    assert_refused_for_now(two_more, 50, 62);
    g_autoptr(Reply) one = send_to(self, "\"e@example.org\"");
    assert_reply(one, 200, NULL);
    g_autoptr(Reply) none = send_to(self, "\"f@example.org\"");
    assert_refused_for_now(none, 50, 62);
    g_autoptr(Reply) never = ask_token(self, "POST /v1/emails/batch", "",
        "[{\"from\":\"a@b.de\",\"to\":[\"a@c.de\",\"b@c.de\"]," HELLO "},"
        "{\"from\":\"a@b.de\",\"to\":[\"a@c.de\",\"b@c.de\"]," HELLO "}]");
    assert_reply(never, 429, "token_quota_exceeded");
    g_autofree char *wait = reply_header(never, "Retry-After");
    assert_null(wait);

    g_autoptr(Reply) token = ask_of(self, "GET", id, NULL);
    assert_compact(token, "usage", "{\"minute\":3,\"hour\":3,\"day\":3}");
    g_autoptr(Reply) raised = ask_of(self, "PATCH", id, "{\"quota\":{\"per_minute\":4}}");
    assert_reply(raised, 200, NULL);
    g_autoptr(Reply) fourth = send_to(self, "\"f@example.org\"");
    assert_reply(fourth, 200, NULL);
    g_autoptr(Reply) list = ask_token(self, "GET /v1/emails", "", NULL);
    assert_int_equal(json_array_size(reply_at(list, "data")), 3);
}

static void a_repeat_counts_once_and_passes_a_quota_that_is_used_up(void **state)
{
    Fixture *self = *state;
    static const char key[] = "Idempotency-Key: k\r\n";
    g_autofree char *id = make_limited(self, "\"quota\":{\"per_day\":1}");
    g_autoptr(Reply) first = send_from(self, "a@example.de", "\"b@example.org\"", key);
    assert_reply(first, 200, NULL);
    g_autoptr(Reply) again = send_from(self, "a@example.de", "\"b@example.org\"", key);
    assert_reply(again, 200, NULL);
    assert_string_equal(reply_text(first, "id"), reply_text(again, "id"));
    g_autoptr(Reply) token = ask_of(self, "GET", id, NULL);
    assert_compact(token, "usage.day", "1");
}

static gboolean do_nothing(Db *db, gpointer data, GError **error)
{
    return TRUE;
}

static void a_quota_outlives_a_restart(void **state)
{
    Fixture *self = *state;
    g_autofree char *id = make_limited(self, "\"quota\":{\"per_day\":2}");
    g_autoptr(Reply) sent = send_to(self, "[\"a@example.org\",\"b@example.org\"]");
    assert_reply(sent, 200, NULL);
    api_stop(self->api);
    api_free(self->api);
    assert_true(store_run(self->store, do_nothing, NULL, NULL)); /* what it left is written */
    fixture_start_api(self);
    g_autoptr(Reply) refused = send_to(self, "\"c@example.org\"");
    assert_refused_for_now(refused, 23 * 3600, 25 * 3600);
    g_autoptr(Reply) token = ask_of(self, "GET", id, NULL);
    assert_compact(token, "usage", "{\"minute\":2,\"hour\":2,\"day\":2}");
}

static void each_token_has_its_own_quota_and_people_have_none(void **state)
{
    Fixture *self = *state;
    static const char body[] = "{\"from\":\"a@b.de\",\"to\":\"a@c.de\"," HELLO "}";
    g_free(make_limited(self, "\"quota\":{\"per_hour\":1}"));
    g_autoptr(Reply) first = send_to(self, "\"a@example.org\"");
    assert_reply(first, 200, NULL);
    g_autoptr(Reply) member = ask_member(self, "POST /v1/emails", "", body);
    assert_reply(member, 200, NULL);
    g_free(make_limited(self, "\"quota\":{\"per_hour\":1}"));
    g_autoptr(Reply) other = send_to(self, "\"a@example.org\"");
    assert_reply(other, 200, NULL);
    g_autoptr(Reply) more = send_to(self, "\"a@example.org\"");
    assert_refused_for_now(more, 3500, 3720);
}

/* --- What is not taken counts for nothing ------------------------------------------------------
 */

#define WAIT_STEPS 6000 /* of 10 ms */

typedef struct {
    GMutex mutex;
    GCond cond;
    gboolean may_go;
} Hold;

static gboolean hold_job(Db *db, gpointer data, GError **error)
{
    Hold *hold = data;
    g_mutex_lock(&hold->mutex);
    while (!hold->may_go)
        g_cond_wait(&hold->cond, &hold->mutex);
    g_mutex_unlock(&hold->mutex);
    return TRUE;
}

static void let_go(Hold *hold)
{
    g_mutex_lock(&hold->mutex);
    hold->may_go = TRUE;
    g_cond_signal(&hold->cond);
    g_mutex_unlock(&hold->mutex);
}

static gboolean sql_job(Db *db, gpointer data, GError **error)
{
    return db_exec(db, data, error);
}

static void run_sql(Fixture *self, const char *sql)
{
    g_autoptr(GError) error = NULL;
    store_run(self->store, sql_job, (gpointer)sql, &error);
    assert_null(error);
}

static gint64 row_of_newest_token(Fixture *self)
{
    Db *db = store_reader_take(self->store);
    DbQuery *q = db_query(db, "SELECT max(row) FROM tokens");
    gint64 row = db_next(q) ? db_int(q, 0) : 0;
    db_query_free(q);
    store_reader_give(self->store, db);
    return row;
}

static guint used_today(Fixture *self, gint64 token_row)
{
    return token_limits_use(self->api->token_limits, token_row, clock_steady_ms()).day;
}

static gpointer send_with_key(gpointer self)
{
    return send_from(self, "a@example.de", "\"b@example.org\"", "Idempotency-Key: k\r\n");
}

/* Both pass the look for an earlier one before either is written. */
static void two_at_once_with_one_key_count_once(void **state)
{
    Fixture *self = *state;
    Hold hold = {0};
    GThread *senders[2];
    Reply *replies[2];
    g_free(make_limited(self, "\"quota\":{\"per_day\":5}"));
    gint64 row = row_of_newest_token(self);
    assert_true(store_submit(self->store, hold_job, &hold, NULL, NULL, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(senders); i++)
        senders[i] = g_thread_new("sender", send_with_key, self);
    for (guint i = 0; i < WAIT_STEPS && used_today(self, row) < 2; i++)
        g_usleep(10000);
    assert_int_equal(used_today(self, row), 2);
    let_go(&hold);
    for (gsize i = 0; i < G_N_ELEMENTS(senders); i++)
        replies[i] = g_thread_join(senders[i]);
    assert_reply(replies[0], 200, NULL);
    assert_reply(replies[1], 200, NULL);
    assert_string_equal(reply_text(replies[0], "id"), reply_text(replies[1], "id"));
    assert_int_equal(used_today(self, row), 1);
    for (gsize i = 0; i < G_N_ELEMENTS(replies); i++)
        reply_free(replies[i]);
}

static void what_cannot_be_written_is_given_back(void **state)
{
    Fixture *self = *state;
    g_free(make_limited(self, "\"quota\":{\"per_day\":2}"));
    gint64 row = row_of_newest_token(self);
    run_sql(self, "CREATE TRIGGER fault BEFORE INSERT ON emails BEGIN "
                  "SELECT RAISE(ABORT, 'a fault'); END");
    for (guint i = 0; i < 3; i++) {
        g_autoptr(Reply) failed = send_to(self, "[\"a@example.org\",\"b@example.org\"]");
        assert_reply(failed, 503, "storage_unavailable");
        assert_int_equal(used_today(self, row), 0);
    }
    run_sql(self, "DROP TRIGGER fault");
    g_autoptr(Reply) sent = send_to(self, "[\"a@example.org\",\"b@example.org\"]");
    assert_reply(sent, 200, NULL);
    assert_int_equal(used_today(self, row), 2);
    api_stop(self->api);
    api_free(self->api);
    assert_true(store_run(self->store, do_nothing, NULL, NULL)); /* what it left is written */
    fixture_start_api(self);
    assert_int_equal(used_today(self, row), 2);
}

static void a_batch_for_which_there_is_no_room_counts_nothing(void **state)
{
    static const char batch[] = "[{\"from\":\"a@b.de\",\"to\":\"a@c.de\"," HELLO "}]";
    Fixture *self = *state;
    g_free(make_limited(self, "\"quota\":{\"per_day\":1}"));
    gint64 row = row_of_newest_token(self);
    g_atomic_int_set(&self->api->batch_emails, LIMIT_BATCH_EMAILS_WAITING);
    g_autoptr(Reply) busy = ask_token(self, "POST /v1/emails/batch", "", batch);
    assert_reply(busy, 503, "busy");
    assert_int_equal(used_today(self, row), 0);
    g_atomic_int_set(&self->api->batch_emails, 0);
    g_autoptr(Reply) sent = ask_token(self, "POST /v1/emails/batch", "", batch);
    assert_reply(sent, 200, NULL);
    assert_int_equal(used_today(self, row), 1);
}

/* --- The count itself, under a clock of the test's own ---------------------------------------- */

/* What is let through is what a quota that is summed up every time lets through. */
static void the_room_that_is_remembered_is_the_room_there_is(void **state)
{
    Token token = {.row = 7, .org_id = 1, .quota = {20, 300, 1500}};
    g_autoptr(TokenLimits) limits = token_limits_new(NULL);
    g_autoptr(Quota) oracle = quota_new();
    g_autoptr(GRand) random = g_rand_new_with_seed(4711);
    WallMs now = G_GINT64_CONSTANT(1795283520123);
    guint taken = 0, refused = 0, never = 0, given_back = 0;
    token_limits_put(limits, &token);
    for (guint i = 0; i < 20000; i++) {
        guint n = (guint)g_rand_int_range(random, 1, i % 50 == 0 ? 30 : 4);
        gboolean has_room = quota_room(oracle, &token.quota, now) >= n;
        WallMs taken_at = now, free_at = token_limits_take(limits, token.row, n, now);
        assert_int_equal(free_at == 0, has_room);
        if (has_room)
            quota_add(oracle, now, n);
        else
            assert_true(free_at > now);
        if (has_room && i % 5 == 0) { /* by then it may have left the minute */
            now += g_rand_int_range(random, 0, i % 100 ? CLOCK_SECOND_MS : 2 * CLOCK_MINUTE_MS);
            token_limits_give_back(limits, token.row, n, taken_at);
            quota_take_back(oracle, taken_at, n);
            given_back++;
        }
        if (!has_room && free_at != QUOTA_NEVER) /* who waits as long as was said finds room */
            assert_true(quota_room(oracle, &token.quota, free_at) >= n);
        taken += has_room ? 1 : 0;
        refused += has_room ? 0 : 1;
        never += free_at == QUOTA_NEVER ? 1 : 0;
        now += g_rand_int_range(random, 0, i % 100 == 0 ? CLOCK_HOUR_MS : 4 * CLOCK_SECOND_MS);
    }
    assert_true(taken > 1000 && refused > 1000 && never > 10 && given_back > 100);
    QuotaWindow windows[QUOTA_WINDOWS];
    quota_read(oracle, &token.quota, now, windows);
    assert_int_equal(token_limits_use(limits, token.row, now).day, windows[2].used);
}

static void a_changed_quota_forgets_the_room_of_the_former(void **state)
{
    Token token = {.row = 7, .org_id = 1, .quota = {100, 0, 0}};
    g_autoptr(TokenLimits) limits = token_limits_new(NULL);
    WallMs now = G_GINT64_CONSTANT(1795283520123);
    token_limits_put(limits, &token);
    assert_int_equal(token_limits_take(limits, token.row, 10, now), 0);
    token.quota.per_minute = 10;
    token_limits_put(limits, &token);
    assert_true(token_limits_take(limits, token.row, 1, now) > now);
    token.quota.per_minute = 0;
    token_limits_put(limits, &token);
    assert_int_equal(token_limits_take(limits, token.row, 1000, now), 0);
}

static void an_unknown_token_may_nothing(void **state)
{
    g_autoptr(TokenLimits) limits = token_limits_new(NULL);
    g_autofree char *allowed = NULL;
    assert_false(token_limits_admit(limits, 1, "127.0.0.1"));
    assert_false(token_limits_allow_sender(limits, 1, "a@example.de", &allowed));
    assert_string_equal(allowed, "");
    assert_true(token_limits_take(limits, 1, 1, 1) == QUOTA_NEVER);
    assert_true(token_limits_is_limited(limits, 1));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, start_signed_up, stop_fixture)

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        CASE(limits_are_kept_in_one_spelling_and_shown),
        CASE(what_is_wrong_is_named),
        CASE(a_change_keeps_what_it_does_not_name),
        CASE(what_is_not_there_is_not_found),
        CASE(a_changed_expiry_counts_at_once),
        CASE(the_last_use_is_shown_at_once),
        CASE(there_are_only_so_many),
        CASE(who_is_limited_gives_nothing_away),
        CASE(who_is_limited_opens_no_account),
        CASE(nobody_changes_a_token_that_may_do_more),
        CASE(a_token_works_from_its_networks_only),
        CASE(a_token_sends_from_its_addresses_only),
        CASE(a_quota_counts_recipients_and_says_when_there_is_room),
        CASE(a_repeat_counts_once_and_passes_a_quota_that_is_used_up),
        CASE(a_quota_outlives_a_restart),
        CASE(each_token_has_its_own_quota_and_people_have_none),
        CASE(two_at_once_with_one_key_count_once),
        CASE(what_cannot_be_written_is_given_back),
        CASE(a_batch_for_which_there_is_no_room_counts_nothing),
        cmocka_unit_test(the_room_that_is_remembered_is_the_room_there_is),
        cmocka_unit_test(a_changed_quota_forgets_the_room_of_the_former),
        cmocka_unit_test(an_unknown_token_may_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
