/* What a file of the wrong kind looks like, to tell the user what to do about it. */
#ifndef MODEL_FILE_GUESS_H
#define MODEL_FILE_GUESS_H

#include <stddef.h>
#include <stdint.h>

/* "a Git LFS pointer ..." and the like from the first bytes, or NULL where nothing is recognised. */
const char *t5_file_guess(const uint8_t *data, size_t n_bytes);

#endif
