/* Emails as people see them: lists, one email with its attempts, counts. */
#include "base/limits.h"
#include "store/emails.h"
#include "store/page.h"
#include "store/recipients.h"
#include "store/states_sql.h"

#include <string.h>

/* --- Rows ------------------------------------------------------------------------------------ */

static void free_attempt_row(gpointer data)
{
    EmailAttemptRow *row = data;
    g_free(row->phase);
    g_free(row->reply_enhanced);
    g_free(row->reply_text);
    g_free(row->diagnosis);
    g_free(row->server);
    g_free(row);
}

static void free_recipient_row(gpointer data)
{
    EmailRecipientRow *row = data;
    g_free(row->address);
    g_clear_pointer(&row->attempt_rows, g_ptr_array_unref);
    g_free(row);
}

void email_row_free(EmailRow *row)
{
    if (!row)
        return;
    g_free(row->from);
    g_free(row->subject);
    g_free(row->to);
    g_free(row->cc);
    g_free(row->bcc);
    g_free(row->reply_to);
    g_free(row->message_id);
    g_free(row->tags_json);
    g_clear_pointer(&row->recipients, g_ptr_array_unref);
    g_free(row);
}

static void free_email_row(gpointer row)
{
    email_row_free(row);
}

static EmailRow *read_email(DbQuery *q)
{
    EmailRow *row = g_new0(EmailRow, 1);
    row->row = db_int(q, 0);
    row->org_id = db_int(q, 1);
    db_id(q, 2, &row->id);
    row->class = (EmailClass)db_int(q, 3);
    row->from = db_dup_text(q, 4);
    row->subject = db_dup_text(q, 5);
    row->to = db_dup_text(q, 6);
    row->cc = db_dup_text(q, 7);
    row->bcc = db_dup_text(q, 8);
    row->reply_to = db_dup_text(q, 9);
    row->message_id = db_dup_text(q, 10);
    row->tags_json = db_dup_text(q, 11);
    row->size_bytes = db_int(q, 12);
    row->at_most_once = db_int(q, 13) != 0;
    row->is_test = db_int(q, 14) != 0;
    row->has_body = db_int(q, 15) != 0;
    row->created_at = db_int(q, 16);
    row->scheduled_at = db_int(q, 17);
    row->expires_at = db_int(q, 18);
    row->submitted_by_token = db_int(q, 19);
    row->submitted_by_member = db_int(q, 20);
    row->is_duplicate = db_int(q, 21) != 0;
    row->recipients = g_ptr_array_new_with_free_func(free_recipient_row);
    return row;
}

static EmailRecipientRow *read_recipient(DbQuery *q)
{
    EmailRecipientRow *row = g_new0(EmailRecipientRow, 1);
    row->recipient_id = db_int(q, 0);
    row->address = db_dup_text(q, 1);
    row->state = (EmailState)db_int(q, 2);
    row->attempts = (guint)db_int(q, 3);
    row->next_at = row->state == EMAIL_SENDING ? 0 : db_int(q, 4);
    row->updated_at = db_int(q, 5);
    row->deadline_at = db_int(q, 6);
    return row;
}

static gboolean add_recipients(Db *db, EmailRow *email, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT row, address, state, attempts, next_at, updated_at, deadline_at FROM recipients "
        "WHERE row BETWEEN $1 AND $2 ORDER BY row");
    db_bind_int(q, 1, recipients_first_row(email->row));
    db_bind_int(q, 2, recipients_last_row(email->row));
    while (db_next(q)) {
        EmailRecipientRow *row = read_recipient(q);
        email->state = email->recipients->len == 0 ? row->state
                                                   : email_state_combine(email->state, row->state);
        g_ptr_array_add(email->recipients, row);
    }
    return db_finish(q, error);
}

