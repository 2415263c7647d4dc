//! Terms that need no table.

use crate::support::check;

#[test]
fn numbers() {
    check(
        r#"
        1.0                     => 1
        -0.0                    => -0.0
        1e21                    => 1e+21
        9007199254740993        => 9007199254740992
        [24,[0.1,0.2]]          => 0.30000000000000004
        [24,[1,2,3]]            => 6
        [24,["a","b"]]          => "ab"
        [24,[[2,[1]],[2,[2]]]]  => [1,2]
        [24,[1,"a"]]            => QUERY_LOGIC [] Expected type NUMBER but found STRING.
        [24,[null,1]]           => NON_EXISTENCE [] Expected type NUMBER but found NULL.
        [26,[[2,[1,2]],2]]      => [1,2,1,2]
        [27,[1,0]]              => QUERY_LOGIC [] Cannot divide by zero.
        [26,[1e300,1e300]]      => QUERY_LOGIC [] Non-finite number: inf
        [28,[-7,3]]             => -1
        [28,[7,1.5]]            => QUERY_LOGIC [1] Number not an integer: 1.5
        [185,[-2.5]]            => -3
        "#,
    );
}

#[test]
fn order_and_truth() {
    check(
        r#"
        [19,[[2,[]],false]]   => true
        [19,[null,1]]         => true
        [19,[1,{}]]           => true
        [19,["z",[181]]]      => true
        [17,[1,1,2]]          => false
        [18,[1,1,2]]          => true
        [67,[1,null,2]]       => null
        [66,[false,0,2]]      => 0
        [67,[]]               => true
        [23,[0]]              => false
        [180]                 => QUERY_LOGIC [] Cannot convert `r.minval` to JSON.
        "#,
    );
}

#[test]
fn what_cannot_be_meant() {
    check(
        r#"
        [9999,[]]                => COMPILE [] Unrecognized TermType: 9999.
        [24,[[1],[2]]]           => COMPILE [0] Expected 3 items in array, but found 2.
        [28,[1]]                 => COMPILE [] Expected 2 arguments but found 1.
        [24,[1],{"zz":1}]        => COMPILE ["zz"] Unrecognized optional argument `zz`.
        {"a":1,"a":2}            => COMPILE [] Duplicate object key: a.
        [10,[5]]                 => COMPILE [] Variable name not found.
        [13,[]]                  => COMPILE [] r.row is not defined in this context.
        [69,[[2,[1]],[69,[[2,[2]],[13,[]]]]]]   => COMPILE [1,1] Cannot use r.row in nested queries.  Use functions instead.
        "\ud800"                 => CLIENT [] Client is buggy (failed to deserialize query).
        "#,
    );
}

#[test]
fn control() {
    check(
        r#"
        [64,[[69,[[2,[1,2]],[24,[[10,[1]],[10,[2]]]]]],10,20]]  => 30
        [65,[false,1,0,2,3]]       => 2
        [65,[null,1]]              => COMPILE [] Expected 3 or more arguments but found 2.
        [12,["boom"]]              => USER [] boom
        [92,[[170,[{"b":1},"a"]],7]] => 7
        [92,[null,[12]]]           => null
        [92,[[24,[1,"a"]],7]]      => QUERY_LOGIC [0] Expected type NUMBER but found STRING.
        [24,[[154,[[2,[1,2,3]]]]]] => 6
        [69,[[2,[1]],1]]           => QUERY_LOGIC [] Query result must be of type DATUM, GROUPED_DATA, or STREAM (got FUNCTION).
        "#,
    );
}
