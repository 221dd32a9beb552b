/* The courier with a real store, vault, resolver, TLS and the sandbox as the provider, all in this
 * process. */
#include "base/limits.h"
#include "courier/courier.h"
#include "ingress/sandbox.h"
#include "store/emails.h"
#include "store/smtp_settings.h"
#include "store/verifications.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "run_until.h"

#define OTHER_ORG 2

typedef struct {
    char *directory;
    GMainContext *context;
    Vault *vault;
    Store *store;
    DiagnosisCatalogue *catalogue;
    NetTlsClient *tls;
    NetResolver *resolver;
    NetPolicy *policy;
    Sandbox *sandbox;
    SandboxFacts facts;
    Courier *courier;
    guint16 port;   /* of the settings that are activated: the sandbox's */
    gint64 hour_ms; /* of the courier that is started next; 0: an hour */
    const char *username;
    gboolean is_stopped; /* by the test */
} World;

static gint64 acting_org; /* whose settings and mails the functions below are about */

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
        .default_ehlo_name = "[127.0.0.1]",
        .sandbox = {world->facts.host, world->facts.starttls_port, world->facts.implicit_port},
        .hour_ms = world->hour_ms,
    };
    world->courier = courier_new(&parts);
}

static void open_store(World *world)
{
    g_autofree char *database = g_build_filename(world->directory, "absender.db", NULL);
    const StoreConfig store = {.path = database, .full_sync = TRUE};
    world->store = store_open(&store, NULL, NULL);
    vault_set_instance(world->vault, store_instance(world->store));
    const SandboxConfig sandbox = {.context = world->context,
        .store = world->store,
        .vault = world->vault,
        .directory = world->directory,
        .address = "127.0.0.1"};
    world->sandbox = sandbox_new(&sandbox, NULL);
    assert_non_null(world->sandbox);
    sandbox_facts(world->sandbox, &world->facts);
    assert_true(net_tls_client_trust(world->tls, world->facts.ca_file, NULL));
    world->port = world->facts.starttls_port;
}

/* As the program does it, in that order: the store still calls the courier while it closes. */
static void close_store(World *world)
{
    sandbox_free(world->sandbox);
    store_close(world->store);
    courier_free(world->courier);
}

static int set_up(void **state)
{
    World *world = g_new0(World, 1);
    world->directory = g_dir_make_tmp("absender-courier-XXXXXX", NULL);
    world->context = g_main_context_default();
    g_autofree char *key = g_build_filename(world->directory, "key", NULL);
    world->vault = vault_open(key, TRUE, NULL);
    world->catalogue = read_catalogue();
    world->tls = net_tls_client_new(NULL, NULL);
    world->resolver = net_resolver_new(world->context, NULL, NULL);
    world->policy = net_policy_new();
    net_policy_allow(world->policy, "127.0.0.0/8", NULL);
    open_store(world);
    world->username = "sandbox@localhost";
    acting_org = STORE_DEFAULT_ORG;
    start_courier(world);
    *state = world;
    return 0;
}
static gint64 count_of(World *world, EmailState state);

