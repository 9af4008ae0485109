//! A published port, in the words of `docker -p`: `[ADDRESS:]HOST_PORT:CONTAINER_PORT[/PROTOCOL]`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Serialize;

use super::vocabulary::Protocol;

/// A port of the host that leads to a port of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Publish {
    /// The host's address; all of them if there is none.
    pub address: Option<IpAddr>,
    /// The host's port.
    pub host_port: u16,
    /// The container's port.
    pub container_port: u16,
    /// TCP unless said otherwise.
    pub protocol: Protocol,
}

/// Why a text is not a published port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Not of the form.
    #[error("`{0}` is not [ADDRESS:]HOST_PORT:CONTAINER_PORT[/PROTOCOL]")]
    Malformed(String),
    /// A port outside 1 to 65535.
    #[error("`{0}` is not a port, which is 1 to 65535")]
    Port(String),
    /// Neither tcp nor udp.
    #[error("`{0}` is not a protocol, which is tcp or udp")]
    Protocol(String),
    /// Not an address.
    #[error("`{0}` is not an IP address")]
    Address(String),
}

impl Publish {
    /// Whether both claim the same port of the same address.
    pub fn collides(&self, other: &Self) -> bool {
        let same_address = match (self.address, other.address) {
            (Some(one), Some(two)) => {
                one == two
                    || (one.is_ipv4() == two.is_ipv4()
                        && (one.is_unspecified() || two.is_unspecified()))
            }
            (None, _) | (_, None) => true,
        };
        self.protocol == other.protocol && self.host_port == other.host_port && same_address
    }
}

fn port(text: &str) -> Result<u16, PublishError> {
    text.parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| PublishError::Port(text.to_owned()))
}

impl FromStr for Publish {
    type Err = PublishError;

    fn from_str(text: &str) -> Result<Self, PublishError> {
        let malformed = || PublishError::Malformed(text.to_owned());
        let (ports, protocol) = match text.split_once('/') {
            None => (text, Protocol::Tcp),
            Some((ports, word)) => {
                let known = Protocol::ALL
                    .iter()
                    .find(|protocol| protocol.as_str() == word);
                (
                    ports,
                    *known.ok_or_else(|| PublishError::Protocol(word.to_owned()))?,
                )
            }
        };
        let (host, container) = ports.rsplit_once(':').ok_or_else(malformed)?;
        let (address, host) = match host.rsplit_once(':') {
            None => (None, host),
            Some((address, host)) => {
                let bare = address
                    .strip_prefix('[')
                    .and_then(|rest| rest.strip_suffix(']'))
                    .unwrap_or(address);
                (
                    Some(
                        bare.parse()
                            .map_err(|_| PublishError::Address(address.to_owned()))?,
                    ),
                    host,
                )
            }
        };
        Ok(Self {
            address,
            host_port: port(host)?,
            container_port: port(container)?,
            protocol,
        })
    }
}

impl fmt::Display for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(IpAddr::V6(address)) => write!(f, "[{address}]:")?,
            Some(IpAddr::V4(address)) => write!(f, "{address}:")?,
            None => {}
        }
        write!(
            f,
            "{}:{}/{}",
            self.host_port, self.container_port, self.protocol
        )
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_published_port_reads_back_as_written() {
        for text in ["8080:80/tcp", "127.0.0.1:8080:80/udp", "[::1]:8080:80/tcp"] {
            assert_eq!(text.parse::<Publish>().unwrap().to_string(), text);
        }
        assert_eq!(
            "8080:80".parse::<Publish>().unwrap().protocol,
            Protocol::Tcp
        );
        assert!(matches!(
            "8080".parse::<Publish>(),
            Err(PublishError::Malformed(_))
        ));
        assert!(matches!(
            "0:80".parse::<Publish>(),
            Err(PublishError::Port(_))
        ));
        assert!(matches!(
            "80:80/sctp".parse::<Publish>(),
            Err(PublishError::Protocol(_))
        ));
    }

    #[test]
    fn one_host_port_collides_where_an_address_is_shared() {
        let published = |text: &str| text.parse::<Publish>().unwrap();
        assert!(published("8080:80").collides(&published("127.0.0.1:8080:81")));
        assert!(!published("127.0.0.1:8080:80").collides(&published("127.0.0.2:8080:80")));
        assert!(!published("8080:80/tcp").collides(&published("8080:80/udp")));
    }
}
