/* The pool's tests: its world, in which the test is the courier. It answers the marks, and gives
 * what is handed back once more. */
#pragma once

#include "courier/pool.h"
#include "provider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run_until.h"

#define MAILS_MAX 512

typedef struct {
    char *directory;
    GMainContext *context;
    DiagnosisCatalogue *catalogue;
    NetTlsClient *tls;
    NetResolver *resolver;
    NetPolicy *policy;
    NetDialer dialer;
    Provider *provider;
    Pool *pool;
    SmtpSettings *settings;
    guint ends[ATTEMPT_NOT_STORED + 1]; /* how often each was told */
    AttemptEnd last[MAILS_MAX];         /* of each mail */
    gboolean last_was_local;            /* of the last that was not handed back */
    guint accepted[MAILS_MAX];          /* times */
    gint64 versions[MAILS_MAX];         /* of the settings each was last tried with */
    GArray *asked;                      /* of gint64: marks not answered yet */
    guint mark_calls, most_marks, n_marks;
    gboolean at_most_once;  /* what is given from now on */
    gint64 late_mail;       /* it expires at late_at, and is not given again */
    WallMs late_at;         /* 0: none does */
    gboolean answers_marks; /* at once, with TRUE */
    gboolean gives_again;   /* what is withdrawn or returned */
    guint logins, login_failures;
    guint refusals; /* told without a mail */
} World;

/* A setup and teardown of cmocka. */
int set_up(void **state);
int tear_down(void **state);

/* A fresh pool in place of the one there is. idle_ms: 0 for the limit. */
void make_pool(World *world, gint64 idle_ms);
void configure(World *world, gint64 config_version, const char *password);

char *address_of(gint64 mail);
void give_content(World *world, gint64 mail, GBytes *content); /* taken */
void give(World *world, gint64 mail);
void give_many(World *world, gint64 first, gint64 n);

/* No server is given this: the client core refuses it on the spot. */
void give_unsendable(World *world, gint64 mail);

/* For those of the n mails whose mark was asked for. */
void answer_marks(World *world, gint64 first, gint64 n, gboolean marked);
gboolean answer_all_marks(gpointer world);

void run_for(World *world, gint64 ms);

void assert_each_taken_once(World *world, gint64 first, gint64 n);

/* Nobody is to blame, no attempt was used up. */
void assert_no_trouble(const World *world);

ProviderFacts facts(const World *world);
