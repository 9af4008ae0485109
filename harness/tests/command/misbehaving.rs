//! Plugins and recipes that misbehave: whatever a program does, the run ends, says what happened within some pages, and
//! the machine is as before.
//!
//! Labs need root or user namespaces, as `goldpath` does. The plugins are shell scripts that make one bridge and one
//! container right, and one thing wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const CASE: &str = "contract/bridge/gateway-answers";
const INFO: &str = r#"{"protocol": 2, "name": "mine", "version": "1", "features": ["bridge"]}"#;
/// What no report of one failed trial needs more of, whatever a program wrote.
const REPORT_LIMIT: usize = 128 << 10;

/// A folder with one contract case, its golden, and a plugin.
struct Desk {
    folder: tempfile::TempDir,
}

/// How the command ended and what it wrote.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    /// `info` is a shell command that answers; `setup` comes after the network is made, before its answer `{}`.
    fn with(info: &str, setup: &str) -> Self {
        Self::empty().and(info, setup)
    }

    fn and_setup(self, setup: &str) -> Self {
        self.and(&format!("echo '{INFO}'"), setup)
    }

    fn and(self, info: &str, setup: &str) -> Self {
        let desk = self;
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for name in [format!("cases/{CASE}.toml"), format!("golden/{CASE}.snap")] {
            fs::create_dir_all(desk.path(&name).parent().unwrap()).unwrap();
            fs::copy(workspace.join(&name), desk.path(&name)).unwrap();
        }
        let script = format!(
            "#!/bin/sh\n\
             case $(cat) in\n\
             *'\"verb\":\"info\"'*) {info}; exit;;\n\
             *'\"verb\":\"teardown\"'*) ip link delete br0; echo '{{}}'; exit;;\n\
             esac\n\
             exec 3>&1 >&2\n\
             set -e\n\
             ip link add br0 type bridge\n\
             ip address add 10.77.1.1/24 dev br0\n\
             ip link set br0 up\n\
             ip link add v1 type veth peer name eth0 netns c1\n\
             ip link set v1 master br0 up\n\
             ip -n c1 address add 10.77.1.2/24 dev eth0\n\
             ip -n c1 link set eth0 up\n\
             ip -n c1 route add default via 10.77.1.1\n\
             {setup}\n\
             echo '{{}}' >&3\n"
        );
        fs::write(desk.path("plugin"), script).unwrap();
        fs::set_permissions(desk.path("plugin"), fs::Permissions::from_mode(0o755)).unwrap();
        desk
    }

    fn with_setup(setup: &str) -> Self {
        Self::with(&format!("echo '{INFO}'"), setup)
    }

    fn with_info(info: &str) -> Self {
        Self::with(info, "")
    }

    fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn goldpath(&self, arguments: &str) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_goldpath"))
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .env_remove("CI")
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Puts the case to the plugin.
    fn run(&self) -> Ended {
        self.goldpath(
            "run -i plugin:./plugin --json a.json --junit a.xml --html a.html --markdown a.md",
        )
    }
}

impl Ended {
    #[track_caller]
    fn must_be(&self, code: i32) {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
    }

    #[track_caller]
    fn must_say(&self, words: &[&str]) {
        for word in words {
            let found = self.out.contains(word) || self.err.contains(word);
            assert!(found, "no `{word}` in\n{}\n{}", self.out, self.err);
        }
    }
}

#[test]
fn the_control_passes() {
    Desk::with_setup("").run().must_be(0);
}

#[test]
fn a_process_that_keeps_the_output_open_is_not_waited_for() {
    // Without and with a session of its own, and with both outputs.
    for left in ["sleep 1000 >&3 &", "setsid sleep 1000 >&3 2>&3 &"] {
        Desk::with_setup(left).run().must_be(0);
    }
}

#[test]
fn a_long_complaint_is_cut() {
    let long = "head -c 100000000 /dev/zero | tr '\\0' x >&2; echo the reason >&2; exit 7";
    let desk = Desk::with_setup(long);
    let ended = desk.run();
    ended.must_be(1);
    ended.must_say(&["bytes left out]", "the reason"]);
    assert!(ended.out.len() < REPORT_LIMIT, "{}", ended.out.len());
    for file in ["a.json", "a.xml", "a.html", "a.md"] {
        let length = fs::metadata(desk.path(file)).unwrap().len();
        assert!(length < REPORT_LIMIT as u64, "{file}: {length}");
    }
}

