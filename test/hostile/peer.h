/* A submission server that does as its row says: an honest one in every step but the row's. Its
 * ears are the ledger. */
#pragma once

#include "base/clock.h"
#include "ledger.h"
#include "row.h"

typedef struct peer Peer;

/* The deadline of rows in which the client has to run into one. */
#define PEER_DEADLINE_MS 900

/* Takes over fd. ended: the client has gone; the last callback. row and identity live on. */
Peer *peer_new(GMainContext *context, int fd, const Row *row, SSL_CTX *identity,
    void (*ended)(gpointer user), gpointer user);
void peer_free(Peer *peer);

const Ledger *peer_ledger(const Peer *peer);
MonoMs peer_stuck_since(const Peer *peer); /* it lets the client wait since then; 0: it does not */
gsize peer_written(const Peer *peer);      /* plaintext octets */
gsize peer_read(const Peer *peer);
gboolean peer_is_over(const Peer *peer); /* the client has gone */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Peer, peer_free)
