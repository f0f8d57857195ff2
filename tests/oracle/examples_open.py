# SPDX-License-Identifier: Apache-2.0
"""Published examples that no test runs, or not in all figures, with the reason: what docs/worked-examples.md says of
them. An example that a test has learned to run is passed on the page, whatever stands here."""

# What has to come first.
WAITS = {
    "azure-reservation-refund-pool": "cancelling a commitment",
    "azure-reservation-exchange-min": "exchanging a commitment",
}

# What will not come, because a rule of this engine says otherwise, or the example does not hold by itself.
NOT_OURS = {
    "aws-consolidated-small-line-rounding":
        "the members' bills need not add up to the payer's there; here they do, always",
    "flexprice-average": "one of the samples is below 0 there; quantities are never negative here, such a sample is quarantined",
    "hw-billing-cycle-cutoff":
        "late usage moves into the month in which it comes there; here it stays in its own month, as a correction",
    "hw-remaining-years": "the term in years is rounded before it is priced there; here terms are instants",
    "openmeter-amount-discount-order":
        "an amount is used up line by line there; here each line bears its part of a coupon",
    "hw-partner-bill-precision": "the published sum goes on with terms that cannot be retrieved",
    "lago-wallet-cap-a":
        "every line is rounded to cents there, and most of the money is lost; here lines are parts of a rounded net",
    "lago-wallet-cap-b": "every line is rounded to cents before the sum there; here lines are parts of a rounded net",
    "zuora-rounding": "contradicts itself: the stated rule and rate are not those of its figures",
    "zuora-tax-lines": "tax is rounded line by line there; here it is rounded once, of the net",
}

# Of these a test compares some figures. The others are:
PARTS = {
    "ali-payg-rounddown": "what was rounded off as a line of its own",
    "aws-blended-rate-ec2": "the rate that is mixed of paid and covered hours",
    "aws-t2-unlimited-surplus-charge": "the rounding of hours before they are priced",
    "cgrates-peak-split": "the fee per call",
    "hw-spot-block-normal": "the fee of each hour as a row",
    "hw-wipe-zero": "the truncation of each settlement",
    "infraware-sum-vs-lines": "the sum of rounded lines",
    "lago-graduated-percentage-spec": "the flat amount of a period without usage",
    "lago-graduated-spec": "the flat amount of a period without usage",
    "openmeter-graduated-totals": "the flat amount of a period without usage",
    "openmeter-package-max": "what was cut off as a line of its own",
    "proration-line-vs-net": "the sum of rounded lines",
    "flexprice-proration-monthly": "the sum of rounded lines",
    "openmeter-volume": "the flat amount of a period without usage",
    "recurly-tax-rounding": "the tax of each line",
}
