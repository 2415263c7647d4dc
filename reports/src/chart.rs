//! One chart: lines over an axis, faults as shaded bands, drawn by `plotters` as inline SVG.
//!
//! Here: drawing, and turning the drawing's stand-in colours into CSS variables, so that one SVG
//! serves light, dark and paper. Not here: which lines there are and what they mean (`figures`).
//! Start at [`Chart::svg`].

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::axis::Axis;
use crate::words;

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
    /// What is shaded behind them, each as high as the chart.
    pub(crate) bands: Vec<Band>,
    /// What the legend calls such a band; none keeps it out.
    pub(crate) shaded: Option<&'static str>,
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

/// `plotters` rounds to whole units; four to a CSS pixel keep slopes smooth.
const UNITS_PER_PIXEL: u32 = 4;
/// Room for most labels of a y axis, so that charts over the same time stand in line.
const MARGIN_PIXELS_MIN: u32 = 56;
/// The height of one row of band labels.
const LANE_PIXELS: u32 = 17;
/// Bands that overlap get a row each, up to this many; the rest share the last.
const LANES_MAX: usize = 4;
/// The share of the x axis that a label's row keeps free for a band, however short that is.
const LABEL_SHARE_MIN: f64 = 0.05;
/// About how wide a letter of a band's label is.
const LETTER_PIXELS: f64 = 6.4;

/// Stand-ins for colours that the style sheet decides. Each must be unique.
const TEXT: RGBColor = RGBColor(1, 0, 0);
const GRID: RGBColor = RGBColor(2, 0, 0);
const BAND: RGBColor = RGBColor(3, 0, 0);

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
            Self::Other => "var(--fault)",
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

    fn stand_in(self) -> RGBColor {
        match self {
            Self::Quiet => RGBColor(4, 0, 0),
            Self::Early => RGBColor(5, 0, 0),
            Self::Late => RGBColor(6, 0, 0),
            Self::Done => RGBColor(7, 0, 0),
            Self::Alone => RGBColor(8, 0, 0),
            Self::Other => RGBColor(9, 0, 0),
        }
    }
}

impl Size {
    /// Width and height of the drawing without its rows of labels.
    fn pixels(self) -> (u32, u32) {
        match self {
            Self::Wide => (720, 220),
            Self::Narrow => (380, 230),
        }
    }

    /// The class by which the style sheet shows one size and hides the other.
    fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

impl Chart {
    /// The chart as an `<svg>` element for a page whose style sheet is `page.css`.
    pub(crate) fn svg(&self, size: Size) -> String {
        let lanes = lanes(&self.bands, &self.x);
        let rows = lanes.iter().max().map_or(0, |lane| lane + 1);
        let (width, height) = size.pixels();
        let height = height + LANE_PIXELS * u32::try_from(rows).unwrap_or(0);
        let mut drawing = String::new();
        {
            let units = (width * UNITS_PER_PIXEL, height * UNITS_PER_PIXEL);
            let root = SVGBackend::with_string(&mut drawing, units).into_drawing_area();
            self.draw(&root, &lanes).expect("a drawing into a string cannot fail");
            root.present().expect("a drawing into a string cannot fail");
        }
        let (_, shapes) = drawing.split_once('>').expect("the drawing begins with its svg tag");
        format!(
            "<svg class=\"{class}\" role=\"img\" viewBox=\"0 0 {} {}\" width=\"{width}\" \
             height=\"{height}\">\n<title>{}</title>\n<desc>{}</desc>{}",
            width * UNITS_PER_PIXEL,
            height * UNITS_PER_PIXEL,
            words::escape(&self.title),
            words::escape(&self.description),
            dressed(shapes),
            class = size.class(),
        )
    }

    /// Room for the longest label of the y axis.
    fn margin_pixels(&self) -> u32 {
        let longest = self.y.ticks.iter().map(|(_, label)| label.chars().count()).max();
        (u32::try_from(longest.unwrap_or(0)).unwrap_or(0) * 7 + 14).max(MARGIN_PIXELS_MIN)
    }

