/* What a person can do about a diagnosis with one click: the codes of the failure catalogue
 * (enums.action in data/failures.json) with the values that fit this server and these settings.
 * Pure: presets and facts in, JSON out.
 *
 * What cannot be filled in is left out. A click never leads a password to a host that only the
 * network named: another server is offered if the table of presets knows it, whatever certificate
 * or DNS answer pointed there. */
#pragma once

#include "api/words/language.h"
#include "base/clock.h"
#include "diagnosis/diagnosis.h"
#include "provider/provider.h"
#include "settings/settings.h"
#include "store/verifications.h"

#include <jansson.h>

typedef struct {
    const ProviderList *providers;
    const char *host;             /* the server that said it, if nothing more is known; or NULL */
    const SmtpSettings *settings; /* what was in use; or NULL */
    const Verification *run;      /* what met it: its values count; or NULL */
    WallMs now;
    Language language;
} ActionFacts;

/* TRUE if the server is one that the presets name, to the letter: if the DNS does not find it, it
 * is not misspelt. */
gboolean actions_host_is_known(const ActionFacts *facts);

/* An array of {"code", "label"} and, as fits, "host", "port", "security", "username", "from_email",
 * "url", "text" (to be copied and passed on); the likeliest first. */
json_t *actions_json(const Diagnosis *diagnosis, const ActionFacts *facts);

/* {"port", "security", "state"} of the other port that a failed run looked at; or null. */
json_t *actions_sibling_json(const Verification *run);

/* {"wanted", "got"} if a failed run met somebody else: the certificate is for other names, or what
 * came before TLS greets as another domain; or null. */
json_t *actions_connected_to_json(const Verification *run);
