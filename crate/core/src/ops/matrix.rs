//! Matrices on their way to a device. Those that are read together are laid together before they get there:
//! joined on the device, they would leave holes where they were, because a GPU gives no memory back by itself.

use burn::{
    backend::Cube,
    tensor::{DType, Element, Int, Tensor, TensorData},
};
use burn_cubecl::tensor::CubeTensor;

use super::{
    gpu::{part, slot},
    packed::{Format, Packed, Packer},
    weight::Weight,
};
use crate::device::{Device, is_gpu};

/// A matrix that is not on a device yet.
#[derive(Debug)]
pub enum Matrix {
    /// Its floats, row by row, and its rows and columns.
    Dense(Vec<f32>, [usize; 2]),
    /// Packed.
    Packed(Packer),
}

impl Matrix {
    /// Puts it onto a device.
    pub fn put(self, device: &Device) -> Weight {
        let [weight] = Matrix::put_together([self], device);
        weight
    }

    /// Puts several onto a device. On a GPU those of one kind lie one after the other, so that it takes them as one.
    ///
    /// Their memory is of exactly their size: they stay for as long as the model does, and in pages that they shared
    /// with what comes and goes there would be no end of holes.
    pub fn put_together<const N: usize>(matrices: [Matrix; N], device: &Device) -> [Weight; N] {
        device.burn().memory_persistent_allocations(matrices, |matrices| {
            let kind = matrices[0].format();
            let alike = matrices.iter().all(|matrix| matrix.format() == kind);
            match N > 1 && alike && is_gpu(device.burn()) {
                true => Matrix::laid(matrices, device),
                false => matrices.map(|matrix| matrix.alone(device)),
            }
        })
    }

    /// What its numbers are; none for floats.
    fn format(&self) -> Option<Format> {
        match self {
            Matrix::Dense(..) => None,
            Matrix::Packed(packer) => Some(packer.format),
        }
    }

    fn alone(self, device: &Device) -> Weight {
        match self {
            Matrix::Dense(values, shape) => {
                Weight::Dense(Tensor::from_data(TensorData::new(values, shape), device.burn()))
            }
            Matrix::Packed(packer) => Weight::Packed(packer.finish(device)),
        }
    }

    /// One after the other on a GPU.
    fn laid<const N: usize>(matrices: [Matrix; N], device: &Device) -> [Weight; N] {
        let (mut floats, mut words, mut scales) = (Vec::new(), Vec::new(), Vec::new());
        let places = matrices.map(|matrix| match matrix {
            Matrix::Dense(values, shape) => (None, Place::after(&mut floats, values, shape), None),
            Matrix::Packed(Packer { format, columns, words: numbers, scales: factors }) => {
                let rows = numbers.len() / format.words(columns).max(1);
                let width = format.scale_words(columns);
                let factors =
                    (width > 0).then(|| Place::after(&mut scales, factors, [rows, width]));
                let numbers = Place::after(&mut words, numbers, [rows, format.words(columns)]);
                (Some((format, columns)), numbers, factors)
            }
        });
        let floats = row(floats).map(|row| Tensor::<1>::from_data(row, device.burn()));
        let floats = floats.map(|row| on_gpu(row.try_into_primitive::<Cube>()));
        let [words, scales] = [words, scales].map(|words| {
            let device = (device.burn(), DType::I32);
            let row = row(words).map(|row| Tensor::<1, Int>::from_data(row, device));
            row.map(|row| on_gpu(row.try_into_primitive::<Cube>()))
        });
        places.map(|(packed, numbers, factors)| match packed {
            None => Weight::Dense(Tensor::from_primitive::<Cube>(numbers.of(&floats))),
            Some((format, columns)) => Weight::Packed(Packed {
                format,
                words: Tensor::from_primitive::<Cube>(numbers.of(&words)),
                scales: factors.map(|place| Tensor::from_primitive::<Cube>(place.of(&scales))),
                columns,
            }),
        })
    }
}

/// Where a matrix is in a row of several.
struct Place {
    first: usize,
    shape: [usize; 2],
}

impl Place {
    /// After what is in the row already, in a slot of its own.
    fn after<T: Copy + Default>(row: &mut Vec<T>, matrix: Vec<T>, shape: [usize; 2]) -> Self {
        let first = row.len();
        row.reserve_exact(slot(matrix.len()));
        row.extend(matrix);
        row.resize(slot(row.len()), T::default());
        Place { first, shape }
    }

    /// The matrix, in the row's memory.
    fn of(self, row: &Option<CubeTensor>) -> CubeTensor {
        part(row.as_ref().expect("a row with this matrix"), self.first, self.shape)
    }
}

/// The numbers of a row, if there are any.
fn row<T: Element>(numbers: Vec<T>) -> Option<TensorData> {
    let length = numbers.len();
    (length > 0).then(|| TensorData::new(numbers, [length]))
}

fn on_gpu<E: std::fmt::Debug>(row: Result<CubeTensor, E>) -> CubeTensor {
    row.expect("a tensor on a GPU")
}
