/* Where access tokens come from: with a real store and vault, and a token endpoint over TLS. */
#include "base/limits.h"
#include "courier/bearer.h"
#include "store/key_records.h"
#include "store/oauth_tokens.h"
#include "store/rewrap.h"
#include "store/smtp_settings.h"
#include "token_server.h"
#include "vault/keks.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "oauth_settings.h"
#include "run_until.h"

#define ORG STORE_DEFAULT_ORG
#define ASKERS 8

typedef struct {
    char *directory;
    GMainContext *context;
    Vault *vault;
    Store *store;
    NetDns *dns;
    NetPolicy *policy;
    TokenServer *server;
    Bearer *bearer;
    SmtpSettings *settings;
} World;

static void start_bearer(World *world)
{
    const BearerParts parts = {.context = world->context,
        .store = world->store,
        .vault = world->vault,
        .dns = world->dns,
        .policy = world->policy,
        .ca_file = token_server_ca_file(world->server)};
    world->bearer = bearer_new(&parts);
}

static void stop_bearer(World *world)
{
    bearer_stop(world->bearer);
    RUN_UNTIL(world, !bearer_is_busy(world->bearer));
    g_clear_pointer(&world->bearer, bearer_free);
}

static int set_up(void **state)
{
    World *world = g_new0(World, 1);
    world->directory = g_dir_make_tmp("absender-bearer-XXXXXX", NULL);
    world->context = g_main_context_default();
    g_autofree char *key = g_build_filename(world->directory, "key", NULL);
    g_autofree char *database = g_build_filename(world->directory, "absender.db", NULL);
    world->vault = vault_open(key, TRUE, NULL);
    const StoreConfig store = {.path = database, .full_sync = TRUE};
    world->store = store_open(&store, NULL, NULL);
    vault_set_instance(world->vault, store_instance(world->store));
    world->dns = net_dns_new(NULL, NULL);
    world->policy = net_policy_new();
    net_policy_allow(world->policy, "127.0.0.0/8", NULL);
    world->server = token_server_new(world->directory);
    const OauthWish wish = {0};
    world->settings =
        oauth_settings_new(&wish, token_server_url(world->server), world->vault, clock_wall_ms());
    start_bearer(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    World *world = *state;
    stop_bearer(world);
    token_server_free(world->server);
    settings_free(world->settings);
    store_close(world->store);
    net_policy_free(world->policy);
    net_dns_free(world->dns);
    vault_free(world->vault);
    g_autoptr(GDir) files = g_dir_open(world->directory, 0, NULL);
    for (const char *name; (name = g_dir_read_name(files)) != NULL;) {
        g_autofree char *path = g_build_filename(world->directory, name, NULL);
        g_unlink(path);
    }
    g_rmdir(world->directory);
    g_free(world->directory);
    g_free(world);
    return 0;
}

/* --- Asking -------------------------------------------------------------------------------------
 */

typedef struct {
    gboolean is_answered;
    BearerEnd end;
    char *token, *text, *sys, *scope, *server;
    guint64 number;
    gint64 age_ms, left_ms;
    int code;
} Got;

static void got_clear(Got *got)
{
    g_free(got->token);
    g_free(got->text);
    g_free(got->sys);
    g_free(got->scope);
    g_free(got->server);
    memset(got, 0, sizeof *got);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Got, got_clear)

static void on_answer(const BearerAnswer *answer, gpointer user)
{
    Got *got = user;
    assert_false(got->is_answered);
    got->is_answered = TRUE;
    got->end = answer->end;
    got->token = answer->token == NULL ? NULL : g_strdup(secret_reveal(answer->token, NULL));
    got->text = g_strdup(answer->text);
    got->sys = g_strdup(answer->sys);
    got->scope = g_strdup(answer->scope);
    got->server = g_strdup(answer->server);
    got->number = answer->number;
    got->age_ms = answer->age_ms;
    got->left_ms = answer->left_ms;
    got->code = answer->code;
}

/* got is made anew. */
static void ask(World *world, guint64 newer_than, Got *got)
{
    got_clear(got);
    bearer_get(world->bearer, ORG, world->settings, newer_than, on_answer, got);
    assert_false(got->is_answered);
    RUN_UNTIL(world, got->is_answered);
}

static void assert_given(const Got *got, const char *token)
{
    assert_int_equal(got->end, BEARER_GIVEN);
    assert_string_equal(got->token, token);
}

static void run_for(World *world, gint64 ms)
{
    MonoMs last = clock_mono_ms() + ms;
    guint tick = g_timeout_add(5, run_until_tick, NULL);
    while (clock_mono_ms() < last)
        g_main_context_iteration(world->context, TRUE);
    g_source_remove(tick);
}

/* --- Statements ---------------------------------------------------------------------------------
 */

static void one_fetch_serves_all_who_ask_and_those_who_come_later(void **state)
{
    World *world = *state;
    Got got[ASKERS] = {{0}};
    token_server_set(world->server, (TokenManner){.delay_ms = 100});
    for (guint i = 0; i < ASKERS; i++)
        bearer_get(world->bearer, ORG, world->settings, BEARER_ANY, on_answer, &got[i]);
    RUN_UNTIL(world, got[ASKERS - 1].is_answered);
    g_auto(Got) later = {0};
    ask(world, BEARER_ANY, &later);
    assert_given(&later, "sandbox-1");
    assert_string_equal(later.server, "localhost");
    assert_string_equal(later.scope, "mail.send");
    assert_in_range(later.left_ms, 3590 * 1000, 3600 * 1000);
    for (guint i = 0; i < ASKERS; i++) {
        assert_given(&got[i], "sandbox-1");
        got_clear(&got[i]);
    }
    assert_int_equal(token_server_asked(world->server), 1);
    assert_true(token_server_was_sent(world->server, "grant_type=client_credentials"));
}

static void a_fresh_one_is_always_asked_for(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    ask(world, BEARER_ANY, &got);
    ask(world, BEARER_FRESH, &got);
    assert_given(&got, "sandbox-2");
    ask(world, BEARER_ANY, &got);
    assert_given(&got, "sandbox-2");
    assert_int_equal(token_server_asked(world->server), 2);
}

static void a_refused_token_is_replaced_once_for_all_who_held_it(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    g_auto(Got) other = {0};
    ask(world, BEARER_ANY, &got);
    guint64 refused = got.number;
    ask(world, refused, &got);
    ask(world, refused, &other);
    assert_given(&got, "sandbox-2");
    assert_given(&other, "sandbox-2");
    assert_true(got.number > refused);
}

static void other_settings_do_not_get_this_token(void **state)
{
    World *world = *state;
    static const OauthWish wishes[] = {
        {.scope = "other.scope"}, {.client_secret = "another"}, {.port = 587}};
    for (gsize i = 0; i < G_N_ELEMENTS(wishes); i++) {
        g_auto(Got) got = {0};
        ask(world, BEARER_ANY, &got);
        settings_free(world->settings);
        world->settings = oauth_settings_new(&wishes[i], token_server_url(world->server),
            world->vault, clock_wall_ms() + (gint64)i + 1);
        guint before = token_server_asked(world->server);
        ask(world, BEARER_ANY, &got);
        assert_int_equal(token_server_asked(world->server), before + 1);
    }
}

static void a_token_outlives_a_restart_for_its_own_settings_alone(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    ask(world, BEARER_ANY, &got);
    stop_bearer(world);
    start_bearer(world);
    ask(world, BEARER_ANY, &got);
    assert_given(&got, "sandbox-1");
    assert_int_equal(token_server_asked(world->server), 1);
    assert_in_range(got.left_ms, 3590 * 1000, 3600 * 1000);
    stop_bearer(world);
    start_bearer(world);
    const OauthWish wish = {.scope = "other.scope"};
    settings_free(world->settings);
    world->settings = oauth_settings_new(
        &wish, token_server_url(world->server), world->vault, clock_wall_ms() + 1);
    ask(world, BEARER_ANY, &got);
    assert_given(&got, "sandbox-2");
}

static gboolean age_job(Db *db, gpointer unused, GError **error)
{
    return db_exec(db,
        "UPDATE oauth_tokens SET fetched_at = fetched_at - 3500000, expires_at = expires_at - "
        "3500000",
        error);
}

static void a_stored_token_that_is_about_to_end_is_not_used(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    ask(world, BEARER_ANY, &got);
    stop_bearer(world);
    assert_true(store_run(world->store, age_job, NULL, NULL));
    start_bearer(world);
    ask(world, BEARER_ANY, &got);
    assert_given(&got, "sandbox-2");
}

static gboolean set_clock_back_job(Db *db, gpointer unused, GError **error)
{
    return db_exec(db,
        "UPDATE oauth_tokens SET fetched_at = fetched_at + 600000, expires_at = expires_at + "
        "600000",
        error);
}

static void a_stored_token_of_a_clock_that_was_set_back_is_not_used(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    ask(world, BEARER_ANY, &got);
    stop_bearer(world);
    assert_true(store_run(world->store, set_clock_back_job, NULL, NULL));
    start_bearer(world);
    ask(world, BEARER_ANY, &got);
    assert_given(&got, "sandbox-2");
    assert_in_range(got.left_ms, 3000 * 1000, 3600 * 1000);
}

static void while_it_is_used_it_is_renewed_ahead_and_else_not(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    token_server_set(world->server, (TokenManner){.expires_in_s = 2});
    ask(world, BEARER_ANY, &got);
    RUN_UNTIL(world, token_server_asked(world->server) == 2);
    run_for(world, 3000); /* nobody has asked since */
    assert_int_equal(token_server_asked(world->server), 2);
}

static void a_verification_alone_renews_nothing(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    token_server_set(world->server, (TokenManner){.expires_in_s = 1});
    ask(world, BEARER_FRESH, &got);
    run_for(world, 1500);
    assert_int_equal(token_server_asked(world->server), 1);
}

static void what_the_server_says_decides_who_is_at_fault(void **state)
{
    World *world = *state;
    static const struct {
        const char *name;
        TokenManner manner;
        BearerEnd end;
        int code;
        const char *text, *sys; /* text: its beginning */
    } cases[] = {
        {"a wrong secret",
            {.status = 401,
                .answer = "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: "
                          "Invalid client secret provided.\"}"},
            BEARER_REFUSED, 401, "invalid_client: AADSTS7000215", NULL},
        {"a sign-in called back", {.status = 400, .answer = "{\"error\":\"invalid_grant\"}"},
            BEARER_REFUSED, 400, "invalid_grant", NULL},
        {"out of order", {.status = 503, .answer = "sorry"}, BEARER_UNREACHABLE, 503, NULL, NULL},
        {"too often", {.status = 429, .answer = "{}"}, BEARER_UNREACHABLE, 429, NULL, NULL},
        {"a page", {.status = 200, .answer = "<html>hello</html>"}, BEARER_UNREACHABLE, 200, NULL,
            "BAD_TOKEN_ANSWER"},
        {"another page", {.status = 404, .answer = "<html>none</html>"}, BEARER_UNREACHABLE, 404,
            NULL, "BAD_TOKEN_ANSWER"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].name);
        g_auto(Got) got = {0};
        token_server_set(world->server, cases[i].manner);
        ask(world, BEARER_ANY, &got);
        assert_int_equal(got.end, cases[i].end);
        assert_int_equal(got.code, cases[i].code);
        assert_true(cases[i].text == NULL || g_str_has_prefix(got.text, cases[i].text));
        assert_int_equal(g_strcmp0(got.sys, cases[i].sys), 0);
        assert_null(got.token);
    }
    g_auto(Got) got = {0};
    token_server_set(world->server, (TokenManner){0});
    ask(world, BEARER_ANY, &got);
    assert_int_equal(got.end, BEARER_GIVEN);
}

