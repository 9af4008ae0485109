//! Which errnos are a path's answer and which mean that the machine is broken.

use nix::errno::Errno;

/// A probe could not be made; its path is unknown.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} for the probe to {destination}: {errno}{}", hint(*errno))]
pub struct ProbeError {
    /// What was tried.
    pub operation: &'static str,
    /// The probe's destination.
    pub destination: String,
    /// What the kernel said.
    #[source]
    pub errno: Errno,
}

fn hint(errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM | Errno::EACCES => {
            " (raw sockets need CAP_NET_RAW in the lab's user namespace; see `goldpath doctor`)"
        }
        Errno::EADDRINUSE => " (an earlier probe of this case still holds the source port)",
        _ => "",
    }
}

/// The errno's name, if the network stack says by it that the packet cannot go or was refused.
pub(crate) fn refusal(errno: Errno) -> Option<String> {
    let refused = matches!(
        errno,
        Errno::ENETUNREACH
            | Errno::EHOSTUNREACH
            | Errno::ECONNREFUSED
            | Errno::ECONNRESET
            | Errno::EACCES
            | Errno::EPERM
            | Errno::EMSGSIZE
            | Errno::ENOBUFS
            | Errno::EINVAL
            | Errno::ENETDOWN
            | Errno::EPROTO
            | Errno::ENOPROTOOPT
    );
    refused.then(|| format!("{errno:?}"))
}

/// The errno of a standard library error; `EIO` where it carries none.
pub(super) fn errno_of(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
