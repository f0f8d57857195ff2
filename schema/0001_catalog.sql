-- SPDX-License-Identifier: Apache-2.0
-- What is sold, to whom, at which price. Every table is append-only: a row is never changed or removed; what is in force at
-- catalogue version V and instant T is the row with the highest version <= V among those with the highest effective_from <= T.

create schema catalog;

-- The catalogue version counter: one row. apply updates it first in its transaction, so versions are ordered as they commit.
create table catalog.version (
    only_row boolean not null default true, -- always true: makes the row the only one
    version bigint not null,                -- number of the newest committed catalogue version; 0 = empty
    constraint version_pk primary key (only_row),
    constraint version_one_row check (only_row)
);
insert into catalog.version (version) values (0);

-- One row per apply that changed something.
create table catalog.change (
    version bigint not null,                                 -- the catalogue version that this apply made
    applied_time timestamptz not null default clock_timestamp(), -- when apply ran (database clock)
    applied_by text not null default session_user,           -- database login that ran it
    summary text not null,                                   -- counts of what changed, for people
    digest bytea not null,                                   -- SHA-256 over the canonical form of all rows added, in order
    constraint change_pk primary key (version)
);

-- Services sold, with their FOCUS categories.
create table catalog.service (
    service integer not null,  -- number of the service inside this database; the same id keeps its number
    version bigint not null,   -- catalogue version that wrote the row
    id text not null,          -- id from the catalogue files
    name text not null,        -- name for people
    category text not null,    -- FOCUS 1.2 ServiceCategory
    subcategory text not null, -- FOCUS 1.2 ServiceSubcategory, one of its category
    constraint service_pk primary key (service, version),
    constraint service_change_fk foreign key (version) references catalog.change
);

-- Meters: what turns events of a type into a quantity. Chosen by event time.
create table catalog.meter (
    meter integer not null,              -- number of the meter inside this database; the same id keeps its number
    effective_from timestamptz not null, -- event time from which this row applies; -infinity for the first
    version bigint not null,             -- catalogue version that wrote the row
    id text not null,                    -- id from the catalogue files
    name text not null,                  -- name for people
    event_type text not null,            -- CloudEvents type that it takes
    aggregation text not null,           -- sum, count, max, latest, or interval (a resource that runs from one event to another)
    value_property text,                 -- member of data that holds the value, an exact decimal; interval: the size while running (absent = 1)
    resource_property text,              -- interval: member of data that names the resource
    state_property text,                 -- interval: member of data that holds the new state
    running_states text[] not null default '{}', -- interval: states from which on the resource accrues (a resize is one, too)
    stopped_states text[] not null default '{}', -- interval: states from which on it does not
    dimensions text[] not null default '{}',     -- members of data that tell usage records apart and choose prices; sorted
    unit text not null,                  -- unit of the quantity; an interval of size v accrues v x seconds
    evaluation_window text not null default 'slot', -- max and latest: merged within slot, day or period of the account, then summed over the period
    slot_minutes smallint not null default 15,   -- grain of its usage records in minutes of UTC
    accept_days integer not null default 35,     -- accept window: event_time may be so many days before received_time
    future_seconds integer not null default 300, -- event_time may be so many seconds after received_time
    constraint meter_pk primary key (meter, effective_from, version),
    constraint meter_change_fk foreign key (version) references catalog.change,
    constraint meter_aggregation check (aggregation in ('sum', 'count', 'max', 'latest', 'interval')),
    constraint meter_window check (evaluation_window in ('slot', 'day', 'period')),
    constraint meter_slot check (slot_minutes in (1, 5, 15)),
    constraint meter_accept check (accept_days between 1 and 400),
    constraint meter_future check (future_seconds between 0 and 86400),
    constraint meter_value check (aggregation not in ('sum', 'max', 'latest') or value_property is not null),
    constraint meter_interval check (aggregation <> 'interval' or (resource_property is not null
        and state_property is not null and cardinality(running_states) > 0 and cardinality(stopped_states) > 0)),
    constraint meter_slot_bound check (effective_from = '-infinity' or extract(epoch from effective_from)::bigint % 900 = 0)
);

