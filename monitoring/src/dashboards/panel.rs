//! Panels: what each kind of them is to Grafana, and where they stand on a page.

use serde_json::{Value, json};

use super::query::Query;

/// How wide a page is.
pub(super) const WIDTH: u64 = 24;

/// The data source, by the id that its provisioning gives it.
pub(super) fn source() -> Value {
    json!({ "type": "influxdb", "uid": super::SOURCE })
}

/// A panel, before it has its place.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    shape: Shape,
    title: &'static str,
    about: String,
    unit: &'static str,
    queries: Vec<Query>,
    /// What is shown is the first question's answer for each of the second's.
    is_ratio: bool,
    width: u64,
    height: u64,
    thresholds: Vec<(&'static str, Option<u32>)>,
}

/// What it looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    /// Numbers, large.
    Stat,
    /// Lines over time.
    Lines,
    /// Lines over time, one upon the other.
    Bands,
    /// Bars over time, one upon the other.
    Bars,
    /// A stripe for each series, its colour by thresholds.
    Stripes,
    /// Rows.
    Table,
}

/// Panels under a headline.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) title: &'static str,
    pub(super) is_folded: bool,
    pub(super) panels: Vec<Panel>,
}

/// A headline and what stands under it.
pub(super) fn row(title: &'static str, panels: impl Into<Vec<Panel>>) -> Row {
    Row { title, is_folded: false, panels: panels.into() }
}

/// Numbers, large: how it stands now.
pub(super) fn stat(title: &'static str, unit: &'static str) -> Panel {
    Panel { width: 4, height: 4, ..panel(Shape::Stat, title, unit) }
}

/// Lines over time.
pub(super) fn lines(title: &'static str, unit: &'static str) -> Panel {
    panel(Shape::Lines, title, unit)
}

/// Lines over time that add up.
pub(super) fn bands(title: &'static str, unit: &'static str) -> Panel {
    panel(Shape::Bands, title, unit)
}

/// Bars over time that add up.
pub(super) fn bars(title: &'static str, unit: &'static str) -> Panel {
    panel(Shape::Bars, title, unit)
}

/// A stripe for each series.
pub(super) fn stripes(title: &'static str, unit: &'static str) -> Panel {
    panel(Shape::Stripes, title, unit)
}

/// Rows.
pub(super) fn table(title: &'static str) -> Panel {
    Panel { width: WIDTH, ..panel(Shape::Table, title, "none") }
}

fn panel(shape: Shape, title: &'static str, unit: &'static str) -> Panel {
    let (about, queries, thresholds) = (String::new(), Vec::new(), vec![("green", None)]);
    let is_ratio = false;
    Panel { shape, title, about, unit, queries, is_ratio, width: 8, height: 8, thresholds }
}

impl Panel {
    /// What it shows.
    pub(super) fn asks(mut self, query: Query) -> Self {
        self.queries.push(query);
        self
    }

    /// What it shows: so many for each of the others. InfluxQL cannot divide one measurement by another,
    /// Grafana can.
    pub(super) fn asks_ratio(self, these: Query, those: Query) -> Self {
        Self { is_ratio: true, ..self.asks(these).asks(those) }
    }

    /// What a reader should know.
    pub(super) fn about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }

    /// How much of the page's width it takes.
    pub(super) fn wide(self, width: u64) -> Self {
        Self { width, ..self }
    }

    /// From how much on it is a warning.
    pub(super) fn warns_from(mut self, level: u32) -> Self {
        self.thresholds.push(("orange", Some(level)));
        self
    }

    /// From how much on it is bad.
    pub(super) fn bad_from(mut self, level: u32) -> Self {
        self.thresholds.push(("red", Some(level)));
        self
    }

    fn json(&self, id: u64, place: Value) -> Value {
        let mut targets: Vec<Value> = self.queries.iter().enumerate().map(target).collect();
        if self.is_ratio {
            for target in &mut targets {
                target["hide"] = json!(true);
            }
            targets.push(json!({
                "refId": "R",
                "datasource": { "type": "__expr__", "uid": "__expr__" },
                "type": "math",
                "expression": "$A / $B",
            }));
        }
        let steps: Vec<Value> = self
            .thresholds
            .iter()
            .map(|(color, from)| json!({ "color": color, "value": from }))
            .collect();
        let mut defaults = json!({
            "unit": self.unit,
            "color": { "mode": self.shape.color() },
            "thresholds": { "mode": "absolute", "steps": steps },
            "custom": self.shape.custom(),
        });
        if self.shape == Shape::Stat {
            // A counter that nobody has moved is not sent.
            defaults["noValue"] = json!("0");
        }
        json!({
            "id": id,
            "type": self.shape.word(),
            "title": self.title,
            "description": self.about,
            "datasource": source(),
            "gridPos": place,
            "targets": targets,
            "fieldConfig": { "defaults": defaults, "overrides": [] },
            "options": self.shape.options(),
        })
    }
}

