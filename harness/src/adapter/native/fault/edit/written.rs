//! Faults that are one rule too many, in front of the rules that belong there: where it stands and what it says.

use super::insert;
use crate::adapter::native::Fault;
use crate::adapter::native::plan::Place::{
    self, Early, Forward, Input, Own as Output, Postrouting as Leave, Raw,
};
use crate::adapter::native::plan::Plan;
use crate::adapter::native::rule::{About, Rule};

const RULES: &[(Fault, Place, &str)] = &[
    (
        Fault::MasqueradeTooWide,
        Leave,
        "oifname != { \"gp-*\", \"lo\" } masquerade",
    ),
    (
        Fault::EgressDropsUdp,
        Forward,
        "iifname \"gp-*\" oifname != \"gp-*\" meta l4proto udp ct direction original drop",
    ),
    (
        Fault::EgressDropsIcmp,
        Forward,
        "iifname \"gp-*\" oifname != \"gp-*\" meta l4proto icmp ct direction original drop",
    ),
    (
        Fault::EgressDropsTcp,
        Forward,
        "iifname \"gp-*\" oifname != \"gp-*\" meta l4proto tcp ct direction original drop",
    ),
    (Fault::RepliesDropped, Forward, "ct direction reply drop"),
    (Fault::UdpUntracked, Raw, "meta l4proto udp notrack"),
    (Fault::TtlNotDecremented, Forward, "ip ttl set 64"),
    (
        Fault::TtlDecrementedTwice,
        Forward,
        "ip ttl 63 ip ttl set 62",
    ),
    (Fault::DfCleared, Forward, "ip frag-off set 0"),
    (Fault::TosCleared, Forward, "ip dscp set cs0"),
    (Fault::MarksOverwritten, Forward, "meta mark set 0x10000"),
    (
        Fault::ConnectionMarksOverwritten,
        Forward,
        "ct mark set 0x10000",
    ),
    (Fault::EcnCleared, Forward, "ip ecn set not-ect"),
    (
        Fault::ReplyTosCleared,
        Forward,
        "ct direction reply ip dscp set cs0",
    ),
    (
        Fault::FragmentsDropped,
        Early,
        "ip frag-off & 0x3fff != 0 drop",
    ),
    (
        Fault::IcmpErrorsDropped,
        Forward,
        "icmp type { destination-unreachable, time-exceeded } drop",
    ),
    (
        Fault::IcmpErrorsNotTranslated,
        Raw,
        "icmp type { destination-unreachable, time-exceeded } notrack",
    ),
    (
        Fault::FragmentationNeededDropped,
        Forward,
        "icmp code frag-needed drop",
    ),
    (
        Fault::FragmentationNeededOfAnswersDropped,
        Forward,
        "ct status dnat icmp code frag-needed drop",
    ),
    (
        Fault::FragmentationNeededWithoutMtu,
        Forward,
        "icmp code frag-needed icmp mtu set 0",
    ),
    (
        Fault::TtlExceededSilent,
        Output,
        "icmp type time-exceeded drop",
    ),
    (
        Fault::ContainersErrorsDropped,
        Forward,
        "iifname \"gp-*\" icmp type { destination-unreachable, time-exceeded } drop",
    ),
    // The quoted packet's source is 12 bytes behind the 8 of the error's own header: 10.0.2.15.
    (
        Fault::IcmpErrorsQuoteTheHost,
        Forward,
        "oifname \"gp-*\" icmp type { destination-unreachable, time-exceeded } @th,160,32 set 0x0a00020f",
    ),
    (
        Fault::LargePacketsDropped,
        Forward,
        "meta length > 1400 drop",
    ),
    (
        Fault::HostKeptFromContainers,
        Output,
        "oifname \"gp-*\" ct direction original drop",
    ),
    (
        Fault::HostPingDropped,
        Output,
        "oifname \"gp-*\" icmp type echo-request drop",
    ),
    (
        Fault::GatewaySilent,
        Input,
        "iifname \"gp-*\" icmp type echo-request drop",
    ),
    (
        Fault::HostAddressBlocked,
        Input,
        "iifname \"gp-*\" fib daddr . iif type != local drop",
    ),
    (
        Fault::HostSilentToTcp,
        Input,
        "iifname \"gp-*\" tcp flags syn / syn,ack drop",
    ),
    (
        Fault::ForeignForwardingDropped,
        Forward,
        "iifname != \"gp-*\" oifname != \"gp-*\" drop",
    ),
    (
        Fault::ForeignInvalidDropped,
        Forward,
        "ct state invalid drop",
    ),
    (
        Fault::PublishNotLetThrough,
        Forward,
        "oifname \"gp-*\" ct status dnat ct direction original drop",
    ),
];

/// Puts the fault's rule into its chain, if it has one.
pub(super) fn edit(fault: Fault, plan: &mut Plan) {
    for (_, place, text) in RULES.iter().filter(|(one, ..)| *one == fault) {
        let rule = Rule::written(About::Fault, *text);
        insert(plan, *place, |_| true, vec![rule]);
    }
}
