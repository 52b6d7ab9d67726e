/* A text as a file: there in full or not at all. */
#ifndef TOOLS_TEXT_FILE_H
#define TOOLS_TEXT_FILE_H

#include "runtime/buffer.h"

/* Writes a temporary file in the same folder, syncs it and gives it the name, in place of what had it. RT_ERR_WRITE leaves no file behind and
 * what was there as it was. */
rt_status text_file_write(const char *path, const rt_text *text, rt_error *err);

/* RT_ERR_WRITE now if that cannot succeed later: no such folder, no permission, or path is a folder or a device. */
rt_status text_file_check(const char *path, rt_error *err);

#endif
