//! A fair sample of rows that pass: those with the smallest numbers of a random stream.

use modelwright_core::Result;
use modelwright_core::data::Table;
use modelwright_core::random::number_at;

/// At most so many rows, each as likely as any other, whatever the parts they came in.
pub(super) struct RowSample {
    n_max: usize,
    key: u64,
    limit: u64,
    kept: Vec<u64>,
    table: Option<Table>,
    n_seen: u64,
}

impl RowSample {
    pub(super) fn new(n_max: usize, key: u64) -> Self {
        Self { n_max, key, limit: u64::MAX, kept: Vec::new(), table: None, n_seen: 0 }
    }

    /// Which of the next rows are taken, ascending; [`Self::add`] wants them next.
    pub(super) fn chosen(&mut self, n_rows: usize) -> Vec<u32> {
        let mut rows = Vec::new();
        for row in 0..n_rows {
            let number = number_at(self.key, self.n_seen + row as u64);
            if number <= self.limit {
                rows.push(row as u32);
                self.kept.push(number);
            }
        }
        self.n_seen += n_rows as u64;
        rows
    }

    /// Takes the rows that were chosen, which have the columns of those before.
    pub(super) fn add(&mut self, chosen: Table) -> Result<()> {
        match &mut self.table {
            None => self.table = Some(chosen),
            Some(table) => table.append(&chosen)?,
        }
        if self.kept.len() > 2 * self.n_max {
            self.thin_out();
        }
        Ok(())
    }

    fn thin_out(&mut self) {
        let mut numbers = self.kept.clone();
        if numbers.len() <= self.n_max {
            return;
        }
        self.limit = *numbers.select_nth_unstable(self.n_max - 1).1;
        let stays = |row: &u32| self.kept[*row as usize] <= self.limit;
        let rows: Vec<u32> = (0..self.kept.len() as u32).filter(stays).collect();
        self.table = self.table.take().map(|table| table.into_selected(&rows));
        self.kept = rows.iter().map(|row| self.kept[*row as usize]).collect();
    }

    /// The sample.
    pub(super) fn finish(&mut self) {
        self.thin_out();
    }

    /// The random number of each row of the sample.
    pub(super) fn numbers(&self) -> &[u64] {
        &self.kept
    }

    /// The rows, as long as there are any.
    pub(super) fn table(&self) -> Option<&Table> {
        self.table.as_ref()
    }
}
