//! One binary of integration tests: the whole suite, from outside.

mod architecture;
