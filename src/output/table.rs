//! Columns as Go's `tabwriter` makes them, with docker-machine's settings: a cell is at least five
//! characters wide, padding included, of which three are padding; the last cell of a row has none.

use unicode_width::UnicodeWidthStr;

const MIN_WIDTH: usize = 5;
const PADDING: usize = 3;

/// One line for each row. Rows may have different lengths.
pub fn render<R: AsRef<[C]>, C: AsRef<str>>(rows: &[R]) -> String {
    let columns = rows.iter().map(|row| row.as_ref().len()).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().map(AsRef::as_ref).filter(|row| column + 1 < row.len());
        let widest = cells.map(|row| row[column].as_ref().width()).max().unwrap_or(0);
        (widest + PADDING).max(MIN_WIDTH)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows.iter().map(AsRef::as_ref) {
        for (column, cell) in row.iter().map(AsRef::as_ref).enumerate() {
            text.push_str(cell);
            if column + 1 < row.len() {
                text.extend(std::iter::repeat_n(' ', widths[column] - cell.width()));
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn columns_are_as_wide_as_docker_machines() {
        let rows = [
            vec!["NAME", "ACTIVE", "DRIVER", "STATE", "URL", "SWARM", "DOCKER", "ERRORS"],
            vec![
                "m-b2d",
                "-",
                "generic",
                "Running",
                "tcp://127.0.0.1:2376",
                "m-b2d (master)",
                "v24.0.7",
                "",
            ],
        ];
        let expected = "\
NAME    ACTIVE   DRIVER    STATE     URL                    SWARM            DOCKER    ERRORS
m-b2d   -        generic   Running   tcp://127.0.0.1:2376   m-b2d (master)   v24.0.7   \n";
        assert_eq!(render(&rows), expected);
    }
}