#[test]
fn a_long_error_is_cut() {
    let long =
        "printf '{\"error\": \"'; head -c 900000 /dev/zero | tr '\\0' x; echo 'the reason\"}'";
    let ended = Desk::with_setup(&format!("exec >&3; {long}; exit")).run();
    ended.must_be(1);
    ended.must_say(&["bytes left out]", "the reason"]);
    assert!(ended.out.len() < REPORT_LIMIT, "{}", ended.out.len());
}

#[test]
fn an_answer_without_an_end_is_refused() {
    let ended = Desk::with_setup("yes >&3").run();
    ended.must_be(1);
    ended.must_say(&["wrote more than 256 MiB and was ended"]);
    assert!(ended.out.len() < REPORT_LIMIT, "{}", ended.out.len());
}

#[test]
fn a_recipe_that_prints_for_ever_is_ended() {
    let desk = Desk::empty();
    let case = "title = \"A command that prints for ever\"\nlab = \"article\"\n\n[[step]]\nhost = [\"yes\"]\n\
                probe = { send = \"icmp-echo\", from = \"host\", to = \"10.0.2.2\" }\nexpect = { fate = \"answered\" }\n";
    fs::create_dir_all(desk.path("cases/area")).unwrap();
    fs::write(desk.path("cases/area/subject.toml"), case).unwrap();
    let ended = desk.goldpath("run --backend iptables-nft");
    ended.must_be(3);
    ended.must_say(&["in netns 'host': yes wrote more than 256 MiB and was ended"]);
    assert!(ended.out.len() < REPORT_LIMIT, "{}", ended.out.len());
}

#[test]
fn a_recipe_that_sleeps_is_ended() {
    let desk = Desk::empty();
    let case = "title = \"A command that sleeps\"\nlab = \"article\"\n\n[[step]]\nhost = [\"sleep 1000\"]\n\
                probe = { send = \"icmp-echo\", from = \"host\", to = \"10.0.2.2\" }\nexpect = { fate = \"answered\" }\n";
    fs::create_dir_all(desk.path("cases/area")).unwrap();
    fs::write(desk.path("cases/area/subject.toml"), case).unwrap();
    let ended = desk.goldpath("run --backend iptables-nft");
    ended.must_be(3);
    ended.must_say(&["in netns 'host': sleep 1000 did not end within 60 s and was ended"]);
}

#[test]
fn a_port_that_stays_disabled_is_the_implementations() {
    let setup = "bridge link set dev v1 state 0";
    let ended = Desk::with_setup(setup).run();
    ended.must_be(1);
}

#[test]
fn what_a_program_writes_moves_no_cursor() {
    let escape = "\\033[2J\\033]0;mine\\007\\r";
    let complaint = format!("printf '{escape}complaint' >&2; exit 7");
    let error = "printf '{\"error\": \"\\\\u001b[2Jcomplaint\"}' >&3; exit";
    for setup in [&complaint, error] {
        let ended = Desk::with_setup(setup).run();
        ended.must_be(1);
        ended.must_say(&["\\u{1b}[2J", "complaint"]);
        assert!(!ended.out.contains('\u{1b}'), "{}", ended.out);
    }
}

#[test]
fn what_a_program_names_moves_no_cursor_either() {
    let setup = r#"escape=$(printf '\033[2J')
        ip link set v1 name "v$escape"
        nft add table ip filter
        nft add chain ip filter "input { type filter hook input priority 0; }"
        nft "add rule ip filter input icmp type echo-request drop comment \"by$escape\"""#;
    let desk = Desk::with_setup(setup);
    let ended = desk.run();
    ended.must_be(1);
    ended.must_say(&["v\\u{1b}[2J", "by\\u{1b}[2J"]);
    assert!(!ended.out.contains('\u{1b}'), "{}", ended.out);
    for report in ["a.json", "a.xml", "a.html", "a.md"] {
        let text = fs::read_to_string(desk.path(report)).unwrap();
        assert!(!text.contains('\u{1b}'), "{report}");
    }
}

