//! Profiles: made, replaced, read.

use serde::{Deserialize, Serialize};
use weir_model::{AccountId, Call};
use weir_store::{Change, Done, Tx, journal};

use crate::{Assessment, error::*, profile::Profile, store};

/// A profile with its version, which is its etag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionedProfile {
    /// The profile.
    pub profile: Profile,
    /// Goes up with each change.
    pub version: i64,
}

impl Assessment {
    /// Makes or replaces a profile; with an etag only the version that was read.
    pub async fn put_profile(
        &self,
        call: &Call,
        profile: &Profile,
        etag: Option<&str>,
    ) -> Result<Done<VersionedProfile>> {
        self.env.db.once(call, async |tx: &mut Tx| put_profile_in(tx, call, profile, etag).await).await
    }

    /// A profile.
    pub async fn profile(&self, account_id: &AccountId) -> Result<VersionedProfile> {
        let found = store::profile(&self.env.db, account_id).await?;
        let (profile, version) = found.ok_or_else(|| Error::AccountUnknown(account_id.clone()))?;
        Ok(VersionedProfile { profile, version })
    }
}

async fn put_profile_in(tx: &mut Tx, call: &Call, profile: &Profile, etag: Option<&str>) -> Result<VersionedProfile> {
    let before = store::profile_for_update(tx, &profile.account_id).await?;
    let known = before.as_ref().map_or(0, |(_, version)| *version);
    if etag.is_some_and(|etag| etag != known.to_string()) {
        return Err(Error::EtagMismatch);
    }
    if let Some((present, version)) = &before {
        if present.currency != profile.currency {
            return Err(Error::CurrencyFixed { present: present.currency, asked: profile.currency });
        }
        if present == profile {
            return Ok(VersionedProfile { profile: profile.clone(), version: *version });
        }
    }
    let version = known + 1;
    store::save_profile_in(tx, profile, version, call.at).await?;
    let change = Change {
        kind: "profile_put",
        subject: profile.account_id.as_str(),
        version,
        before: before.map(|(before, _)| json(&before)).transpose()?,
        after: json(profile)?,
    };
    journal::append_in(tx, call, &change).await?;
    Ok(VersionedProfile { profile: profile.clone(), version })
}

/// A state as the journal keeps it.
pub(super) fn json(state: &impl Serialize) -> Result<serde_json::Value> {
    Ok(serde_json::to_value(state).map_err(weir_store::Error::from)?)
}
