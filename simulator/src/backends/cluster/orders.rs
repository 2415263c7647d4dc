//! What is done on a machine, as scripts for its shell, which root runs there; and what they say, read.
//!
//! Units, users and folders are those of `deploy/systemd` and `deploy/ansible`. Every script may be run twice. Not
//! here: how a script gets to its machine (`machine`), when (`hands`).

use crate::plan::{Direction, Fault, How, OtherSide};
use bigchaindb_deploy::configs::{API_PORT, DRIVER_PORT};

/// The unit of a node.
pub(super) const UNIT: &str = "bigchaindb";

/// Every unit of ours that a machine may have.
pub(super) const UNITS: [&str; 3] = ["bigchaindb", "bigchaindb-database", "bigchaindb-rethinkdb"];

/// The user that a node runs as.
const OWNER: &str = "bigchaindb";

/// The node's command line, for whoever is root.
const PROGRAM: &str = "BIGCHAINDB_CONFIG_PATH=/etc/bigchaindb/bigchaindb.json bigchaindb -y";

/// Tables of the packet filter that are ours begin so.
const TABLES: &str = "testbed_";

/// What a node has to do with its store bears this mark (`tbed`), so that what comes back can be told from what
/// others on the same machine are sent.
const MARK: &str = "0x74626564";

/// A way that lets anything through lets it through within so many seconds.
const REACHED_WITHIN: &str = "0.8";

/// What a script says if a node can reach its store.
const REACHES: &str = "reaches";

/// A node is killed, and its machine does not start it again by itself.
pub(super) fn kill() -> String {
    format!("systemctl kill -s KILL {UNIT} || true\nsystemctl stop {UNIT}\n")
}

/// It starts, if it does not run. However often it was killed: systemd counts only what failed by itself.
pub(super) fn start() -> String {
    format!("systemctl reset-failed {UNIT} || true\nsystemctl start {UNIT}\n")
}

/// It ends in an orderly way.
pub(super) fn stop() -> String {
    format!("systemctl stop {UNIT}\n")
}

/// It stands still.
pub(super) fn pause() -> String {
    format!("systemctl kill -s STOP {UNIT}\n")
}

/// It goes on; one that does not run has nothing to go on with.
pub(super) fn resume() -> String {
    format!("systemctl kill -s CONT {UNIT} || true\n")
}

/// How a node is, for [`Standing::read`].
pub(super) fn look() -> String {
    format!(
        "pid=$(systemctl show --property MainPID --value {UNIT})\n\
         systemctl show --property ActiveState --value {UNIT}\n\
         if [ \"$pid\" = 0 ]; then echo gone; else cut -d' ' -f3 \"/proc/$pid/stat\" || echo gone; fi\n"
    )
}

/// Takes away whatever faults have left: rules, a node that stands still or does not run.
pub(super) fn undo() -> String {
    format!(
        "nft list tables inet | while read -r _ family table; do\n\
         case $table in {TABLES}*) nft delete table \"$family\" \"$table\";; esac\n\
         done\n{}{}",
        resume(),
        start()
    )
}

/// The database with all that is in it goes, and another is made, as `deploy/ansible/init.yml` does. No node may run.
pub(super) fn remake(spread: Option<(u32, u32)>) -> String {
    // Code 1 says that there was none.
    let mut script =
        format!("{PROGRAM} drop </dev/null || [ $? = 1 ]\n{PROGRAM} init </dev/null\n");
    if let Some((shards, replicas)) = spread {
        for (command, count) in [("set-shards", shards), ("set-replicas", replicas)] {
            script.push_str(&format!("{PROGRAM} {command} {count} </dev/null\n"));
        }
    }
    script
}

/// Where a machine's journal ends.
pub(super) fn cursor() -> String {
    "journalctl --no-pager --lines 1 --output cat --show-cursor\n".to_owned()
}

/// What [`cursor`] has found: none if it is no such thing, which nobody may put into a command.
pub(super) fn read_cursor(said: &str) -> Option<&str> {
    let cursor = said.lines().rev().find_map(|line| line.strip_prefix("-- cursor: "))?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"=;-".contains(&byte);
    (!cursor.is_empty() && cursor.bytes().all(is_plain)).then_some(cursor)
}

/// The command that tells what a node says from there on, line by line.
pub(super) fn follow(cursor: &str) -> String {
    format!(
        "sudo -n journalctl --no-pager --quiet --unit {UNIT} --follow --lines all --output cat \
         --after-cursor '{cursor}'"
    )
}

/// Tells what all units of ours said from there on.
pub(super) fn journal(cursor: &str) -> String {
    let units: String = UNITS.map(|unit| format!(" --unit {unit}")).concat();
    format!(
        "journalctl --no-pager --quiet --utc --output short-iso-precise --after-cursor '{cursor}'{units}\n"
    )
}

