/* What the sink has seen, counted once for all its connections, and above all each mail by its id:
 * a mail that came twice is a duplicate, one of the expected that never came is missing. The id is
 * the number in the header field X-Bench-Id (the sender numbers its mails from 1), or else the text
 * of Message-ID. Safe to use from several threads. It judges the programs of this project and
 * shares no code with them. */
#pragma once

#include <glib.h>

typedef struct tally Tally;

typedef enum {
    TALLY_CONNECTIONS = 0,
    TALLY_TURNED_AWAY, /* connections greeted with 421 */
    TALLY_HANDSHAKES,  /* of TLS, the resumed ones included */
    TALLY_RESUMED,     /* TLS handshakes that resumed a session */
    TALLY_LOGINS,
    TALLY_LOGIN_FAILURES,
    TALLY_RECIPIENTS, /* taken with 250 */
    TALLY_REJECTED_RECIPIENTS,
    TALLY_DEFERRED_MAILS,
    TALLY_CUT_REPLIES, /* mails that were taken, but the connection was cut instead of the reply */
    TALLY_UNFINISHED,  /* mails whose end never came */
    TALLY_FAULTY_ORDERS, /* commands answered with 500 to 504 or 555 */
    TALLY_COUNTERS
} TallyCounter;

Tally *tally_new(void);
void tally_free(Tally *tally);

void tally_add(Tally *tally, TallyCounter counter);

/* One mail that the sink is responsible for. head: its first octets, the header fields among them;
 * octets: the size of the whole content as it came (with DATA: dots included). */
void tally_mail(Tally *tally, const char *head, gsize n_head, guint64 octets);

/* Forgets all mails and counters. */
void tally_reset(Tally *tally);

/* From here on the report's `lap`, `first` and `last` count anew, and only the next `most` mails
 * (0: all). Everything else goes on. */
void tally_lap(Tally *tally, guint64 most);

/* One line of JSON without the newline. Times are seconds of CLOCK_MONOTONIC, null before the first
 * mail. expected: the ids 1 to this number must have come; the others are `missing`. */
char *tally_report(Tally *tally, guint64 expected);

enum { TALLY_TIMED_IDS = 1 << 16 };

/* One line of JSON: when each of the mails with the ids first to last (below TALLY_TIMED_IDS) came
 * for the first time; null: it did not. */
char *tally_times(Tally *tally, guint64 first, guint64 last);
