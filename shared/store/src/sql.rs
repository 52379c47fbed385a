//! The text of a query, fixed at compile time for both databases. Where they differ the query says so in place
//! (`pg("…")`, `lite("…")`); everything else is one text. Knows no connection.
use crate::Dialect;

/// A query's text in both databases, with the number of parameters it takes.
#[derive(Debug, Clone, Copy)]
pub struct Sql {
    postgres: &'static str,
    sqlite: &'static str,
    parameters: usize,
}

impl Sql {
    /// Made by [`sql!`](crate::sql) and [`queries!`](crate::queries); fails to compile when the texts take different
    /// numbers of parameters or use `?`.
    pub const fn new(postgres: &'static str, sqlite: &'static str) -> Self {
        let parameters = highest_parameter(postgres);
        assert!(parameters == highest_parameter(sqlite), "both texts must take the same parameters");
        Sql { postgres, sqlite, parameters }
    }

    /// The text for `dialect`.
    pub const fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Postgres => self.postgres,
            Dialect::Sqlite => self.sqlite,
        }
    }

    /// The highest `$n`. A missing bind is NULL to SQLite without a word, so a query counts its binds against this.
    pub const fn parameters(&self) -> usize {
        self.parameters
    }
}

#[expect(clippy::indexing_slicing, reason = "a const fn has no `get`; every index is below the length just checked")]
const fn highest_parameter(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut i, mut highest) = (0, 0);
    while i < bytes.len() {
        assert!(bytes[i] != b'?', "write $1, not ?");
        if bytes[i] == b'$' {
            let mut n = 0;
            while i + 1 < bytes.len() && bytes[i + 1].is_ascii_digit() {
                i += 1;
                n = n * 10 + (bytes[i] - b'0') as usize;
            }
            if n > highest {
                highest = n;
            }
        }
        i += 1;
    }
    highest
}

/// `sql!("same text")`, or parts where the databases differ:
/// `sql!("select id from t limit $1" pg(" for update skip locked"))`,
/// `sql!("select " pg("now()") lite("…") " from t")`. Evaluated at compile time.
#[macro_export]
macro_rules! sql {
    (@ [$($p:literal)*] [$($l:literal)*]) => { const { $crate::Sql::new(concat!($($p),*), concat!($($l),*)) } };
    (@ [$($p:literal)*] [$($l:literal)*] pg($x:literal) $($rest:tt)*) => {
        $crate::sql!(@ [$($p)* $x] [$($l)*] $($rest)*)
    };
    (@ [$($p:literal)*] [$($l:literal)*] lite($x:literal) $($rest:tt)*) => {
        $crate::sql!(@ [$($p)*] [$($l)* $x] $($rest)*)
    };
    (@ [$($p:literal)*] [$($l:literal)*] $x:literal $($rest:tt)*) => {
        $crate::sql!(@ [$($p)* $x] [$($l)* $x] $($rest)*)
    };
    ($($t:tt)+) => { $crate::sql!(@ [] [] $($t)+) };
}

/// Declares a module's queries, `NAME = "text" pg("…") "text";`, and lists them in `ALL`, so that one test can prepare
/// every one on both databases: it takes the place of a compile-time check, which would know only one of them.
#[macro_export]
macro_rules! queries {
    ($($(#[$meta:meta])* $name:ident = $head:literal $($only:ident($x:literal) $($more:literal)?)*;)+) => {
        $($(#[$meta])* pub(crate) const $name: $crate::Sql = $crate::sql!($head $($only($x) $($more)?)*);)+
        /// Every query of this module by name.
        #[allow(dead_code, reason = "read by the test that prepares every query on both databases")]
        pub(crate) const ALL: &[(&str, $crate::Sql)] = &[$((stringify!($name), $name)),+];
    };
}