static int tear_down(void **state)
{
    World *world = *state;
    if (!world->is_stopped)
        courier_stop(world->courier, 5000);
    assert_int_equal(count_of(world, EMAIL_SENDING), 0); /* in good order: nothing is uncertain */
    close_store(world);
    net_policy_free(world->policy);
    net_resolver_free(world->resolver);
    net_tls_client_free(world->tls);
    diagnosis_catalogue_free(world->catalogue);
    vault_free(world->vault);
    g_autoptr(GDir) files = g_dir_open(world->directory, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(files)) != NULL) {
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

static const char *acting_sender = "noreply@example.test"; /* of the settings made below */

static SmtpSettings *settings_with(World *world, const char *password)
{
    const guint16 ports[] = {world->port, world->facts.implicit_port};
    const SettingsPorts allowed = {.extra = ports, .n_extra = 2};
    g_autoptr(Secret) secret = secret_new(password, strlen(password));
    const SettingsPatch patch = {
        .present = SETTINGS_HOST | SETTINGS_PORT | SETTINGS_SECURITY | SETTINGS_USERNAME |
                   SETTINGS_FROM_EMAIL | SETTINGS_PASSWORD,
        .host = "localhost",
        .port = world->port,
        .security = "starttls",
        .username = world->username,
        .from_email = acting_sender,
        .password = secret,
    };
    g_autoptr(SmtpSettings) empty = settings_new();
    GPtrArray *faults = NULL;
    gboolean dropped = FALSE;
    SmtpSettings *made = settings_apply(
        empty, &patch, &allowed, world->vault, acting_org, clock_wall_ms(), &dropped, &faults);
    assert_non_null(made);
    return made;
}

static gboolean activate_job(Db *db, gpointer settings, GError **error)
{
    return smtp_activate(db, acting_org, settings, -1, clock_wall_ms(), error);
}

static void activate(World *world, const char *password)
{
    g_autoptr(SmtpSettings) settings = settings_with(world, password);
    assert_true(store_run(world->store, activate_job, settings, NULL));
}

static gboolean switch_job(Db *db, gpointer enabled, GError **error)
{
    return smtp_sending_write(
        db, acting_org, GPOINTER_TO_INT(enabled), NULL, 0, "test", clock_wall_ms(), error);
}

static void switch_sending(World *world, gboolean enabled)
{
    assert_true(store_run(world->store, switch_job, GINT_TO_POINTER(enabled), NULL));
}

typedef struct {
    World *world;
    const char *to;
    gboolean is_test, follows_sender;
    Id id;
} Mail;

static gboolean insert_job(Db *db, gpointer data, GError **error)
{
    static const char content[] =
        "From: noreply@example.test\r\nSubject: Hi\r\n\r\n.dot\r\nbody\r\n";
    Mail *mail = data;
    g_autoptr(EmailNew) email = email_new_alloc();
    email->org_id = acting_org;
    email->id = mail->id = id_fresh(clock_wall_ms());
    email->class = EMAIL_CLASS_TRANSACTIONAL;
    email->sender = g_strdup("noreply@example.test");
    email->from = g_strdup("noreply@example.test");
    email->subject = g_strdup("Hi");
    email->to = g_strdup(mail->to);
    email->message_id = g_strdup("x@example.test");
    g_ptr_array_add(email->recipients, g_strdup(mail->to));
    email->content = g_bytes_new_static(content, sizeof content - 1);
    email->is_test = mail->is_test;
    email->follows_sender = mail->follows_sender;
    email->created_at = clock_wall_ms();
    return emails_insert(db, mail->world->vault, email, error);
}

static Id submit(World *world, const char *to, gboolean is_test)
{
    Mail mail = {.world = world, .to = to, .is_test = is_test};
    assert_true(store_run(world->store, insert_job, &mail, NULL));
    return mail.id;
}

static gint64 count_of(World *world, EmailState state)
{
    gint64 counts[EMAIL_HELD + 1] = {0};
    Db *db = store_reader_take(world->store);
    assert_true(emails_count(db, acting_org, counts, NULL));
    store_reader_give(world->store, db);
    return counts[state];
}

static Health health_of(World *world)
{
    Db *db = store_reader_take(world->store);
    g_autoptr(SmtpState) state = smtp_state_read(db, acting_org, NULL);
    store_reader_give(world->store, db);
    return state->health;
}

/* --- Waiting for things -------------------------------------------------------------------------
 */

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

static void mails_go_out_over_few_logins(void **state)
{
    World *world = *state;
    activate(world, "sandbox");
    switch_sending(world, TRUE);
    for (int i = 0; i < 40; i++)
        submit(world, "anna@example.test", FALSE);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 40);
    CourierCounters counters;
    courier_counters(world->courier, &counters);
    assert_int_equal(counters.accepted, 40);
    assert_in_range(counters.logins, 1, LIMIT_CONNECTIONS_DEFAULT);
    sandbox_facts(world->sandbox, &world->facts);
    assert_int_equal(world->facts.captured, 40);
    assert_int_equal(health_of(world), HEALTH_OK);
}

