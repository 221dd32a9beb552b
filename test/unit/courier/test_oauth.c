/* Logging in by OAuth2, from the token server to the mail that is taken: the courier with a real
 * store, vault and TLS, a token endpoint and the sandbox, all in this process. */
#include "base/limits.h"
#include "courier/courier_priv.h"
#include "ingress/sandbox.h"
#include "token_server.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "oauth_settings.h"
#include "run_until.h"

#define ORG STORE_DEFAULT_ORG
#define WRONG_SECRET                                                                              \
    "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client secret " \
    "provided.\"}"
#define TOKEN(text) "{\"access_token\":\"" text "\",\"token_type\":\"Bearer\",\"expires_in\":3600}"

typedef struct {
    char *directory;
    GMainContext *context;
    Vault *vault;
    Store *store;
    DiagnosisCatalogue *catalogue;
    NetTlsClient *tls;
    NetResolver *resolver;
    NetDns *dns;
    NetPolicy *policy;
    Sandbox *sandbox;
    SandboxFacts facts;
    TokenServer *server;
    Courier *courier;
    GPtrArray *former; /* couriers that were stopped */
} World;

static DiagnosisCatalogue *read_catalogue(void)
{
    const char *root = g_getenv("ABSENDER_SOURCE");
    g_autofree char *path =
        g_build_filename(root == NULL ? "." : root, "data", "failures.json", NULL);
    g_autofree char *json = NULL;
    gsize n = 0;
    assert_true(g_file_get_contents(path, &json, &n, NULL));
    return diagnosis_catalogue_new(json, n, NULL);
}

static void start_courier(World *world)
{
    const CourierParts parts = {
        .context = world->context,
        .store = world->store,
        .vault = world->vault,
        .catalogue = world->catalogue,
        .dialer = {.context = world->context, .resolver = world->resolver, .policy = world->policy},
        .tls = world->tls,
        .dns = world->dns,
        .ca_file = token_server_ca_file(world->server),
        .default_ehlo_name = "[127.0.0.1]",
    };
    world->courier = courier_new(&parts);
}

static void open_sandbox(World *world)
{
    const SandboxConfig sandbox = {.context = world->context,
        .store = world->store,
        .vault = world->vault,
        .directory = world->directory,
        .address = "127.0.0.1"};
    world->sandbox = sandbox_new(&sandbox, NULL);
    assert_non_null(world->sandbox);
    sandbox_facts(world->sandbox, &world->facts);
    assert_true(net_tls_client_trust(world->tls, world->facts.ca_file, NULL));
}

static int set_up(void **state)
{
    World *world = g_new0(World, 1);
    world->directory = g_dir_make_tmp("absender-oauth-XXXXXX", NULL);
    world->context = g_main_context_default();
    g_autofree char *key = g_build_filename(world->directory, "key", NULL);
    g_autofree char *database = g_build_filename(world->directory, "absender.db", NULL);
    world->vault = vault_open(key, TRUE, NULL);
    const StoreConfig store = {.path = database, .full_sync = TRUE};
    world->store = store_open(&store, NULL, NULL);
    vault_set_instance(world->vault, store_instance(world->store));
    world->catalogue = read_catalogue();
    world->tls = net_tls_client_new(NULL, NULL);
    world->resolver = net_resolver_new(world->context, NULL, NULL);
    world->dns = net_dns_new(NULL, NULL);
    world->policy = net_policy_new();
    net_policy_allow(world->policy, "127.0.0.0/8", NULL);
    open_sandbox(world);
    world->server = token_server_new(world->directory);
    world->former = g_ptr_array_new_with_free_func((GDestroyNotify)courier_free);
    start_courier(world);
    *state = world;
    return 0;
}

static void stop_courier(World *world)
{
    courier_stop(world->courier, 5000);
    g_ptr_array_add(world->former, g_steal_pointer(&world->courier)); /* the store still names it */
}

