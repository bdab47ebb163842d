//! The table of ratios, as markdown.

use std::fmt::Write;

use crate::rounds::Compared;

/// A goal for a ratio, or for a figure that has no floor.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// At most so much.
    AtMost(f64),
    /// At least so much.
    AtLeast(f64),
    /// Told for orientation.
    None,
}

impl Goal {
    fn is_met(self, value: f64) -> &'static str {
        let is_met = match self {
            Goal::AtMost(most) => value <= most,
            Goal::AtLeast(least) => value >= least,
            Goal::None => return "",
        };
        if is_met { "yes" } else { "NO" }
    }
}

/// A unit of what is measured.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Measured in nanoseconds, printed in whatever fits.
    Time,
    /// Per second.
    PerSecond,
    /// A number.
    Bare(&'static str),
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Unit::Time => match value {
                ns if ns < 1e3 => format!("{ns:.0} ns"),
                ns if ns < 1e6 => format!("{:.2} us", ns / 1e3),
                ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
                ns => format!("{:.2} s", ns / 1e9),
            },
            Unit::PerSecond => match value {
                n if n < 1e3 => format!("{n:.0}/s"),
                n if n < 1e6 => format!("{:.1} k/s", n / 1e3),
                n => format!("{:.2} M/s", n / 1e6),
            },
            Unit::Bare(unit) => format!("{value:.0} {unit}").trim_end().to_owned(),
        }
    }
}

/// The rows so far.
#[derive(Debug)]
pub struct Table {
    markdown: String,
}

impl Default for Table {
    fn default() -> Self {
        Table::new()
    }
}

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        let head =
            "| what | floor | ours | ours / floor | goal | met |\n|---|---|---|---|---|---|\n";
        Table { markdown: head.to_owned() }
    }

    /// Adds a comparison whose ratio has a goal.
    pub fn compared(&mut self, what: &str, unit: Unit, compared: Compared, goal: Goal) {
        let Compared { floor, ours, ratio } = compared;
        let goal_text = match goal {
            Goal::AtMost(most) => format!("<= {most} x"),
            Goal::AtLeast(least) => format!(">= {least} x"),
            Goal::None => String::new(),
        };
        let ratio_text = format!("{ratio:.2} x");
        let (floor, ours) = (unit.show(floor), unit.show(ours));
        self.row(&[what, &floor, &ours, &ratio_text, &goal_text, goal.is_met(ratio)]);
    }

    /// Adds a figure that has a goal of its own and no floor.
    pub fn figure(&mut self, what: &str, unit: Unit, ours: f64, goal: Goal) {
        let goal_text = match goal {
            Goal::AtMost(most) => format!("<= {}", unit.show(most)),
            Goal::AtLeast(least) => format!(">= {}", unit.show(least)),
            Goal::None => String::new(),
        };
        self.row(&[what, "", &unit.show(ours), "", &goal_text, goal.is_met(ours)]);
    }

    /// Adds a line that says why there is no figure.
    pub fn skipped(&mut self, what: &str, why: &str) {
        self.row(&[what, "", why, "", "", "skipped"]);
    }

    /// The table so far.
    pub fn markdown(&self) -> &str {
        &self.markdown
    }

    fn row(&mut self, cells: &[&str]) {
        let row = format!("| {} |", cells.join(" | "));
        eprintln!("{row}");
        // Writing to a string cannot fail.
        let _ = writeln!(self.markdown, "{row}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_is_called_missed() {
        let mut table = Table::new();
        let compared = Compared { floor: 100.0, ours: 60.0, ratio: 0.6 };
        table.compared("a", Unit::Time, compared, Goal::AtMost(0.5));
        table.compared("b", Unit::Time, compared, Goal::AtMost(0.6));
        table.figure("c", Unit::PerSecond, 1000.0, Goal::AtLeast(2000.0));
        table.figure("d", Unit::PerSecond, 3e6, Goal::AtLeast(2000.0));
        let rows: Vec<_> = table.markdown().lines().skip(2).collect();
        assert_eq!(rows[0], "| a | 100 ns | 60 ns | 0.60 x | <= 0.5 x | NO |");
        assert_eq!(rows[1], "| b | 100 ns | 60 ns | 0.60 x | <= 0.6 x | yes |");
        assert_eq!(rows[2], "| c |  | 1.0 k/s |  | >= 2.0 k/s | NO |");
        assert_eq!(rows[3], "| d |  | 3.00 M/s |  | >= 2.0 k/s | yes |");
    }
}
