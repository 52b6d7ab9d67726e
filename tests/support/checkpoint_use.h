/* Opening checkpoints in tests, well or in vain, and using what has been opened. */
#ifndef TESTS_SUPPORT_CHECKPOINT_USE_H
#define TESTS_SUPPORT_CHECKPOINT_USE_H

#include "model/checkpoint/checkpoint.h"

/* Ends the test unless opening path fails so, with and without an rt_error. */
void refuse_checkpoint(const char *row, const char *path, rt_status expected, const char *message);

/* Ends the test unless path opens. */
ckpt_checkpoint *open_checkpoint(const char *row, const char *path);

/* Finds every tensor by its name and reads all of its bytes; returns the sum of the tensors' sizes. */
size_t use_checkpoint(const ckpt_checkpoint *checkpoint);

/* Opens, uses and closes; ends the test unless there are n_tensors. */
void open_and_use(const char *row, const char *path, size_t n_tensors);

/* Ends the test unless every tensor of `part` is in `whole` with the same type, shape and bytes, and there is one. */
void expect_contained(const ckpt_checkpoint *part, const ckpt_checkpoint *whole);

#endif
