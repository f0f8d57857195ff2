-- SPDX-License-Identifier: Apache-2.0
-- Settlement, periods, close, documents.

create schema invoicing;
comment on schema invoicing is 'Settlement, periods, close, documents.';

create table invoicing.period (
    agreement bigint not null,
    account bigint not null,
    period_start timestamptz not null,
    period_end timestamptz not null,
    label text not null,
    zone text not null,
    zone_data text not null,
    state text not null default 'open',
    closed_cut bigint,
    closed_time timestamptz,
    constraint period_pk primary key (agreement, account, period_start),
    constraint period_label_key unique (agreement, account, label),
    constraint period_state check (state in ('open', 'closed')),
    constraint period_order check (period_end > period_start)
);
comment on table invoicing.period is
    'Billing periods: civil months in the agreement''s zone, stored as instants when first needed, half-open.';
comment on column invoicing.period.agreement is 'agreement';
comment on column invoicing.period.account is 'billing account that pays';
comment on column invoicing.period.period_start is 'first instant';
comment on column invoicing.period.period_end is 'one past the last';
comment on column invoicing.period.label is 'civil month, YYYY-MM';
comment on column invoicing.period.zone is 'IANA zone';
comment on column invoicing.period.zone_data is 'version of the zone data that gave the instants';
comment on column invoicing.period.state is 'open; closed: a document (or the decision that none is needed) was made by a close';
comment on column invoicing.period.closed_cut is 'cut of that close';
comment on column invoicing.period.closed_time is 'when';

create table invoicing.position (
    agreement bigint not null,
    account bigint not null,
    period_start timestamptz not null,
    cut bigint not null,
    catalogue_version bigint not null,
    rate_version bigint not null default 0,
    settlements bigint not null default 0,
    constraint position_pk primary key (agreement, account, period_start),
    constraint position_period_fk foreign key (agreement, account, period_start) references invoicing.period
);
comment on table invoicing.position is
    'How far an (account, period) is settled (rules 6.3). None of cut, catalogue_version, rate_version ever falls.';
comment on column invoicing.position.agreement is 'agreement';
comment on column invoicing.position.account is 'billing account';
comment on column invoicing.position.period_start is 'period';
comment on column invoicing.position.cut is 'settled cut';
comment on column invoicing.position.catalogue_version is 'catalogue version used';
comment on column invoicing.position.rate_version is 'exchange rate version used (none yet)';
comment on column invoicing.position.settlements is 'how many settlements wrote something';

create table invoicing.settle_round (
    cut bigint not null,
    catalogue_version bigint not null,
    periods integer not null,
    changed integer not null,
    ended_time timestamptz not null default clock_timestamp(),
    constraint settle_round_pk primary key (cut)
);
comment on table invoicing.settle_round is
    'Completed rounds of settlement: the next one looks at what came after the newest cut here.';
comment on column invoicing.settle_round.cut is 'cut that it settled at';
comment on column invoicing.settle_round.catalogue_version is 'catalogue version that it used';
comment on column invoicing.settle_round.periods is '(account, period) pairs looked at';
comment on column invoicing.settle_round.changed is 'of these, how many had charges that changed';
comment on column invoicing.settle_round.ended_time is 'when it ended';

create table invoicing.settlement (
    settlement bigint generated always as identity,
    agreement bigint not null,
    account bigint not null,
    period_start timestamptz not null,
    ordinal bigint not null,
    cut bigint not null,
    catalogue_version bigint not null,
    rate_version bigint not null default 0,
    total numeric(38, 12) not null,
    changed integer not null,
    booked_time timestamptz not null default clock_timestamp(),
    constraint settlement_pk primary key (settlement),
    constraint settlement_ordinal_key unique (agreement, account, period_start, ordinal)
);
comment on table invoicing.settlement is
    'One row per settlement of an (account, period) that changed a charge.';
