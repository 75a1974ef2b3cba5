-- The change log: who changed what, when, from what to what. Triggers write it and give each change its
-- revision, so that a row edited by any SQLite client counts. They use no function of Berth's and nothing
-- newer than SQLite 3.40, and hold with foreign keys and recursive triggers on or off.

create table change_log (
  revision integer primary key,
  at integer not null,
  actor text not null,
  request text,
  message text,
  entity text not null check (entity in ('service', 'component', 'status')),
  service text,
  component text,
  op text not null check (op in ('insert', 'update', 'delete')),
  before text,
  after text
) strict;

create index change_log_spec on change_log (service, component, revision) where entity in ('service', 'component');
create index change_log_at on change_log (at);

-- One row, filled and cleared by each transaction of Berth's. Empty: another client (`sql`), SQLite's clock.
create table context (
  id integer primary key check (id = 1),
  actor text,
  request text,
  message text,
  at integer,
  -- 1: a DELETE removes rows, for their workloads are gone.
  purging integer not null default 0 check (purging in (0, 1)),
  -- Which row a REPLACE is about to replace; see components_before_insert.
  replacing text,
  replacing_changes integer,
  replacing_at real
) strict;

insert into context (id) values (1);

-- The log begins with what there is: services, components and status get revisions after those of the events.
update meta set revision = max(revision, (select coalesce(max(revision), 0) from events));
update meta set revision = max(revision, (select coalesce(max(max(revision, generation)), 0) from components));

update services set revision = (select revision from meta) + (select count(*) from services s where s.name <= services.name);
update meta set revision = revision + (select count(*) from services);
insert into change_log (revision, at, actor, entity, service, op, after)
  select
    s.revision, cast(round((julianday('now') - 2440587.5) * 86400000) as integer), 'migration', 'service', s.name, 'insert',
    json_object('name', s.name, 'node', s.node, 'active', json(case s.active when 1 then 'true' else 'false' end), 'deleting_at', s.deleting_at)
  from services s;

update components set revision = (select revision from meta)
  + (select count(*) from components c where (c.service, c.name) <= (components.service, components.name));
update components set generation = revision where generation = 0;
update meta set revision = revision + (select count(*) from components);
insert into change_log (revision, at, actor, entity, service, component, op, after)
  select
    c.revision, cast(round((julianday('now') - 2440587.5) * 86400000) as integer), 'migration', 'component', c.service, c.name, 'insert',
    json_object(
        'service', c.service, 'name', c.name,
        'image', c.image, 'build', json(c.build), 'pull', c.pull, 'update', c.update_policy,
        'command', json(c.command), 'env', json(c.env), 'env_file', json(c.env_file), 'secret_file', json(c.secret_file),
        'ports', json(c.ports), 'volumes', json(c.volumes), 'user', c.user, 'restart', c.restart,
        'ready_timeout_s', c.ready_timeout_s, 'log_limit_mb', c.log_limit_mb, 'stop_timeout_s', c.stop_timeout_s,
        'reconcile', c.reconcile, 'depends_on', json(c.depends_on), 'health', json(c.health),
        'desired', c.desired, 'restart_token', c.restart_token, 'image_refresh', c.image_refresh,
        'source', c.source, 'deleting_at', c.deleting_at
      )
  from components c;

update status set revision = (select revision from meta)
  + (select count(*) from status s where (s.service, s.component) <= (status.service, status.component));
update meta set revision = revision + (select count(*) from status);
insert into change_log (revision, at, actor, entity, service, component, op, after)
  select
    s.revision, cast(round((julianday('now') - 2440587.5) * 86400000) as integer), 'migration', 'status', s.service, s.component, 'insert',
    json_object(
        'phase', s.phase, 'observed', s.observed, 'ready', json(case s.ready when 1 then 'true' else 'false' end),
        'observed_generation', s.observed_generation, 'reason', s.reason, 'message', s.message,
        'native_id', s.native_id, 'started_at', s.started_at, 'exit_code', s.exit_code, 'restarts', s.restarts,
        'failures', s.failures, 'next_try_at', s.next_try_at, 'image_digest', s.image_digest, 'drift', json(s.drift)
      )
  from status s;

