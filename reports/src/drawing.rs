//! Drawing a [`Chart`] with `plotters` as inline SVG.
//!
//! Here: drawing, and turning the drawing's stand-in colours into CSS variables, so that one SVG
//! serves light, dark and paper. Not here: what a chart is (`chart`). Start at [`Chart::svg`].

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::axis::Axis;
use crate::chart::{Band, Chart, Ink, Line, Mark, Size, Spread, Tone};
use crate::words;

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
const BAD: RGBColor = RGBColor(10, 0, 0);
const VERIFIED: RGBColor = RGBColor(11, 0, 0);
const MARK: RGBColor = RGBColor(12, 0, 0);

fn stand_in(ink: Ink) -> RGBColor {
    match ink {
        Ink::Quiet => RGBColor(4, 0, 0),
        Ink::Early => RGBColor(5, 0, 0),
        Ink::Late => RGBColor(6, 0, 0),
        Ink::Done => RGBColor(7, 0, 0),
        Ink::Alone => RGBColor(8, 0, 0),
        Ink::Other => RGBColor(9, 0, 0),
    }
}

fn tone(tone: Tone) -> RGBColor {
    match tone {
        Tone::Fault => BAND,
        Tone::Bad => BAD,
    }
}

impl Chart {
    /// The chart as an `<svg>` element for a page whose style sheet is `page.css`.
    pub(crate) fn svg(&self, size: Size) -> String {
        let lanes = lanes(&self.bands, &self.x);
        let rows = lanes.iter().max().map_or(0, |lane| lane + 1);
        let (width, height) = size.pixels();
        let height = self.height.unwrap_or(height) + LANE_PIXELS * u32::try_from(rows).unwrap_or(0);
        let mut drawing = String::new();
        let plot;
        {
            let units = (width * UNITS_PER_PIXEL, height * UNITS_PER_PIXEL);
            let root = SVGBackend::with_string(&mut drawing, units).into_drawing_area();
            plot = self.draw(&root, &lanes).expect("a drawing into a string cannot fail");
            root.present().expect("a drawing into a string cannot fail");
        }
        // Where a script finds the points that it can say something of.
        let plot = match (plot, self.tips.points.is_empty()) {
            ((left, top, right, bottom), false) => {
                format!(" data-plot=\"{left} {top} {right} {bottom}\"")
            }
            _ => String::new(),
        };
        let (_, shapes) = drawing.split_once('>').expect("the drawing begins with its svg tag");
        format!(
            "<svg class=\"{class}\" role=\"img\" viewBox=\"0 0 {} {}\" width=\"{width}\" \
             height=\"{height}\"{plot}>\n<title>{}</title>\n<desc>{}</desc>{}",
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

    /// Draws all of it; left, top, right and bottom of the plot itself, in units.
    fn draw(&self, root: &Area<'_>, lanes: &[usize]) -> Result<(i32, i32, i32, i32), DrawError> {
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
        let (left, top) = chart.backend_coord(&(self.x.first(), self.y.last()));
        let (right, bottom) = chart.backend_coord(&(self.x.last(), self.y.first()));
        let across = |value: f64| chart.backend_coord(&(value, self.y.first())).0;
        // How far the labels of each row reach: where bands share a row, some have no room for one.
        let mut taken = [i32::MIN; LANES_MAX];
        for (band, lane) in self.bands.iter().zip(lanes) {
            draw_band(root, band, &across, (top, bottom))?;
            let raised = u32::try_from(*lane).unwrap_or(0) * LANE_PIXELS;
            let ends = (across(band.from), across(band.to).max(across(band.from) + LEAST));
            draw_label(root, band, ends, top - signed(units(raised)), &mut taken[*lane])?;
        }
        for mark in &self.marks {
            let height = chart.backend_coord(&(self.x.first(), mark.at)).1;
            draw_mark(root, mark, (left, right), (top, height))?;
        }
        for spread in &self.spreads {
            for outline in outlines(spread) {
                let corners: Vec<_> =
                    outline.iter().map(|corner| chart.backend_coord(corner)).collect();
                root.draw(&Polygon::new(corners, stand_in(spread.ink).mix(0.15)))?;
            }
        }
        for line in &self.lines {
            let style = stand_in(line.ink).stroke_width(units(2));
            for stretch in stretches(line) {
                // A single value between gaps would be a line without length.
                if let [alone] = stretch[..] {
                    chart.draw_series([Circle::new(alone, units(3), style.filled())])?;
                } else {
                    chart.draw_series(LineSeries::new(stretch, style))?;
                }
            }
        }
        Ok((left, top, right, bottom))
    }
}

/// What lasts a moment is still to be seen.
const LEAST: i32 = 8;

/// The shade behind the lines, lighter where it was only planned, and the moment it was verified.
fn draw_band(
    root: &Area<'_>,
    band: &Band,
    across: &impl Fn(f64) -> i32,
    (top, bottom): (i32, i32),
) -> Result<(), DrawError> {
    let (from, to) = (across(band.from), across(band.to));
    let colour = tone(band.tone);
    let shade = |from, to, share: f64| {
        root.draw(&Rectangle::new([(from, top), (to, bottom)], colour.mix(share).filled()))
    };
    if let Some(planned) = band.planned.map(across).filter(|planned| *planned < from) {
        shade(planned, from, 0.07)?;
    }
    if to > from + LEAST {
        shade(from, to, 0.15)?
    } else {
        shade(from, from + LEAST, 0.7)?
    }
    match band.verified.map(across) {
        Some(verified) if to > from + LEAST => {
            let moment = vec![(verified, top), (verified, bottom)];
            root.draw(&PathElement::new(moment, VERIFIED.stroke_width(units(1))))
        }
        _ => Ok(()),
    }
}

/// A line across the chart, and what it stands for at its right end.
fn draw_mark(
    root: &Area<'_>,
    mark: &Mark,
    (left, right): (i32, i32),
    (top, height): (i32, i32),
) -> Result<(), DrawError> {
    root.draw(&PathElement::new(
        vec![(left, height), (right, height)],
        MARK.stroke_width(units(1)),
    ))?;
    // Above the line; under it, where there is no room.
    let gap = signed(units(3));
    let (y, side) = match height - top > signed(units(LANE_PIXELS)) {
        true => (height - gap, VPos::Bottom),
        false => (height + gap, VPos::Top),
    };
    let style = ("sans-serif", letters(11)).into_font().color(&TEXT);
    let style = style.pos(Pos::new(HPos::Right, side));
    root.draw(&Text::new(words::visible(&mark.label), (right - gap, y), style))
}

/// The line's unbroken stretches.
fn stretches(line: &Line) -> impl Iterator<Item = Vec<(f64, f64)>> {
    let parts = line.points.split(|(_, y)| y.is_none()).filter(|part| !part.is_empty());
    parts.map(|part| part.iter().filter_map(|(x, y)| Some((*x, (*y)?))).collect())
}

/// Around each unbroken part of a spread: along its lowest values, and back along its highest.
fn outlines(spread: &Spread) -> impl Iterator<Item = Vec<(f64, f64)>> {
    let parts = spread.ends.split(|(_, ends)| ends.is_none()).filter(|part| part.len() > 1);
    parts.map(|part| {
        let corner = |low: bool| {
            move |(x, ends): &(f64, Option<(f64, f64)>)| {
                ends.map(|(lowest, highest)| (*x, if low { lowest } else { highest }))
            }
        };
        let there = part.iter().filter_map(corner(true));
        there.chain(part.iter().rev().filter_map(corner(false))).collect()
    })
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
    taken: &mut i32,
) -> Result<(), DrawError> {
    let top = bottom - signed(units(LANE_PIXELS - 2));
    root.draw(&Rectangle::new([(left, top), (right, bottom)], tone(band.tone).mix(0.28).filled()))?;
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
    #[expect(clippy::cast_possible_truncation, reason = "a label is no wider than a drawing")]
    let wide = (width(text) * f64::from(UNITS_PER_PIXEL)) as i32;
    let from = match side {
        HPos::Left => x,
        HPos::Center => x - wide / 2,
        HPos::Right => x - wide,
    };
    if from < *taken && band.tone != Tone::Bad {
        return Ok(());
    }
    *taken = from + wide;
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
        .replace(&quoted(BAND), "\"var(--fault)\"")
        .replace(&quoted(BAD), "\"var(--bad)\"")
        .replace(&quoted(VERIFIED), "\"var(--fault)\" stroke-dasharray=\"4 12\"")
        .replace(&quoted(MARK), "\"var(--muted)\" stroke-dasharray=\"16 12\"");
    for ink in Ink::ALL {
        let stand_in = quoted(stand_in(ink));
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
        Band::plain("1".into(), "1 kill n2".into(), from * 1e6, to * 1e6)
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
    fn a_spread_is_drawn_around_what_is_unbroken() {
        let ends = vec![
            (0.0, Some((1.0, 3.0))),
            (1.0, Some((2.0, 2.0))),
            (2.0, None),
            (3.0, Some((1.0, 2.0))),
        ];
        let around: Vec<_> = outlines(&Spread { ink: Ink::Done, ends }).collect();
        assert_eq!(around, [vec![(0.0, 1.0), (1.0, 2.0), (1.0, 2.0), (0.0, 3.0)]]);
    }

    #[test]
    fn a_line_breaks_where_nothing_was_measured() {
        let points =
            vec![(0.0, None), (1.0, Some(5.0)), (2.0, Some(6.0)), (3.0, None), (4.0, Some(7.0))];
        let line = Line { label: String::new(), ink: Ink::Done, points };
        let unbroken: Vec<_> = stretches(&line).collect();
        assert_eq!(unbroken, [vec![(1.0, 5.0), (2.0, 6.0)], vec![(4.0, 7.0)]]);
        let axes = (Axis::time(5_000_000, 5), Axis::amount(7.0, 4));
        let chart = Chart {
            bands: vec![band(4.9, 5.0)],
            marks: vec![Mark { label: "the most there was".into(), at: 7.0 }],
            ..Chart::bare("t".into(), "d".into(), axes, vec![line])
        };
        let svg = chart.svg(Size::Wide);
        assert_eq!(svg.matches("stroke=\"var(--done)\"").count(), 1);
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(!svg.contains('#') && svg.contains("the most there was"), "{svg}");
    }
}