comment on column invoicing.settlement.settlement is 'number';
comment on column invoicing.settlement.agreement is 'agreement';
comment on column invoicing.settlement.account is 'billing account';
comment on column invoicing.settlement.period_start is 'period';
comment on column invoicing.settlement.ordinal is '1, 2, 3 within (agreement, account, period)';
comment on column invoicing.settlement.cut is 'cut of F';
comment on column invoicing.settlement.catalogue_version is 'catalogue version of F';
comment on column invoicing.settlement.rate_version is 'exchange rate version of F';
comment on column invoicing.settlement.total is 'billed cost to date after it';
comment on column invoicing.settlement.changed is 'charge rows that it wrote';
comment on column invoicing.settlement.booked_time is 'database clock';

create table invoicing.charge (
    settlement bigint not null,
    agreement bigint not null,
    account bigint not null,
    period_start timestamptz not null,
    currency char(3) not null,
    tenant bigint not null,
    sku integer not null,
    price bigint not null,
    tier smallint not null,
    dimension_set uuid not null,
    stage smallint not null,
    quantity numeric(38, 9) not null,
    list_cost numeric(38, 12) not null,
    contracted_cost numeric(38, 12) not null,
    effective_cost numeric(38, 12) not null,
    billed_cost numeric(38, 12) not null,
    billed_delta numeric(38, 12) not null,
    constraint charge_pk primary key (agreement, account, period_start, currency, tenant, sku, price, tier, dimension_set, stage, settlement),
    constraint charge_settlement_fk foreign key (settlement) references invoicing.settlement
);
comment on table invoicing.charge is
    'Charges: a row per key whose value changed at a settlement; the newest row of a key is its value to date. A key that vanished has a row with zeros.';
comment on column invoicing.charge.settlement is 'settlement that wrote it';
comment on column invoicing.charge.agreement is 'key: agreement';
comment on column invoicing.charge.account is 'key: billing account';
comment on column invoicing.charge.period_start is 'key: period';
comment on column invoicing.charge.currency is 'key: currency';
comment on column invoicing.charge.tenant is 'key: tenant; 0 = shared by the account''s tenants';
comment on column invoicing.charge.sku is 'key: SKU';
comment on column invoicing.charge.price is 'key: price version';
comment on column invoicing.charge.tier is 'key: tier';
comment on column invoicing.charge.dimension_set is 'key: dimension set; all zeros = none';
comment on column invoicing.charge.stage is 'key: 0 usage, 1 minimum duration';
comment on column invoicing.charge.quantity is 'to date, in the meter''s unit';
comment on column invoicing.charge.list_cost is 'to date, at list price';
comment on column invoicing.charge.contracted_cost is 'to date, at the agreement''s price';
comment on column invoicing.charge.effective_cost is 'to date, after commitments (equal to contracted for now)';
comment on column invoicing.charge.billed_cost is 'to date, what is invoiced';
comment on column invoicing.charge.billed_delta is 'change of billed_cost by this settlement: what was posted';

create table invoicing.recompute (
    agreement bigint not null,
    account bigint not null,
    period_start timestamptz not null,
    catalogue_version bigint not null,
    queued_time timestamptz not null default clock_timestamp(),
    constraint recompute_pk primary key (agreement, account, period_start)
);
comment on table invoicing.recompute is
    '(account, period) pairs that a newer catalogue touches: settled again at or above that version before they may close (rules 6.3).';
comment on column invoicing.recompute.agreement is 'agreement';
comment on column invoicing.recompute.account is 'billing account';
comment on column invoicing.recompute.period_start is 'period';
comment on column invoicing.recompute.catalogue_version is 'version that the settlement needs';
comment on column invoicing.recompute.queued_time is 'when';

create table invoicing.series (
    seller integer not null,
    series text not null,
    next_number bigint not null default 1,
    last_issued_time timestamptz not null default '-infinity',
    constraint series_pk primary key (seller, series)
);
comment on table invoicing.series is
    'Counter of invoice numbers per seller and series.';
comment on column invoicing.series.seller is 'seller';
comment on column invoicing.series.series is 'prefix, e.g. "TC-2026"';
comment on column invoicing.series.next_number is 'next free number';
comment on column invoicing.series.last_issued_time is 'issue time never falls';

