//! The four channel ends that are all the app has of the kernel.
//!
//! Made by the composition root; tests hold the other ends. Carries plain data only.

use thymos_protocol::{Heads, Live, Reply, Request};
use tokio::sync::{mpsc, watch};

/// Requests that may wait for the kernel; beyond it they queue in the app and the screen says so.
pub const REQUESTS_MAX: usize = 256;

/// Replies that may wait for the screen; beyond it the kernel waits.
pub const REPLIES_MAX: usize = 256;

/// The app's ends.
#[derive(Debug)]
pub struct Link {
    /// What is asked.
    pub requests: mpsc::Sender<Request>,
    /// What is answered.
    pub replies: mpsc::Receiver<Reply>,
    /// Where everything stands; has no payload to lose.
    pub bell: watch::Receiver<Heads>,
    /// What is going on right now; the screen must be right without it.
    pub live: watch::Receiver<Live>,
}

/// The kernel's ends of the same channels.
#[derive(Debug)]
pub struct LinkEnds {
    /// What is asked.
    pub requests: mpsc::Receiver<Request>,
    /// What is answered.
    pub replies: mpsc::Sender<Reply>,
    /// Rung after every append.
    pub bell: watch::Sender<Heads>,
    /// Told in place.
    pub live: watch::Sender<Live>,
}

impl Link {
    /// A link and the kernel's ends of it.
    #[must_use]
    pub fn pair() -> (Self, LinkEnds) {
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        let (answers, replies) = mpsc::channel(REPLIES_MAX);
        let (ring, bell) = watch::channel(Heads::default());
        let (tell, live) = watch::channel(Live::default());
        let ours = Self {
            requests,
            replies,
            bell,
            live,
        };
        let theirs = LinkEnds {
            requests: asked,
            replies: answers,
            bell: ring,
            live: tell,
        };
        (ours, theirs)
    }
}
