/* What an event of the audit log says to a person. */
#pragma once

#include "api/words/language.h"
#include "store/audit.h"

/* "Invitation created: ben@example.de". An object that is only an id is left out. For an action
 * without a row the action itself. The caller frees. */
char *audit_text(const AuditEvent *event, Language language);

/* For the test that every action has its sentence. */
gboolean audit_text_knows(const char *action);
