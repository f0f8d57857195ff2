-- SPDX-License-Identifier: Apache-2.0
-- Exchange rates, for accounts whose price book is in another currency.

create table catalog.exchange_rate (
    from_currency char(3) not null,
    to_currency char(3) not null,
    effective_from timestamptz not null,
    version bigint not null,
    rate numeric(38, 12) not null,
    source text,
    constraint exchange_rate_pk primary key (from_currency, to_currency, effective_from, version),
    constraint exchange_rate_change_fk foreign key (version) references catalog.change,
    constraint exchange_rate_pair check (from_currency <> to_currency),
    constraint exchange_rate_above_zero check (rate > 0)
);
comment on table catalog.exchange_rate is
    'What one unit of a currency is in another, in one direction. The rate of a billing period is the one in effect at its start; of one effective_from the highest version counts.';
comment on column catalog.exchange_rate.from_currency is 'ISO 4217, of prices';
comment on column catalog.exchange_rate.to_currency is 'ISO 4217, of charges and documents';
comment on column catalog.exchange_rate.effective_from is 'billing periods that start here or later, up to the next one; -infinity: without limit';
comment on column catalog.exchange_rate.version is 'catalogue version that wrote the row';
comment on column catalog.exchange_rate.rate is 'one unit of from_currency in to_currency';
comment on column catalog.exchange_rate.source is 'where it was published; null: not said';
grant select on catalog.exchange_rate to turnpike_ingest, turnpike_rate, turnpike_bill, turnpike_catalogue;

comment on column invoicing.position.rate_version is 'always 0: exchange rates are rows of the catalogue, whose version covers them';
comment on column invoicing.settlement.rate_version is 'always 0: exchange rates are rows of the catalogue, whose version covers them';

create or replace view report.charges as
select p.label as period, p.period_start, p.period_end, s.id as seller_id, s.name as seller_name, a.id as account_id, a.name as account_name,
       t.id as tenant_id, t.name as tenant_name, v.id as service_id, v.name as service_name, v.category as service_category,
       k.id as sku_id, k.name as sku_name, c.price, c.tier,
       case c.stage when 0 then 'usage' when 1 then 'minimum' when 2 then 'free' when 3 then 'minimum_spend' when 4 then 'maximum_spend'
                    when 5 then 'covered' when 6 then 'unused' when 7 then 'purchase'
                    when 8 then 'package' when 9 then 'bought' when 10 then 'left'
                    when 13 then 'coupon' when 14 then 'account_minimum' when 15 then 'account_maximum' end as stage,
       coalesce(d.members, '{}') as dimensions, c.quantity,
       case when c.stage = 6 and c.tier = 1 then c.currency when c.stage = 9 then 'package' else m.unit end as unit, c.currency, c.list_cost,
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
  left join catalog.newest_holding h on h.holding = c.deduction and c.stage in (8, 9, 10, 13)
  left join catalog.price r on r.price = c.price
  left join lateral (select b.currency from catalog.price_book b where b.price_book = r.price_book limit 1) b on true
 where c.quantity <> 0 or c.billed_cost <> 0 or c.list_cost <> 0 or c.contracted_cost <> 0 or c.effective_cost <> 0;
comment on column report.charges.pricing_currency is 'ISO 4217, of the prices; that of the charge where there is no price';
comment on column report.charges.exchange_rate is
    'one unit of the pricing currency in the charge''s, of the period''s start; null: they are the same';
