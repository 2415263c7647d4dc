//! What a term's number means: its name, its arguments and options, and the function behind it.
//!
//! Every family of terms keeps a table of its own beside its functions; [`find`] looks into all.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::eval::{Call, Value};
use super::failure::Result;

/// One term of the language.
pub(crate) struct Op {
    pub(crate) number: u16,
    /// As error texts have it.
    pub(crate) name: &'static str,
    /// How many arguments at least.
    pub(crate) min: usize,
    /// How many at most.
    pub(crate) max: usize,
    /// The optional arguments it knows.
    pub(crate) options: &'static [&'static str],
    /// Whether `r.args` among its arguments may hold literals.
    pub(crate) literals_in_args: bool,
    pub(crate) grouping: Grouping,
    pub(crate) determinism: Determinism,
    pub(crate) eval: fn(&Call<'_>) -> Result<Value>,
}

/// What a term does if its first argument is grouped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Grouping {
    /// It is applied to each group on its own.
    EachGroup,
    /// It goes on with a grouped stream as a stream; of grouped data it takes each group.
    Stream,
    /// It takes grouped data as a whole.
    Whole,
}

/// Whether a term always has the same value for the same arguments: what stands in its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Determinism(u8);

impl Determinism {
    pub(crate) const ALWAYS: Self = Self(0);
    /// Within one query, but not from one to the next.
    pub(crate) const CONSTANT_NOW: Self = Self(1);
    pub(crate) const NEVER: Self = Self(2);
    /// Never without arguments, always with.
    pub(crate) const WITH_ARGUMENTS: Self = Self(4);

    pub(crate) fn join(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the same arguments have the same value, today and tomorrow.
    pub(crate) fn is_always(self) -> bool {
        self == Self::ALWAYS
    }

    /// Whether the same arguments have the same value within one query.
    pub(crate) fn within_a_query(self) -> bool {
        self.0 & !Self::CONSTANT_NOW.0 == 0
    }
}

/// As many arguments as one likes.
pub(crate) const MANY: usize = usize::MAX;

impl Op {
    /// A term of this many arguments, at least and at most, without options.
    pub(crate) const fn new(
        number: u16,
        name: &'static str,
        (min, max): (usize, usize),
        eval: fn(&Call<'_>) -> Result<Value>,
    ) -> Self {
        let (grouping, determinism) = (Grouping::EachGroup, Determinism::ALWAYS);
        let (options, literals_in_args): (&[_], _) = (&[], false);
        Self { number, name, min, max, options, literals_in_args, grouping, determinism, eval }
    }

    pub(crate) const fn options(mut self, options: &'static [&'static str]) -> Self {
        self.options = options;
        self
    }

    pub(crate) const fn literals_in_args(mut self) -> Self {
        self.literals_in_args = true;
        self
    }

    pub(crate) const fn grouping(mut self, grouping: Grouping) -> Self {
        self.grouping = grouping;
        self
    }

    pub(crate) const fn determinism(mut self, determinism: Determinism) -> Self {
        self.determinism = determinism;
        self
    }

    pub(crate) fn takes(&self, count: usize) -> bool {
        (self.min..=self.max).contains(&count)
    }

    /// How many arguments it takes, in words.
    pub(crate) fn arity(&self) -> String {
        match (self.min, self.max) {
            (1, 1) => "1 argument".to_owned(),
            (min, max) if min == max => format!("{min} arguments"),
            (min, MANY) => format!("{min} or more arguments"),
            (min, max) => format!("between {min} and {max} arguments"),
        }
    }
}

/// The term of this number, if there is one here.
pub(crate) fn find(number: u16) -> Option<&'static Op> {
    static OPS: LazyLock<BTreeMap<u16, &'static Op>> = LazyLock::new(|| {
        super::eval::FAMILIES.iter().copied().flatten().map(|op| (op.number, op)).collect()
    });
    OPS.get(&number).copied()
}
