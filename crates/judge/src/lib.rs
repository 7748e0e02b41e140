//! Pure verdicts: case and evidence in, checks, measurements and a verdict out.
