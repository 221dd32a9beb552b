/* What is written about attempts: the mark `sending` before a mail's end leaves, and the record of
 * how the attempt ended. Both collect in one line, and a group's marks are handed to the store
 * before its records: no record overtakes the mark of the same recipient. They are two jobs, which
 * as a rule share a commit, because a fault of one must not undo the other. */
#include "base/error.h"
#include "base/limits.h"
#include "courier/courier_priv.h"

#include "base/crash_point.h"

#define WRITE_AGAIN_MS CLOCK_SECOND_MS

typedef struct {
    gboolean is_mark;     /* of attempt.recipient_id; else the record of the attempt */
    EmailAttempt attempt; /* its strings are these: */
    char *phase, *enhanced, *text, *diagnosis, *server;
} Write;

static void write_free(gpointer data)
{
    Write *write = data;
    g_free(write->phase);
    g_free(write->enhanced);
    g_free(write->text);
    g_free(write->diagnosis);
    g_free(write->server);
    g_free(write);
}

/* --- Marks --------------------------------------------------------------------------------------
 */

typedef struct {
    gint64 org_id;
    guint n;
    gint64 *recipient_ids;
    gboolean *marked;
} Marks;

static Marks *marks_new(const CourierOrg *org, const GArray *recipient_ids)
{
    Marks *marks = g_new0(Marks, 1);
    marks->org_id = org->id;
    marks->n = recipient_ids->len;
    marks->recipient_ids = g_memdup2(recipient_ids->data, marks->n * sizeof(gint64));
    marks->marked = g_new0(gboolean, marks->n);
    return marks;
}

static gboolean marks_job(Db *db, const Marks *marks, GError **error)
{
    WallMs latest = MAX(clock_wall_ms(), clock_steady_ms());
    return emails_mark_sending(
        db, marks->org_id, marks->recipient_ids, marks->n, latest, marks->marked, error);
}

static void tell_pool(const CourierOrg *org, const Marks *marks, const GError *error)
{
    if (org->pool == NULL) /* we are going down; at the next start these mails are uncertain */
        return;
    if (error == NULL) {
        pool_marked(org->pool, marks->recipient_ids, marks->marked, marks->n);
        return;
    }
    g_warning(
        "%u mails could not be marked as being sent and stay queued: %s", marks->n, error->message);
    pool_mark_failed(org->pool, marks->recipient_ids, marks->n);
}

static void marks_free(Marks *marks)
{
    g_free(marks->recipient_ids);
    g_free(marks->marked);
    g_free(marks);
}

/* --- Records ------------------------------------------------------------------------------------
 */

typedef struct {
    Courier *courier;
    gint64 org_id;
    GPtrArray *writes; /* of Write */
    EmailAttempt *attempts;
    GError **faults;
} Records;

/* writes: taken. */
static Records *records_new(CourierOrg *org, GPtrArray *writes)
{
    Records *records = g_new0(Records, 1);
    records->courier = org->courier;
    records->org_id = org->id;
    records->writes = writes;
    records->attempts = g_new0(EmailAttempt, writes->len);
    records->faults = g_new0(GError *, writes->len);
    for (guint i = 0; i < writes->len; i++)
        records->attempts[i] = ((const Write *)writes->pdata[i])->attempt;
    return records;
}

static void clear_faults(Records *records)
{
    for (guint i = 0; i < records->writes->len; i++)
        g_clear_error(&records->faults[i]);
}

static void records_free(gpointer data)
{
    Records *records = data;
    clear_faults(records);
    g_ptr_array_unref(records->writes);
    g_free(records->attempts);
    g_free(records->faults);
    g_free(records);
}

static gboolean records_job(Db *db, gpointer data, GError **error)
{
    const Records *records = data;
    return emails_record_attempts(
        db, records->org_id, records->attempts, records->writes->len, records->faults, error);
}

static void written_alone(Courier *courier, gpointer data, const GError *error);

/* One by one: what spoils a group must not keep the others from being written. */
static gboolean write_again(gpointer user)
{
    Records *records = user;
    CourierOrg *org = courier_org(records->courier, records->org_id);
    clear_faults(records);
    org->courier->pending--;
    while (records->writes->len > 0) {
        GPtrArray *alone = g_ptr_array_new_with_free_func(write_free);
        g_ptr_array_add(alone, g_ptr_array_steal_index(records->writes, 0));
        courier_write(org->courier, records_job, written_alone, records_new(org, alone));
    }
    return G_SOURCE_REMOVE;
}

static void write_again_later(Records *records)
{
    g_autoptr(GSource) later = g_timeout_source_new(WRITE_AGAIN_MS);
    records->courier->pending++; /* stopping waits for it */
    g_source_set_callback(later, write_again, records, records_free);
    g_source_attach(later, records->courier->parts.context);
}

/* They are durable, or can never be. */
static void tell_outbox(const Records *records)
{
    for (guint i = 0; i < records->writes->len; i++) {
        if (records->faults[i] != NULL)
            g_warning("an outcome could not be stored: %s", records->faults[i]->message);
        courier_outbox_event(
            records->courier, (OutboxEvent){.kind = OUTBOX_EVENT_RECORDED,
                                  .org_id = records->org_id,
                                  .recipient_id = records->attempts[i].recipient_id});
    }
}

