use nonos_types::{CapsuleHash, InputDigest};

use super::*;

const MOST: ByteLen = ByteLen::new(10 << 20);

fn node(number: u8) -> NodeId {
    NodeId::from_bytes([number; 32])
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i / 5 % 253) as u8).collect()
}

fn input(bytes: &[u8]) -> Object {
    Object::Input(InputDigest::hash(&[bytes]))
}

/// Does what is asked, by what each peer would answer; `None` where it does not.
fn serve(download: &mut Download, answer: impl Fn(&Ask) -> Option<Answer>) -> Vec<Ask> {
    let mut all = vec![];
    for _ in 0..1000 {
        let asks = download.asks();
        if asks.is_empty() {
            break;
        }
        for ask in asks {
            match (&ask, answer(&ask)) {
                (Ask::Outline { from }, Some(Answer::Outline(outline))) => download.outline(*from, outline),
                (Ask::Group { from, index, .. }, Some(Answer::Bytes(bytes))) => {
                    download.group(*from, *index, bytes);
                }
                _ => download.failed(&ask),
            }
            all.push(ask);
        }
    }
    all
}

enum Answer {
    Outline(Outline),
    Bytes(Vec<u8>),
}

fn honest(object: Object, bytes: &[u8], ask: &Ask) -> Option<Answer> {
    Some(match ask {
        Ask::Outline { .. } => Answer::Outline(object.outline(bytes)?),
        Ask::Group { range, .. } => Answer::Bytes(bytes.get(range.clone())?.to_vec()),
    })
}

fn from(ask: &Ask) -> NodeId {
    match ask {
        Ask::Outline { from } | Ask::Group { from, .. } => *from,
    }
}

#[test]
fn takes_an_object_from_all_who_have_it_each_group_once() {
    let bytes = bytes(3_000_000);
    let object = input(&bytes);
    let mut download = Download::new(object, MOST, (1..=4).map(node));
    let asks = serve(&mut download, |ask| honest(object, &bytes, ask));
    assert_eq!(download.finished().as_deref(), Some(&bytes[..]));
    let groups = asks.iter().filter(|it| matches!(it, Ask::Group { .. })).count();
    assert_eq!(groups, 12);
    let given: Vec<_> = download.given().collect();
    assert_eq!(given.len(), 4, "{given:?}");
    assert_eq!(given.iter().map(|(_, it)| it.get()).sum::<u64>(), 3_000_000);
}

#[test]
fn asks_so_much_at_a_time_of_one_and_of_all() {
    let bytes = bytes(8_000_000);
    let object = input(&bytes);
    let mut download = Download::new(object, MOST, (1..=9).map(node));
    assert_eq!(download.asks().len(), 9, "outlines");
    assert_eq!(download.asks(), []);
    let outline = object.outline(&bytes).expect("long enough");
    download.outline(node(1), outline.clone());
    let asks = download.asks();
    assert_eq!(asks.len(), Download::OF_ONE);
    for number in 2..=9 {
        download.outline(node(number), outline.clone());
    }
    assert_eq!(download.asks().len(), Download::AT_ONCE - Download::OF_ONE);
    assert_eq!(download.asks(), []);
    let Ask::Group { index, range, from } = &asks[0] else {
        panic!("a group")
    };
    assert!(
        download
            .group(*from, *index, bytes[range.clone()].to_vec())
            .is_some()
    );
    assert_eq!(download.asks().len(), 1);
}

#[test]
fn who_gives_other_bytes_is_asked_no_more_and_nothing_of_it_is_kept() {
    let bytes = bytes(3_000_000);
    let object = input(&bytes);
    let mut download = Download::new(object, MOST, (1..=3).map(node));
    serve(&mut download, |ask| match ask {
        Ask::Group { from, range, .. } if *from == node(2) => Some(Answer::Bytes(vec![9; range.len()])),
        _ => honest(object, &bytes, ask),
    });
    assert_eq!(download.dropped(), [(node(2), Dropped::WrongBytes)]);
    assert_eq!(download.finished().as_deref(), Some(&bytes[..]));
    assert!(download.given().all(|(from, _)| from != node(2)));
}

#[test]
fn who_says_something_else_of_it_is_not_believed() {
    let (bytes, other) = (bytes(3_000_000), vec![7; 3_000_000]);
    let object = input(&bytes);
    let long = vec![7; 11 << 20];
    let mut download = Download::new(object, MOST, (1..=4).map(node));
    serve(&mut download, |ask| match (ask, from(ask)) {
        (Ask::Outline { .. }, it) if it == node(1) => Some(Answer::Outline(object.outline(&other)?)),
        (Ask::Outline { .. }, it) if it == node(2) => Some(Answer::Outline(object.outline(&long)?)),
        (Ask::Outline { .. }, it) if it == node(3) => None,
        _ => honest(object, &bytes, ask),
    });
    let too_long = Dropped::TooLong {
        len: ByteLen::from(long.len()),
        most: MOST,
    };
    let expected = [
        (node(1), Dropped::WrongOutline),
        (node(2), too_long),
        (node(3), Dropped::Silent),
    ];
    assert_eq!(download.dropped(), expected);
    assert_eq!(download.finished().as_deref(), Some(&bytes[..]));
}

#[test]
fn who_does_not_answer_is_asked_three_times() {
    let bytes = bytes(3_000_000);
    let object = input(&bytes);
    let mut download = Download::new(object, MOST, [node(1)]);
    let asks = serve(&mut download, |ask| match ask {
        Ask::Outline { .. } => honest(object, &bytes, ask),
        Ask::Group { .. } => None,
    });
    let groups = asks.iter().filter(|it| matches!(it, Ask::Group { .. })).count();
    assert!((3..=4).contains(&groups), "{groups}");
    assert_eq!(download.dropped(), [(node(1), Dropped::Silent)]);
    assert!(download.is_hopeless() && download.finished().is_none());
}

