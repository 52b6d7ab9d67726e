/* Standard output and standard error; see output.h. Buffered output can fail as late as at the close, so every step is checked. */
#include "tools/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void out_prepare(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* open() takes the lowest free number, which is fd: those below are open by now. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
    }
    signal(SIGPIPE, SIG_IGN);
}

static rt_status write_failed(rt_error *err) {
    return rt_fail(err, RT_ERR_WRITE, "standard output: cannot write (%s)", strerror(errno));
}

rt_status out_write(const rt_text *text, rt_error *err) {
    if (text->n == 0) return RT_OK;
    if (fwrite(text->v, 1, text->n, stdout) != text->n || fflush(stdout) != 0) return write_failed(err);
    return RT_OK;
}

rt_status out_close(rt_error *err) {
    const int earlier = ferror(stdout);
    if (fclose(stdout) != 0 || earlier) return write_failed(err);
    return RT_OK;
}

void out_message(const char *format, ...) {
    static const char hex[] = "0123456789abcdef";
    char message[RT_ERROR_SIZE], line[4 * RT_ERROR_SIZE + 8] = "t5k: ";
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    char *p = line + strlen(line);
    for (const char *m = message; *m != '\0'; m++) {
        const unsigned char c = (unsigned char)*m;
        if (c >= 0x20 && c != 0x7f) {
            *p++ = *m;
        } else {
            *p++ = '\\', *p++ = 'x', *p++ = hex[c >> 4], *p++ = hex[c & 15];
        }
    }
    *p++ = '\n';
    fwrite(line, 1, (size_t)(p - line), stderr);
}

rt_status out_print(rt_text *text, rt_error *err, const char *format, ...) {
    char bytes[256];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(bytes, sizeof bytes, format, args);
    va_end(args);
    const size_t shown = n < 0 ? 0 : (size_t)n < sizeof bytes ? (size_t)n : sizeof bytes - 1;
    return rt_text_append(text, bytes, shown, err);
}

rt_status out_ids(rt_text *text, const int32_t *ids, size_t n, rt_error *err) {
    for (size_t i = 0; i < n; i++) RT_TRY(out_print(text, err, i == 0 ? "%d" : " %d", ids[i]));
    return RT_OK;
}
