#include "api/words/notices_text.h"

const char *notices_text_reason(Language language)
{
    return language_pick(
        language, "Der Server war nicht erreichbar.", "The server could not be reached.");
}

const char *notices_text_period(gboolean is_hourly, Language language)
{
    return is_hourly ? language_pick(language, "in einer Stunde", "in an hour")
                     : language_pick(language, "in 24 Stunden", "in 24 hours");
}
