/* SMTP settings as columns: what the slots and the history both keep of them. */
#pragma once

#include "settings/settings.h"
#include "store/db.h"

#define SETTINGS_COLUMNS                                                                  \
    "host, port, security, username, from_email, from_name, ehlo_name, max_connections, " \
    "send_window, quota_per_minute, quota_per_hour, quota_per_day, password_sealed, "     \
    "password_set_at"
#define SETTINGS_COLUMNS_COUNT 14

/* From the row at hand; first: the column of `host`. The caller frees with settings_free. */
SmtpSettings *settings_columns_read(DbQuery *q, int first);

/* first: the number of the parameter of `host`. */
void settings_columns_bind(DbQuery *q, int first, const SmtpSettings *settings);
