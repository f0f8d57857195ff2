// SPDX-License-Identifier: Apache-2.0
// One rule for every text from outside that people will read or keys are made of.
#pragma once
#include "common/text.h"

// Has it a C0 control, DEL or a C1 control (which CloudEvents forbids in strings)? The text must be valid UTF-8.
static inline bool event_text_has_control(struct slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f) return true;
        if (c == 0xc2 && i + 1 < text.length && (unsigned char)text.data[i + 1] < 0xa0) return true;
    }
    return false;
}
