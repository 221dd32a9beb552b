/* Password resets: who asked, what became of it, and the hand-over list.
 *
 * Whoever asks gets a row at once, so that asking costs the same whether there is such an account
 * (threat T36). Afterwards `resets_asked` is gone through: what was asked for nobody is removed,
 * the others get a token that is mailed, or wait until a person hands a link over. Only the hash of
 * a token is kept, and it is used up in one statement (threat T38). Functions with Db* run inside a
 * job or on a reader. */
#pragma once

#include "people/access.h"
#include "store/store.h"

typedef enum {
    RESET_ASKED = 1,
    RESET_MAILED,
    RESET_TO_HAND_OVER, /* no mail could be made */
    RESET_HANDED_OVER,  /* an admin copied the link */
    RESET_USED,
    RESET_OVER, /* a newer one, dismissed, or never handed over */
} ResetState;
const char *reset_state_name(ResetState state);

typedef struct {
    gint64 row, org_id;
    Id id;
    char *account;     /* the address that was asked for, in small letters */
    gint64 member_row; /* 0: not looked up yet */
    char *language;    /* of whoever asked; NULL: not known */
    ResetState state;
    WallMs asked_at, updated_at;
    char *asked_from;  /* ""; an admin made the link unasked */
    WallMs expires_at; /* of the token; 0: there is none yet */
    Id email_id;
    gboolean has_email;
    /* Of the member, while there is one; NULL: removed, or not looked up yet. */
    Id member_id;
    char *member_email, *member_name, *member_language;
    PeopleRole member_role;
} Reset;
void reset_free(Reset *reset);

/* A new row in state ASKED. *row: its key. */
gboolean reset_ask(Db *db, const Reset *reset, gint64 *row, GError **error);

/* Rows in state ASKED behind this one (0: all), oldest first. GPtrArray of Reset, without members.
 */
GPtrArray *resets_asked(Db *db, gint64 after_row, guint limit, GError **error);

/* Asked for nobody. */
gboolean reset_forget(Db *db, gint64 row, GError **error);

/* A link, or none yet: what a reset becomes. */
typedef struct {
    gint64 member_row;
    ResetState state;                     /* MAILED, TO_HAND_OVER or HANDED_OVER */
    guint8 token_hash[PEOPLE_HASH_BYTES]; /* zeros with TO_HAND_OVER: there is no token */
    WallMs expires_at;                    /* 0: there is no token */
    const char *copied_by;                /* with HANDED_OVER: who holds it */
    const Id *email_id;                   /* NULL: the last mail stays the last */
} ResetLink;

/* What was only asked for is of no organisation yet, and becomes one of the member's.
 * ABS_ERROR_CONFLICT if it is used or over. */
gboolean reset_write_link(
    Db *db, gint64 org_id, gint64 row, const ResetLink *link, WallMs now, GError **error);

/* ABS_ERROR_CONFLICT as above. */
gboolean reset_dismiss(Db *db, gint64 org_id, gint64 row, WallMs now, GError **error);

/* The others of this member that a newer one (or a changed password) puts an end to: asked, mailed
 * or to be handed over; what a person has handed over as well only if with_handed_over, so that no
 * stranger who asks can take the link away again. Ends their waiting mails. */
gboolean resets_end_others(Db *db, gint64 org_id, gint64 member_row, gint64 but_row,
    gboolean with_handed_over, WallMs now, GError **error);

/* Links that somebody copied who leaves or may no longer do so are dead, and stand on the list
 * again to be handed over. who: as in copied_by. */
gboolean resets_take_back(Db *db, gint64 org_id, const char *who, WallMs now, GError **error);

/* NULL without error: there is none. With the member. */
Reset *reset_by_id(Db *db, gint64 org_id, const Id *id, GError **error);
Reset *reset_by_token(Db *db, const guint8 token_hash[PEOPLE_HASH_BYTES], WallMs now,
    GError **error); /* one that can be redeemed; changes nothing */

/* Newest first; of members only. GPtrArray of Reset. */
typedef struct {
    gint64 org_id;
    gboolean only_open; /* neither used nor over */
    const Id *after, *before;
    guint limit;
} ResetFilter;
GPtrArray *resets_list(Db *db, const ResetFilter *filter, gboolean *has_more, GError **error);

/* Uses it up. The row of the member; 0 with ABS_ERROR_NOT_FOUND: no live reset has this token. */
gint64 reset_redeem(
    Db *db, const guint8 token_hash[PEOPLE_HASH_BYTES], WallMs now, gint64 *row, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reset, reset_free)
