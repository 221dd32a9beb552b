/* The second channel for alerts: tells webhooks what happened, signed as Standard Webhooks has it
 * (https://www.standardwebhooks.com), for what must not be told by the mail account that may be at
 * fault.
 *
 * What is to be told stands in the store (store/webhooks.h), written with the deed; here it is only
 * carried out: at least once, in order while the receiver answers, each receiver on its own so that
 * a slow one holds up nobody else. One thread looks what is due, up to LIMIT_WEBHOOK_SENDERS others
 * wait for the receivers. It knows no mail, writes no log about what it sends, and never runs on
 * the loop. */
#pragma once

#include "net/address.h"
#include "net/dns.h"
#include "store/store.h"
#include "vault/vault.h"

typedef struct notify Notify;

/* All lent while it lives. */
typedef struct {
    Store *store;
    Vault *vault;
    NetDns *dns;
    const NetPolicy *policy;
    const char *ca_file; /* trusted besides the system's anchors; NULL: none */
} NotifyParts;

/* Before serving: it listens to the store. */
Notify *notify_new(const NotifyParts *parts);

/* Ends what is under way, and with it all that waits for the DNS (net_dns_stop). What was not told
 * stays in the store for the next start. */
void notify_stop(Notify *notify);

/* Stops it, if nobody did. NULL is fine. */
void notify_free(Notify *notify);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Notify, notify_free)
