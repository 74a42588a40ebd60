use std::collections::BTreeMap;
use std::marker::PhantomData;

use async_trait::async_trait;
use serde_json::Value;

use super::machine::every_server;
use super::vendor::{Cloud, open};
use super::{Given, Machine, read, states};
use crate::{Availability, Context, Driver, Flag, FlagValues, Kind, Result, State};

/// What the registry holds for a cloud.
pub fn kind<C: Cloud>() -> impl Kind {
    CloudKind(PhantomData::<fn() -> C>)
}

struct CloudKind<C>(PhantomData<fn() -> C>);

#[async_trait]
impl<C: Cloud> Kind for CloudKind<C> {
    fn name(&self) -> &'static str {
        C::ABOUT.name
    }

    fn summary(&self) -> &'static str {
        C::ABOUT.summary
    }

    fn flags(&self) -> Vec<Flag> {
        (C::ABOUT.flags)()
    }

    fn configure(&self, cx: &Context, values: &FlagValues) -> Result<Box<dyn Driver>> {
        let record = C::record(cx, &Given::new(C::ABOUT.name, values))?;
        Ok(Box::new(Machine::<C> { record }))
    }

    fn load(&self, record: Value) -> Result<Box<dyn Driver>> {
        Ok(Box::new(machine::<C>(record)?))
    }

    async fn availability(&self, cx: &Context) -> Availability {
        let variable = C::ABOUT.variable;
        match cx.environment.var(variable) {
            Some(_) => {
                Availability { installed: true, detail: format!("token in {variable}"), fix: None }
            }
            None => Availability {
                installed: false,
                detail: "no token".to_owned(),
                fix: Some(format!("export {variable}=...")),
            },
        }
    }

    fn answers_at_once(&self) -> bool {
        true
    }

    async fn states(&self, machines: &[(&Context, &dyn Driver)]) -> Vec<Result<State>> {
        let account = |record: &Value| {
            // As it is recorded: two literal tokens are two accounts.
            let token = C::ABOUT.secrets.first().map(|key| record[*key].to_string());
            format!("{} {}", record["APIURL"], token.unwrap_or_default())
        };
        let id = |record: &Value| {
            let id = machine::<C>(record.clone()).ok().and_then(|machine| machine.server().1);
            id.unwrap_or_default()
        };
        states(machines, account, id, list::<C>).await
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        C::ABOUT.secrets
    }

    fn permissions(&self) -> &'static str {
        C::ABOUT.permissions
    }
}

/// The states of all servers of an account.
async fn list<C: Cloud>(cx: Context, record: Value) -> Result<BTreeMap<String, State>> {
    let listed = async {
        let cloud = open::<C>(&cx, &machine::<C>(record)?.record).await?;
        every_server(&cloud).await
    };
    let all = listed.await.map_err(|error| C::ABOUT.explain(error))?;
    Ok(all.into_iter().map(|it| (it.id, it.state)).collect())
}

fn machine<C: Cloud>(record: Value) -> Result<Machine<C>> {
    Ok(Machine { record: read(C::ABOUT.name, record)? })
}
