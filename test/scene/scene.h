/* Scenes: one SMTP session played against the client core by a scripted server, with virtual time.
 * A scene is a text that can be read without knowing C; README.md beside this file has the verbs.
 *
 * Besides what a scene asks for, the kit itself checks in every step: a credential leaves only
 * marked as secret and only after TLS; no recipient has two outcomes; no line of the transcript
 * holds a credential; after `close` nothing is sent; and everything that is sent must be expected.
 */
#pragma once

#include <glib.h>

/* How the server's bytes are cut into pieces: SCENE_WHOLE gives each `say` at once, SCENE_BYTEWISE
 * byte by byte, any other number k cuts each `say` after k bytes. */
enum { SCENE_WHOLE = 0, SCENE_BYTEWISE = G_MAXINT };

/* NULL if all went as written, else "line 12: …" (the caller frees). */
char *scene_play(const char *text, int cut);

/* Octets of the longest `say`: cutting later changes nothing. */
int scene_longest_say(const char *text);

/* TRUE if the scene says that it means bytes that arrive together (verb `together`). */
gboolean scene_is_whole_only(const char *text);
