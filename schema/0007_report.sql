-- SPDX-License-Identifier: Apache-2.0
-- What finance reads: views with ids, names and units in place of our numbers, a stable interface. Role turnpike_report sees
-- these and no table. Amounts are exact decimals in the currency of their row; never add rows of different currencies.

create schema report;
comment on schema report is 'Views for finance and for reports: a stable interface of ids, names and exact amounts.';

-- The newest row of everything that has a name. Not granted: the views below read them as their owner.
create view catalog.newest_service as
select distinct on (service) service, id, name, category, subcategory from catalog.service order by service, version desc;
comment on view catalog.newest_service is 'Services as they are called now.';
create view catalog.newest_sku as
select distinct on (sku) sku, id, name, service, meter from catalog.sku order by sku, version desc;
comment on view catalog.newest_sku is 'SKUs as they are called now.';
create view catalog.newest_meter as
select distinct on (meter) meter, id, name, unit, aggregation, evaluation_window
  from catalog.meter order by meter, effective_from desc, version desc;
comment on view catalog.newest_meter is 'Meters in their newest version.';
create view catalog.newest_tenant as
select distinct on (tenant) tenant, id, name from catalog.tenant order by tenant, version desc;
comment on view catalog.newest_tenant is 'Tenants as they are called now.';
create view catalog.newest_billing_account as
select distinct on (account) account, id, name from catalog.billing_account order by account, version desc;
comment on view catalog.newest_billing_account is 'Billing accounts as they are called now.';
create view catalog.newest_seller as
select distinct on (seller) seller, id, name from catalog.seller order by seller, version desc;
comment on view catalog.newest_seller is 'Sellers as they are called now.';
create view catalog.newest_agreement as
select distinct on (agreement) agreement, seller, account, currency
  from catalog.agreement order by agreement, effective_from desc, version desc;
comment on view catalog.newest_agreement is 'Who sells to whom, and in which currency.';

-- --- usage

create view report.usage_by_day as
with added as (
    select d.tenant, d.meter, d.dimension_set, date_bin('1 day', d.slot, timestamptz 'epoch') as day, sum(d.quantity) as quantity,
           sum(d.event_count) as events
      from rating.usage_delta d
      join catalog.newest_meter m on m.meter = d.meter and m.aggregation in ('sum', 'count')
     group by d.tenant, d.meter, d.dimension_set, day
), slot_value as (
    select d.tenant, d.meter, d.dimension_set, d.slot, m.evaluation_window,
           case m.aggregation
               when 'max' then max(d.quantity)
               else (array_agg(d.quantity order by d.latest_time desc nulls last, d.latest_id desc nulls last))[1]
           end as quantity,
           case m.aggregation when 'max' then max(d.quantity) end as greatest,
           sum(d.event_count) as events
      from rating.usage_delta d
      join catalog.newest_meter m on m.meter = d.meter and m.aggregation in ('max', 'latest')
     group by d.tenant, d.meter, d.dimension_set, d.slot, m.evaluation_window, m.aggregation
), level as (
    select s.tenant, s.meter, s.dimension_set, date_bin('1 day', s.slot, timestamptz 'epoch') as day,
           case
               when s.evaluation_window = 'slot' then sum(s.quantity)
               else coalesce(max(s.greatest), (array_agg(s.quantity order by s.slot desc))[1])
           end as quantity,
           sum(s.events) as events
      from slot_value s
     group by s.tenant, s.meter, s.dimension_set, s.evaluation_window, day
), progress as ( -- as rating.vector_at(null), which only its grantees may call
    select p.incarnation, p.partition, p.batch_seq,
           case when isfinite(p.watermark) then date_bin('15 minutes', p.watermark, timestamptz 'epoch') else p.watermark end as cut_end
      from rating.partition p
), stretch as (
    select t.tenant, t.meter, t.dimension_set, t.running, t.value, t.event_time as stretch_start,
           least(v.cut_end, lead(t.event_time, 1, v.cut_end)
                 over (partition by t.tenant, t.meter, t.resource order by t.event_time, t.event_id)) as stretch_end
      from rating.transition t
      join progress v on v.incarnation = t.incarnation and v.partition = t.partition and t.batch_seq <= v.batch_seq
     where t.event_time <= v.cut_end
), accrued as (
    select s.tenant, s.meter, s.dimension_set, d.day,
           sum(round(s.value * extract(epoch from least(s.stretch_end, d.day + interval '1 day') - greatest(s.stretch_start, d.day)), 9)) as quantity,
           count(*) filter (where s.stretch_start >= d.day) as events
      from stretch s
      cross join lateral generate_series(date_bin('1 day', s.stretch_start, timestamptz 'epoch'), s.stretch_end, interval '1 day') as d (day)
     where s.running and s.stretch_end > s.stretch_start and s.stretch_end > d.day
     group by s.tenant, s.meter, s.dimension_set, d.day
)
select (u.day at time zone 'UTC')::date as day, t.id as tenant_id, t.name as tenant_name, m.id as meter_id, m.name as meter_name,
       coalesce(s.members, '{}') as dimensions, u.quantity, m.unit, m.aggregation, u.events
  from (select * from added union all select * from level union all select * from accrued) u
  join catalog.newest_tenant t on t.tenant = u.tenant
  join catalog.newest_meter m on m.meter = u.meter
  left join rating.dimension_set s on s.tenant = u.tenant and s.dimension_set = u.dimension_set;