#[test]
fn goes_on_where_it_was_and_believes_nothing_that_was_damaged() {
    let bytes = bytes(3_000_000);
    let object = input(&bytes);
    let outline = object.outline(&bytes).expect("long enough");
    let group = |index: usize| (index, bytes[outline.group(index)].to_vec());
    let mut damaged = group(5);
    damaged.1[0] ^= 1;
    let mut download = Download::new(object, MOST, [node(1)]);
    download.resume(outline.clone(), [group(0), group(3), damaged, (99, vec![])]);
    let asks = serve(&mut download, |ask| honest(object, &bytes, ask));
    let groups = asks.iter().filter(|it| matches!(it, Ask::Group { .. })).count();
    assert_eq!(groups, 10);
    assert_eq!(download.finished().as_deref(), Some(&bytes[..]));
    // An outline that is not the object's is not taken up at all.
    let mut download = Download::new(input(b"other"), MOST, [node(1)]);
    download.resume(outline.clone(), [group(0)]);
    assert_eq!(download.known_outline(), None);
}

/// Of an object of one group an outline says the length only: whoever lies about it holds up nobody for long.
#[test]
fn a_lie_about_the_length_of_a_short_object_is_found_out() {
    let bytes = bytes(1000);
    let object = input(&bytes);
    let mut download = Download::new(object, MOST, (1..=3).map(node));
    serve(&mut download, |ask| match (ask, from(ask)) {
        (Ask::Outline { .. }, it) if it == node(1) => Some(Answer::Outline(object.outline(&[7; 999])?)),
        _ => honest(object, &bytes, ask),
    });
    assert_eq!(download.finished().as_deref(), Some(&bytes[..]));
    let empty = input(b"");
    let mut download = Download::new(empty, MOST, [node(1)]);
    serve(&mut download, |ask| honest(empty, b"", ask));
    assert_eq!(download.finished(), Some(vec![]));
}

/// Its first group would be waited for in vain.
#[test]
fn a_lie_that_a_long_object_is_short_gives_way_to_what_can_be_checked() {
    let bytes = bytes(600_000);
    let object = input(&bytes);
    let mut download = Download::new(object, MOST, (1..=2).map(node));
    download.asks();
    download.outline(node(1), object.outline(&[7; 999]).expect("short"));
    assert_eq!(download.asks().iter().map(from).collect::<Vec<_>>(), [node(1)]);
    download.outline(node(2), object.outline(&bytes).expect("long enough"));
    let groups = download
        .asks()
        .into_iter()
        .filter(|it| matches!(it, Ask::Group { .. }));
    assert_eq!(groups.map(|it| from(&it)).collect::<Vec<_>>(), [node(2); 2]);
}

/// A package's last 64 bytes are not covered by its name: whoever gave bad ones gives way.
#[test]
fn an_end_that_is_refused_is_fetched_from_another() {
    for len in [1000, 600_000] {
        let mut bytes = bytes(len);
        let object = Object::Capsule(CapsuleHash::hash(&[&bytes]));
        bytes.extend([1; 64]);
        let mut forged = bytes.clone();
        forged[len] = 0;
        let mut download = Download::new(object, MOST, (1..=2).map(node));
        let answer = |ask: &Ask| {
            let bytes = if from(ask) == node(1) { &forged } else { &bytes };
            honest(object, bytes, ask)
        };
        for _ in 0..3 {
            serve(&mut download, answer);
            if download.finished().is_some_and(|it| it != bytes) {
                download.refuse_end();
            }
        }
        assert_eq!(download.finished().as_deref(), Some(&bytes[..]), "{len}");
    }
}

#[test]
fn what_was_not_asked_for_is_not_taken() {
    let bytes = bytes(600_000);
    let object = input(&bytes);
    let mut download = Download::new(object, MOST, [node(1)]);
    let outline = object.outline(&bytes).expect("long enough");
    assert!(
        download
            .group(node(1), 0, bytes[outline.group(0)].to_vec())
            .is_none()
    );
    download.outline(node(9), outline.clone());
    assert_eq!(download.known_outline(), None, "it is none of the peers");
    download.outline(node(1), outline);
    assert!(download.group(node(9), 0, vec![]).is_none());
}

#[test]
fn a_line_that_is_too_slow_for_many_groups_is_asked_for_one_at_a_time() {
    let bytes = bytes(20 << 18);
    let object = input(&bytes);
    let mut download = Download::new(object, MOST, (1..=4).map(node));
    for ask in download.asks() {
        let Ask::Outline { from } = ask else {
            panic!("not yet")
        };
        download.outline(from, object.outline(&bytes).expect("it has one"));
    }
    let all = download.asks();
    assert_eq!(all.len(), Download::AT_ONCE);
    all.iter().for_each(|ask| download.failed(ask));
    assert_eq!(download.dropped(), [], "each has failed twice, with all others");
    for at_once in 1..=Download::AT_ONCE {
        let asks = download.asks();
        // One more with each that comes: it, and one for it.
        assert_eq!(asks.len(), if at_once == 1 { 1 } else { 2 }, "{at_once}");
        let Ask::Group { from, index, range } = &asks[0] else {
            panic!("all have said what they have")
        };
        assert!(
            download
                .group(*from, *index, bytes[range.clone()].to_vec())
                .is_some()
        );
    }
    // No more than at the start.
    assert_eq!(download.asks().len(), 1);
}
