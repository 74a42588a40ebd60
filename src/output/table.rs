//! Columns as Go's `tabwriter` makes them, with docker-machine's settings: a cell is at least five
//! characters wide, padding included, of which three are padding; what stands behind the last tab
//! of a line has none.

use unicode_width::UnicodeWidthStr;

const MIN_WIDTH: usize = 5;
const PADDING: usize = 3;

/// One line for each row. Rows may have different lengths.
pub fn render<R: AsRef<[C]>, C: AsRef<str>>(rows: &[R]) -> String {
    let line = |row: &R| row.as_ref().iter().map(AsRef::as_ref).collect::<Vec<_>>().join("\t");
    align(&rows.iter().map(|row| line(row) + "\n").collect::<String>())
}

/// Aligns the cells of a text, which tabs end. A column reaches over the lines that follow one
/// another and have it; a line without it ends the column.
pub fn align(text: &str) -> String {
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|_| Vec::new()).collect();
    measure(&lines, &mut widths, 0);
    let mut aligned = String::new();
    for (line, widths) in lines.iter().zip(&widths) {
        for (place, cell) in line.iter().enumerate() {
            aligned.push_str(cell);
            let blanks = widths.get(place).map_or(0, |width| width - cell.width());
            aligned.extend(std::iter::repeat_n(' ', blanks));
        }
        aligned.push('\n');
    }
    aligned
}

/// Finds the widths of `column` and of those to its right.
fn measure(lines: &[Vec<&str>], widths: &mut [Vec<usize>], column: usize) {
    let has = |line: &Vec<&str>| column + 1 < line.len();
    let mut start = 0;
    while start < lines.len() {
        let end = start + lines[start..].iter().take_while(|line| has(line)).count();
        if end > start {
            let cells = lines[start..end].iter().map(|line| line[column].width());
            let width = (cells.max().unwrap_or(0) + PADDING).max(MIN_WIDTH);
            widths[start..end].iter_mut().for_each(|line| line.push(width));
            measure(&lines[start..end], &mut widths[start..end], column + 1);
        }
        start = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// What Go 1.19's `tabwriter.NewWriter(out, 5, 1, 3, ' ', 0)` made of the same text.
    #[test]
    fn a_line_without_a_column_ends_it() {
        let text = "a\tb\tc\nlonger\tb\tc\nno cells\nx\ty\nz\t\t\n\tq\n";
        let expected = "a        b    c\nlonger   b    c\nno cells\nx    y\nz         \n     q\n";
        assert_eq!(align(text), expected);
        assert_eq!(align(""), "");
    }
}