static void a_server_that_nobody_reaches_is_named_as_such(void **state)
{
    World *world = *state;
    static const struct {
        const char *url, *sys;
    } cases[] = {
        {"https://localhost:1/token", "ECONNREFUSED"},
        {"https://token.invalid/token", "EAI_NONAME"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].url);
        const OauthWish wish = {0};
        g_auto(Got) got = {0};
        settings_free(world->settings);
        world->settings = oauth_settings_new(&wish, cases[i].url, world->vault, clock_wall_ms());
        ask(world, BEARER_ANY, &got);
        assert_int_equal(got.end, BEARER_UNREACHABLE);
        assert_string_equal(got.sys, cases[i].sys);
        assert_int_equal(got.code, 0);
    }
}

/* A token that should be renewed, but lasts 100 s more. */
static void ask_for_an_old_one(World *world, TokenManner manner, Got *got)
{
    ask(world, BEARER_ANY, got);
    stop_bearer(world);
    assert_true(store_run(world->store, age_job, NULL, NULL));
    start_bearer(world);
    token_server_set(world->server, manner);
    ask(world, BEARER_ANY, got);
    assert_given(got, "sandbox-1");
    assert_int_equal(token_server_asked(world->server), 2);
}

static void during_an_outage_the_kept_token_goes_on_unless_a_login_failed_with_it(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    ask_for_an_old_one(world, (TokenManner){.status = 503, .answer = "sorry"}, &got);
    guint64 number = got.number;
    ask(world, number, &got);
    assert_int_equal(got.end, BEARER_UNREACHABLE);
    ask(world, BEARER_ANY, &got);
    assert_int_equal(got.end, BEARER_UNREACHABLE);
    token_server_set(world->server, (TokenManner){0});
    ask(world, BEARER_ANY, &got);
    assert_int_equal(got.end, BEARER_GIVEN);
}

