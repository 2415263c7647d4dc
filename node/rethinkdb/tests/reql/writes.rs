//! Terms that write documents.

use crate::support::check;

#[test]
fn insert() {
    check(
        r#"
        [43,[[60,["t"]]]]       => 2
        [56,[[15,["t"]],{"id":1,"a":1}]]  => {"deleted":0,"errors":0,"inserted":1,"replaced":0,"skipped":0,"unchanged":0}
        [56,[[15,["t"]],{"id":1,"a":2}]]  => {"deleted":0,"errors":1,"first_error":"Duplicate primary key `id`:\n{\n\t\"a\":\t1,\n\t\"id\":\t1\n}\n{\n\t\"a\":\t2,\n\t\"id\":\t1\n}","inserted":0,"replaced":0,"skipped":0,"unchanged":0}
        [33,[[56,[[15,["t"]],[2,[{"id":2},{"id":2},5,{"id":3}]]]],"inserted","errors","first_error"]]  => {"errors":2,"first_error":"Expected type OBJECT but found NUMBER.","inserted":2}
        [170,[[56,[[15,["t"]],{"id":2,"b":1}],{"conflict":"replace","return_changes":true}],"changes"]]  => [{"new_val":{"b":1,"id":2},"old_val":{"id":2}}]
        [170,[[56,[[15,["t"]],{"id":2,"c":1}],{"conflict":"update","return_changes":true}],"changes"]]  => [{"new_val":{"b":1,"c":1,"id":2},"old_val":{"b":1,"id":2}}]
        [170,[[56,[[15,["t"]],{"id":2,"c":1}],{"conflict":"update","return_changes":true}],"changes"]]  => []
        [170,[[56,[[15,["t"]],{"id":2,"c":5}],{"conflict":[69,[[2,[1,2,3]],[35,[[10,[2]],{"key":[10,[1]],"new":[31,[[10,[3]],"c"]]}]]]],"return_changes":true}],"changes"]]  => [{"new_val":{"b":1,"c":1,"id":2,"key":"id","new":5},"old_val":{"b":1,"c":1,"id":2}}]
        [56,[[15,["t"]],{"id":2}],{"conflict":[69,[[2,[1]],[10,[1]]]]}]  => QUERY_LOGIC [] The conflict function passed to `insert` should expect 3 arguments.
        [56,[[15,["t"]],{"id":2}],{"conflict":"zz"}]  => QUERY_LOGIC ["conflict"] Conflict option `zz` unrecognized (options are "error", "replace" and "update").
        [56,[[15,["t"]],5]]     => QUERY_LOGIC [] Cannot convert NUMBER to SEQUENCE
        [56,[[15,["t"]],{"id":9}],{"durability":"medium"}]  => QUERY_LOGIC ["durability"] Durability option `medium` unrecognized (options are "hard" and "soft").
        [56,[[15,["t"]],{"id":9}],{"return_changes":"some"}]  => QUERY_LOGIC [] Invalid return_changes value `some` (options are `true`, `false`, and `'always'`.)
        [170,[[56,[[15,["t"]],{"a":1}],{"durability":"soft"}],"generated_keys"]]  => ["10111213-1415-4617-9819-1a1b1c1d1e1f"]
        [170,[[56,[[15,["t"]],[15,["t"]]]],"errors"]]  => 4
        [43,[[15,["t"]]]]       => 4
        "#,
    );
}

