/* Server-sent events: what the store announces, as JSON, to the pages that listen. All reading and
 * writing of events happens on the keeper's thread, so that a page gets a full status first and
 * then every change after it, in order. */
#pragma once

#include "api/http/http.h"
#include "api/words/language.h"
#include "people/access.h"
#include "store/store.h"

struct api;
typedef struct sse Sse;

Sse *sse_new(struct api *api);
void sse_free(Sse *sse);

/* A new stream for this caller; the caller's oldest one beyond LIMIT_STREAMS_PER_USER is closed.
 * NULL: LIMIT_STREAMS reached. The caller owns a reference. */
HttpStream *sse_open(Sse *sse, const PeopleCaller *caller,
    const guint8 credential[PEOPLE_HASH_BYTES], Language language);

/* What was committed. Any thread; only notes it. */
void sse_note(Sse *sse, const StoreChange *changes, guint n_changes);

/* Ends streams whose session or token has ended, soon. Any thread. */
void sse_check_callers(Sse *sse);

/* On the keeper's thread, every LIMIT_STREAM_BEAT_MS: a comment, so that readers that left show;
 * and the status, if time alone has made room in the quota since it was last told. */
void sse_beat(Sse *sse);

/* Closes all and takes no new ones. */
void sse_stop(Sse *sse);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sse, sse_free)
