#include "courier/bearer.h"

#include "base/error.h"
#include "base/limits.h"
#include "courier/bearer_fetch.h"
#include "courier/later.h"

/* See bearer.h. It is made when first asked about, and forgotten when there are too many. */
typedef struct {
    Bearer *bearer;
    char *identity;
    gint64 org_id;
    SmtpSettings *settings; /* as last given: what is sealed in them may have been sealed anew */
    Secret *token;          /* NULL: none */
    guint64 number;
    char *server, *scope;
    MonoMs issued_at, came_at, ends_at, used_at;
    guint64 refused_number; /* a login with this token failed: it and older ones are not given */
    gboolean last_failed; /* the last question brought no token: the kept one goes on for longer */
    gboolean waits_for_turn; /* another account of the organisation has the refresh token in use */
    gboolean is_in_use;      /* asked for by somebody who would log in, since it was issued */
    gboolean is_fetching;    /* or writing */
    gboolean knows_store;    /* what the store keeps was looked at */
    BearerFetch *unwritten;  /* a refresh token that must be written before anything else */
    GQueue requests;         /* of BearerRequest */
    GSource *ahead;          /* NULL: nothing is renewed ahead */
} Account;

struct bearer {
    BearerParts parts;
    char *ca_file;
    GHashTable *accounts; /* identity → Account */
    GThreadPool *fetchers;
    Later *later; /* serves who can be served with what is kept */
    guint64 numbers;
    guint under_way; /* fetches and writes */
    gboolean is_stopping;
};

struct bearer_request {
    Bearer *bearer;
    GQueue *queue; /* it stands in */
    GList link;
    guint64 newer_than;
    BearerDone done;
    gpointer user;
};

static void begin(Account *account);

/* --- Accounts -----------------------------------------------------------------------------------
 */

static void clear_ahead(Account *account)
{
    if (account->ahead != NULL)
        g_source_destroy(account->ahead);
    g_clear_pointer(&account->ahead, g_source_unref);
}

static void account_free(gpointer data)
{
    Account *account = data;
    g_assert(account->requests.length == 0 && !account->is_fetching);
    clear_ahead(account);
    settings_free(account->settings);
    secret_free(account->token);
    bearer_fetch_free(account->unwritten);
    g_free(account->identity);
    g_free(account->server);
    g_free(account->scope);
    g_free(account);
}

static Account *account_of(Bearer *bearer, gint64 org_id, const SmtpSettings *settings)
{
    g_autofree char *identity = bearer_identity_dup(org_id, settings);
    Account *account = g_hash_table_lookup(bearer->accounts, identity);
    if (account == NULL) {
        account = g_new0(Account, 1);
        account->bearer = bearer;
        account->org_id = org_id;
        account->identity = g_steal_pointer(&identity);
        g_queue_init(&account->requests);
        g_hash_table_insert(bearer->accounts, account->identity, account);
    }
    settings_free(account->settings);
    account->settings = settings_copy(settings);
    account->used_at = clock_mono_ms();
    return account;
}

static gboolean is_idle(const Account *account)
{
    return account->requests.length == 0 && !account->is_fetching && account->unwritten == NULL;
}

/* Those of drafts that nobody uses any more, mostly. */
static void forget_surplus(Bearer *bearer)
{
    while (g_hash_table_size(bearer->accounts) > LIMIT_BEARER_ACCOUNTS) {
        const Account *oldest = NULL;
        GHashTableIter accounts;
        gpointer each;
        g_hash_table_iter_init(&accounts, bearer->accounts);
        while (g_hash_table_iter_next(&accounts, NULL, &each)) {
            const Account *account = each;
            if (is_idle(account) && (oldest == NULL || account->used_at < oldest->used_at))
                oldest = account;
        }
        if (oldest == NULL)
            return;
        g_hash_table_remove(bearer->accounts, oldest->identity);
    }
}

/* --- The token that is kept ---------------------------------------------------------------------
 */

/* Older than this it is renewed before it is given. */
static gint64 margin_ms(const Account *account)
{
    return bearer_margin_ms(account->ends_at - account->issued_at);
}

static gboolean has_token(const Account *account, gint64 for_ms)
{
    return account->token != NULL && account->number > account->refused_number &&
           clock_mono_ms() + for_ms < account->ends_at;
}

/* While no other one is to be had, a token is good for longer. */
static gint64 least_ms(const Account *account)
{
    return bearer_least_ms(account->ends_at - account->issued_at);
}

