/* A request body, read as any route reads it and decoded as an email. Properties: what is read is
 * what jansson's own reader makes of it, and what that refuses is refused; what is refused beyond
 * that is over a limit; reading byte arrays as base64 neither rescues a broken text nor breaks a
 * sound one; decoding gives a request or names a fault with a pointer. */
#include "api/email_request.h"
#include "base/limits.h"
#include "base/secret.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
    if (!json_is_array(value) && !json_is_object(value))
        return 0;
    json_array_foreach(value, i, member)
    {
        guint depth = depth_of(member); /* once: MAX would ask again, and double with each level */
        deepest = MAX(deepest, depth);
    }
    json_object_foreach((json_t *)value, name, member)
    {
        guint depth = depth_of(member);
        deepest = MAX(deepest, depth);
    }
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
        g_assert_true(*fault->pointer == '/' && *fault->code);
        g_assert_true(!fault->detail || *fault->detail); /* NULL: the code's own sentence */
    }
}

static void compare(const char *text, size_t n)
{
    const char *fault, *batch_fault;
    json_t *ours = json_read(text, n, JSON_PLAIN, &fault);
    json_t *batch = json_read(text, n, JSON_BATCH, &batch_fault);
    json_t *judge = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    g_assert_true((ours == NULL) == (fault != NULL) && (batch == NULL) == (batch_fault != NULL));
    g_assert_true(!ours || !batch);
    if (ours || batch)
        g_assert_true(judge && json_equal(ours ? ours : batch, judge));
    else if (judge && !memchr(text, '\0', n)) /* jansson overlooks a NUL behind a number */
        g_assert_true(depth_of(judge) > LIMIT_JSON_DEPTH || n > LIMIT_JSON_VALUES);
    json_decref(ours);
    json_decref(batch);
    json_decref(judge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *fault;
    compare((const char *)data, n);
    json_t *plain = json_read((const char *)data, n, JSON_PLAIN, &fault);
    json_t *bytes = json_read((const char *)data, n, JSON_BYTE_ARRAYS, &fault);
    g_assert_true(!plain || bytes);
    if (bytes && !plain) /* fewer values and a level less, but no rescue */
        g_assert_true(n > LIMIT_JSON_VALUES || depth_of(bytes) == LIMIT_JSON_DEPTH);
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
