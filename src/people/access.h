/* Who may do what: roles, scopes, and the secrets that prove who somebody is. Passwords are hashed
 * with Argon2id; tokens, session ids and setup tokens are 256-bit random values of which only
 * SHA-256 is kept (vault.md 4.1). */
#pragma once

#include "base/secret.h"

#include <glib.h>

typedef enum {
    PEOPLE_ROLE_MEMBER = 1,
    PEOPLE_ROLE_ORG_ADMIN = 2,
} PeopleRole;
const char *people_role_name(PeopleRole role); /* "member", "org_admin" */
gboolean people_role_parse(const char *name, PeopleRole *role);

enum {
    PEOPLE_SCOPE_EMAILS_SEND = 1 << 0,
    PEOPLE_SCOPE_EMAILS_READ = 1 << 1,
    PEOPLE_SCOPE_SMTP_READ = 1 << 2,
    PEOPLE_SCOPE_SMTP_WRITE = 1 << 3,
    PEOPLE_SCOPE_PEOPLE_WRITE = 1 << 4,
    PEOPLE_SCOPE_AUDIT_READ = 1 << 5,
    PEOPLE_SCOPE_ALL = (1 << 6) - 1,
};
const char *people_scope_name(guint scope); /* "emails:send"; one bit */
gboolean people_scope_parse(const char *name, guint *scope);
guint people_role_scopes(PeopleRole role); /* org_admin: all; member: emails:send */

/* Who is calling. */
typedef enum {
    PEOPLE_CALLER_NOBODY = 0,
    PEOPLE_CALLER_MEMBER,   /* a browser session */
    PEOPLE_CALLER_TOKEN,    /* an application */
    PEOPLE_CALLER_OPERATOR, /* the control socket: file access is the authority */
} PeopleCallerKind;

typedef struct {
    PeopleCallerKind kind;
    gint64 org_id;
    gint64 row; /* of the session or token; 0 otherwise */
    gint64 member_row;
    PeopleRole role;
    guint scopes;
} PeopleCaller;

/* Nobody gives away more than she has: whoever makes somebody this role, or opens an account of
 * this role, must have all its scopes. */
gboolean people_may_grant(const PeopleCaller *caller, PeopleRole role);

#define PEOPLE_HASH_BYTES 32
void people_hash(const Secret *value, guint8 hash[PEOPLE_HASH_BYTES]); /* SHA-256 */

/* The same of what still stands in a request's own memory: a guarded copy would hide nothing, and
 * costs a dozen system calls for each request. */
void people_hash_lent(const char *value, guint8 hash[PEOPLE_HASH_BYTES]);

/* "abs_" + 43 base64url digits + 6 of checksum: recognisable by secret scanners, and a typo is told
 * apart from a revoked token. */
Secret *people_token_make(void);
gboolean people_token_is_wellformed(const char *text);

/* 43 base64url digits: session ids, setup tokens, CSRF values. */
Secret *people_random_make(void);

/* Argon2id (19 MiB, t = 2: about 35 ms). Blocking: only on the worker pool, behind
 * LIMIT_CONCURRENT_HASHES. The text is libsodium's self-describing string. */
char *people_password_hash(const Secret *password);
gboolean people_password_verify(
    const char *hash, const Secret *password); /* hash NULL: same work, FALSE */

/* NULL if the password may be used, else a code: "password_too_short", "password_too_common" (also:
 * equals the address). */
const char *people_password_fault(const Secret *password, const char *email);
