-- SPDX-License-Identifier: Apache-2.0
-- Deductions of a contract: the order of its stages, negotiated discounts, and who deducted what as part of a charge's key.

alter table catalog.agreement
    add column deductions text not null default '{}',
    add constraint agreement_stages check (stages <> '');
comment on column catalog.agreement.stages is
    'the contract''s stages in order, names joined by commas; usage = the default order: free, packages, reservations, savings_plans, discounts, coupons, limits';
comment on column catalog.agreement.deductions is
    'what is deducted by these terms themselves, canonical JSON: {"discounts":[{"rate":"0.1","sku":ID or "service":ID or neither},...]}';

-- --- the key of charges

alter table invoicing.charge
    add column deduction bigint not null default 0,
    drop constraint charge_pk,
    add constraint charge_pk primary key
        (agreement, account, period_start, currency, tenant, sku, price, tier, dimension_set, stage, deduction, settlement);
comment on column invoicing.charge.deduction is
    'key: of what a price charges (stages 0 to 4), place of the discount among those of the terms at the period''s start, from 1; 0 = none';
comment on column invoicing.charge.effective_cost is 'to date, after discounts and commitments';

alter table invoicing.document_line
    add column deduction bigint not null default 0;
comment on column invoicing.document_line.deduction is 'charge key: deduction';

-- The newest row of each key, found from the greatest key down (as before, with the key's new last part).
create or replace function invoicing.charge_to_date(agreements bigint[], accounts bigint[], period_starts timestamptz[])
    returns setof invoicing.charge
    language sql stable
    as $$
    with recursive wanted as (
        select k.agreement, k.account, k.period_start, coalesce(p.settlements, 0) > 4 as stepwise
          from unnest(agreements, accounts, period_starts) as k (agreement, account, period_start)
          left join invoicing.position p on p.agreement = k.agreement and p.account = k.account and p.period_start = k.period_start
    ), newest as (
        select (c.row).*
          from wanted k
         cross join lateral (select c as row from invoicing.charge c
                              where k.stepwise and c.agreement = k.agreement and c.account = k.account and c.period_start = k.period_start
                              order by c.agreement desc, c.account desc, c.period_start desc, c.currency desc, c.tenant desc, c.sku desc,
                                       c.price desc, c.tier desc, c.dimension_set desc, c.stage desc, c.deduction desc, c.settlement desc
                              limit 1) c
        union all
        select (c.row).*
          from newest n
         cross join lateral (select c as row from invoicing.charge c
                              where c.agreement = n.agreement and c.account = n.account and c.period_start = n.period_start
                                and (c.currency, c.tenant, c.sku, c.price, c.tier, c.dimension_set, c.stage, c.deduction)
                                    < (n.currency, n.tenant, n.sku, n.price, n.tier, n.dimension_set, n.stage, n.deduction)
                              order by c.agreement desc, c.account desc, c.period_start desc, c.currency desc, c.tenant desc, c.sku desc,
                                       c.price desc, c.tier desc, c.dimension_set desc, c.stage desc, c.deduction desc, c.settlement desc
                              limit 1) c
    ), few as (
        select distinct on (c.account, c.period_start, c.agreement, c.currency, c.tenant, c.sku, c.price, c.tier, c.dimension_set,
                            c.stage, c.deduction) c.*
          from wanted k
          join invoicing.charge c on c.agreement = k.agreement and c.account = k.account and c.period_start = k.period_start
         where not k.stepwise
         order by c.account, c.period_start, c.agreement, c.currency, c.tenant, c.sku, c.price, c.tier, c.dimension_set, c.stage,
                  c.deduction, c.settlement desc
    )
    select * from newest union all select * from few
     order by account, period_start, agreement, currency, tenant, sku, price, tier, dimension_set, stage, deduction
$$;

create or replace view report.charges as
select p.label as period, p.period_start, p.period_end, s.id as seller_id, s.name as seller_name, a.id as account_id, a.name as account_name,
       t.id as tenant_id, t.name as tenant_name, v.id as service_id, v.name as service_name, v.category as service_category,
       k.id as sku_id, k.name as sku_name, c.price, c.tier,
       case c.stage when 0 then 'usage' when 1 then 'minimum' when 2 then 'free' when 3 then 'minimum_spend' when 4 then 'maximum_spend' end as stage,
       coalesce(d.members, '{}') as dimensions, c.quantity, m.unit, c.currency, c.list_cost, c.contracted_cost, c.effective_cost,
       c.billed_cost, p.state as period_state, c.deduction
  from (select distinct on (c.agreement, c.account, c.period_start, c.currency, c.tenant, c.sku, c.price, c.tier, c.dimension_set, c.stage,
                            c.deduction) c.*
          from invoicing.charge c
         order by c.agreement, c.account, c.period_start, c.currency, c.tenant, c.sku, c.price, c.tier, c.dimension_set, c.stage,
                  c.deduction, c.settlement desc) c
  join invoicing.period p on p.agreement = c.agreement and p.account = c.account and p.period_start = c.period_start
  join catalog.newest_agreement g on g.agreement = c.agreement
  join catalog.newest_seller s on s.seller = g.seller
  join catalog.newest_billing_account a on a.account = c.account
  join catalog.newest_sku k on k.sku = c.sku
  join catalog.newest_service v on v.service = k.service
  join catalog.newest_meter m on m.meter = k.meter
  left join catalog.newest_tenant t on t.tenant = c.tenant
  left join rating.dimension_set d on d.tenant = c.tenant and d.dimension_set = c.dimension_set
 where c.quantity <> 0 or c.billed_cost <> 0 or c.list_cost <> 0 or c.contracted_cost <> 0;
comment on column report.charges.deduction is
    'place of the negotiated discount among those of the agreement''s terms, from 1; 0: none';
