/* A recipient's states as SQL writes them: numbers in its text, for SQLite uses a partial index
 * only where a query says what the index says. */
#pragma once

#include "outbox/email.h"

#define SQL_SENDING "3"
#define SQL_UNCERTAIN "5"
#define SQL_ACCEPTED "6"
G_STATIC_ASSERT(EMAIL_SENDING == 3 && EMAIL_UNCERTAIN == 5 && EMAIL_ACCEPTED == 6);

/* What the index recipients_notable holds: neither queued, nor sending, nor accepted. It is said
 * even where another term leaves nothing else. row: "", or the table's alias and a dot. */
#define SQL_IS_NOTABLE(row) row "state <> 2 AND " row "state <> 3 AND " row "state <> 6"
G_STATIC_ASSERT(EMAIL_QUEUED == 2);
