# The program alone, unprivileged, on a base with a C library, certificates and time zones and without a shell.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /weir
COPY . .
RUN cargo build --release --locked --package weir

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /weir/target/release/weir /usr/local/bin/weir
# 65532, as a number: Kubernetes checks that it is not root's
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/weir"]
