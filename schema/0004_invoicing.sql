-- SPDX-License-Identifier: Apache-2.0
-- Settlement, periods, close, documents.

create schema invoicing;

-- Billing periods: civil months in the agreement's zone, stored as instants when first needed, half-open.
create table invoicing.period (
    agreement bigint not null,         -- agreement
    account bigint not null,           -- billing account that pays
    period_start timestamptz not null, -- first instant
    period_end timestamptz not null,   -- one past the last
    label text not null,               -- civil month, YYYY-MM
    zone text not null,                -- IANA zone
    zone_data text not null,           -- version of the zone data that gave the instants
    state text not null default 'open', -- open; closed: a document (or the decision that none is needed) was made by a close
    closed_cut bigint,                 -- cut of that close
    closed_time timestamptz,           -- when
    constraint period_pk primary key (agreement, account, period_start),
    constraint period_label_key unique (agreement, account, label),
    constraint period_state check (state in ('open', 'closed')),
    constraint period_order check (period_end > period_start)
);

-- How far an (account, period) is settled (rules 6.3). None of cut, catalogue_version, rate_version ever falls.
create table invoicing.position (
    agreement bigint not null,         -- agreement
    account bigint not null,           -- billing account
    period_start timestamptz not null, -- period
    cut bigint not null,               -- settled cut
    catalogue_version bigint not null, -- catalogue version used
    rate_version bigint not null default 0, -- exchange rate version used (none yet)
    settlements bigint not null default 0, -- how many settlements wrote something
    constraint position_pk primary key (agreement, account, period_start),
    constraint position_period_fk foreign key (agreement, account, period_start) references invoicing.period
);

-- Completed rounds of settlement: the next one looks at what came after the newest cut here.
create table invoicing.settle_round (
    cut bigint not null,               -- cut that it settled at
    catalogue_version bigint not null, -- catalogue version that it used
    periods integer not null,          -- (account, period) pairs looked at
    changed integer not null,          -- of these, how many had charges that changed
    ended_time timestamptz not null default clock_timestamp(), -- when it ended
    constraint settle_round_pk primary key (cut)
);

-- One row per settlement of an (account, period) that changed a charge.
create table invoicing.settlement (
    settlement bigint generated always as identity, -- number
    agreement bigint not null,         -- agreement
    account bigint not null,           -- billing account
    period_start timestamptz not null, -- period
    ordinal bigint not null,           -- 1, 2, 3 within (agreement, account, period)
    cut bigint not null,               -- cut of F
    catalogue_version bigint not null, -- catalogue version of F
    rate_version bigint not null default 0, -- exchange rate version of F
    total numeric(38, 12) not null,    -- billed cost to date after it
    changed integer not null,          -- charge rows that it wrote
    booked_time timestamptz not null default clock_timestamp(), -- database clock
    constraint settlement_pk primary key (settlement),
    constraint settlement_ordinal_key unique (agreement, account, period_start, ordinal)
);

-- Charges: a row per key whose value changed at a settlement; the newest row of a key is its value to date. A key that
-- vanished has a row with zeros.
create table invoicing.charge (
    settlement bigint not null,         -- settlement that wrote it
    agreement bigint not null,          -- key: agreement
    account bigint not null,            -- key: billing account
    period_start timestamptz not null,  -- key: period
    currency char(3) not null,          -- key: currency
    tenant bigint not null,             -- key: tenant; 0 = shared by the account's tenants
    sku integer not null,               -- key: SKU
    price bigint not null,              -- key: price version
    tier smallint not null,             -- key: tier
    dimension_set uuid not null,        -- key: dimension set; all zeros = none
    stage smallint not null,            -- key: 0 usage, 1 minimum duration
    quantity numeric(38, 9) not null,         -- to date, in the meter's unit
    list_cost numeric(38, 12) not null,       -- to date, at list price
    contracted_cost numeric(38, 12) not null, -- to date, at the agreement's price
    effective_cost numeric(38, 12) not null,  -- to date, after commitments (equal to contracted for now)
    billed_cost numeric(38, 12) not null,     -- to date, what is invoiced
    billed_delta numeric(38, 12) not null,    -- change of billed_cost by this settlement: what was posted
    constraint charge_pk primary key (agreement, account, period_start, currency, tenant, sku, price, tier, dimension_set, stage, settlement),
    constraint charge_settlement_fk foreign key (settlement) references invoicing.settlement
);

-- (account, period) pairs that a newer catalogue touches: settled again at or above that version before they may close (rules 6.3).
create table invoicing.recompute (
    agreement bigint not null,         -- agreement
    account bigint not null,           -- billing account
    period_start timestamptz not null, -- period
    catalogue_version bigint not null, -- version that the settlement needs
    queued_time timestamptz not null default clock_timestamp(), -- when
    constraint recompute_pk primary key (agreement, account, period_start)
);

-- Counter of invoice numbers per seller and series.
create table invoicing.series (
    seller integer not null,     -- seller
    series text not null,        -- prefix, e.g. "TC-2026"
    next_number bigint not null default 1, -- next free number
    last_issued_time timestamptz not null default '-infinity', -- issue time never falls
    constraint series_pk primary key (seller, series)
);

