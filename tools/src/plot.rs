//! Plots as SVG: points joined by lines on two logarithmic axes, and bars.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 56.0;
/// Colours that are told apart with any eyes, and on paper by their markers.
const COLOURS: [&str; 5] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"];

/// Points of one kind.
pub(crate) struct Series {
    /// What they are of.
    pub(crate) name: String,
    /// Where they are; both numbers are above zero.
    pub(crate) points: Vec<(f64, f64)>,
}

/// What is along the axes.
pub(crate) struct Axes<'a> {
    /// Above the plot.
    pub(crate) title: &'a str,
    /// Below it.
    pub(crate) x: &'a str,
    /// Beside it.
    pub(crate) y: &'a str,
}

/// Lines through the points of each series; nothing if there are no points.
pub(crate) fn lines(axes: &Axes<'_>, series: &[Series]) -> Option<String> {
    let mut points = series.iter().flat_map(|it| it.points.iter());
    let first = points.next()?;
    let (mut from, mut to) = (*first, *first);
    for (x, y) in points {
        (from.0, from.1) = (from.0.min(*x), from.1.min(*y));
        (to.0, to.1) = (to.0.max(*x), to.1.max(*y));
    }
    let (horizontal, vertical) = (Scale::new(from.0, to.0), Scale::new(from.1, to.1));
    let x = |value: f64| LEFT + horizontal.place(value) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - vertical.place(value) * (HEIGHT - TOP - BOTTOM);

    let mut svg = begin(axes.title, HEIGHT);
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for (tick, at) in horizontal.ticks().map(|it| (it, x(it))) {
        line(&mut svg, (at, TOP), (at, bottom), "#ddd");
        text(&mut svg, (at, bottom + 18.0), "middle", &short(tick));
    }
    for (tick, at) in vertical.ticks().map(|it| (it, y(it))) {
        line(&mut svg, (LEFT, at), (right, at), "#ddd");
        text(&mut svg, (LEFT - 8.0, at + 4.0), "end", &short(tick));
    }
    line(&mut svg, (LEFT, bottom), (right, bottom), "#333");
    line(&mut svg, (LEFT, TOP), (LEFT, bottom), "#333");
    text(&mut svg, ((LEFT + right) / 2.0, HEIGHT - 14.0), "middle", axes.x);
    text(&mut svg, (LEFT - 60.0, TOP - 12.0), "start", axes.y);

    for (number, it) in series.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let mut sorted = it.points.clone();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let path: Vec<String> = sorted
            .iter()
            .map(|(px, py)| format!("{:.1},{:.1}", x(*px), y(*py)))
            .collect();
        let _ = writeln!(
            svg,
            r#"<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{}"/>"#,
            path.join(" ")
        );
        for (px, py) in &sorted {
            marker(&mut svg, number, colour, (x(*px), y(*py)));
        }
        let at = TOP + 14.0 + 20.0 * number as f64;
        marker(&mut svg, number, colour, (right + 16.0, at - 4.0));
        text(&mut svg, (right + 28.0, at), "start", &it.name);
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// A bar for each value, from zero; nothing if there are none.
pub(crate) fn bars(title: &str, unit: &str, values: &[(String, f64)]) -> Option<String> {
    let most = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let (label, room, step) = (300.0, 300.0, 24.0);
    let height = TOP + step * values.len() as f64 + 30.0;
    let mut svg = begin(title, height);
    for (number, (name, value)) in values.iter().enumerate() {
        let at = TOP + step * number as f64;
        text(&mut svg, (label - 8.0, at + 14.0), "end", name);
        let _ = writeln!(
            svg,
            r#"<rect x="{label}" y="{at:.1}" width="{:.1}" height="18" fill="{}"/>"#,
            (value / most * room).max(1.0),
            COLOURS[0]
        );
        text(
            &mut svg,
            (label + value / most * room + 6.0, at + 14.0),
            "start",
            &short(*value),
        );
    }
    text(&mut svg, (label, height - 10.0), "start", unit);
    svg.push_str("</svg>\n");
    Some(svg)
}

/// A logarithmic axis, from one power of ten to another.
struct Scale {
    from: i32,
    to: i32,
}

impl Scale {
    fn new(from: f64, to: f64) -> Self {
        let (low, high) = (from.log10().floor() as i32, to.log10().ceil() as i32);
        Self {
            from: low,
            to: high.max(low + 1),
        }
    }

    /// 0 at the beginning, 1 at the end.
    fn place(&self, value: f64) -> f64 {
        (value.log10() - f64::from(self.from)) / f64::from(self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.from..=self.to).map(|power| 10_f64.powi(power))
    }
}

fn begin(title: &str, height: f64) -> String {
    let title = escaped(title);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}" font-family="sans-serif" font-size="12" fill="#222">
<title>{title}</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="{}" y="20" font-size="14" font-weight="bold">{title}</text>
"##,
        LEFT - 60.0
    )
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, what: &str) {
    let _ = writeln!(
        svg,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#,
        escaped(what)
    );
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    let _ = writeln!(
        svg,
        r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="{colour}"/>"#,
        from.0, from.1, to.0, to.1
    );
}

