/* Well-known first bytes of files that end up under a model's name; see file_guess.h. */
#include "model/file_guess.h"

#include <string.h>
#include <strings.h>

typedef struct signature {
    const char *bytes;
    size_t n_bytes;
    const char *meaning;
} signature;

#define SIGNATURE(text, meaning) {text, sizeof(text) - 1, meaning}

static const signature signatures[] = {
    SIGNATURE("version https://git-lfs", "a Git LFS pointer, not the file itself: fetch it with git lfs pull"),
    SIGNATURE("<!doctype", "a web page, not the file itself: download it again"),
    SIGNATURE("<html", "a web page, not the file itself: download it again"),
    SIGNATURE("<?xml", "an XML answer of a server, not the file itself: download it again"),
    SIGNATURE("PK\x03\x04", "a zip archive, as PyTorch's .bin files are"),
    SIGNATURE("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9", "a PyTorch file of the form before 1.6"),
    SIGNATURE("GGUF", "a GGUF file"),
    SIGNATURE("\x89HDF\r\n", "an HDF5 file, as TensorFlow's .h5 files are"),
    SIGNATURE("\x1f\x8b", "a gzip file"),
};

const char *t5_file_guess(const uint8_t *data, size_t n_bytes) {
    while (n_bytes > 0 && (*data == ' ' || *data == '\n' || *data == '\r' || *data == '\t')) data++, n_bytes--;
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const signature *s = &signatures[i];
        if (n_bytes >= s->n_bytes && strncasecmp((const char *)data, s->bytes, s->n_bytes) == 0) return s->meaning;
    }
    return NULL;
}
