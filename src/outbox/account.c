#include "outbox/account.h"

#include "base/limits.h"

/* No more mails are out at once, however wide the window: the rest of the working set waits for its
 * turn or is being recorded. */
#define MOST_OUT (LIMIT_WORKING_SET / 2)
#define MOST_READ_AHEAD 1024

void account_init(Account *account)
{
    account->gate = EMAIL_GATE_NOT_CONFIGURED;
    account->connections = account->window = 1;
    account->sent = quota_new();
}

void account_clear(Account *account)
{
    g_clear_pointer(&account->sent, quota_free);
}

/* --- How much may go ----------------------------------------------------------------------------
 */

static gboolean retry_has_come(const Account *account, WallMs steady)
{
    return account->credential_retry_at != 0 && steady >= account->credential_retry_at;
}

/* The try is made in its moment or not at all. Whoever has read that none is left must not see one
 * made hours later, because only then sending was switched on or there was mail again. */
static gboolean may_retry(const Account *account, WallMs steady)
{
    return retry_has_come(account, steady) &&
           steady < account->credential_retry_at + LIMIT_CREDENTIAL_TRY_MS;
}

gboolean account_waits_for_retry(const Account *account, WallMs steady)
{
    return account->is_refused && !may_retry(account, steady);
}

guint account_places(const Account *account)
{
    guint unanswered = account->connections * account->window;
    guint ahead = CLAMP(unanswered, 2 * account->connections, MOST_READ_AHEAD);
    return MIN(unanswered + ahead, MOST_OUT);
}

/* One mail tries whether the login works again, then no more. */
static guint places_when_refused(const Account *account, WallMs steady)
{
    gboolean is_open = account->gate == EMAIL_GATE_OPEN && steady >= account->blocked_until;
    return is_open && may_retry(account, steady) ? 1 : 0;
}

guint account_capacity(const Account *account, guint sending, WallMs steady, gboolean *only_tests)
{
    *only_tests = account->gate == EMAIL_GATE_PAUSED;
    if (account->gate != EMAIL_GATE_OPEN && account->gate != EMAIL_GATE_PAUSED)
        return 0;
    guint places = account_places(account);
    if (account->is_refused) {
        places = places_when_refused(account, steady);
    } else if (steady < account->blocked_until) { /* a person may still look whether it is over */
        *only_tests = TRUE;
        return 1;
    } else if (account->breaks > 0) { /* after a break one looks first */
        places = 1;
    }
    guint room = quota_room(account->sent, &account->limits, steady);
    if (sending < room)
        return MIN(places, room); /* what is under way may all come to count */
    *only_tests = TRUE;
    return MIN(places, sending + 1);
}

WallMs account_changes_at(const Account *account, guint sending, WallMs steady)
{
    WallMs room_at = quota_room_at(account->sent, &account->limits, sending, steady);
    const WallMs moments[] = {
        account->is_refused ? account->credential_retry_at : 0,
        account->blocked_until,
        account->gate != EMAIL_GATE_OPEN || room_at == QUOTA_NEVER ? 0 : room_at,
    };
    WallMs at = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(moments); i++) {
        if (moments[i] > steady && (at == 0 || moments[i] < at))
            at = moments[i];
    }
    return at;
}

/* --- The gate -----------------------------------------------------------------------------------
 */

/* The store names the moment by the wall clock. What is left of the wait is believed only if it can
 * be: a time that was not yet, or is long past, leaves no try. */
static WallMs retry_after_restart(const OutboxEvent *event)
{
    gint64 left_ms = event->refused_at + LIMIT_CREDENTIAL_RETRY_MS - event->now;
    return left_ms > 0 && left_ms <= LIMIT_CREDENTIAL_RETRY_MS ? event->steady + left_ms : 0;
}

/* What the traffic under these settings has said is newer than what the store knows of it. The
 * store tells the same refusal with every change of the settings: the moment of the try is taken
 * from it once, or it would be gone as soon as it has come. */
static gboolean now_refused(Account *account, const OutboxEvent *event)
{
    if (event->config_version == account->config_version &&
        account->health != OUTBOX_HEALTH_UNKNOWN)
        return account->is_refused;
    if (event->is_refused && !account->is_refused) /* after a restart: it may still be ahead */
        account->credential_retry_at = retry_after_restart(event);
    return event->is_refused;
}

/* The store may first be read long after the start, when the first quota is set. Its moments are
 * those of the wall clock, which agreed with the steady one at the start. */
static void take_the_past(Account *account, const OutboxEvent *event)
{
    if (account->began_at == 0)
        account->began_at = event->steady;
    if (event->sent == NULL || account->knows_the_past)
        return;
    quota_merge(account->sent, event->sent, account->began_at);
    account->knows_the_past = TRUE;
}

AccountNews account_on_gate(Account *account, const OutboxEvent *event)
{
    AccountNews news = {.opens = TRUE, .closes = event->gate != account->gate};
    if (event->config_version !=
        account->config_version) { /* other settings: what broke says nothing */
        account->breaks = 0;
        account->blocked_until = 0;
        account->credential_retry_at = 0;
        account->is_refused = FALSE;
        account->health = OUTBOX_HEALTH_UNKNOWN;
    }
    account->is_refused = now_refused(account, event);
    account->gate = event->gate;
    account->config_version = event->config_version;
    account->connections = CLAMP(event->connections, 1, LIMIT_CONNECTIONS);
    account->window = CLAMP(event->window, 1, LIMIT_WINDOW);
    account->limits = event->limits;
    take_the_past(account, event);
    return news;
}

