//! The node's page in a real browser, beside what the node says on its socket.

mod browser;

use self::browser::{Browser, program};
use crate::support::{Place, sample};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

const VIEWS: [&str; 8] = [
    "overview", "mesh", "jobs", "capsules", "trust", "ledger", "limits", "events",
];
/// From `printf '%s' "The quick brown fox jumps over the lazy dog" | sha256sum`.
const FOX: &str = "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592";
/// What its author calls himself.
const HOSTILE: &str = "<img src=x onerror=alert(1)><script>alert(2)</script>";

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// A devnet that stays up, with a forger in it. It is ended when dropped.
struct Devnet {
    place: Place,
    child: Child,
    link: String,
}

impl Devnet {
    fn start() -> Self {
        let place = Place::new();
        let mut child = place
            .command(&[
                "devnet",
                "--nodes",
                "4",
                "--malicious",
                "1",
                "--jobs",
                "2",
                "--data",
                "net",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start operator");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe"))
            .lines()
            .map_while(Result::ok);
        let mut said = Vec::new();
        let mut link = None;
        for line in lines.by_ref() {
            if let Some((_, url)) = line.split_once("once: ") {
                link = Some(url.to_owned());
            }
            let stays = line.contains("stays up until Ctrl-C");
            said.push(line);
            if stays {
                break;
            }
        }
        thread::spawn(move || lines.for_each(drop));
        let link = link.unwrap_or_else(|| panic!("it gave no link: {said:#?}"));
        Self { place, child, link }
    }

    /// What node 0 says on its socket.
    #[track_caller]
    fn ask(&self, arguments: &[&str]) -> Value {
        let all = [&["--json"], arguments, &["--data", "net/node-0"]].concat();
        self.place.operator(&all).json()
    }

    fn fresh_link(&self) -> String {
        self.ask(&["dashboard"])["url"]
            .as_str()
            .expect("a link")
            .to_owned()
    }

    fn stop(&mut self) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args(["-INT", &pid]).status();
        assert!(killed.expect("kill is there").success());
        self.child.wait().expect("it ends");
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Shows a view, and waits until it is there.
#[track_caller]
fn open(browser: &Browser, view: &str) {
    browser.run(&format!("location.hash = '#/{view}'"));
    let name = view.split('/').next().expect("a name");
    browser.until(&format!(
        "return document.querySelector('#view').getAttribute('data-view') === '{name}' && location.hash === '#/{view}' \
         && document.querySelector('#view > .panel, #view > .tiles, #view > .cols') !== null \
         && !document.querySelector('#view').innerText.includes('Loading…')"
    ));
}

/// The first cells of a table's rows, as their whole names.
fn names(browser: &Browser) -> Vec<String> {
    let names = browser.run(
        "return [...document.querySelectorAll('#view tbody tr')].map(it => it.getAttribute('data-key'))",
    );
    serde_json::from_value(names).expect("names")
}

fn text(browser: &Browser) -> String {
    browser
        .run("return document.querySelector('main').textContent")
        .as_str()
        .expect("text")
        .to_owned()
}

fn titles(browser: &Browser) -> String {
    let titles =
        browser.run("return [...document.querySelectorAll('main [title]')].map(it => it.title).join('\\n')");
    titles.as_str().expect("text").to_owned()
}

fn of<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} of {value:#}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "says why it is skipped, and where pictures are"
)]
fn the_page_shows_what_the_node_says() {
    let driver = program(&["chromedriver"]);
    let chromium = program(&["chromium", "chromium-browser", "google-chrome"]);
    let (Some(driver), Some(chromium)) = (driver, chromium) else {
        eprintln!(
            "skipped: there is no Chromium with its chromedriver (Debian: apt-get install chromium chromium-driver)"
        );
        return;
    };
    let mut devnet = Devnet::start();
    publish_hostile(&devnet);
    let browser = Browser::start(&driver, &chromium);
    // Seen by the page itself, whatever it does about it.
    browser.devtools(
        "Page.addScriptToEvaluateOnNewDocument",
        &serde_json::json!({ "source": "globalThis.broken = []; addEventListener('securitypolicyviolation', it => broken.push(it.violatedDirective + ' ' + it.blockedURI)); addEventListener('error', it => broken.push(it.message)); addEventListener('unhandledrejection', it => broken.push(String(it.reason)))" }),
    );
    // What the browser shows by itself when it starts is its own.
    browser.go("about:blank");
    browser.log("performance");
    let origin = devnet.link.split("/#").next().expect("an address").to_owned();

    enters_by_a_link_once(&browser, &devnet, &origin);
    shows_the_same_as_the_socket(&browser, &devnet);
    shows_hostile_names_as_text(&browser);
    goes_on_without_a_reload(&browser, &devnet);
    can_be_used_by_keyboard(&browser);
    has_names_for_who_hears_it(&browser);
    fits(&browser);
    asks_nobody_else(&browser, &origin);
    says_that_it_is_disconnected(&browser, &mut devnet);
}

