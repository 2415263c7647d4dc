//! Each checker on lawful and unlawful histories, near misses included.

use std::sync::Arc;

use bigchaindb_core::model::Direct;
use bigchaindb_simulator::checkers::{Judgement, Outcome, Settings, judge};

use super::history::{history, history_under};

/// One that everybody is content with: the beginning of most histories below.
const LAWFUL: &str = "
    create a b; post a@1; post b@2; block A@1 a; list A; vote A vvv.; drop a;
    transfer c a.0; post c@3; block B@2 b c; list B; vote B vvvv; drop b; drop c;
    say 1 A valid; say 2 A valid; pass 31; probe 1 a valid; probe 4 c valid; dump; end";

/// invariant | what it says | the history, which begins with nothing but genesis.
///
/// `fail` is followed by a part of the first violation's sentence. `+` stands for [`LAWFUL`]
/// without its end.
const CASES: &str = "
    S1 | pass | create a; transfer b a.0; transfer c b.0; block A@1 a; list A; vote A vvvv; block B@1 b c; list B; vote B vvvv
    S1 | fail is spent by | create a; transfer b a.0; transfer c a.0; block A@1 a b; list A; vote A vvv.; block B@2 c; list B; vote B vvv.
    S1 | fail is spent by | create a; transfer b a.0; transfer c a.0; block A@1 a b c; list A; vote A vvv.
    S1 | pass | create a; transfer b a.0; transfer c a.0; block A@1 a b; list A; vote A vvv.; block B@2 c; list B; vote B iii.        # the loser's block is invalid
    S1 | pass | create a; transfer b a.0; transfer c a.0; block A@1 a b; list A; vote A vvv.; block B@2 c; list B; vote B vv..        # or not decided
    S1 | pass | create a; transfer b a.0; block A@1 a b; list A; vote A vvv.; block B@2 b; list B; vote B vvv.                        # the same one twice is S2's
    S1 | fail is spent twice by | create a; transfer b a.0 a.0; block A@1 a b; list A; vote A vvv.
    S1 | fail output 0 of | create a; transfer b a.0; transfer c a.-1; block A@1 a b c; list A; vote A vvv.                           # one output by two names
    S1 | pass | create a!two; transfer b a.0; transfer c a.1; block A@1 a b c; list A; vote A vvv.
    S1 | n/a  | create a; block A@1 a; list A; vote A vvv.

    S2 | pass | create a b; block A@1 a; block B@1 b; list A; list B; vote A vvv.; vote B vvv.
    S2 | fail in 2 VALID blocks | create a; block A@1 a; block B@2 a; list A; list B; vote A vvv.; vote B vvv.
    S2 | pass | create a b; block A@1 a b; block B@2 a; list A; list B; vote A iii.; vote B vvv.                                      # tried again
    S2 | fail twice in one VALID block | create a; block A@1 a a; list A; vote A vvv.
    S2 | pass | create a b; block A@1 a a; list A; vote A iii.; block B@1 b; list B; vote B vvv.
    S2 | fail 2 blocks that are not INVALID | create a; block A@1 a; block B@2 a; list A; list B; vote A vvv.; vote B v...; pass 31; end
    S2 | unknown | create a; block A@1 a; block B@2 a; list A; list B; vote A vvv.; vote B v...; pass 29; end
    S2 | unknown | create a; block A@1 a; block B@2 a; list A; list B; vote A vvv.; vote B v...; pass 31                              # no end: who knows what followed

    S3 | pass | create a; block A@1 a; list A; vote A vvv.
    S3 | fail its id is not its hash | create a; block A!id@1 a; list A; vote A vvv.
    S3 | fail its signature is not its author's | create a; block A!unsigned@1 a; list A; vote A vvv.
    S3 | fail its author is not of the federation | create a; block A@9 a; list A; vote A vvv.
    S3 | fail its voters are not the federation | create a; block A!voters@1 a; list A; vote A vvv.
    S3 | pass | create a; block A!voters@1 a; list A; vote A v...                                                                     # the author's word is not enough
    S3 | fail is not its hash | create a!id; block A@1 a; list A; vote A vvv.
    S3 | fail it holds no transaction | block A@1; list A; vote A vvv.
    S3 | fail twice | create a; block A@1 a a; list A; vote A vvv.
    S3 | fail is spent twice | create a; transfer b a.0; transfer c a.0; block A@1 a b c; list A; vote A vvv.
    S3 | fail has not one fulfillment and one condition | create a!two; block A@1 a; list A; vote A vvv.
    S3 | pass | create a!id; block A!unsigned@9 a; list A; vote A iii.                                                                # rubbish is lawful while it is invalid

    S5 | pass | create a; block A@1 a; list A; vote A vvii
    S5 | fail n1 voted twice | create a; block A@1 a; list A; vote A vvv.; vote A r...
    S5 | pass | create a b; block A@1 a; block B@1 b; list A; list B; vote A v...; vote B v...
    S5 | pass | create a; block A@1 a; list A; vote A bvv.                                                                            # rubbish under the first key is no vote
    S5 | pass | create a; block A@1 a; list A; vote A xvv.
    S5 | pass | create a; block A@1 a; list A; vote A rvv.                                                                            # under a strange key, but once
    S5 | fail n2 voted twice | create a; block A@1 a; list A; vote A .v..; vote A .j..

    S6 | pass | create a b; block A@1 a; block B@1 b; list A; list B; vote A vvvv; vote B vvvi
    S6 | fail n4 names elsewhere before | create a; block A@1 a; list A; vote A vvvw
    S6 | fail n1 names | create a b; block A@1 a; block B@1 b; list A; list B; vote A vvv.; vote B>G vvv.                             # skipped one
    S6 | pass | create a b; block A@1 a; block B@1 b; list A; list A; list B; vote A vvv.; vote B>A vvv.                              # repeats are ignored
    S6 | pass | create a b c; block A@1 a; block B@1 b; block C@1 c; list A; list B; list A; list C; vote C>B vvv.
    S6 | fail the list has | create a b c; block A@1 a; block B@1 b; block C@1 c; list A; list B; list A; list C; vote C>A vvv.
    S6 | pass | create a; block A@1 a; vote A>G v...; list A; vote A .vv.                                                             # feeds may race
    S6 | fail which is not in the list | create a; block A@1 a; vote A>G v...
    S6 | unknown | create a b; block A@1 a; block B@1 b; list B=2; vote B>A v...                                                      # a gap: who comes before?
    S6 | pass | create a; block A@1 a; list A; vote A>A xm..; vote A ..v.                                                             # what is no good vote does not matter

    S8 | pass | create a; block A@1 a; list A; vote A v...; vote A .v..; vote A ..vi
    S8 | fail was valid and is undecided | create a; block A@1 a; list A; vote A vvv.; unvote A 2
    S8 | pass | create a; block A@1 a; list A; vote A vvvv; unvote A 2
    S8 | fail was valid and is undecided | create a; block A@1 a; list A; vote A vvv.; delete A
    S8 | fail was valid and is undecided | create a; block A@1 a; list A; vote A vvv.; lose A; dump; end
    S8 | pass | create a; block A@1 a; list A; vote A vvv.; dump; end
    S8 | fail n2 said block | create a; block A@1 a; list A; vote A vvv.; say 2 A invalid; say 2 A valid
    S8 | pass | create a; block A@1 a; list A; vote A vvv.; say 2 A valid; say 3 A valid; say 2 A valid                               # said again after a restart

    S9 | pass | + ; pass 31; probe 2 b valid; end
    S9 | fail n2 says | + ; pass 31; probe 2 b undecided; end
    S9 | fail by the votes it is valid | + ; pass 31; probe 2 b none; end
    S9 | pass | + ; probe 2 b undecided; end                                                                                          # it may not have heard yet
    S9 | pass | create a b; block A@1 a; list A; post b@1; pass 31; probe 1 a undecided; probe 1 b backlog; end
    S9 | n/a  | create a; block A@1 a; list A; pass 31; probe 1 a undecided; vote A vvv.; end                                         # true when it was asked
    S9 | pass | create a; block A@1 a; list A; vote A iii.; pass 31; probe 1 a invalid; end
    S9 | pass | create a; pass 31; probe 1 a none; end
    S9 | fail n3 says block | create a; block A@1 a; list A; vote A vvii; say 3 A valid                                               # a tie counts against the block
    S9 | fail n3 says block | create a; block A@1 a; list A; vote A vv..; say 3 A valid                                               # too early
    S9 | pass | create a; block A!voters@1 a; list A; say 3 A invalid                                                                 # by rule, without an election

    S11 | pass | create a; post a@1; block A@2 a; list A; vote A vvv.; drop a; pass 31; end
    S11 | fail is nowhere | create a; post a@1; drop a; pass 31; end
    S11 | fail is nowhere | create a; ack a@1; pass 31; end                                                                           # never even written
    S11 | fail is still waiting | create a; post a@1; pass 31; end
    S11 | unknown | create a; post a@1; pass 29; end
    S11 | unknown | create a; post a@1; pass 31
    S11 | fail in no VALID block | create a; post a@1; block A@2 a; list A; vote A iii.; drop a; pass 31; end
    S11 | pass | create a; transfer b a.0; transfer c a.0; block A@1 a b; list A; vote A vvv.; post c@1; drop c; pass 31; end         # lost a conflict
    S11 | fail is nowhere | create a; transfer b a.0; transfer c a.0; block A@1 a; list A; vote A vvv.; block B@1 b; list B; post c@1; drop c; pass 31; end  # lost to nobody yet
    S11 | fail in 2 VALID blocks | create a; post a@1; block A@1 a; block B@2 a; list A; list B; vote A vvv.; vote B vvv.; pass 31; end
    S11 | fail was nowhere for 31 s | create a; post a@1; drop a; pass 31; fault cut planned                                          # no end, and yet too long
    S11 | fail was nowhere for 40 s | create a; post a@1; drop a; pass 40; block A@2 a; list A; vote A vvv.                           # a block held in memory
    S11 | pass | create a; post a@1; drop a; pass 20; block A@2 a; list A; vote A vvv.
    S11 | fail is nowhere | create a; post a@1; block A@2 a; list A; vote A vvv.; drop a; lose A; pass 31; dump; end                  # lost by the store
    S11 | n/a  | create a; refuse a@1; pass 31; end
    S11 | unknown | create a; post a@1; fault cut applied; pass 31; end

    S18 | pass | create a; block A@1 a; list A; vote A vvv.; end
    S18 | fail is a second genesis | block H@2 g
    S18 | fail is VALID and holds a GENESIS | create a; block A@1 a g; list A; vote A vvv.
    S18 | fail there is no genesis block | bare; create a; block A@1 a; end
    S18 | unknown | bare; create a; block A@1 a

    L1 | pass | create a; post a@1; pass 29; block A@1 a; list A; vote A vvv.
    L1 | fail was decided only after 31 s | create a; post a@1; pass 31; block A@1 a; list A; vote A vvv.
    L1 | fail was not decided in time | create a; post a@1; block A@1 a; list A; vote A vv..; pass 31; end
    L1 | unknown | create a; post a@1; block A@1 a; list A; vote A vv..; pass 29; end
    L1 | pass | create a; post a@1; fault kill applied; pass 60; fault kill healed; pass 29; block A@1 a; list A; vote A vvv.         # from the healing on
    L1 | fail was decided only after 31 s | create a; post a@1; fault kill applied; pass 60; fault kill healed; pass 31; block A@1 a; list A; vote A vvv.
    L1 | unknown | create a; post a@1; fault kill applied; pass 60; end
    L1 | pass | create a; transfer b a.0; transfer c a.0; block A@1 a b; list A; vote A vvv.; post c@1; pass 31; end
    L1 | n/a  | create a; refuse a@1; pass 31; end

    L2 | pass | create a; block A@1 a; list A; pass 29; vote A vvv.
    L2 | pass | create a; block A@1 a; list A; pass 29; vote A iii.                                                                   # invalid is decided
    L2 | fail was decided too late | create a; block A@1 a; list A; pass 31; vote A vvv.
    L2 | fail was not decided in time | create a; block A@1 a; list A; vote A vvi.; pass 31; end
    L2 | unknown | create a; block A@1 a; list A; vote A vvi.; pass 29; end
    L2 | n/a  | create a; block A@1 a; pass 31; end                                                                                   # not listed
    L2 | pass | create a; block A!voters@1 a; list A; pass 31; end                                                                    # invalid by rule
    L2 | pass | create a; block A@1 a; list A; fault cut applied; pass 50; fault cut healed; pass 10; vote A vvv.
