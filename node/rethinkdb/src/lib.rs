//! An embedded RethinkDB: tables, indexes, feeds and durability, in memory or on disk.
