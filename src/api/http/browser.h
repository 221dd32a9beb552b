/* What keeps a browser's session its own: the cookie, and the proof that a request comes from a
 * page of ours (threats T43, T44). The CSRF value is derived from the session's secret, so it needs
 * no storage and ends with the session. */
#pragma once

#include "api/http/http.h"
#include "base/secret.h"

/* 64 hex digits: HMAC-SHA256 under the session's secret. */
void browser_csrf_token(const char *session_secret, char token[65]);

/* The Set-Cookie value. is_https: "__Host-absender" with Secure; else "absender_session". secret
 * NULL removes the cookie. The caller frees. */
char *browser_cookie(gboolean is_https, const Secret *secret);
const char *browser_cookie_name(gboolean is_https);

#define BROWSER_OTHER_SITE "The request comes from a page of another site."

/* TRUE if the browser says (Sec-Fetch-Site) that a page of another site, or of a neighbour, is
 * behind this request: for GETs that have effects outside. */
gboolean browser_is_led_here(const HttpRequest *request);

/* NULL if the request may change something, else a static English sentence. csrf: the session's
 * value, NULL for an anonymous request (signing in, set-up). public_url may be NULL. */
const char *browser_fault(const HttpRequest *request, const char *csrf, const char *public_url);