fn publish_hostile(devnet: &Devnet) {
    let manifest = fs::read_to_string(sample("sieve").join("manifest.toml")).expect("a manifest");
    let mut lines: Vec<String> = manifest.lines().map(str::to_owned).collect();
    let author = lines
        .iter_mut()
        .find(|it| it.starts_with("author ="))
        .expect("an author");
    *author = format!("author = '{HOSTILE}'");
    devnet.place.write("hostile/manifest.toml", lines.join("\n"));
    devnet.place.write(
        "hostile/capsule.wasm",
        fs::read(sample("sieve").join("capsule.wasm")).expect("a module"),
    );
    let built = devnet.place.operator(&[
        "capsule",
        "build",
        "hostile",
        "--new-key",
        "author.key",
        "-o",
        "hostile.mod",
    ]);
    assert_eq!(built.code, 0, "{}", built.stderr);
    devnet.ask(&["capsule", "publish", "hostile.mod"]);
}

fn enters_by_a_link_once(browser: &Browser, devnet: &Devnet, origin: &str) {
    // Without a link it says what to do, and nothing of the node.
    browser.go(&format!("{origin}/"));
    browser.until("return document.querySelector('h1')?.textContent === 'This page needs a link'");
    let id = of(&devnet.ask(&["status"]), "id").to_owned();
    assert!(!text(browser).contains(&id));
    assert_eq!(browser.run("return document.cookie"), "");
    // That nobody let it in is logged, and no fault.
    browser.log("browser");

    browser.go(&devnet.link);
    browser.until("return document.querySelector('h1')?.textContent === 'Overview'");
    browser.until("return document.querySelector('#link').innerText.trim() === 'Live'");
    assert_eq!(browser.run("return location.hash"), "#/overview");
    // Scripts do not see what opens the door.
    assert_eq!(browser.run("return document.cookie"), "");
    browser.go(&format!("{origin}/#/jobs"));
    browser.until("return document.querySelector('h1')?.textContent === 'Jobs and proofs'");
    // A link is of no use to who finds it later.
    let used = browser.run("return localStorage.getItem('nonos-key')");
    browser.run("localStorage.clear()");
    browser.go("about:blank");
    browser.go(&devnet.link);
    browser.until("return document.querySelector('h1')?.textContent === 'This page needs a link'");
    assert!(text(browser).contains("followed before"), "{}", text(browser));
    browser.go("about:blank");
    browser.go(&devnet.fresh_link());
    browser.until("return document.querySelector('#link').innerText.trim() === 'Live'");
    assert_ne!(browser.run("return localStorage.getItem('nonos-key')"), used);
    for entry in browser.log("browser") {
        let message = of(&entry, "message");
        assert!(message.contains("401") || message.contains("403"), "{entry:#}");
    }
}

