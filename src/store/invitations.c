#include "store/invitations.h"

#include "base/error.h"
#include "store/emails_actions.h"
#include "store/page.h"
#include "store/people.h"

const char *invitation_state_name(InvitationState state)
{
    switch (state) {
    case INVITATION_OPEN:
        return "open";
    case INVITATION_ACCEPTED:
        return "accepted";
    case INVITATION_REVOKED:
        return "revoked";
    case INVITATION_EXPIRED:
        return "expired";
    }
    g_assert_not_reached();
}

void invitation_free(Invitation *invitation)
{
    if (!invitation)
        return;
    g_free(invitation->email);
    g_free(invitation->language);
    g_free(invitation->created_by);
    g_free(invitation);
}

InvitationState invitation_state(const Invitation *invitation, WallMs now)
{
    if (invitation->accepted_at > 0)
        return INVITATION_ACCEPTED;
    if (invitation->revoked_at > 0 && invitation->revoked_at < invitation->expires_at)
        return INVITATION_REVOKED;
    return invitation->revoked_at > 0 || invitation->expires_at <= now ? INVITATION_EXPIRED
                                                                       : INVITATION_OPEN;
}

/* --- Reading --------------------------------------------------------------------------------- */

#define COLUMNS                                                                                \
    "row, org_id, id, email, role, language, token_hash, created_at, created_by, expires_at, " \
    "email_id, copied_at, accepted_at, revoked_at "
#define INVITATION "SELECT " COLUMNS "FROM invitations "

static Invitation *read_row(DbQuery *q)
{
    Invitation *invitation = g_new0(Invitation, 1);
    invitation->row = db_int(q, 0);
    invitation->org_id = db_int(q, 1);
    db_id(q, 2, &invitation->id);
    invitation->email = db_dup_text(q, 3);
    invitation->role = (PeopleRole)db_int(q, 4);
    invitation->language = db_dup_text(q, 5);
    credential_hash_read(q, 6, invitation->token_hash);
    invitation->created_at = db_int(q, 7);
    invitation->created_by = db_dup_text(q, 8);
    invitation->expires_at = db_int(q, 9);
    invitation->has_email = db_id(q, 10, &invitation->email_id);
    invitation->copied_at = db_int(q, 11);
    invitation->accepted_at = db_int(q, 12);
    invitation->revoked_at = db_int(q, 13);
    return invitation;
}

/* Reads the one row of q to its end; NULL without error if there is none. */
static Invitation *finish_one(DbQuery *q, GError **error)
{
    g_autoptr(Invitation) invitation = db_next(q) ? read_row(q) : NULL;
    return db_finish(q, error) ? g_steal_pointer(&invitation) : NULL;
}

Invitation *invitation_by_id(Db *db, gint64 org_id, const Id *id, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db, INVITATION "WHERE org_id = $1 AND id = $2");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    return finish_one(q, error);
}

Invitation *invitation_by_email(
    Db *db, gint64 org_id, const char *email, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        INVITATION "WHERE org_id = $1 AND lower(email) = lower($2) AND accepted_at IS NULL "
                   "AND revoked_at IS NULL AND expires_at > $3");
    db_bind_int(q, 1, org_id);
    db_bind_text(q, 2, email);
    db_bind_int(q, 3, now);
    return finish_one(q, error);
}

Invitation *invitation_by_token(
    Db *db, const guint8 token_hash[PEOPLE_HASH_BYTES], WallMs now, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, INVITATION "WHERE token_hash = $1 AND accepted_at IS NULL AND revoked_at IS "
                                "NULL AND expires_at > $2");
    db_bind_blob(q, 1, token_hash, PEOPLE_HASH_BYTES);
    db_bind_int(q, 2, now);
    return finish_one(q, error);
}

static void free_invitation(gpointer invitation)
{
    invitation_free(invitation);
}

static gpointer read_row_of_list(DbQuery *q)
{
    return read_row(q);
}

/* InvitationsWanted in $4, now in $5. */
#define WANTED \
    "($4 = 0 OR ($4 = 1) = (accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $5)) "

GPtrArray *invitations_list(
    Db *db, const InvitationFilter *filter, gboolean *has_more, GError **error)
{
    const Page page = {filter->limit, filter->after, filter->before};
    g_autoptr(DbQuery) q = page_is_upwards(&page)
                               ? db_query(db, INVITATION "WHERE org_id = $1 AND id > $2 AND " WANTED
                                                         "ORDER BY id LIMIT $3")
                               : db_query(db, INVITATION "WHERE org_id = $1 AND id < $2 AND " WANTED
                                                         "ORDER BY id DESC LIMIT $3");
    db_bind_int(q, 1, filter->org_id);
    db_bind_id(q, 2, page_edge(&page));
    db_bind_int(q, 3, page_rows(&page));
    db_bind_int(q, 4, filter->wanted);
    db_bind_int(q, 5, filter->now);
    return page_read(q, &page, read_row_of_list, free_invitation, has_more, error);
}

