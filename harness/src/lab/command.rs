//! Programs run in a node's namespace, as a case's commands say.

use std::env;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

use nix::errno::Errno;
use thiserror::Error;

use super::backend::resolve;
use super::restore::Script;
use super::{Lab, LabError};
use crate::case::Backend;

/// Where network programs live, also when the caller's PATH has no `sbin`.
const SYSTEM_FOLDERS: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// Programs of cases, and the Debian packages that hold them.
const PACKAGES: [(&str, &str); 14] = [
    ("ip", "iproute2"),
    ("bridge", "iproute2"),
    ("tc", "iproute2"),
    ("iptables", "iptables"),
    ("ip6tables", "iptables"),
    ("nft", "nftables"),
    ("sysctl", "procps"),
    ("ping", "iputils-ping"),
    ("conntrack", "conntrack"),
    ("brctl", "bridge-utils"),
    ("tcpdump", "tcpdump"),
    ("tshark", "tshark"),
    ("docker", "docker.io"),
    ("podman", "podman"),
];

/// Why a command in a lab failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It ran, and its status says that it failed.
    #[error("in netns '{node}': {command}: {status}{}", said(.stdout, .stderr))]
    Failed {
        /// The node.
        node: String,
        /// The command line, quoted for a shell.
        command: String,
        /// Exit code or signal.
        status: ExitStatus,
        /// What it wrote.
        stdout: String,
        /// What it complained about.
        stderr: String,
    },
    /// There is no such program here.
    #[error("'{program}' is not installed{}", cure(.package))]
    Missing {
        /// The program.
        program: String,
        /// The Debian package that has it, where known.
        package: Option<&'static str>,
    },
    /// A path that leads to no program.
    #[error("cannot run '{program}': {reason}")]
    NotAProgram {
        /// The path.
        program: String,
        /// What is there instead, and what to type where that helps.
        reason: String,
    },
    /// The command line has no first word.
    #[error("an empty command in netns '{node}'")]
    Empty {
        /// The node.
        node: String,
    },
    /// It could not be started.
    #[error(
        "in netns '{node}': cannot start {command}: {source}{}",
        start_hint(source)
    )]
    Start {
        /// The node.
        node: String,
        /// The command line, quoted for a shell.
        command: String,
        /// The errno.
        #[source]
        source: std::io::Error,
    },
    /// There is no such node, or its namespace can't be entered.
    #[error(transparent)]
    Lab(#[from] LabError),
}

fn said(stdout: &str, stderr: &str) -> String {
    let both = [stderr.trim(), stdout.trim()];
    both.iter()
        .filter(|text| !text.is_empty())
        .map(|text| format!("\n{text}"))
        .collect()
}

fn cure(package: &Option<&'static str>) -> String {
    package.map_or_else(String::new, |package| {
        format!("; please run: sudo apt-get install {package}")
    })
}

/// What a command that succeeded wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Its standard output.
    pub stdout: String,
    /// Its warnings.
    pub stderr: String,
}

impl Lab {
    /// Runs a program to its end in a node's namespace. `iptables` and its kin are those of `backend`.
    pub fn run(
        &self,
        node: &str,
        argv: &[String],
        backend: Backend,
    ) -> Result<Written, CommandError> {
        self.run_with_input(node, argv, "", backend)
    }

    /// Like [`run`](Self::run), with text on the program's standard input, as `iptables-restore` reads.
    pub fn run_with_input(
        &self,
        node: &str,
        argv: &[String],
        input: &str,
        backend: Backend,
    ) -> Result<Written, CommandError> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(CommandError::Empty { node: node.into() });
        };
        let command = quoted(argv);
        let output = {
            let _guard = self.netns(node)?.enter()?;
            let mut prepared = prepare(&resolve(backend, program))?;
            output(prepared.args(arguments), input).map_err(|source| CommandError::Start {
                node: node.into(),
                command: command.clone(),
                source,
            })?
        };
        let Output {
            status,
            stdout,
            stderr,
        } = output;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (stdout, stderr) = (text(stdout), text(stderr));
        if status.success() {
            Ok(Written { stdout, stderr })
        } else {
            Err(CommandError::Failed {
                node: node.into(),
                command,
                status,
                stdout,
                stderr,
            })
        }
    }
}

