//! Facts about the gate.
