-- SPDX-License-Identifier: Apache-2.0
-- Double entry, append-only: an operation posts transfers, a transfer debits one account and credits one, amount > 0, one
-- currency. Nothing here is ever updated or deleted; corrections are new transfers that name the old one.

create schema ledger;
comment on schema ledger is 'Double entry, append-only.';

create table ledger.account (
    ledger_account bigint generated always as identity,
    kind text not null,
    seller integer not null,
    agreement bigint not null default 0,
    service integer not null default 0,
    currency char(3) not null,
    constraint account_pk primary key (ledger_account),
    constraint account_key unique (kind, seller, agreement, service, currency),
    constraint account_kind check (kind in ('unbilled', 'receivable', 'cash', 'credits', 'revenue', 'tax_payable', 'rounding')),
    constraint account_side check ((kind in ('unbilled', 'receivable', 'cash', 'credits')) = (agreement <> 0))
);
comment on table ledger.account is
    'Accounts of the books: one per (kind, agreement or seller, service, currency).';
comment on column ledger.account.ledger_account is 'number';
comment on column ledger.account.kind is 'unbilled, receivable, cash, credits (of an agreement); revenue, tax_payable, rounding (of a seller)';
comment on column ledger.account.seller is 'seller whose books these are';
comment on column ledger.account.agreement is 'agreement for kinds of the buyer''s side; 0 for kinds of the seller alone';
comment on column ledger.account.service is 'revenue: service; 0 otherwise';
comment on column ledger.account.currency is 'ISO 4217';

create table ledger.operation (
    operation bigint generated always as identity,
    operation_key text not null,
    kind text not null,
    digest bytea not null,
    booked_time timestamptz not null default clock_timestamp(),
    constraint operation_pk primary key (operation),
    constraint operation_key_key unique (operation_key),
    constraint operation_kind check (kind in ('settlement', 'invoice', 'correction', 'payment', 'credit', 'rounding'))
);
comment on table ledger.operation is
    'One row per thing done: its key makes posting idempotent.';
comment on column ledger.operation.operation is 'number, in booking order per chain';
comment on column ledger.operation.operation_key is 'what was done, unique: "settlement/<agreement>/<account>/<period>/<n>", "invoice/<document key>"';
comment on column ledger.operation.kind is 'settlement, invoice, correction, payment, credit, rounding';
comment on column ledger.operation.digest is 'SHA-256 over the canonical transfers: the same key with another digest is a conflict';
comment on column ledger.operation.booked_time is 'database clock';

create table ledger.transfer (
    operation bigint not null,
    leg integer not null,
    debit bigint not null,
    credit bigint not null,
    amount numeric(38, 12) not null,
    currency char(3) not null,
    agreement bigint not null,
    account bigint not null,
    period_start timestamptz not null,
    corrects_operation bigint,
    booked_time timestamptz not null default clock_timestamp(),
    constraint transfer_pk primary key (booked_time, operation, leg),
    constraint transfer_amount check (amount > 0),
    constraint transfer_accounts check (debit <> credit),
    constraint transfer_operation_fk foreign key (operation) references ledger.operation,
    constraint transfer_debit_fk foreign key (debit) references ledger.account,
    constraint transfer_credit_fk foreign key (credit) references ledger.account
) partition by range (booked_time);
comment on table ledger.transfer is
    'Legs of operations. "Posted" counts kind settlement only (rules 6.4).';
comment on column ledger.transfer.operation is 'operation';
comment on column ledger.transfer.leg is '1, 2, 3 in the operation';
comment on column ledger.transfer.debit is 'ledger account debited';
comment on column ledger.transfer.credit is 'ledger account credited';
comment on column ledger.transfer.amount is '> 0, in the accounts'' currency';
comment on column ledger.transfer.currency is 'ISO 4217, of both accounts';
comment on column ledger.transfer.agreement is 'agreement (rules 6.5)';
comment on column ledger.transfer.account is 'billing account';
comment on column ledger.transfer.period_start is 'billing period that it concerns';
comment on column ledger.transfer.corrects_operation is 'correction: operation that it corrects';
comment on column ledger.transfer.booked_time is 'database clock; the table is partitioned by its month';
create table ledger.transfer_rest partition of ledger.transfer default;
comment on table ledger.transfer_rest is 'Rows of months whose partition does not exist yet; normally empty.';
create index transfer_operation_index on ledger.transfer (operation);
create index transfer_account_index on ledger.transfer (agreement, account, period_start);

create function ledger.refuse_change() returns trigger
    language plpgsql
    as $$
begin
    raise exception 'table %.% is append-only: % refused', tg_table_schema, tg_table_name, tg_op;
end
$$;
comment on function ledger.refuse_change() is
    'Refuses update, delete and truncate for everybody, the owner included.';
create trigger operation_append_only before update or delete on ledger.operation for each row execute function ledger.refuse_change();
create trigger operation_no_truncate before truncate on ledger.operation for each statement execute function ledger.refuse_change();
create trigger transfer_append_only before update or delete on ledger.transfer for each row execute function ledger.refuse_change();
create trigger transfer_no_truncate before truncate on ledger.transfer for each statement execute function ledger.refuse_change();
create trigger account_append_only before update or delete on ledger.account for each row execute function ledger.refuse_change();

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
comment on function ledger.check_currency() is
    'Refuses a transfer whose currency is not that of both accounts.';
create trigger transfer_currency before insert on ledger.transfer for each row execute function ledger.check_currency();
