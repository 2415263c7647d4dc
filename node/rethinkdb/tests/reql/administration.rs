//! Databases, tables and indexes, and what the server tells of itself.

use crate::support::check;

#[test]
fn databases_and_tables() {
    check(
        r#"
        [57,["d1"]]             => {"config_changes":[{"new_val":{"id":"00010203-0405-4607-8809-0a0b0c0d0e0f","name":"d1"},"old_val":null}],"dbs_created":1}
        [57,["d1"]]             => OP_FAILED [] Database `d1` already exists.
        [57,["x.z"]]            => QUERY_LOGIC [0] Database name `x.z` invalid (Use A-Z, a-z, 0-9, _ and - only).
        [57,["rethinkdb"]]      => OP_FAILED [] Database `rethinkdb` already exists.
        [58,["rethinkdb"]]      => OP_FAILED [] Database `rethinkdb` is special; you can't delete it.
        [59]                    => ["d1","rethinkdb","test"]
        [170,[[60,[[14,["d1"]],"x"],{"primary_key":"pk","durability":"soft","shards":2}],"tables_created"]]  => 1
        [60,[[14,["d1"]],"x"]]  => OP_FAILED [] Table `d1.x` already exists.
        [60,["y"],{"replicas":3}]  => OP_FAILED [] Can't put 3 replicas on servers with the tag `default` because there are only 1 servers with the tag `default`. It's impossible to have more replicas of the data than there are servers.
        [60,[[14,["rethinkdb"]],"y"]]  => OP_FAILED [] Database `rethinkdb` is special; you can't create new tables in it.
        [62,[[14,["d1"]]]]      => ["x"]
        [62,[[14,["nope"]]]]    => OP_FAILED [0] Database `nope` does not exist.
        [34,[[174,[[15,[[14,["d1"]],"x"]]]],"id"]]  => {"db":"d1","durability":"soft","indexes":[],"name":"x","primary_key":"pk","shards":[{"nonvoting_replicas":[],"primary_replica":"s1","replicas":["s1"]},{"nonvoting_replicas":[],"primary_replica":"s1","replicas":["s1"]}],"write_acks":"majority","write_hook":null}
        [170,[[175,[[15,[[14,["d1"]],"x"]]]],"status"]]  => {"all_replicas_ready":true,"ready_for_outdated_reads":true,"ready_for_reads":true,"ready_for_writes":true}
        [177,[[14,["d1"]]]]     => {"ready":1}
        [177,[[15,[[14,["d1"]],"x"]]],{"wait_for":"x"}]  => QUERY_LOGIC ["wait_for"] Unknown table readiness state: 'x', must be one of 'ready_for_outdated_reads', 'ready_for_reads', 'ready_for_writes', or 'all_replicas_ready'
        [52,[[174,[[14,["d1"]]]]]]  => "SELECTION<OBJECT>"
        [170,[[58,["d1"]],"tables_dropped"]]  => 1
        [61,["x"]]              => OP_FAILED [] Table `test.x` does not exist.
        "#,
    );
}