static void paused_lets_only_tests_pass(void **state)
{
    World *world = *state;
    activate(world, "sandbox");
    submit(world, "anna@example.test", FALSE);
    submit(world, "bernd@example.test", TRUE);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 1);
    run_for(world, 200);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 1);
    switch_sending(world, TRUE);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 2);
}

static guint captured(World *world)
{
    sandbox_facts(world->sandbox, &world->facts);
    return (guint)world->facts.captured;
}

static void a_pause_in_the_middle_stops_everything_and_loses_nothing(void **state)
{
    World *world = *state;
    activate(world, "sandbox");
    for (int i = 0; i < 400; i++)
        submit(world, "anna@example.test", FALSE);
    switch_sending(world, TRUE);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) >= 30);
    switch_sending(world, FALSE);
    RUN_UNTIL(world, count_of(world, EMAIL_SENDING) == 0);
    run_for(world, 300);
    gint64 accepted = count_of(world, EMAIL_ACCEPTED);
    run_for(world, 300);
    assert_int_equal(count_of(world, EMAIL_ACCEPTED), accepted);
    assert_in_range(accepted, 30, 399);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 400 - accepted);
    assert_int_equal(captured(world), accepted);
    switch_sending(world, TRUE);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 400);
    assert_int_equal(captured(world), 400);
}

static gboolean poison_job(Db *db, gpointer unused, GError **error)
{
    return db_exec(db,
        "CREATE TRIGGER poison BEFORE INSERT ON attempts WHEN NEW.recipient_row IN "
        "(SELECT row FROM recipients WHERE address = 'poison@example.test') "
        "BEGIN SELECT RAISE(ABORT, 'poisoned'); END",
        error);
}

static gboolean spoil_bodies_job(Db *db, gpointer unused, GError **error)
{
    return db_exec(db, "UPDATE bodies SET content = zeroblob(length(content))", error);
}

static gboolean count_attempts_job(Db *db, gpointer n, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT count(*) FROM attempts");
    *(gint64 *)n = db_next(q) ? db_int(q, 0) : -1;
    return db_finish(q, error);
}

/* What the sandbox took in another's name. */
static gboolean count_other_senders_job(Db *db, gpointer n, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "SELECT count(*) FROM captures WHERE sender <> 'info@example.test'");
    *(gint64 *)n = db_next(q) ? db_int(q, 0) : -1;
    return db_finish(q, error);
}

static gboolean cure_job(Db *db, gpointer unused, GError **error)
{
    return db_exec(db, "DROP TRIGGER poison", error);
}

static void an_outcome_that_cannot_be_stored_holds_up_no_other_and_is_not_forgotten(void **state)
{
    World *world = *state;
    assert_true(store_run(world->store, poison_job, NULL, NULL));
    activate(world, "sandbox");
    for (int i = 0; i < 60; i++)
        submit(world, i == 20 ? "poison@example.test" : "anna@example.test", FALSE);
    switch_sending(world, TRUE);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 59);
    run_for(world, 1500); /* it is tried again meanwhile */
    assert_int_equal(count_of(world, EMAIL_SENDING), 1);
    assert_true(store_run(world->store, cure_job, NULL, NULL));
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 60);
    assert_int_equal(captured(world), 60);
}

static gboolean hide_job(Db *db, gpointer table, GError **error)
{
    g_autofree char *sql = g_strdup_printf("ALTER TABLE %s RENAME TO hidden", (const char *)table);
    return db_exec(db, sql, error);
}

static gboolean show_job(Db *db, gpointer table, GError **error)
{
    g_autofree char *sql = g_strdup_printf("ALTER TABLE hidden RENAME TO %s", (const char *)table);
    return db_exec(db, sql, error);
}

