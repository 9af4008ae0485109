//! What a person asks for by `--implementation`.

use std::fmt;
use std::str::FromStr;

use super::facts::{Argument, Facts};
use super::native::Faults;
use super::registry::ADAPTERS;

/// All implementations, or one.
#[derive(Debug, Clone)]
pub enum Asked {
    /// Every one with a fixed name; those that are not here are listed as not supported.
    All,
    /// This one.
    One(Selection),
}

/// One implementation, written `NAME`, `NAME:ARGUMENT`, `NAME=BUILD` or `NAME{OPTION}`, and all of these together.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Which one.
    pub facts: &'static Facts,
    /// What follows its name after a colon: the conflist or the plugin program.
    pub argument: Option<String>,
    /// The folder or program of another build, as it was typed.
    pub build: Option<String>,
    /// Options of the engine's own, without leading dashes.
    pub options: Vec<String>,
    /// Faults to plant, where it can have some.
    pub faults: Faults,
}

/// An option for an engine, written `ENGINE=OPTION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineOption {
    /// The engine's name.
    pub engine: &'static str,
    /// The option, as the engine words it.
    pub option: String,
}

/// Not an implementation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// No such name.
    #[error("unknown implementation `{0}`; known: all, {names}", names = names())]
    Name(String),
    /// An argument that it does not take, or none where it needs one.
    #[error("`{0}`: write {1}")]
    Argument(String, String),
    /// A build of something that has no programs, or none after the sign.
    #[error("`{0}` has no such build")]
    Build(String),
    /// A fault that there is not.
    #[error("`{0}`: {1}")]
    Fault(String, String),
    /// An option of something that takes none.
    #[error("`{0}` takes no options")]
    Option(String),
}

/// How each is written.
fn names() -> String {
    let usage = |facts: &&Facts| match facts.argument {
        Argument::None => facts.name.to_owned(),
        Argument::Optional(word) => format!("{0}, {0}:{word}", facts.name),
        Argument::Required(word) => format!("{}:{word}", facts.name),
    };
    ADAPTERS.iter().map(usage).collect::<Vec<_>>().join(", ")
}

impl Selection {
    /// The implementation as it is installed.
    pub fn of(facts: &'static Facts) -> Self {
        Self {
            facts,
            argument: None,
            build: None,
            options: Vec::new(),
            faults: Faults::default(),
        }
    }

    /// Every implementation that has a fixed name.
    pub fn all() -> Vec<Self> {
        let whole = ADAPTERS.iter().filter(|facts| facts.is_whole());
        whole.map(|facts| Self::of(facts)).collect()
    }

    /// goldpath's own, with these faults.
    pub fn native(faults: &Faults) -> Self {
        Self::of(&super::native::FACTS).with_faults(faults)
    }

    /// Whether it is goldpath's own.
    pub fn is_native(&self) -> bool {
        self.facts.name == super::native::FACTS.name
    }

    /// Whether it is an engine that is installed or built, and not what a person brings to be tested: a plugin or a conflist.
    pub fn is_engine(&self) -> bool {
        !self.facts.programs.is_empty() && self.argument.is_none()
    }

    /// Plants faults beside those that it has, where the implementation can have some.
    #[must_use]
    pub fn with_faults(mut self, faults: &Faults) -> Self {
        if self.is_native() {
            self.faults = self.faults.and(faults);
        }
        self
    }

    /// Adds an option of the engine's own. One of `native` is a fault.
    ///
    /// # Errors
    /// It takes none, or has no such fault.
    pub fn with_option(mut self, option: &str) -> Result<Self, SelectionError> {
        let name = self.facts.name.to_owned();
        if self.is_native() {
            let faults = option.parse::<Faults>();
            let faults = faults.map_err(|error| SelectionError::Fault(name, error.to_string()))?;
            return Ok(self.with_faults(&faults));
        }
        let Some(usage) = self.facts.option else {
            return Err(SelectionError::Option(name));
        };
        let option = option.trim_start_matches('-');
        if option.is_empty() || option.contains(['{', '}']) {
            let usage = format!("{name}{{OPTION}}, an option is {usage}");
            return Err(SelectionError::Argument(name, usage));
        }
        self.options.push(option.to_owned());
        Ok(self)
    }
}

impl FromStr for EngineOption {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let usage = || SelectionError::Argument(text.to_owned(), String::from("NAME=OPTION"));
        let (name, option) = text.split_once('=').ok_or_else(usage)?;
        let selection = name.parse::<Selection>()?.with_option(option)?;
        Ok(Self {
            engine: selection.facts.name,
            option: option.to_owned(),
        })
    }
}

impl fmt::Display for EngineOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.engine, self.option)
    }
}

