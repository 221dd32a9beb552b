#include "diagnosis/signs.h"

#include "base/text.h"

#include <string.h>

typedef struct {
    const char *phrase;
    Sign sign;
} SignRow;

#define DNS(name)                   \
    {                               \
        .phase = "dns", .sys = name \
    }
#define CONNECT(name)                   \
    {                                   \
        .phase = "connect", .sys = name \
    }
#define ANYWHERE(name) \
    {                  \
        .sys = name    \
    }
#define CERTIFICATE(number)              \
    {                                    \
        .phase = "tls", .verify = number \
    } /* X509_V_ERR_* */
#define AT(step, name)             \
    {                              \
        .phase = step, .sys = name \
    }
#define TLS(reason)                   \
    {                                 \
        .phase = "tls", .tls = reason \
    }

/* The first that is found counts: what is precise stands before what is vague. Words of OpenSSL,
 * GnuTLS, Go, Java, .NET, Python, Node.js, PHP, curl, Postfix, Exim and the systems' errno texts.
 */
static const SignRow signs[] = {
    /* certificates */
    {"z is before 2", CERTIFICATE(9)}, /* Go: "current time …Z is before 2027-…" */
    {"certificate is not yet valid", CERTIFICATE(9)},
    {"cert_not_yet_valid", CERTIFICATE(9)},
    {"certificatenotyetvalid", CERTIFICATE(9)},
    {"certificate has expired", CERTIFICATE(10)},
    {"certificate expired", CERTIFICATE(10)},
    {"certificate is expired", CERTIFICATE(10)},
    {"cert_has_expired", CERTIFICATE(10)},
    {"certificateexpired", CERTIFICATE(10)},
    {"notafter:", CERTIFICATE(10)},
    {"self signed certificate", CERTIFICATE(18)},
    {"self-signed certificate", CERTIFICATE(18)},
    {"self_signed_cert", CERTIFICATE(18)},
    {"depth_zero_self", CERTIFICATE(18)},
    {"ip address mismatch", CERTIFICATE(64)},
    {"cannot validate certificate for", CERTIFICATE(64)},
    {"doesn't contain any ip sans", CERTIFICATE(64)},
    {"no subject alternative names matching ip", CERTIFICATE(64)},
    {"hostname mismatch", CERTIFICATE(62)},
    {"host name mismatch", CERTIFICATE(62)},
    {"hostname doesn't match", CERTIFICATE(62)},
    {"hostname does not match", CERTIFICATE(62)},
    {"does not match hostname", CERTIFICATE(62)},
    {"does not match host name", CERTIFICATE(62)},
    {"does not match target host", CERTIFICATE(62)},
    {"certificatenamemismatch", CERTIFICATE(62)},
    {"certificate is valid for", CERTIFICATE(62)},
    {"certificate is not valid for", CERTIFICATE(62)},
    {"did not match expected cn", CERTIFICATE(62)},
    {"no alternative certificate subject name", CERTIFICATE(62)},
    {"not found in certificate", CERTIFICATE(62)},
    {"no subject alternative dns name matching", CERTIFICATE(62)},
    {"no name matching", CERTIFICATE(62)},
    {"err_tls_cert_altname", CERTIFICATE(62)},
    {"does not match certificate's altnames", CERTIFICATE(62)},
    {"unable to get local issuer", CERTIFICATE(20)},
    {"unable to get issuer", CERTIFICATE(20)},
    {"unable_to_get_issuer", CERTIFICATE(20)},
    {"unable to verify the first certificate", CERTIFICATE(21)},
    {"unable_to_verify_leaf", CERTIFICATE(21)},
    {"unknown authority", CERTIFICATE(20)},
    {"unknown ca", CERTIFICATE(20)},
    {"unknown issuer", CERTIFICATE(20)},
    {"issuer is unknown", CERTIFICATE(20)},
    {"known issuer", CERTIFICATE(20)},
    {"pkix path building failed", CERTIFICATE(20)},
    {"untrustedroot", CERTIFICATE(20)},
    {"partialchain", CERTIFICATE(20)},
    {"certificate revoked", CERTIFICATE(23)},
    {"certificate has been revoked", CERTIFICATE(23)},
    {"key too small", CERTIFICATE(66)},
    {"key too weak", CERTIFICATE(66)},
    {"md too weak", CERTIFICATE(68)},
    {"unsuitable certificate purpose", CERTIFICATE(26)},
    {"server certificate not trusted", CERTIFICATE(20)},
    {"certificate verification failed", TLS("certificate verify failed")},
    {"certificate verify failed", TLS("certificate verify failed")},
    {"remote certificate is invalid", TLS("certificate verify failed")},
    /* TLS */
    {"wrong version number", TLS("wrong version number")},
    {"wrong_version_number", TLS("wrong version number")},
    {"packet length too long", TLS("packet length too long")},
    {"first record does not look like a tls", TLS("wrong version number")},
    {"unrecognized ssl message", TLS("wrong version number")},
    {"unexpected tls packet", TLS("wrong version number")},
    {"unsupported or unrecognized ssl", TLS("wrong version number")},
    {"unexpected packet format", TLS("wrong version number")},
    {"http request", TLS("http request")},
    {"unknown protocol", TLS("unknown protocol")},
    {"protocol version", TLS("tlsv1 alert protocol version")},
    {"unsupported protocol", TLS("unsupported protocol")},
    {"unsupported_protocol", TLS("unsupported protocol")},
    {"protocol is disabled or cipher suites", TLS("sslv3 alert handshake failure")},
    {"dh key too small", TLS("dh key too small")},
    {"no shared cipher", TLS("sslv3 alert handshake failure")},
    {"handshake failure", TLS("sslv3 alert handshake failure")},
    {"handshake_failure", TLS("sslv3 alert handshake failure")},
    {"certificate required", TLS("tlsv13 alert certificate required")},
    {"unexpected eof while reading", TLS("unexpected eof while reading")},
    /* steps that a mail program found closed */
    {"tls is required, but was not offered", AT("starttls", "STARTTLS_NOT_OFFERED")},
    {"tls is required but was not offered", AT("starttls", "STARTTLS_NOT_OFFERED")},
    {"starttls extension not supported", AT("starttls", "STARTTLS_NOT_OFFERED")},
    {"starttls not supported", AT("starttls", "STARTTLS_NOT_OFFERED")},
    {"does not support starttls", AT("starttls", "STARTTLS_NOT_OFFERED")},
    {"doesn't support starttls", AT("starttls", "STARTTLS_NOT_OFFERED")},
    {"does not advertise starttls", AT("starttls", "STARTTLS_NOT_OFFERED")},
    {"starttls is required but host", AT("starttls", "STARTTLS_NOT_OFFERED")},
    {"starttls_not_offered", AT("starttls", "STARTTLS_NOT_OFFERED")},
    {"server does not support secure connections", AT("starttls", "STARTTLS_NOT_OFFERED")},
    {"no mechanism available", AT("auth", "NO_COMMON_AUTH_MECHANISM")},
    {"no suitable authentication method", AT("auth", "NO_COMMON_AUTH_MECHANISM")},
    {"no_common_auth_mechanism", AT("auth", "NO_COMMON_AUTH_MECHANISM")},
    {"auth extension not supported", AT("auth", "AUTH_NOT_OFFERED")},
    {"server doesn't support auth", AT("auth", "AUTH_NOT_OFFERED")},
    {"server does not support auth", AT("auth", "AUTH_NOT_OFFERED")},
    {"auth_not_offered", AT("auth", "AUTH_NOT_OFFERED")},
    {"greeting_timeout", AT("greeting", "GREETING_TIMEOUT")},
    {"greeting never received", AT("greeting", "GREETING_TIMEOUT")},
    {"timed out while receiving the initial server greeting", AT("greeting", "GREETING_TIMEOUT")},
    {"timed out while sending end of data", AT("after_data", "DATA_TIMEOUT")},
    {"data_timeout", AT("after_data", "DATA_TIMEOUT")},
    /* names */
    {"nxdomain", DNS("NXDOMAIN")},
    {"no such host", DNS("NXDOMAIN")},
    {"unknownhostexception", DNS("NXDOMAIN")},
    {"enotfound", DNS("NXDOMAIN")},
    {"eai_noname", DNS("EAI_NONAME")},
    {"name or service not known", DNS("EAI_NONAME")},
    {"nodename nor servname", DNS("EAI_NONAME")},
    {"host or domain name not found", DNS("NXDOMAIN")},
    {"could not resolve host", DNS("EAI_NONAME")},
    {"cannot locate host", DNS("EAI_NONAME")},
    {"remote name could not be resolved", DNS("EAI_NONAME")},
    {"getaddrinfo failed", DNS("EAI_NONAME")},
    {"host not found", DNS("NXDOMAIN")},
    {"eai_nodata", DNS("EAI_NODATA")},
    {"no address associated with", DNS("EAI_NODATA")},
    {"eai_again", DNS("EAI_AGAIN")},
    {"temporary failure in name resolution", DNS("EAI_AGAIN")},
    {"host not found, try again", DNS("EAI_AGAIN")},
    {"servfail", DNS("SERVFAIL")},
    {"server misbehaving", DNS("SERVFAIL")},
    /* connections */
    {"econnrefused", CONNECT("ECONNREFUSED")},
    {"connection refused", CONNECT("ECONNREFUSED")},
    {"actively refused", CONNECT("ECONNREFUSED")},
    {"wsaeconnrefused", CONNECT("ECONNREFUSED")},
    {"enetunreach", CONNECT("ENETUNREACH")},
    {"network is unreachable", CONNECT("ENETUNREACH")},
    {"network unreachable", CONNECT("ENETUNREACH")},
    {"unreachable network", CONNECT("ENETUNREACH")},
    {"ehostunreach", CONNECT("EHOSTUNREACH")},
    {"no route to host", CONNECT("EHOSTUNREACH")},
    {"unreachable host", CONNECT("EHOSTUNREACH")},
    {"eacces", CONNECT("EACCES")},
    {"eperm", CONNECT("EPERM")},
    {"permission denied", CONNECT("EACCES")},
    {"forbidden by its access permissions", CONNECT("EACCES")},
    {"operation not permitted", CONNECT("EPERM")},
    {"etimedout", CONNECT("ETIMEDOUT")},
    {"connection timed out", CONNECT("ETIMEDOUT")},
    {"connect timed out", CONNECT("ETIMEDOUT")},
    {"connection timeout", CONNECT("ETIMEDOUT")},
    {"operation timed out", CONNECT("ETIMEDOUT")},
    {"i/o timeout", CONNECT("ETIMEDOUT")},
    {"did not properly respond", CONNECT("ETIMEDOUT")},
    {"semaphore timeout", CONNECT("ETIMEDOUT")},
    {"unable to establish smtp connection", CONNECT("ETIMEDOUT")},
    {"wasn't able to establish an smtp connection", CONNECT("ETIMEDOUT")},
    {"timed out", ANYWHERE("ETIMEDOUT")},
    {"econnreset", ANYWHERE("ECONNRESET")},
    {"connection reset", ANYWHERE("ECONNRESET")},
    {"forcibly closed", ANYWHERE("ECONNRESET")},
    {"epipe", ANYWHERE("EPIPE")},
    {"broken pipe", ANYWHERE("EPIPE")},
    {"lost connection", ANYWHERE("EOF")},
    {"connection unexpectedly closed", ANYWHERE("EOF")},
    {"server disconnected", ANYWHERE("EOF")},
    {"remote host closed connection", ANYWHERE("EOF")},
    {"connection closed by", ANYWHERE("EOF")},
    {"closed the connection", ANYWHERE("EOF")},
    {"connection died", ANYWHERE("EOF")},
    {"unexpected eof", ANYWHERE("EOF")},
};

