/* The syntax of an SPF record (RFC 7208 12) and of its macros (RFC 7208 7). Pure. */
#pragma once

#include "domain/ip.h"

typedef enum {
    SPF_ALL = 1,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
    SPF_REDIRECT,
    SPF_EXP,
    SPF_OTHER_MODIFIER, /* unknown ones are ignored (RFC 7208 6) */
} SpfTermKind;

typedef struct {
    SpfTermKind kind;
    char qualifier;         /* '+', '-', '~', '?'; 0 for a modifier */
    char *text;             /* the whole term as written */
    char *domain;           /* domain-spec as written, macros included; NULL: the current domain */
    gboolean has_macro;     /* in `domain` */
    DomainIp network;       /* ip4, ip6 */
    guint prefix4, prefix6; /* ip4 and ip6 use their own; a and mx both */
} SpfTerm;

typedef struct {
    GPtrArray *terms;        /* of SpfTerm, as written */
    const SpfTerm *redirect; /* one of them, or NULL */
} SpfRecord;

/* TRUE if a TXT record is meant as one: "v=spf1", then a space or the end (RFC 7208 4.5). */
gboolean spf_record_is_one(const char *text);

/* TRUE if the record is longer than LIMIT_SPF_RECORD_BYTES: nobody publishes such a one in good
 * faith, and it is not judged. */
gboolean spf_record_is_too_long(const char *text);

/* text: one for which spf_record_is_one holds and that is not too long. NULL: a syntax error, which
 * RFC 7208 4.6 makes the whole record's; *bad_term is the term (the caller frees; may be NULL). */
SpfRecord *spf_record_parse(const char *text, char **bad_term);
void spf_record_free(SpfRecord *record);

/* What macros stand for. */
typedef struct {
    const char *sender;    /* "local@domain" */
    const char *domain;    /* the one whose record is being read */
    const char *helo;      /* NULL: not known */
    const char *validated; /* of %{p}; NULL: "unknown" */
    const DomainIp *ip;
} SpfMacros;

/* Expands a domain-spec that spf_record_parse has let through; names over 253 octets lose labels on
 * the left (RFC 7208 7.3). Sets *needs_helo if %{h} was needed and not known. The caller frees. */
char *spf_macro_expand(const char *spec, const SpfMacros *macros, gboolean *needs_helo);

gboolean spf_macro_has(const char *spec, char letter); /* such as 'p', in either case */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SpfRecord, spf_record_free)
