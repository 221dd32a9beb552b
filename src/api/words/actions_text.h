/* The labels of what a click can do, in both languages. */
#pragma once

#include "api/words/language.h"

typedef enum {
    ACTION_SAY_IMPLICIT,
    ACTION_SAY_STARTTLS,
    ACTION_SAY_HOST,
    ACTION_SAY_HOST_OPEN,
    ACTION_SAY_LOGIN,
    ACTION_SAY_LOGIN_OPEN,
    ACTION_SAY_FROM,
    ACTION_SAY_APP_PASSWORD,
    ACTION_SAY_KEY,
    ACTION_SAY_SUPPORT,
    ACTION_SAY_DOMAIN,
    ACTION_SAY_PASSWORD,
    ACTION_SAY_OAUTH2,
    ACTION_SAY_SIGN_IN,
    ACTION_SAY_OAUTH_SECRET,
    ACTION_SAY_CLIENT_ID,
    ACTION_SAY_TENANT,
    ACTION_SAY_SCOPE,
    ACTION_SAY_TOKEN_URL,
    ACTION_SAY_CONSOLE,
    ACTION_SAY_CLOCK,
    ACTION_SAY_VALID_FROM,
    ACTION_SAY_VALID_UNTIL,
    ACTION_SAY_AGAIN,
    ACTION_SAY_LATER,
    ACTION_SAY_OPERATOR,
    ACTION_SAY_PORT_TEXT,
    ACTION_SAY_TEXT,
} ActionSaying;

/* The saying with its %s replaced by value (NULL where it has none). The caller frees. */
char *action_say(Language language, ActionSaying saying, const char *value);
