"""Talks to a server through an official RethinkDB driver, the way BigchainDB 0.6 does.

    exercise.py HOST PORT PASSWORD

The driver is whichever is installed: 2.3.0, which BigchainDB 0.6 was written for, or a later one.
Every function below is a story of its own; it ends by itself or with an assertion that failed.
"""
import collections
import collections.abc
import sys
import threading
import time

# Driver 2.3.0 looks for these where they were until Python 3.10.
for name in ("Callable", "Iterable", "Mapping"):
    if not hasattr(collections, name):
        setattr(collections, name, getattr(collections.abc, name))

import rethinkdb  # noqa: E402

try:
    from rethinkdb import RethinkDB
    from rethinkdb import errors

    r = RethinkDB()
except ImportError:
    r = rethinkdb
    errors = rethinkdb

HOST, PORT, PASSWORD = sys.argv[1], int(sys.argv[2]), sys.argv[3]
MAJORITY = {"read_mode": "majority"}
ME = "node-1"


def connect(**options):
    options.setdefault("password", PASSWORD)
    options.setdefault("db", "bigchain")
    return r.connect(host=HOST, port=PORT, **options)


def same(found, expected):
    assert found == expected, "found {!r}, expected {!r}".format(found, expected)


def fails(error, words, call):
    try:
        found = call()
    except error as raised:
        assert type(raised).__name__ == error.__name__, repr(raised)
        # Its text is the message with the query behind it, which 2.3.0 cannot print since Python 3.7.
        assert words in raised.message, raised.message
        return
    raise AssertionError("no {}, but {!r}".format(error.__name__, found))


# The tables, made and filled


def transaction(number, spends=None, data=None):
    return {
        "id": "tx-{}".format(number),
        "version": 1,
        "transaction": {
            "operation": "TRANSFER" if spends else "CREATE",
            "timestamp": str(1480000000 + number),
            "data": data,
            "fulfillments": [{"input": spends, "owners_before": [ME], "fid": 0}],
            "conditions": [{"cid": 0, "owners_after": ["owner-{}".format(number % 2)]}],
        },
    }


TRANSACTIONS = [
    transaction(0, data={"uuid": "u-0", "payload": {"é": "☃", "n": 1.5}}),
    transaction(1),
    transaction(2, spends={"txid": "tx-0", "cid": 0}),
    transaction(3, data={"uuid": "u-3", "payload": None}),
]


def block(number, transactions):
    return {
        "id": "block-{}".format(number),
        "signature": "sig",
        "block": {
            "timestamp": str(1480000100 + number),
            "node_pubkey": ME,
            "voters": ["node-1", "node-2"],
            "transactions": transactions,
        },
    }


def vote(block_id, voter, timestamp):
    return {
        "node_pubkey": voter,
        "signature": "sig",
        "vote": {
            "voting_for_block": block_id,
            "previous_block": "",
            "is_block_valid": True,
            "timestamp": timestamp,
        },
    }


GENESIS = transaction(9)
GENESIS["transaction"]["operation"] = "GENESIS"
BLOCKS = [block(0, [GENESIS]), block(1, TRANSACTIONS[:2]), block(2, TRANSACTIONS[1:])]


