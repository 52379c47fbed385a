//! An identifier in a row: text that is checked when it comes out.
use sqlx::database::Database;
use sqlx::error::BoxDynError;
use sqlx::{Decode, Encode, Type};
use weir_model::TextId;

/// An identifier read from a row: `Id<AccountId>`; text in both databases. To bind one, bind its `as_str()`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<T>(pub T);

impl<T, D: Database> Type<D> for Id<T>
where
    String: Type<D>,
{
    fn type_info() -> D::TypeInfo {
        <String as Type<D>>::type_info()
    }

    fn compatible(ty: &D::TypeInfo) -> bool {
        <String as Type<D>>::compatible(ty)
    }
}

impl<'r, T: TextId, D: Database> Decode<'r, D> for Id<T>
where
    &'r str: Decode<'r, D>,
{
    fn decode(value: D::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Id(T::parse(<&str as Decode<'r, D>>::decode(value)?)?))
    }
}

impl<'q, T: TextId, D: Database> Encode<'q, D> for Id<T>
where
    String: Encode<'q, D>,
{
    fn encode_by_ref(&self, buf: &mut D::ArgumentBuffer) -> Result<sqlx::encode::IsNull, BoxDynError> {
        <String as Encode<'q, D>>::encode(self.0.as_str().to_owned(), buf)
    }
}
