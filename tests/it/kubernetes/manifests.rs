//! The manifests as they are in the repository, and the settings they give to pods.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use weir::settings::{self, Settings};

/// The name of what a patch is for, where its target says which.
const ANY: &str = "any";

/// One place to run: its manifests, the patches of its pods, and its settings.
pub(crate) struct Place {
    documents: Vec<Value>,
    patches: Vec<Value>,
    variables: Vec<(String, String)>,
}

impl Place {
    pub(crate) fn all() -> [Place; 2] {
        [Place::production(), Place::dev()]
    }

    pub(crate) fn production() -> Place {
        let variables =
            ["base", "overlays/production"].map(|folder| variables(&folder_of(folder).join("settings.env")));
        Place::new(&["base", "components/pod", "overlays/production"], variables.concat())
    }

    pub(crate) fn dev() -> Place {
        Place::new(&["components/pod", "overlays/dev"], variables(&folder_of("overlays/dev").join("settings.env")))
    }

    fn new(folders: &[&str], variables: Vec<(String, String)>) -> Place {
        let read = folders.iter().flat_map(|folder| documents(&folder_of(folder)));
        let (patches, documents) = read.partition(|document| text(document, "/metadata/name") == ANY);
        Place { documents, patches, variables }
    }

    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.documents.iter().filter(move |document| text(document, "/kind") == kind)
    }

    pub(crate) fn named(&self, kind: &str, name: &str) -> &Value {
        let found = self.of_kind(kind).find(|document| text(document, "/metadata/name") == name);
        found.unwrap_or_else(|| panic!("no {kind} is called {name}"))
    }

    /// Everything that runs pods.
    pub(crate) fn workloads(&self) -> impl Iterator<Item = &Value> {
        self.documents.iter().filter(|document| document.pointer("/spec/template/spec/containers").is_some())
    }

    /// What all pods that serve have in common.
    pub(crate) fn server(&self) -> &Value {
        let server = |patch: &&Value| patch.pointer("/spec/template/spec/terminationGracePeriodSeconds").is_some();
        self.patches.iter().find(server).unwrap()
    }

    /// What all pods have in common.
    pub(crate) fn pod(&self) -> &Value {
        let mut pods = self.patches.iter().filter_map(|patch| patch.pointer("/spec/template/spec"));
        pods.find(|pod| pod.get("securityContext").is_some()).unwrap()
    }

    /// The container all pods that serve have in common.
    pub(crate) fn container(&self) -> &Value {
        &list(self.server(), "/spec/template/spec/containers")[0]
    }

    fn containers(&self) -> impl Iterator<Item = &Value> {
        let with_pods = self.patches.iter().chain(self.workloads());
        with_pods.flat_map(|document| list(document, "/spec/template/spec/containers"))
    }

    /// Where volumes are mounted.
    pub(crate) fn mounts(&self) -> Vec<&str> {
        let mounts = self.containers().filter_map(|container| container.get("volumeMounts"));
        mounts.flat_map(|mounts| mounts.as_array().unwrap()).map(|mount| text(mount, "/mountPath")).collect()
    }

    /// What the program makes of all variables of the pods; those from secrets have some value.
    pub(crate) fn settings(&self) -> Settings {
        let env = self.containers().filter_map(|container| container.get("env"));
        let secret = env.flat_map(|env| env.as_array().unwrap()).map(|variable| text(variable, "/name").to_owned());
        let variables = self.variables.iter().cloned().chain(secret.map(|name| (name, "secret".to_owned())));
        let effective = settings::layers().with_variables(variables).load();
        Settings::read(&effective.unwrap_or_else(|problems| panic!("{problems}"))).unwrap()
    }
}

fn folder_of(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../k8s").join(folder)
}

fn documents(folder: &Path) -> Vec<Value> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let manifests = files.filter(|file| {
        file.extension().is_some_and(|ending| ending == "yaml") && !file.ends_with("kustomization.yaml")
    });
    manifests
        .flat_map(|file| {
            let read = serde_saphyr::from_multiple(&fs::read_to_string(&file).unwrap());
            read.unwrap_or_else(|error| panic!("{}: {error}", file.display())) as Vec<Value>
        })
        .collect()
}

fn variables(file: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap()).collect()
}

/// A text in a document; pointers are JSON's.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no text at {pointer} in {value}"))
}

pub(crate) fn number(value: &Value, pointer: &str) -> u64 {
    let found = value.pointer(pointer).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("no number at {pointer} in {value}"))
}

pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.unwrap_or_else(|| panic!("no list at {pointer} in {value}"))
}
