/* What http_server.c and http_stream.c share about libmicrohttpd; nobody else includes this. */
#pragma once

#include "api/http/http.h"

#include <microhttpd.h>

/* A response that sends what is written to the stream, on this connection only. */
struct MHD_Response *http_stream_response(HttpStream *stream, struct MHD_Connection *connection);
