//! Compiles every contract under `proto/` into servers, clients and the descriptor set that reflection serves.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use prost::Message;

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script its output folder this way alone")]
fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut contracts = Vec::new();
    collect(&root.join("weir"), &mut contracts)?;
    contracts.sort();

    let includes = [root.clone(), root.join("third_party")];
    let descriptors = protox::compile(&contracts, &includes)?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is set by cargo")?);
    fs::write(out.join("weir.binpb"), descriptors.encode_to_vec())?;

    tonic_prost_build::configure().include_file("contracts.rs").compile_fds(descriptors)?;
    Ok(())
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            into.push(path);
        }
    }
    Ok(())
}
