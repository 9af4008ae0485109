//! Marked packets and the sockets that send them.
