use super::super::entry::{Base, Chain, Connection, File, Link, Sysctl};
use super::super::fold::fold;
use super::*;

fn names() -> CaseNames {
    let mut names = CaseNames::default();
    let front = names.network("front");
    front
        .subnets
        .extend("10.77.1.0/24".parse::<crate::address::Subnet>());
    front.bridges.push(String::from("br-0123456789ab"));
    let c1 = names.container("c1");
    c1.addresses.push([10, 77, 1, 2].into());
    c1.ports.push(8080);
    c1.ids.push(String::from("deadbeef0123456789"));
    names
}

fn table(name: &str) -> Table {
    Table {
        family: String::from("ip"),
        name: name.to_owned(),
    }
}

fn chain(name: &str, policy: Option<&str>) -> Entry {
    Entry::Chain(Chain {
        table: table("filter"),
        name: name.to_owned(),
        base: policy.map(|policy| Base {
            hook: String::from("filter hook forward priority 0"),
            policy: policy.to_owned(),
        }),
    })
}

fn rule(chain: &str, text: &str, target: Option<&str>) -> Entry {
    Entry::Rule(Rule {
        table: table("filter"),
        chain: chain.to_owned(),
        text: text.to_owned(),
        target: target.map(str::to_owned),
    })
}

fn file(path: &str) -> Entry {
    Entry::File(File {
        path: path.to_owned(),
        length: 1,
        written: (0, 0),
        mode: 0o100_644,
        owner: (0, 0),
    })
}

fn link(name: &str) -> Entry {
    Entry::Link(Link {
        name: name.to_owned(),
        ..Link::default()
    })
}

/// Why each of what came is a leftover; none for what is kept.
fn leftovers(came: Vec<Entry>, texts: &[(&str, &str)]) -> Vec<Option<String>> {
    let differences: Vec<LedgerDifference> = came
        .into_iter()
        .map(|entry| LedgerDifference {
            entry,
            change: EntryChange::Added,
        })
        .collect();
    let texts = texts
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let judge = Judge {
        names: &names(),
        documented: &|difference| {
            let is_own = matches!(&difference.entry, Entry::Link(link) if link.name == "own0");
            is_own.then(|| String::from("a manual"))
        },
        before: &Ledger {
            folders: ["/run", "/etc", "/etc/other"].map(String::from).into(),
            ..Ledger::default()
        },
        state_folders: &["/etc/cni/net.d"],
        texts: &texts.collect(),
    };
    let standings = judge.judge(&differences).into_iter();
    let why = standings.map(|standing| match standing {
        Standing::Leftover(why) => Some(why),
        Standing::Kept(_) => None,
    });
    why.collect()
}

#[test]
fn an_own_chain_stays_and_what_names_a_container_does_not() {
    let found = leftovers(
        vec![
            chain("OWN", None),
            rule("OWN", "-m conntrack --ctstate INVALID -j DROP", None),
            rule("FORWARD", "-j OWN", Some("OWN")),
            rule("OWN", "-d 10.77.1.2/32 -j ACCEPT", None),
            rule("OWN", "-p tcp -m tcp --dport 8080 -j RETURN", None),
            rule("OWN", "-m comment --comment \"id c1\" -j RETURN", None),
            rule("OWN", "-i br-0123456789ab -j RETURN", None),
            rule("OWN", "-s 10.77.1.0/24 -j RETURN", None),
        ],
        &[],
    );
    assert_eq!(found[..3], [None, None, None]);
    let named = |what: &str| Some(format!("it names {what}"));
    assert_eq!(
        found[3..],
        [
            named("the address 10.77.1.2 of c1"),
            named("the published port 8080 of c1"),
            named("the name of c1"),
            named("the interface br-0123456789ab of the network front"),
            named("the subnet 10.77.1.0/24 of the network front"),
        ]
    );
}

#[test]
fn a_wider_net_and_a_longer_number_name_nothing() {
    let found = leftovers(
        vec![
            chain("OWN", None),
            rule("OWN", "-s 10.0.0.0/8 -j RETURN", None),
            rule("OWN", "-d 10.77.10.2/32 -j RETURN", None),
            rule("OWN", "-p tcp -m tcp --dport 18080 -j RETURN", None),
            rule("OWN", "-j MARK --set-xmark 0x8080/0x8080", None),
        ],
        &[],
    );
    assert_eq!(found, vec![None; 5]);
}

#[test]
fn a_chain_with_an_id_was_made_for_one() {
    let found = leftovers(vec![chain("CNI-DN-3ace089388cae2e2a10f8", None)], &[]);
    let why = "it was made for one container or network: the id 3ace089388cae2e2a10f8 in its name";
    assert_eq!(found, [Some(why.to_owned())]);
}

#[test]
fn what_is_everybodys_must_be_as_it_was() {
    let undocumented = || Some(String::from("no document says that it stays"));
    let setting = Entry::Sysctl(Sysctl {
        name: "ipv4/conf/all/forwarding".into(),
        value: "1".into(),
    });
    let found = leftovers(
        vec![
            chain("FORWARD", Some("accept")),
            chain("FORWARD", Some("drop")),
            rule("FORWARD", "-m conntrack --ctstate INVALID -j DROP", None),
            setting,
        ],
        &[],
    );
    assert_eq!(found[0], None, "iptables makes it, and it changes nothing");
    assert_eq!(found[1..], [undocumented(), undocumented(), undocumented()]);
}

