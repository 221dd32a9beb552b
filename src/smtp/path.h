/* The arguments of MAIL and RCPT, read strictly (RFC 5321 4.1.1.2, 4.1.1.3 and 4.1.2): no space
 * after the colon, no source route, nothing between path and parameters but one space. */
#pragma once

#include <glib.h>

typedef enum {
    SMTP_PATH_OK = 0,
    SMTP_PATH_SYNTAX,  /* not PREFIX:<path>[ SP parameters] */
    SMTP_PATH_ADDRESS, /* what stands between '<' and '>' is no address */
} SmtpPathResult;

/* prefix: "FROM:" or "TO:", any case. On OK *address is the addr-spec as it was written ("" for
 * "<>", which only is_reverse allows; the caller frees) and *parameters points behind the path, at
 * "" or at the first parameter. */
SmtpPathResult smtp_path_read(const char *text, const char *prefix, gboolean is_reverse,
    char **address, const char **parameters);
