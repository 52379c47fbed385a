-- one row a partition: who may write, and the end of its chain; every batch moves it and so proves its tenure
create table partitions (
    partition     {int} not null primary key,
    owner         {text} not null,
    epoch         {int} not null,
    last_position {int} not null
) {table};
insert into partitions (partition, owner, epoch, last_position) values (0, '', 0, 0);

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
    partition  {int} not null references partitions (partition),
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
    account_id {text} not null,
    -- credit, conduct, pattern, or the currency of a position
    kind       {text} not null,
    partition  {int} not null references partitions (partition),
    version    {int} not null,
    input      {text} not null,
    primary key (account_id, kind)
) {table};

-- what limits say of groups
create table groups (
    group_id  {text} not null primary key,
    partition {int} not null references partitions (partition),
    version   {int} not null,
    input     {text} not null
) {table};

-- what one major unit of a currency is worth in another, from a day on
create table fx_rates (
    from_currency  {text} not null,
    to_currency    {text} not null,
    effective_date {date} not null,
    rate           {rate} not null,
    primary key (from_currency, to_currency, effective_date)
) {table};

create table policies (
    version {int} not null primary key,
    policy  {text} not null
) {table};
