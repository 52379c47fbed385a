//! What others read of this context: the present grade of every account, and the journal as it grows.

use async_stream::try_stream;
use futures::stream::BoxStream;
use weir_store::Steps;

use super::assessments::GRADE_CHANGED;
use crate::{Assessment, error::*, record::GradeRecord, store};

/// Grades read at once.
const PAGE: i64 = 500;

/// One piece of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The present grade of one account.
    Grade(GradeRecord),
    /// The position to watch from.
    End(i64),
}

impl Assessment {
    /// The present grade of every account, then the position that holds them at least.
    pub fn snapshot(&self) -> BoxStream<'static, Result<Piece>> {
        let (db, journal) = (self.env.db.clone(), self.journal.clone());
        Box::pin(try_stream! {
            let position = journal.head().await?;
            let mut after = String::new();
            loop {
                let page = store::grades(&db, &after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.account_id.as_str().to_owned();
                for grade in page {
                    yield Piece::Grade(grade);
                }
            }
            yield Piece::End(position);
        })
    }

    /// Every entry after a position, then those that come.
    pub fn watch(&self, after: i64) -> Steps {
        self.journal.watch(after)
    }
}

/// The grade an entry tells, where it tells one.
pub(crate) fn grade_of(entry: &weir_store::Entry) -> Result<Option<GradeRecord>> {
    if entry.kind == GRADE_CHANGED { Ok(Some(entry.after_as()?)) } else { Ok(None) }
}
