//! What a context is given to work with: its database, the time, and where ids come from.
use weir_model::{Clock, Ids};

use crate::Db;

/// What a context is given to work with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Env {
    /// The context's own database.
    pub db: Db,
    /// The time, given and never taken.
    pub clock: Clock,
    /// Where new ids come from.
    pub ids: Ids,
}
