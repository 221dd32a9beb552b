#include "api/words/status_text.h"

const char *status_certificate_text(Language language)
{
    static const char *const texts[LANGUAGE_COUNT] = {
        [LANGUAGE_EN] = "The certificate that the server showed in the last check is valid until "
                        "then. As a rule the provider renews it.",
        [LANGUAGE_DE] = "So lange gilt das Zertifikat, das der Server bei der letzten Prüfung "
                        "gezeigt hat. Der Anbieter erneuert es in der Regel selbst.",
    };
    return texts[language];
}
