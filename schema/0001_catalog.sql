-- SPDX-License-Identifier: Apache-2.0
-- What is sold, to whom, at which price. Every table is append-only: a row is never changed or removed; what is in force at
-- catalogue version V and instant T is the row with the highest version <= V among those with the highest effective_from <= T.

create schema catalog;
comment on schema catalog is 'What is sold, to whom, at which price. Versions are append-only.';

create table catalog.version (
    only_row boolean not null default true,
    version bigint not null,
    constraint version_pk primary key (only_row),
    constraint version_one_row check (only_row)
);
comment on table catalog.version is
    'The catalogue version counter: one row. apply updates it first in its transaction, so versions are ordered as they commit.';
comment on column catalog.version.only_row is 'always true: makes the row the only one';
comment on column catalog.version.version is 'number of the newest committed catalogue version; 0 = empty';
insert into catalog.version (version) values (0);

create table catalog.change (
    version bigint not null,
    applied_time timestamptz not null default clock_timestamp(),
    applied_by text not null default session_user,
    summary text not null,
    digest bytea not null,
    constraint change_pk primary key (version)
);
comment on table catalog.change is 'One row per apply that changed something.';
comment on column catalog.change.version is 'the catalogue version that this apply made';
comment on column catalog.change.applied_time is 'when apply ran (database clock)';
comment on column catalog.change.applied_by is 'database login that ran it';
comment on column catalog.change.summary is 'counts of what changed, for people';
comment on column catalog.change.digest is 'SHA-256 over the canonical form of all rows added, in order';

create table catalog.service (
    service integer not null,
    version bigint not null,
    id text not null,
    name text not null,
    category text not null,
    subcategory text not null,
    constraint service_pk primary key (service, version),
    constraint service_change_fk foreign key (version) references catalog.change
);
comment on table catalog.service is 'Services sold, with their FOCUS categories.';
comment on column catalog.service.service is 'number of the service inside this database; the same id keeps its number';
comment on column catalog.service.version is 'catalogue version that wrote the row';
comment on column catalog.service.id is 'id from the catalogue files';
comment on column catalog.service.name is 'name for people';
comment on column catalog.service.category is 'FOCUS 1.2 ServiceCategory';
comment on column catalog.service.subcategory is 'FOCUS 1.2 ServiceSubcategory, one of its category';

