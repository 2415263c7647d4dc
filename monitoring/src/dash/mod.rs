//! A page of our own that shows a federation live, where there is no Grafana: one document without anything from
//! elsewhere, fed by the points that the relay makes.
//!
//! Here: which panels there are (`panels`), what of the points they show (`board`), the server (`server`) and the
//! document itself (`page.html`). Start at [`Board`] and [`serve`].

mod board;
mod panels;
mod server;

pub use board::Board;
pub use server::{ADDRESS, serve};
