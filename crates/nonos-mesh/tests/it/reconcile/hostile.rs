//! Peers that do not reconcile. What they do in each test is all that is wrong with it.

use nonos_mesh::core::reconcile::{
    Answer, Ask, Found, Initiator, Limits, Responder, Said, Step, Summary, Unsound, Window,
};
use nonos_types::{ByteLen, Fault, Kind, MessageId, Timestamp};

use super::{ALL, KIND, name, summary};

const VERSION: u8 = 0x61;

fn ours() -> Summary {
    summary((0..1000).map(|n| name(0, n)))
}

fn begin(summary: &Summary) -> (Initiator, Ask) {
    Initiator::begin(summary, KIND, ALL, Limits::ROUND)
}

fn frame(bytes: Vec<u8>) -> Answer {
    Answer {
        kind: KIND,
        said: Said::Frame(bytes),
    }
}

/// One range to the end of time, with these names in it.
fn list(ids: &[MessageId]) -> Vec<u8> {
    let count = ids.len();
    let len = match count {
        0..0x80 => vec![count as u8],
        _ => vec![0x80 | (count >> 7) as u8, (count & 0x7f) as u8],
    };
    let ids: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
    [&[VERSION, 0, 0, 2], &len[..], &ids].concat()
}

/// To this many seconds after the first of our messages.
fn bound(seconds: u64) -> Vec<u8> {
    let time = name(0, 0).0.get() + seconds + 1;
    let mut bytes: Vec<u8> = (0..5).rev().map(|at| 0x80 | (time >> (7 * at)) as u8).collect();
    bytes[4] &= 0x7f;
    bytes.push(0);
    bytes
}

/// In the range to there these messages, and in all that follows it something else than was said.
fn part(seconds: u64, ids: &[MessageId]) -> Vec<u8> {
    let ids = list(ids);
    [
        &[VERSION][..],
        &bound(seconds),
        &ids[3..],
        &[0, 0, 1],
        &[seconds as u8; 16],
    ]
    .concat()
}

/// What an honest peer with other messages answers first.
fn honest(ask: &Ask) -> Answer {
    let theirs = summary((500..1500).map(|n| name(0, n)));
    Responder::new(ask).answer(&theirs, ask).expect("sound")
}

#[test]
fn garbage_is_refused() {
    let ours = ours();
    for garbage in [&b"garbage"[..], &[], &[0xff; 100]] {
        // No bytes at all are an ask without a kind.
        let why = match garbage {
            [] => Unsound::WrongKind { expected: None },
            _ => Unsound::Malformed,
        };
        assert_eq!(Answer::from_bytes(garbage), Err(why), "{garbage:02x?}");
        assert_eq!(Ask::from_bytes(garbage), Err(why), "{garbage:02x?}");
    }
    // Within a frame.
    let (mut initiator, _) = begin(&ours);
    assert_eq!(
        initiator.hear(&ours, &frame(b"garbage".to_vec())),
        Err(Unsound::Malformed)
    );
    assert_eq!(
        Answer::from_bytes(&frame(b"garbage".to_vec()).to_bytes()),
        Err(Unsound::Malformed)
    );
    assert_eq!(Unsound::Malformed.fault(), Fault::Peer);
}

#[test]
fn a_frame_that_ends_too_early_is_refused() {
    let ours = ours();
    let (_, ask) = begin(&ours);
    let Said::Frame(whole) = honest(&ask).said else {
        panic!("nothing is forgotten");
    };
    let (mut truncated, mut sound) = (0, 0);
    for len in 0..whole.len() {
        let answer = frame(whole[..len].to_vec());
        match begin(&ours).0.hear(&ours, &answer) {
            Err(error) => {
                assert_eq!(error, Unsound::Truncated, "{len}");
                assert_eq!(Answer::from_bytes(&answer.to_bytes()), Err(Unsound::Truncated));
                truncated += 1;
            }
            // Ended between two ranges: what is left out, equals.
            Ok(_) => sound += 1,
        }
    }
    assert!(truncated > 10 * sound && sound > 0, "{truncated}, {sound}");
    // And outside of the frame.
    let bytes = honest(&ask).to_bytes();
    for len in 1..bytes.len() {
        assert!(Answer::from_bytes(&bytes[..len]).is_err(), "{len}");
    }
}

