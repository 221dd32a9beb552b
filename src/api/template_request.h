/* A mail text that somebody wants to keep, or to see first: reads and checks it. Pure. */
#pragma once

#include "api/json/json.h"
#include "api/words/language.h"
#include "template/builtin.h"
#include "template/template.h"

/* All texts are lent from the body. */
typedef struct {
    const char *name;
    Language language;
    const char *subject, *text, *html; /* html NULL: none */
    json_t *variables;                 /* of a preview; NULL: none */
} TemplateRequest;

/* Of POST /v1/templates. FALSE with faults noted: fields, what template_check says, and for one of
 * our names: a variable that it does not have, a needed one (the link) that it does not show, or
 * what guard.h refuses. */
gboolean template_request_read(json_t *body, TemplateRequest *request, JsonFaults *faults);

/* Of POST /v1/templates/preview: a name, or a text, or both (then the name says whose samples). */
gboolean template_request_read_preview(json_t *body, TemplateRequest *request, JsonFaults *faults);

/* The compiled text; NULL with a fault noted at "/subject", "/text" or "/html". */
Template *template_request_compile(const TemplateRequest *request, JsonFaults *faults);

/* Samples for what has no value yet: those of our text of this name, else the name itself. */
void template_request_add_samples(
    const char *name, Language language, const Template *template, TemplateValues *values);