static int tear_down(void **state)
{
    World *world = *state;
    courier_stop(world->courier, 5000);
    sandbox_free(world->sandbox);
    store_close(world->store);
    courier_free(world->courier);
    g_ptr_array_unref(world->former);
    token_server_free(world->server);
    net_policy_free(world->policy);
    net_dns_free(world->dns);
    net_resolver_free(world->resolver);
    net_tls_client_free(world->tls);
    diagnosis_catalogue_free(world->catalogue);
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

/* --- Doing things -------------------------------------------------------------------------------
 */

static SmtpSettings *settings_of(World *world, const OauthWish *given)
{
    OauthWish wish = *given;
    wish.port = world->facts.starttls_port;
    return oauth_settings_new(
        &wish, token_server_url(world->server), world->vault, clock_wall_ms());
}

static gboolean activate_job(Db *db, gpointer settings, GError **error)
{
    return smtp_activate(db, ORG, settings, -1, clock_wall_ms(), error) &&
           smtp_sending_write(db, ORG, TRUE, NULL, 0, "test", clock_wall_ms(), error);
}

/* Active, and sending is on. */
static void activate(World *world, const char *client_secret)
{
    const OauthWish wish = {.client_secret = client_secret};
    g_autoptr(SmtpSettings) settings = settings_of(world, &wish);
    assert_true(store_run(world->store, activate_job, settings, NULL));
}

typedef struct {
    World *world;
    const char *to;
} Mail;

static gboolean insert_job(Db *db, gpointer data, GError **error)
{
    static const char content[] = "From: noreply@example.test\r\nSubject: Hi\r\n\r\nbody\r\n";
    const Mail *mail = data;
    g_autoptr(EmailNew) email = email_new_alloc();
    email->org_id = ORG;
    email->id = id_fresh(clock_wall_ms());
    email->class = EMAIL_CLASS_TRANSACTIONAL;
    email->sender = g_strdup("noreply@example.test");
    email->from = g_strdup("noreply@example.test");
    email->subject = g_strdup("Hi");
    email->to = g_strdup(mail->to);
    email->message_id = g_strdup("x@example.test");
    g_ptr_array_add(email->recipients, g_strdup(mail->to));
    email->content = g_bytes_new_static(content, sizeof content - 1);
    email->created_at = clock_wall_ms();
    return emails_insert(db, mail->world->vault, email, error);
}

static void submit(World *world, guint n)
{
    Mail mail = {world, "anna@example.test"};
    for (guint i = 0; i < n; i++)
        assert_true(store_run(world->store, insert_job, &mail, NULL));
}

static gint64 count_of(World *world, EmailState state)
{
    gint64 counts[EMAIL_HELD + 1] = {0};
    Db *db = store_reader_take(world->store);
    assert_true(emails_count(db, ORG, counts, NULL));
    store_reader_give(world->store, db);
    return counts[state];
}

static SmtpState *state_of(World *world)
{
    Db *db = store_reader_take(world->store);
    SmtpState *state = smtp_state_read(db, ORG, NULL);
    store_reader_give(world->store, db);
    return state;
}

static Health health_of(World *world)
{
    g_autoptr(SmtpState) state = state_of(world);
    return state->health;
}

static void assert_diagnosis(World *world, const char *diagnosis)
{
    g_autoptr(SmtpState) state = state_of(world);
    assert_string_equal(state->health_diagnosis, diagnosis);
}

static guint attempts_used(World *world)
{
    const EmailDueQuery query = {.org_id = ORG, .now = clock_wall_ms(), .limit = 100};
    gboolean has_more = FALSE;
    WallMs next_at = 0;
    guint used = 0;
    Db *db = store_reader_take(world->store);
    g_autoptr(GArray) due = emails_due(db, &query, &has_more, &next_at, NULL);
    store_reader_give(world->store, db);
    for (guint i = 0; i < due->len; i++)
        used += g_array_index(due, EmailDue, i).attempts;
    return used;
}

static void run_for(World *world, gint64 ms)
{
    MonoMs last = clock_mono_ms() + ms;
    guint tick = g_timeout_add(5, run_until_tick, NULL);
    while (clock_mono_ms() < last)
        g_main_context_iteration(world->context, TRUE);
    g_source_remove(tick);
}

static CourierCounters counters_of(World *world)
{
    CourierCounters counters;
    courier_counters(world->courier, &counters);
    return counters;
}

/* --- Mail ---------------------------------------------------------------------------------------
 */

static void mails_go_out_by_one_token(void **state)
{
    World *world = *state;
    submit(world, 40);
    activate(world, NULL);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 40);
    assert_int_equal(token_server_asked(world->server), 1);
    assert_int_equal(health_of(world), HEALTH_OK);
    stop_courier(world);
    start_courier(world); /* what is kept does for the next run too */
    submit(world, 5);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 45);
    assert_int_equal(token_server_asked(world->server), 1);
}

