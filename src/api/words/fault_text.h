/* What is wrong and how to mend it, in the language of the reader. The parts that find a fault
 * (settings/, mime/, the readers of this folder) say it in English; here stands its German twin,
 * and for every code a sentence of its own in both languages. */
#pragma once

#include "api/words/language.h"

/* The sentence for a fault or a problem. English: the detail as it is, or the code's sentence if
 * detail is NULL. German: the twin of the detail, else the code's sentence, else the detail.
 * The caller frees; NULL only if detail is NULL and the code is not known. */
char *fault_text(const char *code, const char *detail, Language language);

/* The German twin of an English sentence; what was formatted into it (numbers, addresses) is
 * formatted into the twin. The caller frees; NULL if there is none. */
char *fault_text_german(const char *sentence);

/* TRUE if the code has a sentence in both languages. */
gboolean fault_text_knows(const char *code);
