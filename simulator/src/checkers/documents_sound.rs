//! S3: what is VALID is what it says it is.

use bigchaindb_core::rules::Election;

use super::reference::{News, Reference, Rules};
use super::{Checker, Findings, Moment};

/// Looks at every block that becomes VALID.
#[derive(Default)]
pub(super) struct DocumentsSound {
    findings: Findings,
}

impl Checker for DocumentsSound {
    fn invariant(&self) -> &'static str {
        "S3"
    }

    fn statement(&self) -> &'static str {
        "Every VALID block and its transactions have the hash of their content as id; which covers \
         all their text; its author is of the federation and has signed it; its voters are the federation; it is well-formed."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        for news in moment.news {
            let News::Elected { block: id, is: Election::Valid, .. } = news else { continue };
            let Some(block) = moment.reference.block(id) else { continue };
            self.findings.looked();
            let mut wrong = moment.reference.forgeries(block);
            if block.document.has_uncovered_text() {
                wrong.push(
                    "it holds text behind a U+0000, which no hash and no signature covers".into(),
                );
            }
            let federation = moment.reference.federation();
            if !federation.contains(&block.document.author) {
                wrong.push("its author is not of the federation".into());
            }
            let malformed = block.malformed.as_ref().filter(|_| !moment.reference.begins_with(id));
            match (moment.reference.rules(), malformed) {
                (Rules::Default, Some(reason)) => wrong.push(reason.clone()),
                (Rules::Original | Rules::Mixed, _) => {
                    wrong.extend(block.document.strange_voters(federation));
                }
                _ => {}
            }
            for reason in wrong {
                let what = format!("block {id} is VALID, but {reason}");
                self.findings.violated(moment.observed.at_us, what, None, &[id]);
            }
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, _: &Reference) -> Findings {
        std::mem::take(&mut self.findings)
    }
}