static void a_refusal_of_the_token_server_holds_everything_until_the_settings_are_others(
    void **state)
{
    World *world = *state;
    token_server_set(world->server, (TokenManner){.status = 401, .answer = WRONG_SECRET});
    submit(world, 10);
    activate(world, "wrong");
    RUN_UNTIL(world, health_of(world) == HEALTH_CREDENTIAL_FAULT);
    assert_diagnosis(world, "oauth_secret_wrong");
    run_for(world, 300);
    assert_int_equal(token_server_asked(world->server), 1);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 10);
    assert_int_equal(attempts_used(world), 0);
    token_server_set(world->server, (TokenManner){0});
    activate(world, "right");
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 10);
    assert_int_equal(token_server_asked(world->server), 2);
}

static void a_token_server_that_is_away_holds_mail_and_uses_up_no_attempt(void **state)
{
    World *world = *state;
    token_server_set(world->server, (TokenManner){.status = 503, .answer = "sorry"});
    submit(world, 10);
    activate(world, NULL);
    RUN_UNTIL(world, health_of(world) == HEALTH_UNREACHABLE);
    assert_diagnosis(world, "oauth_server_busy");
    run_for(world, 300);
    assert_int_equal(token_server_asked(world->server), 1); /* the backoff is that of a server */
    assert_int_equal(count_of(world, EMAIL_QUEUED), 10);
    assert_int_equal(attempts_used(world), 0);
    assert_int_equal(counters_of(world).login_failures, 0);
}

static void a_new_token_that_the_mail_server_refuses_trips_the_breaker(void **state)
{
    World *world = *state;
    token_server_set(world->server, (TokenManner){.answer = TOKEN("sandbox-unassigned")});
    submit(world, 10);
    activate(world, NULL);
    RUN_UNTIL(world, health_of(world) == HEALTH_CREDENTIAL_FAULT);
    run_for(world, 300);
    assert_int_equal(token_server_asked(world->server), 1);
    assert_int_equal(counters_of(world).login_failures, 1);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 10);
}

static gboolean age_job(Db *db, gpointer unused, GError **error)
{
    return db_exec(db,
        "UPDATE oauth_tokens SET fetched_at = fetched_at - 60000, expires_at = expires_at - 60000",
        error);
}

static void ignore_answer(const BearerAnswer *answer, gpointer is_answered)
{
    *(gboolean *)is_answered = TRUE;
}

/* As if it had been fetched a minute ago, before it was called back. */
static void keep_token(World *world, const char *answer)
{
    g_autoptr(SmtpState) state = state_of(world);
    gboolean is_answered = FALSE;
    token_server_set(world->server, (TokenManner){.answer = answer});
    bearer_get(world->courier->bearer, ORG, state->active, BEARER_ANY, ignore_answer, &is_answered);
    RUN_UNTIL(world, is_answered);
    stop_courier(world);
    assert_true(store_run(world->store, age_job, NULL, NULL));
    start_courier(world);
}

static void a_token_that_was_called_back_is_renewed_once(void **state)
{
    World *world = *state;
    activate(world, NULL);
    keep_token(world, TOKEN("sandbox-expired"));
    token_server_set(world->server, (TokenManner){0});
    submit(world, 10);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 10);
    assert_int_equal(token_server_asked(world->server), 2);
    assert_int_equal(health_of(world), HEALTH_OK);
}

static void renewed_and_refused_again_it_is_a_refused_login(void **state)
{
    World *world = *state;
    activate(world, NULL);
    keep_token(world, TOKEN("sandbox-expired"));
    submit(world, 10);
    RUN_UNTIL(world, health_of(world) == HEALTH_CREDENTIAL_FAULT);
    run_for(world, 300);
    assert_int_equal(token_server_asked(world->server), 2);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 10);
    assert_int_equal(attempts_used(world), 0);
}

