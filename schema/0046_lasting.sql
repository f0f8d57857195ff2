-- SPDX-License-Identifier: Apache-2.0
-- What is held through several periods: what earlier ones used of it, and spend that is paid for before it happens.

alter table catalog.offer
    drop constraint offer_kind,
    add constraint offer_kind check (kind in ('package', 'reservation', 'savings_plan', 'coupon', 'subscription', 'prepayment'));
comment on column catalog.agreement.stages is
    'the contract''s stages in order, names joined by commas; usage = the default order: free, packages, reservations, savings_plans, discounts, coupons, limits, prepayments';

create index agreement_account_index on catalog.agreement (account, agreement);

-- Rows of one account and wanted period stand for what rating/usage.h calls earlier and used (docs/adr/0020).
create function invoicing.earlier_charge(of_accounts bigint[], of_periods timestamptz[], begins timestamptz[])
    returns table (account bigint, wanted timestamptz, agreement bigint, period_start timestamptz, sku integer, stage integer,
                   holding bigint, quantity numeric, effective_cost numeric, billed_cost numeric)
    language sql stable
    as $$
    select k.account, k.wanted, p.agreement, p.period_start, c.sku,
           case when c.stage in (8, 13, 18) then c.stage else 0 end::integer,
           case when c.stage in (8, 13, 18) then c.deduction else 0 end::bigint,
           sum(c.quantity), sum(c.effective_cost), sum(c.billed_cost)
      from unnest(of_accounts, of_periods, begins) as k (account, wanted, since)
     cross join lateral (select distinct a.agreement from catalog.agreement a where a.account = k.account) a
      join invoicing.position p on p.agreement = a.agreement and p.account = k.account and p.period_start >= k.since
       and p.period_start < k.wanted
     cross join lateral invoicing.charge_to_date(array[p.agreement], array[p.account], array[p.period_start]) c
     where c.stage not in (16, 17)
     group by 1, 2, 3, 4, 5, 6, 7
$$;
comment on function invoicing.earlier_charge(bigint[], timestamptz[], timestamptz[]) is
    'What the periods of an account before a wanted one are charged to date, from those that begin at an instant on: by SKU, and, of charges that use up what is held, by stage and holding (else 0). Without what makes up for terms, and without what prepayments cost.';

create function api.earlier_charge(of_accounts bigint[], of_periods timestamptz[], begins timestamptz[])
    returns table (account bigint, wanted timestamptz, agreement bigint, period_start timestamptz, sku integer, stage integer,
                   holding bigint, quantity numeric, effective_cost numeric, billed_cost numeric)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
    select e.*
      from (select array_agg(k.account) as accounts, array_agg(k.wanted) as periods, array_agg(k.since) as begins
              from unnest(of_accounts, of_periods, begins) as k (account, wanted, since)
             where api.granted_all()
                or k.account = any (api.granted_accounts())
                or exists (select from catalog.membership m
                            where m.account = k.account and m.tenant = any (api.granted_tenants()))) permitted
     cross join lateral invoicing.earlier_charge(permitted.accounts, permitted.periods, permitted.begins) e
$$;
comment on function api.earlier_charge(bigint[], timestamptz[], timestamptz[]) is
    'invoicing.earlier_charge of the accounts that pay for tenants of the bound key.';

revoke all on function invoicing.earlier_charge(bigint[], timestamptz[], timestamptz[]) from public;
revoke all on function api.earlier_charge(bigint[], timestamptz[], timestamptz[]) from public;
grant execute on function invoicing.earlier_charge(bigint[], timestamptz[], timestamptz[]) to turnpike_bill;
grant execute on function api.earlier_charge(bigint[], timestamptz[], timestamptz[]) to turnpike_api;

comment on column invoicing.charge.stage is
    'key: 0 usage, 1 minimum duration, 2 free units, 3 what a minimum spend adds, 4 what a maximum spend takes off; 5 usage that a reservation or savings plan paid for, 6 what it left unused, 7 its purchase; 8 units that a package paid for, 9 what a holding costs, 10 what of it was not used; 11 fee of a subscription (tier 0: charged in this period, 1: its share of one charged before), 12 what of a fee is paid back; 13 what a coupon takes off, 14 what the account''s minimum adds, 15 what its maximum takes off, 16 what a term was short of its minimum; 17 what is paid for spend before it happens, 18 what of a charge was paid so';
comment on column invoicing.charge.price is 'key: price version; 0 = at no price (stages 6, 7, 9, 10, 11, 12, 14, 16 and 17)';
comment on column invoicing.charge.deduction is
    'key: of what a price charges (stages 0 to 4), place of the discount among those of the terms at the period''s start, from 1; of stages 5 to 7 place of the reservation, or number of reservations + place of the savings plan; of stages 8 to 13, 17 and 18 the holding; of stages 14 to 16 place of the limit among those of the terms; 0 = none';