/* The store holds for a moment what cannot be read: it is read again, and nothing else happened. */
static void what_cannot_be_read_is_read_again(void **state)
{
    static const char *const tables[] = {"smtp_slots", "bodies"}; /* the settings, the mails */
    World *world = *state;
    for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
        switch_sending(world, FALSE);
        activate(world, "sandbox");
        for (int n = 0; n < 10; n++)
            submit(world, "anna@example.test", FALSE);
        run_for(world, 100);
        switch_sending(world, TRUE);
        assert_true(store_run(world->store, hide_job, (gpointer)tables[i], NULL));
        run_for(world, 500);
        assert_int_equal(count_of(world, EMAIL_ACCEPTED), 10 * i);
        assert_true(store_run(world->store, show_job, (gpointer)tables[i], NULL));
        RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 10 * (i + 1));
    }
    gint64 attempts = -1;
    assert_true(store_run(world->store, count_attempts_job, &attempts, NULL));
    assert_int_equal(attempts, 20); /* the successful ones */
    assert_int_equal(captured(world), 20);
}

static EmailRow *read_email(World *world, const Id *id)
{
    Db *db = store_reader_take(world->store);
    EmailRow *row = emails_get(db, acting_org, id, NULL);
    store_reader_give(world->store, db);
    return row;
}

/* The last mail that was taken: its content may have arrived. */
static gboolean lose_last_reply_job(Db *db, gpointer unused, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT max(row) FROM recipients");
    gint64 row = db_next(q) ? db_int(q, 0) : 0;
    WallMs now = clock_wall_ms();
    GError *fault = NULL;
    gboolean marked = FALSE;
    const EmailAttempt lost = {
        .recipient_id = row, .state = EMAIL_UNCERTAIN, .at = now, .next_at = now, .counts = TRUE};
    return db_finish(q, error) &&
           emails_mark_sending(db, acting_org, &row, 1, now, &marked, error) && marked &&
           emails_record_attempts(db, acting_org, &lost, 1, &fault, error) && fault == NULL;
}

/* It waited while the sender was changed. What named its sender itself keeps it and is kept, and so
 * does what may have arrived already. */
static void mail_without_a_sender_of_its_own_leaves_with_the_one_in_force(void **state)
{
    World *world = *state;
    activate(world, "sandbox");
    Mail follower = {.world = world, .to = "anna@example.test", .follows_sender = TRUE};
    Mail named = {.world = world, .to = "bert@example.test"};
    assert_true(store_run(world->store, insert_job, &follower, NULL));
    assert_true(store_run(world->store, insert_job, &named, NULL));
    Mail lost = {.world = world, .to = "carl@example.test", .follows_sender = TRUE};
    assert_true(store_run(world->store, insert_job, &lost, NULL));
    assert_true(store_run(world->store, lose_last_reply_job, NULL, NULL));
    acting_sender = "info@example.test";
    activate(world, "sandbox");
    acting_sender = "noreply@example.test";
    switch_sending(world, TRUE);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 1 && count_of(world, EMAIL_DEFERRED) == 1);
    gint64 attempts = 0; /* the successful one, that of before, and both that are held */
    RUN_UNTIL(world, store_run(world->store, count_attempts_job, &attempts, NULL) && attempts == 4);
    assert_int_equal(count_of(world, EMAIL_UNCERTAIN), 1);
    g_autoptr(EmailRow) repeated = read_email(world, &lost.id);
    assert_string_equal(repeated->from, "noreply@example.test");
    g_autoptr(EmailRow) went = read_email(world, &follower.id);
    g_autoptr(EmailRow) stayed = read_email(world, &named.id);
    assert_string_equal(went->from, "info@example.test");
    assert_string_equal(stayed->from, "noreply@example.test");
    gint64 wrong = -1;
    assert_true(store_run(world->store, count_other_senders_job, &wrong, NULL));
    assert_int_equal(wrong, 0);
    assert_int_equal(captured(world), 1);
}

