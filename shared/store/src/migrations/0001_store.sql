-- what every context keeps beside its own tables
create table journal (
    id             {serial},
    -- null until numbered; then gapless from 1
    position       {int} unique,
    recorded_at    {instant} not null,
    kind           {text} not null,
    subject        {text} not null,
    version        {int} not null,
    -- json kept as the text it was, so that it can be hashed
    before         {text},
    after          {text} not null,
    principal      {text} not null,
    request_id     {text},
    correlation_id {text} not null,
    trace          {text}
) {table};
--pg
-- each row is updated once, when it is numbered
alter table journal set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create index journal_fresh on journal (id) where position is null;
--end

create table journal_head (
    one       {int} primary key check (one = 1),
    -- the last position given
    position  {int} not null,
    -- the last position purged
    compacted {int} not null
) {table};
insert into journal_head (one, position, compacted) values (1, 0, 0);

create table requests (
    subject     {text} not null,
    request_id  {text} not null,
    rpc         {text} not null,
    fingerprint {bytes} not null,
    -- null only while the first transaction with this id is under way
    answer      {text},
    -- the last journal row the request wrote
    journal_id  {int},
    recorded_at {instant} not null,
    primary key (subject, request_id)
) {table};
create index requests_recorded_at on requests (recorded_at);

create table bookmarks (
    feed     {text} not null primary key,
    position {int} not null
) {table};

create table leases (
    name       {text} not null primary key,
    owner      {text} not null,
    epoch      {int} not null,
    -- by the database's clock
    expires_at {instant} not null
) {table};
