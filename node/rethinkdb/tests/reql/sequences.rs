//! Terms over sequences that need no table.

use crate::support::check;

#[test]
fn elements() {
    check(
        r#"
        [38,[[2,[1,2]],[69,[[2,[1]],[24,[[10,[1]],1]]]]]]                   => [2,3]
        [38,[[2,[1,2]],[2,[10,20,30]],[69,[[2,[1,2]],[24,[[10,[1]],[10,[2]]]]]]]] => [11,22]
        [38,[[2,[1]],[69,[[2,[1,2]],[10,[1]]]]]] => QUERY_LOGIC [] The function passed to `map` expects 2 arguments, but 1 sequence was found.
        [40,[[2,[1,2]],[69,[[2,[1]],[2,[[10,[1]],[10,[1]]]]]]]]             => [1,1,2,2]
        [40,[[2,[1]],[69,[[2,[1]],[10,[1]]]]]]                              => QUERY_LOGIC [1] Cannot convert NUMBER to SEQUENCE
        [39,[[2,[{"a":1},{"a":2}]],{"a":2}]]                                => [{"a":2}]
        [39,[[2,[{"a":{"b":1,"c":2}},{}]],{"a":{"b":1}}]]                   => [{"a":{"b":1,"c":2}}]
        [39,[[2,[{"a":1},{}]],[69,[[2,[1]],[17,[[170,[[10,[1]],"a"]],1]]]]],{"default":true}] => [{"a":1},{}]
        [39,[[2,[{}]],[69,[[2,[1]],[170,[[10,[1]],"a"]]]]],{"default":[12]}] => NON_EXISTENCE [1,1] No attribute `a` in object:\n{}
        [71,[[2,[1,2,3]],2]]                     => [1,2]
        [71,[[2,[1]],-1]]                        => QUERY_LOGIC [] LIMIT takes a non-negative argument (got -1)
        [70,[[2,[1,2,3]],1]]                     => [2,3]
        [30,[[2,[1,2,3]],1,2]]                   => [2]
        [30,[[2,[1,2,3]],-2,-1],{"right_bound":"closed"}] => [2,3]
        [30,["höchst",1,3]]                      => "öc"
        [45,[[2,[1,2]],-1]]                      => 2
        [170,[[2,[1]],3]]                        => NON_EXISTENCE [] Index out of bounds: 3
        [173,[3]]                                => stream [0,1,2]
        [71,[[173,[]],2]]                        => stream [0,1]
        [43,[[173,[]]]]                          => QUERY_LOGIC [0] Cannot use an infinite stream with an aggregation function (`reduce`, `count`, etc.) or coerce it to an array.
        [43,[[51,[[173,[100001]],"array"]]]]     => RESOURCE_LIMIT [] Array over size limit `100000`.  To raise the number of allowed elements, modify the `array_limit` option to `.run` (not available in the Data Explorer), or use an index.
        [93,[[2,[1,2]],2]]                       => true
        [93,[[2,[1,2]],2,3]]                     => false
        [93,[[2,[1,2]]]]                         => true
        [93,[null,1]]                            => NON_EXISTENCE [] Cannot convert NULL to SEQUENCE
        [87,[[2,[1,2,1]],1]]                     => [0,2]
        [86,[[2,[]]]]                            => true
        [44,[[2,[1]],[173,[2]]]]                 => stream [1,0,1]
        [44,[[2,[1,4]],[2,[2,3]]],{"interleave":[69,[[2,[1]],[10,[1]]]]}] => [1,2,3,4]
        "#,
    );
}