    fn draw(&self, root: &Area<'_>, lanes: &[usize]) -> Result<(), DrawError> {
        let rows = lanes.iter().max().map_or(0, |lane| lane + 1);
        let top = LANE_PIXELS * u32::try_from(rows).unwrap_or(0) + 8;
        let mut chart = ChartBuilder::on(root)
            .margin_top(units(top))
            .margin_right(units(18))
            .x_label_area_size(units(24))
            .y_label_area_size(units(self.margin_pixels()))
            .build_cartesian_2d(Coord(&self.x), Coord(&self.y))?;
        let text = ("sans-serif", letters(12)).into_font().color(&TEXT);
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(UNITS_PER_PIXEL))
            .axis_style(GRID.stroke_width(UNITS_PER_PIXEL))
            .label_style(text)
            .draw()?;
        for (band, lane) in self.bands.iter().zip(lanes) {
            let (left, top) = chart.backend_coord(&(band.from, self.y.last()));
            let (right, bottom) = chart.backend_coord(&(band.to, self.y.first()));
            // What lasts a moment is still to be seen.
            let least = left + signed(units(2));
            let (right, shade) = if right > least { (right, 0.15) } else { (least, 0.7) };
            root.draw(&Rectangle::new([(left, top), (right, bottom)], BAND.mix(shade).filled()))?;
            let raised = u32::try_from(*lane).unwrap_or(0) * LANE_PIXELS;
            draw_label(root, band, (left, right), top - signed(units(raised)))?;
        }
        for line in &self.lines {
            let style = line.ink.stand_in().stroke_width(units(2));
            for stretch in stretches(line) {
                // A single value between gaps would be a line without length.
                if let [alone] = stretch[..] {
                    chart.draw_series([Circle::new(alone, units(3), style.filled())])?;
                } else {
                    chart.draw_series(LineSeries::new(stretch, style))?;
                }
            }
        }
        Ok(())
    }
}

/// The line's unbroken stretches.
fn stretches(line: &Line) -> impl Iterator<Item = Vec<(f64, f64)>> {
    let parts = line.points.split(|(_, y)| y.is_none()).filter(|part| !part.is_empty());
    parts.map(|part| part.iter().filter_map(|(x, y)| Some((*x, (*y)?))).collect())
}

/// An axis as `plotters` wants it.
struct Coord<'a>(&'a Axis);

impl Ranged for Coord<'_> {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "held to the drawing, which fits an i32")]
    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let share = (self.0.place(*value) - self.0.from) / (self.0.to - self.0.from);
        (f64::from(first) + share * f64::from(last - first)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.0.ticks.iter().map(|(value, _)| *value).collect()
    }

    fn range(&self) -> Range<f64> {
        self.0.first()..self.0.last()
    }
}

