//! The page, attacked from the same machine: by other sites' pages in the operator's browser, and by other programs.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::Duration,
};

use nonos_node::{
    Conduct, Config, Http, HttpListen, Link, LinkError, MetricsAccess, Node,
    api::{CapsuleList, JobList, Request, Status},
};
use nonos_types::Timestamp;

use crate::mesh::{Mesh, ask, capsule, publish, submission, submit};

/// Longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

struct Page {
    mesh: Mesh,
    node: Node,
    at: SocketAddr,
    token: String,
}

/// An answer: status, head, body.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// Asserts that it refuses for this reason.
    #[track_caller]
    fn refused(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let body: serde_json::Value = serde_json::from_str(&self.body).expect("JSON");
        assert_eq!(body["error"]["code"], code, "{self:?}");
        self.guarded();
    }

    /// Asserts that a browser is told to be careful.
    #[track_caller]
    fn guarded(&self) {
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self';",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(self.head.contains(header), "{header}: {self:?}");
        }
        assert!(!self.head.contains("access-control-"), "{self:?}");
    }

    fn json(&self) -> serde_json::Value {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.body).expect("JSON")
    }
}

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "links are made by the machine's clock")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::new(since.expect("after 1970").as_secs())
}

impl Page {
    async fn new() -> Self {
        Self::with(Http {
            listen: "127.0.0.1:0".parse().expect("an address"),
            ..Http::default()
        })
        .await
    }

