//! UDP endpoints and paced media ports on the operating system's network or on a virtual one with a virtual clock.
