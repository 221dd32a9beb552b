/* The web pages: everything under /absender/ui/ and /absender/manual/ of the embedded resources,
 * held ready with its ETag. The former's index.html is served at "/" and where a provider's sign-in
 * page leads back to ("/oauth/return"), the rest under "/assets/", the manual under "/manual/".
 * Under "/assets/EDITION/", which index.html names, the same files may be kept for good: another
 * program has another edition, and a page of the former one is told so by a 404. Immutable after
 * pages_new. */
#pragma once

#include "api/http/http.h"

typedef struct pages Pages;

Pages *pages_new(void);
void pages_free(Pages *pages);

/* NULL: no such page. 304 if the request's If-None-Match names the page's ETag. */
HttpAnswer *pages_answer(Pages *pages, const HttpRequest *request);

/* The Content-Security-Policy of the pages: inline scripts are forbidden but for the import map of
 * this index.html, named by its SHA-256. html NULL: no import map. The caller frees. */
char *pages_policy(const char *html);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pages, pages_free)
