//! Many calls at once: the load mode of the call driver.
