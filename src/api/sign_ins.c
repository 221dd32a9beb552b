#include "api/sign_ins.h"

#include "base/limits.h"

#include <string.h>

struct sign_ins {
    GMutex mutex;
    GPtrArray *list; /* of SignIn */
};

void sign_ins_entry_free(SignIn *sign_in)
{
    if (!sign_in)
        return;
    secret_free(sign_in->state);
    secret_free(sign_in->verifier);
    secret_free(sign_in->device_code);
    g_free(sign_in->redirect_uri);
    g_free(sign_in);
}

static void free_sign_in(gpointer sign_in)
{
    sign_ins_entry_free(sign_in);
}

SignIns *sign_ins_new(void)
{
    SignIns *sign_ins = g_new0(SignIns, 1);
    g_mutex_init(&sign_ins->mutex);
    sign_ins->list = g_ptr_array_new_with_free_func(free_sign_in);
    return sign_ins;
}

void sign_ins_free(SignIns *sign_ins)
{
    if (!sign_ins)
        return;
    g_ptr_array_unref(sign_ins->list);
    g_mutex_clear(&sign_ins->mutex);
    g_free(sign_ins);
}

static void forget_first(GPtrArray *list)
{
    guint first = 0;
    for (guint i = 1; i < list->len; i++) {
        const SignIn *sign_in = list->pdata[i], *earliest = list->pdata[first];
        if (sign_in->ends_at < earliest->ends_at)
            first = i;
    }
    g_ptr_array_remove_index(list, first);
}

void sign_ins_put(SignIns *sign_ins, SignIn *sign_in)
{
    g_mutex_lock(&sign_ins->mutex);
    g_ptr_array_add(sign_ins->list, sign_in);
    if (sign_ins->list->len > LIMIT_SIGN_INS)
        forget_first(sign_ins->list);
    g_mutex_unlock(&sign_ins->mutex);
}

static gboolean is_owned(const SignIn *sign_in, const SignInOwner *owner)
{
    return sign_in->org_id == owner->org_id &&
           memcmp(sign_in->credential, owner->credential, PEOPLE_HASH_BYTES) == 0;
}

SignIn *sign_ins_take_state(
    SignIns *sign_ins, const SignInOwner *owner, const Secret *state, MonoMs now)
{
    g_autoptr(SignIn) found = NULL;
    g_mutex_lock(&sign_ins->mutex);
    for (guint i = 0; i < sign_ins->list->len && !found; i++) {
        const SignIn *sign_in = sign_ins->list->pdata[i];
        if (is_owned(sign_in, owner) && sign_in->state && secret_equal(sign_in->state, state))
            found = g_ptr_array_steal_index_fast(sign_ins->list, i);
    }
    g_mutex_unlock(&sign_ins->mutex);
    return found && now < found->ends_at ? g_steal_pointer(&found) : NULL;
}

SignIn *sign_ins_take_device(
    SignIns *sign_ins, const SignInOwner *owner, const Id *id, MonoMs now, gboolean *is_early)
{
    SignIn *found = NULL;
    *is_early = FALSE;
    g_mutex_lock(&sign_ins->mutex);
    for (guint i = 0; i < sign_ins->list->len && !found && !*is_early; i++) {
        const SignIn *sign_in = sign_ins->list->pdata[i];
        if (!is_owned(sign_in, owner) || !sign_in->device_code || !id_equal(&sign_in->id, id))
            continue;
        *is_early = now < sign_in->next_at && now < sign_in->ends_at;
        if (!*is_early)
            found = g_ptr_array_steal_index_fast(sign_ins->list, i);
    }
    g_mutex_unlock(&sign_ins->mutex);
    return found;
}
