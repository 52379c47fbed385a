//! Every method the process answers: who may call it, and whether it streams.
//!
//! A method that is not listed does not exist for anyone. Knows paths and roles, nothing of what a method does.

use std::collections::{BTreeSet, HashMap};

use prost::Message as _;
use prost_types::FileDescriptorSet;
use weir_model::{Principal, Role};

use super::EdgeError;

/// One line of a service's access table: the method's path, as `"/weir.limits.v1.LimitsService/GetCreditAccount"`
/// (with or without the leading slash), and the roles that may call it. `Role::Admin` may always.
pub type AccessRow = (&'static str, &'static [Role]);

/// Methods open to everyone: whether the process lives.
const HEALTH: [&str; 2] = ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"];

/// Methods open to everyone, where reflection is switched on: what the process offers.
const REFLECTION: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// A method the process answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Method {
    /// The path without its leading slash, as telemetry names it.
    pub(crate) name: &'static str,
    admits: Admits,
    /// Its caller sends more than one message.
    pub(crate) takes_stream: bool,
    /// It answers more than one message.
    pub(crate) answers_stream: bool,
}

#[derive(Debug, Clone, Copy)]
enum Admits {
    Everyone,
    Roles(&'static [Role]),
}

impl Method {
    /// Whether anybody may call it, known or not.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.admits, Admits::Everyone)
    }

    /// Whether a caller may call it.
    pub(crate) fn admits(&self, caller: &Principal) -> bool {
        match self.admits {
            Admits::Everyone => true,
            Admits::Roles(roles) => caller.has(Role::Admin) || roles.iter().any(|role| caller.has(*role)),
        }
    }

    /// Whether it may last: no time limit applies unless its caller names one.
    pub(crate) fn lasts(&self) -> bool {
        self.takes_stream || self.answers_stream
    }
}

/// All methods, by path with the leading slash.
#[derive(Debug)]
pub(crate) struct Methods(HashMap<String, Method>);

impl Methods {
    /// Reads the access tables and, from the descriptor sets, which methods stream.
    pub(crate) fn new(
        access: &[AccessRow],
        descriptor_sets: &[&[u8]],
        has_reflection: bool,
    ) -> Result<Self, EdgeError> {
        let mut methods = HashMap::new();
        let reflection = REFLECTION.into_iter().filter(|_| has_reflection);
        for path in HEALTH.into_iter().chain(reflection) {
            let name = path.trim_start_matches('/');
            let method = Method { name, admits: Admits::Everyone, takes_stream: true, answers_stream: true };
            methods.insert(path.to_owned(), method);
        }
        for (path, roles) in access {
            let name = path.trim_start_matches('/');
            let method = Method { name, admits: Admits::Roles(roles), takes_stream: false, answers_stream: false };
            if methods.insert(format!("/{name}"), method).is_some() {
                return Err(EdgeError::MethodTwice(name));
            }
        }
        for bytes in descriptor_sets {
            for (path, takes_stream, answers_stream) in described(bytes)? {
                if let Some(method) = methods.get_mut(&path) {
                    (method.takes_stream, method.answers_stream) = (takes_stream, answers_stream);
                }
            }
        }
        Ok(Methods(methods))
    }

    /// The method a request path names.
    pub(crate) fn find(&self, path: &str) -> Option<Method> {
        self.0.get(path).copied()
    }

    /// The services that have a method which is not open.
    pub(crate) fn services(&self) -> BTreeSet<String> {
        let guarded = self.0.values().filter(|method| !method.is_open());
        guarded.filter_map(|method| method.name.rsplit_once('/')).map(|(service, _)| service.to_owned()).collect()
    }
}

/// Path and streaming of each method a descriptor set describes.
fn described(bytes: &[u8]) -> Result<Vec<(String, bool, bool)>, EdgeError> {
    let set = FileDescriptorSet::decode(bytes).map_err(|error| EdgeError::Descriptors(error.to_string()))?;
    let mut found = Vec::new();
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                found.push((path, method.client_streaming(), method.server_streaming()));
            }
        }
    }
    Ok(found)
}

/// The described methods of our own packages that no access table lists: these nobody can call.
///
/// For a test of the binary: an empty answer means that no rpc was forgotten.
pub fn unlisted_methods(access: &[AccessRow], descriptor_set: &[u8]) -> Result<Vec<String>, EdgeError> {
    let methods = Methods::new(access, &[], true)?;
    let described = described(descriptor_set)?;
    Ok(described.into_iter().map(|(path, ..)| path).filter(|path| methods.find(path).is_none()).collect())
}
