//! One chart as data: its axes, lines, shaded bands, and what is said at each of its points.
//!
//! Not here: drawing it (`drawing`), which lines there are and what they mean (`figures`). Start at
//! [`Chart`].

use crate::axis::Axis;

/// A chart, ready to be drawn at either [`Size`].
pub(crate) struct Chart {
    /// Says in one line what is shown; read aloud and shown on hovering.
    pub(crate) title: String,
    /// Says in a sentence what a look at the lines would tell.
    pub(crate) description: String,
    /// The axis along the bottom.
    pub(crate) x: Axis,
    /// The axis along the left.
    pub(crate) y: Axis,
    /// The lines, the last on top.
    pub(crate) lines: Vec<Line>,
    /// Behind them, from where to where the values lie that a point of a line stands for.
    pub(crate) spreads: Vec<Spread>,
    /// What is shaded behind them, each as high as the chart.
    pub(crate) bands: Vec<Band>,
    /// What the legend calls such a band; none keeps it out.
    pub(crate) shaded: Option<&'static str>,
    /// Values of the y axis that a line across the whole chart stands for.
    pub(crate) marks: Vec<Mark>,
    /// What is said at each of its points, from left to right; empty if there is nothing to add.
    pub(crate) tips: Tips,
    /// The height of the drawing without its rows of labels, in CSS pixels; none for the usual.
    pub(crate) height: Option<u32>,
}

impl Chart {
    /// A chart of nothing but lines over two axes, `x` and `y`.
    pub(crate) fn bare(
        title: String,
        description: String,
        (x, y): (Axis, Axis),
        lines: Vec<Line>,
    ) -> Self {
        Self {
            title,
            description,
            x,
            y,
            lines,
            spreads: Vec::new(),
            bands: Vec::new(),
            shaded: None,
            marks: Vec::new(),
            tips: Tips::default(),
            height: None,
        }
    }
}

/// A value of the y axis with a line of its own.
pub(crate) struct Mark {
    /// What is written on the line.
    pub(crate) label: String,
    /// The value.
    pub(crate) at: f64,
}

/// What a script can say of a chart's points.
#[derive(Default)]
pub(crate) struct Tips {
    /// What the values of a point are of.
    pub(crate) names: Vec<String>,
    /// The points, from left to right.
    pub(crate) points: Vec<Tip>,
}

/// What is said at one point of the x axis.
pub(crate) struct Tip {
    /// The value of the x axis.
    pub(crate) at: f64,
    /// That value as people say it.
    pub(crate) place: String,
    /// A value for each of the names, as people say it.
    pub(crate) values: Vec<String>,
}

/// A line through measured values; it breaks where there is none.
pub(crate) struct Line {
    /// What the legend calls it; empty keeps it out.
    pub(crate) label: String,
    /// How it looks.
    pub(crate) ink: Ink,
    /// Values of the two axes (not places on them).
    pub(crate) points: Vec<(f64, Option<f64>)>,
}

/// How far the values lie apart that share a point of a line; it breaks where there is none.
pub(crate) struct Spread {
    /// The line's.
    pub(crate) ink: Ink,
    /// A value of the x axis, the lowest and the highest of the y axis.
    pub(crate) ends: Vec<(f64, Option<(f64, f64)>)>,
}

/// A stretch of the x axis that is shaded and labelled above the chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Band {
    /// Said where the label does not fit: a number, as in the table of faults.
    pub(crate) short: String,
    /// What is said where there is room.
    pub(crate) label: String,
    /// Where it starts, as a value of the x axis.
    pub(crate) from: f64,
    /// Where it ends.
    pub(crate) to: f64,
    /// From where on it was wanted already; shaded more lightly.
    pub(crate) planned: Option<f64>,
    /// Where it was seen to be real; a dotted line.
    pub(crate) verified: Option<f64>,
    /// What it is about.
    pub(crate) tone: Tone,
}

/// What a band is about, as a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something that was done to the federation.
    Fault,
    /// Where it first went badly.
    Bad,
}

impl Band {
    /// A band that is about nothing but itself.
    pub(crate) fn plain(short: String, label: String, from: f64, to: f64) -> Self {
        Self { short, label, from, to, planned: None, verified: None, tone: Tone::Fault }
    }
}

/// How a line looks: a colour and a pattern, so that colour never speaks alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// What was asked for or is at the edge: grey, dotted.
    Quiet,
    /// Blue, dashed.
    Early,
    /// Vermilion, long dashes.
    Late,
    /// Green, solid.
    Done,
    /// Purple, dashes and dots.
    Other,
    /// Blue, solid: a line that has the chart to itself.
    Alone,
}

/// The room a chart is drawn for, in CSS pixels. Text keeps its size in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// A screen or a sheet of paper.
    Wide,
    /// A phone.
    Narrow,
}

impl Ink {
    /// Every ink.
    pub(crate) const ALL: [Self; 6] =
        [Self::Quiet, Self::Early, Self::Late, Self::Done, Self::Other, Self::Alone];

    /// Those that can stand side by side where none means more than the others.
    pub(crate) const SIDE_BY_SIDE: [Self; 5] =
        [Self::Done, Self::Early, Self::Late, Self::Other, Self::Quiet];

    /// The colour, as the style sheet knows it.
    pub(crate) fn css(self) -> &'static str {
        match self {
            Self::Quiet => "var(--quiet)",
            Self::Early | Self::Alone => "var(--early)",
            Self::Late => "var(--late)",
            Self::Done => "var(--done)",
            Self::Other => "var(--other)",
        }
    }

    /// The pattern in CSS pixels, `none` for a solid line.
    pub(crate) fn dashes(self) -> &'static str {
        match self {
            Self::Quiet => "1.5 3",
            Self::Early => "5 3",
            Self::Late => "9 3",
            Self::Other => "8 3 2 3",
            Self::Done | Self::Alone => "none",
        }
    }
}

impl Size {
    /// Width and height of the drawing without its rows of labels.
    pub(crate) fn pixels(self) -> (u32, u32) {
        match self {
            Self::Wide => (720, 220),
            Self::Narrow => (380, 230),
        }
    }

    /// The class by which the style sheet shows one size and hides the other.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}