#[test]
fn names_and_versions_are_names_and_versions() {
    let long = "x".repeat(5000);
    for (name, version, word) in [
        ("", "1", "`name` is empty"),
        ("mine", " ", "`version` is empty"),
        ("\\\\u001b[31mmine", "1", "`name` has the character U+001B"),
        ("mine", "1\\\\n2", "`version` has the character U+000A"),
        (&long, "1", "`name` has 5000 characters"),
        ("..", "1", "`name`"),
    ] {
        let info = format!(
            "printf '{{\"protocol\": 2, \"name\": \"{name}\", \"version\": \"{version}\", \"features\": []}}'"
        );
        let ended = Desk::with_info(&info).run();
        ended.must_be(2);
        ended.must_say(&["the answer to info", word]);
        assert!(
            !ended.err.contains('\u{1b}') && ended.err.len() < 1000,
            "{}",
            ended.err
        );
    }
}

#[test]
fn a_plugin_changes_nothing_of_the_machine() {
    let desk = Desk::with_setup("");
    let name = format!("goldpath-test-{}", std::process::id());
    let home = desk.folder.path().display().to_string();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    // Where programs write they may, and nothing of it arrives; elsewhere they are refused.
    let setup = format!(
        "for folder in /etc /var/lib /tmp /dev/shm {home}; do echo x > $folder/{name}; done\n\
         echo x >> {home}/cases/{CASE}.toml\n\
         for folder in /usr /boot /sys/kernel /proc/sys/kernel; do ! touch $folder/{name}; done\n\
         hostname {name} || echo {name} > /proc/sys/kernel/hostname || :\n\
         ! echo 1 > /proc/sys/kernel/panic\n\
         ! mkdir /sys/fs/cgroup/{name}\n\
         test $(readlink /proc/self/ns/uts) != {uts}\n\
         test $(readlink /proc/self/ns/ipc) != {ipc}\n\
         test $(readlink /proc/self/ns/cgroup) != {cgroup}\n",
        uts = namespace("uts"),
        ipc = namespace("ipc"),
        cgroup = namespace("cgroup"),
    );
    let case = desk.path(&format!("cases/{CASE}.toml"));
    let before = fs::read_to_string(&case).unwrap();
    let desk = desk.and_setup(&setup);
    desk.run().must_be(0);
    assert_eq!(fs::read_to_string(case).unwrap(), before);
    assert_eq!(
        fs::read_to_string("/proc/sys/kernel/hostname").unwrap(),
        host
    );
    for folder in [
        "/etc", "/var/lib", "/tmp", "/dev/shm", &home, "/usr", "/boot",
    ] {
        let path = Path::new(folder).join(&name);
        assert!(!path.exists(), "{}", path.display());
    }
}

fn namespace(kind: &str) -> String {
    let link = fs::read_link(format!("/proc/self/ns/{kind}")).unwrap();
    format!("'{}'", link.display())
}

#[test]
fn info_changes_nothing_either() {
    let desk = Desk::empty();
    let path = desk.path("left");
    let info = format!("echo x > {}; echo '{INFO}'", path.display());
    let desk = desk.and(&info, "");
    desk.run().must_be(0);
    assert!(!path.exists());
}

#[test]
fn nothing_is_written_through_a_link() {
    let other = tempfile::tempdir().unwrap();
    let victim = other.path().join("victim");
    let link = |desk: &Desk, name: &str, target: &Path| {
        let path = desk.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        std::os::unix::fs::symlink(target, path).unwrap();
    };
    fs::write(&victim, "kept").unwrap();
    // A pending golden, the golden itself, a folder on the way to it, the evidence, and each report.
    let desk = Desk::with_setup("");
    let golden = format!("golden/{CASE}.snap");
    fs::write(desk.path(&golden), "---\nsource: x\n---\nanother path\n").unwrap();
    link(&desk, &format!("{golden}.new"), &victim);
    link(&desk, "evidence", other.path());
    let reports = ["a.json", "a.xml", "a.html", "a.md"];
    let elsewhere = tempfile::tempdir().unwrap();
    for report in reports {
        let target = elsewhere.path().join(report);
        fs::write(&target, "kept").unwrap();
        link(&desk, report, &target);
    }
    let ended = desk.run();
    ended.must_be(3);
    let words = [
        "gateway-answers.snap.new is a symbolic link",
        "evidence is a symbolic link",
        "a.json is a symbolic link",
        "a.xml is a symbolic link",
        "a.html is a symbolic link",
        "a.md is a symbolic link",
    ];
    ended.must_say(&words);
    for report in reports {
        let kept = fs::read_to_string(elsewhere.path().join(report));
        assert_eq!(kept.unwrap(), "kept");
    }
    link(&desk, &golden, &victim);
    let ended = desk.goldpath("accept -i plugin:./plugin");
    ended.must_say(&["gateway-answers.snap is a symbolic link"]);
    assert!(ended.code != 0);
    let desk = Desk::with_setup("");
    fs::remove_dir_all(desk.path("golden/contract")).unwrap();
    link(&desk, "golden/contract", other.path());
    let ended = desk.goldpath("accept -i plugin:./plugin");
    ended.must_say(&["golden/contract is a symbolic link"]);
    assert!(ended.code != 0);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "kept");
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 1);
}