fn shows_the_same_as_the_socket(browser: &Browser, devnet: &Devnet) {
    open(browser, "overview");
    let status = devnet.ask(&["status"]);
    let shown = text(browser);
    for part in [
        of(&status, "id"),
        of(&status, "network"),
        of(&status, "data_dir"),
        of(&status, "version"),
    ] {
        assert!(shown.contains(part), "{part} is not in: {shown}");
    }
    let tile = |what: &str| {
        let script = format!("return document.querySelector('.tile[data-key=\"{what}\"] .big').textContent");
        browser.run(&script).as_str().expect("text").to_owned()
    };
    assert_eq!(tile("Peers"), status["peers"].to_string());
    assert_eq!(tile("Receipts verified"), status["verified_ok"].to_string());
    for warning in list(&status["warnings"]) {
        assert!(shown.contains(warning.as_str().expect("text")), "{warning}");
    }
    // Nobody is told that traffic is hidden where it is not.
    let anonymity = &status["anonymity"];
    assert!(
        anonymity["hops"].is_null(),
        "a devnet is too small: {anonymity:#}"
    );
    assert!(
        shown.contains("Not hidden") && shown.contains(of(anonymity, "why_open")),
        "{shown}"
    );

    open(browser, "mesh");
    let peers = devnet.ask(&["peers"]);
    let mut ids: Vec<&str> = list(&peers).iter().map(|it| of(it, "id")).collect();
    let mut rows = names(browser);
    ids.sort_unstable();
    rows.sort();
    assert_eq!(rows, ids);
    let connected = list(&peers).iter().filter(|it| !it["address"].is_null()).count();
    let drawn = "return document.querySelectorAll('.mesh line').length + ' ' + document.querySelectorAll('.mesh .node').length";
    assert_eq!(browser.run(drawn), format!("{connected} {}", ids.len() + 1));

    open(browser, "jobs");
    let jobs = devnet.ask(&["job", "list"]);
    let mut ids: Vec<&str> = list(&jobs).iter().map(|it| of(it, "job")).collect();
    let mut rows = names(browser);
    ids.sort_unstable();
    rows.sort();
    assert_eq!(rows, ids);
    let fox = list(&jobs)
        .iter()
        .find(|it| of(it, "input_hex") == hex::encode("The quick brown fox jumps over the lazy dog"));
    let fox = fox.expect("the first job");
    let job = of(fox, "job");
    open(browser, &format!("jobs/{job}"));
    let shown = text(browser);
    for part in [
        job,
        of(fox, "capsule"),
        of(&fox["receipt"], "receipt"),
        "The quick brown fox jumps over the lazy dog",
    ] {
        assert!(shown.contains(part), "{part} is not in: {shown}");
    }
    assert!(shown.replace(' ', "").contains(FOX), "{shown}");
    assert_eq!(
        browser.run("return document.querySelectorAll('.life .done').length"),
        5
    );

    open(browser, "trust");
    let trust = devnet.ask(&["trust", "list"]);
    let forger = list(&trust)
        .iter()
        .find(|it| of(it, "state") == "blacklisted")
        .expect("a forger");
    let row = format!(
        "return document.querySelector('tr[data-key=\"{}\"]').textContent",
        of(forger, "node")
    );
    assert!(browser.run(&row).as_str().expect("text").contains("blacklisted"));
    open(browser, &format!("trust/{}", of(forger, "node")));
    let shown = text(browser);
    let evidence = forger["evidence"][0].as_str().expect("evidence");
    assert!(shown.contains(evidence), "{shown}");
    let points = devnet.ask(&["trust", "explain", of(forger, "node")]);
    let rows =
        browser.run("return document.querySelector('[data-key=points]').querySelectorAll('tbody tr').length");
    assert_eq!(rows, list(&points).len());

    open(browser, "ledger");
    let books = devnet.ask(&["ledger", "balance"]);
    let spent = of(&books["balance"]["spent"], "execute");
    assert!(
        titles(browser).contains(&nonos(spent)),
        "{spent}: {}",
        titles(browser)
    );
    assert!(titles(browser).contains(&nonos(of(&books["balance"], "net"))));
    assert_eq!(
        browser.run("return document.querySelectorAll('.chart .spent').length"),
        4
    );
    let owed: Vec<&str> = list(&books["owed_by"])
        .iter()
        .filter_map(|it| it[0].as_str())
        .collect();
    for peer in owed {
        assert!(titles(browser).contains(peer), "{peer}");
    }

    let settlement = devnet.ask(&["settle", "status"]);
    let pending = browser.run(
        "return document.querySelector('[data-key=settlement] [data-key=pending]').querySelectorAll('td')[0].textContent",
    );
    assert_eq!(pending, settlement["pending"]["entries"].to_string().as_str());
    assert_ne!(pending, "0");

    open(browser, "limits");
    let shown = text(browser);
    for role in list(&devnet.ask(&["roles", "list"])) {
        assert!(shown.contains(of(role, "reason")), "{role:#}");
    }
    open(browser, "events");
    browser.until("return document.querySelectorAll('.events li').length > 5");
    let shown = text(browser);
    assert!(
        shown.contains("Verified the receipt of") && shown.contains("Blacklisted"),
        "{shown}"
    );
}

/// All digits, in NONOS.
fn nonos(atto: &str) -> String {
    let (sign, digits) = atto.strip_prefix('-').map_or(("", atto), |digits| ("−", digits));
    let digits = format!("{digits:0>19}");
    let (whole, part) = digits.split_at(digits.len() - 18);
    let part = part.trim_end_matches('0');
    let dot = if part.is_empty() { "" } else { "." };
    format!("{sign}{whole}{dot}{part} NONOS")
}

