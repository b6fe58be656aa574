//! Each rule, broken alone: a rule that was never seen to fire proves nothing.
