# SPDX-License-Identifier: Apache-2.0
"""The published examples of reservations and savings plans, which test_worked_commitments runs, in its order."""

NAMES = ("aws-ri-clock-hour-4x1h", "aws-ri-flex-half", "aws-ri-flex-smallest-first", "aws-cur-ri-one-over-two",
         "aws-cur-ri-two-over-one", "aws-ri-shared-count", "aws-ri-list-value", "aws-ri-monthly-fee",
         "aws-capacity-reservation-example", "flexprice-commit-windowed", "aws-sp-coverage-order", "hw-sp-drawdown",
         "ali-sp-rate", "ali-sp-hours", "gcp-spend-cud", "focus-commit-purchase-allupfront",
         "focus-commit-purchase-noupfront", "focus-commit-purchase-partial", "focus-commit-usage-2",
         "focus-commit-usage-3")
