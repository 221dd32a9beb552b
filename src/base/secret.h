/* A value nobody may read by accident: passwords, tokens, keys, bodies of secret mail.
 *
 * The type is opaque and has no formatter: printing, logging or writing one to JSON does not
 * compile. Its bytes live in guarded, locked memory that is left out of core dumps and wiped on
 * free. If the memory cannot be locked (RLIMIT_MEMLOCK) the value still works and
 * secret_memory_is_locked() says so, which `serve` reports once at start. */
#pragma once

#include <glib.h>

typedef struct secret Secret;

/* Must run once before any other function here (sodium_init). Aborts if libsodium cannot start. */
void secret_init(void);

/* Copies n bytes; data may be NULL when n is 0. Never NULL. A NUL is kept behind the last byte. */
Secret *secret_new(const void *data, gsize n);

/* Like secret_new(text, strlen(text)), then wipes and frees text. NULL gives NULL. */
Secret *secret_new_take(char *text);

Secret *secret_copy(const Secret *secret);
void secret_free(Secret *secret); /* NULL is fine */

/* The one way in. The bytes are lent until secret_free and end with a NUL that is not counted.
 * Every caller is counted by `make lint` (tools/secret-callers). n may be NULL. */
const char *secret_reveal(const Secret *secret, gsize *n);

/* Constant time in the content. */
gboolean secret_equal(const Secret *a, const Secret *b);

/* TRUE if the n bytes of text (NULs among them are fine) repeat the secret, or of it what might be
 * of use, as it is, in base64 or in base64url: of any 15 of its bytes that stand there this
 * finds 8. A secret shorter than 8 is looked for as a whole; an empty one is nowhere. For what is
 * to be logged and comes from somebody who was sent the secret. */
gboolean secret_is_shown(const Secret *secret, const char *text, gsize n);

gboolean secret_is_empty(const Secret *secret);
gboolean secret_memory_is_locked(void);

/* Wipes memory in a way the compiler cannot drop. */
void secret_wipe(void *data, gsize n);

/* Bytes that travel and are wiped when nobody holds them any more: mails, which may carry a link
 * that lets somebody in. data is taken; NULL when n is 0 is fine. */
GBytes *secret_bytes_take(void *data, gsize n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Secret, secret_free)
