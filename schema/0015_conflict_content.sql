-- SPDX-License-Identifier: Apache-2.0
-- The dedup index keeps 32 bits of a content's hash.
comment on column rating.conflict.first_content is
    'first 32 bits of the content hash of the event that counted, the low 32 bits 0';