/* The email of that row with its recipients; NULL without error if there is none. */
static EmailRow *load_email(Db *db, gint64 org_id, gint64 email_row, GError **error)
{
    g_autoptr(EmailRow) email = NULL;
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT e.row, e.org_id, e.id, e.class, e.from_header, e.subject, e.to_header, "
        "e.cc_header, e.bcc_header, e.reply_to_header, e.message_id, e.tags, e.size_bytes, "
        "e.at_most_once, e.is_test, EXISTS (SELECT 1 FROM bodies b WHERE b.email_row = e.row AND "
        "b.content IS NOT NULL), e.created_at, e.scheduled_at, e.expires_at, e.token_row, "
        "e.member_row, EXISTS (SELECT 1 FROM attempts a JOIN recipients r ON r.row = "
        "a.recipient_row WHERE a.recipient_row BETWEEN e.row << 7 AND (e.row << 7) + 127 AND "
        "a.state = " SQL_UNCERTAIN
        " AND (r.next_at IS NOT NULL OR EXISTS (SELECT 1 FROM attempts b WHERE "
        "b.recipient_row = a.recipient_row AND b.number > a.number))) FROM emails e WHERE e.row = "
        "$2 AND e.org_id = $1");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, email_row);
    if (db_next(q))
        email = read_email(q);
    if (!db_finish(q, error) || !email || !add_recipients(db, email, error))
        return NULL;
    return g_steal_pointer(&email);
}

/* --- One email ------------------------------------------------------------------------------- */

static EmailAttemptRow *read_attempt(DbQuery *q)
{
    EmailAttemptRow *row = g_new0(EmailAttemptRow, 1);
    row->at = db_int(q, 0);
    row->state = (EmailState)db_int(q, 1);
    row->reply_code = (int)db_int(q, 2);
    row->phase = db_dup_text(q, 3);
    row->reply_enhanced = db_dup_text(q, 4);
    row->reply_text = db_dup_text(q, 5);
    row->diagnosis = db_dup_text(q, 6);
    row->server = db_dup_text(q, 7);
    return row;
}

static gboolean add_attempts(Db *db, EmailRecipientRow *recipient, GError **error)
{
    recipient->attempt_rows = g_ptr_array_new_with_free_func(free_attempt_row);
    g_autoptr(DbQuery) q = db_query(db,
        "SELECT at, state, reply_code, phase, reply_enhanced, reply_text, diagnosis, server "
        "FROM attempts WHERE recipient_row = $1 ORDER BY number");
    db_bind_int(q, 1, recipient->recipient_id);
    while (db_next(q))
        g_ptr_array_add(recipient->attempt_rows, read_attempt(q));
    return db_finish(q, error);
}

EmailRow *emails_get(Db *db, gint64 org_id, const Id *id, GError **error)
{
    gint64 email_row = 0;
    g_autoptr(DbQuery) q = db_query(db, "SELECT row FROM emails WHERE org_id = $1 AND id = $2");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    if (db_next(q))
        email_row = db_int(q, 0);
    if (!db_finish(q, error))
        return NULL;
    g_autoptr(EmailRow) email = load_email(db, org_id, email_row, error);
    for (guint i = 0; email && i < email->recipients->len; i++)
        if (!add_attempts(db, email->recipients->pdata[i], error))
            return NULL;
    return g_steal_pointer(&email);
}

gboolean emails_count(Db *db, gint64 org_id, gint64 counts[EMAIL_HELD + 1], GError **error)
{
    gint64 found[EMAIL_HELD + 1] = {0};
    g_autoptr(DbQuery) q = db_query(db, "SELECT state, n FROM recipient_counts WHERE org_id = $1");
    db_bind_int(q, 1, org_id);
    while (db_next(q)) {
        gint64 state = db_int(q, 0);
        g_assert(state >= EMAIL_SCHEDULED && state < EMAIL_HELD);
        found[state] = db_int(q, 1);
    }
    if (!db_finish(q, error))
        return FALSE;
    memcpy(counts, found, sizeof found);
    return TRUE;
}

/* --- Lists ----------------------------------------------------------------------------------- */

/* How the rows of a page are found. Each gives email rows in the order of the page, and repeats an
 * email only in a row. */
typedef enum {
    PLAN_BY_ID,   /* no state asked for: along the index of ids */
    PLAN_NOTABLE, /* along recipients_notable: everything but queued, sending, accepted */
    PLAN_WAITING, /* queued, sending, held while little waits: look at all of it */
    PLAN_WALK,    /* accepted, and queued while much waits: from the newest recipient on, because
                     the page is full soon */
} Plan;

/* Up to so many waiting recipients, looking at all of them is quicker. */
#define FEW_WAITING 2000