/* --- Writing --------------------------------------------------------------------------------- */

/* An address has one row that is neither accepted nor revoked. */
static gboolean close_expired(Db *db, const Invitation *invitation, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE invitations SET revoked_at = $3 WHERE org_id = $1 AND lower(email) = lower($2) "
        "AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at <= $3");
    db_bind_int(q, 1, invitation->org_id);
    db_bind_text(q, 2, invitation->email);
    db_bind_int(q, 3, invitation->created_at);
    return db_finish(q, error);
}

gboolean invitation_insert(Db *db, const Invitation *invitation, GError **error)
{
    if (!close_expired(db, invitation, error))
        return FALSE;
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO invitations (org_id, id, email, role, language, token_hash, created_at, "
        "created_by, expires_at, email_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    db_bind_int(q, 1, invitation->org_id);
    db_bind_id(q, 2, &invitation->id);
    db_bind_text(q, 3, invitation->email);
    db_bind_int(q, 4, invitation->role);
    db_bind_text(q, 5, invitation->language);
    db_bind_blob(q, 6, invitation->token_hash, PEOPLE_HASH_BYTES);
    db_bind_int(q, 7, invitation->created_at);
    db_bind_text(q, 8, invitation->created_by);
    db_bind_int(q, 9, invitation->expires_at);
    db_bind_id(q, 10, invitation->has_email ? &invitation->email_id : NULL);
    return db_finish(q, error);
}

/* What a change found nothing to change. */
static gboolean check_changed(Db *db, GError **error)
{
    if (db_changes(db) == 1)
        return TRUE;
    g_set_error_literal(
        error, ABS_ERROR, ABS_ERROR_CONFLICT, "this invitation was accepted or revoked");
    return FALSE;
}

gboolean invitation_renew(
    Db *db, gint64 org_id, const Id *id, const InvitationLink *link, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE invitations SET token_hash = $3, expires_at = $4, copied_at = $5, "
                     "copied_by = $7, email_id = CASE WHEN $5 IS NULL THEN $6 ELSE email_id END "
                     "WHERE org_id = $1 "
                     "AND id = $2 AND accepted_at IS NULL "
                     "AND revoked_at IS NULL");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    db_bind_blob(q, 3, link->token_hash, PEOPLE_HASH_BYTES);
    db_bind_int(q, 4, link->expires_at);
    db_bind_int_or_null(q, 5, link->copied_at);
    db_bind_id(q, 6, link->email_id);
    db_bind_text(q, 7, link->copied_by);
    return db_finish(q, error) && check_changed(db, error);
}

gboolean invitation_revoke(Db *db, gint64 org_id, const Id *id, WallMs now, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE invitations SET revoked_at = $3 WHERE org_id = $1 AND id = $2 AND accepted_at IS "
        "NULL AND revoked_at IS NULL");
    db_bind_int(q, 1, org_id);
    db_bind_id(q, 2, id);
    db_bind_int(q, 3, now);
    return db_finish(q, error) && check_changed(db, error);
}

static GPtrArray *find_held_by(Db *db, gint64 org_id, const char *who, WallMs now, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_invitation);
    g_autoptr(DbQuery) q = db_query(db,
        INVITATION "WHERE org_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND "
                   "expires_at > $3 AND (created_by = $2 OR copied_by = $2)");
    db_bind_int(q, 1, org_id);
    db_bind_text(q, 2, who);
    db_bind_int(q, 3, now);
    while (db_next(q))
        g_ptr_array_add(list, read_row(q));
    return db_finish(q, error) ? g_steal_pointer(&list) : NULL;
}

gboolean invitations_revoke_of(Db *db, gint64 org_id, const char *who, WallMs now, GError **error)
{
    g_autoptr(GPtrArray) list = find_held_by(db, org_id, who, now, error);
    for (guint i = 0; list && i < list->len; i++) {
        const Invitation *invitation = list->pdata[i];
        if (!invitation_revoke(db, org_id, &invitation->id, now, error) ||
            (invitation->has_email &&
                !emails_end_link(db, org_id, &invitation->email_id, FALSE, now, error)))
            return FALSE;
    }
    return list != NULL;
}

Invitation *invitation_accept(
    Db *db, const guint8 token_hash[PEOPLE_HASH_BYTES], WallMs now, GError **error)
{
    GError *fault = NULL;
    g_autoptr(DbQuery) q = db_query(db,
        "UPDATE invitations SET accepted_at = $2 WHERE token_hash = $1 AND accepted_at IS NULL "
        "AND revoked_at IS NULL AND expires_at > $2 RETURNING " COLUMNS);
    db_bind_blob(q, 1, token_hash, PEOPLE_HASH_BYTES);
    db_bind_int(q, 2, now);
    Invitation *invitation = finish_one(q, &fault);
    if (!invitation && !fault)
        g_set_error_literal(&fault, ABS_ERROR, ABS_ERROR_NOT_FOUND, "no open invitation has it");
    if (fault)
        g_propagate_error(error, fault);
    return invitation;
}
