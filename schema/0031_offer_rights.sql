-- SPDX-License-Identifier: Apache-2.0
-- The API loads the whole catalogue as turnpike_catalogue, offers and holdings included.

grant select on catalog.offer, catalog.holding to turnpike_catalogue;
