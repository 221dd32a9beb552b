/* A main context driven by hand, and one end of a stream that writes down what happens to it. */
#pragma once

#include "net/dial.h"
#include "net/stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 20000

/* Runs the context until the statement is true; fails the test when that takes too long. */
#define wait_until(context, statement)                          \
    do {                                                        \
        MonoMs give_up = clock_mono_ms() + PATIENCE_MS;         \
        GSource *alarm = alarm_new(context);                    \
        while (!(statement)) {                                  \
            if (clock_mono_ms() > give_up)                      \
                fail_msg("waited in vain for: %s", #statement); \
            g_main_context_iteration(context, TRUE);            \
        }                                                       \
        g_source_destroy(alarm);                                \
        g_source_unref(alarm);                                  \
    } while (0)

static inline gboolean alarm_rings(gpointer user)
{
    return G_SOURCE_CONTINUE;
}

/* Wakes the loop now and then, so that patience can end. */
static inline GSource *alarm_new(GMainContext *context)
{
    GSource *alarm = g_timeout_source_new(20);
    g_source_set_callback(alarm, alarm_rings, NULL, NULL);
    g_source_attach(alarm, context);
    return alarm;
}

static inline void run_for(GMainContext *context, gint64 ms)
{
    MonoMs until = clock_mono_ms() + ms;
    GSource *alarm = alarm_new(context);
    while (clock_mono_ms() < until)
        g_main_context_iteration(context, TRUE);
    g_source_destroy(alarm);
    g_source_unref(alarm);
}

typedef struct End End;
struct End {
    NetStream *stream;
    GByteArray *in;
    guint n_connected, n_tls_up, n_sent, n_deadlines, n_lost;
    char *sys, *tls_reason, *certificate_name, *certificate_subject, *version, *names;
    long verify_code;
    WallMs not_before, not_after;
    int family;
    gboolean in_handshake, clean;
    /* What to do, besides writing down; all may be NULL. */
    void (*on_connected)(End *end);
    void (*on_tls_up)(End *end);
    void (*on_bytes)(End *end);
    void (*on_sent)(End *end);
    void (*on_deadline)(End *end);
    void (*on_lost)(End *end);
    gpointer extra;
};

static inline void end_connected(gpointer user)
{
    End *end = user;
    end->n_connected++;
    if (end->on_connected != NULL)
        end->on_connected(end);
}

static inline void end_tls_up(const NetTlsInfo *info, gpointer user)
{
    End *end = user;
    end->n_tls_up++;
    end->version = g_strdup(info->version);
    end->names = g_strdup(info->names);
    end->certificate_subject = g_strdup(info->subject);
    end->not_before = info->not_before;
    end->not_after = info->not_after;
    if (end->on_tls_up != NULL)
        end->on_tls_up(end);
}

static inline void end_bytes(const guint8 *data, gsize n, gpointer user)
{
    End *end = user;
    g_byte_array_append(end->in, data, (guint)n);
    if (end->on_bytes != NULL)
        end->on_bytes(end);
}

static inline void end_sent(gpointer user)
{
    End *end = user;
    end->n_sent++;
    if (end->on_sent != NULL)
        end->on_sent(end);
}

static inline void end_deadline(gpointer user)
{
    End *end = user;
    end->n_deadlines++;
    if (end->on_deadline != NULL)
        end->on_deadline(end);
}

static inline void end_lost(const NetFailure *failure, gpointer user)
{
    End *end = user;
    end->n_lost++;
    end->sys = g_strdup(failure->sys);
    end->tls_reason = g_strdup(failure->tls_reason);
    end->certificate_name = g_strdup(failure->certificate_name);
    end->verify_code = failure->verify_code;
    end->family = failure->family;
    end->in_handshake = failure->in_handshake;
    end->clean = failure->clean;
    if (failure->certificate != NULL) {
        end->certificate_subject = g_strdup(failure->certificate->subject);
        end->names = g_strdup(failure->certificate->names);
        end->not_before = failure->certificate->not_before;
        end->not_after = failure->certificate->not_after;
    }
    if (end->on_lost != NULL)
        end->on_lost(end);
}

static const NetStreamEvents end_events G_GNUC_UNUSED = {
    .connected = end_connected,
    .tls_up = end_tls_up,
    .bytes = end_bytes,
    .sent = end_sent,
    .deadline = end_deadline,
    .lost = end_lost,
};

static inline void end_init(End *end)
{
    memset(end, 0, sizeof *end);
    end->in = g_byte_array_new();
}

static inline void end_clear(End *end)
{
    net_stream_free(end->stream);
    g_byte_array_unref(end->in);
    g_free(end->sys);
    g_free(end->tls_reason);
    g_free(end->certificate_name);
    g_free(end->certificate_subject);
    g_free(end->version);
    g_free(end->names);
}

static inline gboolean end_holds(const End *end, const char *text)
{
    return end->in->len == strlen(text) && memcmp(end->in->data, text, end->in->len) == 0;
}

static inline void end_say(End *end, const char *text)
{
    net_stream_send(end->stream, (const guint8 *)text, strlen(text), FALSE);
}

static inline struct sockaddr_in loopback(guint16 port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}