create trigger services_before_insert before insert on services begin
  update context set replacing = new.name, replacing_changes = total_changes(), replacing_at = julianday('now')
  where exists (select 1 from services s where s.name = new.name);
end;

create trigger services_after_insert after insert on services begin
  update meta set revision = revision + 1;
  update services set revision = (select revision from meta) where name = new.name;
  insert into change_log (revision, at, actor, request, message, entity, service, component, op, before, after)
    select
      meta.revision, coalesce(context.at, cast(round((julianday('now') - 2440587.5) * 86400000) as integer)),
      coalesce(context.actor, 'sql'), context.request, context.message,
      'service', new.name, null, case when previous.after is null then 'insert' else 'update' end,
      previous.after,
      json_object('name', new.name, 'node', new.node, 'active', json(case new.active when 1 then 'true' else 'false' end), 'deleting_at', new.deleting_at)
    from meta, context left join (
      select after from change_log
      where entity in ('service', 'component') and service = new.name and component is null
      order by revision desc limit 1
    ) as previous;
end;

create trigger services_rename before update of name on services when old.name is not new.name begin
  select raise(abort, 'a service cannot be renamed: insert it under its new name and delete the old one');
end;

create trigger services_numbers before update of revision on services
when old.revision is not new.revision and new.revision is not (select revision from meta) begin
  select raise(abort, 'revision is given by the registry');
end;

create trigger services_after_update after update of node, active, deleting_at on services
when old.node is not new.node or old.active is not new.active or old.deleting_at is not new.deleting_at begin
  update meta set revision = revision + 1;
  update services set revision = (select revision from meta) where name = new.name;
  insert into change_log (revision, at, actor, request, message, entity, service, component, op, before, after)
    select
      meta.revision, coalesce(context.at, cast(round((julianday('now') - 2440587.5) * 86400000) as integer)),
      coalesce(context.actor, 'sql'), context.request, context.message,
      'service', new.name, null, 'update',
      json_object('name', old.name, 'node', old.node, 'active', json(case old.active when 1 then 'true' else 'false' end), 'deleting_at', old.deleting_at),
      json_object('name', new.name, 'node', new.node, 'active', json(case new.active when 1 then 'true' else 'false' end), 'deleting_at', new.deleting_at)
    from meta, context;
end;

-- As with components: DELETE marks the service and all of its components.
create trigger services_before_delete before delete on services
when (
  select not purging and not (
    replacing is old.name and replacing_changes + 1 is total_changes() and replacing_at is julianday('now')
  ) from context
) begin
  update services set deleting_at = coalesce((select at from context), cast(round((julianday('now') - 2440587.5) * 86400000) as integer))
  where name = old.name and deleting_at is null;
  update components set deleting_at = coalesce((select at from context), cast(round((julianday('now') - 2440587.5) * 86400000) as integer))
  where service = old.name and deleting_at is null;
  select raise(ignore);
end;

create trigger services_after_delete after delete on services when (select purging from context) begin
  update meta set revision = revision + 1;
  insert into change_log (revision, at, actor, request, message, entity, service, component, op, before, after)
    select
      meta.revision, coalesce(context.at, cast(round((julianday('now') - 2440587.5) * 86400000) as integer)),
      coalesce(context.actor, 'sql'), context.request, context.message,
      'service', old.name, null, 'delete',
      json_object('name', old.name, 'node', old.node, 'active', json(case old.active when 1 then 'true' else 'false' end), 'deleting_at', old.deleting_at),
      null
    from meta, context;
end;

-- REPLACE deletes a row without any trigger (or, with recursive triggers, through the DELETE ones). So it is
-- refused where it would remove another component, and announced where it replaces the same one: by key,
-- count of changes and time, which together hold for no later statement.
create trigger components_before_insert before insert on components begin
  select raise(abort, 'the workload name is that of another component')
  where exists (
    select 1 from components c
    where c.workload = case when new.service = new.name then new.service else new.service || '-' || new.name end
      and not (c.service = new.service and c.name = new.name)
  );
  update context set replacing = new.service || '/' || new.name, replacing_changes = total_changes(), replacing_at = julianday('now')
  where exists (select 1 from components c where c.service = new.service and c.name = new.name);
end;

