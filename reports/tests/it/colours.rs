//! The colours of the page: readable on their ground, and told apart by every eye.

use std::collections::BTreeMap;

type Colour = [f64; 3];
type Theme = BTreeMap<String, Colour>;

/// Text needs so much contrast to its ground (WCAG 2.2, AA) …
const TEXT_MIN: f64 = 4.5;
/// … and lines of charts so much.
const LINE_MIN: f64 = 3.0;
/// Two lines are at least so far apart (CIE 1976); a just noticeable difference is 2.3. They have
/// patterns besides.
const APART_MIN: f64 = 10.0;

const LINES: [&str; 5] = ["quiet", "early", "late", "done", "other"];

/// Machado, Oliveira and Fernandes 2009: what each kind of eye makes of linear red, green and blue.
const EYES: [(&str, [[f64; 3]; 3]); 4] = [
    ("usual", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ),
];

/// Light, dark and paper, as the style sheet has them.
fn themes() -> [(&'static str, Theme); 3] {
    let sheet = include_str!("../../src/page.css");
    let variables = |block: &str| -> Theme {
        let block = block.split_once('{').expect("a block").1.split_once('}').expect("its end").0;
        let pairs =
            block.split(';').filter_map(|pair| pair.trim().strip_prefix("--")?.split_once(": #"));
        pairs.map(|(name, colour)| (name.to_owned(), linear(colour))).collect()
    };
    let root = |after: &str| {
        let (_, rest) = sheet.split_once(after).expect(after);
        variables(rest.split_once(":root").expect("a root").1)
    };
    let light = root("told apart");
    let over = |theme: Theme| light.clone().into_iter().chain(theme).collect();
    let dark = over(root("prefers-color-scheme: dark"));
    let paper = over(root("@media print"));
    [("light", light.clone()), ("dark", dark), ("paper", paper)]
}

/// Linear red, green and blue of `fff` or `ffffff`.
fn linear(hex: &str) -> Colour {
    let width = hex.len() / 3;
    [0, 1, 2].map(|part| {
        let digits = &hex[part * width..(part + 1) * width];
        let value =
            f64::from(u8::from_str_radix(&digits.repeat(3 - width), 16).expect(hex)) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
}

fn contrast(one: Colour, other: Colour) -> f64 {
    let luminance = |[red, green, blue]: Colour| 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

/// Where an eye sees a colour, in CIE L*a*b*.
fn seen(colour: Colour, eye: &[[f64; 3]; 3]) -> Colour {
    let by = |row: &[f64; 3]| row.iter().zip(colour).map(|(share, part)| share * part).sum::<f64>();
    let [red, green, blue] =
        [by(&eye[0]), by(&eye[1]), by(&eye[2])].map(|part| part.clamp(0.0, 1.0));
    let bent = |t: f64| if t > 0.008856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    let x = bent((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047);
    let y = bent(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    let z = bent((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[test]
fn text_and_lines_stand_out_from_their_ground() {
    for (name, theme) in themes() {
        for text in ["text", "muted", "early", "pass", "fail", "unknown", "void"] {
            for ground in ["paper", "sheet"] {
                let contrast = contrast(theme[text], theme[ground]);
                assert!(contrast >= TEXT_MIN, "{name}: {text} on {ground}: {contrast:.2}");
            }
        }
        for line in LINES.iter().chain(&["bad"]) {
            let contrast = contrast(theme[*line], theme["paper"]);
            assert!(contrast >= LINE_MIN, "{name}: {line}: {contrast:.2}");
        }
    }
}

#[test]
fn every_eye_tells_lines_apart() {
    for (name, theme) in themes() {
        for (eye, matrix) in &EYES {
            for (index, one) in LINES.iter().enumerate() {
                for other in &LINES[index + 1..] {
                    let (here, there) = (seen(theme[*one], matrix), seen(theme[*other], matrix));
                    let squares = here.iter().zip(there).map(|(a, b)| (a - b).powi(2));
                    let apart = squares.sum::<f64>().sqrt();
                    assert!(apart >= APART_MIN, "{name}, {eye}: {one} and {other}: {apart:.1}");
                }
            }
        }
    }
}
