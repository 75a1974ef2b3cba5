-- Which definition file feeds a service, and what it held when it last did.
create table sources (
  service text not null primary key,
  path text not null,
  content_hash text not null,
  applied_revision integer not null
) strict;

-- When a driver last answered. Raises no revision: an observation that found nothing new changes nothing.
create table freshness (
  driver text not null primary key,
  last_good_at integer,
  error text,
  since integer
) strict;

-- Named volumes that somebody deleted by name; the agent removes them when no workload uses them.
create table volumes_to_remove (
  service text not null,
  volume text not null,
  marked_at integer not null,
  primary key (service, volume)
) strict;

-- From which revision on the history of a service is complete; a service that is not here: all of it is.
create table history_floors (
  service text not null primary key,
  revision integer not null
) strict;
