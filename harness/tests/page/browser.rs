//! A Chromium that a test drives by its debugging protocol over pipes, in a network namespace without any interface that is up.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// What it is called, by distribution. The first needs the least.
const NAMES: [&str; 4] = [
    "chromium-headless-shell",
    "chromium",
    "google-chrome",
    "google-chrome-stable",
];

/// How long a test may have it, in seconds: enough for any machine, and less than a person waits for a hung test.
const BOUND: &str = "120";

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    calls: u64,
    /// What the page complained about.
    pub(crate) complaints: Vec<String>,
}

/// The program of a browser on this machine.
pub(crate) fn installed() -> Option<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&str| std::env::split_paths(&path).any(|one| one.join(name).is_file());
    NAMES.into_iter().find(is_there)
}

impl Browser {
    /// Starts it with a profile in this folder. Its processes end with it.
    pub(crate) fn start(program: &str, profile: &Path) -> Self {
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", BOUND, "unshare", "--net", "--pid"]);
        command.args(["--fork", "--kill-child", "--mount-proc"]);
        if !nix::unistd::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        // It reads commands from descriptor 3 and answers on 4.
        let script = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;
        command.args(["sh", "-c", script, program, "--headless", "--no-sandbox"]);
        command.args(["--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.args(["--remote-debugging-pipe", "about:blank"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut browser = Self {
            child,
            to,
            from: BufReader::new(from),
            session: None,
            calls: 0,
            complaints: Vec::new(),
        };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", &attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Accessibility"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// A command, answered.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.calls += 1;
        let mut message = json!({"id": self.calls, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        write!(self.to, "{message}\0").unwrap();
        loop {
            let message = self.message();
            if message["id"] == self.calls {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn message(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).unwrap();
        assert_eq!(bytes.pop(), Some(0), "the browser ended");
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        let complains = ["Runtime.exceptionThrown", "Log.entryAdded"];
        if complains.iter().any(|one| message["method"] == *one) {
            self.complaints.push(message["params"].to_string());
        }
        message
    }

    /// Opens a file, with what stands behind its `#`, and waits until it is loaded.
    pub(crate) fn open(&mut self, page: &Path, anchor: &str) {
        // A page that is open already would only scroll.
        self.call("Page.navigate", &json!({"url": "about:blank"}));
        let url = format!("file://{}{anchor}", page.display());
        self.call("Page.navigate", &json!({ "url": url }));
        self.ask(
            "new Promise((done) => document.readyState === 'complete' ? done() : \
             addEventListener('load', () => setTimeout(done)))",
        );
    }

    /// The value of an expression in the page, of what it promises if it is a promise.
    pub(crate) fn ask(&mut self, expression: &str) -> Value {
        let how = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", &how);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Presses a key that types nothing.
    pub(crate) fn press(&mut self, key: &str, code: u32) {
        for kind in ["keyDown", "keyUp"] {
            let text = if key == "Enter" { "\r" } else { "" };
            let press = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text});
            self.call("Input.dispatchKeyEvent", &press);
        }
    }

    /// A window of this width, in CSS pixels.
    pub(crate) fn resize(&mut self, width: u32) {
        let size = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// What the person prefers: `dark` or `light`.
    pub(crate) fn prefer(&mut self, scheme: &str) {
        let feature = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", &feature);
    }

    /// What a screen reader gets: roles, names, and the levels of headings, in order.
    pub(crate) fn outline(&mut self) -> Vec<(String, String, u64)> {
        let tree = self.call("Accessibility.getFullAXTree", &json!({}));
        let nodes = tree["nodes"].as_array().unwrap().iter();
        let told = nodes.filter(|node| node["ignored"] != true);
        told.map(|node| {
            let text = |of: &Value| of["value"].as_str().unwrap_or_default().to_owned();
            let properties = node["properties"].as_array().into_iter().flatten();
            let mut levels = properties.filter(|one| one["name"] == "level");
            let level = levels.next().and_then(|one| one["value"]["value"].as_u64());
            (text(&node["role"]), text(&node["name"]), level.unwrap_or(0))
        })
        .collect()
    }

    /// Saves what is seen where `GOLDPATH_SCREENSHOTS` names a folder, for a person to look at.
    pub(crate) fn photograph(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("GOLDPATH_SCREENSHOTS") else {
            return;
        };
        let taken = self.call("Page.captureScreenshot", &json!({"format": "png"}));
        let mut decode = Command::new("base64");
        decode.arg("--decode").stdin(Stdio::piped());
        let file = std::fs::File::create(Path::new(&folder).join(format!("{name}.png"))).unwrap();
        let mut child = decode.stdout(file).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(taken["data"].as_str().unwrap().as_bytes())
            .unwrap();
        drop(pipe);
        assert!(child.wait().unwrap().success());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // unshare and, with it, every process of its namespace.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