-- What is sold: a SKU belongs to a service and prices the quantity of one meter.
create table catalog.sku (
    sku integer not null,     -- number of the SKU inside this database; the same id keeps its number
    version bigint not null,  -- catalogue version that wrote the row
    id text not null,         -- id from the catalogue files
    service integer not null, -- service it belongs to (never changes)
    meter integer not null,   -- meter whose quantity it prices (never changes)
    name text not null,       -- name for people and invoice lines
    constraint sku_pk primary key (sku, version),
    constraint sku_change_fk foreign key (version) references catalog.change
);

-- Lists of prices in one currency; a SKU without a price in a book is looked up in its parent.
create table catalog.price_book (
    price_book integer not null, -- number of the book inside this database; the same id keeps its number
    version bigint not null,     -- catalogue version that wrote the row
    id text not null,            -- id from the catalogue files
    name text not null,          -- name for people
    currency char(3) not null,   -- ISO 4217 code of its prices (never changes)
    parent integer,              -- book of the same currency that is asked next; the last of the chain is the list
    constraint price_book_pk primary key (price_book, version),
    constraint price_book_change_fk foreign key (version) references catalog.change
);

-- Price versions. A row is never overwritten: a change is a row with a later effective_from.
create table catalog.price (
    price bigint not null,               -- number of the price version; what charges name
    version bigint not null,             -- catalogue version that wrote the row
    price_book integer not null,         -- book it stands in
    sku integer not null,                -- SKU it prices
    match text not null,                 -- canonical JSON object of dimension values that usage must have; {} takes everything; most members win
    effective_from timestamptz not null, -- first slot it applies to, by event time; -infinity for the first version
    effective_to timestamptz,            -- end, half-open; null = until the next version of the same (book, SKU, match)
    model text not null,                 -- per_unit or graduated
    unit text not null,                  -- pricing unit as people say it: hour, GB-month, million requests
    per numeric(38, 9) not null,         -- how many units of the meter one pricing unit holds (3600 for a price per hour on seconds)
    unit_price numeric(38, 12),          -- per_unit: price of one pricing unit, in the book's currency
    minimum_seconds integer not null default 0, -- interval meters: each run (start to stop) is billed for at least so many seconds
    constraint price_pk primary key (price),
    constraint price_version_key unique (price_book, sku, match, effective_from),
    constraint price_change_fk foreign key (version) references catalog.change,
    constraint price_model check (model in ('per_unit', 'graduated')),
    constraint price_per check (per > 0),
    constraint price_minimum check (minimum_seconds between 0 and 86400),
    constraint price_unit_price check ((model = 'per_unit') = (unit_price is not null)),
    constraint price_order check (effective_to is null or effective_to > effective_from),
    constraint price_slot_bound check (effective_from = '-infinity' or extract(epoch from effective_from)::bigint % 900 = 0)
);

-- Tiers of graduated prices: unit n of the period belongs to the tier with previous up_to < n <= up_to.
create table catalog.price_tier (
    price bigint not null,              -- price version
    tier smallint not null,             -- 0, 1, 2 in rising order
    up_to numeric(38, 9),               -- inclusive upper bound in pricing units (times per = meter units, exact); null for the last
    unit_price numeric(38, 12) not null, -- price of one pricing unit in this tier; 0 = free tier
    constraint price_tier_pk primary key (price, tier),
    constraint price_tier_price_fk foreign key (price) references catalog.price
);

-- Who issues invoices: the operator of the cloud and the partners that resell.
create table catalog.seller (
    seller integer not null,         -- number of the seller inside this database; the same id keeps its number
    version bigint not null,         -- catalogue version that wrote the row
    id text not null,                -- id from the catalogue files
    name text not null,              -- legal name
    address text not null default '', -- postal address, lines separated by LF
    tax_id text not null default '', -- tax number as printed
    series text not null,            -- prefix of its invoice numbers; unique per seller
    account bigint,                  -- partners: the billing account through which it buys; null for the operator
    constraint seller_pk primary key (seller, version),
    constraint seller_change_fk foreign key (version) references catalog.change
);

