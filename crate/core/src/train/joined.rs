//! What is trained, as few long rows instead of many short tensors, on GPUs: an update then takes a handful
//! of dispatches, not a dozen for each tensor. Tensors are parts of the rows, in their memory.

use std::ops::Range;

use burn::tensor::Tensor;

use crate::{
    model::parameter::{Parameter, Parameters},
    ops::{
        gpu::slot,
        rows::{is_part, join, part},
    },
};

/// From so many numbers on a tensor is a row of its own: to copy its gradient into a longer one would cost
/// more than is spared.
const LONG: usize = 1 << 20;

/// How tensors are joined.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    rows: Vec<Row>,
    /// For each tensor, its row and where it is in it.
    places: Vec<(usize, Range<usize>)>,
    /// The rows as they were put into the tensors last.
    values: Vec<Option<Tensor<1>>>,
}

/// Tensors in one row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The name of one of them: all are treated as this one is.
    pub(super) name: String,
    /// Numbers, those between tensors too.
    pub(super) length: usize,
    tensors: Vec<usize>,
}

impl Joined {
    /// All tensors. Those whose names `alike` tells apart are in different rows.
    pub(super) fn new(trained: &mut dyn Parameters, alike: impl Fn(&str, &str) -> bool) -> Self {
        let (mut rows, mut places): (Vec<Row>, Vec<_>) = (Vec::new(), Vec::new());
        trained.visit(&mut |name, parameter| {
            let (tensor, length) = (places.len(), parameter.shape().iter().product());
            let fits =
                |row: &&mut Row| row.length < LONG && length < LONG && alike(&row.name, name);
            let index = match rows.iter_mut().enumerate().rev().find(|(_, row)| fits(row)) {
                Some((index, _)) => index,
                None => {
                    rows.push(Row { name: name.to_owned(), length: 0, tensors: Vec::new() });
                    rows.len() - 1
                }
            };
            let row = &mut rows[index];
            places.push((index, row.length..row.length + length));
            row.length += slot(length);
            row.tensors.push(tensor);
        });
        for row in &mut rows {
            // A row of one is the tensor itself, without a slot.
            if let [tensor] = row.tensors[..] {
                row.length = places[tensor].1.len();
            }
        }
        let values = vec![None; rows.len()];
        Joined { rows, places, values }
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// One row of numbers for each tensor, as rows of joined ones.
    pub(super) fn join(&self, of_tensors: &[Tensor<1>]) -> Vec<Tensor<1>> {
        self.rows.iter().map(|row| self.joined(row, of_tensors)).collect()
    }

    fn joined(&self, row: &Row, of_tensors: &[Tensor<1>]) -> Tensor<1> {
        match row.tensors[..] {
            [tensor] => of_tensors[tensor].clone(),
            _ => join(row.tensors.iter().map(|tensor| of_tensors[*tensor].clone()).collect()),
        }
    }

    /// The values of what is trained: where nothing else was put into the tensors, those of the last
    /// [`Joined::put`].
    pub(super) fn values(&mut self, trained: &mut dyn Parameters) -> Vec<Tensor<1>> {
        let mut tensors = Vec::new();
        trained.visit(&mut |_, parameter| tensors.push(parameter.flat()));
        let known = std::mem::take(&mut self.values).into_iter().zip(&self.rows);
        let values = known.map(|(known, row)| {
            let is_there = |whole: &Tensor<1>| {
                let part = |tensor: &usize| (&tensors[*tensor], self.places[*tensor].1.start);
                row.tensors.iter().map(part).all(|(tensor, first)| is_part(tensor, whole, first))
            };
            known.filter(is_there).unwrap_or_else(|| self.joined(row, &tensors))
        });
        values.collect()
    }

    /// Puts values into the tensors.
    pub(super) fn put(&mut self, trained: &mut dyn Parameters, values: Vec<Tensor<1>>) {
        let mut places = 0..;
        trained.visit(&mut |_, mut parameter: Parameter| {
            let Some(tensor) = places.next() else { return };
            parameter.replace(|_| self.part(tensor, &values[self.row_of(tensor)]));
        });
        let values = values.into_iter().zip(&self.rows);
        self.values = values.map(|(row, of)| (of.tensors.len() > 1).then_some(row)).collect();
    }

    /// A tensor's part of its row.
    pub(super) fn part(&self, tensor: usize, row: &Tensor<1>) -> Tensor<1> {
        let (index, place) = &self.places[tensor];
        match self.rows[*index].tensors.len() {
            1 => row.clone(),
            _ => part(row, place.start, place.len()),
        }
    }

    /// The row that a tensor is in.
    pub(super) fn row_of(&self, tensor: usize) -> usize {
        self.places[tensor].0
    }
}