def schema(conn):
    """What `db/utils.py` does at a node's first start."""
    same(r.db_list().contains("bigchain").run(conn), False)
    fails(errors.ReqlOpFailedError, "does not exist", lambda: r.db_drop("bigchain").run(conn))
    same(r.db_create("bigchain").run(conn)["dbs_created"], 1)
    fails(
        errors.ReqlOpFailedError, "already exists", lambda: r.db_create("bigchain").run(conn)
    )
    for table in ("bigchain", "backlog", "votes"):
        same(r.db("bigchain").table_create(table).run(conn)["tables_created"], 1)
    same(r.db("bigchain").table_list().run(conn), ["backlog", "bigchain", "votes"])
    table = r.db("bigchain").table
    indexes = [
        ("bigchain", "block_timestamp", r.row["block"]["timestamp"], False),
        ("bigchain", "transaction_id", r.row["block"]["transactions"]["id"], True),
        (
            "bigchain",
            "payload_uuid",
            r.row["block"]["transactions"]["transaction"]["data"]["uuid"],
            True,
        ),
        ("backlog", "transaction_timestamp", r.row["transaction"]["timestamp"], False),
        (
            "backlog",
            "assignee__transaction_timestamp",
            [r.row["assignee"], r.row["transaction"]["timestamp"]],
            False,
        ),
        (
            "votes",
            "block_and_voter",
            [r.row["vote"]["voting_for_block"], r.row["node_pubkey"]],
            False,
        ),
    ]
    for name, index, function, multi in indexes:
        options = {"multi": True} if multi else {}
        same(table(name).index_create(index, function, **options).run(conn), {"created": 1})
    for name in ("bigchain", "backlog", "votes"):
        ready = table(name).index_wait().run(conn)
        assert ready and all(status["ready"] for status in ready), ready
    same(table("votes").index_list().run(conn), ["block_and_voter"])
    status = table("bigchain").index_wait("transaction_id").run(conn)
    same([(s["index"], s["multi"]) for s in status], [("transaction_id", True)])
    fails(
        errors.ReqlOpFailedError,
        "Index `zz` was not found",
        lambda: table("votes").index_wait("zz").run(conn),
    )
    same(r.db("bigchain").wait().run(conn)["ready"], 3)


def backlog(conn):
    table = r.table("backlog")
    waiting = [dict(tx, assignee="node-{}".format(n % 2)) for n, tx in enumerate(TRANSACTIONS)]
    for tx in waiting:
        same(table.insert(tx, durability="soft").run(conn)["inserted"], 1)
    again = table.insert(waiting[0], durability="soft").run(conn)
    same((again["inserted"], again["errors"]), (0, 1))
    assert "Duplicate primary key `id`" in again["first_error"], again
    same(table.get("tx-0").run(conn), waiting[0])
    same(table.get("tx-9").run(conn), None)
    mine = (
        table.between(
            [ME, r.minval], [ME, r.maxval], index="assignee__transaction_timestamp"
        )
        .order_by(index=r.asc("assignee__transaction_timestamp"))
        .run(conn)
    )
    same([tx["id"] for tx in mine], ["tx-1", "tx-3"])
    gone = table.get("tx-3").delete(durability="hard").run(conn)
    same(gone["deleted"], 1)
    same(table.get("tx-3").delete(durability="hard").run(conn)["skipped"], 1)
    same(table.count().run(conn), 3)


