/* Sentences and their twins in another language. What was formatted into a sentence (numbers,
 * paths, addresses) is formatted into the twin. For those who say in English what is wrong and are
 * read in German. Pure. */
#pragma once

#include <glib.h>

/* Each '*' of the sentence stands for anything, for as little as it can; at most TWIN_PARTS_MAX of
 * them. "{1}" to "{4}" of the twin are what they stood for. */
typedef struct {
    const char *sentence, *twin;
} TextTwin;

#define TWIN_PARTS_MAX 4

/* The twin of the first row that fits, or NULL; the caller frees. of_part gives the twin of a part
 * (NULL: none; the caller frees) where a part may be a sentence itself; of_part may be NULL. */
char *text_twin(
    const TextTwin *rows, gsize n_rows, const char *sentence, char *(*of_part)(const char *part));
