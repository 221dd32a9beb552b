/* Which media type a file's name speaks of. Private to mime/. */
#pragma once

/* The type of the extension, "application/octet-stream" without one that is known. file_name may be
 * NULL. Static storage. */
const char *mime_file_type(const char *file_name);
