/* Reads a template's source once, strictly: which tags it holds, whether they are allowed, and
 * where in HTML they stand. What comes out is what the Mustache library gets (mustache.h). Pure. */
#pragma once

#include "template/template.h"

/* The normalised source (the caller frees), or NULL with *detail, one English sentence that names
 * the line (the caller frees). names: a set to which the names in it are added. */
char *scan_normalise(const char *source, TemplatePart part, GHashTable *names, char **detail);
