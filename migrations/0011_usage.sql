-- What components used, five minutes a row, kept for a day. It raises no revision and no log tells of it.

create table usage (
  -- When the five minutes began: Unix milliseconds, a multiple of 300,000.
  at integer not null check (at % 300000 = 0),
  service text not null,
  component text not null,
  -- On average, and at most.
  memory_bytes real not null check (memory_bytes >= 0),
  memory_peak_bytes integer not null check (memory_peak_bytes >= 0),
  -- On average, 100 being one core; null: memory was seen, and processor time could not be told.
  cpu_percent real check (cpu_percent >= 0),
  -- How often was looked.
  samples integer not null check (samples > 0),
  -- By time first: rows are added at the end, and go from the beginning.
  primary key (at, service, component)
) strict, without rowid;
