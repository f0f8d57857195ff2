-- SPDX-License-Identifier: Apache-2.0
-- What the API may read: rows of the tenants and accounts of the key that is bound to the transaction, and no others, whatever
-- the handler asks for. docs/adr/0006-row-level-security.md says why it is built this way.
--
--   begin; select * from api.bind('<key id>', '<hash of the secret>'); ... ; commit;
--
-- api.bind leaves a seal in a setting of the transaction. The policies ask api.granted_*, which check the seal with a secret
-- that turnpike_api cannot read: a setting that it writes itself, or one of an earlier transaction, grants nothing.

create schema api;
comment on schema api is 'What the API may read: grants of the key that is bound to the transaction, and functions that read within them.';

create table api.secret (
    only_row boolean not null default true,
    inner_key bytea not null,
    outer_key bytea not null,
    constraint secret_pk primary key (only_row),
    constraint secret_one_row check (only_row),
    constraint secret_length check (octet_length(inner_key) = 32 and octet_length(outer_key) = 32)
);
comment on table api.secret is 'Keys of the seals of api.bind; nobody but the owner''s functions reads them.';
comment on column api.secret.only_row is 'always true';
comment on column api.secret.inner_key is 'of the inner hash, random';
comment on column api.secret.outer_key is 'of the outer hash, random';
-- gen_random_uuid has 122 random bits of the system's source
insert into api.secret (inner_key, outer_key)
values (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
        sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

-- --- binding

create function api.seal(key_id text) returns text
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
    select encode(sha256(s.outer_key || sha256(s.inner_key || convert_to(
               pg_backend_pid() || ' ' || extract(epoch from transaction_timestamp()) || ' ' || key_id, 'UTF8'))), 'hex')
      from api.secret s
$$;
comment on function api.seal(text) is
    'Nested keyed hash over session, transaction and key id. A read-only transaction has no transaction id, so session and start time stand for it.';

create function api.bound_key() returns text
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
declare
    binding text := coalesce(current_setting('turnpike.binding', true), '');
    key_id text := split_part(binding, ':', 1);
begin
    if key_id = '' then
        return null;
    end if;
    -- hashed once more, so that how long the comparison takes tells nothing
    if sha256(convert_to(split_part(binding, ':', 2), 'UTF8')) = sha256(convert_to(api.seal(key_id), 'UTF8')) then
        return key_id;
    end if;
    return null;
end
$$;
comment on function api.bound_key() is 'Key that api.bind bound to this transaction; null: none, or the setting was not written by api.bind.';

create function api.bind(wanted_key_id text, wanted_secret_hash bytea)
    returns table (outcome text, every_tenant boolean, account bigint)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    as $$
declare
    key catalog.api_key;
    same boolean;
begin
    perform set_config('turnpike.binding', '', true);
    select * into key from catalog.api_key k where k.key_id = wanted_key_id;
    -- an unknown key costs the same comparison
    same := coalesce(key.secret_hash, sha256('')) = wanted_secret_hash;
    every_tenant := false;
    if key.key_id is null or same is not true then
        outcome := 'unknown';
    elsif key.revoked_time <= clock_timestamp() then
        outcome := 'revoked';
    elsif key.expires_time <= clock_timestamp() then
        outcome := 'expired';
    elsif not (key.scopes && array['read', 'operate']) then
        outcome := 'scope';
    else
        outcome := 'granted';
        every_tenant := key.every_tenant or 'operate' = any (key.scopes);
        account := key.account;
        perform set_config('turnpike.binding', key.key_id || ':' || api.seal(key.key_id), true);
    end if;
    return next;
end
$$;
comment on function api.bind(text, bytea) is
    'Checks a key and binds it to the transaction. outcome: granted, unknown (also a wrong secret), revoked, expired, scope (may not read).';

-- --- grants of the bound key

create function api.granted_all() returns boolean
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
begin
    return coalesce((select k.every_tenant or 'operate' = any (k.scopes) from catalog.api_key k where k.key_id = api.bound_key()), false);
end
$$;
comment on function api.granted_all() is 'The bound key reads every tenant and account.';

create function api.granted_accounts() returns bigint[]
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
begin
    return coalesce((select array[k.account] from catalog.api_key k where k.key_id = api.bound_key() and k.account is not null), '{}');
end
$$;
comment on function api.granted_accounts() is 'Billing accounts whose money the bound key reads; see also api.granted_all.';

create function api.granted_tenants() returns bigint[]
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
declare
    key catalog.api_key;
    members bigint[];
begin
    select * into key from catalog.api_key k where k.key_id = api.bound_key();
    if key.key_id is null then
        return '{}';
    end if;
    if key.account is not null then
        select array_agg(c.tenant) into members
          from (select distinct m.tenant from catalog.membership m where m.account = key.account) c
         where key.account = (select m.account from catalog.membership m
                               where m.tenant = c.tenant and m.effective_from <= transaction_timestamp()
                               order by m.effective_from desc, m.version desc
                               limit 1);
    end if;
    return key.tenants || coalesce(members, '{}');
end
$$;
comment on function api.granted_tenants() is
    'Tenants whose usage the bound key reads: those it names and the present members of its account; see also api.granted_all.';

create function api.granted_tenant_ids() returns text[]
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
begin
    return coalesce((select array_agg(distinct t.id) from catalog.tenant t where t.tenant = any (api.granted_tenants())), '{}');
end
$$;
comment on function api.granted_tenant_ids() is 'The same tenants by the id that events name.';

create function api.granted_spend(wanted_tenant bigint, payer bigint) returns boolean
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
begin
    return api.granted_all()
        or exists (select from catalog.api_key k where k.key_id = api.bound_key() and wanted_tenant = any (k.tenants))
        or (payer = any (api.granted_accounts()) and wanted_tenant = any (api.granted_tenants()));
end
$$;
comment on function api.granted_spend(bigint, bigint) is
    'The bound key may see what the tenant owes this payer: it names the tenant, or it is the payer''s. An account''s key does not see what an earlier payer was charged.';

-- A tenant's share of a tiered price depends on what the other tenants of its payer use, and a payer that resells adds its
-- customers' tenants. Their quantities may be read for that, by the functions below only.
create function api.computable_tenants() returns bigint[]
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
    with recursive granted (tenant) as (
        select unnest(api.granted_tenants())
    ), account (account) as (
        select m.account from catalog.membership m join granted g on g.tenant = m.tenant
        union
        select unnest(api.granted_accounts())
        union
        select a.account from account p join catalog.seller s on s.account = p.account join catalog.agreement a on a.seller = s.seller
    )
    select coalesce(array_agg(distinct tenant), '{}')
      from (select g.tenant from granted g union all select m.tenant from catalog.membership m join account a on a.account = m.account) t
$$;
comment on function api.computable_tenants() is
    'Granted tenants, and those whose usage moves through the same tiers: every tenant of their payers and of accounts that buy from these.';

create function api.computable(tenants bigint[]) returns bigint[]
    language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
declare
    permitted bigint[];
begin
    if api.granted_all() then
        return tenants;
    end if;
    permitted := api.computable_tenants();
    return array(select case when t.tenant = any (permitted) then t.tenant end
                   from unnest(tenants) with ordinality as t (tenant, place) order by t.place);
end
$$;
comment on function api.computable(bigint[]) is 'The same list with null in the place of every tenant that is not computable.';

-- --- reading usage: as the functions of schema rating with the same names

create function api.usage_added(wanted_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns table (span bigint, meter integer, dimension_set uuid, quantity numeric)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
    select * from rating.usage_added(wanted_cut, api.computable(tenants), span_from, span_to)
$$;
comment on function api.usage_added(bigint, bigint[], timestamptz[], timestamptz[]) is 'rating.usage_added within the grants of the bound key.';

create function api.usage_slot_value(wanted_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns table (span bigint, meter integer, dimension_set uuid, slot timestamptz, greatest_value numeric, latest_value numeric,
                   latest_time timestamptz, latest_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
    select * from rating.usage_slot_value(wanted_cut, api.computable(tenants), span_from, span_to)
$$;
comment on function api.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]) is 'rating.usage_slot_value within the grants of the bound key.';

create function api.usage_transition(wanted_cut bigint, tenants bigint[])
    returns table (tenant bigint, meter integer, resource uuid, event_time timestamptz, event_id uuid, running boolean,
                   value numeric, dimension_set uuid, cut_end timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
    select * from rating.usage_transition(wanted_cut, api.computable(tenants))
$$;
comment on function api.usage_transition(bigint, bigint[]) is 'rating.usage_transition within the grants of the bound key.';

create function api.usage_dimension(tenants bigint[])
    returns table (tenant bigint, dimension_set uuid, members text)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
    select * from rating.usage_dimension(api.computable(tenants))
$$;
comment on function api.usage_dimension(bigint[]) is 'rating.usage_dimension within the grants of the bound key.';

create function api.usage_progress()
    returns table (incarnation integer, partition integer, batch_seq bigint, head bytea, watermark timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
    select p.incarnation, p.partition, p.batch_seq, p.head, p.watermark
      from rating.partition p
     where api.bound_key() is not null
     order by p.incarnation, p.partition
$$;
comment on function api.usage_progress() is
    'How far every partition is counted: the as-of time of live figures, and what the marks of Redis are compared with.';

-- --- policies
-- Raters and biller work on every tenant's rows, and COPY FROM is refused to roles that policies apply to: they have BYPASSRLS
-- (schema/bootstrap.sql). The owner's functions are not subject either (no FORCE: nobody logs in as the owner). Every other
-- role sees only what a policy gives it; partitions of these tables have no grants at all.

do $$
declare
    target text;
begin
    foreach target in array array['rating.usage_delta', 'rating.transition', 'rating.dimension_set', 'rating.resource'] loop
        execute format('alter table %s enable row level security', target);
        execute format('create policy read_granted_tenant on %s for select to turnpike_api
                        using (tenant = any ((select api.granted_tenants())::bigint[]) or (select api.granted_all()))', target);
        execute format('grant select on %s to turnpike_api', target);
    end loop;
    foreach target in array array['rating.quarantine', 'rating.conflict'] loop
        execute format('alter table %s enable row level security', target);
        execute format('create policy read_granted_tenant on %s for select to turnpike_api
                        using (tenant_id = any ((select api.granted_tenant_ids())::text[]) or (select api.granted_all()))', target);
        execute format('grant select on %s to turnpike_api', target);
    end loop;
    foreach target in array array['invoicing.period', 'invoicing.position', 'invoicing.settlement', 'invoicing.charge',
                                  'invoicing.recompute', 'invoicing.document', 'ledger.transfer'] loop
        execute format('alter table %s enable row level security', target);
        execute format('create policy read_granted_account on %s for select to turnpike_api
                        using (account = any ((select api.granted_accounts())::bigint[]) or (select api.granted_all()))', target);
        execute format('grant select on %s to turnpike_api', target);
    end loop;
    foreach target in array array['invoicing.document_line', 'invoicing.document_group', 'invoicing.document_party'] loop
        execute format('alter table %s enable row level security', target);
        -- the subquery is subject to the policy of invoicing.document
        execute format('create policy read_granted_document on %s for select to turnpike_api
                        using (document in (select d.document from invoicing.document d))', target);
        execute format('grant select on %s to turnpike_api', target);
    end loop;
end
$$;

create index document_account_index on invoicing.document (account, issued_time, document);
create index document_issued_index on invoicing.document (issued_time, document);

-- --- what an operator does about quarantine rows (command line, role turnpike_bill)

create function rating.order_replay(numbers bigint[], wanted_reason text, who text) returns bigint
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    as $$
declare
    ordered bigint;
begin
    insert into rating.replay_order (quarantine, ordered_by)
    select q.quarantine, session_user || ' (' || who || ')'
      from rating.quarantine q
     where q.state = 'open'
       and (q.quarantine = any (numbers) or q.reason = wanted_reason)
       and not exists (select from rating.replay_order o where o.quarantine = q.quarantine and o.done_time is null)
     order by q.quarantine;
    get diagnostics ordered = row_count;
    return ordered;
end
$$;
comment on function rating.order_replay(bigint[], text, text) is
    'Orders a replay of open quarantine rows, by number or by reason, that have no order waiting; returns how many. who: the person, for the record.';

create function rating.drop_quarantine(number bigint, who text, because text) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    as $$
begin
    if because !~ '\S' then
        raise exception 'a reason is needed to drop a quarantine row';
    end if;
    update rating.quarantine
       set state = 'dropped',
           detail = detail || format(' [dropped by %s (%s) at %s: %s]', session_user, who,
                                     to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), because)
     where quarantine = number and state = 'open';
    return found;
end
$$;
comment on function rating.drop_quarantine(bigint, text, text) is
    'Gives an open quarantine row up for good; who and why stay in its detail. False: there is no open row of this number.';

-- --- who may do what

revoke all on all functions in schema api from public;
revoke all on function rating.order_replay(bigint[], text, text), rating.drop_quarantine(bigint, text, text) from public;
grant execute on function rating.order_replay(bigint[], text, text), rating.drop_quarantine(bigint, text, text) to turnpike_bill;
grant usage on schema api, rating, invoicing, ledger to turnpike_api;
grant execute on function
    api.bind(text, bytea), api.bound_key(), api.granted_all(), api.granted_accounts(), api.granted_tenants(), api.granted_tenant_ids(),
    api.granted_spend(bigint, bigint),
    api.usage_added(bigint, bigint[], timestamptz[], timestamptz[]), api.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]),
    api.usage_transition(bigint, bigint[]), api.usage_dimension(bigint[]), api.usage_progress()
    to turnpike_api;

-- The catalogue (names, addresses and prices of everybody) is read by the API on a connection of its own that answers no
-- request: what speaks SQL for a request cannot reach it.
grant usage on schema catalog to turnpike_catalogue;
grant select on
    catalog.version, catalog.change, catalog.service, catalog.meter, catalog.sku, catalog.price_book, catalog.price,
    catalog.price_tier, catalog.seller, catalog.billing_account, catalog.agreement, catalog.tenant, catalog.membership
    to turnpike_catalogue;
