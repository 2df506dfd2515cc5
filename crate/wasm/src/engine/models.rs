//! Loading bases, and what they would take.

use flantune::{
    Result,
    config::{Dtype, ModelConfig},
    device::{DeviceKind, Limits},
    model::{BaseModel, T5Config},
    session::Session,
    train::{
        memory::{Demand, Obstacle, estimate},
        plan::{self, Plan},
    },
};

use super::State;
use crate::{
    options::{configuration, sections},
    protocol::{Answer, Architecture, Base, Estimated, ModelInfo, Options, Planned, Rows},
};

/// What 32-bit addresses reach.
const ADDRESSES: u64 = 1 << 32;

impl State {
    pub(super) async fn estimate(&self, directory: &str, options: &Options) -> Result<Answer> {
        let config = configuration(options)?;
        let model = T5Config::open(&*self.host.storage, directory).await?;
        let (kind, limits) = match &*self.device.borrow() {
            Some(device) => (device.kind(), device.limits()),
            None => (DeviceKind::Cpu, Limits::default()),
        };
        let cpu = kind == DeviceKind::Cpu;
        let found = estimate(&model, &Demand::new(&config, cpu));
        let obstacle = found.obstacle(&limits, cpu.then_some(ADDRESSES));
        Ok(Answer::Estimated(Estimated {
            architecture: architecture(&model, found.total_parameters - found.trainable_parameters),
            memory: found,
            obstacle: obstacle.map(Obstacle::code),
        }))
    }

    pub(super) fn plan(
        &self,
        options: &Options,
        model: Option<&str>,
        rows: Option<Rows>,
    ) -> Result<Answer> {
        let config = configuration(options)?;
        let rows = rows.map(|Rows { train, validation }| plan::Rows { train, validation });
        let plan = match model {
            Some(model) => self.session(model)?.plan(&config, rows)?,
            None => Plan::of(&config, None, rows)?,
        };
        Ok(Answer::Plan(Box::new(Planned {
            config: sections(&plan.config),
            toml: config.to_toml(),
            plan,
        })))
    }

    pub(super) async fn load_model(
        &self,
        name: String,
        directory: &str,
        base: Option<Base>,
        dtype: Dtype,
    ) -> Result<Answer> {
        let config = ModelConfig { dtype, ..ModelConfig::default() };
        let id = match base {
            Some(base) => BaseModel { id: Some(base.id), revision: base.revision },
            None => BaseModel::default(),
        };
        let device = self.device()?;
        let session = Session::open_on(&device, &self.host, &config, directory, id).await?;
        let info = ModelInfo {
            architecture: architecture(session.config(), session.parameters()),
            hash: session.base().hash.clone(),
            dtype: session.dtype(),
            bytes: session.weight_bytes(),
        };
        self.models.borrow_mut().insert(name, session);
        Ok(Answer::Model(info))
    }
}

fn architecture(config: &T5Config, parameters: u64) -> Architecture {
    Architecture {
        parameters,
        d_model: config.d_model,
        d_kv: config.d_kv,
        d_ff: config.d_ff,
        num_heads: config.num_heads,
        num_layers: config.num_layers,
        num_decoder_layers: config.num_decoder_layers,
        vocab_size: config.vocab_size,
        gated: config.feed_forward.inputs().len() == 2,
    }
}
