/* Emails, their recipients, attempts, sealed bodies and idempotency keys, as SQL functions. Rows of
 * one email are written in one job. A state change touches only the narrow recipient row. Functions
 * with Db* run inside a job or on a reader. */
#pragma once

#include "outbox/email.h"
#include "store/store.h"

typedef struct {
    gint64 org_id;
    Id id;
    EmailClass class;
    char *sender;                   /* envelope sender, addr-spec */
    char *from, *subject;           /* for lists; subject is NULL for secret classes */
    char *to, *cc, *bcc, *reply_to; /* header lists as given, "a, b" */
    GPtrArray *recipients;          /* char *, envelope addr-specs, no repeats */
    char *message_id;
    char *tags_json; /* [{"name":…,"value":…}] or NULL */
    GBytes *content; /* the message bytes; stored sealed with the org's day key */
    GBytes *sealed;  /* by emails_seal; NULL: emails_insert does it */
    gboolean needs_smtputf8, at_most_once, is_test;
    gboolean follows_sender; /* nobody named its sender: it leaves with the one in force then */
    WallMs created_at, scheduled_at, expires_at;    /* 0: none */
    gint64 submitted_by_token, submitted_by_member; /* 0: none */
} EmailNew;

EmailNew *email_new_alloc(void); /* all empty, `recipients` made */
void email_new_free(EmailNew *email);

/* Seals the content beforehand, on a reader, so that the one writer need not; if the key of its day
 * is not there yet (or cannot be opened), nothing happens. */
void emails_seal(Db *db, Vault *vault, EmailNew *email);

/* State `scheduled` if scheduled_at is ahead of created_at, else `queued`. Notes QUEUE and EMAIL.
 */
gboolean emails_insert(Db *db, Vault *vault, const EmailNew *email, GError **error);

/* Idempotency (API.md): a hit gives the ids of the first success (GArray of Id, the caller unrefs);
 * ABS_ERROR_CONFLICT if the key was used with another body. Key scope: org and token (0 for a
 * session). Entries older than LIMIT_IDEMPOTENCY_MS do not count. */
gboolean emails_idempotency_find(Db *db, gint64 org_id, gint64 token_id, const char *key,
    const guint8 body_hash[32], WallMs now, GArray **ids, GError **error);
gboolean emails_idempotency_add(Db *db, gint64 org_id, gint64 token_id, const char *key,
    const guint8 body_hash[32], const GArray *ids, WallMs now, GError **error);

/* --- What the courier needs
 * ------------------------------------------------------------------------------- */

typedef struct {
    gint64 recipient_id; /* row key */
    EmailClass class;
    EmailState state; /* scheduled, queued, deferred or uncertain */
    gint64 size_bytes;
    guint attempts;
    WallMs next_at;
    WallMs deadline_at; /* its own expiry or the longest lifetime: not sent from then on */
    WallMs expires_at;  /* its own expiry alone; 0: none */
    gboolean at_most_once, is_test;
} EmailDue;

typedef struct {
    gint64 org_id;
    WallMs now;
    EmailPosition after; /* only what goes out behind this */
    guint limit;
    gboolean only_tests; /* they go out while paused */
} EmailDueQuery;

/* Waiting recipients whose next_at has come, in the order of EmailPosition; without those that are
 * being sent. GArray of EmailDue. *has_more: the limit kept some back. *next_at: when the first one
 * of the classes looked through comes due that is not yet (0: none; undefined in the class whose
 * rest was kept back). */
GArray *emails_due(
    Db *db, const EmailDueQuery *query, gboolean *has_more, WallMs *next_at, GError **error);

/* Since when the waiting recipient that came due first has been due; 0: none is due. What is being
 * sent does not count. */
gboolean emails_oldest_due(Db *db, gint64 org_id, WallMs now, WallMs *due_at, GError **error);

/* Everything needed to send to one recipient. */
typedef struct {
    gint64 recipient_id;
    Id email_id;
    char *address, *sender;
    GBytes *content; /* the message, opened */
    gboolean needs_smtputf8, at_most_once, follows_sender;
    WallMs expires_at; /* its own expiry: its end does not leave from then on; 0: none */
} EmailDelivery;

/* For each of n recipients its delivery (the caller frees), or NULL: with faults[i] if it cannot be
 * read (ABS_ERROR_SECRET: its body cannot be opened), without if it does not wait any more. faults
 * begin as NULL. */
void emails_deliveries(Db *db, Vault *vault, gint64 org_id, const gint64 *recipient_ids, guint n,
    EmailDelivery **deliveries, GError **faults);
void email_delivery_free(EmailDelivery *delivery);

/* A waiting email with another sender: envelope, list and content. */
typedef struct {
    Id email_id;
    const char *former, *sender; /* envelope, addr-spec */
    const char *from;            /* for lists */
    GBytes *content;             /* the message with that From; stored sealed as the one before */
    gboolean needs_smtputf8;
} EmailSender;

/* Nothing happens if `former` is not the email's sender (any more), or its body is erased; nor, and
 * then *has_left is TRUE, if the message may have been taken from us for one of its recipients:
 * every attempt sends the same bytes. Notes EMAIL. */
gboolean emails_take_sender(Db *db, Vault *vault, gint64 org_id, const EmailSender *sender,
    gboolean *has_left, GError **error);

/* The durable mark before a final dot, for n recipients: marked[i] is FALSE if that one is no
 * longer in a state that may be sent (cancelled meanwhile, unknown), put off to a later time, or
 * past its own expiry. `now` is the later of the wall and the steady clock: whichever says that it
 * is too late is believed. The longest lifetime is looked at by the outbox alone. */