/* What a server said must not be forgotten because the database was busy or the disk full for a
 * moment: it is written again until it is durable. Only if we end before that, the mail is
 * uncertain at the next start, which is then the truth. Takes the records. */
static void settle(Records *records, const GError *error, gboolean is_final)
{
    if (error != NULL)
        g_warning("%u outcomes could not be stored: %s", records->writes->len, error->message);
    if (error != NULL && !is_final && !records->courier->grace_is_over) {
        write_again_later(records);
        return;
    }
    tell_outbox(records);
    records_free(records);
    CRASH_POINT("record_told");
}

static void written_alone(Courier *courier, gpointer data, const GError *error)
{
    settle(data, error,
        g_error_matches(error, ABS_ERROR, ABS_ERROR_CONFLICT) ||
            g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND));
}

/* --- Groups of both -----------------------------------------------------------------------------
 */

typedef struct {
    CourierOrg *org;
    guint under_way; /* jobs, and their being handed over */
    Marks *marks;    /* NULL: none; so with the records */
    Records *records;
    GError *marks_error, *records_error;
} Group;

/* When both are written. First of all the store gets its next work. */
static void part_is_over(Group *group)
{
    if (--group->under_way > 0)
        return;
    CourierOrg *org = group->org;
    batch_over(org->writes);
    if (group->marks != NULL) {
        tell_pool(org, group->marks, group->marks_error);
        CRASH_POINT("mark_told"); /* an end may leave, and has not */
        marks_free(group->marks);
    }
    if (group->records != NULL)
        settle(group->records, group->records_error, FALSE);
    g_clear_error(&group->marks_error);
    g_clear_error(&group->records_error);
    g_free(group);
}

static gboolean group_marks_job(Db *db, gpointer data, GError **error)
{
    return marks_job(db, ((const Group *)data)->marks, error);
}

static void marks_written(Courier *courier, gpointer data, const GError *error)
{
    CRASH_POINT("mark_committed");
    Group *group = data;
    group->marks_error = error == NULL ? NULL : g_error_copy(error);
    part_is_over(group);
}

static gboolean group_records_job(Db *db, gpointer data, GError **error)
{
    return records_job(db, ((const Group *)data)->records, error);
}

static void records_written(Courier *courier, gpointer data, const GError *error)
{
    CRASH_POINT("record_committed");
    Group *group = data;
    group->records_error = error == NULL ? NULL : g_error_copy(error);
    part_is_over(group);
}

/* Without a pool nothing is sent any more, so nothing is marked. */
static void sort_out(Group *group, const GPtrArray *all)
{
    g_autoptr(GArray) marks = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(write_free);
    for (guint i = 0; i < all->len; i++) {
        Write *write = all->pdata[i];
        if (!write->is_mark) {
            g_ptr_array_add(records, write);
            continue;
        }
        g_array_append_val(marks, write->attempt.recipient_id);
        write_free(write);
    }
    if (marks->len > 0 && group->org->pool != NULL)
        group->marks = marks_new(group->org, marks);
    if (records->len > 0)
        group->records = records_new(group->org, g_steal_pointer(&records));
}

static void begin_group(GPtrArray *all, gpointer user)
{
    Group *group = g_new0(Group, 1);
    group->org = user;
    group->under_way = 1;
    sort_out(group, all);
    Courier *courier = group->org->courier;
    if (group->marks != NULL) {
        group->under_way++;
        courier_write(courier, group_marks_job, marks_written, group);
    }
    if (group->records != NULL) {
        group->under_way++;
        courier_write(courier, group_records_job, records_written, group);
    }
    part_is_over(group);
}

Batch *courier_writes_new(CourierOrg *org)
{
    return batch_new(LIMIT_COURIER_GROUP, 1, begin_group, write_free, org);
}

void courier_mark(CourierOrg *org, const gint64 *recipient_ids, guint n)
{
    CRASH_POINT("mark_asked");
    for (guint i = 0; i < n; i++) {
        Write *write = g_new0(Write, 1);
        write->attempt.recipient_id = recipient_ids[i];
        write->is_mark = TRUE;
        batch_add(org->writes, write);
    }
    courier_groups_go(org);
}

void courier_record(CourierOrg *org, const OutboxEffect *effect, const PoolResult *result)
{
    Write *write = g_new0(Write, 1);
    write->attempt = (EmailAttempt){
        .recipient_id = effect->recipient_id,
        .state = effect->decision.state,
        .at = clock_wall_ms(),
        .next_at = effect->decision.next_at,
        .counts = effect->decision.counts,
        .asked = effect->asked,
        .late_by = effect->is_too_late ? clock_steady_ms() : 0,
        .config_version = org->state == NULL ? 0 : org->state->config_version,
    };
    if (result != NULL && result->recipient_id == effect->recipient_id) {
        write->attempt.phase = write->phase = g_strdup(result->phase);
        write->attempt.reply_code = result->code;
        write->attempt.reply_enhanced = write->enhanced = g_strdup(result->enhanced);
        write->attempt.reply_text = write->text = g_strdup(result->text);
        write->attempt.server = write->server = g_strdup(result->server);
        write->attempt.config_version = result->config_version;
        if (result->diagnosis != NULL)
            write->attempt.diagnosis = write->diagnosis = g_strdup(result->diagnosis->id);
    }
    batch_add(org->writes, write);
    courier_groups_go(org);
}
