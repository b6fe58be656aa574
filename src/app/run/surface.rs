//! The terminal as the loop needs it: somewhere to put frames, and a few requests.
//!
//! Implemented by [`crate::term::Session`]; tests put a screen in memory in its place.

use ratatui::layout::Size;
use tokio::sync::watch;

use crate::term::{Session, TermFault, WriterState};

/// Where frames go.
pub trait Surface {
    /// The size now.
    fn size(&self) -> Size;

    /// Whether a frame would be taken.
    fn is_idle(&self) -> bool;

    /// Hands over a frame; `false` when it is lost.
    fn submit(&self, frame: Vec<u8>) -> bool;

    /// Hands over bytes beside frames; `false` when they are dropped.
    fn send(&self, bytes: &[u8]) -> bool;

    /// Turns the mouse on or off.
    fn mouse(&self, on: bool) -> bool;

    /// Stops the process until the shell goes on with it.
    ///
    /// # Errors
    /// When the terminal cannot be taken again.
    fn suspend(&self) -> Result<Size, TermFault>;

    /// Gives the terminal to this work, which blocks, and takes it again.
    ///
    /// # Errors
    /// When the terminal cannot be taken again.
    fn lend(&self, work: &mut dyn FnMut()) -> Result<Size, TermFault>;

    /// Takes the terminal again after the process went on by itself.
    ///
    /// # Errors
    /// When the terminal cannot be taken again.
    fn resume(&self) -> Result<Size, TermFault>;

    /// Changes whenever frames are taken again, or never will be.
    fn state(&self) -> watch::Receiver<WriterState>;
}

impl Surface for Session {
    fn size(&self) -> Size {
        Self::size(self)
    }

    fn is_idle(&self) -> bool {
        self.writer().is_idle()
    }

    fn submit(&self, frame: Vec<u8>) -> bool {
        self.writer().submit(frame)
    }

    fn send(&self, bytes: &[u8]) -> bool {
        self.writer().send(bytes)
    }

    fn mouse(&self, on: bool) -> bool {
        Self::mouse(self, on)
    }

    fn suspend(&self) -> Result<Size, TermFault> {
        Self::suspend(self)
    }

    fn lend(&self, work: &mut dyn FnMut()) -> Result<Size, TermFault> {
        Self::lend(self, work).map(|((), size)| size)
    }

    fn resume(&self) -> Result<Size, TermFault> {
        Self::resume(self)
    }

    fn state(&self) -> watch::Receiver<WriterState> {
        self.writer().state()
    }
}
