# SPDX-License-Identifier: Apache-2.0
"""What the ledger must say at every instant, in one query."""

# the ledger at one instant: rows are what is wrong
LEDGER = """
with settled as (select t.agreement, t.account, t.period_start,
                        sum(case when d.kind = 'unbilled' then t.amount else -t.amount end) amount
                   from ledger.transfer t
                   join ledger.operation o using (operation)
                   join ledger.account d on d.ledger_account = t.debit
                  where o.kind = 'settlement'
                  group by 1, 2, 3),
     posted as (select agreement, account, period_start, sum(billed_delta) amount
                  from invoicing.charge
                 group by 1, 2, 3),
     newest as (select agreement, account, period_start, sum(billed_cost) amount
                  from (select distinct on (agreement, account, period_start, currency, tenant, sku, price, tier,
                                            dimension_set, stage, deduction) *
                          from invoicing.charge
                         order by agreement, account, period_start, currency, tenant, sku, price, tier,
                                  dimension_set, stage, deduction, settlement desc) c
                 group by 1, 2, 3)
select agreement, account, period_start, s.amount settled, p.amount posted, n.amount newest
  from settled s
  full join posted p using (agreement, account, period_start)
  full join newest n using (agreement, account, period_start)
 where coalesce(s.amount, 0) <> coalesce(p.amount, 0) or coalesce(p.amount, 0) <> coalesce(n.amount, 0)
union all
select null, null, null, sum(amount), null, null
  from (select currency, debit ledger_account, amount from ledger.transfer
        union all
        select currency, credit, -amount from ledger.transfer) legs
 group by currency
having sum(amount) <> 0
"""
