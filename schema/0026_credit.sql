-- SPDX-License-Identifier: Apache-2.0
-- Credit grants of billing accounts, promotional or prepaid, and which documents used how much of them.

create table invoicing.credit_grant (
    credit_grant bigint generated always as identity,
    grant_key text not null,
    agreement bigint not null,
    account bigint not null,
    kind text not null,
    currency char(3) not null,
    amount numeric(38, 12) not null,
    priority integer not null,
    expires_time timestamptz,
    reason text not null,
    granted_time timestamptz not null,
    constraint credit_grant_pk primary key (credit_grant),
    constraint credit_grant_key unique (grant_key),
    constraint credit_grant_kind check (kind in ('promotion', 'prepaid')),
    constraint credit_grant_amount check (amount > 0),
    constraint credit_grant_priority check (priority between 0 and 1000)
);
create index credit_grant_account_index on invoicing.credit_grant (account, agreement, currency);
comment on table invoicing.credit_grant is
    'Money that pays documents before their buyer does. Never changed: what is left is the amount less what documents used.';
comment on column invoicing.credit_grant.credit_grant is 'number';
comment on column invoicing.credit_grant.grant_key is 'name by its giver, unique: granting twice is once';
comment on column invoicing.credit_grant.agreement is 'whose documents it pays, with the account';
comment on column invoicing.credit_grant.account is 'payer to whom it was given';
comment on column invoicing.credit_grant.kind is 'promotion: given; prepaid: bought by a payment';
comment on column invoicing.credit_grant.currency is 'ISO 4217; documents in other currencies do not use it';
comment on column invoicing.credit_grant.amount is '> 0, a multiple of the minor unit';
comment on column invoicing.credit_grant.priority is '0 to 1000, the least is used first';
comment on column invoicing.credit_grant.expires_time is 'documents issued from then on do not use it; null = never';
comment on column invoicing.credit_grant.reason is 'for people';
comment on column invoicing.credit_grant.granted_time is 'when it was given, by the clock of who gave it; of grants that are alike the oldest is used first';

create table invoicing.credit_use (
    document bigint not null,
    credit_grant bigint not null,
    amount numeric(38, 12) not null,
    constraint credit_use_pk primary key (document, credit_grant),
    constraint credit_use_document_fk foreign key (document) references invoicing.document,
    constraint credit_use_grant_fk foreign key (credit_grant) references invoicing.credit_grant,
    constraint credit_use_amount check (amount > 0)
);
create index credit_use_grant_index on invoicing.credit_use (credit_grant);
comment on table invoicing.credit_use is
    'What a document took of a grant, also in its envelope. Uses of void documents do not count.';
comment on column invoicing.credit_use.document is 'document';
comment on column invoicing.credit_use.credit_grant is 'grant';
comment on column invoicing.credit_use.amount is '> 0, in the currency of both';

create function invoicing.credit_left(number bigint) returns numeric
    language sql stable
    as $$
    select g.amount - coalesce((select sum(u.amount) from invoicing.credit_use u
                                  join invoicing.document d on d.document = u.document
                                 where u.credit_grant = g.credit_grant and d.state <> 'void'), 0)
      from invoicing.credit_grant g
     where g.credit_grant = number
$$;
comment on function invoicing.credit_left(bigint) is 'What is left of a grant, whether it has expired or not.';

-- The last line of defence: closes hold a lock of the account while they use its grants.
create function invoicing.check_credit_use() returns trigger
    language plpgsql
    as $$
begin
    if invoicing.credit_left(new.credit_grant) < 0 then
        raise exception 'grant % would be used for more than it is', new.credit_grant using errcode = 'check_violation';
    end if;
    if not exists (select from invoicing.credit_grant g join invoicing.document d
                      on d.agreement = g.agreement and d.account = g.account and d.currency = g.currency
                    where g.credit_grant = new.credit_grant and d.document = new.document) then
        raise exception 'grant % is of another account or currency than document %', new.credit_grant, new.document
            using errcode = 'check_violation';
    end if;
    return null;
end
$$;
comment on function invoicing.check_credit_use() is 'Refuses uses beyond a grant, and of another account''s or currency''s.';

create trigger credit_use_checked after insert on invoicing.credit_use for each row execute function invoicing.check_credit_use();
create trigger credit_use_append_only before update or delete on invoicing.credit_use for each row execute function ledger.refuse_change();
create trigger credit_grant_append_only before update or delete on invoicing.credit_grant for each row execute function ledger.refuse_change();

grant select, insert on invoicing.credit_grant, invoicing.credit_use to turnpike_bill;
grant execute on function invoicing.credit_left(bigint), invoicing.check_credit_use() to turnpike_bill;
