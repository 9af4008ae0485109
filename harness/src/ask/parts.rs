//! How many questions can be asked at once.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::intent::Row;

/// Pairs of an asking node and an address that are asked at once. Of each both ends may learn the other's hardware address, and
/// all namespaces share 1,024 such entries (`gc_thresh3` of arp(7)), also those of labs beside this one.
pub const PAIRS: usize = 200;

/// Rows in parts that can be asked one after another, each with all questions of its nodes: a node's answers show what has left
/// its queues. Small tables are one part, in their own order.
pub fn parts(rows: &[Row]) -> Vec<Vec<&Row>> {
    if pairs(rows.iter()).len() <= PAIRS {
        return vec![rows.iter().collect()];
    }
    let nodes: BTreeSet<&str> = rows.iter().map(Row::asker).collect();
    let mut parts: Vec<Vec<&Row>> = Vec::new();
    let mut room = 0;
    for node in nodes {
        let of_node: Vec<&Row> = rows.iter().filter(|row| row.asker() == node).collect();
        let needed = pairs(of_node.iter().copied()).len();
        match parts.last_mut() {
            Some(part) if needed <= room => {
                part.extend(of_node);
                room -= needed;
            }
            _ => {
                parts.push(of_node);
                room = PAIRS.saturating_sub(needed);
            }
        }
    }
    parts
}

fn pairs<'a>(rows: impl Iterator<Item = &'a Row>) -> BTreeSet<(&'a str, IpAddr)> {
    let pairs = rows.map(|row| (row.asker(), row.question.to.address));
    pairs.collect()
}
