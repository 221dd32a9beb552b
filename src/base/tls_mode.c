#include "base/tls_mode.h"

#include <string.h>

const char *tls_mode_name(TlsMode mode)
{
    switch (mode) {
    case TLS_MODE_STARTTLS:
        return "starttls";
    case TLS_MODE_IMPLICIT:
        return "implicit";
    }
    g_assert_not_reached();
}

gboolean tls_mode_parse(const char *name, TlsMode *mode)
{
    for (TlsMode each = TLS_MODE_STARTTLS; each <= TLS_MODE_IMPLICIT; each++) {
        if (g_strcmp0(name, tls_mode_name(each)) == 0) {
            *mode = each;
            return TRUE;
        }
    }
    return FALSE;
}

TlsMode tls_mode_for_port(guint16 port)
{
    return port == 465 || port == 2465 ? TLS_MODE_IMPLICIT : TLS_MODE_STARTTLS;
}
