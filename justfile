# What one does here every day. `just` lists it.

default:
    @just --list

# The year of a made-up seller, printed.
demo *args:
    cargo run --release -- demo {{args}}

# All roles on embedded databases.
serve *args:
    cargo run --release -- serve {{args}}

# Everything CI checks of the sources.
check:
    cargo fmt --all -- --check
    cargo clippy --workspace --all-targets -- -D warnings
    cd proto && buf lint && buf format --diff --exit-code

# Every test; those on PostgreSQL need its server binaries.
test *args:
    cargo test {{args}}

# What CI does, on this machine.
ci:
    bash .ci/run