static void a_mail_that_cannot_be_opened_is_held(void **state)
{
    World *world = *state;
    activate(world, "sandbox");
    submit(world, "anna@example.test", FALSE);
    assert_true(store_run(world->store, spoil_bodies_job, NULL, NULL));
    submit(world, "bert@example.test", FALSE);
    switch_sending(world, TRUE);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 1);
    RUN_UNTIL(world, count_of(world, EMAIL_DEFERRED) == 1);
}

/* The end of the test stops the courier in the middle of its work. */
static void stopping_in_the_middle_leaves_nothing_uncertain(void **state)
{
    World *world = *state;
    activate(world, "sandbox");
    for (int i = 0; i < 400; i++)
        submit(world, "anna@example.test", FALSE);
    switch_sending(world, TRUE);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) >= 30);
}

static void stopping_short_of_time_leaves_in_doubt_only_what_has_left(void **state)
{
    World *world = *state;
    activate(world, "sandbox");
    for (int i = 0; i < 10; i++)
        submit(world, "slow@example.test", FALSE);
    switch_sending(world, TRUE);
    RUN_UNTIL(world, count_of(world, EMAIL_SENDING) > 0);
    run_for(world, 300);
    courier_stop(world->courier, 100);
    world->is_stopped = TRUE;
    gint64 uncertain = count_of(world, EMAIL_UNCERTAIN);
    assert_in_range(uncertain, 0, 1);
    assert_int_equal(count_of(world, EMAIL_SENDING), 0);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 10 - uncertain);
}

static void a_refused_login_is_tried_once_and_holds_everything(void **state)
{
    World *world = *state;
    activate(world, "not the password");
    switch_sending(world, TRUE);
    for (int i = 0; i < 10; i++)
        submit(world, "anna@example.test", FALSE);
    RUN_UNTIL(world, health_of(world) == HEALTH_CREDENTIAL_FAULT);
    run_for(world, 300);
    CourierCounters counters;
    courier_counters(world->courier, &counters);
    assert_int_equal(counters.login_failures, 1);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 10);
    activate(world, "sandbox");
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 10);
}

/* The breaker stays open: what the provider cannot check now says nothing about the password. */
static void a_login_put_off_holds_nothing(void **state)
{
    World *world = *state;
    world->username = "busy@localhost";
    activate(world, "sandbox");
    switch_sending(world, TRUE);
    for (int i = 0; i < 3; i++)
        submit(world, "anna@example.test", FALSE);
    RUN_UNTIL(world, health_of(world) == HEALTH_UNREACHABLE);
    RUN_UNTIL(world, count_of(world, EMAIL_DEFERRED) == 1);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 2);
    world->username = "sandbox@localhost";
    activate(world, "sandbox");
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 2);
}

static gboolean limits_job(Db *db, gpointer settings, GError **error)
{
    return smtp_limits_write(db, acting_org, settings, -1, error);
}

/* As a PATCH of the quota does; 0: none. The password is none of its business. */
static void set_quota(World *world, guint per_minute)
{
    g_autoptr(SmtpSettings) settings = settings_with(world, "not the password");
    settings->quota.per_minute = per_minute;
    assert_true(store_run(world->store, limits_job, settings, NULL));
}

static void other_limits_during_a_hold_let_go_what_they_held_and_nothing_else(void **state)
{
    World *world = *state;
    activate(world, "sandbox");
    set_quota(world, 3);
    switch_sending(world, TRUE);
    for (int i = 0; i < 10; i++)
        submit(world, "anna@example.test", FALSE);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 3);
    run_for(world, 300);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 7);
    set_quota(world, 5);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 5);
    run_for(world, 300);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 5);
    set_quota(world, 0);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 10);
}

