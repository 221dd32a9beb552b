/* The commands other than `serve`: clients of the API over the control socket. */
#pragma once

/* argv[0] is the command's name ("status"). Returns the exit status: 0 done, 1 the answer is no (a
 * check that failed), 2 usage, 3 the daemon cannot be reached. */
int cli_run(int argc, char **argv);

/* Prints the overview of all commands. */
void cli_print_overview(void);