static gboolean choose_plan(Db *db, const EmailFilter *filter, Plan *plan, GError **error)
{
    gint64 counts[EMAIL_HELD + 1];
    switch (filter->state) {
    case EMAIL_QUEUED:
    case EMAIL_SENDING:
    case EMAIL_HELD:
        if (!emails_count(db, filter->org_id, counts, error))
            return FALSE;
        *plan = counts[EMAIL_QUEUED] + counts[EMAIL_SENDING] + counts[EMAIL_DEFERRED] +
                            counts[EMAIL_SCHEDULED] + counts[EMAIL_UNCERTAIN] >
                        FEW_WAITING
                    ? PLAN_WALK
                    : PLAN_WAITING;
        return TRUE;
    case EMAIL_ACCEPTED:
        *plan = PLAN_WALK;
        return TRUE;
    case EMAIL_SCHEDULED:
    case EMAIL_DEFERRED:
    case EMAIL_UNCERTAIN:
    case EMAIL_REJECTED:
    case EMAIL_EXPIRED:
    case EMAIL_CANCELLED:
    case EMAIL_HANDED_OVER:
        *plan = PLAN_NOTABLE;
        return TRUE;
    }
    *plan = PLAN_BY_ID;
    return TRUE;
}

#define MATCHES                                                                                 \
    "AND ($3 = 0 OR e.class = $3) AND ($4 IS NULL OR lower(e.subject) LIKE $4 ESCAPE '\\' OR "  \
    "EXISTS (SELECT 1 FROM recipients s WHERE s.row BETWEEN e.row << 7 AND (e.row << 7) + 127 " \
    "AND lower(s.address) LIKE $4 ESCAPE '\\')) "
#define BY_ID "SELECT e.row FROM emails e WHERE e.org_id = $1 " MATCHES
#define RECIPIENTS "FROM recipients r JOIN emails e ON e.row = r.row >> 7 WHERE r.org_id = $1 "
#define NOTABLE "SELECT e.row " RECIPIENTS "AND r.state = $5 AND " SQL_IS_NOTABLE("r.") " " MATCHES
#define WALK "SELECT e.row " RECIPIENTS "AND r.state IN ($5, $6) " MATCHES
/* The + keeps SQLite from walking all recipients for the sake of their order. */
#define WAITING                                                                          \
    "SELECT DISTINCT e.row " RECIPIENTS "AND r.next_at IS NOT NULL AND r.state IN ($5, " \
    "$6) " MATCHES

static DbQuery *page_query(Db *db, Plan plan, gboolean newer)
{
    switch (plan) {
    case PLAN_BY_ID:
        return newer ? db_query(db, BY_ID "AND e.id > $2 ORDER BY e.id")
                     : db_query(db, BY_ID "AND e.id < $2 ORDER BY e.id DESC");
    case PLAN_NOTABLE:
        return newer ? db_query(db, NOTABLE "AND r.row > $2 ORDER BY r.row")
                     : db_query(db, NOTABLE "AND r.row < $2 ORDER BY r.row DESC");
    case PLAN_WALK:
        return newer ? db_query(db, WALK "AND r.row > $2 ORDER BY r.row")
                     : db_query(db, WALK "AND r.row < $2 ORDER BY r.row DESC");
    case PLAN_WAITING:
        return newer ? db_query(db, WAITING "AND +r.row > $2 ORDER BY +e.row LIMIT $7")
                     : db_query(db, WAITING "AND +r.row < $2 ORDER BY +e.row DESC LIMIT $7");
    }
    g_assert_not_reached();
}

/* Where a page of recipients starts: behind or before the recipients of the email with this id. If
 * that email is gone, where it would be. */
static gboolean find_cursor_row(Db *db, const EmailFilter *filter, gint64 *row, GError **error)
{
    const Id *id = filter->after ? filter->after : filter->before;
    *row = G_MAXINT64;
    if (!id)
        return TRUE;
    g_autoptr(DbQuery) q = db_query(
        db, "SELECT row FROM emails WHERE org_id = $1 AND id <= $2 ORDER BY id DESC LIMIT 1");
    db_bind_int(q, 1, filter->org_id);
    db_bind_id(q, 2, id);
    gint64 email_row = db_next(q) ? db_int(q, 0) : 0;
    *row = filter->after ? recipients_first_row(email_row) : recipients_last_row(email_row);
    return db_finish(q, error);
}