gboolean emails_mark_sending(Db *db, gint64 org_id, const gint64 *recipient_ids, guint n,
    WallMs now, gboolean *marked, GError **error);

/* The end of one attempt. */
typedef struct {
    gint64 recipient_id;
    EmailState state;   /* accepted, rejected, deferred, queued (not tried, no attempt used),
                           uncertain, expired */
    WallMs at, next_at; /* next_at for deferred, queued and uncertain */
    gboolean counts;    /* uses up an attempt */
    gboolean asked;     /* the provider was asked to take it: it uses up quota */
    WallMs late_by;     /* the steady clock if it was not tried because its time is over
                           (retry_is_too_late); nothing is written unless the store's own times say
                           so too. 0: it was tried */
    gint64 config_version;
    const char *phase;                       /* "after_data" … or NULL */
    int reply_code;                          /* 0: none */
    const char *reply_enhanced, *reply_text; /* printable, or NULL */
    const char *diagnosis;                   /* id or NULL */
    const char *server;                      /* host name */
} EmailAttempt;

/* Writes, for n attempts, state, attempt row (not for `queued` without a diagnosis: nothing was
 * tried), and at an end state erases the body of secret classes once no recipient waits. A
 * recipient that was cancelled meanwhile stays so unless the mail was accepted; one that was put
 * off to a later time waits for it. What was uncertain and was not tried again stays uncertain.
 * faults[i] (NULL before) says which are not written while the others are: ABS_ERROR_NOT_FOUND, and
 * ABS_ERROR_CONFLICT for a move that email_states does not allow. What the provider was asked to
 * take is counted for the quota. Notes EMAIL. */
gboolean emails_record_attempts(
    Db *db, gint64 org_id, const EmailAttempt *attempts, guint n, GError **faults, GError **error);

/* At start: every `sending` row has lost its outcome. It becomes uncertain: sent again at now +
 * LIMIT_UNCERTAIN_RESEND_MS, or at its end when it is at_most_once or was uncertain already. */
gboolean emails_recover(Db *db, WallMs now, gint64 *recovered, GError **error);

/* Ends what is past its expires_at or LIMIT_EMAIL_LIFETIME_MS (counted from scheduled_at if that is
 * later); at most limit a call. What is being sent is left to its outcome; what is uncertain ends
 * as uncertain, because it may have been delivered. */
gboolean emails_expire(Db *db, WallMs now, guint limit, gint64 *expired, GError **error);

/* --- What the API needs
 * ------------------------------------------------------------------------------------ */

typedef struct {
    WallMs at;
    EmailState state;
    char *phase, *reply_enhanced, *reply_text, *diagnosis, *server;
    int reply_code;
} EmailAttemptRow;

typedef struct {
    gint64 recipient_id;
    char *address;
    EmailState state; /* stored */
    guint attempts;
    WallMs next_at, updated_at;
    WallMs deadline_at;      /* its own expiry or the longest lifetime */
    GPtrArray *attempt_rows; /* of EmailAttemptRow, oldest first; NULL in lists */
} EmailRecipientRow;

typedef struct {
    gint64 row, org_id;
    Id id;
    EmailClass class;
    EmailState state; /* combined, as stored (apply email_state_shown) */
    char *from, *subject, *to, *cc, *bcc, *reply_to, *message_id, *tags_json;
    gint64 size_bytes;
    gboolean at_most_once, is_test, has_body;
    gboolean is_duplicate; /* perhaps: a recipient's attempt ended uncertain, and it goes again */
    WallMs created_at, scheduled_at, expires_at;
    gint64 submitted_by_token, submitted_by_member;
    GPtrArray *recipients; /* of EmailRecipientRow */
} EmailRow;
void email_row_free(EmailRow *row);

typedef struct {
    gint64 org_id;
    const Id *after, *before; /* page from here (older, newer), NULL: from the newest */
    EmailState state;         /* 0: all; a stored state that any recipient is in;
                                 EMAIL_HELD: queued or deferred */
    EmailClass class;         /* 0: all */
    const char *search;       /* part of a recipient address or subject; NULL: all */
    guint limit;
} EmailFilter;

/* Newest first; *has_more. GPtrArray of EmailRow with recipients, without attempts. */
GPtrArray *emails_list(Db *db, const EmailFilter *filter, gboolean *has_more, GError **error);

/* The same emails by their ids alone, up to filter->limit however large: GArray of Id. */
GArray *emails_find(Db *db, const EmailFilter *filter, gboolean *has_more, GError **error);

/* How many of them there are, up to filter->limit however large; *has_more. */
gboolean emails_find_count(
    Db *db, const EmailFilter *filter, guint *n, gboolean *has_more, GError **error);

/* One email with everything but its body. NULL without error: no such email. */
EmailRow *emails_get(Db *db, gint64 org_id, const Id *id, GError **error);

/* Cancels recipients that still wait and are not being sent to. *cancelled: how many.
 * ABS_ERROR_NOT_FOUND; ABS_ERROR_CONFLICT if there was none to cancel. */
gboolean emails_cancel(
    Db *db, gint64 org_id, const Id *id, WallMs now, gint64 *cancelled, GError **error);

/* Recipients per stored state; index by EmailState. */
gboolean emails_count(Db *db, gint64 org_id, gint64 counts[EMAIL_HELD + 1], GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmailNew, email_new_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmailDelivery, email_delivery_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmailRow, email_row_free)
