/* The sentences of the domain check and the header check (domain/domain.h, domain/headers.h speak
 * in codes). */
#pragma once

#include "api/json/json.h"
#include "api/words/language.h"
#include "domain/domain.h"

/* The caller frees. */
char *domain_text(const DomainNote *note, Language language);
json_t *domain_text_json(const DomainNote *note, Language language);
