//! The tools from outside: only what the app can reach.

#[cfg(test)]
mod table;
