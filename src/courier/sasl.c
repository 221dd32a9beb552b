#include "courier/sasl.h"

#include "base/error.h"
#include "base/limits.h"

#include <gsasl.h>
#include <string.h>

struct sasl {
    Gsasl *context;
    Gsasl_session *session;
};

Sasl *sasl_new(const char *mechanism, const char *username, const Secret *password, GError **error)
{
    g_assert(strcmp(mechanism, "SCRAM-SHA-256") == 0); /* the only one that is not the core's own */
    g_autoptr(Sasl) sasl = g_new0(Sasl, 1);
    int result = gsasl_init(&sasl->context);
    if (result == GSASL_OK)
        result = gsasl_client_start(sasl->context, mechanism, &sasl->session);
    if (result == GSASL_OK)
        result = gsasl_property_set(sasl->session, GSASL_AUTHID, username);
    if (result == GSASL_OK)
        result = gsasl_property_set(sasl->session, GSASL_PASSWORD, secret_reveal(password, NULL));
    if (result != GSASL_OK) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_PROTOCOL, "%s cannot start: %s", mechanism,
            gsasl_strerror(result));
        return NULL;
    }
    return g_steal_pointer(&sasl);
}

void sasl_free(Sasl *sasl)
{
    if (sasl == NULL)
        return;
    if (sasl->session != NULL) {
        /* libgsasl frees its copy without wiping; it is overwritten here first. */
        const char *kept = gsasl_property_fast(sasl->session, GSASL_PASSWORD);
        if (kept != NULL)
            secret_wipe((gpointer)(guintptr)kept, strlen(kept));
        gsasl_finish(sasl->session);
    }
    if (sasl->context != NULL)
        gsasl_done(sasl->context);
    g_free(sasl);
}

/* The server says how often the password is hashed; a hostile one would keep us busy for hours. */
static gboolean asks_too_much(const char *challenge)
{
    gsize n = 0;
    g_autofree guchar *bytes = challenge == NULL ? NULL : g_base64_decode(challenge, &n);
    if (n > 0 && memchr(bytes, '\0', n) != NULL)
        return TRUE; /* it could hide a number from us that libgsasl reads */
    g_autofree char *text = n == 0 ? NULL : g_strndup((const char *)bytes, n);
    g_auto(GStrv) attributes = text == NULL ? NULL : g_strsplit(text, ",", -1);
    for (guint i = 0; attributes != NULL && attributes[i] != NULL; i++) {
        if (g_str_has_prefix(attributes[i], "i=") && !g_ascii_string_to_unsigned(attributes[i] + 2,
                                                         10, 1, LIMIT_SCRAM_ITERATIONS, NULL, NULL))
            return TRUE;
    }
    return FALSE;
}

gboolean sasl_step(
    Sasl *sasl, const char *challenge, Secret **response, gboolean *done, GError **error)
{
    char *answer = NULL;
    if (asks_too_much(challenge)) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_LIMIT,
            "the server asks for more than %d rounds of hashing", LIMIT_SCRAM_ITERATIONS);
        return FALSE;
    }
    int result = gsasl_step64(sasl->session, challenge, &answer);
    if (result != GSASL_OK && result != GSASL_NEEDS_MORE) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_PROTOCOL,
            "the server's login answer does not check out: %s", gsasl_strerror(result));
        return FALSE;
    }
    gsize n = answer == NULL ? 0 : strlen(answer);
    *response = secret_new(answer, n);
    if (answer != NULL) {
        secret_wipe(answer, n);
        gsasl_free(answer);
    }
    *done = result == GSASL_OK;
    return TRUE;
}