impl ValueFormatter<f64> for Coord<'_> {
    fn format_ext(&self, value: &f64) -> String {
        self.0.label(*value)
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type DrawError = DrawingAreaErrorKind<std::io::Error>;

/// The row of each band's label, from the chart upwards: the lowest that is free where it starts.
fn lanes(bands: &[Band], x: &Axis) -> Vec<usize> {
    let mut ends: Vec<f64> = Vec::new();
    let mut lanes = Vec::with_capacity(bands.len());
    for band in bands {
        let from = x.place(band.from);
        let end = x.place(band.to).max(from + (x.to - x.from) * LABEL_SHARE_MIN);
        let free = ends.iter().position(|end| *end <= from);
        let lane = free.unwrap_or(ends.len()).min(LANES_MAX - 1);
        if lane == ends.len() {
            ends.push(end);
        } else {
            ends[lane] = ends[lane].max(end);
        }
        lanes.push(lane);
    }
    lanes
}

/// A bar over the band with as much of its label as fits, or else with the shortest beside it.
fn draw_label(
    root: &Area<'_>,
    band: &Band,
    (left, right): (i32, i32),
    bottom: i32,
) -> Result<(), DrawError> {
    let top = bottom - signed(units(LANE_PIXELS - 2));
    root.draw(&Rectangle::new([(left, top), (right, bottom)], BAND.mix(0.28).filled()))?;
    let width = |text: &str| text.chars().count() as f64 * LETTER_PIXELS;
    let room = f64::from(right - left) / f64::from(UNITS_PER_PIXEL) - 4.0;
    let fitting = [&band.label, &band.short].into_iter().find(|text| width(text) <= room);
    let gap = signed(units(3));
    let (text, x, side) = match fitting {
        Some(text) => (text, i32::midpoint(left, right), HPos::Center),
        // Beside the bar: after it, or before it at the end of the chart.
        None if right + signed(units(24)) < signed(root.dim_in_pixel().0) => {
            (&band.short, right + gap, HPos::Left)
        }
        None => (&band.short, left - gap, HPos::Right),
    };
    let style = ("sans-serif", letters(11)).into_font().color(&TEXT);
    let style = style.pos(Pos::new(side, VPos::Center));
    root.draw(&Text::new(words::visible(text), (x, i32::midpoint(top, bottom)), style))
}

/// The drawing with CSS variables for its stand-in colours, and a pattern for each line.
fn dressed(shapes: &str) -> String {
    let quoted = |RGBColor(r, g, b): RGBColor| format!("\"#{r:02X}{g:02X}{b:02X}\"");
    let mut shapes = shapes
        .replace(&quoted(TEXT), "\"var(--muted)\"")
        .replace(&quoted(GRID), "\"var(--grid)\"")
        .replace(&quoted(BAND), "\"var(--fault)\"");
    for ink in Ink::ALL {
        let stand_in = quoted(ink.stand_in());
        let pattern = ink.dashes().split(' ').map(|part| part.parse::<f64>());
        let pattern: Vec<String> = pattern
            .filter_map(|pixels| Some((pixels.ok()? * f64::from(UNITS_PER_PIXEL)).to_string()))
            .collect();
        let stroke = if pattern.is_empty() {
            format!("stroke=\"{}\"", ink.css())
        } else {
            format!("stroke=\"{}\" stroke-dasharray=\"{}\"", ink.css(), pattern.join(" "))
        };
        shapes = shapes
            .replace(&format!("stroke={stand_in}"), &stroke)
            .replace(&stand_in, &format!("\"{}\"", ink.css()));
    }
    shapes
}

fn units(pixels: u32) -> u32 {
    pixels * UNITS_PER_PIXEL
}

fn signed(units: u32) -> i32 {
    i32::try_from(units).unwrap_or(i32::MAX)
}

/// A font size that comes out as so many pixels: `plotters` divides sizes by 1.24 for SVG.
fn letters(pixels: u32) -> f64 {
    f64::from(units(pixels)) * 1.24
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(from: f64, to: f64) -> Band {
        Band { short: "1".into(), label: "1 kill n2".into(), from: from * 1e6, to: to * 1e6 }
    }

    #[test]
    fn bands_that_overlap_are_labelled_one_above_the_other() {
        let x = Axis::time(100_000_000, 5);
        type Case<'a> = (&'a [(f64, f64)], &'a [usize]);
        let cases: [Case<'_>; 5] = [
            (&[], &[]),
            (&[(10.0, 20.0), (20.0, 30.0)], &[0, 0]),
            (&[(10.0, 20.0), (15.0, 30.0), (21.0, 25.0)], &[0, 1, 0]),
            // Moments need room for their number as well.
            (&[(10.0, 10.0), (11.0, 11.0), (20.0, 20.0)], &[0, 1, 0]),
            // More than there are rows for share the last.
            (&[(0.0, 9.0); 6], &[0, 1, 2, 3, 3, 3]),
        ];
        for (bands, rows) in cases {
            let bands: Vec<Band> = bands.iter().map(|(from, to)| band(*from, *to)).collect();
            assert_eq!(lanes(&bands, &x), rows, "{bands:?}");
        }
    }

    #[test]
    fn a_line_breaks_where_nothing_was_measured() {
        let points =
            vec![(0.0, None), (1.0, Some(5.0)), (2.0, Some(6.0)), (3.0, None), (4.0, Some(7.0))];
        let line = Line { label: String::new(), ink: Ink::Done, points };
        let unbroken: Vec<_> = stretches(&line).collect();
        assert_eq!(unbroken, [vec![(1.0, 5.0), (2.0, 6.0)], vec![(4.0, 7.0)]]);
        let chart = Chart {
            title: "t".into(),
            description: "d".into(),
            x: Axis::time(5_000_000, 5),
            y: Axis::amount(7.0, 4),
            lines: vec![line],
            bands: vec![band(4.9, 5.0)],
            shaded: None,
        };
        let svg = chart.svg(Size::Wide);
        assert_eq!(svg.matches("stroke=\"var(--done)\"").count(), 1);
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(!svg.contains('#'), "{svg}");
    }
}
