/* Members and the first-run setup token, as SQL functions. A member who was removed keeps the row
 * and is found by none of these; the address is free again. Only hashes of secrets are stored. */
#pragma once

#include "people/access.h"
#include "store/page.h"
#include "store/sessions.h"
#include "store/store.h"
#include "store/tokens.h"

typedef struct {
    gint64 row, org_id;
    Id id;
    char *email, *name;
    PeopleRole role;
    char *password_hash;  /* Argon2id string; NULL while not set */
    char *language;       /* "de", "en" or NULL */
    gboolean has_notices; /* an admin who is told by mail when something needs attention */
    WallMs created_at, password_changed_at, signed_in_at; /* 0: never */
} Member;
void member_free(Member *member);

/* --- Reading --------------------------------------------------------------------------------- */

gboolean members_count(Db *db, gint64 org_id, gint64 *count, GError **error);

/* NULL without error: there is none. An address belongs to one member of all organisations. */
Member *member_by_email(Db *db, const char *email, GError **error);
Member *member_by_row(Db *db, gint64 row, GError **error);

/* Reads whichever member and drops it: what is looked up for nobody costs the same (threat T36).
 * FALSE: there is none, or an error. */
gboolean member_read_any(Db *db, GError **error);
Member *member_by_id(Db *db, gint64 org_id, const Id *id, GError **error);

/* The same where one is expected: ABS_ERROR_NOT_FOUND if there is none. */
Member *member_need(Db *db, gint64 org_id, gint64 row, GError **error);
Member *member_need_by_id(Db *db, gint64 org_id, const Id *id, GError **error);

GPtrArray *members_list(Db *db, gint64 org_id, const Page *page, gboolean *has_more,
    GError **error); /* of Member, newest first */

/* --- Writing: inside a job -------------------------------------------------------------------- */

/* Without signed_in_at and password_changed_at; has_notices is TRUE whatever stands there. */
gboolean member_insert(Db *db, const Member *member, gint64 *row,
    GError **error); /* ABS_ERROR_CONFLICT: address taken */

/* Writes name, role, language and has_notices of the member of this row. ABS_ERROR_DENIED if that
 * would leave the organisation without an org_admin. */
gboolean member_update(Db *db, const Member *member, GError **error);

/* Erases what is personal and ends all sessions. ABS_ERROR_DENIED as above. */
gboolean member_remove(Db *db, const Member *member, WallMs now, GError **error);

/* ABS_ERROR_NOT_FOUND if there is no such member (any more). Sessions go on:
 * sessions_delete_of_member. */
gboolean member_write_password(
    Db *db, gint64 org_id, gint64 member_row, const char *hash, WallMs now, GError **error);

/* The member as it stands now, inside a job, for one whose password was looked at before it.
 * ABS_ERROR_NOT_FOUND if it was removed since, ABS_ERROR_DENIED if it has another password. */
gboolean member_reread(Db *db, const Member *judged, Member **current, GError **error);

gboolean member_note_sign_in(Db *db, gint64 member_row, WallMs now, GError **error);

/* --- First-run setup: one token, replaced at every start while no member exists --------------- */

gboolean setup_token_write(
    Db *db, const guint8 hash[PEOPLE_HASH_BYTES], WallMs expires_at, GError **error);

/* Whether it could be used up now; changes nothing. */
gboolean setup_token_is_good(
    Db *db, const guint8 hash[PEOPLE_HASH_BYTES], WallMs now, gboolean *is_good, GError **error);

/* Uses it up in the same job in which the first member is made. ABS_ERROR_DENIED if wrong, used,
 * expired, or a member exists. */
gboolean setup_token_redeem(
    Db *db, const guint8 hash[PEOPLE_HASH_BYTES], WallMs now, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Member, member_free)
