/* From the API's JSON to text for people. Pure; every string of the answer goes through
 * text_printable, since some are a peer's words. Results are owned by the caller and end with a
 * line end unless they are named a part. Missing members are left out, never an error. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* A part: the member as printable text, NULL if it is not a string. */
char *format_text(const json_t *object, const char *key);

/* A part: local time in the style of the language; NULL without a time. */
char *format_time(const json_t *object, const char *key);
char *format_day(const json_t *object, const char *key); /* the same without the hour */
char *format_mib(gint64 bytes);                          /* "1.6", "1,6" */

/* A problem of the API (RFC 9457): what, which fields, and the remedy. */
char *format_problem(const json_t *problem);

/* GET /v1/smtp. */
char *format_status(const json_t *smtp);
/* The same object after PUT /v1/smtp/sending: the switch and what waits. */
char *format_sending(const json_t *smtp);

/* The verification object: what is being checked; one rung of the ladder; how it ended. */
char *format_verification_start(const json_t *verification);
char *format_phase(const json_t *phase);
char *format_verification_end(const json_t *verification);
char *format_check_in_force(const json_t *verification); /* the end, of what mail is sent with */
char *format_transcript(const json_t *verification);
/* A part: the rung's name. */
const char *format_phase_name(const json_t *phase);

/* A part: an email's or recipient's state as people read it, of static storage. */
const char *format_email_state(const json_t *object, const char *key);

/* Appends meaning, fix and the server's words of a diagnosis; nothing for null. */
void format_add_diagnosis(GString *out, const json_t *diagnosis);

/* Appends "label:   value"; nothing without a value. */
void format_add_line(GString *out, const char *label, const char *value);

/* Appends `dates` of GET /v1/smtp, a line each; nothing for an empty list. */
void format_add_dates(GString *out, const json_t *dates);

/* POST /v1/emails. */
char *format_email(const json_t *email);

/* GET /v1/tokens. */
char *format_tokens(const json_t *list);

/* GET /v1/keys. */
char *format_keys(const json_t *list);

/* GET /v1/audit-events: one line each; GET /v1/audit-events/check. */
char *format_audit(const json_t *list);
char *format_audit_check(const json_t *check);