def bigchain(conn):
    table = r.table("bigchain", **MAJORITY)
    same(table.count().run(conn), 0)
    for number, block in enumerate(BLOCKS):
        import json

        written = r.table("bigchain").insert(
            r.json(json.dumps(block)), durability="soft" if number else "hard"
        )
        same(written.run(conn)["inserted"], 1)
    same(table.count().run(conn), 3)
    same(r.table("bigchain").get("block-1").run(conn), BLOCKS[1])
    found = (
        table.get("block-1")
        .get_field("block")
        .get_field("transactions")
        .filter(lambda tx: tx["id"] == "tx-1")
        .run(conn)
    )
    same(found[0], TRANSACTIONS[1])  # an array, not a cursor
    elections = (
        table.get_all("tx-1", index="transaction_id")
        .pluck("votes", "id", {"block": ["voters"]})
        .run(conn)
    )
    voters = {"voters": ["node-1", "node-2"]}
    same(
        sorted(elections, key=lambda row: row["id"]),
        [{"id": "block-1", "block": voters}, {"id": "block-2", "block": voters}],
    )
    exists = table.get_all("tx-2", index="transaction_id").run(conn)
    same(len(exists.items), 1)
    same(len(table.get_all("tx-7", index="transaction_id").run(conn).items), 0)
    payload = (
        table.get_all("u-0", index="payload_uuid")
        .concat_map(lambda block: block["block"]["transactions"])
        .filter(lambda tx: tx["transaction"]["data"]["uuid"] == "u-0")
        .run(conn)
    )
    same(list(payload), [TRANSACTIONS[0]])
    spent = (
        table.concat_map(lambda doc: doc["block"]["transactions"])
        .filter(
            lambda tx: tx["transaction"]["fulfillments"].contains(
                lambda fulfillment: fulfillment["input"] == {"txid": "tx-0", "cid": 0}
            )
        )
        .run(conn)
    )
    same([tx["id"] for tx in spent], ["tx-2"])
    owned = (
        table.concat_map(lambda doc: doc["block"]["transactions"])
        .filter(
            lambda tx: tx["transaction"]["conditions"].contains(
                lambda condition: condition["owners_after"].contains("owner-0")
            )
        )
        .run(conn)
    )
    same(sorted(tx["id"] for tx in owned), ["tx-0", "tx-2"])
    genesis = table.filter(
        lambda block: block["block"]["transactions"][0]["transaction"]["operation"] == "GENESIS"
    ).run(conn)
    same([block["id"] for block in genesis], ["block-0"])
    ordered = r.table("bigchain").order_by(r.desc(r.row["block"]["timestamp"])).run(conn)
    same([block["id"] for block in ordered], ["block-2", "block-1", "block-0"])


def votes(conn):
    table = r.table("votes", **MAJORITY)
    last = table.filter(r.row["node_pubkey"] == ME).max(r.row["vote"]["timestamp"])
    fails(errors.ReqlNonExistenceError, "Cannot take the max of an", lambda: last.run(conn))
    for cast in (vote("block-0", ME, "1"), vote("block-1", ME, "2"), vote("block-1", "node-2", "3")):
        written = r.table("votes").insert(cast).run(conn)
        same((written["inserted"], len(written["generated_keys"])), (1, 1))
    same(last.run(conn)["vote"]["voting_for_block"], "block-1")
    second = (
        table.filter(r.row["vote"]["timestamp"] == "2")
        .filter(r.row["node_pubkey"] == ME)
        .run(conn)
    )
    same([cast["vote"]["voting_for_block"] for cast in second], ["block-1"])
    mine = table.get_all(["block-1", ME], index="block_and_voter").run(conn)
    same(len(list(mine)), 1)
    everyones = table.between(
        ["block-1", r.minval], ["block-1", r.maxval], index="block_and_voter"
    ).run(conn)
    same(sorted(cast["node_pubkey"] for cast in everyones), [ME, "node-2"])
    unvoted = (
        r.table("bigchain", **MAJORITY)
        .filter(
            lambda block: r.table("votes", **MAJORITY)
            .get_all([block["id"], ME], index="block_and_voter")
            .is_empty()
        )
        .order_by(r.asc(r.row["block"]["timestamp"]))
        .run(conn)
    )
    same([block["id"] for block in unvoted], ["block-2"])


def administration(conn):
    for name in ("bigchain", "backlog", "votes"):
        config = r.table(name).config().run(conn)
        same((config["name"], config["db"], len(config["shards"])), (name, "bigchain", 1))
        replicas = len(config["shards"][0]["replicas"])
        done = r.table(name).reconfigure(shards=2, replicas=replicas).run(conn)
        same(done["reconfigured"], 1)
        same(len(r.table(name).config().run(conn)["shards"]), 2)
    fails(
        errors.ReqlOpFailedError,
        "Can't put 3 replicas on servers",
        lambda: r.table("votes").reconfigure(shards=1, replicas=3).run(conn),
    )


# What a driver does besides


