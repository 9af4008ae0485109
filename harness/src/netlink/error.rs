//! What can go wrong between a request and the kernel's answer.

use std::io;

use thiserror::Error;

/// The kernel refused a request, a socket failed, or an answer is not what was asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NetlinkError {
    /// A request was refused, or a system call on the socket failed.
    #[error("cannot {operation} {}: {source}{}", place(.object.as_deref(), .node), detail(.explanation.as_deref()))]
    Refused {
        /// What was asked for, as `create veth`.
        operation: &'static str,
        /// What it was about, as `veth0`, where the operation does not say so itself.
        object: Option<String>,
        /// The node whose namespace was asked.
        node: String,
        /// The kernel's own sentence, where it gave one.
        explanation: Option<String>,
        /// The errno.
        #[source]
        source: io::Error,
    },
    /// A message of the kernel has a form that isn't known here.
    #[error("cannot read the kernel's answer to {operation} in netns '{node}': {reason}")]
    Answer {
        /// What was asked for.
        operation: &'static str,
        /// The node whose namespace was asked.
        node: String,
        /// Why the answer isn't understood.
        reason: String,
    },
    /// The kernel had to drop reports because the socket's buffer was full.
    #[error(
        "netfilter reports of node '{node}' were lost ({what}): the evidence is incomplete; drain more often or run fewer labs at once"
    )]
    Lost {
        /// The node.
        node: String,
        /// How the loss was noticed.
        what: &'static str,
    },
}

impl NetlinkError {
    /// A system call failed, or the kernel gave an errno and no more.
    pub fn failed(operation: &'static str, node: &str, source: io::Error) -> Self {
        Self::Refused {
            operation,
            object: None,
            node: node.to_owned(),
            explanation: None,
            source,
        }
    }

    /// The same refusal, which says what it was about.
    #[must_use]
    pub fn about(mut self, what: &str) -> Self {
        if let Self::Refused { object, .. } = &mut self {
            *object = Some(what.to_owned());
        }
        self
    }

    /// The errno of a refused request or a system call.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused { source, .. } => source.raw_os_error(),
            Self::Answer { .. } | Self::Lost { .. } => None,
        }
    }
}

fn place(object: Option<&str>, node: &str) -> String {
    match object {
        Some(object) => format!("{object} in netns '{node}'"),
        None => format!("in node '{node}'"),
    }
}

fn detail(explanation: Option<&str>) -> String {
    explanation.map_or_else(String::new, |text| format!(" ({text})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_it_was_about_and_where() {
        let refused = |operation| {
            let source = io::Error::from_raw_os_error(2);
            NetlinkError::failed(operation, "c1", source)
        };
        assert_eq!(
            refused("dump rules").to_string(),
            "cannot dump rules in node 'c1': No such file or directory (os error 2)"
        );
        let mut veth = refused("create veth").about("veth0");
        assert_eq!(
            veth.to_string(),
            "cannot create veth veth0 in netns 'c1': No such file or directory (os error 2)"
        );
        if let NetlinkError::Refused { explanation, .. } = &mut veth {
            *explanation = Some(String::from("Unknown peer"));
        }
        assert!(veth.to_string().ends_with("(os error 2) (Unknown peer)"));
        assert_eq!(veth.errno(), Some(2));
    }
}
