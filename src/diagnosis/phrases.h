/* Which of many phrases occur in a text? One pass over the text, whatever the number of phrases.
 * Private to diagnosis/. */
#pragma once

#include <glib.h>

#define PHRASES_MAX 2048      /* different phrases in one set */
#define PHRASE_OCTETS_MIN 3   /* the index looks at the first three octets */
#define PHRASE_OCTETS_MAX 200 /* of one phrase */

typedef struct phrases Phrases;

/* The numbers of the phrases that were found. */
typedef struct {
    guint64 bits[PHRASES_MAX / 64];
} PhrasesFound;

Phrases *phrases_new(void);
void phrases_free(Phrases *phrases);

/* Returns the phrase's number; the same phrase has the same number. -1: too short, too long or too
 * many. Not after phrases_seal. */
int phrases_add(Phrases *phrases, const char *phrase);

/* Builds the index; to be called once, before the first phrases_find. */
void phrases_seal(Phrases *phrases);

/* Compares octets as they are: the caller folds the case. */
void phrases_find(const Phrases *phrases, const char *text, gsize n, PhrasesFound *found);

gsize phrases_octets(const Phrases *phrases, guint number);

/* Asked for each phrase of each rule: worth its place in the header. */
static inline gboolean phrases_was_found(const PhrasesFound *found, guint number)
{
    return (found->bits[number / 64] >> (number % 64) & 1) != 0;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Phrases, phrases_free)
