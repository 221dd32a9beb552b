/* A peer that speaks real HTTP on a real Unix socket and answers from a script, and commands that
 * run against it with their output caught. */
#pragma once

#include "cli/cli.h"
#include "cli/command.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    const char *starts_with; /* "GET /v1/smtp " */
    int status;
    const char *body;
} Answer;

typedef struct {
    char *dir;
    GThread *thread;
    GSocketListener *listener;
    GCancellable *stop;
    const Answer *answers; /* used in order, one a request */
    guint n_answers, n_used;
    guint interrupt_at; /* before this answer (1 is the first) ^C is pressed; 0: never */
    GString *heard;     /* all requests, one after the other */
} Peer;

/* --- the peer ----------------------------------------------------------------------------------
 */

static gsize content_length(const char *head)
{
    g_autofree char *lower = g_ascii_strdown(head, -1);
    const char *at = strstr(lower, "content-length:");
    return at == NULL ? 0 : g_ascii_strtoull(at + strlen("content-length:"), NULL, 10);
}

static char *read_request(GInputStream *in)
{
    g_autoptr(GString) request = g_string_new(NULL);
    for (;;) {
        const char *end = strstr(request->str, "\r\n\r\n");
        if (end != NULL &&
            request->len >= (gsize)(end + 4 - request->str) + content_length(request->str))
            return g_string_free(g_steal_pointer(&request), FALSE);
        char chunk[4096];
        gssize n = g_input_stream_read(in, chunk, sizeof chunk, NULL, NULL);
        if (n <= 0)
            return g_string_free(g_steal_pointer(&request), FALSE);
        g_string_append_len(request, chunk, n);
    }
}

static void answer_one(Peer *peer, GSocketConnection *connection)
{
    g_autofree char *request = read_request(g_io_stream_get_input_stream(G_IO_STREAM(connection)));
    g_string_append_printf(peer->heard, "%s\n", request);
    Answer unexpected = {"", 500, "{\"title\":\"not in the script\"}"};
    const Answer *answer =
        peer->n_used < peer->n_answers ? &peer->answers[peer->n_used++] : &unexpected;
    if (!g_str_has_prefix(request, answer->starts_with))
        answer = &unexpected;
    if (peer->interrupt_at != 0 && peer->interrupt_at == peer->n_used)
        kill(getpid(), SIGINT);
    g_autofree char *reply = g_strdup_printf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
                                             "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
        answer->status, strlen(answer->body), answer->body);
    g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)), reply,
        strlen(reply), NULL, NULL, NULL);
    g_io_stream_close(G_IO_STREAM(connection), NULL, NULL);
}

static gpointer run_peer(gpointer data)
{
    Peer *peer = data;
    for (;;) {
        g_autoptr(GSocketConnection) connection =
            g_socket_listener_accept(peer->listener, NULL, peer->stop, NULL);
        if (connection == NULL)
            return NULL;
        answer_one(peer, connection);
    }
}

static void peer_start(Peer *peer, const Answer *answers, guint n_answers)
{
    *peer = (Peer){.answers = answers, .n_answers = n_answers};
    peer->dir = g_dir_make_tmp("absender-cli-XXXXXX", NULL);
    peer->heard = g_string_new(NULL);
    peer->stop = g_cancellable_new();
    peer->listener = g_socket_listener_new();
    g_autofree char *path = g_build_filename(peer->dir, "control.sock", NULL);
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    assert_true(g_socket_listener_add_address(peer->listener, address, G_SOCKET_TYPE_STREAM,
        G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, NULL));
    peer->thread = g_thread_new("peer", run_peer, peer);
}

static void peer_stop(Peer *peer)
{
    g_cancellable_cancel(peer->stop);
    g_thread_join(peer->thread);
    assert_int_equal(peer->n_used, peer->n_answers);
    g_socket_listener_close(peer->listener);
    g_object_unref(peer->listener);
    g_object_unref(peer->stop);
    g_autofree char *path = g_build_filename(peer->dir, "control.sock", NULL);
    g_unlink(path);
    g_rmdir(peer->dir);
    g_free(peer->dir);
    g_string_free(peer->heard, TRUE);
}

/* --- running a command with its output caught ---------------------------------------------------
 */

typedef struct {
    int status;
    char *out, *err;
} Run;

static void run_clear(Run *run)
{
    g_free(run->out);
    g_free(run->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

static int redirect(FILE *stream, int fd)
{
    fflush(stream);
    int before = dup(fileno(stream));
    dup2(fd, fileno(stream));
    return before;
}

static char *restore(FILE *stream, int before, const char *path)
{
    fflush(stream);
    dup2(before, fileno(stream));
    close(before);
    char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_unlink(path);
    return text;
}

static Run run_command(const char *line, const char *dir)
{
    g_auto(GStrv) words = NULL;
    g_autofree char *with_dir = g_strdup_printf("%s --data %s", line, dir);
    assert_true(g_shell_parse_argv(with_dir, NULL, &words, NULL));
    g_autoptr(GPtrArray) argv = g_ptr_array_new(); /* GOption takes words out of its array */
    for (guint i = 0; words[i] != NULL; i++)
        g_ptr_array_add(argv, words[i]);
    g_ptr_array_add(argv, NULL);
    g_autofree char *out_path = NULL, *err_path = NULL;
    int out = g_file_open_tmp("absender-out-XXXXXX", &out_path, NULL);
    int err = g_file_open_tmp("absender-err-XXXXXX", &err_path, NULL);
    int out_before = redirect(stdout, out), err_before = redirect(stderr, err);
    Run run = {.status = cli_run((int)argv->len - 1, (char **)argv->pdata)};
    run.out = restore(stdout, out_before, out_path);
    run.err = restore(stderr, err_before, err_path);
    close(out);
    close(err);
    return run;
}

/* Standard input for the next command. */
static int feed_stdin(const char *text)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    close(ends[1]);
    int before = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    clearerr(stdin);
    return before;
}

static void end_stdin(int before)
{
    dup2(before, STDIN_FILENO);
    close(before);
}

#define HEARD(peer, text) assert_non_null(strstr((peer).heard->str, text))
#define SAID(text, part) assert_non_null(strstr(text, part))
