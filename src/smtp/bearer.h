/* The two ways to log in with OAuth2's access token: OAUTHBEARER (RFC 7628) and XOAUTH2, its older
 * form that Google and Microsoft speak, as SMTP lines and back. Both say the same pairs, each ended
 * by 0x01; OAUTHBEARER puts a GS2 header in front (RFC 5801 4).
 *
 * Every line written here but the dummy holds a credential: the caller marks what it sends as
 * secret and wipes it. mechanism is SMTP_AUTH_XOAUTH2 or SMTP_AUTH_OAUTHBEARER of smtp/client.h. */
#pragma once

#include "base/secret.h"

#include <glib.h>

typedef struct {
    const char *username;
    const Secret *token;
    const char *host; /* OAUTHBEARER only, like the port: the server as the client knows it */
    guint port;
} SmtpBearer;

/* The initial response as a line of its own. FALSE, and nothing is written, if the token is none
 * (RFC 6750 2.1: visible ASCII, LIMIT_BEARER_TOKEN_OCTETS), the user name holds a control character
 * or the line is too long. */
gboolean smtp_bearer_write(GByteArray *out, guint mechanism, const SmtpBearer *bearer);

/* What answers a refusal, so that the server may say its 535: an empty line, or 0x01 in base64
 * (RFC 7628 3.2.3). */
void smtp_bearer_write_dummy(GByteArray *out, guint mechanism);

/* What the server says about a refused token: its JSON, printable, at most
 * LIMIT_CHALLENGE_CHARACTERS. NULL if the challenge is no base64, is empty, or repeats of the token
 * what might be of use. The caller frees. */
char *smtp_bearer_challenge_text(const char *challenge, const Secret *token);

/* A decoded response taken apart, strictly; host and port are passed over. FALSE, and nothing is
 * set, if it is none. The caller frees both. */
gboolean smtp_bearer_read(guint mechanism, const Secret *response, char **username, Secret **token);
