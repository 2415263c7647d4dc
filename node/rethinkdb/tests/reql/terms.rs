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
fn chance_keeps_to_its_bounds() {
    check(
        r#"
        [42,[[38,[[173,[200]],[69,[[2,[1]],[151,[-93.94757,-93.94757],{"float":true}]]]]]]]  => [-93.94757]
        [37,[[38,[[173,[200]],[69,[[2,[1]],[67,[[22,[[151,[0.1,0.3],{"float":true}],0.1]],[19,[[151,[0.3,0.1],{"float":true}],0.30000000001]]]]]]]],[69,[[2,[1,2]],[67,[[10,[1]],[10,[2]]]]]]]]  => true
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

#[test]
fn arrays() {
    check(
        r#"
        [29,[[2,[1]],2]]             => [1,2]
        [80,[[2,[1]],2]]             => [2,1]
        [82,[[2,[1,2]],-1,9]]        => [1,2,9]
        [82,[[2,[1]],3,9]]           => NON_EXISTENCE [] Index `3` out of bounds for array of size: `1`.
        [83,[[2,[1,2,3]],1]]         => [1,3]
        [83,[[2,[1,2,3]],0,2]]       => [3]
        [83,[[2,[1,2,3]],2,1]]       => QUERY_LOGIC [] Start index `2` is greater than end index `1`.
        [84,[[2,[1,2]],-3,9]]        => NON_EXISTENCE [] Index out of bounds: -3
        [85,[[2,[1,2]],1,[2,[7,8]]]] => [1,7,8,2]
        [88,[[2,[1,1]],2]]           => [1,2]
        [89,[[2,[1,2,2]],[2,[2,2,3]]]] => [2]
        [90,[[2,[3,1]],[2,[1,2]]]]   => [3,1,2]
        [91,[[2,[1,1,2]],[2,[2]]]]   => [1]
        [95,[[2,[1,1,2]],[2,[2]]]]   => [1,1]
        [29,[1,2]]                   => QUERY_LOGIC [] Expected type ARRAY but found NUMBER.
        "#,
    );
}

#[test]
fn objects() {
    check(
        r#"
        [170,[[2,[{"a":1},{"b":2},{"a":null}]],"a"]] => [1,null]
        [170,[[2,[{"a":1},null]],"a"]]  => [1]
        [170,[[2,[{"a":1},1]],"a"]]     => QUERY_LOGIC [] Cannot perform bracket on a non-object non-sequence `1`.
        [170,[[2,[[2,[1]]]],"a"]]       => QUERY_LOGIC [] Cannot perform bracket on a sequence of sequences.
        [170,[null,"a"]]                => NON_EXISTENCE [0] Cannot perform bracket on a non-object non-sequence `null`.
        [31,[5,"a"]]                    => QUERY_LOGIC [0] Cannot perform get_field on a non-object non-sequence `5`.
        [170,[{"a":1},1]]               => QUERY_LOGIC [] Cannot convert OBJECT to SEQUENCE
        [170,[{"a":1},true]]            => QUERY_LOGIC [] Expected NUMBER or STRING as second argument to `bracket` but found BOOL.
        [170,[[103],"epoch_time"]]      => QUERY_LOGIC [0] Cannot call `bracket` on objects of type `PTYPE<TIME>`.
        [33,[{"a":1,"b":{"c":1,"d":2}},"x",{"b":"c"}]] => {"b":{"c":1}}
        [33,[{"b":[2,[{"c":1,"d":2}]]},{"b":{"c":true}}]] => {"b":[{"c":1}]}
        [33,[[2,[{"a":1,"b":2}]],"a"]]  => [{"a":1}]
        [33,[{"a":1},1]]                => QUERY_LOGIC [] Invalid path argument `1`.
        [34,[{"a":1,"b":{"c":1,"d":2}},"a",{"b":"c"}]] => {"b":{"d":2}}
        [32,[{"a":null},"a"]]           => false
        [32,[{"a":{"b":0}},{"a":"b"}]]  => true
        [32,[[2,[{"a":1},{}]],"a"]]     => [{"a":1}]
        [96,[[2,[{"a":1,"b":2},{}]],"a"]] => [{"a":1}]
        [96,[{"a":1},"a"]]              => QUERY_LOGIC [] Cannot perform pluck on a non-object non-sequence `true`.
        [35,[{"a":{"b":1,"c":2}},{"a":{"b":9}}]] => {"a":{"b":9,"c":2}}
        [35,[{"a":{"b":1}},{"a":[137,[{"z":1}]]}]] => {"a":{"z":1}}
        [35,[{"a":1,"b":2},{"a":[137,[]]}]] => {"b":2}
        [35,[{"a":1},[69,[[2,[1]],{"b":[170,[[10,[1]],"a"]]}]]]] => {"a":1,"b":1}
        [137,[1]]                       => QUERY_LOGIC [] Stray literal keyword found: literal is only legal inside of the object passed to merge or update and cannot nest inside other literals.
        [94,[{"b":1,"a":2}]]            => ["a","b"]
        [186,[{"b":1,"a":2}]]           => [2,1]
        [143,["a",1,"b",2]]             => {"a":1,"b":2}
        [143,["a",1,"a",2]]             => QUERY_LOGIC [] Duplicate key "a" in object.  (got 1 and 2 as values)
        {"$reql_type$":"FOO"}           => QUERY_LOGIC [] Unknown $reql_type$ `PTYPE<FOO>`.
        {"$reql_type$":"BINARY","data":"aGk="} => {"$reql_type$":"BINARY","data":"aGk="}
        "#,
    );
}

#[test]
fn texts() {
    check(
        r#"
        [97,["höchst","c(h)(x)?"]] => {"end":5,"groups":[{"end":5,"start":4,"str":"h"},null],"start":3,"str":"ch"}
        [97,["a","b"]]             => null
        [97,["","ab\\9"]]         => QUERY_LOGIC [] Error in regexp `ab\9` (portion `\9`): invalid escape sequence: \9
        [97,["","(ab"]]            => QUERY_LOGIC [] Error in regexp `(ab` (portion `(ab`): missing ): (ab
        [97,["","ab)"]]            => QUERY_LOGIC [] Error in regexp `ab)` (portion `ab)`): unexpected ): ab)
        [97,["","x[ab"]]           => QUERY_LOGIC [] Error in regexp `x[ab` (portion `[ab`): missing ]: [ab
        [97,["","*a"]]             => QUERY_LOGIC [] Error in regexp `*a` (portion `*`): no argument for repetition operator: *
        [97,["","[b-a]"]]          => QUERY_LOGIC [] Error in regexp `[b-a]` (portion `b-a`): invalid character class range: b-a
        [97,["","a{2,1}"]]         => QUERY_LOGIC [] Error in regexp `a{2,1}` (portion `{2,1}`): invalid repetition size: {2,1}
        [97,["","(?=a)"]]          => QUERY_LOGIC [] Error in regexp `(?=a)` (portion `(?=`): invalid perl operator: (?=
        [97,["","x(?P<n"]]         => QUERY_LOGIC [] Error in regexp `x(?P<n` (portion `(?P<n`): invalid named capture group: (?P<n
        [97,["","\\"]]            => QUERY_LOGIC [] Error in regexp `\` (portion ``): trailing \
        [97,["","\\pX"]]          => QUERY_LOGIC [] Error in regexp `\pX` (portion `\pX`): invalid character class range: \pX
        [141,["äa"]]               => "äA"
        [149,["  a  b c "]]        => ["a","b","c"]
        [149,["  a  b c ",null,1]] => ["a","b c "]
        [149,["a,b,,c",","]]       => ["a","b","","c"]
        [149,["a,b,c",",",1]]      => ["a","b,c"]
        [149,["aé",""]]            => ["a","é"]
        [149,["",""]]              => []
        [149,["",","]]             => [""]
        [98,["{\"a\":[1,2,{\"b\":null}],\"id\":1e3}"]] => {"a":[1,2,{"b":null}],"id":1000}
        [98,["{\"a\":"]]           => QUERY_LOGIC [] Failed to parse "{"a":" as JSON: Invalid value.
        [98,["{\"a\":1,\"a\":2}"]] => QUERY_LOGIC [] Duplicate key "a" in JSON.
        [172,[{"a":[2,[1,-0.0]]}]] => "{\"a\":[1,-0.0]}"
        [169,["a"]]                => "d0333a3b-39b1-5201-b37a-7bfbf6542b5f"
        [155,["hi"]]               => {"$reql_type$":"BINARY","data":"aGk="}
        "#,
    );
}

#[test]
fn types() {
    check(
        r#"
        [52,[[103]]]             => "PTYPE<TIME>"
        [52,[[2,[]]]]            => "ARRAY"
        [52,[[173,[3]]]]         => "STREAM"
        [52,[[69,[[2,[1]],1]]]]  => "FUNCTION"
        [52,[[144,[[173,[3]],[69,[[2,[1]],1]]]]]] => "GROUPED_STREAM"
        [51,[1,"string"]]        => "1"
        [51,["1.5","number"]]    => 1.5
        [51,["x","number"]]      => QUERY_LOGIC [] Could not coerce `x` to NUMBER.
        [51,[{"a":1},"array"]]   => [["a",1]]
        [51,[[2,[[2,["a",1]]]],"object"]] => {"a":1}
        [51,[[173,[2]],"array"]] => [0,1]
        [51,[null,"bool"]]       => false
        [51,[1,"array"]]         => QUERY_LOGIC [0] Cannot coerce NUMBER to ARRAY.
        [51,[1,"foo"]]           => QUERY_LOGIC [] Unknown Type: FOO
        [79,[1]]                 => {"type":"NUMBER","value":"1"}
        "#,
    );
}

#[test]
fn times() {
    check(
        r#"
        [103]                              => {"$reql_type$":"TIME","epoch_time":1480000000.25,"timezone":"+00:00"}
        [17,[[103],[103]]]                 => true
        [24,[[101,[0]],5]]                 => {"$reql_type$":"TIME","epoch_time":5,"timezone":"+00:00"}
        [25,[[101,[5]],[101,[3.5]]]]       => 1.5
        [102,[[101,[5.5]]]]                => 5.5
        [100,[[101,[0]]]]                  => "1970-01-01T00:00:00+00:00"
        [100,[[101,[1480000000.25]]]]      => "2016-11-24T15:06:40.250+00:00"
        [100,[[104,[[101,[0]],"-01:30"]]]] => "1969-12-31T22:30:00-01:30"
        [102,[[99,["2016-11-24T15:06:40.25Z"]]]]      => 1480000000.25
        [102,[[99,["2016-11-24T16:06:40+01:00"]]]]    => 1480000000
        [102,[[99,["20161124T150640Z"]]]]             => 1480000000
        [102,[[99,["2016-329"],{"default_timezone":"Z"}]]] => 1479945600
        [99,["2016-11-24"]]                => QUERY_LOGIC [0] ISO 8601 string has no time zone, and no default time zone was provided.
        [102,[[136,[2016,11,24,15,6,40.5,"+00:00"]]]] => 1480000000.5
        [136,[2015,2,29,"Z"]]              => QUERY_LOGIC [] Error in time logic: Day of month is not valid for year.
        [128,[[101,[1480000000]]]]         => 2016
        [129,[[101,[1480000000]]]]         => 11
        [130,[[101,[1480000000]]]]         => 24
        [131,[[101,[1480000000]]]]         => 4
        [132,[[101,[1480000000]]]]         => 329
        [133,[[101,[1480000000]]]]         => 15
        [134,[[101,[1480000000]]]]         => 6
        [135,[[101,[1480000000.25]]]]      => 40.25
        [126,[[101,[1480000000.25]]]]      => 54400.25
        [102,[[106,[[101,[1480000000.25]]]]]] => 1479945600
        [127,[[104,[[103],"+0130"]]]]      => "+01:30"
        [105,[[101,[1]],[101,[1]],[101,[2]]]] => true
        [105,[[101,[2]],[101,[1]],[101,[2]]]] => false
        [100,[1]]                          => QUERY_LOGIC [0] Not a TIME pseudotype: `1`.
        [110]                              => 4
        {"$reql_type$":"TIME","epoch_time":1} => QUERY_LOGIC [] Invalid time object constructed (no field `timezone`):\n{\n\t"$reql_type$":\t"TIME",\n\t"epoch_time":\t1\n}
        "#,
    );
}
