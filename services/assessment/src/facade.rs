//! The commands and queries, by what they are about.

mod assessments;
mod facts;
mod feed;
mod forgetting;
mod grade_policies;
mod profiles;
mod scorecards;

pub use assessments::AssessRequest;
pub(crate) use assessments::{ORDER_GATE, RECEIVABLES};
pub use facts::Recorded;
pub use feed::Piece;
pub(crate) use feed::grade_of;
pub use forgetting::BEHAVIOUR_DAYS_KEPT;
pub(crate) use forgetting::Forgetting;
pub(crate) use grade_policies::install_in as install_grade_policy_in;
pub use profiles::VersionedProfile;
pub(crate) use scorecards::install_in as install_scorecard_in;
