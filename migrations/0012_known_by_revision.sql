-- What the agent writes of a status or an event bears its revision already: that is how the triggers know it, and the
-- context need not be filled and emptied around it.

drop trigger status_after_insert;
drop trigger status_after_update;
drop trigger events_after_insert;

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
  where revision = new.revision and (new.actor = '' or new.revision is not (select revision from meta));
end;
