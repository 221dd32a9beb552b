#include "courier/suspicion.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW (LIMIT_CLOCK_EARLIEST_MS + CLOCK_DAY_MS)
#define EARLY (LIMIT_CLOCK_EARLIEST_MS - CLOCK_DAY_MS)

static void what_is_not_the_providers_fault_is_named(void **unused)
{
    static const struct {
        const char *name;
        Suspect suspect;
        const char *sys;
    } cases[] = {
        {"an early clock", {.rung = RUNG_CERTIFICATE, .verify = 9, .now = EARLY}, "CLOCK_BEHIND"},
        {"an early clock, and a firewall",
            {.rung = RUNG_CERTIFICATE,
                .verify = 9,
                .certificate_issuer = "O=Zscaler Inc.",
                .now = EARLY},
            "CLOCK_BEHIND"},
        {"an early clock before a token server",
            {.rung = RUNG_TOKEN, .sys = "CERTIFICATE", .now = EARLY}, "CLOCK_BEHIND"},
        {"a good clock before a token server",
            {.rung = RUNG_TOKEN, .sys = "CERTIFICATE", .now = NOW}, NULL},
        {"an early clock and a token server that is away",
            {.rung = RUNG_TOKEN, .sys = "ETIMEDOUT", .now = EARLY}, NULL},
        {"a good clock", {.rung = RUNG_CERTIFICATE, .verify = 10, .now = NOW}, NULL},
        {"an early clock says nothing about a login",
            {.rung = RUNG_AUTH, .sys = "EOF", .now = EARLY}, NULL},
        {"a firewall",
            {.rung = RUNG_CERTIFICATE,
                .verify = 20,
                .certificate_issuer = "O=Fortinet, CN=FG100FTK",
                .now = NOW},
            "TLS_INTERCEPTED"},
        {"a virus scanner",
            {.rung = RUNG_CERTIFICATE,
                .verify = 19,
                .certificate_issuer = "CN=Avast Web/Mail Shield Root",
                .now = NOW},
            "TLS_INTERCEPTED"},
        {"an issuer of one's own",
            {.rung = RUNG_CERTIFICATE,
                .verify = 20,
                .certificate_issuer = "CN=Verein CA",
                .now = NOW},
            NULL},
        {"a sign-in page",
            {.rung = RUNG_CERTIFICATE,
                .verify = 62,
                .certificate_names = "wifi.hotel.example",
                .now = NOW},
            "CAPTIVE_PORTAL"},
        {"a sign-in page by its subject",
            {.rung = RUNG_CERTIFICATE,
                .verify = 62,
                .certificate_subject = "CN=hotspot.bahn.example",
                .now = NOW},
            "CAPTIVE_PORTAL"},
        {"another mail server",
            {.rung = RUNG_CERTIFICATE,
                .verify = 62,
                .certificate_names = "*.kasserver.com",
                .now = NOW},
            NULL},
        {"a word inside another is none",
            {.rung = RUNG_CERTIFICATE,
                .verify = 62,
                .certificate_names = "mail.guestbook.example",
                .now = NOW},
            NULL},
        {"a redirect", {.rung = RUNG_GREETING, .text = "HTTP/1.0 307 Moved", .now = NOW},
            "CAPTIVE_PORTAL"},
        {"any other page", {.rung = RUNG_GREETING, .text = "HTTP/1.1 200 OK", .now = NOW}, NULL},
        {"a mail server that mentions one",
            {.rung = RUNG_GREETING, .text = "554 see http/1.1 302", .now = NOW}, NULL},
        {"one port blocked",
            {.rung = RUNG_CONNECT,
                .sys = "ETIMEDOUT",
                .now = NOW,
                .sibling = {SIBLING_OPEN, FALSE, 0}},
            "PORT_BLOCKED"},
        {"one port refused",
            {.rung = RUNG_CONNECT,
                .sys = "ECONNREFUSED",
                .now = NOW,
                .sibling = {SIBLING_OPEN, FALSE, 0}},
            "PORT_BLOCKED"},
        {"no way there at all",
            {.rung = RUNG_CONNECT,
                .sys = "ENETUNREACH",
                .now = NOW,
                .sibling = {SIBLING_CLOSED, FALSE, 0}},
            NULL},
        {"both silent",
            {.rung = RUNG_CONNECT,
                .sys = "ETIMEDOUT",
                .now = NOW,
                .sibling = {SIBLING_CLOSED, TRUE, 0}},
            "MAIL_PORTS_BLOCKED"},
        {"one silent, one refused",
            {.rung = RUNG_CONNECT,
                .sys = "ETIMEDOUT",
                .now = NOW,
                .sibling = {SIBLING_CLOSED, FALSE, 0}},
            NULL},
        {"both refused",
            {.rung = RUNG_CONNECT,
                .sys = "ECONNREFUSED",
                .now = NOW,
                .sibling = {SIBLING_CLOSED, FALSE, 0}},
            NULL},
        {"not looked at yet", {.rung = RUNG_CONNECT, .sys = "ETIMEDOUT", .now = NOW}, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *sys = suspicion_sys(&cases[i].suspect);
        if (g_strcmp0(sys, cases[i].sys) != 0)
            fail_msg("%s: %s", cases[i].name, sys != NULL ? sys : "nothing");
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_the_providers_fault_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