#[test]
fn what_hangs_on_a_link_that_stays_stays_too() {
    let route = |link: &str| {
        Entry::Sysctl(Sysctl {
            name: format!("ipv4/conf/{link}/forwarding"),
            value: "1".into(),
        })
    };
    let found = leftovers(
        vec![
            link("own0"),
            route("own0"),
            rule("FORWARD", "-i own0 -j ACCEPT", None),
            link("left0"),
            route("left0"),
        ],
        &[],
    );
    assert_eq!(found[..3], [None, None, None]);
    assert!(found[3..].iter().all(Option::is_some));
}

#[test]
fn a_file_is_its_makers_own_where_others_do_not_read_it() {
    let found = leftovers(
        vec![
            file("/run/own/state.db"),
            file("/run/own/"),
            file("/etc/cni/net.d/lock"),
            file("/run/own/deadbeef01234567890abc"),
            file("/run/own/notes"),
            file("/run/sysctl.d/x.conf"),
            file("/etc/other/file"),
            file("/run/file"),
        ],
        &[("/run/own/notes", "10.77.1.2\n")],
    );
    assert_eq!(found[..3], [None, None, None]);
    assert!(found[3..].iter().all(Option::is_some), "{found:?}");
}

#[test]
fn a_connection_is_never_kept() {
    let text = String::from("udp 10.0.2.50:1 to 10.0.2.15:53, which leads to 192.0.2.1:53");
    let found = leftovers(vec![Entry::Connection(Connection { text })], &[]);
    assert!(found[0].is_some());
}

#[test]
fn a_link_tells_its_settings_in_its_own_line() {
    let came = [
        link("left0"),
        Entry::Sysctl(Sysctl {
            name: "ipv4/conf/left0/forwarding".into(),
            value: "1".into(),
        }),
    ];
    let differences = came.map(|entry| LedgerDifference {
        entry,
        change: EntryChange::Added,
    });
    let why = || Standing::Leftover(String::from("why"));
    let told = fold(&differences, &[why(), why()]);
    let [crate::finding::What::Leftover(left)] = &told.leftovers[..] else {
        panic!("one line for both: {:?}", told.leftovers);
    };
    assert_eq!(
        left.entry,
        "left0: mtu 0, queue 0, index 0, with its 1 settings: why"
    );
}

#[test]
fn what_names_a_container_that_is_gone_is_left_behind() {
    let mut names = names();
    names.container("c2").addresses.push([10, 77, 1, 3].into());
    let rules = [
        rule("DOCKER", "-d 10.77.1.2/32 -j ACCEPT", None),
        rule("DOCKER", "-d 10.77.1.3/32 -j ACCEPT", None),
        rule("DOCKER", "-s 10.77.1.2/32 -d 10.77.1.3/32 -j ACCEPT", None),
        rule("DOCKER", "-s 10.77.1.0/24 -j ACCEPT", None),
        link("c1"),
        Entry::Connection(Connection {
            text: String::from("udp 10.0.2.50:9 to 10.0.2.15:8080, which leads to 10.77.1.2:80"),
        }),
    ];
    let differences = rules.into_iter().map(|entry| LedgerDifference {
        change: EntryChange::Added,
        entry,
    });
    let (before, texts) = (Ledger::default(), BTreeMap::new());
    let judge = Judge {
        names: &names,
        documented: &|_| None,
        before: &before,
        state_folders: &[],
        texts: &texts,
    };
    let (found, standings) = judge.judge_removal(differences.collect(), |name| name == "c2");
    let found: Vec<String> = found.iter().map(|one| one.entry.to_string()).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("10.77.1.2/32 -j ACCEPT"), "{found:?}");
    assert!(found[1].contains("c1"), "{found:?}");
    let gone = |one: &Standing| matches!(one, Standing::Leftover(why) if why.ends_with("of c1, who is gone"));
    assert!(standings.iter().all(gone), "{standings:?}");
}

#[test]
fn a_part_of_a_hardware_address_is_no_name() {
    let mut names = CaseNames::default();
    names.container("c6");
    let veth = Entry::Link(Link {
        name: String::from("veth1"),
        mac: String::from("c6:90:87:fe:3b:56"),
        ..Link::default()
    });
    assert_eq!(names.named_by(&veth, ""), None);
    assert!(names.named_by(&link("v0-c6"), "").is_some());
}

#[test]
fn many_files_of_a_folder_are_told_together() {
    let left = |count: usize| {
        let files = (0..count).map(|number| LedgerDifference {
            entry: file(&format!("/etc/many/{number}")),
            change: EntryChange::Removed,
        });
        let files: Vec<LedgerDifference> = files.collect();
        let why = Standing::Leftover(String::from("it is not the implementation's own"));
        fold(&files, &vec![why; count]).leftovers.len()
    };
    assert_eq!((left(3), left(300)), (3, 1));
}
