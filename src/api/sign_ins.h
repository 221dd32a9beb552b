/* Sign-ins at a provider that somebody has begun and not ended. In memory and bounded: a restart
 * ends them all. Each belongs to who began it (session or token), to the organisation, and to the
 * revision of the settings it is for. Thread-safe. */
#pragma once

#include "base/clock.h"
#include "base/id.h"
#include "base/secret.h"
#include "people/access.h"

typedef struct sign_ins SignIns;

typedef struct {
    Id id;
    gint64 org_id;
    guint8 credential[PEOPLE_HASH_BYTES]; /* of who began it; zero: the operator */
    gint64 revision;
    MonoMs ends_at;
    /* through the browser; NULL: by a code that is typed at the provider's */
    Secret *state, *verifier;
    char *redirect_uri;
    /* by such a code; else NULL */
    Secret *device_code;
    gint64 interval_s; /* between two questions */
    MonoMs next_at;    /* not to be asked before */
} SignIn;
void sign_ins_entry_free(SignIn *sign_in);

SignIns *sign_ins_new(void);
void sign_ins_free(SignIns *sign_ins);

/* sign_in is taken. With more than LIMIT_SIGN_INS those that end first are forgotten. */
void sign_ins_put(SignIns *sign_ins, SignIn *sign_in);

/* Who asks must be who began it. */
typedef struct {
    gint64 org_id;
    const guint8 *credential;
} SignInOwner;

/* The one with this state, which no longer counts then; NULL: none, or it is too late. The caller
 * frees. */
SignIn *sign_ins_take_state(
    SignIns *sign_ins, const SignInOwner *owner, const Secret *state, MonoMs now);

/* The one with this id, too late or not: while it is taken nobody else asks, and it may be put
 * back. NULL: none; or with *is_early: it must not be asked yet. The caller frees. */
SignIn *sign_ins_take_device(
    SignIns *sign_ins, const SignInOwner *owner, const Id *id, MonoMs now, gboolean *is_early);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SignIn, sign_ins_entry_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SignIns, sign_ins_free)
