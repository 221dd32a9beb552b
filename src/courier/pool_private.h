/* What pool.c (who gets a mail), line.c (one session's place) and attempt.c (what became of a mail)
 * share. Only for these. */
#pragma once

#include "courier/later.h"
#include "courier/manners.h"
#include "courier/pool.h"

typedef struct line Line;

/* One mail in the pool. It is in the waiting queue, or in hand of the line it was given to. */
typedef struct {
    EmailDelivery *mail;
    Line *line;          /* NULL while it waits */
    GList link;          /* in pool->waiting or line->in_hand */
    gboolean wants_mark; /* the session it was given to asks for its mark */
    gboolean is_asked;   /* its mark was asked for: what becomes of it must be recorded */
    gboolean is_marked;  /* durably; it stays so when it goes over another line */
    /* Said when the session's end decides; told together with that. */
    gboolean is_uncertain; /* its end has left */
    gboolean is_untouched; /* nothing of it had been written */
    gboolean is_bystander; /* the session ended because we broke off another mail */
} Attempt;

struct line {
    Pool *pool;
    Session *session;
    char *host;            /* of the settings it was opened with */
    gint64 config_version; /* theirs */
    guint drains;          /* of the pool, when it was opened */
    gboolean is_by_token;  /* it logs in by OAuth2 */
    gboolean is_stepwise;  /* it was told not to write ahead */
    gboolean has_stood;    /* logged in once */
    gboolean is_leaving;   /* the server minds it: gets no more mails */
    gboolean is_stalled;   /* its mails went over others: gets no more before it moves */
    gboolean is_cut;       /* we broke it off */
    GQueue in_hand;        /* of Attempt, in the order they were given */
    MonoMs moved_at;       /* when the server last said something, or its first mail could go */
    guint given;           /* mails, since it was opened; not what was refused on the spot */
    guint answered;        /* of these, decided for good by a reply */
    GArray *marks;         /* of guint64: tokens to be told to the session together */
    GSource *idle;         /* NULL unless it has nothing in hand */
};

struct pool {
    PoolParts parts;
    PoolEvents events;
    gpointer user;
    SmtpSettings *settings;
    Secret *password;
    char *ehlo_name;
    gint64 config_version;
    guint drains;
    GPtrArray *lines;     /* of Line, owned */
    GHashTable *attempts; /* recipient_id → Attempt */
    GQueue waiting;       /* of Attempt */
    GArray *to_mark;      /* of gint64: recipients whose mark is to be asked for */
    Manners manners;      /* of the server in the settings */
    Later *later;         /* serves */
    GSource *watch;       /* looks for stalled lines; NULL while no mail stands behind another */
};

/* --- attempt.c ------------------------------------------------------------------------------- */

Attempt *attempt_new(Pool *pool, EmailDelivery *delivery); /* takes it; it waits */
void attempt_free(gpointer attempt);
Attempt *attempt_find(const Pool *pool, gint64 recipient_id);

/* The three ways to an end; each forgets and frees the attempt, and tells. By ourselves; by what
 * the server or the connection said; and without a word against anybody, to go again at once. */
void attempt_ended_plainly(Attempt *attempt, Pool *pool, AttemptEnd end);
void attempt_ended_with(Attempt *attempt, Pool *pool, AttemptEnd end, const DiagnosisInput *input,
    gboolean text_may_be_shown);
void attempt_handed_back(Attempt *attempt, Pool *pool);
/* TRUE if a session that ended so, with a verdict, means that the credential is at fault. */
gboolean attempt_tells_refusal(const Pool *pool, const DiagnosisInput *input);

/* --- line.c ---------------------------------------------------------------------------------- */

void line_open(Pool *pool);
void line_free(gpointer line);

/* Whether it may carry mail that comes now, as far as its settings go. */
gboolean line_is_current(const Line *line);

/* How many mails it can be given now. */
guint line_room(const Line *line);
void line_give(Line *line, Attempt *attempt);

/* With nothing in hand: leaves if it is not wanted any more, else waits for mail a while. */
void line_settle(Line *line);

/* Hands back the mails of which nothing has been written. */
void line_hand_back_held(Line *line);

/* No reply for a while, and mails wait behind the one that is not answered. */
gboolean line_is_stuck(const Line *line, MonoMs now);

/* Puts the mails of which nothing has been written back in front of what waits. */
void line_recall_held(Line *line);

/* Drops its connection, and thereby the line. */
void line_break_off(Line *line);

/* --- pool.c ---------------------------------------------------------------------------------- */

/* Lines that stand and are current. */
guint pool_standing(const Pool *pool);

/* Opens lines for what waits, as many as may be opened now. */
void pool_open_lines(Pool *pool);

/* Asks for the marks the sessions have asked for since the last time. */
void pool_ask_marks(Pool *pool);

/* From now on looks for lines that are stuck, until no mail stands behind another. */
void pool_watch(Pool *pool);

/* A session did not come to stand: the mail it was opened for has made its attempt. Those behind it
 * are handed back, or each would try the same refused login or dead server once more. */
void pool_end_first_waiting(Pool *pool, const SessionFailure *failure);
