//! The `goldpath` command.

fn main() -> std::process::ExitCode {
    goldpath::cli::main()
}
