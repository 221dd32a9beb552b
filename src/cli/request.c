#include "cli/request.h"

#include "base/error.h"
#include "cli/words.h"

#include <stdlib.h>
#include <string.h>

#define ESCAPED_OCTETS_MAX 6 /* \u0000 */

/* Text that holds a secret: never grown, so that no copy is left behind. */
typedef struct {
    char *bytes;
    gsize n, size;
} SecretText;

static void add(SecretText *text, const char *bytes, gsize n)
{
    g_assert(n <= text->size - text->n);
    memcpy(text->bytes + text->n, bytes, n);
    text->n += n;
}

static void add_text(SecretText *text, const char *literal)
{
    add(text, literal, strlen(literal));
}

/* A JSON string (RFC 8259 7). */
static void add_escaped(SecretText *text, const char *bytes, gsize n)
{
    static const char hex[] = "0123456789abcdef";
    add_text(text, "\"");
    for (gsize i = 0; i < n; i++) {
        guint8 octet = (guint8)bytes[i];
        if (octet == '"' || octet == '\\') {
            char pair[2] = {'\\', bytes[i]};
            add(text, pair, sizeof pair);
        } else if (octet < 0x20) {
            char escape[ESCAPED_OCTETS_MAX] = {
                '\\', 'u', '0', '0', hex[octet >> 4], hex[octet & 15]};
            add(text, escape, sizeof escape);
        } else {
            add(text, bytes + i, 1);
        }
    }
    add_text(text, "\"");
}

static void free_secret_text(gpointer data)
{
    SecretText *text = data;
    secret_wipe(text->bytes, text->size);
    g_free(text->bytes);
    g_free(text);
}

/* All of the body but the password, which can go in before the last "}}" if there are settings. */
static char *frame(
    const json_t *settings, gboolean want_settings, gboolean activate, const char *probe)
{
    json_t *root = json_pack("{s:b, s:s*}", "activate", activate, "probe_recipient", probe);
    if (root == NULL)
        return NULL;
    if (want_settings)
        json_object_set_new(
            root, "settings", settings != NULL ? json_deep_copy(settings) : json_object());
    char *text = json_dumps(root, JSON_COMPACT); /* in the order of making: settings last */
    json_decref(root);
    return text;
}

static GBytes *refuse(GError **error, const char *why)
{
    g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, why);
    return NULL;
}

GBytes *request_verification(const json_t *settings, const Secret *password, gboolean activate,
    const char *probe, GError **error)
{
    gsize n_password = 0;
    const char *revealed = password == NULL ? "" : secret_reveal(password, &n_password);
    if (!g_utf8_validate_len(revealed, n_password, NULL))
        return refuse(error, say("the password is not valid UTF-8"));
    gboolean has_settings = json_object_size(settings) > 0;
    char *outer = frame(settings, has_settings || password != NULL, activate, probe);
    if (outer == NULL)
        return refuse(error, say("an argument is not valid UTF-8"));

    SecretText *text = g_new0(SecretText, 1);
    text->size = strlen(outer) + sizeof ",\"password\":\"\"" + ESCAPED_OCTETS_MAX * n_password;
    text->bytes = g_malloc(text->size);
    if (password == NULL) {
        add_text(text, outer);
    } else {
        add(text, outer, strlen(outer) - 2);
        add_text(text, has_settings ? ",\"password\":" : "\"password\":");
        add_escaped(text, revealed, n_password);
        add_text(text, "}}");
    }
    free(outer);
    return g_bytes_new_with_free_func(text->bytes, text->n, free_secret_text, text);
}

GBytes *request_key_export(const Secret *passphrase, GError **error)
{
    gsize n = 0;
    const char *revealed = secret_reveal(passphrase, &n);
    if (!g_utf8_validate_len(revealed, n, NULL))
        return refuse(error, say("the passphrase is not valid UTF-8"));
    SecretText *text = g_new0(SecretText, 1);
    text->size = sizeof "{\"passphrase\":\"\"}" + ESCAPED_OCTETS_MAX * n;
    text->bytes = g_malloc(text->size);
    add_text(text, "{\"passphrase\":");
    add_escaped(text, revealed, n);
    add_text(text, "}");
    return g_bytes_new_with_free_func(text->bytes, text->n, free_secret_text, text);
}
