/* What a data set's path tells about it. */
#ifndef TOOLS_EVAL_NAME_H
#define TOOLS_EVAL_NAME_H

#include "tools/eval_result.h"

/* Splits "sets/arc_easy/dev.tsv" into "arc_easy" and "dev", "squad-test.json.gz" into "squad" and "test", "qa.jsonl" into "qa" and "-": the
 * split is the first of the words dev, test, train, val and validation in the file's name, the data set is what stands before it, or the
 * folder where nothing does. A folder that holds dev.tsv or test.tsv has its name and that split. */
void eval_name_of(const char *path, char dataset[EVAL_NAME_SIZE], char split[EVAL_NAME_SIZE]);

#endif
