-- Every object on the host that is Berth's, written before it is made: the proof of what may be collected.

create table ledger (
  id integer primary key autoincrement,
  driver text not null check (driver <> ''),
  kind text not null check (kind <> ''),
  name text not null check (name <> ''),
  service text not null,
  component text,
  generation integer,
  -- The runtime's id; null until it told one.
  native_id text,
  intended_at integer not null,
  unique (driver, kind, name)
) strict;
