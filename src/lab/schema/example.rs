/// A lab file to begin with: what `machine lab init` writes.
pub fn example() -> &'static str {
    include_str!("example.yaml")
}

#[cfg(test)]
mod tests {
    use super::super::super::{Source, read};
    use super::*;
    use crate::engine::Registry;

    #[test]
    fn the_example_is_a_lab() {
        let source = Source {
            text: example(),
            path: "/labs/first/lab.yaml".as_ref(),
            driver: "qemu",
            variables: &|_| None,
        };
        let lab = read(&source, &Registry::built_in()).unwrap();
        let names: Vec<&str> = lab.machines.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names, ["node1", "node2", "node3"]);
        assert_eq!(lab.name, "first");
    }
}
