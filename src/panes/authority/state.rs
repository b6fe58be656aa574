//! What has been told of writs and rules, which tab is shown, and which of its rows is chosen.

use thymos_core::{TrajectoryId, WritId};
use thymos_protocol::{ChangedVerdict, Policies, PolicyRow, Simulation, WritRow};

use crate::panes::reader::Text;
use crate::ui::vlist::VirtualList;

/// Who asked what, so that a reply finds its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorityAsked {
    /// The writs of that trajectory.
    Writs(TrajectoryId),
    /// The rules in force.
    Policies,
    /// The rules, looked at anew because somebody said so.
    Reload,
    /// What a candidate would change.
    Simulate,
}

/// What is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthorityTab {
    /// The tree of writs.
    #[default]
    Writs,
    /// Rules, switches, refused files.
    Policy,
    /// Verdicts that a candidate would change.
    Simulation,
}

/// A row of the policy tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyItem<'a> {
    /// The hash over everything, with the switches.
    Set(&'a Policies),
    /// A bundle.
    Bundle(&'a PolicyRow),
    /// A file that was not loaded.
    Refused(&'a str),
}

/// The authority screen.
#[derive(Clone, Debug, Default)]
pub struct Authority {
    /// What is listed.
    pub tab: AuthorityTab,
    /// What is told of the chosen row.
    pub details: Text,
    pub(super) list: VirtualList,
    trajectory: Option<TrajectoryId>,
    writs: Option<Vec<WritRow>>,
    policies: Option<Policies>,
    simulation: Option<Simulation>,
    simulating: Option<String>,
    // None is the writ in force.
    chosen_writ: Option<WritId>,
    chosen_policy: usize,
    chosen_change: usize,
    stale: bool,
    asking: [bool; 2],
    pub(super) version: u64,
}

impl Authority {
    /// The kernel rang, or another trajectory is open: what is known may be old.
    pub fn rang(&mut self) {
        self.stale = true;
    }

    /// What to ask so that the screen is as things are; one question of each kind at a time.
    pub fn wanted(&mut self, trajectory: Option<TrajectoryId>) -> Vec<AuthorityAsked> {
        if self.trajectory != trajectory {
            self.trajectory = trajectory;
            self.writs = None;
            self.chosen_writ = None;
            self.stale = true;
        }
        if !self.stale || self.asking.contains(&true) {
            return Vec::new();
        }
        self.stale = false;
        let mut wanted = vec![AuthorityAsked::Policies];
        wanted.extend(trajectory.map(AuthorityAsked::Writs));
        self.asking = [trajectory.is_some(), true];
        wanted
    }

    /// Takes the writs, if they are of the open trajectory.
    pub fn take_writs(&mut self, of: TrajectoryId, rows: Vec<WritRow>) {
        self.asking = [false, self.asking[1]];
        if self.trajectory == Some(of) {
            self.writs = Some(rows);
            self.version += 1;
        }
    }

    /// Takes the rules.
    pub fn take_policies(&mut self, policies: Policies) {
        self.asking = [self.asking[0], false];
        self.policies = Some(policies);
        self.version += 1;
    }

    /// A question came to nothing; the next bell asks again.
    pub fn failed(&mut self, asked: &AuthorityAsked) {
        match asked {
            AuthorityAsked::Writs(_) => self.asking = [false, self.asking[1]],
            AuthorityAsked::Policies | AuthorityAsked::Reload => {
                self.asking = [self.asking[0], false];
            }
            AuthorityAsked::Simulate => self.simulating = None,
        }
    }

    /// A candidate is being decided under.
    pub fn simulate(&mut self, path: &str) {
        self.simulating = Some(path.to_owned());
        self.simulation = None;
        self.show(AuthorityTab::Simulation);
    }

    /// The candidate's file, while the kernel decides under it.
    #[must_use]
    pub fn simulating(&self) -> Option<&str> {
        self.simulating.as_deref()
    }

    /// The candidate could not be read.
    pub fn simulation_failed(&mut self) {
        self.simulating = None;
    }

    /// Takes what a candidate would change.
    pub fn take_simulation(&mut self, simulation: Simulation) {
        self.simulating = None;
        self.simulation = Some(simulation);
        self.chosen_change = 0;
        self.version += 1;
    }

    /// Shows another tab.
    pub fn show(&mut self, tab: AuthorityTab) {
        self.tab = tab;
        self.list = VirtualList::new();
        self.details = Text::default();
        self.version += 1;
    }

    /// Shows the next tab; that of a simulation only when there is one.
    pub fn turn(&mut self) {
        let simulated = self.simulation.is_some() || self.simulating.is_some();
        self.show(match self.tab {
            AuthorityTab::Writs => AuthorityTab::Policy,
            AuthorityTab::Policy if simulated => AuthorityTab::Simulation,
            AuthorityTab::Policy | AuthorityTab::Simulation => AuthorityTab::Writs,
        });
    }

    /// The writs, root first; none before they have come.
    #[must_use]
    pub fn writs(&self) -> Option<&[WritRow]> {
        self.writs.as_deref()
    }

    /// The rules; none before they have come.
    #[must_use]
    pub fn policies(&self) -> Option<&Policies> {
        self.policies.as_ref()
    }

    /// What a candidate would change, when one was decided under.
    #[must_use]
    pub fn simulation(&self) -> Option<&Simulation> {
        self.simulation.as_ref()
    }

    /// Rows of the policy tab.
    #[must_use]
    pub fn policy_items(&self) -> Vec<PolicyItem<'_>> {
        let Some(policies) = &self.policies else {
            return Vec::new();
        };
        let mut items = vec![PolicyItem::Set(policies)];
        items.extend(
            policies
                .refused
                .iter()
                .map(|file| PolicyItem::Refused(file)),
        );
        items.extend(policies.bundles.iter().map(PolicyItem::Bundle));
        items
    }

    /// How many rows the tab has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.tab {
            AuthorityTab::Writs => self.writs.as_ref().map_or(0, Vec::len),
            AuthorityTab::Policy => self.policy_items().len(),
            AuthorityTab::Simulation => self.simulation.as_ref().map_or(0, |it| it.changes.len()),
        }
    }

    /// Whether the tab has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place of the chosen row. A writ keeps being chosen when others come and go.
    #[must_use]
    pub fn place(&self) -> usize {
        let last = self.len().saturating_sub(1);
        match self.tab {
            AuthorityTab::Writs => self.writ_place().min(last),
            AuthorityTab::Policy => self.chosen_policy.min(last),
            AuthorityTab::Simulation => self.chosen_change.min(last),
        }
    }

    fn writ_place(&self) -> usize {
        let rows = self.writs.as_deref().unwrap_or_default();
        let chosen = |row: &WritRow| Some(row.id) == self.chosen_writ;
        let in_force = |row: &WritRow| row.state == thymos_protocol::WritState::InForce;
        rows.iter()
            .position(chosen)
            .or_else(|| rows.iter().rposition(in_force))
            .unwrap_or(0)
    }

    /// Chooses a row by its place.
    pub fn choose(&mut self, place: usize) {
        let place = place.min(self.len().saturating_sub(1));
        match self.tab {
            AuthorityTab::Writs => {
                let rows = self.writs.as_deref().unwrap_or_default();
                self.chosen_writ = rows.get(place).map(|row| row.id);
            }
            AuthorityTab::Policy => self.chosen_policy = place,
            AuthorityTab::Simulation => self.chosen_change = place,
        }
        self.list.reveal(place);
        self.details = Text::default();
        self.version += 1;
    }

    /// The chosen writ, on its tab.
    #[must_use]
    pub fn writ(&self) -> Option<&WritRow> {
        match self.tab {
            AuthorityTab::Writs => self.writs.as_ref()?.get(self.place()),
            AuthorityTab::Policy | AuthorityTab::Simulation => None,
        }
    }

    /// The chosen verdict that would change, on its tab.
    #[must_use]
    pub fn change(&self) -> Option<&ChangedVerdict> {
        match self.tab {
            AuthorityTab::Simulation => self.simulation.as_ref()?.changes.get(self.place()),
            AuthorityTab::Writs | AuthorityTab::Policy => None,
        }
    }
}