/* --- What the sessions say ----------------------------------------------------------------------
 */

static void set_health(Account *account, OutboxHealth health, AccountNews *news)
{
    news->is_news = account->health != health;
    account->health = health;
}

/* FALSE if a session from before the refusal speaks, however late: it says nothing about the login.
 */
static gboolean login_works(Account *account, WallMs began_at, AccountNews *news)
{
    if (!account->is_refused)
        return TRUE;
    if (!retry_has_come(account, began_at))
        return FALSE;
    account->is_refused = FALSE; /* the automatic try got through */
    news->opens = TRUE;
    return TRUE;
}

static void on_works(Account *account, WallMs began_at, AccountNews *news)
{
    if (!login_works(account, began_at, news))
        return;
    account->breaks = 0;
    account->blocked_until = 0;
    set_health(account, OUTBOX_HEALTH_OK, news);
}

/* The account is held (a full quota, a sender not allowed): the other mails would hear the same. */
static void on_held(Account *account, const OutboxEvent *event, WallMs began_at, AccountNews *news)
{
    if (!login_works(account, began_at, news))
        return;
    set_health(account, OUTBOX_HEALTH_DEGRADED, news);
    if (!event->blocks_account)
        return;
    gint64 wait_ms = CLAMP(event->wait_s * CLOCK_SECOND_MS, LIMIT_HOLD_MS, LIMIT_RETRY_WAIT_MS);
    account->breaks = MAX(account->breaks, 1);
    account->blocked_until = MAX(account->blocked_until, event->steady + wait_ms);
}

static void on_break(Account *account, const OutboxEvent *event, WallMs began_at, AccountNews *news)
{
    if (event->steady >= account->blocked_until) { /* what breaks together is one break */
        account->breaks++;
        account->blocked_until = event->steady + retry_delay_ms(account->breaks, event->random);
    }
    if (retry_has_come(account, began_at)) /* that was the try, whatever came of it */
        account->credential_retry_at = 0;
    if (!account->is_refused) /* which is the greater trouble, and must survive a restart */
        set_health(account, OUTBOX_HEALTH_UNREACHABLE, news);
}

static void on_login_refused(
    Account *account, const OutboxEvent *event, WallMs began_at, AccountNews *news)
{
    /* Attempts that were under way when the first was refused are the same refusal. */
    if (!account->is_refused)
        account->credential_retry_at = event->steady + LIMIT_CREDENTIAL_RETRY_MS;
    else if (retry_has_come(account, began_at))
        account->credential_retry_at = 0;
    account->is_refused = TRUE;
    news->closes = news->opens = TRUE;
    set_health(account, OUTBOX_HEALTH_CREDENTIAL_FAULT, news);
}

static void note_session(
    Account *account, const OutboxEvent *event, WallMs began_at, AccountNews *news)
{
    switch (event->end) {
    case ATTEMPT_ACCEPTED:
        on_works(account, began_at, news);
        break;
    case ATTEMPT_REFUSED: /* a mailbox that does not exist says nothing against the account */
        if (event->fate == DIAGNOSIS_FATE_HOLD)
            on_held(account, event, began_at, news);
        else
            on_works(account, began_at, news);
        break;
    case ATTEMPT_UNSENT:
    case ATTEMPT_NO_TOKEN:
    case ATTEMPT_UNCERTAIN:
        on_break(account, event, began_at, news);
        break;
    case ATTEMPT_LOGIN_REFUSED:
        on_login_refused(account, event, began_at, news);
        break;
    case ATTEMPT_WITHDRAWN:
    case ATTEMPT_RETURNED:
    case ATTEMPT_NOT_STORED:
        news->opens = TRUE; /* it may still wait in the store */
        break;
    }
}

gboolean account_was_asked(const OutboxEvent *event)
{
    gboolean was_answered = event->end == ATTEMPT_ACCEPTED || event->end == ATTEMPT_REFUSED;
    return event->end == ATTEMPT_UNCERTAIN || (was_answered && !event->is_local);
}

AccountNews account_on_ended(Account *account, const OutboxEvent *event, WallMs began_at)
{
    AccountNews news = {FALSE, FALSE, FALSE};
    gboolean is_back = event->end == ATTEMPT_WITHDRAWN || event->end == ATTEMPT_RETURNED ||
                       event->end == ATTEMPT_NOT_STORED;
    if (account_was_asked(event))
        quota_add(account->sent, event->steady, 1);
    /* What is said about other settings than the current ones counts for the mail alone. */
    if (is_back || (!event->is_local && event->config_version == account->config_version))
        note_session(account, event, began_at, &news);
    return news;
}

AccountNews account_on_login_refused(Account *account, const OutboxEvent *event)
{
    AccountNews news = {FALSE, FALSE, FALSE};
    if (event->config_version == account->config_version)
        on_login_refused(account, event, event->steady, &news);
    return news;
}
