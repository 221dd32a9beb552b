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
    {"token", SAY_LATER("create --name NAME --scope SCOPE … | list | revoke ID"),
        SAY_LATER("make, list and revoke API tokens"),
        SAY_LATER("create prints the token alone on standard output, and only this once. Scopes:\n"
                  "emails:send emails:read smtp:read smtp:write people:write audit:read.\n"
                  "\n"
                  "  absender token create --name shop --scope emails:send\n"
                  "  absender token create --name shop --scope emails:send \\\n"
                  "    --from shop@example.com --network 10.0.0.0/8 --per-hour 500"),
        cli_token},
    {"reset-link", SAY_LATER("EMAIL"), SAY_LATER("make a link to a new password for a member"),
        SAY_LATER(
            "For whoever cannot sign in and gets no mail, the only administrator too. The link\n"
            "alone is printed on standard output: open it, or pass it on to that person. It\n"
            "works once, for an hour; the audit log notes it.\n"
            "\n"
            "  absender reset-link anna@example.com"),
        cli_reset_link},
    {"pause", SAY_LATER("[--reason TEXT] [--until TIME]"), SAY_LATER("switch mail sending off"),
        SAY_LATER(
            "Mail is held, not lost. Test mails and verifications that a person starts still\n"
            "go out.\n"
            "\n"
            "  absender pause --reason \"moving to a new provider\""),
        cli_pause},
    {"resume", SAY_LATER("[--cancel CLASS …] [--yes]"), SAY_LATER("switch mail sending on"),
        SAY_LATER(
            "First it is shown what would be sent at once, later, and not at all any more. On\n"
            "a terminal you are asked then. --cancel ends what waits of a class before that.\n"
            "\n"
            "  absender resume --cancel bulk"),
        cli_resume},
    {"queue", SAY_LATER("list | show ID | (retry | cancel) (ID … | --state STATE) | check"),
        SAY_LATER("look at emails, retry or cancel them"),
        SAY_LATER(
            "list shows the newest emails, show everything about one: why it has not been\n"
            "sent, each attempt, its timeline. retry sends at once what waits for its next\n"
            "attempt, was rejected or has expired, with --again also what may arrive twice\n"
            "then. retry and cancel take IDs, or --state and --class for all that list would\n"
            "show; then you are asked first. check counts whether every email that was ever\n"
            "taken is accounted for; the exit status is 1 if not.\n"
            "\n"
            "  absender queue list --state rejected --limit 200\n"
            "  absender queue show em_0193f5c0e1c27abc8def0123456789ab\n"
            "  absender queue cancel --state held --class bulk"),
        cli_queue},
    {"explain", SAY_LATER("[TEXT …]"), SAY_LATER("say what a bounce or an error message means"),
        SAY_LATER(
            "Reads the text, else standard input: a bounce, lines of a mail program's log, an\n"
            "error message. Each reply and error in it is explained, with the remedy. The\n"
            "service need not run. --jsonl takes objects with id, phase, reply, error (and\n"
            "host, port, sys, verify, tls, cert, family where known) and answers each with\n"
            "id, diagnosis, class, retry, breaker, or with id and fault.\n"
            "\n"
            "  absender explain \"535 5.7.8 Authentication failed\"\n"
            "  absender explain --host smtp.example.com < bounce.eml"),
        cli_explain},
    {"audit", SAY_LATER("[list] | verify [--head HASH]"), SAY_LATER("show who did what"),
        SAY_LATER(
            "list shows the newest deeds: who, what, from where. verify follows the chain of\n"
            "hashes over the whole log; the exit status is 1 if an event was changed or taken\n"
            "out. It prints the head: kept elsewhere and given as --head later, it also shows\n"
            "whether the end was cut off.\n"
            "\n"
            "  absender audit list --action invitation. --since 2026-12-24T00:00:00Z\n"
            "  absender audit verify"),
        cli_audit},
    {"backup", SAY_LATER("FILE [--replace]"), SAY_LATER("copy the database while it is in use"),
        SAY_LATER(
            "The service writes the file itself, with its own rights, and goes on if this\n"
            "command is interrupted. It holds every email taken before. The key is never part\n"
            "of it: keep a copy of the file \"key\" in another place.\n"
            "\n"
            "  absender backup /var/backups/absender.backup --replace"),
        cli_backup},
    {"key", SAY_LATER("status | add | activate ID | retire ID | export FILE | import FILE"),
        SAY_LATER("change the key that everything stored is sealed with"),
        SAY_LATER(
            "A change, while the service works: add makes a key, activate has it seal from now\n"
            "on and puts everything stored under it, retire takes a former key away as soon as\n"
            "nothing is sealed with it. status shows all of them. Each step may be repeated.\n"
            "export writes the keys to a new file, sealed with a passphrase; import puts them\n"
            "into the folder that --data names, while no service runs there.\n"
            "\n"
            "  absender key add\n"
            "  absender key activate 0193f5c0e1c27abc8def0123456789ab\n"
            "  absender key export /media/safe/absender-keys"),
        cli_key},
    {"restore", SAY_LATER("FILE [--replace] [--yes]"),
        SAY_LATER("put a backup in the place of the database"),
        SAY_LATER(
            "Stop the service first, and put the key file into the folder that --data names.\n"
            "The backup is checked before anything is replaced, and a former database is kept\n"
            "aside. Sending is off afterwards (reason: restored): what waits in the backup\n"
            "may have been sent since it was made.\n"
            "\n"
            "  absender restore /var/backups/absender.backup --data /var/lib/absender"),
        cli_restore},
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
        fprintf(out, "  %-10s %s\n", commands[i].name, say(commands[i].summary));
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
