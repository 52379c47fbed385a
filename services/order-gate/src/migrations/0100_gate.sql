-- processes that decide: a row is one life of one process, gone when it gave up or was found silent
create table owners (
    owner      {text} not null primary key,
    -- where other processes reach it; empty when they cannot
    address    {text} not null,
    -- by the database's clock
    expires_at {instant} not null,
    -- batches written in this life: each moves it, and so proves that the row is still there
    batches    {int} not null,
    -- how far it has followed the feeds of others
    followed   {text} not null
) {table};

-- accounts decided by one process
create table partitions (
    partition {int} not null primary key,
    -- who decides; free when null
    owner     {text} references owners (owner) on delete set null,
    -- goes up with each change of hands
    epoch     {int} not null,
    -- how far the feeds of others are taken in here; null: as far as its owner has followed them
    followed  {text}
) {table};
insert into partitions (partition, epoch) values (0, 0);

-- what the accounts of each country owe together that an owner decides for, as it told the others last
create table country_totals (
    owner    {text} not null references owners (owner) on delete cascade,
    country  {text} not null,
    currency {text} not null,
    amount   {int} not null,
    primary key (owner, country, currency)
) {table};

-- accounts that do not, or did not always, lie where their ids say
create table homes (
    account_id {text} not null primary key,
    partition  {int} not null references partitions (partition),
    -- the journal's position it was moved at
    change     {int} not null
) {table};
create index homes_by_change on homes (change, account_id);
create index homes_by_partition on homes (partition, account_id);

-- what one partition has to tell another, until it is read there
create table letters (
    letter_id {serial},
    partition {int} not null references partitions (partition),
    letter    {text} not null
) {table};
create index letters_by_partition on letters (partition, letter_id);

create table orders (
    order_id   {text} not null primary key,
    partition  {int} not null references partitions (partition),
    -- null while only deliveries or invoices are known
    account_id {text},
    -- counts or waits: belongs into memory
    live       {bool} not null,
    version    {int} not null,
    dossier    {text} not null
) {table};
create index orders_live on orders (partition, order_id) where live;

-- a decision is kept once, as the journal's line that tells of it
create unique index journal_decisions on journal (subject) where kind = 'decision_recorded';

create table holds (
    hold_id    {text} not null primary key,
    order_id   {text} not null,
    account_id {text} not null,
    state      {text} not null,
    held_at    {instant} not null,
    version    {int} not null,
    hold       {text} not null
) {table};
create index holds_by_state on holds (state, held_at, hold_id);
create index holds_by_account on holds (account_id, held_at, hold_id);

-- what other contexts say of an account, and what its orders were worth of late
create table inputs (
    partition  {int} not null references partitions (partition),
    account_id {text} not null,
    -- credit, conduct, pattern, or the currency of a position
    kind       {text} not null,
    version    {int} not null,
    input      {text} not null,
    primary key (partition, account_id, kind)
) {table};

-- what limits say of groups
create table groups (
    group_id {text} not null primary key,
    version  {int} not null,
    input    {text} not null
) {table};

-- what one major unit of a currency is worth in another, from a day on
create table fx_rates (
    from_currency  {text} not null,
    to_currency    {text} not null,
    effective_date {date} not null,
    rate           {rate} not null,
    primary key (from_currency, to_currency, effective_date)
) {table};

-- how often rates were put
create table fx_rate_table (
    one  {int} primary key check (one = 1),
    puts {int} not null
) {table};
insert into fx_rate_table (one, puts) values (1, 0);

create table policies (
    version {int} not null primary key,
    policy  {text} not null
) {table};
