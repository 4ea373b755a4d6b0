//! What happens, to whoever waits for it: server-sent events.

use std::{fmt::Write as _, time::Duration};

use hyper::body::Bytes;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::interval,
};

use super::body::Body;
use crate::{
    api::{EventPage, Request},
    node::Handle,
};

/// How often the node is asked.
const LOOK: Duration = Duration::from_millis(400);
/// After how many looks without news it is said that there are none: the other side sees that it is still connected, and
/// a connection that is gone is noticed.
const QUIET: u32 = 25;
/// Parts that may wait to be sent.
const PARTS: usize = 4;

/// All events after a number, as they come, until nobody reads them any more or the node stops.
pub(super) fn follow(node: Handle, after: u64, permit: OwnedSemaphorePermit) -> Body {
    let (send, parts) = mpsc::channel(PARTS);
    tokio::spawn(async move {
        tell(node, after, send).await;
        drop(permit);
    });
    Body::Coming(parts)
}

async fn tell(node: Handle, mut after: u64, send: mpsc::Sender<Bytes>) {
    let mut looks = interval(LOOK);
    let mut quiet = 0;
    // Headers are sent with the first bytes.
    if send.send(Bytes::from_static(b"retry: 2000\n\n")).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = send.closed() => return,
        }
        let page = node.ask(Request::Events { after }).await.ok();
        let Some(page) = page.and_then(|page| serde_json::from_value::<EventPage>(page).ok()) else {
            return;
        };
        let text = text(&page);
        after = page.next;
        quiet = if text.is_empty() { quiet + 1 } else { 0 };
        let text = match text {
            text if !text.is_empty() => text,
            _ if quiet >= QUIET => {
                quiet = 0;
                ": nothing new\n\n".to_owned()
            }
            _ => continue,
        };
        if send.send(Bytes::from(text)).await.is_err() {
            return;
        }
    }
}

/// Events in the format of the stream. JSON has no line breaks of its own.
fn text(page: &EventPage) -> String {
    page.events.iter().fold(String::new(), |mut text, event| {
        let data = serde_json::to_string(event).expect("plain data");
        let _ = write!(text, "id: {}\ndata: {data}\n\n", event.number);
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{NodeEvent, What};
    use nonos_types::{JobId, Timestamp};

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let failed = What::Failed {
            job: JobId::ZERO,
            reason: "a\n\ndata: {\"event\":\"stop\"}\r\nb".to_owned(),
        };
        let event = NodeEvent {
            number: 7,
            at: Timestamp::new(1),
            role: None,
            what: failed,
        };
        let page = EventPage {
            next: 7,
            events: vec![event],
        };
        let text = text(&page);
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[0], "id: 7");
        let data = lines[1].strip_prefix("data: ").expect("data");
        let back: NodeEvent = serde_json::from_str(data).expect("an event");
        assert!(matches!(back.what, What::Failed { reason, .. } if reason.contains("\n\ndata: ")));
        assert_eq!(lines[2..], ["", ""]);
    }
}
