#include "cli/progress.h"

#include "cli/format.h"
#include "cli/terminal.h"
#include "cli/words.h"

#include <stdio.h>

#define BAR_CELLS 24
#define PLAIN_STEP 25 /* percent from one line to the next where there is no terminal */
#define CLEAR_LINE "\r\033[K"

static void print_bar(int percent)
{
    fputs(CLEAR_LINE "[", stdout);
    for (int cell = 0; cell < BAR_CELLS; cell++)
        fputs(cell * 100 < percent * BAR_CELLS ? "█" : "░", stdout);
}

void progress_show_bytes(CliProgress *progress, gint64 done, gint64 total)
{
    int percent = total > 0 ? (int)(done * 100 / total) : 0;
    g_autofree char *there = format_mib(done), *all = format_mib(total);
    if (terminal_shows_output()) {
        if (percent > progress->shown || done == 0) {
            print_bar(percent);
            printf(say("] %3d %%  %s of %s MiB"), percent, there, all);
            fflush(stdout);
        }
    } else if (percent / PLAIN_STEP > progress->shown / PLAIN_STEP) {
        printf(say("%d %%: %s of %s MiB\n"), percent / PLAIN_STEP * PLAIN_STEP, there, all);
        fflush(stdout);
    }
    progress->shown = percent;
}

void progress_show_count(CliProgress *progress, gint64 done, gint64 total)
{
    int percent = total > 0 ? (int)(done * 100 / total) : 0;
    if (terminal_shows_output()) {
        print_bar(percent);
        printf(say("] %3d %%  %d of %d"), percent, (int)done, (int)total);
        fflush(stdout);
    }
    progress->shown = percent;
}

void progress_show_step(CliProgress *progress, const char *words)
{
    progress->shown = 0;
    if (!terminal_shows_output())
        return;
    printf(CLEAR_LINE "%s", words);
    fflush(stdout);
}

void progress_end(CliProgress *progress)
{
    progress->shown = 0;
    if (terminal_shows_output())
        fputs(CLEAR_LINE, stdout);
}
