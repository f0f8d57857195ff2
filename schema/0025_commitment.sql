-- SPDX-License-Identifier: Apache-2.0
-- Reservations and savings plans of an agreement's terms: what their charges name, and how reports show them.

comment on column catalog.agreement.deductions is
    'what is deducted by these terms themselves, canonical JSON: {"discounts":[{"rate":"0.1","sku":ID or "service":ID or neither},...],"reservations":[...],"savings_plans":[...]}; catalogue/contract.h';
comment on column invoicing.charge.price is 'key: price version; 0 = at no price (stages 6 and 7)';
comment on column invoicing.charge.deduction is
    'key: of what a price charges (stages 0 to 4), place of the discount among those of the terms at the period''s start, from 1; of stages 5 to 7 place of the reservation, or number of reservations + place of the savings plan; 0 = none';

create or replace view report.charges as
select p.label as period, p.period_start, p.period_end, s.id as seller_id, s.name as seller_name, a.id as account_id, a.name as account_name,
       t.id as tenant_id, t.name as tenant_name, v.id as service_id, v.name as service_name, v.category as service_category,
       k.id as sku_id, k.name as sku_name, c.price, c.tier,
       case c.stage when 0 then 'usage' when 1 then 'minimum' when 2 then 'free' when 3 then 'minimum_spend' when 4 then 'maximum_spend'
                    when 5 then 'covered' when 6 then 'unused' when 7 then 'purchase' end as stage,
       coalesce(d.members, '{}') as dimensions, c.quantity,
       case when c.stage = 6 and c.tier = 1 then c.currency else m.unit end as unit, c.currency, c.list_cost, c.contracted_cost, c.effective_cost,
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
 where c.quantity <> 0 or c.billed_cost <> 0 or c.list_cost <> 0 or c.contracted_cost <> 0 or c.effective_cost <> 0;
comment on column report.charges.deduction is
    'place of the negotiated discount among those of the agreement''s terms, from 1; of the stages covered, unused and purchase place of the reservation, or number of reservations + place of the savings plan; 0: none';
comment on column report.charges.unit is 'the meter''s unit; the currency of the unused amount of a savings plan (stage unused, tier 1)';
