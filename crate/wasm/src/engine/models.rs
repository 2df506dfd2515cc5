//! Loading bases, and what they would take.

use flantune::{
    Result,
    config::{Dtype, ModelConfig},
    device::{Kind, Limits},
    model::{BaseModel, T5Config},
    session::Session,
    train::memory::{Demand, Obstacle, estimate},
};
use serde_json::{Value, json};

use super::State;
use crate::{
    options::configuration,
    request::{Base, Options},
};

/// What 32-bit addresses reach.
const ADDRESSES: u64 = 1 << 32;

impl State {
    pub(super) async fn estimate(&self, directory: &str, options: &Options) -> Result<Value> {
        let config = configuration(options)?;
        let model = T5Config::open(&*self.host.storage, directory).await?;
        let (kind, limits) = match &*self.device.borrow() {
            Some(device) => (device.kind(), device.limits()),
            None => (Kind::Cpu, Limits::default()),
        };
        let cpu = kind == Kind::Cpu;
        let found = estimate(&model, &Demand::new(&config, cpu));
        let obstacle = found.obstacle(&limits, cpu.then_some(ADDRESSES));
        let mut answer = json!({
            "architecture": architecture(&model, found.total_parameters - found.trainable_parameters),
            "memory": found,
        });
        if let Some(obstacle) = obstacle {
            answer["obstacle"] = Obstacle::code(obstacle).into();
        }
        Ok(answer)
    }

    pub(super) async fn load_model(
        &self,
        name: String,
        directory: &str,
        base: Option<Base>,
        dtype: Dtype,
    ) -> Result<Value> {
        let config = ModelConfig { dtype, ..ModelConfig::default() };
        let id = match base {
            Some(base) => BaseModel { id: Some(base.id), revision: base.revision },
            None => BaseModel::default(),
        };
        let device = self.device()?;
        let session = Session::open_on(&device, &self.host, &config, directory, id).await?;
        let answer = json!({
            "architecture": architecture(session.config(), session.parameters()),
            "hash": session.base().hash,
            "int8": session.is_int8(),
            "bytes": session.weight_bytes(),
        });
        self.models.borrow_mut().insert(name, session);
        Ok(answer)
    }
}

fn architecture(config: &T5Config, parameters: u64) -> Value {
    json!({
        "parameters": parameters,
        "d_model": config.d_model,
        "d_kv": config.d_kv,
        "d_ff": config.d_ff,
        "num_heads": config.num_heads,
        "num_layers": config.num_layers,
        "num_decoder_layers": config.num_decoder_layers,
        "vocab_size": config.vocab_size,
        "gated": config.feed_forward.inputs().len() == 2,
    })
}
