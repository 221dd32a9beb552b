/* A request body, read as any route reads it and decoded as an email. Properties: a tree that is
 * given back is an object within the depth limit; reading byte arrays as base64 neither rescues a
 * broken text nor breaks a sound one; decoding gives a request or names a fault with a pointer. */
#include "api/email_request.h"
#include "base/limits.h"
#include "base/secret.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    secret_init();
    json_wipe_on_free();
    return 0;
}

static guint depth_of(const json_t *value)
{
    guint deepest = 0;
    size_t i;
    const char *name;
    json_t *member;
    if (json_is_array(value))
        json_array_foreach(value, i, member) deepest = MAX(deepest, depth_of(member));
    else if (json_is_object(value))
        json_object_foreach((json_t *)value, name, member) deepest = MAX(deepest, depth_of(member));
    else
        return 0;
    return deepest + 1;
}

static void decode(json_t *body)
{
    g_auto(JsonFaults) faults;
    json_faults_init(&faults);
    g_autoptr(EmailRequest) request = email_request_read(body, 20000 * CLOCK_DAY_MS, &faults);
    g_assert_true((request == NULL) == (faults.list->len > 0));
    for (guint i = 0; i < faults.list->len; i++) {
        const JsonFault *fault = faults.list->pdata[i];
        g_assert_true(*fault->pointer == '/' && *fault->code && *fault->detail);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *fault;
    json_t *plain = json_read((const char *)data, n, JSON_PLAIN, &fault);
    json_t *bytes = json_read((const char *)data, n, JSON_BYTE_ARRAYS, &fault);
    g_assert_true(!plain || bytes);
    g_assert_true(plain || !bytes || n > LIMIT_JSON_VALUES); /* fewer values, but no rescue */
    if (plain) {
        g_assert_true(json_is_object(plain) && depth_of(plain) <= LIMIT_JSON_DEPTH);
        g_assert_cmpuint(json_object_size(plain), ==, json_object_size(bytes));
    }
    if (bytes)
        decode(bytes);
    json_decref(plain);
    json_decref(bytes);
    return 0;
}
