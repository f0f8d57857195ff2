# SPDX-License-Identifier: Apache-2.0
"""The engine's rows in the oracle's words, and the places where the two differ."""
import json
from collections import defaultdict

from catalogue_files import ALWAYS
from charge_rules import Key, period_terms, rate
from document_rules import totals_of
from exact import instant, month, shown

NEWEST = "select distinct on ({key}) * from catalog.{table} order by {key}, version desc"
CHARGES = f"""
with account as ({NEWEST.format(key='account', table='billing_account')}),
     tenant as ({NEWEST.format(key='tenant', table='tenant')}), sku as ({NEWEST.format(key='sku', table='sku')}),
     book as ({NEWEST.format(key='price_book', table='price_book')}),
     price as ({NEWEST.format(key='price', table='price')}),
     charge as (select distinct on (agreement, account, period_start, currency, tenant, sku, price, tier, dimension_set,
                                    stage, deduction) *
                  from invoicing.charge
                 order by agreement, account, period_start, currency, tenant, sku, price, tier, dimension_set, stage,
                          deduction, settlement desc)
select account.id account, e.label, tenant.id tenant, sku.id sku, book.id book, price.match, price.hours,
       price.effective_from::text price_from, c.tier, d.members dimensions, c.stage, c.deduction, c.quantity::text,
       c.billed_cost::text cost
  from charge c
  join invoicing.period e using (agreement, account, period_start)
  join account on account.account = c.account
  left join tenant on tenant.tenant = c.tenant
  join sku on sku.sku = c.sku
  join price on price.price = c.price
  join book on book.price_book = price.price_book
  left join rating.dimension_set d on d.tenant = c.tenant and d.dimension_set = c.dimension_set
 where c.quantity <> 0 or c.billed_cost <> 0
"""
DOCUMENTS = f"""
select a.id account, e.label, d.ordinal, d.number, d.kind, d.net::text, d.tax::text, d.total::text, d.currency
  from invoicing.document d
  join invoicing.period e using (agreement, account, period_start)
  join ({NEWEST.format(key='account', table='billing_account')}) a on a.account = d.account
 order by a.id, e.label, d.ordinal
"""


def canonical(text):
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def price_start(text):
    return ALWAYS if text == "-infinity" else instant(text.replace(" ", "T").replace("+00", "Z"))


def posted_charges(deployment):
    """What the engine posted: {(account, label): {Key: (quantity, cost)}} as texts."""
    found = defaultdict(dict)
    for row in deployment.rows(CHARGES):
        name = row["book"], row["sku"], canonical(row["match"]), price_start(row["price_from"]), row["hours"]
        dimensions = None if row["tenant"] is None else canonical(row["dimensions"])
        key = Key(row["tenant"], row["sku"], name, row["tier"], dimensions, row["stage"], row["deduction"])
        found[row["account"], row["label"]][key] = number(row["quantity"]), number(row["cost"])
    return found


def number(text):
    """A numeric without trailing zeros."""
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def documents(deployment):
    return [dict(row, **{name: number(row[name]) for name in ("net", "tax", "total")})
            for row in deployment.rows(DOCUMENTS)]


def cut_ends(deployment, cut=None):
    """Cut end of a tenant at a cut (the newest if None), by its partition."""
    from oracle import shard_of
    cut = deployment.one("select max(cut) from rating.cut") if cut is None else cut
    ends = {row["partition"]: row["cut_end"] for row in deployment.rows(
        f"select partition, cut_end::text from rating.cut_partition where cut = {cut}")}
    values = {partition: ALWAYS if text == "-infinity" else instant(text.replace(" ", "T").replace("+00", "Z"))
              for partition, text in ends.items()}
    return lambda tenant: values[shard_of(tenant) % len(values)]


def labels_between(first, last, zone):
    """Months that hold instants from `first` to `last`."""
    from exact import month_label, next_label
    label, end = month_label(zone, first), month_label(zone, last)
    while label <= end:
        yield label
        label = next_label(label)


def differences(deployment, counted, first, last, cut_end):
    """Compares charges of all accounts in the months between two instants; texts of what differs, and what the
    oracle has."""
    posted, wrong, expected = posted_charges(deployment), [], {}
    for account in sorted(counted.catalogue.terms):
        zone = counted.catalogue.terms[account][-1].zone
        for label in labels_between(first, last, zone):
            rated = rate(counted, account, label, cut_end)
            expected[account, label] = rated
            wanted = {key: (shown(quantity), shown(cost)) for key, (quantity, cost) in rated.charges.items()}
            got = posted.pop((account, label), {})
            wrong += [f"{account} {label} {key}: engine {got.get(key)}, oracle {wanted.get(key)}"
                      for key in sorted(wanted.keys() | got.keys(), key=str) if wanted.get(key) != got.get(key)]
    wrong += [f"{place}: {len(charges)} charges in a month that nobody used" for place,
              charges in posted.items() if charges]
    return wrong, expected


def document_differences(deployment, counted, expected, labels):
    """The first document of every (account, month) that was closed must have the oracle's totals."""
    made = {(row["account"], row["label"]): row for row in documents(deployment) if row["ordinal"] == 1}
    wrong = []
    for (account, label), rated in expected.items():
        if label not in labels:
            continue
        totals = totals_of(counted.catalogue, period_terms(counted.catalogue, account, label), rated.charges)
        wanted = tuple(map(shown, (totals.net, totals.tax, totals.total)))
        got = made.pop((account, label), None)
        got = tuple(got[name] for name in ("net", "tax", "total")) if got else ("0", "0", "0")
        if got != wanted:
            wrong.append(f"{account} {label}: engine {got}, oracle {wanted}")
    return wrong + [f"{place}: a document of a month that nobody used" for place in made if place[1] in labels]


def ended_before(zone, label, now):
    return month(zone, label)[1] <= now