-- Numbers are taken for a chunk of documents at once; number = first_number + place (rules 7.3).
create table invoicing.number_chunk (
    chunk bigint generated always as identity, -- number of the chunk
    seller integer not null,       -- seller
    series text not null,          -- series
    first_number bigint not null,  -- first number taken
    count integer not null,        -- how many
    taken_time timestamptz not null default clock_timestamp(), -- when
    constraint number_chunk_pk primary key (chunk),
    constraint number_chunk_first_key unique (seller, series, first_number),
    constraint number_chunk_series_fk foreign key (seller, series) references invoicing.series,
    constraint number_chunk_count check (count > 0)
);

-- Documents: a frozen canonical body in an envelope (rules 7.2). Rows never change but for state.
create table invoicing.document (
    document bigint generated always as identity, -- number inside this database
    agreement bigint not null,         -- agreement
    account bigint not null,           -- payer
    period_start timestamptz not null, -- period that the document closes
    ordinal integer not null,          -- 1 for the first document of (agreement, account, period)
    kind text not null,                -- invoice, or credit_note when the total is negative
    state text not null default 'final', -- final, void
    seller integer not null,           -- issuer
    series text not null,              -- series of the number
    chunk bigint not null,             -- chunk of numbers
    place integer not null,            -- place in the chunk, from 0
    number text not null,              -- as printed: series and number, gapless per series
    currency char(3) not null,         -- ISO 4217
    net numeric(38, 12) not null,      -- rounded to the minor unit
    tax numeric(38, 12) not null,      -- rounded
    total numeric(38, 12) not null,    -- net + tax
    cut bigint not null,               -- cut that it bills
    catalogue_version bigint not null, -- catalogue version that priced it
    issued_time timestamptz not null,  -- never falls within a series
    body text not null,                -- canonical JSON: what was billed; no number, time, cut or internal id
    body_sha256 bytea not null,        -- hash of body
    envelope text not null,            -- canonical JSON: number, issue time, cut, versions, hashes of earlier documents of the period
    constraint document_pk primary key (document),
    constraint document_ordinal_key unique (agreement, account, period_start, ordinal),
    constraint document_number_key unique (seller, series, chunk, place),
    constraint document_number_text_key unique (number),
    constraint document_kind check (kind in ('invoice', 'credit_note')),
    constraint document_state check (state in ('final', 'void')),
    constraint document_chunk_fk foreign key (chunk) references invoicing.number_chunk
);

-- What a document bills per original period and tax group: rounding is telescoped over these (rules 7.1).
create table invoicing.document_group (
    document bigint not null,            -- document
    original_period_start timestamptz not null, -- period of the usage (earlier than the document's = late usage)
    tax_name text not null,              -- tax group: name
    tax_rate numeric(38, 12) not null,   -- tax group: rate
    base_to_date numeric(38, 12) not null, -- exact billed cost of the group at the document's cut
    net numeric(38, 12) not null,        -- round(base_to_date) - net of earlier telescoping documents
    tax numeric(38, 12) not null,        -- round(rate x base) - tax of earlier ones
    constraint document_group_pk primary key (document, original_period_start, tax_name, tax_rate),
    constraint document_group_document_fk foreign key (document) references invoicing.document
);

-- Lines for people and reports; the body holds the same.
create table invoicing.document_line (
    document bigint not null,          -- document
    line integer not null,             -- 1, 2, 3
    original_period_start timestamptz not null, -- period of the usage
    sku integer not null,              -- SKU
    tenant bigint not null,            -- tenant; 0 = shared
    quantity numeric(38, 9) not null,  -- meter units: this document's share
    unit text not null,                -- pricing unit
    cost numeric(38, 12) not null,     -- exact
    amount numeric(38, 12) not null,   -- rounded by largest remainder so that lines add up to net
    constraint document_line_pk primary key (document, line),
    constraint document_line_document_fk foreign key (document) references invoicing.document
);

-- One row per close that ran: progress and result.
create table invoicing.close_run (
    close_run bigint generated always as identity, -- number
    label text not null,               -- civil month, YYYY-MM
    cut bigint,                        -- cut that it closed at
    state text not null default 'running', -- waiting, running, done, failed
    accounts integer not null default 0,   -- accounts looked at
    documents integer not null default 0,  -- documents made
    reason text not null default '',   -- why it failed or waits
    started_time timestamptz not null default clock_timestamp(), -- when
    ended_time timestamptz,            -- when
    constraint close_run_pk primary key (close_run)
);

-- What must be told to others once a document is final (webhooks come later).
create table invoicing.outbox (
    outbox bigint generated always as identity, -- order
    document bigint not null,          -- document
    event text not null,               -- document.final
    created_time timestamptz not null default clock_timestamp(), -- when
    sent_time timestamptz,             -- when delivered
    constraint outbox_pk primary key (outbox),
    constraint outbox_document_fk foreign key (document) references invoicing.document
);

create trigger charge_append_only before update or delete on invoicing.charge for each row execute function ledger.refuse_change();
create trigger settlement_append_only before update or delete on invoicing.settlement for each row execute function ledger.refuse_change();
create trigger document_group_append_only before update or delete on invoicing.document_group for each row execute function ledger.refuse_change();
create trigger document_line_append_only before update or delete on invoicing.document_line for each row execute function ledger.refuse_change();
create trigger document_no_delete before delete on invoicing.document for each row execute function ledger.refuse_change();

-- A final document changes nothing but its state, and that only from final to void.
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
create trigger document_frozen before update on invoicing.document for each row execute function invoicing.document_frozen();
