//! The layers in process, and the connections on real sockets.

mod connection;
mod layer;
