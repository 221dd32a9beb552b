/* What a test mail says (de, en), as text and as HTML. */
#pragma once

#include "api/language.h"
#include "mime/message.h"
#include "settings/settings.h"

/* Sets subject, text and html of the draft. link: where the recipient says that the mail has
 * arrived; it holds a secret, so the draft is not to be logged. */
void test_mail_write(
    MimeDraft *draft, const SmtpSettings *settings, const char *link, Language language);
