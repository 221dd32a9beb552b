/* What the command "key" does to a key file itself: where the key is a systemd credential, and when
 * keys are brought back to a folder that no service runs on. */
#pragma once

#include "base/secret.h"
#include "cli/command.h"

typedef enum { KEY_ADD, KEY_ACTIVATE, KEY_RETIRE } KeyChange;

/* id: 32 hex digits; ignored by KEY_ADD. */
CliExit key_offline_change(const CliCommand *command, const CliCommon *common, const char *key_file,
    KeyChange change, const char *id);

/* Exported keys into DATA/key. */
CliExit key_offline_import(
    const CliCommand *command, const CliCommon *common, const char *file, const Secret *passphrase);
