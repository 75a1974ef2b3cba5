-- How old an entry is at least, told by no clock that anybody can set. Agents count how long they run, and note once in a
-- while which revision was the newest by then: what is kept for some days is kept for days in which an agent ran.

alter table meta add column ran_ms integer not null default 0;

create table running_marks (
  -- When agents had run for so long in all …
  ran_ms integer primary key,
  -- … this was the newest revision.
  revision integer not null
) strict;
