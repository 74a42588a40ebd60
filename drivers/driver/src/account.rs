use std::time::SystemTime;

use async_trait::async_trait;

use crate::{Context, Result, Tags};

/// An account of a cloud, and the region where it has regions: what `machine gc` looks through.
#[async_trait]
pub trait Account: Send + Sync {
    /// Tells accounts and regions apart, for people: `nyc3`, or `eu-west-1`. Never a secret.
    fn place(&self) -> String;

    /// Everything that bears this store's tags ([`Tags`]), in an order in which it can be deleted:
    /// servers before what they use.
    async fn resources(&self, cx: &Context) -> Result<Vec<Resource>>;

    /// Deletes one of them. What is gone is success.
    async fn delete(&self, cx: &Context, resource: &Resource) -> Result<()>;
}

/// Something in an account that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The vendor's word, for example `droplet`.
    pub kind: &'static str,
    /// As the machine's record has it.
    pub id: String,
    /// What people see in the vendor's own console.
    pub name: String,
    pub tags: Tags,
}

impl Resource {
    /// Whether all machines of the store use it, so that it may only go with the last one.
    pub fn is_shared(&self) -> bool {
        self.tags.machine.is_empty()
    }

    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.tags.expires_at().is_some_and(|end| end <= now)
    }
}
