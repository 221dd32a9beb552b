/* The sentences of GET /v1/smtp that belong to no other part. */
#pragma once

#include "api/words/language.h"

/* Beside the day on which the server's certificate ends. Static. */
const char *status_certificate_text(Language language);
