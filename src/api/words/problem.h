/* Errors: RFC 9457 problem details, and on /v1/emails* the members Resend's SDKs read. Every code
 * an answer may carry stands in one table with its status and its title. */
#pragma once

#include "api/http/http.h"
#include "api/json/json.h"
#include "api/words/language.h"

typedef struct {
    const char *code;         /* a code of the table */
    const char *detail;       /* one sentence; NULL: the title says enough */
    guint retry_after_s;      /* 0: no Retry-After */
    const JsonFaults *faults; /* NULL: none */
    json_t *diagnosis;        /* taken; NULL: none */
} Problem;

/* How the answer is to look. */
typedef struct {
    Language language;
    const char *request_id;
    gboolean is_resend_form; /* application/json with statusCode, message, name beside */
} ProblemForm;

HttpAnswer *problem_answer(const ProblemForm *form, const Problem *problem);

/* The code of a 422: that of the only fault, else "invalid_fields". */
const char *problem_code_of_faults(const JsonFaults *faults);

int problem_status(const char *code); /* 422 for a code of a fault that is not in the table */
