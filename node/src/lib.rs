//! A BigchainDB 0.6 node: the shell around the core.