#[test]
fn a_frame_that_is_too_long_is_refused() {
    let limit = Limits::FRAME;
    let most = usize::try_from(limit.get()).expect("small");
    let ids: Vec<_> = (0..most as u64 / 32).map(|n| name(7, n).1).collect();
    let long = list(&ids);
    let actual = ByteLen::from(long.len());
    assert!(actual > limit);
    let ours = ours();
    let (mut initiator, _) = begin(&ours);
    assert_eq!(
        initiator.hear(&ours, &frame(long.clone())),
        Err(Unsound::Oversize { limit, actual })
    );
    assert_eq!(
        begin(&ours)
            .0
            .hear(&ours, &frame(list(&ids[1..])))
            .map(|(found, _)| found.need.len()),
        Ok(ids.len() - 1)
    );

    let limit = Limits::MESSAGE;
    let actual = ByteLen::new(limit.get() + 1);
    let bytes = vec![0; limit.get() as usize + 1];
    assert_eq!(
        Answer::from_bytes(&bytes),
        Err(Unsound::Oversize { limit, actual })
    );
    assert_eq!(Ask::from_bytes(&bytes), Err(Unsound::Oversize { limit, actual }));
}

#[test]
fn another_kind_than_was_asked_for_is_refused() {
    let ours = ours();
    let (mut initiator, ask) = begin(&ours);
    let expected = Some(KIND);
    let mut answer = honest(&ask);
    answer.kind = Kind::Verdict;
    assert_eq!(
        initiator.hear(&ours, &answer),
        Err(Unsound::WrongKind { expected })
    );

    let (_, other) = Initiator::begin(&ours, Kind::Verdict, ALL, Limits::ROUND);
    let refused = Responder::new(&ask).answer(&ours, &other);
    assert_eq!(refused, Err(Unsound::WrongKind { expected }));

    // Claims are not reconciled at all.
    let (_, claims) = Initiator::begin(&ours, Kind::Claim, ALL, Limits::ROUND);
    let refused = Ask::from_bytes(&claims.to_bytes());
    assert_eq!(refused, Err(Unsound::WrongKind { expected: None }));
}

#[test]
fn another_time_than_was_begun_with_is_refused() {
    let ours = ours();
    let (_, ask) = begin(&ours);
    let until = Timestamp::new(1_700_000_100);
    let (_, other) = Initiator::begin(&ours, KIND, Window { until, ..ALL }, Limits::ROUND);
    let refused = Responder::new(&ask).answer(&ours, &other);
    assert_eq!(refused, Err(Unsound::WrongWindow));
}

/// It says that what it was sent differs, and never what it has.
#[test]
fn a_peer_that_finds_everything_different_is_cut_off_when_it_leads_to_the_same_ask() {
    let ours = ours();
    let (mut initiator, _) = begin(&ours);
    let differs = [&[VERSION, 0, 0, 1][..], &[9; 16]].concat();
    assert_eq!(initiator.hear(&ours, &frame(differs)), Err(Unsound::NoProgress));
}

/// It asks something else each time, and never comes to an end.
#[test]
fn a_peer_that_asks_forever_is_cut_off() {
    let (_, ask) = begin(&ours());
    let theirs = summary((0..10).map(|n| name(3, n)));
    let mut responder = Responder::new(&ask);
    let mut bytes = ask.to_bytes();
    let mut answers = 0;
    let refused = (0_u8..).find_map(|n| {
        *bytes.last_mut().expect("a fingerprint") = n;
        let ask = Ask::from_bytes(&bytes).expect("sound");
        let refused = responder.answer(&theirs, &ask).err();
        answers += u32::from(refused.is_none());
        refused
    });
    let limit = Limits::ASKS;
    assert_eq!(
        (refused, answers),
        (Some(Unsound::TooManyFrames { limit }), limit)
    );
}

/// The same, but each time it narrows something down.
#[test]
fn a_peer_that_narrows_down_and_never_says_what_it_has_is_cut_off() {
    let ours = ours();
    let (mut initiator, _) = begin(&ours);
    let mut answers = 0;
    let refused = (1_u8..).find_map(|n| {
        answers += 1;
        let differs = [&[VERSION], &bound(n.into())[..], &[1], &[n; 16]].concat();
        initiator.hear(&ours, &frame(differs)).err()
    });
    assert_eq!((refused, answers), (Some(Unsound::NoProgress), Limits::IDLE));
}

/// In each answer it names one more message, and that all else differs.
#[test]
fn a_peer_that_goes_on_in_drops_is_cut_off() {
    let ours = ours();
    let (mut initiator, _) = begin(&ours);
    let mut answers = 0;
    let refused = (0_u64..).find_map(|n| {
        answers += 1;
        initiator.hear(&ours, &frame(part(n, &[name(8, n).1]))).err()
    });
    let limit = Limits::ASKS;
    assert_eq!(
        (refused, answers),
        (Some(Unsound::TooManyFrames { limit }), limit)
    );
}