/// How a node is on its machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Standing {
    /// Whether it is meant to run, and does.
    pub(super) is_active: bool,
    /// What its process does, as the system says in a letter; none if there is no process.
    pub(super) process: Option<char>,
}

impl Standing {
    /// What [`look`] has found.
    pub(super) fn read(said: &str) -> Option<Self> {
        let mut lines = said.lines();
        let (active, process) = (lines.next()?, lines.next()?);
        let process = if process == "gone" { None } else { Some(process.chars().next()?) };
        Some(Self { is_active: active == "active", process })
    }
}

/// Marks a node's connections to its store all the while: so that those that are there when a cut begins are known by
/// then.
pub(super) fn mark() -> String {
    let table = format!("{TABLES}marks");
    loaded(&table, &chain("output", &[marking()]))
}

/// A node that is cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cut {
    number: u32,
    to: OtherSide,
    direction: Direction,
}

impl Cut {
    /// The cut that a partition is.
    pub(super) fn of(fault: &Fault) -> Option<Self> {
        let How::Cut { to, direction } = fault.how else { return None };
        Some(Self { number: fault.number, to, direction })
    }

    /// Whether another cut loses just the same.
    pub(super) fn is_like(self, other: Self) -> bool {
        (self.to, self.direction) == (other.to, other.direction)
    }

    /// Whether it is cut off from its store.
    pub(super) fn is_of_store(self) -> bool {
        self.to != OtherSide::Clients
    }

    /// Whether it is cut off from clients.
    pub(super) fn is_of_clients(self) -> bool {
        self.to != OtherSide::Store
    }

    fn table(self) -> String {
        format!("{TABLES}fault_{}", self.number)
    }

    /// Cuts. Only what the node itself sends and is sent is lost: not what the store has with others on the same
    /// machine, nor what we have to do with either.
    pub(super) fn apply(self) -> String {
        let (mut out, mut into) = (vec![marking()], Vec::new());
        let (sends, is_sent) = (self.direction != Direction::In, self.direction != Direction::Out);
        if self.is_of_store() {
            if sends {
                out.push(format!("meta skuid \"{OWNER}\" tcp dport {DRIVER_PORT} counter drop"));
            }
            if is_sent {
                into.push(format!("tcp sport {DRIVER_PORT} ct mark {MARK} counter drop"));
            }
        }
        if self.is_of_clients() {
            if sends {
                out.push(format!("tcp sport {API_PORT} counter drop"));
            }
            if is_sent {
                into.push(format!("tcp dport {API_PORT} counter drop"));
            }
        }
        loaded(&self.table(), &(chain("output", &out) + &chain("input", &into)))
    }

    /// Lifts it.
    pub(super) fn lift(self) -> String {
        let table = self.table();
        format!(
            "nft list table inet {table} >/dev/null 2>&1 && nft delete table inet {table} || true\n"
        )
    }

    /// Has the node's user look for the store at this host, if it is cut off from that; and tells how much was lost.
    pub(super) fn probe(self, store: &str) -> String {
        let table = self.table();
        let mut script = String::new();
        if self.is_of_store() {
            script.push_str(&format!(
                "runuser -u {OWNER} -- timeout {REACHED_WITHIN} bash -c '</dev/tcp/{store}/{DRIVER_PORT}' \
                 </dev/null 2>/dev/null && echo {REACHES} || true\n"
            ));
        }
        script + &format!("nft list table inet {table} 2>/dev/null || true\n")
    }
}

/// What [`Cut::probe`] has found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Passage {
    /// Whether the store could be reached.
    pub(super) reaches: bool,
    /// Whether the rules are there.
    pub(super) is_cut: bool,
    /// How many packets they have dropped.
    pub(super) lost: u64,
}

impl Passage {
    pub(super) fn read(said: &str) -> Self {
        let reaches = said.lines().any(|line| line == REACHES);
        let is_cut = said.lines().any(|line| line.starts_with("table "));
        let counted = said.split("counter packets ").skip(1);
        let counts = counted.filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok());
        Self { reaches, is_cut, lost: counts.sum() }
    }
}

fn marking() -> String {
    format!("meta skuid \"{OWNER}\" tcp dport {DRIVER_PORT} ct mark set {MARK}")
}

fn chain(hook: &str, rules: &[String]) -> String {
    let rules: String = rules.iter().map(|rule| format!("{rule}\n")).collect();
    format!("chain {hook} {{ type filter hook {hook} priority 0; policy accept;\n{rules}}}\n")
}

