//! One query on one of the two databases: binds, runs, turns rows into values. Reads run on `&Db`, anything on
//! `&mut Tx`. Knows nothing of what the tables mean.
use std::fmt::Write as _;
use std::sync::Arc;

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, PgConnection, PgPool, Postgres, SqlSafeStr, SqlStr, SqliteConnection};

use crate::bind::{Bind, Record, Scalar};
use crate::doubt::Doubt;
use crate::lanes::Lanes;
use crate::{Dialect, Error, Result, Sql, lite};

/// Most rows of a multi-row statement that is kept prepared.
const ROWS_PREPARED_MAX: usize = 4;

/// Where a query runs, with the arguments collected for it.
pub(crate) enum Target<'c> {
    PgPool((&'c PgPool, &'c Doubt), PgArguments),
    Pg(&'c mut PgConnection, PgArguments),
    LitePool(&'c Arc<Lanes>, SqliteArguments),
    Lite(&'c mut SqliteConnection, SqliteArguments),
}

impl Target<'_> {
    fn dialect(&self) -> Dialect {
        match self {
            Target::PgPool(..) | Target::Pg(..) => Dialect::Postgres,
            Target::LitePool(..) | Target::Lite(..) => Dialect::Sqlite,
        }
    }
}

/// Hides [`Target`] from the outside.
pub struct Opaque<'c>(pub(crate) Target<'c>);

/// What a query can run on: `&Db` (reads) or `&mut Tx` (anything).
pub trait Runner<'c>: Sized {
    #[doc(hidden)]
    fn target(self) -> Opaque<'c>;

    /// Starts a query whose text is fixed at compile time.
    fn query(self, sql: Sql) -> Query<'c> {
        let target = self.target().0;
        let text = Text::Static(sql.text(target.dialect()));
        Query::new(target, text, sql.parameters())
    }

    /// Starts a query put together at run time from literal parts; see [`Query::push`].
    fn build(self, head: &'static str) -> Query<'c> {
        Query::build(self.target().0, head)
    }
}

enum Text {
    Static(&'static str),
    Built(String),
}

/// A query with the values bound to it so far.
#[must_use = "a query does nothing until it is run"]
pub struct Query<'c> {
    target: Target<'c>,
    text: Text,
    parameters: usize,
    bound: usize,
    error: Option<sqlx::Error>,
    persistent: bool,
}

/// Fetches rows where they are: `$pg` is sqlx's way, `$lite` ours.
macro_rules! fetch {
    ($self:ident, $t:ty, $pg:ident, $lite:path) => {{
        let persistent = $self.persistent;
        let (target, sql) = $self.finish()?;
        Ok(match target {
            Target::PgPool((e, doubt), a) => {
                doubt.note(sqlx::query_as_with::<Postgres, $t, _>(sql, a).persistent(persistent).$pg(e).await)?
            }
            Target::Pg(e, a) => sqlx::query_as_with::<Postgres, $t, _>(sql, a).persistent(persistent).$pg(e).await?,
            Target::LitePool(e, a) => $lite(&mut *e.take().await?, lite::query(sql, a, persistent)).await?,
            Target::Lite(e, a) => $lite(e, lite::query(sql, a, persistent)).await?,
        })
    }};
}

impl<'c> Query<'c> {
    pub(crate) fn build(target: Target<'c>, head: &'static str) -> Self {
        Query::new(target, Text::Built(head.to_owned()), 0)
    }

    fn new(target: Target<'c>, text: Text, parameters: usize) -> Self {
        Query { target, text, parameters, bound: 0, error: None, persistent: true }
    }

    /// Binds the next `$n`.
    pub fn bind<'t, T: Bind<'t>>(mut self, value: T) -> Self {
        self.add(value);
        self
    }

    /// Appends literal SQL to a built query. `'static` keeps run-time data out of the text.
    pub fn push(mut self, sql: &'static str) -> Self {
        self.append(sql);
        self
    }

    /// Appends literal SQL only one database needs, such as `" for update"`.
    pub fn push_on(self, dialect: Dialect, sql: &'static str) -> Self {
        if self.target.dialect() == dialect { self.push(sql) } else { self }
    }

    /// Appends the next placeholder and binds its value: `.push(" and status = ").value(status)`.
    pub fn value<'t, T: Bind<'t>>(mut self, value: T) -> Self {
        self.placeholder(value);
        self
    }

