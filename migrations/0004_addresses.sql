-- Static addresses of workloads on the bridge. Kept until the component is purged, so that a workload that
-- is made again comes back with its own.

create table addresses (
  address text not null primary key check (address glob '[0-9]*.[0-9]*.[0-9]*.[0-9]*' and address not glob '*[^0-9.]*'),
  workload text not null unique,
  allocated_at integer not null
) strict;