/// Has the packet filter take a table, in place of one of that name.
fn loaded(table: &str, chains: &str) -> String {
    format!(
        "nft -f - <<'END'\ntable inet {table}\ndelete table inet {table}\ntable inet {table} {{\n{chains}}}\nEND\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::FaultKind;

    fn cut(to: OtherSide, direction: Direction) -> Cut {
        let fault = Fault {
            number: 3,
            kind: FaultKind::Partition,
            nodes: vec![0],
            servers: Vec::new(),
            how: How::Cut { to, direction },
            at_us: 0,
            until_us: 1,
        };
        Cut::of(&fault).unwrap()
    }

    #[test]
    fn a_cut_loses_what_its_direction_says_and_no_more() {
        let to_store = "meta skuid \"bigchaindb\" tcp dport 28015 counter drop";
        let of_store = "tcp sport 28015 ct mark 0x74626564 counter drop";
        let (to_clients, of_clients) =
            ("tcp sport 9984 counter drop", "tcp dport 9984 counter drop");
        let all = [to_store, of_store, to_clients, of_clients];
        for (to, direction, dropped) in [
            (OtherSide::Store, Direction::Both, &[to_store, of_store][..]),
            (OtherSide::Store, Direction::Out, &[to_store]),
            (OtherSide::Store, Direction::In, &[of_store]),
            (OtherSide::Clients, Direction::Both, &[to_clients, of_clients]),
            (OtherSide::Clients, Direction::In, &[of_clients]),
            (OtherSide::Both, Direction::Out, &[to_store, to_clients]),
        ] {
            let script = cut(to, direction).apply();
            for rule in all {
                let is_there = script.lines().any(|line| line == rule);
                assert_eq!(is_there, dropped.contains(&rule), "{to:?} {direction:?}: {rule}");
            }
            let (out, into) = script.split_once("chain input").unwrap();
            assert!(!out.contains(of_store) && !into.contains(to_store), "{script}");
            // What is lost on the way in is known by what went out.
            let marks = out.find("ct mark set").unwrap();
            assert!(out.find(to_store).is_none_or(|drops| marks < drops), "{script}");
        }
    }

    #[test]
    fn a_probe_looks_for_what_is_cut_off() {
        let of_store = cut(OtherSide::Store, Direction::In).probe("172.29.0.11");
        assert!(of_store.contains("runuser -u bigchaindb -- "), "{of_store}");
        assert!(of_store.contains("/dev/tcp/172.29.0.11/28015"), "{of_store}");
        assert!(!cut(OtherSide::Clients, Direction::In).probe("localhost").contains("/dev/tcp"));
        let rules = "table inet testbed_fault_3 {\n\tchain output {\n\
                     \t\ttcp dport 28015 counter packets 12 bytes 720 drop\n\
                     \t\ttcp sport 9984 counter packets 3 bytes 180 drop\n\t}\n}\n";
        let passage = |reaches, is_cut, lost| Passage { reaches, is_cut, lost };
        assert_eq!(Passage::read(rules), passage(false, true, 15));
        assert_eq!(Passage::read("reaches\n"), passage(true, false, 0));
        assert_eq!(Passage::read(""), passage(false, false, 0));
    }

    #[test]
    fn a_node_stands_as_its_machine_says() {
        let standing = |is_active, process| Some(Standing { is_active, process });
        for (said, read) in [
            ("active\nS\n", standing(true, Some('S'))),
            ("active\nT\n", standing(true, Some('T'))),
            ("inactive\ngone\n", standing(false, None)),
            ("failed\ngone\n", standing(false, None)),
            ("activating\n", None),
            ("", None),
        ] {
            assert_eq!(Standing::read(said), read, "{said:?}");
        }
    }

    #[test]
    fn only_what_is_a_cursor_gets_into_a_command() {
        let cursor = "s=ab12;i=1f;b=0c;m=9-e;t=5;x=a";
        assert_eq!(read_cursor(&format!("some line\n-- cursor: {cursor}\n")), Some(cursor));
        assert!(follow(cursor).ends_with(&format!("--after-cursor '{cursor}'")));
        for said in ["", "-- cursor: ", "-- cursor: a'; reboot '", "-- No entries --"] {
            assert_eq!(read_cursor(said), None, "{said}");
        }
    }

    #[test]
    fn a_database_is_made_again_and_spread_if_it_can_be() {
        let embedded = remake(None);
        assert!(embedded.find("drop").unwrap() < embedded.find("init").unwrap());
        assert!(!embedded.contains("set-"));
        let spread = remake(Some((3, 2)));
        assert!(spread.contains("set-shards 3 ") && spread.contains("set-replicas 2 "));
    }

    #[test]
    fn what_faults_leave_is_undone_whatever_it_is() {
        let undo = undo();
        for part in
            ["case $table in testbed_*)", "-s CONT bigchaindb", "systemctl start bigchaindb"]
        {
            assert!(undo.contains(part), "{undo}");
        }
        assert!(cut(OtherSide::Both, Direction::Both).table().starts_with(TABLES));
        assert!(mark().contains("table inet testbed_marks"));
    }
}
