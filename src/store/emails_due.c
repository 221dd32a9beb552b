/* What is due, in the order in which it goes. */
#include "store/emails.h"
#include "store/recipients.h"
#include "store/states_sql.h"

static void read_due(DbQuery *q, EmailDue *due)
{
    *due = (EmailDue){
        .recipient_id = db_int(q, 0),
        .class = (EmailClass)db_int(q, 1),
        .state = (EmailState)db_int(q, 2),
        .attempts = (guint)db_int(q, 3),
        .next_at = db_int(q, 4),
        .is_test = db_int(q, 5) != 0,
        .deadline_at = db_int(q, 6),
        .size_bytes = db_int(q, 7),
        .at_most_once = db_int(q, 8) != 0,
        .expires_at = recipients_own_expiry(db_int(q, 9), db_int(q, 6)),
    };
}

/* One class at a time, because then the index gives the order: no sorting, however much waits. And
 * first those of the very moment where the last look ended, because then it gives the place, too.
 */
#define DUE                                                              \
    "SELECT r.row, r.class, r.state, r.attempts, r.next_at, r.is_test, " \
    "r.deadline_at, e.size_bytes, e.at_most_once, e.expires_at "         \
    "FROM recipients r JOIN emails e ON e.row = r.row >> 7 "             \
    "WHERE r.org_id = $1 AND r.class = $2 AND r.state <> " SQL_SENDING " "
#define IN_MOMENT "AND r.next_at = $3 AND r.row > $4 "
#define BEHIND_MOMENT "AND r.next_at > $3 AND r.next_at <= $4 "
#define DUE_ORDER "ORDER BY r.next_at, r.row LIMIT $5"
#define LATER                                                                                     \
    "SELECT r.next_at FROM recipients r WHERE r.org_id = $1 AND r.class = $2 AND r.next_at > $3 " \
    "AND r.state <> " SQL_SENDING " "
#define LATER_ORDER "ORDER BY r.next_at LIMIT 1"
#define ONLY_TESTS "AND r.is_test = 1 "

/* Appends what q finds; it was asked for one more than there is room for. */
static gboolean add_found(
    DbQuery *q, const EmailDueQuery *query, GArray *all, gboolean *has_more, GError **error)
{
    db_bind_int(q, 1, query->org_id);
    db_bind_int(q, 5, (gint64)query->limit - all->len + 1);
    while (db_next(q)) {
        EmailDue due;
        read_due(q, &due);
        if (all->len == query->limit)
            *has_more = TRUE;
        else
            g_array_append_val(all, due);
    }
    return db_finish(q, error);
}

/* What is due in one class, behind `after` if that lies in it. */
static gboolean add_class(Db *db, const EmailDueQuery *query, EmailClass class, GArray *all,
    gboolean *has_more, GError **error)
{
    const EmailPosition *after = &query->after;
    gboolean is_inside = class == after->class;
    if (is_inside && after->next_at <= query->now) {
        g_autoptr(DbQuery) q = query->only_tests ? db_query(db, DUE IN_MOMENT ONLY_TESTS DUE_ORDER)
                                                 : db_query(db, DUE IN_MOMENT DUE_ORDER);
        db_bind_int(q, 2, class);
        db_bind_int(q, 3, after->next_at);
        db_bind_int(q, 4, after->recipient_id);
        if (!add_found(q, query, all, has_more, error))
            return FALSE;
    }
    if (*has_more)
        return TRUE;
    g_autoptr(DbQuery) q = query->only_tests ? db_query(db, DUE BEHIND_MOMENT ONLY_TESTS DUE_ORDER)
                                             : db_query(db, DUE BEHIND_MOMENT DUE_ORDER);
    db_bind_int(q, 2, class);
    db_bind_int(q, 3, is_inside ? after->next_at : G_MININT64);
    db_bind_int(q, 4, query->now);
    return add_found(q, query, all, has_more, error);
}

static gboolean find_later(
    Db *db, const EmailDueQuery *query, EmailClass class, WallMs *next_at, GError **error)
{
    g_autoptr(DbQuery) q = query->only_tests ? db_query(db, LATER ONLY_TESTS LATER_ORDER)
                                             : db_query(db, LATER LATER_ORDER);
    db_bind_int(q, 1, query->org_id);
    db_bind_int(q, 2, class);
    db_bind_int(q, 3, query->now);
    if (db_next(q) && (*next_at == 0 || db_int(q, 0) < *next_at))
        *next_at = db_int(q, 0);
    return db_finish(q, error);
}

GArray *emails_due(
    Db *db, const EmailDueQuery *query, gboolean *has_more, WallMs *next_at, GError **error)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(EmailDue));
    gboolean more = FALSE;
    WallMs later = 0;
    EmailClass first = MAX(query->after.class, EMAIL_CLASS_RESET);
    for (EmailClass class = first; class <= EMAIL_CLASS_BULK && !more; class ++) {
        if (!add_class(db, query, class, all, &more, error))
            return NULL;
        if (!more && !find_later(db, query, class, &later, error))
            return NULL;
    }
    *has_more = more;
    *next_at = later;
    return g_steal_pointer(&all);
}

static gboolean find_oldest(
    Db *db, gint64 org_id, EmailClass class, WallMs now, WallMs *due_at, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT next_at FROM recipients WHERE org_id = $1 AND class = $2 AND next_at <= $3 "
        "AND state <> " SQL_SENDING " ORDER BY next_at LIMIT 1");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, class);
    db_bind_int(q, 3, now);
    if (db_next(q) && (*due_at == 0 || db_int(q, 0) < *due_at))
        *due_at = db_int(q, 0);
    return db_finish(q, error);
}

gboolean emails_oldest_due(Db *db, gint64 org_id, WallMs now, WallMs *due_at, GError **error)
{
    WallMs oldest = 0;
    for (EmailClass class = EMAIL_CLASS_RESET; class <= EMAIL_CLASS_BULK; class ++) {
        if (!find_oldest(db, org_id, class, now, &oldest, error))
            return FALSE;
    }
    *due_at = oldest;
    return TRUE;
}