fn shows_hostile_names_as_text(browser: &Browser) {
    open(browser, "capsules");
    assert!(text(browser).contains(HOSTILE), "{}", text(browser));
    assert_eq!(
        browser.run("return document.querySelectorAll('main img, main script').length"),
        0
    );
}

fn goes_on_without_a_reload(browser: &Browser, devnet: &Devnet) {
    open(browser, "jobs");
    browser.run("globalThis.same = 1; document.querySelector('[data-choose=text]').focus()");
    let capsule =
        browser.run("return document.querySelector('#view tbody tr td[data-label=Capsule] code').title");
    let capsule = capsule.as_str().expect("a name");
    devnet.place.write("input", "live");
    let submitted = devnet.ask(&["job", "submit", capsule, "--input", "input"]);
    let job = of(&submitted, "job");
    browser.until(&format!(
        "return document.querySelector('tr[data-key=\"{job}\"]') !== null"
    ));
    browser.until(&format!(
        "return document.querySelector('tr[data-key=\"{job}\"]').textContent.includes('paid')"
    ));
    // What the reader was at is where it was.
    assert_eq!(browser.run("return globalThis.same"), 1);
    assert_eq!(
        browser.run("return document.activeElement.getAttribute('data-choose')"),
        "text"
    );
    let only = format!(
        "const it = document.querySelector('[data-choose=text]'); it.value = '{}'; it.dispatchEvent(new Event('input', \
         {{ bubbles: true }}))",
        &job[..10]
    );
    browser.run(&only);
    assert_eq!(names(browser), [job]);
    browser.run(&only.replace(&job[..10], ""));
    open(browser, "events");
    let heard =
        format!("return [...document.querySelectorAll('.events a')].some(it => it.title === '{job}')");
    browser.until(&heard);
}

fn can_be_used_by_keyboard(browser: &Browser) {
    let focused = |what: &str| browser.run(&format!("return document.activeElement.{what}"));
    open(browser, "trust");
    browser.run("document.activeElement.blur(); getSelection().removeAllRanges(); document.querySelector('.skip').focus()");
    browser.press(&[ENTER]);
    assert_eq!(focused("id"), "main");
    // It leads to the view that is shown, not to another.
    assert_eq!(browser.run("return location.hash"), "#/trust");
    browser.press(&[TAB]);
    assert_eq!(
        browser.run("return document.querySelector('main').contains(document.activeElement)"),
        true
    );
    browser.run("document.querySelector('.skip').focus()");
    browser.press(&[TAB, TAB]);
    assert_eq!(focused("textContent"), "Mesh");
    let ring = browser.run("return getComputedStyle(document.activeElement).outlineStyle");
    assert_eq!(ring, "solid");
    browser.press(&[ENTER]);
    browser.until("return document.querySelector('h1').textContent === 'Mesh' && document.activeElement === document.querySelector('h1')");
    assert_eq!(
        browser.run("return document.querySelector('nav [aria-current=page]').textContent"),
        "Mesh"
    );
    browser.until("return document.querySelector('#view tbody a') !== null");
    browser.run("document.querySelector('#view tbody a').focus()");
    browser.press(&[ENTER]);
    browser.until("return document.querySelector('h1').textContent.startsWith('Node ')");
}

/// Landmarks, headings and names are what a screen reader goes by.
fn has_names_for_who_hears_it(browser: &Browser) {
    for view in VIEWS {
        open(browser, view);
        let missing = browser.run(
            "const missing = []; \
             const say = (what, bad) => { if (bad) missing.push(what); }; \
             say('one h1', document.querySelectorAll('h1').length !== 1); \
             say('main', document.querySelectorAll('main').length !== 1); \
             say('nav', !document.querySelector('nav[aria-label]')); \
             say('lang', document.documentElement.lang !== 'en'); \
             say('live region', !document.querySelector('[aria-live=polite]')); \
             for (const it of document.querySelectorAll('a, button')) say('name of ' + it.outerHTML, !(it.textContent.trim() || it.getAttribute('aria-label'))); \
             for (const it of document.querySelectorAll('input, select')) say('label of ' + it.outerHTML, !it.closest('label')); \
             for (const it of document.querySelectorAll('table')) say('caption', !it.caption?.textContent); \
             for (const it of document.querySelectorAll('th')) say('scope', !it.scope); \
             for (const it of document.querySelectorAll('svg')) say('name of a drawing', !it.closest('[aria-hidden]') && !it.getAttribute('aria-label')); \
             for (const it of document.querySelectorAll('.badge')) say('a word', it.textContent.replace(/[✓✕!●○]/g, '').trim() === ''); \
             for (const it of document.querySelectorAll('section')) say('heading of a panel', !it.querySelector('h1, h2')); \
             return missing",
        );
        assert_eq!(missing, serde_json::json!([]), "{view}");
    }
}

