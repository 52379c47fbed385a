//! The program `weir`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use weir::{args::Cli, commands};

// a fifth of the processor time of an order's decision went into allocating and freeing with the C library
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let ran = commands::run(cli, &mut io::stdout()).await;
    ran.unwrap_or_else(|error| {
        // nothing is left to be done where even this cannot be written
        let _ = writeln!(io::stderr(), "weir: {error:#}");
        ExitCode::FAILURE
    })
}