create table invoicing.number_chunk (
    chunk bigint generated always as identity,
    seller integer not null,
    series text not null,
    first_number bigint not null,
    count integer not null,
    taken_time timestamptz not null default clock_timestamp(),
    constraint number_chunk_pk primary key (chunk),
    constraint number_chunk_first_key unique (seller, series, first_number),
    constraint number_chunk_series_fk foreign key (seller, series) references invoicing.series,
    constraint number_chunk_count check (count > 0)
);
comment on table invoicing.number_chunk is
    'Numbers are taken for a chunk of documents at once; number = first_number + place (rules 7.3).';
comment on column invoicing.number_chunk.chunk is 'number of the chunk';
comment on column invoicing.number_chunk.seller is 'seller';
comment on column invoicing.number_chunk.series is 'series';
comment on column invoicing.number_chunk.first_number is 'first number taken';
comment on column invoicing.number_chunk.count is 'how many';
comment on column invoicing.number_chunk.taken_time is 'when';

create table invoicing.document (
    document bigint generated always as identity,
    agreement bigint not null,
    account bigint not null,
    period_start timestamptz not null,
    ordinal integer not null,
    kind text not null,
    state text not null default 'final',
    seller integer not null,
    series text not null,
    chunk bigint not null,
    place integer not null,
    number text not null,
    currency char(3) not null,
    net numeric(38, 12) not null,
    tax numeric(38, 12) not null,
    total numeric(38, 12) not null,
    cut bigint not null,
    catalogue_version bigint not null,
    issued_time timestamptz not null,
    body text not null,
    body_sha256 bytea not null,
    envelope text not null,
    constraint document_pk primary key (document),
    constraint document_ordinal_key unique (agreement, account, period_start, ordinal),
    constraint document_number_key unique (seller, series, chunk, place),
    constraint document_number_text_key unique (number),
    constraint document_kind check (kind in ('invoice', 'credit_note')),
    constraint document_state check (state in ('final', 'void')),
    constraint document_chunk_fk foreign key (chunk) references invoicing.number_chunk
);
comment on table invoicing.document is
    'Documents: a frozen canonical body in an envelope (rules 7.2). Rows never change but for state.';
comment on column invoicing.document.document is 'number inside this database';
comment on column invoicing.document.agreement is 'agreement';
comment on column invoicing.document.account is 'payer';
comment on column invoicing.document.period_start is 'period that the document closes';
comment on column invoicing.document.ordinal is '1 for the first document of (agreement, account, period)';
comment on column invoicing.document.kind is 'invoice, or credit_note when the total is negative';
comment on column invoicing.document.state is 'final, void';
comment on column invoicing.document.seller is 'issuer';
comment on column invoicing.document.series is 'series of the number';
comment on column invoicing.document.chunk is 'chunk of numbers';
comment on column invoicing.document.place is 'place in the chunk, from 0';
comment on column invoicing.document.number is 'as printed: series and number, gapless per series';
comment on column invoicing.document.currency is 'ISO 4217';
comment on column invoicing.document.net is 'rounded to the minor unit';
comment on column invoicing.document.tax is 'rounded';
comment on column invoicing.document.total is 'net + tax';
comment on column invoicing.document.cut is 'cut that it bills';
comment on column invoicing.document.catalogue_version is 'catalogue version that priced it';
comment on column invoicing.document.issued_time is 'never falls within a series';
comment on column invoicing.document.body is 'canonical JSON: what was billed; no number, time, cut or internal id';
comment on column invoicing.document.body_sha256 is 'hash of body';
comment on column invoicing.document.envelope is 'canonical JSON: number, issue time, cut, versions, hashes of earlier documents of the period';

create table invoicing.document_group (
    document bigint not null,
    original_period_start timestamptz not null,
    tax_name text not null,
    tax_rate numeric(38, 12) not null,
    base_to_date numeric(38, 12) not null,
    net numeric(38, 12) not null,
    tax numeric(38, 12) not null,
    constraint document_group_pk primary key (document, original_period_start, tax_name, tax_rate),
    constraint document_group_document_fk foreign key (document) references invoicing.document
);
comment on table invoicing.document_group is
    'What a document bills per original period and tax group: rounding is telescoped over these (rules 7.1).';
