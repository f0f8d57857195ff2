-- SPDX-License-Identifier: Apache-2.0
-- Prices that hold at some times only, by the clocks of a zone; and prices that end without another one.

alter table catalog.price
    add column hours text not null default '',
    add column withdrawn boolean not null default false,
    drop constraint price_version_key,
    add constraint price_version_key unique (price_book, sku, match, hours, effective_from),
    add constraint price_hours check (hours = '' or hours ~ '^[^ ]+ [a-z0-9,-]+ [0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$');
comment on column catalog.price.hours is
    'when it holds: zone, days or dates, from-to on local clocks ("Europe/Berlin mon,tue 18:00-08:00"); empty = always';
comment on column catalog.price.withdrawn is
    'from effective_from on there is no price of this match and hours; its terms mean nothing';
comment on column catalog.price.effective_to is
    'end, half-open; null = until the next version of the same (book, SKU, match, hours)';
