/* The subject of a mail somebody else wrote, for lists: found, unfolded (RFC 5322 2.2.3) and
 * decoded (RFC 2047) as far as that is easy. Never fails: what cannot be decoded stays as it is. */
#pragma once

#include <glib.h>

/* One printable line of at most LIMIT_SUBJECT_CHARACTERS; NULL if the header names no subject
 * within its first LIMIT_HEADER_BYTES. The caller frees. */
char *ingress_subject(GBytes *message);