#[test]
fn update_replace_and_delete() {
    check(
        r#"
        [43,[[60,["t"]]]]       => 2
        [170,[[56,[[15,["t"]],[38,[[173,[10]],[69,[[2,[1]],{"id":[10,[1]],"a":{"b":1,"c":2}}]]]]]],"inserted"]]  => 10
        [53,[[16,[[15,["t"]],0]],{"q":1}]]  => {"deleted":0,"errors":0,"inserted":0,"replaced":1,"skipped":0,"unchanged":0}
        [53,[[16,[[15,["t"]],0]],{"q":1}]]  => {"deleted":0,"errors":0,"inserted":0,"replaced":0,"skipped":0,"unchanged":1}
        [53,[[16,[[15,["t"]],77]],{"q":1}]]  => {"deleted":0,"errors":0,"inserted":0,"replaced":0,"skipped":1,"unchanged":0}
        [170,[[53,[[16,[[15,["t"]],1]],{"a":[137,[{"z":1}]]}],{"return_changes":true}],"changes"]]  => [{"new_val":{"a":{"z":1},"id":1},"old_val":{"a":{"b":1,"c":2},"id":1}}]
        [170,[[53,[[16,[[15,["t"]],1]],[69,[[2,[1]],{"n":[24,[[170,[[10,[1]],"id"]],1]]}]]],{"return_changes":true}],"changes"]]  => [{"new_val":{"a":{"z":1},"id":1,"n":2},"old_val":{"a":{"z":1},"id":1}}]
        [170,[[53,[[16,[[15,["t"]],1]],1]],"first_error"]]  => "Inserted value must be an OBJECT (got NUMBER):\n1"
        [170,[[53,[[16,[[15,["t"]],1]],{"id":5}]],"errors"]]  => 1
        [170,[[53,[[15,["t"]],{"n":[24,[[170,[[13,[]],"n"]],1]]}]],"errors"]]  => COMPILE [0,1,"n",0,0] r.row is not defined in this context.
        [33,[[53,[[15,["t"]],[69,[[2,[1]],{"n":[24,[[170,[[10,[1]],"n"]],1]]}]]]],"errors","replaced"]]  => {"errors":9,"replaced":1}
        [53,[[16,[[15,["t"]],1]],{"x":[169]}]]  => QUERY_LOGIC [] Could not prove argument deterministic.  Maybe you want to use the non_atomic flag?
        [170,[[53,[[16,[[15,["t"]],1]],{"x":[43,[[15,["t"]]]]}],{"non_atomic":true,"return_changes":true}],"replaced"]]  => 1
        [170,[[16,[[15,["t"]],1]],"x"]]  => 10
        [170,[[53,[[182,[[15,["t"]],2,5]],{"mark":true}]],"replaced"]]  => 3
        [170,[[53,[[71,[[41,[[15,["t"]]],{"index":[74,["id"]]}],2]],{"last":true}]],"replaced"]]  => 2
        [41,[[170,[[39,[[15,["t"]],{"last":true}]],"id"]],[69,[[2,[1]],[10,[1]]]]]]  => [8,9]
        [55,[[16,[[15,["t"]],50]],{"id":50,"a":1}]]  => {"deleted":0,"errors":0,"inserted":1,"replaced":0,"skipped":0,"unchanged":0}
        [170,[[55,[[16,[[15,["t"]],51]],{"a":1}]],"first_error"]]  => "Inserted object must have primary key `id`:\n{\n\t\"a\":\t1\n}"
        [170,[[55,[[16,[[15,["t"]],50]],null],{"return_changes":true}],"changes"]]  => [{"new_val":null,"old_val":{"a":1,"id":50}}]
        [170,[[54,[[39,[[15,["t"]],{"mark":true}]]]],"deleted"]]  => 3
        [170,[[54,[[78,[[15,["t"]],0,1,77]]],{"return_changes":"always"}],"deleted"]]  => 2
        [54,[[33,[[15,["t"]],"id"]]]]  => QUERY_LOGIC [0] Expected type SELECTION but found SEQUENCE:\nVALUE SEQUENCE
        [170,[[54,[[15,["t"]]]],"deleted"]]  => 5
        [138,[[15,["t"]]]]      => {"synced":1}
        "#,
    );
}

#[test]
fn for_each() {
    check(
        r#"
        [43,[[60,["t"]]]]       => 2
        [68,[[2,[1,2]],[69,[[2,[1]],[56,[[15,["t"]],{"id":[10,[1]]}]]]]]]  => {"deleted":0,"errors":0,"inserted":2,"replaced":0,"skipped":0,"unchanged":0}
        [68,[[15,["t"]],[69,[[2,[1]],[2,[[54,[[16,[[15,["t"]],[170,[[10,[1]],"id"]]]]]],[54,[[16,[[15,["t"]],9]]]]]]]]]]  => {"deleted":2,"errors":0,"inserted":0,"replaced":0,"skipped":2,"unchanged":0}
        [68,[[2,[]],[69,[[2,[1]],[54,[[15,["t"]]]]]]]]  => {}
        [68,[[2,[1]],[69,[[2,[1]],[10,[1]]]]]]  => QUERY_LOGIC [1,1] FOR_EACH expects one or more basic write queries.  Expected type ARRAY but found NUMBER.
        "#,
    );
}
