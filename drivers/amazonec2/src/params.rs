/// The parameters of a call, as the Query API names them: `BlockDeviceMapping.1.Ebs.VolumeSize`.
/// What has no value is left out, since EC2 takes an empty one for a wrong one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "calls read better without references")]
    pub(crate) fn set(mut self, name: &str, value: impl ToString) -> Self {
        let value = value.to_string();
        if !value.is_empty() {
            self.0.push((name.to_owned(), value));
        }
        self
    }

    /// Sets `true`, or nothing.
    #[must_use]
    pub(crate) fn set_if(self, name: &str, value: bool) -> Self {
        if value { self.set(name, true) } else { self }
    }

    /// `name.1`, `name.2`, …
    #[must_use]
    pub(crate) fn list<T: ToString>(self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().enumerate();
        values.fold(self, |params, (at, value)| params.set(&format!("{name}.{}", at + 1), value))
    }

    /// The next filter: a resource passes if it has any of the values.
    #[must_use]
    pub(crate) fn filter<T: ToString>(
        self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let is_filter = |key: &str| key.starts_with("Filter.") && key.ends_with(".Name");
        let number = self.0.iter().filter(|(key, _)| is_filter(key)).count() + 1;
        self.set(&format!("Filter.{number}.Name"), name)
            .list(&format!("Filter.{number}.Value"), values)
    }

    /// Tags for what the call makes, one list for each kind of resource.
    #[must_use]
    pub(crate) fn tags(self, kinds: &[&str], tags: &[(String, String)]) -> Self {
        kinds.iter().enumerate().fold(self, |params, (at, kind)| {
            let specification = format!("TagSpecification.{}", at + 1);
            let params = params.set(&format!("{specification}.ResourceType"), kind);
            tags.iter().enumerate().fold(params, |mut params, (at, (key, value))| {
                let tag = format!("{specification}.Tag.{}", at + 1);
                params.0.push((format!("{tag}.Key"), key.clone()));
                // A tag may have an empty value.
                params.0.push((format!("{tag}.Value"), value.clone()));
                params
            })
        })
    }

    /// The fields of the form that is sent.
    pub(crate) fn form(self, action: &str) -> Vec<(String, String)> {
        let mut fields = vec![
            ("Action".to_owned(), action.to_owned()),
            ("Version".to_owned(), "2016-11-15".to_owned()),
        ];
        fields.extend(self.0);
        fields
    }

    /// The form as it is sent: as Amazon's own tools write it, since some clouds sign it anew from
    /// its fields instead of signing what they received.
    pub(crate) fn body(self, action: &str) -> Vec<u8> {
        let pairs = self.form(action);
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(key, value)| format!("{}={}", escaped(key), escaped(value)))
            .collect();
        pairs.join("&").into_bytes()
    }
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            text + char::from(byte).encode_utf8(&mut [0; 4])
        }
        b' ' => text + "+",
        byte => text + &format!("%{byte:02X}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_plain_letters_is_escaped() {
        let body = Params::new().set("Value", "a*/~ \u{e4}").body("X");
        assert_eq!(body, b"Action=X&Version=2016-11-15&Value=a%2A%2F~+%C3%A4");
    }

    #[test]
    fn names_are_the_query_apis() {
        let tags = [("Name".to_owned(), "m1".to_owned()), ("empty".to_owned(), String::new())];
        let params = Params::new()
            .set("KeyName", "")
            .filter("vpc-id", ["vpc-1"])
            .filter("group-name", ["a", "b"])
            .set_if("EbsOptimized", false)
            .tags(&["instance"], &tags);
        let form: Vec<String> =
            params.form("X").into_iter().skip(2).map(|(key, value)| key + "=" + &value).collect();
        assert_eq!(
            form,
            [
                "Filter.1.Name=vpc-id",
                "Filter.1.Value.1=vpc-1",
                "Filter.2.Name=group-name",
                "Filter.2.Value.1=a",
                "Filter.2.Value.2=b",
                "TagSpecification.1.ResourceType=instance",
                "TagSpecification.1.Tag.1.Key=Name",
                "TagSpecification.1.Tag.1.Value=m1",
                "TagSpecification.1.Tag.2.Key=empty",
                "TagSpecification.1.Tag.2.Value=",
            ]
        );
    }
}
