#include "cli/cli.h"

#include "cli/command.h"
#include "cli/words.h"

#include <stdio.h>
#include <string.h>

static const CliCommand commands[] = {
    {"serve", SAY_LATER("[--data DIR] [--config FILE] …"), SAY_LATER("run the service"), "", NULL},
    {"check", SAY_LATER("[--host HOST --from ADDRESS …]"),
        SAY_LATER("verify SMTP settings, rung by rung"),
        SAY_LATER(
            "Without settings the stored draft is verified, else what is active. With --host\n"
            "or --port nothing but the options given here counts; other options change what\n"
            "is stored. It is a trial: unless --activate is given and the settings work,\n"
            "nothing stays behind. A draft that somebody has in the page is not touched\n"
            "without --replace-draft. The password is asked for on the terminal; an empty\n"
            "line keeps the stored one, as long as host, port, security and user name stay\n"
            "the same. Nothing is sent. The exit status is 1 if the settings do not work.\n"
            "\n"
            "  absender check --host smtp.example.com --from mail@example.com --activate\n"
            "  absender check --password-stdin < password-file"),
        cli_check},
    {"status", "", SAY_LATER("show settings, sending switch and what waits"),
        SAY_LATER("  absender status\n"
                  "  absender status --json"),
        cli_status},
    {"send", SAY_LATER("--to ADDRESS --subject TEXT --text FILE"), SAY_LATER("hand over one email"),
        SAY_LATER("The email is stored durably before this command ends; the service delivers it\n"
                  "when sending is on. FILE may be - for standard input.\n"
                  "\n"
                  "  echo Hello | absender send --to anna@example.com --subject Hello --text -"),
        cli_send},
    {"token", SAY_LATER("create --name NAME --scope SCOPE …"), SAY_LATER("make an API token"),
        SAY_LATER("The token alone is printed on standard output, and only this once. Scopes:\n"
                  "emails:send emails:read smtp:read smtp:write people:write audit:read.\n"
                  "\n"
                  "  absender token create --name shop --scope emails:send"),
        cli_token},
    {"pause", SAY_LATER("[--reason TEXT] [--until TIME]"), SAY_LATER("switch mail sending off"),
        SAY_LATER(
            "Mail is held, not lost. Test mails and verifications that a person starts still\n"
            "go out.\n"
            "\n"
            "  absender pause --reason \"moving to a new provider\""),
        cli_pause},
    {"resume", "", SAY_LATER("switch mail sending on"),
        SAY_LATER("Held mail goes out at once, except what has expired."), cli_resume},
};

const CliCommand *cli_commands(guint *n)
{
    *n = G_N_ELEMENTS(commands);
    return commands;
}

static void print_overview(FILE *out)
{
    fprintf(out, "%s\n\n", say("Absender: outgoing mail, verified and never lost."));
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, say(commands[i].summary));
    fprintf(out, "\n%s\n",
        say("\"absender COMMAND --help\" explains a command. All take --data DIR and --json."));
}

void cli_print_overview(void)
{
    words_choose();
    print_overview(stdout);
}

int cli_run(int argc, char **argv)
{
    words_choose();
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (commands[i].run != NULL && strcmp(commands[i].name, argv[0]) == 0)
            return (int)commands[i].run(&commands[i], argc, argv);
    }
    fprintf(stderr, say("absender: there is no command \"%s\""), argv[0]);
    fputs("\n\n", stderr);
    print_overview(stderr);
    return CLI_USAGE;
}
