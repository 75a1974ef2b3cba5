-- Whoever mounts a volume that is to be removed takes that back: an order that waited longer than that would cost what was
-- written since.
create trigger components_want_volumes_insert after insert on components
when new.deleting_at is null and exists (select 1 from volumes_to_remove where service = new.service)
begin
  delete from volumes_to_remove where service = new.service and exists (
    select 1 from json_each(new.volumes) where type = 'text' and instr(value, volume || ':') = 1
  );
end;

create trigger components_want_volumes_update after update of volumes, deleting_at on components
when new.deleting_at is null and exists (select 1 from volumes_to_remove where service = new.service)
begin
  delete from volumes_to_remove where service = new.service and exists (
    select 1 from json_each(new.volumes) where type = 'text' and instr(value, volume || ':') = 1
  );
end;

-- It may have been mounted since somebody looked whether it is.
create trigger volumes_to_remove_mounted before insert on volumes_to_remove
when exists (
  select 1 from components, json_each(components.volumes)
  where service = new.service and deleting_at is null and json_each.type = 'text' and instr(json_each.value, new.volume || ':') = 1
)
begin
  select raise(ignore);
end;
