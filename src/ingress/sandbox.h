/* The sandbox: a real SMTP server on loopback, with TLS and login, that captures mail instead of
 * delivering it, and plays failures on request. Drives smtp/server.h over net streams on the loop
 * thread; captured mail goes to the store.
 *
 * Login: any username with the password "sandbox" (others: 535 5.7.8), or by XOAUTH2 or OAUTHBEARER
 * with a token that is "sandbox" or begins with "sandbox-" (others: a challenge with invalid_token,
 * then 535); "sandbox-expired" is refused as one that has ended, "sandbox-scope" as one for
 * something else (status 400), "sandbox-unassigned" as Microsoft refuses one without a right to the
 * mailbox (535 5.7.3). Faults are chosen by local part, so that every diagnosis can be seen without
 * another server: sender `refused@…` 553, recipients `reject@…` 550 5.1.1, `defer@…` 451 4.7.1,
 * `full@…` 452 4.2.2, `drop@…` no reply to the mail's end but the end of the connection (mails in
 * front of it have been answered), `slow@…` answers after 5 s; username `locked@…` 535, `busy@…`
 * 454 4.7.0, `app@…` 534 5.7.9; and those of sandbox_personalities, who answer in a provider's own
 * words. Who logs in as `…@gmail.example`, `…@ionos.example` and so on meets that provider as a
 * whole: sandbox_scenes. */
#pragma once

#include "net/tls.h"
#include "store/store.h"
#include "vault/vault.h"

typedef struct sandbox Sandbox;

typedef struct {
    GMainContext *context; /* the loop's: all functions but sandbox_facts belong to its thread */
    Store *store;          /* NULL for a sink; else it and the vault outlive the sandbox, and the
                              vault the store's last job */
    Vault *vault;
    const char *directory;                /* where sandbox-ca.pem and the certificate live */
    const char *address;                  /* "127.0.0.1" */
    guint16 starttls_port, implicit_port; /* 0: picks one */
    gboolean sink;                        /* count and drop instead of capture: for bench/ */
} SandboxConfig;

/* Listens at once, on both ports; at most LIMIT_SANDBOX_CONNECTIONS clients. Makes its certificate
 * if it has none (net_tls_make_own). ABS_ERROR_IO: a port is taken, or directory cannot be written;
 * ABS_ERROR_INPUT: address is none. The context keeps running until the store's callbacks are
 * through. */
Sandbox *sandbox_new(const SandboxConfig *config, GError **error);
void sandbox_free(Sandbox *sandbox);

typedef struct {
    const char *host; /* "localhost" */
    guint16 starttls_port, implicit_port;
    const char *ca_file; /* to be trusted by the client side */
    gint captured;       /* since start; committed before the client was told */
} SandboxFacts;
/* Strings lent until sandbox_free. From any thread. */
void sandbox_facts(const Sandbox *sandbox, SandboxFacts *facts);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sandbox, sandbox_free)
