#include "cli/request.h"

#include "base/error.h"
#include "cli/words.h"

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
            char escape[ESCAPED_OCTETS_MAX] = {'\\', 'u', '0', '0', hex[octet >> 4], hex[octet & 15]};
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

/* The rest of the body, with an object of settings last, so that the password can go into it. */
static char *frame(const json_t *settings, gboolean activate, const char *probe)
{
    json_t *root = json_pack("{s:b, s:s*}", "activate", activate, "probe_recipient", probe);
    json_object_set_new(root, "settings",
        settings != NULL ? json_deep_copy(settings) : json_object());
    char *text = json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(root);
    return text;
}

GBytes *request_verification(const json_t *settings, const Secret *password, gboolean activate,
    const char *probe, GError **error)
{
    gsize n_password = 0;
    const char *revealed = password == NULL ? "" : secret_reveal(password, &n_password);
    if (!g_utf8_validate_len(revealed, n_password, NULL)) {
        g_set_error_literal(
            error, ABS_ERROR, ABS_ERROR_INPUT, say("the password is not valid UTF-8"));
        return NULL;
    }
    char *outer = frame(settings, activate, probe);
    gboolean has_settings = settings != NULL && json_object_size(settings) > 0;
    SecretText *text = g_new0(SecretText, 1);
    text->size = strlen(outer) + sizeof ",\"password\":\"\"" + ESCAPED_OCTETS_MAX * n_password;
    text->bytes = g_malloc(text->size);
    if (password == NULL) {
        add_text(text, outer);
    } else {
        add(text, outer, strlen(outer) - 2); /* without the "}}" of settings and body */
        add_text(text, has_settings ? ",\"password\":" : "\"password\":");
        add_escaped(text, revealed, n_password);
        add_text(text, "}}");
    }
    free(outer);
    return g_bytes_new_with_free_func(text->bytes, text->n, free_secret_text, text);
}
