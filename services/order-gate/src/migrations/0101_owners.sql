-- processes that decide: a row is one life of one process, gone when it gave up or was found silent
create table owners (
    owner      {text} not null primary key,
    -- where other processes reach it; empty when they cannot
    address    {text} not null,
    -- by the database's clock
    expires_at {instant} not null,
    -- batches written in this life: each moves it, and so proves that the row is still there
    batches    {int} not null
) {table};

alter table partitions drop column owner;
-- the owner's row is the end of the chain of batches
alter table partitions drop column last_position;
-- who decides; free when null
alter table partitions add column owner {text} references owners (owner) on delete set null;