/* "50%" → "%50\%%" */
static char *like_pattern(const char *search)
{
    if (!search || !*search)
        return NULL;
    GString *pattern = g_string_new("%");
    for (const char *p = search; *p; p++) {
        if (strchr("%_\\", *p))
            g_string_append_c(pattern, '\\');
        g_string_append_c(pattern, g_ascii_tolower(*p));
    }
    return g_string_free(g_string_append_c(pattern, '%'), FALSE);
}

/* The rows of up to limit + 1 emails. */
static GArray *find_page(Db *db, const EmailFilter *filter, guint limit, GError **error)
{
    const Page page = {filter->limit, filter->after, filter->before};
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autofree char *pattern = like_pattern(filter->search);
    Plan plan;
    gint64 cursor_row = 0;
    if (!choose_plan(db, filter, &plan, error))
        return NULL;
    if (plan != PLAN_BY_ID && !find_cursor_row(db, filter, &cursor_row, error))
        return NULL;

    g_autoptr(DbQuery) q = page_query(db, plan, page_is_upwards(&page));
    db_bind_int(q, 1, filter->org_id);
    if (plan == PLAN_BY_ID)
        db_bind_id(q, 2, page_edge(&page));
    else
        db_bind_int(q, 2, cursor_row);
    db_bind_int(q, 3, filter->class);
    db_bind_text(q, 4, pattern);
    if (plan != PLAN_BY_ID)
        db_bind_int(q, 5, filter->state == EMAIL_HELD ? EMAIL_QUEUED : filter->state);
    if (plan == PLAN_WAITING || plan == PLAN_WALK)
        db_bind_int(q, 6, filter->state == EMAIL_HELD ? EMAIL_DEFERRED : filter->state);
    if (plan == PLAN_WAITING)
        db_bind_int(q, 7, limit + 1);
    gint64 previous = 0;
    while (rows->len <= limit && db_next(q)) {
        gint64 row = db_int(q, 0);
        if (row != previous)
            g_array_append_val(rows, row);
        previous = row;
    }
    /* What is left is not wanted: only an error so far counts. */
    if (rows->len <= limit && !db_finish(q, error))
        return NULL;
    return g_steal_pointer(&rows);
}

GPtrArray *emails_list(Db *db, const EmailFilter *filter, gboolean *has_more, GError **error)
{
    guint limit = CLAMP(filter->limit, 1, LIMIT_PAGE);
    g_autoptr(GArray) rows = find_page(db, filter, limit, error);
    if (!rows)
        return NULL;
    gboolean newer = !filter->after && filter->before;
    gboolean more = rows->len > limit;
    guint n = MIN(rows->len, limit);
    g_autoptr(GPtrArray) emails = g_ptr_array_new_with_free_func(free_email_row);
    for (guint i = 0; i < n; i++) {
        gint64 row = g_array_index(rows, gint64, newer ? n - 1 - i : i); /* newest first */
        EmailRow *email = load_email(db, filter->org_id, row, error);
        if (!email)
            return NULL;
        g_ptr_array_add(emails, email);
    }
    *has_more = more;
    return g_steal_pointer(&emails);
}

static gboolean read_id(Db *db, gint64 email_row, Id *id, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, "SELECT id FROM emails WHERE row = $1");
    db_bind_int(q, 1, email_row);
    if (db_next(q))
        db_id(q, 0, id);
    return db_finish(q, error);
}

GArray *emails_find(Db *db, const EmailFilter *filter, gboolean *has_more, GError **error)
{
    g_autoptr(GArray) rows = find_page(db, filter, filter->limit, error);
    g_autoptr(GArray) ids = g_array_new(FALSE, TRUE, sizeof(Id));
    if (!rows)
        return NULL;
    g_assert(!filter->before); /* or the last would be the newest */
    gboolean more = rows->len > filter->limit;
    g_array_set_size(ids, MIN(rows->len, filter->limit));
    for (guint i = 0; i < ids->len; i++) {
        if (!read_id(db, g_array_index(rows, gint64, i), &g_array_index(ids, Id, i), error))
            return NULL;
    }
    *has_more = more;
    return g_steal_pointer(&ids);
}

gboolean emails_find_count(
    Db *db, const EmailFilter *filter, guint *n, gboolean *has_more, GError **error)
{
    g_autoptr(GArray) rows = find_page(db, filter, filter->limit, error);
    if (!rows)
        return FALSE;
    *n = MIN(rows->len, filter->limit);
    *has_more = rows->len > filter->limit;
    return TRUE;
}
