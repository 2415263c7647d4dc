//! Terms that write documents.

use bigchaindb_rethinkdb::{Database, Settings};

use crate::support::{answer, check, env};

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
        [170,[[56,[[15,["t"]],[2,[{"id":2},{"id":null},5,{"id":4}]]],{"return_changes":"always"}],"changes"]]  => [{"error":"Duplicate primary key `id`:\n{\n\t\"b\":\t1,\n\t\"c\":\t1,\n\t\"id\":\t2,\n\t\"key\":\t\"id\",\n\t\"new\":\t5\n}\n{\n\t\"id\":\t2\n}","new_val":{"b":1,"c":1,"id":2,"key":"id","new":5},"old_val":{"b":1,"c":1,"id":2,"key":"id","new":5}},{"error":"Primary keys must be either a number, string, bool, pseudotype or array (got type NULL):\nnull","new_val":null,"old_val":null},{"error":"Expected type OBJECT but found NUMBER.","new_val":null,"old_val":null},{"new_val":{"id":4},"old_val":null}]
        [170,[[54,[[16,[[15,["t"]],4]]]],"deleted"]]  => 1
        [170,[[56,[[15,["t"]],[2,[5]]],{"return_changes":true}],"changes"]]  => [{"error":"Expected type OBJECT but found NUMBER.","new_val":null,"old_val":null}]
        [170,[[56,[[15,["t"]],{"id":[180,[]]}]],"first_error"]]  => "`r.minval` and `r.maxval` cannot be written to disk."
        [170,[[56,[[15,["t"]],{"id":9,"a":[2,[[181,[]]]]}]],"first_error"]]  => "`r.minval` and `r.maxval` cannot be written to disk."
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
        [55,[[16,[[15,["t"]],1]],[154,[[2,[[16,[[15,["t"]],0]]]]]]]]  => QUERY_LOGIC [] Could not prove argument deterministic.  Maybe you want to use the non_atomic flag?
        [170,[[53,[[16,[[15,["t"]],1]],{"x":[43,[[15,["t"]]]]}],{"non_atomic":true,"return_changes":true}],"replaced"]]  => 1
        [170,[[16,[[15,["t"]],1]],"x"]]  => 10
        [170,[[53,[[182,[[15,["t"]],2,5]],{"mark":true}]],"replaced"]]  => 3
        [170,[[53,[[71,[[41,[[15,["t"]]],{"index":[74,["id"]]}],2]],{"last":true}]],"replaced"]]  => 2
        [41,[[170,[[39,[[15,["t"]],{"last":true}]],"id"]],[69,[[2,[1]],[10,[1]]]]]]  => [8,9]
        [55,[[16,[[15,["t"]],50]],{"id":50,"a":1}]]  => {"deleted":0,"errors":0,"inserted":1,"replaced":0,"skipped":0,"unchanged":0}
        [170,[[55,[[16,[[15,["t"]],51]],{"id":5}]],"first_error"]]  => "Primary key `id` cannot be changed (null -> {\n\t\"id\":\t5\n})"
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
fn write_hooks() {
    check(
        r#"
        [43,[[60,["t"]]]]       => 2
        [190,[[15,["t"]]]]      => null
        [170,[[174,[[15,["t"]]]],"write_hook"]]  => null
        # What the hook is given: the key and the time, the old row, the new one.
        [189,[[15,["t"]],[69,[[2,[1,2,3]],[35,[[10,[3]],{"key":[170,[[10,[1]],"primary_key"]],"time":[102,[[170,[[10,[1]],"timestamp"]]]],"was":[10,[2]]}]]]]]]  => {"created":1}
        [170,[[190,[[15,["t"]]]],"query"]]  => "setWriteHook(function(var1, var2, var3) { return var3.merge({\"key\": var1(\"primary_key\"), \"time\": var1(\"timestamp\").toEpochTime(), \"was\": var2}); })"
        [17,[[190,[[15,["t"]]]],[170,[[174,[[15,["t"]]]],"write_hook"]]]]  => true
        [170,[[56,[[15,["t"]],{"id":1}],{"return_changes":true}],"changes"]]  => [{"new_val":{"id":1,"key":1,"time":1480000000.25,"was":null},"old_val":null}]
        [170,[[54,[[15,["t"]]]],"first_error"]]  => "Error in write hook: Cannot perform merge on a non-object non-sequence `null`."
        [170,[[54,[[15,["t"]]],{"ignore_write_hook":true}],"deleted"]]  => 1
        # Every way to write, and only where there is something to write.
        [189,[[15,["t"]],[69,[[2,[1,2,3]],[65,[[17,[[10,[3]],null]],null,[35,[[10,[3]],{"n":1}]]]]]]]]  => {"replaced":1}
        [56,[[15,["t"]],[2,[{"id":1},{"id":2,"n":7}]]]]  => {"deleted":0,"errors":0,"inserted":2,"replaced":0,"skipped":0,"unchanged":0}
        [170,[[15,["t"]],"n"]]  => stream [1,1]
        [170,[[53,[[15,["t"]],{"n":2}]],"unchanged"]]  => 2
        [170,[[55,[[16,[[15,["t"]],1]],{"id":1,"a":1}],{"return_changes":true}],"changes"]]  => [{"new_val":{"a":1,"id":1,"n":1},"old_val":{"id":1,"n":1}}]
        [170,[[53,[[16,[[15,["t"]],1]],{"n":2}],{"ignore_write_hook":true}],"replaced"]]  => 1
        [170,[[56,[[15,["t"]],{"id":1,"b":1}],{"conflict":"update","return_changes":true}],"changes"]]  => [{"new_val":{"a":1,"b":1,"id":1,"n":1},"old_val":{"a":1,"id":1,"n":2}}]
        [170,[[56,[[15,["t"]],{"id":1}]],"errors"]]  => 1
        [170,[[54,[[16,[[15,["t"]],9]]]],"skipped"]]  => 1
        [170,[[53,[[16,[[15,["t"]],9]],{"a":1}]],"skipped"]]  => 1
        # What a hook makes of a row is held to what holds for any row.
        [189,[[15,["t"]],[69,[[2,[1,2,3]],{"id":5}]]]]  => {"replaced":1}
        [170,[[56,[[15,["t"]],{"id":8}]],"first_error"]]  => "Primary key `id` cannot be changed (null -> {\n\t\"id\":\t5\n})"
        [170,[[54,[[15,["t"]]]],"first_error"]]  => "A write hook function must not turn a deletion into a replace/insert."
        [189,[[15,["t"]],[69,[[2,[1,2,3]],null]]]]  => {"replaced":1}
        [170,[[56,[[15,["t"]],{"id":8}]],"first_error"]]  => "A write hook function must not turn a replace/insert into a deletion."
        [189,[[15,["t"]],[69,[[2,[1,2,3]],[12,["no"]]]]]]  => {"replaced":1}
        [170,[[56,[[15,["t"]],{"id":8}]],"first_error"]]  => "Error in write hook: no"
        [43,[[15,["t"]]]]       => 2
        # Hooks as they are shown can be set again, and not by the table's configuration.
        [43,[[60,["u"]]]]       => 2
        [189,[[15,["u"]],[170,[[190,[[15,["t"]]]],"function"]]]]  => {"created":1}
        [170,[[56,[[15,["u"]],{"id":8}]],"first_error"]]  => "Error in write hook: no"
        [170,[[53,[[174,[[15,["u"]]]],{"write_hook":null}]],"first_error"]]  => "The change you're trying to make to `rethinkdb.table_config` has the wrong format. The `write_hook` field is read-only and can't be used to create or drop a write hook function."
        [170,[[53,[[174,[[15,["u"]]]],{"durability":"soft"}]],"replaced"]]  => 1
        [189,[[15,["u"]],null]]  => {"deleted":1}
        [170,[[56,[[15,["u"]],{"id":8}]],"inserted"]]  => 1
        [189,[[15,["u"]],null]]  => {"deleted":1}
        # What is no hook.
        [189,[[15,["u"]],5]]    => QUERY_LOGIC [1] Expected type FUNCTION but found DATUM:\n5
        [189,[[15,["u"]],[155,["x"]]]]  => QUERY_LOGIC [1] Cannot create a write hook except from a reql_write_hook_function returned from `get_write_hook`.
        [189,[[15,["u"]],[69,[[2,[1]],1]]]]  => QUERY_LOGIC [1,1] Write hook functions must expect 3 arguments.
        [189,[[15,["u"]],[69,[[2,[1,2,3]],[169]]]]]  => QUERY_LOGIC [1,1] Could not prove function deterministic.  Write hook functions must be deterministic.
        [189,[[15,[[14,["rethinkdb"]],"users"]],null]]  => OP_FAILED [] Database `rethinkdb` is special; you can't set a write hook on the tables in it.
        [190,[[15,[[14,["rethinkdb"]],"users"]]]]  => null
        "#,
    );
}

#[test]
fn a_write_hook_is_kept_with_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |query: &str| {
        let mut env = env();
        env.database = Database::open(&folder.path().join("data"), &Settings::default()).unwrap();
        let mut text = Vec::new();
        answer(&env, query).write_json(&mut text);
        String::from_utf8(text).unwrap()
    };
    ask(r#"[1,[60,["t"]]]"#);
    let set = ask(r#"[1,[189,[[15,["t"]],[69,[[2,[1,2,3]],[12,["no"]]]]]]]"#);
    assert_eq!(set, r#"{"t":1,"r":[{"created":1}]}"#);
    let inserted = ask(r#"[1,[170,[[56,[[15,["t"]],{"id":1}]],"first_error"]]]"#);
    assert_eq!(inserted, r#"{"t":1,"r":["Error in write hook: no"]}"#);
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