static gboolean on_ahead(gpointer user)
{
    Account *account = user;
    clear_ahead(account);
    if (account->is_in_use && !account->bearer->is_stopping)
        begin(account);
    return G_SOURCE_REMOVE;
}

static void plan_ahead(Account *account, gint64 in_ms)
{
    clear_ahead(account);
    if (account->bearer->is_stopping)
        return;
    account->ahead = g_timeout_source_new((guint)CLAMP(in_ms, 1, CLOCK_DAY_MS));
    g_source_set_callback(account->ahead, on_ahead, account, NULL);
    g_source_attach(account->ahead, account->bearer->parts.context);
}

/* By somebody who would log in; a verification only looks whether it could be done. */
static gboolean is_waited_for(const Account *account)
{
    for (const GList *link = account->requests.head; link != NULL; link = link->next) {
        if (((const BearerRequest *)link->data)->newer_than != BEARER_FRESH)
            return TRUE;
    }
    return FALSE;
}

static void take_token(Account *account, BearerFetch *fetch)
{
    secret_free(account->token);
    g_free(account->server);
    g_free(account->scope);
    account->token = g_steal_pointer(&fetch->token);
    account->server = g_steal_pointer(&fetch->server);
    account->scope = g_steal_pointer(&fetch->scope);
    account->issued_at = fetch->issued_at;
    account->came_at = fetch->came_at;
    account->ends_at = fetch->ends_at;
    account->last_failed = FALSE;
    account->number = ++account->bearer->numbers;
    gint64 renewal_ms = bearer_renewal_ms(account->ends_at - account->issued_at, g_random_int());
    plan_ahead(account, account->issued_at + renewal_ms - clock_mono_ms());
    account->is_in_use = is_waited_for(account);
}

/* --- Answers ------------------------------------------------------------------------------------
 */

static BearerAnswer kept_answer(const Account *account)
{
    MonoMs now = clock_mono_ms();
    return (BearerAnswer){.end = BEARER_GIVEN,
        .server = account->server,
        .token = account->token,
        .number = account->number,
        .age_ms = now - account->came_at,
        .left_ms = account->ends_at - now,
        .scope = account->scope};
}

static BearerAnswer failed_answer(const BearerFetch *fetch, const char *sys)
{
    return (BearerAnswer){.end = sys != NULL ? BEARER_UNREACHABLE : fetch->end,
        .server = fetch->server,
        .code = fetch->code,
        .text = fetch->text,
        .sys = sys != NULL ? sys : fetch->sys};
}

static void finish(BearerRequest *request, const BearerAnswer *answer)
{
    g_queue_unlink(request->queue, &request->link);
    request->done(answer, request->user);
    g_free(request);
}

/* Told whoever wants it, one after the other: inside, requests may come and go. */
static void tell(Account *account, const BearerAnswer *answer,
    gboolean (*is_for)(const Account *account, const BearerRequest *request))
{
    GQueue told = G_QUEUE_INIT;
    for (GList *link = account->requests.head, *next; link != NULL; link = next) {
        BearerRequest *request = link->data;
        next = link->next;
        if (is_for != NULL && !is_for(account, request))
            continue;
        g_queue_unlink(&account->requests, link);
        g_queue_push_tail_link(&told, link);
        request->queue = &told;
    }
    while (told.head != NULL)
        finish(told.head->data, answer);
}

static gboolean wants_kept(const Account *account, const BearerRequest *request)
{
    return request->newer_than < account->number;
}

static void tell_kept(
    Account *account, gboolean (*is_for)(const Account *account, const BearerRequest *request))
{
    const BearerAnswer answer = kept_answer(account);
    tell(account, &answer, is_for);
}

/* --- Fetching and writing -----------------------------------------------------------------------
 */

static gboolean write_job(Db *db, gpointer data, GError **error)
{
    return bearer_fetch_write(db, ((const Account *)data)->unwritten, error);
}

/* But who may have the token that is kept gets it. */
static void fail_all(Account *account, const BearerFetch *fetch, const char *sys)
{
    const BearerAnswer answer = failed_answer(fetch, sys);
    gboolean has_kept = has_token(account, least_ms(account));
    account->last_failed = TRUE;
    if (has_kept && answer.end != BEARER_REFUSED)
        plan_ahead(account,
            LIMIT_BEARER_JITTER_MS + bearer_jitter_ms(LIMIT_BEARER_JITTER_MS, g_random_int()));
    if (has_kept)
        tell_kept(account, wants_kept);
    tell(account, &answer, NULL);
}