    async fn with(http: Http) -> Self {
        let mesh = Mesh::new();
        let set = |config: Config| Config { http, ..config };
        let node = mesh
            .start_set("node", &[], Conduct::Honest, set)
            .await
            .expect("it starts");
        let at = node.page().expect("it has a page");
        let token = fs::read_to_string(mesh.path("node/run/http-token")).expect("a token");
        let token = token.trim().to_owned();
        Self {
            mesh,
            node,
            at,
            token,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Sends bytes, and reads what comes until the other side ends it.
    async fn raw(&self, bytes: impl Into<Vec<u8>>) -> Answer {
        let (mut stream, bytes) = (self.connect(), bytes.into());
        let read = tokio::task::spawn_blocking(move || {
            // Whoever is refused may be cut off while it still sends.
            let _cut = stream.write_all(&bytes);
            let mut text = Vec::new();
            if let Err(error) = stream.read_to_end(&mut text) {
                let waits = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
                assert!(!waits.contains(&error.kind()), "the other side does not end it");
            }
            String::from_utf8(text).expect("UTF-8")
        });
        let text = read.await.expect("no panic");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.get(9..12).and_then(|it| it.parse().ok()).unwrap_or(0);
        Answer {
            status,
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    /// A request with these headers besides a good host.
    async fn ask(&self, method: &str, target: &str, headers: &[&str]) -> Answer {
        let host = format!("Host: {}", self.at);
        self.ask_as(&host, method, target, headers, "").await
    }

    async fn ask_as(&self, host: &str, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
        let mut text = format!("{method} {target} HTTP/1.1\r\n{host}\r\nConnection: close\r\n");
        for header in headers {
            text.push_str(header);
            text.push_str("\r\n");
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.raw(format!("{text}\r\n{body}")).await
    }

    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }

    /// The code of a fresh link.
    fn code(&self, nonce: u8) -> String {
        let link = Link::new(&self.mesh.path("node"), [nonce; 16], now()).expect("a link");
        let (page, code) = link.url().split_once("/#").expect("a fragment");
        assert_eq!(page, format!("http://{}", self.at));
        code.to_owned()
    }

    async fn session(&self, headers: &[&str], code: &str) -> Answer {
        let host = format!("Host: {}", self.at);
        self.ask_as(&host, "POST", "/session", headers, code).await
    }
}

impl Page {
    async fn stop(self) {
        self.node.shutdown().await;
    }
}

fn rights(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_its_owners_and_another_at_each_start() {
    let page = Page::new().await;
    assert_eq!(page.token.len(), 64);
    for name in ["http-token", "http-address"] {
        assert_eq!(rights(&page.mesh.path(&format!("node/run/{name}"))), 0o600);
    }
    let status = page.ask("GET", "/api/status", &[&page.bearer()]).await;
    status.guarded();
    assert_eq!(status.json()["id"], page.node.id().to_string());
    let Page {
        mesh, node, token, ..
    } = page;
    node.shutdown().await;
    assert!(!mesh.path("node/run/http-token").exists());
    let refused = Link::new(&mesh.path("node"), [1; 16], now()).expect_err("no node");
    assert!(matches!(refused, LinkError::NoPage { .. }), "{refused}");
    let again = mesh.start("node", &[], Conduct::Honest).await;
    let other = fs::read_to_string(mesh.path("node/run/http-token")).expect("a token");
    assert_ne!(other.trim(), token);
    again.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_not_this_nodes_are_refused_even_with_the_token() {
    let page = Page::new().await;
    let token = page.bearer();
    for host in [
        "Host: rebound.example".to_owned(),
        format!("Host: rebound.example:{}", page.at.port()),
        "Host: 127.0.0.1".to_owned(),
        format!("Host: {0}\r\nHost: {0}", page.at),
        "X-No-Host: at all".to_owned(),
    ] {
        for target in ["/", "/api/status", "/metrics"] {
            let answer = page.ask_as(&host, "GET", target, &[&token], "").await;
            answer.refused(421, "host");
        }
    }
    let named = format!("Host: localhost:{}", page.at.port());
    assert_eq!(
        page.ask_as(&named, "GET", "/api/status", &[&token], "")
            .await
            .status,
        200
    );
    let absolute = format!("http://{}/api/status", page.at);
    page.ask("GET", &absolute, &[&token]).await.refused(400, "target");
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_are_refused_even_with_the_token() {
    let page = Page::new().await;
    let token = page.bearer();
    for origin in [
        "http://evil.example",
        "null",
        &format!("http://127.0.0.1:{}", page.at.port() ^ 1),
    ] {
        let origin = format!("Origin: {origin}");
        page.ask("GET", "/api/status", &[&token, &origin])
            .await
            .refused(403, "origin");
        page.session(&[&origin], &page.code(1))
            .await
            .refused(403, "origin");
    }
    for site in ["cross-site", "same-site", "none"] {
        let site = format!("Sec-Fetch-Site: {site}");
        page.ask("GET", "/api/status", &[&token, &site])
            .await
            .refused(403, "site");
        page.ask("GET", "/api/events", &[&token, &site])
            .await
            .refused(403, "site");
    }
    let included = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"];
    page.ask("GET", "/main.js", &included).await.refused(403, "site");
    // Asked beforehand whether another site may: nobody says that it may.
    let preflight = [
        "Origin: http://evil.example",
        "Access-Control-Request-Method: GET",
    ];
    page.ask("OPTIONS", "/api/status", &preflight)
        .await
        .refused(405, "method");
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_see_the_page_and_nothing_of_the_node() {
    let page = Page::new().await;
    let wrong = format!("Authorization: Bearer {}", "0".repeat(64));
    for target in [
        "/api/status",
        "/api/peers",
        "/api/jobs",
        "/api/ledger",
        "/api/trust",
        "/api/roles",
        "/api/profile",
        "/api/capsules",
        "/api/events",
        "/metrics",
    ] {
        page.ask("GET", target, &[]).await.refused(401, "stranger");
        page.ask("GET", target, &[&wrong]).await.refused(401, "stranger");
    }
    for target in ["/", "/api/status", "/api/events", "/metrics"] {
        let asked = format!("{target}?token={}", page.token);
        page.ask("GET", &asked, &[]).await.refused(400, "target");
    }
    let shown = page.ask("GET", "/", &[]).await;
    assert_eq!(shown.status, 200);
    shown.guarded();
    assert!(!shown.body.contains(&page.node.id().to_string()));
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_a_session_once_and_only_for_the_page_itself() {
    let page = Page::new().await;
    let own = format!("Origin: http://{}", page.at);
    page.session(&[], &page.code(1)).await.refused(403, "origin");
    page.session(&[&own], "not a code").await.refused(403, "link");
    page.session(&[&own], &page.token).await.refused(403, "link");

    let code = page.code(2);
    let opened = page.session(&[&own], &code).await;
    let key = opened.json()["key"].as_str().expect("a key").to_owned();
    let (_, cookie) = opened.head.split_once("set-cookie: ").expect("a cookie");
    let cookie = cookie.lines().next().expect("a line");
    assert!(
        cookie.ends_with("; httponly; samesite=strict; path=/"),
        "{cookie}"
    );
    let cookie = format!("Cookie: {}", cookie.split(';').next().expect("a value"));
    let key = format!("X-Nonos-Key: {key}");
    assert_eq!(page.ask("GET", "/api/status", &[&cookie, &key]).await.status, 200);
    // The cookie goes to whatever listens on this address; without the key it opens nothing.
    page.ask("GET", "/api/status", &[&cookie])
        .await
        .refused(401, "stranger");
    page.ask("GET", "/api/status", &[&key])
        .await
        .refused(401, "stranger");

    page.session(&[&own], &code).await.refused(403, "link");
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_there_but_what_is_listed_and_by_no_other_method() {
    let page = Page::new().await;
    let token = page.bearer();
    for target in [
        "/../keys/node.key",
        "/%2e%2e/%2e%2e/keys/node.key",
        "/..%2fkeys/node.key",
        "//run/http-token",
        "/run/http-token",
        "/api/../run/http-token",
        "/api/stop",
        "/api/publish",
        "/api/invite",
        "/config.toml",
    ] {
        page.ask("GET", target, &[&token]).await.refused(404, "path");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        for target in ["/", "/api/status", "/api/events", "/metrics"] {
            page.ask(method, target, &[&token]).await.refused(405, "method");
        }
    }
    page.ask("GET", "/session", &[&token])
        .await
        .refused(405, "method");
    let overridden = [token.as_str(), "X-HTTP-Method-Override: POST"];
    assert_eq!(page.ask("GET", "/api/status", &overridden).await.status, 200);
    let head = page.ask("HEAD", "/api/status", &[&token]).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let unknown = format!("/api/job/{}", "0".repeat(64));
    assert_eq!(page.ask("GET", &unknown, &[&token]).await.status, 404);
    // It runs on.
    let _: Status = ask(&page.node, Request::Status).await;
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_refused_before_it_is_read() {
    let page = Page::new().await;
    let own = format!("Origin: http://{}", page.at);
    let long = format!("X-Long: {}", "a".repeat(9 << 10));
    assert_eq!(page.ask("GET", "/", &[&long]).await.status, 431);
    let many: Vec<String> = (0..60).map(|it| format!("X-{it}: a")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(page.ask("GET", "/", &many).await.status, 431);
    let target = format!("/{}", "a".repeat(9 << 10));
    let status = page.ask("GET", &target, &[]).await.status;
    assert!([414, 431].contains(&status), "{status}");
    page.session(&[&own], &"a".repeat(257)).await.refused(413, "long");
    let endless = format!(
        "POST /session HTTP/1.1\r\nHost: {}\r\n{own}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{}",
        page.at,
        "40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n".repeat(5)
    );
    page.raw(endless).await.refused(413, "long");
    // Two lengths, and two kinds of length: what one reader takes for a second request, another does not.
    for lengths in [
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: 1, 2",
        "Content-Length: +1",
    ] {
        let text = format!(
            "POST /session HTTP/1.1\r\nHost: {}\r\n{own}\r\n{lengths}\r\n\r\nab",
            page.at
        );
        assert_eq!(page.raw(text).await.status, 400, "{lengths}");
    }
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_finish_a_request_is_cut_off() {
    let page = Page::new().await;
    let own = format!("Origin: http://{}", page.at);
    let head = format!("GET / HTTP/1.1\r\nHost: {}\r\nX-Slow: ", page.at);
    let body = format!(
        "POST /session HTTP/1.1\r\nHost: {}\r\n{own}\r\nContent-Length: 20\r\nConnection: close\r\n\r\nab",
        page.at
    );
    let (nothing, head, body) = tokio::join!(page.raw(""), page.raw(head), page.raw(body));
    assert_eq!((nothing.status, head.status), (0, 0));
    body.refused(408, "slow");
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_all_connections_keeps_nobody_out_for_long() {
    let page = Page::new().await;
    let held: Vec<TcpStream> = (0..64).map(|_| page.connect()).collect();
    assert_eq!(
        page.ask("GET", "/api/status", &[&page.bearer()]).await.status,
        200
    );
    drop(held);
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_as_they_happen_to_a_few_at_a_time() {
    let page = Page::new().await;
    let request = format!(
        "GET /api/events HTTP/1.1\r\nHost: {}\r\n{}\r\n\r\n",
        page.at,
        page.bearer()
    );
    let mut waiting = Vec::new();
    for _ in 0..16 {
        let mut stream = page.connect();
        stream.write_all(request.as_bytes()).expect("it listens");
        let mut begun = [0; 12];
        stream.read_exact(&mut begun).expect("it answers");
        assert_eq!(&begun, b"HTTP/1.1 200");
        waiting.push(stream);
    }
    // Not by `ask`: what is not refused does not end.
    let mut stream = page.connect();
    stream.write_all(request.as_bytes()).expect("it listens");
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).expect("it answers");
    assert_eq!(&begun, b"HTTP/1.1 503");
    let other = page
        .mesh
        .start(
            "other",
            &crate::mesh::addresses(&page.node).await,
            Conduct::Honest,
        )
        .await;
    let mut stream = waiting.pop().expect("there are some");
    let heard = tokio::task::spawn_blocking(move || {
        let (mut text, mut part) = (String::new(), [0; 4096]);
        while !text.contains("\"event\":\"connected\"") {
            let len = stream.read(&mut part).expect("it goes on");
            assert_ne!(len, 0, "{text}");
            text.push_str(std::str::from_utf8(&part[..len]).expect("UTF-8"));
        }
        text
    });
    let text = heard.await.expect("no panic");
    assert!(
        text.to_lowercase().contains("content-type: text/event-stream"),
        "{text}"
    );
    assert!(text.contains(&other.id().to_string()), "{text}");
    // Who is gone makes room for another.
    drop(waiting);
    let mut answer = 503;
    while answer != 200 {
        let mut stream = page.connect();
        stream.write_all(request.as_bytes()).expect("it listens");
        let mut begun = [0; 12];
        stream.read_exact(&mut begun).expect("it answers");
        answer = std::str::from_utf8(&begun[9..])
            .expect("UTF-8")
            .parse()
            .expect("a status");
    }
    other.shutdown().await;
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_who_has_the_token_unless_they_are_open() {
    let page = Page::new().await;
    let metrics = page.ask("GET", "/metrics", &[&page.bearer()]).await;
    assert_eq!(metrics.status, 200);
    assert!(
        metrics.head.contains("content-type: text/plain; version=0.0.4"),
        "{}",
        metrics.head
    );
    assert!(
        metrics.body.contains("\nnonos_peers_connected 0\n"),
        "{}",
        metrics.body
    );
    page.ask("GET", "/metrics", &[]).await.refused(401, "stranger");
    let again = page.ask("GET", "/metrics", &[&page.bearer()]).await;
    assert!(
        again
            .body
            .contains("nonos_http_refused_total{reason=\"stranger\"} 1\n"),
        "{}",
        again.body
    );
    let open = Page::with(Http {
        listen: "127.0.0.1:0".parse().expect("an address"),
        metrics: MetricsAccess::Open,
    })
    .await;
    assert_eq!(open.ask("GET", "/metrics", &[]).await.status, 200);
    open.ask("GET", "/api/status", &[]).await.refused(401, "stranger");
    let foreign = ["Origin: http://evil.example"];
    open.ask("GET", "/metrics", &foreign).await.refused(403, "origin");
    page.stop().await;
    open.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn capsules_and_the_newest_jobs_are_listed_without_their_inputs() {
    let page = Page::new().await;
    let capsule_hash = publish(&page.node).await;
    let first = submit(&page.node, submission(capsule_hash, 1, 0)).await;
    let list: CapsuleList = ask(&page.node, Request::Capsules).await;
    assert_eq!((list.total, list.capsules.len()), (1, 1));
    let shown = &list.capsules[0];
    assert_eq!(
        (shown.capsule, shown.name.as_deref(), shown.own),
        (capsule_hash, Some("double"), true)
    );
    assert_eq!(shown.bytes.get(), capsule().len() as u64);
    let jobs = page.ask("GET", "/api/jobs", &[&page.bearer()]).await;
    let jobs: JobList = serde_json::from_value(jobs.json()).expect("a list");
    assert_eq!((jobs.total, jobs.jobs.len()), (1, 1));
    assert_eq!((jobs.jobs[0].job, jobs.jobs[0].input_hex.as_ref()), (first, None));
    submit(&page.node, submission(capsule_hash, 2, 0)).await;
    let newest: JobList = ask(&page.node, Request::RecentJobs { most: 1 }).await;
    assert_eq!((newest.total, newest.jobs.len()), (2, 1));
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_an_error_only_if_it_was_asked_for() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = taken.local_addr().expect("an address");
    let mesh = Mesh::new();
    let start = |listen: HttpListen| {
        let http = Http {
            listen,
            ..Http::default()
        };
        mesh.start_set("node", &[], Conduct::Honest, move |config| Config {
            http,
            ..config
        })
    };
    let error = start(HttpListen::At(at)).await.expect_err("it is taken");
    assert!(error.to_string().contains(&at.to_string()), "{error}");
    // Somebody may have the usual one, too.
    let usual = TcpListener::bind(("127.0.0.1", Http::PORT));
    let auto = start(HttpListen::Auto).await.expect("it starts");
    let page = auto.page().expect("it has a page");
    assert!(page.ip().is_loopback());
    if usual.is_ok() {
        assert_ne!(page.port(), Http::PORT);
    }
    auto.shutdown().await;
    let off = start(HttpListen::Off).await.expect("it starts");
    assert_eq!(off.page(), None);
    assert!(!mesh.path("node/run/http-token").exists());
    off.shutdown().await;
}
