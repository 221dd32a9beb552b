/* What is done at the start and every hour: the books are checked, on a thread of their own because
 * that takes a while, and what is past its days is forgotten, in small jobs with rests between. */
#pragma once

#include "courier/courier.h"

typedef struct hourly Hourly;

/* Begins at once with the books, and with the rest a little later. */
Hourly *hourly_new(Courier *courier);

/* No more work is begun; a check that is under way is ended. Work that the store still owes is
 * counted in the courier's `pending`. */
void hourly_stop(Hourly *hourly);
void hourly_free(Hourly *hourly);

/* What the last check came to. Thread-safe. */
CourierBooks hourly_books(Hourly *hourly);
