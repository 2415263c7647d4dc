//! A comparison in words, from one written by hand.

use bigchaindb_simulator::compare::{
    Answer, Change, Compared, Comparison, Difference, Figure, Side,
};

fn side(runs: usize, void: usize) -> Side {
    Side { runs, void, calibration: None }
}

fn likely() -> Comparison {
    let compared = |figure, baseline, program, change: Option<[f64; 3]>, answer| Compared {
        figure,
        baseline,
        program,
        change: change.map(|[estimate, low, high]| Change { estimate, low, high }),
        answer,
    };
    Comparison {
        scenario: "one *node*".into(),
        backend: "local".into(),
        exact: false,
        program: side(5, 1),
        baseline: side(5, 0),
        figures: vec![
            compared(Figure::Throughput, 499.96, 500.04, Some([0.0, -0.004, 0.004]), Answer::Same),
            compared(
                Figure::LatencyP50,
                12_100.0,
                13_310.0,
                Some([0.1, 0.081, 0.121]),
                Answer::Worse,
            ),
            compared(
                Figure::LatencyP99,
                41_000.0,
                43_000.0,
                Some([0.05, -0.08, 0.19]),
                Answer::Unclear,
            ),
            compared(Figure::ProcessorTime, 812.0, 700.0, None, Answer::Unclear),
        ],
        differences: Vec::new(),
        caveats: vec!["the machines differ, in bytes hashed a second: 3 and 4".into()],
        threshold: 0.05,
        answer: Answer::Unclear,
    }
}

#[test]
fn a_comparison_reads_well_in_a_pull_request() {
    insta::assert_snapshot!(bigchaindb_reports::gate(&likely()));
}

#[test]
fn differences_of_exact_runs_are_listed_and_the_rest_is_counted() {
    let difference = |seed| Difference {
        seed,
        what: "latency.decided.p99_us".into(),
        baseline: "1".into(),
        program: "2".into(),
        answer: Answer::Worse,
    };
    let exact = |differences: Vec<Difference>| Comparison {
        exact: true,
        figures: Vec::new(),
        differences,
        caveats: Vec::new(),
        threshold: 0.0,
        answer: Answer::Same,
        ..likely()
    };
    let many = bigchaindb_reports::gate(&exact((0..45).map(difference).collect()));
    assert_eq!(many.matches("latency.decided.p99").count(), 40, "{many}");
    assert!(many.contains("- and 5 more differences\n"), "{many}");
    let none = bigchaindb_reports::gate(&exact(Vec::new()));
    assert!(none.contains("- nothing that is measured is different\n"), "{none}");
    assert!(!none.contains("|---"), "{none}");
}
