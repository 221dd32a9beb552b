/* The words for DNS questions and answers that the pure rooms and the one that asks share. A pure
 * judge asks a DnsAnswers for what it needs; what is not there yet is noted as open. Whoever drives
 * it has the open questions answered (net/dns.h) and lets it judge again, until none is open. */
#pragma once

#include <glib.h>

typedef enum { /* RFC 1035 3.2.2, RFC 3596, RFC 2782 */
    DNS_TYPE_A = 1,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_SRV = 33,
} DnsType;
const char *dns_type_name(DnsType type); /* "TXT" */

typedef enum {
    DNS_FOUND = 1,   /* there is at least one record */
    DNS_NO_DATA,     /* the name exists, but has none of this type */
    DNS_NO_NAME,     /* NXDOMAIN */
    DNS_SERVER_FAIL, /* SERVFAIL, REFUSED, or nothing that makes sense; a loop of CNAMEs */
    DNS_TIMEOUT,     /* no answer in time */
} DnsStatus;

typedef struct {
    char *text; /* A, AAAA: the address; CNAME, PTR, MX, SRV: the host, no dot at its end; TXT: the
                   strings joined (RFC 7208 3.3). May hold any byte but NUL; never NULL. */
    guint16 priority;     /* MX, SRV */
    guint16 weight, port; /* SRV */
} DnsRecord;

typedef struct {
    char *name; /* as asked: lower case, no dot at the end */
    DnsType type;
    DnsStatus status;
    GPtrArray
        *records; /* of DnsRecord, in the order of the answer (MX, SRV: by priority); never NULL */
    char *canonical; /* where CNAMEs led, or NULL */
} DnsAnswer;

typedef struct dns_answers DnsAnswers;

DnsAnswers *dns_answers_new(void);
void dns_answers_free(DnsAnswers *answers);

/* What is known; NULL: not yet, and the question is now open (once). Names are compared without
 * case and without a dot at the end. A name that cannot be asked (a label over 63 bytes, 253 in
 * all, an empty label, a byte outside 0x21 to 0x7e) is answered DNS_NO_NAME at once. Belongs to
 * `answers`. */
const DnsAnswer *dns_answers_get(DnsAnswers *answers, const char *name, DnsType type);

/* The open questions: records are empty, status 0. Lent until the next call. */
guint dns_answers_n_open(const DnsAnswers *answers);
const DnsAnswer *dns_answers_open(const DnsAnswers *answers, guint i);

/* Answers an open question; records (of DnsRecord; NULL: none) and canonical are taken. FALSE: it
 * was not open; they are freed. */
gboolean dns_answers_put(DnsAnswers *answers, const char *name, DnsType type, DnsStatus status,
    GPtrArray *records, char *canonical);

DnsRecord *dns_record_new(const char *text);
void dns_record_free(DnsRecord *record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DnsAnswers, dns_answers_free)