comment on column invoicing.document_group.document is 'document';
comment on column invoicing.document_group.original_period_start is 'period of the usage (earlier than the document''s = late usage)';
comment on column invoicing.document_group.tax_name is 'tax group: name';
comment on column invoicing.document_group.tax_rate is 'tax group: rate';
comment on column invoicing.document_group.base_to_date is 'exact billed cost of the group at the document''s cut';
comment on column invoicing.document_group.net is 'round(base_to_date) - net of earlier telescoping documents';
comment on column invoicing.document_group.tax is 'round(rate x base) - tax of earlier ones';

create table invoicing.document_line (
    document bigint not null,
    line integer not null,
    original_period_start timestamptz not null,
    tenant bigint not null,
    sku integer not null,
    price bigint not null,
    tier smallint not null,
    dimension_set uuid not null,
    stage smallint not null,
    quantity numeric(38, 9) not null,
    cost numeric(38, 12) not null,
    amount numeric(38, 12) not null,
    constraint document_line_pk primary key (document, line),
    constraint document_line_document_fk foreign key (document) references invoicing.document
);
comment on table invoicing.document_line is
    'Lines of documents: what each bills of a charge key. Over all documents that are not void they add up to the charge.';
comment on column invoicing.document_line.document is 'document';
comment on column invoicing.document_line.line is '1, 2, 3';
comment on column invoicing.document_line.original_period_start is 'period of the usage';
comment on column invoicing.document_line.tenant is 'charge key: tenant; 0 = shared';
comment on column invoicing.document_line.sku is 'charge key: SKU';
comment on column invoicing.document_line.price is 'charge key: price version';
comment on column invoicing.document_line.tier is 'charge key: tier';
comment on column invoicing.document_line.dimension_set is 'charge key: dimension set; all zeros = none';
comment on column invoicing.document_line.stage is 'charge key: stage';
comment on column invoicing.document_line.quantity is 'to date - earlier documents, in the meter''s unit';
comment on column invoicing.document_line.cost is 'exact: to date - earlier documents';
comment on column invoicing.document_line.amount is 'rounded by largest remainder so that the lines of a group add up to its net';

create table invoicing.document_party (
    document bigint not null,
    role text not null,
    salt bytea not null,
    name text not null,
    address text not null,
    tax_id text not null,
    email text not null default '',
    constraint document_party_pk primary key (document, role),
    constraint document_party_document_fk foreign key (document) references invoicing.document,
    constraint document_party_role check (role in ('seller', 'buyer'))
);
comment on table invoicing.document_party is
    'Names and addresses beside the body, which holds only their salted digests (rules 9.2).';
comment on column invoicing.document_party.document is 'document';
comment on column invoicing.document_party.role is 'seller, buyer';
comment on column invoicing.document_party.salt is 'salt of the digest in the body';
comment on column invoicing.document_party.name is 'name as it was';
comment on column invoicing.document_party.address is 'address as it was';
comment on column invoicing.document_party.tax_id is 'tax number as it was';
comment on column invoicing.document_party.email is 'where it went';

create table invoicing.close_run (
    close_run bigint generated always as identity,
    label text not null,
    cut bigint,
    state text not null default 'running',
    accounts integer not null default 0,
    documents integer not null default 0,
    reason text not null default '',
    started_time timestamptz not null default clock_timestamp(),
    ended_time timestamptz,
    constraint close_run_pk primary key (close_run)
);
comment on table invoicing.close_run is
    'One row per close that ran: progress and result.';
comment on column invoicing.close_run.close_run is 'number';
comment on column invoicing.close_run.label is 'civil month, YYYY-MM';
comment on column invoicing.close_run.cut is 'cut that it closed at';
comment on column invoicing.close_run.state is 'waiting, running, done, failed';
comment on column invoicing.close_run.accounts is 'accounts looked at';
comment on column invoicing.close_run.documents is 'documents made';
comment on column invoicing.close_run.reason is 'why it failed or waits';
comment on column invoicing.close_run.started_time is 'when';
comment on column invoicing.close_run.ended_time is 'when';

create table invoicing.outbox (
    outbox bigint generated always as identity,
    document bigint not null,
    event text not null,
    created_time timestamptz not null default clock_timestamp(),
    sent_time timestamptz,
    constraint outbox_pk primary key (outbox),
    constraint outbox_document_fk foreign key (document) references invoicing.document
);
comment on table invoicing.outbox is
    'What must be told to others once a document is final (webhooks come later).';
