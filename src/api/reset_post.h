/* What follows after somebody asked for a new password, apart from the answer, so that the answer
 * tells nobody whether there is such an account (threat T36): the account is looked up; what was
 * asked for nobody is removed, and so is what an organisation has too much of within an hour
 * (threat T37), which the log says; the others get a mail with a link, or wait on the hand-over
 * list if none can be made. Runs on the keeper's thread; what a crash leaves behind is found at the
 * next start. */
#pragma once

struct api;
typedef struct reset_post ResetPost;

ResetPost *reset_post_new(struct api *api);
void reset_post_free(ResetPost *post); /* the keeper's loop is over */

/* Something was asked for. Any thread. */
void reset_post_wake(ResetPost *post);