-- A service that is not there is made; one that was being deleted is wanted again. `before` is what the log
-- last knew, for a REPLACE. The two counters that a REPLACE would set back go on from where they were.
create trigger components_after_insert after insert on components begin
  insert into services (name) select new.service where not exists (select 1 from services where name = new.service);
  update services set deleting_at = null
  where name = new.service and deleting_at is not null and new.deleting_at is null;
  update meta set revision = revision + 1;
  update components set
    generation = (select revision from meta),
    revision = (select revision from meta)
  where service = new.service and name = new.name;
  insert into change_log (revision, at, actor, request, message, entity, service, component, op, before, after)
    select
      meta.revision, coalesce(context.at, cast(round((julianday('now') - 2440587.5) * 86400000) as integer)),
      coalesce(context.actor, 'sql'), context.request, context.message,
      'component', new.service, new.name, case when previous.after is null then 'insert' else 'update' end,
      previous.after,
      json_object(
        'service', new.service, 'name', new.name,
        'image', new.image, 'build', json(new.build), 'pull', new.pull, 'update', new.update_policy,
        'command', json(new.command), 'env', json(new.env), 'env_file', json(new.env_file), 'secret_file', json(new.secret_file),
        'ports', json(new.ports), 'volumes', json(new.volumes), 'user', new.user, 'restart', new.restart,
        'ready_timeout_s', new.ready_timeout_s, 'log_limit_mb', new.log_limit_mb, 'stop_timeout_s', new.stop_timeout_s,
        'reconcile', new.reconcile, 'depends_on', json(new.depends_on), 'health', json(new.health),
        'desired', new.desired, 'restart_token', new.restart_token, 'image_refresh', new.image_refresh,
        'source', new.source, 'deleting_at', new.deleting_at
      )
    from meta, context left join (
      select after from change_log
      where entity in ('service', 'component') and service = new.service and component = new.name
      order by revision desc limit 1
    ) as previous;
  update components set
    restart_token = max(restart_token, (select json_extract(before, '$.restart_token') from change_log order by revision desc limit 1)),
    image_refresh = max(image_refresh, (select json_extract(before, '$.image_refresh') from change_log order by revision desc limit 1))
  where service = new.service and name = new.name
    and (select before from change_log order by revision desc limit 1) is not null;
end;

create trigger components_rename before update of service, name on components
when old.service is not new.service or old.name is not new.name begin
  select raise(abort, 'a component cannot be renamed: insert it under its new name and delete the old one');
end;

create trigger components_numbers before update of generation, revision on components
when (old.generation is not new.generation and new.generation is not (select revision from meta))
  or (old.revision is not new.revision and new.revision is not (select revision from meta)) begin
  select raise(abort, 'generation and revision are given by the registry');
end;

create trigger components_after_update after update of
  image, build, pull, update_policy, command, env, env_file, secret_file, ports, volumes, user,
  restart, ready_timeout_s, log_limit_mb, stop_timeout_s, reconcile, depends_on, health,
  image_refresh, desired, restart_token, source, deleting_at