/// Nothing is wider than the window, and pictures are kept of everything.
fn fits(browser: &Browser) {
    let pictures = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/screenshots"));
    fs::create_dir_all(&pictures).expect("a directory");
    let job = browser.run("location.hash = '#/jobs'; return null");
    assert!(job.is_null());
    open(browser, "jobs");
    let job = names(browser).pop().expect("a job");
    open(browser, "trust");
    let node = names(browser).remove(0);
    let details = [("job", format!("jobs/{job}")), ("node", format!("trust/{node}"))];
    let views = VIEWS.iter().map(|it| (*it, (*it).to_owned())).chain(details);
    for (name, view) in views {
        open(browser, &view);
        for (width, colours) in [
            (360, "light"),
            (360, "dark"),
            (768, "light"),
            (1440, "light"),
            (1440, "dark"),
        ] {
            browser.look(width, colours);
            let wide = browser.run(
                "return [document.documentElement.scrollWidth, innerWidth, [...document.querySelectorAll('main *')]\
                 .filter(it => it.getBoundingClientRect().right > innerWidth + 1 && !it.closest('.unseen, .scroll'))\
                 .map(it => it.outerHTML.slice(0, 200)).slice(0, 3)]",
            );
            assert!(
                wide[0].as_u64() <= wide[1].as_u64(),
                "{view} at {width}: {wide:#}"
            );
            assert_eq!(wide[2], serde_json::json!([]), "{view} at {width}");
            assert_eq!(faint(browser), serde_json::json!([]), "{view} in {colours}");
            browser.picture(&pictures.join(format!("{name}-{width}-{colours}.png")));
        }
    }
    browser.look(1440, "light");
}

/// Words that do not stand out from what is behind them by 4.5 to 1, as WCAG AA wants it.
fn faint(browser: &Browser) -> Value {
    browser.run(
        "const channels = (colour) => { const it = colour.match(/[\\d.]+/g).map(Number); return { rgb: it.slice(0, 3), alpha: it[3] ?? 1 }; };
         const light = ([r, g, b]) => { const part = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }; return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b); };
         const probe = document.body.appendChild(document.createElement('i'));
         probe.style.color = 'var(--paper)';
         const paper = channels(getComputedStyle(probe).color).rgb;
         probe.remove();
         const behind = (it) => { for (let at = it; at; at = at.parentElement) { const { rgb, alpha } = channels(getComputedStyle(at).backgroundColor); if (alpha === 1) return rgb; } return paper; };
         const faint = [];
         for (const it of document.querySelectorAll('main *, .side *')) {
           if (!it.checkVisibility() || it.closest('.unseen, .mark, option, select')) continue;
           if (![...it.childNodes].some((node) => node.nodeType === 3 && node.nodeValue.trim())) continue;
           const style = getComputedStyle(it);
           const ink = light(channels(it instanceof SVGElement ? style.fill : style.color).rgb);
           const ground = light(behind(it));
           const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
           if (ratio < 4.5) faint.push(it.textContent.slice(0, 40) + ': ' + ratio.toFixed(2));
         }
         return [...new Set(faint)]",
    )
}

fn asks_nobody_else(browser: &Browser, origin: &str) {
    assert_eq!(browser.run("return globalThis.broken"), serde_json::json!([]));
    let bad: Vec<Value> = browser
        .log("browser")
        .into_iter()
        .filter(|it| it["level"] != "INFO" && it["level"] != "DEBUG")
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let mut asked = 0;
    for entry in browser.log("performance") {
        let message: Value = serde_json::from_str(of(&entry, "message")).expect("JSON");
        let message = &message["message"];
        if message["method"] == "Network.requestWillBeSent" {
            let url = of(&message["params"]["request"], "url");
            assert!(url.starts_with(origin), "{url}");
            asked += 1;
        }
    }
    assert!(asked > 20, "{asked}");
}

fn says_that_it_is_disconnected(browser: &Browser, devnet: &mut Devnet) {
    open(browser, "overview");
    devnet.stop();
    browser
        .until("return document.querySelector('#banner [role=alert]')?.textContent.includes('Disconnected')");
    assert_eq!(
        browser.run("return document.querySelector('#link').innerText.trim()"),
        "Disconnected"
    );
    // What was known is still there, and said to be old.
    assert!(text(browser).contains("What is shown is of"), "{}", text(browser));
}
