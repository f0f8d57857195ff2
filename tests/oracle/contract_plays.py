# SPDX-License-Identifier: Apache-2.0
"""Which deductions of a contract did something, so that a random test fails when it no longer tries what it is for."""
from catalogue_files import Coupon, Package
from charge_rules import period_terms
from contract_rules import ACCOUNT_MAXIMUM, ACCOUNT_MINIMUM, COUPON, PACKAGE, TRUE_UP
from fee_rules import FEE, FEE_REFUND
from price_rules import MAXIMUM_SPEND

LIMITS = {ACCOUNT_MINIMUM: "minimum", ACCOUNT_MAXIMUM: "maximum", TRUE_UP: "term"}
COUPONS = ("of an amount", "of a rate", "with a maximum", "with a minimum spend", "of SKUs", "of services")
EVERY, DUE = ("period", "week", "month", "quarter", "year"), ("in_advance", "in_arrears")
PRORATIONS = ("actual_days", "fixed_30_days", "hours", "seconds", "none")
ALL = (*(f"discount on {level}" for level in ("all", "a service", "a SKU")), "package free of charge", "later terms",
       *(f"coupon {each}" for each in COUPONS), "coupon after limits",
       *(f"{limit} of {scope}" for limit in LIMITS.values() for scope in ("all", "services")),
       *(f"fee {word}" for word in (*EVERY, *DUE, *PRORATIONS, "started old", "paid back")))


def _discount(terms, place):
    discount = terms.discounts[int(place) - 1]
    yield "discount on " + ("a SKU" if discount.sku else "a service" if discount.service else "all")


def _coupon(terms, coupon):
    flags = (coupon.amount, coupon.rate, coupon.maximum, coupon.minimum_spend, coupon.skus, coupon.services)
    yield from (f"coupon {name}" for name, flag in zip(COUPONS, flags) if flag)
    if "limits" in terms.stages and terms.stages.index("limits") < terms.stages.index("coupons"):
        yield "coupon after limits"


def _fee(fee, stage):
    yield from (f"fee {word}" for word in (fee.every, fee.due, fee.proration))
    if fee.started == "old":
        yield "fee started old"
    if stage == FEE_REFUND:
        yield "fee paid back"


def plays_of(catalogue, account, label, deducted):
    """Names of ALL, each once, of an account's month; deducted: (stage, deduction) of its charges."""
    terms = period_terms(catalogue, account, label)
    offers = {holding.id: catalogue.offers[holding.offer] for holding in catalogue.holdings}
    found = {"later terms"} if len(catalogue.terms[account]) > 1 and terms != catalogue.terms[account][0] else set()
    for stage, deduction in set(deducted):
        offer = offers.get(deduction)
        if stage <= MAXIMUM_SPEND and deduction != "0":
            found.update(_discount(terms, deduction))
        elif stage == PACKAGE and isinstance(offer, Package) and not offer.price:
            found.add("package free of charge")
        elif stage == COUPON and isinstance(offer, Coupon):
            found.update(_coupon(terms, offer))
        elif stage in (FEE, FEE_REFUND):
            found.update(_fee(offer, stage))
        elif stage in LIMITS:
            services = terms.limits[int(deduction) - 1].services
            found.add(f"{LIMITS[stage]} of {'services' if services else 'all'}")
    return found
