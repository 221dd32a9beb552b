/* Plays every test/scene/NAME.scene: whole, byte by byte, and with each cut in two. */
#include "base/secret.h"
#include "scene/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *scene_folder(void)
{
    const char *source = g_getenv("ABSENDER_SOURCE");
    assert_non_null(source);
    return g_build_filename(source, "test", "scene", NULL);
}

static void play(const char *name, const char *text, int cut, guint *n_failed)
{
    g_autofree char *error = scene_play(text, cut);
    if (error == NULL)
        return;
    print_error("%s, cut %d: %s\n", name, cut, error);
    ++*n_failed;
}

static void play_in_all_cuts(const char *name, const char *text, guint *n_failed)
{
    guint before = *n_failed;
    play(name, text, SCENE_WHOLE, n_failed);
    if (scene_is_whole_only(text) || *n_failed > before)
        return;
    play(name, text, SCENE_BYTEWISE, n_failed);
    int longest = MIN(scene_longest_say(text), 120);
    for (int cut = 1; cut < longest && *n_failed == before; cut++)
        play(name, text, cut, n_failed);
}

static void scenes_go_as_written_in_every_cut(void **state)
{
    g_autofree char *folder = scene_folder();
    g_autoptr(GDir) files = g_dir_open(folder, 0, NULL);
    assert_non_null(files);
    guint n_played = 0, n_failed = 0;
    const char *name;
    while ((name = g_dir_read_name(files)) != NULL) {
        if (!g_str_has_suffix(name, ".scene"))
            continue;
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *text = NULL;
        assert_true(g_file_get_contents(path, &text, NULL, NULL));
        play_in_all_cuts(name, text, &n_failed);
        n_played++;
    }
    assert_int_equal(n_failed, 0);
    assert_true(n_played >= 30);
}

/* The kit must be able to say no. */
static void wrong_scenes_fail(void **state)
{
    static const char *const wrong[] = {
        "nonsense",
        "say 220 hi",
        "connect\nsay 220 hi",
        "connect\nsay 220 hi\nexpect HELO *",
        "connect\nsay 220 hi\nsecret EHLO client.example",
        "connect\ncheck closed",
        "connect\ncheck ready",
        "connect\ncheck failure greeting lost",
        "connect\ncut\ncheck failure none",
        "connect\ncut\ncheck failure greeting timeout",
        "connect\ncheck outcome 1 0 accepted data",
        "connect\ncheck deadline none",
        "connect\ncheck passed tls",
        "connect\ncheck line hello",
        "connect\ncheck weather",
        "connect\ntls",
        "connect\nsasl fail",
        "connect\nmail 1 a@b.example c@d.example",
        "client plaintext\nconnect",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *error = scene_play(wrong[i], SCENE_WHOLE);
        if (error == NULL)
            print_error("played, but is wrong: %s\n", wrong[i]);
        assert_non_null(error);
    }
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_scenes_fail),
        cmocka_unit_test(scenes_go_as_written_in_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
