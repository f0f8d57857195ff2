# SPDX-License-Identifier: Apache-2.0
"""The published examples of percentiles and other levels, which test_percentile runs."""

NAMES = ("p95-30day-count", "p95-nearest-rank", "hw-cdn-95-fee", "hw-95-enhanced-algorithm", "hw-95-guaranteed-a", "hw-95-guaranteed-b",
         "flexprice-bucketed-max-grouped")
