//! Products of integers: on every processor and in every browser the bits of their definition.

use burn::tensor::{Tensor, TensorData};
use flantune::{
    device::{Device, DeviceKind},
    ops::{
        Context, Format, Packed, Packer, Products, Weight,
        integers::{Integers, definition},
        linear::linear,
    },
};

use super::case::Draw;
use crate::checks::Failure;

/// Rows, inputs and outputs, about the sizes of blocks and tiles; more rows than generation has.
const SIZES: [[usize; 3]; 6] =
    [[17, 64, 8], [18, 1, 1], [19, 63, 33], [31, 130, 70], [64, 512, 96], [40, 1090, 31]];

pub(super) async fn check(device: &Device) -> Result<(), Failure> {
    let mut draw = Draw::new();
    for [rows, inputs, outputs] in SIZES {
        let weight = draw.normal(outputs * inputs, 1.0);
        let (x, dy) = (draw.normal(rows * inputs, 1.0), draw.normal(rows * outputs, 1.0));
        let mut packer = Packer::new(Format::Int8, [outputs, inputs]);
        packer.round(&weight).map_err(|place| format!("number {place} is too large"))?;
        let weight = packer.finish(device);
        let found = products(device, &weight, [&x, &dy], Products::Int16).await?;
        let expected = match device.kind() {
            DeviceKind::Cpu => defined(&weight, rows, [&x, &dy])?,
            // A GPU multiplies floats, whatever is asked for.
            DeviceKind::Webgpu => products(device, &weight, [&x, &dy], Products::F32).await?,
        };
        for (name, found, expected) in
            [("y", &found[0], &expected[0]), ("dx", &found[1], &expected[1])]
        {
            let differing =
                found.iter().zip(expected).position(|(a, b)| a.to_bits() != b.to_bits());
            if let Some(place) = differing {
                let (found, expected) = (found[place], expected[place]);
                return Err(format!(
                    "[{rows}, {inputs}] to {outputs}: number {place} of {name} is {found}, not {expected}"
                )
                .into());
            }
        }
    }
    Ok(())
}

/// `x · Wᵀ` and `dy · W`.
async fn products(
    device: &Device,
    weight: &Packed,
    [x, dy]: [&[f32]; 2],
    products: Products,
) -> Result<[Vec<f32>; 2], Failure> {
    let [outputs, inputs] = weight.dims();
    let on = device.burn().clone().autodiff();
    let tensor = |values: &[f32], width: usize| {
        let data = TensorData::new(values.to_vec(), [values.len() / width, width]);
        Tensor::<2>::from_data(data, &on)
    };
    let x = tensor(x, inputs).require_grad();
    let context = Context { kernels: true, products, ..Context::default() };
    let y = linear(x.clone(), &Weight::Packed(weight.clone()), &context);
    let gradients = (y.clone() * tensor(dy, outputs)).sum().backward();
    let dx = x.grad(&gradients).ok_or("x has no gradient")?;
    Ok([
        flantune::device::read(y.flatten::<1>(0, 1)).await?,
        flantune::device::read(dx.flatten::<1>(0, 1)).await?,
    ])
}

fn defined(weight: &Packed, rows: usize, [x, dy]: [&[f32]; 2]) -> Result<[Vec<f32>; 2], Failure> {
    let words = weight.words.to_data().try_into_vec::<i32>()?;
    let scales = weight.scales.as_ref().ok_or("integers without scales")?.to_data();
    let scales = scales.try_into_vec::<i32>()?.into_iter();
    let scales: Vec<f32> = scales.map(|bits| f32::from_bits(bits as u32)).collect();
    let numbers: Vec<i8> =
        words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| byte as i8).collect();
    let stride = 4 * Format::Int8.words(weight.columns);
    let integers = Integers::new(&numbers, stride, &scales, weight.columns);
    Ok([definition::forward(x, rows, &integers), definition::backward(dy, rows, &integers)])
}