-- Who pays. The terms are in agreement.
create table catalog.billing_account (
    account bigint not null,          -- number of the account inside this database; the same id keeps its number
    version bigint not null,          -- catalogue version that wrote the row
    id text not null,                 -- id from the catalogue files
    name text not null,               -- name of the payer
    address text not null default '', -- postal address, lines separated by LF
    tax_id text not null default '',  -- tax number as printed
    email text not null default '',   -- where documents go
    constraint billing_account_pk primary key (account, version),
    constraint billing_account_change_fk foreign key (version) references catalog.change
);

-- Seller, buyer and terms: one level of the partner chain. Changes at period starts.
create table catalog.agreement (
    agreement bigint not null,           -- number of the agreement: one per (seller, buyer)
    effective_from timestamptz not null, -- from when these terms hold; -infinity for the first
    version bigint not null,             -- catalogue version that wrote the row
    seller integer not null,             -- who issues the documents
    account bigint not null,             -- who pays them
    level smallint not null,             -- 0: the operator sells; 1: a partner of the operator sells; and so on
    price_book integer not null,         -- prices of this level
    currency char(3) not null,           -- ISO 4217; equals the book's (never changes)
    zone text not null,                  -- IANA time zone of the civil months that are its billing periods
    tax_name text not null default '',   -- name of the tax on documents
    tax_rate numeric(38, 12) not null default 0, -- tax as a fraction of the net (0.19)
    rounding text not null default 'half_up',    -- how documents round to the minor unit
    stages text not null default 'usage',        -- ordered deduction stages of the contract; only usage for now
    constraint agreement_pk primary key (agreement, effective_from, version),
    constraint agreement_change_fk foreign key (version) references catalog.change,
    constraint agreement_level check (level between 0 and 7),
    constraint agreement_tax check (tax_rate >= 0 and tax_rate <= 1),
    constraint agreement_rounding check (rounding in ('half_up', 'half_even', 'down', 'up'))
);

-- Who uses: the subject of events.
create table catalog.tenant (
    tenant bigint not null,  -- number of the tenant inside this database; never in anything that is hashed
    version bigint not null, -- catalogue version that wrote the row
    id text not null,        -- id as events and API name it
    name text not null,      -- name for people
    constraint tenant_pk primary key (tenant, version),
    constraint tenant_change_fk foreign key (version) references catalog.change
);
create index tenant_id_index on catalog.tenant (id);

-- Which account pays for a tenant, by event time. The first reaches back without limit.
create table catalog.membership (
    tenant bigint not null,              -- the tenant
    effective_from timestamptz not null, -- first slot that the account pays; -infinity for the first membership
    version bigint not null,             -- catalogue version that wrote the row
    account bigint not null,             -- the payer
    constraint membership_pk primary key (tenant, effective_from, version),
    constraint membership_change_fk foreign key (version) references catalog.change,
    constraint membership_slot_bound check (effective_from = '-infinity' or extract(epoch from effective_from)::bigint % 900 = 0)
);
create index membership_account_index on catalog.membership (account);

-- API keys: tpk_<key id>_<secret>. Only the SHA-256 of the secret is kept: it has 256 random bits.
create table catalog.api_key (
    key_id text not null,                     -- 16 hex digits; public part
    secret_hash bytea not null,               -- SHA-256 of the 64 hex digits of the secret
    scopes text[] not null,                   -- ingest: may send events; read: usage, spend, invoices; operate: everything, for operators
    every_tenant boolean not null default false, -- speaks for (ingest) or reads (operate) every tenant: the cloud's own collectors
    tenants bigint[] not null default '{}',   -- tenants that it speaks for or reads
    account bigint,                           -- billing account whose spend, invoices and member tenants it reads and speaks for
    note text not null default '',            -- what it is for
    created_time timestamptz not null default clock_timestamp(), -- when it was made
    expires_time timestamptz,                 -- from then on refused; null = never
    revoked_time timestamptz,                 -- refused from then on
    constraint api_key_pk primary key (key_id),
    constraint api_key_hash check (octet_length(secret_hash) = 32),
    constraint api_key_scopes check (scopes <@ array['ingest', 'read', 'operate'] and cardinality(scopes) > 0)
);
