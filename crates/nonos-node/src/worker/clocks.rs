//! What an operator is told of clocks.

use nonos_mesh::core::{Budgets, Skew};

use crate::api::ClockView;

/// For programs.
pub(super) fn view(skew: &Skew) -> ClockView {
    ClockView {
        heard: skew.heard,
        agree: skew.agree,
        is_known: skew.own.is_some(),
        off_by: skew.own.filter(|_| skew.is_off()).map(|it| it.to_string()),
    }
}

/// Peers that are named.
const NAMED: usize = 3;

/// Warnings, in words, with what to do.
pub(super) fn warnings(skew: &Skew) -> Vec<String> {
    let (window, mut warnings) = (Budgets::WINDOW / 60, Vec::new());
    if let Some(own) = skew.own.filter(|_| skew.is_off()) {
        warnings.push(format!(
            "this machine's clock is {own} those of {} of {} peers: set it (`date`, or an NTP client). Messages that are more than \
             {window} min off are dropped, here those of others, there this node's",
            skew.agree, skew.heard
        ));
        // By its own clock all others look wrong.
        return warnings;
    }
    for (peer, offset) in skew.strange.iter().take(NAMED) {
        let whose = match skew.own {
            Some(_) => "its operator should set it",
            None => "one of the two is wrong, and too few peers were heard, or do not agree, to tell which",
        };
        warnings.push(format!(
            "the clock of peer {peer} is {offset} this machine's: {whose}"
        ));
    }
    let more = skew.strange.len().saturating_sub(NAMED);
    if more > 0 {
        warnings.push(format!(
            "the clocks of {more} more peers differ from this machine's"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nonos_mesh::core::{Came, Clocks, Way};
    use nonos_types::{NodeId, Timestamp};

    use super::*;

    /// What is told where the clocks of peers are so far ahead of this one.
    fn told(offsets: &[i64]) -> Vec<String> {
        let mut clocks = Clocks::default();
        let (now, running) = (Timestamp::new(1_800_000_000), Duration::from_secs(60));
        for (seed, ahead) in offsets.iter().enumerate() {
            let peer = NodeId::from_bytes([seed as u8; 32]);
            clocks.connected(peer, Way::Outbound);
            let at = now.get().checked_add_signed(*ahead).expect("a time");
            clocks.heard(peer, Timestamp::new(at), Came::Gossiped, now, running);
        }
        warnings(&clocks.skew(running))
    }

    #[test]
    fn a_node_whose_clock_is_wrong_is_told_by_how_much_and_what_to_do() {
        let told = told(&[-900, -900, -899, -901, -900, -1800, 0]);
        assert_eq!(told.len(), 1, "{told:?}");
        for words in [
            "15 min ahead of those of 5 of 7 peers",
            "set it (`date`",
            "more than 40 min off",
        ] {
            assert!(told[0].contains(words), "{told:?}");
        }
    }

    #[test]
    fn others_are_told_whose_clock_is_wrong() {
        let told = told(&[0, 0, 0, 900]);
        let peer = NodeId::from_bytes([3; 32]);
        let expected =
            format!("the clock of peer {peer} is 15 min ahead of this machine's: its operator should set it");
        assert_eq!(told, [expected]);
    }

    #[test]
    fn where_it_cannot_be_told_who_is_wrong_both_may_be() {
        let told = told(&[-900]);
        assert_eq!(told.len(), 1);
        assert!(
            told[0].contains("15 min behind this machine's: one of the two is wrong"),
            "{told:?}"
        );
    }

    #[test]
    fn where_all_agree_nothing_is_told_and_of_many_a_few_are_named() {
        assert!(told(&[0, -5, 60, -60]).is_empty());
        let told = told(&[0, 0, 0, 0, 0, 0, 300, 400, 500, 600, 700]);
        assert_eq!(told.len(), 4);
        assert!(told[3].starts_with("the clocks of 2 more peers"), "{told:?}");
    }
}