#[test]
fn a_tables_layout() {
    check(
        r#"
        [43,[[60,["t"]]]]       => 2
        [170,[[176,[[15,["t"]]],{"shards":2,"replicas":1,"dry_run":true}],"reconfigured"]]  => 0
        [43,[[170,[[174,[[15,["t"]]]],"shards"]]]]  => 1
        [170,[[176,[[15,["t"]]],{"shards":2,"replicas":1}],"reconfigured"]]  => 1
        [43,[[170,[[174,[[15,["t"]]]],"shards"]]]]  => 2
        [176,[[15,["t"]]],{"shards":65,"replicas":1}]  => OP_FAILED [] Maximum number of shards is 64.
        [176,[[15,["t"]]],{"shards":0,"replicas":1}]  => QUERY_LOGIC ["shards"] Every table must have at least one shard.
        [176,[[15,["t"]]],{"shards":1}]  => QUERY_LOGIC [] Missing required argument `replicas`.
        [176,[[15,["t"]]],{"shards":1,"replicas":{"default":1}}]  => QUERY_LOGIC ["replicas"] `primary_replica_tag` must be specified when `replicas` is an OBJECT.
        [176,[[15,["t"]]],{"shards":1,"replicas":{"default":1},"primary_replica_tag":"near"}]  => OP_FAILED [] Can't use server tag `near` for primary replicas because you specified no replicas in server tag `near`.
        [176,[[15,["t"]]],{"shards":1,"replicas":{"default":1},"primary_replica_tag":"default","nonvoting_replica_tags":[2,["far"]]}]  => OP_FAILED [] You specified that the replicas in server tag `far` should be non-voting, but you didn't specify a number of replicas in server tag `far`.
        [176,[[15,["t"]]],{"emergency_repair":"unsafe_rollback"}]  => OP_FAILED [] This table doesn't need to be repaired.
        [170,[[179,[[15,["t"]]]],"rebalanced"]]  => 0
        [170,[[53,[[174,[[15,["t"]]]],{"durability":"soft","write_acks":"single"}]],"replaced"]]  => 1
        [33,[[174,[[15,["t"]]]],"durability","write_acks"]]  => {"durability":"soft","write_acks":"single"}
        [170,[[53,[[174,[[15,["t"]]]],{"zz":1,"yy":1}]],"first_error"]]  => "The change you're trying to make to `rethinkdb.table_config` has the wrong format. Unexpected key(s): yy zz"
        [170,[[53,[[174,[[15,["t"]]]],{"shards":5}]],"first_error"]]  => "The change you're trying to make to `rethinkdb.table_config` has the wrong format. In `shards`: Expected an array, got 5"
        [170,[[53,[[174,[[15,["t"]]]],{"name":5}]],"first_error"]]  => "The change you're trying to make to `rethinkdb.table_config` has the wrong format. In `name`: Expected a table name; got 5"
        [170,[[53,[[174,[[15,["t"]]]],{"write_acks":"x"}]],"first_error"]]  => "The change you're trying to make to `rethinkdb.table_config` has the wrong format. In `write_acks`: Expected \"single\" or \"majority\", got: \"x\""
        [170,[[53,[[174,[[15,["t"]]]],{"primary_key":"x"}]],"first_error"]]  => "It's illegal to change a table's primary key"
        [170,[[53,[[174,[[15,["t"]]]],{"name":"u"}]],"replaced"]]  => 1
        [62]                    => ["u"]
        "#,
    );
}

#[test]
fn indexes() {
    check(
        r#"
        [43,[[60,["t"]]]]       => 2
        [170,[[56,[[15,["t"]],[2,[{"id":1,"a":[2,[1,2]]},{"id":2,"a":[2,[2]]},{"id":3}]]]],"inserted"]]  => 3
        [75,[[15,["t"]],"a"]]   => {"created":1}
        [75,[[15,["t"]],"m",[69,[[2,[1]],[170,[[10,[1]],"a"]]]]],{"multi":true}]  => {"created":1}
        [75,[[15,["t"]],"a"]]   => OP_FAILED [] Index `a` already exists on table `test.t`.
        [75,[[15,["t"]],"id"]]  => QUERY_LOGIC [] Index name conflict: `id` is the name of the primary key.
        [75,[[15,["t"]],"r",[69,[[2,[1]],[169]]]]]  => QUERY_LOGIC [2,1] Could not prove function deterministic.  Index functions must be deterministic.
        [75,[[15,["t"]],"w","a"]]  => QUERY_LOGIC [2] Expected type FUNCTION but found DATUM:\n"a"
        [77,[[15,["t"]]]]       => ["a","m"]
        [170,[[139,[[15,["t"]]]],"query"]]  => ["indexCreate('a', function(_var19) { return _var19.getField(\"a\"); })","indexCreate('m', function(var1) { return var1(\"a\"); }, {multi: true})"]
        [170,[[140,[[15,["t"]],"m"]],"ready"]]  => [true]
        [75,[[15,["t"]],"c",[69,[[2,[7]],[2,[[170,[[10,[7]],"a"]],[181,[]],[107,[]]]]]]]]  => {"created":1}
        [170,[[139,[[15,["t"]],"c"]],"query"]]  => ["indexCreate('c', function(var7) { return r.expr([var7(\"a\"), r.maxval, r.monday]); })"]
        [76,[[15,["t"]],"c"]]   => {"dropped":1}
        [140,[[15,["t"]],"zz"]]  => OP_FAILED [] Index `zz` was not found on table `test.t`.
        [43,[[78,[[15,["t"]],2],{"index":"m"}]]]  => 2
        [75,[[15,["t"]],"again",[170,[[45,[[139,[[15,["t"]],"m"]],0]],"function"]]]]  => {"created":1}
        [43,[[78,[[15,["t"]],2],{"index":"again"}]]]  => 2
        [75,[[15,["t"]],"bytes",[155,["x"]]]]  => QUERY_LOGIC [2] Cannot create an sindex except from a reql_index_function returned from `index_status` in the field `function`.
        [156,[[15,["t"]],"again","m"]]  => OP_FAILED [] Index `again` does not exist or index `m` already exists on table `test.t`.
        [156,[[15,["t"]],"again","m"],{"overwrite":true}]  => {"renamed":1}
        [76,[[15,["t"]],"m"]]   => {"dropped":1}
        [76,[[15,["t"]],"m"]]   => OP_FAILED [] Index `m` does not exist on table `test.t`.
        "#,
    );
}