on components
when old.image is not new.image or old.build is not new.build or old.pull is not new.pull
  or old.update_policy is not new.update_policy or old.command is not new.command
  or old.env is not new.env or old.env_file is not new.env_file or old.secret_file is not new.secret_file
  or old.ports is not new.ports or old.volumes is not new.volumes or old.user is not new.user
  or old.restart is not new.restart or old.ready_timeout_s is not new.ready_timeout_s
  or old.log_limit_mb is not new.log_limit_mb or old.stop_timeout_s is not new.stop_timeout_s
  or old.reconcile is not new.reconcile or old.depends_on is not new.depends_on
  or old.health is not new.health or old.image_refresh is not new.image_refresh
  or old.desired is not new.desired or old.restart_token is not new.restart_token
  or old.source is not new.source or old.deleting_at is not new.deleting_at begin
  update meta set revision = revision + 1;
  update components set
    revision = (select revision from meta),
    generation = case when old.image is not new.image or old.build is not new.build or old.pull is not new.pull
      or old.update_policy is not new.update_policy or old.command is not new.command
      or old.env is not new.env or old.env_file is not new.env_file or old.secret_file is not new.secret_file
      or old.ports is not new.ports or old.volumes is not new.volumes or old.user is not new.user
      or old.restart is not new.restart or old.ready_timeout_s is not new.ready_timeout_s
      or old.log_limit_mb is not new.log_limit_mb or old.stop_timeout_s is not new.stop_timeout_s
      or old.reconcile is not new.reconcile or old.depends_on is not new.depends_on
      or old.health is not new.health or old.image_refresh is not new.image_refresh
      then (select revision from meta) else generation end
  where service = new.service and name = new.name;
  insert into change_log (revision, at, actor, request, message, entity, service, component, op, before, after)
    select
      meta.revision, coalesce(context.at, cast(round((julianday('now') - 2440587.5) * 86400000) as integer)),
      coalesce(context.actor, 'sql'), context.request, context.message,
      'component', new.service, new.name, 'update',
      json_object(
        'service', old.service, 'name', old.name,
        'image', old.image, 'build', json(old.build), 'pull', old.pull, 'update', old.update_policy,
        'command', json(old.command), 'env', json(old.env), 'env_file', json(old.env_file), 'secret_file', json(old.secret_file),
        'ports', json(old.ports), 'volumes', json(old.volumes), 'user', old.user, 'restart', old.restart,
        'ready_timeout_s', old.ready_timeout_s, 'log_limit_mb', old.log_limit_mb, 'stop_timeout_s', old.stop_timeout_s,
        'reconcile', old.reconcile, 'depends_on', json(old.depends_on), 'health', json(old.health),
        'desired', old.desired, 'restart_token', old.restart_token, 'image_refresh', old.image_refresh,
        'source', old.source, 'deleting_at', old.deleting_at
      ),
      json_object(
        'service', new.service, 'name', new.name,
        'image', new.image, 'build', json(new.build), 'pull', new.pull, 'update', new.update_policy,
        'command', json(new.command), 'env', json(new.env), 'env_file', json(new.env_file), 'secret_file', json(new.secret_file),
        'ports', json(new.ports), 'volumes', json(new.volumes), 'user', new.user, 'restart', new.restart,
        'ready_timeout_s', new.ready_timeout_s, 'log_limit_mb', new.log_limit_mb, 'stop_timeout_s', new.stop_timeout_s,
        'reconcile', new.reconcile, 'depends_on', json(new.depends_on), 'health', json(new.health),
        'desired', new.desired, 'restart_token', new.restart_token, 'image_refresh', new.image_refresh,
        'source', new.source, 'deleting_at', new.deleting_at
      )
    from meta, context;
end;

-- A component leaves the registry when its workload is gone, by Berth's hand: until then DELETE only marks it.
create trigger components_before_delete before delete on components
when (
  select not purging and not (
    replacing is old.service || '/' || old.name and replacing_changes + 1 is total_changes() and replacing_at is julianday('now')
  ) from context
) begin
  update components set deleting_at = coalesce((select at from context), cast(round((julianday('now') - 2440587.5) * 86400000) as integer))
  where service = old.service and name = old.name and deleting_at is null;
  select raise(ignore);
end;

create trigger components_after_delete after delete on components when (select purging from context) begin
  update meta set revision = revision + 1;
  insert into change_log (revision, at, actor, request, message, entity, service, component, op, before, after)
    select
      meta.revision, coalesce(context.at, cast(round((julianday('now') - 2440587.5) * 86400000) as integer)),
      coalesce(context.actor, 'sql'), context.request, context.message,
      'component', old.service, old.name, 'delete',
      json_object(
        'service', old.service, 'name', old.name,
        'image', old.image, 'build', json(old.build), 'pull', old.pull, 'update', old.update_policy,
        'command', json(old.command), 'env', json(old.env), 'env_file', json(old.env_file), 'secret_file', json(old.secret_file),
        'ports', json(old.ports), 'volumes', json(old.volumes), 'user', old.user, 'restart', old.restart,
        'ready_timeout_s', old.ready_timeout_s, 'log_limit_mb', old.log_limit_mb, 'stop_timeout_s', old.stop_timeout_s,
        'reconcile', old.reconcile, 'depends_on', json(old.depends_on), 'health', json(old.health),
        'desired', old.desired, 'restart_token', old.restart_token, 'image_refresh', old.image_refresh,
        'source', old.source, 'deleting_at', old.deleting_at
      ),
      null
    from meta, context;
