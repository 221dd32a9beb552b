/* Before and after somebody tries a password: counting the tries (guesses.h), and the word in the
 * audit log about one that was refused. */
#pragma once

#include "api/call.h"

/* NULL: the try is taken, and counts as failed until password_try_passed; else the 429. account may
 * be NULL. */
HttpAnswer *password_try_take(ApiCall *call, const char *account);
void password_try_passed(ApiCall *call, const char *account);

/* session.refused, without waiting for it: at most one a minute and account, and
 * LIMIT_REFUSALS_NOTED a minute in all. It costs the same whether there is such an account. */
void password_try_refused(ApiCall *call, const char *account);
