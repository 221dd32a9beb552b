/* Small texts of system mails that are the same everywhere. Pure, but for the server's time zone.
 */
#pragma once

#include "api/words/language.h"
#include "base/clock.h"

/* Black or white: what is legible on this colour ("#1f5fbf"; WCAG 2.2 1.4.3). Static. */
const char *system_mail_text_on(const char *colour);

/* "24. Dezember 2026, 18:00 Uhr (MEZ)", "24 December 2026, 18:00 (CET)": in the server's time zone,
 * but if that is UTC, German times are those of Berlin. The caller frees. */
char *system_mail_time(WallMs at, Language language);

/* "24. Dezember 2026", "24 December 2026". The caller frees. */
char *system_mail_day(WallMs at, Language language);
