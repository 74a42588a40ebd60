//! What `list` prints: paragraphs of `Key: value`.

use std::collections::BTreeMap;

use machine_driver::{Result, State};

use crate::manage::Manage;
use crate::state;

/// One paragraph.
pub(crate) type Paragraph = BTreeMap<String, String>;

/// The paragraphs of a list, each of which begins with the key `first`. What stands before the first
/// of them is not ours to read.
pub(crate) fn paragraphs(text: &str, first: &str) -> Vec<Paragraph> {
    let mut all: Vec<Paragraph> = Vec::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        if key == first {
            all.push(Paragraph::new());
        }
        if let Some(paragraph) = all.last_mut() {
            paragraph.entry(key.to_owned()).or_insert_with(|| value.trim().to_owned());
        }
    }
    all
}

/// All registered machines, as `list vms --long` shows them.
#[derive(Debug, Default)]
pub(crate) struct Machines {
    /// Name, UUID, state where its words are known, and the host-only interfaces.
    all: Vec<Listed>,
}

#[derive(Debug)]
struct Listed {
    name: String,
    uuid: String,
    state: Option<State>,
    text: String,
}

impl Machines {
    pub(crate) async fn list(manage: &Manage) -> Result<Self> {
        Ok(Self::parse(&manage.run(&["list", "vms", "--long"]).await?))
    }

    /// A machine's part begins with its name; a shared folder's line, which begins so too, has a
    /// quote behind it. The state is looked for in any language, since keys are translated as well.
    fn parse(text: &str) -> Self {
        let mut all: Vec<Listed> = Vec::new();
        let mut name = String::new();
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match key {
                "Name" if !value.starts_with('\'') => value.clone_into(&mut name),
                "UUID" => all.push(Listed {
                    name: std::mem::take(&mut name),
                    uuid: value.to_owned(),
                    state: None,
                    text: String::new(),
                }),
                "State" => {
                    if let Some(listed) = all.last_mut().filter(|listed| listed.state.is_none()) {
                        listed.state = state::from_words(value);
                    }
                }
                _ => {}
            }
            if let Some(listed) = all.last_mut() {
                listed.text += line;
                listed.text += "\n";
            }
        }
        Self { all }
    }

    /// The state of a machine, by its UUID or else its name: missing if it is not there, `None` if it
    /// has to be asked for alone.
    pub(crate) fn state(&self, id: &str) -> Option<State> {
        match self.all.iter().find(|it| it.uuid == id || it.name == id) {
            Some(listed) => listed.state,
            None => Some(State::Missing),
        }
    }

    /// Whether a machine other than `id` is on the host-only interface or network `name`. The name is
    /// looked for in quotes, since the words around it are of some language.
    pub(crate) fn others_use(&self, name: &str, id: &str) -> bool {
        let quoted = format!("'{name}'");
        self.all.iter().any(|it| it.uuid != id && it.name != id && it.text.contains(&quoted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_before_the_first_paragraph_is_skipped() {
        let text = "WARNING: The character device\n\nName:            vboxnet0\nIPAddress:       192.168.56.1\n\n\
             Name:            vboxnet1\nIPV6Address:     \n";
        let all = paragraphs(text, "Name");
        assert_eq!(all.len(), 2);
        assert_eq!(all[0]["IPAddress"], "192.168.56.1");
        assert_eq!(all[1]["IPV6Address"], "");
    }

    #[test]
    fn machines_by_uuid_and_by_name() {
        let text = "Name:                        m1\nUUID:                        ae8f\n\
             Hardware UUID:               ffff\nState:                       powered off (since x)\n\
             NIC 2:                       MAC: 080027C229F8, Attachment: Host-only Interface 'vboxnet0', Cable\n\
             Shared folders:              \n\nName: 'hosthome', Host path: '/home' (machine mapping)\n\n\
             Name:                        m2\nUUID:                        bbbb\n\
             State:                       schläft (seit x)\n";
        let machines = Machines::parse(text);
        assert_eq!(machines.state("ae8f"), Some(State::Stopped));
        assert_eq!(machines.state("m1"), Some(State::Stopped));
        assert_eq!(machines.state("m2"), None);
        assert_eq!(machines.state("hosthome"), Some(State::Missing));
        assert!(machines.others_use("vboxnet0", "m2"));
        assert!(!machines.others_use("vboxnet0", "ae8f"));
    }
}
