//! Support vector regression with a model in the text format of LIBSVM (Chang and Lin, ACM TIST 2011).

/// Most support vectors a model may have; the published one has 317.
const MAX_VECTORS: usize = 20_000;
/// Highest index of a feature; there are 32 bands.
const MAX_FEATURES: usize = 256;

/// A model that maps band similarities to MOS-LQO.
#[derive(Debug, Clone, PartialEq)]
pub struct SupportVectorModel {
    gamma: f64,
    rho: f64,
    /// Coefficient and features of each vector.
    vectors: Vec<(f64, Vec<f64>)>,
}

/// Why a text is not a model that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A line that does not fit the format.
    #[error("line {line}: {problem}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The header lacks an entry.
    #[error("the header has no {0}")]
    Missing(&'static str),
    /// There are more or fewer vectors than the header says.
    #[error("the header promises {promised} support vectors and there are {found}")]
    Count {
        /// Number in the header.
        promised: usize,
        /// Number of lines.
        found: usize,
    },
}

impl SupportVectorModel {
    /// Reads a model for regression with a radial basis function (`nu_svr` or `epsilon_svr`, `rbf`).
    ///
    /// # Errors
    /// What is not such a model, names the line; so does one of more than 20,000 vectors or 256 features.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.trim()));
        let (mut gamma, mut rho, mut promised) = (None, None, None);
        let (mut regression, mut radial) = (false, false);
        loop {
            let Some((line, entry)) = lines.next() else {
                return Err(ModelError::Missing("SV line"));
            };
            let wrong = |problem| ModelError::Line { line, problem };
            if entry == "SV" {
                break;
            }
            let (key, value) = entry
                .split_once(' ')
                .ok_or_else(|| wrong("neither an entry of the header nor SV"))?;
            match key {
                "svm_type" if matches!(value, "nu_svr" | "epsilon_svr") => regression = true,
                "svm_type" => return Err(wrong("not a model for regression")),
                "kernel_type" if value == "rbf" => radial = true,
                "kernel_type" => return Err(wrong("not a radial basis function")),
                "gamma" => gamma = Some(number(value).ok_or_else(|| wrong("gamma is not a number"))?),
                "rho" => rho = Some(number(value).ok_or_else(|| wrong("rho is not one number"))?),
                "total_sv" => {
                    let count: usize = value.parse().map_err(|_| wrong("total_sv is not a count"))?;
                    if count > MAX_VECTORS {
                        return Err(wrong("too many support vectors"));
                    }
                    promised = Some(count);
                }
                "nr_class" | "probA" => {}
                _ => return Err(wrong("an unknown entry of the header")),
            }
        }
        if !regression {
            return Err(ModelError::Missing("svm_type"));
        }
        if !radial {
            return Err(ModelError::Missing("kernel_type"));
        }
        let gamma = gamma.ok_or(ModelError::Missing("gamma"))?;
        let rho = rho.ok_or(ModelError::Missing("rho"))?;
        let promised = promised.ok_or(ModelError::Missing("total_sv"))?;
        let mut vectors = Vec::new();
        for (line, entry) in lines.filter(|(_, entry)| !entry.is_empty()) {
            if vectors.len() == promised {
                return Err(ModelError::Line {
                    line,
                    problem: "more support vectors than total_sv",
                });
            }
            vectors.push(vector(entry).map_err(|problem| ModelError::Line { line, problem })?);
        }
        if vectors.len() != promised {
            return Err(ModelError::Count {
                promised,
                found: vectors.len(),
            });
        }
        Ok(Self { gamma, rho, vectors })
    }

    /// The prediction for some features; features that a vector does not name are zero there.
    #[must_use]
    pub fn predict(&self, features: &[f64]) -> f64 {
        let kernel = |vector: &[f64]| {
            let length = vector.len().max(features.len());
            let at = |of: &[f64], index: usize| of.get(index).copied().unwrap_or(0.0);
            let distance: f64 = (0..length)
                .map(|index| (at(features, index) - at(vector, index)).powi(2))
                .sum();
            (-self.gamma * distance).exp()
        };
        let sum: f64 = self
            .vectors
            .iter()
            .map(|(weight, vector)| weight * kernel(vector))
            .sum();
        sum - self.rho
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// "weight index:value ...", indices from 1, ascending.
fn vector(entry: &str) -> Result<(f64, Vec<f64>), &'static str> {
    let mut words = entry.split_ascii_whitespace();
    let weight = words.next().and_then(number).ok_or("no weight")?;
    let mut features = Vec::new();
    for word in words {
        let (index, value) = word.split_once(':').ok_or("a feature without index")?;
        let index: usize = index.parse().map_err(|_| "an index that is not a number")?;
        if index <= features.len() {
            return Err("indices do not ascend from 1");
        }
        if index > MAX_FEATURES {
            return Err("an index that is too high");
        }
        features.resize(index - 1, 0.0);
        features.push(number(value).ok_or("a value that is not a number")?);
    }
    Ok((weight, features))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "svm_type nu_svr\nkernel_type rbf\ngamma 0.5\nnr_class 2\ntotal_sv 2\nrho -1\nSV\n\
                         2 1:1 3:1 \n-0.5 2:1 \n";

    #[test]
    fn a_model_predicts_what_its_formula_says() {
        let model = SupportVectorModel::parse(MODEL).unwrap();
        let expected = 2.0 * (-0.5f64 * 1.0).exp() - 0.5 * (-0.5f64 * 2.0).exp() + 1.0;
        assert!((model.predict(&[1.0]) - expected).abs() < 1e-12);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, message) in [
            ("nu_svr", "c_svc", "line 1: not a model for regression"),
            ("rbf", "linear", "line 2: not a radial basis function"),
            ("gamma 0.5\n", "", "the header has no gamma"),
            ("rho -1", "rho -1 2", "line 6: rho is not one number"),
            (
                "total_sv 2",
                "total_sv 3",
                "the header promises 3 support vectors and there are 2",
            ),
            (
                "total_sv 2",
                "total_sv 1",
                "line 9: more support vectors than total_sv",
            ),
            ("total_sv 2", "total_sv 20001", "line 5: too many support vectors"),
            ("3:1", "1:1", "line 8: indices do not ascend from 1"),
            ("3:1", "257:1", "line 8: an index that is too high"),
            ("3:1", "3:inf", "line 8: a value that is not a number"),
            ("SV\n", "", "line 7: an unknown entry of the header"),
        ] {
            let error = SupportVectorModel::parse(&MODEL.replacen(from, to, 1)).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        assert_eq!(SupportVectorModel::parse(""), Err(ModelError::Missing("SV line")));
    }
}