const Sign *sign_find(const char *folded)
{
    for (gsize i = 0; i < G_N_ELEMENTS(signs); i++) {
        if (strstr(folded, signs[i].phrase) != NULL)
            return &signs[i].sign;
    }
    return NULL;
}

/* --- at which step -----------------------------------------------------------------------------
 */

typedef struct {
    const char *words, *phase;
} PhaseWords;

/* How mail programs name the step. In this order: "end of DATA" before "DATA". */
static const PhaseWords step_words[] = {
    {"in reply to end of data", "after_data"},
    {"after end of data", "after_data"},
    {"after transfer of mail text", "after_data"},
    {"for text command", "after_data"},
    {"smtpdataerror", "after_data"},
    {"while sending message body", "after_data"},
    {"while sending end of data", "after_data"},
    {"in reply to data", "data"},
    {"after data", "data"},
    {"in reply to rcpt to", "rcpt_to"},
    {"after rcpt to", "rcpt_to"},
    {"after pipelined rcpt to", "rcpt_to"},
    {"for rcpt to command", "rcpt_to"},
    {"smtprecipientsrefused", "rcpt_to"},
    {"command: 'rcpt to'", "rcpt_to"},
    {"while sending rcpt to", "rcpt_to"},
    {"does not like recipient", "rcpt_to"},
    {"in reply to mail from", "mail_from"},
    {"after mail from", "mail_from"},
    {"after pipelined mail from", "mail_from"},
    {"for mail from command", "mail_from"},
    {"smtpsenderrefused", "mail_from"},
    {"command: 'mail from'", "mail_from"},
    {"while sending mail from", "mail_from"},
    {"sender was rejected", "mail_from"},
    {"performing the ehlo handshake", "ehlo"},
    {"performing the helo handshake", "ehlo"},
    {"in reply to ehlo", "ehlo"},
    {"in reply to helo", "ehlo"},
    {"after ehlo", "ehlo"},
    {"after helo", "ehlo"},
    {"smtpheloerror", "ehlo"},
    {"in reply to starttls", "starttls"},
    {"after starttls", "starttls"},
    {"sasl authentication failed", "auth"},
    {"in reply to auth", "auth"},
    {"after auth", "auth"},
    {"authenticationerror", "auth"},
    {"authenticationfailedexception", "auth"},
    {"authenticationexception", "auth"},
    {"invalid login", "auth"},
    {"could not authenticate", "auth"},
    {"failed to authenticate", "auth"},
    {"authenticator failed", "auth"},
    {"command: 'auth", "auth"},
    {"refused to talk to me", "greeting"},
    {"after initial connection", "greeting"},
    {"receiving the initial server greeting", "greeting"},
    {"in greeting", "greeting"},
    {"greeting failed", "greeting"},
    {"smtpconnecterror", "greeting"},
};