#[test]
fn the_systems_own_tables() {
    check(
        r#"
        [62,[[14,["rethinkdb"]]]]  => ["cluster_config","current_issues","db_config","jobs","logs","permissions","server_config","server_status","stats","table_config","table_status","users"]
        [15,[[14,["rethinkdb"]],"nope"]]  => OP_FAILED [] Table `rethinkdb.nope` does not exist.
        [170,[[15,[[14,["rethinkdb"]],"db_config"]],"name"]]  => stream ["test"]
        [16,[[15,[[14,["rethinkdb"]],"users"]],"admin"]]  => {"id":"admin","password":false}
        [170,[[56,[[15,[[14,["rethinkdb"]],"stats"]],{"id":1}]],"first_error"]]  => "It's illegal to write to the `rethinkdb.stats` table."
        [170,[[56,[[15,[[14,["rethinkdb"]],"server_config"]],{"id":1}]],"first_error"]]  => "It's illegal to insert new rows into the `rethinkdb.server_config` system table."
        [170,[[79,[[15,[[14,["rethinkdb"]],"users"]]]],"id"]]  => "664a9e0b-8871-51f2-b85c-e0abcb12d3cd"
        [43,[[60,["t"]]]]       => 2
        [33,[[45,[[15,[[14,["rethinkdb"]],"table_config"]],0]],"db","name","shards"]]  => {"db":"test","name":"t","shards":[{"nonvoting_replicas":[],"primary_replica":"s1","replicas":["s1"]}]}
        [93,[[34,[[15,[[14,["rethinkdb"]],"table_config"],{"identifier_format":"uuid"}],"id"]],{"db":[170,[[45,[[15,[[14,["rethinkdb"]],"db_config"]],0]],"id"]],"durability":"hard","indexes":[2,[]],"name":"t","primary_key":"id","shards":[2,[{"nonvoting_replicas":[2,[]],"primary_replica":"555555555555555555555555555555555555","replicas":[2,["555555555555555555555555555555555555"]]}]],"write_acks":"majority","write_hook":null}]]  => true
        [170,[[53,[[15,[[14,["rethinkdb"]],"table_config"],{"identifier_format":"uuid"}],{"durability":"soft"}]],"replaced"]]  => 1
        [170,[[174,[[15,["t"]]]],"durability"]]  => "soft"
        [15,[[14,["rethinkdb"]],"users"],{"identifier_format":"x"}]  => QUERY_LOGIC [] Identifier format `x` unrecognized (options are "name" and "uuid").
        [56,[[15,[[14,["rethinkdb"]],"_debug_scratch"]],{"id":1}]]  => {"deleted":0,"errors":0,"inserted":1,"replaced":0,"skipped":0,"unchanged":0}
        [15,[[14,["rethinkdb"]],"_debug_scratch"]]  => stream [{"id":1}]
        [170,[[54,[[15,[[14,["rethinkdb"]],"_debug_scratch"]]]],"deleted"]]  => 1
        [15,[[14,["rethinkdb"]],"_debug_scratch"]]  => stream []
        [174,[[14,["rethinkdb"]]]]  => OP_FAILED [] Database `rethinkdb` is special; you can't configure it.
        [75,[[15,[[14,["rethinkdb"]],"jobs"]],"x"]]  => OP_FAILED [] Database `rethinkdb` is special; you can't create secondary indexes on the tables in it.
        [138,[[15,[[14,["rethinkdb"]],"jobs"]]]]  => OP_FAILED [] Artificial tables don't support `sync()`.
        [33,[[79,[[14,["rethinkdb"]]]],"name","type"]]  => {"name":"rethinkdb","type":"DB"}
        [170,[[56,[[15,[[14,["rethinkdb"]],"db_config"]],{"name":"x"}]],"inserted"]]  => 1
        [59]                    => ["rethinkdb","test","x"]
        [170,[[54,[[39,[[15,[[14,["rethinkdb"]],"db_config"]],{"name":"x"}]]]],"deleted"]]  => 1
        [59]                    => ["rethinkdb","test"]
        "#,
    );
}
