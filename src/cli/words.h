/* What the commands say, in English or German. The English sentence is the key, as in gettext; the
 * German one stands beside it in words.c, and a test finds sentences that have none. */
#pragma once

#include <glib.h>

/* German if the environment asks for it (LANGUAGE, LC_ALL, LC_MESSAGES, LANG), else English. */
void words_choose(void);
void words_choose_language(const char *language); /* "de" or "en" */
const char *words_language(void);

/* The sentence in the chosen language, of static storage. */
const char *say(const char *english) G_GNUC_FORMAT(1);

/* Marks a sentence of a table that goes through say() later. */
#define SAY_LATER(english) english