comment on view report.usage_by_day is
    'What was counted, by day of UTC, as of what is committed now: late events change past days. Running resources accrue up to the watermark of their partition. Filter by day and tenant_id: the view reads every delta that it shows.';
comment on column report.usage_by_day.day is 'day of UTC of the event time';
comment on column report.usage_by_day.tenant_id is 'tenant, as events and catalogue name it';
comment on column report.usage_by_day.tenant_name is 'its present name';
comment on column report.usage_by_day.meter_id is 'meter, as the catalogue names it';
comment on column report.usage_by_day.meter_name is 'its present name';
comment on column report.usage_by_day.dimensions is 'dimension values, canonical JSON; {} = none';
comment on column report.usage_by_day.quantity is
    'in the meter''s unit, exact. sum, count: total; interval: value x seconds, each piece rounded to 1e-9; max, latest: sum over slots, or with a window of a day or longer the value of this UTC day (days of such meters do not add up)';
comment on column report.usage_by_day.unit is 'unit of the quantity';
comment on column report.usage_by_day.aggregation is 'how the meter merges events';
comment on column report.usage_by_day.events is 'events behind the row; interval: stretches that began on this day';

-- --- charges

create view report.charges as
select p.label as period, p.period_start, p.period_end, s.id as seller_id, s.name as seller_name, a.id as account_id, a.name as account_name,
       t.id as tenant_id, t.name as tenant_name, v.id as service_id, v.name as service_name, v.category as service_category,
       k.id as sku_id, k.name as sku_name, c.price, c.tier, case c.stage when 0 then 'usage' when 1 then 'minimum' end as stage,
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
comment on view report.charges is
    'Charges of every period to date, as of the last settlement. Not rounded: documents round. One row per charge key that is not zero.';
comment on column report.charges.period is 'billing period, YYYY-MM in the account''s zone';
comment on column report.charges.period_start is 'first instant of the period';
comment on column report.charges.period_end is 'one past its last instant';
comment on column report.charges.seller_id is 'who sells: the operator or a partner';
comment on column report.charges.seller_name is 'its present name';
comment on column report.charges.account_id is 'billing account that pays';
comment on column report.charges.account_name is 'its present name';
comment on column report.charges.tenant_id is 'tenant that used it; null: a tiered price shared by all tenants of the account';
comment on column report.charges.tenant_name is 'its present name';
comment on column report.charges.service_id is 'service';
comment on column report.charges.service_name is 'its present name';
comment on column report.charges.service_category is 'FOCUS ServiceCategory';
comment on column report.charges.sku_id is 'SKU';
comment on column report.charges.sku_name is 'its present name';
comment on column report.charges.price is 'number of the price version';
comment on column report.charges.tier is 'tier of a graduated price, from 0';
comment on column report.charges.stage is 'usage, or minimum: what a minimum duration adds to short runs';
comment on column report.charges.dimensions is 'dimension values, canonical JSON; {} = none, or shared';
comment on column report.charges.quantity is 'to date, in the meter''s unit';
comment on column report.charges.unit is 'unit of the quantity';
comment on column report.charges.currency is 'ISO 4217 code of the four costs';
comment on column report.charges.list_cost is 'at list price';
comment on column report.charges.contracted_cost is 'at the account''s price';
comment on column report.charges.effective_cost is 'after commitments (equal to contracted for now)';
comment on column report.charges.billed_cost is 'what is or will be invoiced';
comment on column report.charges.period_state is 'open or closed';

-- --- the books

create view report.revenue_by_service as
select coalesce(p.label, to_char(t.period_start at time zone 'UTC', 'YYYY-MM')) as period, l.currency, s.id as seller_id, s.name as seller_name,
       v.id as service_id, v.name as service_name, v.category as service_category,
       sum(case when t.credit = l.ledger_account then t.amount else -t.amount end) as revenue
  from ledger.account l
  join ledger.transfer t on t.credit = l.ledger_account or t.debit = l.ledger_account
  left join invoicing.period p on p.agreement = t.agreement and p.account = t.account and p.period_start = t.period_start
  join catalog.newest_seller s on s.seller = l.seller
  left join catalog.newest_service v on v.service = l.service
 where l.kind = 'revenue'
 group by 1, l.currency, s.id, s.name, v.id, v.name, v.category;
comment on view report.revenue_by_service is
    'Revenue as booked, by billing period of the usage. Grows until the period is settled for good; late usage counts in its own period.';
