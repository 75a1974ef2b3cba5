-- Which runtime's driver holds the data of a named volume. Each driver keeps volumes of its own, so a component that
-- moves to another runtime takes a copy along; the old data stays until the new workload has proven itself.

create table volume_holders (
  service text not null,
  volume text not null,
  driver text not null check (driver <> ''),
  -- current: the data that counts. copy: made for a workload that has not proven itself, or only begun.
  -- old: given up, to be removed.
  state text not null check (state in ('current', 'copy', 'old')),
  -- The workload that a finished copy was made for; null: the copy is not finished.
  copied_for text check (copied_for is null or state = 'copy'),
  primary key (service, volume, driver)
) strict;

create unique index volume_holders_current on volume_holders (service, volume) where state = 'current';
