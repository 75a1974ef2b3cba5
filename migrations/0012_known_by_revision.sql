-- What each write of a status or an event pays for. What the agent writes of them bears its revision already: that is how
-- the triggers know it, and the context need not be filled and emptied around it. The checks of the same tables say the
-- same in words that cost SQLite nothing: for a list of more than two it makes a temporary table at every row that is
-- written, and most drift is '[]'. Two indexes are gone: nobody asks the log by time, nor statuses by revision.

-- Triggers of other tables name the log, and are to find it again under its name.
pragma legacy_alter_table = on;

create table status_new (
  service text not null,
  component text not null,
  phase text not null check (
    phase = 'pending' or phase = 'blocked' or phase = 'invalid' or phase = 'unknown' or phase = 'building'
    or phase = 'creating' or phase = 'starting' or phase = 'running' or phase = 'stopping' or phase = 'stopped'
    or phase = 'completed' or phase = 'backoff' or phase = 'failed' or phase = 'contested' or phase = 'deleting'
  ),
  observed text not null check (
    observed = 'running' or observed = 'stopped' or observed = 'exited' or observed = 'paused'
    or observed = 'missing' or observed = 'unknown'
  ),
  ready integer not null check (ready in (0, 1)),
  observed_generation integer not null,
  observed_revision integer not null,
  reason text not null,
  message text not null,
  native_id text,
  started_at integer,
  exit_code integer,
  restarts integer not null,
  failures integer not null,
  next_try_at integer,
  drift text not null default '[]' check (
    drift = '[]'
    or case when json_valid(drift) then json_type(drift) = 'array' else 0 end
      and length(drift) <= 1048576 and instr(drift, char(0)) = 0
  ),
  heals text not null default '{}' check (
    heals = '{}'
    or case when json_valid(heals) then json_type(heals) = 'object' else 0 end
      and length(heals) <= 1048576 and instr(heals, char(0)) = 0
  ),
  image_digest text,
  image_pin_key text,
  rollout_started_at integer,
  good_generation integer,
  good_spec text,
  good_digest text,
  failed_generation integer,
  completed_generation integer,
  restart_token integer not null default 0,
  updated_at integer not null,
  revision integer not null default 0,
  primary key (service, component)
) strict;
insert into status_new select * from status;
drop table status;
alter table status_new rename to status;

create table events_new (
  revision integer primary key,
  at integer not null default 0,
  actor text not null default '',
  service text,
  component text,
  severity text not null check (severity = 'info' or severity = 'warning' or severity = 'error'),
  reason text not null,
  message text not null,
  data text check (data is null or case when json_valid(data) then json_type(data) = 'object' else 0 end)
) strict;
insert into events_new select * from events;
drop table events;
alter table events_new rename to events;

create table change_log_new (
  revision integer primary key,
  at integer not null,
  actor text not null,
  request text,
  message text,
  entity text not null check (entity = 'service' or entity = 'component' or entity = 'status'),
  service text,
  component text,
  op text not null check (op = 'insert' or op = 'update' or op = 'delete'),
  before text,
  after text
) strict;
insert into change_log_new select * from change_log;
drop table change_log;
alter table change_log_new rename to change_log;

create index events_component on events (service, component, revision);
create index events_at on events (at);
create index change_log_spec on change_log (service, component, revision) where entity in ('service', 'component');

create trigger status_after_insert after insert on status begin
  update meta set revision = revision + 1;
  update status set revision = (select revision from meta)
  where service = new.service and component = new.component and new.revision is not (select revision from meta);
  insert into change_log (revision, at, actor, request, message, entity, service, component, op, before, after)
    select
      meta.revision,
      coalesce(context.at, case when new.revision is meta.revision then new.updated_at end,
        cast(round((julianday('now') - 2440587.5) * 86400000) as integer)),
      coalesce(context.actor, case when new.revision is meta.revision then 'agent' else 'sql' end),
      context.request, context.message,
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
  completed_generation, restart_token, updated_at, revision
on status
when new.revision is (select revision + 1 from meta)
  or old.phase is not new.phase or old.observed is not new.observed or old.ready is not new.ready
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
  update status set revision = (select revision from meta)
  where service = new.service and component = new.component and new.revision is not (select revision from meta);
  insert into change_log (revision, at, actor, request, message, entity, service, component, op, before, after)
    select
      meta.revision,
      coalesce(context.at, case when new.revision is meta.revision then new.updated_at end,
        cast(round((julianday('now') - 2440587.5) * 86400000) as integer)),
      coalesce(context.actor, case when new.revision is meta.revision then 'agent' else 'sql' end),
      context.request, context.message,
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
  where revision = new.revision
    and (new.actor = '' or new.at = 0 or new.revision is not (select revision from meta));
end;

pragma legacy_alter_table = off;