static void during_an_outage_nobody_waits_for_the_kept_token(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    ask_for_an_old_one(world, (TokenManner){.status = 503, .answer = "sorry"}, &got);
    ask(world, BEARER_ANY, &got);
    assert_given(&got, "sandbox-1");
    assert_int_equal(token_server_asked(world->server), 2);
}

static void after_a_refusal_the_kept_token_is_used_up_before_the_server_is_asked_again(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    const TokenManner refuses = {.status = 400, .answer = "{\"error\":\"invalid_grant\"}"};
    ask_for_an_old_one(world, refuses, &got);
    ask(world, BEARER_ANY, &got);
    assert_given(&got, "sandbox-1");
    assert_int_equal(token_server_asked(world->server), 2);
}

static void a_token_is_as_old_as_its_servers_answer(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    token_server_set(world->server, (TokenManner){.delay_ms = 1500});
    MonoMs asked_at = clock_mono_ms();
    ask(world, BEARER_ANY, &got);
    assert_in_range(got.age_ms, 0, clock_mono_ms() - asked_at - 1500);
}

/* A server that takes connections and says nothing: everybody who asks it waits. */
static guint16 open_silence(int *fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(*fd, 16), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static void servers_that_hang_do_not_keep_others_waiting(void **state)
{
    World *world = *state;
    Got waiting[LIMIT_BEARER_FETCHERS - 1] = {{0}};
    g_auto(Got) got = {0};
    int fd = -1;
    g_autofree char *url = g_strdup_printf("https://localhost:%u/token", open_silence(&fd));
    assert_true(G_N_ELEMENTS(waiting) >= 4);
    for (guint i = 0; i < G_N_ELEMENTS(waiting); i++) {
        g_autofree char *scope = g_strdup_printf("scope-%u", i);
        const OauthWish wish = {.scope = scope};
        g_autoptr(SmtpSettings) settings =
            oauth_settings_new(&wish, url, world->vault, clock_wall_ms());
        bearer_get(world->bearer, ORG, settings, BEARER_ANY, on_answer, &waiting[i]);
    }
    run_for(world, 50);
    ask(world, BEARER_ANY, &got);
    assert_given(&got, "sandbox-1");
    assert_false(waiting[0].is_answered);
    close(fd); /* they hear of it */
    for (guint i = 0; i < G_N_ELEMENTS(waiting); i++) {
        RUN_UNTIL(world, waiting[i].is_answered);
        got_clear(&waiting[i]);
    }
}

static void a_stop_lets_a_question_that_was_asked_end_and_asks_no_more(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    token_server_set(world->server, (TokenManner){.delay_ms = 400});
    bearer_get(world->bearer, ORG, world->settings, BEARER_ANY, on_answer, &got);
    RUN_UNTIL(world, token_server_asked(world->server) == 1);
    bearer_stop(world->bearer);
    net_dns_stop(world->dns);
    RUN_UNTIL(world, got.is_answered);
    assert_given(&got, "sandbox-1");
    ask(world, BEARER_FRESH, &got);
    assert_int_equal(got.end, BEARER_UNREACHABLE);
    assert_int_equal(token_server_asked(world->server), 1);
}

static void who_cancels_hears_nothing(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    g_auto(Got) other = {0};
    token_server_set(world->server, (TokenManner){.delay_ms = 100});
    BearerRequest *request =
        bearer_get(world->bearer, ORG, world->settings, BEARER_ANY, on_answer, &got);
    RUN_UNTIL(world, bearer_is_busy(world->bearer));
    bearer_cancel(request);
    bearer_cancel(bearer_get(world->bearer, ORG, world->settings, BEARER_ANY, on_answer, &got));
    ask(world, BEARER_ANY, &other);
    assert_given(&other, "sandbox-1");
    assert_false(got.is_answered);
}

/* --- Refresh tokens -----------------------------------------------------------------------------
 */

static gboolean draft_job(Db *db, gpointer settings, GError **error)
{
    gint64 revision;
    return smtp_draft_write(db, ORG, settings, -1, clock_wall_ms(), &revision, error);
}

static void sign_in(World *world)
{
    const OauthWish wish = {.grant = "refresh_token", .refresh_token = "refresh-0"};
    settings_free(world->settings);
    world->settings =
        oauth_settings_new(&wish, token_server_url(world->server), world->vault, clock_wall_ms());
    assert_true(store_run(world->store, draft_job, world->settings, NULL));
}

static char *kept_refresh_token(World *world)
{
    Db *db = store_reader_take(world->store);
    g_autoptr(SmtpState) state = smtp_state_read(db, ORG, NULL);
    store_reader_give(world->store, db);
    g_autoptr(Secret) token =
        settings_unseal_oauth(state->draft, OAUTH_SECRET_REFRESH_TOKEN, world->vault, ORG, NULL);
    assert_non_null(token);
    return g_strdup(secret_reveal(token, NULL));
}

static void each_rotated_refresh_token_is_kept_and_used_next(void **state)
{
    World *world = *state;
    sign_in(world);
    token_server_set(world->server, (TokenManner){.rotates = TRUE});
    for (guint i = 0; i < 3; i++) {
        g_auto(Got) got = {0};
        ask(world, BEARER_FRESH, &got); /* with settings that hold the first one for ever */
        assert_int_equal(got.end, BEARER_GIVEN);
        g_autofree char *sent = g_strdup_printf("refresh_token=refresh-%u", i);
        g_autofree char *kept = kept_refresh_token(world);
        g_autofree char *newest = g_strdup_printf("refresh-%u", i + 1);
        assert_true(token_server_was_sent(world->server, sent));
        assert_string_equal(kept, newest);
    }
}

static void a_server_that_does_not_rotate_leaves_it_as_it_is(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    sign_in(world);
    ask(world, BEARER_ANY, &got);
    assert_int_equal(got.end, BEARER_GIVEN);
    g_autofree char *kept = kept_refresh_token(world);
    assert_string_equal(kept, "refresh-0");
}

/* A session may hold settings that were sealed with a key that is gone. */
static void a_secret_that_was_sealed_anew_is_taken_from_the_store(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    assert_true(store_run(world->store, draft_job, world->settings, NULL));
    GBytes **sealed = &world->settings->oauth.sealed[OAUTH_SECRET_CLIENT];
    g_bytes_unref(*sealed);
    *sealed = g_bytes_new_static("no key opens this", 17);
    ask(world, BEARER_ANY, &got);
    assert_given(&got, "sandbox-1");
    world->settings->oauth.set_at[OAUTH_SECRET_CLIENT]++; /* another one, which is not kept */
    ask(world, BEARER_ANY, &got);
    assert_int_equal(got.end, BEARER_REFUSED);
    assert_string_equal(got.sys, "SECRET");
}

static gboolean poison_job(Db *db, gpointer unused, GError **error)
{
    return db_exec(db,
        "CREATE TRIGGER poison BEFORE UPDATE ON smtp_slots BEGIN SELECT RAISE(ABORT, 'no'); END",
        error);
}

static gboolean cure_job(Db *db, gpointer unused, GError **error)
{
    return db_exec(db, "DROP TRIGGER poison", error);
}

static void a_rotated_one_that_cannot_be_written_gives_nobody_a_token_and_is_not_lost(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    sign_in(world);
    token_server_set(world->server, (TokenManner){.rotates = TRUE});
    assert_true(store_run(world->store, poison_job, NULL, NULL));
    ask(world, BEARER_ANY, &got);
    assert_int_equal(got.end, BEARER_UNREACHABLE);
    assert_string_equal(got.sys, "STORE");
    assert_true(store_run(world->store, cure_job, NULL, NULL));
    ask(world, BEARER_ANY, &got);
    assert_given(&got, "sandbox-1");
    assert_int_equal(token_server_asked(world->server), 1);
    g_autofree char *kept = kept_refresh_token(world);
    assert_string_equal(kept, "refresh-1");
}

static void one_that_could_not_be_written_is_written_at_the_stop(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    sign_in(world);
    token_server_set(world->server, (TokenManner){.rotates = TRUE});
    assert_true(store_run(world->store, poison_job, NULL, NULL));
    ask(world, BEARER_ANY, &got);
    assert_string_equal(got.sys, "STORE");
    bearer_stop(world->bearer);
    RUN_UNTIL(world, !bearer_is_busy(world->bearer));
    assert_true(store_run(world->store, cure_job, NULL, NULL));
    stop_bearer(world);
    start_bearer(world);
    g_autofree char *kept = kept_refresh_token(world);
    assert_string_equal(kept, "refresh-1");
}

static gboolean hide_job(Db *db, gpointer unused, GError **error)
{
    return db_exec(db, "ALTER TABLE smtp_slots RENAME TO hidden", error);
}

static gboolean show_job(Db *db, gpointer unused, GError **error)
{
    return db_exec(db, "ALTER TABLE hidden RENAME TO smtp_slots", error);
}

static void where_the_newest_refresh_token_cannot_be_read_none_is_sent(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    sign_in(world);
    assert_true(store_run(world->store, hide_job, NULL, NULL));
    ask(world, BEARER_ANY, &got);
    assert_int_equal(got.end, BEARER_UNREACHABLE);
    assert_string_equal(got.sys, "STORE");
    assert_int_equal(token_server_asked(world->server), 0);
    assert_true(store_run(world->store, show_job, NULL, NULL));
    ask(world, BEARER_ANY, &got);
    assert_int_equal(got.end, BEARER_GIVEN);
}

/* All that the store keeps is sealed anew, and the former key is gone. */
static gboolean rotate_job(Db *db, gpointer vault, GError **error)
{
    g_auto(RewrapCursor) cursor = {0};
    guint8 old[VAULT_KEK_ID_BYTES], new[VAULT_KEK_ID_BYTES];
    gboolean found = TRUE, failed = FALSE;
    gint64 sealed = 0;
    vault_kek_id(vault, old);
    gboolean is_done = key_record_added(db, vault, old, clock_wall_ms(), error) &&
                       vault_kek_add(vault, new, error) && vault_kek_activate(vault, new, error);
    while (is_done && found)
        is_done = rewrap_next(db, vault, &cursor, &found, &failed, error);
    return is_done && key_record_retired(db, old, clock_wall_ms(), &sealed, error) && sealed == 0 &&
           vault_kek_retire(vault, old, error);
}

static void a_rotated_one_can_be_written_after_its_key_was_retired(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    sign_in(world);
    token_server_set(world->server, (TokenManner){.rotates = TRUE});
    assert_true(store_run(world->store, poison_job, NULL, NULL));
    ask(world, BEARER_ANY, &got);
    assert_string_equal(got.sys, "STORE");
    assert_true(store_run(world->store, cure_job, NULL, NULL));
    g_autoptr(GError) error = NULL;
    if (!store_run(world->store, rotate_job, world->vault, &error))
        fail_msg("%s", error->message);
    ask(world, BEARER_ANY, &got);
    assert_given(&got, "sandbox-1");
    g_autofree char *kept = kept_refresh_token(world);
    assert_string_equal(kept, "refresh-1");
}

/* As a draft that differs in its scope has it: the same sign-in. */
static SmtpSettings *sibling_of(World *world)
{
    const OauthWish wish = {
        .grant = "refresh_token", .refresh_token = "refresh-0", .scope = "other.scope"};
    WallMs at = world->settings->oauth.set_at[OAUTH_SECRET_REFRESH_TOKEN];
    return oauth_settings_new(&wish, token_server_url(world->server), world->vault, at);
}

static void two_accounts_never_send_the_same_refresh_token(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    g_auto(Got) other = {0};
    sign_in(world);
    g_autoptr(SmtpSettings) sibling = sibling_of(world);
    token_server_set(world->server, (TokenManner){.rotates = TRUE, .delay_ms = 100});
    bearer_get(world->bearer, ORG, world->settings, BEARER_ANY, on_answer, &got);
    bearer_get(world->bearer, ORG, sibling, BEARER_ANY, on_answer, &other);
    RUN_UNTIL(world, got.is_answered && other.is_answered);
    assert_int_equal(got.end, BEARER_GIVEN);
    assert_int_equal(other.end, BEARER_GIVEN);
    assert_int_equal(token_server_asked(world->server), 2);
    assert_true(token_server_was_sent(world->server, "refresh_token=refresh-1"));
    g_autofree char *kept = kept_refresh_token(world);
    assert_string_equal(kept, "refresh-2");
}

static void nobody_asks_while_anothers_refresh_token_is_unwritten(void **state)
{
    World *world = *state;
    g_auto(Got) got = {0};
    sign_in(world);
    g_autoptr(SmtpSettings) sibling = sibling_of(world);
    token_server_set(world->server, (TokenManner){.rotates = TRUE});
    assert_true(store_run(world->store, poison_job, NULL, NULL));
    ask(world, BEARER_ANY, &got);
    settings_free(world->settings);
    world->settings = settings_copy(sibling);
    ask(world, BEARER_ANY, &got);
    assert_int_equal(got.end, BEARER_UNREACHABLE);
    assert_string_equal(got.sys, "STORE");
    assert_int_equal(token_server_asked(world->server), 1);
    assert_true(store_run(world->store, cure_job, NULL, NULL));
    ask(world, BEARER_ANY, &got);
    assert_given(&got, "sandbox-2");
    assert_true(token_server_was_sent(world->server, "refresh_token=refresh-1"));
}

static void more_accounts_than_may_be_kept_are_served_all_the_same(void **state)
{
    World *world = *state;
    for (guint i = 0; i < LIMIT_BEARER_ACCOUNTS + 3; i++) {
        g_auto(Got) got = {0};
        g_autofree char *scope = g_strdup_printf("scope-%u", i);
        const OauthWish wish = {.scope = scope};
        settings_free(world->settings);
        world->settings = oauth_settings_new(
            &wish, token_server_url(world->server), world->vault, clock_wall_ms());
        ask(world, BEARER_ANY, &got);
        assert_int_equal(got.end, BEARER_GIVEN);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define STATEMENT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        STATEMENT(one_fetch_serves_all_who_ask_and_those_who_come_later),
        STATEMENT(a_fresh_one_is_always_asked_for),
        STATEMENT(a_refused_token_is_replaced_once_for_all_who_held_it),
        STATEMENT(other_settings_do_not_get_this_token),
        STATEMENT(a_token_outlives_a_restart_for_its_own_settings_alone),
        STATEMENT(a_stored_token_that_is_about_to_end_is_not_used),
        STATEMENT(a_stored_token_of_a_clock_that_was_set_back_is_not_used),
        STATEMENT(while_it_is_used_it_is_renewed_ahead_and_else_not),
        STATEMENT(a_verification_alone_renews_nothing),
        STATEMENT(what_the_server_says_decides_who_is_at_fault),
        STATEMENT(a_server_that_nobody_reaches_is_named_as_such),
        STATEMENT(during_an_outage_the_kept_token_goes_on_unless_a_login_failed_with_it),
        STATEMENT(during_an_outage_nobody_waits_for_the_kept_token),
        STATEMENT(after_a_refusal_the_kept_token_is_used_up_before_the_server_is_asked_again),
        STATEMENT(a_token_is_as_old_as_its_servers_answer),
        STATEMENT(servers_that_hang_do_not_keep_others_waiting),
        STATEMENT(a_stop_lets_a_question_that_was_asked_end_and_asks_no_more),
        STATEMENT(who_cancels_hears_nothing),
        STATEMENT(each_rotated_refresh_token_is_kept_and_used_next),
        STATEMENT(a_server_that_does_not_rotate_leaves_it_as_it_is),
        STATEMENT(a_secret_that_was_sealed_anew_is_taken_from_the_store),
        STATEMENT(a_rotated_one_that_cannot_be_written_gives_nobody_a_token_and_is_not_lost),
        STATEMENT(one_that_could_not_be_written_is_written_at_the_stop),
        STATEMENT(where_the_newest_refresh_token_cannot_be_read_none_is_sent),
        STATEMENT(a_rotated_one_can_be_written_after_its_key_was_retired),
        STATEMENT(two_accounts_never_send_the_same_refresh_token),
        STATEMENT(nobody_asks_while_anothers_refresh_token_is_unwritten),
        STATEMENT(more_accounts_than_may_be_kept_are_served_all_the_same),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
