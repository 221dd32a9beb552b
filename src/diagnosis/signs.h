/* What programs write instead of a reply: the words of the operating system, of TLS libraries and
 * of mail programs, and the words that tell at which step it happened. Private to diagnosis/. */
#pragma once

#include "diagnosis/diagnosis.h"

/* An error as the matcher knows it. Strings are static; what is not said is NULL or 0. */
typedef struct {
    const char *phase, *sys, *tls;
    long verify;
} Sign;

/* The first sign of the table that stands in the text, which must be in lower case. NULL: none. */
const Sign *sign_find(const char *folded);

/* The catalogue phase the words name ("in reply to RCPT TO command", ">>> DATA"), or NULL. The text
 * must be one line in lower case. */
const char *sign_phase(const char *folded);

/* The catalogue phase for a name others use: "RCPT TO", "sender", "banner", "certificate". NULL:
 * unknown. Any case. */
const char *sign_phase_name(const char *name);
