/* Holds what a session said against what the ledger says, and against the row. */
#pragma once

#include "base/clock.h"
#include "ledger.h"
#include "row.h"

typedef struct {
    gboolean is_given, is_marked;
    guint n_outcomes;
    SmtpOutcomeKind kind;
    GBytes *content;
} AccountMail;

typedef struct {
    const Row *row;
    const Ledger *ledger; /* NULL: nobody ever came */
    AccountMail mails[ROW_MAILS];
    guint n_given;
    MonoMs began_at, ended_at; /* 0: it did not end */
    MonoMs stuck_since;        /* the server said nothing more from then on; 0: it always did */
    gboolean showed_password;
    /* The session's failure */
    gboolean has_failed, lost_step;
    char *phase, *sys, *tls;
    int code;
    long verify;
    const char *diagnosis;
} Account;

/* NULL if everything is as it must be, or the first thing that is not. The caller frees. */
char *verdict_on(const Account *account);
