//! Reports of made-up runs, one file a behaviour.

mod damaged_exhibits;
mod designations;
mod hostile_text;
mod html_page;
mod ics;
mod json_contract;
mod junit_file;
mod large_run;
mod markup;
mod rules;
mod synthetic;
mod unfinished_run;
mod written_files;