fn marker(svg: &mut String, number: usize, colour: &str, (x, y): (f64, f64)) {
    let _ = match number % 3 {
        0 => writeln!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="{colour}"/>"#),
        1 => writeln!(
            svg,
            r#"<rect x="{:.1}" y="{:.1}" width="8" height="8" fill="{colour}"/>"#,
            x - 4.0,
            y - 4.0
        ),
        _ => writeln!(
            svg,
            r#"<path d="M{x:.1},{:.1}l5,9h-10z" fill="{colour}"/>"#,
            y - 5.0
        ),
    };
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A number in three digits or so.
pub(crate) fn short(value: f64) -> String {
    let whole = value.round();
    if value >= 100.0 || (value - whole).abs() < 1e-9 {
        let digits = format!("{whole:.0}");
        let mut grouped = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        return grouped;
    }
    let digits = if value >= 10.0 {
        1
    } else if value >= 1.0 {
        2
    } else {
        3
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<(f64, f64)>) -> Option<String> {
        let axes = Axes {
            title: "A & B",
            x: "steps",
            y: "s",
        };
        lines(
            &axes,
            &[Series {
                name: "one".to_owned(),
                points,
            }],
        )
    }

    #[test]
    fn places_points_by_powers_of_ten() {
        let scale = Scale::new(20.0, 3000.0);
        assert_eq!((scale.from, scale.to), (1, 4));
        assert!((scale.place(10.0)).abs() < 1e-9 && (scale.place(10_000.0) - 1.0).abs() < 1e-9);
        assert!((scale.place(100.0) - 1.0 / 3.0).abs() < 1e-9);
        // One value has an axis, too.
        assert_eq!(
            (Scale::new(100.0, 100.0).from, Scale::new(100.0, 100.0).to),
            (2, 3)
        );
    }

    #[test]
    fn a_plot_has_a_marker_for_each_point_and_one_for_its_name() {
        let svg = plot(vec![(10.0, 1.0), (1000.0, 2.0), (100.0, 5.0)]).expect("points");
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.contains("A &amp; B") && !svg.contains("A & B"));
        // Joined from left to right, whatever their order.
        let path = svg
            .split("points=\"")
            .nth(1)
            .and_then(|it| it.split('"').next())
            .expect("a line");
        let xs: Vec<f64> = path
            .split(' ')
            .filter_map(|it| it.split(',').next()?.parse().ok())
            .collect();
        assert!(xs.len() == 3 && xs.is_sorted(), "{xs:?}");
    }

    #[test]
    fn there_is_no_plot_of_nothing() {
        assert_eq!(plot(vec![]), None);
        assert_eq!(bars("x", "y", &[]), None);
        assert_eq!(bars("x", "y", &[("a".to_owned(), 0.0)]), None);
    }

    #[test]
    fn a_bar_is_as_long_as_its_value() {
        let svg = bars("x", "y", &[("a".to_owned(), 50.0), ("b".to_owned(), 100.0)]).expect("values");
        assert!(
            svg.contains(r#"width="150.0""#) && svg.contains(r#"width="300.0""#),
            "{svg}"
        );
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (1234.5, "1,235"),
            (0.0213, "0.021"),
            (2.0, "2"),
            (2.5, "2.50"),
            (31.24, "31.2"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
