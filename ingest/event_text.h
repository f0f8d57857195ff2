// SPDX-License-Identifier: Apache-2.0
// One rule for every text from outside that people will read or keys are made of.
#pragma once
#include <string.h>

#include "common/text.h"

// Has it a C0 control, DEL or a C1 control (which CloudEvents forbids in strings)? The text must be valid UTF-8.
static inline bool event_text_has_control(struct slice text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    size_t i = 0;
    for (; text.length - i >= 8; i += 8) { // eight that are plain ASCII are passed over together
        uint64_t eight;
        memcpy(&eight, text.data + i, sizeof eight);
        uint64_t deleted = eight ^ (ones * 0x7f);
        if ((eight | ((eight - ones * 0x20) & ~eight) | ((deleted - ones) & ~deleted)) & tops) break;
    }
    for (; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f) return true;
        if (c == 0xc2 && i + 1 < text.length && (unsigned char)text.data[i + 1] < 0xa0) return true;
    }
    return false;
}
