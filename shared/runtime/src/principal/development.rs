//! Mode `development`: callers are who they say they are.
//!
//! Syntax of the metadata value: `NAME; roles=ROLE,ROLE; authority=CUR:AMOUNT,CUR:AMOUNT`, where the parts after the
//! name are optional and may come in any order, as `ada; roles=credit_manager; authority=CNY:500000.00,USD:1000`.

use http::HeaderMap;
use weir_model::{Fault, Kind, Principal, Reason, Role, SubjectId};

use super::{add_authority, parse_authority};
use crate::edge::unauthenticated;

/// The metadata key in which a caller names itself in development mode.
pub const PRINCIPAL_METADATA: &str = "weir-principal";

pub(super) fn identify(headers: &HeaderMap) -> Result<Principal, Fault> {
    let Some(value) = headers.get(PRINCIPAL_METADATA) else {
        return Err(unauthenticated("name a caller in metadata weir-principal, as `ada; roles=viewer`"));
    };
    let text = value.to_str().map_err(|_| unauthenticated("metadata weir-principal must be ASCII"))?;
    parse(text).map_err(|problem| {
        Fault::new(Kind::Unauthenticated, Reason::Unauthenticated, format!("metadata weir-principal: {problem}"))
    })
}

fn parse(text: &str) -> Result<Principal, String> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let subject = SubjectId::parse(name).map_err(|error| format!("name {name:?}: {error}"))?;
    let mut caller = Principal::new(subject, []);
    for part in parts.filter(|part| !part.is_empty()) {
        let (key, values) = part.split_once('=').ok_or_else(|| format!("{part:?} is not key=value"))?;
        let values = values.split(',').map(str::trim).filter(|value| !value.is_empty());
        match key.trim() {
            "roles" => {
                for role in values {
                    caller.roles.insert(role.parse::<Role>().map_err(|error| error.to_string())?);
                }
            }
            "authority" => {
                for amount in values {
                    add_authority(&mut caller.authority, parse_authority(amount)?)?;
                }
            }
            other => return Err(format!("{other:?} is neither roles nor authority")),
        }
    }
    Ok(caller)
}

/// The metadata value that names a caller in development mode.
pub fn principal_metadata(caller: &Principal) -> String {
    let roles: Vec<&str> = caller.roles.iter().map(|role| role.as_str()).collect();
    let authority: Vec<String> =
        caller.authority.iter().map(|amount| format!("{}:{}", amount.currency().code(), amount.to_decimal())).collect();
    format!("{}; roles={}; authority={}", caller.subject, roles.join(","), authority.join(","))
}
