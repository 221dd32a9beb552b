/* Writes one mail as bytes (RFC 5322, 2045, 2046, 2047, 2231, 2183, 2387): CRLF lines, 7-bit clean,
 * UTF-8 in headers as encoded words, bodies as quoted-printable or base64, whichever is shorter;
 * text, HTML, both (multipart/alternative), inline images (multipart/related), attachments
 * (multipart/mixed). Ids, dates and boundary seed are given, so that the same draft gives the same
 * bytes for ever. Pure.
 *
 * CR, LF and NUL in any value that becomes a header are refused by field name, never stripped. */
#pragma once

#include "base/clock.h"
#include "base/id.h"
#include "mime/address.h"

#include <glib.h>

typedef struct {
    char *name, *value;
} MimeHeader;

typedef struct {
    char *file_name;    /* UTF-8, at most LIMIT_FILE_NAME_BYTES, no path; NULL: none */
    char *content_type; /* "application/pdf"; NULL: as the file name says; not multipart/message */
    char *content_id;   /* without angle brackets; not NULL makes it inline beside HTML */
    GBytes *content;
} MimeAttachment;

/* Everything a message is made of. Plain data, owned by the draft; fill it, then write it. */
typedef struct {
    MimeAddress *from;
    GPtrArray *to, *cc, *bcc,
        *reply_to;          /* of MimeAddress; bcc is an envelope matter and never written */
    char *subject;          /* UTF-8, may be NULL */
    char *text, *html;      /* UTF-8, any line ends, written as CRLF, one behind the last line;
                               at least one of them, or an attachment */
    GPtrArray *attachments; /* of MimeAttachment */
    GPtrArray *headers;     /* of MimeHeader: custom ones; reserved names are refused */
    char *message_id;       /* without angle brackets, made by mime_message_id_make */
    WallMs date;
    guint8 boundary_seed[16];
} MimeDraft;

MimeDraft *mime_draft_new(void);
void mime_draft_free(MimeDraft *draft);
void mime_draft_add_header(MimeDraft *draft, const char *name, const char *value);
void mime_draft_add_attachment(MimeDraft *draft, const char *file_name, const char *content_type,
    const char *content_id, GBytes *content);

/* What is wrong, and where: field is a JSON pointer (RFC 6901) into API.md's request ("/subject",
 * "/headers/X-Foo", "/attachments/0/filename"); "" is the whole. */
typedef struct {
    char *field;
    char *code;   /* "control_character", "invalid_utf8", "required", "too_long", "too_many",
                     "reserved_header", "invalid_address", "invalid_header_name", "not_ascii",
                     "invalid_content_type", "invalid_file_name", "invalid_content_id" */
    char *detail; /* one English sentence */
} MimeFault;

/* detail is a printf format. The caller frees. */
MimeFault *mime_fault_new(const char *field, const char *code, const char *detail, ...)
    G_GNUC_PRINTF(3, 4);

/* What mime_message_write would refuse without writing, except for sizes that only writing tells.
 * NULL: nothing. The caller frees. */
MimeFault *mime_draft_check(const MimeDraft *draft);

/* The message as bytes. NULL with *fault set (the caller frees) if the draft is not acceptable. At
 * most LIMIT_MESSAGE_BYTES. needs_smtputf8 is set when an address in a header has a non-ASCII local
 * part. */
GBytes *mime_message_write(const MimeDraft *draft, gboolean *needs_smtputf8, MimeFault **fault);
void mime_fault_free(MimeFault *fault);

/* The same message from somebody else: what mime_message_write makes of the same draft with this
 * `from`. NULL if it has no From. */
GBytes *mime_message_with_from(GBytes *message, const MimeAddress *from);

/* "<id's hex>@<domain>" without brackets. */
char *mime_message_id_make(const Id *id, const char *domain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MimeDraft, mime_draft_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MimeFault, mime_fault_free)