static void other_limits_do_not_try_a_refused_password_again(void **state)
{
    World *world = *state;
    activate(world, "not the password");
    switch_sending(world, TRUE);
    submit(world, "anna@example.test", FALSE);
    RUN_UNTIL(world, health_of(world) == HEALTH_CREDENTIAL_FAULT);
    for (guint quota = 1; quota < 4; quota++) {
        set_quota(world, quota);
        run_for(world, 150);
    }
    CourierCounters counters;
    courier_counters(world->courier, &counters);
    assert_int_equal(counters.login_failures, 1);
    assert_int_equal(health_of(world), HEALTH_CREDENTIAL_FAULT);
    assert_int_equal(count_of(world, EMAIL_QUEUED), 1);
}

static guint connections(int listening)
{
    guint n = 0;
    for (int fd; (fd = accept(listening, NULL, NULL)) >= 0; n++)
        close(fd);
    return n;
}

/* From now on the settings lead to a server that takes every connection and says nothing. */
static int listen_in_silence(World *world)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    int silent = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(silent, (struct sockaddr *)(gpointer)&address, n), 0);
    assert_int_equal(listen(silent, 64), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)(gpointer)&address, &n), 0);
    world->port = ntohs(address.sin_port);
    return silent;
}

/* While an administrator types, the settings are read again and again. */
static void a_closed_gate_that_is_read_again_cuts_off_nobody(void **state)
{
    World *world = *state;
    int silent = listen_in_silence(world);
    activate(world, "sandbox");
    run_for(world, 100);
    submit(world, "anna@example.test", TRUE); /* goes out although sending is paused */
    run_for(world, 300);
    for (guint i = 0; i < 5; i++) {
        switch_sending(world, FALSE); /* as it was */
        run_for(world, 100);
    }
    assert_int_equal(connections(silent), 1);
    close(silent);
}

static gboolean interrupt_job(Db *db, gpointer data, GError **error)
{
    return db_exec(db,
        "UPDATE recipients SET state = 3;"
        "UPDATE recipient_counts SET n = 1 WHERE state = 3;"
        "UPDATE recipient_counts SET n = 0 WHERE state = 2;"
        "CREATE TRIGGER no_room BEFORE UPDATE ON recipients BEGIN SELECT RAISE(ABORT, 'full'); END",
        error);
}

static gboolean room_job(Db *db, gpointer data, GError **error)
{
    return db_exec(db, "DROP TRIGGER no_room", error);
}

static gboolean second_organisation_job(Db *db, gpointer data, GError **error)
{
    static const char *const rows[] = {
        "INSERT INTO organisations (row) VALUES (2)",
        "INSERT INTO smtp_state (org_id, sending_reason) VALUES (2, 'initial')",
        "INSERT INTO recipient_counts (org_id, state, n) SELECT 2, state, 0 FROM recipient_counts",
        "INSERT INTO books (org_id, state, n) SELECT 2, state, 0 FROM books",
    };
    gboolean is_well = TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        is_well = is_well && db_exec(db, rows[i], error);
    return is_well;
}

static gboolean spoil_books_job(Db *db, gpointer data, GError **error)
{
    return db_exec(db, "UPDATE books SET n = n + 1 WHERE org_id = 2 AND state = 0", error);
}

static gboolean spoil_first_books_job(Db *db, gpointer data, GError **error)
{
    return db_exec(db, "UPDATE books SET n = n + 1 WHERE org_id = 1 AND state = 0", error);
}

static void restart_after(World *world, void (*change)(World *world))
{
    courier_stop(world->courier, 5000);
    close_store(world);
    open_store(world);
    change(world);
    start_courier(world);
}

static void begin_other_organisation(World *world)
{
    assert_true(store_run(world->store, second_organisation_job, NULL, NULL));
}

static void use_sandbox(World *world)
{
    activate(world, "sandbox");
}

static void spoil_books(World *world)
{
    assert_true(store_run(world->store, spoil_books_job, NULL, NULL));
}

