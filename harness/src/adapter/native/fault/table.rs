//! Every fault: what it does, the bug that has its shape, and the cases that must catch it, and no others.

use super::faults;

faults! {
    /// Containers leave the host with their own address.
    NoMasquerade = "no-masquerade", "article A11", [
        "contract/egress/every-network", "contract/egress/source-is-the-hosts",
        "contract/errors/ttl-exceeded-returns", "contract/internal/no-way-out-by-an-added-route",
        "contract/path/fragments-through-masquerade", "contract/publish/transit-is-not-captured",
    ];
    /// Whatever the host forwards gets its address, also other machines' packets.
    MasqueradeTooWide = "masquerade-too-wide", "moby#39439", [
        "contract/coexistence/transit-still-passes",
    ];
    /// Packets that enter the bridge are masqueraded instead of those that leave it.
    MasqueradeWrongInterface = "masquerade-wrong-interface", "article A12", [
        "contract/egress/every-network", "contract/egress/source-is-the-hosts",
        "contract/errors/ttl-exceeded-returns", "contract/internal/no-way-out-by-an-added-route",
        "contract/path/fragments-through-masquerade", "contract/publish/transit-is-not-captured",
    ];
    /// Also packets between two containers of one network get the host's address.
    MasqueradeWithinSubnet = "masquerade-within-subnet", "containernetworking/plugins#810", [
        "contract/coexistence/bridge-netfilter-neighbours", "contract/egress/no-masquerade-within-subnet",
    ];
    /// Containers leave the host with an address that nobody has.
    MasqueradeWrongSource = "masquerade-wrong-source", "RFC 3022 4.1", [
        "contract/egress/every-network", "contract/egress/source-is-the-hosts",
        "contract/errors/ttl-exceeded-returns", "contract/internal/no-way-out-by-an-added-route",
        "contract/path/fragments-through-masquerade", "contract/publish/transit-is-not-captured",
    ];
    /// Containers leave the host with their bridge's address, to which nobody outside has a way.
    MasqueradeToGateway = "masquerade-to-gateway", "article A11", [
        "contract/egress/every-network", "contract/egress/source-is-the-hosts",
        "contract/errors/ttl-exceeded-returns", "contract/internal/no-way-out-by-an-added-route",
        "contract/path/fragments-through-masquerade", "contract/publish/transit-is-not-captured",
    ];
    /// Packets of every protocol but TCP leave with the container's address.
    MasqueradeForTcpOnly = "masquerade-for-tcp-only", "moby#18630", [
        "contract/egress/every-network", "contract/egress/source-is-the-hosts",
        "contract/errors/ttl-exceeded-returns", "contract/internal/no-way-out-by-an-added-route",
        "contract/path/fragments-through-masquerade",
    ];
    /// UDP leaves with the container's address.
    MasqueradeNotForUdp = "masquerade-not-for-udp", "moby#18630", [
        "contract/egress/source-is-the-hosts", "contract/internal/no-way-out-by-an-added-route",
        "contract/path/fragments-through-masquerade",
    ];
    /// Only the first network's containers get the host's address.
    MasqueradeFirstNetworkOnly = "masquerade-first-network-only", "containernetworking/plugins#810", [
        "contract/egress/every-network",
    ];
    /// The host does not forward.
    NoForwarding = "no-forwarding", "article A12", [
        "contract/coexistence/transit-still-passes", "contract/egress/every-network",
        "contract/egress/source-is-the-hosts", "contract/errors/ttl-exceeded-returns",
        "contract/internal/no-way-out-by-an-added-route", "contract/path/fragments-through-masquerade",
        "contract/publish/each-port-its-container", "contract/publish/hairpin-itself",
        "contract/publish/hairpin-neighbour", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/tcp-from-another-network",
        "contract/publish/transit-is-not-captured", "contract/publish/udp-from-a-neighbour",
        "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// Containers have no default route.
    NoDefaultRoute = "no-default-route", "article A9", [
        "contract/egress/every-network", "contract/egress/source-is-the-hosts",
        "contract/egress/the-hosts-own-address", "contract/errors/ttl-exceeded-returns",
        "contract/internal/no-way-out-by-an-added-route", "contract/path/fragments-through-masquerade",
        "contract/publish/each-port-its-container", "contract/publish/from-the-host",
        "contract/publish/hairpin-itself", "contract/publish/hairpin-neighbour",
        "contract/publish/not-for-other-addresses", "contract/publish/not-for-the-other-protocol",
        "contract/publish/ping-by-direct-routing", "contract/publish/tcp-from-a-neighbour",
        "contract/publish/tcp-from-another-network", "contract/publish/transit-is-not-captured",
        "contract/publish/udp-from-a-neighbour", "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// The containers' default route names an address that nobody has.
    WrongDefaultRoute = "wrong-default-route", "article A10", [
        "contract/egress/every-network", "contract/egress/source-is-the-hosts",
        "contract/egress/the-hosts-own-address", "contract/errors/ttl-exceeded-returns",
        "contract/internal/no-way-out-by-an-added-route", "contract/path/fragments-through-masquerade",
        "contract/publish/each-port-its-container", "contract/publish/from-the-host",
        "contract/publish/hairpin-itself", "contract/publish/hairpin-neighbour",
        "contract/publish/not-for-other-addresses", "contract/publish/not-for-the-other-protocol",
        "contract/publish/ping-by-direct-routing", "contract/publish/tcp-from-a-neighbour",
        "contract/publish/tcp-from-another-network", "contract/publish/transit-is-not-captured",
        "contract/publish/udp-from-a-neighbour", "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// The bridge has no address.
    NoGatewayAddress = "no-gateway-address", "article A10", [
        "contract/bridge/gateway-answers", "contract/bridge/host-reaches-container",
        "contract/egress/every-network", "contract/egress/source-is-the-hosts",
        "contract/egress/the-hosts-own-address", "contract/errors/ttl-exceeded-returns",
        "contract/internal/no-way-out-by-an-added-route", "contract/isolation/icmp-between-networks",
        "contract/path/fragments-through-masquerade", "contract/publish/each-port-its-container",
        "contract/publish/from-the-host", "contract/publish/from-the-hosts-loopback",
        "contract/publish/hairpin-itself", "contract/publish/hairpin-neighbour",
        "contract/publish/not-for-other-addresses", "contract/publish/not-for-the-other-protocol",
        "contract/publish/ping-by-direct-routing", "contract/publish/tcp-from-a-neighbour",
        "contract/publish/tcp-from-another-network", "contract/publish/transit-is-not-captured",
        "contract/publish/udp-from-a-neighbour", "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// The bridge has another address than the containers' gateway.
    GatewayElsewhere = "gateway-elsewhere", "article A10", [
        "contract/bridge/gateway-answers", "contract/bridge/host-reaches-container",
        "contract/egress/every-network", "contract/egress/source-is-the-hosts",
        "contract/egress/the-hosts-own-address", "contract/errors/ttl-exceeded-returns",
        "contract/internal/no-way-out-by-an-added-route", "contract/isolation/icmp-between-networks",
        "contract/path/fragments-through-masquerade", "contract/publish/each-port-its-container",
        "contract/publish/from-the-host", "contract/publish/hairpin-itself",
        "contract/publish/hairpin-neighbour", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/tcp-from-another-network",
        "contract/publish/transit-is-not-captured", "contract/publish/udp-from-a-neighbour",
        "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// The bridge's address comes without its subnet, so the host has no route to its containers.
    GatewayAddressAlone = "gateway-address-alone", "article A9", [
        "contract/bridge/gateway-answers", "contract/bridge/host-reaches-container",
        "contract/egress/every-network", "contract/egress/source-is-the-hosts",
        "contract/egress/the-hosts-own-address", "contract/errors/ttl-exceeded-returns",
        "contract/internal/no-way-out-by-an-added-route", "contract/isolation/icmp-between-networks",
        "contract/path/fragments-through-masquerade", "contract/publish/each-port-its-container",
        "contract/publish/from-the-host", "contract/publish/from-the-hosts-loopback",
        "contract/publish/hairpin-itself", "contract/publish/hairpin-neighbour",
        "contract/publish/not-for-other-addresses", "contract/publish/not-for-the-other-protocol",
        "contract/publish/ping-by-direct-routing", "contract/publish/tcp-from-a-neighbour",
        "contract/publish/tcp-from-another-network", "contract/publish/transit-is-not-captured",
        "contract/publish/udp-from-a-neighbour", "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// Containers take their network for much smaller than it is.
    WrongPrefixLength = "wrong-prefix-length", "containernetworking/plugins bridge: ipam", [
        "contract/bridge/address-as-asked", "contract/bridge/neighbours-reach-each-other",
        "contract/bridge/neighbours-talk-alone", "contract/egress/no-masquerade-within-subnet",
        "contract/internal/no-way-out-by-an-added-route", "contract/isolation/icmp-between-networks",
        "contract/isolation/tcp-between-networks", "contract/isolation/udp-between-networks",
    ];
    /// All containers of a network get one address.
    AddressTwice = "address-twice", "cni#204", [
        "contract/bridge/address-as-asked", "contract/bridge/neighbours-reach-each-other",
        "contract/bridge/neighbours-talk-alone", "contract/egress/no-masquerade-within-subnet",
        "contract/internal/no-way-out-by-an-added-route", "contract/isolation/icmp-between-networks",
        "contract/isolation/tcp-between-networks", "contract/isolation/udp-between-networks",
        "contract/publish/each-port-its-container", "contract/publish/hairpin-neighbour",
        "contract/publish/transit-is-not-captured",
    ];
    /// UDP from containers to the outside is dropped.
    EgressDropsUdp = "egress-drops-udp", "moby#49498", [
        "contract/egress/source-is-the-hosts", "contract/internal/no-way-out-by-an-added-route",
        "contract/path/fragments-through-masquerade",
    ];
    /// ICMP from containers to the outside is dropped.
    EgressDropsIcmp = "egress-drops-icmp", "moby#49498", [
        "contract/egress/every-network", "contract/egress/source-is-the-hosts",
        "contract/errors/ttl-exceeded-returns", "contract/internal/no-way-out-by-an-added-route",
    ];
    /// TCP from containers to the outside is dropped.
    EgressDropsTcp = "egress-drops-tcp", "moby#49498", [
        "contract/egress/source-is-the-hosts", "contract/internal/no-way-out-by-an-added-route",
        "contract/publish/transit-is-not-captured",
    ];
    /// What answers a connection is not let through.
    RepliesDropped = "replies-dropped", "article A16", [
        "contract/egress/every-network", "contract/egress/source-is-the-hosts",
        "contract/errors/ttl-exceeded-returns", "contract/internal/no-way-out-by-an-added-route",
        "contract/path/fragments-through-masquerade", "contract/publish/each-port-its-container",
        "contract/publish/hairpin-itself", "contract/publish/hairpin-neighbour",
        "contract/publish/not-for-other-addresses", "contract/publish/not-for-the-other-protocol",
        "contract/publish/ping-by-direct-routing", "contract/publish/tcp-from-a-neighbour",
        "contract/publish/tcp-from-another-network", "contract/publish/transit-is-not-captured",
        "contract/publish/udp-from-a-neighbour", "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// UDP is exempt from connection tracking, and so from every translation.
    UdpUntracked = "udp-untracked", "moby#8795", [
        "contract/egress/source-is-the-hosts", "contract/internal/no-way-out-by-an-added-route",
        "contract/isolation/udp-between-networks", "contract/path/fragments-through-masquerade",
        "contract/publish/not-for-the-other-protocol", "contract/publish/udp-from-a-neighbour",
    ];
    /// Forwarded packets keep their TTL.
    TtlNotDecremented = "ttl-not-decremented", "RFC 1812 5.3.1", [
        "contract/coexistence/transit-still-passes", "contract/egress/every-network",
        "contract/egress/source-is-the-hosts", "contract/errors/ttl-exceeded-returns",
        "contract/internal/no-way-out-by-an-added-route", "contract/path/fragments-through-masquerade",
        "contract/publish/each-port-its-container", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/transit-is-not-captured",
        "contract/publish/udp-from-a-neighbour", "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// Forwarded packets lose two of their TTL.
    TtlDecrementedTwice = "ttl-decremented-twice", "RFC 1812 5.3.1", [
        "contract/coexistence/transit-still-passes", "contract/egress/every-network",
        "contract/egress/source-is-the-hosts", "contract/errors/ttl-exceeded-returns",
        "contract/internal/no-way-out-by-an-added-route", "contract/path/fragments-through-masquerade",
        "contract/publish/each-port-its-container", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/transit-is-not-captured",
        "contract/publish/udp-from-a-neighbour", "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// Forwarded packets lose their DF flag.
    DfCleared = "df-cleared", "RFC 1191 6.1", [
        "contract/egress/headers-are-kept",
    ];
    /// Forwarded packets lose their TOS.
    TosCleared = "tos-cleared", "RFC 2474 3", [
        "contract/egress/headers-are-kept",
    ];
    /// Fragments are dropped.
    FragmentsDropped = "fragments-dropped", "RFC 1812 5.3.3", [
        "contract/path/fragments-through-masquerade",
    ];
    /// ICMP errors are not let through to containers.
    IcmpErrorsDropped = "icmp-errors-dropped", "moby#22028", [
        "contract/errors/ttl-exceeded-returns",
    ];
    /// ICMP errors about a container's packets end at the host.
    IcmpErrorsNotTranslated = "icmp-errors-not-translated", "RFC 5508 4", [
        "contract/errors/ttl-exceeded-returns",
    ];
    /// Containers of one network do not reach each other.
    NeighboursKeptApart = "neighbours-kept-apart", "moby#53713", [
        "contract/bridge/address-as-asked", "contract/bridge/neighbours-reach-each-other",
        "contract/bridge/neighbours-talk-alone", "contract/egress/no-masquerade-within-subnet",
    ];
    /// The bridge learns nothing: every container sees every frame.
    NeighbourFramesFlooded = "neighbour-frames-flooded", "kubernetes#28650", [
        "contract/bridge/neighbours-talk-alone",
    ];
    /// The host does not reach its containers.
    HostKeptFromContainers = "host-kept-from-containers", "moby#48641", [
        "contract/bridge/host-reaches-container",
    ];
    /// The host's echo requests do not reach its containers.
    HostPingDropped = "host-ping-dropped", "moby#48641", [
        "contract/bridge/host-reaches-container",
    ];
    /// The host appears to its containers with its uplink's address.
    HostSourceHidden = "host-source-hidden", "moby#17666", [
        "contract/bridge/host-reaches-container",
    ];
    /// The gateway does not answer its containers.
    GatewaySilent = "gateway-silent", "article A10", [
        "contract/bridge/gateway-answers",
    ];
    /// Containers do not reach the host's other addresses.
    HostAddressBlocked = "host-address-blocked", "moby#18354", [
        "contract/egress/the-hosts-own-address",
    ];
    /// What the host forwarded for others is dropped.
    ForeignForwardingDropped = "foreign-forwarding-dropped", "moby#39439", [
        "contract/coexistence/transit-still-passes",
    ];
    /// All rules that were there before are gone.
    ForeignRulesFlushed = "foreign-rules-flushed", "moby#48411", [
        "contract/coexistence/earlier-drop-wins",
    ];
    /// Published TCP ports lead nowhere.
    NoPublishTcp = "no-publish-tcp", "containernetworking/plugins#1115", [
        "contract/publish/each-port-its-container", "contract/publish/from-the-host",
        "contract/publish/from-the-hosts-loopback", "contract/publish/hairpin-itself",
        "contract/publish/hairpin-neighbour", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/tcp-from-another-network",
        "contract/publish/transit-is-not-captured", "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// Published UDP ports lead nowhere.
    NoPublishUdp = "no-publish-udp", "containernetworking/plugins#1115", [
        "contract/publish/not-for-the-other-protocol", "contract/publish/udp-from-a-neighbour",
    ];
    /// Published ports lead somewhere only for packets that come in, not for the host's own.
    NoPublishFromHost = "no-publish-from-host", "moby#12632", [
        "contract/publish/from-the-host", "contract/publish/from-the-hosts-loopback",
        "contract/publish/not-for-other-addresses",
    ];
    /// Published ports lead somewhere only for the host's own packets.
    PublishFromHostOnly = "publish-from-host-only", "containernetworking/plugins#1115", [
        "contract/publish/each-port-its-container", "contract/publish/hairpin-itself",
        "contract/publish/hairpin-neighbour", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/tcp-from-another-network",
        "contract/publish/udp-from-a-neighbour", "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// Only the first published port leads somewhere.
    PublishFirstPortOnly = "publish-first-port-only", "podman#5431", [
        "contract/publish/each-port-its-container", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol",
    ];
    /// A published port leads to the next port of the container.
    PublishWrongContainerPort = "publish-wrong-container-port", "moby#53384", [
        "contract/publish/each-port-its-container", "contract/publish/from-the-host",
        "contract/publish/from-the-hosts-loopback", "contract/publish/hairpin-itself",
        "contract/publish/hairpin-neighbour", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/tcp-from-another-network",
        "contract/publish/transit-is-not-captured", "contract/publish/udp-from-a-neighbour",
        "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// Another port than the one asked for is published.
    PublishWrongHostPort = "publish-wrong-host-port", "moby#53384", [
        "contract/publish/each-port-its-container", "contract/publish/from-the-host",
        "contract/publish/from-the-hosts-loopback", "contract/publish/hairpin-itself",
        "contract/publish/hairpin-neighbour", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/tcp-from-another-network",
        "contract/publish/transit-is-not-captured", "contract/publish/udp-from-a-neighbour",
        "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// A published port leads to the bridge's own address.
    PublishToGateway = "publish-to-gateway", "containernetworking/plugins#1115", [
        "contract/publish/each-port-its-container", "contract/publish/from-the-host",
        "contract/publish/from-the-hosts-loopback", "contract/publish/hairpin-itself",
        "contract/publish/hairpin-neighbour", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/tcp-from-another-network",
        "contract/publish/transit-is-not-captured", "contract/publish/udp-from-a-neighbour",
        "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// Every published port leads to the container that came last.
    PublishToLastContainer = "publish-to-last-container", "containernetworking/plugins#1267", [
        "contract/publish/each-port-its-container",
    ];
    /// TCP ports are published for UDP, and UDP ports for TCP.
    PublishWrongProtocol = "publish-wrong-protocol", "podman#5431", [
        "contract/publish/each-port-its-container", "contract/publish/from-the-host",
        "contract/publish/from-the-hosts-loopback", "contract/publish/hairpin-itself",
        "contract/publish/hairpin-neighbour", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/tcp-from-another-network",
        "contract/publish/transit-is-not-captured", "contract/publish/udp-from-a-neighbour",
        "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// A port that is published for one protocol is open for both.
    PublishBothProtocols = "publish-both-protocols", "moby#14041", [
        "contract/publish/not-for-the-other-protocol",
    ];
    /// Neighbouring ports lead to the published one's container, too.
    PublishRangeTooWide = "publish-range-too-wide", "moby#14041", [
        "contract/publish/each-port-its-container", "contract/publish/ends-of-a-range",
    ];
    /// A client of a published port appears with the host's address.
    PublishHidesClient = "publish-hides-client", "CVE-2021-20199", [
        "contract/publish/each-port-its-container", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/transit-is-not-captured",
        "contract/publish/udp-from-a-neighbour", "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// A published port's answers come from the container's address.
    PublishReplyUntranslated = "publish-reply-untranslated", "libnetwork#2594", [
        "contract/publish/each-port-its-container", "contract/publish/hairpin-itself",
        "contract/publish/hairpin-neighbour", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/tcp-from-another-network",
        "contract/publish/transit-is-not-captured", "contract/publish/udp-from-a-neighbour",
        "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// A port that is published on one address is reachable on all.
    PublishOnEveryAddress = "publish-on-every-address", "netavark#881", [
        "contract/publish/not-for-other-addresses",
    ];
    /// A port that is published on all addresses is reachable on 127.0.0.1 only.
    PublishOnLoopbackOnly = "publish-on-loopback-only", "netavark#881", [
        "contract/publish/each-port-its-container", "contract/publish/from-the-host",
        "contract/publish/hairpin-itself", "contract/publish/hairpin-neighbour",
        "contract/publish/not-for-other-addresses", "contract/publish/not-for-the-other-protocol",
        "contract/publish/ping-by-direct-routing", "contract/publish/tcp-from-a-neighbour",
        "contract/publish/tcp-from-another-network", "contract/publish/transit-is-not-captured",
        "contract/publish/udp-from-a-neighbour", "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// Packets that pass through are taken for the published port, too.
    PublishTakesTransit = "publish-takes-transit", "CVE-2025-67499", [
        "contract/publish/transit-is-not-captured",
    ];
    /// Published ports are translated, and the packets then dropped.
    PublishNotLetThrough = "publish-not-let-through", "moby#49498", [
        "contract/publish/each-port-its-container", "contract/publish/hairpin-itself",
        "contract/publish/hairpin-neighbour", "contract/publish/not-for-other-addresses",
        "contract/publish/not-for-the-other-protocol", "contract/publish/ping-by-direct-routing",
        "contract/publish/tcp-from-a-neighbour", "contract/publish/tcp-from-another-network",
        "contract/publish/transit-is-not-captured", "contract/publish/udp-from-a-neighbour",
        "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// A container does not reach its neighbour by the published port.
    NoHairpin = "no-hairpin", "moby#12632", [
        "contract/publish/hairpin-itself", "contract/publish/hairpin-neighbour",
    ];
    /// A container does not reach itself by its own published port.
    NoHairpinForItself = "no-hairpin-for-itself", "moby#48664", [
        "contract/publish/hairpin-itself",
    ];
    /// A container reaches itself by its published port, its neighbours don't.
    NoHairpinForNeighbours = "no-hairpin-for-neighbours", "moby#53713", [
        "contract/publish/hairpin-neighbour",
    ];
    /// 127.0.0.1 does not lead to published ports.
    NoLoopbackPublish = "no-loopback-publish", "containernetworking/plugins portmap: snat", [
        "contract/publish/from-the-hosts-loopback", "contract/publish/not-for-other-addresses",
    ];
    /// A neighbour of the host reaches what is published on 127.0.0.1.
    LoopbackOpenToNeighbours = "loopback-open-to-neighbours", "CVE-2020-8558", [
        "contract/publish/loopback-by-a-routed-loopback",
    ];
    /// Ports that are not published can be reached by a route through the host.
    UnpublishedReachable = "unpublished-reachable", "moby#14041", [
        "contract/publish/ping-by-direct-routing", "contract/publish/udp-unpublished-by-direct-routing",
        "contract/publish/unpublished-by-direct-routing",
        "contract/publish/unpublished-on-a-host-that-forwards",
    ];
    /// UDP ports that are not published can be reached by a route through the host.
    UnpublishedUdpReachable = "unpublished-udp-reachable", "moby#48724", [
        "contract/publish/udp-unpublished-by-direct-routing",
    ];
    /// Containers answer whoever pings them by a route through the host.
    UnpublishedPingReachable = "unpublished-ping-reachable", "moby#22054", [
        "contract/publish/ping-by-direct-routing",
    ];
    /// Networks reach each other.
    NoIsolation = "no-isolation", "CVE-2025-54410", [
        "contract/isolation/icmp-between-networks", "contract/isolation/tcp-between-networks",
        "contract/isolation/udp-between-networks",
    ];
    /// Networks are isolated for TCP alone.
    IsolationForTcpOnly = "isolation-for-tcp-only", "CVE-2025-54410", [
        "contract/isolation/icmp-between-networks", "contract/isolation/udp-between-networks",
    ];
    /// Networks are isolated for ICMP alone.
    IsolationForIcmpOnly = "isolation-for-icmp-only", "CVE-2025-54410", [
        "contract/isolation/tcp-between-networks", "contract/isolation/udp-between-networks",
    ];
    /// Only the network that came first is kept from the others.
    IsolationOneWay = "isolation-one-way", "CVE-2025-54410", [
        "contract/isolation/icmp-between-networks", "contract/isolation/tcp-between-networks",
        "contract/isolation/udp-between-networks",
    ];
    /// Isolation also drops what one network sends to another one's published port.
    IsolationAgainstPublished = "isolation-against-published", "netavark#709", [
        "contract/publish/tcp-from-another-network",
        "contract/publish/udp-from-another-network",
    ];
    /// An internal network is only one without a default route.
    InternalByRouteOnly = "internal-by-route-only", "moby#36174", [
        "contract/internal/no-way-out-by-an-added-route",
    ];
    /// An internal network keeps TCP and ICMP in, and lets UDP out.
    InternalOpenForUdp = "internal-open-for-udp", "CVE-2024-29018", [
        "contract/internal/no-way-out-by-an-added-route",
    ];
    /// The wish for an address is ignored.
    StaticAddressIgnored = "static-address-ignored", "docker run --ip", [
        "contract/bridge/address-as-asked",
    ];
    /// The wish for an MTU is ignored.
    MtuIgnored = "mtu-ignored", "moby#22028", [
        "contract/bridge/mtu-as-asked",
    ];
    /// The wish for an MTU reaches the bridge and not the container.
    MtuOfTheBridgeOnly = "mtu-of-the-bridge-only", "moby#22297", [
        "contract/bridge/mtu-as-asked",
    ];
    /// Containers have a smaller MTU than their uplink without being asked.
    MtuTooSmall = "mtu-too-small", "moby#12565", [
        "contract/bridge/whole-packets",
    ];
    /// The bridge stays after teardown.
    BridgeStays = "bridge-stays", "nerdctl#4253", [
        "contract/lifecycle/teardown-leaves-nothing",
    ];
    /// The rules stay after teardown.
    RulesStay = "rules-stay", "podman#27516", [
        "contract/lifecycle/teardown-leaves-nothing",
    ];
}
