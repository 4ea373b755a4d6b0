use super::*;

/// Places, keys and whole texts of all that is wrong.
fn wrong(text: &str) -> Vec<(usize, usize, String, String)> {
    let errors = Config::check(text).expect_err(text);
    let told = |it: ConfigError| {
        let said = it.to_string();
        (it.line, it.column, it.key.unwrap_or_default(), said)
    };
    errors.into_iter().map(told).collect()
}

#[track_caller]
fn one(text: &str, place: (usize, usize), key: &str, words: &[&str]) {
    let all = wrong(text);
    let [(line, column, of, said)] = &all[..] else {
        panic!("{text}: {all:?}");
    };
    assert_eq!(((*line, *column), of.as_str()), (place, key), "{said}");
    for words in words {
        assert!(said.contains(words), "`{words}` is not in: {said}");
    }
}

#[test]
fn every_mistake_is_told_with_its_place_and_in_their_order() {
    let text = "network = 7\n[limits]\ncpu = 0\ndisc = \"20GB\"\n\n[executor]\nenabled = \"yes\"\nmax_fuell = 1\n\
                [miner]\nx = 1\n[directory]\nmost = 0\n";
    let places: Vec<_> = wrong(text)
        .into_iter()
        .map(|(line, column, key, _)| (line, column, key))
        .collect();
    let expected = [
        (1, 11, "network"),
        (3, 7, "limits.cpu"),
        (4, 1, "limits.disc"),
        (7, 11, "executor.enabled"),
        (8, 1, "executor.max_fuell"),
        (9, 2, "miner"),
        (12, 8, "directory.most"),
    ];
    assert_eq!(
        places,
        expected.map(|(line, column, key)| (line, column, key.to_owned()))
    );
}

