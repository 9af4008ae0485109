//! `iptables` commands that stand together, as one `iptables-restore --noflush`.
//!
//! A process of iptables-nft takes 4 to 5 ms, most of it for reading the ruleset, and a step has three to four. What restore
//! reads are the same command lines behind a table's name, handed to the same parser; `tests/lab/` compares the
//! rulesets that come of both ways. Only words known from that comparison are joined: everything else runs alone.

/// Options that mean the same in a line of `iptables-restore`.
const JOINED: [&str; 20] = [
    "-A",
    "-I",
    "-D",
    "-P",
    "-s",
    "-d",
    "-i",
    "-o",
    "-p",
    "-m",
    "-j",
    "!",
    "--sport",
    "--dport",
    "--to-destination",
    "--to-source",
    "--ctstate",
    "--state",
    "--physdev-in",
    "--physdev-out",
];

/// Commands for one table, one behind the other: restore commits them together.
#[derive(Debug, PartialEq, Eq)]
struct Section {
    table: String,
    /// Line and the position of its command.
    lines: Vec<(String, usize)>,
}

/// What restore reads for some commands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Script {
    sections: Vec<Section>,
}

impl Script {
    /// The longest script for the beginning of these commands, and how many of them it does.
    pub(super) fn of<'a>(commands: impl IntoIterator<Item = &'a [String]>) -> (Self, usize) {
        let mut sections: Vec<Section> = Vec::new();
        let mut count = 0;
        for argv in commands {
            let Some((table, line)) = translate(argv) else {
                break;
            };
            match sections.last_mut() {
                Some(section) if section.table == table => section.lines.push((line, count)),
                _ => sections.push(Section {
                    table: table.to_owned(),
                    lines: vec![(line, count)],
                }),
            }
            count += 1;
        }
        (Self { sections }, count)
    }

    /// The text for restore's standard input.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for section in &self.sections {
            text.push_str(&format!("*{}\n", section.table));
            for (line, _) in &section.lines {
                text.push_str(line);
                text.push('\n');
            }
            text.push_str("COMMIT\n");
        }
        text
    }

    /// The first command that is not done when restore complains about a line of its input: sections before the line's
    /// own are committed, its own is not.
    pub(super) fn undone(&self, complaint: &str) -> Option<usize> {
        let (_, behind) = complaint.split_once("line")?;
        let digits = behind.trim_start_matches([' ', ':']);
        let end = digits.find(|c: char| !c.is_ascii_digit());
        let failed: usize = digits[..end.unwrap_or(digits.len())].parse().ok()?;
        let mut last = 0;
        for section in &self.sections {
            // Its name, its lines, COMMIT.
            last += section.lines.len() + 2;
            if failed <= last {
                return section.lines.first().map(|(_, position)| *position);
            }
        }
        None
    }
}

/// The table of a command, and the command as a line of restore; none for one that must run as it is written.
fn translate(argv: &[String]) -> Option<(&str, String)> {
    let (program, words) = argv.split_first()?;
    if program != "iptables" {
        return None;
    }
    let mut table = "filter";
    let mut line = Vec::new();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if word == "-t" {
            table = words.next().filter(|name| is_plain(name))?;
        } else if (word.starts_with('-') && !JOINED.contains(&word)) || !is_plain(word) {
            return None;
        } else {
            line.push(word);
        }
    }
    // Restore takes a line that begins with a chain's command, and nothing else.
    let first = line.first()?;
    ["-A", "-I", "-D", "-P"]
        .contains(first)
        .then(|| (table, line.join(" ")))
}

/// Restore splits lines by its own rules for quotes, blanks and comments.
fn is_plain(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/,+!".contains(c);
    !word.is_empty() && word.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(lines: &[&str]) -> Vec<Vec<String>> {
        let split = |line: &&str| line.split(' ').map(String::from).collect();
        lines.iter().map(split).collect()
    }

    fn script(lines: &[&str]) -> (Script, usize) {
        let commands = commands(lines);
        Script::of(commands.iter().map(Vec::as_slice))
    }

    #[test]
    fn commands_keep_their_order_across_tables() {
        let (script, count) = script(&[
            "iptables -t nat -I POSTROUTING -s 10.55.66.2/32 -j MASQUERADE",
            "iptables -P FORWARD DROP",
            "iptables -I FORWARD -i eth0 -j ACCEPT",
            "iptables -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.55.66.2:80",
        ]);
        assert_eq!(count, 4);
        let text = "*nat\n-I POSTROUTING -s 10.55.66.2/32 -j MASQUERADE\nCOMMIT\n\
                    *filter\n-P FORWARD DROP\n-I FORWARD -i eth0 -j ACCEPT\nCOMMIT\n\
                    *nat\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.55.66.2:80\nCOMMIT\n";
        assert_eq!(script.text(), text);
    }

    #[test]
    fn what_is_not_known_to_mean_the_same_runs_alone() {
        for line in [
            "iptables -L FORWARD",
            "iptables -w -A FORWARD -j ACCEPT",
            "iptables -F",
            "iptables-nft -A FORWARD -j ACCEPT",
            "iptables -A FORWARD -m comment --comment x -j ACCEPT",
            "iptables -A FORWARD -s a\"b -j ACCEPT",
            "ip link",
        ] {
            assert_eq!(script(&[line]).1, 0, "{line}");
        }
    }

    #[test]
    fn a_complaint_names_the_first_command_of_its_section() {
        let (script, _) = script(&["iptables -t nat -A A", "iptables -A B", "iptables -A C"]);
        assert_eq!(script.undone("iptables-restore: line 2 failed"), Some(0));
        assert_eq!(script.undone("Error occurred at line: 6\nTry"), Some(1));
        assert_eq!(script.undone("line 7: CHAIN_ADD failed"), Some(1));
        assert_eq!(script.undone("line 99"), None);
        assert_eq!(script.undone("no such table"), None);
    }
}