";

/// invariant | what it says | a history under the rules of the original.
const ORIGINAL_CASES: &str = "
    S8 | pass | create a; block A@1 a; vote A>G vvv.
    S8 | fail was invalid and is valid | create a; block A@1 a; vote A>G vvwv                          # previous blocks disagree, then do not
    S1 | pass | create a; transfer b a.0; transfer c a.0; block A@1 a b; vote A>G vvv.; block B@1 c; vote B>A vx.x  # bad signatures count against
    S3 | fail its voters are not the federation | create a; block A!voters@1 a; vote A>G v...          # and yet it is valid, by the author's vote
    S6 | pass | create a b; block A@1 a; block B@1 b; vote A>G v.v.; vote B>A v.v.
    S6 | fail but voted on | create a b; block A@1 a; block B@1 b; vote A>G v...; vote B>G v...
    S18 | pass | create a; block A@1 a; end
";

fn outcome(judgement: &Judgement) -> String {
    match &judgement.outcome {
        Outcome::Pass => "pass".into(),
        Outcome::Fail { violations, .. } => format!("fail {}", violations[0].what),
        Outcome::Unknown { .. } => "unknown".into(),
        Outcome::NotApplicable { .. } => "n/a".into(),
    }
}

fn check(rules: &str, cases: &str) {
    let mut wrong = String::new();
    for case in cases.lines().map(str::trim).filter(|case| !case.is_empty()) {
        let case = case.split('#').next().expect("there is a first part");
        let [invariant, expected, steps] =
            case.splitn(3, '|').map(str::trim).collect::<Vec<_>>()[..]
        else {
            panic!("{case}")
        };
        let lawful = LAWFUL.rsplit_once("; pass").expect("it has an end").0;
        let records = history_under(rules, &steps.replacen('+', lawful, 1));
        let judged = judge(&records, &Settings::default(), Arc::new(Direct));
        let judgement = judged.judgements.iter().find(|one| one.invariant == invariant);
        let found = outcome(judgement.expect("there is such an invariant"));
        let fits = match expected.strip_prefix("fail ") {
            Some(part) => found.starts_with("fail ") && found.contains(part),
            None => found == expected,
        };
        if !fits {
            wrong += &format!("\n{case}\n    found: {found}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_checker_tells_lawful_from_unlawful() {
    check("default", CASES);
}

#[test]
fn the_originals_rules_are_told_apart_too() {
    check("v0.6.0", ORIGINAL_CASES);
}

#[test]
fn a_lawful_history_satisfies_all() {
    let judged = judge(&history(LAWFUL), &Settings::default(), Arc::new(Direct));
    for judgement in &judged.judgements {
        assert_eq!(judgement.outcome, Outcome::Pass, "{}", judgement.invariant);
        assert!(judgement.looked_at > 0, "{}", judgement.invariant);
    }
}

#[test]
fn a_violation_comes_with_the_life_of_its_transaction() {
    let steps = "create a; transfer b a.0; transfer c a.0; block A@1 a; list A; vote A vvv.;
        post b@1; post c@2; block B@1 b; list B; vote B vvv.; say 2 B valid; block C@2 c; list C; vote C v.vv";
    let judged = judge(&history(steps), &Settings::default(), Arc::new(Direct));
    let Outcome::Fail { count: 1, violations } = &judged.judgements[0].outcome else {
        panic!("{:?}", judged.judgements[0])
    };
    let line: Vec<String> = violations[0]
        .life_line
        .iter()
        .map(|event| format!("{:>3} {}: {}", event.at_us / 1000, event.place, event.what))
        .map(|line| without_ids(&line))
        .collect();
    let expected = [
        " 11 client 0: create 2: post to n2, invoke",
        " 12 client 0: create 2: post to n2, ok 201",
        " 13 backlog: inserted, for n2",
        " 14 bigchain: block … inserted, by n1",
        " 15 positions: block … listed at 2",
        " 16 votes: n1 votes valid on block … after …",
        " 17 votes: n2 votes valid on block … after …",
        " 18 votes: n3 votes valid on block … after …",
        " 18 election: block … is valid",
        " 19 n2: says block … is valid",
        " 20 bigchain: block … inserted, by n2",
        " 21 positions: block … listed at 3",
        " 22 votes: n1 votes valid on block … after …",
        " 23 votes: n3 votes valid on block … after …",
        " 24 votes: n4 votes valid on block … after …",
        " 24 election: block … is valid",
    ];
    assert_eq!(line, expected);
}

/// Ids become `…`.
fn without_ids(line: &str) -> String {
    let is_id = |word: &str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    line.split(' ')
        .map(|word| if is_id(word.trim_end_matches(',')) { "…" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}
