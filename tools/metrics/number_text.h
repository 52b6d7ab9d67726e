/* Numbers as Python's float() reads and str() writes them. */
#ifndef TOOLS_METRICS_NUMBER_TEXT_H
#define TOOLS_METRICS_NUMBER_TEXT_H

#include <stdbool.h>

#include "tools/slice.h"

enum { NUMBER_TEXT_SIZE = 32, NUMBER_TEXT_DIGITS = 512 };

/* Whether float(text) would take it: white space at the ends, a sign, digits with single underscores between them, a point, an exponent, or
 * inf, infinity, nan. ASCII digits only; no text above NUMBER_TEXT_DIGITS bytes counts as a number. */
bool number_read(slice text, double *value);

/* str(value): the fewest digits that read back as it, "3.0", "1e+16", "nan". Returns the length. */
size_t number_write(double value, char out[NUMBER_TEXT_SIZE]);

#endif
