/* What a server announces in its reply to EHLO (RFC 5321 4.1.1.1). Lines this client has no use for
 * are passed over, and so is a parameter that cannot be read: a capability counts only if it was
 * said clearly. */
#pragma once

#include "smtp/client.h"

/* The first line is the server's greeting and carries no capability. */
void smtp_capabilities_read(const SmtpReply *reply, SmtpCapabilities *capabilities);

/* The best mechanism both sides have: OAUTHBEARER, XOAUTH2, SCRAM-SHA-256, PLAIN, LOGIN; 0 if none.
 * `allowed` and the result are SMTP_AUTH_* bits. */
guint smtp_capabilities_choose_auth(const SmtpCapabilities *capabilities, guint allowed);

/* "PLAIN" for SMTP_AUTH_PLAIN; NULL for 0 and SMTP_AUTH_OTHER. */
const char *smtp_auth_mechanism_name(guint mechanism);
