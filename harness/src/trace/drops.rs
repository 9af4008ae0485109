//! Packets that the kernel drops, with its own reason.

use std::io::Read as _;

use perf_event::events::Tracepoint;
use perf_event::{Builder, SampleFlag, Sampler, data::Record};
use rustix::fs::{Mode, OFlags, openat};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

/// Pages of the ring that the kernel writes drops to: some fifty to a page. A power of two.
const RING_PAGES: usize = 8;

/// Numbers below are no reasons: `SKB_NOT_DROPPED_YET`, `SKB_CONSUMED`, `SKB_DROP_REASON_NOT_SPECIFIED`
/// (Linux include/net/dropreason-core.h).
const FIRST_REASON: u32 = 3;

/// What the kernel drops while the calling thread sends: a lab's kernel does all that it does with a packet in the sender's
/// system call, or in a soft interrupt behind it. Nothing of it outlives this value.
pub struct Drops {
    ring: Sampler,
    event: Event,
}

impl Drops {
    /// Watches the calling thread. `None` where the kernel gives no reasons: before Linux 5.17, without tracefs, and to who
    /// is not root of the machine (perf_event_open(2)).
    pub fn watch() -> Option<Self> {
        let event = Event::parse(&format_of_drops()?)?;
        let mut builder = Builder::new(Tracepoint::with_id(event.id));
        builder
            .observe_self()
            .any_cpu()
            .include_kernel()
            .sample_period(1)
            .sample(SampleFlag::RAW);
        let mut ring = builder.build().ok()?.sampled(RING_PAGES).ok()?;
        ring.enable().ok()?;
        Some(Self { ring, event })
    }

    /// Reasons for which packets of an ethertype were dropped since, in order, each once, as `TC_INGRESS`.
    pub fn reasons(mut self, ethertype: u16) -> Vec<String> {
        let mut reasons = Vec::new();
        while let Some(record) = self.ring.next_record() {
            let Ok(Record::Sample(sample)) = record.parse_record() else {
                continue;
            };
            let reason = sample
                .raw()
                .and_then(|raw| self.event.reason(raw, ethertype));
            if let Some(reason) = reason
                && !reasons.contains(&reason)
            {
                reasons.push(reason);
            }
        }
        reasons
    }
}

/// How the kernel describes `skb:kfree_skb`, read from a tracefs that is mounted nowhere.
fn format_of_drops() -> Option<String> {
    let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC).ok()?;
    fsconfig_create(&context).ok()?;
    let tracefs = fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )
    .ok()?;
    let path = "events/skb/kfree_skb/format";
    let file = openat(
        tracefs,
        path,
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    );
    let mut text = String::new();
    std::fs::File::from(file.ok()?)
        .read_to_string(&mut text)
        .ok()?;
    Some(text)
}

/// Where a drop's record says what, of the running kernel (Documentation/trace/events.rst, "Event formats").
#[derive(Debug, PartialEq, Eq)]
struct Event {
    id: u64,
    /// Offset of the ethertype, two bytes in the machine's order.
    protocol: usize,
    /// Offset of the reason, four bytes.
    reason: usize,
    /// Numbers and names of reasons.
    names: Vec<(u32, String)>,
}

impl Event {
    fn parse(format: &str) -> Option<Self> {
        let offset = |field: &str| {
            let line = format.lines().find(|line| line.contains(field))?;
            let (_, behind) = line.split_once("offset:")?;
            behind.split(';').next()?.parse().ok()
        };
        // { 73, "TC_INGRESS" }
        let names = format.split("{ ").filter_map(|pair| {
            let (number, name) = pair.split_once(", \"")?;
            Some((number.parse().ok()?, name.split('"').next()?.to_owned()))
        });
        Some(Self {
            id: format
                .lines()
                .find_map(|line| line.strip_prefix("ID: "))?
                .parse()
                .ok()?,
            protocol: offset(" protocol;")?,
            reason: offset(" reason;")?,
            names: names.collect(),
        })
    }

    fn reason(&self, record: &[u8], ethertype: u16) -> Option<String> {
        let protocol = record.get(self.protocol..)?.first_chunk()?;
        let reason = u32::from_ne_bytes(*record.get(self.reason..)?.first_chunk()?);
        if u16::from_ne_bytes(*protocol) != ethertype || reason < FIRST_REASON {
            return None;
        }
        let named = self.names.iter().find(|(number, _)| *number == reason);
        Some(named.map_or_else(|| reason.to_string(), |(_, name)| name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: &str = "name: kfree_skb\nID: 2310\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\
        \tfield:void * skbaddr;\toffset:8;\tsize:8;\tsigned:0;\n\tfield:unsigned short protocol;\toffset:32;\tsize:2;\tsigned:0;\n\
        \tfield:enum skb_drop_reason reason;\toffset:36;\tsize:4;\tsigned:0;\n\nprint fmt: \"protocol=%u reason: %s\", REC->protocol, \
        __print_symbolic(REC->reason, { 2, \"NOT_SPECIFIED\" }, { 73, \"TC_INGRESS\" })\n";

    fn record(protocol: u16, reason: u32) -> Vec<u8> {
        let mut record = vec![0; 40];
        record[32..34].copy_from_slice(&protocol.to_ne_bytes());
        record[36..40].copy_from_slice(&reason.to_ne_bytes());
        record
    }

    #[test]
    fn a_reason_has_the_kernels_name_and_is_one_of_the_asked_protocol() {
        let event = Event::parse(FORMAT).expect("a whole format");
        assert_eq!(event.id, 2310);
        let reason = |protocol, number| event.reason(&record(protocol, number), 0x0800);
        assert_eq!(reason(0x0800, 73).as_deref(), Some("TC_INGRESS"));
        assert_eq!(reason(0x0800, 99).as_deref(), Some("99"));
        assert_eq!(reason(0x0800, 2), None);
        assert_eq!(reason(0x86dd, 73), None);
        assert_eq!(event.reason(&[0; 20], 0x0800), None);
    }

    #[test]
    fn a_kernel_without_reasons_gives_none() {
        let old = FORMAT.replace(" reason;", " other;");
        assert_eq!(Event::parse(&old), None);
    }
}
