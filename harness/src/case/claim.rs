//! The claims of the article, which cases support or refute.

use super::vocabulary::words;

macro_rules! claims {
    ($($variant:ident $word:literal $text:literal),+ $(,)?) => {
        words! {
            /// A claim of the article.
            Claim, "claim" {
                $(#[doc = $text] $variant = $word),+
            }
        }

        impl Claim {
            /// What the article claims.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }
    };
}

claims! {
    C1 "C1" "iptables does not touch bridged packets unless bridge-nf-call-iptables is on.",
    C2 "C2" "The bridge forwards by destination MAC from its forwarding table.",
    C3 "C3" "Without a default route the packet never leaves the container.",
    C4 "C4" "The host forwards for the container once the container's default route names the bridge's address.",
    C5 "C5" "Without SNAT the request gets out and the reply cannot come back.",
    C6 "C6" "MASQUERADE rewrites the source on the way out, and conntrack turns the reply's destination back.",
    C7 "C7" "On the bridge only the container's address is ever seen.",
    C8 "C8" "A packet may pass several SNATs and still find its way back.",
    C9 "C9" "A container's packet towards the outside is checked by INPUT, not FORWARD, where it reaches the bridge.",
    C10 "C10" "FORWARD's policy decides only where no rule matched.",
}