impl Shape {
    fn word(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Lines | Self::Bands | Self::Bars => "timeseries",
            Self::Stripes => "state-timeline",
            Self::Table => "table",
        }
    }

    fn color(self) -> &'static str {
        match self {
            Self::Stat | Self::Stripes => "thresholds",
            Self::Lines | Self::Bands | Self::Bars | Self::Table => "palette-classic-by-name",
        }
    }

    fn custom(self) -> Value {
        let drawn = |style: &str, fill: u32, stacking: &str| {
            json!({
                "drawStyle": style,
                "lineWidth": 1,
                "fillOpacity": fill,
                "showPoints": "never",
                "spanNulls": false,
                "stacking": { "mode": stacking, "group": "A" },
            })
        };
        match self {
            Self::Lines => drawn("line", 0, "none"),
            Self::Bands => drawn("line", 40, "normal"),
            Self::Bars => drawn("bars", 80, "normal"),
            Self::Stripes => json!({ "fillOpacity": 80, "lineWidth": 0 }),
            Self::Stat | Self::Table => json!({}),
        }
    }

    fn options(self) -> Value {
        let legend = json!({
            "displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": [],
        });
        match self {
            Self::Stat => json!({
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
                "colorMode": "value",
                "graphMode": "area",
                "justifyMode": "auto",
                "textMode": "auto",
                "orientation": "auto",
                "showPercentChange": false,
                "percentChangeColorMode": "standard",
                "wideLayout": true,
            }),
            Self::Lines | Self::Bands | Self::Bars => json!({
                "legend": legend,
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Self::Stripes => json!({
                "legend": legend,
                "tooltip": { "mode": "single", "sort": "none" },
                "mergeValues": true,
                "rowHeight": 0.9,
                "showValue": "auto",
            }),
            Self::Table => json!({
                "showHeader": true, "cellHeight": "sm", "frameIndex": 0, "sortBy": [],
            }),
        }
    }
}

fn target((index, query): (usize, &Query)) -> Value {
    let letter = char::from(b'A' + u8::try_from(index).expect("a panel has a few queries"));
    json!({
        "refId": letter.to_string(),
        "datasource": source(),
        "rawQuery": true,
        "query": query.text,
        "alias": query.alias,
        "resultFormat": if query.is_table { "table" } else { "time_series" },
    })
}

/// Puts rows under each other, and in each the panels beside each other as long as there is room.
pub(super) fn lay_out(rows: &[Row]) -> Vec<Value> {
    let (mut placed, mut id, mut y) = (Vec::new(), 0, 0);
    let mut next_id = || {
        id += 1;
        id
    };
    for row in rows {
        let headline = json!({
            "id": next_id(),
            "type": "row",
            "title": row.title,
            "collapsed": row.is_folded,
            "gridPos": { "x": 0, "y": y, "w": WIDTH, "h": 1 },
        });
        y += 1;
        let (mut x, mut line_height, mut inside, mut line_y) = (0, 0, Vec::new(), y);
        for panel in &row.panels {
            if x + panel.width > WIDTH {
                (x, line_y, line_height) = (0, line_y + line_height, 0);
            }
            let place = json!({ "x": x, "y": line_y, "w": panel.width, "h": panel.height });
            inside.push(panel.json(next_id(), place));
            x += panel.width;
            line_height = line_height.max(panel.height);
        }
        let mut headline = headline;
        if row.is_folded {
            headline["panels"] = inside.into();
            placed.push(headline);
        } else {
            headline["panels"] = json!([]);
            placed.push(headline);
            placed.extend(inside);
            y = line_y + line_height;
        }
    }
    placed
}
