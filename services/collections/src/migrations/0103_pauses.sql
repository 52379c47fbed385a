-- days on which the clock of an item stands still; of all items of the account where none is named
create table pauses (
    number      {serial},
    account_id  {text} not null,
    item_id     {text},
    kind        {text} not null,
    from_date   {date} not null,
    to_date     {date} not null,
    note        {text} not null,
    set_by      {text} not null,
    set_at      {instant} not null,
    -- the day from which it holds no more, and by whose word
    lifted_date {date},
    lifted_by   {text}
) {table};
create index pauses_account on pauses (account_id, number);

-- debtors who want no contact
create table opt_outs (
    account_id {text} not null primary key,
    reason     {text} not null,
    set_by     {text} not null,
    set_at     {instant} not null
) {table};

-- credit that is not allocated yet
alter table debts add column credit {money} not null default 0;
