//! `timeseries.csv`: a line per second, and every line with a field for each name of the head.

use crate::runs;

/// The fields of each line; quotes are undone.
fn table(csv: &str) -> Vec<Vec<String>> {
    let fields = |line: &str| {
        let (mut fields, mut quoted) = (vec![String::new()], false);
        for letter in line.chars() {
            match letter {
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                letter => fields.last_mut().expect("there is a field").push(letter),
            }
        }
        fields
    };
    csv.lines().map(fields).collect()
}

#[test]
fn each_second_has_a_line_and_each_column_its_unit() {
    let results = runs::passed();
    let table = table(&bigchaindb_reports::timeseries(&results));
    assert_eq!(
        table[0].join(" "),
        "second length_s requested sent accepted decided backlog undecided_blocks p50_ms p95_ms \
         p99_ms p99_7_ms max_ms invalid_blocks votes_n1 votes_n2 votes_n3 votes_n4"
    );
    assert_eq!(table.len(), results.measures.seconds.len() + 1);
    let at = |second: usize, name: &str| {
        let column = table[0].iter().position(|other| other == name).unwrap();
        table[second + 1][column].as_str()
    };
    let second = &results.measures.seconds[20];
    assert_eq!(at(20, "requested"), second.requested.to_string());
    let p50_us = second.decided_latency.as_ref().unwrap().p50_us;
    assert_eq!(at(20, "p50_ms").parse::<f64>().unwrap() * 1e3, p50_us as f64);
    assert_eq!((at(0, "p50_ms"), at(20, "invalid_blocks"), at(15, "votes_n2")), ("", "1", "0"));
}

#[test]
fn no_name_breaks_a_line_or_a_column() {
    for results in [runs::failed(), runs::hostile(), runs::empty()] {
        let table = table(&bigchaindb_reports::timeseries(&results));
        for line in &table {
            assert_eq!(line.len(), table[0].len(), "{line:?}");
        }
    }
    let mut results = runs::passed();
    results.votes.as_mut().unwrap().nodes[1].node = "a,\"b\nc".into();
    let csv = bigchaindb_reports::timeseries(&results);
    let head = csv.lines().next().unwrap();
    assert!(head.contains(",votes_n1,\"votes_a,\"\"b c\",votes_n3,"), "{head}");
}