    /// Appends a condition when there is a value for it: `.push_if(" and status = ", filter.status.as_deref())`.
    pub fn push_if<'t, T: Bind<'t>>(self, sql: &'static str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.push(sql).value(value),
            None => self,
        }
    }

    /// Appends `(…), (…)` for a multi-row insert. Rows × columns must stay below 32 766, SQLite's limit.
    pub fn values<I: IntoIterator>(mut self, rows: I, mut row: impl FnMut(&mut Batch<'_, 'c>, I::Item)) -> Self {
        for (i, item) in rows.into_iter().enumerate() {
            // the text depends on the number of rows: beyond a few it would only fill the statement cache
            self.persistent &= i < ROWS_PREPARED_MAX;
            self.append(if i == 0 { " (" } else { ", (" });
            row(&mut Batch { query: &mut self, first: true }, item);
            self.append(")");
        }
        self
    }

    /// All rows.
    pub async fn all<T: Record>(self) -> Result<Vec<T>> {
        fetch!(self, T, fetch_all, lite::all)
    }

    /// The first row, if there is one.
    pub async fn optional<T: Record>(self) -> Result<Option<T>> {
        fetch!(self, T, fetch_optional, lite::optional)
    }

    /// The first row, else [`Error::NotFound`].
    pub async fn one<T: Record>(self) -> Result<T> {
        self.optional().await?.ok_or(Error::NotFound)
    }

    /// The first column of the first row, else [`Error::NotFound`].
    pub async fn scalar<T: Scalar>(self) -> Result<T> {
        Ok(self.one::<(T,)>().await?.0)
    }

    /// The first column of every row.
    pub async fn scalars<T: Scalar>(self) -> Result<Vec<T>> {
        Ok(self.all::<(T,)>().await?.into_iter().map(|row| row.0).collect())
    }

    /// The number of rows changed. On `&Db` SQLite refuses to write: writes go through a [`Tx`](crate::Tx).
    pub async fn execute(self) -> Result<u64> {
        let persistent = self.persistent;
        let (target, sql) = self.finish()?;
        Ok(match target {
            Target::PgPool((e, doubt), a) => {
                doubt.note(sqlx::query_with(sql, a).persistent(persistent).execute(e).await)?.rows_affected()
            }
            Target::Pg(e, a) => sqlx::query_with(sql, a).persistent(persistent).execute(e).await?.rows_affected(),
            Target::LitePool(e, a) => lite::execute(&mut *e.take().await?, lite::query(sql, a, persistent)).await?,
            Target::Lite(e, a) => lite::execute(e, lite::query(sql, a, persistent)).await?,
        })
    }

    fn add<'t, T: Bind<'t>>(&mut self, value: T) {
        self.bound += 1;
        let added = match &mut self.target {
            Target::PgPool(_, a) | Target::Pg(_, a) => a.add(value),
            Target::LitePool(_, a) | Target::Lite(_, a) => a.add(value),
        };
        if let Err(e) = added {
            self.error.get_or_insert(sqlx::Error::Encode(e));
        }
    }

    fn placeholder<'t, T: Bind<'t>>(&mut self, value: T) {
        self.parameters += 1;
        let number = self.parameters;
        match self.target.dialect() {
            Dialect::Postgres => self.append(format_args!("${number}")),
            // a number would be a name to SQLite, which looks for each among all the others; those without come in order
            Dialect::Sqlite => self.append("?"),
        }
        self.add(value);
    }

    fn append(&mut self, part: impl std::fmt::Display) {
        match &mut self.text {
            // writing to a String cannot fail
            Text::Built(text) => drop(write!(text, "{part}")),
            Text::Static(text) => {
                let wrong = format!("a query with fixed text cannot grow; start it with build(): {text}");
                self.error.get_or_insert(sqlx::Error::Protocol(wrong));
            }
        }
    }

    fn finish(self) -> Result<(Target<'c>, SqlStr)> {
        if let Some(e) = self.error {
            return Err(e.into());
        }
        if self.bound != self.parameters {
            let text = match &self.text {
                Text::Static(text) => text,
                Text::Built(text) => text.as_str(),
            };
            let wrong = format!("{} of {} parameters bound: {text}", self.bound, self.parameters);
            return Err(Error::Database(sqlx::Error::Protocol(wrong)));
        }
        let sql = match self.text {
            Text::Static(text) => text.into_sql_str(),
            // every part is `'static` or a placeholder we wrote
            Text::Built(text) => AssertSqlSafe(text).into_sql_str(),
        };
        Ok((self.target, sql))
    }
}

/// One row of a multi-row insert.
pub struct Batch<'b, 'c> {
    query: &'b mut Query<'c>,
    first: bool,
}

impl Batch<'_, '_> {
    /// Adds the row's next column.
    pub fn value<'t, T: Bind<'t>>(&mut self, value: T) -> &mut Self {
        if !std::mem::take(&mut self.first) {
            self.query.append(", ");
        }
        self.query.placeholder(value);
        self
    }
}
