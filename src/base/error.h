/* The one error domain. A code says what the caller can do about it; the message says what
 * happened, in our words (never the peer's, never a secret). */
#pragma once

#include <glib.h>

#define ABS_ERROR (abs_error_quark())
GQuark abs_error_quark(void);

typedef enum {
    ABS_ERROR_INPUT = 1, /* the caller's data is wrong: say which, change nothing */
    ABS_ERROR_LIMIT,     /* larger or more than base/limits.h allows */
    ABS_ERROR_PROTOCOL,  /* the peer broke its protocol: close */
    ABS_ERROR_DENIED,    /* not allowed */
    ABS_ERROR_CONFLICT,  /* the state moved on: read again */
    ABS_ERROR_NOT_FOUND, /* no such thing */
    ABS_ERROR_BUSY,      /* try again later */
    ABS_ERROR_IO,        /* the operating system said no */
    ABS_ERROR_STORE,     /* the database said no; nothing was written */
    ABS_ERROR_SECRET,    /* a sealed value cannot be opened: wrong key, wrong binding, damaged */
} AbsError;
