/* The server's end of one TCP connection, for a server that means harm: it can cut at any octet, in
 * clear or inside TLS or in the middle of the handshake, with or without a goodbye, and put octets
 * beside TLS. Written on OpenSSL and the socket alone, so that src/net is not its own judge. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

typedef struct wire Wire;

typedef enum {
    WIRE_NO_CUT = 0,
    WIRE_FIN,     /* TCP's end without TLS's: truncation. What comes in is still heard */
    WIRE_GOODBYE, /* close_notify, then the same */
    WIRE_RESET,   /* RST: what is on its way may be lost, nothing more is heard */
} WireCut;

typedef struct {
    void (*bytes)(const guint8 *data, gsize n, gpointer user); /* without their TLS */
    void (*secure)(gpointer user);                             /* the handshake is done */
    void (*ended)(gpointer user); /* nothing more will be heard; the last callback */
} WireEvents;

/* Owns fd. Nothing is called from inside the functions below; none of them but wire_free may not be
 * called from a callback. */
Wire *wire_new(GMainContext *context, int fd, const WireEvents *events, gpointer user);
void wire_free(Wire *wire);

void wire_say(Wire *wire, const void *data, gsize n);        /* inside TLS once it is up */
void wire_say_beside(Wire *wire, const void *data, gsize n); /* never inside TLS */
void wire_start_tls(Wire *wire, SSL_CTX *identity);
void wire_cut(Wire *wire, WireCut how); /* behind what was said; then nothing is said any more */

/* From now on at most n octets in one TLS record and in one write; 0: as they come. */
void wire_set_grain(Wire *wire, gsize n);

/* WIRE_FIN behind n octets on the wire, whatever they are. */
void wire_limit(Wire *wire, gsize n);

gsize wire_backlog(const Wire *wire);    /* octets that wait for the client to read */
gboolean wire_is_over(const Wire *wire); /* cut, or the client has gone */
SSL *wire_tls(Wire *wire);               /* NULL before wire_start_tls; call wire_pump behind it */
void wire_pump(Wire *wire);              /* moves what OpenSSL has to say */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Wire, wire_free)
