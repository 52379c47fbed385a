//! What a user would take instead: a transaction or a function in PostgreSQL, a script in Redis. Each checks the room and
//! reserves it, durably, once per order id; none explains, follows other contexts, or tells anybody.

use std::{str::FromStr as _, sync::Arc};

use anyhow::ensure;
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use sqlx::{Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use tokio::sync::Semaphore;

use crate::orders::{ACCOUNTS, AMOUNT, Ask};

/// Room of every account, in minor units: enough for everything.
const LIMIT: i64 = 1_000_000_000_000_000;

const SCHEMA: &str = "
    drop schema if exists alternative cascade;
    create schema alternative;
    set search_path to alternative;
    create table accounts (account_id text primary key, credit_limit bigint not null, reserved bigint not null);
    create table orders (
        order_id text primary key, account_id text not null, amount bigint not null, approved boolean not null,
        decided_at timestamptz not null default now());
    alter table accounts set (fillfactor = 50);
    create function authorize_order(id text, account text, value bigint) returns boolean language plpgsql as $body$
    declare
        room bigint;
        passes boolean;
    begin
        select credit_limit - reserved into room from accounts where account_id = account for update;
        passes := value <= room;
        insert into orders (order_id, account_id, amount, approved) values (id, account, value, passes)
            on conflict (order_id) do nothing;
        if not found then
            select approved into passes from orders where order_id = id;
        elsif passes then
            update accounts set reserved = reserved + value where account_id = account;
        end if;
        return passes;
    end $body$;";

/// The same in Lua. One answer an order id; amounts stay below 2^53.
const SCRIPT: &str = "
    local before = redis.call('HGET', KEYS[1], 'approved')
    if before then return before end
    local room = redis.call('HMGET', KEYS[2], 'limit', 'reserved')
    local value = tonumber(ARGV[1])
    local passes = value <= tonumber(room[1]) - tonumber(room[2] or '0')
    local approved = passes and '1' or '0'
    redis.call('HSET', KEYS[1], 'account', KEYS[2], 'amount', ARGV[1], 'approved', approved)
    if passes then redis.call('HINCRBY', KEYS[2], 'reserved', value) end
    return approved";

/// How PostgreSQL is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Begin, select for update, insert, update, commit.
    Transaction,
    /// One call of a function.
    Function,
}

/// PostgreSQL through a first-in-first-out pool: an unfair one hides starvation in a closed loop.
#[derive(Debug)]
pub(crate) struct Sql {
    way: Way,
    turns: Semaphore,
    idle: Mutex<Vec<PgConnection>>,
}

/// Makes the tables and their accounts anew.
pub(crate) async fn prepare(url: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    connection.execute(sqlx::raw_sql(SCHEMA)).await?;
    sqlx::query(
        "insert into accounts select 'acct-' || lpad((n - 1)::text, 6, '0'), $1, 0 from generate_series(1, $2) n",
    )
    .bind(LIMIT)
    .bind(i64::try_from(ACCOUNTS)?)
    .execute(&mut connection)
    .await?;
    connection.execute("vacuum analyze accounts").await?;
    Ok(connection.close().await?)
}

impl Sql {
    pub(crate) async fn open(url: &str, way: Way, connections: usize) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url)?.options([("search_path", "alternative")]);
        let mut idle = Vec::with_capacity(connections);
        for _ in 0..connections {
            idle.push(PgConnection::connect_with(&options).await?);
        }
        Ok(Sql { way, turns: Semaphore::new(connections), idle: Mutex::new(idle) })
    }

    pub(crate) async fn ask(&self, ask: &Ask) -> anyhow::Result<()> {
        let _turn = self.turns.acquire().await?;
        let Some(mut connection) = self.idle.lock().pop() else { anyhow::bail!("a connection was lost") };
        let passes = match self.way {
            Way::Transaction => transaction(&mut connection, ask).await?,
            Way::Function => {
                let call = sqlx::query_scalar("select authorize_order($1, $2, $3)");
                let call = call.bind(&ask.order_id).bind(&ask.account_id).bind(AMOUNT);
                call.fetch_one(&mut connection).await?
            }
        };
        self.idle.lock().push(connection);
        ensure!(passes, "there is room for everything");
        Ok(())
    }
}

async fn transaction(connection: &mut PgConnection, ask: &Ask) -> anyhow::Result<bool> {
    let mut tx = connection.begin().await?;
    let room: i64 = sqlx::query_scalar("select credit_limit - reserved from accounts where account_id = $1 for update")
        .bind(&ask.account_id)
        .fetch_one(&mut *tx)
        .await?;
    let passes = AMOUNT <= room;
    let inserted = sqlx::query(
        "insert into orders (order_id, account_id, amount, approved) values ($1, $2, $3, $4)
         on conflict (order_id) do nothing",
    )
    .bind(&ask.order_id)
    .bind(&ask.account_id)
    .bind(AMOUNT)
    .bind(passes)
    .execute(&mut *tx)
    .await?;
    // an order asked for again is not measured: every id is new
    if inserted.rows_affected() == 1 && passes {
        sqlx::query("update accounts set reserved = reserved + $2 where account_id = $1")
            .bind(&ask.account_id)
            .bind(AMOUNT)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(passes)
}

/// Redis on one connection that carries many calls at once: the fastest way its client has.
#[derive(Debug)]
pub(crate) struct Redis {
    connection: MultiplexedConnection,
    script: Arc<str>,
}

impl Redis {
    pub(crate) async fn open(port: u16) -> anyhow::Result<Self> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{port}"))?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let script: String = redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query_async(&mut connection).await?;
        for first in (0..ACCOUNTS).step_by(1_000) {
            let mut accounts = redis::pipe();
            for n in first..first + 1_000 {
                let account = format!("account:{}", crate::orders::account(n));
                accounts.cmd("HSET").arg(account).arg("limit").arg(LIMIT).arg("reserved").arg(0).ignore();
            }
            let () = accounts.query_async(&mut connection).await?;
        }
        Ok(Redis { connection, script: script.into() })
    }

    pub(crate) async fn ask(&self, ask: &Ask) -> anyhow::Result<()> {
        let mut call = redis::cmd("EVALSHA");
        call.arg(&*self.script).arg(2);
        call.arg(format!("order:{}", ask.order_id)).arg(format!("account:{}", ask.account_id)).arg(AMOUNT);
        let approved: String = call.query_async(&mut self.connection.clone()).await?;
        ensure!(approved == "1", "there is room for everything");
        Ok(())
    }
}
