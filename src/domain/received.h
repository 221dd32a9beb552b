/* The way of a mail by its Received fields (RFC 5321 4.4), which stand with the last hop on top.
 * Pure. */
#pragma once

#include <glib.h>

typedef struct {
    char *by;           /* who received it last, as it calls itself; NULL: not told */
    char *from_address; /* the public address of the first hop on top that came from another
                           organisation; NULL: none */
    gint64 delay_s;     /* from the first hop (or Date) to the last; -1: not known */
} ReceivedRoute;

/* fields: of header_fields_read. */
void received_read(const GPtrArray *fields, ReceivedRoute *route);
void received_clear(ReceivedRoute *route);
