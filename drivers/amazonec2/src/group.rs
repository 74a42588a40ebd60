//! Security groups: the store's own, and those that the user names. One that does not bear the
//! store's tag is used as it is.

use std::time::{Duration, SystemTime};

use machine_driver::cloud::{Openings, Removal, arrange_common, drop_common};
use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, ErrorKind, Result, State, Tags, tags};
use serde::Deserialize;

use crate::driver::AmazonEc2;
use crate::launch::pairs;
use crate::params::Params;
use crate::place::{POLL, Place, code};
use crate::rules::{self, Permission};
use crate::xml::{Set, Tag};

/// What the driver reads of a security group.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Group {
    #[serde(rename = "groupId")]
    pub(crate) id: String,
    #[serde(rename = "groupName")]
    pub(crate) name: String,
    #[serde(default, rename = "ipPermissions")]
    permissions: Set<Permission>,
    #[serde(default, rename = "tagSet")]
    tags: Set<Tag>,
}

#[derive(Deserialize)]
struct Groups {
    #[serde(default, rename = "securityGroupInfo")]
    groups: Set<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    group_id: String,
}

/// How long what was just made may not be seen yet, and what has just gone may still be used.
const SETTLED: Duration = Duration::from_secs(60);
/// How long an instance takes to go away: a minute is usual.
const TERMINATED: Duration = Duration::from_secs(300);

impl Group {
    pub(crate) fn ours(&self) -> Option<Tags> {
        self.tags.ours()
    }

    fn is_of(&self, store: &str) -> bool {
        self.ours().is_some_and(|tags| tags.store == store)
    }
}

/// Sees to the groups that the machine is to be in, and gives their ids. What is missing is made;
/// rules are only added where the store's tag is.
pub(crate) async fn arrange(
    driver: &mut AmazonEc2,
    cx: &Context,
    place: &Place,
    tags: &Tags,
    vpc: &str,
    openings: &Openings,
) -> Result<()> {
    let _alone = arrange_common(cx, &place.name).await?;
    if driver.record.security_group_names.is_empty() {
        driver.record.security_group_names = vec![own_name(&tags.store, openings)];
    }
    let there = place.groups(Params::new().filter("vpc-id", [vpc])).await?;
    let mut ids = Vec::new();
    for name in driver.record.security_group_names.clone() {
        let found = there.iter().find(|it| it.name == name || it.id == name);
        let group = match found {
            Some(group) => group.clone(),
            None if name.starts_with("sg-") => {
                let message = format!("there is no security group `{name}` in {vpc}");
                return Err(
                    Error::new(ErrorKind::Flags, message).hint("aws ec2 describe-security-groups")
                );
            }
            None => {
                cx.progress.line(&format!("Creating the security group {name}..."));
                place.make_group(&name, vpc, tags).await?
            }
        };
        ids.push(group.id.clone());
        driver.record.security_group_ids.clone_from(&ids);
        cx.checkpoint(driver)?;
        if group.is_of(&tags.store) && !driver.record.security_group_read_only {
            let wanted = rules::wanted(&driver.record, openings, &group.id)?;
            place.let_in(&group, wanted).await?;
        }
    }
    Ok(())
}

/// A machine that is open to the world has a group of its own kind, so that others stay closed.
fn own_name(store: &str, openings: &Openings) -> String {
    match openings {
        Openings::World => format!("machine-{store}-world"),
        Openings::From(_) => format!("machine-{store}"),
    }
}

impl Place {
    async fn groups(&self, params: Params) -> Result<Vec<Group>> {
        let pages: Vec<Groups> = self.pages("DescribeSecurityGroups", params).await?;
        Ok(pages.into_iter().flat_map(|page| page.groups.items).collect())
    }

    pub(crate) async fn groups_of(&self, store: &str) -> Result<Vec<Group>> {
        self.groups(Params::new().filter(&format!("tag:{}", tags::STORE), [store])).await
    }

