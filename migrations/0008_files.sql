-- Paths of the image that a unikernel takes along. The other runtimes have the whole image.

alter table components add column files text not null default '[]'
  check (case when json_valid(files) then json_type(files) = 'array' else 0 end and length(files) <= 1048576 and instr(files, char(0)) = 0);

-- The triggers of the change log learn the new column.
drop trigger components_after_insert;
drop trigger components_after_update;
drop trigger components_after_delete;

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
        'runtime', new.runtime, 'memory_mb', new.memory_mb, 'vcpus', new.vcpus,
        'image', new.image, 'build', json(new.build), 'pull', new.pull, 'update', new.update_policy,
        'command', json(new.command), 'env', json(new.env), 'env_file', json(new.env_file), 'secret_file', json(new.secret_file),
        'ports', json(new.ports), 'volumes', json(new.volumes), 'files', json(new.files), 'user', new.user, 'restart', new.restart,
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

create trigger components_after_update after update of
  runtime, memory_mb, vcpus, image, build, pull, update_policy, command, env, env_file, secret_file,
  ports, volumes, files, user, restart, ready_timeout_s, log_limit_mb, stop_timeout_s, reconcile, depends_on,
  health, image_refresh, desired, restart_token, source, deleting_at
on components
when old.runtime is not new.runtime or old.memory_mb is not new.memory_mb or old.vcpus is not new.vcpus
  or old.image is not new.image or old.build is not new.build or old.pull is not new.pull
  or old.update_policy is not new.update_policy or old.command is not new.command
  or old.env is not new.env or old.env_file is not new.env_file or old.secret_file is not new.secret_file
  or old.ports is not new.ports or old.volumes is not new.volumes or old.files is not new.files or old.user is not new.user
  or old.restart is not new.restart or old.ready_timeout_s is not new.ready_timeout_s
  or old.log_limit_mb is not new.log_limit_mb or old.stop_timeout_s is not new.stop_timeout_s
  or old.reconcile is not new.reconcile or old.depends_on is not new.depends_on
  or old.health is not new.health or old.image_refresh is not new.image_refresh
  or old.desired is not new.desired or old.restart_token is not new.restart_token
  or old.source is not new.source or old.deleting_at is not new.deleting_at begin
  update meta set revision = revision + 1;
  update components set
    revision = (select revision from meta),
    generation = case when old.runtime is not new.runtime or old.memory_mb is not new.memory_mb or old.vcpus is not new.vcpus
      or old.image is not new.image or old.build is not new.build or old.pull is not new.pull
      or old.update_policy is not new.update_policy or old.command is not new.command
      or old.env is not new.env or old.env_file is not new.env_file or old.secret_file is not new.secret_file
      or old.ports is not new.ports or old.volumes is not new.volumes or old.files is not new.files or old.user is not new.user
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
        'runtime', old.runtime, 'memory_mb', old.memory_mb, 'vcpus', old.vcpus,
        'image', old.image, 'build', json(old.build), 'pull', old.pull, 'update', old.update_policy,
        'command', json(old.command), 'env', json(old.env), 'env_file', json(old.env_file), 'secret_file', json(old.secret_file),
        'ports', json(old.ports), 'volumes', json(old.volumes), 'files', json(old.files), 'user', old.user, 'restart', old.restart,
        'ready_timeout_s', old.ready_timeout_s, 'log_limit_mb', old.log_limit_mb, 'stop_timeout_s', old.stop_timeout_s,
        'reconcile', old.reconcile, 'depends_on', json(old.depends_on), 'health', json(old.health),
        'desired', old.desired, 'restart_token', old.restart_token, 'image_refresh', old.image_refresh,
        'source', old.source, 'deleting_at', old.deleting_at
      ),
      json_object(
        'service', new.service, 'name', new.name,
        'runtime', new.runtime, 'memory_mb', new.memory_mb, 'vcpus', new.vcpus,
        'image', new.image, 'build', json(new.build), 'pull', new.pull, 'update', new.update_policy,
        'command', json(new.command), 'env', json(new.env), 'env_file', json(new.env_file), 'secret_file', json(new.secret_file),
        'ports', json(new.ports), 'volumes', json(new.volumes), 'files', json(new.files), 'user', new.user, 'restart', new.restart,
        'ready_timeout_s', new.ready_timeout_s, 'log_limit_mb', new.log_limit_mb, 'stop_timeout_s', new.stop_timeout_s,
        'reconcile', new.reconcile, 'depends_on', json(new.depends_on), 'health', json(new.health),
        'desired', new.desired, 'restart_token', new.restart_token, 'image_refresh', new.image_refresh,
        'source', new.source, 'deleting_at', new.deleting_at
      )
    from meta, context;
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
        'runtime', old.runtime, 'memory_mb', old.memory_mb, 'vcpus', old.vcpus,
        'image', old.image, 'build', json(old.build), 'pull', old.pull, 'update', old.update_policy,
        'command', json(old.command), 'env', json(old.env), 'env_file', json(old.env_file), 'secret_file', json(old.secret_file),
        'ports', json(old.ports), 'volumes', json(old.volumes), 'files', json(old.files), 'user', old.user, 'restart', old.restart,
        'ready_timeout_s', old.ready_timeout_s, 'log_limit_mb', old.log_limit_mb, 'stop_timeout_s', old.stop_timeout_s,
        'reconcile', old.reconcile, 'depends_on', json(old.depends_on), 'health', json(old.health),
        'desired', old.desired, 'restart_token', old.restart_token, 'image_refresh', old.image_refresh,
        'source', old.source, 'deleting_at', old.deleting_at
      ),
      null
    from meta, context;
end;
