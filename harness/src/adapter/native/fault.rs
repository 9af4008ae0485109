//! Faults that the native implementation can be given by name, to prove that the suite notices each of them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Defines the faults together with their names and what each does.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal),+ $(,)?) => {
        /// One thing that a broken implementation gets wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[doc = $doc])+ $variant),+
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name on the command line.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }
    };
}

faults! {
    /// Containers leave the host with their own address.
    NoMasquerade = "no-masquerade",
    /// Also packets between two containers of one network get the host's address.
    MasqueradeWithinSubnet = "masquerade-within-subnet",
    /// The host does not forward.
    NoForwarding = "no-forwarding",
    /// Containers have no default route.
    NoDefaultRoute = "no-default-route",
    /// Published TCP ports lead nowhere.
    NoPublishTcp = "no-publish-tcp",
    /// Published UDP ports lead nowhere.
    NoPublishUdp = "no-publish-udp",
    /// Published ports lead somewhere only for packets that come in, not for the host's own.
    NoPublishFromHost = "no-publish-from-host",
    /// A client of a published port appears with the host's address.
    PublishHidesClient = "publish-hides-client",
    /// A port that is published on one address is reachable on all.
    PublishOnEveryAddress = "publish-on-every-address",
    /// Packets that pass through are taken for the published port, too.
    PublishTakesTransit = "publish-takes-transit",
    /// A container does not reach its neighbour by the published port.
    NoHairpin = "no-hairpin",
    /// 127.0.0.1 does not lead to published ports.
    NoLoopbackPublish = "no-loopback-publish",
    /// A neighbour of the host reaches what is published on 127.0.0.1.
    LoopbackOpenToNeighbours = "loopback-open-to-neighbours",
    /// Ports that are not published can be reached by a route through the host.
    UnpublishedReachable = "unpublished-reachable",
    /// Networks reach each other.
    NoIsolation = "no-isolation",
    /// Networks are isolated for TCP alone.
    IsolationForTcpOnly = "isolation-for-tcp-only",
    /// An internal network is only one without a default route.
    InternalByRouteOnly = "internal-by-route-only",
    /// The wish for an address is ignored.
    StaticAddressIgnored = "static-address-ignored",
    /// The wish for an MTU is ignored.
    MtuIgnored = "mtu-ignored",
    /// The bridge stays after teardown.
    BridgeStays = "bridge-stays",
    /// The rules stay after teardown.
    RulesStay = "rules-stay",
}

/// Not a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no fault is called `{0}`; there are {known}", known = Fault::ALL.iter().map(|f| f.as_str()).collect::<Vec<_>>().join(", "))]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let found = Self::ALL.iter().find(|fault| fault.as_str() == text);
        found.copied().ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The faults that are switched on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(BTreeSet<Fault>);

impl Faults {
    /// Whether a fault is switched on.
    pub fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }

    /// The faults, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Fault> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<T: IntoIterator<Item = Fault>>(faults: T) -> Self {
        Self(faults.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_found_by_its_name() {
        for fault in Fault::ALL {
            assert_eq!(fault.as_str().parse::<Fault>().ok(), Some(*fault));
        }
        assert!("no-fault".parse::<Fault>().is_err());
    }
}
