/* What OpenSSL frees is wiped from now on: it reads private keys and moves what TLS protects
 * through buffers of its own. */
#pragma once

/* The first thing a program does, before OpenSSL has allocated anything; aborts if it is too late.
 */
void net_openssl_start(void);
