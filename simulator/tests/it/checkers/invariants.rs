//! Each checker on lawful and unlawful histories, near misses included.

use std::sync::Arc;

use bigchaindb_core::model::Direct;
use bigchaindb_simulator::checkers::{Judgement, Outcome, Settings, judge};

use super::history::{history, history_under};

/// One that everybody is content with: the beginning of most histories below.
const LAWFUL: &str = "
    create a b; post a@1; post b@2; block A@1 a; list A; vote A vvvv; drop a; pass 3;
    transfer c a.0; post c@3>2; block B@2 b c; list B; vote B vvvv; drop b; drop c; gauge 1 undecided=1 questions=40;
    say 1 A valid; say 2 A valid; pass 31; gauge 1 questions=60; owned 2 g.0 b.0 c.0; probe 1 a valid; probe 4 c valid; dump; end";

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
    S8 | pass | apart; create a; block A@1 a; list A; vote A vvv.; fault store-kill applied; unvote A 2; fault store-kill healed; revote A 2; dump; end # seen, and not promised
    S8 | fail was valid and is undecided | create a; block A@1 a; list A; vote A vvv.; fault store-kill applied; unvote A 2; fault store-kill healed
    S8 | fail was valid and is undecided | apart; create a; block A@1 a; list A; vote A vvv.; fault kill applied; unvote A 2; fault kill healed
    S8 | fail n2 said block | apart; create a; block A@1 a; list A; vote A vvv.; say 2 A valid; fault store-kill applied; unvote A 2; say 2 A invalid
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

    S1 | fail output 0 of | create a; transfer b a.0; transfer c!extra a.0; block A@1 a b c; list A; vote A vvv.                     # one output, with a key more
    S1 | fail output 0 of | create a; transfer b a.0; transfer c!float a.0; block A@1 a b c; list A; vote A vvv.                     # 0.0
    S1 | fail output 0 of | create a; transfer b a.0; transfer c!false a.0; block A@1 a b c; list A; vote A vvv.                     # false
    S1 | fail is spent by | create a; transfer b a.0; create c!spends=a.0; block A@1 a b; list A; vote A vvv.; block B@2 c; list B; vote B vvv.  # a CREATE spends

    S3 | fail text behind a U+0000 | create a!nul; block A@1 a; list A; vote A vvv.
    S3 | pass | create a!nul; block A@1 a; list A; vote A iii.

    S4 | pass | create a; transfer b a.0; block A@1 a; list A; vote A vvv.; block B@2 b; list B; vote B vvv.
    S4 | fail was in no VALID block | create a; transfer b a.0; block A@1 a; list A; vote A vv..; block B@2 b; list B; vote B vvv.    # not decided yet
    S4 | fail was in no VALID block | create a; transfer b a.0; block A@1 a; list A; vote A iii.; block B@2 b; list B; vote B vvv.
    S4 | fail of the same block | create a; transfer b a.0; block A@1 a b; list A; vote A vvv.
    S4 | fail its id is not its hash | create a!id; block A@1 a; list A; vote A vvv.
    S4 | fail who is not of the federation | create a!stranger; block A@1 a; list A; vote A vvv.
    S4 | fail fulfillment 0 does not open | create a!forged; block A@1 a; list A; vote A vvv.
    S4 | pass | create a!forged; block A@1 a; list A; vote A iii.                                                                      # nobody believed it
    S4 | fail with 2 fulfillments and 2 outputs | create b a!spends=b.0; block A@1 b a; list A; vote A vvv.
    S4 | fail fulfillment 0 does not open | create a; transfer b!forged a.0; block A@1 a; list A; vote A vvv.; block B@2 b; list B; vote B vvv.
    S4 | fail opens another condition | create a; transfer b!thief a.0; block A@1 a; list A; vote A vvv.; block B@2 b; list B; vote B vvv.
    S4 | fail it makes 2 outputs of 1 inputs | create a; transfer b!more a.0; block A@1 a; list A; vote A vvv.; block B@2 b; list B; vote B vvv.
    S4 | fail has no output 3 | create a; transfer b a.3; block A@1 a; list A; vote A vvv.; block B@2 b; list B; vote B vvv.
    S4 | fail is not as documented | create a; transfer b!extra a.0; block A@1 a; list A; vote A vvv.; block B@2 b; list B; vote B vvv.
    S4 | fail is a GENESIS after the first block | genesis h; block A@1 h; list A; vote A vvv.
    S4 | pass | create a!until=1472688010; transfer b a.0; block A@1 a; list A; vote A vvv.; block B!at=1472688010@2 b; list B; vote B vvv.
    S4 | fail fulfillment 0 does not open | create a!until=1472688010; transfer b a.0; block A@1 a; list A; vote A vvv.; block B!at=1472688011@2 b; list B; vote B vvv.
    S4 | pass | create a!from=1472688010; transfer b a.0; block A@1 a; list A; vote A vvv.; block B!at=1472688011@2 b; list B; vote B vvv.
    S4 | fail fulfillment 0 does not open | create a!from=1472688010; transfer b a.0; block A@1 a; list A; vote A vvv.; block B!at=1472688010@2 b; list B; vote B vvv.
    S4 | fail fulfillment 0 does not open | create a!both=1472688010; transfer b!omit a.0; block A@1 a; list A; vote A vvv.; block B!at=1472688011@2 b; list B; vote B vvv.  # left out, not shown to fail
    S4 | fail its time is 181 s after its election | create a; block A!at=1472688181@1 a; list A; vote A vvv.
    S4 | pass | create a; block A!at=1472688170@1 a; list A; vote A vvv.                               # a clock may be off
    S4 | pass | create a; block A!at=1472688181@1 a; list A; vote A iii.
    S4 | fail its time is 121 s before that of the last VALID block | create a b; block A@1 a; list A; vote A vvv.; block B!at=1472687879@2 b; list B; vote B vvv.
    S4 | fail its time is 121 s before that of the last VALID block | create a b c; block A@1 a; list A; vote A vvv.; block C!at=1472687879@3 c; list C; vote C iii.; block B!at=1472687879@2 b; list B; vote B vvv.
    S4 | pass | create a b; block A!at=1472689000@1 a; list A; vote A iii.; block B@2 b; list B; vote B vvv.                          # what is invalid is no measure
    S4 | pass | create a b; block A@1 a; list A; vote A iii.; block B!at=1472687880@2 b; list B; vote B vvv.
    S4 | pass | create a!weights; transfer b a.0; block A@1 a; list A; vote A vvv.; block B@2 b; list B; vote B vvv.                 # 3 and 1 are 4
    S4 | fail fulfillment 0 does not open | create a!weights; transfer b!forged a.0; block A@1 a; list A; vote A vvv.; block B@2 b; list B; vote B vvv.

    S5 | pass | byzantine 1; create a; block A@1 a; list A; vote A vvv.; vote A r...                                                  # its own affair
    S6 | pass | byzantine 4; create a; block A@1 a; list A; vote A vvvw

    S7 | pass | create a b; block A@1 a; block B@1 b; list A; list B; vote A vvvv; vote B vvvv
    S7 | pass | create a b; block A@1 a; block B@1 b; list A; list B; vote A iiii; vote B vvvv                                        # after one that is invalid
    S7 | fail both come after | create a b; block A@1 a; block B@1 b; list A; list B; vote A vvv.; vote B>G vvv.
    S7 | fail both come after | create a b c; block A@1 a; block B@1 b; block C@1 c; list A; list B; list C; vote A iii.; vote B>A vvv.; vote C>A vvv.
    S7 | fail was given place 1 before it was there | create a; block A@1 a; delete A; list A
    S7 | n/a  | byzantine 4; create a; block A@4 a; delete A; list A; act 4 claims-nothing positions 1; end
    S7 | fail comes before itself | create a b; block A@1 a; block B@1 b; list A; list B; vote A>B vvv.; vote B>A vvv.

    S8 | fail n2 said block | create a; block A@1 a; list A; vote A vvv.; say 2 A valid; killed 2; started 2; say 2 A invalid         # a start makes nothing new

    S10 | pass | create a; block A@1 a; list A; vote A vvv.; dump; end
    S10 | fail deleted | create a; block A@1 a; list A; vote A vvv.; unvote A 2
    S10 | fail not what it was | create a; block A@1 a; list A; vote A vvv.; turnvote A 2
    S10 | fail deleted | create a; block A@1 a; list A; delete A
    S10 | fail deleted | create a; block A@1 a; list A; unlist 1
    S10 | fail no feed said so | create a; block A@1 a; list A; lose A; dump; end
    S10 | pass | byzantine 3; create a; block A@1 a; list A; vote A vvv.; unvote A 2; act 3 delete votes A:2; revote A 2; dump; end    # on purpose, and put back
    S10 | fail not what it was | byzantine 3; create a; block A@1 a; list A; vote A vvv.; act 3 delete votes A:2; unvote A 2; revote A 2; turnvote A 2  # one act, two harms
    S10 | pass | create a; block A@1 a; list A; vote A vvv.; fault power-loss applied; unvote A 2; fault power-loss healed            # the store had not promised to keep it
    S10 | fail deleted | create a; block A@1 a; list A; vote A vvv.; fault kill applied; unvote A 2; fault kill healed                # a node's death deletes nothing

    S12 | pass | create a; post a@1; probe 1 a backlog; block A@1 a; probe 2 a undecided; vote A>G vvv.; probe 3 a valid; drop a; probe 1 a valid
    S12 | fail n3 had said valid before | create a; post a@1; block A@1 a; vote A>G vvv.; probe 3 a valid; probe 1 a undecided
    S12 | pass | create a; post a@1; block A@1 a; vote A>G vvv.; asking 1 a; probe 3 a valid; answer 1 a undecided                    # asked before that was read
    S12 | fail n1 had acknowledged | create a; post a@1; drop a; probe 2 a none
    S12 | pass | create a; probe 2 a none; post a@1                                                                                   # asked too early
    S12 | pass | create a; transfer b a.0; transfer c a.0; block A@1 a b; list A; vote A vvv.; post c@1; drop c; probe 1 c none      # it lost a conflict
    S12 | pass | create a; post a@1; block A@1 a; list A; vote A iii.; probe 1 a invalid; drop a; probe 1 a invalid
    S12 | fail another body | create a; post a@1; read 1 a 77aa; read 2 a 77ab
    S12 | pass | create a; post a@1; read 1 a 77aa; read 2 a 77aa

    S13 | pass | create a b; transfer c a.0; block A@1 a b; list A; vote A vvv.; block C@1 c; list C; vote C vvv.; pass 3; owned 2 g.0 b.0 c.0
    S13 | fail does not say that | create a b; block A@1 a b; list A; vote A vvv.; pass 3; owned 2 g.0 b.0
    S13 | fail which is not so | create a b; transfer c a.0; block A@1 a b; list A; vote A vvv.; block C@1 c; list C; vote C vvv.; pass 3; owned 2 g.0 a.0 b.0 c.0
    S13 | fail says twice | create a b; block A@1 a b; list A; vote A vvv.; pass 3; owned 2 g.0 a.0 b.0 b.0
    S13 | fail cannot say what | create a b; block A@1 a b; list A; vote A vvv.; pass 3; owned 2 !UnboundLocalError
    S13 | pass | create a b; block A@1 a b; list A; vote A vvv.; owned 2 g.0 b.0                                                          # it may not have heard yet
    S13 | fail has 2 unspent outputs | create a!two; block A@1 a; list A; vote A vvv.
    S13 | fail has 2 unspent outputs | create a; transfer b a.0; transfer c a.0; block A@1 a b c; list A; vote A vvv.
    S13 | fail is made of nothing | create a; transfer b!more a.0; block A@1 a b; list A; vote A vvv.
    S13 | pass | create a b; transfer c a.0 b.0; transfer d c.1; block A@1 a b c d; list A; vote A vvv.

    S14 | pass | create a; post a@1; block A@1 a
    S14 | fail it never waited for it | create a; post a@1; block A@2 a
    S14 | pass | create a; post a@1; wait a@2; block A@2 a                                                                            # taken over
    S14 | fail it never waited for it | create a; post a@1; block A@2 a; wait a@2                                                     # too late
    S14 | fail who is not of the federation | create a; post a@1>9
    S14 | n/a  | byzantine 2; create a; post a@1; block A@2 a

    S15 | n/a  | create a; block A@1 a; list A; vote A vvv.; say 1 A valid
    S15 | pass | byzantine 4; create a; block A@1 a; list A; vote A vvvi; say 1 A valid
    S15 | fail by the good votes it is undecided | byzantine 4; create a; block A@1 a; list A; vote A vv.i; say 1 A valid
    S15 | fail by the good votes it is undecided | create a; block A@1 a; list A; vote A vxx.; say 1 A invalid                        # forged ones counted
    S15 | pass | create a; block A@1 a; list A; vote A xvvv; say 1 A valid
    S15 | n/a  | byzantine 4; create a; block A@1 a; list A; vote A vvii; say 4 A valid                                               # who believes it?
    S15 | pass | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 delete votes A:2; unvote A 2; log 1 somebody deleted vote(A:2) of votes; revote A 2; pass 31; end
    S15 | fail was not put back | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 delete votes A:2; unvote A 2; log 1 somebody deleted vote(A:2) of votes; pass 31; end
    S15 | fail no node named the harm | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 edit votes A:2; turnvote A 2; revote A 2; pass 31; end
    S15 | fail no node named the harm | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 edit votes A:2; turnvote A 2; log 4 somebody changed vote(A:2) of votes; revote A 2; pass 31; end
    S15 | pass | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 edit votes A:2; turnvote A 2; log 1 somebody changed vote(A:2) of votes; pass 1; act 4 delete votes A:2; unvote A 2; revote A 2; pass 31; end  # harm upon harm
    S15 | fail no node named the harm | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 edit votes A:2; turnvote A 2; log 1 somebody changed vote(A:2) of votes; revote A 2; pass 1; act 4 delete votes A:2; unvote A 2; revote A 2; pass 31; end
    S15 | unknown | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 delete votes A:2; unvote A 2; pass 29; end
    S15 | n/a  | byzantine 4; create a; block A@1 a; list A; vote A vvvv; act 4 delete votes A:4; unvote A 4; pass 31; end                 # its own

    S16 | pass | create a b; block A@1 a; block B@1 b; list A; list B; vote A@1472688005 v...; vote B@1472688005 v...
    S16 | fail n1 voted on block | create a b; block A@1 a; block B@1 b; list A; list B; vote A@1472688005 v...; vote B@1472688004 v...
    S16 | pass | create a b; block A@1 a; block B@1 b; list A; list B; vote A@1472688005 v...; vote B@1472688004 .v..                 # another's clock
    S16 | pass | create a b; block A@1 a; block B@1 b; list A; list B; fault clock-skew applied; vote A@1472688005 v...; vote B@1472688004 v...
    S16 | fail n1 voted on block | create a b; block A@1 a; block B@1 b; list A; list B; fault clock-skew@2 applied; vote A@1472688005 v...; vote B@1472688004 v...
    S16 | fail n1 voted on block | create a b; block A@1 a; block B@1 b; list A; list B; fault clock-skew applied; vote A@1472688009 v...; fault clock-skew healed; pass 31; vote B@1472688005 v...; create c; block C@1 c; list C; vote C@1472688004 v...
    S16 | n/a  | byzantine 1; create a b; block A@1 a; block B@1 b; list A; list B; vote A@1472688005 v...; vote B@1472688004 v...
    S16 | pass | create a b; block A@1 a; block B@1 b; list A; list B; vote A@1472688005 v...; vote B@1472688006 v...; unvote A 1; revote A 1  # put back, not cast again

    S17 | pass | fault kill@2 planned; killed 2; fault kill@2 applied; started 2; fault kill@2 healed
    S17 | fail no fault was to kill it | fault kill@2 planned; killed 3
    S17 | fail no fault was to kill it | fault kill@2 planned; killed 2; fault kill@2 applied; started 2; fault kill@2 healed; killed 2
    S17 | fail n3 fell over: KeyError | failed 3 KeyError: 'cid'
    S17 | pass | byzantine 3; failed 3 KeyError

    S18 | pass | byzantine 2; block H@2 g                                                                                              # nobody takes it for one
    S18 | fail is VALID and holds a GENESIS | byzantine 2; genesis h; block H@2 h; list H; vote H vvv.

    S21 | pass | create a; post a@1; block A@1 a; list A; vote A vvv.; pass 3; transfer b a.0; post b@2
    S21 | fail but fulfillment 0 does not open | create a!forged; post a@1
    S21 | fail is in no VALID block | create a; transfer b a.0; post a@1; post b@1
    S21 | fail does not open output | create a; post a@1; block A@1 a; list A; vote A vvv.; pass 3; transfer b!thief a.0; post b@2
    S21 | fail had spent output 0 | create a; transfer b a.0; transfer c a.0; block A@1 a; list A; vote A vvv.; block B@1 b; list B; vote B vvv.; pass 3; post c@1
    S21 | pass | create a; transfer b a.0; transfer c a.0; block A@1 a; list A; vote A vvv.; send c@1; block B@1 b; list B; vote B vvv.; ok c@1; wait c@1  # a race
    S21 | fail refused | create a; transfer b a.0; block A@1 a; list A; vote A vvv.; pass 3; refuse b@1
    S21 | pass | create a; transfer b a.0; block A@1 a; list A; vote A vvv.; refuse b@1                                               # it may not have heard yet
    S21 | pass | create a; transfer b!forged a.0; block A@1 a; list A; vote A vvv.; pass 3; refuse b@1
    S21 | pass | create a; transfer b!extra a.0; block A@1 a; list A; vote A vvv.; pass 3; refuse b@1
    S21 | fail accepted | create a; transfer b!extra a.0; block A@1 a; list A; vote A vvv.; pass 3; post b@1
    S21 | fail refused | create a!weights; transfer b a.0; block A@1 a; list A; vote A vvv.; pass 3; refuse b@1                       # 3 and 1 are 4
    S21 | pass | create a; transfer b a.0; transfer c a.0; block A@1 a; list A; vote A vvv.; block B@1 b; list B; vote B v...; pass 3; refuse c@1  # may be spent
    S21 | fail which is valid | create a; refuse a@1
    S21 | pass | create a!until=0000000060; transfer b a.0; block A@1 a; list A; vote A vvv.; pass 3; refuse b@1                      # clocks differ
    S21 | n/a  | byzantine 1; create a; refuse a@1
    S21 | pass | apart; create a; transfer b a.0; post b@1; block A@1 a; list A; vote A vvv.                                            # cast in time, heard late
    S21 | fail is in no VALID block | apart; create a; transfer b a.0; post b@1
    S21 | fail was in no VALID block | apart; create a; transfer b a.0; post b@1; pass 5; block A@1 a; list A; vote A@1472688005 vvv.
    S21 | pass | apart; create a; transfer b a.0; fault clock-skew applied; post b@1; block A@1 a; list A; vote A@1472688005 vvv.        # by a wrong clock
    S21 | fail does not open output | apart; create a; transfer b!thief a.0; post b@2; block A@1 a; list A; vote A vvv.
    S21 | pass | apart; create a; transfer b a.0; transfer c a.0; block A@1 a; list A; vote A vvv.; pass 3; refuse c@1; block B@1 b; list B; vote B vvv.
    S21 | fail refused | create a; transfer b a.0; transfer c a.0; block A@1 a; list A; vote A vvv.; pass 3; refuse c@1; block B@1 b; list B; vote B vvv.
    S21 | fail refused | apart; create a; transfer b a.0; block A@1 a; list A; vote A vvv.; pass 3; refuse b@1

    L1 | fail was decided only after | create a; post a@1; pass 31; fault kill applied; pass 1; fault kill healed; block A@1 a; list A; vote A vvv.  # there had been time
    L1 | pass | create a; post a@1; pass 20; fault kill applied; fault kill healed; pass 20; block A@1 a; list A; vote A vvv.         # there was none
    L2 | fail was decided too late | create a; block A@1 a; list A; pass 31; fault kill applied; fault kill healed; vote A vvv.

    L3 | pass | create a; transfer b a.0; transfer c a.0; block A@1 a; list A; vote A vvv.; post b@1; post c@2; block B@1 b; list B; vote B vvv.; pass 31; end
    L3 | fail none is VALID | create a; transfer b a.0; transfer c a.0; block A@1 a; list A; vote A vvv.; post b@1; post c@2; pass 31; end
    L3 | unknown | create a; transfer b a.0; transfer c a.0; block A@1 a; list A; vote A vvv.; post b@1; post c@2; pass 29; end
    L3 | fail 2 transactions that want | create a; transfer b a.0; transfer c a.0; block A@1 a; list A; vote A vvv.; post b@1; block B@1 b c; list B; vote B vvv.
    L3 | n/a  | create a; transfer b a.0; transfer c a.0; block A@1 a; list A; vote A vvv.; block B@1 b; list B; vote B iii.; block C@1 c; list C; vote C iii.; pass 31; end  # nobody was promised anything
    L3 | pass | create a b; transfer c a.0 b.0; transfer d a.0; transfer e b.0; block A@1 a b; list A; vote A vvv.; post c@1; post d@1; block D@1 d; list D; vote D vvv.; wait e@1; pass 31; end

    L4 | pass | create a; post a@1; block A@1 a; block B@2 a; block C@3 a
    L4 | fail is in 4 blocks | create a; post a@1; block A@1 a; block B@2 a; block C@3 a; block D@4 a
    L4 | pass | create a; post a@1; fault clock-skew applied; block A!at=0000000000@1 a; list A; vote A iii.; fault clock-skew healed; block B@2 a; block C@3 a; block D@4 a  # the block says 2016, the log began in 1970
    L4 | fail is in 4 blocks | create a b; block X@1 b; list X; post a@1; fault clock-skew applied; block A@1 a; list A; vote A iii.; fault clock-skew healed; block B@2 a; block C@3 a; block D@4 a
    L4 | fail is in 4 blocks | create a; post a@1; fault clock-skew applied; block A@1 a; list A; vote A vvv.; fault clock-skew healed; block B@2 a; block C@3 a; block D@4 a
    L4 | pass | byzantine 4; create a; post a@1; block A@1 a; list A; vote A iii.; act 4 spoil bigchain A; block B@2 a; block C@3 a; block D@1 a
    L4 | pass | byzantine 4; create a; post a@1; block A@1 a; block B@2 a; block C@3 a; block D@4 a                                  # its own flood
    L4 | pass | create a; post a@1; drop a; post a@2
    L4 | pass | create a; wait a@1                                                                     # nobody heard which id it got
    L4 | fail was posted 1 times, and put into the backlog 2 times | create a; post a@1; drop a; wait a@2
    L4 | pass | create a; post a@1; block A@1 a; list A; vote A vvv.; drop a; post a@1
    L4 | fail is in a block of n1 again | create a; post a@1; block A@1 a; list A; vote A iii.; block B!at=1472688001@1 a
    L4 | pass | create a; post a@1; block A@1 a; list A; vote A iii.; pass 1; block B!at=1472688001@1 a
    L4 | pass | create a; post a@1; block A@1 a; list A; vote A iii.; block B@2 a                      # another author
    L4 | pass | create a; post a@1; block A@1 a; block B!at=1472688001@1 a; list A; vote A iii.        # it was not to know
    L4 | pass | create a; post a@1; block A@1 a; killed 1; started 1; list A; vote A iii.; block B!at=1472688001@1 a  # it has forgotten
    L4 | fail is VALID, and was put into the backlog again 2 times | create a; post a@1; ack a@2; ack a@3; block A@1 a; list A; vote A vvv.; drop a; wait a@1; drop a; wait a@1

    L5 | pass | create a; block A@1 a; list A; vote A vvvi; pass 31; end
    L5 | fail n4 has not voted | create a; block A@1 a; list A; vote A vvv.; pass 31; end
    L5 | unknown | create a; block A@1 a; list A; vote A vvv.; pass 29; end
    L5 | fail n4 voted on block | create a; block A@1 a; list A; vote A vvv.; pass 31; vote A ...v
    L5 | pass | create a; block A@1 a; list A; vote A vvv.; fault kill@4 planned; killed 4; fault kill@4 applied; pass 40; started 4; fault kill@4 healed; pass 20; vote A ...v; pass 11; end
    L5 | fail n4 has not voted | create a; block A@1 a; list A; vote A vvv.; fault kill@4 planned; killed 4; fault kill@4 applied; started 4; fault kill@4 healed; pass 31; end
    L5 | pass | create a; block A@1 a; list A; vote A vvv.; fault lose@4 planned; killed 4; fault lose@4 applied; fault lose@4 healed; pass 31; end  # it will not come back
    L5 | pass | byzantine 4; create a; block A@1 a; list A; vote A vvv.; pass 31; end
    L5 | fail has not voted | block A@1; list A; pass 31; end                                                                             # empty, and yet
    L5 | n/a  | create a; block A@1 a; pass 31; end                                                                                        # not listed

    L6 | pass | gauge 1 backlog=9; gauge 1 backlog=0; pass 31; end
    L6 | fail holds 9 at rest, before it held 0 | gauge 1 backlog=0; create a; post a@1; gauge 1 backlog=9; pass 31; end
    L6 | pass | gauge 1 backlog=100; create a; post a@1; gauge 1 backlog=110; pass 31; end
    L6 | fail holds 111 at rest | gauge 1 backlog=100; create a; post a@1; gauge 1 backlog=111; pass 31; end
    L6 | fail its bound is 100000 | gauge 1 backlog=100001
    L6 | unknown | create a; post a@1; gauge 1 backlog=9; pass 29; end
    L6 | n/a  | create a; post a@1; pass 31; end

    L8 | pass | gauge 1 questions=100; pass 31; end
    L8 | fail asked 5000 questions for 1 transactions | gauge 1 questions=5000; pass 31; end
    L8 | n/a  | pass 31; end
    L8 | pass | byzantine 4; act 4 floods-blocks positions 7; act 4 floods-blocks positions 8; gauge 1 questions=107; pass 30; end       # what members insert has to be read
    L8 | fail allowed are 107 | byzantine 4; act 4 floods-blocks positions 7; act 4 floods-blocks positions 8; gauge 1 questions=108; pass 30; end

    S6 | pass | bare; create x; block X@4 x; list X; genesis g; block G@1 g; list G; create a; block A@1 a; list A; vote A vvv.           # what is before genesis is none of it
    S6 | fail the list has | bare; create x; block X@4 x; list X; genesis g; block G@1 g; list G; create a; block A@1 a; list A; vote A>X vvv.
    S6 | fail which is not in the list | bare; create x; block X@4 x; list X; genesis g; block G@1 g; list G; vote X>G v...
    S6 | pass | bare; create x; block X@4 x; list X; genesis g; block G@1 g; list G; list X; vote X>G v...                              # listed again where it counts
    S6 | pass | byzantine 4; create a; list nothing; block A@1 a; list A; vote A>nothing vvv.; vote nothing>G iii.                      # for a block that nobody has
    S6 | fail which is not in the list | byzantine 4; create a; block A@1 a; list A; vote A vvv.; vote nothing>G iii.
    S6 | n/a  | byzantine 4; create a; block A@1 a; vote A>G ...v                                                                       # its own affair

    S18 | pass | byzantine 2; genesis h; block H@2 h; list H; create a; block A@1 a; list A; vote A>H vvv.; end                          # a second one is nobody's
    S18 | pass | bare; genesis h; block H@2 h; list H; create a; block A@1 a; end
    S18 | fail is VALID and holds a GENESIS | byzantine 2; genesis h; block H@2 h; list H; vote H>G vvv.; end                            # unless it is voted for
    S18 | fail is a second genesis | genesis h; block H@2 h; list H; end
    S8 | pass | byzantine 2; genesis h; block H@2 h; list H; say 1 H invalid; end
    S9 | pass | byzantine 2; genesis h; block H@2 h; list H; say 1 H invalid; end                                                       # by rule
    S9 | fail n1 says block | byzantine 2; genesis h; block H@2 h; list H; say 1 H valid; end
    S9 | pass | byzantine 2; create a; block A@2 a g; list A; say 1 A invalid; end
    S9 | fail n1 says block | create a; block A!id@2 a; list A; say 1 A invalid; end                                                    # the row is another block's
    S9 | fail n1 says block | create a; block A!unsigned@2 a; list A; say 1 A invalid; end
    S9 | pass | create a; block A!id@2 a; list A; vote A ii..; say 1 A invalid; end
    S9 | pass | create a; block A@9 a; list A; say 1 A invalid; end
    S9 | pass | create a; block A@2 a a; list A; say 1 A invalid; end
    S9 | fail n1 says block | create a!forged; block A@2 a; list A; say 1 A invalid; end                                                # that is for voters to say
    L2 | pass | byzantine 2; genesis h; block H@2 h; list H; pass 31; end
    L5 | fail n1 has not voted | byzantine 2; genesis h; block H@2 h; list H; vote H>G .ii.; pass 31; end                               # a second genesis is voted on
    L5 | n/a  | bare; create x; block X@4 x; list X; genesis g; block G@1 g; list G; pass 31; end
    L5 | fail has not voted | bare; create x; block X@4 x; list X; genesis g; block G@1 g; list G; list X; pass 31; end

    S8 | pass | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 deletes-blocks bigchain A; delete A; put A; end
    S8 | fail was valid and is undecided | byzantine 4; create a b; block A@1 a; block B@1 b; list A; vote A vvv.; act 4 deletes-blocks bigchain B; delete A; put A
    S8 | fail was valid and is undecided | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 votes-twice bigchain A; delete A; put A  # that act deletes nothing
    S8 | pass | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 edits-votes votes A:2; turnvote A 2; revote A 2; end
    S8 | pass | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 deletes-votes votes A:2; unvote A 2; dump; end
    S2 | pass | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 edits-blocks bigchain A; edit A; put A; end
    S2 | fail twice in one VALID block | byzantine 4; create a; block A@1 a a; list A; vote A vvv.; act 4 edits-blocks bigchain A; edit A; put A; end
    S9 | pass | byzantine 4; create a; block A@1 a; list A; vote A vvv.; act 4 edits-blocks bigchain A; edit A; say 2 A valid; put A; end
    S21 | pass | byzantine 4; create a; transfer b a.0; block A@1 a; list A; vote A vvv.; pass 3; act 4 deletes-blocks bigchain A; delete A; refuse b@1; put A
    S21 | fail refused | byzantine 4; create a; transfer b a.0; block A@1 a; list A; vote A vvv.; pass 3; act 4 deletes-blocks bigchain A; delete A; put A; pass 1; refuse b@1
    S21 | pass | byzantine 4; create a; transfer b a.0; transfer c a.0; block A@1 a b; list A; vote A vvv.; pass 3; act 4 deletes-blocks bigchain A; delete A; post c@1; put A
    S11 | pass | byzantine 4; create a; post a@1; act 4 deletes-backlog backlog a; drop a; pass 31; end
    S11 | fail is nowhere | byzantine 4; create a; post a@1; act 4 steals backlog a; drop a; pass 31; end
    L1 | pass | byzantine 4; create a; post a@1; act 4 deletes-backlog backlog a; drop a; pass 31; end
    L1 | fail was not decided in time | byzantine 4; create a b; post a@1; post b@1; act 4 deletes-backlog backlog b; drop a; pass 31; end
    S12 | pass | byzantine 4; create a; post a@1; act 4 deletes-backlog backlog a; drop a; probe 1 a none; end
    S12 | fail does not find | byzantine 4; create a; post a@1; act 4 malformed-backlog backlog a; drop a; probe 1 a none; end

    S11 | pass | create a!until=1472688020; transfer b a.0; block A@1 a; list A; vote A vvv.; post b@1; pass 25; drop b; pass 31; end           # its time ran out
    S11 | fail is nowhere | create a!until=1472688020; transfer b a.0; block A@1 a; list A; vote A vvv.; post b@1; pass 15; drop b; pass 31; end  # it had not, when it was lost
    S11 | fail is nowhere | create a!until=1472688090; transfer b a.0; block A@1 a; list A; vote A vvv.; post b@1; pass 25; drop b; pass 31; end
    S11 | fail is still waiting | create a!until=1472688020; transfer b a.0; block A@1 a; list A; vote A vvv.; post b@1; pass 60; end           # what is over has to go
    S11 | fail is nowhere | create a!until=1472688020; transfer b a.0; block A@1 a; list A; vote A vvv.; pass 22; post b@1; pass 25; drop b; pass 31; end  # it never held
    S11 | fail is nowhere | create a!from=1472688020; transfer b a.0; block A@1 a; list A; vote A vvv.; pass 22; post b@1; pass 5; drop b; pass 31; end  # it holds from then on
    L1 | pass | create a!until=1472688020; transfer b a.0; block A@1 a; list A; vote A vvv.; post b@1; pass 25; drop b; pass 31; end
    L1 | fail was not decided in time | create a!until=1472688090; transfer b a.0; block A@1 a; list A; vote A vvv.; post b@1; pass 25; drop b; pass 99; end
    S12 | pass | create a!until=1472688020; transfer b a.0; block A@1 a; list A; vote A vvv.; post b@1; pass 25; drop b; probe 2 b none; end
    S12 | fail does not find | create a!until=1472688020; transfer b a.0; block A@1 a; list A; vote A vvv.; post b@1; pass 15; drop b; probe 2 b none; end
