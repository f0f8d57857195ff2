-- SPDX-License-Identifier: Apache-2.0
-- More price models: volume, package, stairstep, percentage, flat; and what every shared price may have beside its model: free
-- units, a minimum and a maximum per period.

alter table catalog.price
    add column free numeric(38, 9) not null default 0,
    add column fixed numeric(38, 12) not null default 0,
    add column minimum_spend numeric(38, 12) not null default 0,
    add column maximum_spend numeric(38, 12) not null default 0,
    drop constraint price_model,
    drop constraint price_unit_price,
    add constraint price_model check (
        model in ('per_unit', 'graduated', 'volume', 'package', 'stairstep', 'percentage', 'flat')),
    add constraint price_unit_price check (
        (model in ('per_unit', 'package', 'percentage', 'flat')) = (unit_price is not null)),
    add constraint price_fixed check (fixed >= 0 and (fixed = 0 or model = 'percentage')),
    add constraint price_free check (free >= 0),
    add constraint price_spend check (
        minimum_spend >= 0 and maximum_spend >= 0 and (maximum_spend = 0 or minimum_spend <= maximum_spend)),
    add constraint price_own check (
        model <> 'per_unit' or (free = 0 and minimum_spend = 0 and maximum_spend = 0)),
    add constraint price_runs check (minimum_seconds = 0 or model = 'per_unit');
comment on column catalog.price.model is
    'per_unit; shared by the account''s tenants: graduated, volume, package, stairstep, percentage, flat (docs/pricing.md)';
comment on column catalog.price.unit_price is
    'in the book''s currency; per_unit, package: of one pricing unit; percentage: of one unit of the amount; flat: of a period with usage';
comment on column catalog.price.free is 'the first so many pricing units of a period cost nothing (times per = meter units, exact)';
comment on column catalog.price.fixed is 'percentage: added once in a period with usage, in the book''s currency';
comment on column catalog.price.minimum_spend is 'least charge of a period with usage, in the book''s currency; 0 = none';
comment on column catalog.price.maximum_spend is 'greatest charge of a period, in the book''s currency; 0 = none';

alter table catalog.price_tier
    add column flat numeric(38, 12) not null default 0,
    add constraint price_tier_flat check (flat >= 0);
comment on table catalog.price_tier is
    'Tiers of graduated, volume and stairstep prices: unit n of the period belongs to the tier with previous up_to < n <= up_to.';
comment on column catalog.price_tier.unit_price is 'price of one pricing unit in this tier; 0 = free tier; stairstep: 0';
comment on column catalog.price_tier.flat is
    'charged once in a period, in the book''s currency; graduated: for every tier entered, volume and stairstep: for the tier reached';

comment on column invoicing.charge.stage is
    'key: 0 usage, 1 minimum duration, 2 free units, 3 what a minimum spend adds, 4 what a maximum spend takes off';

create or replace view report.charges as
select p.label as period, p.period_start, p.period_end, s.id as seller_id, s.name as seller_name, a.id as account_id, a.name as account_name,
       t.id as tenant_id, t.name as tenant_name, v.id as service_id, v.name as service_name, v.category as service_category,
       k.id as sku_id, k.name as sku_name, c.price, c.tier,
       case c.stage when 0 then 'usage' when 1 then 'minimum' when 2 then 'free' when 3 then 'minimum_spend' when 4 then 'maximum_spend' end as stage,
       coalesce(d.members, '{}') as dimensions, c.quantity, m.unit, c.currency, c.list_cost, c.contracted_cost, c.effective_cost,
       c.billed_cost, p.state as period_state
  from (select distinct on (c.agreement, c.account, c.period_start, c.currency, c.tenant, c.sku, c.price, c.tier, c.dimension_set, c.stage) c.*
          from invoicing.charge c
         order by c.agreement, c.account, c.period_start, c.currency, c.tenant, c.sku, c.price, c.tier, c.dimension_set, c.stage,
                  c.settlement desc) c
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
comment on column report.charges.tier is 'tier of a price with tiers, from 0';
comment on column report.charges.tenant_id is 'tenant that used it; null: a price shared by all tenants of the account';
comment on column report.charges.stage is
    'usage; minimum: what a minimum duration adds to short runs; free: units that the price gives free; minimum_spend, maximum_spend: what brings the period''s charge to these';
