//! Temporary.
pub async fn demo(_: crate::args::DemoArgs, _: &mut impl std::io::Write) -> anyhow::Result<std::process::ExitCode> {
    Ok(std::process::ExitCode::SUCCESS)
}