create table catalog.meter (
    meter integer not null,
    effective_from timestamptz not null,
    version bigint not null,
    id text not null,
    name text not null,
    event_type text not null,
    aggregation text not null,
    value_property text,
    resource_property text,
    state_property text,
    running_states text[] not null default '{}',
    stopped_states text[] not null default '{}',
    dimensions text[] not null default '{}',
    unit text not null,
    evaluation_window text not null default 'slot',
    slot_minutes smallint not null default 15,
    accept_days integer not null default 35,
    future_seconds integer not null default 300,
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
comment on table catalog.meter is 'Meters: what turns events of a type into a quantity. Chosen by event time.';
comment on column catalog.meter.meter is 'number of the meter inside this database; the same id keeps its number';
comment on column catalog.meter.effective_from is 'event time from which this row applies; -infinity for the first';
comment on column catalog.meter.version is 'catalogue version that wrote the row';
comment on column catalog.meter.id is 'id from the catalogue files';
comment on column catalog.meter.name is 'name for people';
comment on column catalog.meter.event_type is 'CloudEvents type that it takes';
comment on column catalog.meter.aggregation is
    'sum, count, max, latest, or interval (a resource that runs from one event to another)';
comment on column catalog.meter.value_property is
    'member of data that holds the value, an exact decimal; interval: the size while running (absent = 1)';
comment on column catalog.meter.resource_property is 'interval: member of data that names the resource';
comment on column catalog.meter.state_property is 'interval: member of data that holds the new state';
comment on column catalog.meter.running_states is
    'interval: states from which on the resource accrues (a resize is one, too)';
comment on column catalog.meter.stopped_states is 'interval: states from which on it does not';
comment on column catalog.meter.dimensions is 'members of data that tell usage records apart and choose prices; sorted';
comment on column catalog.meter.unit is 'unit of the quantity; an interval of size v accrues v x seconds';
comment on column catalog.meter.evaluation_window is
    'max and latest: merged within slot, day or period of the account, then summed over the period';
comment on column catalog.meter.slot_minutes is 'grain of its usage records in minutes of UTC';
comment on column catalog.meter.accept_days is 'accept window: event_time may be so many days before received_time';
comment on column catalog.meter.future_seconds is 'event_time may be so many seconds after received_time';

create table catalog.sku (
    sku integer not null,
    version bigint not null,
    id text not null,
    service integer not null,
    meter integer not null,
    name text not null,
    constraint sku_pk primary key (sku, version),
    constraint sku_change_fk foreign key (version) references catalog.change
);
comment on table catalog.sku is 'What is sold: a SKU belongs to a service and prices the quantity of one meter.';
comment on column catalog.sku.sku is 'number of the SKU inside this database; the same id keeps its number';
comment on column catalog.sku.version is 'catalogue version that wrote the row';
comment on column catalog.sku.id is 'id from the catalogue files';
comment on column catalog.sku.service is 'service it belongs to (never changes)';
comment on column catalog.sku.meter is 'meter whose quantity it prices (never changes)';
comment on column catalog.sku.name is 'name for people and invoice lines';

create table catalog.price_book (
    price_book integer not null,
    version bigint not null,
    id text not null,
    name text not null,
    currency char(3) not null,
    parent integer,
    constraint price_book_pk primary key (price_book, version),
    constraint price_book_change_fk foreign key (version) references catalog.change
);
comment on table catalog.price_book is
    'Lists of prices in one currency; a SKU without a price in a book is looked up in its parent.';
comment on column catalog.price_book.price_book is
    'number of the book inside this database; the same id keeps its number';
comment on column catalog.price_book.version is 'catalogue version that wrote the row';
comment on column catalog.price_book.id is 'id from the catalogue files';
comment on column catalog.price_book.name is 'name for people';
comment on column catalog.price_book.currency is 'ISO 4217 code of its prices (never changes)';
comment on column catalog.price_book.parent is
    'book of the same currency that is asked next; the last of the chain is the list';

create table catalog.price (
    price bigint not null,
    version bigint not null,
    price_book integer not null,
    sku integer not null,
    match text not null,
    effective_from timestamptz not null,
    effective_to timestamptz,
    model text not null,
    unit text not null,
    per numeric(38, 9) not null,
    unit_price numeric(38, 12),
    minimum_seconds integer not null default 0,
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
comment on table catalog.price is
    'Price versions. A row is never overwritten: a change is a row with a later effective_from.';
comment on column catalog.price.price is 'number of the price version; what charges name';
comment on column catalog.price.version is 'catalogue version that wrote the row';
comment on column catalog.price.price_book is 'book it stands in';
comment on column catalog.price.sku is 'SKU it prices';
comment on column catalog.price.match is
    'canonical JSON object of dimension values that usage must have; {} takes everything; most members win';
comment on column catalog.price.effective_from is
    'first slot it applies to, by event time; -infinity for the first version';
comment on column catalog.price.effective_to is
    'end, half-open; null = until the next version of the same (book, SKU, match)';
comment on column catalog.price.model is 'per_unit or graduated';
comment on column catalog.price.unit is 'pricing unit as people say it: hour, GB-month, million requests';
comment on column catalog.price.per is
    'how many units of the meter one pricing unit holds (3600 for a price per hour on seconds)';
comment on column catalog.price.unit_price is 'per_unit: price of one pricing unit, in the book''s currency';
comment on column catalog.price.minimum_seconds is
    'interval meters: each run (start to stop) is billed for at least so many seconds';

create table catalog.price_tier (
    price bigint not null,
    tier smallint not null,
    up_to numeric(38, 9),
    unit_price numeric(38, 12) not null,
    constraint price_tier_pk primary key (price, tier),
    constraint price_tier_price_fk foreign key (price) references catalog.price
);
comment on table catalog.price_tier is
    'Tiers of graduated prices: unit n of the period belongs to the tier with previous up_to < n <= up_to.';
comment on column catalog.price_tier.price is 'price version';
comment on column catalog.price_tier.tier is '0, 1, 2 in rising order';
comment on column catalog.price_tier.up_to is
    'inclusive upper bound in pricing units (times per = meter units, exact); null for the last';
comment on column catalog.price_tier.unit_price is 'price of one pricing unit in this tier; 0 = free tier';

create table catalog.seller (
    seller integer not null,
    version bigint not null,
    id text not null,
    name text not null,
    address text not null default '',
    tax_id text not null default '',
    series text not null,
    account bigint,
    constraint seller_pk primary key (seller, version),
    constraint seller_change_fk foreign key (version) references catalog.change
);
comment on table catalog.seller is 'Who issues invoices: the operator of the cloud and the partners that resell.';
comment on column catalog.seller.seller is 'number of the seller inside this database; the same id keeps its number';
comment on column catalog.seller.version is 'catalogue version that wrote the row';
comment on column catalog.seller.id is 'id from the catalogue files';
comment on column catalog.seller.name is 'legal name';
comment on column catalog.seller.address is 'postal address, lines separated by LF';
comment on column catalog.seller.tax_id is 'tax number as printed';
comment on column catalog.seller.series is 'prefix of its invoice numbers; unique per seller';
comment on column catalog.seller.account is
    'partners: the billing account through which it buys; null for the operator';

create table catalog.billing_account (
    account bigint not null,
    version bigint not null,
    id text not null,
    name text not null,
    address text not null default '',
    tax_id text not null default '',
    email text not null default '',
    constraint billing_account_pk primary key (account, version),
    constraint billing_account_change_fk foreign key (version) references catalog.change
);
comment on table catalog.billing_account is 'Who pays. The terms are in agreement.';
comment on column catalog.billing_account.account is
    'number of the account inside this database; the same id keeps its number';
comment on column catalog.billing_account.version is 'catalogue version that wrote the row';
comment on column catalog.billing_account.id is 'id from the catalogue files';
comment on column catalog.billing_account.name is 'name of the payer';
comment on column catalog.billing_account.address is 'postal address, lines separated by LF';
comment on column catalog.billing_account.tax_id is 'tax number as printed';
comment on column catalog.billing_account.email is 'where documents go';

create table catalog.agreement (
    agreement bigint not null,
    effective_from timestamptz not null,
    version bigint not null,
    seller integer not null,
    account bigint not null,
    level smallint not null,
    price_book integer not null,
    currency char(3) not null,
    zone text not null,
    tax_name text not null default '',
    tax_rate numeric(38, 12) not null default 0,
    rounding text not null default 'half_up',
    stages text not null default 'usage',
    constraint agreement_pk primary key (agreement, effective_from, version),
    constraint agreement_change_fk foreign key (version) references catalog.change,
    constraint agreement_level check (level between 0 and 7),
    constraint agreement_tax check (tax_rate >= 0 and tax_rate <= 1),
    constraint agreement_rounding check (rounding in ('half_up', 'half_even', 'down', 'up'))
);
comment on table catalog.agreement is
    'Seller, buyer and terms: one level of the partner chain. Changes at period starts.';
comment on column catalog.agreement.agreement is 'number of the agreement: one per (seller, buyer)';
comment on column catalog.agreement.effective_from is 'from when these terms hold; -infinity for the first';
comment on column catalog.agreement.version is 'catalogue version that wrote the row';
comment on column catalog.agreement.seller is 'who issues the documents';
comment on column catalog.agreement.account is 'who pays them';
comment on column catalog.agreement.level is '0: the operator sells; 1: a partner of the operator sells; and so on';
comment on column catalog.agreement.price_book is 'prices of this level';
comment on column catalog.agreement.currency is 'ISO 4217; equals the book''s (never changes)';
comment on column catalog.agreement.zone is 'IANA time zone of the civil months that are its billing periods';
comment on column catalog.agreement.tax_name is 'name of the tax on documents';
comment on column catalog.agreement.tax_rate is 'tax as a fraction of the net (0.19)';
comment on column catalog.agreement.rounding is 'how documents round to the minor unit';
comment on column catalog.agreement.stages is 'ordered deduction stages of the contract; only usage for now';

create table catalog.tenant (
    tenant bigint not null,
    version bigint not null,
    id text not null,
    name text not null,
    constraint tenant_pk primary key (tenant, version),
    constraint tenant_change_fk foreign key (version) references catalog.change
);
comment on table catalog.tenant is 'Who uses: the subject of events.';
comment on column catalog.tenant.tenant is
    'number of the tenant inside this database; never in anything that is hashed';
comment on column catalog.tenant.version is 'catalogue version that wrote the row';
comment on column catalog.tenant.id is 'id as events and API name it';
comment on column catalog.tenant.name is 'name for people';
create index tenant_id_index on catalog.tenant (id);

create table catalog.membership (
    tenant bigint not null,
    effective_from timestamptz not null,
    version bigint not null,
    account bigint not null,
    constraint membership_pk primary key (tenant, effective_from, version),
    constraint membership_change_fk foreign key (version) references catalog.change,
    constraint membership_slot_bound check (effective_from = '-infinity' or extract(epoch from effective_from)::bigint % 900 = 0)
);
comment on table catalog.membership is
    'Which account pays for a tenant, by event time. The first reaches back without limit.';
comment on column catalog.membership.tenant is 'the tenant';
comment on column catalog.membership.effective_from is
    'first slot that the account pays; -infinity for the first membership';
comment on column catalog.membership.version is 'catalogue version that wrote the row';
comment on column catalog.membership.account is 'the payer';
create index membership_account_index on catalog.membership (account);

create table catalog.api_key (
    key_id text not null,
    secret_hash bytea not null,
    scopes text[] not null,
    every_tenant boolean not null default false,
    tenants bigint[] not null default '{}',
    account bigint,
    note text not null default '',
    created_time timestamptz not null default clock_timestamp(),
    expires_time timestamptz,
    revoked_time timestamptz,
    constraint api_key_pk primary key (key_id),
    constraint api_key_hash check (octet_length(secret_hash) = 32),
    constraint api_key_scopes check (scopes <@ array['ingest', 'read', 'operate'] and cardinality(scopes) > 0)
);
comment on table catalog.api_key is
    'API keys: tpk_<key id>_<secret>. Only the SHA-256 of the secret is kept: it has 256 random bits.';
comment on column catalog.api_key.key_id is '16 hex digits; public part';
comment on column catalog.api_key.secret_hash is 'SHA-256 of the 64 hex digits of the secret';
comment on column catalog.api_key.scopes is
    'ingest: may send events; read: usage, spend, invoices; operate: everything, for operators';
comment on column catalog.api_key.every_tenant is
    'speaks for (ingest) or reads (operate) every tenant: the cloud''s own collectors';
comment on column catalog.api_key.tenants is 'tenants that it speaks for or reads';
comment on column catalog.api_key.account is
    'billing account whose spend, invoices and member tenants it reads and speaks for';
comment on column catalog.api_key.note is 'what it is for';
comment on column catalog.api_key.created_time is 'when it was made';
comment on column catalog.api_key.expires_time is 'from then on refused; null = never';
comment on column catalog.api_key.revoked_time is 'when it was revoked; a key with a time here is refused';

create table catalog.api_key_change (
    only_row boolean not null default true,
    change bigint not null,
    constraint api_key_change_pk primary key (only_row),
    constraint api_key_change_one_row check (only_row)
);
comment on table catalog.api_key_change is 'Counts changes of api_key: who holds the keys in memory looks here whether to read them again.';
comment on column catalog.api_key_change.only_row is 'always true';
comment on column catalog.api_key_change.change is 'risen by every statement that touched api_key';
insert into catalog.api_key_change (change) values (0);

create function catalog.count_api_key_change() returns trigger
    language plpgsql
    security definer
    set search_path = pg_catalog, pg_temp
    as $$
begin
    update catalog.api_key_change set change = change + 1;
    return null;
end
$$;
comment on function catalog.count_api_key_change() is 'Moves api_key_change; the trigger of api_key.';
create trigger api_key_changed
    after insert or update or delete or truncate on catalog.api_key
    for each statement execute function catalog.count_api_key_change();

revoke all on all functions in schema catalog from public;

-- Who may do what: apply and key run as the administrator, everybody else only reads. Keys are checked by the gateway.
grant usage on schema catalog to turnpike_ingest, turnpike_rate, turnpike_bill;
grant select on
    catalog.version, catalog.change, catalog.service, catalog.meter, catalog.sku, catalog.price_book, catalog.price,
    catalog.price_tier, catalog.seller, catalog.billing_account, catalog.agreement, catalog.tenant, catalog.membership
    to turnpike_ingest, turnpike_rate, turnpike_bill;
grant select on catalog.api_key, catalog.api_key_change to turnpike_ingest;
