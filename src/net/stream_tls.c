/* The calls into OpenSSL, and what its errors mean. */
#include "net/stream_private.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

/* The certificate was refused: which one, and why. */
static void note_refusal(NetStream *stream, X509 *leaf, long verify_code)
{
    stream->failure.verify_code = verify_code;
    g_free(stream->tls_reason);
    stream->tls_reason = g_ascii_strdown(X509_verify_cert_error_string(verify_code), -1);
    stream->certificate_name = tls_certificate_name(leaf);
    stream->certificate = tls_info_new(stream->ssl, leaf);
}

/* A TLS error that no repetition mends. */
static void note_tls_failure(NetStream *stream)
{
    unsigned long code = ERR_peek_error();
    gboolean is_handshake = stream->state == STREAM_HANDSHAKE;
    stream->tls_is_broken = TRUE;
    if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
        ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        /* The peer closed without close_notify. Behind a finished handshake that is an ordinary
         * loss, not a matter of TLS. */
        stream_fail_errno(stream, 0);
        if (!is_handshake)
            return;
    }
    stream->tls_reason = tls_error_reason();
    X509 *leaf = is_handshake ? tls_refused_certificate(stream->ssl) : NULL;
    if (leaf != NULL)
        note_refusal(stream, leaf, SSL_get_verify_result(stream->ssl));
}

/* Turns the outcome of an SSL call into ours. number: errno right after the call. */
static StreamIo io_of(NetStream *stream, int outcome, int number)
{
    switch (SSL_get_error(stream->ssl, outcome)) {
    case SSL_ERROR_NONE:
        return STREAM_IO_OK;
    case SSL_ERROR_WANT_READ:
        return STREAM_IO_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return STREAM_IO_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN: /* close_notify */
        stream_fail_errno(stream, 0);
        stream->failure.clean = TRUE;
        return STREAM_IO_FAILED;
    case SSL_ERROR_SYSCALL:
        stream->tls_is_broken = TRUE;
        stream_fail_errno(stream, number);
        return STREAM_IO_FAILED;
    default:
        note_tls_failure(stream);
        return STREAM_IO_FAILED;
    }
}

StreamIo stream_tls_handshake(NetStream *stream)
{
    ERR_clear_error();
    errno = 0;
    int outcome = SSL_do_handshake(stream->ssl);
    return io_of(stream, outcome, errno);
}

StreamIo stream_tls_read(NetStream *stream, guint8 *buffer, gsize size, gsize *n)
{
    ERR_clear_error();
    errno = 0;
    int outcome = SSL_read(stream->ssl, buffer, (int)MIN(size, INT_MAX));
    *n = outcome > 0 ? (gsize)outcome : 0;
    return io_of(stream, outcome, errno);
}

StreamIo stream_tls_write(NetStream *stream, const guint8 *bytes, gsize size, gsize *n)
{
    ERR_clear_error();
    errno = 0;
    int outcome = SSL_write(stream->ssl, bytes, (int)MIN(size, INT_MAX));
    *n = outcome > 0 ? (gsize)outcome : 0;
    return io_of(stream, outcome, errno);
}

void stream_tls_goodbye(NetStream *stream)
{
    if (stream->ssl == NULL || stream->tls_is_broken || !SSL_is_init_finished(stream->ssl))
        return;
    ERR_clear_error();
    SSL_shutdown(stream->ssl);
    ERR_clear_error();
}
