-- how an account behaved in a currency, as it was known at the end of each day on which something changed
create table behaviour_days (
    account_id {text} not null,
    currency {text} not null,
    known_on {date} not null,
    version {int} not null,
    -- null where it did not move
    history {json},
    schedule {json} not null,
    primary key (account_id, currency, known_on)
) {table};
-- what was learned before days were told apart counts on every day
insert into behaviour_days (account_id, currency, known_on, version, history, schedule)
select account_id, currency, '1970-01-01', version, history, schedule from behaviours;
drop table behaviours;

-- learned from the order gate
create table orders (
    order_id {text} primary key,
    account_id {text} not null,
    currency {text} not null,
    version {int} not null,
    ordered {money} not null,
    -- delivered or invoiced of it
    fulfilled {money} not null,
    -- null while more of it is to come
    closed_on {date}
) {table};

create index orders_closed on orders (account_id, currency, closed_on);
