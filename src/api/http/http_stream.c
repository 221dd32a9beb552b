#include "api/http/http_mhd.h"
#include "base/limits.h"

#include <string.h>

struct http_stream {
    grefcount references;
    GMutex mutex; /* joins the writer's thread and the connection's */
    GByteArray *pending;
    struct MHD_Connection *connection; /* NULL before it is answered with and after it has gone */
    gboolean is_suspended;             /* the connection sleeps because there was nothing to send */
    gboolean is_closed;
};

HttpStream *http_stream_new(void)
{
    HttpStream *stream = g_new0(HttpStream, 1);
    g_ref_count_init(&stream->references);
    g_mutex_init(&stream->mutex);
    stream->pending = g_byte_array_new();
    return stream;
}

HttpStream *http_stream_ref(HttpStream *stream)
{
    g_ref_count_inc(&stream->references);
    return stream;
}

void http_stream_unref(HttpStream *stream)
{
    if (!stream || !g_ref_count_dec(&stream->references))
        return;
    g_byte_array_unref(stream->pending);
    g_mutex_clear(&stream->mutex);
    g_free(stream);
}

static void wake(HttpStream *stream)
{
    if (!stream->is_suspended)
        return;
    stream->is_suspended = FALSE;
    MHD_resume_connection(stream->connection);
}

gboolean http_stream_write(HttpStream *stream, const char *bytes, gsize n)
{
    g_mutex_lock(&stream->mutex);
    if (!stream->is_closed && stream->pending->len + n > LIMIT_EVENTS_BACKLOG_BYTES)
        stream->is_closed = TRUE; /* the page connects again and gets a fresh snapshot */
    else if (!stream->is_closed)
        g_byte_array_append(stream->pending, (const guint8 *)bytes, (guint)n);
    gboolean is_open = !stream->is_closed;
    wake(stream);
    g_mutex_unlock(&stream->mutex);
    return is_open;
}

void http_stream_close(HttpStream *stream)
{
    g_mutex_lock(&stream->mutex);
    stream->is_closed = TRUE;
    wake(stream);
    g_mutex_unlock(&stream->mutex);
}

gboolean http_stream_is_open(HttpStream *stream)
{
    g_mutex_lock(&stream->mutex);
    gboolean is_open = !stream->is_closed;
    g_mutex_unlock(&stream->mutex);
    return is_open;
}

/* libmicrohttpd asks for bytes. With none there the connection must be suspended before 0 is
 * returned, or it would be asked again at once. */
static ssize_t give_bytes(void *user, uint64_t position, char *buffer, size_t max)
{
    HttpStream *stream = user;
    ssize_t given = 0;
    g_mutex_lock(&stream->mutex);
    if (stream->pending->len > 0) {
        guint n = (guint)MIN(max, stream->pending->len);
        memcpy(buffer, stream->pending->data, n);
        g_byte_array_remove_range(stream->pending, 0, n);
        given = (ssize_t)n;
    } else if (stream->is_closed) {
        given = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        stream->is_suspended = TRUE;
        MHD_suspend_connection(stream->connection);
    }
    g_mutex_unlock(&stream->mutex);
    return given;
}

static void reader_gone(void *user)
{
    HttpStream *stream = user;
    g_mutex_lock(&stream->mutex);
    stream->is_closed = TRUE;
    stream->is_suspended = FALSE;
    stream->connection = NULL;
    g_mutex_unlock(&stream->mutex);
    http_stream_unref(stream);
}

struct MHD_Response *http_stream_response(HttpStream *stream, struct MHD_Connection *connection)
{
    stream->connection = connection;
    return MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, 4096, give_bytes, http_stream_ref(stream), reader_gone);
}