";

/// invariant | what it says | a history under the rules of the original.
const ORIGINAL_CASES: &str = "
    S4 | pass | create a; transfer b a.0; transfer d g.0; block A@1 a; vote A>G vvv.; block B@1 b d; vote B>A vvv.
    S4 | fail was in no VALID block | create a; transfer b a.0; block A@1 a; vote A>G vv..; block B@1 b; vote B>A vvv.
    S4 | pass | create a; transfer b!extra a.0; block A@1 a; vote A>G vvv.; block B@1 b; vote B>A vvv.                               # odd, but it never looked
    S7 | fail both come after | create a b; block A@1 a; block B@1 b; vote A>G vvv.; vote B>G vvv.
    S15 | fail by the good votes it is undecided | create a; block A@1 a; vote A>G vxx.; say 1 A invalid
    S21 | fail is in no VALID block | create a; transfer b a.0; block A@1 a; vote A>G vv..; post b@1
    L5 | fail n4 has not voted | create a; block A@1 a; vote A>G vvv.; pass 31; end
    L5 | pass | create a; block A!voters@1 a; vote A>G v...; pass 31; end                                                                  # nobody else is asked
    S8 | pass | create a; block A@1 a; vote A>G vvv.
    L4 | pass | create a; post a@1; drop a; wait a@1; drop a; wait a@2; drop a; wait a@3
    L4 | fail was posted 1 times, and put into the backlog 5 times | create a; post a@1; drop a; wait a@1; drop a; wait a@2; drop a; wait a@3; drop a; wait a@3
    L4 | pass | create a; block A@1 a; vote A>G iii.; block B!at=1472688001@1 a                        # it has no rest
    S8 | fail was invalid and is valid | create a; block A@1 a; vote A>G vvwv                          # previous blocks disagree, then do not
    S1 | pass | create a; transfer b a.0; transfer c a.0; block A@1 a b; vote A>G vvv.; block B@1 c; vote B>A vx.x  # bad signatures count against
    S3 | fail its voters are not the federation | create a; block A!voters@1 a; vote A>G v...          # and yet it is valid, by the author's vote
    S6 | pass | create a b; block A@1 a; block B@1 b; vote A>G v.v.; vote B>A v.v.
    S6 | fail but voted on | create a b; block A@1 a; block B@1 b; vote A>G v...; vote B>G v...
    S18 | pass | create a; block A@1 a; end
