//! The gate through its front door: verdicts on whole scenes. Runs no tool and stores nothing.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod attenuation;
#[cfg(test)]
mod clauses;
#[cfg(test)]
mod presenting;
#[cfg(test)]
mod redaction;
#[cfg(test)]
mod scene;
#[cfg(test)]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod sealed;
#[cfg(test)]
mod tightening;
#[cfg(test)]
mod trees;
#[cfg(test)]
mod work;
#[cfg(test)]
mod writs;