/* The turn of those who waited for it. While the new refresh token is unwritten, nobody has one. */
static void pass_on(const Account *from, const BearerFetch *fetch, const char *sys)
{
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();
    GHashTableIter accounts;
    gpointer each;
    g_hash_table_iter_init(&accounts, from->bearer->accounts);
    while (g_hash_table_iter_next(&accounts, NULL, &each)) {
        if (((const Account *)each)->waits_for_turn &&
            ((const Account *)each)->org_id == from->org_id)
            g_ptr_array_add(waiting, each);
    }
    for (guint i = 0; i < waiting->len; i++) {
        Account *account = waiting->pdata[i];
        account->waits_for_turn = FALSE;
        if (from->unwritten != NULL)
            fail_all(account, fetch, sys);
        else if (account->requests.length > 0 || !account->bearer->is_stopping)
            begin(account);
    }
}

/* The end of a fetch, and of what had to be written: everybody is told. */
static void settle(Account *account, BearerFetch *fetch, const char *sys)
{
    account->is_fetching = FALSE;
    if (sys == NULL && fetch->end == BEARER_GIVEN) {
        take_token(account, fetch);
        if (!fetch->is_stored)
            tell_kept(account, NULL);
        else if (has_token(account, margin_ms(account)))
            tell_kept(account, wants_kept);
    } else {
        fail_all(account, fetch, sys);
    }
    pass_on(account, fetch, sys);
    if (account->requests.length > 0 && !account->is_fetching)
        begin(account);
}

/* What cannot be written is only lost with its refresh token, and then kept for the next time. */
static void written(gpointer data, const GError *error)
{
    Account *account = data;
    Bearer *bearer = account->bearer;
    bearer->under_way--;
    if (error != NULL)
        g_warning("an access token could not be stored: %s", error->message);
    if (error != NULL && account->unwritten->refresh_token != NULL) {
        const BearerFetch *kept = account->unwritten;
        BearerFetch told = {.server = kept->server};
        settle(account, &told, "STORE");
        return;
    }
    g_autoptr(BearerFetch) fetch = g_steal_pointer(&account->unwritten);
    settle(account, fetch, NULL);
}

static gboolean write_refused(gpointer data)
{
    g_autoptr(GError) error =
        g_error_new_literal(ABS_ERROR, ABS_ERROR_BUSY, "the database has too much work waiting");
    written(data, error);
    return G_SOURCE_REMOVE;
}

/* On the loop, on its next turn. */
static void call(const Bearer *bearer, GSourceFunc function, gpointer data)
{
    g_autoptr(GSource) source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, function, data, NULL);
    g_source_attach(source, bearer->parts.context);
}

static void write_out(Account *account)
{
    Bearer *bearer = account->bearer;
    if (!store_submit(
            bearer->parts.store, write_job, account, written, bearer->parts.context, NULL))
        call(bearer, write_refused, account);
}

typedef struct {
    Account *account;
    BearerFetch *fetch;
} Errand;

static gboolean fetched(gpointer user)
{
    g_autofree Errand *errand = user;
    Account *account = errand->account;
    g_autoptr(BearerFetch) fetch = errand->fetch;
    if (fetch->row != NULL) {
        account->unwritten = g_steal_pointer(&fetch);
        write_out(account);
        return G_SOURCE_REMOVE;
    }
    account->bearer->under_way--;
    settle(account, fetch, NULL);
    return G_SOURCE_REMOVE;
}

static void fetch_on_thread(gpointer user, gpointer unused)
{
    Errand *errand = user;
    bearer_fetch_run(errand->fetch);
    call(errand->account->bearer, fetched, errand);
}

static gboolean wants_fresh(const Account *account)
{
    for (const GList *link = account->requests.head; link != NULL; link = link->next) {
        if (((const BearerRequest *)link->data)->newer_than != BEARER_ANY)
            return TRUE;
    }
    return FALSE;
}

/* The one that uses the organisation's refresh token, or has a new one that is not written yet. */
static Account *user_of_refresh_token(const Account *asking)
{
    GHashTableIter accounts;
    gpointer each;
    if (asking->settings->oauth.grant != OAUTH_REFRESH_TOKEN)
        return NULL;
    g_hash_table_iter_init(&accounts, asking->bearer->accounts);
    while (g_hash_table_iter_next(&accounts, NULL, &each)) {
        Account *account = each;
        if (account != asking && account->org_id == asking->org_id &&
            account->settings->oauth.grant == OAUTH_REFRESH_TOKEN &&
            (account->is_fetching || account->unwritten != NULL))
            return account;
    }
    return NULL;
}

