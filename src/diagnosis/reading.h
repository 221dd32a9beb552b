/* Reads what people paste: a bounce, lines of a mail program's log, an error message. Finds the
 * replies and errors in it and says for each what it means. Pure. */
#pragma once

#include "diagnosis/diagnosis.h"

typedef struct {
    char *line;        /* where it stands, bytes as they were pasted: make them printable to show */
    const char *phase; /* catalogue phase, NULL: not to be told */
    int code;          /* 0: an error without a reply */
    char *enhanced;    /* NULL: none */
    char *text;        /* of the reply, its lines joined; NULL: none */
    char *host;        /* that said it: named in the text, else the one given; NULL: not known */
    gboolean is_guess; /* only words that look like it: no reply and no known error stood there */
    const Diagnosis *diagnosis; /* never NULL; belongs to the catalogue */
} DiagnosisFinding;

/* What was found, in the order of the text; the same diagnosis only once, at most
 * LIMIT_DIAGNOSIS_FINDINGS, looking at LIMIT_DIAGNOSIS_LINES lines. Never NULL; empty if nothing
 * was recognised. text: n bytes of any kind. host: the server that lines before the first named
 * one are about, or NULL: a bounce often tells of another than the one we submit to. The caller
 * frees (g_ptr_array_unref). */
GPtrArray *diagnosis_read(
    const DiagnosisCatalogue *catalogue, const char *text, gsize n, const char *host);

/* What a program knows of one failure in its own words. All may be NULL or 0. */
typedef struct {
    const char *phase; /* any usual name of the step */
    const char *reply; /* as the server wrote it, with its code; lines separated by line ends */
    const char *error; /* errno name, OpenSSL reason or the words of a library */
    const char *host, *sys, *tls, *certificate, *family;
    long verify;
    guint port;
} DiagnosisReport;

/* Never NULL. */
const Diagnosis *diagnosis_of_report(
    const DiagnosisCatalogue *catalogue, const DiagnosisReport *report);
