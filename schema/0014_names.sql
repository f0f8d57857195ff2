-- SPDX-License-Identifier: Apache-2.0
-- Dimension sets are looked up by their tenant and hash alone: a second index would cost a rater as much as the first for
-- every name.

drop index rating.dimension_set_index;
