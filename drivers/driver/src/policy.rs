/// How new machines are made whatever their driver is: what the user says of all clouds alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// To whom the ports for SSH and Docker are opened: addresses, networks, `caller` or `world`.
    /// Empty stands for the caller. See [`crate::cloud::openings`].
    pub open_to: Vec<String>,
    /// An empty `open_to` stands for the world instead, which is docker-machine's rule.
    pub open_to_world: bool,
    /// Secrets that were given literally are written into the record, as docker-machine does.
    pub store_secrets: bool,
}
