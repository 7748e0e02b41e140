//! Uncertainty of measurement: a budget of components, combined as the Guide to the expression of uncertainty in
//! measurement does (JCGM 100:2008 clauses 4.3, 5.1, 6.2).

/// Uncertainty of a value, in the unit of the value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uncertainty {
    /// Half the width of the interval: the combined standard uncertainty times the coverage factor.
    pub expanded: f64,
    /// Coverage factor k; 2 covers about 95 % of a normal distribution.
    pub coverage: f64,
}

impl Uncertainty {
    /// An expanded uncertainty as a certificate states it; `None` unless both are finite, the first not negative and
    /// the factor positive.
    #[must_use]
    pub fn expanded(expanded: f64, coverage: f64) -> Option<Self> {
        let sane = expanded.is_finite() && expanded >= 0.0 && coverage.is_finite() && coverage > 0.0;
        sane.then_some(Self { expanded, coverage })
    }

    /// The standard uncertainty: one standard deviation.
    #[must_use]
    pub fn standard(self) -> f64 {
        self.expanded / self.coverage
    }
}

/// How a component is stated, which decides by what it is divided to be a standard uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// A standard deviation: taken as it is.
    Standard,
    /// A certificate's expanded uncertainty with k = 2.
    Expanded,
    /// Limits ± a with every value equally likely, as resolution and instrument classes: a / sqrt(3) (clause 4.3.7).
    Rectangular,
    /// Limits ± a with values near the middle likelier: a / sqrt(6) (clause 4.3.9).
    Triangular,
}

impl Distribution {
    fn divisor(self) -> f64 {
        match self {
            Self::Standard => 1.0,
            Self::Expanded => 2.0,
            Self::Rectangular => 3f64.sqrt(),
            Self::Triangular => 6f64.sqrt(),
        }
    }
}

/// One contribution to a budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// What it is: "calibrator", "temperature", "resolution".
    pub name: String,
    /// Its size in the unit of the result.
    pub value: f64,
    /// How it is stated.
    pub distribution: Distribution,
}

/// The independent contributions to the uncertainty of a result.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Budget {
    /// The contributions.
    pub components: Vec<Component>,
}

impl Budget {
    /// The same budget with one more component.
    #[must_use]
    pub fn with(mut self, name: &str, value: f64, distribution: Distribution) -> Self {
        self.components.push(Component {
            name: name.to_owned(),
            value,
            distribution,
        });
        self
    }

    /// Combined standard uncertainty: root of the sum of squares (clause 5.1.2, sensitivities of one), with the
    /// standard error of `n` observations whose standard deviation is `spread` (clause 4.2.3) when there is one.
    #[must_use]
    pub fn combined(&self, spread: Option<f64>, n: usize) -> f64 {
        let components = self
            .components
            .iter()
            .map(|component| component.value / component.distribution.divisor());
        let repeated = spread.map(|spread| spread / (n.max(1) as f64).sqrt());
        components
            .chain(repeated)
            .map(|standard| standard * standard)
            .sum::<f64>()
            .sqrt()
    }

    /// Expanded uncertainty with k = 2, as [`Self::combined`]; `None` when a component is not a finite number.
    #[must_use]
    pub fn expanded(&self, spread: Option<f64>, n: usize) -> Option<Uncertainty> {
        Uncertainty::expanded(2.0 * self.combined(spread, n), 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_the_root_of_the_sum_of_squares() {
        let budget = Budget::default()
            .with("calibrator", 0.2, Distribution::Expanded)
            .with("resolution", 0.05, Distribution::Rectangular)
            .with("drift", 0.1, Distribution::Triangular);
        let combined = (0.01f64 + 0.05f64.powi(2) / 3.0 + 0.01 / 6.0).sqrt();
        assert!((budget.combined(None, 1) - combined).abs() < 1e-12);
        let repeated = (combined.powi(2) + 0.3f64.powi(2) / 9.0).sqrt();
        assert!((budget.combined(Some(0.3), 9) - repeated).abs() < 1e-12);
        let expanded = budget.expanded(None, 1).unwrap();
        assert!((expanded.expanded - 2.0 * combined).abs() < 1e-12);
        assert!((expanded.standard() - combined).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_a_number_is_no_uncertainty() {
        let budget = Budget::default().with("unknown", f64::NAN, Distribution::Standard);
        assert_eq!(budget.expanded(None, 1), None);
        assert_eq!(Uncertainty::expanded(-1.0, 2.0), None);
        assert_eq!(Uncertainty::expanded(1.0, 0.0), None);
    }
}
