//! What there is: the files of the page, and what may be asked of the node from a browser. Nothing here changes anything.

use hyper::Uri;

use super::guard::Refusal;
use crate::api::{Request, SettleAsk};

/// Jobs in a list; the page says how many there are.
const JOBS: u16 = 200;

/// What a path names.
#[derive(Clone, Debug)]
pub(super) enum Route {
    File(&'static File),
    Session,
    Read(Box<Request>),
    Events { after: u64 },
    Metrics,
}

/// A file of the page.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) kind: &'static str,
    pub(super) bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($path:literal $kind:ident $file:literal),* $(,)?) => {
        /// All of them, compiled in.
        pub(super) const FILES: &[File] = &[$(File {
            path: $path,
            kind: $kind,
            bytes: include_bytes!(concat!("page/", $file)),
        }),*];
    };
}

files! {
    "/" HTML "index.html",
    "/style.css" CSS "style.css",
    "/icon.svg" ICON "icon.svg",
    "/main.js" SCRIPT "main.js",
    "/api.js" SCRIPT "api.js",
    "/dom.js" SCRIPT "dom.js",
    "/format.js" SCRIPT "format.js",
    "/graph.js" SCRIPT "graph.js",
    "/overview.js" SCRIPT "overview.js",
    "/mesh.js" SCRIPT "mesh.js",
    "/jobs.js" SCRIPT "jobs.js",
    "/capsules.js" SCRIPT "capsules.js",
    "/trust.js" SCRIPT "trust.js",
    "/ledger.js" SCRIPT "ledger.js",
    "/limits.js" SCRIPT "limits.js",
    "/events.js" SCRIPT "events.js",
}

const ICON: &str = "image/svg+xml";

/// What a request is about.
pub(super) fn route(uri: &Uri) -> Result<Route, Refusal> {
    let (path, query) = (uri.path(), uri.query());
    if path == "/api/events" {
        let after = match query {
            None => 0,
            Some(query) => (query.strip_prefix("after="))
                .filter(|number| number.len() <= 20 && number.bytes().all(|it| it.is_ascii_digit()))
                .and_then(|number| number.parse().ok())
                .ok_or(Refusal::Target)?,
        };
        return Ok(Route::Events { after });
    }
    // A secret in a query would be in histories and logs.
    if query.is_some() {
        return Err(Refusal::Target);
    }
    match path {
        "/session" => return Ok(Route::Session),
        "/metrics" => return Ok(Route::Metrics),
        _ => {}
    }
    if let Some(file) = FILES.iter().find(|it| it.path == path) {
        return Ok(Route::File(file));
    }
    let asked = path.strip_prefix("/api/").and_then(read);
    asked.map(|it| Route::Read(Box::new(it))).ok_or(Refusal::Path)
}

/// The questions of [`Request`] that a browser may ask.
fn read(path: &str) -> Option<Request> {
    Some(match path.split_once('/') {
        None => match path {
            "status" => Request::Status,
            "peers" => Request::Peers,
            "jobs" => Request::RecentJobs { most: JOBS },
            "ledger" => Request::Ledger,
            "trust" => Request::Trust,
            "roles" => Request::Roles,
            "profile" => Request::Profile,
            "capsules" => Request::Capsules,
            "settlement" => Request::Settle {
                ask: SettleAsk::Status,
            },
            _ => return None,
        },
        Some(("job", job)) => Request::Job {
            job: job.parse().ok()?,
        },
        Some(("explain", node)) => Request::Explain {
            node: node.parse().ok()?,
        },
        Some(("why-not", about)) if about.len() == 64 && about.bytes().all(|it| it.is_ascii_hexdigit()) => {
            Request::WhyNot {
                about: about.to_owned(),
            }
        }
        Some(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str) -> Result<Route, Refusal> {
        route(&uri.parse().expect("a target"))
    }

    #[test]
    fn nothing_that_changes_anything_can_be_asked() {
        let name = "0".repeat(64);
        let mut methods = Vec::new();
        for path in [
            "status",
            "peers",
            "jobs",
            "ledger",
            "trust",
            "roles",
            "profile",
            "capsules",
            "settlement",
            "job",
            "explain",
            "why-not",
        ] {
            for path in [format!("/api/{path}"), format!("/api/{path}/{name}")] {
                if let Ok(Route::Read(request)) = of(&path) {
                    let method = serde_json::to_value(&request).expect("plain data")["method"].clone();
                    methods.push(method.as_str().expect("a name").to_owned());
                }
            }
        }
        let whitelist = [
            "status",
            "peers",
            "recent-jobs",
            "ledger",
            "trust",
            "roles",
            "profile",
            "capsules",
            "settle",
            "job",
            "explain",
            "why-not",
        ];
        assert_eq!(methods, whitelist);
        let Ok(Route::Read(settlement)) = of("/api/settlement") else {
            panic!("not read");
        };
        let status = matches!(
            *settlement,
            Request::Settle {
                ask: SettleAsk::Status
            }
        );
        assert!(status, "{settlement:?}");
        for path in [
            "stop",
            "submit",
            "publish",
            "cancel",
            "unblock",
            "avoid",
            "join",
            "invite",
            "messages",
            "verify-ledger",
            "export-bundle",
            "import-bundle",
            "bundle",
            "evidence",
            "message",
        ] {
            for path in [format!("/api/{path}"), format!("/api/{path}/{name}")] {
                assert_eq!(of(&path).err(), Some(Refusal::Path), "{path}");
            }
        }
    }

    #[test]
    fn what_is_not_listed_is_not_there() {
        for path in [
            "/index.html",
            "//",
            "/./",
            "/../keys/node.key",
            "/%2e%2e/keys/node.key",
            "/style.css/",
            "/api",
            "/api/",
            "/api//status",
            "/api/status/",
            "/api/../status",
            "/API/status",
            "/api/job/",
            "/api/job/xyz",
            "/api/job/../status",
            "/api/why-not/a",
            "/run/http-token",
            "/etc/passwd",
            "/main.js%00",
        ] {
            assert_eq!(of(path).err(), Some(Refusal::Path), "{path}");
        }
    }

    #[test]
    fn no_query_is_understood_but_where_events_go_on() {
        for path in [
            "/?token=abc",
            "/api/status?token=abc",
            "/metrics?x",
            "/session?code=a",
            "/?",
            "/nowhere?a",
        ] {
            assert_eq!(of(path).err(), Some(Refusal::Target), "{path}");
        }
        assert!(matches!(
            of("/api/events?after=17"),
            Ok(Route::Events { after: 17 })
        ));
        assert!(matches!(of("/api/events"), Ok(Route::Events { after: 0 })));
        for query in [
            "after=",
            "after=-1",
            "after=1&token=a",
            "token=a",
            "after=99999999999999999999",
            "after=+1",
        ] {
            assert_eq!(
                of(&format!("/api/events?{query}")).err(),
                Some(Refusal::Target),
                "{query}"
            );
        }
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        for file in FILES {
            let text = std::str::from_utf8(file.bytes).expect("text");
            for foreign in [
                "https://",
                "//cdn",
                "@import",
                "eval(",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "<script>",
                "style=\"",
                "onclick=",
            ] {
                assert!(!text.contains(foreign), "{}: {foreign}", file.path);
            }
            let addresses = text.matches("http://").count();
            let allowed = text.matches("http://www.w3.org/2000/svg").count();
            assert_eq!(addresses, allowed, "{}", file.path);
        }
    }
}
