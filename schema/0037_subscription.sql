-- SPDX-License-Identifier: Apache-2.0
-- Fees of subscriptions: charges of their own, and holdings whose intervals begin elsewhere than they do.

alter table catalog.holding
    add anchor timestamptz,
    add constraint holding_anchor check (anchor <= effective_from);
comment on column catalog.holding.anchor is 'where the intervals of a subscription begin, at or before effective_from; null: there';

create or replace view catalog.newest_holding as
select distinct on (holding) * from catalog.holding order by holding, version desc;

comment on column invoicing.charge.stage is
    'key: 0 usage, 1 minimum duration, 2 free units, 3 what a minimum spend adds, 4 what a maximum spend takes off; 5 usage that a reservation or savings plan paid for, 6 what it left unused, 7 its purchase; 8 units that a package paid for, 9 what a holding costs, 10 what of it was not used; 11 fee of a subscription (tier 0: charged in this period, 1: its share of one charged before), 12 what of a fee is paid back; 13 what a coupon takes off, 14 what the account''s minimum adds, 15 what its maximum takes off';
comment on column invoicing.charge.price is 'key: price version; 0 = at no price (stages 6, 7, 9, 10, 11, 12 and 14)';
comment on column invoicing.charge.deduction is
    'key: of what a price charges (stages 0 to 4), place of the discount among those of the terms at the period''s start, from 1; of stages 5 to 7 place of the reservation, or number of reservations + place of the savings plan; of stages 8 to 13 the holding; of stages 14 and 15 place of the limit among those of the terms; 0 = none';

create or replace view report.charges as
select p.label as period, p.period_start, p.period_end, s.id as seller_id, s.name as seller_name, a.id as account_id, a.name as account_name,
       t.id as tenant_id, t.name as tenant_name, v.id as service_id, v.name as service_name, v.category as service_category,
       k.id as sku_id, k.name as sku_name, c.price, c.tier,
       case c.stage when 0 then 'usage' when 1 then 'minimum' when 2 then 'free' when 3 then 'minimum_spend' when 4 then 'maximum_spend'
                    when 5 then 'covered' when 6 then 'unused' when 7 then 'purchase'
                    when 8 then 'package' when 9 then 'bought' when 10 then 'left'
                    when 11 then 'fee' when 12 then 'fee_refund'
                    when 13 then 'coupon' when 14 then 'account_minimum' when 15 then 'account_maximum' end as stage,
       coalesce(d.members, '{}') as dimensions, c.quantity,
       case when c.stage = 6 and c.tier = 1 then c.currency when c.stage = 9 then 'package' when c.stage in (11, 12) then 'fee' else m.unit end as unit, c.currency, c.list_cost,
       c.contracted_cost, c.effective_cost, c.billed_cost, p.state as period_state, c.deduction, h.id as holding_id,
       coalesce(b.currency, c.currency) as pricing_currency,
       case when b.currency <> c.currency then
                (select e.rate
                   from catalog.exchange_rate e
                  where e.from_currency = b.currency and e.to_currency = c.currency and e.effective_from <= c.period_start
                  order by e.effective_from desc, e.version desc
                  limit 1)
            end as exchange_rate
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
  left join catalog.newest_holding h on h.holding = c.deduction and c.stage in (8, 9, 10, 11, 12, 13)
  left join catalog.price r on r.price = c.price
  left join lateral (select b.currency from catalog.price_book b where b.price_book = r.price_book limit 1) b on true
 where c.quantity <> 0 or c.billed_cost <> 0 or c.list_cost <> 0 or c.contracted_cost <> 0 or c.effective_cost <> 0;
comment on column report.charges.stage is
    'usage; minimum: what a minimum duration adds to short runs; free: units that the price gives free; minimum_spend, maximum_spend: what brings the period''s charge to these; covered, unused, purchase: of reservations and savings plans; package: units that a package paid for, bought: what is held costs, left: what of it was not used; fee: of a subscription, fee_refund: what of it is paid back; coupon: what a coupon takes off; account_minimum, account_maximum: what brings the account''s period to a limit of its terms';
comment on column report.charges.holding_id is 'what the account holds that the charge comes of; null: nothing';
