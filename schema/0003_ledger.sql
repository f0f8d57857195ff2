-- SPDX-License-Identifier: Apache-2.0
-- Double entry, append-only: an operation posts transfers, a transfer debits one account and credits one, amount > 0, one
-- currency. Nothing here is ever updated or deleted; corrections are new transfers that name the old one.

create schema ledger;

-- Accounts of the books: one per (kind, agreement or seller, service, currency).
create table ledger.account (
    ledger_account bigint generated always as identity, -- number
    kind text not null,             -- unbilled, receivable, cash, credits (of an agreement); revenue, tax_payable, rounding (of a seller)
    seller integer not null,        -- seller whose books these are
    agreement bigint not null default 0, -- agreement for kinds of the buyer's side; 0 for kinds of the seller alone
    service integer not null default 0,  -- revenue: service; 0 otherwise
    currency char(3) not null,      -- ISO 4217
    constraint account_pk primary key (ledger_account),
    constraint account_key unique (kind, seller, agreement, service, currency),
    constraint account_kind check (kind in ('unbilled', 'receivable', 'cash', 'credits', 'revenue', 'tax_payable', 'rounding')),
    constraint account_side check ((kind in ('unbilled', 'receivable', 'cash', 'credits')) = (agreement <> 0))
);

-- One row per thing done: its key makes posting idempotent.
create table ledger.operation (
    operation bigint generated always as identity, -- number, in booking order per chain
    operation_key text not null,    -- what was done, unique: "settlement/<agreement>/<account>/<period>/<n>", "invoice/<document key>"
    kind text not null,             -- settlement, invoice, correction, payment, credit, rounding
    digest bytea not null,          -- SHA-256 over the canonical transfers: the same key with another digest is a conflict
    booked_time timestamptz not null default clock_timestamp(), -- database clock
    constraint operation_pk primary key (operation),
    constraint operation_key_key unique (operation_key),
    constraint operation_kind check (kind in ('settlement', 'invoice', 'correction', 'payment', 'credit', 'rounding'))
);

-- Legs of operations. "Posted" counts kind settlement only (rules 6.4).
create table ledger.transfer (
    operation bigint not null,      -- operation
    leg integer not null,           -- 1, 2, 3 in the operation
    debit bigint not null,          -- ledger account debited
    credit bigint not null,         -- ledger account credited
    amount numeric(38, 12) not null, -- > 0, in the accounts' currency
    currency char(3) not null,      -- ISO 4217, of both accounts
    agreement bigint not null,      -- agreement (rules 6.5)
    account bigint not null,        -- billing account
    period_start timestamptz not null, -- billing period that it concerns
    corrects_operation bigint,      -- correction: operation that it corrects
    booked_time timestamptz not null default clock_timestamp(), -- database clock; the table is partitioned by its month
    constraint transfer_pk primary key (booked_time, operation, leg),
    constraint transfer_amount check (amount > 0),
    constraint transfer_accounts check (debit <> credit),
    constraint transfer_operation_fk foreign key (operation) references ledger.operation,
    constraint transfer_debit_fk foreign key (debit) references ledger.account,
    constraint transfer_credit_fk foreign key (credit) references ledger.account
) partition by range (booked_time);
create table ledger.transfer_rest partition of ledger.transfer default;
create index transfer_operation_index on ledger.transfer (operation);
create index transfer_account_index on ledger.transfer (agreement, account, period_start);

-- Refuses update, delete and truncate for everybody, the owner included.
create function ledger.refuse_change() returns trigger
    language plpgsql
    as $$
begin
    raise exception 'table %.% is append-only: % refused', tg_table_schema, tg_table_name, tg_op;
end
$$;
create trigger operation_append_only before update or delete on ledger.operation for each row execute function ledger.refuse_change();
create trigger operation_no_truncate before truncate on ledger.operation for each statement execute function ledger.refuse_change();
create trigger transfer_append_only before update or delete on ledger.transfer for each row execute function ledger.refuse_change();
create trigger transfer_no_truncate before truncate on ledger.transfer for each statement execute function ledger.refuse_change();
create trigger account_append_only before update or delete on ledger.account for each row execute function ledger.refuse_change();

-- Refuses a transfer whose currency is not that of both accounts.
create function ledger.check_currency() returns trigger
    language plpgsql
    as $$
begin
    if (select count(*) from ledger.account a where a.ledger_account in (new.debit, new.credit) and a.currency = new.currency) <> 2 then
        raise exception 'transfer of % between accounts % and % of another currency', new.currency, new.debit, new.credit;
    end if;
    return new;
end
$$;
create trigger transfer_currency before insert on ledger.transfer for each row execute function ledger.check_currency();
