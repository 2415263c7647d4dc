//! The open-loop load engine: arrivals, corpus, latency records.
