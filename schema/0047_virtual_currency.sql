-- SPDX-License-Identifier: Apache-2.0
-- Virtual currencies: tokens and credits that price books may be in. Their codes are longer than ISO 4217's, so books and rates
-- hold texts; accounts, charges, documents and the ledger stay in currencies of ISO 4217.

create table catalog.virtual_currency (
    code text not null,
    version bigint not null,
    name text not null,
    places smallint not null,
    constraint virtual_currency_pk primary key (code, version),
    constraint virtual_currency_change_fk foreign key (version) references catalog.change,
    constraint virtual_currency_code check (code ~ '^[A-Z][A-Z0-9]{2,15}$' and code !~ '^[A-Z]{3}$'),
    constraint virtual_currency_places check (places between 0 and 12)
);
comment on table catalog.virtual_currency is
    'Currencies of prices that are none of ISO 4217: tokens, credits. Exchange rates lead from them to the currencies of accounts. A further version only gives another name.';
comment on column catalog.virtual_currency.code is 'what price books and rates name; never three capitals, which are ISO 4217''s (never changes)';
comment on column catalog.virtual_currency.version is 'catalogue version that wrote the row';
comment on column catalog.virtual_currency.name is 'what people call it';
comment on column catalog.virtual_currency.places is 'decimal places in which people write amounts; nothing is rounded to them (never changes)';
grant select on catalog.virtual_currency to turnpike_ingest, turnpike_rate, turnpike_bill, turnpike_catalogue;

drop view report.charges; -- it reads the two columns; below it is made again, and knows prepayments (0046)

alter table catalog.price_book
    alter column currency type text,
    add constraint price_book_currency check (currency ~ '^[A-Z][A-Z0-9]{2,15}$');
comment on column catalog.price_book.currency is 'code of its prices'' currency: ISO 4217, or a virtual currency (never changes)';
alter table catalog.exchange_rate
    alter column from_currency type text,
    add constraint exchange_rate_from check (from_currency ~ '^[A-Z][A-Z0-9]{2,15}$');
comment on column catalog.exchange_rate.from_currency is 'of prices: ISO 4217, or a virtual currency';

create view report.charges as
select p.label as period, p.period_start, p.period_end, s.id as seller_id, s.name as seller_name, a.id as account_id, a.name as account_name,
       t.id as tenant_id, t.name as tenant_name, v.id as service_id, v.name as service_name, v.category as service_category,
       k.id as sku_id, k.name as sku_name, c.price, c.tier,
       case c.stage when 0 then 'usage' when 1 then 'minimum' when 2 then 'free' when 3 then 'minimum_spend' when 4 then 'maximum_spend'
                    when 5 then 'covered' when 6 then 'unused' when 7 then 'purchase'
                    when 8 then 'package' when 9 then 'bought' when 10 then 'left'
                    when 11 then 'fee' when 12 then 'fee_refund'
                    when 13 then 'coupon' when 14 then 'account_minimum' when 15 then 'account_maximum'
                    when 16 then 'true_up' when 17 then 'prepayment' when 18 then 'prepaid' end as stage,
       coalesce(d.members, '{}') as dimensions, c.quantity,
       case when c.stage in (6, 10) and c.tier = 1 then c.currency when c.stage = 9 then 'package' when c.stage = 17 then 'prepayment' when c.stage in (11, 12) then 'fee' else m.unit end as unit, c.currency, c.list_cost,
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
  left join catalog.newest_holding h on h.holding = c.deduction and c.stage in (8, 9, 10, 11, 12, 13, 17, 18)
  left join catalog.price r on r.price = c.price
  left join lateral (select b.currency from catalog.price_book b where b.price_book = r.price_book limit 1) b on true
 where c.quantity <> 0 or c.billed_cost <> 0 or c.list_cost <> 0 or c.contracted_cost <> 0 or c.effective_cost <> 0;
comment on view report.charges is
    'Charges of every period to date, as of the last settlement. Not rounded: documents round. One row per charge key that is not zero.';
comment on column report.charges.period is 'billing period, YYYY-MM in the account''s zone';
comment on column report.charges.period_start is 'first instant of the period';
comment on column report.charges.period_end is 'one past its last instant';
comment on column report.charges.seller_id is 'who sells: the operator or a partner';
comment on column report.charges.seller_name is 'its present name';
comment on column report.charges.account_id is 'billing account that pays';
comment on column report.charges.account_name is 'its present name';
comment on column report.charges.tenant_id is 'tenant that used it; null: a price shared by all tenants of the account';
comment on column report.charges.tenant_name is 'its present name';
comment on column report.charges.service_id is 'service';
comment on column report.charges.service_name is 'its present name';
comment on column report.charges.service_category is 'FOCUS ServiceCategory';
comment on column report.charges.sku_id is 'SKU';
comment on column report.charges.sku_name is 'its present name';
comment on column report.charges.price is 'number of the price version; 0: of no price';
comment on column report.charges.tier is 'tier of a price with tiers, from 0';
comment on column report.charges.stage is
    'usage; minimum: what a minimum duration adds to short runs; free: units that the price gives free; minimum_spend, maximum_spend: what brings the period''s charge to these; covered, unused, purchase: of reservations and savings plans; package: units that a package paid for, bought: what is held costs, left: what of it was not used; fee: of a subscription, fee_refund: what of it is paid back; coupon: what a coupon takes off; account_minimum, account_maximum: what brings the account''s period to a limit of its terms; true_up: what a term was short of its minimum; prepayment: what is paid for spend before it happens, prepaid: what of a charge was paid so';
comment on column report.charges.dimensions is 'dimension values, canonical JSON; {} = none, or shared';
comment on column report.charges.quantity is 'to date, in the meter''s unit';
comment on column report.charges.unit is
    'the meter''s unit; the currency of the unused amount of a savings plan (stage unused, tier 1)';
comment on column report.charges.currency is 'ISO 4217 code of the four costs';
comment on column report.charges.list_cost is 'at list price';
comment on column report.charges.contracted_cost is 'at the account''s price';
comment on column report.charges.effective_cost is 'after commitments (equal to contracted for now)';
comment on column report.charges.billed_cost is 'what is or will be invoiced';
comment on column report.charges.period_state is 'open or closed';
comment on column report.charges.deduction is
    'place of the negotiated discount among those of the agreement''s terms, from 1; of the stages covered, unused and purchase place of the reservation, or number of reservations + place of the savings plan; 0: none';
comment on column report.charges.holding_id is 'what the account holds that the charge comes of; null: nothing';
comment on column report.charges.pricing_currency is
    'of the prices: ISO 4217, or a virtual currency; that of the charge where there is no price';
comment on column report.charges.exchange_rate is
    'one unit of the pricing currency in the charge''s, of the period''s start; null: they are the same';
grant select on report.charges to turnpike_report;