#[test]
fn a_report_may_go_to_the_standard_output() {
    let ended = Desk::with_setup("").goldpath("run -i plugin:./plugin --json /dev/stdout");
    ended.must_be(0);
    ended.must_say(&["\"summary\""]);
}

#[test]
fn what_is_no_case_file_stops_nothing() {
    let desk = Desk::with_setup("");
    let fifo = desk.path("cases/contract/fifo.toml");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let ended = desk.goldpath("check");
    ended.must_be(2);
    ended.must_say(&["cases/contract/fifo.toml", "it is a FIFO, not a file"]);
    fs::remove_file(&fifo).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&fifo).unwrap();
    let ended = desk.goldpath("check");
    ended.must_be(2);
    ended.must_say(&["cases/contract/fifo.toml", "it is a socket, not a file"]);
    fs::remove_file(&fifo).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &fifo).unwrap();
    let ended = desk.goldpath("check");
    ended.must_be(2);
    ended.must_say(&["cases/contract/fifo.toml", "it is a device, not a file"]);
}

#[test]
fn a_circle_of_links_is_named() {
    let desk = Desk::with_setup("");
    std::os::unix::fs::symlink(".", desk.path("cases/self")).unwrap();
    let ended = desk.goldpath("check");
    ended.must_be(2);
    ended.must_say(&["cases/self", "this is cases once more"]);
    fs::remove_file(desk.path("cases/self")).unwrap();
    // Below the goldens, where a link is not followed.
    std::os::unix::fs::symlink(".", desk.path("golden/self")).unwrap();
    desk.goldpath("check").must_be(0);
    let golden = desk.path(&format!("golden/{CASE}.snap"));
    fs::remove_file(&golden).unwrap();
    nix::unistd::mkfifo(&golden, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let ended = desk.goldpath("check");
    ended.must_be(2);
    ended.must_say(&["gateway-answers.snap", "it is a FIFO, not a file"]);
}

/// Makes a tree of its own on the machine's programs, as one unpacks it for another release, and runs goldpath in it.
/// `$1` is where the tree is in a mount: its top, or a plain folder. `$2` is goldpath.
const CHROOT: &str = r#"set -e
mount --make-rprivate /
mount -t tmpfs tree tree
tree=$PWD/tree$1
for folder in etc proc sys dev run tmp usr var/lib desk; do mkdir -p $tree/$folder; done
for link in bin sbin lib lib64; do ln -s usr/$link $tree/$link; done
cp -a /etc/alternatives $tree/etc/
mount --bind /usr $tree/usr
for folder in dev sys proc; do mount --rbind /$folder $tree/$folder; done
cp -R cases golden $2 $tree/desk/
cat >$tree/desk/plugin <<'END'
#!/bin/sh
case $(cat) in *info*) echo '{"protocol": 2, "name": "mine", "version": "1", "features": ["bridge"]}'; exit;; esac
echo "{\"error\": \"here is $(ls /desk)\"}"
END
chmod +x $tree/desk/plugin
exec chroot $tree /bin/sh -c 'cd /desk && exec ./goldpath run -i plugin:./plugin'
"#;

/// The plugin tells which root it is in.
#[test]
fn in_a_chroot_it_stays_there() {
    let desk = Desk::with_setup("");
    fs::create_dir(desk.path("tree")).unwrap();
    // A chroot is root's, and in a user namespace everybody is root.
    let root: &[&str] = match nix::unistd::geteuid().is_root() {
        true => &["--mount"],
        false => &["--mount", "--map-root-user"],
    };
    for folder in ["", "/sub"] {
        let output = Command::new("unshare")
            .args(root)
            .args(["sh", "-c", CHROOT, "sh", folder])
            .arg(env!("CARGO_BIN_EXE_goldpath"))
            .current_dir(desk.folder.path())
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&output.stdout);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(out.contains("here is cases"), "{folder}: {out}{err}");
    }
}