impl FromStr for Asked {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        match text {
            "all" => Ok(Self::All),
            _ => text.parse().map(Self::One),
        }
    }
}

impl FromStr for Selection {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let (rest, options) = without_options(text);
        let (name, rest) = rest.split_at(rest.find([':', '=']).unwrap_or(rest.len()));
        let facts = ADAPTERS.iter().find(|facts| facts.name == name);
        let facts = *facts.ok_or_else(|| SelectionError::Name(text.to_owned()))?;
        let has_builds = !facts.programs.is_empty();
        let (argument, build) = match rest.strip_prefix(':') {
            Some(argument) if has_builds => match argument.rsplit_once('=') {
                Some((argument, build)) => (Some(argument), Some(build)),
                None => (Some(argument), None),
            },
            Some(argument) => (Some(argument), None),
            None => (None, rest.strip_prefix('=')),
        };
        let wrong = |usage: String| SelectionError::Argument(text.to_owned(), usage);
        let argument = match (facts.argument, argument) {
            (Argument::None | Argument::Optional(_), None) => None,
            (Argument::Optional(_) | Argument::Required(_), Some(some)) if !some.is_empty() => {
                Some(some.to_owned())
            }
            (Argument::None, Some(_)) => return Err(wrong(name.to_owned())),
            (Argument::Optional(word) | Argument::Required(word), _) => {
                return Err(wrong(format!("{name}:{word}")));
            }
        };
        if build.is_some_and(|build| build.is_empty() || !has_builds) {
            return Err(SelectionError::Build(name.to_owned()));
        }
        let selection = Self {
            argument,
            build: build.map(str::to_owned),
            ..Self::of(facts)
        };
        options.into_iter().try_fold(selection, Self::with_option)
    }
}

/// What stands before the options, and the options: each in braces of its own, since a shell expands `{a,b}`.
fn without_options(text: &str) -> (&str, Vec<&str>) {
    let Some((rest, options)) = text.strip_suffix('}').and_then(|text| text.split_once('{')) else {
        return (text, Vec::new());
    };
    (rest, options.split("}{").collect())
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::One(selection) => selection.fmt(f),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts.name)?;
        if let Some(argument) = &self.argument {
            write!(f, ":{argument}")?;
        }
        if let Some(build) = &self.build {
            write!(f, "={build}")?;
        }
        let mut faults = self.faults.names();
        faults.try_for_each(|fault| write!(f, "{{{fault}}}"))?;
        let mut options = self.options.iter();
        options.try_for_each(|option| write!(f, "{{{option}}}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_reads_what_it_writes() {
        for text in [
            "native",
            "native{no-masquerade}",
            "recipe",
            "docker",
            "podman",
            "podman-cni",
            "netavark",
            "cni",
            "cni-0.4.0",
            "cni:./x.conflist",
            "cni:./x.conflist=/opt/cni/bin",
            "plugin:./mine",
            "plugin:./mine=too",
            "docker=./a=b",
            "docker=target/engines/sid",
            "docker{userland-proxy=false}",
            "podman=./bin{firewall_driver=nftables}{dns_bind_port=53}",
        ] {
            let read = text.parse::<Selection>().map(|s| s.to_string());
            assert_eq!(read.as_deref(), Ok(text));
        }
        assert_eq!(
            "all".parse::<Asked>().map(|all| all.to_string()).as_deref(),
            Ok("all")
        );
    }

    #[test]
    fn what_is_no_implementation_is_told_what_to_write() {
        let error = |text: &str| match text.parse::<Selection>() {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        assert_eq!(
            error("dokcer"),
            "unknown implementation `dokcer`; known: all, native, recipe, docker, podman, podman-cni, netavark, cni, cni:CONFLIST, cni-0.4.0, plugin:PROGRAM"
        );
        assert_eq!(error("plugin:"), "`plugin:`: write plugin:PROGRAM");
        assert_eq!(error("plugin"), "`plugin`: write plugin:PROGRAM");
        assert_eq!(error("docker:27"), "`docker:27`: write docker");
        assert_eq!(error("native=./bin"), "`native` has no such build");
        assert!(error("native{nothing-like-it}").starts_with("`native`: unknown fault"));
        assert_eq!(error("recipe{x=y}"), "`recipe` takes no options");
        assert_eq!(
            error("docker{--}"),
            "`docker`: write docker{OPTION}, an option is a flag of dockerd, as userland-proxy=false"
        );
    }

    #[test]
    fn an_option_is_written_without_dashes() {
        let docker: Selection = "docker".parse().expect("a name");
        let docker = docker.with_option("--userland-proxy=false");
        let docker = docker.map(|docker| docker.to_string());
        assert_eq!(docker.as_deref(), Ok("docker{userland-proxy=false}"));
    }
}