comment on column invoicing.outbox.outbox is 'order';
comment on column invoicing.outbox.document is 'document';
comment on column invoicing.outbox.event is 'document.final';
comment on column invoicing.outbox.created_time is 'when';
comment on column invoicing.outbox.sent_time is 'when delivered';

create trigger charge_append_only before update or delete on invoicing.charge for each row execute function ledger.refuse_change();
create trigger settlement_append_only before update or delete on invoicing.settlement for each row execute function ledger.refuse_change();
create trigger document_group_append_only before update or delete on invoicing.document_group for each row execute function ledger.refuse_change();
create trigger document_line_append_only before update or delete on invoicing.document_line for each row execute function ledger.refuse_change();
create trigger document_no_delete before delete on invoicing.document for each row execute function ledger.refuse_change();

create function invoicing.document_frozen() returns trigger
    language plpgsql
    as $$
begin
    if (to_jsonb(new) - 'state') <> (to_jsonb(old) - 'state') or not (old.state = 'final' and new.state = 'void') then
        raise exception 'document % is final and never changes', old.number;
    end if;
    return new;
end
$$;
comment on function invoicing.document_frozen() is
    'A final document changes nothing but its state, and that only from final to void.';
create trigger document_frozen before update on invoicing.document for each row execute function invoicing.document_frozen();

create function invoicing.hold_catalogue() returns bigint
    language sql
    security definer
    set search_path = pg_catalog
    as $$
    select version from catalog.version for share
$$;
comment on function invoicing.hold_catalogue() is
    'Holds the catalogue shared until the transaction ends and returns its version: no apply commits in between (rules 6.3).';

create function invoicing.charge_to_date(agreements bigint[], accounts bigint[], period_starts timestamptz[])
    returns setof invoicing.charge
    language sql stable
    as $$
    select distinct on (c.account, c.period_start, c.agreement, c.currency, c.tenant, c.sku, c.price, c.tier, c.dimension_set, c.stage) c.*
      from unnest(agreements, accounts, period_starts) as k (agreement, account, period_start)
      join invoicing.charge c on c.agreement = k.agreement and c.account = k.account and c.period_start = k.period_start
     order by c.account, c.period_start, c.agreement, c.currency, c.tenant, c.sku, c.price, c.tier, c.dimension_set, c.stage, c.settlement desc
$$;
comment on function invoicing.charge_to_date(bigint[], bigint[], timestamptz[]) is
    'What was posted for (agreement, account, period) pairs under all keys: the newest row of each key.';

revoke all on all functions in schema ledger from public;
revoke all on all functions in schema invoicing from public;
grant usage on schema ledger, invoicing to turnpike_bill;
grant execute on function ledger.refuse_change(), ledger.check_currency() to turnpike_bill;
grant select, insert on ledger.account, ledger.operation, ledger.transfer to turnpike_bill;
grant select, insert on
    invoicing.period, invoicing.position, invoicing.settle_round, invoicing.settlement, invoicing.charge, invoicing.recompute,
    invoicing.series, invoicing.number_chunk, invoicing.document, invoicing.document_group, invoicing.document_line,
    invoicing.document_party, invoicing.close_run, invoicing.outbox
    to turnpike_bill;
grant update (state, closed_cut, closed_time) on invoicing.period to turnpike_bill;
grant update (cut, catalogue_version, rate_version, settlements) on invoicing.position to turnpike_bill;
grant update (next_number, last_issued_time) on invoicing.series to turnpike_bill;
grant update (state) on invoicing.document to turnpike_bill;
grant update (cut, state, accounts, documents, reason, ended_time) on invoicing.close_run to turnpike_bill;
grant update (sent_time) on invoicing.outbox to turnpike_bill;
grant delete on invoicing.recompute to turnpike_bill;
grant execute on function invoicing.hold_catalogue() to turnpike_bill;
grant execute on function invoicing.charge_to_date(bigint[], bigint[], timestamptz[]) to turnpike_bill;
