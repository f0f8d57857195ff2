-- SPDX-License-Identifier: Apache-2.0
-- Offers, what accounts hold of them, and charges of stages that cover units.

create table catalog.offer (
    offer bigint not null,
    version bigint not null,
    id text not null,
    name text not null,
    kind text not null,
    currency char(3),
    terms text not null,
    constraint offer_pk primary key (offer, version),
    constraint offer_change_fk foreign key (version) references catalog.change,
    constraint offer_kind check (kind in ('package', 'reservation', 'savings_plan', 'coupon', 'subscription'))
);
comment on table catalog.offer is 'What can be bought besides usage at a price. Its terms never change: a row more only gives another name.';
comment on column catalog.offer.offer is 'number';
comment on column catalog.offer.version is 'catalogue version that wrote the row';
comment on column catalog.offer.id is 'name in files';
comment on column catalog.offer.name is 'for people, on documents';
comment on column catalog.offer.kind is 'what it is: package, ... (docs/contracts.md)';
comment on column catalog.offer.currency is 'ISO 4217, of the amounts in its terms; null: it has none';
comment on column catalog.offer.terms is 'terms of its kind, canonical JSON; quantities in the meter''s unit';

create table catalog.holding (
    holding bigint not null,
    version bigint not null,
    id text not null,
    account bigint not null,
    offer bigint not null,
    quantity bigint not null,
    effective_from timestamptz not null,
    effective_to timestamptz,
    constraint holding_pk primary key (holding, version),
    constraint holding_change_fk foreign key (version) references catalog.change,
    constraint holding_quantity check (quantity > 0),
    constraint holding_order check (effective_to > effective_from)
);
comment on table catalog.holding is 'What an account holds of an offer, for a time. Only an end may be set later, by a row more.';
comment on column catalog.holding.holding is 'number';
comment on column catalog.holding.version is 'catalogue version that wrote the row';
comment on column catalog.holding.id is 'name in files';
comment on column catalog.holding.account is 'billing account that pays and whose usage it covers';
comment on column catalog.holding.offer is 'offer';
comment on column catalog.holding.quantity is 'how many';
comment on column catalog.holding.effective_from is 'first instant';
comment on column catalog.holding.effective_to is 'one past the last; null: no end yet';

grant select on catalog.offer, catalog.holding to turnpike_ingest, turnpike_rate, turnpike_bill;

comment on column invoicing.charge.stage is
    'key: 0 usage, 1 minimum duration, 2 free units, 3 what a minimum spend adds, 4 what a maximum spend takes off; 5 usage that a reservation or savings plan paid for, 6 what it left unused, 7 its purchase; 8 units that a package paid for, 9 what a holding costs, 10 what of it was not used';
comment on column invoicing.charge.price is 'key: price version; 0 = at no price (stages 6, 7, 9 and 10)';
comment on column invoicing.charge.deduction is
    'key: of what a price charges (stages 0 to 4), place of the discount among those of the terms at the period''s start, from 1; of stages 5 to 7 place of the reservation, or number of reservations + place of the savings plan; of stages 8 to 10 the holding; 0 = none';

create view catalog.newest_holding as
select distinct on (holding) * from catalog.holding order by holding, version desc;
comment on view catalog.newest_holding is 'Newest row of each holding.';

create or replace view report.charges as
select p.label as period, p.period_start, p.period_end, s.id as seller_id, s.name as seller_name, a.id as account_id, a.name as account_name,
       t.id as tenant_id, t.name as tenant_name, v.id as service_id, v.name as service_name, v.category as service_category,
       k.id as sku_id, k.name as sku_name, c.price, c.tier,
       case c.stage when 0 then 'usage' when 1 then 'minimum' when 2 then 'free' when 3 then 'minimum_spend' when 4 then 'maximum_spend'
                    when 5 then 'covered' when 6 then 'unused' when 7 then 'purchase'
                    when 8 then 'package' when 9 then 'bought' when 10 then 'left' end as stage,
       coalesce(d.members, '{}') as dimensions, c.quantity,
       case when c.stage = 6 and c.tier = 1 then c.currency when c.stage = 9 then 'package' else m.unit end as unit, c.currency, c.list_cost,
       c.contracted_cost, c.effective_cost, c.billed_cost, p.state as period_state, c.deduction, h.id as holding_id
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
  left join catalog.newest_holding h on h.holding = c.deduction and c.stage in (8, 9, 10)
 where c.quantity <> 0 or c.billed_cost <> 0 or c.list_cost <> 0 or c.contracted_cost <> 0 or c.effective_cost <> 0;
comment on column report.charges.stage is
    'usage; minimum: what a minimum duration adds to short runs; free: units that the price gives free; minimum_spend, maximum_spend: what brings the period''s charge to these; covered, unused, purchase: of reservations and savings plans; package: units that a package paid for, bought: what is held costs, left: what of it was not used';
comment on column report.charges.holding_id is 'what the account holds that the charge comes of; null: nothing';
comment on column report.charges.price is 'number of the price version; 0: of no price';
