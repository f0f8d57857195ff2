-- SPDX-License-Identifier: Apache-2.0
-- Nothing is granted to everybody: PostgreSQL lets all roles execute a new function.

revoke all on function invoicing.credit_left(bigint), invoicing.check_credit_use() from public;