static void renewal_that_nobody_answers_is_an_outage(void **state)
{
    World *world = *state;
    activate(world, NULL);
    keep_token(world, TOKEN("sandbox-expired"));
    token_server_set(world->server, (TokenManner){.status = 503, .answer = "sorry"});
    submit(world, 10);
    RUN_UNTIL(world, health_of(world) == HEALTH_UNREACHABLE);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 10);
    assert_int_equal(attempts_used(world), 0);
}

static void tokens_may_end_while_mail_waits(void **state)
{
    World *world = *state;
    token_server_set(world->server, (TokenManner){.expires_in_s = 1});
    activate(world, NULL);
    for (guint i = 0; i < 5; i++) {
        submit(world, 20);
        run_for(world, 400);
    }
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 100);
    assert_int_equal(counters_of(world).login_failures, 0);
}

static void a_stop_while_a_token_is_awaited_loses_nothing(void **state)
{
    World *world = *state;
    token_server_set(world->server, (TokenManner){.delay_ms = 1500});
    activate(world, NULL);
    submit(world, 10);
    RUN_UNTIL(world, token_server_asked(world->server) == 1);
    stop_courier(world);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 10);
    start_courier(world);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 10);
    assert_int_equal(token_server_asked(world->server), 1); /* the answer was kept */
}

/* --- Verifications ------------------------------------------------------------------------------
 */

static gboolean write_job(Db *db, gpointer run, GError **error)
{
    return verification_write(db, run, error);
}

static gboolean draft_job(Db *db, gpointer settings, GError **error)
{
    gint64 revision;
    return smtp_draft_write(db, ORG, settings, -1, clock_wall_ms(), &revision, error);
}

static Verification *read_run(World *world, const Id *id)
{
    Db *db = store_reader_take(world->store);
    Verification *run = verification_get(db, ORG, id, NULL);
    store_reader_give(world->store, db);
    return run;
}

static gboolean has_ended(World *world, const Id *id)
{
    g_autoptr(Verification) run = read_run(world, id);
    return run != NULL && run->state != VERIFICATION_RUNNING;
}

/* Of a draft; the run as it ended. */
static Verification *verify(World *world, const OauthWish *wish)
{
    g_autoptr(SmtpSettings) settings = settings_of(world, wish);
    assert_true(store_run(world->store, draft_job, settings, NULL));
    g_autoptr(SmtpState) state = state_of(world);
    Id id = id_fresh(clock_wall_ms());
    g_autoptr(Verification) begun = courier_verification_new(
        ORG, &id, state->draft, state->revision, TRUE, NULL, "anna@example.org", clock_wall_ms());
    assert_true(store_run(world->store, write_job, begun, NULL));
    courier_verify(world->courier, begun, state->draft, NULL);
    RUN_UNTIL(world, has_ended(world, &id));
    return read_run(world, &id);
}

static const VerificationPhase *first_rung(const Verification *run)
{
    return run->phases->pdata[0];
}

static void a_verification_tells_who_gave_the_token_and_for_how_long_and_never_which(void **state)
{
    World *world = *state;
    g_autoptr(Verification) run = verify(world, &(OauthWish){0});
    assert_int_equal(run->state, VERIFICATION_PASSED);
    assert_true(run->activated);
    assert_string_equal(first_rung(run)->name, "token");
    assert_int_equal(first_rung(run)->state, PHASE_PASSED);
    assert_string_equal(first_rung(run)->detail, "localhost, mail.send, 59 min");
    assert_string_equal(run->auth_mechanism, "OAUTHBEARER");
    for (guint i = 0; i < run->lines->len; i++) {
        const VerificationLine *line = run->lines->pdata[i];
        assert_null(strstr(line->text, "c2FuZGJveC0x")); /* "sandbox-1" */
        assert_null(strstr(line->text, "sandbox-1"));
    }
}

static void each_verification_asks_for_a_token_of_its_own(void **state)
{
    World *world = *state;
    activate(world, NULL);
    submit(world, 1);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 1);
    g_autoptr(Verification) run = verify(world, &(OauthWish){.client_secret = "another"});
    assert_int_equal(run->state, VERIFICATION_PASSED);
    token_server_set(world->server, (TokenManner){.status = 401, .answer = WRONG_SECRET});
    g_autoptr(Verification) refused = verify(world, &(OauthWish){.client_secret = "another"});
    assert_int_equal(refused->state, VERIFICATION_FAILED);
    assert_int_equal(token_server_asked(world->server), 3);
}

