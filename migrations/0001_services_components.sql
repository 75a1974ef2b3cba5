-- Services and their components: what the user wants. Plain columns, for people edit them by hand.
-- Times are Unix milliseconds. CHECKs keep out what could not run; rules across rows are checked by Berth.

pragma application_id = 1113944692;

-- One row: which home this is. `revision` rises with every change of the registry; `epoch` changes when a
-- backup is restored; `feed_floor` is the newest revision that the feed no longer holds.
create table meta (
  id integer primary key check (id = 1),
  home_id text not null check (length(home_id) >= 8),
  epoch text not null check (length(epoch) >= 8),
  name_prefix text not null default '',
  revision integer not null default 0,
  feed_floor integer not null default 0
) strict;

insert into meta (id, home_id, epoch) values (1, lower(hex(randomblob(16))), lower(hex(randomblob(16))));

create table services (
  name text not null primary key check (
    name glob '[a-z]*' and name not glob '*[^a-z0-9-]*' and name not like '%--%' and name not like '%-'
    and length(name) <= 31 and instr(name, char(0)) = 0
  ),
  node text not null default 'local' check (
    node glob '[a-z]*' and node not glob '*[^a-z0-9-]*' and node not like '%--%' and node not like '%-'
    and length(node) <= 63 and instr(node, char(0)) = 0
  ),
  -- 0: everything of it is stopped.
  active integer not null default 1 check (active in (0, 1)),
  deleting_at integer,
  revision integer not null default 0
) strict;

create table components (
  service text not null references services (name),
  name text not null check (
    name glob '[a-z]*' and name not glob '*[^a-z0-9-]*' and name not like '%--%' and name not like '%-'
    and length(name) <= 31 and instr(name, char(0)) = 0
  ),
  -- The one name of its workload; the same as workloadName() in src/core/names.ts.
  workload text not null generated always as (case when service = name then service else service || '-' || name end) virtual unique,
  image text not null check (image <> '' and image not glob '*[^!-~]*' and length(image) <= 1024 and instr(image, char(0)) = 0),
  build text check (build is null or (case when json_valid(build) then json_type(build) = 'object' else 0 end and length(build) <= 1048576 and instr(build, char(0)) = 0)),
  pull text not null default 'missing' check (pull in ('missing', 'always', 'never')),
  update_policy text not null default 'pinned' check (update_policy in ('pinned', 'auto')),
  command text check (command is null or (case when json_valid(command) then json_type(command) = 'array' else 0 end and length(command) <= 1048576 and instr(command, char(0)) = 0)),
  env text not null default '{}' check (case when json_valid(env) then json_type(env) = 'object' else 0 end and length(env) <= 1048576 and instr(env, char(0)) = 0),
  env_file text not null default '[]' check (case when json_valid(env_file) then json_type(env_file) = 'array' else 0 end and length(env_file) <= 1048576 and instr(env_file, char(0)) = 0),
  secret_file text not null default '[]' check (case when json_valid(secret_file) then json_type(secret_file) = 'array' else 0 end and length(secret_file) <= 1048576 and instr(secret_file, char(0)) = 0),
  ports text not null default '[]' check (case when json_valid(ports) then json_type(ports) = 'array' else 0 end and length(ports) <= 1048576 and instr(ports, char(0)) = 0),
  volumes text not null default '[]' check (case when json_valid(volumes) then json_type(volumes) = 'array' else 0 end and length(volumes) <= 1048576 and instr(volumes, char(0)) = 0),
  user text check (user is null or (user <> '' and user not glob '*[^!-~]*' and length(user) <= 255 and instr(user, char(0)) = 0)),
  restart text not null default 'always' check (restart in ('always', 'on-failure', 'never')),
  ready_timeout_s integer not null default 60 check (ready_timeout_s between 1 and 3600),
  log_limit_mb integer not null default 50 check (log_limit_mb between 1 and 102400),
  stop_timeout_s integer not null default 10 check (stop_timeout_s between 0 and 3600),
  reconcile text not null default 'auto' check (reconcile in ('auto', 'observe', 'ignore')),
  depends_on text not null default '[]' check (case when json_valid(depends_on) then json_type(depends_on) = 'array' else 0 end and length(depends_on) <= 1048576 and instr(depends_on, char(0)) = 0),
  health text check (health is null or (case when json_valid(health) then json_type(health) = 'object' else 0 end and length(health) <= 1048576 and instr(health, char(0)) = 0)),
  -- What `start` and `stop` set; no definition file has it.
  desired text not null default 'running' check (desired in ('running', 'stopped')),
  -- Raise it by one to restart the workload.
  restart_token integer not null default 0 check (restart_token >= 0),
  -- Raise it by one to take what the image's tag names now.
  image_refresh integer not null default 0 check (image_refresh >= 0),
  -- The definition file that declared it; null: made by hand.
  source text,
  deleting_at integer,
  -- Given by the registry: revision of the definition's last change, and of the row's.
  generation integer not null default 0,
  revision integer not null default 0,
  primary key (service, name)
) strict;

create index components_revision on components (revision);
