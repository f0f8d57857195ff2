// SPDX-License-Identifier: Apache-2.0
// A folder on local disk for the dedup indexes of this process, beside those of other raters of the machine. What is in
// it can be had again from PostgreSQL; folders of raters that are gone are removed. One thread.
#pragma once
#include "common/err.h"

struct index_folder;
// Makes `folder` and one in it for this process, locked as long as it lives. ERR_INVALID: not possible there.
enum err index_folder_open(const char *folder, struct index_folder **opened, struct fault *fault) MUST_USE;
const char *index_folder_path(const struct index_folder *index_folder); // of this process
void index_folder_close(struct index_folder *index_folder);             // removes it; NULL is fine