    /// Makes a group, and waits until it is seen. One that an earlier attempt made is as good.
    async fn make_group(&self, name: &str, vpc: &str, tags: &Tags) -> Result<Group> {
        let params = Params::new()
            .set("GroupName", name)
            .set("GroupDescription", "Docker Machine")
            .set("VpcId", vpc)
            .tags(&["security-group"], &pairs(&tags.clone().shared(), name, &[]));
        let made = match self.fetch::<Made>("CreateSecurityGroup", params).await {
            Err(error) if error.kind() == ErrorKind::Conflict => None,
            made => Some(made?.group_id),
        };
        Wait::new(format!("the security group {name}"), SETTLED)
            .at_least_every(POLL)
            .until(async || {
                let params = match &made {
                    Some(id) => Params::new().list("GroupId", [id]),
                    None => Params::new().filter("vpc-id", [vpc]).filter("group-name", [name]),
                };
                match self.groups(params).await {
                    Ok(groups) => groups.into_iter().next().map_or(Look::NotYet(None), Look::Ready),
                    Err(error) if error.kind() == ErrorKind::Denied => Look::Hopeless(error),
                    Err(error) => Look::NotYet(Some(error)),
                }
            })
            .await
    }

    /// Adds the rules that are missing. EC2 refuses all of them if it has one already, which
    /// another store's program may just have added: then the group is looked at once more.
    async fn let_in(&self, group: &Group, wanted: Vec<rules::Rule>) -> Result<()> {
        let missing = rules::missing(wanted.clone(), &group.permissions.items);
        if missing.is_empty() {
            return Ok(());
        }
        let action = "AuthorizeSecurityGroupIngress";
        match self.call(action, rules::params(&group.id, &missing)).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            done => return done.map(drop),
        }
        let now = self.groups(Params::new().list("GroupId", [&group.id])).await?;
        let there = now.first().map_or(&[][..], |it| &it.permissions.items);
        let missing = rules::missing(wanted, there);
        if missing.is_empty() {
            return Ok(());
        }
        self.call(action, rules::params(&group.id, &missing)).await.map(drop)
    }

    /// Deletes the groups of a store that has no instance here any more.
    pub(crate) async fn drop_groups(&self, cx: &Context, store: &str) -> Result<()> {
        let Some(_unused) = drop_common(cx, &self.name)? else { return Ok(()) };
        let left = self.of_store(store, SystemTime::now()).await?;
        if left.iter().any(|it| !it.is_going()) {
            return Ok(());
        }
        let groups = self.groups_of(store).await?;
        if groups.is_empty() {
            return Ok(());
        }
        // A group is used until the last instance is not only going, but gone.
        Wait::new("the end of the store's instances", TERMINATED)
            .at_least_every(POLL)
            .until(async || match self.of_store(store, SystemTime::now()).await {
                Ok(left) if left.iter().all(|it| it.state() == State::Missing) => Look::Ready(()),
                Ok(_) => Look::NotYet(Some(Error::other("there are some that are shut down"))),
                Err(error) => Look::NotYet(Some(error)),
            })
            .await?;
        let mut removal = Removal::default();
        for group in groups {
            let what = format!("the security group {} ({})", group.name, group.id);
            removal.is_gone(&what, self.delete_group(&group.id).await);
        }
        removal.end()
    }

    /// A network interface goes a little later than its instance.
    async fn delete_group(&self, id: &str) -> Result<()> {
        Wait::new("the end of what uses it", SETTLED)
            .at_least_every(POLL)
            .until(async || {
                let params = Params::new().set("GroupId", id);
                match self.call("DeleteSecurityGroup", params).await {
                    Ok(_) => Look::Ready(Ok(())),
                    Err(error) if is_used(&error) => Look::NotYet(Some(error)),
                    Err(error) => Look::Ready(Err(error)),
                }
            })
            .await?
    }
}

fn is_used(error: &Error) -> bool {
    matches!(code(error), "DependencyViolation" | "InvalidGroup.InUse")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorded::answer;

    #[test]
    fn a_recorded_list_and_a_new_one() {
        if let Some(list) = answer("describe_security_groups.xml") {
            let list: Groups = crate::xml::read(&list).unwrap();
            let ids: Vec<&str> = list.groups.items.iter().map(|it| it.id.as_str()).collect();
            assert_eq!(ids, ["sg-443d0a12", "sg-5ff8a023"]);
            assert_eq!(list.groups.items[0].permissions.items.len(), 1);
        }
        if let Some(made) = answer("create_security_group.xml") {
            assert_eq!(crate::xml::read::<Made>(&made).unwrap().group_id, "sg-52e2f530");
        }
    }
}
