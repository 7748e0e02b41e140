//! HTML, JSON and JUnit reports, derived from the record alone.