/* TRUE: pass_on begins it again. */
static gboolean must_wait(Account *account)
{
    Account *user = account->unwritten != NULL ? NULL : user_of_refresh_token(account);
    account->waits_for_turn = user != NULL;
    if (user != NULL)
        begin(user); /* unless it is at work, what it has is written */
    return user != NULL;
}

static void begin(Account *account)
{
    Bearer *bearer = account->bearer;
    if (account->is_fetching || must_wait(account))
        return;
    account->is_fetching = TRUE;
    bearer->under_way++;
    if (account->unwritten != NULL) {
        write_out(account);
        return;
    }
    Errand *errand = g_new0(Errand, 1);
    errand->account = account;
    errand->fetch =
        bearer_fetch_new(&bearer->parts, account->org_id, account->settings, account->identity);
    errand->fetch->may_use_stored = !account->knows_store && !wants_fresh(account);
    account->knows_store = TRUE;
    g_thread_pool_push(bearer->fetchers, errand, NULL);
}

/* --- What sessions ask --------------------------------------------------------------------------
 */

static void serve_account(Account *account)
{
    if (has_token(account, account->last_failed ? least_ms(account) : margin_ms(account)))
        tell_kept(account, wants_kept);
    if (account->requests.length > 0)
        begin(account);
}

static void serve(gpointer user)
{
    Bearer *bearer = user;
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();
    GHashTableIter accounts;
    gpointer each;
    g_hash_table_iter_init(&accounts, bearer->accounts);
    while (g_hash_table_iter_next(&accounts, NULL, &each)) {
        if (((const Account *)each)->requests.length > 0)
            g_ptr_array_add(waiting, each);
    }
    for (guint i = 0; i < waiting->len; i++) /* none is forgotten meanwhile */
        serve_account(waiting->pdata[i]);
    forget_surplus(bearer);
}

BearerRequest *bearer_get(Bearer *bearer, gint64 org_id, const SmtpSettings *settings,
    guint64 newer_than, BearerDone done, gpointer user)
{
    Account *account = account_of(bearer, org_id, settings);
    BearerRequest *request = g_new0(BearerRequest, 1);
    *request = (BearerRequest){.bearer = bearer,
        .queue = &account->requests,
        .newer_than = newer_than,
        .done = done,
        .user = user};
    request->link.data = request;
    account->is_in_use = account->is_in_use || newer_than != BEARER_FRESH;
    if (newer_than != BEARER_FRESH)
        account->refused_number = MAX(account->refused_number, newer_than); /* ANY is below all */
    g_queue_push_tail_link(&account->requests, &request->link);
    later_ask(bearer->later);
    return request;
}

void bearer_cancel(BearerRequest *request)
{
    if (request == NULL)
        return;
    g_queue_unlink(request->queue, &request->link);
    g_free(request);
}

/* --- Life ---------------------------------------------------------------------------------------
 */

Bearer *bearer_new(const BearerParts *parts)
{
    Bearer *bearer = g_new0(Bearer, 1);
    bearer->parts = *parts;
    bearer->parts.ca_file = bearer->ca_file = g_strdup(parts->ca_file);
    bearer->accounts = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, account_free);
    bearer->fetchers = g_thread_pool_new(fetch_on_thread, NULL, LIMIT_BEARER_FETCHERS, FALSE, NULL);
    bearer->later = later_new(parts->context, serve, bearer);
    return bearer;
}

gboolean bearer_is_busy(const Bearer *bearer)
{
    return bearer->under_way > 0;
}

void bearer_stop(Bearer *bearer)
{
    GHashTableIter accounts;
    gpointer each;
    bearer->is_stopping = TRUE;
    g_hash_table_iter_init(&accounts, bearer->accounts);
    while (g_hash_table_iter_next(&accounts, NULL, &each)) {
        Account *account = each;
        clear_ahead(account);
        if (account->unwritten != NULL)
            begin(account);
    }
}

void bearer_free(Bearer *bearer)
{
    if (bearer == NULL)
        return;
    g_assert(bearer->under_way == 0);
    later_free(bearer->later);
    g_hash_table_unref(bearer->accounts);
    g_thread_pool_free(bearer->fetchers, FALSE, TRUE);
    g_free(bearer->ca_file);
    g_free(bearer);
}
