//! Values the two databases store differently: instants and rates. Everything else binds as it is.
mod column;
mod id;
mod instant;
mod rate;

pub use column::Column;
pub use id::Id;
pub use instant::Instant;
pub use rate::Rate;

/// A newtype with two column types: `$pg` in PostgreSQL, text in SQLite.
macro_rules! twin_type {
    ($t:ty, $pg:ty, to_pg: $to_pg:expr, from_pg: $from_pg:expr, to_text: $to_text:expr, from_text: $from_text:expr) => {
        impl sqlx::Type<sqlx::Postgres> for $t {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                <$pg as sqlx::Type<sqlx::Postgres>>::type_info()
            }
            fn compatible(ty: &sqlx::postgres::PgTypeInfo) -> bool {
                <$pg as sqlx::Type<sqlx::Postgres>>::compatible(ty)
            }
        }
        impl<'q> sqlx::Encode<'q, sqlx::Postgres> for $t {
            fn encode_by_ref(
                &self,
                buf: &mut sqlx::postgres::PgArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                let value: $pg = $to_pg(*self)?;
                <$pg as sqlx::Encode<'q, sqlx::Postgres>>::encode_by_ref(&value, buf)
            }
        }
        impl<'r> sqlx::Decode<'r, sqlx::Postgres> for $t {
            fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                <$pg as sqlx::Decode<'r, sqlx::Postgres>>::decode(value).map($from_pg)
            }
        }
        impl sqlx::postgres::PgHasArrayType for $t {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                <$pg as sqlx::postgres::PgHasArrayType>::array_type_info()
            }
        }
        impl sqlx::Type<sqlx::Sqlite> for $t {
            fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
                <String as sqlx::Type<sqlx::Sqlite>>::type_info()
            }
            fn compatible(ty: &sqlx::sqlite::SqliteTypeInfo) -> bool {
                <String as sqlx::Type<sqlx::Sqlite>>::compatible(ty)
            }
        }
        impl<'q> sqlx::Encode<'q, sqlx::Sqlite> for $t {
            fn encode_by_ref(
                &self,
                buf: &mut sqlx::sqlite::SqliteArgumentsBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                let text: String = $to_text(*self)?;
                <String as sqlx::Encode<'q, sqlx::Sqlite>>::encode(text, buf)
            }
        }
        impl<'r> sqlx::Decode<'r, sqlx::Sqlite> for $t {
            fn decode(value: sqlx::sqlite::SqliteValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                $from_text(<&str as sqlx::Decode<'r, sqlx::Sqlite>>::decode(value)?)
            }
        }
    };
}
use twin_type;
