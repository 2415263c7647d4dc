//! Adding up votes: `rules::tally`.

use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, Profile, Vote};
use bigchaindb_core::query::VoteRow;
use bigchaindb_core::rules::{DefaultRules, Election, Ignored, by_name};
use proptest::prelude::*;

use crate::sample::{federation, named_block, rows, rules, vote_row};

/// A letter for each member, in order: `v` valid, `i` invalid, `.` no vote; `w` valid, naming another
/// previous block; `x` valid, badly signed; `s` a stranger's instead; `2` a bad row, and the good vote,
/// valid, in the next; `k` valid, under a key that is none.
const TALLIES: &str = "
    voters | votes     | default   | v0.6.0    | mixed
    1      | .         | undecided | undecided | undecided
    1      | v         | valid     | valid     | valid
    1      | i         | invalid   | invalid   | invalid
    2      | v .       | undecided | undecided | undecided
    2      | i .       | invalid   | invalid   | invalid      # a tie counts against the block
    2      | v i       | invalid   | invalid   | invalid
    2      | v v       | valid     | valid     | valid
    2      | v w       | invalid   | invalid   | invalid
    3      | v v .     | valid     | valid     | valid
    3      | v i .     | undecided | undecided | undecided
    3      | v w .     | undecided | invalid   | undecided      # one of the two may still be the majority's
    3      | v w i     | invalid   | invalid   | invalid
    3      | v w v     | valid     | valid     | valid
    3      | i x .     | undecided | invalid   | invalid      # the original counts x as invalid
    3      | v x v     | valid     | valid     | valid
    3      | s s .     | undecided | invalid   | invalid
    3      | s s v     | undecided | invalid   | invalid
    3      | 2 v .     | valid     | error     | error      # two votes of one voter
    3      | k v .     | undecided | valid     | valid
    4      | v v . .   | undecided | undecided | undecided
    4      | v v i .   | undecided | undecided | undecided
    4      | v v i i   | invalid   | invalid   | invalid
    4      | v v v .   | valid     | valid     | valid
    4      | v v w w   | invalid   | invalid   | invalid
    4      | v v w .   | undecided | invalid   | undecided
    4      | v v w v   | valid     | valid     | valid
    4      | i i . .   | invalid   | invalid   | invalid
    4      | v v v i   | valid     | valid     | valid
    5      | v v . . i | undecided | undecided | undecided
    5      | v v v w w | valid     | valid     | valid
    5      | i i i . . | invalid   | invalid   | invalid
    5      | x x x . . | undecided | invalid   | invalid
    5      | v v x i i | undecided | invalid   | invalid      # x may still vote
";

#[test]
fn votes_add_up() {
    for row in rows(TALLIES) {
        let [voters, votes, default, original, mixed] = row[..] else {
            panic!("five cells: {row:?}")
        };
        let voters = voters.parse().unwrap();
        let votes = rows_of(votes);
        for (profile, expected) in [("default", default), ("v0.6.0", original), ("mixed", mixed)] {
            let rules = by_name(profile).unwrap();
            let got = rules.tally(&voted_for(), &federation(voters), &votes);
            let got = match got.map(|tally| tally.election) {
                Ok(Election::Valid) => "valid",
                Ok(Election::Invalid) => "invalid",
                Ok(Election::Undecided) => "undecided",
                Err(_) => "error",
            };
            assert_eq!(got, expected, "{row:?} under {profile}");
        }
    }
}

fn voted_for() -> BlockId {
    named_block("voted for")
}

fn rows_of(votes: &str) -> Vec<VoteRow> {
    let (block, previous) = (voted_for(), named_block("previous"));
    let mut rows = Vec::new();
    for (member, letter) in (0..).zip(votes.split_whitespace()) {
        let vote = |valid, number| vote_row(&block, member, &previous, valid, number);
        match letter {
            "." => {}
            "v" => rows.push(vote(true, 0)),
            "i" => rows.push(vote(false, 0)),
            "w" => rows.push(vote_row(&block, member, &named_block("other"), true, 0)),
            "x" => rows.push(spoilt(vote(true, 0))),
            "s" => rows.push(vote_row(&block, 200 + member, &previous, true, 0)),
            "2" => rows.extend([spoilt(vote(false, 0)), vote(true, 1)]),
            "k" => rows.push(VoteRow { key: format!("random {member}").into(), ..vote(true, 0) }),
            _ => panic!("no vote is written `{letter}`"),
        }
    }
    rows
}

