//! Cloudflare D1: the real workerd, reached over the Worker that is shipped and over a stand-in for Cloudflare's REST API.

mod conforming;
mod moving;
mod refusals;
mod server;
mod values;
mod writing;
