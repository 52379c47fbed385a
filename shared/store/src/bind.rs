//! Which values may go into a query and which come out of a row: only types that mean the same in both databases.
//! A closed list, so that a type SQLite would store as text that compares wrongly does not compile.
use chrono::NaiveDate;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::types::{Json, Uuid};
use sqlx::{Decode, Encode, FromRow, Postgres, Sqlite, Type};

use crate::{Column, Id, Instant, Rate};

/// The types that mean the same in both databases. Not `Decimal` or `DateTime` (wrap them: [`Rate`], [`Instant`]); not
/// `i32`, which PostgreSQL does not read back from bigint; no floats at all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not stored alike by PostgreSQL and SQLite",
    label = "wrap it in Instant, Rate or Json, or use i64 or text"
)]
pub trait Portable {}

macro_rules! portable {
    ($($t:ty),*) => { $(impl Portable for $t {})* };
}
portable!(i64, bool, str, String, [u8], Vec<u8>, Uuid, NaiveDate, Instant, Rate);
impl<T> Portable for Json<T> {}
impl<T> Portable for Id<T> {}
impl<T> Portable for Column<T> {}
impl<T: Portable> Portable for Option<T> {}
impl<T: Portable + ?Sized> Portable for &T {}

/// A value both databases can take.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not stored alike by PostgreSQL and SQLite",
    label = "wrap it in Instant, Rate or Json, or use i64 or text"
)]
pub trait Bind<'t>: Portable + Encode<'t, Postgres> + Type<Postgres> + Encode<'t, Sqlite> + Type<Sqlite> {}
impl<'t, T> Bind<'t> for T where T: Portable + Encode<'t, Postgres> + Type<Postgres> + Encode<'t, Sqlite> + Type<Sqlite> {}

/// A struct (`#[derive(sqlx::FromRow)]`) or tuple both databases' rows turn into.
///
/// Decoding is not a closed list: give row structs fields of [`Portable`] types only.
pub trait Record: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}
impl<T> Record for T where T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}

/// A single value both databases can give.
pub trait Scalar:
    Portable + for<'r> Decode<'r, Postgres> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + Type<Sqlite> + Send + Unpin
{
}
impl<T> Scalar for T where
    T: Portable
        + for<'r> Decode<'r, Postgres>
        + Type<Postgres>
        + for<'r> Decode<'r, Sqlite>
        + Type<Sqlite>
        + Send
        + Unpin
{
}
