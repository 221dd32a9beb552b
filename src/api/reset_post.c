#include "api/reset_post.h"

#include "api/link_letter.h"
#include "api/state.h"

#include "base/limits.h"
#include "store/audit.h"
#include "store/emails.h"
#include "store/people.h"
#include "store/resets.h"

#include <string.h>

struct reset_post {
    struct api *api;
    gint64 after_row;    /* this round has come so far; 0: it begins */
    gboolean has_failed; /* one of this round */
    gint is_awake;       /* atomic: a look is due */
};

ResetPost *reset_post_new(struct api *api)
{
    ResetPost *post = g_new0(ResetPost, 1);
    post->api = api;
    return post;
}

void reset_post_free(ResetPost *post)
{
    g_free(post);
}

/* --- One request ----------------------------------------------------------------------------- */

typedef struct {
    struct api *api;
    const Reset *reset;
    Member *member;         /* NULL: there is no such account */
    gboolean is_over_limit; /* its organisation has had so many within the hour: as for NULL */
    Link link;
    EmailNew *mail; /* NULL: none can be made */
} Posting;

static void posting_clear(Posting *posting)
{
    g_clear_pointer(&posting->member, member_free);
    g_clear_pointer(&posting->mail, email_new_free);
    link_clear(&posting->link);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Posting, posting_clear)

static gboolean note_request(Db *db, const Posting *posting, WallMs now, GError **error)
{
    char id[ID_TEXT_SIZE];
    const AuditNote note = {.org_id = posting->member->org_id,
        .at = now,
        .actor = "system",
        .action = "reset.asked",
        .object = id_format(&posting->reset->id, "rst", id),
        .detail = posting->member->email,
        .client = posting->reset->asked_from};
    return audit_append(db, &note, error);
}

static gboolean posting_job(Db *db, gpointer data, GError **error)
{
    Posting *posting = data;
    const Reset *reset = posting->reset;
    const Member *member = posting->member;
    WallMs now = clock_wall_ms();
    if (!member || posting->is_over_limit)
        return reset_forget(db, reset->row, error);
    ResetLink link = {.member_row = member->row, .state = RESET_TO_HAND_OVER};
    if (posting->mail) {
        link.state = RESET_MAILED;
        link.expires_at = posting->mail->expires_at;
        link.email_id = &posting->mail->id;
        memcpy(link.token_hash, posting->link.token_hash, sizeof link.token_hash);
    }
    return resets_end_others(db, member->org_id, member->row, reset->row, FALSE, now, error) &&
           reset_write_link(db, member->org_id, reset->row, &link, now, error) &&
           (!posting->mail || emails_insert(db, posting->api->vault, posting->mail, error)) &&
           note_request(db, posting, now, error);
}

/* The mail, if one can be made; else it waits for a person. */
static void write_mail(Db *db, Posting *posting)
{
    struct api *api = posting->api;
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpState) state = smtp_state_read(db, posting->member->org_id, &error);
    if (state && link_letter_is_possible(api, state)) {
        link_make(&posting->link, api, "reset");
        posting->mail = link_letter_reset(
            api, db, posting->reset, posting->member, &posting->link, state, &error);
    }
    if (error)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
            "a password reset is left to be handed over: %s", error->message);
}

/* Only now, so that one that is tried again and again counts once. */
static void count(const Posting *posting)
{
    gint64 org_id = posting->member->org_id;
    if (posting->is_over_limit)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
            "a password reset was dropped: organisation %" G_GINT64_FORMAT
            " has had %d within the hour",
            org_id, LIMIT_LINK_MAILS_PER_ORG);
    else
        link_mail_take_reset(posting->api, org_id);
}

static gboolean post_one(struct api *api, const Reset *reset, GError **error)
{
    g_auto(Posting) posting = {.api = api, .reset = reset};
    GError *fault = NULL;
    Db *db = store_reader_take(api->store);
    posting.member = member_by_email(db, reset->account, &fault);
    if (posting.member)
        posting.is_over_limit = link_mail_wait_reset(api, posting.member->org_id) > 0;
    if (posting.member && !posting.is_over_limit)
        write_mail(db, &posting);
    store_reader_give(api->store, db);
    if (!fault)
        store_run(api->store, posting_job, &posting, &fault);
    if (fault) {
        g_propagate_error(error, fault);
        return FALSE;
    }
    if (posting.member)
        count(&posting);
    return TRUE;
}

/* --- All of them ----------------------------------------------------------------------------- */

static void schedule(ResetPost *post, MonoMs after_ms);

static void keep_first(GError **first, GError *fault)
{
    if (*first)
        g_error_free(fault);
    else
        *first = fault;
}

static gboolean look(gpointer user)
{
    ResetPost *post = user;
    struct api *api = post->api;
    g_autoptr(GError) error = NULL;
    g_atomic_int_set(&post->is_awake, 0);
    Db *db = store_reader_take(api->store);
    g_autoptr(GPtrArray) asked = resets_asked(db, post->after_row, LIMIT_RESETS_AT_ONCE, &error);
    store_reader_give(api->store, db);
    post->after_row = 0;
    for (guint i = 0; asked && i < asked->len; i++) { /* one that fails keeps nobody waiting */
        const Reset *reset = asked->pdata[i];
        GError *fault = NULL;
        if (!post_one(api, reset, &fault))
            keep_first(&error, fault);
        post->after_row = reset->row;
    }
    gboolean is_all = !asked || asked->len < LIMIT_RESETS_AT_ONCE;
    gboolean has_failed = post->has_failed || error;
    post->has_failed = has_failed && !is_all;
    if (is_all)
        post->after_row = 0;
    if (error)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
            "password resets wait for a minute: %s", error->message);
    if (!is_all)
        reset_post_wake(post);
    else if (has_failed)
        schedule(post, CLOCK_MINUTE_MS);
    return G_SOURCE_REMOVE;
}

static void schedule(ResetPost *post, MonoMs after_ms)
{
    if (!g_atomic_int_compare_and_exchange(&post->is_awake, 0, 1))
        return;
    g_autoptr(GSource) source = g_timeout_source_new((guint)after_ms);
    g_source_set_callback(source, look, post, NULL);
    g_source_attach(source, post->api->keeper_context);
}

/* What is done for somebody takes longer than what is done for nobody. Begun at once it would slow
 * down the answer that is on its way; so it begins a while later, and nobody knows when. */
void reset_post_wake(ResetPost *post)
{
    schedule(post, LIMIT_RESET_DELAY_MS + g_random_int() % LIMIT_RESET_DELAY_MS);
}