#[test]
fn aggregations() {
    check(
        r#"
        [43,[[2,[1,1,2]],1]]     => 2
        [43,["höchst"]]          => 6
        [145,[[2,[]]]]           => 0
        [145,[[2,[{"a":1},{}]],"a"]] => 1
        [145,[[2,["a"]]]]        => QUERY_LOGIC [] Expected type NUMBER but found STRING.
        [146,[[2,[1,2]]]]        => 1.5
        [146,[[2,[]]]]           => NON_EXISTENCE [] Cannot take the average of an empty stream.  (If you passed `avg` a field name, it may be that no elements of the stream had that field.)
        [148,[[2,[{"a":1},{},{"a":2}]],"a"]] => {"a":2}
        [37,[[2,[1,2,3]],[69,[[2,[1,2]],[24,[[10,[1]],[10,[2]]]]]]]] => 6
        [37,[[2,[]],[69,[[2,[1,2]],1]]]] => NON_EXISTENCE [1,1] Cannot reduce over an empty stream.
        [187,[[2,[1,2]],10,[69,[[2,[1,2]],[24,[[10,[1]],[10,[2]]]]]]]] => 13
        [187,[[2,[1,2]],10,[69,[[2,[1,2]],[24,[[10,[1]],[10,[2]]]]]]],{"emit":[69,[[2,[1,2,3]],[2,[[10,[3]]]]]]}] => [11,13]
        [144,[[2,[{"a":1,"b":2},{"a":1,"b":3},{"b":4}]],"a"]] => {"$reql_type$":"GROUPED_DATA","data":[[null,[{"b":4}]],[1,[{"a":1,"b":2},{"a":1,"b":3}]]]}
        [43,[[144,[[2,[{"a":1},{"a":1},{}]],"a"]]]] => {"$reql_type$":"GROUPED_DATA","data":[[null,1],[1,2]]}
        [150,[[145,[[144,[[2,[{"a":1,"b":2},{"a":2}]],"a"]],"b"]]]] => [{"group":1,"reduction":2}]
        [43,[[144,[[2,[{"a":[2,[1,2]]},{"a":2}]],"a"],{"multi":true}]]] => {"$reql_type$":"GROUPED_DATA","data":[[1,1],[2,2]]}
        [24,[[43,[[144,[[2,[1,2,2]],[69,[[2,[1]],[10,[1]]]]]]]],10]] => {"$reql_type$":"GROUPED_DATA","data":[[1,11],[2,12]]}
        [45,[[144,[[2,[1,2,2]],[69,[[2,[1]],[10,[1]]]]]],0]] => {"$reql_type$":"GROUPED_DATA","data":[[1,1],[2,2]]}
        [144,[[2,[1]]]]          => QUERY_LOGIC [] Cannot group by nothing.
        [150,[1]]                => QUERY_LOGIC [0] Expected type GROUPED_DATA but found DATUM:\n1
        [144,[[144,[[2,[{"a":1}]],"a"]],"a"]] => QUERY_LOGIC [0] Cannot call `group` on the output of `group` (did you mean to `ungroup`?).
        [42,[[2,[3,1,2,1]]]]     => [1,2,3]
        [41,[[2,[{"a":2},{},{"a":null},{"a":"x"},{"a":1}]],"a"]] => [{},{"a":null},{"a":1},{"a":2},{"a":"x"}]
        [41,[[2,[{"a":1},{},{"a":2}]],[74,["a"]]]] => [{"a":2},{"a":1},{}]
        [41,[[2,[1]],"a"]]       => [1]
        [41,[[2,[1,2]],"a"]]     => QUERY_LOGIC [1] Cannot perform get_field on a non-object non-sequence `1`.
        [41,[[2,[1]],[69,[[2,[1]],[169]]]]] => QUERY_LOGIC [] Sorting by a non-deterministic function is not supported.
        "#,
    );
}

#[test]
fn joins() {
    check(
        r#"
        [48,[[2,[1,2]],[2,[2,3]],[69,[[2,[1,2]],[17,[[10,[1]],[10,[2]]]]]]]] => [{"left":2,"right":2}]
        [49,[[2,[1,2]],[2,[2,3]],[69,[[2,[1,2]],[17,[[10,[1]],[10,[2]]]]]]]] => [{"left":1},{"left":2,"right":2}]
        [72,[[48,[[2,[{"a":1}]],[2,[{"b":1}]],[69,[[2,[1,2]],true]]]]]]      => [{"a":1,"b":1}]
        [72,[[2,[{}]]]]                                                      => QUERY_LOGIC [] ZIP can only be called on the result of a join.
        "#,
    );
}