";

/// invariant | what it says | a history of members that live with some that run the original.
const MIXED_CASES: &str = "
    S8 | pass | create a; block A@1 a; vote A>G vv.w; vote A>G ..v.                                    # nothing was decided too early
    S8 | fail was valid and is undecided | create a; block A@1 a; vote A>G vvv.; unvote A 2
    S1 | fail is spent by | create a; transfer b a.0; transfer c a.0; block A@1 a b; vote A>G vvv.; block B@1 c; vote B>A vvv.
    S1 | fail as the original adds votes up | create a; transfer b a.0; transfer c a.0; block A!voters@1 a b c; vote A>G v...
    S3 | fail as the original adds votes up | create a; block A!voters@1 a; vote A>G v...
    S6 | fail but voted on | create a b; block A@1 a; block B@1 b; vote A>G v...; vote B>G v...
    S9 | pass | create a; block A@1 a; vote A>G vi.w; say 3 A invalid                                  # no vote can mend that
    S9 | fail by the votes it is undecided | create a; block A@1 a; vote A>G vv.w; say 3 A invalid
    S18 | pass | create a; block A@1 a; vote A>G vvv.; end

    S17 | pass | external 4 v0.6.0; killed 4; failed 4 KeyError                                        # what a foreign program does is its own affair
    S17 | fail n3 ended | external 4 v0.6.0; killed 3
    S9 | pass | external 4 v0.6.0; create a; block A@1 a; vote A>G vv.w; say 4 A invalid               # as it adds votes up
    S9 | fail by the votes it is undecided | external 4 v0.6.0; create a; block A@1 a; vote A>G vv.w; say 3 A invalid
    S9 | fail as the original adds votes up | external 4 v0.6.0; create a; block A@1 a; vote A>G vv.w; say 4 A valid
    S9 | pass | external 4 v0.6.0; create a; block A@1 a; vote A>G iii.; pass 31; probe 1 a invalid; probe 4 a none; end
    S9 | fail n4 says | external 4 v0.6.0; create a; block A@1 a; vote A>G iii.; pass 31; probe 1 a invalid; probe 4 a invalid; end
    S9 | fail n1 says | external 4 v0.6.0; create a; block A@1 a; vote A>G iii.; pass 31; probe 1 a none; probe 4 a none; end
    S9 | fail n4 says | external 4 v0.6.0; create a; block A@1 a; vote A>G vvv.; pass 31; probe 1 a valid; probe 4 a undecided; end
    S8 | pass | external 4 v0.6.0; create a; block A@1 a; vote A>G vv.w; say 4 A invalid; vote A>G ..v.; say 4 A valid
    S8 | fail n3 said block | external 4 v0.6.0; create a; block A@1 a; vote A>G vv.w; say 3 A invalid; vote A>G ..v.; say 3 A valid
    L5 | fail n4 has not voted | external 4 v0.6.0; create a; block A@1 a; vote A>G vvv.; pass 31; end # who runs votes, whoever it is
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
fn what_is_mixed_is_judged_by_both() {
    check("mixed", MIXED_CASES);
}

#[test]
fn a_lawful_history_satisfies_all() {
    let judged = judge(&history(LAWFUL), &Settings::default(), Arc::new(Direct));
    // Nobody acts against the rules or is in conflict there, there is no fault in much load, and nothing
    // is said of single questions to the store and of counters.
    let absent = ["S15", "S19", "S20", "L3", "L7"];
    for judgement in &judged.judgements {
        let invariant = &*judgement.invariant;
        if absent.contains(&invariant) {
            assert!(matches!(judgement.outcome, Outcome::NotApplicable { .. }), "{judgement:?}");
            continue;
        }
        assert_eq!(judgement.outcome, Outcome::Pass, "{invariant}");
        assert!(judgement.looked_at > 0, "{invariant}");
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