static void what_the_token_server_refuses_is_diagnosed_and_counted(void **state)
{
    World *world = *state;
    token_server_set(world->server, (TokenManner){.status = 401, .answer = WRONG_SECRET});
    g_autoptr(Verification) run = verify(world, &(OauthWish){0});
    assert_int_equal(run->state, VERIFICATION_FAILED);
    assert_int_equal(first_rung(run)->state, PHASE_FAILED);
    assert_string_equal(run->diagnosis_phase, "token");
    assert_string_equal(run->diagnosis, "oauth_secret_wrong");
    assert_int_equal(run->reply_code, 401);
    assert_true(g_str_has_prefix(run->reply_text, "invalid_client: AADSTS7000215"));
    assert_int_equal(run->sibling, SIBLING_UNKNOWN);
    g_autoptr(SmtpState) settings = state_of(world);
    static const guint8 any[VAULT_FINGERPRINT_BYTES] = {0};
    LoginGuard guard = LOGIN_GUARD_FREE;
    WallMs free_at = 0;
    for (guint i = 1; i < LIMIT_LOGIN_FAILURES_PER_HOUR; i++)
        verification_free(verify(world, &(OauthWish){0}));
    Db *db = store_reader_take(world->store);
    assert_true(login_guard_check(db, ORG, "localhost", settings_username(settings->draft), any,
        clock_wall_ms(), &guard, &free_at, NULL));
    store_reader_give(world->store, db);
    assert_int_equal(guard, LOGIN_GUARD_TOO_MANY);
}

static void a_token_server_that_is_away_fails_the_run_at_its_first_rung(void **state)
{
    World *world = *state;
    static const struct {
        TokenManner manner;
        const char *diagnosis;
    } cases[] = {
        {{.status = 503, .answer = "sorry"}, "oauth_server_busy"},
        {{.status = 200, .answer = "<html>"}, "oauth_wrong_url"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("# %s\n", cases[i].diagnosis);
        token_server_set(world->server, cases[i].manner);
        g_autoptr(Verification) run = verify(world, &(OauthWish){0});
        assert_int_equal(run->state, VERIFICATION_FAILED);
        assert_string_equal(run->diagnosis_phase, "token");
        assert_string_equal(run->diagnosis, cases[i].diagnosis);
    }
}

static void a_rotated_refresh_token_survives_the_activation(void **state)
{
    World *world = *state;
    const OauthWish wish = {.grant = "refresh_token", .refresh_token = "refresh-0"};
    token_server_set(world->server, (TokenManner){.rotates = TRUE});
    g_autoptr(Verification) run = verify(world, &wish);
    assert_true(run->activated);
    g_autoptr(SmtpState) settings = state_of(world);
    g_autoptr(Secret) kept = settings_unseal_oauth(
        settings->active, OAUTH_SECRET_REFRESH_TOKEN, world->vault, ORG, NULL);
    g_autoptr(Secret) newest = secret_new("refresh-1", 9);
    assert_true(secret_equal(kept, newest));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define STATEMENT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        STATEMENT(mails_go_out_by_one_token),
        STATEMENT(a_refusal_of_the_token_server_holds_everything_until_the_settings_are_others),
        STATEMENT(a_token_server_that_is_away_holds_mail_and_uses_up_no_attempt),
        STATEMENT(a_new_token_that_the_mail_server_refuses_trips_the_breaker),
        STATEMENT(a_token_that_was_called_back_is_renewed_once),
        STATEMENT(renewed_and_refused_again_it_is_a_refused_login),
        STATEMENT(renewal_that_nobody_answers_is_an_outage),
        STATEMENT(tokens_may_end_while_mail_waits),
        STATEMENT(a_stop_while_a_token_is_awaited_loses_nothing),
        STATEMENT(a_verification_tells_who_gave_the_token_and_for_how_long_and_never_which),
        STATEMENT(each_verification_asks_for_a_token_of_its_own),
        STATEMENT(what_the_token_server_refuses_is_diagnosed_and_counted),
        STATEMENT(a_token_server_that_is_away_fails_the_run_at_its_first_rung),
        STATEMENT(a_rotated_refresh_token_survives_the_activation),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