impl Lab {
    /// Runs commands in their order, and those of `iptables` that stand together in one process
    /// (`restore.rs`). An error comes with the position of its command.
    pub fn run_together(
        &self,
        node: &str,
        commands: &[&[String]],
        backend: Backend,
    ) -> Result<(), (usize, CommandError)> {
        let mut done = 0;
        while done < commands.len() {
            let (script, count) = Script::of(commands[done..].iter().copied());
            if count < 2 {
                self.run(node, commands[done], backend)
                    .map_err(|error| (done, error))?;
                done += 1;
                continue;
            }
            let argv = ["iptables-restore", "--noflush"].map(String::from);
            if let Err(error) = self.run_with_input(node, &argv, &script.text(), backend) {
                let undone = match &error {
                    CommandError::Failed { stderr, .. } => script.undone(stderr),
                    _ => None,
                };
                let Some(first) = undone else {
                    return Err((done, error));
                };
                // Once more one by one from what was not committed, so that the error is the command's own.
                let again = commands.iter().enumerate().take(done + count);
                for (position, command) in again.skip(done + first) {
                    self.run(node, command, backend)
                        .map_err(|error| (position, error))?;
                }
            }
            done += count;
        }
        Ok(())
    }
}

fn output(command: &mut Command, input: &str) -> std::io::Result<Output> {
    if input.is_empty() {
        return command.output();
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that stops reading says why by its status.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}

/// A command line that can be pasted into a shell.
pub fn quoted(argv: &[String]) -> String {
    shlex::try_join(argv.iter().map(String::as_str)).unwrap_or_else(|_| argv.join(" "))
}

/// Where a program is, in PATH and in the system's folders.
pub fn find_program(name: &str) -> Result<PathBuf, CommandError> {
    if name.contains('/') {
        return match no_program(Path::new(name)) {
            None => Ok(name.into()),
            Some(reason) => Err(CommandError::NotAProgram {
                program: name.into(),
                reason,
            }),
        };
    }
    folders()
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| no_program(path).is_none())
        .ok_or_else(|| {
            let known = |(program, _): &&(&str, &str)| {
                name == *program || name.starts_with(&format!("{program}-"))
            };
            let package = PACKAGES.iter().find(known).map(|(_, package)| *package);
            CommandError::Missing {
                program: name.into(),
                package,
            }
        })
}

/// Why a path can't be run, none if it can.
fn no_program(path: &Path) -> Option<String> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) => return Some(error.to_string()),
    };
    if metadata.is_dir() {
        return Some(String::from("it is a folder; name the program in it"));
    }
    if !metadata.is_file() {
        return Some(String::from("it is no regular file"));
    }
    (metadata.permissions().mode() & 0o111 == 0).then(|| {
        let path = quoted(&[path.display().to_string()]);
        format!("it is not executable; please run: chmod +x {path}")
    })
}

/// What to look at where the kernel refuses a file that is there and may be run (execve(2)).
pub fn start_hint(error: &std::io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOEXEC) => {
            "; a script begins with a line that names its interpreter, as #!/bin/sh"
        }
        Some(Errno::ENOENT) => "; is the interpreter there that its first line names?",
        _ => "",
    }
}

/// Where a case's `program` is: `iptables` and its kin are those of `backend`.
pub fn find_program_for(backend: Backend, program: &str) -> Result<PathBuf, CommandError> {
    find_program(&resolve(backend, program))
}

fn prepare(program: &str) -> Result<Command, CommandError> {
    let mut command = Command::new(find_program(program)?);
    // Scripts among them look for their own programs.
    if let Ok(path) = env::join_paths(folders()) {
        command.env("PATH", path);
    }
    command.env("LC_ALL", "C").stdin(Stdio::null());
    Ok(command)
}

fn folders() -> Vec<PathBuf> {
    let own = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&own)
        .chain(SYSTEM_FOLDERS.map(PathBuf::from))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_its_package() {
        let error = find_program("iptables-from-the-future").expect_err("no such program");
        let text = "'iptables-from-the-future' is not installed; please run: sudo apt-get install iptables";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn a_path_that_leads_to_no_program_says_what_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("plain"), "#!/bin/sh\n").expect("a file");
        let told = |name: &str| {
            let error = find_program(&path(name)).expect_err("no program");
            error.to_string().replace(&path(""), "")
        };
        assert_eq!(
            told("plain"),
            "cannot run 'plain': it is not executable; please run: chmod +x plain"
        );
        assert_eq!(
            told("none"),
            "cannot run 'none': No such file or directory (os error 2)"
        );
        let error = find_program(&path("")).expect_err("no program");
        assert!(error.to_string().contains("it is a folder"), "{error}");
    }

    #[test]
    fn a_command_line_can_be_pasted() {
        let argv = ["iptables", "-m", "comment", "--comment", "two words"].map(String::from);
        assert_eq!(quoted(&argv), "iptables -m comment --comment 'two words'");
    }
}
