-- SPDX-License-Identifier: Apache-2.0
-- A small catalogue for tests of the gateway: two meters, three tenants of two accounts, one key for all ("a").
begin;
update catalog.version set version = 1;
insert into catalog.change (version, summary, digest) values (1, 'tests of the gateway', '\x00');
insert into catalog.service (service, version, id, name, category, subcategory)
values (1, 1, 'storage', 'Storage', 'Storage', 'Object Storage');
insert into catalog.meter (meter, effective_from, version, id, name, event_type, aggregation, value_property,
    resource_property, state_property, running_states, stopped_states, dimensions, unit, accept_days, future_seconds)
values (1, '-infinity', 1, 'requests', 'Requests', 'cloud.storage.request', 'sum', 'n',
        null, null, '{}', '{}', '{operation}', 'request', 35, 300),
       (2, '-infinity', 1, 'servers', 'Servers', 'cloud.server.state', 'interval', null,
        'server', 'state', '{running}', '{stopped}', '{region}', 'second', 200, 60);
insert into catalog.sku (sku, version, id, service, meter, name)
values (1, 1, 'storage.requests', 1, 1, 'Requests'), (2, 1, 'storage.servers', 1, 2, 'Servers');
insert into catalog.price_book (price_book, version, id, name, currency) values (1, 1, 'list', 'List', 'EUR');
insert into catalog.seller (seller, version, id, name, series) values (1, 1, 'nimbus', 'Nimbus', 'NC');
insert into catalog.billing_account (account, version, id, name) values (1, 1, 'acme', 'Acme'), (2, 1, 'bolt', 'Bolt');
insert into catalog.agreement (agreement, effective_from, version, seller, account, level, price_book, currency, zone)
values (1, '-infinity', 1, 1, 1, 0, 1, 'EUR', 'UTC'), (2, '-infinity', 1, 1, 2, 0, 1, 'EUR', 'UTC');
insert into catalog.tenant (tenant, version, id, name)
values (1, 1, 't-1', 'One'), (2, 1, 't-2', 'Two'), (3, 1, 't-3', 'Three');
insert into catalog.membership (tenant, effective_from, version, account)
values (1, '-infinity', 1, 1), (2, '-infinity', 1, 1), (3, '-infinity', 1, 2);
insert into catalog.api_key (key_id, secret_hash, scopes, every_tenant)
values (repeat('a', 16), sha256(repeat('a', 64)::bytea), '{ingest}', true);
commit;