/* What a client sends, at the start of a transcript's line behind its label. */
static const PhaseWords commands[] = {
    {"mail from:", "mail_from"},
    {"rcpt to:", "rcpt_to"},
    {"auth ", "auth"},
    {"data", "data"},
    {"bdat ", "after_data"},
    {"starttls", "starttls"},
    {"ehlo ", "ehlo"},
    {"helo ", "ehlo"},
};

static const char *const client_labels[] = {
    "client -> server:", "client:", "c:", ">>>", "sent:", "-->", "->", "~>", "=>", "cmd:", "out:"};

/* Behind the label of a transcript's client line; NULL: it has none. */
static const char *behind_label(const char *line)
{
    for (gsize i = 0; i < G_N_ELEMENTS(client_labels); i++) {
        const char *label = strstr(line, client_labels[i]);
        if (label != NULL) {
            label += strlen(client_labels[i]);
            return label + strspn(label, " \t\"'");
        }
    }
    return NULL;
}

static const char *phase_of_command(const char *line)
{
    const char *command = behind_label(line);
    for (gsize i = 0; command != NULL && i < G_N_ELEMENTS(commands); i++) {
        if (g_str_has_prefix(command, commands[i].words))
            return commands[i].phase;
    }
    return NULL;
}

const char *sign_phase(const char *folded)
{
    for (gsize i = 0; i < G_N_ELEMENTS(step_words); i++) {
        if (strstr(folded, step_words[i].words) != NULL)
            return step_words[i].phase;
    }
    return phase_of_command(folded);
}