def cursors(conn):
    """Many batches, each asked for by the driver."""
    r.table_create("numbers").run(conn)
    rows = [{"id": n, "text": "x" * 100} for n in range(20000)]
    for start in range(0, len(rows), 5000):
        same(r.table("numbers").insert(rows[start : start + 5000]).run(conn)["inserted"], 5000)
    for options in ({}, {"max_batch_rows": 100}):
        cursor = r.table("numbers").run(conn, **options)
        same(sorted(row["id"] for row in cursor), list(range(20000)))
    in_order = r.table("numbers").order_by(index=r.desc("id")).pluck("id").run(conn)
    same([row["id"] for row in in_order], list(range(19999, -1, -1)))
    # Two at a time on one connection, and one that is given up.
    one = r.table("numbers").run(conn, max_batch_rows=50)
    other = r.table("numbers").run(conn, max_batch_rows=50)
    given_up = r.table("numbers").run(conn, max_batch_rows=50)
    next(given_up)
    given_up.close()
    same(sum(1 for _ in zip(one, other)), 20000)
    same(r.range(5).run(conn, max_batch_rows=1).next(), 0)
    same(list(r.range(0).run(conn)), [])
    same(r.table("numbers").delete().run(conn)["deleted"], 20000)


def values(conn):
    for value in (
        None, True, 0, -1, 1.5, 2**53, 1e300, "", "é☃𝄞\0\"\\", [], [[], {}], {}, {"a": [1, {"b": None}]},
    ):
        same(r.expr(value).run(conn), value)
    same(r.binary(b"\0\xff").run(conn), b"\0\xff")
    assert abs(r.now().to_epoch_time().run(conn) - time.time()) < 60
    same(r.expr([3, 1, 2]).map(lambda x: x * 2).run(conn), [6, 2, 4])
    same(r.expr({"a": 1}).merge({"b": r.expr(1) + 1}).run(conn), {"a": 1, "b": 2})
    same(r.expr([{"k": 1, "v": 2}, {"k": 1, "v": 3}]).group("k").sum("v").run(conn), {1: 5})
    deep = None
    for _ in range(15):
        deep = [deep]
    same(r.expr(deep).run(conn), deep)


def failures(conn):
    """Errors by class, as programs tell them apart."""
    run = lambda term: lambda: term.run(conn)  # noqa: E731
    fails(errors.ReqlOpFailedError, "Table `bigchain.nope` does not exist.", run(r.table("nope")))
    fails(errors.ReqlNonExistenceError, "No attribute `a`", run(r.expr({})["a"]))
    fails(errors.ReqlNonExistenceError, "Index out of bounds: 3", run(r.expr([])[3]))
    fails(errors.ReqlQueryLogicError, "Expected type NUMBER", run(r.expr("a") * 2))
    fails(errors.ReqlQueryLogicError, "Cannot divide by zero.", run(r.expr(1) / 0))
    fails(errors.ReqlUserError, "mine", run(r.error("mine")))
    fails(
        errors.ReqlResourceLimitError,
        "Array over size limit `4`.",
        lambda: r.range(5).coerce_to("array").run(conn, array_limit=4),
    )
    fails(errors.ReqlServerCompileError, "Unrecognized optional argument", run(r.expr(1).count(zz=1)) if False else lambda: r.table("votes", zz=1).run(conn))
    # The connection lives on.
    same(r.expr(1).run(conn), 1)


def noreply(conn):
    r.table_create("silent").run(conn)
    for number in range(1000):
        r.table("silent").insert({"id": number}).run(conn, noreply=True)
    r.error("nobody hears this").run(conn, noreply=True)
    conn.noreply_wait()
    same(r.table("silent").count().run(conn), 1000)
    for number in range(1000, 1100):
        r.table("silent").insert({"id": number}).run(conn, noreply=True)
    conn.reconnect()  # waits, too
    same(r.table("silent").count().run(conn), 1100)


