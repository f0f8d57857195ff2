// SPDX-License-Identifier: Apache-2.0
// Documents for people: text and printable HTML drawn from the frozen body and its envelope. Pure: the same bytes give
// the same drawing, no clock, no catalogue. Nothing is computed anew but quantities in pricing units, which are for
// reading only.
#pragma once
#include "invoicing/document.h"

struct document_drawing {
    struct slice body, envelope;                 // canonical JSON, as stored
    const struct document_party *seller, *buyer; // NULL: the details were erased; the id in the body is shown
    bool is_void;
};

// At most DOCUMENT_TEXT_COLUMNS characters a line, lines end in LF, control characters and characters that change the
// direction of writing are replaced. ERR_INVALID: body or envelope is not what document_body and
// document_envelope_print make; out is as it was.
enum { DOCUMENT_TEXT_COLUMNS = 100 };
enum err document_draw_text(const struct document_drawing *drawing, struct text *out, struct fault *fault) MUST_USE;
// A whole HTML page without scripts, links, images or anything to load; everything from outside is escaped. Errors as
// above.
enum err document_draw_html(const struct document_drawing *drawing, struct text *out, struct fault *fault) MUST_USE;
