/* What duel.c (the play), duel_driver.c (the client's driver) and duel_verdict.c (the judgement)
 * share. */
#pragma once

#include "damage.h"
#include "duel.h"
#include "ledger.h"
#include "smtp/client.h"
#include "smtp/server.h"

enum { DUEL_MAILS = 10 };

typedef struct {
    gboolean is_given, is_probe, is_withdrawn, is_marked, is_begun, is_objectionable;
    gboolean end_had_left;    /* when it was withdrawn */
    gboolean withdraw_is_due; /* instead of a mark */
    guint n_recipients, n_expected;
    guint unwritable; /* recipient; n_recipients: none */
    guint n_outcomes[LEDGER_RECIPIENTS];
    SmtpOutcomeKind kinds[LEDGER_RECIPIENTS];
    guint n_before_withdrawal[LEDGER_RECIPIENTS];
    GBytes *content;
} DuelMail;

/* Octets on their way; those before `at` have arrived. */
typedef struct {
    GByteArray *bytes;
    guint at;
} DuelStream;

typedef struct {
    Random random;
    gboolean wants_story;
    char *fault; /* the first statement that did not hold */
    MonoMs now;
    Ledger *ledger;
    Damage *damage;
    DuelCount *count;

    /* The client and its driver */
    SmtpClient *client;
    SmtpClientConfig config;
    DuelMail mails[DUEL_MAILS];
    guint n_mails, n_given, room, n_deadlines, passed;
    gboolean is_ready, wants_tls, tls_is_up, is_closed, is_connected, has_proved;
    guint n_unsent; /* pieces of `send` that SENT has not been said for */
    MonoMs deadline;

    /* The server and its driver */
    SmtpServer *server;
    SmtpServerConfig server_config;
    gboolean server_wants_tls, server_is_closed, server_is_gone;
    SmtpAsk asked;
    MonoMs server_deadline;
    gboolean is_lenient; /* never refuses by itself */
    gboolean login_is_refused, has_dropped, has_complained;
    int asked_about; /* token of the mail the server is asked to take; -1: none of ours */
    gboolean is_taken[DUEL_MAILS];

    /* The line */
    DuelStream up;   /* client to server */
    GByteArray *raw; /* server to damage */
    DuelStream down; /* damage to client */
    guint grain;     /* octets delivered at once, at most; 0: all */
} Duel;

/* Notes the first fault. */
void duel_blame(Duel *duel, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* duel_driver.c */
void driver_step(Duel *duel, SmtpEvent *event);
gboolean driver_can_give(const Duel *duel);
void driver_give(Duel *duel);
gboolean driver_can_mark(const Duel *duel);
void driver_mark(Duel *duel);
gboolean driver_can_withdraw(const Duel *duel);
void driver_withdraw(Duel *duel);

/* duel_verdict.c */
void verdict_effects(Duel *duel, const SmtpClientEffects *effects);
void verdict_message(Duel *duel, const SmtpServerEffects *effects);
void verdict_end(Duel *duel);
