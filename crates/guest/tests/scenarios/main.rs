//! Guests that are booted. Where there is no kernel, or guests cannot run, the tests say so and pass.

mod guests;
