//! Every fault: what it does, and the bug that has its shape. Which cases must catch it stands in `catches.toml`.

use super::faults;

faults! {
    /// Containers leave the host with their own address.
    NoMasquerade = "no-masquerade", "article A11";
    /// Whatever the host forwards gets its address, also other machines' packets.
    MasqueradeTooWide = "masquerade-too-wide", "flannel-io/flannel#835";
    /// Packets that enter the bridge are masqueraded instead of those that leave it.
    MasqueradeWrongInterface = "masquerade-wrong-interface", "article A12";
    /// Also packets between two containers of one network get the host's address.
    MasqueradeWithinSubnet = "masquerade-within-subnet", "containernetworking/plugins bridge: ipMasq";
    /// Containers leave the host with an address that nobody has.
    MasqueradeWrongSource = "masquerade-wrong-source", "RFC 3022 4.1";
    /// Containers leave the host with their bridge's address, to which nobody outside has a way.
    MasqueradeToGateway = "masquerade-to-gateway", "article A11";
    /// Packets of every protocol but TCP leave with the container's address.
    MasqueradeForTcpOnly = "masquerade-for-tcp-only", "RFC 3022 4.1";
    /// UDP leaves with the container's address.
    MasqueradeNotForUdp = "masquerade-not-for-udp", "RFC 3022 4.1";
    /// Only the first network's containers get the host's address.
    MasqueradeFirstNetworkOnly = "masquerade-first-network-only", "article A12";
    /// The host's address is given only to what leaves by its first uplink.
    MasqueradeFirstUplinkOnly = "masquerade-first-uplink-only", "qemus/qemu#1009";
    /// What leaves by whichever uplink gets the address of the first.
    MasqueradeAsFirstUplink = "masquerade-as-first-uplink", "cloudfoundry/garden-linux#48";
    /// Packets that belong to no connection leave with the container's address.
    InvalidLeaks = "invalid-leaks", "moby#18630";
    /// The host does not forward.
    NoForwarding = "no-forwarding", "article A12";
    /// Containers have no default route.
    NoDefaultRoute = "no-default-route", "article A9";
    /// The containers' default route names an address that nobody has.
    WrongDefaultRoute = "wrong-default-route", "article A10";
    /// The bridge has no address.
    NoGatewayAddress = "no-gateway-address", "article A10";
    /// The bridge has another address than the containers' gateway.
    GatewayElsewhere = "gateway-elsewhere", "article A10";
    /// The bridge's address comes without its subnet, so the host has no route to its containers.
    GatewayAddressAlone = "gateway-address-alone", "article A9";
    /// Containers take their network for much smaller than it is.
    WrongPrefixLength = "wrong-prefix-length", "containernetworking/plugins bridge: ipam";
    /// All containers of a network get one address.
    AddressTwice = "address-twice", "moby#18535";
    /// UDP from containers to the outside is dropped.
    EgressDropsUdp = "egress-drops-udp", "moby#49498";
    /// ICMP from containers to the outside is dropped.
    EgressDropsIcmp = "egress-drops-icmp", "moby#49498";
    /// TCP from containers to the outside is dropped.
    EgressDropsTcp = "egress-drops-tcp", "moby#49498";
    /// What answers a connection is not let through.
    RepliesDropped = "replies-dropped", "article A16";
    /// UDP is exempt from connection tracking, and so from every translation.
    UdpUntracked = "udp-untracked", "moby#44688";
    /// Forwarded packets keep their TTL.
    TtlNotDecremented = "ttl-not-decremented", "RFC 1812 5.3.1";
    /// Forwarded packets lose two of their TTL.
    TtlDecrementedTwice = "ttl-decremented-twice", "RFC 1812 5.3.1";
    /// Forwarded packets lose their DF flag.
    DfCleared = "df-cleared", "RFC 6864 4.3";
    /// Forwarded packets lose their TOS.
    TosCleared = "tos-cleared", "RFC 2474 3";
    /// Forwarded packets lose their congestion mark.
    EcnCleared = "ecn-cleared", "RFC 3168 5";
    /// Of a connection that the host forwards, the answers lose their TOS.
    ReplyTosCleared = "reply-tos-cleared", "RFC 2474 3";
    /// Fragments are dropped.
    FragmentsDropped = "fragments-dropped", "RFC 4787 11";
    /// Forwarded packets of more than 1400 bytes are dropped, and nobody is told.
    LargePacketsDropped = "large-packets-dropped", "moby#22028";
    /// ICMP errors are not let through to containers.
    IcmpErrorsDropped = "icmp-errors-dropped", "RFC 5508 4";
    /// That a packet was too large for a link is not let through to containers.
    FragmentationNeededDropped = "fragmentation-needed-dropped", "moby#12565";
    /// That an answer of a published port was too large for a link is not let through to the container.
    FragmentationNeededOfAnswersDropped = "fragmentation-needed-of-answers-dropped", "RFC 5508 4";
    /// That a packet was too large for a link comes without the size that fits.
    FragmentationNeededWithoutMtu = "fragmentation-needed-without-mtu", "google/gvisor#12568";
    /// The host discards packets whose TTL is over and does not say so.
    TtlExceededSilent = "ttl-exceeded-silent", "RFC 1812 5.3.1";
    /// ICMP errors that containers send are not let through.
    ContainersErrorsDropped = "containers-errors-dropped", "RFC 5508 4";
    /// ICMP errors about a container's packets end at the host.
    IcmpErrorsNotTranslated = "icmp-errors-not-translated", "RFC 5508 4";
    /// An ICMP error reaches the container, but quotes the packet as the host has translated it.
    IcmpErrorsQuoteTheHost = "icmp-errors-quote-the-host", "RFC 5508 4.2";
    /// Containers of one network do not reach each other.
    NeighboursKeptApart = "neighbours-kept-apart", "moby#5384";
    /// Containers of one network do not reach each other where iptables sees bridged packets.
    NeighboursMeetForward = "neighbours-meet-forward", "moby#48375";
    /// Containers of an internal network do not reach each other.
    InternalNeighboursKeptApart = "internal-neighbours-kept-apart", "moby#47229";
    /// The host answers ARP for the containers, so that it routes what neighbours say to each other.
    ProxyArp = "proxy-arp", "lxc/lxc#775";
    /// Forwarded packets reach containers twice.
    DuplicatePackets = "duplicate-packets", "kubernetes#25793";
    /// The bridge gets another hardware address when a container comes or goes.
    BridgeMacChanges = "bridge-mac-changes", "netavark#833";
    /// The bridge learns nothing: every container sees every frame.
    NeighbourFramesFlooded = "neighbour-frames-flooded", "IEEE 802.1D 7.8: a bridge learns where a station is";
    /// The host does not reach its containers.
    HostKeptFromContainers = "host-kept-from-containers", "moby#41262";
    /// The host's echo requests do not reach its containers.
    HostPingDropped = "host-ping-dropped", "moby#41262";
    /// The host appears to its containers with its uplink's address.
    HostSourceHidden = "host-source-hidden", "article A9";
    /// The gateway does not answer its containers.
    GatewaySilent = "gateway-silent", "article A10";
    /// Containers do not reach the host's other addresses.
    HostAddressBlocked = "host-address-blocked", "moby#34286";
    /// Containers open no TCP connection to the host, and hear no refusal.
    HostSilentToTcp = "host-silent-to-tcp", "RFC 9293 3.5.2";
    /// What the host forwarded for others is dropped.
    ForeignForwardingDropped = "foreign-forwarding-dropped", "moby#39439";
    /// What the host forwards for others is dropped where it belongs to no connection that the host knows.
    ForeignInvalidDropped = "foreign-invalid-dropped", "netavark#1149";
    /// FORWARD gets the policy DROP, also on a host that forwarded before.
    PolicyDrop = "policy-drop", "moby#39439";
    /// FORWARD's policy is changed where nobody else forwards, and stays so after teardown.
    PolicyNotRestored = "policy-not-restored", "moby#50566";
    /// A policy DROP of FORWARD ends what containers send and get.
    PolicyNotPassed = "policy-not-passed", "article A15";
    /// Rules in front of a person's own let through what that person drops.
    EarlierDropOverruled = "earlier-drop-overruled", "moby#49518";
    /// All rules that were there before are gone.
    ForeignRulesFlushed = "foreign-rules-flushed", "moby#22835";
    /// What a person has marked on packets is overwritten.
    MarksOverwritten = "marks-overwritten", "cloudnativelabs/kube-router#992";
    /// What a person has marked on connections is overwritten.
    ConnectionMarksOverwritten = "connection-marks-overwritten", "cloudnativelabs/kube-router#992";
    /// Published TCP ports lead nowhere.
    NoPublishTcp = "no-publish-tcp", "containernetworking/plugins#1115";
    /// Published UDP ports lead nowhere.
    NoPublishUdp = "no-publish-udp", "containernetworking/plugins#1115";
    /// Published ports lead somewhere only for packets that come in, not for the host's own.
    NoPublishFromHost = "no-publish-from-host", "podman#20201";
    /// Published ports lead somewhere only for the host's own packets.
    PublishFromHostOnly = "publish-from-host-only", "containernetworking/plugins#1115";
    /// Only the first published port leads somewhere.
    PublishFirstPortOnly = "publish-first-port-only", "kubernetes#55771";
    /// Published ports answer on one uplink of the host's.
    PublishFirstUplinkOnly = "publish-first-uplink-only", "canonical/lxd#1102";
    /// Of one port on several addresses, only the first leads somewhere.
    PublishOncePerPort = "publish-once-per-port", "netavark#1129";
    /// Of one port by two protocols, only the first leads somewhere.
    PublishOneProtocolPerPort = "publish-one-protocol-per-port", "netavark#1068";
    /// A published port leads to the next port of the container.
    PublishWrongContainerPort = "publish-wrong-container-port", "docker run -p";
    /// Another port than the one asked for is published.
    PublishWrongHostPort = "publish-wrong-host-port", "docker run -p";
    /// A published port leads to the bridge's own address.
    PublishToGateway = "publish-to-gateway", "article: docker -p";
    /// Every published port leads to the container that came last.
    PublishToLastContainer = "publish-to-last-container", "containernetworking/plugins#1267";
    /// TCP ports are published for UDP, and UDP ports for TCP.
    PublishWrongProtocol = "publish-wrong-protocol", "docker run -p";
    /// A port that is published for one protocol is open for both.
    PublishBothProtocols = "publish-both-protocols", "moby#14041";
    /// Neighbouring ports lead to the published one's container, too.
    PublishRangeTooWide = "publish-range-too-wide", "moby#14041";
    /// A client of a published port appears with the host's address.
    PublishHidesClient = "publish-hides-client", "CVE-2021-20199";
    /// A published port's answers come from the container's address.
    PublishReplyUntranslated = "publish-reply-untranslated", "libnetwork#2594";
    /// A port that is published on one address is reachable on all.
    PublishOnEveryAddress = "publish-on-every-address", "netavark#148";
    /// A port that is published on all addresses is reachable on 127.0.0.1 only.
    PublishOnLoopbackOnly = "publish-on-loopback-only", "moby#50066";
    /// Packets that pass through are taken for the published port, too.
    PublishTakesTransit = "publish-takes-transit", "CVE-2025-67499";
    /// A container that sends from a published port's number takes that port for whom it sends to.
    SourcePortShadows = "source-port-shadows", "CVE-2021-3773";
    /// Published ports are translated, and the packets then dropped.
    PublishNotLetThrough = "publish-not-let-through", "moby#49536";
    /// A container does not reach its neighbour by the published port.
    NoHairpin = "no-hairpin", "moby#12632";
    /// A container does not reach itself by its own published port.
    NoHairpinForItself = "no-hairpin-for-itself", "cni#476";
    /// A container reaches itself by its published port, its neighbours don't.
    NoHairpinForNeighbours = "no-hairpin-for-neighbours", "moby#53713";
    /// Neighbours and the container itself reach the published port by TCP alone.
    NoHairpinForUdp = "no-hairpin-for-udp", "moby#11998";
    /// 127.0.0.1 does not lead to published ports.
    NoLoopbackPublish = "no-loopback-publish", "containernetworking/plugins portmap: snat";
    /// A neighbour of the host reaches what is published on 127.0.0.1.
    LoopbackOpenToNeighbours = "loopback-open-to-neighbours", "CVE-2020-8558";
    /// Ports that are not published can be reached by a route through the host.
    UnpublishedReachable = "unpublished-reachable", "moby#14041";
    /// UDP ports that are not published can be reached by a route through the host.
    UnpublishedUdpReachable = "unpublished-udp-reachable", "moby#48724";
    /// Containers answer whoever pings them by a route through the host.
    UnpublishedPingReachable = "unpublished-ping-reachable", "moby#48724";
    /// Networks reach each other.
    NoIsolation = "no-isolation", "CVE-2025-54410";
    /// Networks are isolated for TCP alone.
    IsolationForTcpOnly = "isolation-for-tcp-only", "CVE-2025-54410";
    /// Networks are isolated for ICMP alone.
    IsolationForIcmpOnly = "isolation-for-icmp-only", "CVE-2025-54410";
    /// Only the network that came first is kept from the others.
    IsolationOneWay = "isolation-one-way", "CVE-2025-54410";
    /// Isolation also drops what one network sends to another one's published port.
    IsolationAgainstPublished = "isolation-against-published", "netavark#709";
    /// From another network, a published port's container can be reached by its own address, too.
    IsolationOpenForPublished = "isolation-open-for-published", "netavark#709";
    /// An internal network is only one without a default route.
    InternalByRouteOnly = "internal-by-route-only", "containers/netavark#126";
    /// An internal network keeps TCP and ICMP in, and lets UDP out.
    InternalOpenForUdp = "internal-open-for-udp", "CVE-2024-29018";
    /// An internal network reaches all addresses of the host.
    InternalReachesHost = "internal-reaches-host", "libnetwork#1151";
    /// An internal network reaches the host by the gateways of other networks.
    InternalReachesOtherGateways = "internal-reaches-other-gateways", "libnetwork#1151";
    /// An internal network is kept from the host's other addresses for TCP alone.
    InternalReachesHostByIcmp = "internal-reaches-host-by-icmp", "libnetwork#1151";
    /// The wish for an address is ignored.
    StaticAddressIgnored = "static-address-ignored", "docker run --ip";
    /// A container's hardware address is drawn by lot, and nobody is told when it changes.
    ContainerMacByLot = "container-mac-by-lot", "moby#36069";
    /// The wish for an MTU is ignored.
    MtuIgnored = "mtu-ignored", "moby#34981";
    /// The wish for an MTU reaches the bridge and not the container.
    MtuOfTheBridgeOnly = "mtu-of-the-bridge-only", "moby#24921";
    /// Containers have a smaller MTU than their uplink without being asked.
    MtuTooSmall = "mtu-too-small", "moby#22297";
    /// The bridge stays after teardown.
    BridgeStays = "bridge-stays", "containers/netavark test/250: teardown";
    /// The rules stay after teardown.
    RulesStay = "rules-stay", "podman#27516";
    /// A rule that accepts everything of the containers stays in front of all others after teardown.
    RuleLeftFirst = "rule-left-first", "nerdctl#1872";
    /// After teardown a rule of its own still drops what belongs to no connection, whoever sent it.
    InvalidDroppedAfterTeardown = "invalid-dropped-after-teardown", "containers/netavark#1149";
    /// After teardown a rule of its own still keeps pings from the host.
    PingDroppedAfterTeardown = "ping-dropped-after-teardown", "containers/netavark#1149";
    /// Settings of the kernel stay as they were changed.
    SettingsStay = "settings-stay", "kernelkit/infix#1125";
    /// iptables sees bridged packets from now on, on every bridge of the host.
    BridgeNetfilterStays = "bridge-netfilter-stays", "moby#48375";
    /// What has been torn down cannot be torn down again.
    SecondTeardownFails = "second-teardown-fails", "CNI specification 1.0.0 section 2: DEL";
    /// Teardown needs the container that it is about, and leaves its rules without it.
    TeardownNeedsContainer = "teardown-needs-container", "netavark#1451";
    /// The rule of a container that is gone stays, in front of those that came later.
    StalePublishFirst = "stale-publish-first", "podman#27516";
    /// A container on a taken port is not refused.
    TakenPortAccepted = "taken-port-accepted", "nerdctl#4253";
    /// A container on a taken port is refused after it has got the port.
    TakenPortTakenOver = "taken-port-taken-over", "nerdctl#4253";
    /// A container that asks for another one's address is not refused.
    TakenAddressAccepted = "taken-address-accepted", "moby#19086";
    /// Connections to the ports of a container that is gone go on to it.
    FlowsStay = "flows-stay", "moby#8795";
    /// Connections are cut by the host's port and only if the container's is the same number.
    FlowsStayIfPortsDiffer = "flows-stay-if-ports-differ", "moby#53384";
    /// The connections of all others are cut when a container goes.
    FlowsOfOthersCut = "flows-of-others-cut", "plugins#1190";
    /// The connections to that port on all addresses of the host are cut when a container goes.
    FlowsOfOtherAddressesCut = "flows-of-other-addresses-cut", "moby#46276";
}
