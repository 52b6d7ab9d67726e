/* Reports as files; see report.h. */
#include <sys/stat.h>

#include "tools/new_file.h"
#include "tools/report.h"

rt_status report_file_check(const char *path, rt_error *err) {
    char shown[RT_QUOTE_SIZE];
    struct stat st;
    new_file file;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        return rt_fail(err, RT_ERR_WRITE, "%s: cannot write (it is not a regular file)", rt_quote_path(shown, path));
    }
    const rt_status status = new_file_create(&file, path, err);
    new_file_discard(&file);
    return status;
}

rt_status report_file_write(const char *path, const rt_text *text, rt_error *err) {
    new_file file;
    rt_status status = new_file_create(&file, path, err);
    if (status == RT_OK) status = new_file_write(&file, text->v, text->n, err);
    if (status == RT_OK) status = new_file_commit(&file, err);
    new_file_discard(&file);
    return status;
}
