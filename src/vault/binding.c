#include "vault/binding.h"

#include "base/limits.h"

#include <string.h>

/* Each field is kind(1) ‖ length(8, big-endian) ‖ bytes: no value of one field can look like two
 * fields, or like a field of another kind. */
enum {
    FIELD_TEXT = 'T',
    FIELD_NO_TEXT = '-',
    FIELD_NUMBER = 'N',
    FIELD_BYTES = 'B',
};

struct vault_binding {
    GByteArray *fields;
    gboolean is_too_long; /* then nothing more is added, and it neither seals nor opens */
};

static void add_field(VaultBinding *binding, guint8 kind, const void *data, gsize n)
{
    guint64 length = GUINT64_TO_BE((guint64)n);
    if (binding->is_too_long || n > LIMIT_BINDING_BYTES ||
        binding->fields->len + 1 + sizeof length + n > LIMIT_BINDING_BYTES) {
        binding->is_too_long = TRUE;
        return;
    }
    g_byte_array_append(binding->fields, &kind, 1);
    g_byte_array_append(binding->fields, (const guint8 *)&length, sizeof length);
    if (n > 0)
        g_byte_array_append(binding->fields, data, (guint)n);
}

VaultBinding *vault_binding_new(const char *purpose)
{
    VaultBinding *binding = g_new0(VaultBinding, 1);
    binding->fields = g_byte_array_new();
    vault_binding_add_text(binding, purpose);
    return binding;
}

void vault_binding_add_text(VaultBinding *binding, const char *text)
{
    if (text == NULL)
        add_field(binding, FIELD_NO_TEXT, NULL, 0);
    else
        add_field(binding, FIELD_TEXT, text, strlen(text));
}

void vault_binding_add_number(VaultBinding *binding, guint64 number)
{
    guint64 big_endian = GUINT64_TO_BE(number);
    add_field(binding, FIELD_NUMBER, &big_endian, sizeof big_endian);
}

void vault_binding_add_bytes(VaultBinding *binding, const void *data, gsize n)
{
    add_field(binding, FIELD_BYTES, data, n);
}

void vault_binding_free(VaultBinding *binding)
{
    if (binding == NULL)
        return;
    g_byte_array_unref(binding->fields);
    g_free(binding);
}

GByteArray *binding_aad(const VaultBinding *binding, const guint8 *header, gsize n_header,
    const guint8 *instance, gsize n_instance)
{
    if (binding->is_too_long)
        return NULL;
    GByteArray *aad = g_byte_array_sized_new((guint)(n_header + n_instance) + binding->fields->len);
    g_byte_array_append(aad, header, (guint)n_header);
    if (n_instance > 0)
        g_byte_array_append(aad, instance, (guint)n_instance);
    return g_byte_array_append(aad, binding->fields->data, binding->fields->len);
}
