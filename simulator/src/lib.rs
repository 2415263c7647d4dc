//! Runs federations under load and faults, and judges what happened.
