//! The suite seen from outside: what its tests share.