static const PhaseWords names[] = {
    {"config", "config"},
    {"dns", "dns"},
    {"resolve", "dns"},
    {"connect", "connect"},
    {"connection", "connect"},
    {"tcp", "connect"},
    {"greeting", "greeting"},
    {"banner", "greeting"},
    {"ehlo", "ehlo"},
    {"helo", "ehlo"},
    {"starttls", "starttls"},
    {"tls", "tls"},
    {"ssl", "tls"},
    {"handshake", "tls"},
    {"certificate", "tls"},
    {"auth", "auth"},
    {"login", "auth"},
    {"oauth", "token"},
    {"token", "token"},
    {"mail_from", "mail_from"},
    {"mail from", "mail_from"},
    {"mail", "mail_from"},
    {"sender", "mail_from"},
    {"rcpt_to", "rcpt_to"},
    {"rcpt to", "rcpt_to"},
    {"rcpt", "rcpt_to"},
    {"recipient", "rcpt_to"},
    {"data", "data"},
    {"after_data", "after_data"},
    {"end_of_data", "after_data"},
    {"end of data", "after_data"},
    {"eod", "after_data"},
    {"dot", "after_data"},
    {"bounce", "bounce"},
    {"dsn", "bounce"},
};

const char *sign_phase_name(const char *name)
{
    for (gsize i = 0; name != NULL && i < G_N_ELEMENTS(names); i++) {
        if (text_equal_nocase(names[i].words, name))
            return names[i].phase;
    }
    return NULL;
}