def feeds(conn):
    """What a node's pipelines live on."""
    listener = connect()
    feed = r.table("backlog").changes().run(listener)
    r.table("backlog").insert({"id": "new", "n": 1}).run(conn)
    r.table("backlog").get("new").update({"n": 2}).run(conn)
    r.table("backlog").get("new").update({"n": 2}).run(conn)
    r.table("backlog").get("new").delete().run(conn)
    same(
        [feed.next() for _ in range(3)],
        [
            {"old_val": None, "new_val": {"id": "new", "n": 1}},
            {"old_val": {"id": "new", "n": 1}, "new_val": {"id": "new", "n": 2}},
            {"old_val": {"id": "new", "n": 2}, "new_val": None},
        ],
    )
    # Other queries on the listener's connection are not in its way.
    same(r.expr(1).run(listener), 1)
    # One that waits hears of what is written meanwhile.
    heard = []
    waits = threading.Thread(target=lambda: heard.append(feed.next()))
    waits.start()
    r.table("backlog").insert({"id": "late"}).run(conn)
    waits.join(60)
    same(heard, [{"old_val": None, "new_val": {"id": "late"}}])
    # Many at once, none lost.
    for number in range(300):
        r.table("backlog").insert({"id": "many", "n": number}, conflict="replace").run(
            conn, noreply=True
        )
    conn.noreply_wait()
    # Queries of one connection run side by side: no order is promised between them.
    same(sorted(feed.next()["new_val"]["n"] for _ in range(300)), list(range(300)))
    feed.close()
    listener.close(noreply_wait=False)

    listener = connect()
    point = r.table("backlog").get("late").changes(include_initial=True).run(listener)
    same(point.next(), {"new_val": {"id": "late"}})
    filtered = r.table("backlog").filter({"n": 5}).changes().run(listener)
    r.table("backlog").insert([{"id": "a", "n": 4}, {"id": "b", "n": 5}]).run(conn)
    same(filtered.next(), {"old_val": None, "new_val": {"id": "b", "n": 5}})
    # A table that goes away breaks its feeds.
    r.table_create("short").run(conn)
    broken = r.table("short").changes().run(listener)
    r.table_drop("short").run(conn)
    fails(errors.ReqlOpFailedError, "Changefeed aborted", broken.next)
    same(r.expr(1).run(listener), 1)
    # A killed query's connection lives on.
    killed = r.table("backlog").changes().run(listener)
    jobs = r.db("rethinkdb").table("jobs")
    feeds = jobs.filter(lambda job: job["info"]["query"].match("152")).run(conn)
    if not feeds_of(feeds):
        raise AssertionError("the feed is no job")
    jobs.filter({"type": "query"}).filter(
        lambda job: job["info"]["client_port"] == listener_port(listener)
    ).delete().run(conn)
    fails(errors.ReqlOpIndeterminateError, "terminated by the `rethinkdb.jobs` table", killed.next)
    same(r.expr(1).run(listener), 1)
    listener.close(noreply_wait=False)


def feeds_of(cursor):
    return list(cursor)


def listener_port(connection):
    return connection._instance._socket._socket.getsockname()[1]


def server(conn):
    about = conn.server()
    same((about["name"], about["proxy"], len(about["id"])), ("s1", False, 36))


def passwords():
    fails(errors.ReqlAuthError, "Wrong password", lambda: connect(password="no"))
    fails(errors.ReqlAuthError, "Unknown user", lambda: connect(user="nobody"))


def side_by_side():
    """Several connections write the same rows."""
    conn = connect()
    r.table_create("counters").run(conn)
    r.table("counters").insert({"id": 0, "n": 0}).run(conn)

    def count():
        own = connect()
        for _ in range(50):
            r.table("counters").get(0).update({"n": r.row["n"] + 1}).run(own)
        own.close()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(r.table("counters").get(0).run(conn)["n"], 400)
    conn.close()


def main():
    stories = [
        schema, backlog, bigchain, votes, cursors, values, failures, noreply, feeds, administration,
        server,
    ]
    for story in stories:
        conn = connect()
        story(conn)
        conn.close()
        print("ok", story.__name__, flush=True)
    for story in (passwords, side_by_side):
        story()
        print("ok", story.__name__, flush=True)


main()