/* The provider of one never says a word; the mail of the other goes, and a start finds both. */
static void organisations_neither_hold_up_nor_forget_each_other(void **state)
{
    World *world = *state;
    restart_after(world, begin_other_organisation);
    RUN_UNTIL(world, courier_books(world->courier) == COURIER_BOOKS_BALANCED);
    acting_org = OTHER_ORG;
    int silent = listen_in_silence(world);
    activate(world, "sandbox");
    switch_sending(world, TRUE);
    for (int i = 0; i < 20; i++)
        submit(world, "bert@example.test", FALSE);
    int dialled = -1;
    RUN_UNTIL(world, dialled >= 0 || (dialled = accept(silent, NULL, NULL)) >= 0);

    acting_org = STORE_DEFAULT_ORG;
    world->port = world->facts.starttls_port;
    activate(world, "sandbox");
    switch_sending(world, TRUE);
    for (int i = 0; i < 20; i++)
        submit(world, "anna@example.test", FALSE);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 20);

    acting_org = OTHER_ORG;
    assert_int_equal(count_of(world, EMAIL_QUEUED), 20);
    restart_after(world, use_sandbox);
    RUN_UNTIL(world, count_of(world, EMAIL_ACCEPTED) == 20);
    GLogLevelFlags fatal =
        g_log_set_always_fatal(G_LOG_LEVEL_ERROR); /* the fault is logged as critical */
    restart_after(world, spoil_books);
    RUN_UNTIL(world, courier_books(world->courier) == COURIER_BOOKS_FAULTY);
    g_log_set_always_fatal(fatal);
    close(dialled);
    close(silent);
}

static void do_nothing(World *world)
{
}

/* Spoilt while it runs, and seen without a restart. */
static void the_books_are_looked_at_again_every_hour(void **state)
{
    World *world = *state;
    world->hour_ms = 100;
    restart_after(world, do_nothing);
    RUN_UNTIL(world, courier_books(world->courier) == COURIER_BOOKS_BALANCED);
    GLogLevelFlags fatal =
        g_log_set_always_fatal(G_LOG_LEVEL_ERROR); /* the fault is logged as critical */
    assert_true(store_run(world->store, spoil_first_books_job, NULL, NULL));
    RUN_UNTIL(world, courier_books(world->courier) == COURIER_BOOKS_FAULTY);
    courier_stop(world->courier, 5000); /* or the next check would find it, too */
    world->is_stopped = TRUE;
    g_log_set_always_fatal(fatal);
}

static void what_was_being_sent_is_settled_even_if_that_fails_at_first(void **state)
{
    World *world = *state;
    submit(world, "anna@example.test", FALSE);
    courier_stop(world->courier, 1000);
    courier_free(world->courier);
    assert_true(store_run(world->store, interrupt_job, NULL, NULL));
    start_courier(world);
    run_for(world, 300);
    assert_int_equal(count_of(world, EMAIL_SENDING), 1);
    assert_true(store_run(world->store, room_job, NULL, NULL));
    RUN_UNTIL(world, count_of(world, EMAIL_UNCERTAIN) == 1);
}

static void each_answer_has_its_state(void **state)
{
    World *world = *state;
    activate(world, "sandbox");
    switch_sending(world, TRUE);
    submit(world, "reject@example.test", FALSE);
    RUN_UNTIL(world, count_of(world, EMAIL_REJECTED) == 1);
    submit(world, "defer@example.test", FALSE);
    RUN_UNTIL(world, count_of(world, EMAIL_DEFERRED) == 1);
    submit(world, "drop@example.test", FALSE);
    RUN_UNTIL(world, count_of(world, EMAIL_UNCERTAIN) == 1);
    CourierCounters counters;
    courier_counters(world->courier, &counters);
    assert_int_equal(counters.accepted, 0);
    assert_int_equal(counters.rejected, 1);
    assert_int_equal(counters.deferred, 1);
    assert_int_equal(counters.uncertain, 1);
}

static Verification *read_run(World *world, const Id *id)
{
    Db *db = store_reader_take(world->store);
    Verification *run = verification_get(db, acting_org, id, NULL);
    store_reader_give(world->store, db);
    return run;
}