/// The same vote, its signature that of another text.
fn spoilt(row: VoteRow) -> VoteRow {
    let mut document = row.vote.document().clone();
    let inner = document.get_mut("vote").unwrap();
    *inner.get_mut("timestamp").unwrap() = Json::from("1");
    VoteRow { vote: Arc::new(Vote::from_document(document).unwrap()), ..row }
}

#[test]
fn what_is_left_out_is_told_with_its_reason() {
    let mut votes = rows_of("v x s 2 k");
    votes.push(vote_row(&named_block("another"), 0, &named_block("previous"), true, 0));
    let count = DefaultRules::default().count(&voted_for(), &federation(5), &votes);
    let counted: Vec<_> = count.counted.iter().map(|row| row.vote.voter().clone()).collect();
    assert_eq!(counted, {
        let voters = federation(5).voters().to_vec();
        voters
            .into_iter()
            .filter(|voter| {
                [0, 3].iter().any(|member| crate::sample::keypair(*member).public() == voter)
            })
            .collect::<Vec<_>>()
    });
    let mut reasons: Vec<_> = count.ignored.iter().map(|(_, reason)| *reason).collect();
    reasons.sort();
    assert_eq!(
        reasons,
        [
            Ignored::OtherBlock,
            Ignored::Stranger,
            Ignored::BadSignature,
            Ignored::BadSignature,
            Ignored::OtherKey
        ]
    );
}

proptest! {
    #[test]
    fn a_tally_ignores_the_order_of_votes(
        (votes, shuffled) in prop::collection::vec("[viwxs2k.]", 1..7).prop_flat_map(|letters| {
            let rows = rows_of(&letters.join(" "));
            (Just(rows.clone()), Just(rows).prop_shuffle())
        }),
        voters in 1_u8..7,
    ) {
        for profile in [Profile::Default, Profile::Original] {
            let tally = |votes| rules(profile).tally(&voted_for(), &federation(voters), votes);
            prop_assert_eq!(tally(&votes), tally(&shuffled));
        }
    }

    /// Rule 2: as votes arrive, undecided may become valid or invalid, and that stays.
    #[test]
    fn a_decision_never_changes(
        letters in prop::collection::vec("[viwxs2]", 1..8),
        order in any::<prop::sample::Index>(),
    ) {
        let voters = u8::try_from(letters.len()).unwrap();
        let mut votes = rows_of(&letters.join(" "));
        // A voter's second row is written after the first, whatever comes between.
        let turn = order.index(votes.len());
        if !letters.iter().any(|letter| letter == "2") {
            votes.rotate_left(turn);
        }
        let mut decided = None;
        for arrived in 0..=votes.len() {
            let tally = rules(Profile::Default)
                .tally(&voted_for(), &federation(voters), &votes[..arrived]);
            let election = tally.unwrap().election;
            if let Some(decided) = decided {
                prop_assert_eq!(election, decided);
            } else if election != Election::Undecided {
                decided = Some(election);
            }
        }
    }

    /// The original takes back what it said of a block whose voters name different previous blocks;
    /// among members that vote once, `mixed` does not.
    #[test]
    fn nor_does_it_under_mixed(letters in prop::collection::vec("[viw]", 1..8)) {
        let voters = u8::try_from(letters.len()).unwrap();
        let votes = rows_of(&letters.join(" "));
        let tally = |arrived: usize, rules: &str| {
            let rules = by_name(rules).unwrap();
            let tally = rules.tally(&voted_for(), &federation(voters), &votes[..arrived]);
            tally.unwrap().election
        };
        let said: Vec<_> = (0..=votes.len()).map(|arrived| tally(arrived, "mixed")).collect();
        let mut decided = said.iter().skip_while(|election| **election == Election::Undecided);
        let first = *decided.next().expect("when all have voted, something is decided");
        prop_assert!(decided.all(|election| *election == first));
        prop_assert_eq!(first, tally(votes.len(), "v0.6.0"), "in the end both say the same");
    }
}
