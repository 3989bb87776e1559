//! Columns of codes, and what a code means for the features of its column.
//!
//! A feature that is a column by itself has its bins as codes; the code of a joint column
//! ([`super::joint`]) stands for a bin of each of its members.

use super::bins::BinFeature;
use super::joint::JointColumn;

/// One code per row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column<'a> {
    /// The bins of a feature, by its position.
    Feature(usize),
    /// Codes of several features.
    Joint(&'a JointColumn),
}

/// Where the bins of a member are in the histogram of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The usual bin: the one that most rows have.
    pub(super) usual: u32,
    start: u32,
    end: u32,
}

/// Which bins each code of a column stands for, as places in the histogram of a block.
#[derive(Debug)]
pub(super) struct Dictionary {
    /// Where the places of each code start; one more than there are codes.
    starts: Vec<u32>,
    /// Bins of the members other than their usual ones.
    places: Vec<u32>,
}

impl<'a> Column<'a> {
    /// The code of each row.
    pub(super) fn codes(self, features: &'a [BinFeature<'_>]) -> &'a [u8] {
        match self {
            Self::Feature(feature) => &features[feature].codes,
            Self::Joint(column) => &column.codes,
        }
    }

    /// How many codes there are.
    pub(super) fn n_codes(self, features: &[BinFeature<'_>]) -> usize {
        match self {
            Self::Feature(feature) => features[feature].n_bins(),
            Self::Joint(column) => column.tuples.len(),
        }
    }

    /// The features whose bins the codes stand for.
    pub(super) fn members(&self) -> &[usize] {
        match self {
            Self::Feature(feature) => std::slice::from_ref(feature),
            Self::Joint(column) => &column.members,
        }
    }

    /// How many rows each code has.
    pub(super) fn counts(self, features: &[BinFeature<'_>]) -> Vec<usize> {
        let mut counts = vec![0_usize; self.n_codes(features)];
        for code in self.codes(features) {
            counts[usize::from(*code)] += 1;
        }
        counts
    }

    /// The bin of a member that a code stands for.
    pub(super) fn bin(self, code: usize, member: usize) -> u8 {
        match self {
            Self::Feature(_) => code as u8,
            Self::Joint(column) => column.tuples[code][member],
        }
    }
}

impl Dictionary {
    /// The dictionary of a column whose members' bins start at `start` in the block's histogram,
    /// one member after the other, and the places of these; `n_rows_of` counts the rows of each
    /// code.
    pub(super) fn of(
        (column, n_rows_of): (Column<'_>, &[usize]),
        features: &[BinFeature<'_>],
        start: usize,
    ) -> (Self, Vec<Place>) {
        let mut end = start as u32;
        let mut members = Vec::with_capacity(column.members().len());
        for (member, feature) in column.members().iter().enumerate() {
            let mut n_rows = [0_usize; 256];
            for (code, n) in n_rows_of.iter().enumerate() {
                n_rows[usize::from(column.bin(code, member))] += n;
            }
            let most = (0..256).rev().max_by_key(|bin| n_rows[*bin]).unwrap_or(0) as u32;
            let start = end;
            end += features[*feature].n_bins() as u32;
            members.push(Place { usual: start + most, start, end });
        }
        let mut dictionary = Self { starts: vec![0], places: Vec::new() };
        for code in 0..n_rows_of.len() {
            let places = members.iter().enumerate().map(|(member, place)| {
                (place.start + u32::from(column.bin(code, member)), place.usual)
            });
            dictionary.places.extend(places.filter(|(at, usual)| at != usual).map(|(at, _)| at));
            dictionary.starts.push(dictionary.places.len() as u32);
        }
        (dictionary, members)
    }

    /// The places of a code, without those of usual bins.
    pub(super) fn places_of(&self, code: u8) -> &[u32] {
        let code = usize::from(code);
        &self.places[self.starts[code] as usize..self.starts[code + 1] as usize]
    }

    /// Adds the sums of the codes to all bins but the usual ones.
    pub(super) fn expand(&self, sums: &[i64], histogram: &mut [i64]) {
        for (code, sum) in (0..=u8::MAX).zip(&sums[..self.starts.len() - 1]) {
            if *sum != 0 {
                for place in self.places_of(code) {
                    histogram[*place as usize] += sum;
                }
            }
        }
    }
}

impl Place {
    /// Gives the usual bin what the others leave of the total.
    pub(super) fn complete(&self, total: i64, histogram: &mut [i64]) {
        let others: i64 = histogram[self.start as usize..self.end as usize].iter().sum();
        histogram[self.usual as usize] = total - others;
    }
}