/// As long as frames are full, they are bounded by the bytes of a round; that is nobody's fault.
#[test]
fn a_peer_that_goes_on_in_floods_is_heard_no_longer_than_a_round() {
    let ours = ours();
    let (mut initiator, _) = begin(&ours);
    let mut bytes = 0;
    for n in 0.. {
        let ids: Vec<_> = (0..8000).map(|it| name(n, it).1).collect();
        let answer = frame(part(n, &ids));
        bytes += answer.to_bytes().len() as u64;
        let (found, step) = initiator.hear(&ours, &answer).expect("sound");
        assert_eq!(found.need.len(), 8000);
        if step == Step::Cut {
            break;
        }
    }
    assert!(bytes <= Limits::ROUND.get() && bytes > Limits::ROUND.get() - 2 * Limits::MESSAGE.get());
}

#[test]
fn names_are_found_once_however_often_they_are_said() {
    let ours = ours();
    let (mut initiator, _) = begin(&ours);
    let id = name(8, 0).1;
    let (found, _) = initiator.hear(&ours, &frame(part(1, &[id, id]))).expect("sound");
    assert_eq!(found.need, [id]);
    let (found, _) = initiator.hear(&ours, &frame(part(2, &[id]))).expect("sound");
    assert_eq!(found.need, []);
}

#[test]
fn a_floor_is_moved_once_and_only_up() {
    let ours = ours();
    let floor = |seconds| Answer {
        kind: KIND,
        said: Said::Floor(Timestamp::new(seconds)),
    };
    let (mut initiator, _) = begin(&ours);
    assert_eq!(initiator.hear(&ours, &floor(0)), Err(Unsound::NoProgress));
    let (mut initiator, _) = begin(&ours);
    let (_, step) = initiator.hear(&ours, &floor(1_700_000_010)).expect("sound");
    let Step::Ask(ask) = step else {
        panic!("it begins again")
    };
    assert_eq!(ask.window.from, Timestamp::new(1_700_000_010));
    assert_eq!(
        initiator.hear(&ours, &floor(1_700_000_020)),
        Err(Unsound::NoProgress)
    );
    let window = Window {
        from: Timestamp::new(1_700_000_100),
        ..ALL
    };
    let (mut initiator, _) = Initiator::begin(&ours, KIND, window, Limits::ROUND);
    assert_eq!(
        initiator.hear(&ours, &floor(1_700_000_099)),
        Err(Unsound::NoProgress)
    );
    // A floor at the end of time leaves nothing to reconcile.
    let (mut initiator, _) = begin(&ours);
    let (_, step) = initiator.hear(&ours, &floor(u64::MAX)).expect("sound");
    let Step::Ask(ask) = step else {
        panic!("it begins again")
    };
    let answer = Responder::new(&ask).answer(&ours, &ask).expect("sound");
    assert_eq!(initiator.hear(&ours, &answer), Ok((Found::default(), Step::Done)));
}

/// No peer is hostile here: what one forgets while the other asks is no reason to stop.
#[test]
fn a_floor_that_rises_between_two_asks_ends_nothing() {
    let ours = ours();
    let (mut initiator, ask) = begin(&ours);
    let mut theirs = Summary::new(1100);
    for n in 0..1100 {
        let (at, id) = name(u64::from(n > 900), n);
        theirs.insert_name(KIND, at, id);
    }
    let mut responder = Responder::new(&ask);
    let answer = responder.answer(&theirs, &ask).expect("sound");
    let (_, step) = initiator.hear(&ours, &answer).expect("sound");
    let Step::Ask(ask) = step else {
        panic!("they differ")
    };
    let (at, id) = name(0, 2000);
    theirs.insert_name(KIND, at, id);
    assert!(theirs.floor(KIND) > ALL.from);
    let answer = responder.answer(&theirs, &ask).expect("sound");
    assert!(matches!(answer.said, Said::Frame(_)), "{answer:?}");
    assert!(initiator.hear(&ours, &answer).is_ok());
}

#[test]
fn what_was_not_asked_for_is_not_heard() {
    let ours = summary([]);
    let (mut initiator, ask) = begin(&ours);
    let answer = Responder::new(&ask).answer(&ours, &ask).expect("sound");
    assert_eq!(initiator.hear(&ours, &answer), Ok((Found::default(), Step::Done)));
    assert_eq!(initiator.hear(&ours, &answer), Err(Unsound::Unasked));
}

#[test]
fn an_ask_that_asks_nothing_is_refused() {
    let ours = ours();
    let (_, ask) = begin(&ours);
    let bytes = ask.to_bytes();
    let at = bytes.iter().position(|it| *it == VERSION).expect("a frame");
    // `frame` is the last field: its tag and length are before it.
    let empty = [&bytes[..at - 3], &[0x22, 1, VERSION]].concat();
    assert_eq!(Ask::from_bytes(&empty), Err(Unsound::NoProgress));
}