comment on column report.revenue_by_service.period is 'billing period of the usage, YYYY-MM in the account''s zone';
comment on column report.revenue_by_service.currency is 'ISO 4217 code of the revenue';
comment on column report.revenue_by_service.seller_id is 'in whose books';
comment on column report.revenue_by_service.seller_name is 'its present name';
comment on column report.revenue_by_service.service_id is 'service';
comment on column report.revenue_by_service.service_name is 'its present name';
comment on column report.revenue_by_service.service_category is 'FOCUS ServiceCategory';
comment on column report.revenue_by_service.revenue is 'credits - debits of the revenue account, exact, net of tax';

create view report.unbilled as
select s.id as seller_id, s.name as seller_name, a.id as account_id, a.name as account_name, l.currency,
       sum(case when t.debit = l.ledger_account then t.amount else -t.amount end) as unbilled,
       (select min(p.label) from invoicing.period p where p.agreement = g.agreement and p.state = 'open') as oldest_open_period,
       max(t.booked_time) as last_booked_time
  from ledger.account l
  join ledger.transfer t on t.debit = l.ledger_account or t.credit = l.ledger_account
  join catalog.newest_agreement g on g.agreement = l.agreement
  join catalog.newest_seller s on s.seller = g.seller
  join catalog.newest_billing_account a on a.account = g.account
 where l.kind = 'unbilled'
 group by s.id, s.name, a.id, a.name, l.currency, g.agreement
having sum(case when t.debit = l.ledger_account then t.amount else -t.amount end) <> 0;
comment on view report.unbilled is
    'What was settled and is not invoiced yet, per billing account: the open periods and late usage of closed ones.';
comment on column report.unbilled.seller_id is 'who sells';
comment on column report.unbilled.seller_name is 'its present name';
comment on column report.unbilled.account_id is 'billing account that pays';
comment on column report.unbilled.account_name is 'its present name';
comment on column report.unbilled.currency is 'ISO 4217 code of the amount';
comment on column report.unbilled.unbilled is 'debits - credits of the unbilled account, exact, net of tax';
comment on column report.unbilled.oldest_open_period is 'first period that is not closed, YYYY-MM; null: all known periods are closed';
comment on column report.unbilled.last_booked_time is 'last posting (database clock)';

create view report.trial_balance as
select l.currency, l.kind as account_kind, count(distinct l.ledger_account) as accounts, sum(e.debit) as debits, sum(e.credit) as credits,
       sum(e.debit - e.credit) as balance
  from ledger.account l
  join (select t.debit as ledger_account, t.amount as debit, 0 as credit from ledger.transfer t
        union all
        select t.credit, 0, t.amount from ledger.transfer t) e on e.ledger_account = l.ledger_account
 group by l.currency, l.kind;
comment on view report.trial_balance is
    'Every transfer once as debit and once as credit: the balances of a currency add up to zero, always.';
comment on column report.trial_balance.currency is 'ISO 4217';
comment on column report.trial_balance.account_kind is 'unbilled, receivable, cash, credits, revenue, tax_payable, rounding';
comment on column report.trial_balance.accounts is 'how many accounts of this kind have postings';
comment on column report.trial_balance.debits is 'sum of debits';
comment on column report.trial_balance.credits is 'sum of credits';
comment on column report.trial_balance.balance is 'debits - credits';

create view report.invoice_register as
select d.number, d.kind, d.state, d.issued_time, p.label as period, d.ordinal, s.id as seller_id,
       coalesce(x.name, s.name) as seller_name, a.id as buyer_id, coalesce(b.name, a.name) as buyer_name, d.currency, d.net, d.tax, d.total,
       encode(d.body_sha256, 'hex') as body_sha256
  from invoicing.document d
  join invoicing.period p on p.agreement = d.agreement and p.account = d.account and p.period_start = d.period_start
  join catalog.newest_seller s on s.seller = d.seller
  join catalog.newest_billing_account a on a.account = d.account
  left join invoicing.document_party x on x.document = d.document and x.role = 'seller'
  left join invoicing.document_party b on b.document = d.document and b.role = 'buyer';
comment on view report.invoice_register is 'Every document that was ever issued. Order by seller_id and issued_time: numbers of a seller have no gap.';
comment on column report.invoice_register.number is 'as printed';
comment on column report.invoice_register.kind is 'invoice or credit_note';
comment on column report.invoice_register.state is 'final or void';
comment on column report.invoice_register.issued_time is 'when it was issued';
comment on column report.invoice_register.period is 'billing period that it closes, YYYY-MM';
comment on column report.invoice_register.ordinal is '1 for the first document of the account and period';
comment on column report.invoice_register.seller_id is 'issuer';
comment on column report.invoice_register.seller_name is 'as printed';
comment on column report.invoice_register.buyer_id is 'billing account that pays';
comment on column report.invoice_register.buyer_name is 'as printed';
comment on column report.invoice_register.currency is 'ISO 4217 code of the amounts';
comment on column report.invoice_register.net is 'before tax, rounded to the minor unit';
comment on column report.invoice_register.tax is 'tax, rounded';
comment on column report.invoice_register.total is 'net + tax';
comment on column report.invoice_register.body_sha256 is 'hash of the frozen body';

grant usage on schema report to turnpike_report;
grant select on all tables in schema report to turnpike_report;
