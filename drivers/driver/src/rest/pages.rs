use std::collections::BTreeSet;

use super::{Answer, Api, Request};
use crate::{Error, Result};

/// More pages than any account has.
const MOST: usize = 1000;

/// All items of a list that comes in pages. `read` takes one page apart: its items, and the
/// address or path of the next one.
pub async fn all_pages<T>(
    api: &Api,
    first: Request<'_>,
    mut read: impl FnMut(&Answer) -> Result<(Vec<T>, Option<String>)>,
) -> Result<Vec<T>> {
    let mut answer = first.send().await?;
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    loop {
        let (items, next) = read(&answer)?;
        all.extend(items);
        let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(all) };
        if !seen.insert(next.clone()) || seen.len() > MOST {
            return Err(Error::other(format!("the pages of `{}` have no end", answer.call)));
        }
        answer = api.get(&next).send().await?;
    }
}
