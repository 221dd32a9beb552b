/* What all users of libcurl in this folder need first. */
#pragma once

#include <curl/curl.h>
#include <glib.h>

void net_curl_start(void); /* once for the process; again is free */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURL, curl_easy_cleanup)
