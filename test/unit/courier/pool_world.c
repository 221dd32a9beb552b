#include "pool_world.h"

#include <glib/gstdio.h>
#include <string.h>

/* --- The courier's part -------------------------------------------------------------------------
 */

char *address_of(gint64 mail)
{
    return g_strdup_printf("r%d@example.test", (int)mail);
}

void give_content(World *world, gint64 mail, GBytes *content)
{
    EmailDelivery *delivery = g_new0(EmailDelivery, 1);
    delivery->recipient_id = mail;
    delivery->email_id = id_fresh(clock_wall_ms());
    delivery->address = address_of(mail);
    delivery->sender = g_strdup("noreply@example.test");
    delivery->content = content;
    delivery->at_most_once = world->at_most_once;
    delivery->expires_at = mail == world->late_mail ? world->late_at : 0;
    pool_send(world->pool, delivery);
}

void give(World *world, gint64 mail)
{
    static const char content[] =
        "From: noreply@example.test\r\nSubject: Hi\r\n\r\n.dot\r\nbody\r\n";
    give_content(world, mail, g_bytes_new_static(content, sizeof content - 1));
}

void give_unsendable(World *world, gint64 mail)
{
    static const char content[] = "From: noreply@example.test\n\nbody\n";
    give_content(world, mail, g_bytes_new_static(content, sizeof content - 1));
}

void give_many(World *world, gint64 first, gint64 n)
{
    for (gint64 mail = first; mail < first + n; mail++)
        give(world, mail);
}

void answer_marks(World *world, gint64 first, gint64 n, gboolean marked)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(GArray) answers = g_array_new(FALSE, FALSE, sizeof(gboolean));
    for (guint i = 0; i < world->asked->len;) {
        gint64 mail = g_array_index(world->asked, gint64, i);
        if (mail < first || mail >= first + n) {
            i++;
            continue;
        }
        g_array_append_val(ids, mail);
        g_array_append_val(answers, marked);
        g_array_remove_index(world->asked, i);
    }
    pool_marked(world->pool, (const gint64 *)(gconstpointer)ids->data,
        (const gboolean *)(gconstpointer)answers->data, ids->len);
}

gboolean answer_all_marks(gpointer user)
{
    answer_marks(user, 0, MAILS_MAX, TRUE);
    return G_SOURCE_REMOVE;
}

static void on_mark(const gint64 *recipient_ids, guint n, gpointer user)
{
    World *world = user;
    if (world->asked->len == 0 && world->answers_marks)
        g_idle_add(answer_all_marks, world);
    g_array_append_vals(world->asked, recipient_ids, n);
    world->mark_calls++;
    world->n_marks += n;
    world->most_marks = MAX(world->most_marks, n);
}

static void on_ended(const PoolResult *result, gpointer user)
{
    World *world = user;
    gboolean is_back = result->end == ATTEMPT_WITHDRAWN || result->end == ATTEMPT_RETURNED;
    gboolean is_late = world->late_at > 0 && result->recipient_id == world->late_mail;
    gboolean goes_again = is_back && !is_late;
    world->ends[result->end]++;
    world->last[result->recipient_id] = result->end;
    world->last_was_local = is_back ? world->last_was_local : result->is_local;
    world->versions[result->recipient_id] = result->config_version;
    world->accepted[result->recipient_id] += result->end == ATTEMPT_ACCEPTED ? 1 : 0;
    assert_true(is_back || result->is_local || result->end == ATTEMPT_ACCEPTED ||
                result->diagnosis != NULL);
    if (goes_again && world->gives_again)
        give(world, result->recipient_id);
}

static void on_login(gboolean accepted, gpointer user)
{
    World *world = user;
    world->logins += accepted ? 1 : 0;
    world->login_failures += accepted ? 0 : 1;
}

static void on_login_refused(gint64 config_version, gpointer user)
{
    ((World *)user)->refusals++;
}

static const PoolEvents pool_events = {
    .mark = on_mark, .ended = on_ended, .login = on_login, .login_refused = on_login_refused};

/* --- The world ----------------------------------------------------------------------------------
 */

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

void make_pool(World *world, gint64 idle_ms)
{
    const PoolParts parts = {.context = world->context,
        .dialer = &world->dialer,
        .tls = world->tls,
        .catalogue = world->catalogue,
        .deadlines = {.trial_ms = 300},
        .idle_ms = idle_ms};
    pool_free(world->pool);
    world->pool = pool_new(&parts, &pool_events, world);
}

int set_up(void **state)
{
    World *world = g_new0(World, 1);
    world->directory = g_dir_make_tmp("absender-pool-XXXXXX", NULL);
    world->context = g_main_context_default();
    world->catalogue = read_catalogue();
    world->provider = provider_new(world->context, world->directory);
    world->tls = net_tls_client_new(NULL, NULL);
    assert_true(net_tls_client_trust(world->tls, provider_ca_file(world->provider), NULL));
    world->resolver = net_resolver_new(world->context, NULL, NULL);
    world->policy = net_policy_new();
    net_policy_allow(world->policy, "127.0.0.0/8", NULL);
    world->dialer = (NetDialer){
        .context = world->context, .resolver = world->resolver, .policy = world->policy};
    world->asked = g_array_new(FALSE, FALSE, sizeof(gint64));
    world->answers_marks = world->gives_again = TRUE;
    make_pool(world, 0);
    world->settings = settings_new();
    world->settings->host = g_strdup("localhost");
    world->settings->port = provider_port(world->provider);
    world->settings->security = TLS_MODE_STARTTLS;
    world->settings->from_email = g_strdup("noreply@example.test");
    world->settings->max_connections = 1;
    world->settings->window = 16;
    *state = world;
    return 0;
}

int tear_down(void **state)
{
    World *world = *state;
    pool_free(world->pool);
    provider_free(world->provider);
    while (g_source_remove_by_user_data(world))
        continue;
    g_array_unref(world->asked);
    settings_free(world->settings);
    net_policy_free(world->policy);
    net_resolver_free(world->resolver);
    net_tls_client_free(world->tls);
    diagnosis_catalogue_free(world->catalogue);
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

void configure(World *world, gint64 config_version, const char *password)
{
    g_autoptr(Secret) secret = secret_new(password, strlen(password));
    pool_configure(world->pool, world->settings, secret, "[127.0.0.1]", config_version);
}

void run_for(World *world, gint64 ms)
{
    MonoMs last = clock_mono_ms() + ms;
    guint tick = g_timeout_add(5, run_until_tick, NULL);
    while (clock_mono_ms() < last)
        g_main_context_iteration(world->context, TRUE);
    g_source_remove(tick);
}

void assert_each_taken_once(World *world, gint64 first, gint64 n)
{
    for (gint64 mail = first; mail < first + n; mail++) {
        g_autofree char *address = address_of(mail);
        assert_int_equal(provider_taken(world->provider, address), 1);
        assert_int_equal(world->accepted[mail], 1);
    }
}

void assert_no_trouble(const World *world)
{
    assert_int_equal(world->ends[ATTEMPT_UNSENT], 0);
    assert_int_equal(world->ends[ATTEMPT_UNCERTAIN], 0);
    assert_int_equal(world->ends[ATTEMPT_REFUSED], 0);
}

ProviderFacts facts(const World *world)
{
    return provider_facts(world->provider);
}
