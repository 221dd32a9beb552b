/* retry and cancel for all emails that a filter finds. */
#pragma once

#include "cli/command.h"

typedef struct {
    const char *action;        /* "retry" or "cancel" */
    const char *state, *class; /* as `list` takes them; NULL: any */
    gboolean again;            /* retry: also what may arrive twice then */
    gboolean is_sure;          /* nobody is asked */
} QueueBulk;

/* Asks first, with their number; then does it, request after request. CLI_DONE unless nothing of
 * what was found could be done. */
CliExit queue_bulk(const CliCommand *command, const CliCommon *common, const QueueBulk *bulk);