static gboolean has_ended(World *world, const Id *id)
{
    g_autoptr(Verification) run = read_run(world, id);
    return run != NULL && run->state != VERIFICATION_RUNNING;
}

static void only_a_passed_verification_becomes_active(void **state)
{
    World *world = *state;
    static const struct {
        const char *password;
        VerificationState ends;
        gboolean activated;
        const char *diagnosis_phase;
    } runs[] = {
        {"a-wrong-one", VERIFICATION_FAILED, FALSE, "auth"},
        {"sandbox", VERIFICATION_PASSED, TRUE, NULL},
        {"another-wrong-one", VERIFICATION_FAILED, FALSE, "auth"},
    };
    gint64 revision = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(runs); i++) {
        g_autoptr(SmtpSettings) settings = settings_with(world, runs[i].password);
        Db *db = store_reader_take(world->store);
        g_autoptr(SmtpState) before = smtp_state_read(db, acting_org, NULL);
        store_reader_give(world->store, db);
        revision = before->revision;
        Id id = id_fresh(clock_wall_ms());
        g_autoptr(Verification) begun = courier_verification_new(acting_org, &id, settings,
            revision, TRUE, "anna@example.test", "anna@example.test", clock_wall_ms());
        courier_verify(world->courier, begun, settings, NULL);
        RUN_UNTIL(world, has_ended(world, &id));
        g_autoptr(Verification) run = read_run(world, &id);
        assert_int_equal(run->state, runs[i].ends);
        assert_int_equal(run->activated, runs[i].activated);
        if (runs[i].diagnosis_phase != NULL)
            assert_string_equal(run->diagnosis_phase, runs[i].diagnosis_phase);
        for (guint k = 0; k < run->lines->len && !runs[i].activated; k++) {
            const VerificationLine *line = run->lines->pdata[k];
            assert_null(strstr(line->text, runs[i].password));
        }
    }
    Db *db = store_reader_take(world->store);
    g_autoptr(SmtpState) after = smtp_state_read(db, acting_org, NULL);
    store_reader_give(world->store, db);
    assert_non_null(after->active); /* the second run's, untouched by the third */
    g_autoptr(Secret) password =
        settings_unseal_password(after->active, world->vault, acting_org, NULL);
    assert_string_equal(secret_reveal(password, NULL), "sandbox");
    assert_int_equal(count_of(world, EMAIL_ACCEPTED), 0); /* and no mail was sent */
}

int main(void)
{
    secret_init();
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        WITH_WORLD(mails_go_out_over_few_logins),
        WITH_WORLD(paused_lets_only_tests_pass),
        WITH_WORLD(a_pause_in_the_middle_stops_everything_and_loses_nothing),
        WITH_WORLD(an_outcome_that_cannot_be_stored_holds_up_no_other_and_is_not_forgotten),
        WITH_WORLD(what_cannot_be_read_is_read_again),
        WITH_WORLD(mail_without_a_sender_of_its_own_leaves_with_the_one_in_force),
        WITH_WORLD(a_mail_that_cannot_be_opened_is_held),
        WITH_WORLD(stopping_in_the_middle_leaves_nothing_uncertain),
        WITH_WORLD(stopping_short_of_time_leaves_in_doubt_only_what_has_left),
        WITH_WORLD(a_refused_login_is_tried_once_and_holds_everything),
        WITH_WORLD(a_login_put_off_holds_nothing),
        WITH_WORLD(other_limits_during_a_hold_let_go_what_they_held_and_nothing_else),
        WITH_WORLD(other_limits_do_not_try_a_refused_password_again),
        WITH_WORLD(a_closed_gate_that_is_read_again_cuts_off_nobody),
        WITH_WORLD(organisations_neither_hold_up_nor_forget_each_other),
        WITH_WORLD(the_books_are_looked_at_again_every_hour),
        WITH_WORLD(what_was_being_sent_is_settled_even_if_that_fails_at_first),
        WITH_WORLD(each_answer_has_its_state),
        WITH_WORLD(only_a_passed_verification_becomes_active),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
