/* What discovery found, and where, in words. */
#pragma once

#include "api/words/language.h"
#include "provider/discovery.h"

/* Why this is proposed: one sentence. The caller frees both. */
char *discovery_text_why(
    const DiscoveryCandidate *candidate, const char *domain, Language language);

/* What became of a source; never for one that is still open. filter: as in Discovery, or NULL. */
char *discovery_text_step(DiscoverySource source, DiscoveryState state, const char *domain,
    const char *filter, Language language);
