//! An archive that is damaged says where.

use std::io::Cursor;

use bigchaindb::admin::archive::{ArchiveError, FORMAT, Head, Part, Reader, Writer, check};

/// As much as a chunk holds.
const CHUNK: usize = 1 << 20;

/// Three tables, so three chunks at least; one more if a document is as long as a chunk.
fn archive(longest: usize) -> Vec<u8> {
    let head = Head {
        format: FORMAT,
        id: "an id".to_owned(),
        created: 1_472_731_200,
        database: "bigchain".to_owned(),
        consensus_plugin: "default".to_owned(),
        members: vec!["somebody".to_owned()],
    };
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, &head).unwrap();
    let long = "x".repeat(longest);
    for (table, id) in [("bigchain", "a"), ("bigchain", "b"), ("votes", "c"), ("votes", "d")] {
        let filler = if id == "a" { &*long } else { "" };
        let document = format!(r#"{{"filler":"{filler}","id":"{id}"}}"#);
        writer.add(table, id.into(), &document).unwrap();
    }
    writer.add("positions", 0.into(), r#"{"id":0}"#).unwrap();
    let end = writer.finish().unwrap();
    assert_eq!(end.chunks, if longest < CHUNK { 3 } else { 4 });
    out
}

#[test]
fn what_was_written_is_read() {
    let mut reader = Reader::open(Cursor::new(archive(CHUNK))).unwrap();
    let mut read = Vec::new();
    while let Some(chunk) = reader.chunk().unwrap() {
        let ids = chunk.documents().map(|text| text.rsplit(':').next().unwrap().to_owned());
        read.push((chunk.table.clone(), ids.collect::<Vec<_>>().concat()));
    }
    let expected = [
        ("bigchain", r#""a"}"#),
        ("bigchain", r#""b"}"#),
        ("votes", r#""c"}"d"}"#),
        ("positions", "0}"),
    ];
    assert_eq!(read, expected.map(|(table, ids)| (table.to_owned(), ids.to_owned())));
    let end = reader.end().unwrap();
    assert_eq!(end.tables["bigchain"].documents, 2);
    assert_eq!(*end, check(Cursor::new(archive(CHUNK))).unwrap().1);
}

#[test]
fn every_byte_that_flips_is_found_and_its_place_named() {
    let whole = archive(100);
    let mut bodies = 0;
    for byte in 0..whole.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut damaged = whole.clone();
            damaged[byte] ^= bit;
            let errors = check(Cursor::new(&damaged)).unwrap_err();
            match &errors[0] {
                ArchiveError::NotAnArchive => {
                    assert!(byte < whole.iter().position(|byte| *byte == b'\n').unwrap() + 1)
                }
                ArchiveError::Damaged { byte: begin, place, .. } => {
                    assert!(*begin <= byte as u64, "{byte}: {}", errors[0]);
                    bodies += usize::from(matches!(place, Part::Body { .. }));
                }
                other => panic!("{byte}: {other}"),
            }
        }
    }
    assert!(bodies > 100, "{bodies}");
}

#[test]
fn a_damaged_chunk_is_named_by_table_and_ids_and_the_others_are_still_read() {
    let mut damaged = archive(100);
    let last = damaged.windows(7).position(|bytes| bytes == b"\"votes\"").unwrap();
    let body = last + damaged[last..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    damaged[body + 5] ^= 4;
    let errors = check(Cursor::new(&damaged)).unwrap_err();
    let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
    let expected = format!(
        "the archive is damaged at byte {body}, in chunk 1 (table `votes`, ids \"c\" to \"d\"): \
         its documents are not what was written"
    );
    assert_eq!(told, [expected]);
}

#[test]
fn an_archive_that_ends_early_or_late_is_none() {
    let whole = archive(100);
    for length in (0..whole.len()).step_by(7) {
        let errors = check(Cursor::new(&whole[..length])).unwrap_err();
        assert!(!errors.is_empty());
    }
    let mut longer = whole.clone();
    longer.push(b'\n');
    assert!(check(Cursor::new(&longer)).unwrap_err()[0].to_string().contains("behind its end"));
}