end;

create trigger status_after_insert after insert on status begin
  update meta set revision = revision + 1;
  update status set revision = (select revision from meta) where service = new.service and component = new.component;
  insert into change_log (revision, at, actor, request, message, entity, service, component, op, before, after)
    select
      meta.revision, coalesce(context.at, cast(round((julianday('now') - 2440587.5) * 86400000) as integer)),
      coalesce(context.actor, 'sql'), context.request, context.message,
      'status', new.service, new.component, 'insert',
      null,
      json_object(
        'phase', new.phase, 'observed', new.observed, 'ready', json(case new.ready when 1 then 'true' else 'false' end),
        'observed_generation', new.observed_generation, 'reason', new.reason, 'message', new.message,
        'native_id', new.native_id, 'started_at', new.started_at, 'exit_code', new.exit_code, 'restarts', new.restarts,
        'failures', new.failures, 'next_try_at', new.next_try_at, 'image_digest', new.image_digest, 'drift', json(new.drift)
      )
    from meta, context;
end;

create trigger status_after_update after update of
  phase, observed, ready, observed_generation, observed_revision, reason, message, native_id,
  started_at, exit_code, restarts, failures, next_try_at, drift, heals, image_digest, image_pin_key,
  rollout_started_at, good_generation, good_spec, good_digest, failed_generation,
  completed_generation, restart_token, updated_at
on status
when old.phase is not new.phase or old.observed is not new.observed or old.ready is not new.ready
  or old.observed_generation is not new.observed_generation
  or old.observed_revision is not new.observed_revision or old.reason is not new.reason
  or old.message is not new.message or old.native_id is not new.native_id
  or old.started_at is not new.started_at or old.exit_code is not new.exit_code
  or old.restarts is not new.restarts or old.failures is not new.failures
  or old.next_try_at is not new.next_try_at or old.drift is not new.drift or old.heals is not new.heals
  or old.image_digest is not new.image_digest or old.image_pin_key is not new.image_pin_key
  or old.rollout_started_at is not new.rollout_started_at
  or old.good_generation is not new.good_generation or old.good_spec is not new.good_spec
  or old.good_digest is not new.good_digest or old.failed_generation is not new.failed_generation
  or old.completed_generation is not new.completed_generation
  or old.restart_token is not new.restart_token or old.updated_at is not new.updated_at begin
  update meta set revision = revision + 1;
  update status set revision = (select revision from meta) where service = new.service and component = new.component;
  insert into change_log (revision, at, actor, request, message, entity, service, component, op, before, after)
    select
      meta.revision, coalesce(context.at, cast(round((julianday('now') - 2440587.5) * 86400000) as integer)),
      coalesce(context.actor, 'sql'), context.request, context.message,
      'status', new.service, new.component, 'update',
      json_object(
        'phase', old.phase, 'observed', old.observed, 'ready', json(case old.ready when 1 then 'true' else 'false' end),
        'observed_generation', old.observed_generation, 'reason', old.reason, 'message', old.message,
        'native_id', old.native_id, 'started_at', old.started_at, 'exit_code', old.exit_code, 'restarts', old.restarts,
        'failures', old.failures, 'next_try_at', old.next_try_at, 'image_digest', old.image_digest, 'drift', json(old.drift)
      ),
      json_object(
        'phase', new.phase, 'observed', new.observed, 'ready', json(case new.ready when 1 then 'true' else 'false' end),
        'observed_generation', new.observed_generation, 'reason', new.reason, 'message', new.message,
        'native_id', new.native_id, 'started_at', new.started_at, 'exit_code', new.exit_code, 'restarts', new.restarts,
        'failures', new.failures, 'next_try_at', new.next_try_at, 'image_digest', new.image_digest, 'drift', json(new.drift)
      )
    from meta, context;
end;

create trigger events_after_insert after insert on events begin
  update meta set revision = revision + 1;
  update events set
    revision = (select revision from meta),
    at = coalesce((select at from context), cast(round((julianday('now') - 2440587.5) * 86400000) as integer)),
    actor = coalesce((select actor from context), 'sql')
  where revision = new.revision;
end;
