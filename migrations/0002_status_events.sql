-- What Berth observed and did. Written by the agent alone.

create table status (
  service text not null,
  component text not null,
  phase text not null check (phase in (
    'pending', 'blocked', 'invalid', 'unknown', 'building', 'creating', 'starting', 'running', 'stopping', 'stopped',
    'completed', 'backoff', 'failed', 'contested', 'deleting'
  )),
  observed text not null check (observed in ('running', 'stopped', 'exited', 'paused', 'missing', 'unknown')),
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
  drift text not null default '[]' check (case when json_valid(drift) then json_type(drift) = 'array' else 0 end and length(drift) <= 1048576 and instr(drift, char(0)) = 0),
  heals text not null default '{}' check (case when json_valid(heals) then json_type(heals) = 'object' else 0 end and length(heals) <= 1048576 and instr(heals, char(0)) = 0),
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

create index status_revision on status (revision);

create table events (
  revision integer primary key,
  at integer not null default 0,
  actor text not null default '',
  service text,
  component text,
  severity text not null check (severity in ('info', 'warning', 'error')),
  reason text not null,
  message text not null,
  data text check (data is null or case when json_valid(data) then json_type(data) = 'object' else 0 end)
) strict;

create index events_component on events (service, component, revision);
create index events_at on events (at);