#[test]
fn of_very_many_mistakes_a_hundred_are_told() {
    let keys: String = (0..2 * MOST).map(|it| format!("zzz{it} = 1\n")).collect();
    assert_eq!(wrong(&keys).len(), MOST);
    let lines: String = (0..2 * MOST).map(|it| format!("zzz{it}\n")).collect();
    assert_eq!(wrong(&lines).len(), MOST);
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_one() {
    one(
        "[limits]\ndisc = \"20GB\"\n",
        (2, 1),
        "limits.disc",
        &["unknown field `disc`;", "did you mean `disk`?"],
    );
    one("pears = []\n", (1, 1), "pears", &["did you mean `peers`?"]);
    one(
        "[excutor]\nenabled = true\n",
        (1, 2),
        "excutor",
        &["did you mean `executor`?"],
    );
    one(
        "[settlement.evm]\nrpc = \"x\"\nchain_id = 1\nconfirmation = 2\n",
        (4, 1),
        "settlement.evm.confirmation",
        &["did you mean `confirmations`?"],
    );
}

#[test]
fn a_key_of_another_table_is_told_where_it_belongs() {
    one(
        "[executor]\nquiet_hours = []\n",
        (2, 1),
        "executor.quiet_hours",
        &["is a key under [limits]"],
    );
    one(
        "[limits]\nbrake_peers = 4\n",
        (2, 1),
        "limits.brake_peers",
        &["stands above the first table"],
    );
    one(
        "[limits]\nzzz = 4\n",
        (2, 1),
        "limits.zzz",
        &["remove it", "operator config default"],
    );
}

#[test]
fn a_wrong_type_or_size_is_told_with_a_value_as_it_should_be() {
    one(
        "[executor]\nmax_fuel = \"much\"\n",
        (2, 12),
        "executor.max_fuel",
        &["invalid type", "`max_fuel = 1073741823`"],
    );
    one(
        "[limits]\ndisk = \"1MB\"\n",
        (2, 8),
        "limits.disk",
        &["too little", "`disk = \"20GB\"`"],
    );
    one(
        "limits = 1\n",
        (1, 10),
        "limits",
        &["invalid type", "operator config default"],
    );
    one(
        "[settlement.evm]\nrpc = \"x\"\n",
        (1, 1),
        "settlement.evm",
        &["missing field `chain_id`"],
    );
    one(
        "[limits]\nquiet_hours = [\"22:00-06:00\", \"x\"]\n",
        (2, 15),
        "limits.quiet_hours",
        &["no hours of a day"],
    );
}

#[test]
fn what_is_no_toml_is_told_with_its_place() {
    let all = wrong("network = nonos\n[limits\n");
    assert_eq!(all.iter().map(|it| it.0).collect::<Vec<_>>(), [1, 2], "{all:?}");
    assert!(all[0].3.contains("in quotes"), "{all:?}");
    one(
        "network = \"a\"\nnetwork = \"b\"\n",
        (2, 1),
        "",
        &["duplicate key"],
    );
}

#[test]
fn addresses_nobody_can_be_reached_at_are_told() {
    let address = |text: &str, words: &str| {
        one(
            &format!("peers = [\"{text}\"]\n"),
            (1, 9),
            "peers",
            &[text, words],
        )
    };
    address("192.0.2.7:4710", "not a multiaddr");
    address("/dns4/example.org/tcp/4710", "asks no DNS");
    address("/ip4/192.0.2.7", "no way to a node");
    address("/ip4/192.0.2.7/udp/4710", "no way to a node");
    address("/ip4/192.0.2.7/tcp/4710/ws", "goes on");
    one(
        "listen = [\"x\"]\n",
        (1, 10),
        "listen",
        &["not a multiaddr", "/ip4/192.0.2.7/tcp/4710"],
    );
    let two = "listen = [\"/ip4/1.2.3.4/tcp/1\", \"/ip4/1.2.3.4/tcp/1\"]\n";
    one(two, (1, 10), "listen", &["named twice"]);
    let peer = "12D3KooWD3bfmNbuuuTfd8MwZmRk5CzMYqcdUYTuvJJ5wxQtQZpn";
    for good in [
        "/ip6/::1/udp/4710/quic-v1".to_owned(),
        format!("/ip4/192.0.2.7/tcp/4710/p2p/{peer}"),
    ] {
        Config::parse(&format!("peers = [\"{good}\"]\n")).expect("an address");
    }
}

#[test]
fn a_port_is_taken_once() {
    let text = |listen: &str, page: &str| format!("listen = [\"{listen}\"]\n[http]\nlisten = \"{page}\"\n");
    let clash =
        |listen: &str, page: &str| one(&text(listen, page), (3, 10), "http.listen", &["another port"]);
    clash("/ip4/0.0.0.0/tcp/4780", "127.0.0.1:4780");
    clash("/ip4/127.0.0.1/tcp/4780", "127.0.0.1:4780");
    clash("/ip6/::/tcp/4780", "[::1]:4780");
    for (listen, page) in [
        ("/ip4/0.0.0.0/udp/4780/quic-v1", "127.0.0.1:4780"),
        ("/ip4/127.0.0.2/tcp/4780", "127.0.0.1:4780"),
        ("/ip4/0.0.0.0/tcp/0", "127.0.0.1:0"),
        ("/ip4/0.0.0.0/tcp/4780", "auto"),
    ] {
        Config::parse(&text(listen, page)).expect("no clash");
    }
}

#[test]
fn what_would_leave_nothing_is_told() {
    for (text, key) in [
        ("award_timeout_s = 0", "award_timeout_s"),
        ("[directory]\nmost = 0", "directory.most"),
        ("[directory]\nof_prefix = 0", "directory.of_prefix"),
        ("[verifier]\nqueue = 0", "verifier.queue"),
        ("network = \" \"", "network"),
    ] {
        let all = wrong(text);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all[0].2, key);
        Config::parse(&text.replace('0', "1").replace("\" \"", "\"x\"")).expect("enough");
    }
}

#[test]
fn values_that_contradict_each_other_are_told() {
    let text = "[executor]\nenabled = false\n[roles]\nexecutor = \"on\"\n";
    one(text, (4, 12), "roles.executor", &["contradicts", "remove one"]);
    let text = "[settlement]\nanchor = \"evm\"\n";
    one(text, (2, 10), "settlement.anchor", &["needs [settlement.evm]"]);
    let text = "[settlement]\nthreshold = 2\n";
    one(text, (2, 13), "settlement.threshold", &["more than there are"]);
}
