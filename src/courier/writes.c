/* What is written about attempts: the mark `sending` before a mail's end leaves, and the record of
 * how the attempt ended. Both collect in one line, and a group's marks are handed to the store
 * before its records: no record overtakes the mark of the same recipient. They are two jobs, which
 * as a rule share a commit, because a fault of one must not undo the other. */
#include "base/error.h"
#include "base/limits.h"
#include "courier/courier_priv.h"

#define WRITE_AGAIN_MS CLOCK_SECOND_MS

typedef struct {
    EmailAttempt attempt; /* state `sending`: a mark. Its strings are these: */
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

/* A group has up to two jobs under way. */
static void part_is_over(CourierOrg *org)
{
    if (--org->writes_under_way == 0)
        batch_over(org->writes);
}

/* --- Marks --------------------------------------------------------------------------------------
 */

typedef struct {
    gint64 org_id;
    guint n;
    gint64 *recipient_ids;
    gboolean *marked;
} Marks;

static gboolean marks_job(Db *db, gpointer data, GError **error)
{
    const Marks *marks = data;
    return emails_mark_sending(
        db, marks->org_id, marks->recipient_ids, marks->n, clock_wall_ms(), marks->marked, error);
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

static void marks_written(Courier *courier, gpointer data, const GError *error)
{
    Marks *marks = data;
    CourierOrg *org = g_hash_table_lookup(courier->orgs, &marks->org_id);
    tell_pool(org, marks, error);
    g_free(marks->recipient_ids);
    g_free(marks->marked);
    g_free(marks);
    part_is_over(org);
}

static void write_marks(CourierOrg *org, const GArray *recipient_ids)
{
    Marks *marks = g_new0(Marks, 1);
    marks->org_id = org->id;
    marks->n = recipient_ids->len;
    marks->recipient_ids = g_memdup2(recipient_ids->data, marks->n * sizeof(gint64));
    marks->marked = g_new0(gboolean, marks->n);
    org->writes_under_way++;
    courier_write(org->courier, marks_job, marks_written, marks);
}

/* --- Records ------------------------------------------------------------------------------------
 */

typedef struct {
    Courier *courier;
    gint64 org_id;
    gboolean is_alone; /* written again, apart from the groups */
    GPtrArray *writes; /* of Write */
    EmailAttempt *attempts;
    GError **faults;
} Records;

static Records *records_new(CourierOrg *org, gboolean is_alone)
{
    Records *records = g_new0(Records, 1);
    records->courier = org->courier;
    records->org_id = org->id;
    records->is_alone = is_alone;
    records->writes = g_ptr_array_new_with_free_func(write_free);
    return records;
}

static void records_free(Records *records)
{
    for (guint i = 0; records->faults != NULL && i < records->writes->len; i++)
        g_clear_error(&records->faults[i]);
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

static void records_written(Courier *courier, gpointer data, const GError *error);

static void write_records(Records *records)
{
    guint n = records->writes->len;
    records->attempts = g_new0(EmailAttempt, n);
    records->faults = g_new0(GError *, n);
    for (guint i = 0; i < n; i++)
        records->attempts[i] = ((const Write *)records->writes->pdata[i])->attempt;
    courier_write(records->courier, records_job, records_written, records);
}

/* One by one: what spoils a group must not keep the others from being written. */
static gboolean write_again(gpointer user)
{
    Records *records = user;
    CourierOrg *org = courier_org(records->courier, records->org_id);
    org->courier->pending--;
    while (records->writes->len > 0) {
        Records *alone = records_new(org, TRUE);
        g_ptr_array_add(alone->writes, g_ptr_array_steal_index(records->writes, 0));
        write_records(alone);
    }
    return G_SOURCE_REMOVE;
}

static void free_records(gpointer records)
{
    records_free(records);
}

static void write_again_later(Records *records)
{
    g_autoptr(GSource) later = g_timeout_source_new(WRITE_AGAIN_MS);
    records->courier->pending++; /* stopping waits for it */
    for (guint i = 0; i < records->writes->len; i++)
        g_clear_error(&records->faults[i]);
    g_source_set_callback(later, write_again, records, free_records);
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
 * uncertain at the next start, which is then the truth. */
static void records_written(Courier *courier, gpointer data, const GError *error)
{
    Records *records = data;
    gboolean is_alone = records->is_alone;
    gboolean is_final = is_alone && (g_error_matches(error, ABS_ERROR, ABS_ERROR_CONFLICT) ||
                                        g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND));
    CourierOrg *org = courier_org(courier, records->org_id);
    if (error != NULL)
        g_warning("%u outcomes could not be stored: %s", records->writes->len, error->message);
    if (error != NULL && !is_final && !courier->grace_is_over) {
        write_again_later(records);
    } else {
        tell_outbox(records);
        records_free(records);
    }
    if (!is_alone)
        part_is_over(org);
}

/* --- Groups of both -----------------------------------------------------------------------------
 */

static void begin_group(GPtrArray *group, gpointer user)
{
    CourierOrg *org = user;
    g_autoptr(GArray) marks = g_array_new(FALSE, FALSE, sizeof(gint64));
    Records *records = records_new(org, FALSE);
    for (guint i = 0; i < group->len; i++) {
        Write *write = group->pdata[i];
        if (write->attempt.state == EMAIL_SENDING) {
            g_array_append_val(marks, write->attempt.recipient_id);
            write_free(write);
        } else {
            g_ptr_array_add(records->writes, write);
        }
    }
    org->writes_under_way++;                 /* until both were handed over */
    if (marks->len > 0 && org->pool != NULL) /* without a pool nothing is sent any more */
        write_marks(org, marks);
    if (records->writes->len > 0) {
        org->writes_under_way++;
        write_records(records);
    } else {
        records_free(records);
    }
    part_is_over(org);
}

Batch *courier_writes_new(CourierOrg *org)
{
    return batch_new(LIMIT_COURIER_GROUP, begin_group, write_free, org);
}

void courier_mark(CourierOrg *org, const gint64 *recipient_ids, guint n)
{
    for (guint i = 0; i < n; i++) {
        Write *write = g_new0(Write, 1);
        write->attempt.recipient_id = recipient_ids[i];
        write->attempt.state = EMAIL_SENDING;
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
        .config_version = org->state == NULL ? 0 : org->state->config_version,
    };
    if (result != NULL && result->recipient_id == effect->recipient_id) {
        write->attempt.phase = write->phase = g_strdup(result->phase);
        write->attempt.reply_code = result->code;
        write->attempt.reply_enhanced = write->enhanced = g_strdup(result->enhanced);
        write->attempt.reply_text = write->text = g_strdup(result->text);
        write->attempt.server = write->server = g_strdup(result->server);
        if (result->diagnosis != NULL)
            write->attempt.diagnosis = write->diagnosis = g_strdup(result->diagnosis->id);
    }
    batch_add(org->writes, write);
    courier_groups_go(org);
}
